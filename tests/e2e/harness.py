"""What the end-to-end tests share: a real cervigated, real peers, real images. Debian's own python3 (pydicom, PIL)."""
import fcntl
import functools
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

import numpy
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(SOURCE, "build/release"))
BIN = os.path.join(BUILD, "bin")
SHARED = os.path.join(os.path.dirname(SOURCE), "shared")
MODEL = os.environ.get("CERVIGATE_MODEL", os.path.join(SOURCE, "models/cervigate-phantom"))
DX, CR = "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1"
PORTS = 12000, 32000
SC, SR3D = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.34"
SETTLED = 0.1  # seconds without a write
STILL = 5  # seconds
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def needs_shared(part):
    return unittest.skipUnless(os.path.isdir(os.path.join(SHARED, part)), "skipped: no shared data")


def free_port():
    """A port that nobody has, and that none of the tests beside this one is given while this one runs: they count through the ports below those that
    the kernel gives to callers, which would have a port that the kernel chose before its server has."""
    with open(os.path.join(tempfile.gettempdir(), f"cervigate-ports-{os.getuid()}"), "a+", encoding="ascii") as last:
        fcntl.flock(last, fcntl.LOCK_EX)
        last.seek(0)
        port = int(last.read() or random.randrange(*PORTS))
        while True:
            port = port + 1 if port + 1 < PORTS[1] else PORTS[0]
            with socket.socket() as s:
                try:
                    s.bind(("", port))
                    break
                except OSError:
                    continue
        last.truncate(0)
        last.write(str(port))
        return port


def is_sanitized():
    """Whether the node is built with a sanitizer: it is ten times slower then."""
    try:
        with open(os.path.join(BIN, "cervigated"), "rb") as program:
            text = program.read()
    except FileNotFoundError:
        return False
    return b"__asan_init" in text or b"__tsan_init" in text


SANITIZED = is_sanitized()
PATIENCE = int(os.environ.get("CERVIGATE_SLOW", 10 if SANITIZED else 1))  # how many times slower this build and machine are than the times below


def set_clock(path, seconds):
    """CERVIGATE_CLOCK_OFFSET's file, in place: nodes have it mapped, and would die of one that has no bytes for a moment."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.pwrite(fd, str(seconds).encode().ljust(32), 0)
    os.close(fd)


def wait_for(condition, seconds, what):
    """The condition's value once it holds. Of a pause that is longer than STILL, only so much counts: whoever measures on this machine stops
    all others, the node and its test, for minutes, and nobody is late for that."""
    left, pause = seconds * PATIENCE, 0.02
    while True:
        begin = time.monotonic()
        value = condition()
        if value:
            return value
        if left < 0:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)
        pause = min(1.1 * pause, 0.1)
        left -= min(time.monotonic() - begin, STILL)


def run(*command, **options):
    options.setdefault("timeout", 120 * PATIENCE)
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, errors="replace", **options)


def complaints(path):
    """What dciodvfy says of an object, but for its warning of every private coding scheme (docs/codes.md)."""
    said = run("dciodvfy", "-new", path)
    return [line for line in (said.stdout + said.stderr).split("\n") if line.startswith(("Error", "Warning")) and
            not line.endswith("Unrecognized defined term = <99CERVIGATE>")]


def head(path):
    """A file's dataset without its pixels, to be looked at only: who waits asks twenty times a second, what has not changed is read once."""
    now = os.stat(path)
    return head_of(path, now.st_size, now.st_mtime_ns)


@functools.lru_cache(maxsize=None)
def head_of(path, _size, _written):
    return pydicom.dcmread(path, stop_before_pixels=True)


class Node:
    """cervigated in a folder of its own. `peers`: name -> (AE title, port); each is a destination with the further attributes `destination`.
    `models`: one or two folders instead of `model`; `others`: peers that are no destinations; `report`, `study`, `console`: attributes of those elements."""

    def __init__(self, peers, mode="demo", quiet=1, rules=None, limits="", receive="", environment=None, model=MODEL,
                 outputs="SR SC", destination="", models=None, report="", study="", console="", log='level="info"', others=None):
        self.folder = tempfile.mkdtemp(prefix="cervigate-e2e-")
        self.spool = os.path.join(self.folder, "spool")
        self.config = os.path.join(self.folder, "cervigate.xml")
        self.environment = dict(os.environ, **(environment or {}))
        rules = rules or """<rule name="cspine" action="analyze"><match attribute="Modality" values="DX CR"/>
              <match attribute="BodyPartExamined" values="CSPINE"/></rule>"""
        peer = "".join(f'<peer name="{n}" aeTitle="{a}" host="127.0.0.1" port="{p}"/>' for n, (a, p) in {**peers, **(others or {})}.items())
        if "look=" not in destination:  # most tests' peers have no originals
            destination += ' look="never"'
        destination = "".join(f'<destination peer="{n}" outputs="{outputs}" {destination} demo="true" retryFirst="1" retryMost="2"/>' for n in peers)
        more = "".join(f'<model folder="{m}"/>' for m in models or ())
        more = f"<models>{more}</models>" if models else ""
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""<?xml version="1.0" encoding="UTF-8"?>
<cervigate xmlns="urn:cervigate:config:1">
  <node aeTitle="CERVIGATE" port="0" address="127.0.0.1" checkCalledAeTitle="true" mode="{mode}" spool="{self.spool}" {'' if models else f'model="{model}"'}/>
  {receive}
  {more}
  {f"<report {report}/>" if report else ""}
  <study quietTime="{quiet}" {study}/>
  {f"<peers>{peer}</peers>" if peer else ""}{f"<destinations>{destination}</destinations>" if peers else ""}
  <rules>{rules}</rules>
  {limits}
  <console enabled="true" address="127.0.0.1" port="0" {console}/>
  <log {log}/>
</cervigate>
""")
        self.log_path = os.path.join(self.folder, "log")
        self.process = None
        self.start()

    def start(self, environment=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([os.path.join(BIN, "cervigated"), "--config", self.config, "--foreground"],
                                            stdout=log, stderr=log, env=dict(self.environment, **(environment or {})))

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"cervigated ended with {self.process.returncode}:\n{self.log()}")
            return self.facts().get("pid") == str(self.process.pid) and self.echo().returncode == 0
        wait_for(ready, 30, "C-ECHO")
        return self

    def facts(self):
        try:
            with open(os.path.join(self.spool, "run/node"), encoding="utf-8") as f:
                return dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
        except FileNotFoundError:
            return {}

    @property
    def port(self):
        return int(self.facts()["dicom_port"])

    def echo(self, timeout=5):
        return run("echoscu", "-to", timeout, "-aec", "CERVIGATE", "127.0.0.1", self.port)

    def send(self, *files):
        """storescu with every file's own transfer syntax; the result of each is in its output."""
        return run("dcmsend", "-v", "-nh", "-aec", "CERVIGATE", "--no-uid-checks", "127.0.0.1", self.port, *files)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def child_kib(self):
        """The most memory that each object child had, in KiB, as the kernel told at its end."""
        return [int(n) for n in re.findall(r"\bchild_kib=([1-9][0-9]*)", self.log())]

    def admin(self, *arguments):
        return run(os.path.join(BIN, "cervigate"), *arguments, env=dict(self.environment, CERVIGATE_CONFIG=self.config))

    def status(self):
        return json.loads(self.admin("status", "--json").stdout)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30 * PATIENCE)
        code = self.process.returncode
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def kill_supervisor(self):
        self.process.kill()
        self.process.wait()


class StoreScp:
    """DCMTK's storescp as the PACS: every object a file, bit by bit. `options`: more of storescp's (what it takes)."""
    ae = "PACS"

    def __init__(self, *options, port=None):
        self.options = options
        self.port, self.folder = port or free_port(), tempfile.mkdtemp(prefix="cervigate-pacs-")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(["storescp", "+B", "-aet", self.ae, "--fork", "-od", self.folder, "-fe", ".dcm",
                                         *map(str, self.options), str(self.port)],
                                        env=dict(os.environ, TCP_NODELAY="1"), **QUIET)
        wait_for(lambda: run("echoscu", "-aec", self.ae, "127.0.0.1", self.port).returncode == 0, 10, "storescp")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def objects(self, sop_class=None, study=None):
        found = []
        for path in glob.glob(self.folder + "/*.dcm"):
            try:
                age = time.time() - os.stat(path).st_mtime
                if 0 <= age < SETTLED:  # its pixels may still be on their way
                    time.sleep(SETTLED - age)
                dataset = head(path)
            except Exception:  # still being written
                continue
            if (sop_class is None or dataset.get("SOPClassUID") == sop_class) and (study is None or dataset.get("StudyInstanceUID") == study):
                found.append(path)
        return sorted(found)


class Orthanc:
    """Orthanc from Debian as the PACS; `settings` are more of its configuration (plugins)."""
    ae = "ORTHANC"

    def __init__(self, **settings):
        self.port, self.http, self.folder = free_port(), free_port(), tempfile.mkdtemp(prefix="cervigate-orthanc-")
        self.config = os.path.join(self.folder, "orthanc.json")
        with open(self.config, "w", encoding="utf-8") as f:
            json.dump({"Name": "PACS", "StorageDirectory": self.folder, "IndexDirectory": self.folder, "DicomAet": self.ae,
                       "DicomPort": self.port, "HttpPort": self.http, "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
                       "DicomAlwaysAllowStore": True, "DicomCheckCalledAet": True, "UnknownSopClassAccepted": True,
                       "Plugins": [], **settings}, f)
        self.process = None
        self.start()

    def start(self):
        def answers():
            if self.process is None or self.process.poll() is not None:  # a port of it was taken meanwhile
                self.process = subprocess.Popen(["Orthanc", self.config], **QUIET)
            return run("echoscu", "-aec", self.ae, "127.0.0.1", self.port).returncode == 0
        wait_for(answers, 60, "Orthanc")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http}{path}", timeout=30) as answer:
            return answer.read()

    def put(self, path, what):
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", json.dumps(what).encode(), method="PUT")
        with urllib.request.urlopen(request, timeout=30):
            pass

    def instances(self):
        """[(SOP Class UID, Study Instance UID, id)] of all that is stored."""
        out = []
        for study in json.loads(self.get("/studies?expand")):
            for series in study["Series"]:
                for instance in json.loads(self.get(f"/series/{series}"))["Instances"]:
                    uid = self.get(f"/instances/{instance}/content/0008-0016").decode().strip("\0 ")
                    out.append((uid, study["MainDicomTags"]["StudyInstanceUID"], instance))
        return out

    def download(self, instance, path):
        with open(path, "wb") as f:
            f.write(self.get(f"/instances/{instance}/file"))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def wrap(pixels, path, bits=12, monochrome1=False, lut_shape=True, study=None, **attributes):
    """An 8-bit grey plane as DX, as a modality would send it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DX, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SpecificCharacterSet = "ISO_IR 192"
    d.SOPClassUID, d.SOPInstanceUID = DX, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID = study or generate_uid(), generate_uid()
    d.PatientName, d.PatientID, d.PatientBirthDate, d.PatientSex = "Prüfung^Ärztin", "E2E-0001", "19700102", "F"
    d.StudyDate, d.StudyTime, d.StudyID, d.AccessionNumber = "20261122", "053000", "1", "ACC0001"
    d.ReferringPhysicianName, d.StudyDescription = "", "HWS seitlich"
    d.Modality, d.SeriesNumber, d.InstanceNumber, d.BodyPartExamined, d.ViewPosition = "DX", 1, 1, "CSPINE", "LL"
    d.ImageType = ["ORIGINAL", "PRIMARY"]
    d.PatientOrientation = ["A", "F"]
    d.PresentationIntentType, d.PixelIntensityRelationship, d.PixelIntensityRelationshipSign = "FOR PRESENTATION", "LOG", 1
    top = (1 << bits) - 1
    stored = numpy.rint(pixels.astype(numpy.float64) * top / 255).astype(numpy.uint16)
    stored = top - stored if monochrome1 else stored
    d.Rows, d.Columns = pixels.shape
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME1" if monochrome1 else "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = (8 if bits == 8 else 16), bits, bits - 1, 0
    if lut_shape:
        d.PresentationLUTShape = "INVERSE" if monochrome1 else "IDENTITY"
    d.WindowCenter, d.WindowWidth = str((top + 1) // 2), str(top + 1)
    d.RescaleIntercept, d.RescaleSlope, d.RescaleType = "0", "1", "US"
    d.LossyImageCompression, d.BurnedInAnnotation = "00", "NO"
    d.PixelData = (stored.astype(numpy.uint8) if bits == 8 else stored.astype("<u2")).tobytes()
    if len(d.PixelData) % 2:
        d.PixelData += b"\0"
    for keyword, value in attributes.items():
        if value is None:
            del d[keyword]
        else:
            setattr(d, keyword, value)
    d.save_as(str(path), write_like_original=False)
    return d


def once_a_build(program, name, make):
    """A folder that make(folder) fills, once for this program of the build; to be copied from."""
    kept = os.path.join(BUILD, "test-made", f"{os.stat(program).st_mtime_ns}-{name}")
    if not os.path.isdir(kept):
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        made = tempfile.mkdtemp(dir=os.path.dirname(kept))
        make(made)
        os.chmod(made, 0o755)
        try:
            os.rename(made, kept)
        except OSError:  # another test was first
            shutil.rmtree(made)
    return kept


def phantoms(folder, count, seed=7, size=384):
    """Phantom PNGs of the product's own generator: [(path, class)]."""
    def make(out):
        made = run(program, "phantom", "--out", out, "--count", count, "--seed", seed, "--size", size)
        if made.returncode:
            raise AssertionError("cervigate phantom: " + made.stderr)
    program = os.path.join(BIN, "cervigate")
    shutil.copytree(once_a_build(program, f"phantoms-{count}-{seed}-{size}", make), folder, dirs_exist_ok=True)
    return sorted((p, os.path.basename(os.path.dirname(p)).replace("c-spine_", "")) for p in glob.glob(folder + "/*/*.png"))


def grey(path):
    from PIL import Image
    return numpy.asarray(Image.open(path).convert("L"))


def dataset_of(path):
    """The dataset's bytes behind preamble and meta group, as a Storage SCU sends them."""
    with open(path, "rb") as f:
        if pydicom.filereader.read_preamble(f, True) is None:
            f.seek(0)
        else:
            pydicom.filereader._read_file_meta_info(f)
        return f.read()


def dataset_digest(path):
    return hashlib.sha256(dataset_of(path)).hexdigest()


def scores(report):
    """{class: model score} of each judged image of an SR, in order; the class that is no finding is called "no finding"."""
    groups = {}

    def walk(item):
        if item.get("ValueType") == "CONTAINER" and item.ConceptNameCodeSequence[0].CodeValue == "125007":
            image, found = None, {}
            for child in item.ContentSequence:
                region = child.get("ContentSequence", [None])[0] if child.ValueType == "SCOORD" else None
                if child.ValueType == "NUM":
                    name = child.ConceptNameCodeSequence[0].CodeMeaning
                    found[name.replace("Model score, ", "")] = float(child.MeasuredValueSequence[0].NumericValue)
                elif child.ValueType == "IMAGE" or region:
                    image = (region or child).ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            groups.setdefault(image, {}).update(found)
        for child in item.get("ContentSequence", []):
            walk(child)
    walk(report)
    return list(groups.values())
