"""The site's orders by Modality Worklist query: DCMTK's wlmscpfs and Orthanc as the site's worklist; a scripted one that misbehaves; kills at each
point; a peer that is down. One node; its peers take the same port one after the other.

`test_order_query.py long`: CERVIGATE_COUNT (200) random answers of the scripted one, seed CERVIGATE_SEED (1)."""
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import harness as h

os.environ.setdefault("CERVIGATE_BUILD", h.BUILD)
sys.path[:0] = [os.path.join(h.SOURCE, "tests/scp"), os.path.join(h.SOURCE, "tests/faults")]
from certificates import Certificates  # noqa: E402
from kill import ASKED, Arms, children, name_of  # noqa: E402
from order_scp import MWL, OrderScp, item  # noqa: E402
from test_orders import Caller, Site, code  # noqa: E402

PLUGIN = "/usr/share/orthanc/plugins/libModalityWorklists.so"
ANSWER, MATCHES = 2, 20


def write(folder, name, dataset):
    """A worklist file as DCMTK and Orthanc read it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = MWL, generate_uid(), ExplicitVRLittleEndian
    whole = Dataset()
    whole.update(dataset)
    whole.file_meta, whole.is_little_endian, whole.is_implicit_VR, whole.preamble = meta, True, False, b"\0" * 128
    whole.save_as(os.path.join(folder, name + ".wl"), write_like_original=False)


class Wlmscpfs:
    """DCMTK's: a folder named as the AE title, a file an item."""

    def __init__(self, port):
        self.folder = tempfile.mkdtemp(prefix="cervigate-wl-")
        os.mkdir(os.path.join(self.folder, "RIS"))
        with open(os.path.join(self.folder, "RIS", "lockfile"), "wb"):
            pass
        self.port = port
        self.process = subprocess.Popen(["wlmscpfs", "--single-process", "-dfp", self.folder, str(port)], **h.QUIET)

    def add(self, name, dataset):
        write(os.path.join(self.folder, "RIS"), name, dataset)

    def wait(self):
        h.wait_for(lambda: h.run("echoscu", "-aec", "RIS", "127.0.0.1", self.port).returncode == 0, 10, "wlmscpfs")

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class OrthancWorklist(h.Orthanc):
    ae = "RIS"

    def __init__(self, port, **settings):
        self.files = tempfile.mkdtemp(prefix="cervigate-wl-")
        super().__init__(**settings, DicomPort=port, DicomAlwaysAllowFind=True, DicomAlwaysAllowFindWorklist=True, Plugins=[PLUGIN], Worklists={"Enable": True, "Database": self.files})

    def start(self):
        with open(self.config, encoding="utf-8") as f:
            self.port = json.load(f)["DicomPort"]
        super().start()

    def add(self, name, dataset):
        write(self.files, name, dataset)

    def close(self):
        super().close()
        shutil.rmtree(self.files, ignore_errors=True)


class SecureWorklist(OrthancWorklist):
    def __init__(self, port, made):
        super().__init__(port, DicomTlsEnabled=True, DicomTlsCertificate=made.path("peer.crt"), DicomTlsPrivateKey=made.path("peer.key"),
                         DicomTlsTrustedCertificates=made.path("hospital.crt"))

    def start(self):
        with open(self.config, encoding="utf-8") as f:
            self.port = json.load(f)["DicomPort"]
        self.process = subprocess.Popen(["Orthanc", self.config], **h.QUIET)
        h.wait_for(self.listens, 30, "Orthanc")

    def listens(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


class Query(unittest.TestCase):
    made, site = 0, Site()

    @classmethod
    def begin(cls):
        cls.folder, cls.port = tempfile.mkdtemp(prefix="cervigate-query-"), h.free_port()
        unittest.addModuleCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.planes = {}
        for path, kind in h.phantoms(cls.folder, 9):
            cls.planes.setdefault("normal" if kind == "normal" else "finding", h.grey(path))
        cls.arms = Arms(os.path.join(cls.folder, "arms"))
        cls.node = h.Node({}, quiet=1, environment={"CERVIGATE_CRASH_ARMS": os.path.join(cls.folder, "arms")}, limits=cls.limits())
        unittest.addModuleCleanup(cls.node.stop)

    @classmethod
    def limits(cls):
        return (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{cls.port}"/></peers>'
                '<orders listen="true" address="127.0.0.1" port="0" postoperative="post-?op.*contr[oô]le"/><health checkEvery="1" oldestJob="2"/>'
                f'<orderQuery peer="ris" period="1" periodMost="1" answerTime="{ANSWER}" matches="{MATCHES}" retryFirst="1" retryMost="1"/>')

    def setUp(self):
        Query.made += 1
        self.patient = f"P{self.made}-{os.path.basename(self.folder)}"

    def scripted(self, **options):
        peer = OrderScp(tempfile.mkdtemp(dir=self.folder), self.port, **options)
        self.addCleanup(peer.close)
        return peer

    def send(self, accession, kind="normal", study=None, patient=None, **attributes):
        study, path = study or generate_uid(), os.path.join(self.folder, f"i{accession or self.made}.dcm")
        h.wrap(self.planes[kind], path, study=study, AccessionNumber=accession, PatientID=self.patient if patient is None else patient,
               **attributes)
        self.assertEqual(self.node.send(path).returncode, 0)
        return study

    def ask_store(self, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), timeout=20)) as store:
            return store.execute(sql, values).fetchall()

    def order(self, accession):
        return self.ask_store("SELECT priority,placer_order,filler_order,read,procedure,postoperative FROM site_order WHERE accession=? ORDER BY filler_order", accession)

    def wait_order(self, accession, *expected):
        """[(priority, filler)] of its orders."""
        h.wait_for(lambda: [(o[0], o[2]) for o in self.order(accession)] == list(expected), 20, f"{accession}: {expected}")

    def list(self):
        return [json.loads(line) for line in self.node.admin("worklist", "--json").stdout.splitlines()]

    def said(self, study):
        row = self.ask_store("SELECT said FROM inquiry WHERE study=?", study)
        return row[0][0] if row else None

    def wait_said(self, study, what):
        h.wait_for(lambda: self.said(study) == what, 20, f"{study}: {what}, not {self.said(study)}")


def setUpModule():
    Query.begin()


class Real(Query):
    """Others' worklists. Two studies; the later one's order says STAT."""

    def first_in_the_list(self, peer, tag):
        plain, urgent, early = self.send(f"{tag}PLAIN"), generate_uid(), self.send(f"{tag}EARLY")
        peer.add("plain", next(item(f"{tag}PLAIN", self.patient, generate_uid(), "ROUTINE", filler=f"{tag}F1")))
        peer.add("early", next(item(f"{tag}EARLY", "SOMEBODY", generate_uid(), "STAT", filler=f"{tag}F2")))
        peer.add("urgent", next(item(f"{tag}URGENT", self.patient, urgent, "STAT", f"{tag}PL", f"{tag}FI", "C-spine, trauma", "HOSP")))
        self.send(f"{tag}URGENT", study=urgent)
        self.wait_order(f"{tag}URGENT", (4, f"{tag}FI"))
        self.wait_order(f"{tag}PLAIN", (2, f"{tag}F1"))
        self.wait_said(early, "none")
        h.wait_for(lambda: self.list()[0]["study"] == urgent, 10, "the urgent one is first")
        self.addCleanup(self.node.admin, "worklist", "read", urgent)  # another test's is first then
        rows = {r["study"]: r for r in self.list()}
        self.assertEqual((rows[urgent]["order"], rows[urgent]["priority"]), ("STAT", "HIGH"))
        self.assertEqual(rows[plain]["order"], "ROUTINE")
        self.assertEqual(rows[early]["order"], "UNKNOWN", "another patient's order of the same accession number")
        self.assertEqual(self.order(f"{tag}URGENT"), [(4, f"{tag}PL", f"{tag}FI", 0, "C-spine, trauma", 0)])
        return urgent

    def test_wlmscpfs(self):
        peer = Wlmscpfs(self.port)
        self.addCleanup(peer.close)
        peer.wait()
        study = self.first_in_the_list(peer, "W")
        said = self.node.admin("echo", "ris")
        self.assertEqual((said.returncode, "; it takes Modality Worklist queries" in said.stdout), (0, True), said)
        # the same order by HL7 is the same row
        with Caller(self.node) as caller:
            self.assertEqual(code(caller.ask(self.site.omi("WURGENT", study, "R", number="x").replace(b"PLx", b"WPL").replace(b"FIx", b"WFI"))), "AA")
        self.wait_order("WURGENT", (2, "WFI"))

    @unittest.skipUnless(os.path.exists(PLUGIN), "skipped: Orthanc has no ModalityWorklists plugin")
    def test_orthanc(self):
        peer = OrthancWorklist(self.port)
        self.addCleanup(peer.close)
        self.first_in_the_list(peer, "O")


class OverTls(Query):
    """The site's worklist over TLS, by a node of its own; a peer whose certificate nobody vouches for is asked nothing."""

    @unittest.skipUnless(os.path.exists(PLUGIN), "skipped: Orthanc has no ModalityWorklists plugin")
    def test_orthanc(self):
        made, port = Certificates(), h.free_port()
        self.addCleanup(made.remove)
        for name in ("hospital", "stranger"):
            made.authority(name)
        made.certificate("peer", "hospital")
        made.certificate("node", "hospital")
        peer = SecureWorklist(port, made)
        self.addCleanup(peer.close)
        peer.add("one", next(item("TLS1", self.patient, "", "STAT", filler="T1")))
        limits = ('<tls listen="false" certificate="{0}/node.crt" key="{0}/node.key" authorities="{0}/{1}.crt"/><peers><peer name="ris" aeTitle="RIS" '
                  'host="127.0.0.1" port="{2}" tls="true"/></peers><orderQuery peer="ris" period="1" periodMost="1" retryFirst="1" retryMost="1"/>')
        node = h.Node({}, quiet=1, limits=limits.format(made.folder, "stranger", port))
        self.addCleanup(node.stop)
        path = os.path.join(self.folder, "tls.dcm")
        h.wrap(self.planes["normal"], path, study=generate_uid(), AccessionNumber="TLS1", PatientID=self.patient)
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: "inquiry-failed" in node.log(), 20, "nobody vouches for it")
        with open(node.config, encoding="utf-8") as f:
            text = f.read()
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace("stranger.crt", "hospital.crt"))
        node.process.send_signal(signal.SIGHUP)
        h.wait_for(lambda: [json.loads(line)["order"] for line in node.admin("worklist", "--json").stdout.splitlines()] == ["STAT"], 30, "asked over TLS")


class What(Query):
    def test_by_study_where_the_images_have_no_accession_number(self):
        peer, study = self.scripted(), generate_uid()
        peer.items = [*item("UID1", self.patient, study, "HIGH", filler="U1"), *item("UID2", self.patient, generate_uid(), "STAT", filler="U2")]
        self.send("", study=study)
        self.wait_order("UID1", (3, "U1"))
        self.assertEqual(self.order("UID2"), [])
        asked = [q for q in peer.asked if q.get("StudyInstanceUID") == study]
        self.assertEqual([(q.AccessionNumber, q.PatientID) for q in asked], [("", self.patient)], "asked once")
        self.assertNotIn("PatientName", asked[0])

    def test_who_gave_the_accession_number(self):
        """Of the same number of two issuers the images' own is taken."""
        peer, issuers = self.scripted(), []
        for name in ("OTHERRIS", "OURRIS"):
            issuer = Dataset()
            issuer.LocalNamespaceEntityID = name
            issuers.append(Sequence([issuer]))
        peer.items = [*item("GIVEN", self.patient, "", "STAT", filler="G1", IssuerOfAccessionNumberSequence=issuers[0]),
                      *item("GIVEN", self.patient, "", "ROUTINE", filler="G2", IssuerOfAccessionNumberSequence=issuers[1])]
        study = self.send("GIVEN", IssuerOfAccessionNumberSequence=issuers[1])
        self.wait_order("GIVEN", (4, "G1"), (2, "G2"))
        self.assertEqual(self.ask_store("SELECT issuer FROM site_order WHERE accession='GIVEN' ORDER BY filler_order"), [("OTHERRIS&",), ("OURRIS&",)])
        h.wait_for(lambda: next(r["order"] for r in self.list() if r["study"] == study) == "ROUTINE", 10, "its own order's priority")

    def test_a_peer_that_matches_nothing_but_all(self):
        peer = self.scripted(knows=())
        peer.items = [*item("ALL", "SOMEBODY", "", "STAT", filler="X"), *item("ALL2", self.patient, "", "STAT", filler="Y"),
                      *item("ALL", self.patient, "", "HIGH", filler="A1", steps=3, procedure="Post-OP, CONTRÔLE", SpecificCharacterSet="ISO_IR 192")]
        study = self.send("ALL", "finding")
        self.wait_order("ALL", (3, "A1"))
        self.assertEqual(self.order("ALL")[0][5], 1, "post-operative")
        h.wait_for(lambda: {r["study"]: r for r in self.list()}[study]["reason"] == "postoperative", 10, "it raises nothing")
        self.assertEqual(self.order("ALL2"), [])

    def test_of_another_patient_and_ambiguous(self):
        peer = self.scripted(knows=())
        peer.items = [*item("OTHER", "SOMEBODY", "", "STAT"), *item("TWICE", "P1", "", "STAT", filler="T"), *item("TWICE", "P2", "", "LOW", filler="T"),
                      *item("ISSUER", self.patient, "", "STAT", issuer="ELSEWHERE", filler="I")]
        other, twice = self.send("OTHER"), self.send("TWICE", patient="")
        self.wait_said(other, "other-patient")
        self.wait_said(twice, "ambiguous")
        h.wait_for(lambda: peer.count("OTHER") >= 2 and peer.count("TWICE") >= 2, 20, "asked again")
        self.assertEqual(self.order("OTHER") + self.order("TWICE"), [])
        for study, end in ((other, "other-patient"), (twice, "ambiguous")):
            lines = [line for line in self.node.log().splitlines() if f"study={study} end=" in line]
            self.assertEqual([f"end={end}" in line and " WARN " in line.upper().replace("=", " ") for line in lines], [True], lines)
        peer.items = [*item("OTHER", self.patient, "", "HIGH", filler="NOW"), *item("TWICE", "P1", "", "LOW", filler="T")]
        self.wait_order("OTHER", (3, "NOW"))
        self.wait_order("TWICE", (1, "T"))

    def test_not_asked_more_often_than_needed(self):
        peer = self.scripted()
        peer.items = [*item("KNOWN", self.patient, "", "STAT"), *item("ONCE", self.patient, "", "ROUTINE", filler="O1"),
                      *item("PRIORITY", self.patient, "", "", filler="N1")]
        with Caller(self.node) as caller:
            self.assertEqual(code(caller.ask(self.site.orm("KNOWN", "R", "K"))), "AA")
        for accession in ("KNOWN", "ONCE", "PRIORITY", "NONE"):
            self.send(accession)
        self.wait_order("ONCE", (2, "O1"))
        self.wait_order("PRIORITY", (0, "N1"))
        h.wait_for(lambda: peer.count("NONE") >= 1, 20, "asked")
        began, before = time.monotonic(), peer.count("NONE")
        h.wait_for(lambda: peer.count("NONE") >= before + 2, 20, "asked again")
        self.assertGreater(time.monotonic() - began, 1.9)
        self.assertEqual([peer.count(a) for a in ("KNOWN", "ONCE", "PRIORITY")], [0, 1, 1])
        self.assertEqual([o[:3] for o in self.order("KNOWN")], [(2, "PLK", "FIK")], "what HL7 said is not asked about")


class Hostile(Query):
    MODES = {"fail": "status A700", "refused": "status 0122", "cancelled": "status FE00", "abort": "", "half": "", "silence": "", "slow": "", "garbage": "",
             "nested": "", "truncated": "", "bare": "a match without identifier", "foreign": "is not to our C-FIND", "endless": "without end"}

    def failed(self, since):
        return [line for line in self.node.log()[since:].splitlines() if "inquiry-failed" in line]

    def test_each_way_to_misbehave(self):
        peer = self.scripted()
        peer.items = list(item("HOSTILE", self.patient, "", "STAT", filler="H", steps=5))
        peer.how = "fail"
        study = self.send("HOSTILE")
        for how, words in self.MODES.items():
            with self.subTest(how=how):
                since, peer.how, asked = len(self.node.log()), how, len(peer.asked)
                h.wait_for(lambda: len(peer.asked) > asked, 20, "asked")
                h.wait_for(lambda: any(words in line for line in self.failed(since)), 20, "a line")
                self.assertEqual(self.order("HOSTILE"), [])
        peer.how = "many"  # not a failure of the peer, but none of it counts
        self.wait_said(study, "too-many")
        for how in ("refuse", "close", "no-context", "silence"):
            with self.subTest(at_association=how):
                since, peer.how = len(self.node.log()), "ok" if how == "silence" else "fail"
                peer.behave(how, 1)
                h.wait_for(lambda: self.failed(since), 20, "a line")
        peer.takes = False
        h.wait_for(lambda: any("ris takes no Modality Worklist queries from CERVIGATE" in line for line in self.failed(0)), 20, "a line")
        said = self.node.admin("echo", "--json", "ris")
        self.assertEqual((said.returncode, json.loads(said.stdout)["worklist"]), (1, False))
        peer.takes, peer.how = True, "ok"
        self.wait_order("HOSTILE", (4, "H"))
        log = self.node.log()
        self.assertNotIn("role-died", log)
        self.assertNotIn("inquirer-ended", log)

    def test_a_peer_that_is_down_delays_nothing_and_is_an_alarm(self):
        study = self.send("DOWN", "finding")
        h.wait_for(lambda: self.ask_store("SELECT 1 FROM place WHERE study=? AND raised=1", study), 30, "raised, while nobody answers")

        def alarm():
            return [w for w in self.node.status()["why"] if w["name"] == "order-query"]
        why, = h.wait_for(alarm, 20, "an alarm")
        self.assertEqual(why["subject"], "ris")
        self.assertRegex(why["detail"], r"studies wait for their order's priority; it fails since \d+ s: .*connect")
        h.wait_for(lambda: 'name=order-query subject="ris" state=on' in self.node.log(), 10, "a line")
        peer = self.scripted()
        peer.items = list(item("DOWN", self.patient, "", "STAT", filler="D"))
        self.wait_order("DOWN", (4, "D"))
        h.wait_for(lambda: not alarm(), 10, "the alarm is over")

    def inquirers(self):
        return [pid for pid in children(int(self.node.facts().get("inquire_pid") or 0)) if name_of(pid) == "cervigated-ask"]

    def test_killed_at_each_point(self):
        peer = self.scripted()
        for n, point in enumerate(ASKED):
            with self.subTest(point=point):
                peer.items = list(item(f"KILL{n}", self.patient, "", "STAT", filler=f"K{n}"))
                self.arms.arm(point)
                self.send(f"KILL{n}")
                h.wait_for(lambda: self.arms.armed() == [], 20, "it dies")
                self.wait_order(f"KILL{n}", (4, f"K{n}"))
        h.wait_for(self.is_confined, 10, "the supervisor's filter, the role's and its own")

    def is_confined(self):
        for pid in self.inquirers():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as f:
                facts = dict(line.split(":\t", 1) for line in f if ":\t" in line)
                return (facts["Seccomp"], facts["NoNewPrivs"], int(facts["Seccomp_filters"]) >= 3) == ("2\n", "1\n", True)
        return False


class Long(Query):
    """Not in CI."""

    def test_random_answers(self):
        seed, count = int(os.environ.get("CERVIGATE_SEED", "1")), int(os.environ.get("CERVIGATE_COUNT", "200"))
        chance, peer = random.Random(seed), self.scripted()
        peer.how = "fail"
        studies = [(f"LONG{n}", self.send(f"LONG{n}")) for n in range(6)]
        end = time.monotonic() + 20 * count
        while len(peer.asked) < count and time.monotonic() < end:
            peer.items = [d for accession, study in studies for d in item(accession, chance.choice(["SOMEBODY", "", "X"]), chance.choice(["", study[:-1]]),
                                                                       chance.choice(["STAT", "?", ""]), steps=chance.randrange(3))]
            for d in peer.items:
                d.PatientID = "SOMEBODY"
            peer.how = chance.choice([*Hostile.MODES, "many", "ok"])
            if chance.random() < 0.2:
                peer.behave(chance.choice(["refuse", "close", "no-context", "silence"]), 1)
            time.sleep(0.3)
        print(f"seed {seed}: {len(peer.asked)} questions, {self.node.log().count('inquiry-failed')} failures")
        self.assertEqual([self.order(accession) for accession, _ in studies], [[]] * 6)
        self.assertNotIn("role-died", self.node.log())
        peer.items, peer.how = [d for accession, _ in studies for d in item(accession, self.patient, "", "STAT", filler="L")], "ok"
        for accession, _ in studies:
            self.wait_order(accession, (4, "L"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["long"]:
        unittest.main(argv=[sys.argv[0], "Long"], verbosity=2)
    unittest.main(argv=[*sys.argv, *(() if sys.argv[1:] else ("Real", "What", "Hostile"))], verbosity=2)
