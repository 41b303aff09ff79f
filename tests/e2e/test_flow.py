"""A study in, a report and a picture out: with Orthanc as the PACS, judged by independent validators."""
import json
import os
import shutil
import tempfile
import unittest

import pydicom

import harness as h


class Flow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-flow-")
        cls.pacs = h.Orthanc()
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)})
        cls.sources = []
        for n, (png, _) in enumerate(h.phantoms(os.path.join(cls.folder, "phantoms"), 3)):
            path = os.path.join(cls.folder, f"dx{n}.dcm")
            h.wrap(h.grey(png), path, bits=(12, 8, 16)[n % 3], monochrome1=n == 1)
            cls.sources.append(path)
        # The modality also archives its originals in the PACS, as it would.
        h.run("storescu", "-aec", cls.pacs.ae, "127.0.0.1", cls.pacs.port, *cls.sources)

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.pacs.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def results(self, count):
        def arrived():
            found = [i for i in self.pacs.instances() if i[0] in (h.SC, h.SR3D)]
            return found if len(found) >= count else None
        return h.wait_for(arrived, 60, f"{count} results at the PACS")

    def test_a_report_and_a_picture_arrive_in_the_same_study(self):
        sent = self.node.send(*self.sources)
        self.assertEqual(sent.returncode, 0, sent.stderr + sent.stdout)
        found = self.results(6)
        studies = [pydicom.dcmread(p, stop_before_pixels=True).StudyInstanceUID for p in self.sources]
        for study in studies:
            kinds = sorted(i[0] for i in found if i[1] == study)
            self.assertEqual(kinds, sorted([h.SC, h.SR3D]))
        files = []
        for number, (_, _, instance) in enumerate(found):
            files.append(os.path.join(self.folder, f"result{number}.dcm"))
            self.pacs.download(instance, files[-1])
        self.check_validators(files)
        self.check_contents(files)

    def check_validators(self, files):
        for path in files:
            self.assertEqual(h.complaints(path), [], path)
        reports = [p for p in files if pydicom.dcmread(p, stop_before_pixels=True).SOPClassUID == h.SR3D]
        self.assertEqual(len(reports), 3)
        said = h.run(os.path.join(h.SOURCE, "tests/sr_templates/pixelmed_validate.sh"), *reports)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        for path in reports:
            tree = h.run("dsrdump", "-Ph", path)
            self.assertEqual(tree.returncode, 0, tree.stderr)
            self.assertIn("Imaging Measurement Report", tree.stdout.split("\n")[0])
            self.assertNotRegex(tree.stdout, r"(?i)probability|confidence|Absent|\(17621005")
        for source in self.sources:
            study = pydicom.dcmread(source, stop_before_pixels=True).StudyInstanceUID
            same = [p for p in files if pydicom.dcmread(p, stop_before_pixels=True).StudyInstanceUID == study]
            said = h.run("dcentvfy", source, *same)
            # dcentvfy's own table holds an SR's Accession Number for the Series' and an image's for the Study's: its one false alarm.
            lines = [l for l in (said.stdout + said.stderr).split("\n") if l and "Element=<AccessionNumber> IE <Study> versus <Series>" not in l]
            self.assertEqual((said.returncode, lines), (0, []))

    def check_contents(self, files):
        for path in files:
            result = pydicom.dcmread(path)
            source = next(d for d in map(pydicom.dcmread, self.sources) if d.StudyInstanceUID == result.StudyInstanceUID)
            for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
                            "SpecificCharacterSet"):
                self.assertEqual(result.get(keyword), source.get(keyword), keyword)
            self.assertNotEqual(result.SeriesInstanceUID, source.SeriesInstanceUID)
            self.assertTrue(result.SOPInstanceUID.startswith("2.25."))
            if result.SOPClassUID == h.SR3D:
                evidence = result.CurrentRequestedProcedureEvidenceSequence[0]
                referenced = evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
                self.assertEqual(referenced, source.SOPInstanceUID)
                groups = h.scores(result)
                self.assertEqual(len(groups), 1)
                self.assertEqual(set(groups[0]), {"dislocation", "fracture", "no finding"})
                self.assertAlmostEqual(sum(groups[0].values()), 1, places=2)
            else:
                self.assertEqual(result.BurnedInAnnotation, "YES")
                self.assertGreater(result.Columns, 2 * source.Columns)
                self.assertEqual(result.SourceImageSequence[0].ReferencedSOPInstanceUID, source.SOPInstanceUID)

    def test_health_says_that_all_is_well(self):
        import urllib.request
        port = self.node.facts()["console_port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.load(answer)["mode"], "demo")


class Outage(unittest.TestCase):
    def test_results_survive_a_pacs_that_is_down_for_the_whole_run(self):
        folder = tempfile.mkdtemp(prefix="cervigate-outage-")
        port = h.free_port()
        node = h.Node({"pacs": ("PACS", port)})
        try:
            png = h.phantoms(os.path.join(folder, "phantoms"), 1)[0][0]
            path = os.path.join(folder, "dx.dcm")
            h.wrap(h.grey(png), path)
            self.assertEqual(node.send(path).returncode, 0)
            h.wait_for(lambda: node.status()["deliveries"]["pending"] == 2, 30, "two pending deliveries")
            node.process.terminate()
            node.process.wait(30)
            node.start()
            pacs = h.StoreScp(port=port)
            try:
                h.wait_for(lambda: len(pacs.objects(h.SR3D)) == 1 and len(pacs.objects(h.SC)) == 1, 60, "results after the outage")
                h.wait_for(lambda: node.status()["deliveries"]["sent"] == 2, 10, "two sent deliveries")
            finally:
                pacs.close()
        finally:
            node.stop()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
