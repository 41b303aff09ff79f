"""Every selected image is answered; what no rule selects is ignored; our own results coming back are recognised."""
import os
import shutil
import tempfile
import time
import unittest

import numpy
import pydicom
from pydicom.encaps import encapsulate, generate_pixel_data_frame

import harness as h

ANY_DX = '<rule name="all-dx" action="analyze"><match attribute="Modality" values="DX CR"/></rule>'


class Outcomes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-outcomes-")
        self.pacs = h.StoreScp()
        self.node = None

    def tearDown(self):
        if self.node:
            self.node.stop()
        self.pacs.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, **options):
        self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)}, **options)

    def image(self, name="dx.dcm", **attributes):
        path = os.path.join(self.folder, name)
        pixels = h.grey(h.phantoms(os.path.join(self.folder, "phantoms"), 1)[0][0])
        h.wrap(pixels, path, **attributes)
        return path

    def report(self, path, seconds=30):
        study = pydicom.dcmread(path, stop_before_pixels=True, force=True).StudyInstanceUID
        found = h.wait_for(lambda: self.pacs.objects(h.SR3D, study), seconds, "a report")
        return h.run("dsrdump", "+Pl", found[0]).stdout, study

    def cut(self, command, name):
        """The image in a compressed transfer syntax, with the second half of its frame missing but for the end marker."""
        path = os.path.join(self.folder, name)
        h.run(*command, self.image(name), path + "-whole")
        d = pydicom.dcmread(path + "-whole")
        frame = next(generate_pixel_data_frame(d.PixelData, 1))
        half = frame[:len(frame) // 4 * 2] + frame[-2:]
        d.PixelData = encapsulate([half])
        d["PixelData"].is_undefined_length = True
        d.save_as(path)
        return path

    def test_an_undecodable_image_is_not_processed_with_its_reason(self):
        self.start()
        for command, name in ((["dcmcjpeg", "+e1"], "lossless"), (["dcmcjpeg", "+ee"], "extended"), (["dcmcrle"], "rle"),
                              (["dcmcjpls"], "jpeg-ls"), (["gdcmconv", "--j2k"], "jpeg-2000")):
            broken = self.cut(command, name)
            self.assertEqual(self.node.send(broken).returncode, 0)
            text, study = self.report(broken)
            self.assertIn("111245", text, name)
            self.assertRegex(text, r"(?i)decod")
            self.assertEqual(self.pacs.objects(h.SC, study), [])

    def test_a_chest_radiograph_that_a_rule_selected_is_not_processed(self):
        self.start(rules=ANY_DX)
        path = self.image(BodyPartExamined="CHEST", ViewPosition="PA", StudyDescription="Thorax pa")
        self.assertEqual(self.node.send(path).returncode, 0)
        text, study = self.report(path)
        self.assertIn("111245", text)
        self.assertRegex(text, r"(?i)body part")
        self.assertEqual(self.pacs.objects(h.SC, study), [])

    def test_an_image_without_pixels_is_not_processed(self):
        self.start()
        path = self.image()
        d = pydicom.dcmread(path)
        del d.PixelData
        d.save_as(path)
        self.assertEqual(self.node.send(path).returncode, 0)
        self.assertRegex(self.report(path)[0], r"(?i)pixel")

    def test_an_unselected_image_is_ignored_and_counted(self):
        self.start()
        path = self.image(BodyPartExamined="HAND")
        self.assertEqual(self.node.send(path).returncode, 0)
        h.wait_for(lambda: self.node.status()["instances"]["ignored"] == 1, 20, "one ignored")
        time.sleep(3)
        self.assertEqual(self.pacs.objects(), [])

    def test_our_own_results_coming_back_are_recognised(self):
        self.start(rules='<rule name="all" action="analyze"/>')
        path = self.image()
        self.assertEqual(self.node.send(path).returncode, 0)
        h.wait_for(lambda: len(self.pacs.objects(h.SR3D)) == 1 and len(self.pacs.objects(h.SC)) == 1, 30, "results")
        self.assertEqual(self.node.send(*self.pacs.objects()).returncode, 0)
        h.wait_for(lambda: self.node.status()["instances"]["own"] == 2, 20, "two recognised")
        time.sleep(3)
        self.assertEqual(len(self.pacs.objects()), 2)

    def test_nothing_is_sent_in_shadow_and_the_mode_changes_at_once(self):
        self.start(mode="shadow")
        path = self.image()
        self.assertEqual(self.node.send(path).returncode, 0)
        h.wait_for(lambda: self.node.status()["results"]["reports"] == 1, 30, "a report on the node")
        time.sleep(2)
        self.assertEqual(self.pacs.objects(), [])
        self.assertEqual(self.node.admin("mode", "demo").returncode, 0)
        second = self.image("second.dcm")
        self.assertEqual(self.node.send(second).returncode, 0)
        self.report(second)
        self.assertNotEqual(self.node.admin("mode", "clinical").returncode, 0)

    def test_the_same_object_again_gives_no_second_result_and_a_conflict_is_told(self):
        self.start()
        path = self.image()
        for _ in range(3):
            self.assertEqual(self.node.send(path).returncode, 0)
        _, study = self.report(path)
        again = os.path.join(self.folder, "again.dcm")
        h.run("dcmcrle", path, again)
        self.assertEqual(self.node.send(again).returncode, 0)
        h.wait_for(lambda: self.node.status()["instances"]["same"] == 1, 20, "another encoding of the same image")
        time.sleep(3)
        self.assertEqual(len(self.pacs.objects(h.SR3D, study)), 1)
        other = pydicom.dcmread(path)
        pixels = numpy.frombuffer(other.PixelData, "<u2")
        other.PixelData = pixels[::-1].tobytes()
        other.save_as(again)
        self.assertEqual(self.node.send(again).returncode, 0)
        h.wait_for(lambda: len(self.pacs.objects(h.SR3D, study)) == 2, 30, "an amended report")
        texts = "".join(h.run("dsrdump", "+Pl", p).stdout for p in self.pacs.objects(h.SR3D, study))
        self.assertRegex(texts, r"(?i)conflict|same SOP Instance UID")
        self.assertEqual(len(self.pacs.objects(h.SC, study)), 1)

    def test_a_late_image_amends_the_report(self):
        self.start()
        study = h.generate_uid()
        first, late = self.image(study=study), self.image("late.dcm", study=study)
        self.assertEqual(self.node.send(first).returncode, 0)
        self.report(first)
        self.assertEqual(self.node.send(late).returncode, 0)
        h.wait_for(lambda: len(self.pacs.objects(h.SR3D, study)) == 2, 30, "an amended report")
        reports = [pydicom.dcmread(p) for p in self.pacs.objects(h.SR3D, study)]
        amended = [r for r in reports if "PredecessorDocumentsSequence" in r]
        self.assertEqual(len(amended), 1)
        original = next(r for r in reports if "PredecessorDocumentsSequence" not in r)
        referenced = amended[0].PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        self.assertEqual(referenced.ReferencedSOPInstanceUID, original.SOPInstanceUID)
        self.assertEqual(len(h.scores(amended[0])), 2)


class WrongConfiguration(unittest.TestCase):
    def test_clinical_mode_is_refused_for_a_synthetic_model(self):
        node = None
        try:
            with self.assertRaisesRegex(AssertionError, "78"):
                node = h.Node({}, mode="clinical")
        finally:
            if node:
                node.stop()

    def test_check_names_every_error_with_its_line(self):
        folder = tempfile.mkdtemp(prefix="cervigate-check-")
        path = os.path.join(folder, "bad.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write('<?xml version="1.0"?>\n<cervigate xmlns="urn:cervigate:config:1">\n'
                    '  <node aeTitle="A TITLE THAT IS FAR TOO LONG" port="99999" spool="/tmp/x" model="/tmp/y"/>\n'
                    '  <destinations>\n    <destination peer="pcas" outputs="SR"/>\n  </destinations>\n  <rules/>\n</cervigate>\n')
        said = h.run(os.path.join(h.BIN, "cervigate"), "check", "--config", path)
        shutil.rmtree(folder)
        self.assertEqual(said.returncode, 78)
        self.assertRegex(said.stderr + said.stdout, r"bad\.xml:3:")
        self.assertRegex(said.stderr + said.stdout, r"bad\.xml:5:")


if __name__ == "__main__":
    unittest.main(verbosity=2)
