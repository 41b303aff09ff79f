"""Results as sites see them: Orthanc's DICOMweb gives back what was sent, dcmjs and cornerstone's adapters read the measurement groups,
and cornerstone in Chromium opens the original first, shows pictures pixel by pixel and regions where they lie."""
import glob
import json
import os
import re
import sys
import unittest
import urllib.request

import numpy
import pydicom

import viewers
from viewers import h

GSPS = "1.2.840.10008.5.1.4.1.1.11.1"
# What the node writes: a region in the reports of findings and presentation states are drawn when they come, and must come when
# they are named here.
OUTPUTS = "SR SC GSPS PMAP"
REPORTS_HAVE_REGIONS = True


def items(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from items(child)


def named(item, value):
    return "ConceptNameCodeSequence" in item and item.ConceptNameCodeSequence[0].CodeValue == value


def code_of(sequence):
    code = sequence[0]
    return {"value": code.CodeValue, "scheme": code.CodingSchemeDesignator, "meaning": code.CodeMeaning}


def groups(report):
    """The measurement groups as pydicom sees them, in read.mjs's form."""
    found = []
    for group in (i for i in items(report) if named(i, "125007")):
        children = group.ContentSequence
        numbers = [c for c in children if c.ValueType == "NUM"]
        regions = [c for c in children if c.ValueType == "SCOORD"]
        found.append({
            "tracking": next(c.TextValue for c in children if named(c, "112039")),
            "trackingUid": next(c.UID for c in children if named(c, "112040")),
            "findings": [code_of(c.ConceptCodeSequence) for c in children if named(c, "121071")],
            "sites": [code_of(c.ConceptCodeSequence) for c in children if named(c, "363698007")],
            "scores": [{"name": code_of(c.ConceptNameCodeSequence), "value": float(c.MeasuredValueSequence[0].NumericValue)} for c in numbers],
            "images": [c.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for c in children if c.ValueType == "IMAGE"],
            "regions": [{"name": code_of(c.ConceptNameCodeSequence), "type": c.GraphicType,
                         "points": numpy.reshape(c.GraphicData, (-1, 2)).tolist(),
                         "image": c.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID} for c in regions]})
    return found


def windowed(d):
    """The image as its window shows it, 0 to 255 (PS3.3 C.11.2.1.2.1)."""
    centre, width = float(d.WindowCenter), float(d.WindowWidth)
    stored = d.pixel_array * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))
    shown = numpy.clip((stored - (centre - 0.5)) / (width - 1) + 0.5, 0, 1) * 255
    return 255 - shown if d.PhotometricInterpretation == "MONOCHROME1" else shown


def distance(points, rows, columns):
    """Of each pixel's centre to the closed polyline, in pixels."""
    y, x = numpy.mgrid[0:rows, 0:columns] + 0.5
    best = numpy.full((rows, columns), numpy.inf)
    for (ax, ay), (bx, by) in zip(points, points[1:]):
        length = (bx - ax) ** 2 + (by - ay) ** 2
        t = numpy.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / (length or 1), 0, 1)
        best = numpy.minimum(best, numpy.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
    return best


class Viewers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.maxDiff = None
        cls.folder = viewers.scratch("cervigate-viewers-")
        cls.plain, cls.orthanc = h.StoreScp(), viewers.pacs(viewers.site())
        cls.addClassCleanup(cls.plain.close)
        cls.addClassCleanup(cls.orthanc.close)
        node = h.Node({"plain": (cls.plain.ae, cls.plain.port), "pacs": (cls.orthanc.ae, cls.orthanc.port)}, outputs=OUTPUTS)
        cls.addClassCleanup(node.stop)
        cls.sources = cls.draw("injured", 11, "1,1,0") + cls.draw("whole", 5, "0,0,1", count=1) + cls.draw("ap", 3, subject="ap", count=1)
        h.run("dcmsend", "-nh", "--no-uid-checks", "-aec", cls.orthanc.ae, "127.0.0.1", cls.orthanc.port, *cls.sources)
        sent = node.send(*cls.sources)
        assert sent.returncode == 0, sent.stdout + sent.stderr
        h.wait_for(lambda: len(cls.plain.objects(h.SR3D)) == len(cls.sources) and node.status()["deliveries"]["pending"] == 0, 90, "reports")
        cls.german = cls.in_german()
        cls.results = cls.plain.objects()
        cls.reports = cls.plain.objects(h.SR3D)
        cls.viewer = viewers.Viewer(f"http://127.0.0.1:{cls.orthanc.http}/viewer/index.html")
        cls.addClassCleanup(cls.viewer.close)

    @classmethod
    def in_german(cls):
        """The same studies' reports in another language."""
        pacs = h.StoreScp()
        cls.addClassCleanup(pacs.close)
        node = h.Node({"plain": (pacs.ae, pacs.port)}, outputs="SR", report='language="de"')
        try:
            sent = node.send(*cls.sources)
            assert sent.returncode == 0, sent.stdout + sent.stderr
            return h.wait_for(lambda: (lambda o: o if len(o) == len(cls.sources) else None)(pacs.objects(h.SR3D)), 90, "German reports")
        finally:
            node.stop()

    @classmethod
    def draw(cls, name, seed, prevalence="1,1,1", subject="lateral", count=2):
        out = os.path.join(cls.folder, name)
        made = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", out, "--count", count, "--seed", seed, "--size", 512,
                     "--prevalence", prevalence, "--subject", subject, "--format", "dicom")
        assert made.returncode == 0, made.stderr
        return sorted(glob.glob(out + "/**/*.dcm", recursive=True))

    def wado(self, path, accept):
        request = urllib.request.Request(f"http://127.0.0.1:{self.orthanc.http}/dicom-web/{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def test_dicomweb_lists_and_returns_what_was_sent(self):
        for path in self.results:
            d = pydicom.dcmread(path)
            where = f"studies/{d.StudyInstanceUID}/series/{d.SeriesInstanceUID}/instances"
            listed = json.loads(self.wado(where, "application/dicom+json"))
            uids = [i["00080018"]["Value"][0] for i in listed]
            self.assertIn(d.SOPInstanceUID, uids)
            self.assertEqual(listed[uids.index(d.SOPInstanceUID)]["00080016"]["Value"], [d.SOPClassUID])
            body = self.wado(f"{where}/{d.SOPInstanceUID}", 'multipart/related; type="application/dicom"')
            boundary = body[:body.index(b"\r\n")]
            back = os.path.join(self.folder, "back.dcm")
            with open(back, "wb") as f:
                f.write(body[body.index(b"\r\n\r\n") + 4:body.rindex(b"\r\n" + boundary)])
            self.assertEqual(pydicom.dcmread(back), d)
            self.assertEqual(h.dataset_digest(back), h.dataset_digest(path))

    def test_a_study_holds_its_results_in_series_behind_the_original_one_sop_class_each(self):
        for source in self.sources:
            study = pydicom.dcmread(source, stop_before_pixels=True).StudyInstanceUID
            listed = json.loads(self.wado(f"studies/{study}/instances?includefield=00200011", "application/dicom+json"))
            classes = {}
            for i in listed:
                classes.setdefault((int(i["00200011"]["Value"][0]), i["0020000E"]["Value"][0]), set()).add(i["00080016"]["Value"][0])
            self.assertTrue(all(len(c) == 1 for c in classes.values()), classes)
            first = min(classes)
            self.assertEqual(classes[first], {pydicom.dcmread(source, stop_before_pixels=True).SOPClassUID})

    def read_by_adapters(self, reports):
        """Asserts that dcmjs and the adapters read all of the reports as pydicom does; the images judged in them."""
        said = h.run("node", viewers.tool("reports"), *reports)
        self.assertEqual(said.returncode, 0, said.stderr)
        answers = [json.loads(line) for line in said.stdout.split("\n") if line]
        self.assertEqual([a["path"] for a in answers], reports)
        judged = set()
        for answer in answers:
            report = pydicom.dcmread(answer["path"])
            self.assertEqual((answer["template"], answer["title"]["value"]), ("1500", "126000"))
            self.assertEqual(answer["patient"], str(report.PatientName))
            mine, theirs = groups(report), answer["groups"]
            for group in theirs:
                for score in group["scores"]:
                    del score["of"]
            self.assertEqual(theirs, mine)
            judged |= {i for g in mine for i in g["images"] + [r["image"] for r in g["regions"]]}
            regions = [(g["trackingUid"], r) for g in mine for r in g["regions"]]
            adapted = answer["adapted"]["regions"]
            self.assertEqual([a["trackingUid"] for a in adapted], [uid for uid, _ in regions])
            for a, (_, region) in zip(adapted, regions):
                self.assertTrue(a["closed"])
                self.assertEqual(a["image"], region["image"])
                numpy.testing.assert_allclose(a["points"], region["points"][:-1], atol=1e-3)
        return judged

    def test_dcmjs_and_the_adapters_read_the_measurement_groups(self):
        self.assertEqual(len(self.read_by_adapters(self.reports)), 3)

    def test_so_they_do_in_german(self):
        """The words of a German report are German; its codes, and the meanings of standard codes, are those of the English one."""
        self.assertEqual(len(self.read_by_adapters(self.german)), 3)
        english = {d.StudyInstanceUID: d for d in map(pydicom.dcmread, self.reports)}
        for german in map(pydicom.dcmread, self.german):
            codes, texts = zip(*(self.said(d) for d in (german, english[german.StudyInstanceUID])))
            self.assertEqual(codes[0] ^ codes[1], {("de", "RFC5646", "German"), ("en", "RFC5646", "English")})
            self.assertTrue(any(re.match("Befund mit Score|Kein|Nicht verarbeitet", t) for t in texts[0]), texts[0])
            self.assertFalse(any(re.match("Befund mit Score|Kein|Nicht verarbeitet", t) for t in texts[1]), texts[1])

    @staticmethod
    def said(report):
        """All codes of a report, and all of its texts."""
        codes, texts = set(), set()
        for item in items(report):
            for keyword in ("ConceptNameCodeSequence", "ConceptCodeSequence"):
                codes |= {(c.get("CodeValue") or c.LongCodeValue, c.CodingSchemeDesignator, c.CodeMeaning) for c in item.get(keyword, [])}
            texts |= {item.TextValue} if item.ValueType == "TEXT" else set()
        return codes, texts

    def open(self, source):
        """The opened study: [instance] in the viewer's order."""
        series = self.viewer.call("open", source.StudyInstanceUID)
        return [i for s in series for i in s["instances"]]

    def test_the_original_opens_first_and_looks_as_its_window_says(self):
        for path in self.sources:
            source = pydicom.dcmread(path)
            first = next(i for i in self.open(source) if i.get("rows"))
            self.assertEqual(first["uid"], source.SOPInstanceUID)
            shown, _ = self.viewer.show(first["uid"], source.Rows, source.Columns)
            self.assertLessEqual(numpy.abs(shown - windowed(source)[:, :, None]).max(), 1)

    def test_a_picture_is_shown_pixel_by_pixel(self):
        pictures = [pydicom.dcmread(p) for p in self.plain.objects(h.SC)]
        self.assertEqual(len(pictures), 3)
        for picture in pictures:
            self.open(picture)
            shown, _ = self.viewer.show(picture.SOPInstanceUID, picture.Rows, picture.Columns)
            numpy.testing.assert_array_equal(shown, picture.pixel_array)

    def drawn(self, source, points):
        """Asserts that a region drawn on the shown original covers its line and nothing far from it."""
        without = self.viewer.screenshot(os.path.join(self.folder, "without.png"))
        self.viewer.call("draw", source.SOPInstanceUID, points[:-1])
        changed = numpy.abs(self.viewer.screenshot(os.path.join(self.folder, "with.png")) - without).max(axis=2) > 8
        self.viewer.call("clear")
        away = distance(points, source.Rows, source.Columns)
        self.assertLess(away[changed].max(), 4)
        self.assertGreater(changed[away < 0.5].mean(), 0.95)
        numpy.testing.assert_array_equal(self.viewer.screenshot(os.path.join(self.folder, "toggled.png")), without)

    def test_a_region_lies_where_its_coordinates_say(self):
        # Cornerstone draws a report's region through its adapters. It renders no presentation state: dcmjs reads that one's graphic,
        # and the same tool draws it.
        drawn = {h.SR3D: 0, GSPS: 0}
        for path in self.sources:
            source = pydicom.dcmread(path)
            instances = self.open(source)
            self.viewer.show(source.SOPInstanceUID, source.Rows, source.Columns)
            for instance in instances:
                for points in self.regions(instance):
                    self.drawn(source, points)
                    drawn[instance["sopClass"]] += 1
        self.assertEqual(drawn[h.SR3D] > 0, REPORTS_HAVE_REGIONS, drawn)
        self.assertEqual(drawn[GSPS] > 0, "GSPS" in OUTPUTS.split(), drawn)

    def regions(self, instance):
        if instance["sopClass"] == h.SR3D:
            return [r["points"] + r["points"][:1] for r in self.viewer.call("adapted", instance["url"])["regions"]]
        if instance["sopClass"] == GSPS:
            return [g["points"] for g in self.viewer.call("graphic", instance["url"])]
        return []


if __name__ == "__main__":
    viewers.leave_if_missing()
    unittest.main(verbosity=2)
