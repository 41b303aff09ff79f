#!/usr/bin/python3
"""Our objects as pydicom reads them: results_parity.py WRITE_SAMPLES. Patient, study, pixels, region, map, references are what
tests/dicom/sample.c and sample_objects.c put in."""
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import numpy
    import pydicom
except ImportError as missing:
    print(f"skipped: {missing} (scripts/deps)")
    sys.exit(77)

warnings.simplefilter("ignore")
ROWS, COLS = 12, 17
PATIENT = {"PatientName": "Müller^Jörg", "PatientID": "4711", "PatientBirthDate": "19700101", "PatientSex": "M",
           "PatientAge": "056Y", "StudyInstanceUID": "1.2.3.4", "StudyDate": "20261122", "StudyTime": "081500",
           "AccessionNumber": "ACC-1", "StudyDescription": "Cervical spine", "StudyID": "S1",
           "ReferringPhysicianName": "House^Gregory"}
IMAGES = {("1.2.3.4.1", "1.2.3.4.5"), ("1.2.3.4.2", "1.2.3.4.6"), ("1.2.3.4.3", "1.2.3.4.5")}


def equal(got, expected, what):
    if got != expected:
        raise AssertionError(f"{what}: {got!r} instead of {expected!r}")


def pairs(series, name):
    return {(item.ReferencedSOPInstanceUID, one.SeriesInstanceUID) for one in series for item in getattr(one, name)}


def picture(dataset, frame):
    expected = (numpy.arange(ROWS * COLS * 3) * 7 + frame * 50).astype(numpy.uint8).reshape(ROWS, COLS, 3)
    array = dataset.pixel_array.reshape(-1, ROWS, COLS, 3)[frame]
    equal(numpy.array_equal(array, expected), True, f"pixels of frame {frame + 1}")


def sr(dataset):
    evidence = dataset.CurrentRequestedProcedureEvidenceSequence
    equal(pairs(evidence[0].ReferencedSeriesSequence, "ReferencedSOPSequence"), IMAGES, "evidence")
    group = dataset.ContentSequence[5].ContentSequence[0].ContentSequence
    number = [item for item in group if item.ValueType == "NUM"][0]
    equal(str(number.MeasuredValueSequence[0].NumericValue), "0.93", "score")


def sc(dataset):
    picture(dataset, 0)


def frames(dataset):
    equal(dataset.NumberOfFrames, 3, "frames")
    for i in range(3):
        picture(dataset, i)
    equal([item.ReferencedSOPInstanceUID for item in dataset.SourceImageSequence], ["1.2.3.4.1", "1.2.3.4.2", "1.2.3.4.3"], "sources")


def gsps(dataset):
    graphic = dataset.GraphicAnnotationSequence[0].GraphicObjectSequence[0]
    equal(list(graphic.GraphicData), [2.5, 3, 12, 3, 12, 9.5, 2.5, 9.5, 2.5, 3], "region")
    equal((graphic.GraphicType, graphic.GraphicAnnotationUnits), ("POLYLINE", "PIXEL"), "graphic")
    equal(pairs(dataset.ReferencedSeriesSequence, "ReferencedImageSequence"), {("1.2.3.4.1", "1.2.3.4.5")}, "image")


def pmap(dataset):
    values = numpy.frombuffer(dataset.FloatPixelData, "<f4").reshape(ROWS, COLS)
    expected = (numpy.arange(ROWS * COLS).astype(numpy.float32) / numpy.float32(100)).reshape(ROWS, COLS)
    equal(numpy.array_equal(values, expected), True, "map")
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    equal((quantity.CodeValue, quantity.CodingSchemeDesignator), ("130404", "DCM"), "quantity")
    equal((mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept), (1, 0), "mapping")
    equal(dataset.ContentQualification, "RESEARCH", "qualification")


def rejection(dataset):
    equal(dataset.ConceptNameCodeSequence[0].CodeValue, "113038", "title")
    items = [item for item in dataset.ContentSequence if "ReferencedSOPSequence" in item]
    equal({item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in items}, {one for one, _ in IMAGES}, "references")


def main():
    readers = {"sr": sr, "sc": sc, "frames": frames, "gsps": gsps, "pmap": pmap, "rejection": rejection}
    failed = 0
    for options in ([], ["--utf8"]):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.argv[1], *options, folder], check=True)
            equal(sorted(os.listdir(folder)), sorted(name + ".dcm" for name in readers), "kinds")
            for name, reader in readers.items():
                try:
                    dataset = pydicom.dcmread(os.path.join(folder, name + ".dcm"))
                    equal(dataset.SpecificCharacterSet, "ISO_IR 192" if options else "ISO_IR 100", "character set")
                    for keyword, expected in PATIENT.items():
                        equal(str(getattr(dataset, keyword)), expected, keyword)
                    reader(dataset)
                except (AssertionError, AttributeError, IndexError) as problem:
                    failed += 1
                    print(f"FAILED {name} {options}: {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
