"""Who may call; keys, and what may be seen of them."""
import os
import re
import shutil
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from certificates import openssl  # noqa: E402
import daemon as d  # noqa: E402
import doors_fixture as f  # noqa: E402
from doors_fixture import make as setUpModule, unmake as tearDownModule  # noqa: E402,F401


class Keys(f.Case):
    """`cervigate check` explains; alarms come in time; nothing of a key is seen."""

    def check(self, element):
        if self.node is None:
            self.node = f.Node(start=False)
            self.addCleanup(self.node.stop)
        self.node.write_config(element)
        done = subprocess.run([f.ADMIN, "check", "--config", self.node.config, "--print-effective"], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_check(self):
        for name in ("crt", "key"):
            shutil.copy2(f.made.path("node." + name), f.made.path("open." + name))
        os.chmod(f.made.path("open.key"), 0o640)
        shutil.copy(f.made.path("node.crt"), f.made.path("crt.key"))
        os.chmod(f.made.path("crt.key"), 0o600)
        openssl("ec", "-in", f.made.path("node.key"), "-aes256", "-passout", "pass:x", "-out", f.made.path("locked.key"))
        os.chmod(f.made.path("locked.key"), 0o600)
        for element, words in (
                (f.tls(certificate=f.made.path("none.crt")), r"<tls certificate=.*: cannot be read: No such file"),
                (f.tls(key=f.made.path("client.key")), r"<tls key=.*: is not the key of the certificate"),
                (f.tls(key=f.made.path("crt.key")), r'<tls key=.*: holds "CERTIFICATE"; expected a private key'),
                (f.tls(certificate=f.made.path("node.key"), key=f.made.path("node.crt")),
                 r"<tls key=.*node\.crt\">: holds a certificate; expected a private key: are the two swapped\?"),
                (f.tls(certificate=f.made.path("node.key"), key=f.made.path("crt.key")),
                 r'<tls certificate=.*: holds ".*PRIVATE KEY"; expected certificates in PEM: are certificate and key swapped\?'),
                (f'<audit host="localhost" certificate="{f.made.path("node.key")}" key="{f.made.path("node.crt")}"/>',
                 r"<audit certificate>: .*node\.key: holds no certificate in PEM: are certificate and key swapped\?"),
                (f.tls("late"), r"<tls certificate=.*: CN=late,O=Test ended 20\d\d-.*; expected one that is valid now"),
                (f.tls("open"), r"<tls key=.*: its mode is 0640: others may read or write it; expected 0600"),
                (f.tls(key=f.made.path("locked.key")), r"<tls key=.*: is encrypted; expected a key without a passphrase"),
                (f.tls(authorities=f.made.path("ca.key")), r'<tls authorities=.*: holds ".*PRIVATE KEY"; expected certificates'),
                (f.tls("weak"), r"<tls certificate=.*cannot be used: ee key too small"),
                (f.tls(authorities=f.made.folder), r"<tls authorities=.*: is no file"),
                (f.tls(revoked=f.made.path("ca.crt")), r'<tls revoked=.*: holds "CERTIFICATE"; expected certificate revocation')):
            status, _, err = self.check(element)
            self.assertEqual(status, 78, element)
            self.assertRegex(err, r"c\.xml:9: " + words)
        self.assertEqual(self.check(f.tls())[0], 0)

    def test_every_wrong_file_is_told(self):
        """Not the first one alone: what is not there, what is something else, what has ended."""
        made = f.made.path
        for name in ("crt", "key"):
            shutil.copy2(made("node." + name), made("wide." + name))
        os.chmod(made("wide.key"), 0o644)
        self.told(f.tls(certificate=made("none.crt"), key=made("wide.key"), authorities=made("ca.key"), revoked=made("ca.crt")),
                  r"<tls certificate=.*: cannot be read: No such file", r"<tls key=.*: its mode is 0644",
                  r'<tls authorities=.*: holds ".*PRIVATE KEY"', r'<tls revoked=.*: holds "CERTIFICATE"')
        self.told(f.tls("late", authorities=made("none.crt")), r"<tls certificate=.* ended 20", r"<tls authorities=.*: cannot be read")
        self.told(f.tls(certificate=made("ca.key"), authorities=made("ca.key")),  # the key is good: nothing is said of it
                  r"<tls certificate=.*: holds ", r"<tls authorities=.*: holds ")
        self.told(f'<audit host="localhost" ca="{made("ca.key")}" certificate="{made("none.crt")}" key="{made("wide.key")}"/>',
                  r"<audit ca>: .*ca\.key: ", r"<audit certificate>: .*none\.crt: No such file", r"<audit key>: .*wide\.key: its mode is 0644")
        self.told(f'<audit host="localhost" ca="{made("ca.crt")}" certificate="{made("node.crt")}" key="{made("client.key")}"/>',
                  r"<audit key>: .*client\.key: key values mismatch")
        os.mkdir(os.path.join(self.node.folder, "c.d"))
        with open(os.path.join(self.node.folder, "c.d/web.xml"), "w", encoding="utf-8") as file:
            file.write(f"""<cervigate xmlns="urn:cervigate:config:1">
<console enabled="true" port="0" certificate="{made("node.key")}" key="{made("none.key")}"/></cervigate>""")
        self.told("", r'<console certificate=.*: holds ".*PRIVATE KEY"', r"<console key=.*: cannot be read: No such file", where=r"c\.d/web\.xml:2: ")

    def told(self, element, *errors, where=r"c\.xml:9: "):
        status, _, err = self.check(element)
        lines = [line for line in err.splitlines() if re.search(where, line)]
        self.assertEqual((status, len(lines)), (78, len(errors)), err)
        for line, error in zip(lines, errors):
            self.assertRegex(line, where + error)

    def test_terms_are_told(self):
        """Of <tls>, and of whatever else the node shows a certificate for."""
        made = f.made.path
        for name in ("hl7", "audit", "console"):
            for kind in ("crt", "key"):
                shutil.copy2(made("soon." + kind), made(f"{name}.{kind}"))
        of = lambda name: f'certificate="{made(name + ".crt")}" key="{made(name + ".key")}"'
        more = (f'<announcements><hl7 name="ai" host="127.0.0.1" port="1" tls="true" authorities="{made("ca.crt")}" {of("hl7")}/></announcements>'
                f'<audit host="127.0.0.1" port="1" ca="{made("ca.crt")}" {of("audit")}/><health checkEvery="1"/>')
        self.node = f.Node(start=False)
        self.addCleanup(self.node.stop)
        os.mkdir(os.path.join(self.node.folder, "c.d"))
        with open(os.path.join(self.node.folder, "c.d/web.xml"), "w", encoding="utf-8") as file:
            file.write(f'<cervigate xmlns="urn:cervigate:config:1"><console enabled="true" port="0" {of("console")}/></cervigate>')
        code, _, err = self.check(f.tls("soon") + more)
        self.assertEqual(code, 0, err)
        for element in ("tls", "hl7", "audit", "console"):
            self.assertRegex(err, rf"xml:\d+: warning: <{element} certificate>: CN=soon,O=Test ends 20")
        self.node.start()
        subjects = {"certificate": None, "hl7 ai": "hl7", "audit": "audit", "console": "console"}
        for subject in subjects:
            told = self.said(rf'alarm name=certificate subject="{subject}" state=on .*ends 20\d\d-.*, in (19|20) days', seconds=20)
            self.assertIn("CN=soon", told)
        for name, new in (("hl7", "node"), ("audit", "late"), ("console", None)):  # renewed, too late, none any more
            if new:
                shutil.copy2(made(new + ".crt"), made("new"))
                os.replace(made("new"), made(name + ".crt"))
            else:
                os.unlink(made(name + ".crt"))
        self.said('alarm name=certificate subject="hl7 ai" state=off', seconds=20)
        admin = lambda *words: subprocess.run([f.ADMIN, *words, "--config", self.node.config], capture_output=True, text=True, timeout=60)
        status = lambda: admin("status").stdout
        d.wait_for(lambda: re.search(r"certificate audit: CN=late,O=Test ended 20\S+: TLS fails", status()), 20, "the one that has ended")
        self.assertRegex(status(), r"certificate console: cannot be read: No such file or directory")
        self.assertEqual(admin("mode", "shadow").returncode, 0)  # whatever a file is
        self.node.write_config(f.tls() + '<health checkEvery="1"/>')
        os.unlink(os.path.join(self.node.folder, "c.d/web.xml"))
        self.node.reload()
        d.wait_for(lambda: "certificate" not in status(), 20, "nothing but good ones")

    def test_a_first_look_at_directories_files_and_processes(self):
        old = os.umask(0)  # the node's own affair, whatever its parent's is
        try:
            self.start(f.tls() + '<log level="debug" patientData="true"/>', shared="seen")
        finally:
            os.umask(old)
        path = os.path.join(self.node.folder, "a.dcm")
        d.write_object(path)
        self.assertEqual(self.tool("storescu", path).returncode, 0)
        self.assertEqual(self.node.open_to_others(), [])
        self.assertGreater(len(self.node.objects()), 0)
        for pid in self.node.processes():
            with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
                core = next(line for line in file if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"], pid)
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0, pid)  # not dumpable: root's, whoever runs it

    def test_nothing_of_a_key_is_seen(self):
        with open(f.made.path("node.key"), encoding="utf-8") as file:
            secret = file.read().split("\n")[1]
        status, out, err = self.check(f.tls())
        self.assertEqual(status, 0)
        self.node = None
        self.start(f.tls() + '<log level="debug" patientData="true"/>', shared="seen")
        s = self.connect()
        s.sendall(f.associate())
        self.assertEqual(f.receive(s, 6)[0], 2)
        seen = [out, err, self.node.log()]
        pids = self.node.processes()
        self.assertGreater(len(pids), 6)
        for pid in pids:
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as file:
                    seen.append(file.read().decode(errors="replace"))
        seen += [data.decode(errors="replace") for _, _, data in self.node.files() if data is not None]
        for text in seen:
            self.assertNotIn(secret, text)

    def test_no_process_that_reads_from_the_network_holds_the_key(self):
        numbers = openssl("ec", "-in", f.made.path("node.key"), "-noout", "-text").stdout
        private = bytes.fromhex(re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", numbers).group(1).replace(":", "").replace("\n", "").replace(" ", ""))
        private = private[-32:]
        with open(f.made.path("node.key"), "rb") as file:
            text = b"".join(file.read().split(b"\n")[1:2])
        forms = (private, private[::-1], text)  # as in DER; as OpenSSL's words; as PEM
        self.start(f.tls() + '<log level="debug" patientData="true"/>', shared="seen")
        s = self.connect()
        s.sendall(f.associate())
        self.assertEqual(f.receive(s, 6)[0], 2)
        seen = 0
        for pid in sorted(self.node.processes(), key=name_of):
            if name_of(pid) not in ("cervigated-asc", "cervigated-com", "cervigated-rcv", "cervigated"):
                continue
            memory = d.memory_of(pid)
            seen += b"TLSv1.3 TLS_AES" in memory
            for form in forms:
                self.assertEqual(memory.count(form), 0, name_of(pid))  # not assertNotIn: it would print all of it
        self.assertGreaterEqual(seen, 1)  # what is there is found: in the association, and in what all have of its line in the log


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


class Callers(f.Case):
    """Who may call: the answer by PS3.8 9.3.4, and the line of the log."""

    def begin(self):
        self.start('<callers><caller aeTitle="CT1" addresses="10.0.0.0/8 192.0.2.7"/><caller aeTitle="DX1" addresses="::1 127.0.0.0/8"/>'
                   '<caller aeTitle="XA1" tls="true"/><caller aeTitle="DX7" certificate="client.example.org"/></callers>' + f.tls(),
                   shared="callers", node='checkCalledAeTitle="true"')

    def rejection(self, calling="TOOL", called="CERVIGATE"):
        """(result, source, reason), or () when the association is accepted."""
        with socket.create_connection(("127.0.0.1", int(self.node.port)), 5) as s:
            s.sendall(f.associate(calling, called))
            got = f.receive(s, 10)
            return tuple(got[7:10]) if got[0] == 3 else ()

    def test_titles_and_addresses(self):
        self.begin()
        self.assertEqual(self.rejection("DX1"), ())
        self.assertEqual(self.rejection("DX1 "), ())
        for title, words, configure in (
                ("dx1", "no <caller> has this calling AE title", "add <caller aeTitle=.*dx1.* addresses=.*127.0.0.1.*/> to <callers>"),
                ("CT1", "not from this address .<caller> on line 9", "add 127.0.0.1 to addresses there"),
                ("XA1", "only over TLS", "TLS port")):
            self.assertEqual(self.rejection(title), (1, 1, 3))
            line = self.said(rf'caller-refused .*calling="{title}" called="CERVIGATE" address=127.0.0.1 tls="no" .*answer=1/1/3 .*{words}')
            self.assertRegex(line, "configure=.*" + configure)
        self.assertEqual(self.tool("echoscu", calling="XA1").returncode, 0)
        self.assertEqual(self.tool("echoscu", calling="CT1").returncode, 1)
        self.assertNotIn("association-ended association", "".join(line for line in self.node.log().splitlines() if "CT1" in line))

    def test_a_certificate_belongs_to_a_title(self):
        self.begin()
        self.assertEqual(self.tool("echoscu", calling="DX7").returncode, 0)
        self.assertEqual(self.tool("echoscu", calling="DX7", client="peer").returncode, 1)
        line = self.said('caller-refused .*calling="DX7" .*certificate="CN=peer,O=Test" answer=1/1/3')
        self.assertIn("is not for client.example.org", line)
        self.assertEqual(self.rejection("DX7"), (1, 1, 3))

    def test_the_called_title(self):
        self.begin()
        self.assertEqual(self.rejection("DX1", called="CERVIGATE"), ())
        self.assertEqual(self.rejection(called="ANYONE"), (1, 1, 7))
        line = self.said('caller-refused .*called="ANYONE" .*answer=1/1/7 .*the called AE title is not ours, which is CERVIGATE')
        self.assertIn("checkCalledAeTitle", line)

    def test_a_title_is_no_way_into_the_log(self):
        self.begin()
        self.assertEqual(self.rejection('x" a=b <\n\x1b'), (1, 1, 3))
        line = self.said('caller-refused .*calling="x')
        self.assertNotIn("\x1b", line)
        self.assertRegex(line, r'calling="x\\" a=b <.*" called=')
        self.assertEqual(len([x for x in self.node.log().splitlines() if 'calling="x' in x]), 1)


if __name__ == "__main__":
    unittest.main()
