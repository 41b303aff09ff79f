"""Models made for the tests, and notes: tiny networks with random weights, whose classes' names and operating points decide what they find."""
import os
import re
import shutil
import subprocess

import numpy
import pydicom
from pydicom.uid import generate_uid

import harness as h

KOS = "1.2.840.10008.5.1.4.1.1.88.59"


def make(folder, finds=True, name="test-model", modalities="CR DX", series=None, seed=7):
    """A model folder. Every score of class 0 is a finding, or (not `finds`) the class is none. `series`: (positive, minimum)
    slices."""
    maker = os.path.join(h.BIN, "make_model")
    made = h.once_a_build(maker, f"model-{seed}", lambda out: subprocess.run([maker, out, str(seed)], check=True))
    shutil.copytree(made, folder, dirs_exist_ok=True)
    path = os.path.join(folder, "model.xml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text, count = re.subn(r'(number="0" name="dislocation" finding="true" operating-point=)"[^"]*"', r'\1"0"', text)
    assert count == 1
    if not finds:
        text, count = re.subn(r'(number="0" name=)"dislocation" finding="true" operating-point="[^"]*"', r'\1"normal" finding="false"', text)
        text, more = re.subn(r'(number="2" name=)"normal" finding="false"', r'\1"dislocation" finding="true" operating-point="1"', text)
        assert count == 1 and more == 1
    text = text.replace('<model name="test-model"', f'<model name="{name}"').replace('modalities="CR DX"', f'modalities="{modalities}"')
    if series:
        text = re.sub(r"(<scope [^>]*/>)", rf'\1<series positive="{series[0]}" minimum="{series[1]}"/>', text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return folder


def slices(folder, count):
    """A series of CT slices, numbered against their positions: (paths, Study Instance UID)."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    generator = numpy.random.default_rng(3)
    paths = []
    for i in range(count):
        path = os.path.join(folder, f"slice-{series}-{i}.dcm")
        h.wrap(numpy.zeros((128, 128), numpy.uint8), path, study=study)
        d = pydicom.dcmread(path)
        d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        d.Modality, d.SeriesInstanceUID, d.FrameOfReferenceUID, d.InstanceNumber = "CT", series, frame, count - i
        d.ImagePositionPatient, d.ImageOrientationPatient = [0, 0, 3 * i], [1, 0, 0, 0, 1, 0]
        d.PixelSpacing, d.SliceThickness, d.KVP, d.AcquisitionNumber, d.PositionReferenceIndicator = [1, 1], 3, 120, 1, ""
        d.PixelData = generator.integers(0, 255, (128, 128)).astype("<u2").tobytes()
        for keyword in ("PresentationIntentType", "PixelIntensityRelationship", "PixelIntensityRelationshipSign", "PresentationLUTShape",
                        "ViewPosition", "BurnedInAnnotation"):
            if keyword in d:
                delattr(d, keyword)
        d.save_as(path)
        paths.append(path)
    return paths, study


def clinical(folder):
    """The bundled model as a site's own that may be used in clinical mode: it says that it is of clinical images and has been validated."""
    shutil.copytree(h.MODEL, folder)
    os.unlink(os.path.join(folder, "selftest.json"))  # of another digest
    path = os.path.join(folder, "model.xml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for old, new in (('kind="synthetic"', 'kind="clinical"'), ("</provenance>", None)):
        said = h.run(os.path.join(h.BIN, "cervigate"), "check", "--model", folder).stdout
        digest = re.search(r"^digest +([0-9a-f]{64})$", said, re.M).group(1)
        text = text.replace(old, new or f'{old}<validation site="S" person="P" date="2026-01-31" data="D" measures="M" digest="{digest}"/>')
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    return folder


def rejection_note(path, out, title="113001", meaning="Rejected for Quality Reasons", study=None):
    """A rejection note about one image, as an IHE IOCM actor sends it."""
    d = pydicom.dcmread(path)
    n = pydicom.Dataset()
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
                    "ReferringPhysicianName", "StudyID", "SpecificCharacterSet"):
        n[keyword] = d[keyword] if keyword in d else pydicom.DataElement(keyword, pydicom.datadict.dictionary_VR(keyword), "")
    n.StudyInstanceUID, n.SeriesInstanceUID = study or d.StudyInstanceUID, generate_uid()
    n.SOPClassUID, n.SOPInstanceUID, n.Modality = KOS, generate_uid(), "KO"
    n.SeriesNumber, n.InstanceNumber, n.Manufacturer = 99, 1, "A workstation"
    n.ContentDate, n.ContentTime = "20261126", "120000"
    n.ReferencedPerformedProcedureStepSequence = []
    n.ValueType, n.ContinuityOfContent = "CONTAINER", "SEPARATE"
    code = pydicom.Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = title, "DCM", meaning
    n.ConceptNameCodeSequence = [code]
    reference = pydicom.Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    series, evidence, template, item = (pydicom.Dataset() for _ in range(4))
    series.SeriesInstanceUID, series.ReferencedSOPSequence = d.SeriesInstanceUID, [reference]
    evidence.StudyInstanceUID, evidence.ReferencedSeriesSequence = n.StudyInstanceUID, [series]
    n.CurrentRequestedProcedureEvidenceSequence = [evidence]
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    n.ContentTemplateSequence = [template]
    item.RelationshipType, item.ValueType, item.ReferencedSOPSequence = "CONTAINS", "IMAGE", [reference]
    n.ContentSequence = [item]
    n.file_meta = pydicom.dataset.FileMetaDataset()
    n.file_meta.MediaStorageSOPClassUID, n.file_meta.MediaStorageSOPInstanceUID = KOS, n.SOPInstanceUID
    n.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    n.is_little_endian, n.is_implicit_VR = True, False
    n.save_as(out, write_like_original=False)
    return out


PERSON = ("121008", "PNAME", "(0040,a123) PN [Reader^Jane]")
DEVICE = ("121005", "CODE", "(0040,a168) SQ", "(fffe,e000) -", "(0008,0100) SH [121007]", "(0008,0102) SH [DCM]", "(0008,0104) LO [Device]", "(fffe,e00d) -",
          "(fffe,e0dd) -")


def report(out, study, observers=(PERSON,), title=("LN", "18748-4"), **flags):
    """Another's report of a study, made by DCMTK: COMPLETE, UNVERIFIED, of a person; flags: other values, None: absent."""
    flags = {"completion": "COMPLETE", "verification": "UNVERIFIED", "preliminary": None, "author": None, **flags}

    def concept(scheme, value):
        return ["(0040,a043) SQ", "(fffe,e000) -", f"(0008,0100) SH [{value}]", f"(0008,0102) SH [{scheme}]", "(0008,0104) LO [words]", "(fffe,e00d) -",
                "(fffe,e0dd) -"]

    lines = ["(0008,0005) CS [ISO_IR 192]", "(0008,0016) UI [1.2.840.10008.5.1.4.1.1.88.11]", f"(0008,0018) UI [{generate_uid()}]",
             "(0008,0020) DA [20261127]", "(0008,0023) DA [20261127]", "(0008,0030) TM [120000]", "(0008,0033) TM [120000]", "(0008,0050) SH",
             "(0008,0060) CS [SR]", "(0008,0070) LO [somebody else]", "(0008,0090) PN", "(0008,1111) SQ", "(fffe,e0dd) -", "(0010,0010) PN [Doe^Jane]",
             "(0010,0020) LO [P1]", "(0010,0030) DA", "(0010,0040) CS", f"(0020,000d) UI [{study}]", f"(0020,000e) UI [{generate_uid()}]",
             "(0020,0010) SH", "(0020,0011) IS [9]", "(0020,0013) IS [1]", "(0040,a040) CS [CONTAINER]", *concept(*title), "(0040,a050) CS [SEPARATE]",
             "(0040,a372) SQ", "(fffe,e0dd) -"]
    if flags["author"]:
        lines += ["(0040,a078) SQ", "(fffe,e000) -", f"(0040,a084) CS [{flags['author']}]", "(fffe,e00d) -", "(fffe,e0dd) -"]
    lines += [f"({tag}) CS [{flags[name]}]" for tag, name in (("0040,a491", "completion"), ("0040,a493", "verification"), ("0040,a496", "preliminary"))
              if flags[name]]
    lines.append("(0040,a730) SQ")
    for code, kind, *value in observers:
        lines += ["(fffe,e000) -", "(0040,a010) CS [HAS OBS CONTEXT]", f"(0040,a040) CS [{kind}]", *concept("DCM", code), *value, "(fffe,e00d) -"]
    lines += ["(fffe,e000) -", "(0040,a010) CS [CONTAINS]", "(0040,a040) CS [TEXT]", *concept("DCM", "121071"), "(0040,a160) UT [As dictated.]",
              "(fffe,e00d) -", "(fffe,e0dd) -"]
    with open(out + ".dump", "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    subprocess.run(["dump2dcm", "-g", "+te", out + ".dump", out], check=True)
    return out
