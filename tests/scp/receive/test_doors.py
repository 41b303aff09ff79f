"""The way in over TLS: versions, suites and certificates that are refused, wrong ports, renewals, with DCMTK's tools and OpenSSL's client."""
import os
import re
import shutil
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
import doors_fixture as f  # noqa: E402
from doors_fixture import make as setUpModule, unmake as tearDownModule  # noqa: E402,F401


class In(f.Case):
    """Who calls the port of <tls>."""

    def start_shared(self):
        if (type(self), "all") not in self.nodes:
            f.made.path("revoked.crt")
            f.made.revoke("ca", "revoked")
        self.start(f.tls(revoked=f.made.path("ca.crl")), shared="all")

    def test_tools_and_versions(self):
        self.start_shared()
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
        self.start_shared()
        for version, words in (("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")):
            self.assertFalse(self.s_client(version, "-cipher", "ALL:@SECLEVEL=0", client="client"), version)
            line = self.said(rf'caller-refused .*old version: the peer offers {re.escape(words)} at most')
            self.assertIn('answer=none ', line)
            self.assertIn('configure="TLS 1.2 or 1.3 at the caller', line)
        for count, suite in enumerate(("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA384"), 1):
            self.assertFalse(self.s_client("-tls1_2", "-cipher", suite, client="client"), suite)
            self.said("caller-refused .*no cipher suite of BCP 195", count=count)
        self.assertTrue(self.s_client(client="client"))

    def test_certificates_that_are_refused(self):
        self.start_shared()
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

    def test_other_settings(self):
        self.start(f.tls(only="true", leastVersion="1.3"))
        self.assertEqual(self.node.facts()["dicom_port"], "0")
        self.assertEqual(self.tool("echoscu").returncode, 0)
        self.tool("echoscu", client=None)
        self.assertIn("has no plain port", self.said("caller-refused .*plain DICOM"))
        self.assertTrue(self.s_client("-tls1_3", client="client"))
        self.assertFalse(self.s_client("-tls1_2", client="client"))
        self.said("old version: the peer offers TLS 1.2 at most, TLS 1.3 is the least")
        self.node.write_config(f.tls(clientCertificate="optional"))
        self.node.reload()
        self.assertNotEqual(self.node.facts()["dicom_port"], "0")
        self.assertTrue(self.s_client("-tls1_2"))
        self.assertTrue(self.s_client(client="client"))
        self.s_client(client="stranger")
        self.said("caller-refused .*untrusted certificate: CN=stranger")
        self.node.write_config(f.tls(clientCertificate="none", authorities=None))
        self.node.reload()
        self.assertTrue(self.s_client())
        self.assertTrue(self.s_client(client="stranger"))
        self.node.write_config("")
        self.node.reload()
        self.assertEqual(self.node.facts()["tls_port"], "0")
        self.tool("echoscu", port=self.node.port)
        self.assertIn("<tls listen", self.said("caller-refused .*speaks TLS where"))

    def test_a_caller_trusts_another_authority(self):
        self.start_shared()
        done = self.tool("echoscu", trust="other")
        self.assertNotEqual(done.returncode, 0)
        self.said("caller-refused .*the peer refuses our certificate: it does not trust who issued it")

    def test_tls_on_the_plain_port_and_the_reverse(self):
        self.start_shared()
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
            self.assertEqual(f.receive(s, 10), b"")
        self.said("neither TLS nor DICOM")

    def test_a_slow_handshake_has_the_limits_of_a_slow_peer(self):
        self.start(f.tls() + '<receive acseTimeout="2"/>', limits='spoolReserve="1048576" associations="4" associationsPerPeer="3"')
        began, slow = time.monotonic(), []
        hello = bytes.fromhex("1603010200010001fc0303")
        for _ in range(3):
            s = socket.create_connection(("127.0.0.1", int(self.tls_port)), 10)
            self.addCleanup(s.close)
            s.sendall(hello)
            slow.append(s)
        with socket.create_connection(("127.0.0.1", int(self.tls_port)), 5) as s:  # the fourth of this address
            s.sendall(hello)
            self.assertEqual(f.receive(s, 1), b"")
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
        self.start_shared()
        for newest in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            s = self.connect(newest=newest)
            for byte in f.associate():
                s.sendall(bytes([byte]))
            self.assertEqual(f.receive(s, 1), b"\2")
            s.sendall(b"\x99\0\0\0\0\4\0\0\0\0")  # no PDU: aborted within TLS
            self.assertIn(b"\7\0\0\0\0\4\0\0\2\1", f.receive(s, 4096))
        self.said("association-ended .*a PDU of an unknown type", count=2)


class Renewal(f.Case):
    """Files that are replaced while the node runs."""

    def setUp(self):
        for name in ("crt", "key"):
            shutil.copy2(f.made.path("node." + name), f.made.path("live." + name))

    def serial(self):
        with socket.create_connection(("127.0.0.1", int(self.tls_port)), 10) as plain:
            with self.context().wrap_socket(plain, server_hostname="127.0.0.1") as s:
                return int(s.getpeercert()["serialNumber"], 16)

    def replace(self, name):
        for kind in ("key", "crt"):
            shutil.copy2(f.made.path(f"{name}.{kind}"), f.made.path("live.new"))
            os.replace(f.made.path("live.new"), f.made.path("live." + kind))

    def test_new_associations_have_the_new_certificate(self):
        self.start(f.tls("live"), shared="live")
        before = self.serial()
        s = self.connect()
        s.sendall(f.associate())
        self.assertEqual(f.receive(s, 6)[0], 2)
        self.replace("peer")
        self.assertNotEqual(self.serial(), before)
        self.node.reload()
        self.assertNotEqual(self.serial(), before)
        s.sendall(b"\5\0\0\0\0\4\0\0\0\0")  # the open one goes on: it is released in good order
        self.assertIn(b"\6\0\0\0\0\4\0\0\0\0", f.receive(s, 4096))

    def test_the_last_good_one_stays(self):
        self.start(f.tls("live"), shared="live")
        before = self.serial()
        shutil.copy(f.made.path("peer.crt"), f.made.path("live.crt"))  # not the key's
        self.assertEqual(self.serial(), before)
        self.said("tls-files-bad .*in_use=the-last-good .*is not the key of the certificate")
        self.assertIn("certificate", self.node.log())
        os.chmod(f.made.path("live.key"), 0o644)
        self.assertEqual(self.serial(), before)
        self.said("tls-files-bad .*its mode is 0644")
        os.remove(f.made.path("live.key"))
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
        node = f.Node(start=False)
        self.addCleanup(node.stop)
        node.write_config(f.tls("live", key=f.made.path("peer.key")))
        status, text = node.refusal()
        self.assertEqual(status, 78)
        self.assertRegex(text, r"c\.xml:\d+: <tls key=.*: is not the key of the certificate")


if __name__ == "__main__":
    unittest.main()
