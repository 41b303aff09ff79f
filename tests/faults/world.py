"""What the tests of disk and memory share: a node on a spool of its own with a tiny model, a scripted PACS, and studies that cost
milliseconds to make and to send."""
import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import checker  # noqa: E402,F401
import harness as h  # noqa: E402
import ledger  # noqa: E402
import models  # noqa: E402
import pacs  # noqa: E402

SIDE, FIRST = 96, 10 ** 19  # pixels; a number in a UID has no leading zeros
UIDS = ("1.2.826.0.1.3680043.10.1337.1.%d", "1.2.826.0.1.3680043.10.1337.2.%d", "1.2.826.0.1.3680043.10.1337.3.%d")


def shim(name, folder):
    """An LD_PRELOAD library of this folder, compiled."""
    path = os.path.join(folder, name + ".so")
    subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
                    os.path.join(HERE, name + ".c"), "-o", path, "-ldl"], check=True)
    return path


class Studies:
    """Studies of one small DX image each: a template in which UIDs and pixels are replaced."""

    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.next = FIRST + self.random.randrange(10 ** 9) * 10000000
        plane = h.grey(h.phantoms(os.path.join(folder, "phantom"), 1, size=SIDE)[0][0])
        path = os.path.join(folder, "template.dcm")
        names = [u % FIRST for u in UIDS]
        h.wrap(plane, path, study=names[0], SeriesInstanceUID=names[1], PatientID="FAULT-00000000", AccessionNumber="FAULT-00000000",
               SOPInstanceUID=names[2])
        self.template = h.dataset_of(path)

    def halved(self):
        """An image that ends in the middle of its pixels: it will be refused."""
        return self.make(part=0.5)

    def make(self, study=None, selected=True, part=1):
        """A new image, of a study of its own or of this one; not `selected`: of a part of the body that no rule takes; `part` of it."""
        self.next += 1
        uid = [u % self.next for u in UIDS]
        data = self.template
        for old, new in zip(UIDS, (study or uid[0], uid[1], uid[2])):
            data = data.replace((old % FIRST).encode(), new.encode())
        patient = f"FAULT-{int((study or uid[0])[-8:]):08}"
        data = bytearray(data.replace(b"FAULT-00000000", patient.encode()))
        data[-2 * SIDE::2] = self.random.randbytes(SIDE)
        if not selected:
            data = data.replace(b"CSPINE", b"HAND  ")
        data = data[:int(len(data) * part) // 2 * 2]
        expected = ["delivered" if selected else "ignored"] if part == 1 else None
        return ledger.Source.of(h.DX, uid[2], str(h.ExplicitVRLittleEndian), bytes(data), expected, study or uid[0], patient)


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Tail:
    """A file of JSON lines that grows, read on from where it was read to."""

    def __init__(self, path):
        self.path, self.at, self.lines = path, 0, []

    def read(self):
        with open(self.path, "rb") as f:
            f.seek(self.at)
            data = f.read()
        whole = data[:data.rfind(b"\n") + 1]
        self.at += len(whole)
        self.lines += [json.loads(line) for line in whole.splitlines()]
        return self.lines


class World:
    """A node, its PACS and its sender. `where`: the folder below which all of them live; `disk`: below which the node does instead."""

    def __init__(self, seed, environment=None, where=None, disk=None, **node):
        self.folder = tempfile.mkdtemp(prefix="cervigate-faults-", dir=where)
        self.studies = Studies(self.folder, seed)
        self.model = models.make(os.path.join(self.folder, "model"))
        self.pacs = pacs.Pacs(os.path.join(self.folder, "pacs"))
        self.ledger_path = os.path.join(self.folder, "ledger.jsonl")
        before, tempfile.tempdir = tempfile.tempdir, disk or self.folder
        try:
            self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)}, model=self.model, environment=environment, **node)
        finally:
            tempfile.tempdir = before
        self.sender = ledger.Sender(lambda: self.node.port, self.ledger_path)
        self.sent, self.got, self.known = Tail(self.ledger_path), Tail(self.pacs.log_path), {}

    def acknowledged(self):
        """The ledger's lines of what was answered 0000."""
        return [line for line in self.sent.read() if line["kind"] == "store" and line["outcome"] == "0000"]

    def query(self, sql, *values):
        """Rows of the job store, read as any other process would."""
        with sqlite3.connect(f"file:{self.node.spool}/jobs.sqlite?mode=ro", uri=True, timeout=10) as db:
            return db.execute(sql, values).fetchall()

    def is_kept(self, source):
        """Whether the object is whole on the disk and known to the store."""
        path = os.path.join(self.node.spool, "objects", source.sha256[:2], source.sha256 + ".dcm")
        try:
            with open(path, "rb") as f:
                data = f.read()
        except OSError:
            return False
        whole = hashlib.sha256(data[ledger.dataset_offset(data):]).hexdigest() == source.sha256
        return whole and bool(self.query("SELECT 1 FROM instance WHERE sop_instance=? AND digest=?", source.sop_instance, source.sha256))

    def reported(self):
        """Studies of which the PACS has a report."""
        for line in self.got.read():
            if line["kind"] == "store" and line["path"] and line["path"] not in self.known:
                is_report = line["sop_class"].startswith("1.2.840.10008.5.1.4.1.1.88.")
                head = h.pydicom.dcmread(line["path"], specific_tags=["StudyInstanceUID"]) if is_report else None
                self.known[line["path"]] = str(head.StudyInstanceUID) if is_report else None
        return set(self.known.values()) - {None}

    def settled(self):
        """What keeps the node from being done with all that was acknowledged, or ''."""
        wanted = {l["study"] for l in self.acknowledged()}
        missing = wanted - self.reported()
        if missing:
            return f"{len(missing)} of {len(wanted)} studies have no report at the PACS, {sorted(missing)[0]} first"
        left = self.query("SELECT state,count(*) FROM instance WHERE state='received' GROUP BY 1")
        left += self.query("SELECT state,count(*) FROM delivery WHERE state='pending' GROUP BY 1")
        return str(left) if left else ""

    def wait_until_settled(self, seconds):
        end = time.monotonic() + seconds
        while (what := self.settled()) and time.monotonic() < end:
            time.sleep(0.1)
        return what

    def close(self, keep=False):
        code = None
        if keep:
            self.node.process.terminate()
            code = self.node.process.wait(30)
            print("kept:", self.folder)
        else:
            code = self.node.stop()
        self.pacs.close()
        if not keep:
            h.shutil.rmtree(self.folder, ignore_errors=True)
        return code
