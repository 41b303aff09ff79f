"""The reading worklist for those who ask (UPS Query, UPS Pull): order, matching, states, modes, limits, kills, the audit log.

CERVIGATE_SEED, CERVIGATE_COUNT: of the requests that are none (11, 25)."""
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import sys
import tempfile
import threading
import time
import unittest

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

import findscu
import harness as h
import ups_scu
from archive import decode, encode
from ups_scu import PULL, PUSH, QUERY, Scu, keys, performed

sys.path.insert(0, os.path.join(h.SOURCE, "tests/faults"))
from kill import LENT, Arms, children, name_of  # noqa: E402

CLAIM, FIRST, SECOND = 60, "2.25.1111", "2.25.2222"
OFFER = f'<readingWorklist offer="pull" demo="true" label="NECKS" matches="40" queries="2" queryTime="5" claimTime="{CLAIM}"/>'


def study_of(item):
    return item.ReferencedRequestSequence[0].StudyInstanceUID


class Reading(unittest.TestCase):
    offer, mode = OFFER, "demo"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-reading-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.planes, cls.made = {}, 0
        for path, kind in h.phantoms(os.path.join(cls.folder, "phantoms"), 3) if cls.offer else ():
            cls.planes.setdefault("normal" if kind == "normal" else "finding", h.grey(path))
        cls.clock = os.path.join(cls.folder, "clock")
        cls.move_clock(0)
        cls.arms = Arms(os.path.join(cls.folder, "arms"))
        cls.node = h.Node({}, mode=cls.mode, limits=cls.offer,
                          environment={"CERVIGATE_CLOCK_OFFSET": "@" + cls.clock, "CERVIGATE_CRASH_ARMS": cls.arms.path})
        cls.addClassCleanup(cls.node.stop)

    @classmethod
    def move_clock(cls, seconds):
        h.set_clock(cls.clock, seconds)

    @classmethod
    def scu(cls, **how):
        return Scu(cls.node.port, **how)

    @classmethod
    def send(cls, kind, **attributes):
        """A new study of one image; its UID, when it is on the list."""
        cls.made += 1
        path, study = os.path.join(cls.folder, f"{cls.made}.dcm"), generate_uid()
        attributes.setdefault("PatientID", f"P{cls.made}")
        h.wrap(cls.planes[kind], path, study=study, **attributes)
        assert cls.node.send(path).returncode == 0
        h.wait_for(lambda: cls.rows("SELECT 1 FROM place WHERE study=? AND report<>''", study), 30, "a place")
        return study

    @classmethod
    def add(cls, count=1, offset=0):
        """Studies of which the store has no image, behind one that it has; their UIDs."""
        cls.made += 1
        studies = [f"2.25.9{cls.made}00{n}" for n in range(count)]
        with contextlib.closing(sqlite3.connect(os.path.join(cls.node.spool, "jobs.sqlite"), timeout=30)) as store:
            columns = ",".join(r[1] for r in store.execute("PRAGMA table_info(place)") if r[1] not in ("study", "arrived_ms", "raised", "read_ms"))
            for n, study in enumerate(studies):
                store.execute("INSERT INTO study(uid,last_received_ms) VALUES(?,1)", (study,))
                store.execute(f"INSERT INTO place(study,arrived_ms,raised,read_ms,{columns}) SELECT ?,arrived_ms+?,0,0,{columns} FROM place WHERE study=?",
                              (study, offset + n, cls.plain))
            store.commit()
        return studies

    @classmethod
    def rows(cls, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(cls.node.spool, "jobs.sqlite"))) as store:
            return store.execute(sql, values).fetchall()

    @classmethod
    def item_of(cls, study, **values):
        """The one item that is open, or the last."""
        with cls.scu() as scu:
            return scu.find(keys(request={"StudyInstanceUID": study}, **values))

    def listed(self):
        return [json.loads(line) for line in self.node.admin("worklist", "--json").stdout.splitlines()]


class Asked(Reading):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = cls.send("normal", AccessionNumber="A-100", PatientID="MÜLLER1", PatientName="Müller^Jürgen")
        cls.found = cls.send("finding", AccessionNumber="A-200", PatientID="P-200", PatientName="Doe^Jane")

    def open_items(self, scu, **values):
        return scu.find(keys(ProcedureStepState="SCHEDULED", **values))

    def test_the_list_in_its_order_each_attribute_as_the_annex_has_it(self):
        with self.scu() as scu:
            self.assertEqual(set(scu.contexts), {QUERY, PULL})
            for sop_class in (PULL, QUERY):
                matches, pending, (status, _) = scu.find_raw(keys(ProcedureStepState="SCHEDULED"), sop_class)
                self.assertEqual((status, set(pending)), ("0000", {"ff00"}))
                self.assertEqual([w for m in matches for w in ups_scu.wrong_in(m)], [])
                items = [i for i in map(decode, matches) if study_of(i) in (self.plain, self.found)]
                self.assertEqual([study_of(i) for i in items], [self.found, self.plain])
            first, second = items
            self.assertEqual((first.ScheduledProcedureStepPriority, second.ScheduledProcedureStepPriority), ("HIGH", "MEDIUM"))
            self.assertEqual((first.WorklistLabel, first.SOPClassUID, first.InputReadinessState), ("NECKS", PUSH, "READY"))
            self.assertTrue(first.ProcedureStepLabel.startswith("RESEARCH - "))
            self.assertTrue(first.CommentsOnTheScheduledProcedureStep.startswith("RESEARCH - cervigate: HIGH; suspicion"))
            self.assertEqual(str(second.PatientName), "Müller^Jürgen")
            self.assertEqual(second.SpecificCharacterSet, "ISO_IR 192")
            self.assertEqual(second.ReferencedRequestSequence[0].AccessionNumber, "A-100")
            status, _, data = scu.get(first.SOPInstanceUID)
            self.assertEqual((status, ups_scu.wrong_in(data)), ("0000", []))
            self.assertEqual(decode(data).SOPInstanceUID, first.SOPInstanceUID)

    def test_keys(self):
        now = time.gmtime()
        day, year = time.strftime("%Y%m%d", now), time.strftime("%Y", now)
        none, plain, found, both = set(), {self.plain}, {self.found}, {self.plain, self.found}
        cases = [(dict(ScheduledProcedureStepPriority="HIGH"), found), (dict(ScheduledProcedureStepPriority="LOW"), none),
                 (dict(PatientID="P-200"), found), (dict(PatientID="P-2*"), found), (dict(PatientID="p-200"), none), (dict(PatientID="P-20?"), found),
                 (dict(PatientName="doe^jane"), found), (dict(PatientName="D*"), found), (dict(PatientName="*"), both), (dict(PatientName="J*"), none),
                 (dict(WorklistLabel="NECKS"), both), (dict(WorklistLabel="KNEES"), none), (dict(ProcedureStepState="COMPLETED"), none),
                 (dict(ScheduledProcedureStepStartDateTime=f"{year}-"), both), (dict(ScheduledProcedureStepStartDateTime=f"-{year}0101"), none),
                 (dict(ScheduledProcedureStepStartDateTime=f"{day}000000+0000-{day}235959+0000"), both),
                 (dict(PatientBirthDate="19700102"), both), (dict(PatientBirthDate="19690101-19700101"), none),
                 (dict(request={"AccessionNumber": "A-100"}), plain), (dict(request={"AccessionNumber": "A-*", "StudyInstanceUID": ""}), both),
                 (dict(request={"StudyInstanceUID": f"{self.found}\\{self.plain}"}), both), (dict(request={"AccessionNumber": "A-100", "StudyInstanceUID": self.found}), none),
                 (dict(ScheduledWorkitemCodeSequence=ups_scu.code("110005")), both), (dict(ScheduledWorkitemCodeSequence=ups_scu.code("110001")), none),
                 (dict(StudyInstanceUID=self.plain), plain)]
        with self.scu() as scu:
            for values, expected in cases:
                if "ScheduledWorkitemCodeSequence" in values:
                    del values["ScheduledWorkitemCodeSequence"][0].CodeMeaning
                with self.subTest(**{k: str(v) for k, v in values.items()}):
                    items = scu.find(keys(**{"ProcedureStepState": "SCHEDULED", **values}))
                    self.assertEqual({study_of(i) for i in items if "StudyInstanceUID" in i.ReferencedRequestSequence[0] and study_of(i) in both} |
                                     {i.StudyInstanceUID for i in items if i.StudyInstanceUID in both}, expected)
            latin = keys(PatientName="M\u00fcller*", ProcedureStepState="SCHEDULED")
            latin.SpecificCharacterSet = "ISO_IR 100"
            self.assertEqual([i.StudyInstanceUID for i in scu.find(latin)], [self.plain])

    def test_what_is_answered_is_what_was_asked(self):
        query = Dataset()
        query.StudyInstanceUID, query.PatientID, query.ProcedureStepState = self.found, "", ""
        one = Dataset()
        one.AccessionNumber = ""
        query.ReferencedRequestSequence = Sequence([one])
        with self.scu() as scu:
            item = scu.find(query)[0]
            self.assertEqual(sorted(e.keyword for e in item), ["PatientID", "ProcedureStepState", "ReferencedRequestSequence", "StudyInstanceUID"])
            self.assertEqual([e.keyword for e in item.ReferencedRequestSequence[0]], ["AccessionNumber"])
            query.add_new(0x00091001, "LO", "x")
            query.add_new(0x00080060, "CS", "DX")  # Modality: no attribute of a step
            query.TransactionUID = ""
            matches, pending, (status, _) = scu.find_raw(query)
            self.assertEqual((len(matches), pending, status), (1, ["ff01"], "0000"))
            self.assertNotIn("TransactionUID", decode(matches[0]))
            status, _, data = scu.get(item_uid := self.item_of(self.found)[0].SOPInstanceUID, 0x00741000, 0x00100020)
            self.assertEqual((status, sorted(e.keyword for e in decode(data))), ("0000", ["PatientID", "ProcedureStepState"]))
            self.assertEqual(scu.get(item_uid, 0x00741000, 0x00081195, 0x00080060)[0], "0001")
            self.assertEqual(scu.get("2.25.77")[0], "c307")

    def test_what_is_no_question(self):
        two = keys()
        two.ReferencedRequestSequence = Sequence([Dataset(), Dataset()])
        nested = struct.pack("<HHIHHI", 0x40, 0xa370, 0xffffffff, 0xfffe, 0xe000, 0xffffffff) * 5000
        with self.scu(classes=(QUERY, PULL, ups_scu.VERIFICATION)) as scu:
            for what, status in ((two, "a900"), (struct.pack("<HHI", 0x40, 0xa370, 0), "0000"), (b"\xff" * 200, "c000"), (nested, "c000"),
                                 (struct.pack("<HHI4s", 8, 5, 10, b"ISO_")[:8] + b"ISO_IR 100", "a900"), (b"\0" * 300000, "c000")):
                self.assertEqual(scu.find_raw(what)[2][0], status, what[:20] if isinstance(what, bytes) else what)
            scu.ask(keys(), PULL, names=QUERY)
            self.assertEqual(scu.answers()[2][0], "a900")
            self.assertEqual(scu.item(0x110, "2.25.7", context=QUERY)[0], "0211")  # UPS Query has C-FIND alone
            self.assertEqual(scu.item(0x110, "2.25.7", names=PULL)[0], "0119")
            self.assertEqual(scu.change("2.25.7", "CANCELED", FIRST, kind=2)[0], "0123")
            self.assertEqual(len(self.open_items(scu)) > 0, True)

    def test_findscu(self):
        findscu.is_refused(self.node)
        for sop_class in (PULL, QUERY):
            items = findscu.ask_ups(self.node, sop_class, "ProcedureStepState=SCHEDULED", "ReferencedRequestSequence[0].AccessionNumber=A-?00")
            self.assertEqual([i.StudyInstanceUID for i in items if not i.StudyInstanceUID.startswith("2.25.9")], [self.found, self.plain])  # without add()'s
            with self.scu() as scu:
                self.assertEqual(items, scu.find(keys(ProcedureStepState="SCHEDULED", request={"AccessionNumber": "A-?00"}), sop_class))

    def test_its_life_is_the_tables(self):
        study = self.send("normal")
        uid = self.item_of(study)[0].SOPInstanceUID
        with self.scu() as scu:
            self.assertEqual(scu.change(uid, "COMPLETED", FIRST)[0], "c310")
            self.assertEqual(scu.change(uid, "CANCELED", FIRST)[0], "c310")
            self.assertEqual(scu.change(uid, "SCHEDULED", FIRST)[0], "c303")
            self.assertEqual(scu.change(uid, "IN PROGRESS")[0], "c301")
            self.assertEqual(scu.change(uid, "READING", FIRST)[0], "0106")
            self.assertEqual(scu.set(uid, performed())[0], "c310")
            self.assertEqual(scu.change("2.25.7", "IN PROGRESS", FIRST)[0], "c307")

            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "0000")
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "c302")
            self.assertEqual(scu.change(uid, "IN PROGRESS", SECOND)[0], "c301")
            self.assertEqual([i.SOPInstanceUID for i in scu.find(keys(ProcedureStepState="IN PROGRESS", StudyInstanceUID=study))], [uid])
            row = next(r for r in self.listed() if r["study"] == study)
            self.assertEqual(row["claimed"]["by"], "VIEWER1 at 127.0.0.1")
            self.assertIn("being read by VIEWER1 at 127.0.0.1", self.node.admin("worklist").stdout)

            self.assertEqual(scu.set(uid, performed(), SECOND)[0], "c301")
            self.assertEqual(scu.change(uid, "COMPLETED", SECOND)[0], "c301")
            self.assertEqual(scu.change(uid, "COMPLETED", FIRST), ("c304", "no value in (0074,1216)"))
            self.assertEqual(scu.set(uid, performed(PerformedStationNameCodeSequence=Sequence()), FIRST)[0], "0000")
            self.assertEqual(scu.change(uid, "COMPLETED", FIRST), ("c304", "no value in (0040,4028) of (0074,1216)"))
            self.assertEqual(scu.set(uid, Dataset(), FIRST)[0], "0000")
            change = performed()
            change.ScheduledProcedureStepPriority = "LOW"  # the node's
            self.assertEqual(scu.set(uid, change, FIRST)[0], "b305")
            change = performed(PerformedProcedureStepDescription="gelesen von Ärztin")
            change.SpecificCharacterSet = "ISO_IR 100"
            change.UnifiedProcedureStepPerformedProcedureSequence[0].add_new(0x00091001, "LO", "x")
            self.assertEqual(scu.set(uid, change, FIRST)[0], "0001")
            bad = Dataset()
            bad.ProcedureStepState = "COMPLETED"
            self.assertEqual(scu.set(uid, bad, FIRST)[0], "0106")
            item = decode(scu.get(uid)[2])
            self.assertEqual(item.UnifiedProcedureStepPerformedProcedureSequence[0].PerformedProcedureStepDescription, "gelesen von Ärztin")
            self.assertEqual((item.ScheduledProcedureStepPriority, "TransactionUID" in item), ("MEDIUM", False))

            self.assertEqual(scu.change(uid, "COMPLETED", FIRST)[0], "0000")
            self.assertEqual(scu.change(uid, "COMPLETED", FIRST)[0], "b306")
            self.assertEqual(scu.change(uid, "CANCELED", FIRST)[0], "c300")
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "c300")
            self.assertEqual(scu.change(uid, "IN PROGRESS", SECOND)[0], "c301")
            self.assertEqual(scu.set(uid, performed(), FIRST)[0], "c300")
            h.wait_for(lambda: study not in [r["study"] for r in self.listed()], 10, "read")
            self.assertEqual(self.open_items(scu, StudyInstanceUID=study), [])
            done = scu.find_raw(keys(ProcedureStepState="COMPLETED", StudyInstanceUID=study))[0]
            self.assertEqual([w for m in done for w in ups_scu.wrong_in(m) if "(0040,0254)" not in w], [])
            self.assertEqual(self.node.admin("worklist", "unread", study).returncode, 0)
            again = h.wait_for(lambda: self.open_items(scu, StudyInstanceUID=study), 10, "unread")
            self.assertNotEqual(again[0].SOPInstanceUID, uid)

    def test_what_its_performer_cancels_is_scheduled_anew(self):
        study = self.add()[0]
        uid = self.item_of(study)[0].SOPInstanceUID
        with self.scu() as scu:
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "0000")
            why = Dataset()
            progress = Dataset()
            progress.ReasonForCancellation = "called away"
            why.ProcedureStepProgressInformationSequence = Sequence([progress])
            self.assertEqual(scu.set(uid, why, FIRST)[0], "0000")
            self.assertEqual(scu.change(uid, "CANCELED", FIRST)[0], "0000")
            self.assertEqual(scu.change(uid, "CANCELED", FIRST)[0], "b304")
            data = scu.get(uid)[2]
            said = decode(data).ProcedureStepProgressInformationSequence[0]
            self.assertEqual((said.ReasonForCancellation, said.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue), ("called away", "110513"))
            self.assertRegex(said.ProcedureStepCancellationDateTime, r"^\d{14}\+0000$")
            self.assertEqual(ups_scu.wrong_in(data), [])
            again = self.open_items(scu, StudyInstanceUID=study)
            self.assertEqual(len(again), 1)
            self.assertNotEqual(again[0].SOPInstanceUID, uid)
            self.assertIn(study, [r["study"] for r in self.listed()])

    def test_what_is_read_elsewhere_is_canceled(self):
        study = self.send("normal")
        uid = self.item_of(study)[0].SOPInstanceUID
        self.assertEqual(self.node.admin("worklist", "read", study).returncode, 0)
        with self.scu() as scu:
            h.wait_for(lambda: decode(scu.get(uid)[2]).ProcedureStepState == "CANCELED", 10, "canceled")
            said = decode(scu.get(uid)[2]).ProcedureStepProgressInformationSequence[0]
            self.assertEqual(said.ReasonForCancellation, "the study has been read")
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "c301")  # by the table: it never had a Transaction UID of his
            self.assertEqual(self.open_items(scu, StudyInstanceUID=study), [])

    def test_a_performer_who_vanished_holds_nothing_for_long(self):
        study = self.add()[0]
        self.addCleanup(self.move_clock, 0)
        with self.scu(calling="LOST") as scu:
            uid = scu.find(keys(StudyInstanceUID=study))[0].SOPInstanceUID
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "0000")
        self.move_clock(CLAIM - 10)
        with self.scu() as scu:
            self.assertEqual(self.open_items(scu, StudyInstanceUID=study), [])
            self.assertEqual(scu.set(uid, performed(), FIRST)[0], "0000")  # a sign of life
            self.move_clock(2 * CLAIM - 20)
            self.assertEqual(self.open_items(scu, StudyInstanceUID=study), [])
            self.move_clock(2 * CLAIM)
            again = self.open_items(scu, StudyInstanceUID=study)
            self.assertEqual(len(again), 1)
            self.assertEqual(decode(scu.get(uid)[2]).ProcedureStepProgressInformationSequence[0].ReasonForCancellation, "nothing was heard of its performer")
            self.assertEqual(scu.change(uid, "COMPLETED", FIRST)[0], "c300")
        self.assertIsNone(next(r for r in self.listed() if r["study"] == study)["claimed"])

    def test_one_of_many_who_claim_gets_it(self):
        study, answers = self.add()[0], []
        uid = self.item_of(study)[0].SOPInstanceUID

        def claim(number):
            with self.scu() as scu:
                answers.append(scu.change(uid, "IN PROGRESS", f"2.25.{number}")[0])
        threads = [threading.Thread(target=claim, args=(n,)) for n in range(10, 18)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(answers), ["0000"] + ["c301"] * 7)

    def test_kill_in_the_middle_of_a_change(self):
        """Repeated it is the same: claimed once, by the same transaction; completed once."""
        for point in LENT:
            states = ("0000", "0000") if point == "desk-uncommitted" else ("c302", "b306")
            study = self.add()[0]
            uid = self.item_of(study)[0].SOPInstanceUID
            for state, expected in zip(("IN PROGRESS", "COMPLETED"), states):
                with self.subTest(point=point, state=state):
                    if state == "COMPLETED":
                        with self.scu() as scu:
                            self.assertEqual(scu.set(uid, performed(), FIRST)[0], "0000")
                    self.arms.arm(point)
                    with self.scu() as scu:
                        self.assertEqual(scu.change(uid, state, FIRST)[0], "0110")
                        self.assertEqual(scu.change(uid, state, FIRST)[0], "0110")  # this association's line is gone

                    def repeated():
                        with contextlib.suppress(KeyError), self.scu() as scu:
                            return scu.change(uid, state, FIRST)[0]
                    self.assertEqual(h.wait_for(lambda: (s := repeated()) not in (None, "0110") and s, 10, "the desk"), expected)
            self.assertEqual(self.rows("SELECT number,state,trans FROM reading WHERE study=?", study), [(1, 4, FIRST)])
            h.wait_for(lambda: study not in [r["study"] for r in self.listed()], 10, "read")

    def test_images_come_while_the_desk_is_stopped(self):
        supervisor = self.node.process.pid
        desk = h.wait_for(lambda: next((p for q in children(supervisor) for p in children(q) if name_of(p) == "cervigated-dsk"), None), 10, "the desk")
        os.kill(desk, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            path = os.path.join(self.folder, "stopped.dcm")
            h.wrap(self.planes["normal"], path, study=generate_uid(), PatientID="STOPPED")
            self.assertEqual(self.node.send(path).returncode, 0)
            self.assertLess(time.monotonic() - begun, 5 * h.PATIENCE)
        finally:
            os.kill(desk, signal.SIGCONT)

    def test_the_audit_log_tells_who_asked(self):
        with self.scu(calling="SPY") as scu:
            for _ in range(3):
                uid = scu.find(keys(StudyInstanceUID=self.found, PatientID="P-200"))[0].SOPInstanceUID
            scu.get(uid)
        log = self.audit_text()
        asked = [line for line in log if "110112" in line and 'UserID="SPY"' in line]
        self.assertEqual(len(asked), 1)  # the same again within a minute is counted
        import base64
        self.assertIn(base64.b64encode(f"(0010,0020)=P-200 (0020,000d)={self.found}".encode()).decode(), asked[0])
        self.assertTrue([line for line in log if "110103" in line and 'UserID="SPY"' in line and self.found in line])

    def audit_text(self):
        text, folder = [], os.path.join(self.node.spool, "audit")
        for name in sorted(os.listdir(folder)):
            with contextlib.suppress(IsADirectoryError), open(os.path.join(folder, name), encoding="utf-8", errors="replace") as f:
                text += f.read().replace('\\"', '"').splitlines()
        return text

    def test_hostile(self):
        seed, count = int(os.environ.get("CERVIGATE_SEED", 11)), int(os.environ.get("CERVIGATE_COUNT", 25))
        dice = random.Random(seed)
        uid = self.item_of(self.found)[0].SOPInstanceUID
        good = [encode(keys()), encode(performed()), encode(keys(request={"AccessionNumber": "*"}))]
        for _ in range(count):
            data = bytearray(dice.choice(good))
            for _ in range(dice.randrange(1, 8)):
                data[dice.randrange(len(data))] = dice.choice((0, 0xff, dice.randrange(256)))
            data = bytes(data[:dice.randrange(1, len(data) + 1)])
            with contextlib.suppress(ConnectionError, TimeoutError, KeyError), self.scu() as scu:
                dice.choice((lambda: scu.find_raw(data), lambda: scu.item(0x120, uid, {}, data),
                             lambda: scu.item(0x130, uid, {0x1008: struct.pack("<H", dice.randrange(3))}, data)))()
        print(f"hostile: seed {seed}, {count} requests", file=sys.stderr)
        self.assertNotIn("association-died", self.node.log())
        with self.scu() as scu:
            self.assertTrue(self.open_items(scu, StudyInstanceUID=self.found))
        self.assertEqual(self.rows("SELECT state FROM reading WHERE uid=?", uid), [(1,)])

    def many(self):
        """More than an answer may have, for as long as the test."""
        studies = self.add(60)

        def remove():
            with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), timeout=30)) as store:
                store.executemany("DELETE FROM study WHERE uid=?", [(s,) for s in studies])
                store.commit()
        self.addCleanup(remove)
        return studies

    def test_more_than_an_answer_may_have(self):
        studies = self.many()
        with self.scu() as scu:
            matches, _, (status, comment) = scu.find_raw(keys())
            self.assertEqual((len(matches), status), (40, "a700"))
            self.assertIn("limit readingWorklist matches", comment)
            arrived = [decode(m).ScheduledProcedureStepStartDateTime for m in matches if decode(m).ScheduledProcedureStepPriority == "MEDIUM"]
            self.assertEqual((arrived, len(arrived) > 20), (sorted(arrived), True))
            self.assertEqual(scu.find_raw(keys(StudyInstanceUID=studies[50]))[2][0], "0000")

    def test_cancel(self):
        studies = self.many()
        with self.scu() as scu:
            scu.ask(keys())
            scu.cancel(scu.message_id + 7)  # of nothing
            scu.cancel()
            matches, _, (status, _) = scu.answers()
            self.assertEqual(status, "fe00")
            self.assertLess(len(matches), 40)
            self.assertEqual(scu.find_raw(keys(StudyInstanceUID=studies[1]))[2][0], "0000")

    def test_a_second_request_before_the_answer(self):
        self.many()
        with self.scu() as scu:
            scu.ask(keys())
            scu.ask(keys())
            with self.assertRaises(ConnectionError):
                scu.answers()

    def test_slow_askers_hold_nothing(self):
        """Two who do not read fill the places; a third is told so, and gets its answer when their time is over."""
        studies = self.many()
        with contextlib.ExitStack() as open_:
            slow = []
            for _ in range(2):
                scu = open_.enter_context(self.scu())
                scu.socket.setsockopt(6, 10, 1)  # TCP_WINDOW_CLAMP: little fits on the way
                scu.ask(keys())
                slow.append(scu)
            third = open_.enter_context(self.scu())
            begun = time.monotonic()
            while time.monotonic() - begun < 20 * h.PATIENCE:
                if third.find_raw(keys(StudyInstanceUID=studies[2]))[2][0] == "0000":
                    break
                time.sleep(0.2)
            self.assertLess(time.monotonic() - begun, 8 * h.PATIENCE)
            for scu in slow:
                scu.socket.close()

    def test_shadow_offers_nothing_and_ends_what_was_offered(self):
        study = self.found
        with self.scu() as scu:
            uid = scu.find(keys(StudyInstanceUID=study))[0].SOPInstanceUID
            self.assertEqual(self.node.admin("mode", "shadow").returncode, 0)
            self.addCleanup(self.node.admin, "mode", "demo")
            self.assertEqual(scu.find_raw(keys())[2], ("0122", "the node's mode does not offer its worklist"))
            self.assertEqual(scu.get(uid)[0], "0122")
            self.assertEqual(scu.change(uid, "IN PROGRESS", FIRST)[0], "0122")
        with self.scu(classes=(QUERY, PULL, ups_scu.VERIFICATION)) as scu:
            self.assertEqual(set(scu.contexts), {ups_scu.VERIFICATION})
        self.assertRegex(self.node.log(), r'worklist-not-offered .*reason="the node\'s mode"')
        self.assertEqual(self.node.admin("mode", "demo").returncode, 0)
        with self.scu() as scu:
            self.assertEqual(scu.find(keys(StudyInstanceUID=study))[0].SOPInstanceUID, uid)


class Reloaded(Reading):
    """Another offer of the same node."""
    offer = ""

    def test_the_setting_decides(self):
        both = (QUERY, PULL, ups_scu.VERIFICATION)
        with self.scu(classes=both) as scu:
            self.assertEqual(set(scu.contexts), {ups_scu.VERIFICATION})
        self.assertNotIn("desk-started", self.node.log())
        with open(self.node.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.node.config, "w", encoding="utf-8") as f:
            f.write(text.replace("<console", OFFER.replace('"pull"', '"query"') + "<console"))
        self.node.process.send_signal(signal.SIGHUP)
        h.wait_for(lambda: "desk-started" in self.node.log(), 20, "the desk")

        def offered():
            with self.scu(classes=both) as scu:
                return QUERY in scu.contexts and (set(scu.contexts), scu.find_raw(keys(), QUERY)[2][0])
        self.assertEqual(h.wait_for(offered, 20, "the query"), ({QUERY, ups_scu.VERIFICATION}, "0000"))


if __name__ == "__main__":
    h.unittest.main()
