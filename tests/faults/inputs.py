"""Studies for campaigns with the checker: files, and how each must end."""
import contextlib
import os
import sqlite3
import threading

import numpy
import pydicom

import harness as h
from ledger import read_lines


def done(spool, ledger):
    """(the file that was sent, the stored one) of the last objects that the node is done with."""
    with contextlib.closing(sqlite3.connect(os.path.join(spool, "jobs.sqlite"), timeout=10)) as store:
        rows = store.execute("SELECT sop_instance,digest,path FROM instance AS i WHERE state='judged' AND gone_ms=0 AND withdrawn='' AND reported>0 AND NOT EXISTS"
                             " (SELECT 1 FROM delivery JOIN result ON result.id=delivery.result WHERE report=i.reported AND delivery.state<>'sent')"
                             " ORDER BY id DESC LIMIT 9").fetchall()
    sent = {(line["sop_instance"], line["sha256"]): line["path"] for line in read_lines(ledger) if line["kind"] == "store"}
    return [(sent[uid, digest], os.path.join(spool, path)) for uid, digest, path in rows if (uid, digest) in sent]


class Inputs:
    """Studies without end: mostly one image, some with two, some sent twice, some that no rule takes, some cut off, some in conflict."""

    def __init__(self, folder, chance, size):
        self.folder, self.chance, self.count = folder, chance, 0
        self.lock = threading.Lock()
        self.pixels = [h.grey(p) for p, _ in h.phantoms(os.path.join(folder, "phantoms"), 5, size=size)]
        self.made = []

    def next(self):
        """(path, how it must end; None: the node will not take it)."""
        with self.lock:
            n, chance = self.count, self.chance.random()
            self.count += 1
            pixels = self.chance.choice(self.pixels)
            last = self.made[-1] if self.made else None
            if chance < 0.08 and self.made:
                return self.chance.choice(self.made)[0], ["delivered"]
        path = os.path.join(self.folder, f"{n:05}.dcm")
        about = {"PatientID": f"KILL-{n:05}"}
        if 0.08 <= chance < 0.16 and last:  # the same study
            about = {"PatientID": last[1], "study": last[2]}
        if 0.16 <= chance < 0.22:
            about["BodyPartExamined"] = "HAND"
        made = h.wrap(pixels, path, **about)
        if 0.22 <= chance < 0.26 and last:
            self.conflict(path, last)
        elif 0.26 <= chance < 0.30:
            os.truncate(path, os.path.getsize(path) // 2)
            return path, None
        elif "BodyPartExamined" not in about:
            with self.lock:
                self.made.append((path, about["PatientID"], str(made.StudyInstanceUID)))
        return path, ["ignored" if "BodyPartExamined" in about else "delivered"]

    def conflict(self, path, last):
        """Other pixels under the last one's SOP Instance UID."""
        image = pydicom.dcmread(last[0])
        image.PixelData = numpy.flipud(image.pixel_array).astype("<u2").tobytes()
        image.save_as(path, write_like_original=False)
