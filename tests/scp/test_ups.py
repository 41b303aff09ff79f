#!/usr/bin/python3
"""ups_tell against a scripted workflow manager (tests/e2e/ups_scp.py): each row of the tables in docs/worklist.md, and each way it can fail.

`test_ups.py random SEED COUNT`: random sequences of news, of readers and of misbehaviour, against the rules that may never be broken."""
import atexit
import os
import random
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import ups_scp  # noqa: E402
from archive import decode  # noqa: E402

DRIVE = os.path.join(os.environ.get("CERVIGATE_BUILD", "build/release"), "bin", "ups_drive")
OURS, SITE, RANK = "2.25.4242", "2.25.77", {"LOW": 0, "MEDIUM": 1, "HIGH": 2}
MARK = "cervigate: HIGH, was MEDIUM; suspicion of a cervical spine injury (phantom 0.2.0) [2.25.4242]"


class Drive:
    """ups_drive, for as long as it lives."""
    process = None

    @classmethod
    def ask(cls, text):
        if cls.process is None:
            cls.process = subprocess.Popen([DRIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(cls.end)
        cls.process.stdin.write(text)
        cls.process.stdin.flush()
        answer = [cls.process.stdout.readline() for _ in range(2)]
        if not answer[1]:
            ended, cls.process = cls.process.wait(), None
            raise AssertionError(f"ups_drive ended: {ended}")
        return [line[:-1] for line in answer]

    @classmethod
    def end(cls):
        if cls.process is not None:
            cls.process.stdin.close()
            cls.process.stdout.close()
            assert cls.process.wait(timeout=60) == 0, "ups_drive did not end well"


def tell(manager, **fields):
    end, why = Drive.ask(f"port={manager.port}\n" + "".join(f"{k}={v}\n" for k, v in fields.items()) + "\n")
    assert why, "no reason"
    return end, why


class Case(unittest.TestCase):
    def setUp(self):
        self.manager = ups_scp.Manager()
        self.addCleanup(self.manager.close)

    def told(self, how="told", **fields):
        end, why = tell(self.manager, **fields)
        self.assertEqual((end, self.manager.violations), (how, []), why)
        return why

    def priority(self, uid=SITE):
        return self.manager.items[uid].ScheduledProcedureStepPriority

    def comments(self, uid=SITE):
        return self.manager.items[uid].CommentsOnTheScheduledProcedureStep


class Own(Case):
    """Items of our own."""

    def test_made_whole(self):
        self.told(patient_name="Dö^Jané", issuer="HOSP", birth_date="19700101", sex="F", issuer_of_accession="RIS", placer_order="PL1",
                  filler_order="FI1", procedure_id="RP1", study_description="Halswirbelsäule", worklist_label="READING",
                  is_report=1, report="2.25.5", report_series="2.25.6", retrieve_ae="PACS", report_class="1.2.840.10008.5.1.4.1.1.88.34")
        item = self.manager.items[OURS]
        request, source = item.ReferencedRequestSequence[0], item.InputInformationSequence[0]
        self.assertEqual(("HIGH", "SCHEDULED", "READING", "Read: suspicion of a cervical spine injury"), (
            item.ScheduledProcedureStepPriority, item.ProcedureStepState, item.WorklistLabel, item.ProcedureStepLabel))
        self.assertEqual(("Dö^Jané", "P1", "HOSP", "19700101", "F", "20261127130000+0000", "READY"), (
            str(item.PatientName), item.PatientID, item.IssuerOfPatientID, item.PatientBirthDate, item.PatientSex,
            item.ScheduledProcedureStepStartDateTime, item.InputReadinessState))
        self.assertEqual(("A1", "2.25.1", "RIS", "PL1", "FI1", "RP1", "Halswirbelsäule"), (
            request.AccessionNumber, request.StudyInstanceUID, request.IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID,
            request.PlacerOrderNumberImagingServiceRequest, request.FillerOrderNumberImagingServiceRequest, request.RequestedProcedureID,
            request.RequestedProcedureDescription))
        self.assertEqual(("2.25.1", "2.25.6", "2.25.5", "PACS"), (
            source.StudyInstanceUID, source.SeriesInstanceUID, source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID,
            source.DICOMRetrievalSequence[0].RetrieveAETitle))
        self.assertEqual("110005", item.ScheduledWorkitemCodeSequence[0].CodeValue)
        self.assertEqual("cervigate: HIGH; suspicion of a cervical spine injury (phantom 0.2.0) [2.25.4242]", item.CommentsOnTheScheduledProcedureStep)

    def test_made_with_nothing_known(self):
        self.told(own_item=1, patient_name="", patient_id="", accession="", model="", rank="MEDIUM", reason="not-processed")
        self.assertEqual("MEDIUM", self.priority(OURS))
        self.assertEqual([], self.manager.asked("find"))  # never the site's

    def test_ascii_has_no_character_set(self):
        self.told()
        self.assertNotIn("SpecificCharacterSet", self.manager.items[OURS])

    def test_texts_of_any_length(self):
        """Labels and descriptions are cut between characters; identities are not."""
        self.told("told", study_description="ä" * 80, worklist_label="W" * 90, reason="no-finding", rank="MEDIUM")
        item = self.manager.items[OURS]
        self.assertEqual("ä" * 64, item.ReferencedRequestSequence[0].RequestedProcedureDescription)
        self.assertEqual("Read cervical spine; see comments", item.ProcedureStepLabel)
        self.assertIn("no finding above the operating point; this does not exclude injury", self.comments(OURS))

    def test_research_is_marked(self):
        self.told(research=1)
        item = self.manager.items[OURS]
        self.assertTrue(item.ProcedureStepLabel.startswith("RESEARCH - "), item.ProcedureStepLabel)
        self.assertTrue(self.comments(OURS).startswith("RESEARCH - "), self.comments(OURS))
        self.told(research=1, kind="withdrawn", told="HIGH")
        cancel = decode(self.manager.log[-1]["dataset"])
        self.assertTrue(cancel.ReasonForCancellation.startswith("RESEARCH - "))

    def test_every_reason_is_said(self):
        for n, reason in enumerate(("finding", "undetermined", "not-processed", "incomplete", "no-finding", "waiting", "known", "postoperative")):
            for research in ({}, {"research": 1}):
                self.told(workitem=f"2.25.9{n}{len(research)}", reason=reason, rank="HIGH" if reason == "finding" else "MEDIUM", **research)

    def test_twice_is_once(self):
        self.told()
        why = self.told()
        self.assertEqual(1, len(self.manager.items))
        self.assertEqual(["create", "create", "get"], self.manager.asked("create", "get", "set"), why)  # nothing to set

    def test_duplicate_that_differs_is_set(self):
        """The crash came between N-CREATE and the record of it; then came another revision."""
        self.told()
        self.told(rank="MEDIUM", reason="no-finding")
        self.assertEqual("MEDIUM", self.priority(OURS))
        self.assertIn("cervigate: MEDIUM; no finding", self.comments(OURS))
        self.assertNotIn("HIGH", self.comments(OURS))
        self.assertEqual("Read cervical spine; see comments", self.manager.items[OURS].ProcedureStepLabel)

    def test_corrected(self):
        self.told()
        self.told(rank="MEDIUM", reason="no-finding", told="HIGH")
        self.assertEqual("MEDIUM", self.priority(OURS))
        self.told(told="MEDIUM")
        self.assertEqual(("HIGH", 1), (self.priority(OURS), self.comments(OURS).count("cervigate")))

    def test_what_another_raised_stays(self):
        self.told(rank="LOW", reason="no-finding", order="LOW")
        self.manager.items[OURS].ScheduledProcedureStepPriority = "HIGH"
        self.told(rank="MEDIUM", reason="incomplete", told="LOW")
        self.assertEqual("HIGH", self.priority(OURS))

    def test_report_is_named_later(self):
        self.told(retrieve_ae="PACS", report_class="1.2.840.10008.5.1.4.1.1.88.34")
        self.assertEqual(0, len(self.manager.items[OURS].InputInformationSequence))
        self.told(told="HIGH", is_report=1, report="2.25.5", report_series="2.25.6", retrieve_ae="PACS",
                  report_class="1.2.840.10008.5.1.4.1.1.88.34")
        self.assertEqual(1, len(self.manager.items[OURS].InputInformationSequence))

    def test_not_waiting_any_more(self):
        for state in ("IN PROGRESS", "COMPLETED"):
            self.told()
            self.manager.items[OURS].ProcedureStepState = state
            before = len(self.manager.asked("set"))
            self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
            self.assertEqual(("HIGH", before), (self.priority(OURS), len(self.manager.asked("set"))))

    def test_canceled_by_another(self):
        self.told()
        self.manager.items[OURS].ProcedureStepState = "CANCELED"
        self.told("told", told="HIGH", rank="MEDIUM", reason="no-finding")
        self.assertIn("canceled", self.told("refused", told="MEDIUM"))

    def test_gone_is_not_made_again_for_less(self):
        self.told("told", told="HIGH", rank="MEDIUM", reason="no-finding")
        self.assertEqual({}, self.manager.items)
        self.told("told", told="HIGH")
        self.assertIn(OURS, self.manager.items)
        self.manager.items.clear()
        self.told("told", told="MEDIUM")
        self.assertIn(OURS, self.manager.items)

    def test_a_reader_is_faster(self):
        for state in ("IN PROGRESS", "COMPLETED", "CANCELED"):
            self.manager.items.clear()
            self.told()
            self.manager.race = state
            self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
            self.manager.race = None

    def test_answers_with_datasets(self):
        self.manager.tells_all = True
        self.told()
        self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
        self.assertEqual("MEDIUM", self.priority(OURS))


class Withdrawn(Case):
    def test_canceled(self):
        self.told()
        self.told(kind="withdrawn", told="HIGH", reason="read")
        self.assertEqual("CANCELED", self.manager.items[OURS].ProcedureStepState)
        self.assertEqual("cervigate: has been read", decode(self.manager.log[-1]["dataset"]).ReasonForCancellation)
        self.told(kind="withdrawn", told="HIGH")  # B304

    def test_cancel_may_be_refused(self):
        for status in (0xc311, 0xc312, 0xc313, 0xc307, 0x0112, 0xc300, 0xb304):
            self.manager.how["cancel"] = (status, 1)
            self.told("told", kind="withdrawn", told="HIGH")
        self.told()
        for state, performer in (("IN PROGRESS", 0xc312), ("IN PROGRESS", 0xc313), ("IN PROGRESS", 0), ("COMPLETED", 0)):
            self.manager.items[OURS].ProcedureStepState, self.manager.performer = state, performer
            self.told("told", kind="withdrawn", told="HIGH")

    def test_cancel_that_is_for_a_person(self):
        for status in (0x0123, 0x0124, 0xc314, 0xc304):
            self.manager.how["cancel"] = (status, 1)
            self.told("refused", kind="withdrawn", told="HIGH")

    def test_never_told(self):
        self.told(kind="withdrawn")
        self.assertEqual({}, self.manager.items)

    def test_sites_item_goes_back(self):
        self.manager.add(SITE, accession="A1", comments="Call back\r\nWard 3")
        self.told()
        self.told(kind="withdrawn", told="HIGH")
        self.assertEqual("MEDIUM", self.priority())
        self.assertEqual("Call back\r\nWard 3\r\ncervigate: MEDIUM, was MEDIUM; withdrawn (phantom 0.2.0) [2.25.4242]", self.comments())

    def test_sites_item_that_does_not_let(self):
        self.manager.add(SITE, accession="A1", priority="HIGH", comments=MARK)
        self.manager.how["set"] = (0x0124, None)
        self.assertIn("0124", self.told("refused", kind="withdrawn", told="HIGH"))


class Site(Case):
    """The site's own items."""

    def test_raised(self):
        self.manager.add(SITE, accession="A1")
        self.told()
        self.assertEqual(("HIGH", MARK), (self.priority(), self.comments()))
        self.assertEqual([SITE], list(self.manager.items))
        self.told()
        self.assertEqual(1, len(self.manager.asked("set")))

    def test_found_by_study(self):
        self.manager.add(SITE, accession="", study="2.25.1")
        self.told(accession="")
        self.assertEqual("HIGH", self.priority())

    def test_found_by_input(self):
        self.manager.add(SITE, request=False, input_study="2.25.1")
        self.told()
        self.assertEqual("HIGH", self.priority())

    def test_accession_without_study(self):
        self.manager.add(SITE, accession="A1", study="")
        self.told()
        self.assertEqual("HIGH", self.priority())

    def test_keys_that_the_manager_does_not_know(self):
        """It answers with all that it has: only ours is touched."""
        self.manager.optional_keys = False
        self.manager.add("2.25.50", accession="B", study="2.25.2")
        self.manager.add(SITE, request=False, input_study="2.25.1")
        self.told()
        self.assertEqual(("HIGH", "MEDIUM"), (self.priority(), self.priority("2.25.50")))

    def test_too_many_matches(self):
        self.manager.optional_keys = False
        for n in range(80):
            self.manager.add(f"2.25.6{n:02}", accession="", study="2.25.2")
        self.told()
        self.assertEqual("HIGH", self.priority(OURS))

    def test_another_patients(self):
        self.manager.add(SITE, accession="A1", patient="P2")
        self.told()
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))

    def test_another_study_of_the_accession(self):
        self.manager.add(SITE, accession="A1", study="2.25.2")
        self.told()
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))

    def test_another_issuers_accession(self):
        item = self.manager.add(SITE, accession="A1", study="")
        issuer = ups_scp.Dataset()
        issuer.LocalNamespaceEntityID = "OTHER"
        item.ReferencedRequestSequence[0].IssuerOfAccessionNumberSequence = [issuer]
        self.told(issuer_of_accession="RIS")
        self.assertEqual("MEDIUM", self.priority())

    def test_not_a_reading(self):
        self.manager.add(SITE, accession="A1", workitem="110006")
        self.told()
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))

    def test_a_reading_before_one_without_code(self):
        self.manager.add(SITE, accession="A1")
        self.manager.add("2.25.78", accession="A1", workitem=None)
        self.told()
        self.assertEqual(("HIGH", "MEDIUM"), (self.priority(), self.priority("2.25.78")))

    def test_without_code_is_taken(self):
        self.manager.add(SITE, accession="A1", workitem=None)
        self.told()
        self.assertEqual("HIGH", self.priority())

    def test_read_or_being_read(self):
        """No second item for what somebody reads."""
        for state in ("IN PROGRESS", "COMPLETED"):
            self.manager.add(SITE, accession="A1", state=state)
            self.told()
            self.assertEqual(([SITE], "MEDIUM"), (list(self.manager.items), self.priority()))

    def test_canceled_is_none(self):
        self.manager.add(SITE, accession="A1", state="CANCELED")
        self.told()
        self.assertEqual("HIGH", self.priority(OURS))

    def test_a_reader_is_faster(self):
        for state in ("IN PROGRESS", "COMPLETED"):
            self.manager.items.clear()
            self.manager.add(SITE, accession="A1")
            self.manager.race = state
            self.told()
            self.assertEqual(([SITE], "MEDIUM"), (list(self.manager.items), self.priority()))
            self.manager.race = None

    def test_corrected_back(self):
        self.manager.add(SITE, accession="A1", priority="LOW")
        self.told()
        self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
        self.assertEqual("LOW", self.priority())
        self.assertIn("cervigate: LOW, was LOW; no finding", self.comments())
        self.told(told="MEDIUM")
        self.assertEqual(("HIGH", True), (self.priority(), "cervigate: HIGH, was LOW;" in self.comments()))

    def test_corrected_not_below_the_order(self):
        self.manager.add(SITE, accession="A1", priority="LOW")
        self.told(order="ROUTINE")
        self.told(told="HIGH", rank="MEDIUM", reason="no-finding", order="ROUTINE")
        self.assertEqual("MEDIUM", self.priority())

    def test_never_lowered(self):
        self.manager.add(SITE, accession="A1", priority="HIGH")
        for reason, rank in (("no-finding", "MEDIUM"), ("incomplete", "LOW"), ("finding", "HIGH"), ("no-finding", "MEDIUM")):
            self.told(told="HIGH", rank=rank, reason=reason)
            self.assertEqual("HIGH", self.priority())
        self.told(kind="withdrawn", told="HIGH")
        self.assertEqual(("HIGH", ""), (self.priority(), self.comments()))

    def test_raised_by_a_finding_only(self):
        self.manager.add(SITE, accession="A1", priority="LOW")
        for reason in ("no-finding", "incomplete", "not-processed", "undetermined", "known"):
            self.told(rank="MEDIUM", reason=reason, order="ROUTINE")
        self.assertEqual(("LOW", []), (self.priority(), self.manager.asked("set")))

    def test_what_another_set_since(self):
        self.manager.add(SITE, accession="A1", priority="LOW")
        self.told()
        self.manager.items[SITE].ScheduledProcedureStepPriority = "MEDIUM"
        self.told(told="HIGH", rank="LOW", reason="no-finding", order="LOW")
        self.assertEqual("MEDIUM", self.priority())

    def test_another_nodes_mark(self):
        self.manager.add(SITE, accession="A1", priority="HIGH", comments=MARK.replace("4242", "4243"))
        self.told(told="HIGH", rank="LOW", reason="no-finding")
        self.assertEqual("HIGH", self.priority())

    def test_marks_that_are_none(self):
        for mark in ("cervigate: HIGH, was [2.25.4242]", "cervigate: [2.25.4242]", "[2.25.4242]", "cervigate: HIGH, was BEST; x [2.25.4242]",
                     "cervigate: ; [2.25.4242]", "cervigate HIGH, was LOW; x [2.25.4242]", "RESEARCH - [2.25.4242]", "RESEARCH - cervigate: x;[2.25.4242]"):
            self.manager.add(SITE, accession="A1", priority="HIGH", comments=mark)
            self.told(told="HIGH", rank="LOW", reason="no-finding", order="LOW")
            self.assertEqual(("HIGH", mark), (self.priority(), self.comments()))

    def test_comments_of_another_character_set(self):
        item = self.manager.add(SITE, accession="A1", comments="Rückruf")
        item.SpecificCharacterSet = self.manager.characters = "ISO_IR 100"
        self.told()
        self.assertEqual("Rückruf\r\n" + MARK, self.comments())
        self.assertEqual("ISO_IR 192", item.SpecificCharacterSet)

    def test_comments_that_cannot_be_kept(self):
        """They stay as they are; then nothing tells what the priority was, and it is not lowered again."""
        for comments in ("x" * 10230, "y" * 20000):
            self.manager.add(SITE, accession="A1", comments=comments)
            self.told()
            self.assertEqual(("HIGH", comments), (self.priority(), self.comments()))
            self.told(told="HIGH", rank="LOW", reason="no-finding")
            self.assertEqual("HIGH", self.priority())

    def test_set_is_refused(self):
        """Then there is one of our own, if it may be made."""
        for status in (0xc310, 0x0124, 0x0106, 0x0211):
            self.manager.items.clear()
            self.manager.add(SITE, accession="A1")
            self.manager.how["set"] = (status, None)
            self.told()
            self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))

    def test_ours_is_kept_in_line(self):
        """Made before the site had its own."""
        self.told()
        self.manager.add(SITE, accession="A1")
        self.told(told="HIGH", is_report=1)
        self.assertEqual(("HIGH", "HIGH"), (self.priority(), self.priority(OURS)))
        self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
        self.assertEqual(("MEDIUM", "MEDIUM"), (self.priority(), self.priority(OURS)))

    def test_several(self):
        for n in range(12):
            self.manager.add(f"2.25.7{n:02}", accession="A1")
        self.told()
        self.assertEqual(8, sum(i.ScheduledProcedureStepPriority == "HIGH" for i in self.manager.items.values()))

    def test_priority_of_its_own(self):
        """What it has is not known: only HIGH is surely not lower, and nothing is set back."""
        self.manager.add(SITE, accession="A1", priority="")
        self.told(rank="MEDIUM")
        self.assertEqual("", self.priority())
        self.told()
        self.told(kind="withdrawn", told="HIGH")
        self.assertEqual("HIGH", self.priority())


class Negotiated(Case):
    def take(self, *classes):
        self.manager.classes = {ups_scp.pacs.VERIFICATION, *classes}

    def test_push_alone(self):
        self.take(ups_scp.PUSH)
        self.told()
        self.assertEqual("HIGH", self.priority(OURS))
        self.told(told="HIGH", rank="HIGH")
        self.assertIn("no", self.told("refused", told="HIGH", rank="MEDIUM", reason="no-finding"))
        self.told(told="HIGH", kind="withdrawn")

    def test_pull_alone(self):
        self.take(ups_scp.PULL)
        self.told("later")
        self.manager.add(SITE, accession="A1")
        self.told()
        self.told(kind="withdrawn", told="HIGH")
        self.assertEqual("MEDIUM", self.priority())

    def test_neither(self):
        self.take()
        self.assertIn("neither", self.told("unreached"))

    def test_not_there(self):
        self.manager.close()
        self.told("unreached")

    def test_association(self):
        for how in ("refuse", "close", "no-context"):
            self.manager.how["associate"] = (how, 1)
            self.told("unreached")


class Misbehaving(Case):
    """What a manager may answer: it costs this one news some time, and nothing else."""

    WAYS = ("abort", "garbage", "nested", "truncated", "huge", "foreign", "bare", "unasked")

    def test_datasets_and_messages(self):
        for service in ("find", "get", "set", "create", "cancel"):
            for how in self.WAYS:
                self.manager.items.clear()
                self.manager.add(SITE, accession="A1", study="2.25.1") if service in ("find", "get", "set") else None
                self.manager.how = {service: (how, None)}
                fields = {"kind": "withdrawn"} if service == "cancel" else {}
                end, why = tell(self.manager, **fields)
                # a dataset that comes with N-CREATE, N-SET or N-ACTION is not looked at
                ends = ("told",) if service in ("set", "create", "cancel") and how in ("garbage", "nested", "truncated") else ("later",)
                with self.subTest(service=service, how=how):
                    self.assertIn(end, ends, why)
                    self.assertEqual([], self.manager.violations)

    def test_hang(self):
        self.manager.how = {"create": ("hang", 1)}
        self.told("later")

    def test_endless_matches(self):
        self.manager.how = {"find": ("endless", 1)}
        self.told("later")

    def test_statuses(self):
        rows = {"later": (0x0110, 0x0210, 0x0213, 0xa700, 0xc000, 0xc3ff, 0x7777, 0xffff),
                "refused": (0x0105, 0x0106, 0x0114, 0x0115, 0x0117, 0x0118, 0x0119, 0x0120, 0x0121, 0x0122, 0x0123, 0x0124, 0x0211, 0x0212,
                            0xc303, 0xc304, 0xc308, 0xc309, 0xc310, 0xc314, 0xc315),
                "told": (0x0000, 0x0001, 0x0107, 0x0116, 0xb300, 0xb305)}
        for end, statuses in rows.items():
            for status in statuses:
                self.manager.how = {"create": (status, 1)}
                self.assertIn(f"{status:04x}", self.told(end))

    def test_query_is_refused(self):
        """A key that it does not take is no reason to tell nobody."""
        for status in (0xa900, 0x0122):
            self.manager.items.clear()
            self.manager.how = {"find": (status, None)}
            self.told()
            self.assertEqual("HIGH", self.priority(OURS))
        self.manager.how = {"find": (0xa700, 1)}
        self.told("later")

    def test_get_is_refused(self):
        self.manager.add(SITE, accession="A1")
        self.manager.how = {"get": (0x0124, None)}
        self.told()
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))
        self.told("refused", told="HIGH", rank="MEDIUM", reason="no-finding")  # nobody knows what ours has

    def test_no_usable_uid(self):
        self.told("refused", workitem="x")


class Judge(unittest.TestCase):
    """The judge finds what is wrong."""

    def test_it_does(self):
        good = ups_scp.Manager()
        self.addCleanup(good.close)
        tell(good, patient_name="Dö")
        data = next(line["dataset"] for line in good.log if line["kind"] == "create")
        self.assertEqual([], ups_scp.check_dataset(data, ups_scp.CREATE))
        for keyword, value in (("ScheduledProcedureStepPriority", "URGENT"), ("ScheduledProcedureStepPriority", ""), ("ProcedureStepState", "IN PROGRESS"),
                               ("TransactionUID", "1.2.3"), ("ScheduledProcedureStepStartDateTime", "today"), ("StudyInstanceUID", "1.02"),
                               ("SOPInstanceUID", "1.2"), ("ProcedureStepLabel", "x" * 65), ("Modality", "CR"), ("PatientSex", "W"),
                               ("SpecificCharacterSet", "ISO_IR 100"), ("WorklistLabel", None), ("ReferencedRequestSequence", None)):
            item = decode(data)
            if value is None:
                delattr(item, keyword)
            else:
                setattr(item, keyword, value)
            self.assertNotEqual([], ups_scp.check_dataset(ups_scp.encode(item), ups_scp.CREATE), keyword)


# ---- random ----

def run_one(seed, steps):
    """Rules: the site's item never stands below what the site gave it; nothing that is being read changes; one item of ours at most; the
    judge has nothing to say. Returns what it did."""
    dice, manager = random.Random(seed), ups_scp.Manager()
    try:
        given = dice.choice((None, "LOW", "MEDIUM", "HIGH"))
        if given:
            manager.add(SITE, accession="A1", priority=given, workitem=dice.choice(("110005", None)))
        told, ends = None, []
        for _ in range(steps):
            for uid, item in manager.items.items():
                if dice.random() < 0.1:
                    item.ProcedureStepState = dice.choice(("IN PROGRESS", "COMPLETED"))
                if uid == SITE and dice.random() < 0.1:
                    # what it sets to the HIGH that we gave it cannot be told from ours
                    words = ("LOW", "MEDIUM") if "cervigate" in item.CommentsOnTheScheduledProcedureStep else tuple(RANK)
                    given = item.ScheduledProcedureStepPriority = dice.choice(words)
            manager.how = {dice.choice(("find", "get", "set", "create", "cancel")): (dice.choice(Misbehaving.WAYS + (0xa700, 0xc310, 0x0124)), 1)} \
                if dice.random() < 0.3 else {}
            lies = any(isinstance(what, str) for what, _ in manager.how.values())  # 0000, and nothing done
            before = {u: (i.ProcedureStepState, i.ScheduledProcedureStepPriority) for u, i in manager.items.items()}
            finding = dice.random() < 0.5
            fields = {"rank": "HIGH" if finding else "MEDIUM", "reason": "finding" if finding else "no-finding"}
            if told:
                fields["told"] = told
            if dice.random() < 0.15:
                fields["kind"] = "withdrawn"
            end, why = tell(manager, **fields)
            ends.append(end)
            if end == "told":
                told = fields["rank"]
            where = f"seed {seed}: {fields} {end} {why}"
            assert not manager.violations, f"{where}: {manager.violations}"
            assert len(manager.items) <= 2, where
            for uid, item in manager.items.items():
                if before.get(uid, ("SCHEDULED",))[0] != "SCHEDULED":
                    assert before[uid] == (item.ProcedureStepState, item.ScheduledProcedureStepPriority), where
            if given and SITE in manager.items:
                assert RANK[manager.items[SITE].ScheduledProcedureStepPriority] >= RANK[given], where
            if end == "told" and finding and "kind" not in fields and not lies:
                live = [i for i in manager.items.values() if i.ScheduledProcedureStepPriority == "HIGH" or i.ProcedureStepState != "SCHEDULED"]
                assert live, where
        return ends
    finally:
        manager.close()


def random_main(seed, count):
    ends = {}
    for n in range(count):
        for end in run_one(seed + n, 8):
            ends[end] = ends.get(end, 0) + 1
    print(f"seed {seed}, {count} sequences of 8 news: {ends}")


class Random(unittest.TestCase):
    def test_a_few(self):
        for seed in range(6):
            run_one(seed, 5)


if __name__ == "__main__":
    if sys.argv[1:2] == ["random"]:
        random_main(int(sys.argv[2]), int(sys.argv[3]))
    else:
        unittest.main(warnings="ignore")  # pydicom's, of what is wrong on purpose
