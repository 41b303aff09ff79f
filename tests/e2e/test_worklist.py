"""The reading worklist: places, and the news of them on every way; receivers that misbehave, modes, kills, what is stale."""
import contextlib
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import tempfile
import time
import unittest

import pydicom
from pydicom.uid import generate_uid

import harness as h
import models
from hook import Hook

SR3D, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"


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

    def node(self, announcements, mode="demo", quiet=1, environment=None, more="", peers=None, **how):
        node = h.Node(peers or {}, mode=mode, quiet=quiet, environment=environment, limits=f"<announcements>{announcements}</announcements>{more}", **how)
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

    def ask(self, node, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as store:
            return store.execute(sql, values).fetchall()

    def place(self, node, study):
        return next(iter(self.ask(node, "SELECT rank,band,raised,reason,revision FROM place WHERE study=? AND waits=0", study)), None)

    def states(self, node):
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as store:
            return store.execute("SELECT announcement,revision,state FROM news ORDER BY id").fetchall()


class List(Worklist):
    def test_it_stands_in_order_and_what_is_read_leaves_it(self):
        hook = self.hook()
        node = self.node(self.webhook(hook), more='<priority delay="1"/>')
        plain = self.send(node, "normal", AccessionNumber="FIRST", PatientID="1234567")
        h.wait_for(lambda: self.place(node, plain), 30, "a place")
        found = self.send(node, "finding", AccessionNumber="SECOND\x1b[2J", PatientID="7654321")
        h.wait_for(lambda: len(hook.news(found)) == 2, 30, "the report")
        rows = [json.loads(line) for line in node.admin("worklist", "--json").stdout.splitlines()]
        self.assertEqual([(r["study"], r["accession"], r["patient"], r["priority"]) for r in rows],
                         [(found, "SECOND\x1b[2J", "4321", "HIGH"), (plain, "FIRST", "4567", "MEDIUM")])
        self.assertEqual((rows[0]["band"], rows[0]["reason"]), ("raised", "finding"))
        self.assertEqual([(r["mode"], r["research"]) for r in rows], [("demo", True)] * 2)
        text = node.admin("worklist").stdout
        self.assertTrue(text.startswith("RESEARCH - demo mode, not for diagnosis\n"), text)
        self.assertRegex(text, r"1  raised +0 h 0\d  SECOND\?\[2J .*4321 .*suspicion of a cervical spine injury")
        self.assertNotIn("7654321", text)

        self.assertEqual(node.admin("worklist", "read", found).returncode, 0)
        h.wait_for(lambda: [n["event"] for n in hook.news(found)] == ["priority", "priority", "withdrawn"], 10, "withdrawn")
        self.assertEqual([json.loads(line)["study"] for line in node.admin("worklist", "--json").stdout.splitlines()], [plain])
        self.assertEqual(node.admin("worklist", "unread", found).returncode, 0)
        rows = h.wait_for(lambda: len(r := [json.loads(line) for line in node.admin("worklist", "--json").stdout.splitlines()]) == 2 and r, 10, "back")
        self.assertEqual([r["study"] for r in rows], [plain, found], "one that came later was read a second ago: the first is spared")
        unknown = node.admin("worklist", "read", "1.2.3")
        self.assertEqual((unknown.returncode, unknown.stdout), (1, "1.2.3: no such study\n"))
        self.assertEqual(node.admin("worklist", "look").returncode, 64)


class Webhook(Worklist):
    def test_the_first_finding_is_told_before_the_study_is_complete(self):
        hook = self.hook()
        secret = os.path.join(self.folder, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("s3cret\nsecond line\n")
        node = self.node(self.webhook(hook, more=f'secret="{secret}"'), quiet=4 * h.PATIENCE)
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

    NOT_READ = {"partial": {"completion": "PARTIAL"}, "no completion": {"completion": None, "verification": "VERIFIED"},
                "preliminary": {"preliminary": "PRELIMINARY", "verification": "VERIFIED"},
                "device": {"observers": (models.DEVICE,)}, "verified device": {"observers": (models.DEVICE,), "verification": "VERIFIED"},
                "device by name": {"observers": (("121013", "TEXT", "(0040,a160) UT [AI]"),), "verification": "VERIFIED"},
                "device as author": {"observers": (), "author": "DEV", "verification": "VERIFIED"},
                "nobody": {"observers": ()}, "CAD": {"title": ("DCM", "112000")}}

    def unread_by(self, node, path, study, name):
        """Sent, looked at, and the study is where it was."""
        self.assertEqual(node.send(path).returncode, 0)
        uid = pydicom.dcmread(path).SOPInstanceUID
        self.assertEqual(h.wait_for(lambda: self.ask(node, "SELECT state FROM instance WHERE sop_instance=? AND state<>'received'", uid), 30, name),
                         [("ignored",)], name)
        self.assertEqual(self.ask(node, "SELECT read FROM study WHERE uid=?", study), [(0,)], name)

    def test_what_is_read_is_withdrawn(self):
        hook, pacs = self.hook(), h.StoreScp()
        self.addCleanup(pacs.close)
        node = self.node(self.webhook(hook), peers={"pacs": (pacs.ae, pacs.port)})
        study = self.send(node, "finding")
        h.wait_for(lambda: len(hook.news(study)) == 2, 30, "both")
        for name, how in self.NOT_READ.items():
            self.unread_by(node, models.report(os.path.join(self.folder, "other.dcm"), study, **how), study, name)
        own = h.wait_for(lambda: pacs.objects(h.SR3D, study), 30, "our own")[0]
        self.unread_by(node, self.rewritten(own), study, "our own, its content written anew")
        self.assertEqual(self.place(node, study)[2], 1)
        self.assertEqual(len(hook.news(study)), 2)
        self.assertEqual(node.send(models.report(os.path.join(self.folder, "human.dcm"), study)).returncode, 0)
        h.wait_for(lambda: len(hook.news(study)) == 3, 30, "withdrawn")
        last = hook.news(study)[-1]
        self.assertEqual((last["event"], last["priority"], last["raised"]), ("withdrawn", "MEDIUM", False))
        for number, how in enumerate(({"observers": (), "verification": "VERIFIED"}, {"observers": (models.DEVICE,), "author": "PSN"},
                                      {"observers": (models.DEVICE, models.PERSON), "preliminary": "FINAL"})):
            other = self.send(node, "finding", number)
            self.assertEqual(node.send(models.report(os.path.join(self.folder, "human.dcm"), other, **how)).returncode, 0)
            h.wait_for(lambda: self.ask(node, "SELECT read FROM study WHERE uid=?", other) == [(1,)], 30, str(how))

    def rewritten(self, path):
        """As a router might that knows templates, but not our codes."""
        d, out = pydicom.dcmread(path), os.path.join(self.folder, "rewritten.dcm")
        for code in d.iterall():
            if code.keyword == "CodingSchemeDesignator" and code.value == "99CERVIGATE":
                code.value = "99ROUTER"
        d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        d.Manufacturer = d.ManufacturerModelName = d.SeriesDescription = "router"
        d.save_as(out)
        return out

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
        """After an outage of all the report and the picture come late, and raise nothing."""
        hook, port = self.hook(status=503), h.free_port()
        node = self.node(self.webhook(hook, more='expire="4"'), peers={"pacs": (h.StoreScp.ae, port)})
        study = self.send(node, "finding")
        h.wait_for(lambda: len(hook.requests) >= 2, 20, "tries")
        h.wait_for(lambda: "news-stale announcement=chat" in node.log(), 20, "stale")
        self.assertIn("destination-unreached destination=pacs", node.log())
        hook.status = 200
        pacs = h.StoreScp(port=port)
        self.addCleanup(pacs.close)
        h.wait_for(lambda: [len(pacs.objects(c, study)) for c in (SR3D, SC)] == [1, 1], 20, "report and picture")
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
