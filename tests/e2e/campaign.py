"""Results of every kind out of the real daemon, for scripts/results to judge: nodes of several configurations, studies drawn from
the table below, sent, amended, collected."""
import glob
import os
import random
import re
import shutil
import tempfile
import time

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import generate_uid

import harness as h
import judges
import models

# What a node can be: `models` names one or two rows of MODELS, the rest are arguments of harness.Node; a node tells one study in this
# way, so that all of these are seen in the smallest campaign. `source`: only this kind of study.
ALL = "SR SC GSPS PMAP"
NOTES = 'rejectionNotes="true" '
NODES = [
    {"name": "bundled", "models": ["bundled"], "outputs": ALL},
    {"name": "a finding, all outputs, de", "models": ["finds"], "outputs": ALL, "report": 'language="de"'},
    {"name": "a finding, Comprehensive SR, fr", "models": ["always"], "outputs": ALL, "report": 'language="fr"',
     "destination": 'reportClass="comprehensive"'},
    {"name": "incomplete, Enhanced SR, es", "models": ["blind"], "outputs": "SR SC", "report": 'language="es"',
     "destination": 'reportClass="enhanced"'},
    {"name": "no finding", "models": ["blind"], "outputs": "SR SC", "study": 'requireC7T1="false"', "destination": 'pictureSyntax="rle"'},
    {"name": "never a finding, de, Comprehensive SR", "models": ["never"], "outputs": "SR SC", "report": 'language="de"',
     "destination": 'reportClass="comprehensive"'},
    {"name": "two that agree, Enhanced SR", "models": ["finds", "finds too"], "outputs": ALL, "destination": 'reportClass="enhanced"'},
    {"name": "two that disagree, fr", "models": ["finds", "blind"], "outputs": ALL, "report": 'language="fr"'},
    {"name": "CT, es", "models": ["slices"], "outputs": ALL, "report": 'language="es"', "source": "CT"},
    {"name": "CT by none", "models": ["finds"], "outputs": "SR SC", "source": "CT"},
    {"name": "report only", "models": ["bundled"], "outputs": "SR"},
]
# Models made of the bundled one (every operating point); and tiny ones of models.py.
MODELS = {"bundled": {}, "always": {"point": "0.000001"}, "never": {"point": "0.999999"}}
TINY = {"finds": {}, "finds too": {}, "blind": {"finds": False}, "slices": {"modalities": "CT", "series": (2, 2)}}
# What a study can be; each study draws one of each row, and all of a row are drawn equally often. With its twin for processing a DX
# image for presentation comes twice, the twin to be stored only.
STUDY = {
    "source": ["CR", "DX", "DX with its twin for processing", "SC", "CT"],
    "subject": ["lateral", "lateral", "lateral", "lateral", "ap", "child"],
    "images": [1, 1, 2, 3],
    "event": ["none", "late image", "corrected", "retracted", "reissued", "image rejected", "moved"],
}
PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
SOP_CLASSES = {"CR": (h.CR, "CR"), "DX": (h.DX, "DX"), "DX with its twin for processing": (h.DX, "DX"),
               "SC": (h.SC, "CR"), "CT": ("1.2.840.10008.5.1.4.1.1.2", "CT")}
RULES = """<rule name="raw" action="store"><match attribute="PresentationIntentType" pattern="^FOR PROCESSING$"/></rule>
           <rule name="all" action="analyze"/>"""
# Specific Character Set and a name in it, as modalities write them; the corpus's own are added to these.
NAMES = [
    (b"", b"Smith^John"), (b"ISO_IR 192", "Prüfung^Ärztin".encode()), (b"ISO_IR 100", "Müller^Jörg".encode("latin-1")),
    (b"ISO_IR 101", "Wałęsa^Józef".encode("iso8859-2")), (b"ISO_IR 144", "Люкceмбypг^Иван".encode("iso8859-5")),
    (b"ISO_IR 127", "قباني^لنزار".encode("iso8859-6")), (b"ISO_IR 126", "Διονυσιος^Νικος".encode("iso8859-7")),
    (b"ISO_IR 138", "שרון^דבורה".encode("iso8859-8")), (b"ISO_IR 166", "สมชาย^ใจดี".encode("tis-620")),
    (b"\\ISO 2022 IR 87", b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B"),
    (b"\\ISO 2022 IR 149", b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf"),
    (b"GB18030", "Wang^XiaoDong=王^小东".encode("gb18030")), (b"GBK", "Zhang^Wei=张^伟".encode("gbk")),
]


def corpus_names():
    """(character set, name) of the real files that name one, as bytes."""
    found = set()
    for path in sorted(glob.glob(os.path.join(h.SHARED, "corpus/**/*"), recursive=True)):
        try:
            d = pydicom.dcmread(path, specific_tags=["SpecificCharacterSet", "PatientName"], stop_before_pixels=True)
            charset, name = d.get_item(Tag(0x00080005)), d.get_item(Tag(0x00100010))
        except Exception:  # no DICOM file, or a broken one: the corpus has both
            continue
        if isinstance(charset, RawDataElement) and isinstance(name, RawDataElement) and charset.value and name.value:
            if max(name.value) > 127 or b"\x1b" in name.value:
                found.add((charset.value.rstrip(b" \0"), name.value.rstrip(b" \0")))
    return sorted(found)


def make_model(folder, point=None):
    os.makedirs(folder)
    for name in os.listdir(h.MODEL):
        if name != "model.xml":
            os.symlink(os.path.join(h.MODEL, name), os.path.join(folder, name))
    with open(os.path.join(h.MODEL, "model.xml"), encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r'operating-point="[^"]*"', f'operating-point="{point}"', text) if point else text
    with open(os.path.join(folder, "model.xml"), "w", encoding="utf-8") as f:
        f.write(text)
    return folder


def in_turn(values, rng):
    """Every value equally often, in an order of its own each time."""
    while True:
        yield from rng.sample(values, len(values))


def raw(d, tag, vr, value):
    padded = value + b" " * (len(value) % 2)
    d[tag] = RawDataElement(Tag(tag), vr, len(padded), padded, 0, d.is_implicit_VR, True)


class Study:
    """One study: its row of the table, its files, and the results that came. `versions`: the files as they were sent, once more where
    they were corrected. `gone`: the SOP Instance UIDs that were taken out of it."""

    def __init__(self, number, choice, folder):
        self.number, self.choice, self.folder = number, choice, folder
        self.uid = generate_uid(entropy_srcs=[folder, "study", str(number)])
        self.files, self.late, self.twins, self.results, self.versions, self.gone = [], [], [], [], [], set()

    def __str__(self):
        return f"study {self.number} ({', '.join(f'{k} {v}' for k, v in self.choice.items() if k != 'name')})"

    def write(self, phantoms):
        count = self.choice["images"] + (self.choice["event"] in ("late image", "image rejected"))
        count += self.choice["source"] == "CT"
        for n in range(count):
            self.files.append(self.image(n, phantoms[(self.number + n) % len(phantoms)]))
            if "twin" in self.choice["source"]:
                self.twins.append(self.twin(self.files[-1]))
        if self.choice["event"] == "late image":
            self.late.append(self.files.pop())

    def uids(self):
        """Study Instance UIDs: two, when it moved."""
        return {self.uid, *(judges.head(v[0]).StudyInstanceUID for v in self.versions)}

    def image(self, n, phantom):
        sop_class, modality = SOP_CLASSES[self.choice["source"]]
        d = pydicom.dcmread(phantom)
        d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = sop_class
        d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[self.uid, "image", str(n)])
        series = "slices" if self.choice["source"] == "CT" else str(n)
        d.SeriesInstanceUID, d.SeriesNumber, d.InstanceNumber = generate_uid(entropy_srcs=[self.uid, series]), n + 1, n + 1
        d.StudyDate, d.StudyTime = "20260401", "103000"
        d.StudyInstanceUID, d.StudyID, d.AccessionNumber = self.uid, str(self.number), f"A{self.number:05}"
        d.PatientID, d.Modality = f"CAMPAIGN-{self.number:05}", modality
        d.PatientBirthDate, d.PatientSex, d.PatientAge, d.StudyDescription = "19600229", "O", "066Y", ""
        self.of_class(d, n)
        charset, name = self.choice["name"]
        raw(d, 0x00080005, "CS", charset)
        raw(d, 0x00100010, "PN", name)
        return self.save(d, f"{self.number}-{n}.dcm")

    def save(self, d, name):
        d.set_original_encoding(d.is_implicit_VR, d.is_little_endian, d._character_set)  # so that raw bytes are written as they are
        path = os.path.join(self.folder, name)
        d.save_as(path)
        return path

    def twin(self, path):
        d = pydicom.dcmread(path)
        d.SOPClassUID = d.file_meta.MediaStorageSOPClassUID = PROCESSING
        d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[d.SOPInstanceUID, "twin"])
        d.SeriesInstanceUID, d.PresentationIntentType = generate_uid(entropy_srcs=[d.SeriesInstanceUID, "twin"]), "FOR PROCESSING"
        return self.save(d, os.path.basename(path) + ".raw")

    def corrected(self, **attributes):
        """The same images with other attributes, as new files."""
        out = []
        for path in self.files:
            d = pydicom.dcmread(path)
            for keyword, value in attributes.items():
                setattr(d, keyword, value)
            out.append(self.save(d, os.path.basename(path) + ".2"))
        return out

    def of_class(self, d, n):
        source = self.choice["source"]
        if source in ("SC", "CR", "CT"):
            for keyword in ("PresentationIntentType", "AnatomicRegionSequence"):
                if keyword in d:
                    del d[keyword]
        if source == "SC":
            d.ConversionType = "DI"
        elif source == "CT":
            d.ImagePositionPatient, d.ImageOrientationPatient = [0, 0, 2 * n], [1, 0, 0, 0, 1, 0]
            d.SeriesNumber, d.PixelSpacing, d.SliceThickness = 1, [0.5, 0.5], "2"
            d.FrameOfReferenceUID = generate_uid(entropy_srcs=[self.uid, "frame"])
            d.KVP, d.AcquisitionNumber = "120", 1


class Campaign:
    """Makes studies and their results until there are `count` of these; all of it is a function of `seed`, but for dates."""

    def __init__(self, count, seed):
        self.rng, self.folder = random.Random(seed), tempfile.mkdtemp(prefix="cervigate-results-")
        self.count, self.seed, self.studies = count, seed, []
        self.turns = {k: in_turn(v, self.rng) for k, v in STUDY.items()}
        names = NAMES + self.rng.sample(found := corpus_names(), min(len(found), 20))
        self.turns["name"] = in_turn(names, self.rng)
        self.models = {name: make_model(os.path.join(self.folder, "model-" + name), **row) for name, row in MODELS.items()}
        self.models.update({name: models.make(os.path.join(self.folder, "model-" + name), name=name.replace(" ", "-"), **row)
                            for name, row in TINY.items()})
        self.phantoms = {subject: self.draw(subject) for subject in sorted(set(STUDY["subject"]))}

    def draw(self, subject):
        out = os.path.join(self.folder, "phantoms-" + subject)
        made = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", out, "--count", 6, "--seed", self.seed, "--size", 320,
                     "--format", "dicom", "--subject", subject)
        if made.returncode:
            raise AssertionError("cervigate phantom: " + made.stderr)
        return sorted(glob.glob(out + "/**/*.dcm", recursive=True))

    def run(self):
        """Results come in rounds: each node gets a few studies, until there are enough."""
        have = 0
        while have < self.count:
            each = max(1, round((self.count - have) / len(NODES) / 5))
            have += sum(self.round(row, each) for row in NODES)
        return self.studies

    def round(self, row, count):
        studies = []
        for _ in range(count):
            choice = {"node": row["name"], **{k: next(turn) for k, turn in self.turns.items()}}
            choice["source"] = row.get("source", choice["source"])
            study = Study(len(self.studies) + len(studies), choice, self.folder)
            study.write(self.phantoms[choice["subject"]])
            studies.append(study)
        pacs = h.StoreScp("+xa")
        folders = [self.models[m] for m in row["models"]]
        options = {k: v for k, v in row.items() if k not in ("name", "models", "source", "destination")}
        options.update({"models": folders} if len(folders) > 1 else {"model": folders[0]})
        node = h.Node({"pacs": (pacs.ae, pacs.port)}, rules=RULES, destination=NOTES + row.get("destination", ""), **options)
        try:
            self.converse(node, pacs, studies)
        finally:
            node.stop()
            pacs.close()
        self.studies += studies
        return sum(len(s.results) for s in studies)

    def converse(self, node, pacs, studies):
        self.send(node, [f for s in studies for f in s.files + s.twins])
        self.await_reports(node, pacs, studies, lambda s: 1)
        for study in studies:
            study.versions = [list(study.files)]
            EVENTS[study.choice["event"]](self, node, pacs, study)
        self.await_reports(node, pacs, studies, lambda s: EXPECTED[s.choice["event"]])
        for study in studies:
            for uid in sorted(study.uids()):
                for path in pacs.objects(study=uid):
                    study.results.append(shutil.copy(path, os.path.join(self.folder, f"result-{study.number}-{os.path.basename(path)}")))

    def send(self, node, files):
        sent = node.send(*files)
        if sent.returncode:
            raise AssertionError(sent.stdout + sent.stderr)

    # ---- events: what becomes of a study after its first report

    def nothing(self, node, pacs, study):
        pass

    def late_image(self, node, pacs, study):
        self.send(node, study.late)
        study.files += study.late
        study.versions, study.late = [list(study.files)], []

    def corrected(self, node, pacs, study):
        study.versions.append(study.corrected(AccessionNumber=f"B{study.number:05}", PatientID=f"CORRECTED-{study.number:05}"))
        self.send(node, study.versions[-1])

    def moved(self, node, pacs, study):
        """All images go to another study."""
        study.versions.append(study.corrected(StudyInstanceUID=generate_uid(entropy_srcs=[study.uid, "moved"])))
        self.send(node, study.versions[-1])

    def rejected(self, node, pacs, study):
        first = judges.head(study.files[0])
        study.gone.add(first.SOPInstanceUID)
        self.send(node, [models.rejection_note(study.files[0], study.files[0] + ".note")])

    def retracted(self, node, pacs, study):
        report = next(d for d in map(judges.head, pacs.objects(study=study.uid)) if d.SOPClassUID in judges.REPORTS)
        self.admin(node, "retract", report.SOPInstanceUID, "--reason", "safety")
        return report

    def reissued(self, node, pacs, study):
        self.admin(node, "reissue", self.retracted(node, pacs, study).SOPInstanceUID)

    def admin(self, node, *arguments):
        said = node.admin("results", *arguments)
        if said.returncode:
            raise AssertionError(f"results {arguments}: {said.stdout}{said.stderr}")

    def await_reports(self, node, pacs, studies, wanted):
        """Of each study `wanted` reports, and nothing on its way any more."""
        def all_there():
            status = node.status()
            if status["deliveries"]["pending"] or status["instances"].get("received"):
                return False
            found = [head.StudyInstanceUID for head in map(judges.head, pacs.objects()) if head.SOPClassUID in judges.REPORTS]
            return all(sum(map(found.count, s.uids())) >= wanted(s) for s in studies)

        def settled():
            """And so it stays for longer than the quiet time: no study is open any more."""
            if not all_there():
                return False
            count = len(pacs.objects())
            time.sleep(1.4)
            return all_there() and len(pacs.objects()) == count
        try:
            h.wait_for(settled, 60 + 5 * len(studies), "a report of each study")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{node.log()[-3000:]}") from None

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


EVENTS = {"none": Campaign.nothing, "late image": Campaign.late_image, "corrected": Campaign.corrected, "moved": Campaign.moved,
          "image rejected": Campaign.rejected, "retracted": Campaign.retracted, "reissued": Campaign.reissued}
# Reports that a study gives at least, by its event.
EXPECTED = {"none": 1, "late image": 2, "corrected": 2, "moved": 2, "image rejected": 2, "retracted": 1, "reissued": 2}
