"""Results reach an archive by DICOMweb (STOW-RS), after a look by QIDO-RS: Orthanc, and a scripted server with every way to misbehave."""
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import daemon as h  # noqa: E402
import harness  # noqa: E402
import rawscu  # noqa: E402
from certificates import Certificates  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402
from web_archive import WebArchive  # noqa: E402

ADMIN = os.path.join(h.BUILD, "bin/cervigate")
DICOMWEB = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
SR3D, SR_COMPREHENSIVE, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"


class Stow(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-stow-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def archive(self, **how):
        archive = WebArchive(**how)
        self.addCleanup(archive.close)
        return archive

    def secret(self, text, mode=0o600, name="secret"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def node(self, url, attributes="", destination='look="never"', extra="", outputs="SR SC", most=1, **environment):
        peers = f'<peers><peer name="web" url="{url}" {attributes}/></peers><destinations><destination peer="web" outputs="{outputs}" '
        peers += f'{destination} demo="true" retryFirst="1" retryMost="{most}"/></destinations>'
        node = AnalyzeNode(mode="demo", peers=peers, start=False)
        node.write_config(extra)
        self.addCleanup(node.stop)
        return node.start(environment)

    def study(self, node, name="a", **attributes):
        path = os.path.join(self.folder, name + ".dcm")
        h.write_object(path, 100000, **attributes)
        self.assertEqual(node.store(path).returncode, 0)
        return path

    def states(self, node):
        return [state for state, in node.sql("SELECT state FROM delivery ORDER BY id")]

    def sent(self, node, seconds=20, count=2):
        h.wait_for(lambda: self.states(node) == ["sent"] * count, seconds, "all delivered")

    def logs(self, node, pattern, seconds=20):
        h.wait_for(lambda: re.search(pattern, node.log()), seconds, pattern)

    def admin(self, node, *arguments):
        return subprocess.run([ADMIN, arguments[0], "--config", node.config, *arguments[1:]], capture_output=True, text=True, timeout=60)


class Sends(Stow):
    def test_report_and_picture_on_one_connection_then_in_other_kinds(self):
        archive = self.archive()
        node = self.node(archive.url(path="/dicom-web/"), destination='look="never" pictureSyntax="rle"')
        self.study(node)
        self.sent(node)
        self.assertEqual([str(o.SOPClassUID) for o in archive.stored], [SR3D, SC])
        self.assertEqual([archive.syntaxes[o.SOPInstanceUID] for o in archive.stored], [EXPLICIT, RLE])
        self.assertEqual(len({port for _, _, _, port in archive.requests}), 1)
        self.logs(node, r"\bdelivered destination=web")
        audit = self.admin(node, "audit", "search", "--json")
        self.assertIn(archive.url(), audit.stdout)
        archive.refuses, archive.unpackable = {SR3D}, {RLE}
        self.study(node, "b")
        self.sent(node, count=4)
        self.assertEqual([str(o.SOPClassUID) for o in archive.stored[2:]], [SR_COMPREHENSIVE, SC])
        self.assertEqual(archive.syntaxes[archive.stored[3].SOPInstanceUID], EXPLICIT)

    def test_killed_after_the_answer_it_is_sent_again_under_the_same_uid(self):
        archive = self.archive()
        mark = os.path.join(self.folder, "mark")
        node = self.node(archive.url(), CERVIGATE_CRASH="deliver-sent-unanswered", CERVIGATE_CRASH_MARK=mark)
        self.study(node)
        self.sent(node)
        self.assertTrue(os.path.exists(mark))
        self.assertEqual(len({o.SOPInstanceUID for o in archive.stored}), 2)
        self.assertEqual(len(archive.stored), 3)


class Looks(Stow):
    def test_a_result_before_its_originals_waits_for_them(self):
        archive = self.archive()
        archive.page = 2  # fewer than asked for
        node = self.node(archive.url(), destination='look="always" lookMost="600"')
        path = self.study(node)
        self.logs(node, "delivery-waits.*the study is not there")
        for n in range(4):
            archive.add(path, SOPInstanceUID=f"1.2.3.{n}")
        self.logs(node, "0 of 1 images are there")
        self.assertEqual(archive.posts(), [])
        archive.behave("nonsense", "page", "status 500", "status 503", "endless", on="query")
        archive.add(path)
        self.sent(node, 40)
        self.assertEqual(archive.behaviours["query"], [])
        self.assertLess(archive.dripped, 32 << 20)

    def test_another_patient_there(self):
        archive = self.archive()
        node = self.node(archive.url(), destination='look="always" lookMost="2"')
        archive.add(self.study(node), PatientID="SOMEBODY-ELSE")
        self.logs(node, "delivery-parked.*looked for in vain.*another Patient ID there")
        self.assertNotIn("SOMEBODY", node.log())
        self.assertEqual(archive.posts(), [])


class Misbehaves(Stow):
    """Each way ends as docs/delivery.md says."""

    def test_every_way(self):
        archive = self.archive()
        archive.behave(*["status 404"] * 99, on="query")  # no QIDO-RS: look="auto" sends without
        node = self.node(archive.url(), destination='look="auto"', CERVIGATE_WEB_SECONDS="2")
        self.put_off_by_itself(archive, node)
        self.as_a_whole(archive, node)
        self.parked_and_warned(archive, node)

    def put_off_by_itself(self, archive, node):
        ways = ("status 500", "status 403", "failed 409 A700", "failed 200 0110", "failed 202 0110", "page", "other", "nonsense", "cut",
                "close-at-once", "endless", "headers", "hang", "drip", "behind")
        archive.behave(*ways)
        self.study(node)
        self.sent(node, 90)
        log = node.log()
        self.assertNotIn("delivery-parked", log)
        for text in ("HTTP status 500", "HTTP status 403: let this node", "HTTP status 409, failure reason A700", "HTTP status 200, failure reason 0110",
                     "HTTP status 202, failure reason 0110", "HTTP status 200 without saying", "it answers without end", "too slow"):
            self.assertIn(text, log)
        self.assertNotIn("log in", log)
        self.assertLess(archive.dripped, 64 << 20)
        self.assertEqual(len(archive.posts()), len(ways) + 2)
        self.assertEqual((len(archive.stored), len({o.SOPInstanceUID for o in archive.stored})), (3, 2))  # "behind" had it

    def as_a_whole(self, archive, node):
        archive.elsewhere = archive.url()
        before, put_off, unreached = len(archive.posts()), node.log().count("delivery-put-off"), node.log().count("destination-unreached")
        archive.behave("status 502", "status 503", "status 504", "status 429", "status 401", "status 404", "redirect")
        self.study(node, "b")
        self.sent(node, 60, count=4)
        self.assertEqual([str(o.SOPClassUID) for o in archive.stored[-2:]], [SR3D, SC])  # the order is kept
        self.assertEqual(node.log().count("delivery-put-off"), put_off)
        self.assertEqual(node.log().count("destination-unreached"), unreached + 7)
        for text in ("HTTP status 301: it redirects", "HTTP status 401: set user", "HTTP status 404: set url"):
            self.assertIn(text, node.log())
        self.assertEqual(len(archive.posts()), before + 9)

    def parked_and_warned(self, archive, node):
        archive.behave("failed 409 A900", "status 400", "warning B007", "failed 409 0111")
        self.study(node, "c")
        h.wait_for(lambda: self.states(node)[4:] == ["parked"] * 2, 20, "parked")
        self.assertRegex(node.log(), "delivery-parked .*status=A900 .*HTTP status 409, failure reason A900")
        self.study(node, "d")
        h.wait_for(lambda: self.states(node)[6:] == ["sent"] * 2, 20, "delivered")
        self.assertRegex(node.log(), "delivered destination=web .*status=B007")
        self.assertRegex(node.log(), "delivered destination=web .*status=0111")

    def test_retry_after_is_heeded_up_to_retry_most_and_down_is_told(self):
        archive = self.archive()
        node = self.node(archive.url(), outputs="SR", most=2)
        for n, (after, least) in enumerate((("2", 1.9), ("3600", 1.9), ("date", 0.9))):
            archive.behave(f"status 503 {after}")
            self.study(node, after)
            h.wait_for(lambda n=n: len(archive.posts()) == 2 * n + 2, 20, "again")
            first, second = (at for at, *_ in archive.posts()[-2:])
            self.assertTrue(least <= second - first <= 5, second - first)
        h.wait_for(lambda: self.states(node) == ["sent"] * 3, 10, "delivered")
        archive.server.shutdown()
        archive.server.socket.close()
        self.study(node, "down")
        self.logs(node, f"destination-unreached.*(port {archive.port}|refused|connect)")
        done = self.admin(node, "echo", "web")
        self.assertEqual((done.returncode, "failed at the network" in done.stderr), (69, True), done.stderr)


class Secrets(Stow):
    def test_user_and_password(self):
        archive = self.archive()
        archive.basic("cervigate", "open: sesame")
        path = self.secret("open: sesame\nnot this\n")
        node = self.node(archive.url(), f'user="cervigate" passwordFile="{path}"')
        self.study(node)
        self.sent(node)
        shown = self.admin(node, "check", "--print-effective")
        self.assertIn(f'passwordFile="{path}"', shown.stdout)
        self.assertNotIn("sesame", shown.stdout + node.log())
        self.assertEqual(self.admin(node, "echo", "web").returncode, 0)
        self.secret("another", name="secret")
        done = self.admin(node, "echo", "web")
        self.assertEqual((done.returncode, "HTTP status 401" in done.stderr), (1, True), done.stderr)

    def test_what_lies_in_the_spool_is_the_nodes_alone_and_holds_no_secret(self):
        """After deliveries to who knows us and who does not, and an object that is refused."""
        token = "tOken-that-is-secret"
        archive, strict = self.archive(), self.archive()
        archive.basic("cervigate", "open: sesame")
        strict.secret = "Bearer another"
        given = (f'user="cervigate" passwordFile="{self.secret("open: sesame")}"', f'tokenFile="{self.secret(token, name="token")}"')
        peers, to = "", ""
        for name, one, how in zip(("web", "strict"), (archive, strict), given):
            peers += f'<peer name="{name}" url="{one.url()}" {how}/>'
            to += f'<destination peer="{name}" look="never" demo="true" retryFirst="1" retryMost="1"/>'
        node = AnalyzeNode(mode="demo", peers=f"<peers>{peers}</peers><destinations>{to}</destinations>", start=False)
        self.addCleanup(node.stop)
        node.write_config('<log level="debug" patientData="true"/>')
        old = os.umask(0)  # the node's own affair, whatever its parent's is
        try:
            node.start()
        finally:
            os.umask(old)
        self.study(node)
        h.wait_for(lambda: node.sql("SELECT state FROM delivery WHERE destination='web'") == [("sent",)] * 2, 20, "delivered")
        self.logs(node, "destination-unreached destination=strict .*HTTP status 401")
        lies = rawscu.element(8, 0x18, b"1.2.3.4 ") + b"\x10\0\x10\0\xf0\xff\0\0short"
        self.assertEqual(rawscu.store(int(node.port), rawscu.SECONDARY_CAPTURE, "1.2.3.4", rawscu.IMPLICIT, lies)[0][0], "c")
        self.assertEqual({f for f in ("results", "quarantine") if os.listdir(os.path.join(node.spool, f))}, {"results", "quarantine"})
        self.assertEqual(node.open_to_others(), [])
        seen = [data for _, _, data in node.files() if data] + [node.log().encode()]
        for pid in node.processes():
            for name in ("cmdline", "environ"):
                with open(f"/proc/{pid}/{name}", "rb") as f:
                    seen.append(f.read())
        for there in (b"--config", b"SCP-TEST"):  # what is there is found
            self.assertTrue(any(there in text for text in seen), there)
        for secret in (b"sesame", base64.b64encode(b"cervigate:open: sesame"), token.encode()):
            self.assertEqual([text[:99] for text in seen if secret in text], [])

    def test_a_token_that_others_may_read_is_not_used(self):
        archive = self.archive()
        archive.secret = "Bearer abc.def"
        path = self.secret("abc.def", 0o644)
        node = self.node(archive.url(), f'tokenFile="{path}"')
        self.study(node)
        self.logs(node, "destination-unreached.*its mode is 0644: others may read or write it; expected 0600 or 0400")
        self.assertEqual(archive.requests, [])
        done = self.admin(node, "check")
        self.assertEqual(done.returncode, 78)
        self.assertIn("<peer tokenFile>", done.stderr)
        os.chmod(path, 0o600)  # read anew for each batch
        self.sent(node)
        self.assertEqual(self.admin(node, "check").returncode, 0)


class Tls(Stow):
    @classmethod
    def setUpClass(cls):
        cls.made = Certificates()
        cls.made.authority("ca")
        cls.made.authority("other")
        cls.made.certificate("peer", "ca")
        cls.made.certificate("elsewhere", "ca", names="DNS:elsewhere.example.org")
        cls.made.certificate("stranger", "other")
        cls.made.certificate("late", "ca", days=-1)
        cls.made.certificate("node", "ca")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.made.folder)

    def secure(self, name, **how):
        return self.archive(certificate=self.made.path(name + ".crt"), key=self.made.path(name + ".key"), **how)

    def element(self, certificate=True):
        own = f'certificate="{self.made.path("node.crt")}" key="{self.made.path("node.key")}"' if certificate else ""
        return f'<tls {own} authorities="{self.made.path("ca.crt")}"/>'

    def test_by_name_with_a_certificate_of_ours(self):
        archive = self.secure("peer", authority=self.made.path("ca.crt"))
        node = self.node(archive.url("localhost"), extra=self.element())
        self.study(node)
        self.sent(node)
        done = self.admin(node, "echo", "web")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_who_is_not_trusted_gets_nothing(self):
        archive = self.secure("stranger")
        node = self.node(archive.url(), extra=self.element(False))
        self.study(node)
        self.logs(node, "destination-unreached.*unable to get local issuer.*by one of <tls authorities>")
        self.assertEqual(archive.requests, [])
        for name, words in (("stranger", "unable to get local issuer"), ("elsewhere", "no alternative certificate subject name|does not match"),
                            ("late", "expired")):
            archive = self.secure(name)
            node.peers = re.sub(r'url="[^"]+"', f'url="{archive.url()}"', node.peers)
            node.write_config(self.element(False))
            done = self.admin(node, "echo", "web")
            self.assertEqual(done.returncode, 69, done.stderr)
            self.assertRegex(done.stderr, f"failed at the TLS: .*({words}).*by one of <tls authorities>")
            self.assertEqual(archive.requests, [])


@unittest.skipUnless(os.path.exists(DICOMWEB), "orthanc-dicomweb is not installed (scripts/deps --peers)")
class RealPacs(Stow):
    def test_orthanc(self):
        orthanc = harness.Orthanc(Plugins=[DICOMWEB], DicomWeb={"Enable": True, "Root": "/dicom-web/"}, AuthenticationEnabled=True,
                                  RegisteredUsers={"cervigate": "sesame"})
        self.addCleanup(orthanc.close)
        node = self.node(f"http://127.0.0.1:{orthanc.http}/dicom-web", f'user="cervigate" passwordFile="{self.secret("sesame")}"',
                         destination='look="always" lookMost="600"', outputs="SR SC GSPS")
        done = self.admin(node, "echo", "web")
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.study(node)
        self.logs(node, "delivery-waits.*the study is not there")
        subprocess.run(["storescu", "-aec", "ORTHANC", "127.0.0.1", str(orthanc.port), path], check=True, capture_output=True)
        h.wait_for(lambda: set(self.states(node)) == {"sent"}, 30, "delivered")
        request = urllib.request.Request(f"http://127.0.0.1:{orthanc.http}/instances", headers={"Authorization": "Basic " + base64.b64encode(
            b"cervigate:sesame").decode()})
        with urllib.request.urlopen(request, timeout=30) as said:
            self.assertEqual(len(json.load(said)), 1 + len(self.states(node)))
        again = self.admin(node, "echo", "web", "--json")
        self.assertIn('"http_status"', again.stdout)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    for _, why in result.skipped:
        print(f"skipped: {why}")
    raise SystemExit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
