"""The reading worklist told on every way at once: UPS, UPS-RS, HL7, webhook, and to those who ask: UPS Query, the console, `cervigate worklist`."""
import base64
import json
import os
import re
import signal
import sys
import time
import unittest

from pydicom.uid import generate_uid

import harness as h
import models
import test_worklist
from test_orders import Caller, Site, code
from test_patients import adt
from ups_scp import Manager
from ups_scu import QUERY, PULL, VERIFICATION, Scu, keys
from ups_web import WebManager

os.environ.setdefault("CERVIGATE_BUILD", h.BUILD)
sys.path[:0] = [os.path.join(h.SOURCE, "tests/scp"), os.path.join(h.SOURCE, "tests/console"), os.path.join(h.SOURCE, "tests/faults")]
from http_fixture import Client, enrol  # noqa: E402
from arms import Arms  # noqa: E402
from hl7_listener import Listener, says  # noqa: E402


class Asked(test_worklist.Worklist):
    """UPS, UPS-RS with a token, HL7 and webhook at once, beside who asks: UPS Query, the console, `cervigate worklist`."""

    def setUp(self):
        super().setUp()
        self.hook_, self.site = self.hook(), Site()
        self.manager = Manager()
        self.addCleanup(self.manager.close)
        self.web = WebManager()
        self.addCleanup(self.web.close)
        self.web.authorization, self.token = "Bearer for-all-ways", os.path.join(self.folder, "token")
        with open(self.token, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            f.write("for-all-ways\n")
        self.ris = Listener(says())
        self.addCleanup(self.ris.stop)

    def ways(self, more="", ups=""):
        return (f'<ups name="ris" peer="ris" demo="true" retryFirst="1" retryMost="1" {more} {ups}/>'
                f'<ups name="web" peer="web" demo="true" retryFirst="1" retryMost="1" {more} {ups}/>'
                f'<hl7 name="ai" host="127.0.0.1" port="{self.ris.port}" priority="true" demo="true" retryFirst="1" retryMost="1" {more}/>' +
                self.webhook(self.hook_, more=more))

    def peers(self):
        return (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{self.manager.port}"/>'
                f'<peer name="web" url="{self.web.url}/" tokenFile="{self.token}"/></peers>')

    def results(self):
        return [m for m in self.ris.messages if str(m.segment("MSH")[9]).startswith("ORU")]

    def changes(self, study=None):
        """Messages that change an order's priority, as bytes."""
        return [raw for raw in self.ris.raw if b"|OMI^O23" in raw and (study or "").encode() in raw]

    def order(self, node, **fields):
        """The site tells an order before the images come."""
        with Caller(node) as caller:
            self.assertEqual(code(caller.ask(self.site.omi(**fields))), "AA")

    def node_that_is_asked(self, announcements, mode="demo", model=h.MODEL, **how):
        """One that answers UPS Query, too, and shows its list to Vera and Ada."""
        accounts = os.path.join(self.folder, "accounts")
        node = self.node(announcements, mode=mode, more=self.peers() + '<readingWorklist offer="query" demo="true"/>'
                         '<orders listen="true" address="127.0.0.1" port="0" from="127.0.0.1" patients="true" postoperative="post-?op"/>', model=model,
                         console=f'accounts="{accounts}"', **how)
        self.people = {}
        for name, role in (("vera", "viewer"), ("ada", "admin")):
            self.assertEqual(enrol(node, name, role).returncode, 0)
            self.people[name] = Client(0)
        self.log_in(node)
        return node

    def log_in(self, node):
        for name, client in self.people.items():
            client.port = int(node.facts()["console_port"])
            h.wait_for(lambda name=name, client=client: client.log_in(name).status == 200, 10, "the account")  # it is read within a second

    def shown(self, name="vera"):
        """The console's list."""
        return self.people[name].ask("GET", "/api/v1/worklist").json

    @staticmethod
    def asked(node):
        """The items that UPS Query answers."""
        with Scu(node.port) as scu:
            return scu.find(keys(ProcedureStepState="SCHEDULED"), QUERY)

    @staticmethod
    def listed(node):
        return [json.loads(line) for line in node.admin("worklist", "--json").stdout.splitlines()]

    def send_scheduled(self, node):
        """A finding, of which both workflow managers have an item of the site's."""
        study = generate_uid()
        for manager in (self.manager, self.web):
            manager.add("1.2.3.1" + study[-6:], accession="ACC" + study[-6:], study=study, patient="ID" + study[-6:])
        self.order(node, accession="ACC" + study[-6:], study=study, priority="R", number=study[-6:], patient="ID" + study[-6:])
        return self.send(node, "finding", study=study, AccessionNumber="ACC" + study[-6:], PatientID="ID" + study[-6:])


class EveryWay(Asked):
    def check_told(self, node, study, research):
        """On each way; `research`: marked so, else nowhere."""
        mark = "RESEARCH - " if research else ""
        items = [manager.items["1.2.3.1" + study[-6:]] for manager in (self.manager, self.web)]
        h.wait_for(lambda: any(study.encode() in raw and b"|ORU^R01" in raw for raw in self.ris.raw) and self.hook_.news(study) and
                   all(i.ScheduledProcedureStepPriority == "HIGH" for i in items), 30, "all four")
        for item in items:
            self.assertTrue(item.CommentsOnTheScheduledProcedureStep.startswith(f"{mark}cervigate: HIGH, was MEDIUM; suspicion of a cervical spine injury"))
        raw = next(raw for raw in self.ris.raw if study.encode() in raw and b"|ORU^R01" in raw)
        change, = self.changes(study)  # of an order whose priority is known
        self.assertRegex(change.decode(), rf"\rORC\|XO\|PL{study[-6:]}\|FI{study[-6:]}\|")
        self.assertIn(b"\rTQ1|1||||||||A^", change)
        for said in (raw, change):
            self.assertEqual(said.split(b"|")[10], b"T" if research else b"P")
            self.assertEqual(b"RESEARCH - " in said, research)
        self.assertIn(("ACC" + study[-6:]).encode(), raw)
        self.assertIn(b"111001^Algorithm Name^DCM|1|cervigate-phantom 0.", raw)
        self.assertNotRegex(raw.decode().lower(), "normal|absent|probab")
        self.assertEqual({n["research"] for n in self.hook_.news(study)}, {research})
        self.assertEqual({(n["order"], n["raised"], n["priority"]) for n in self.hook_.news(study)}, {("ROUTINE", True, "HIGH")})
        item = next(i for i in self.asked(node) if i.StudyInstanceUID == study)
        self.assertEqual((item.ScheduledProcedureStepPriority, item.ProcedureStepLabel), ("HIGH", f"{mark}Read: suspicion of a cervical spine injury"))
        page = h.wait_for(lambda: (p := self.shown()) and (study, "raised") in [(e["study"], e["band"]) for e in p["entries"]] and p, 5, "the console")
        self.assertEqual(page["research"], research)
        self.assertIn((study, "raised"), [(r["study"], r["band"]) for r in self.listed(node)])

    def test_without_an_answer_it_is_shown_and_told_on_none(self):
        """Who judges is stopped, then hangs after kill -9 of the whole node: the study waits in the list; its answer is told as ever."""
        node = self.node_that_is_asked(self.ways())
        os.kill(int(node.facts()["analyze_pid"]), signal.SIGSTOP)
        study = self.send_scheduled(node)

        def waits():
            page = h.wait_for(lambda: (p := self.shown())["entries"] and p, 5, "the console")
            for row, in (page["entries"], self.listed(node)):
                self.assertEqual([row[k] for k in ("study", "band", "priority", "order", "outcome", "reason", "words", "accession", "patient", "report")],
                                 [study, "not judged", "MEDIUM", "ROUTINE", None, "waiting", "not yet analysed", "ACC" + study[-6:], study[-4:], None])
            seen = self.people["vera"].ask("GET", f"/api/v1/studies/{study}")
            self.assertEqual((seen.status, seen.json["place"]["reason"], seen.json["report"], seen.json["images"]), (200, "waiting", [], []))
            self.assertEqual((seen.json["patient"]["id"], seen.json["accession"]), ("ID" + study[-6:], "ACC" + study[-6:]))
            time.sleep(2)  # who tells and who asks look each second
            queues = self.people["vera"].ask("GET", "/api/v1/node").json["health"]["waits_seconds"]
            self.assertGreaterEqual(queues.pop("object"), 2)
            self.assertEqual(queues, {"report": None, "delivery": None, "news": None})
            self.assertEqual((self.hook_.requests, self.manager.associations, self.web.log, self.ris.raw), ([], 0, [], []))
            self.assertEqual(self.asked(node), [])
        waits()
        node.kill_supervisor()
        node.start({"CERVIGATE_OBJECT_FAULT": "sleep"})
        self.log_in(node)
        waits()
        node.kill_supervisor()
        node.start()
        self.log_in(node)
        self.check_told(node, study, True)

    def test_modes_are_obeyed_on_each(self):
        """Shadow tells nobody, demo says RESEARCH, clinical says it plainly, and to those who are told in no other mode."""
        strict = self.hook()
        node = self.node_that_is_asked(self.ways() + f'<webhook name="strict" url="{strict.url}"/>', mode="shadow",
                                       model=models.clinical(os.path.join(self.folder, "model")))
        study = self.send_scheduled(node)
        h.wait_for(lambda: self.place(node, study), 30, "a place")
        time.sleep(2)
        self.assertEqual((self.hook_.requests, self.manager.associations, self.web.log, self.ris.raw), ([], 0, [], []))
        with Scu(node.port, classes=(QUERY, PULL, VERIFICATION)) as scu:
            self.assertEqual(set(scu.contexts), {VERIFICATION})
        self.assertEqual((self.shown()["entries"], self.shown("vera")["mode"]), ([], "shadow"))
        self.assertEqual([e["study"] for e in self.shown("ada")["entries"]], [study])
        self.assertTrue(node.admin("worklist").stdout.startswith("shadow mode: nothing of this list is told to others\n"))
        self.assertEqual([(r["mode"], r["research"]) for r in self.listed(node)], [("shadow", True)])
        self.assertEqual(node.admin("mode", "demo").returncode, 0)
        self.check_told(node, study, True)
        self.assertEqual(strict.requests, [])
        self.assertEqual(node.admin("mode", "clinical").returncode, 0)
        second = self.send_scheduled(node)
        self.check_told(node, second, False)
        h.wait_for(lambda: strict.news(second), 10, "who is told in clinical mode alone")
        self.assertEqual(strict.news(second)[0]["research"], False)
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))
        self.assertEqual((len(self.manager.items), len(self.web.items)), (2, 2))
        self.assertEqual(len(self.changes()), 2)
        self.assertRegex(node.admin("worklist").stdout, "^ +BAND ")
        self.assertEqual({(r["mode"], r["research"]) for r in self.listed(node)}, {("clinical", False)})
        said = []
        for authorization in ("Bearer of-another", "Bearer for-all-ways"):
            self.web.authorization = authorization
            said.append(node.admin("echo", "web"))
        self.assertEqual([s.returncode for s in said], [1, 0], said)
        self.assertIn("failed at the HTTP: UPS-RS: HTTP status 401", said[0].stderr)
        self.assertEqual(node.admin("worklist", "read", second).returncode, 0)
        items = [manager.items["1.2.3.1" + second[-6:]] for manager in (self.manager, self.web)]
        h.wait_for(lambda: all(i.ScheduledProcedureStepPriority == "MEDIUM" for i in items), 15, "back to what they were")
        self.assertEqual(node.admin("mode", "shadow").returncode, 0)
        self.assertEqual(self.shown()["entries"], [])

    def test_what_is_completed_there_leaves_the_list(self):
        """A workflow manager's own item, raised or not, by DIMSE and UPS-RS, and one of ours; not another patient's, and not twice."""
        node = self.node_that_is_asked(self.ways(ups='lookEvery="1"'))
        by_dimse, by_web, plain, own, other = [generate_uid() for _ in range(5)]
        self.manager.add("1.2.3.1", accession="ACC1", study=by_dimse, patient="ID1")
        self.web.add("1.2.3.2", accession="ACC2", study=by_web, patient="ID2")
        self.manager.add("1.2.3.3", accession="ACC3", study=plain, patient="ID3")
        self.manager.add("1.2.3.5", accession="ACC5", study=other, patient="ANOTHER", state="COMPLETED")
        for number, (study, kind) in enumerate(((by_dimse, "finding"), (by_web, "finding"), (plain, "normal"), (own, "finding"), (other, "normal")), 1):
            self.send(node, kind, study=study, AccessionNumber=f"ACC{number}", PatientID=f"ID{number}")

        def on_list():
            return {r["study"] for r in self.listed(node)}

        def is_gone(study, way):
            h.wait_for(lambda: study not in on_list(), 25, f"{way}: read there")
            h.wait_for(lambda: f"read-elsewhere announcement={way} study={study}" in node.log(), 10, "its line, which follows")
        h.wait_for(lambda: self.manager.items["1.2.3.1"].ScheduledProcedureStepPriority == "HIGH" == self.web.items["1.2.3.2"].ScheduledProcedureStepPriority and
                   len(self.manager.items) == 5, 30, "raised, and items of ours")
        raised = self.manager.items["1.2.3.1"], self.web.items["1.2.3.2"]
        for item, study in zip(raised, (by_dimse, by_web)):  # merged, of which the managers have not heard, and set back by someone
            before = h.wait_for(lambda study=study: (self.hook_.news(study) or [{"report": None}])[-1]["report"], 40, "the first report")
            h.wait_for(lambda: {s[2] for s in self.states(node)} <= {"told", "overtaken"}, 40, "told on each way: what comes now comes of the merge")
            item.ScheduledProcedureStepPriority = "MEDIUM"
            with Caller(node) as caller:
                self.assertEqual(code(caller.ask(adt("A40", "NEW" + item.PatientID, prior=item.PatientID))), "AA")
            h.wait_for(lambda study=study, before=before: self.hook_.news(study)[-1]["report"] not in (before, None), 40, "an amended report")
            h.wait_for(lambda item=item: item.ScheduledProcedureStepPriority == "HIGH", 20, "raised under the ID from before the merge")
        made = [[i for i in manager.items.values() if i.get("StudyInstanceUID") == study] for manager, study in ((self.manager, by_dimse), (self.web, by_web))]
        self.assertEqual(([i.PatientID for i in raised], made), (["ID1", "ID2"], [[], []]))
        self.manager.items["1.2.3.1"].ProcedureStepState = "IN PROGRESS"
        time.sleep(3)
        self.assertEqual(on_list(), {by_dimse, by_web, plain, own, other})
        self.manager.items["1.2.3.1"].ProcedureStepState = "COMPLETED"
        is_gone(by_dimse, "ris")
        h.wait_for(lambda: self.hook_.news(by_dimse)[-1]["event"] == "withdrawn", 10, "told to the others")
        self.assertEqual(self.manager.items["1.2.3.1"].ScheduledProcedureStepPriority, "HIGH")  # what is read is nobody's to change
        self.web.items["1.2.3.2"].ProcedureStepState = "COMPLETED"
        is_gone(by_web, "web")
        self.manager.items["1.2.3.3"].ProcedureStepState = "COMPLETED"
        is_gone(plain, "ris")
        next(i for i in self.manager.items.values() if i.get("StudyInstanceUID") == own).ProcedureStepState = "COMPLETED"
        is_gone(own, "ris")
        self.assertEqual(node.admin("worklist", "unread", plain).returncode, 0)
        time.sleep(3)
        self.assertEqual(on_list(), {plain, other}, "what a person has brought back stays")
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))

    def test_our_own_item_is_cancelled_when_the_study_is_read(self):
        """And when its patient is forgotten. Of one that somebody reads there already, the manager refuses that (C312): then it is the reader's."""
        node = self.node('<ups name="ris" peer="ris" demo="true" retryFirst="1" retryMost="1"/>'
                         '<ups name="web" peer="web" demo="true" retryFirst="1" retryMost="1"/>', more=self.peers())
        studies = [self.send(node, "finding", number, PatientID=f"OWN{count}") for count, number in enumerate((0, 1, 0))]

        def own(study):
            return [i for m in (self.manager, self.web) for i in m.items.values() if i.StudyInstanceUID == study]
        h.wait_for(lambda: all(len(own(s)) == 2 for s in studies) and node.log().count(" report study=") == 3, 40, "an item of each at both")
        h.wait_for(lambda: {s[2] for s in self.states(node)} <= {"told", "overtaken"}, 10, "told")
        for item in own(studies[1]):
            item.ProcedureStepState = "IN PROGRESS"
        for study in studies[:2]:
            self.assertEqual(node.admin("worklist", "read", study).returncode, 0)
        self.assertEqual(node.admin("forget", "OWN2", "--yes").returncode, 0)
        for study in (studies[0], studies[2]):
            h.wait_for(lambda study=study: [i.ProcedureStepState for i in own(study)] == ["CANCELED"] * 2, 15, "cancelled")
        self.assertEqual(node.admin("worklist", "list", "--json").stdout, "")
        h.wait_for(lambda: len(re.findall(rf"announced announcement=\w+ study={studies[1]} .* event=withdrawn .*cancel of [0-9.]+: c3(?:00|12)", node.log())) == 2, 15, "refused")
        self.assertEqual([i.ProcedureStepState for i in own(studies[1])], ["IN PROGRESS"] * 2)
        self.assertEqual((self.manager.asked("cancel"), self.web.asked("cancel")), (["cancel"] * 3,) * 2)
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))

    READ_THERE = base64.b64encode(b"read at the workflow manager").decode()

    @staticmethod
    def audited(node):
        """The audit log's records."""
        folder, lines = os.path.join(node.spool, "audit"), []
        for name in os.listdir(folder):
            if name.endswith(".log"):
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    lines += f.readlines()
        return lines

    def test_killed_at_any_point_of_a_look_it_is_read_once(self):
        arms = Arms(os.path.join(self.folder, "arms"))
        node = self.node('<ups name="ris" peer="ris" demo="true" retryFirst="1" retryMost="1" lookEvery="1"/>', more=self.peers(), quiet=0,
                         environment={"CERVIGATE_CRASH_ARMS": arms.path})
        for number, point in enumerate(("announce-chosen", "crier-asked", "crier-told", "announce-answered")):
            with self.subTest(point=point):
                study = generate_uid()
                self.manager.add(f"1.2.3.{number}", accession=f"ACC{number}", patient=f"ID{number}", study=study)
                self.send(node, "normal", study=study, AccessionNumber=f"ACC{number}", PatientID=f"ID{number}")
                h.wait_for(lambda study=study: [r["study"] for r in self.listed(node)] == [study], 30, "on the list")
                arms.arm(point)
                self.manager.items[f"1.2.3.{number}"].ProcedureStepState = "COMPLETED"
                h.wait_for(lambda: not self.listed(node), 30, "read there")
                self.assertEqual(arms.armed(), [], "the point was not passed")
                self.assertEqual(len(h.wait_for(lambda study=study: [line for line in self.audited(node) if study in line and self.READ_THERE in line], 10, "its record")), 1)
                self.assertEqual(node.log().count(f"read-elsewhere announcement=ris study={study}"), 1)
        self.assertEqual(self.manager.violations, [])

    def test_another_patient_or_order_is_told_anew(self):
        """ADT A08, A40, an order's new number, and its end: our items are made anew, HL7 says the new ones, a webhook has the new report, and nobody's name."""
        node = self.node_that_is_asked(self.ways())
        study = self.send(node, "finding", AccessionNumber="ACC1", PatientID="TRAUMA7", PatientName="Unknown^Trauma", PatientBirthDate="19000101")
        messages = [adt("A08", "TRAUMA7", name="Known^Jane", birth="19700102"), adt("A40", "REAL7", prior="TRAUMA7", name="Known^Jane", birth="19700102"),
                    self.site.omi("ACC2", control="XO", number="7", patient="REAL7")]
        said = [("TRAUMA7", "Unknown^Trauma", "ACC1"), ("TRAUMA7", "Known^Jane", "ACC1"), ("REAL7", "Known^Jane", "ACC1"), ("REAL7", "Known^Jane", "ACC2")]

        def items(manager):
            with manager.lock:
                return sorted((i.PatientID, str(i.PatientName), i.ReferencedRequestSequence[0].AccessionNumber, i.ProcedureStepState)
                              for i in manager.items.values() if i.StudyInstanceUID == study)

        def result():
            last = [m for m in self.results() if study in str(m)][-1]
            accession = next(str(o[5]) for o in last.segments("OBX") if "121022" in str(o[3]))
            return str(last.segment("PID")[3]).split("^")[0], str(last.segment("PID")[5]).split("^^")[0], accession
        reports = []
        for turn, now in enumerate(said):
            expected = sorted([(*was, "CANCELED") for was in said[:turn]] + [(*now, "SCHEDULED")])
            for manager in (self.manager, self.web):
                h.wait_for(lambda manager=manager, expected=expected: items(manager) == expected, 40, f"{now}")
            h.wait_for(lambda: self.hook_.news(study) and self.hook_.news(study)[-1]["report"] not in (*reports, None), 40, "the webhook's report")
            h.wait_for(lambda now=now: self.results() and result() == (now[0], now[1], now[2]), 40, f"HL7: {now}")
            reports.append(self.hook_.news(study)[-1]["report"])
            if turn == 0:
                with Caller(node) as caller:
                    self.assertEqual(code(caller.ask(self.site.omi("ACC1", priority="R", number="7", patient="TRAUMA7"))), "AA")
                h.wait_for(lambda: self.changes(study), 15, "the order's change")
            if turn < len(messages):
                with Caller(node) as caller:
                    self.assertEqual(code(caller.ask(messages[turn])), "AA")
        with Caller(node) as caller:  # the finding stays raised, of no order
            self.assertEqual(code(caller.ask(self.site.omi("ACC2", control="CA", number="7", patient="REAL7"))), "AA")
        expected = sorted([(*was, "CANCELED") for was in said] + [(*said[-1], "SCHEDULED")])
        for manager in (self.manager, self.web):
            h.wait_for(lambda manager=manager: items(manager) == expected, 40, "the order is cancelled")
            request = next(i for i in manager.items.values() if i.ProcedureStepState == "SCHEDULED").ReferencedRequestSequence[0]
            self.assertEqual((request.get("PlacerOrderNumberImagingServiceRequest"), request.RequestedProcedureID), (None, ""))
        h.wait_for(lambda: self.hook_.news(study)[-1]["order"] == "UNKNOWN", 40, "the webhook")
        last = self.hook_.news(study)[-1]
        self.assertEqual((last["event"], last["priority"], last["raised"], last["report"]), ("priority", "HIGH", True, reports[-1]))
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))
        self.assertEqual({i.ScheduledProcedureStepPriority for m in (self.manager, self.web) for i in m.items.values()}, {"HIGH"})
        self.assertEqual(len({str(m.segment("OBR")[3]) for m in self.results()}), 1, "one result, corrected")
        for request in self.hook_.requests:
            for name in (b"TRAUMA7", b"REAL7", b"Jane", b"Unknown", b"ACC"):
                self.assertNotIn(name, request["body"])

    def test_an_amended_result_corrects_our_own_raise(self):
        """The image with the finding is rejected; what is left of the study has none."""
        node = self.node_that_is_asked(self.ways())
        study = self.send_scheduled(node)
        self.check_told(node, study, True)
        h.wait_for(lambda: node.log().count(f" report study={study}") == 1, 30, "the first report")
        path, _ = self.image("normal", study=study, AccessionNumber="ACC" + study[-6:], PatientID="ID" + study[-6:])
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: node.log().count(f" report study={study}") == 2, 30, "a report of both")
        told = len(self.hook_.news(study))
        note = models.rejection_note(os.path.join(self.folder, f"{self.made - 1}.dcm"), os.path.join(self.folder, "note.dcm"))
        self.assertEqual(node.send(note).returncode, 0)
        h.wait_for(lambda: len(self.hook_.news(study)) > told and not self.hook_.news(study)[-1]["raised"], 30, "corrected")
        first, last = self.hook_.news(study)[0], self.hook_.news(study)[-1]
        self.assertEqual((last["event"], last["priority"]), ("priority", "MEDIUM"))
        self.assertRegex(last["outcome"], "no-finding|incomplete")
        self.assertNotIn(last["report"], (first["report"], None))
        items = [manager.items["1.2.3.1" + study[-6:]] for manager in (self.manager, self.web)]
        h.wait_for(lambda: all(i.ScheduledProcedureStepPriority == "MEDIUM" for i in items), 15, "back to what they were")
        for item in items:
            self.assertRegex(item.CommentsOnTheScheduledProcedureStep, "^RESEARCH - cervigate: MEDIUM, was MEDIUM; no (finding|suspicion)")
        h.wait_for(lambda: b"priority-rank^Reading priority^99CERVIGATE|1|MEDIUM" in self.ris.raw[-1], 15, "HL7")
        numbers = {str(m.segment("OBR")[3]) for m in self.results()}
        self.assertEqual(len(numbers), 1, "one result, corrected")
        row, = self.listed(node)
        self.assertEqual((row["priority"], row["outcome"]), ("MEDIUM", last["outcome"]))
        self.assertEqual([(i.ScheduledProcedureStepPriority, "HIGH" in i.CommentsOnTheScheduledProcedureStep) for i in self.asked(node)], [("MEDIUM", False)])
        h.wait_for(lambda: [(e["priority"], e["report"]) for e in self.shown()["entries"]] == [("MEDIUM", last["report"])], 5, "the console")  # twice a second


class NotJudged(Asked):
    """What the node could not judge: models of which one finds something in everything, the other in nothing."""

    def test_it_keeps_its_place_and_is_shown_as_such(self):
        finds, denies = (models.make(os.path.join(self.folder, name), finds=name == "finds", name=name) for name in ("finds", "denies"))
        match = '<match attribute="StationName" values="{0}"/>'
        rules = "".join(f'<rule name="{name}" action="analyze" model="{name}">{match.format(name)}</rule>' for name in ("finds", "denies"))
        node = self.node_that_is_asked(self.webhook(self.hook_), model=None, models=[f'{finds}" name="finds', f'{denies}" name="denies'],
                                       rules=rules + '<rule name="both" action="analyze"/>')
        kinds = [("incomplete", {"StationName": "denies"}), ("undetermined", {"StationName": "both"}),
                 ("not-processed", {"StationName": "finds", "PatientBirthDate": "20200101"}), ("incomplete", {"StationName": "denies"}),
                 ("finding", {"StationName": "finds"})]
        studies = []
        for number, (_, attributes) in enumerate(kinds):
            studies.append(self.send(node, "normal", AccessionNumber=f"N{number}", **attributes))
            h.wait_for(lambda: self.place(node, studies[-1]), 30, "a place")
        h.wait_for(lambda: node.log().count(" report study=") == 5, 30, "the reports")
        order = [4, 0, 1, 2, 3]
        expected = [(studies[n], "raised" if n == 4 else "not judged", kinds[n][0], "HIGH" if n == 4 else "MEDIUM") for n in order]
        h.wait_for(lambda: [(r["study"], r["band"], r["reason"], r["priority"]) for r in self.listed(node)] == expected, 10, "the list")
        self.assertEqual([(e["study"], e["band"], e["reason"], e["priority"]) for e in self.shown()["entries"]], expected)
        lines = node.admin("worklist").stdout.splitlines()[2:]
        words = {"incomplete": "no suspicion, incomplete", "undetermined": "the models disagree", "not-processed": "not analysed",
                 "finding": "suspicion of a cervical spine injury"}
        for line, n in zip(lines, order, strict=True):
            self.assertRegex(line, rf"(raised|not judged) .* N{n} .*{words[kinds[n][0]]}$")
        items = self.asked(node)
        self.assertEqual([i.StudyInstanceUID for i in items], [studies[n] for n in order])
        for item, n in zip(items, order, strict=True):
            self.assertIn(f"; {words[kinds[n][0]]}", item.CommentsOnTheScheduledProcedureStep)
        said = {study: (kind, kind == "finding") for study, (kind, _) in zip(studies, kinds)}
        h.wait_for(lambda: {n["study"]: (n["outcome"], n["raised"]) for n in self.hook_.news()} == said, 15, "the webhook")
        for text in node.admin("worklist").stdout, str(self.hook_.requests), json.dumps(self.shown()):
            self.assertNotRegex(text.lower(), "negative|absent|normal|no finding")


if __name__ == "__main__":
    unittest.main(verbosity=2)
