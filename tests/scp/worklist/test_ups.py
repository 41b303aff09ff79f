#!/usr/bin/python3
"""ups_tell against a scripted workflow manager (tests/e2e/ups_scp.py): each row of the tables in docs/worklist/ups.md."""
import unittest

from ups_case import Case, MARK, OURS, SITE, ups_scp
from archive import decode


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
        for n, reason in enumerate(("finding", "undetermined", "not-processed", "incomplete", "no-finding", "waiting", "known", "postoperative", "rule")):
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


class Another(Case):
    """Our own item of a patient, or an order, who turned out to be another: no N-SET may change that (table CC.2.5-3)."""
    ROE = {"item": 1, "told": "HIGH", "patient_name": "Roe^Jane", "patient_id": "P2"}

    def second(self):
        uid, = set(self.manager.items) - {OURS}
        return self.manager.items[uid]

    def states(self):
        return sorted((str(i.PatientName), i.ProcedureStepState) for i in self.manager.items.values())

    def test_made_anew_before_the_old_one_is_cancelled(self):
        self.told()
        self.told(**self.ROE)
        self.assertEqual([("Doe^Jane", "CANCELED"), ("Roe^Jane", "SCHEDULED")], self.states())
        self.assertEqual(("P2", "HIGH"), (self.second().PatientID, self.second().ScheduledProcedureStepPriority))
        self.assertEqual(["create", "create", "cancel"], self.manager.asked("create", "set", "cancel"))
        self.assertEqual("cervigate: patient or order were corrected: made anew", decode(self.manager.log[-1]["dataset"]).ReasonForCancellation)
        self.told(**self.ROE)
        self.told(**dict(self.ROE, rank="MEDIUM", reason="no-finding"))
        self.assertEqual("MEDIUM", self.second().ScheduledProcedureStepPriority)
        self.assertEqual(["create", "create", "cancel", "set"], self.manager.asked("create", "set", "cancel"))
        self.told(kind="withdrawn", **self.ROE)
        self.assertEqual([("Doe^Jane", "CANCELED"), ("Roe^Jane", "CANCELED")], self.states())

    def test_several_that_were_not_told(self):
        self.told()
        self.told(**dict(self.ROE, item=3))
        self.assertEqual([("Doe^Jane", "CANCELED"), ("Roe^Jane", "SCHEDULED")], self.states())

    def test_who_reads_it_is_left_alone(self):
        for state in ("IN PROGRESS", "COMPLETED"):
            self.manager.items.clear()
            self.told()
            self.manager.items[OURS].ProcedureStepState = state
            self.told(**self.ROE)
            self.assertEqual([("Doe^Jane", state)], self.states())

    def test_canceled_by_another(self):
        self.told()
        self.manager.items[OURS].ProcedureStepState = "CANCELED"
        self.assertIn("canceled", self.told("refused", **self.ROE))
        self.assertEqual([("Doe^Jane", "CANCELED")], self.states())

    def test_not_cancelled_yet(self):
        """A crash, or a manager that is busy, between the two."""
        self.told()
        self.manager.how["cancel"] = (0x0110, 1)
        self.told("later", **self.ROE)
        self.assertEqual([("Doe^Jane", "SCHEDULED"), ("Roe^Jane", "SCHEDULED")], self.states())
        self.told(**self.ROE)
        self.assertEqual([("Doe^Jane", "CANCELED"), ("Roe^Jane", "SCHEDULED")], self.states())

    def test_not_made(self):
        self.told()
        self.manager.how["create"] = (0x0124, 1)
        self.told("refused", **self.ROE)
        self.assertEqual([("Doe^Jane", "SCHEDULED")], self.states())

    def test_the_sites_own_has_come(self):
        self.told()
        self.manager.add(SITE, accession="A1", patient="P2")
        self.told(**self.ROE)
        self.assertEqual(("HIGH", "CANCELED"), (self.priority(), self.manager.items[OURS].ProcedureStepState))


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

    def test_what_a_site_calls_a_reading(self):
        """Of several codes, whole ones: value and coding system; ours are made with the standard's."""
        codes = "110005^DCM READ^99SITE"
        for code, scheme, is_one in (("READ", "99SITE", True), ("110005", "DCM", True), ("READ", "DCM", False), ("REA", "99SITE", False), ("110006", "DCM", False)):
            self.manager.items.clear()
            item = self.manager.add(SITE, accession="A1")
            item.ScheduledWorkitemCodeSequence = [ups_scp.code(code, scheme)]
            self.told(codes=codes)
            self.assertEqual(("HIGH" if is_one else "MEDIUM", not is_one), (self.priority(), OURS in self.manager.items), code)
        self.assertEqual("110005", self.manager.items[OURS].ScheduledWorkitemCodeSequence[0].CodeValue)
        self.manager.items.clear()
        self.manager.add(SITE, accession="A1")
        self.told(codes="READ^99SITE")  # the standard's is none where the site does not say so
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

    def test_withdrawn_not_below_the_order(self):
        self.manager.add(SITE, accession="A1", priority="LOW")
        self.told(order="ROUTINE")
        self.told(kind="withdrawn", told="HIGH", rank="HIGH", reason="read", order="STAT")
        self.assertEqual("HIGH", self.priority())

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


class Merged(Case):
    """The site's item stands under an ID from before a merge (ADT A40)."""
    ALIASES = "P1^HOSP^1.2.3 P0^HOSP^1.2.3 PX^^"

    def test_raised_and_brought_back(self):
        for fields, by in (({"accession": "A1", "study": ""}, {}), ({"accession": ""}, {"accession": ""}), ({"request": False, "input_study": "2.25.1"}, {})):
            for patient, issuer in (("P0", ""), ("P0", "HOSP"), ("P0", "1.2.3"), ("P1", "1.2.3"), ("PX", "")):
                with self.subTest(by=fields, patient=patient, issuer=issuer):
                    self.manager.items.clear()
                    self.manager.add(SITE, patient=patient, issuer=issuer, **fields)
                    self.told(aliases=self.ALIASES, issuer="HOSP", **by)
                    self.assertEqual(([SITE], "HIGH", MARK), (list(self.manager.items), self.priority(), self.comments()))
                    self.told(aliases=self.ALIASES, issuer="HOSP", kind="withdrawn", told="HIGH", **by)
                    self.assertEqual(("MEDIUM", patient), (self.priority(), self.manager.items[SITE].PatientID))

    def test_never_another_patients(self):
        for patient, issuer in (("P0", "OTHER"), ("P1", "OTHER"), ("P2", ""), ("P2", "HOSP"), ("PX", "HOSP")):
            with self.subTest(patient=patient, issuer=issuer):
                self.manager.items.clear()
                self.manager.add(SITE, accession="A1", patient=patient, issuer=issuer)
                self.told(aliases=self.ALIASES, issuer="HOSP")
                self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))
        self.manager.items.clear()
        self.manager.add(SITE, accession="A1", patient="P0")
        self.told()  # nobody has said so
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))


if __name__ == "__main__":
    unittest.main(warnings="ignore")  # pydicom's, of what is wrong on purpose
