"""`cervigate check`: models, report template and destinations of a configuration, each error with its line."""
import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import daemon as d  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")
BAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bad")
TEMPLATES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "sr_templates")


def run(config, *options, environment=None):
    """Exit status, standard output, standard error, both without the file's name; not that nobody keeps this machine's clock."""
    said = subprocess.run([ADMIN, "check", "--config", config, *options], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, **(environment or {})))
    err = "".join(line for line in said.stderr.splitlines(True) if ": note: no time service is seen here" not in line)
    return said.returncode, said.stdout.replace(config, ""), err.replace(config, "")


# Port 104 of 0.0.0.0: free; then taken, by 0.0.0.0 and by 127.0.0.2 as a node on 127.0.0.1 sees it.
ASK_WITH_LISTENERS = """
import socket, subprocess, sys
admin, config = sys.argv[1:]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
def ask():
    said = subprocess.run(["setpriv", "--inh-caps", "-all", "--bounding-set", "-net_bind_service", admin, "check", "--config", config],
                          capture_output=True, text=True)
    print(said.returncode, said.stderr, "=====", sep="\\n")
def listen(address):
    s = socket.create_server((address, 104))
    ask()
    s.close()
ask()
listen("0.0.0.0")
with open(config) as f:
    text = f.read()
with open(config, "w") as f:
    f.write(text.replace("<node ", '<node address="127.0.0.1" '))
listen("127.0.0.2")
"""


class Check(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-check-")
        self.config = os.path.join(self.folder, "c.xml")
        self.model = d.model(self.folder)

    def tearDown(self):
        shutil.rmtree(self.folder)

    def model_named(self, name, *kind):
        folder = os.path.join(self.folder, name)
        os.mkdir(folder)
        return d.model(folder, *kind)

    def check(self, elements, node="", options=(), mode="shadow", port=0):
        """Exit status, standard output, standard error without the file's name."""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""<cervigate xmlns="urn:cervigate:config:1">
  <node aeTitle="C" port="{port}" mode="{mode}" spool="{self.folder}/spool" {node}/>
  <peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="1"/></peers>
  <rules><rule name="all" action="analyze"/></rules>
  {elements}
</cervigate>
""")
        return run(self.config, *options)

    def models(self, *folders):
        return "<models>\n" + "".join(f'<model folder="{f}"/>\n' for f in folders) + "</models>"

    def test_each_model_is_told_with_what_it_is_meant_for(self):
        second = self.model_named("b", "own")
        status, out, err = self.check(self.models(self.model, second))
        self.assertEqual((status, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(lines[-1], ": ok (mode shadow)")
        for line, number in zip(lines, (6, 7)):
            self.assertRegex(line, rf"^:{number}: model \S+ \S+: synthetic, not validated; meant for CR.*, CSPINE.*, from \d+ years$")
        self.assertEqual(len(lines), 3)

    def test_the_same_model_in_two_folders_is_told(self):
        copy = os.path.join(self.folder, "copy")
        shutil.copytree(self.model, copy)
        status, _, err = self.check(self.models(self.model, copy))
        self.assertEqual((status, err), (0, ":7: warning: this is the first model once more, which will always agree\n"))

    def test_every_model_that_does_not_open_is_told(self):
        status, out, err = self.check(self.models("/nowhere/a", "/nowhere/b"))
        self.assertEqual((status, out), (78, ""))
        self.assertRegex(err, r"(?m)^:6: model /nowhere/a: .*No such file")
        self.assertRegex(err, r"(?m)^:7: model /nowhere/b: .*No such file")
        status, out, err = self.check(self.models(self.model, "/nowhere/b"))
        self.assertEqual(status, 78)
        self.assertRegex(out, r"^:6: model ")
        self.assertRegex(err, r"^:7: model /nowhere/b: .*No such file.*\n$")

    def test_clinical_needs_both_models(self):
        clinical = self.model_named("b", "clinical")
        status, _, err = self.check(self.models(self.model, clinical), mode="clinical")
        self.assertEqual(status, 78)
        self.assertRegex(err, r"(?m)^:6: mode clinical: the model \S+ was trained on synthetic images; expected one that this site has validated .*, or another mode$")
        self.assertRegex(err, r"(?m)^:7: mode clinical: the model \S+ has no <validation> bound to its digests$")
        started = subprocess.run([d.DAEMON, "--config", self.config, "--foreground"], capture_output=True, text=True, timeout=30)
        self.assertEqual(started.returncode, 78)
        self.assertIn("synthetic images", started.stderr)

    def test_templates_that_are_none_are_told_and_the_models_too(self):
        status, _, err = self.check(self.models(self.model, "/nowhere/b") + '\n<report templates="/nowhere/t"/>')
        self.assertEqual(status, 78)
        self.assertRegex(err, r"(?m)^:9: report template \(language en\): .*/nowhere/t")
        self.assertRegex(err, r"(?m)^:7: model /nowhere/b: ")
        self.assertEqual(len(err.splitlines()), 2)

    def test_files_of_announcements_are_looked_at(self):
        secret, none = os.path.join(self.folder, "secret"), os.path.join(self.folder, "none.pem")
        with open(secret, "w", encoding="utf-8") as f:
            f.write("key")
        os.chmod(secret, 0o644)
        elements = f"""<announcements>
<webhook name="w" url="https://h/x" secret="{secret}" authorities="{none}"/>
<hl7 name="h" host="h" tls="true"
  authorities="{secret}"/>
<hl7 name="clear" host="h" authorities="{none}"/>
<hl7 name="ours" host="h" tls="true" certificate="{none}" key="{secret}"/></announcements>"""
        status, _, err = self.check(elements, f'model="{self.model}"')
        self.assertEqual(status, 78)
        said = err.splitlines()
        self.assertEqual(len(said), 5, err)
        self.assertRegex(said[0], r"^:6: <webhook secret>: .*/secret: its mode is 0644: others may read or write it; expected 0600 or 0400$")
        self.assertRegex(said[1], r"^:6: <webhook authorities>: .*/none.pem: No such file or directory$")
        self.assertRegex(said[2], r"^:7: <hl7 authorities>: .*/secret: ")
        self.assertRegex(said[3], r"^:10: <hl7 certificate>: .*/none.pem: No such file or directory$")
        self.assertRegex(said[4], r"^:10: <hl7 key>: .*/secret: its mode is 0644")
        os.chmod(secret, 0o600)
        status, _, err = self.check(f'<announcements><webhook name="w" url="https://h/x" secret="{secret}"/></announcements>', f'model="{self.model}"')
        self.assertEqual((status, err), (0, ""))
        status, _, err = self.check('<announcements><webhook name="w" url="https://h/x"/></announcements>', f'model="{self.model}"')
        self.assertEqual((status, err), (0, ':5: warning: <webhook name="w">: without secret who gets this cannot tell that it is the node\'s\n'))

    def test_every_language_of_the_schema_has_its_words(self):
        for language in ("en", "de", "fr", "es"):
            status, _, err = self.check(f'<report language="{language}"/>', f'model="{self.model}"')
            self.assertEqual((status, err), (0, ""), language)
        status, _, err = self.check('<report language="it"/>', f'model="{self.model}"')
        self.assertEqual((status, err), (78, ':5: <report language="it">: expected one of en, de, fr, es\n'))

    def test_a_row_that_is_wrong_is_named_with_its_file(self):
        own = os.path.join(self.folder, "templates")
        os.mkdir(own)
        for name in os.listdir(TEMPLATES):
            if name.endswith(".xml"):
                shutil.copy(os.path.join(TEMPLATES, name), own)
        report = f'<report templates="{own}"/>'
        self.assertEqual(self.check(report, f'model="{self.model}"')[0], 0)
        with open(os.path.join(own, "cspine.xml"), encoding="utf-8") as f:
            text = f.read()
        with open(os.path.join(own, "cspine.xml"), "w", encoding="utf-8") as f:
            f.write(text.replace("</template>", "<nothing/></template>"))
        status, _, err = self.check(report, f'model="{self.model}"')
        self.assertEqual(status, 78)
        self.assertRegex(err, rf"^:5: report template \(language en\): {own}/cspine.xml line \d+: .*nothing")

    def test_the_audience_is_warned_of(self):
        everyone = '<destinations><destination peer="pacs" audience="everyone"/></destinations>'
        status, out, err = self.check(everyone, f'model="{self.model}"')
        self.assertEqual(status, 0)
        self.assertIn("ok", out)
        self.assertRegex(err, r'^:5: warning: .*every web viewer\'s user.*hold="reported"')
        self.assertEqual(self.check(everyone.replace("everyone", "radiologists"), f'model="{self.model}"')[2], "")

    def test_the_effective_configuration_is_nothing_else(self):
        second = self.model_named("b", "own")
        elements = self.models(self.model, second) + '<destinations><destination peer="pacs" outputs="GSPS SR" hold="reported"/></destinations>'
        status, out, _ = self.check(elements, options=["--print-effective"])
        self.assertEqual(status, 0)
        self.assertTrue(out.startswith("<?xml"))
        self.assertIn('outputs="SR GSPS"', out)
        again = os.path.join(self.folder, "again.xml")
        with open(again, "w", encoding="utf-8") as f:
            f.write(out)
        said = subprocess.run([ADMIN, "check", "--config", again, "--print-effective"], capture_output=True, text=True, timeout=60)
        self.assertEqual((said.returncode, said.stdout), (0, out))
        self.assertEqual(len(re.findall("<model folder=", out)), 2)

    def test_words_and_world_are_told_in_one_go(self):
        status, out, err = self.check('<studdy/>\n<destinations><destination peer="pax"/></destinations>', f'model="{self.model}-none"')
        self.assertEqual((status, out), (78, ""))
        self.assertRegex(err, r'(?m)^:5: found <studdy> inside <cervigate> \(did you mean "study"\?\)')
        self.assertRegex(err, r'(?m)^:6: <destination peer="pax">: no such peer \(did you mean "pacs"\?\)')
        self.assertRegex(err, r"(?m)^:2: model .*-none: .*No such file or directory")

    def test_a_file_of_the_folder_is_named(self):
        os.mkdir(os.path.join(self.folder, "c.d"))
        more = os.path.join(self.folder, "c.d/10-pacs.xml")
        with open(more, "w", encoding="utf-8") as f:
            f.write('<cervigate xmlns="urn:cervigate:config:1">\n<report templates="/nowhere"/>\n<peers><peer name="q" aeTitle="PACS" host="h" port="1"/></peers>\n</cervigate>\n')
        status, _, err = self.check("", f'model="{self.model}"')
        self.assertEqual(status, 78)
        self.assertIn(f'{more}:3: found a second peer with the AE title "PACS" (the first is on line 3 of c.xml); expected another AE title\n', err)
        self.assertRegex(err, rf"(?m)^{more}:2: report template \(language en\): ")

    def test_a_port_that_another_has(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            status, _, err = self.check("", f'model="{self.model}" address="127.0.0.1" ', port=port)
            self.assertEqual((status, err), (78, f':2: <node port="{port}">: a program of {getpass.getuser()} listens on it; expected a port that is free\n'))
            status, _, err = self.check(f'<orders listen="true" address="127.0.0.1" port="{port}"/>', f'model="{self.model}"')
            self.assertEqual(status, 78)
            self.assertRegex(err, rf'^:5: <orders port="{port}">: .* listens on it; expected a port that is free\n$')
        status, _, err = self.check("", f'model="{self.model}" address="192.0.2.1"', port=port)
        self.assertEqual((status, err), (78, f':2: <node port="{port}">: cannot listen on 192.0.2.1: Cannot assign requested address; expected an address of this machine\n'))

    def test_a_port_below_1024_that_this_user_may_not_have(self):
        """In a network of its own, where nobody else listens; whoever checks is not to have CAP_NET_BIND_SERVICE."""
        allowed = subprocess.run(["unshare", "-rn", "true"], capture_output=True, text=True, timeout=60)
        if allowed.returncode != 0:
            self.skipTest(allowed.stderr)
        self.check("", f'model="{self.model}"', port=104)  # writes the file
        said = subprocess.run(["unshare", "-rn", sys.executable, "-c", ASK_WITH_LISTENERS, ADMIN, self.config], capture_output=True, text=True, timeout=60)
        self.assertEqual(said.returncode, 0, said.stderr)
        free, taken, other = (answer.replace(self.config, "") for answer in said.stdout.split("=====\n")[:3])
        warning = (r'^:2: warning: <node port="104">: \S+ may not listen on it: ports below 1024 \(net\.ipv4\.ip_unprivileged_port_start\) are for '
                   r"CAP_NET_BIND_SERVICE; expected systemd to open it \(systemctl enable --now cervigate\.socket\), or a higher port$")
        self.assertRegex(free, r"^0\n")
        self.assertRegex(free, "(?m)" + warning)
        self.assertRegex(taken, r"^78\n")
        self.assertRegex(taken, r'(?m)^:2: <node port="104">: a program of \S+ listens on it; expected a port that is free$')
        self.assertNotRegex(taken, "may not listen")
        self.assertRegex(other, "(?m)" + warning)  # another address of this machine

    def test_the_running_nodes_own_ports_are_not_taken(self):
        node = d.Node()
        try:
            with open(node.config, encoding="utf-8") as f:
                text = f.read()
            with open(node.config, "w", encoding="utf-8") as f:
                f.write(text.replace('port="0" mode', f'port="{node.port}" mode'))
            status, _, err = run(node.config)
            self.assertEqual(status, 0, err)
            with open(node.config, "rb") as f:
                before = f.read()
            subprocess.run([ADMIN, "mode", "demo", "--config", node.config], check=True, capture_output=True, timeout=60)
            with open(node.config, "rb") as f:
                self.assertEqual(f.read(), before)  # no command writes it: comments stay
            self.assertRegex(run(node.config)[2], r"(?m)^:3: note: <node mode=\"shadow\">: `cervigate mode` has set demo, which is in force$")
        finally:
            node.stop()

    def test_root_looks_as_the_spools_owner(self):
        spool, is_root = os.path.join(self.folder, "spool"), os.geteuid() == 0
        os.mkdir(spool)
        os.chmod(self.folder, 0o755)
        os.chmod(os.path.join(self.model, "weights.safetensors"), 0o600)
        self.assertEqual(self.check(self.models(self.model))[0], 0)
        if is_root:  # nobody else can give it away
            shutil.chown(spool, "nobody")
        status, _, err = self.check(self.models(self.model))
        self.assertEqual((status, "weights.safetensors: Permission denied" in err, ": note: files and folders were judged as nobody" in err),
                         (78, True, True) if is_root else (0, False, False), err)

    def test_a_clock_that_is_behind(self):
        self.assertEqual(self.check("", f'model="{self.model}"')[0], 0)
        status, _, err = run(self.config, environment={"CERVIGATE_CLOCK_OFFSET": str(-20 * 365 * 86400)})
        self.assertEqual(status, 78)
        self.assertRegex(err, r"^: the clock says 20\d\d-\S+, but this program was written 20\d\d-\S+; expected the right time: reports and the audit log bear it\n$")

    def test_a_clock_that_nobody_keeps(self):
        """Among processes of its own: none that keeps the time, then one that is named so."""
        self.check("", f'model="{self.model}"')
        keeper = os.path.join(self.folder, "chronyd")
        shutil.copy(shutil.which("sleep"), keeper)
        ask = f'"{ADMIN}" check --config "{self.config}"'
        begun = f'"{keeper}" 60 & until read -r name < /proc/$!/comm && [ "$name" = chronyd ]; do :; done; {ask}; kill $!'
        for command, told in ((ask + "; true", True), (begun, False)):
            said = subprocess.run(["unshare", "-rpf", "--mount-proc", "sh", "-c", command], capture_output=True, text=True, timeout=60)
            if said.stderr.startswith("unshare: "):
                self.skipTest(said.stderr)
            self.assertIn("ok (mode shadow)", said.stdout)
            self.assertEqual("note: no time service is seen here (systemd-timesyncd, chronyd, ntpd)" in said.stderr, told, said.stderr)

    def test_every_wrong_file_is_told_whole(self):
        """What tests/config/bad expects of the words (test_config: that and nothing else), `cervigate check` says with the file; and it goes on to the world."""
        names = sorted(n for n in os.listdir(BAD) if n.endswith(".xml"))
        self.assertGreaterEqual(len(names), 75)
        for name in names:
            path = os.path.join(BAD, name)
            status, out, err = run(path)
            self.assertEqual((status, out), (78, ""), name)
            with open(path[:-4] + ".txt", encoding="utf-8") as f:
                for line in f.read().splitlines():
                    other = not line.split(":")[0].isdigit()
                    wanted = f"{path[:-4]}.d/{line}" if other else f":{line}"
                    self.assertIn(wanted, err.splitlines(), name)

    def test_every_file_that_is_wrong_in_the_world_is_told(self):
        """tests/config/bad/world: the words are right; all that `cervigate check` says, in its order."""
        world = os.path.join(BAD, "world")
        names = sorted(n for n in os.listdir(world) if n.endswith(".xml"))
        self.assertEqual(len(names), 3)
        for name in names:
            path = os.path.join(world, name)
            status, out, err = run(path)
            self.assertEqual((status, out), (78, ""), name)
            with open(path[:-4] + ".txt", encoding="utf-8") as f:
                self.assertEqual(err.replace(path[:-4] + ".d/", ""), f.read(), name)

    def test_what_a_file_may_define_that_cannot_be_read_is_not_missed(self):
        folder = os.path.join(self.folder, "c.d")
        os.mkdir(folder)
        peers = os.path.join(folder, "10-peers.xml")
        os.symlink("/nowhere/peers.xml", peers)
        elements = '<destinations><destination peer="ris"/></destinations>\n<report language="it"/>'
        status, _, err = self.check(elements, f'model="{self.model}"')
        self.assertEqual((status, err), (78, f""":6: <report language="it">: expected one of en, de, fr, es
{peers}:0: cannot be read: No such file or directory; expected a readable file
{peers}:0: warning: other files use names or lack settings that this file may define: they are looked at when it can be read
"""))
        os.unlink(peers)
        with open(peers, "w", encoding="utf-8") as f:
            f.write('<cervigate xmlns="urn:cervigate:config:1"/>')
        self.assertRegex(self.check(elements, f'model="{self.model}"')[2], r'(?m)^:5: <destination peer="ris">: no such peer')

    def test_an_option_of_the_console_is_told_where_it_stands(self):
        os.mkdir(os.path.join(self.folder, "c.d"))
        more, accounts = os.path.join(self.folder, "c.d/10-console.xml"), os.path.join(self.folder, "accounts")
        with open(more, "w", encoding="utf-8") as f:
            f.write(f'<cervigate xmlns="urn:cervigate:config:1">\n<console\n  accounts="{accounts}"/></cervigate>')
        status, _, err = self.check('<console port="0"/>', f'model="{self.model}"')
        self.assertEqual((status, err), (0, f"{more}:3: note: nobody may log in to the console yet: cervigate user add\n"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
