"""Images as they come: every pixel format gives the same picture or a reason, every patient keeps the own name, and no object stops
the node for those behind it."""
import os
import re
import shutil
import tempfile
import unittest

import numpy
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

import harness as h

ALL = '<rule name="all" action="analyze"/>'


def raw(tag, vr, value):
    """Sets bytes that pydicom would not write."""
    def change(d):
        padded = value + b" " * (len(value) % 2)
        d[tag] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, False, True)
    return change


def having(**attributes):
    def change(d):
        for keyword, value in attributes.items():
            if value is None:
                del d[keyword]
            else:
                setattr(d, keyword, value)
    return change


def stored(d):
    return numpy.frombuffer(d.PixelData, "<u2")


def signed(d):
    d.PixelData = (stored(d).astype(int) - 2048).astype("<i2").tobytes()
    d.PixelRepresentation, d.RescaleIntercept, d.WindowCenter = 1, "-1000", "-1000"


def bits32(d):
    d.PixelData = (stored(d).astype("<u4") * 1000).tobytes()
    d.BitsAllocated, d.BitsStored, d.HighBit, d.WindowCenter, d.WindowWidth = 32, 32, 31, "2048000", "4096000"


def eight(d, samples=1):
    d.PixelData = numpy.repeat((stored(d) >> 4).astype("u1"), samples).tobytes()
    d.BitsAllocated, d.BitsStored, d.HighBit = 8, 8, 7


def palette(d):
    eight(d)
    d.PhotometricInterpretation = "PALETTE COLOR"
    for n in range(3):
        d.add_new(0x00281101 + n, "US", [256, 0, 16])
        d.add_new(0x00281201 + n, "OW", (numpy.arange(256) * 257).astype("<u2").tobytes())


def rgb(d):
    eight(d, 3)
    d.SamplesPerPixel, d.PlanarConfiguration, d.PhotometricInterpretation = 3, 0, "RGB"


def voi_lut(entries):
    def change(d):
        item = Dataset()
        item.add_new(0x00283002, "US", [4096, 0, 12])
        item.add_new(0x00283006, "OW", numpy.arange(entries).astype("<u2").tobytes())
        d.VOILUTSequence = Sequence([item])
    return change


def two_frames(d):
    d.NumberOfFrames, d.PixelData = 2, d.PixelData * 2


def name(charset, value):
    def change(d):
        raw(0x00080005, "CS", charset)(d)
        raw(0x00100010, "PN", value)(d)
        d.StudyDescription = "X"
    return change


def long(*keywords):
    return having(**{k: "x" * 10000 for k in keywords})


SAME = {"signed": signed, "32 bits": bits32, "palette": palette, "rgb": rgb, "VOI LUT": voi_lut(4096), "width 0": having(WindowWidth="0"),
        "NaN slope": raw(0x00281053, "DS", b"NaN"), "infinite slope": raw(0x00281053, "DS", b"1e400"),
        "no centre": raw(0x00281050, "DS", b"abc"), "too long": lambda d: setattr(d, "PixelData", d.PixelData + b"\1" * 1000)}
REASONS = {"no rows": (having(Rows=None), "undecodable"), "no columns": (having(Columns=0), "undecodable"),
           "too many bits": (having(BitsStored=20, HighBit=19), "undecodable"),
           "too short": (lambda d: setattr(d, "PixelData", d.PixelData[:1000]), "undecodable"),
           "empty": (having(PixelData=b""), "undecodable"), "absent": (having(PixelData=None), "no-pixel-data"),
           "short LUT": (voi_lut(10), "undecodable"), "huge": (having(Rows=65535, Columns=65535), "too-large"),
           "frames": (two_frames, "multi-frame"), "frames 0": (having(NumberOfFrames=0), "undecodable"),
           "one value": (lambda d: setattr(d, "PixelData", b"\7\0" * (len(d.PixelData) // 2)), "no-content"),
           "narrow": (lambda d: (having(Rows=3)(d), setattr(d, "PixelData", d.PixelData[:6 * d.Columns])), "no-content"),
           "out of the window": (having(WindowCenter="1e308"), "no-content")}
NAMES = {"jp": (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
         "kr": (b"\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"),
         "gb18030": (b"GB18030", "Wang=王^\u8a97".encode("gb18030")), "cut escape": (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3"),
         "no such set": (b"NONSENSE 9", b"M\xfcller^Hans"), "not UTF-8": (b"ISO_IR 192", b"M\xfcller^Hans\xff\xfe"),
         "latin 1": (b"ISO_IR 100", b"M\xfcller^J\xf6rg")}
UNREADABLE = ("jp", "no such set", "not UTF-8")  # as pydicom writes them: it drops the escape back to ASCII
KEPT = [0x00080020, 0x00080030, 0x00080050, 0x00080090, 0x00100010, 0x00100020, 0x00100030, 0x00100040, 0x0020000d, 0x00200010]


def plain_bytes(d, tag):
    element = d.get_item(Tag(tag))
    value = b"" if element is None or element.value is None else element.value
    return value.strip(b" \0") if isinstance(value, bytes) else str(value).encode()


def text(d, tag):
    """Decoded, or "" """
    return str(d[Tag(tag)].value or "") if Tag(tag) in d else ""


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-images-")
        cls.pacs = h.StoreScp()
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)}, rules=ALL)
        cls.pixels = h.grey(h.phantoms(os.path.join(cls.folder, "phantoms"), 1, size=256)[0][0])

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.pacs.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def make(self, change=None, **options):
        path = os.path.join(self.folder, h.generate_uid() + ".dcm")
        h.wrap(self.pixels, path, **options)
        if change:
            d = pydicom.dcmread(path)
            change(d)
            d.save_as(path)
        return path

    def send(self, paths):
        for path in paths:
            sent = self.node.send(path)
            self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)

    def results(self, path, count, sop_class, seconds=40):
        study = plain_bytes(pydicom.dcmread(path, stop_before_pixels=True), 0x0020000d).decode()

        def arrived():
            found = self.pacs.objects(sop_class, study)
            return found if len(found) >= count else None
        return h.wait_for(arrived, seconds, f"{count} of class {sop_class}")

    def scores(self, path):
        return h.scores(pydicom.dcmread(self.results(path, 1, h.SR3D)[0]))[0]

    def assert_same(self, path, expected, case):
        for key, value in self.scores(path).items():
            self.assertAlmostEqual(value, expected[key], delta=0.02, msg=case)
        self.results(path, 1, h.SC)

    def test_the_same_picture_in_every_pixel_format(self):
        plain, inverse = self.make(), self.make(having(PresentationLUTShape="INVERSE"))
        cases = {k: self.make(v) for k, v in SAME.items()}
        ones = {"MONOCHROME1, INVERSE": self.make(monochrome1=True), "MONOCHROME1": self.make(monochrome1=True, lut_shape=False)}
        contrary = self.make(having(PresentationLUTShape="IDENTITY"), monochrome1=True)
        self.send([plain, inverse, contrary, *cases.values(), *ones.values()])
        expected = self.scores(plain)
        for case, path in {**cases, **ones}.items():
            self.assert_same(path, expected, case)
        for path in (inverse, contrary):  # the shape wins over the photometric interpretation, and the gate sees black bone
            report = pydicom.dcmread(self.results(path, 1, h.SR3D)[0])
            self.assertEqual(h.scores(report), [])
            codes = [e.value for e in report.iterall() if e.tag == 0x00080100]
            self.assertIn("inverted", codes)

    def test_what_cannot_be_judged_has_its_reason(self):
        cases = {k: (self.make(change), reason) for k, (change, reason) in REASONS.items()}
        self.send([path for path, _ in cases.values()])
        for case, (path, reason) in cases.items():
            text = h.run("dsrdump", "+Pl", self.results(path, 1, h.SR3D)[0]).stdout
            self.assertIn(f"({reason},99CERVIGATE,", text, case)
            study = pydicom.dcmread(path, stop_before_pixels=True, force=True).StudyInstanceUID
            self.assertEqual(self.pacs.objects(h.SC, study), [], case)

    def test_the_patient_is_the_source_s(self):
        """As Unicode in ISO_IR 192; byte by byte where the source's bytes are none of its character set."""
        cases = {k: self.make(name(*v)) for k, v in NAMES.items()}
        cases["nobody"] = self.make(having(**{k: None for k in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate",
                                                                "StudyTime", "AccessionNumber", "StudyID", "ReferringPhysicianName")}))
        cases["longest UIDs"] = self.make(having(StudyInstanceUID="1.2." + "3" * 60, SeriesInstanceUID="1.2." + "4" * 60))
        cases["long ID"] = self.make(having(PatientID="患" * 64))
        cases["long texts"] = self.make(long("PatientComments", "AdditionalPatientHistory", "StudyDescription", "MedicalAlerts", "Allergies",
                                             "Occupation", "SeriesDescription", "ProtocolName", "ImageComments", "InstitutionName"))
        self.send(cases.values())
        for case, path in cases.items():
            source, known = pydicom.dcmread(path), set(h.complaints(path))
            for result in self.results(path, 1, h.SR3D) + self.results(path, 1, h.SC):
                copy = pydicom.dcmread(result)
                converted = copy.get("SpecificCharacterSet", "") == "ISO_IR 192" and case != "not UTF-8"
                self.assertEqual(converted, case not in UNREADABLE, case)
                for tag in KEPT:
                    of = text if converted else plain_bytes
                    self.assertEqual(of(copy, tag), of(source, tag), f"{case}: {Tag(tag)}")
                if "PatientID" in source:
                    new = {l for l in set(h.complaints(result)) - known if "DICOMDIR" not in l}
                    self.assertEqual(new, set(), case)

    def test_what_no_report_can_name_does_not_stop_the_others(self):
        nameless = [self.make(change) for change in (having(StudyInstanceUID="1.2.abc"), having(StudyInstanceUID=None),
                                                     having(SeriesInstanceUID=""), having(SeriesInstanceUID=None))]
        odd, good = self.make(having(StudyInstanceUID="1.02.3.4")), self.make()
        self.send(nameless + [odd, good])
        self.results(odd, 1, h.SR3D)
        self.results(good, 1, h.SR3D)
        h.wait_for(lambda: self.node.status()["instances"]["received"] == 0, 20, "all looked at")
        listed = self.node.admin("jobs", "list", "--json").stdout
        self.assertEqual(len(re.findall("no usable Study, Series or SOP Instance UID", listed)), len(nameless), listed[:2000])

    def test_a_removed_results_folder_is_made_again(self):
        first, second = self.make(), self.make()
        self.send([first])
        self.results(first, 1, h.SC)
        h.wait_for(lambda: self.node.status()["deliveries"]["pending"] == 0, 20, "delivered")
        shutil.rmtree(os.path.join(self.node.spool, "results"))
        self.send([second])
        self.results(second, 1, h.SR3D)
        self.results(second, 1, h.SC)

    def test_two_patients_in_one_study_have_a_report_each(self):
        study = h.generate_uid()
        patients = [{"PatientID": "P1", "PatientName": "One^First"}, {"PatientID": "P2", "PatientName": "Two^Second"}]
        images = [self.make(having(**patients[n % 2]), study=study) for n in range(4)]
        self.send(images[:3])
        self.results(images[0], 2, h.SR3D)
        self.send(images[3:])
        reports = [pydicom.dcmread(p) for p in self.results(images[0], 3, h.SR3D)]
        pictures = [pydicom.dcmread(p) for p in self.results(images[0], 4, h.SC)]
        owner = {d.SOPInstanceUID: d.PatientID for d in map(pydicom.dcmread, images)}
        for d in reports:
            named = {uid for uid in owner if uid in str(d)}
            self.assertEqual({owner[uid] for uid in named}, {d.PatientID})
            self.assertEqual(d.PatientName, patients[int(d.PatientID[1]) - 1]["PatientName"])
            self.assertEqual("PredecessorDocumentsSequence" in d, len(named) == 2 and d.PatientID == "P2")
        for d in pictures:
            self.assertEqual(owner[d.SourceImageSequence[0].ReferencedSOPInstanceUID], d.PatientID)
        for sort in (reports, pictures):
            self.assertEqual(len({d.SeriesInstanceUID for d in sort}), 2)
            self.assertEqual(len({(d.SeriesInstanceUID, d.PatientID) for d in sort}), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
