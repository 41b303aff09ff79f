"""What scripts/results asks of each result: the independent validators, and pydicom's comparison with the sources. Every function
gives (file, complaint) pairs; none is a pass. ACCEPTED names the complaints that are known and are none of ours, to be counted apart."""
import collections
import concurrent.futures
import functools
import os
import re

import numpy
import pydicom
from pydicom.dataelem import RawDataElement

import harness as h

KINDS = {h.SR3D: "Comprehensive 3D SR", "1.2.840.10008.5.1.4.1.1.88.33": "Comprehensive SR", "1.2.840.10008.5.1.4.1.1.88.22": "Enhanced SR",
         h.SC: "Secondary Capture", "1.2.840.10008.5.1.4.1.1.7.4": "Multi-frame True Color SC",
         "1.2.840.10008.5.1.4.1.1.11.1": "Presentation State", "1.2.840.10008.5.1.4.1.1.30": "Parametric Map",
         "1.2.840.10008.5.1.4.1.1.88.59": "Rejection note"}
KOS = "1.2.840.10008.5.1.4.1.1.88.59"
REPORTS = [k for k, v in KINDS.items() if v.endswith(" SR")]
# Patient and study attributes that a result shares with its source.
SHARED = ("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime",
          "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription")
SCT_UNDETERMINED = "373068000"
FORBIDDEN = re.compile(r"(?i)\b(probability|confidence|certainty|absent|absence|normal|normality|abwesend|unauffällig|wahrscheinlichkeit|"
                       r"absente|normale|probabilité|ausente|ausencia|normalidad|probabilidad)\b")
# dciodvfy knows no private coding scheme but its author's: docs/codes.md.
MISSED_REGION = re.compile(
    r'PixelMed: Error: Template 1410 PlanarROIMeasurements/\[Row 1\] CONTAINER \(125007,DCM,"Measurement Group"\)/'
    r'\[Row (?:5\] SCOORD \(111030,DCM,"Image Region"\)|7\] IMAGE \(121214,DCM,"Referenced Segmentation Frame"\)): within (1\.[0-9.]+): '
    r'/CONTAINER \(126000,DCM,"Imaging Measurement Report"\)/CONTAINER \(126010,DCM,"Imaging Measurements"\)/'
    r'CONTAINER \(125007,DCM,"Measurement Group"\): Missing conditional content item')
# dcentvfy's own table holds an SR's Accession Number for the Series' and an image's for the Study's; and it compares bytes, so that
# a name in another character set is another to it.
ENTITY = re.compile(r"dcentvfy: Warning - Different information entities for attribute - Element=<AccessionNumber> IE <(Series|Study)> versus "
                    r"<(Series|Study)> for file <\S+> versus <\S+>")
ENCODED = re.compile(r"dcentvfy: Error - String attribute has different value - Element=<PatientName> IE=<Patient> for file <(\S+)> "
                     r"versus <(\S+)> Value 1 <.*> versus <.*>", re.S)
DESIGNATOR = re.compile(r"dciodvfy: Warning - <\S*/CodingSchemeDesignator\(0008,0102\)\[1\]> - Unrecognized defined term = <99CERVIGATE>")


head = h.head


def outcome(d):
    """Of a report: its own code of the study's outcome, or Undetermined."""
    found = [i.ConceptCodeSequence[0].CodeValue for i in items(d) if i.get("ValueType") == "CODE" and concept(i) == "study-outcome"]
    return "undetermined" if found == [SCT_UNDETERMINED] else found[0] if len(found) == 1 else f"outcomes {found}"


def language(d):
    """Of a report: its content's language (TID 1204)."""
    return next((i.ConceptCodeSequence[0].CodeValue for i in items(d) if concept(i) == "121049"), "none")


def kind(path):
    d = head(path)
    name = KINDS.get(d.SOPClassUID, d.SOPClassUID)
    if d.SOPClassUID in REPORTS:
        name += ", " + outcome(d) + (", amended" if "PredecessorDocumentsSequence" in d else "")
    if d.file_meta.TransferSyntaxUID.is_compressed:
        name += ", " + d.file_meta.TransferSyntaxUID.name
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
    """Over all that lies in one study: a moved or corrected one is two sets of objects."""
    for study in studies:
        for files, results in sets(study):
            if results:
                said = h.run("dcentvfy", *files, *(study.twins if files == study.files else []), *results)
                yield from ((results[0], "dcentvfy: " + line) for line in lines_of(said))


def sets(study):
    """(sources, results) of each version of the study."""
    for version in study.versions:
        yield version, [r for r in study.results if version_of(study, r) is version]


def version_of(study, result):
    """The sources that a result tells of: those with its patient, study and accession; None: of none."""
    return next((v for v in study.versions if not differences(v[0], result)), None)


def span(reports, most):
    """At most so many (study, report) pairs, those first that have most of what was not seen yet."""
    left, chosen, seen = list(reports), [], set()
    while left and len(chosen) < most:
        best = max(left, key=lambda pair: len(traits(*pair) - seen))
        left.remove(best)
        chosen.append(best)
        seen |= traits(*best)
    return chosen


def traits(study, path):
    d = head(path)
    return {kind(path), language(d), *((k, str(v)) for k, v in study.choice.items() if k != "name")}


def pixelmed(studies, most=None):
    """A JVM a processor: each report takes seconds, and its validator is not for threads."""
    pairs = [(s, r) for s in studies for r in s.results if head(r).SOPClassUID in REPORTS]
    reports = [r for _, r in (pairs if most is None else span(pairs, most))]
    parts = [p for p in (reports[n::os.cpu_count()] for n in range(os.cpu_count())) if p]
    script = os.path.join(h.SOURCE, "tests/sr_templates/pixelmed_validate.sh")
    with concurrent.futures.ThreadPoolExecutor(len(parts) or 1) as pool:
        for part, said in zip(parts, pool.map(lambda part: h.run(script, *part, timeout=300 + 30 * len(part)), parts)):
            if said.returncode not in (0, 1) or f"{len(part)} files," not in said.stdout:
                yield "", "PixelMed: " + said.stdout[-300:] + said.stderr[-300:]
            for line in lines_of(said):
                path, _, complaint = line.partition(": ")
                if complaint.startswith(("Error", "Warning")):
                    yield path, "PixelMed: " + complaint


def dsrdump(studies):
    for path in (r for s in studies for r in s.results if head(r).SOPClassUID in (*REPORTS, KOS)):
        said = h.run("dsrdump", "-Ph", path)
        title = head(path).ConceptNameCodeSequence[0].CodeMeaning if head(path).SOPClassUID == KOS else "Imaging Measurement Report"
        if said.returncode or title not in said.stdout.split("\n")[0]:
            yield path, f"dsrdump: {said.returncode}: {said.stdout.split(chr(10))[0]}"
        yield from ((path, "dsrdump: " + line) for line in said.stderr.split("\n") if line.startswith(("E:", "F:")))


def as_bytes(d, keyword):
    element = d.get_item(pydicom.tag.Tag(keyword))
    value = element.value if isinstance(element, RawDataElement) else b""
    return (value or b"").strip(b" \0")


def charset(d):
    return str(d.get("SpecificCharacterSet") or "")  # pydicom has decoded it already: it reads the others by it


@functools.lru_cache(maxsize=None)
def shared(path):
    """{keyword: ((character set, bytes), text)} of what a result has from its source."""
    d = pydicom.dcmread(path, stop_before_pixels=True)
    raw = {k: (charset(d), as_bytes(d, k)) for k in SHARED}  # before pydicom decodes them
    return {k: (raw[k], str(d.get(k) or "").rstrip(" \0")) for k in SHARED}


def same(source_path, result_path, keyword):
    """Equal as Unicode; or the same bytes of the same character set, where a value is none of it."""
    (a, text), (b, other) = (shared(p)[keyword] for p in (source_path, result_path))
    return a == b or not a[1] and not b[1] or text == other


def differences(source, result):
    return [k for k in SHARED if not same(source, result, k)]


def comparison(studies):
    """pydicom reads each result and compares it with its sources."""
    seen, series_of = {}, collections.defaultdict(set)
    for study in studies:
        for path in study.results:
            d = pydicom.dcmread(path)
            if version_of(study, path) is None:
                for keyword in differences(study.versions[0][0], path):
                    yield path, f"{keyword}: {d.get(keyword)!r}, the source has {head(study.versions[0][0]).get(keyword)!r}"
            if not d.SOPInstanceUID.startswith("2.25.") or d.SOPInstanceUID in seen or not d.SOPInstanceUID.is_valid:
                yield path, f"SOP Instance UID {d.SOPInstanceUID} is none of ours, or another's"
            if d.SOPInstanceUID != d.file_meta.MediaStorageSOPInstanceUID or d.SOPClassUID != d.file_meta.MediaStorageSOPClassUID:
                yield path, "the meta header names another object"
            seen[d.SOPInstanceUID] = path
            series_of[d.SeriesInstanceUID].add((d.SOPClassUID, d.StudyInstanceUID))
            if d.SOPClassUID in REPORTS:
                yield from ((path, c) for c in tree(d, study))
            yield from ((path, c) for c in words(d))
            yield from ((path, c) for c in pixels(d))
        yield from story(study)
    for uid, members in series_of.items():
        if len(members) > 1:
            yield "", f"series {uid} holds several SOP classes or studies: {members}"


def pixels(d):
    """Pictures are RGB of their matrix; a map is numbers from 0 to 1."""
    if KINDS.get(d.SOPClassUID) in ("Secondary Capture", "Multi-frame True Color SC"):
        wanted = tuple(n for n in (int(d.get("NumberOfFrames", 1)), d.Rows, d.Columns, 3) if n != 1)
        if d.pixel_array.shape != wanted:
            yield f"pixels of shape {d.pixel_array.shape}, not {wanted}"
        elif d.pixel_array.min() == d.pixel_array.max():
            yield "a picture of one colour"
    elif KINDS.get(d.SOPClassUID) == "Parametric Map":
        values = numpy.frombuffer(d.FloatPixelData, "<f4")
        if values.size != int(d.NumberOfFrames) * d.Rows * d.Columns or not numpy.isfinite(values).all() or values.max() <= 0:
            yield f"a map of {values.size} numbers from {values.min()} to {values.max()}"


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
    if not evidence or not evidence <= known or studies != {d.StudyInstanceUID}:
        yield f"evidence is not of the study's images: {sorted(evidence - known)}, {sorted(studies)}"


def words(d):
    for element in d.iterall():
        if element.VR in ("LO", "LT", "SH", "ST", "UT", "CS") and element.keyword not in ("StudyDescription",):
            for value in [element.value] if isinstance(element.value, str) else element.value or []:
                if FORBIDDEN.search(str(value)):
                    yield f"{element.keyword}: a forbidden word: {value}"


def references(d):
    """SOP Instance UIDs of the evidence of a rejection note, or of a report's predecessors."""
    sequence = d.get("CurrentRequestedProcedureEvidenceSequence" if d.SOPClassUID == KOS else "PredecessorDocumentsSequence", [])
    return {r.ReferencedSOPInstanceUID for p in sequence for s in p.ReferencedSeriesSequence for r in s.ReferencedSOPSequence}


# By event: (reports, was one taken back?). There may be more reports of what comes in several pieces.
STORIES = {"none": (1, False), "late image": (2, False), "corrected": (2, True), "moved": (2, True), "image rejected": (2, False),
           "retracted": (1, True), "reissued": (2, True)}


def story(study):
    """What an event has to lead to: one report stands at last, where the study is, and neither a note nor a later report names it."""
    d = [head(r) for r in study.results]
    reports = [r for r in d if r.SOPClassUID in REPORTS]
    rejected = {uid for n in d if n.SOPClassUID == KOS for uid in references(n)}
    amended = {uid for r in reports for uid in references(r)}
    mine = {r.SOPInstanceUID for r in reports}
    count, is_taken = STORIES[study.choice["event"]]
    if len(reports) < count or len({r.SOPClassUID for r in reports}) != 1:
        yield study.results[0], f"{len(reports)} reports; {count} of one class expected"
    if not amended <= mine or not rejected <= {r.SOPInstanceUID for r in d}:
        yield study.results[0], f"named, but never sent: {sorted((amended - mine) | (rejected - {r.SOPInstanceUID for r in d}))}"
    if bool(rejected & mine) != is_taken:
        yield study.results[0], f"{len(rejected & mine)} reports were taken back"
    standing = [r for r in study.results if head(r).SOPInstanceUID in mine - rejected - amended]
    wanted = 0 if study.choice["event"] == "retracted" else 1
    if len(standing) != wanted or any(version_of(study, r) is not study.versions[-1] for r in standing):
        yield study.results[0], f"{len(standing)} reports stand; {wanted} expected, of the sources as they were sent at last"
    for path in standing:
        evidence = {r.ReferencedSOPInstanceUID for e in head(path).CurrentRequestedProcedureEvidenceSequence
                    for s in e.ReferencedSeriesSequence for r in s.ReferencedSOPSequence}
        if evidence != {head(f).SOPInstanceUID for f in study.files} - study.gone:
            yield path, "the report that stands is not of all of the study's images, and of those only"
    yield from pictures(study, d, rejected)


def pictures(study, d, rejected):
    """Nothing that stands shows an image that was taken out."""
    for one in d:
        if one.SOPClassUID == h.SC and one.SOPInstanceUID not in rejected:
            shown = {i.ReferencedSOPInstanceUID for i in one.SourceImageSequence}
            if shown & study.gone:
                yield study.results[0], "a picture of a rejected image was not rejected"


JUDGES = {"dciodvfy": dciodvfy, "dcentvfy": dcentvfy, "PixelMed": pixelmed, "dsrdump": dsrdump, "pydicom": comparison}


def accepted(path, complaints):
    """Of all complaints about one result, those that are known: a list of them."""
    known = [c for c in complaints if DESIGNATOR.fullmatch(c) or ENTITY.fullmatch(c) or encoded(ENCODED.fullmatch(c))]
    return known + pixelmeds_fault(path, [c for c in complaints if c.startswith("PixelMed: ")])


def encoded(match):
    """Are the names of two files the same Unicode, in character sets that are not?"""
    if not match:
        return False
    sets_ = [charset(head(match[n])) for n in (1, 2)]
    return sets_[0] != sets_[1] and same(match[1], match[2], "PatientName")


def pixelmeds_fault(path, complaints):
    """When exactly one group of a report has an image region PixelMed takes all of its groups for TID 1410, and misses the regions of
    the others: two errors for each (docs/codes.md). These and no other, and as many, or none is accepted."""
    if not path or not complaints or head(path).SOPClassUID not in REPORTS:
        return []
    groups = [i for i in items(head(path)) if i.get("ValueType") == "CONTAINER" and concept(i) == "125007"]
    regions = [g for g in groups if any(i.get("ValueType") == "SCOORD" for i in g.ContentSequence)]
    found = [m for m in map(MISSED_REGION.fullmatch, complaints) if m]
    where = collections.Counter(m[1] for m in found)
    exact = len(regions) == 1 and len(where) == len(groups) - 1 and set(where.values()) == {2}
    return [m[0] for m in found] if exact else []
