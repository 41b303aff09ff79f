"""The commands of the pages, run as they stand: every `sh` block without needs=... in one folder beside one node and one PACS."""
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import documents as d
from documents import h

# What blocks may need that is not here, and where their commands are tried instead.
NEEDS = {
    "root": "installs into the system: tests/systemd/test_units.py installs into a prefix",
    "systemd": "a running systemd: scripts/package-trial has that of docs/3am.md and docs/drill.md word for word, tests/systemd the units without it",
    "packages": "apt and minutes: docs/fresh-machine.md; tests/docs/test_demo.py runs scripts/demo with a build that is there, CI runs scripts/test",
    "compiler": "the build that this test runs in",
    "clang": "scripts/fuzz: tests/fuzz runs its targets' inputs",
    "images": "a site's images and hours: tests/scp/admin/test_train_your_own.py does it in small",
    "networks": "files of others: tests/scp/admin/test_onnx.py",
    "names": "minutes, and names of the site: tests/scp/admin/test_phantom.py",
    "installed": "changes the model's folder: tests/scp/admin/test_selftest.py",
    "uid": "a result's UID: tests/scp/admin/test_replay.py",
    "days": "what an earlier day printed: tests/e2e/test_audit.py",
    "hours": "a day of training",
}
ELSEWHERE = {"docs/train-your-own.md": "tests/scp/admin/test_train_your_own.py", "docs/drill.md": "tests/docs/test_drill.py"}


# The same commands in small.
SMALL = {"cervigate bench ": "cervigate bench --seconds 0.1 ", "sleep 20": "until cervigate status | grep -q '1 reports'; do sleep 0.2; done", "--count 10 --seed 1": "--count 2 --seed 1 --size 128", 
         "--rate 5 --count 2": "--rate 5 --count 1 --modalities 1 --size 128"}


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-pages-")
        for name in ("models", "sr_templates", "scripts"):
            os.symlink(os.path.join(h.SOURCE, name), cls.path(name))
        os.makedirs(cls.path("build"))
        os.symlink(h.BUILD, cls.path("build/release"))
        for name in ("config", "backups"):
            os.mkdir(cls.path(name))
        with open(cls.path("config/cervigate.xml"), "w", encoding="utf-8") as f:
            f.write(cls.quick(d.read("config/cervigate.xml")))
        os.symlink(os.path.join(h.SOURCE, "config/cervigate.xsd"), cls.path("config/cervigate.xsd"))
        cls.pacs = h.StoreScp()
        cls.node = h.Node({"pacs": ("PACS", cls.pacs.port)}, console=f'accounts="{cls.path("accounts")}"')
        h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", cls.path("one"), "--count", 1, "--seed", 3, "--prevalence", "0,1,0", "--format", "dicom")
        shutil.copy(glob.glob(cls.path("one/*/*.dcm"))[0], cls.path("lateral.dcm"))
        h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", cls.path("two"), "--count", 1, "--seed", 4)
        shutil.copy(glob.glob(cls.path("two/*/*.png"))[0], cls.path("photo.png"))
        h.wait_for(lambda: cls.node.admin("status").returncode == 0, 30, "the first self-test")

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.pacs.close()
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @staticmethod
    def quick(sample):
        """The shipped sample, for a test: less patience, less disk, ports of its own."""
        for old, new in (('quietTime="15"', 'quietTime="1"'), ('port="8104"', 'port="0"'), ('address="0.0.0.0" port="11112"', 'address="127.0.0.1" port="11112"'),
                         ('spoolReserve="1073741824"', 'spoolReserve="1048576"')):
            assert old in sample, old
            sample = sample.replace(old, new)
        return sample

    def bash(self, text, port, expected=(0,)):
        text = text.replace("11112", str(port)).replace("/srv/backups", self.path("backups"))
        for old, new in SMALL.items():
            text = text.replace(old, new)
        environment = dict(os.environ, PATH=h.BIN + ":" + os.environ["PATH"], CERVIGATE_CONFIG=self.node.config, HOME=self.folder)
        with open(self.path("said"), "w+", encoding="utf-8", errors="replace") as said:  # a daemon would hold a pipe open
            status = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                    timeout=120 * h.PATIENCE).returncode
            said.seek(0)
            output = said.read()
        self.assertIn(status, expected, text + "\n" + output)
        return output

    def run_page(self, page):
        for info, text in d.blocks(page):
            if info[:1] != ["sh"] or any(word.startswith("needs=") for word in info):
                continue
            began = time.monotonic()
            statuses = next((tuple(map(int, word[5:].split("|"))) for word in info if word.startswith("exit=")), (0,))
            for part in [text] if statuses == (0,) else text.splitlines():
                self.bash(part, self.node.port, statuses)
            print(f"{time.monotonic() - began:6.1f} s  {page}: {text.splitlines()[0][:90]}", flush=True)

    def test_needs_are_told(self):
        for old in SMALL:
            self.assertIn(old, d.read("README.md") + d.read("docs/sizing.md"))
        for page in d.pages():
            for info, text in d.blocks(page):
                for word in info:
                    if info[:1] == ["sh"] and word.startswith("needs="):
                        self.assertIn(word[6:], NEEDS, (page, text))
        for place in (*ELSEWHERE.values(), *re.findall(r"tests/[\w/]+\.py", " ".join(NEEDS.values()))):
            self.assertTrue(os.path.exists(os.path.join(h.SOURCE, place)), place)

    def test_the_pages(self):
        pages = [p for p in d.pages() if p not in ELSEWHERE and p != "README.md" and any(i[:1] == ["sh"] and len(i) == 1 or i[1:2] == ["exit=1"] for i, _ in d.blocks(p))]
        self.assertIn("docs/3am.md", pages)
        for page in pages:
            with self.subTest(page):
                self.run_page(page)

    def test_the_readme_s_first_study(self):
        """Word for word, but for port and patience: its blocks in one shell, as who follows it has them."""
        blocks = [text for info, text in d.blocks("README.md") if info == ["sh"]]
        port = h.free_port()
        with open(self.path("config/cervigate.xml"), encoding="utf-8") as f:
            sample = f.read()
        with open(self.path("config/cervigate.xml"), "w", encoding="utf-8") as f:
            f.write(sample.replace('port="11112"', f'port="{port}"'))
        try:
            said = self.bash("".join(blocks), port)
        finally:
            with open(self.path("cervigate/run/node"), encoding="utf-8") as f:
                pid = int(re.search(r"(?m)^pid=(\d+)", f.read()).group(1))
            os.kill(pid, signal.SIGTERM)
            h.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 30, "the node's end")
        for words in ("ok (mode shadow)", "1 reports, 1 pictures", "raised", "Finding at or above the operating point: fracture"):
            self.assertIn(words, said)
        self.assertTrue(os.path.exists(self.path("map.png")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
