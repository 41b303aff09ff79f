"""What scripts/results asks of each result: the independent validators, and pydicom's comparison with the sources. Every function
gives (file, complaint) pairs; none is a pass."""
import collections
import concurrent.futures
import os
import re

import pydicom
from pydicom.dataelem import RawDataElement

import harness as h

KINDS = {h.SR3D: "Comprehensive 3D SR", "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR", "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
         h.SC: "Secondary Capture", "1.2.840.10008.5.1.4.1.1.7.4": "Multi-frame True Color SC",
         "1.2.840.10008.5.1.4.1.1.11.1": "Presentation State", "1.2.840.10008.5.1.4.1.1.30": "Parametric Map",
         "1.2.840.10008.5.1.4.1.1.88.59": "Rejection note"}
REPORTS = [k for k, v in KINDS.items() if v.endswith(" SR")]
# Patient and study attributes that a result shares with its source.
SHARED = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
          "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription")
FORBIDDEN = re.compile(r"(?i)\b(probability|confidence|absent|normal|normality)\b")
# dcentvfy's own table holds an SR's Accession Number for the Series' and an image's for the Study's: its one false alarm.
FALSE_ALARM = re.compile(r"Element=<AccessionNumber> IE <(Study|Series)> versus <(Study|Series)>")


def head(path):
    return pydicom.dcmread(path, stop_before_pixels=True)


def outcome(d):
    """Of a report: the code of its summary (111241, 111242, 111245 ...)."""
    found = [i.ConceptCodeSequence[0].CodeValue for i in items(d) if i.get("ValueType") == "CODE" and concept(i) == "111017"]
    return {"111241": "no finding", "111242": "finding", "111245": "not processed"}.get(found[0] if found else "", "other: " + str(found))


def kind(path):
    d = head(path)
    name = KINDS.get(d.SOPClassUID, d.SOPClassUID)
    if d.SOPClassUID in REPORTS:
        name += ", " + outcome(d) + (", amended" if "PredecessorDocumentsSequence" in d else "")
    return name


def items(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from items(child)


def concept(item):
    return item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""


def lines_of(said):
    return [line for line in (said.stdout + said.stderr).split("\n") if line.strip()]


def dciodvfy(studies):
    files = [r for s in studies for r in s.results]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, said in zip(files, pool.map(lambda p: h.run("dciodvfy", "-new", p), files)):
            yield from ((path, "dciodvfy: " + line) for line in lines_of(said) if line.startswith(("Error", "Warning")))


def dcentvfy(studies):
    for study in studies:
        said = h.run("dcentvfy", *study.files, *study.results)
        yield from ((study.results[0], "dcentvfy: " + line) for line in lines_of(said) if not FALSE_ALARM.search(line))


def pixelmed(studies):
    """A JVM a processor: each report takes seconds, and its validator is not for threads."""
    reports = [r for s in studies for r in s.results if head(r).SOPClassUID in REPORTS]
    parts = [p for p in (reports[n::os.cpu_count()] for n in range(os.cpu_count())) if p]
    script = os.path.join(h.SOURCE, "tests/sr_templates/pixelmed_validate.sh")
    with concurrent.futures.ThreadPoolExecutor(len(parts) or 1) as pool:
        for said in pool.map(lambda part: h.run(script, *part, timeout=300 + 30 * len(part)), parts):
            if said.returncode not in (0, 1):
                yield "", "PixelMed: " + said.stdout[-300:] + said.stderr[-300:]
            for line in lines_of(said):
                path, _, complaint = line.partition(": ")
                if complaint.startswith(("Error", "Warning")):
                    yield path, "PixelMed: " + complaint


def dsrdump(studies):
    for path in (r for s in studies for r in s.results if head(r).SOPClassUID in REPORTS):
        said = h.run("dsrdump", "-Ph", path)
        if said.returncode or "Imaging Measurement Report" not in said.stdout.split("\n")[0]:
            yield path, "dsrdump: " + (said.stderr.strip() or said.stdout.split("\n")[0])
        yield from ((path, "dsrdump: " + line) for line in said.stderr.split("\n") if line.startswith(("E:", "F:")))


def as_bytes(d, keyword):
    element = d.get_item(pydicom.tag.Tag(keyword))
    value = element.value if isinstance(element, RawDataElement) else b""
    return (value or b"").strip(b" \0")


def same(source_path, result_path, keyword):
    """Equal as Unicode; or the same bytes of the same character set, where a value is none of it."""
    bytes_ = [(as_bytes(d, "SpecificCharacterSet"), as_bytes(d, keyword)) for d in (head(source_path), head(result_path))]
    if bytes_[0] == bytes_[1] or not bytes_[0][1] and not bytes_[1][1]:
        return True
    values = [str(head(p).get(keyword) or "").rstrip(" \0") for p in (source_path, result_path)]
    return values[0] == values[1]


def comparison(studies):
    """pydicom reads each result and compares it with its sources."""
    seen, series_of = {}, collections.defaultdict(set)
    for study in studies:
        for path in study.results:
            d = pydicom.dcmread(path)
            for keyword in SHARED:
                if not same(study.files[0], path, keyword):
                    yield path, f"{keyword}: {d.get(keyword)!r}, the source has {head(study.files[0]).get(keyword)!r}"
            if not d.SOPInstanceUID.startswith("2.25.") or d.SOPInstanceUID in seen or not d.SOPInstanceUID.is_valid:
                yield path, f"SOP Instance UID {d.SOPInstanceUID} is none of ours, or another's"
            if d.SOPInstanceUID != d.file_meta.MediaStorageSOPInstanceUID or d.SOPClassUID != d.file_meta.MediaStorageSOPClassUID:
                yield path, "the meta header names another object"
            seen[d.SOPInstanceUID] = path
            series_of[d.SeriesInstanceUID].add((d.SOPClassUID, study.uid))
            if d.SOPClassUID in REPORTS:
                yield from ((path, c) for c in tree(d, study))
            yield from ((path, c) for c in words(d))
            if "PixelData" in d and d.SOPClassUID in (h.SC,) and d.pixel_array.shape != (d.Rows, d.Columns, 3):
                yield path, f"pixels of shape {d.pixel_array.shape}"
        yield from amendments(study)
    for uid, members in series_of.items():
        if len(members) > 1:
            yield "", f"series {uid} holds several SOP classes or studies: {members}"


def tree(d, study):
    """The content tree holds whole codes, refers to images of the study, and to all of those only that stand as evidence."""
    known = {head(f).SOPInstanceUID for f in study.files}
    referred = set()
    for item in items(d):
        for keyword in ("ConceptNameCodeSequence", "ConceptCodeSequence"):
            for code in item.get(keyword, []):
                if not (code.get("CodeValue") or code.get("LongCodeValue")) or not code.get("CodingSchemeDesignator") or not code.get("CodeMeaning"):
                    yield f"a code is not whole: {code}"
        if item.get("ValueType") not in ("CONTAINER", "CODE", "TEXT", "NUM", "UIDREF", "IMAGE", "SCOORD"):
            yield f"value type {item.get('ValueType')}"
        referred |= {r.ReferencedSOPInstanceUID for r in item.get("ReferencedSOPSequence", [])}
    evidence = {r.ReferencedSOPInstanceUID for e in d.get("CurrentRequestedProcedureEvidenceSequence", [])
                for s in e.ReferencedSeriesSequence for r in s.ReferencedSOPSequence}
    studies = {e.StudyInstanceUID for e in d.get("CurrentRequestedProcedureEvidenceSequence", [])}
    if evidence != referred:
        yield f"evidence and tree differ: {sorted(evidence ^ referred)}"
    if not evidence or not evidence <= known or studies != {study.uid}:
        yield f"evidence is not of the study's images: {sorted(evidence - known)}, {sorted(studies)}"


def words(d):
    for element in d.iterall():
        if element.VR in ("LO", "LT", "SH", "ST", "UT", "CS") and element.keyword not in ("StudyDescription",):
            for value in [element.value] if isinstance(element.value, str) else element.value or []:
                if FORBIDDEN.search(str(value)):
                    yield f"{element.keyword}: a forbidden word: {value}"


def amendments(study):
    """A late image's report refers to the one before it, and holds all images; every other stands alone."""
    reports = [head(r) for r in study.results if head(r).SOPClassUID in REPORTS]
    wanted = 2 if study.choice["event"] == "late image" else 1
    amended = [r for r in reports if "PredecessorDocumentsSequence" in r]
    if len(reports) != wanted or len(amended) != wanted - 1:
        yield study.results[0], f"{len(reports)} reports, {len(amended)} of them amended; {wanted} and {wanted - 1} expected"
    first = {r.SOPInstanceUID for r in reports if "PredecessorDocumentsSequence" not in r}
    for report in amended:
        before = {r.ReferencedSOPInstanceUID for p in report.PredecessorDocumentsSequence
                  for s in p.ReferencedSeriesSequence for r in s.ReferencedSOPSequence}
        count = len([i for i in items(report) if i.get("ValueType") == "IMAGE" and "ReferencedSOPSequence" in i])
        if before != first or count < len(study.files):
            yield study.results[0], f"an amended report follows {sorted(before)}, not {sorted(first)}, with {count} images"


JUDGES = {"dciodvfy": dciodvfy, "dcentvfy": dcentvfy, "PixelMed": pixelmed, "dsrdump": dsrdump, "pydicom": comparison}
