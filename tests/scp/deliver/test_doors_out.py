"""The way out over TLS: `cervigate echo`, and deliveries."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
import doors_fixture as f  # noqa: E402
import test_deliver  # noqa: E402
from harness import QUIET, Orthanc  # noqa: E402
from doors_fixture import make as setUpModule, unmake as tearDownModule  # noqa: E402,F401


class Out(f.Case):
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
        self.peer("+tls", f.made.path(name + ".key"), f.made.path(name + ".crt"), "+cf", f.made.path("ca.crt"), *more)

    def echo(self, attributes='tls="true"', element=None, title="PACS"):
        if self.node is None:
            self.node = f.Node(start=False)
            self.addCleanup(self.node.stop)
        self.node.peers = f'<peers><peer name="pacs" aeTitle="{title}" host="127.0.0.1" port="{self.port}" {attributes}/></peers>'
        self.node.write_config(element or f.tls(listen="false"))
        return subprocess.run([f.ADMIN, "echo", "--config", self.node.config, "pacs"], capture_output=True, text=True, timeout=60)

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
        done = self.echo(element=f.tls(listen="false", certificate=None, key=None))
        self.assertRefused(done, "the peer requires a certificate of ours")
        done = self.echo('tls="false"')
        self.assertEqual(done.returncode, 69)
        self.assertIn('if it wants TLS there, set tls="true" at <peer>', done.stderr)
        self.assertRefused(self.echo('tls="true" tlsName="pacs.example.org"'),
                           "wrong name: its certificate is for address 127.0.0.1, localhost, called was pacs.example.org", "set tlsName")
        self.assertRefused(self.echo(element=f.tls(listen="false", authorities=f.made.path("other.crt"))),
                           "untrusted certificate: CN=peer,O=Test, issued by CN=ca,O=Test", "<tls authorities>")

    def test_orthanc(self):
        class Secure(Orthanc):
            def start(self):
                self.process = subprocess.Popen(["Orthanc", self.config], **QUIET)
        f.made.path("peer.crt")
        peer = Secure(DicomTlsEnabled=True, DicomTlsCertificate=f.made.path("peer.crt"), DicomTlsPrivateKey=f.made.path("peer.key"),
                      DicomTlsTrustedCertificates=f.made.path("ca.crt"), DicomModalities={"us": ["CERVIGATE", "127.0.0.1", 11112]})
        self.addCleanup(peer.close)
        self.port = peer.port
        d.wait_for(self.listens, 30, "Orthanc")
        done = self.echo(title="ORTHANC")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, " over TLSv1.[23] ")
        self.orthanc_calls(peer)

    def orthanc_calls(self, peer):
        """The way in by the same Orthanc: echo, and an object; not where it does not speak TLS."""
        node = self.start(f.tls())
        image = os.path.join(node.folder, "image.dcm")
        d.write_object(image, 100000)
        with open(image, "rb") as file:
            stored = json.loads(self.ask(peer, "/instances", file.read()))["ID"]
        for name, secure in (("tls", True), ("plain", False)):
            self.ask(peer, f"/modalities/{name}", json.dumps({"AET": "CERVIGATE", "Host": "127.0.0.1", "Port": int(self.tls_port),
                                                              "UseDicomTls": secure}).encode(), "PUT")
        self.ask(peer, "/modalities/tls/echo", b"{}")
        self.ask(peer, "/modalities/tls/store", stored.encode())
        self.said(r"instance-stored ")
        self.said(r'association-ended .*calling="?ORTHANC"? .*tls="TLSv1\.[23] [^"]+" end=released stored=1')
        with self.assertRaises(urllib.error.HTTPError):
            self.ask(peer, "/modalities/plain/echo", b"{}")
        self.said("caller-refused .*answer=1/2/1")

    def ask(self, peer, path, body, method="POST"):
        request = urllib.request.Request(f"http://127.0.0.1:{peer.http}{path}", data=body, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

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
                        f.receive(connection, 1)
                thread = threading.Thread(target=serve)
                thread.start()
                self.assertRefused(self.echo(attributes), words, advice)
                thread.join()

    def test_a_peer_with_old_tls(self):
        for version in ("-tls1", "-tls1_1"):
            self.port = d.free_port()
            server = subprocess.Popen(["openssl", "s_server", "-accept", str(self.port), "-cert", f.made.path("peer.crt"), "-key",
                                       f.made.path("peer.key"), version, "-cipher", "ALL:@SECLEVEL=0", "-quiet"], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(server.wait)
            self.addCleanup(server.kill)
            d.wait_for(self.listens, 10, "s_server")
            self.assertRefused(self.echo(), "TLS 1.2")


class Delivery(f.Case):
    """Results go out over TLS; a peer that cannot be trusted gets nothing, and what waits for it is not lost."""
    made, peer = 0, None
    add, states = test_deliver.Deliver.add, test_deliver.Deliver.states

    def begin(self, element, peer):
        """A node, and a port where a peer may be started by `pacs`; `peer` is there already."""
        self.port, self.folder = d.free_port(), tempfile.mkdtemp(prefix="cervigate-pacs-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.pacs(*peer)
        self.start(element, mode="demo", peers=f'<peers><peer name="p0" aeTitle="P0" host="127.0.0.1" port="{self.port}" tls="true"/></peers>'
                   '<destinations><destination peer="p0" outputs="SR SC" demo="true" retryFirst="1" retryMost="1"/></destinations>')

    def pacs(self, name, authority="ca"):
        """In the place of the one before."""
        if self.peer:
            self.peer.kill()
            self.peer.wait()
        self.peer = subprocess.Popen(["storescp", "+B", "-od", self.folder, "+tls", f.made.path(name + ".key"), f.made.path(name + ".crt"), "+cf",
                                      f.made.path(authority + ".crt"), str(self.port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.peer.wait)
        self.addCleanup(self.peer.kill)

    def all_sent(self, count):
        d.wait_for(lambda: self.states(self.node) == {"p0:sent": count}, 20, "delivery")
        self.assertEqual(len(os.listdir(self.folder)), count)

    def test_delivered_when_the_peer_has_a_good_certificate(self):
        self.begin(f.tls(listen="false"), ("late",))
        self.add(self.node, 5, "p0")
        self.said("destination-unreached .*expired certificate: CN=late", seconds=15)
        self.assertEqual((os.listdir(self.folder), self.states(self.node)), ([], {"p0:pending": 5}))
        self.pacs("peer")
        self.all_sent(5)

    def test_replaced_files_are_taken_without_a_restart(self):
        """Another authority, then another pair of ours, as the peer wants them now."""
        def replace(**files):
            for new, old in files.items():
                shutil.copy2(f.made.path(old), f.made.path(f"own.{new}.new"))
                os.rename(f.made.path(f"own.{new}.new"), f.made.path(f"own.{new}"))
        replace(crt="client.crt", key="client.key", ca="ca.crt")
        self.begin(f.tls("own", listen="false", authorities=f.made.path("own.ca")), ("peer",))
        self.add(self.node, 2, "p0")
        self.all_sent(2)
        deliver = self.node.pid("deliver")
        self.pacs("stranger", authority="other")
        self.add(self.node, 2, "p0")
        self.said("destination-unreached .*untrusted certificate: CN=stranger,O=Test, issued by CN=other", seconds=15)
        replace(ca="other.crt")
        self.said("destination-unreached .*the peer refuses our certificate: it does not trust who issued it", seconds=15)
        self.assertEqual(self.states(self.node), {"p0:sent": 2, "p0:pending": 2})
        replace(crt="stranger.crt", key="stranger.key")
        self.all_sent(4)
        self.assertEqual(self.node.pid("deliver"), deliver)
        self.assertNotIn("sender-ended", self.node.log())


if __name__ == "__main__":
    unittest.main()
