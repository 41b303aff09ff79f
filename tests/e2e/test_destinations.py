"""What a destination takes decides what it gets: the report's class, the pictures' compression; what it takes in no form is parked. Reports
in every language, of sources in every character set; a result that fails its last look goes nowhere."""
import json
import os
import re
import shutil
import tempfile
import unittest

import numpy
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import generate_uid

import harness as h
import models

COMPREHENSIVE, ENHANCED = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.22"
RLE, JPEG_LS, EXPLICIT = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1"
NAMES = {ENHANCED: "EnhancedSRStorage", COMPREHENSIVE: "ComprehensiveSRStorage", h.SR3D: "Comprehensive3DSRStorage"}
IMPLICIT = "1.2.840.10008.1.2"
SYNTAX_NAMES = {IMPLICIT: "LittleEndianImplicit", RLE: "RLELossless", JPEG_LS: "JPEGLSLossless", EXPLICIT: "LittleEndianExplicit"}
# A sentence that each language's report of a finding begins its conclusion with.
CONCLUSIONS = {"de": "Befund mit Score ab dem Schwellenwert", "fr": "Anomalie signalée au seuil de décision",
               "es": "Hallazgo con puntuación igual o superior"}
SOURCES = {"JIS": (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
                   "Yamada^Tarou=山田^太郎=やまだ^たろう"),
           "GB18030": (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030"), "Wang^XiaoDong=王^小东")}


def profile(folder, **takes):
    """storescp's options for a PACS that takes only these SOP classes in these transfer syntaxes: SC=(RLE,), or UIDs as keywords."""
    lines, contexts = ["[[TransferSyntaxes]]"], ["VerificationSOPClass\\Syntax0"]
    for number, (sop_class, syntaxes) in enumerate([("", (IMPLICIT,)), *takes.items()]):
        lines.append(f"[Syntax{number}]")
        lines += [f"TransferSyntax{n + 1} = {SYNTAX_NAMES[s]}" for n, s in enumerate(syntaxes)]
        if sop_class:
            contexts.append(f"{sop_class}\\Syntax{number}")
    lines += ["[[PresentationContexts]]", "[Contexts]"] + [f"PresentationContext{n + 1} = {c}" for n, c in enumerate(contexts)]
    path = os.path.join(folder, "storescp.cfg")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join([*lines, "[[Profiles]]", "[Profile]", "PresentationContexts = Contexts"]) + "\n")
    return "-xf", path, "Profile"


def references(sequence):
    return [r.ReferencedSOPInstanceUID for p in sequence for s in p.ReferencedSeriesSequence for r in s.ReferencedSOPSequence]


def texts(item):
    if item.get("ValueType") == "TEXT":
        yield item.TextValue
    for child in item.get("ContentSequence", []):
        yield from texts(child)


def accents(path):
    """Places where an ASCII text goes on with a letter of two bytes in UTF-8."""
    with open(path, "rb") as f:
        d = pydicom.dcmread(f, stop_before_pixels=True)
        d.PatientName = ""
        return [text for e in d.iterall() if e.VR in ("LO", "SH", "ST", "UT", "LT") for text in re.findall("[A-Za-z][^\x00-\x7f]", str(e.value))]


class Destinations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="cervigate-destinations-")
        cls.finds = models.make(os.path.join(cls.shared, "finds"), name="finds")
        cls.pixels = numpy.random.default_rng(12).integers(0, 255, (300, 260)).astype(numpy.uint8)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared, ignore_errors=True)

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-destinations-")
        self.made, self.node, self.pacs = 0, None, None

    def tearDown(self):
        if self.node:
            self.node.stop()
        if self.pacs:
            self.pacs.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *takes, **options):
        self.pacs = h.StoreScp(*takes)
        self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)}, quiet=0, model=self.finds, **options)

    def image(self, name=None, **attributes):
        """`name`: (character set, Patient's Name) as bytes."""
        self.made += 1
        path = os.path.join(self.folder, f"{self.made}.dcm")
        h.wrap(self.pixels, path, **attributes)
        if name:
            d = pydicom.dcmread(path)
            d.ReferringPhysicianName = d.StudyDescription = ""
            for tag, vr, value in ((0x00080005, "CS", name[0]), (0x00100010, "PN", name[1])):
                value += b" " * (len(value) % 2)
                d[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, d.is_implicit_VR, True)
            d.set_original_encoding(d.is_implicit_VR, d.is_little_endian, d._character_set)
            d.save_as(path)
        return path

    def send(self, *paths):
        sent = self.node.send(*paths)
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)

    def at_pacs(self, sop_class, count):
        found = h.wait_for(lambda: (lambda o: o if len(o) >= count else None)(self.pacs.objects(sop_class)), 30, f"{count} of {sop_class}")
        self.assertEqual(len(found), count)
        return sorted((pydicom.dcmread(p) for p in found), key=lambda d: d.InstanceNumber)

    def quiet(self):
        h.wait_for(lambda: self.node.status()["deliveries"]["pending"] == 0, 30, "all deliveries to end")

    def classes(self):
        return {pydicom.dcmread(p, stop_before_pixels=True).SOPClassUID for p in self.pacs.objects()}

    def listed(self):
        return [json.loads(line) for line in self.node.admin("results", "list", "--json").stdout.splitlines() if line]

    # ---- the report's class

    def amended_in(self, sop_class, takes=(), **options):
        """A report and the one that amends it arrive in this class, the one naming the other, and no other report does."""
        self.start(*takes, **options)
        study = generate_uid()
        self.send(self.image(study=study))
        self.at_pacs(sop_class, 1)
        self.send(self.image(study=study))
        first, second = self.at_pacs(sop_class, 2)
        self.quiet()
        self.assertEqual(self.classes(), {sop_class, h.SC})
        self.assertNotIn("PredecessorDocumentsSequence", first)
        self.assertEqual(references(second.PredecessorDocumentsSequence), [first.SOPInstanceUID])
        self.assertEqual(second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPClassUID, sop_class)
        self.assertEqual(len(self.at_pacs(h.SC, 2)), 2)

    def test_a_pacs_that_takes_only_enhanced_sr(self):
        self.amended_in(ENHANCED, profile(self.folder, EnhancedSRStorage=(EXPLICIT,), SecondaryCaptureImageStorage=(EXPLICIT,)))

    def test_a_pacs_that_takes_no_3d_sr(self):
        self.amended_in(COMPREHENSIVE, profile(self.folder, EnhancedSRStorage=(EXPLICIT,), ComprehensiveSRStorage=(EXPLICIT,),
                                               SecondaryCaptureImageStorage=(EXPLICIT,)))

    def test_a_pinned_class(self):
        self.amended_in(ENHANCED, destination='reportClass="enhanced"')

    def refused_once(self, takes, outputs):
        """The report is parked with the reason, said once, and not tried again when more comes."""
        self.start(*takes, outputs=outputs)
        self.send(self.image())

        def parked():
            return self.node.status()["deliveries"].get("parked")
        h.wait_for(parked, 30, "the report to be parked")
        self.quiet()
        log = self.node.log()
        self.assertEqual(len(re.findall(r"error deliver\[\d+\] \S+ .*kind=sr", log)), 1, log[-2000:])
        self.send(self.image())
        h.wait_for(lambda: self.node.status()["deliveries"].get("parked") == 2, 30, "the next report to be parked")
        self.quiet()
        for uid in {r["uid"] for r in self.listed() if r["kind"] == "sr"}:
            self.assertEqual(len(re.findall(rf"deliver\[\d+\] .*{re.escape(uid)}", self.node.log())), 1)
        self.assertEqual(self.pacs.objects(h.SR3D), [])

    def test_a_pacs_that_takes_no_report_gets_the_pictures(self):
        self.refused_once(profile(self.folder, SecondaryCaptureImageStorage=(EXPLICIT,)), "SR SC")
        self.at_pacs(h.SC, 2)
        self.assertEqual(self.classes(), {h.SC})

    def test_a_pacs_that_takes_nothing_of_ours(self):
        self.refused_once(profile(self.folder, CTImageStorage=(EXPLICIT,)), "SR")

    # ---- the pictures' compression

    def picture(self, takes, **options):
        self.start(*takes, **options)
        self.send(self.image(StudyInstanceUID="1.2.3.4"))
        self.at_pacs(h.SC, 1)
        return self.pacs.objects(h.SC)[0]

    def plain(self, path):
        """The pixels, decoded by DCMTK."""
        syntax = str(pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID)
        tool = {RLE: "dcmdrle", JPEG_LS: "dcmdjpls"}.get(syntax)
        if tool:
            said = h.run(tool, path, path + ".plain")
            self.assertEqual(said.returncode, 0, said.stderr)
            path += ".plain"
        return syntax, pydicom.dcmread(path).pixel_array

    def test_pictures_arrive_as_wanted_with_the_same_pixels(self):
        pixels = {}
        for wanted, syntax in (("uncompressed", EXPLICIT), ("rle", RLE), ("jpegls", JPEG_LS)):
            with self.subTest(wanted):
                path = self.picture(("+xa",), destination=f'pictureSyntax="{wanted}"')
                said = h.run("dciodvfy", "-new", path).stderr
                self.assertNotRegex(said, "(?m)^Error")
                self.assertEqual(self.plain(path)[0], syntax)
                pixels[wanted] = self.plain(path)[1]
                self.tearDown()
                self.setUp()
        self.assertEqual(len(pixels), 3)
        for wanted in ("rle", "jpegls"):
            # The picture shows nothing of the moment or place of its making.
            numpy.testing.assert_array_equal(pixels[wanted], pixels["uncompressed"])

    def test_a_pacs_that_takes_pictures_compressed_only(self):
        for syntax in (RLE, JPEG_LS):
            with self.subTest(SYNTAX_NAMES[syntax]):
                takes = profile(self.folder, SecondaryCaptureImageStorage=(syntax,), Comprehensive3DSRStorage=(EXPLICIT,))
                path = self.picture(takes, destination='pictureSyntax="uncompressed"')
                self.assertEqual(self.plain(path)[0], syntax)
                self.at_pacs(h.SR3D, 1)
                self.tearDown()
                self.setUp()

    def test_a_pacs_that_does_not_take_the_wanted_compression(self):
        path = self.picture((), destination='pictureSyntax="jpegls"')
        self.assertEqual(self.plain(path)[0], EXPLICIT)

    # ---- languages and character sets

    def test_reports_in_each_language_hold_the_source_s_names(self):
        for language, conclusion in CONCLUSIONS.items():
            with self.subTest(language):
                self.start(report=f'language="{language}"')
                self.send(*(self.image(name=(charset, name)) for charset, name, _ in SOURCES.values()))
                reports, pictures = self.at_pacs(h.SR3D, 2), self.at_pacs(h.SC, 2)
                self.assertEqual({str(d.PatientName) for d in reports}, {wanted for _, _, wanted in SOURCES.values()})
                self.assertEqual({str(d.PatientName) for d in pictures}, {wanted for _, _, wanted in SOURCES.values()})
                for report in reports:
                    self.assertEqual(report.SpecificCharacterSet, "ISO_IR 192")
                    self.assertTrue(any(text.startswith(conclusion) for text in texts(report)), list(texts(report)))
                    self.assertEqual(report.ConceptNameCodeSequence[0].CodeMeaning, "Imaging Measurement Report")
                self.tearDown()
                self.setUp()

    def test_a_source_with_undecodable_bytes_keeps_its_character_set(self):
        """Bytes that are no Japanese, no Chinese, no UTF-8: nobody knows what they mean, so they are kept, and our words are ASCII."""
        for charset, name in ((b"ISO_IR 192", b"M\xfcller^J\xf6rg"), (b"GB18030", b"Wang^\xff\xff"), (b"ISO_IR 999", b"Smith^\xe9\xe8")):
            with self.subTest(charset):
                self.start(report='language="fr"')
                self.send(self.image(name=(charset, name)))
                self.at_pacs(h.SR3D, 1), self.at_pacs(h.SC, 1)
                for path in self.pacs.objects():
                    d = pydicom.dcmread(path, stop_before_pixels=True)
                    found = d.get_item(Tag(0x00100010)).value.rstrip(b" \0")
                    self.assertEqual((d.SpecificCharacterSet, found), (charset.decode(), name))
                    self.assertEqual(accents(path), [])
                self.send(self.image())
                converted = max(self.at_pacs(h.SR3D, 2), key=lambda d: d.SpecificCharacterSet == "ISO_IR 192" and "Prüfung" in str(d.PatientName))
                self.assertNotEqual(accents(converted.filename), [])  # which the words of another report have
                self.tearDown()
                self.setUp()

    # ---- the last look

    def start_saying(self, old, new):
        """With words of the site's own."""
        templates = os.path.join(self.folder, "templates")
        os.makedirs(templates)
        for name in ("cspine.xml", "words.xml"):
            with open(os.path.join(h.SOURCE, "sr_templates", name), encoding="utf-8") as f:
                text = f.read()
            self.assertEqual(text.count(old), 1 if name == "words.xml" else 0)
            with open(os.path.join(templates, name), "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
        self.start(report=f'templates="{templates}"', outputs="SR")

    def test_a_result_that_fails_its_last_look_goes_nowhere(self):
        self.start_saying("<en>more images were received</en>", "<en>Absent images were received</en>")
        study = pydicom.uid.generate_uid()
        self.send(self.image(study=study))
        self.at_pacs(h.SR3D, 1)
        self.send(self.image(study=study))
        parked = h.wait_for(lambda: [r for r in self.listed() if r["state"] == "parked"], 30, "a parked result")
        self.assertEqual({r["kind"] for r in parked} & {"sr"}, {"sr"})
        self.quiet()
        self.at_pacs(h.SR3D, 1)
        said = self.node.admin("results", "list").stdout
        self.assertIn('the word "Absent" must not be said', said)
        self.assertRegex(self.node.log(), r"error analyze\[\d+\] result-parked uid=\S+ kind=sr .*Absent")

    def test_words_that_no_report_may_say_are_found_at_start(self):
        """The self-test's own report is refused: the node says so, and answers that it did not judge."""
        self.start_saying("<en>Finding at or above the operating point: ", "<en>Absent nothing, a finding: ")
        self.send(self.image())
        report, = self.at_pacs(h.SR3D, 1)
        self.assertIn("Not processed: software failure.", list(texts(report)))
        self.assertRegex(self.node.log(), r"selftest-failed .*what=.?report.*Absent")


if __name__ == "__main__":
    unittest.main()
