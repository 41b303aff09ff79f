"""The doors of the real daemon: TLS with DCMTK's tools and OpenSSL's client, who may call, keys and what may be seen of them."""
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import daemon as d  # noqa: E402
import test_deliver  # noqa: E402
from certificates import Certificates, openssl  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


class Node(d.Node):
    def signal_reload(self):
        self.process.send_signal(signal.SIGHUP)

    def reload(self):
        """A reload that is taken: the new listener is there, and the old one is on its way out."""
        old = self.pid("receive")
        self.signal_reload()
        d.wait_for(lambda: self.pid("receive") not in (0, old) and self.process.poll() is None, 20, "reload")

    def processes(self):
        """Of the node, every one that there is now."""
        parents = {}
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as f:
                    parents[int(name)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                pass
        found, last = {self.process.pid}, 0
        while len(found) > last:
            last = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return sorted(found)


def setUpModule():
    global made
    made = Certificates()
    for name in ("ca", "other"):
        made.authority(name)
    made.certificate("node", "ca")
    made.certificate("client", "ca", names="DNS:client.example.org")
    made.certificate("peer", "ca")
    made.certificate("stranger", "other")
    made.certificate("late", "ca", days=-1)
    made.certificate("named", "ca", names="DNS:elsewhere.example.org")
    made.certificate("revoked", "ca")
    made.revoke("ca", "revoked")


def tearDownModule():
    made.remove()


def tls(name="node", **attributes):
    """The element <tls>; its files are `name`'s."""
    given = {"listen": "true", "port": "0", "certificate": made.path(name + ".crt"), "key": made.path(name + ".key"),
             "authorities": made.path("ca.crt"), **attributes}
    return "<tls " + " ".join(f'{k}="{v}"' for k, v in given.items() if v is not None) + "/>"


class Case(unittest.TestCase):
    node = None

    def start(self, extra, **options):
        self.node = Node(start=False, **options)
        self.addCleanup(self.node.stop)
        self.node.write_config(extra)
        self.node.start()
        return self.node

    @property
    def tls_port(self):
        return self.node.facts()["tls_port"]

    def said(self, pattern, seconds=5, count=1):
        """The last line of the log that has the pattern; waits for it."""
        def found():
            lines = [line for line in self.node.log().splitlines() if re.search(pattern, line)]
            return lines if len(lines) >= count else None
        return d.wait_for(found, seconds, pattern)[-1]

    def tool(self, name, *arguments, client="client", trust="ca", port=None, calling="TOOL", called="CERVIGATE"):
        secure = () if client is None else ("+tls", made.path(client + ".key"), made.path(client + ".crt"), "+cf", made.path(trust + ".crt"))
        files = [a for a in arguments if not str(a).startswith(("+", "-"))]
        options = [a for a in arguments if str(a).startswith(("+", "-"))]
        return subprocess.run([name, "-to", "10", "-aet", calling, "-aec", called, *secure, *options, "127.0.0.1", str(port or self.tls_port), *files],
                              capture_output=True, text=True, errors="replace", timeout=60)

    def s_client(self, *options, client=None, port=None):
        """OpenSSL's client, which tries a handshake and hears what the node says to it; True: there is a session."""
        shown = ("-cert", made.path(client + ".crt"), "-key", made.path(client + ".key")) if client else ()
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.tls_port}", "-CAfile", made.path("ca.crt"), *shown,
                               *options], input="", capture_output=True, text=True, errors="replace", timeout=30)
        return done.returncode == 0 and "Verify return code: 0 (ok)" in done.stdout

    def context(self, client="client", newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=made.path("ca.crt"))
        context.load_cert_chain(made.path(client + ".crt"), made.path(client + ".key"))
        context.maximum_version = newest
        return context

    def connect(self, **options):
        plain = socket.create_connection(("127.0.0.1", int(self.tls_port)), 10)
        self.addCleanup(plain.close)
        secure = self.context(**options).wrap_socket(plain, server_hostname="127.0.0.1")
        self.addCleanup(secure.close)
        return secure


def associate(calling="TOOL", called="CERVIGATE"):
    """An A-ASSOCIATE-RQ for Verification."""
    def item(kind, body):
        return bytes([kind, 0]) + len(body).to_bytes(2, "big") + body
    context = b"\1\0\0\0" + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4")
    body = (b"\0\1\0\0" + called.ljust(16).encode() + calling.ljust(16).encode() + b"\0" * 32 + item(0x10, b"1.2.840.10008.3.1.1.1") +
            item(0x20, context) + item(0x50, user))
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def receive(connection, count):
    got = b""
    while len(got) < count:
        try:
            more = connection.recv(count - len(got))
        except ConnectionResetError:
            break
        if not more:
            break
        got += more
    return got


class In(Case):
    """Who calls the port of <tls>."""

    def test_tools_and_versions(self):
        self.start(tls())
        path = os.path.join(self.node.folder, "a.dcm")
        d.write_object(path)
        for profile in ("+py", "+px"):
            self.assertEqual(self.tool("echoscu", profile).returncode, 0, profile)
        done = self.tool("storescu", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        line = self.said(r"association-ended .*stored=1")
        self.assertRegex(line, r'tls="TLSv1\.3 TLS_AES_\d+_GCM_SHA\d+"')
        for version in ("-tls1_2", "-tls1_3"):
            self.assertTrue(self.s_client(version, client="client"), version)
        self.assertTrue(self.s_client("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", client="client"))
        self.assertEqual(self.node.sql("select count(*) from instance"), [(1,)])

    def test_versions_and_suites_that_are_refused(self):
        self.start(tls())
        for version, words in (("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")):
            self.assertFalse(self.s_client(version, "-cipher", "ALL:@SECLEVEL=0", client="client"), version)
            line = self.said(rf'caller-refused .*old version: the peer offers {re.escape(words)} at most')
            self.assertIn('answer=none ', line)
            self.assertIn('configure="TLS 1.2 or 1.3 at the caller', line)
        for count, suite in enumerate(("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA384"), 1):
            self.assertFalse(self.s_client("-tls1_2", "-cipher", suite, client="client"), suite)
            self.said("caller-refused .*no cipher suite of BCP 195", count=count)
        self.assertTrue(self.s_client(client="client"))

    def test_the_newest_only(self):
        self.start(tls(leastVersion="1.3"))
        self.assertTrue(self.s_client("-tls1_3", client="client"))
        self.assertFalse(self.s_client("-tls1_2", client="client"))
        self.said("old version: the peer offers TLS 1.2 at most, TLS 1.3 is the least")

    def test_certificates_that_are_refused(self):
        self.start(tls(revoked=made.path("ca.crl")))
        for client, words, configure in (
                ("stranger", "untrusted certificate: CN=stranger,O=Test, issued by CN=other,O=Test", "<tls authorities>"),
                ("late", "expired certificate: CN=late,O=Test ended 20", "at the caller"),
                ("revoked", "revoked certificate: CN=revoked", "at the caller"),
                (None, "no certificate: the peer shows none", "clientCertificate")):
            for version in ("-tls1_2", "-tls1_3"):
                self.s_client(version, client=client)
            line = self.said("caller-refused .*" + re.escape(words), count=2)
            self.assertIn("address=127.0.0.1", line)
            self.assertIn(configure, line.split("configure=")[1])
            self.assertEqual(self.tool("echoscu", client=client or "client").returncode, 0 if client is None else 1)
        self.assertEqual(self.tool("echoscu").returncode, 0)

    def test_a_certificate_need_not_be_shown(self):
        self.start(tls(clientCertificate="optional"))
        self.assertTrue(self.s_client())
        self.assertTrue(self.s_client(client="client"))
        self.s_client(client="stranger")
        self.said("caller-refused .*untrusted certificate: CN=stranger")
        self.node.write_config(tls(clientCertificate="none", authorities=None))
        self.node.reload()
        self.assertTrue(self.s_client())
        self.assertTrue(self.s_client(client="stranger"))

    def test_a_caller_trusts_another_authority(self):
        self.start(tls())
        done = self.tool("echoscu", trust="other")
        self.assertNotEqual(done.returncode, 0)
        self.said("caller-refused .*the peer refuses our certificate: it does not trust who issued it")

    def test_tls_on_the_plain_port_and_the_reverse(self):
        self.start(tls())
        done = self.tool("echoscu", port=self.node.port)
        self.assertNotEqual(done.returncode, 0)
        line = self.said("caller-refused .*the peer speaks TLS where plain DICOM is due")
        self.assertIn("let it call the port of <tls>", line)
        done = self.tool("echoscu", "-v", client=None, calling="LOST")
        self.assertNotEqual(done.returncode, 0)
        line = self.said("caller-refused .*the peer speaks plain DICOM where TLS is due")
        self.assertRegex(line, 'calling="LOST" called="CERVIGATE" address=127.0.0.1 .*answer=1/2/1')
        self.assertIn("let it call with TLS, or the plain port", line)
        self.assertIn("Rejected Permanent", done.stdout + done.stderr)
        with socket.create_connection(("127.0.0.1", int(self.tls_port)), 5) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(receive(s, 10), b"")
        self.said("neither TLS nor DICOM")
        self.node.write_config("")
        self.node.reload()
        self.tool("echoscu", port=self.node.port)
        self.assertIn("<tls listen", self.said("caller-refused .*speaks TLS where", count=2))

    def test_there_is_no_plain_port(self):
        self.start(tls(only="true"))
        self.assertEqual(self.node.facts()["dicom_port"], "0")
        self.assertEqual(self.tool("echoscu").returncode, 0)
        self.tool("echoscu", client=None)
        self.assertIn("has no plain port", self.said("caller-refused .*plain DICOM"))

    def test_a_slow_handshake_has_the_limits_of_a_slow_peer(self):
        self.start(tls() + '<receive acseTimeout="2"/>', limits='spoolReserve="1048576" associations="4" associationsPerPeer="3"')
        began, slow = time.monotonic(), []
        hello = bytes.fromhex("1603010200010001fc0303")
        for _ in range(3):
            s = socket.create_connection(("127.0.0.1", int(self.tls_port)), 10)
            self.addCleanup(s.close)
            s.sendall(hello)
            slow.append(s)
        with socket.create_connection(("127.0.0.1", int(self.tls_port)), 5) as s:  # the fourth of this address
            s.sendall(hello)
            self.assertEqual(receive(s, 1), b"")
        self.said("association-refused .*limit associationsPerPeer")
        for _ in range(6):  # a byte now and then is no progress
            time.sleep(0.3)
            for s in slow:
                try:
                    s.sendall(b"\0")
                except OSError:
                    pass
        self.said("association-ended .*limit acseTimeout: the peer was too slow with its handshake", count=3)
        self.assertLess(time.monotonic() - began, 8)
        self.assertEqual(self.tool("echoscu").returncode, 0)

    def test_an_association_in_small_pieces(self):
        self.start(tls())
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            s = self.connect(newest=newest)
            for byte in associate():
                s.sendall(bytes([byte]))
            self.assertEqual(receive(s, 1), b"\2")
            s.sendall(b"\x99\0\0\0\0\4\0\0\0\0")  # no PDU: aborted within TLS
            self.assertIn(b"\7\0\0\0\0\4\0\0\2\1", receive(s, 4096))
        self.said("association-ended .*a PDU of an unknown type", count=2)


class Renewal(Case):
    """Files that are replaced while the node runs."""

    def setUp(self):
        for name in ("crt", "key"):
            shutil.copy2(made.path("node." + name), made.path("live." + name))

    def serial(self):
        with socket.create_connection(("127.0.0.1", int(self.tls_port)), 10) as plain:
            with self.context().wrap_socket(plain, server_hostname="127.0.0.1") as s:
                return int(s.getpeercert()["serialNumber"], 16)

    def replace(self, name):
        for kind in ("key", "crt"):
            shutil.copy2(made.path(f"{name}.{kind}"), made.path("live.new"))
            os.replace(made.path("live.new"), made.path("live." + kind))

    def test_new_associations_have_the_new_certificate(self):
        self.start(tls("live"))
        before = self.serial()
        s = self.connect()
        s.sendall(associate())
        self.assertEqual(receive(s, 6)[0], 2)
        self.replace("peer")
        self.assertNotEqual(self.serial(), before)
        self.node.reload()
        self.assertNotEqual(self.serial(), before)
        s.sendall(b"\5\0\0\0\0\4\0\0\0\0")  # the open one goes on: it is released in good order
        self.assertIn(b"\6\0\0\0\0\4\0\0\0\0", receive(s, 4096))

    def test_the_last_good_one_stays(self):
        self.start(tls("live"))
        before = self.serial()
        shutil.copy(made.path("peer.crt"), made.path("live.crt"))  # not the key's
        self.assertEqual(self.serial(), before)
        self.said("tls-files-bad .*in_use=the-last-good .*is not the key of the certificate")
        self.assertIn("certificate", self.node.log())
        os.chmod(made.path("live.key"), 0o644)
        self.assertEqual(self.serial(), before)
        self.said("tls-files-bad .*its mode is 0644")
        os.remove(made.path("live.key"))
        self.assertEqual(self.serial(), before)
        self.node.signal_reload()  # a reload refuses them: what is in force stays
        self.said("reload-refused .*the files of <tls>")
        self.assertEqual(self.serial(), before)
        self.replace("late")
        self.assertEqual(self.serial(), before)
        self.said("tls-files-bad .*CN=late,O=Test ended")
        self.replace("peer")
        self.assertNotEqual(self.serial(), before)

    def test_a_start_with_bad_files_is_refused(self):
        node = Node(start=False)
        self.addCleanup(node.stop)
        node.write_config(tls("live", key=made.path("peer.key")))
        status, text = node.refusal()
        self.assertEqual(status, 78)
        self.assertRegex(text, r"c\.xml:\d+: <tls key=.*: is not the key of the certificate")


class Keys(Case):
    """`cervigate check` explains; alarms come in time; nothing of a key is seen."""

    def check(self, element):
        self.node = Node(start=False)
        self.addCleanup(self.node.stop)
        self.node.write_config(element)
        done = subprocess.run([ADMIN, "check", "--config", self.node.config, "--print-effective"], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_check(self):
        for name in ("crt", "key"):
            shutil.copy2(made.path("node." + name), made.path("open." + name))
        os.chmod(made.path("open.key"), 0o640)
        shutil.copy(made.path("node.crt"), made.path("crt.key"))
        os.chmod(made.path("crt.key"), 0o600)
        openssl("ec", "-in", made.path("node.key"), "-aes256", "-passout", "pass:x", "-out", made.path("locked.key"))
        os.chmod(made.path("locked.key"), 0o600)
        made.certificate("weak", "ca", new=("-newkey", "rsa:1024", "-nodes"))
        for element, words in (
                (tls(certificate=made.path("none.crt")), r"<tls certificate=.*: cannot be read: No such file"),
                (tls(key=made.path("client.key")), r"<tls key=.*: is not the key of the certificate"),
                (tls(key=made.path("crt.key")), r'<tls key=.*: holds "CERTIFICATE"; expected a private key'),
                (tls("late"), r"<tls certificate=.*: CN=late,O=Test ended 20\d\d-.*; expected one that is valid now"),
                (tls("open"), r"<tls key=.*: its mode is 0640: others may read or write it; expected 0600"),
                (tls(key=made.path("locked.key")), r"<tls key=.*: is encrypted; expected a key without a passphrase"),
                (tls(authorities=made.path("ca.key")), r'<tls authorities=.*: holds ".*PRIVATE KEY"; expected certificates'),
                (tls("weak"), r"<tls certificate=.*cannot be used: ee key too small"),
                (tls(authorities=made.folder), r"<tls authorities=.*: is no file"),
                (tls(revoked=made.path("ca.crt")), r'<tls revoked=.*: holds "CERTIFICATE"; expected certificate revocation')):
            status, _, err = self.check(element)
            self.assertEqual(status, 78, element)
            self.assertRegex(err, r"c\.xml:9: " + words)
        self.assertEqual(self.check(tls())[0], 0)

    def test_terms_are_told(self):
        made.certificate("soon", "ca", days=20)
        status, _, err = self.check(tls("soon"))
        self.assertEqual(status, 0)
        self.assertRegex(err, r"c\.xml:9: warning: <tls certificate>: CN=soon,O=Test ends 20")
        self.node.start()
        told = self.said(r'alarm name=certificate subject="certificate" state=on .*ends 20\d\d-.*, in (19|20) days', seconds=20)
        self.assertIn("CN=soon", told)
        self.node.write_config(tls())
        self.node.reload()
        status = subprocess.run([ADMIN, "status", "--config", self.node.config], capture_output=True, text=True, timeout=60).stdout
        self.assertNotIn("certificate", status)

    def test_nothing_of_a_key_is_seen(self):
        with open(made.path("node.key"), encoding="utf-8") as f:
            secret = f.read().split("\n")[1]
        status, out, err = self.check(tls())
        self.assertEqual(status, 0)
        self.start(tls() + '<log level="debug" patientData="true"/>')
        s = self.connect()
        s.sendall(associate())
        self.assertEqual(receive(s, 6)[0], 2)
        seen = [out, err, self.node.log()]
        pids = self.node.processes()
        self.assertGreater(len(pids), 6)
        for pid in pids:
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    seen.append(f.read().decode(errors="replace"))
        for root, _, files in os.walk(self.node.spool):
            for name in files:
                with open(os.path.join(root, name), "rb") as f:
                    seen.append(f.read().decode(errors="replace"))
        for text in seen:
            self.assertNotIn(secret, text)

    def test_no_process_that_reads_from_the_network_holds_the_key(self):
        numbers = openssl("ec", "-in", made.path("node.key"), "-noout", "-text").stdout
        private = bytes.fromhex(re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", numbers).group(1).replace(":", "").replace("\n", "").replace(" ", ""))
        private = private[-32:]
        with open(made.path("node.key"), "rb") as f:
            text = b"".join(f.read().split(b"\n")[1:2])
        forms = (private, private[::-1], text)  # as in DER; as OpenSSL's words; as PEM
        self.start(tls())
        s = self.connect()
        s.sendall(associate())
        self.assertEqual(receive(s, 6)[0], 2)
        seen = 0
        for pid in sorted(self.node.processes(), key=name_of):
            if name_of(pid) not in ("cervigated-asc", "cervigated-com", "cervigated-rcv", "cervigated"):
                continue
            memory = memory_of(pid)
            seen += b"TLSv1.3 TLS_AES" in memory
            for form in forms:
                self.assertEqual(memory.count(form), 0, name_of(pid))  # not assertNotIn: it would print all of it
        self.assertEqual(seen, 1)


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
            return f.read().strip()
    except FileNotFoundError:
        return ""


def memory_of(pid):
    """All that a process has mapped, may write, and has used: mappings of which nothing is in memory hold nothing."""
    got = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.*", line)
            if begin and "[v" not in line:
                place = [int(n, 16) for n in begin.groups()]
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                place = None
            elif line.startswith("Rss:") and place and line.split()[1] != "0" and place[1] - place[0] < 64 << 20:
                memory.seek(place[0])
                got.append(memory.read(place[1] - place[0]))
    return b"".join(got)


class Callers(Case):
    """Who may call: the answer by PS3.8 9.3.4, and the line of the log."""

    def rejection(self, calling="TOOL", called="CERVIGATE"):
        """(result, source, reason), or () when the association is accepted."""
        with socket.create_connection(("127.0.0.1", int(self.node.port)), 5) as s:
            s.sendall(associate(calling, called))
            got = receive(s, 10)
            return tuple(got[7:10]) if got[0] == 3 else ()

    def test_titles_and_addresses(self):
        self.start('<callers><caller aeTitle="CT1" addresses="10.0.0.0/8 192.0.2.7"/><caller aeTitle="DX1" addresses="::1 127.0.0.0/8"/>'
                   '<caller aeTitle="XA1" tls="true"/></callers>' + tls())
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
        self.start('<callers><caller aeTitle="DX7" certificate="client.example.org"/></callers>' + tls())
        self.assertEqual(self.tool("echoscu", calling="DX7").returncode, 0)
        self.assertEqual(self.tool("echoscu", calling="DX7", client="peer").returncode, 1)
        line = self.said('caller-refused .*calling="DX7" .*certificate="CN=peer,O=Test" answer=1/1/3')
        self.assertIn("is not for client.example.org", line)
        self.assertEqual(self.rejection("DX7"), (1, 1, 3))

    def test_the_called_title(self):
        node = self.start("")
        self.assertEqual(self.rejection(called="ANYONE"), ())
        with open(node.config, encoding="utf-8") as f:
            text = f.read()
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace("<node ", '<node checkCalledAeTitle="true" '))
        node.reload()
        self.assertEqual(self.rejection(called="CERVIGATE"), ())
        self.assertEqual(self.rejection(called="ANYONE"), (1, 1, 7))
        line = self.said('caller-refused .*called="ANYONE" .*answer=1/1/7 .*the called AE title is not ours, which is CERVIGATE')
        self.assertIn("checkCalledAeTitle", line)

    def test_a_title_is_no_way_into_the_log(self):
        self.start('<callers><caller aeTitle="A"/></callers>')
        self.assertEqual(self.rejection('x" a=b <\n\x1b'), (1, 1, 3))
        line = self.said("caller-refused")
        self.assertNotIn("\x1b", line)
        self.assertRegex(line, r'calling="x\\" a=b <.*" called=')
        self.assertEqual(len([x for x in self.node.log().splitlines() if "caller-refused" in x]), 1)


class Out(Case):
    """`cervigate echo`: the same way out as deliveries have."""

    def peer(self, *options):
        """DCMTK's storescp with TLS."""
        self.port = d.free_port()
        process = subprocess.Popen(["storescp", "-aet", "PACS", *options, str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        d.wait_for(self.listens, 10, "storescp")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def secure(self, name="peer", *more):
        self.peer("+tls", made.path(name + ".key"), made.path(name + ".crt"), "+cf", made.path("ca.crt"), *more)

    def echo(self, attributes='tls="true"', element=None):
        self.node = Node(start=False, peers=f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{self.port}" {attributes}/></peers>')
        self.addCleanup(self.node.stop)
        self.node.write_config(element or tls(listen="false"))
        return subprocess.run([ADMIN, "echo", "--config", self.node.config, "pacs"], capture_output=True, text=True, timeout=60)

    def assertRefused(self, done, *words):
        self.assertEqual(done.returncode, 69, done.stderr)
        self.assertIn("failed at the TLS", done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_a_peer_with_tls(self):
        self.secure()
        done = self.echo()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(" over TLSv1.3 TLS_AES_256_GCM_SHA384", done.stdout)
        done = self.echo(element=tls(listen="false", certificate=None, key=None))
        self.assertRefused(done, "the peer requires a certificate of ours")
        done = self.echo('tls="false"')
        self.assertEqual(done.returncode, 69)
        self.assertIn('if it wants TLS there, set tls="true" at <peer>', done.stderr)
        self.assertRefused(self.echo('tls="true" tlsName="pacs.example.org"'),
                           "wrong name: its certificate is for address 127.0.0.1, localhost, called was pacs.example.org", "set tlsName")
        self.assertRefused(self.echo(element=tls(listen="false", authorities=made.path("other.crt"))),
                           "untrusted certificate: CN=peer,O=Test, issued by CN=ca,O=Test", "<tls authorities>")

    def test_peers_that_are_refused(self):
        for name, words in (("late", "expired certificate: CN=late,O=Test ended"),
                            ("stranger", "untrusted certificate: CN=stranger,O=Test, issued by CN=other"),
                            ("named", "wrong name: its certificate is for elsewhere.example.org, called was 127.0.0.1")):
            self.secure(name)
            self.assertRefused(self.echo(), words)
        self.assertEqual(self.echo('tls="true" tlsName="elsewhere.example.org"').returncode, 0)

    def test_a_peer_without_tls(self):
        self.peer()
        self.assertRefused(self.echo(), "plain DICOM")
        self.assertEqual(self.echo('tls="false"').returncode, 0)

    def test_a_peer_that_answers_plain_dicom_with_an_alert_or_tls_with_an_abort(self):
        for answer, attributes, words, advice in (
                ("15030100020246", 'tls="false"', "the peer speaks TLS where plain DICOM is due", 'set tls="true"'),
                ("07000000000400000201", 'tls="true"', "the peer speaks plain DICOM where TLS is due", 'set tls="false"')):
            with socket.create_server(("127.0.0.1", 0)) as server:
                self.port = server.getsockname()[1]

                def serve():
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(4096)
                        connection.sendall(bytes.fromhex(answer))
                        receive(connection, 1)
                thread = threading.Thread(target=serve)
                thread.start()
                self.assertRefused(self.echo(attributes), words, advice)
                thread.join()

    def test_a_peer_with_old_tls(self):
        for version in ("-tls1", "-tls1_1"):
            self.port = d.free_port()
            server = subprocess.Popen(["openssl", "s_server", "-accept", str(self.port), "-cert", made.path("peer.crt"), "-key",
                                       made.path("peer.key"), version, "-cipher", "ALL:@SECLEVEL=0", "-quiet"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            d.wait_for(self.listens, 10, "s_server")
            self.assertRefused(self.echo(), "TLS 1.2")


class Delivery(Case):
    """Results go out over TLS; a peer that cannot be trusted gets nothing, and what waits for it is not lost."""
    made = 0
    add, states = test_deliver.Deliver.add, test_deliver.Deliver.states

    def test_delivered_when_the_peer_has_a_good_certificate(self):
        port, folder = d.free_port(), tempfile.mkdtemp(prefix="cervigate-pacs-")
        self.addCleanup(shutil.rmtree, folder)

        def pacs(name):
            return subprocess.Popen(["storescp", "+B", "-od", folder, "+tls", made.path(name + ".key"), made.path(name + ".crt"), "+cf",
                                     made.path("ca.crt"), str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process = pacs("late")
        self.start(tls(listen="false"), mode="demo", peers=f'<peers><peer name="p0" aeTitle="P0" host="127.0.0.1" port="{port}" tls="true"/></peers>'
                   '<destinations><destination peer="p0" outputs="SR SC" demo="true" retryFirst="1" retryMost="1"/></destinations>')
        self.add(self.node, 5, "p0")
        self.said("destination-unreached .*expired certificate: CN=late", seconds=15)
        self.assertEqual((os.listdir(folder), self.states(self.node)), ([], {"p0:pending": 5}))
        process.kill()
        process.wait()
        process = pacs("peer")
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        d.wait_for(lambda: self.states(self.node) == {"p0:sent": 5}, 20, "delivery")
        self.assertEqual(len(os.listdir(folder)), 5)


class Seen(Case):
    """What others of this machine may see of a node that has received."""

    def test_directories_files_and_processes(self):
        old = os.umask(0)  # the node's own affair, whatever its parent's is
        try:
            self.start(tls())
        finally:
            os.umask(old)
        path = os.path.join(self.node.folder, "a.dcm")
        d.write_object(path)
        self.assertEqual(self.tool("storescu", path).returncode, 0)
        count = 0
        for root, folders, files in os.walk(self.node.spool):
            self.assertEqual(os.stat(root).st_mode & 0o7777, 0o700, root)
            for name in files:
                at = os.lstat(os.path.join(root, name))
                self.assertEqual((at.st_mode & 0o777) & ~0o600, 0, os.path.join(root, name))
                count += 1
        self.assertGreater(count, 5)
        for pid in self.node.processes():
            with open(f"/proc/{pid}/limits", encoding="utf-8") as f:
                core = next(line for line in f if line.startswith("Max core file size"))
            self.assertEqual(core.split()[4:6], ["0", "0"], pid)
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0, pid)  # not dumpable: root's, whoever runs it


if __name__ == "__main__":
    unittest.main()
