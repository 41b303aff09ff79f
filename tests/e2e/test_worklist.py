"""The reading worklist: places, and the news of them on every way; receivers that misbehave, modes, kills, what is stale."""
import contextlib
import hashlib
import hmac
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import threading
import time
import unittest

import pydicom
from pydicom.uid import generate_uid

import harness as h
from hook import Hook
from ups_scp import Manager
from ups_web import WebManager

os.environ.setdefault("CERVIGATE_BUILD", h.BUILD)
sys.path.insert(0, os.path.join(h.SOURCE, "tests/scp"))
from test_hl7_peer import Listener, says  # noqa: E402

SR3D = "1.2.840.10008.5.1.4.1.1.88.34"


class Worklist(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Phantoms of which the bundled model says something, by what it says."""
        cls.images = tempfile.mkdtemp(prefix="cervigate-worklist-")
        cls.planes = {}
        for path, kind in h.phantoms(cls.images, 9):
            cls.planes.setdefault("normal" if kind == "normal" else "finding", []).append(h.grey(path))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.images)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-worklist-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.made = 0

    def hook(self, **how):
        hook = Hook(**how)
        self.addCleanup(hook.close)
        return hook

    def node(self, announcements, mode="demo", quiet=1, environment=None, more=""):
        node = h.Node({}, mode=mode, quiet=quiet, environment=environment, limits=f"<announcements>{announcements}</announcements>{more}")
        self.addCleanup(node.stop)
        return node

    def webhook(self, hook, name="chat", more=""):
        return f'<webhook name="{name}" url="{hook.url}" demo="true" retryFirst="1" retryMost="1" {more}/>'

    def image(self, kind, number=0, **attributes):
        """A new study of one image; (path, study)."""
        self.made += 1
        path, study = os.path.join(self.folder, f"{self.made}.dcm"), attributes.pop("study", None) or generate_uid()
        attributes.setdefault("PatientID", f"P{self.made}-{os.path.basename(self.folder)}")
        h.wrap(self.planes[kind][number], path, study=study, **attributes)
        return path, study

    def send(self, node, kind, number=0, **attributes):
        path, study = self.image(kind, number, **attributes)
        self.assertEqual(node.send(path).returncode, 0)
        return study

    def place(self, node, study):
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as store:
            return store.execute("SELECT rank,band,raised,reason,revision FROM place WHERE study=?", (study,)).fetchone()

    def states(self, node):
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as store:
            return store.execute("SELECT announcement,revision,state FROM news ORDER BY id").fetchall()


class List(Worklist):
    def test_it_stands_in_order_and_what_is_read_leaves_it(self):
        hook = self.hook()
        node = self.node(self.webhook(hook))
        plain = self.send(node, "normal", AccessionNumber="FIRST", PatientID="1234567")
        h.wait_for(lambda: self.place(node, plain), 30, "a place")
        found = self.send(node, "finding", AccessionNumber="SECOND", PatientID="7654321")
        h.wait_for(lambda: len(hook.news(found)) == 2, 30, "the report")
        rows = [json.loads(line) for line in node.admin("worklist", "--json").stdout.splitlines()]
        self.assertEqual([(r["study"], r["accession"], r["patient"], r["priority"]) for r in rows],
                         [(found, "SECOND", "4321", "HIGH"), (plain, "FIRST", "4567", "MEDIUM")])
        self.assertEqual((rows[0]["band"], rows[0]["reason"]), ("raised", "finding"))
        text = node.admin("worklist").stdout
        self.assertRegex(text, r"1  raised +0 h 0\d  SECOND .*4321 .*suspicion of a cervical spine injury")
        self.assertNotIn("7654321", text)

        self.assertEqual(node.admin("worklist", "read", found).returncode, 0)
        h.wait_for(lambda: [n["event"] for n in hook.news(found)] == ["priority", "priority", "withdrawn"], 10, "withdrawn")
        self.assertEqual([json.loads(line)["study"] for line in node.admin("worklist", "--json").stdout.splitlines()], [plain])
        self.assertEqual(node.admin("worklist", "unread", found).returncode, 0)
        h.wait_for(lambda: len(node.admin("worklist", "--json").stdout.splitlines()) == 2, 10, "back")
        unknown = node.admin("worklist", "read", "1.2.3")
        self.assertEqual((unknown.returncode, unknown.stdout), (1, "1.2.3: no such study\n"))
        self.assertEqual(node.admin("worklist", "look").returncode, 64)


class Webhook(Worklist):
    def test_the_first_finding_is_told_before_the_study_is_complete(self):
        hook = self.hook()
        secret = os.path.join(self.folder, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("s3cret\nsecond line\n")
        node = self.node(self.webhook(hook, more=f'secret="{secret}"'), quiet=4)
        h.wait_for(lambda: "selftest cause=start passed=true" in node.log(), 30, "the self-test")
        began = time.monotonic()
        study = self.send(node, "finding")
        h.wait_for(lambda: hook.news(study), 3, "news")
        print(f"told {1000 * (hook.requests[0]['at'] - began):.0f} ms after storescu was started")
        first = hook.news(study)[0]
        self.assertEqual({k: first[k] for k in ("revision", "event", "priority", "raised", "outcome", "reason", "research", "report")},
                         {"revision": 1, "event": "priority", "priority": "HIGH", "raised": True, "outcome": "finding",
                          "reason": "suspicion of a cervical spine injury", "research": True, "report": None})
        self.assertNotIn(" report study=", node.log())
        h.wait_for(lambda: len(hook.news(study)) == 2, 15, "news of the report")
        second = hook.news(study)[1]
        self.assertEqual((second["revision"], second["priority"]), (2, "HIGH"))
        self.assertRegex(second["report"], r"^2\.25\.")
        self.assertNotEqual(first["id"], second["id"])
        for request in hook.requests:
            for name in (b"Pr", b"E2E", b"19700102", b"P1-", b"ACC"):
                self.assertNotIn(name, request["body"].replace(b"priority", b"").replace(b"P\x00", b""))
            self.assertEqual(request["headers"]["X-Cervigate-Signature"],
                             "sha256=" + hmac.new(b"s3cret", request["body"], hashlib.sha256).hexdigest())
        self.assertEqual(self.place(node, study), (2, 0, 1, "finding", 2))

    def test_no_finding_is_told_with_its_report_and_raises_nothing(self):
        hook = self.hook()
        node = self.node(self.webhook(hook))
        study = self.send(node, "normal")
        h.wait_for(lambda: hook.news(study), 30, "news")
        said = hook.news(study)[0]
        self.assertEqual((said["priority"], said["raised"]), ("MEDIUM", False))
        self.assertRegex(said["outcome"], "no-finding|incomplete")
        self.assertRegex(said["reason"], "does not exclude injury|incomplete")
        self.assertIsNotNone(said["report"])
        self.assertEqual(len(hook.news(study)), 1)

    def test_a_known_finding_is_not_raised_again(self):
        hook = self.hook()
        node = self.node(self.webhook(hook))
        first = self.send(node, "finding", PatientID="SAME")
        h.wait_for(lambda: len(hook.news(first)) == 2, 30, "the first")
        second = self.send(node, "finding", 1, PatientID="SAME")
        h.wait_for(lambda: hook.news(second), 30, "the second")
        self.assertEqual([(n["priority"], n["raised"]) for n in hook.news(second)], [("MEDIUM", False)])
        self.assertIn("known", hook.news(second)[0]["reason"])

    def test_what_is_read_is_withdrawn(self):
        hook = self.hook()
        node = self.node(self.webhook(hook))
        study = self.send(node, "finding")
        h.wait_for(lambda: len(hook.news(study)) == 2, 30, "both")
        report = os.path.join(self.folder, "human.dcm")
        path, _ = self.image("finding", study=study)
        dataset = pydicom.dcmread(path)
        del dataset.PixelData
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
        dataset.Modality, dataset.Manufacturer = "SR", "somebody else"
        dataset.save_as(report)
        self.assertEqual(node.send(report).returncode, 0)
        h.wait_for(lambda: len(hook.news(study)) == 3, 30, "withdrawn")
        last = hook.news(study)[-1]
        self.assertEqual((last["event"], last["priority"], last["raised"]), ("withdrawn", "MEDIUM", False))

    def test_what_is_retracted_is_withdrawn(self):
        """An amended or retracted result corrects the node's own raise, visibly."""
        hook = self.hook()
        node = self.node(self.webhook(hook))
        study = self.send(node, "finding")
        h.wait_for(lambda: len(hook.news(study)) >= 1 and hook.news(study)[-1]["report"], 30, "the report's")
        told = len(hook.news(study))
        self.assertEqual(node.admin("results", "retract", hook.news(study)[-1]["report"]).returncode, 0)
        h.wait_for(lambda: len(hook.news(study)) > told, 20, "news of it")
        last = hook.news(study)[-1]
        self.assertEqual((last["event"], last["raised"], last["outcome"], last["reason"], last["report"]), ("withdrawn", False, None, "withdrawn", None))
        self.assertNotIn(last["id"], {n["id"] for n in hook.news(study)[:-1]})

    def test_modes_are_obeyed(self):
        hook, quiet = self.hook(), self.hook()
        node = self.node(self.webhook(hook) + f'<webhook name="clinical-only" url="{quiet.url}"/>', mode="shadow")
        study = self.send(node, "finding")
        h.wait_for(lambda: self.place(node, study), 30, "a place")
        time.sleep(1.5)
        self.assertEqual(hook.requests, [])
        self.assertEqual(node.admin("mode", "demo").returncode, 0)
        h.wait_for(lambda: hook.news(study), 10, "told when it may be")
        self.assertEqual(node.admin("mode", "shadow").returncode, 0)
        time.sleep(1.2)
        count = len(hook.requests)
        other = self.send(node, "finding", 1)
        h.wait_for(lambda: self.place(node, other), 30, "a place")
        time.sleep(1.5)
        self.assertEqual((len(hook.requests), quiet.requests), (count, []))

    def test_one_receiver_that_hangs_delays_no_other(self):
        slow, good = self.hook(), self.hook()
        slow.hold = 30
        node = self.node(self.webhook(slow, "slow", 'answerTime="2"') + self.webhook(good, "good"))
        study = self.send(node, "finding")
        h.wait_for(lambda: len(good.news(study)) == 2, 30, "the good one")
        h.wait_for(lambda: "announcement-unreached announcement=slow" in node.log(), 10, "the slow one is given up for now")
        slow.hold = 0
        h.wait_for(lambda: ("slow", 2, "told") in self.states(node), 20, "told when it answers")

    def test_what_is_stale_is_told_no_more(self):
        hook = self.hook(status=503)
        node = self.node(self.webhook(hook, more='expire="4"'))
        study = self.send(node, "finding")
        h.wait_for(lambda: len(hook.requests) >= 2, 20, "tries")
        h.wait_for(lambda: "news-stale announcement=chat" in node.log(), 20, "stale")
        hook.status = 200
        time.sleep(2.5)
        self.assertEqual(hook.news(study), [])
        self.assertEqual({s[2] for s in self.states(node)} - {"overtaken"}, {"expired"})

    def test_what_is_refused_is_parked_and_a_redirect_is_not_followed(self):
        for status in (400, 302):
            with self.subTest(status=status):
                hook = self.hook(status=status)
                node = self.node(self.webhook(hook))
                study = self.send(node, "finding")
                h.wait_for(lambda: "announcement-parked announcement=chat" in node.log(), 20, "parked")
                self.assertIn(f'reason="HTTP status {status}"', node.log())
                h.wait_for(lambda: " report study=" in node.log(), 20, "the report")
                self.assertRegex(node.admin("status").stdout, rf"announcement chat: [12] refused for good in a day, the last: HTTP status {status}")
                self.assertNotIn("/elsewhere", str(hook.requests))
                self.assertEqual(hook.news(study), [])
                node.stop()

    def test_killed_at_any_point_the_same_message_is_told_again(self):
        for point in ("placed", "announce-chosen", "crier-asked", "crier-told", "announce-answered"):
            with self.subTest(point=point):
                hook = self.hook()
                node = self.node(self.webhook(hook), environment={"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": os.path.join(self.folder, point)}, quiet=3)
                study = self.send(node, "finding")
                h.wait_for(lambda: hook.news(study) and hook.news(study)[-1]["report"], 30, "the news of the report")
                self.assertTrue(os.path.exists(os.path.join(self.folder, point)), "the point was not passed")
                h.wait_for(lambda: {s[2] for s in self.states(node)} <= {"told", "overtaken"}, 10, "entered as told")
                bodies = {}
                for request in hook.requests:
                    bodies.setdefault(json.loads(request["body"])["id"], set()).add(request["body"])
                self.assertEqual([len(b) for b in bodies.values()], [1] * len(bodies), "sent again it is the same, byte for byte")
                self.assertLessEqual(len(hook.requests), 3)
                node.stop()


class EveryWay(Worklist):
    """UPS, UPS-RS with a token, HL7 and webhook at once."""

    def setUp(self):
        super().setUp()
        self.hook_ = self.hook()
        self.manager = Manager()
        self.addCleanup(self.manager.close)
        self.web = WebManager()
        self.addCleanup(self.web.close)
        self.web.authorization, self.token = "Bearer for-all-ways", os.path.join(self.folder, "token")
        with open(self.token, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            f.write("for-all-ways\n")
        self.ris = Listener(says())
        self.addCleanup(self.ris.stop)

    def ways(self, more=""):
        return (f'<ups name="ris" peer="ris" demo="true" retryFirst="1" retryMost="1" {more}/>'
                f'<ups name="web" peer="web" demo="true" retryFirst="1" retryMost="1" {more}/>'
                f'<hl7 name="ai" host="127.0.0.1" port="{self.ris.port}" priority="true" demo="true" retryFirst="1" retryMost="1" {more}/>' +
                self.webhook(self.hook_, more=more))

    def peers(self):
        return (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{self.manager.port}"/>'
                f'<peer name="web" url="{self.web.url}/" tokenFile="{self.token}"/></peers>')

    def results(self):
        return [m for m in self.ris.messages if str(m.segment("MSH")[9]).startswith("ORU")]

    def test_a_finding_reaches_all_marked_research(self):
        path, study = self.image("finding", AccessionNumber="ACC77", PatientID="ID77")
        for manager in (self.manager, self.web):
            manager.add("1.2.3.77", accession="ACC77", study=study, patient="ID77")
        node = self.node(self.ways(), more=self.peers())
        self.assertEqual(node.send(path).returncode, 0)
        items = [manager.items["1.2.3.77"] for manager in (self.manager, self.web)]
        h.wait_for(lambda: len(self.results()) >= 1 and self.hook_.news(study) and all(i.ScheduledProcedureStepPriority == "HIGH" for i in items), 30, "all four")
        for item in items:
            self.assertTrue(item.CommentsOnTheScheduledProcedureStep.startswith("RESEARCH - cervigate: HIGH, was MEDIUM; suspicion of a cervical spine injury"))
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))
        self.assertEqual((len(self.manager.items), len(self.web.items)), (1, 1))
        orders = [m for m in self.ris.messages if str(m.segment("MSH")[9]).startswith("OMI")]
        self.assertEqual(orders, [])  # the order's priority is not known: nobody could say that it is raised
        raw = b"".join(self.ris.raw)
        self.assertIn(b"RESEARCH", raw)
        self.assertIn(b"ACC77", raw)
        self.assertIn(b"111001^Algorithm Name^DCM|1|cervigate-phantom 0.", raw)
        self.assertNotRegex(raw.decode().lower(), "normal|absent|probab")
        said = []
        for authorization in ("Bearer of-another", "Bearer for-all-ways"):
            self.web.authorization = authorization
            said.append(node.admin("echo", "web"))
        self.assertEqual([s.returncode for s in said], [1, 0], said)
        self.assertIn("failed at the HTTP: UPS-RS: HTTP status 401", said[0].stderr)
        self.assertEqual(node.admin("worklist", "read", study).returncode, 0)
        h.wait_for(lambda: all(i.ScheduledProcedureStepPriority == "MEDIUM" for i in items), 15, "back to what they were")

    def test_shadow_tells_nobody(self):
        node = self.node(self.ways(), mode="shadow", more=self.peers())
        study = self.send(node, "finding")
        h.wait_for(lambda: self.place(node, study), 30, "a place")
        time.sleep(2)
        self.assertEqual((self.hook_.requests, self.manager.associations, self.web.log, self.ris.raw), ([], 0, [], []))

    def test_killed_after_it_was_said_the_same_is_said_again(self):
        """Each way that is no webhook, alone: its crier dies when the answer is there and nobody has it yet."""
        for name in ("ris", "web", "ai"):
            with self.subTest(way=name):
                way = next(w for w in self.ways().replace("/><", "/>\n<").split("\n") if f'name="{name}"' in w)
                mark = os.path.join(self.folder, "killed-" + name)
                node = self.node(way, more=self.peers(), environment={"CERVIGATE_CRASH": "crier-told", "CERVIGATE_CRASH_MARK": mark},
                                 quiet=8)  # no news of the report meanwhile: it would overtake what is to be said again
                study = self.send(node, "finding")
                h.wait_for(lambda node=node, study=study: self.told(node, study) == {name} and node.log().count(" report study=") == 1, 30, "told")
                self.assertTrue(os.path.exists(mark), "the point was not passed")
                h.wait_for(lambda node=node: {s[2] for s in self.states(node)} <= {"told", "overtaken"}, 10, "entered as told")
                manager = {"ris": self.manager, "web": self.web}.get(name)
                if manager:
                    self.assertEqual([i.StudyInstanceUID for i in manager.items.values()], [study])
                    self.assertGreaterEqual(len(manager.asked("create", "set", "get", "find")), 3)
                    self.assertEqual(manager.violations, [])
                else:
                    said = {}
                    for raw in self.ris.raw:
                        said.setdefault(raw.split(b"\r", 1)[0].split(b"|")[9], []).append(raw)
                    self.assertEqual([len(set(r)) for r in said.values()], [1] * len(said), "sent again it is the same, byte for byte")
                    self.assertGreaterEqual(max(len(r) for r in said.values()), 2, "it was not sent again")
                node.stop()

    def told(self, node, study):
        """Who has heard of the study."""
        with contextlib.closing(sqlite3.connect(f"file:{node.spool}/jobs.sqlite?mode=ro", uri=True)) as db:
            return {name for name, in db.execute("SELECT announcement FROM news WHERE study=? AND state='told'", (study,))}

    def test_whichever_hangs_delays_no_other(self):
        node, answers, free = self.node(self.ways('answerTime="2"'), more=self.peers()), says(), threading.Event()

        def hold(on):
            self.hook_.hold = 30 if on else 0

        def hush(on):
            free.clear() if on else free.set()
            self.ris.answer = (lambda connection, message: free.wait(30)) if on else answers

        def silence(manager):
            return lambda on: manager.how.update({service: ("hang" if on else None, None) for service in ("find", "create")})
        ways = {"ris": silence(self.manager), "web": silence(self.web), "ai": hush, "chat": hold}
        for number, (name, hang) in enumerate(ways.items()):
            hang(True)
            study = self.send(node, "finding", PatientID=f"HANG{number}")
            h.wait_for(lambda study=study, name=name: self.told(node, study) >= set(ways) - {name}, 15, f"all but {name}")
            self.assertNotIn(name, self.told(node, study))
            hang(False)
            h.wait_for(lambda study=study: self.told(node, study) == set(ways), 40, f"{name}, too")

    def test_ten_studies_come_out_in_order_and_one_that_is_down_delays_no_other(self):
        """From four modalities, in random order, while nobody may be told yet: then the findings come first on every way."""
        chance = random.Random(int(os.environ.get("CERVIGATE_SEED", "9")))
        node = self.node(self.ways(), mode="shadow", quiet=0, more=self.peers())
        kinds = ["finding"] * 4 + ["normal"] * 6
        chance.shuffle(kinds)
        studies = {}
        for number, kind in enumerate(kinds):
            path, study = self.image(kind, AccessionNumber=f"A{number}", StationName=f"DX{number % 4}")
            studies[study] = kind
            done = h.run("dcmsend", "-nh", "-aet", f"DX{number % 4}", "-aec", "CERVIGATE", "127.0.0.1", node.port, path)
            self.assertEqual(done.returncode, 0)
        h.wait_for(lambda: len([1 for s in studies if (self.place(node, s) or (0,) * 5)[4]]) == 10 and node.log().count(" report study=") == 10, 60,
                   "ten places")
        self.hook_.status = 503  # one of them is down
        self.assertEqual(node.admin("mode", "demo").returncode, 0)
        h.wait_for(lambda: len(self.results()) == 10 and len(self.manager.items) == len(self.web.items) == 4, 40, "UPS, UPS-RS and HL7")
        self.assertEqual(self.hook_.news(), [])
        self.hook_.status = 200
        h.wait_for(lambda: len(self.hook_.news()) == 10, 30, "the webhook")
        found = [s for s, kind in studies.items() if kind == "finding"]
        order = found + [s for s, kind in studies.items() if kind == "normal"]
        self.assertEqual([n["study"] for n in self.hook_.news()], order)
        self.assertEqual([n["priority"] for n in self.hook_.news()], ["HIGH"] * 4 + ["MEDIUM"] * 6)
        told = [next(s for s in studies if s.encode() in raw) for raw in self.ris.raw if b"ORU^R01" in raw]
        self.assertEqual(told, order)
        for manager in (self.manager, self.web):
            self.assertEqual([i.StudyInstanceUID for i in manager.items.values()], found)
            self.assertEqual(manager.violations, [])
        listed = [json.loads(line) for line in node.admin("worklist", "--json").stdout.splitlines()]
        self.assertEqual([r["study"] for r in listed], order)


if __name__ == "__main__":
    unittest.main(verbosity=2)
