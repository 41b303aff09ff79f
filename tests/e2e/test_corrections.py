"""What was told is put right: late images, corrected patients and accessions, moved studies, rejected images, a person's word; two models;
series of slices. Each with a node and a PACS of its own; the PACS keeps every object as it came."""
import contextlib
import os
import shutil
import sqlite3
import tempfile
import unittest

import numpy
import pydicom
from pydicom.uid import generate_uid

import harness as h
import models

KOS, MF_SC, GSPS, PMAP = ("1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.7.4", "1.2.840.10008.5.1.4.1.1.11.1",
                          "1.2.840.10008.5.1.4.1.1.30")
NOTES = 'rejectionNotes="true"'


def text_of(path):
    return h.run("dsrdump", "+Pl", path).stdout


class Corrections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="cervigate-corrections-")
        cls.finds = models.make(os.path.join(cls.shared, "finds"), name="finds")
        cls.blind = models.make(os.path.join(cls.shared, "blind"), finds=False, name="blind", seed=8)
        generator = numpy.random.default_rng(11)
        cls.pixels = [generator.integers(0, 255, (300, 260)).astype(numpy.uint8) for _ in range(4)]

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-corrections-")
        self.pacs = h.StoreScp()
        self.node, self.made = None, 0

    def tearDown(self):
        if self.node:
            self.node.stop()
        self.pacs.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, destination=NOTES, **options):
        options.setdefault("model", self.finds)
        self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)}, quiet=options.pop("quiet", 0), destination=destination, **options)

    def image(self, pixels=0, like=None, **attributes):
        """An image as a file and dataset; `like`: the same object (UIDs, pixels) with other attributes."""
        self.made += 1
        path = os.path.join(self.folder, f"{self.made}.dcm")
        if like is None:
            h.wrap(self.pixels[pixels], path, **attributes)
            return path
        d = pydicom.dcmread(like)
        for keyword, value in attributes.items():
            setattr(d, keyword, value)
        d.save_as(path)
        return path

    def send(self, *paths):
        sent = self.node.send(*paths)
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)

    def at_pacs(self, sop_class, count, study=None):
        """Waits for `count` objects of a class and reads them in order of Instance Number."""
        found = h.wait_for(lambda: (lambda o: o if len(o) >= count else None)(self.pacs.objects(sop_class, study)), 30, f"{count} of {sop_class}")
        self.assertEqual(len(found), count)
        return sorted((pydicom.dcmread(p) for p in found), key=lambda d: (d.InstanceNumber, d.SOPInstanceUID))

    def rejected(self, count=1):
        """{SOP Instance UID} of all rejection notes, and their titles."""
        notes = self.at_pacs(KOS, count)
        uids = {r.ReferencedSOPInstanceUID for n in notes for s in n.CurrentRequestedProcedureEvidenceSequence
                for series in s.ReferencedSeriesSequence for r in series.ReferencedSOPSequence}
        return uids, [n.ConceptNameCodeSequence[0].CodeValue for n in notes], notes

    def clean(self):
        """Everything at the PACS passes dciodvfy."""
        for path in self.pacs.objects():
            self.assertEqual(h.complaints(path), [], path)

    # ---- the same again, late, repeated

    def test_the_same_object_again_starts_nothing(self):
        self.start()
        path = self.image()
        self.send(path)
        self.at_pacs(h.SR3D, 1)
        self.send(path)
        self.send(path)
        self.node.admin("results", "list")
        self.assertEqual(len(self.at_pacs(h.SR3D, 1)), 1)
        self.assertEqual(self.node.status()["duplicates"], 2)

    def test_a_late_image_amends(self):
        self.start()
        study = generate_uid()
        self.send(self.image(0, study=study))
        first = self.at_pacs(h.SR3D, 1)[0]
        self.send(self.image(1, study=study))
        first, second = self.at_pacs(h.SR3D, 2)
        before = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        self.assertEqual(before.ReferencedSOPInstanceUID, first.SOPInstanceUID)
        tracked = [set(self.tracking(d)) for d in (first, second)]
        self.assertTrue(tracked[0] < tracked[1])  # the first image keeps its Tracking Unique Identifier
        self.assertEqual(self.pacs.objects(KOS), [])
        self.clean()

    def tracking(self, dataset):
        for item in dataset.get("ContentSequence", []):
            if item.ValueType == "UIDREF" and item.ConceptNameCodeSequence[0].CodeValue == "112040":
                yield item.UID
            yield from self.tracking(item)

    def test_a_for_processing_twin_is_stored_and_not_judged(self):
        self.start(rules='<rule name="raw" action="store"><match attribute="PresentationIntentType" pattern="^FOR PROCESSING$"/></rule>'
                         '<rule name="cspine" action="analyze"><match attribute="Modality" values="DX"/></rule>')
        study = generate_uid()
        raw = self.image(0, study=study, PresentationIntentType="FOR PROCESSING", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1.1")
        self.send(raw, self.image(0, study=study))
        report = self.at_pacs(h.SR3D, 1)[0]
        self.assertNotIn(pydicom.dcmread(raw).SOPInstanceUID, str(report))
        self.assertEqual(len(self.at_pacs(h.SC, 1)), 1)

    # ---- whose image it is

    def correct(self, **attributes):
        """One image, told; the same again with other attributes: (old SR, old SC, new SR, new SC)."""
        self.start()
        path = self.image()
        self.send(path)
        old_report, old_picture = self.at_pacs(h.SR3D, 1)[0], self.at_pacs(h.SC, 1)[0]
        self.send(self.image(like=path, **attributes))
        report = [d for d in self.at_pacs(h.SR3D, 2) if d.SOPInstanceUID != old_report.SOPInstanceUID][0]
        picture = [d for d in self.at_pacs(h.SC, 2) if d.SOPInstanceUID != old_picture.SOPInstanceUID][0]
        uids, titles, notes = self.rejected()
        self.assertEqual(uids, {old_report.SOPInstanceUID, old_picture.SOPInstanceUID})
        self.assertEqual(titles, ["113038"])
        for keyword in ("PatientID", "PatientName", "AccessionNumber", "StudyInstanceUID"):
            self.assertEqual(notes[0].get(keyword), old_report.get(keyword))  # it stands where they stood
            for new in (report, picture):
                self.assertEqual(new.get(keyword), attributes.get(keyword, old_report.get(keyword)), keyword)
        self.clean()
        return old_report, report

    def test_john_doe_is_identified(self):
        old, new = self.correct(PatientName="Miller^Jane", PatientID="4711", PatientBirthDate="19800101")
        before = new.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        self.assertEqual(before.ReferencedSOPInstanceUID, old.SOPInstanceUID)

    def test_two_patients_are_merged(self):
        self.correct(PatientID="E2E-0002")

    def test_an_accession_moves(self):
        self.correct(AccessionNumber="ACC0002")

    def test_an_image_moves_to_another_study(self):
        self.start()
        path, other = self.image(), generate_uid()
        self.send(path)
        old = self.at_pacs(h.SR3D, 1)[0]
        self.send(self.image(like=path, StudyInstanceUID=other, AccessionNumber="ACC0009"))
        new = self.at_pacs(h.SR3D, 1, other)[0]
        self.assertEqual(new.AccessionNumber, "ACC0009")
        uids, titles, notes = self.rejected()
        self.assertIn(old.SOPInstanceUID, uids)
        self.assertEqual((titles, notes[0].StudyInstanceUID), (["113038"], old.StudyInstanceUID))
        self.clean()

    def test_other_pixels_under_the_same_uid_are_a_conflict(self):
        self.start()
        path = self.image()
        self.send(path)
        self.at_pacs(h.SR3D, 1)
        d = pydicom.dcmread(path)
        d.PixelData = bytes(reversed(d.PixelData))
        d.PatientID = "E2E-0002"
        d.save_as(path + ".2")
        self.send(path + ".2")
        reports = self.at_pacs(h.SR3D, 2)
        self.assertTrue(any("113" not in str(r) or "different pixels" in str(r) for r in reports))
        self.assertIn("image-conflict", self.node.log())
        self.assertEqual(self.pacs.objects(KOS), [])

    def test_without_rejection_notes_nothing_is_rejected(self):
        self.start(destination="")
        path = self.image()
        self.send(path)
        self.at_pacs(h.SR3D, 1)
        self.send(self.image(like=path, AccessionNumber="ACC0002"))
        self.at_pacs(h.SR3D, 2)
        self.assertEqual(self.pacs.objects(KOS), [])

    # ---- rejected by its sender

    def note(self, path, title="113001", meaning="Rejected for Quality Reasons", study=None):
        self.made += 1
        return models.rejection_note(path, os.path.join(self.folder, f"{self.made}-note.dcm"), title, meaning, study)

    def test_a_rejected_exposure_withdraws_its_result(self):
        """Also when the process that reads the note first dies: the 9th, after six of the self-test and two of images."""
        self.start(environment={"CERVIGATE_OBJECT_FAULT": "crash:reject:1-9"})
        study = generate_uid()
        good, bad = self.image(0, study=study), self.image(1, study=study)
        self.send(good, bad)
        first = self.at_pacs(h.SR3D, 1)[0]
        self.send(self.note(bad))
        first, second = self.at_pacs(h.SR3D, 2)
        self.assertNotIn(pydicom.dcmread(bad).SOPInstanceUID, str(second))
        self.assertIn(pydicom.dcmread(good).SOPInstanceUID, str(second))
        uids, titles, _ = self.rejected()
        self.assertEqual(titles, ["113001"])
        pictures = {d.SOPInstanceUID for d in self.at_pacs(h.SC, 2) if d.SourceImageSequence[0].ReferencedSOPInstanceUID ==
                    pydicom.dcmread(bad).SOPInstanceUID}
        self.assertEqual(uids, pictures)
        self.assertIn("object-child-died", self.node.log())
        self.clean()

    def test_the_only_image_rejected_takes_the_report_back(self):
        for title, meaning in (("113037", "Rejected for Patient Safety Reasons"), ("113038", "Incorrect Modality Worklist Entry"),
                               ("113039", "Data Retention Policy Expired")):
            with self.subTest(title=title):
                if self.node:
                    self.tearDown()
                    self.setUp()
                self.start()
                path = self.image()
                self.send(path)
                report, picture = self.at_pacs(h.SR3D, 1)[0], self.at_pacs(h.SC, 1)[0]
                self.send(self.note(path, title, meaning))
                uids, titles, _ = self.rejected()
                self.assertEqual((uids, titles), ({report.SOPInstanceUID, picture.SOPInstanceUID}, [title]))
                self.assertEqual(len(self.pacs.objects(h.SR3D)), 1)

    def test_a_note_of_another_study_or_title_does_nothing(self):
        self.start()
        path = self.image()
        self.send(path)
        self.at_pacs(h.SR3D, 1)
        self.send(self.note(path, study=generate_uid()), self.note(path, "113000", "Of Interest"))
        h.wait_for(lambda: self.node.status()["instances"].get("received") == 0, 20, "the notes to be read")
        self.assertEqual(self.pacs.objects(KOS), [])
        self.assertEqual({r["state"] for r in self.results()}, {"current"})

    # ---- a person

    def results(self):
        import json
        listed = self.node.admin("results", "list", "--json").stdout
        return [json.loads(line) for line in listed.splitlines() if line]

    def test_a_person_retracts_and_reissues(self):
        self.start()
        self.send(self.image())
        report, picture = self.at_pacs(h.SR3D, 1)[0], self.at_pacs(h.SC, 1)[0]
        done = self.node.admin("results", "retract", report.SOPInstanceUID, "--reason", "safety")
        self.assertEqual(done.returncode, 0, done.stderr)
        uids, titles, _ = self.rejected()
        self.assertEqual((uids, titles), ({report.SOPInstanceUID, picture.SOPInstanceUID}, ["113037"]))
        done = self.node.admin("results", "reissue", report.SOPInstanceUID)
        self.assertEqual(done.returncode, 0, done.stderr)
        reports, pictures = self.at_pacs(h.SR3D, 2), self.at_pacs(h.SC, 2)
        self.assertEqual(len({d.SOPInstanceUID for d in reports + pictures}), 4)  # nothing that was rejected comes again
        missing = self.node.admin("results", "retract", "2.25.1")
        self.assertEqual(missing.returncode, 66)
        self.clean()

    # ---- two models

    def two(self, first, second):
        self.start(models=[first, second])
        self.send(self.image())
        return self.at_pacs(h.SR3D, 1)[0]

    def test_two_models_agree(self):
        other = models.make(os.path.join(self.folder, "other"), name="other", seed=9)
        report = str(self.two(self.finds, other))
        for name in ("finds", "other"):
            self.assertIn(f"'{name}'", report)
        self.assertIn("111242", report)
        self.assertNotIn("373068000", report)

    def test_two_models_disagree(self):
        report = self.two(self.finds, self.blind)
        text = str(report)
        self.assertIn("373068000", text)  # Undetermined
        self.assertNotIn("87642003", text)  # no finding code
        self.clean()

    # ---- slices

    def slices(self, count):
        return models.slices(self.folder, count)

    ANY = '<rule name="any" action="analyze"><match attribute="Modality" values="CT DX"/></rule>'

    def test_a_series_of_slices_is_judged_as_one(self):
        ct = models.make(os.path.join(self.folder, "ct"), name="slices", modalities="CT", series=(3, 5))
        self.start(model=ct, rules=self.ANY)
        paths, study = self.slices(6)
        self.send(*paths)
        report = self.at_pacs(h.SR3D, 1, study)[0]
        groups = [i for c in report.ContentSequence if c.get("ContentSequence") for i in c.ContentSequence
                  if i.ValueType == "CONTAINER" and i.ConceptNameCodeSequence[0].CodeValue == "125007"]
        self.assertEqual(len(groups), 1)
        evidence = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
        self.assertEqual(len(evidence), 6)
        picture = self.at_pacs(MF_SC, 1, study)[0]
        self.assertEqual(picture.NumberOfFrames, 6)
        self.clean()

    def test_a_moved_series_of_slices_has_its_picture_in_another_series(self):
        ct = models.make(os.path.join(self.folder, "ct"), name="slices", modalities="CT", series=(2, 2))
        self.start(model=ct, rules=self.ANY, quiet=2)
        paths, study = self.slices(2)
        other = generate_uid()
        self.send(*paths)
        old = self.at_pacs(MF_SC, 1, study)[0]
        self.send(*(self.image(like=path, StudyInstanceUID=other) for path in paths))
        new = self.at_pacs(MF_SC, 1, other)[0]
        self.assertNotEqual(old.SeriesInstanceUID, new.SeriesInstanceUID)

    def test_too_few_slices_are_not_processed(self):
        ct = models.make(os.path.join(self.folder, "ct"), name="slices", modalities="CT", series=(3, 5))
        self.start(model=ct, rules=self.ANY)
        paths, study = self.slices(4)
        self.send(*paths)
        self.assertIn("111245", str(self.at_pacs(h.SR3D, 1, study)[0]))
        self.assertEqual(self.pacs.objects(MF_SC), [])

    def test_ct_is_not_processed_by_a_model_for_radiographs(self):
        self.start(rules=self.ANY)
        paths, study = self.slices(12)
        self.send(*paths)
        report = self.at_pacs(h.SR3D, 1, study)[0]
        self.assertIn("111245", str(report))
        unjudged = [i for c in report.ContentSequence if c.get("ContentSequence") for i in c.ContentSequence
                    if i.ValueType == "TEXT" and "CT" in i.TextValue]
        self.assertEqual(len(unjudged), 1)  # the series is one line

    # ---- what goes where

    def test_every_output(self):
        self.start(outputs="SR SC GSPS PMAP")
        path = self.image()
        self.send(path)
        source = pydicom.dcmread(path)
        self.at_pacs(h.SR3D, 1), self.at_pacs(h.SC, 1)
        graphic, numbers = self.at_pacs(GSPS, 1)[0], self.at_pacs(PMAP, 1)[0]
        self.assertIn(source.SOPInstanceUID, str(graphic))
        self.assertEqual(numbers.ContentQualification, "RESEARCH")
        self.assertEqual(len({d.SeriesInstanceUID for d in map(pydicom.dcmread, self.pacs.objects())}), 4)  # a series a SOP class
        self.clean()

    def test_held_until_another_reports(self):
        self.start(destination='hold="reported"')
        path = self.image()
        self.send(path)
        h.wait_for(lambda: len(self.results()) >= 2, 20, "the results")
        self.assertEqual(self.pacs.objects(), [])
        study = pydicom.dcmread(path).StudyInstanceUID
        preliminary = models.report(os.path.join(self.folder, "preliminary.dcm"), study, preliminary="PRELIMINARY")
        self.send(preliminary)
        uid = pydicom.dcmread(preliminary).SOPInstanceUID
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"))) as store:
            h.wait_for(lambda: store.execute("SELECT 1 FROM instance WHERE sop_instance=? AND state='ignored'", (uid,)).fetchall(), 20, "looked at")
            self.assertEqual(store.execute("SELECT DISTINCT state FROM delivery").fetchall(), [("held",)])
        self.send(models.report(os.path.join(self.folder, "report.dcm"), study))
        self.assertEqual(self.at_pacs(h.SR3D, 1)[0].StudyInstanceUID, study)


if __name__ == "__main__":
    unittest.main()
