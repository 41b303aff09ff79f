"""The package as debian/ makes it, from the programs that this build has: what is in it, what it does when installed, what lintian says."""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(SOURCE, "build/release"))
UNITS = ("cervigate.service", "cervigate.socket", "cervigate-selftest.service", "cervigate-selftest.timer", "cervigate-audit.service",
         "cervigate-audit.timer", "cervigate-retention.service", "cervigate-retention.timer")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=550, **more)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def make(folder):
    """The package, in folder."""
    tree = os.path.join(folder, "tree")
    shutil.copytree(os.path.join(SOURCE, "debian"), os.path.join(tree, "debian"))
    shutil.copy(os.path.join(SOURCE, "CHANGELOG.md"), tree)
    with open(os.path.join(tree, "debian/debhelper-build-stamp"), "w", encoding="ascii") as file:
        file.write("cervigate\n")
    run("debian/rules", "binary", cwd=tree, env=dict(os.environ, built=os.path.realpath(BUILD), DEB_RULES_REQUIRES_ROOT="no",
        DEB_BUILD_OPTIONS="noautodbgsym", DPKG_DEB_COMPRESSOR_TYPE="gzip", DPKG_DEB_COMPRESSOR_LEVEL="1", MAKEFLAGS=""))
    return next(os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".deb"))


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Sources(unittest.TestCase):
    def test_it_needs_what_scripts_deps_installs(self):
        with open(os.path.join(SOURCE, "debian/control"), encoding="utf-8") as file:
            wanted = {word.split()[0] for word in re.search(r"Build-Depends:(.*?)\n\n", file.read(), re.S).group(1).split(",")}
        with open(os.path.join(SOURCE, "scripts/deps"), encoding="utf-8") as file:
            installed = set(re.search(r"^build=\((.*?)\)", file.read(), re.M | re.S).group(1).split())
        of_the_package = {"debhelper-compat", "dh-sequence-installsysusers", "python3:any"}
        of_every_build = {"build-essential", "g++", "git", "ca-certificates"}
        self.assertEqual(wanted - of_the_package, installed - of_every_build)

    def test_its_version_is_the_programs(self):
        with open(os.path.join(SOURCE, "CMakeLists.txt"), encoding="utf-8") as file:
            version = re.search(r"project\(cervigate VERSION (\S+)", file.read()).group(1)
        self.assertEqual(run("dpkg-parsechangelog", "-S", "Version", cwd=SOURCE).strip(), version)


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.package = make(cls.folder)
        cls.unpacked = os.path.join(cls.folder, "unpacked")
        run("dpkg-deb", "-R", cls.package, cls.unpacked)

    def text(self, path):
        with open(os.path.join(self.unpacked, path), encoding="utf-8") as file:
            return file.read()

    def test_lintian(self):
        said = subprocess.run(["lintian", "--allow-root", "-I", "--pedantic", "--fail-on", "error,warning", self.package],
                              capture_output=True, text=True, timeout=550, check=False)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_where_things_are(self):
        listed = run("dpkg-deb", "-c", self.package)
        paths = {line.split()[5].lstrip("."): line.split()[:2] for line in listed.splitlines()}
        self.assertEqual({owner for _, owner in paths.values()}, {"root/root"})
        for path, mode in [(f"/lib/systemd/system/{unit}", "-rw-r--r--") for unit in UNITS] + [
                ("/usr/bin/cervigate", "-rwxr-xr-x"), ("/usr/bin/cervigated", "-rwxr-xr-x"), ("/etc/cervigate/cervigate.xml", "-rw-r--r--"),
                ("/usr/lib/sysusers.d/cervigate.conf", "-rw-r--r--"), ("/usr/lib/tmpfiles.d/cervigate.conf", "-rw-r--r--"),
                ("/usr/share/cervigate/cervigate.xml", "-rw-r--r--"), ("/usr/share/cervigate/cervigate.xsd", "-rw-r--r--"),
                ("/usr/share/cervigate/models/cervigate-phantom/weights.safetensors", "-rw-r--r--"),
                ("/usr/share/doc/cervigate/operations.md", "-rw-r--r--"), ("/usr/share/doc/cervigate/3am.html", "-rw-r--r--"), ("/usr/share/doc/cervigate/copyright", "-rw-r--r--"),
                ("/usr/share/bash-completion/completions/cervigate", "-rw-r--r--"), ("/etc/cervigate/cervigate.d/", "drwxr-xr-x"),
                *((f"/usr/share/man/{page}.gz", "-rw-r--r--") for page in ("man1/cervigate.1", "man5/cervigate.xml.5", "man8/cervigated.8"))]:
            self.assertEqual(paths.get(path, ["missing"])[0], mode, path)
        self.assertFalse([path for path in paths if path.startswith(("/usr/lib/systemd", "/usr/local", "/var", "/run"))])
        for unit in UNITS:
            for page in re.findall(r"^Documentation=file:(\S+)$", self.text(f"lib/systemd/system/{unit}"), re.M):
                self.assertIn(page, paths, unit)

    def test_conffiles(self):
        self.assertEqual(self.text("DEBIAN/conffiles").split(), ["/etc/cervigate/cervigate.xml"])
        self.assertEqual(self.text("etc/cervigate/cervigate.xml"), self.text("usr/share/cervigate/cervigate.xml"))

    def test_what_it_does(self):
        after, before, gone = (self.text(f"DEBIAN/{name}") for name in ("postinst", "prerm", "postrm"))
        order = [after.index(word) for word in ("systemd-sysusers", "systemd-tmpfiles", "deb-systemd-invoke")]
        self.assertEqual(order, sorted(order), "a user, then its folders, then the node")
        for unit in ("cervigate.service", "cervigate.socket", "cervigate-selftest.timer", "cervigate-audit.timer", "cervigate-retention.timer"):
            self.assertRegex(after, rf"deb-systemd-helper enable '{unit}'")
        # While it is exchanged the node runs, and its socket stays open; all is stopped when it is removed.
        did = [line.split()[1:] for line in (after + before).splitlines() if line.strip().startswith("deb-systemd-invoke")]
        every = ["'cervigate-audit.timer'", "'cervigate-retention.timer'", "'cervigate-selftest.timer'", "'cervigate.service'", "'cervigate.socket'"]
        self.assertEqual([words[:words.index(">/dev/null")] for words in did],
                         [["start", *every], ["restart", "cervigate.service"], ["stop", *every]])
        self.assertRegex(before, r'"\$1" = remove \] && [^\n]*\n\s*deb-systemd-invoke stop')
        self.assertIn("/etc/cervigate/purge-data", gone)

    def test_an_upgrade_keeps_the_old_node_when_the_new_program_refuses_the_configuration(self):
        """The script's own part, with the real check; of systemd and of the node only what they are asked, and what they answer."""
        with tempfile.TemporaryDirectory() as folder:
            config, asked = os.path.join(folder, "cervigate.xml"), os.path.join(folder, "asked")
            sample = self.text("etc/cervigate/cervigate.xml").replace("/usr/share/cervigate", os.path.join(self.unpacked, "usr/share/cervigate"))
            sample = sample.replace("/var/lib/cervigate", os.path.join(folder, "spool"))
            stand_ins = {"setpriv": 'shift 5; exec "$@"', "deb-systemd-invoke": f'echo "$@" >>{asked}', "pgrep": '[ "$RUNS" = yes ]'}
            for name, does in stand_ins.items():
                write(os.path.join(folder, name), f"#!/bin/sh\n{does}\n")
                os.chmod(os.path.join(folder, name), 0o755)
            script = "set -e\n" + self.text("DEBIAN/postinst").split("# End automatically added section")[-1]
            script = script.replace("/etc/cervigate/cervigate.xml", config).replace("/run/systemd/system", folder)
            path = f"{folder}:{self.unpacked}/usr/bin:{os.environ['PATH']}"
            for words, runs, right, status in (("configure 0.0.9", True, True, 0), ("configure 0.0.9", True, False, 1), ("configure 0.0.9", False, False, 0),
                                               ("configure", True, False, 0), ("abort-upgrade 0.2.0", True, False, 0)):
                write(config, sample if right else sample.replace("quietTime=", "quitTime="))
                write(asked, "")
                done = subprocess.run(["sh", "-s", *words.split()], input=script, capture_output=True, text=True, timeout=60, check=False,
                                      env=dict(os.environ, PATH=path, RUNS="yes" if runs else "no"))
                self.assertEqual(done.returncode, status, done.stderr)
                with open(asked, encoding="ascii") as file:
                    self.assertEqual(file.read(), "restart cervigate.service\n" if right else "", words)
                told = not right and words == "configure 0.0.9"
                self.assertEqual(bool(re.search(r"cervigate\.xml:\d+: .*quitTime.*quietTime", done.stderr)), told, done.stderr)
                self.assertEqual("dpkg --configure cervigate" in done.stderr, told and runs, done.stderr)

    def test_purge_keeps_the_data_unless_it_is_asked(self):
        for said, kept in ((None, True), ("yes", True), ("/", True), ("/var/lib/cervigate", False)):
            with tempfile.TemporaryDirectory() as root:
                script = self.text("DEBIAN/postrm").split("# Automatically added")[0]
                for path in ("/var/lib/cervigate", "/etc/cervigate"):
                    os.makedirs(root + path)
                    script = script.replace(f"={path}", f"={root}{path}").replace(f" {path}", f" {root}{path}")
                with open(root + "/var/lib/cervigate/jobs.sqlite", "w", encoding="ascii"):
                    pass
                if said:
                    with open(root + "/etc/cervigate/purge-data", "w", encoding="ascii") as file:
                        file.write((root + said if said == "/var/lib/cervigate" else said) + "\n")
                done = subprocess.run(["sh", "-s", "purge"], input=script, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(os.path.exists(root + "/var/lib/cervigate/jobs.sqlite"), kept, said)
                self.assertEqual("is kept" in done.stderr, kept, said)
                self.assertFalse(os.path.exists(root + "/etc/cervigate"), said)

    def test_hardened(self):
        for program in ("cervigate", "cervigated"):
            path = os.path.join(self.unpacked, "usr/bin", program)
            dynamic, header = run("readelf", "-dW", path), run("readelf", "-hW", path)
            self.assertRegex(header, r"Type:\s+DYN")
            self.assertRegex(dynamic, r"FLAGS_1\).*NOW.*PIE")
            self.assertNotRegex(dynamic, r"RPATH|RUNPATH")
            segments = run("readelf", "-lW", path)
            self.assertRegex(segments, r"GNU_RELRO")
            self.assertRegex(segments, r"GNU_STACK.* RW ")

    def test_bill_of_materials(self):
        bill = json.loads(self.text("usr/share/doc/cervigate/cervigate.spdx.json"))
        self.assertEqual((bill["spdxVersion"], bill["creationInfo"]["created"][-1]), ("SPDX-2.3", "Z"))
        names = {one["name"]: one for one in bill["packages"]}
        depends = re.search(r"^Depends: (.*)$", self.text("DEBIAN/control"), re.M).group(1)
        for wanted in depends.split(", "):
            if not wanted.startswith("systemd"):
                either = tuple(re.split(r"[ (:]", word)[0] for word in wanted.split(" | "))
                self.assertTrue([name for name in names if name.startswith(either)], wanted)  # libopenblas0 is one of several
        self.assertRegex(names["libdcmtk17"]["externalRefs"][0]["referenceLocator"], r"^pkg:deb/debian/libdcmtk17@3\.6\.7-9")
        ids = {one["SPDXID"] for part in ("packages", "files") for one in bill[part]} | {"SPDXRef-DOCUMENT"}
        self.assertEqual(len(ids), len(bill["packages"]) + len(bill["files"]) + 1)
        for relation in bill["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, ids)
        self.assertIn("./usr/bin/cervigated", [one["fileName"] for one in bill["files"]])
        for one in bill["files"]:
            with open(os.path.join(self.unpacked, one["fileName"]), "rb") as file:
                self.assertEqual(one["checksums"][1]["checksumValue"], hashlib.sha256(file.read()).hexdigest(), one["fileName"])


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
