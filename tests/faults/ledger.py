"""The sender's side of the evidence: every attempt to store an object, one JSON line each, written before the next begins.

ledger.py --port N --ledger FILE [--until-acknowledged SECONDS] FILE...   sends the files once, in order, and keeps the ledger.

Before an attempt a line of kind "offer" (sop_instance, study, patient, sha256), after it the attempt's: time (UTC, seconds), kind "store", sop_class, sop_instance, study, patient, issuer, sha256 (of the dataset as sent), bytes, path,
outcome (the status as four hex digits, or aborted, rejected, no-context, unreached), comment, ms; expected: the endings that the sender
knows to be right ("delivered", "ignored" ...), null where it knows none. Kind "echo": outcome, ms. Whoever does something to the node that
changes what is right writes it down before it does: kind "order" (order: "retention", "forget" with patient, "retract" with study, "damage" with sop_instance and sha256) and kind
"death" (of: a process, or "point"; since: when it happened at the earliest). Kind "listener" (state: gone, since when; there): what processes.py
saw of the node's listener."""
import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

import pydicom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import rawscu  # noqa: E402

VERIFICATION = "1.2.840.10008.1.1"
ACKNOWLEDGED = ("0000",)


class Lines:
    """A file of JSON lines that several threads append to; each line is with the kernel before append returns."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def append(self, **fields):
        line = json.dumps(dict(time=round(time.time(), 3), **fields), ensure_ascii=False) + "\n"
        with self.lock:
            os.write(self.fd, line.encode())

    def close(self):
        os.close(self.fd)


def read_lines(path):
    """All whole lines of such a file; one that a crash cut off is left out."""
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.endswith("\n")]


class Source:
    """A Part 10 file as it will be sent: its dataset's bytes and what they say. `expected`: the endings that are right for it."""
    expected = None

    def __init__(self, path, expected=None):
        self.expected = expected
        self.path = str(path)
        with open(path, "rb") as f:
            data = f.read()
        meta = pydicom.filereader.read_file_meta_info(path)
        self.dataset = data[dataset_offset(data):]
        self.sop_class, self.sop_instance = str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID)
        self.syntax = str(meta.TransferSyntaxUID)
        self.sha256 = hashlib.sha256(self.dataset).hexdigest()
        self.study = self.patient = self.issuer = ""
        try:
            head = pydicom.dcmread(path, stop_before_pixels=True)
            self.study, self.patient = str(head.get("StudyInstanceUID", "")), str(head.get("PatientID", ""))
            self.issuer = str(head.get("IssuerOfPatientID", ""))
        except Exception:  # malformed on purpose: sent as it is, and the checker knows nothing of its patient
            pass

    @classmethod
    def of(cls, sop_class, sop_instance, syntax, dataset, expected=None, study="", patient=""):
        """A dataset that is no file."""
        source = cls.__new__(cls)
        source.path, source.issuer, source.expected = "", "", expected
        source.sop_class, source.sop_instance, source.syntax, source.dataset = sop_class, sop_instance, syntax, dataset
        source.study, source.patient, source.sha256 = study, patient, hashlib.sha256(dataset).hexdigest()
        return source


def dataset_offset(data):
    """Where the dataset of a Part 10 file begins; 0 when there is no meta group (PS3.10, 7.1)."""
    if data[128:132] != b"DICM":
        return 0
    if data[132:140] == b"\x02\0\0\0UL\x04\0":  # what follows may begin with elements of that group, too
        end = 144 + int.from_bytes(data[140:144], "little")
        if end <= len(data):
            return end
    at = 132
    while data[at:at + 2] == b"\x02\x00":
        long_form = data[at + 4:at + 6] in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        at += 12 + int.from_bytes(data[at + 8:at + 12], "little") if long_form else 8 + int.from_bytes(data[at + 6:at + 8], "little")
    return at


class Sender:
    """`port`: a number, or a function that tells it (a node that starts again may have another)."""

    def __init__(self, port, ledger):
        self.port = port if callable(port) else lambda: port
        self.lines = ledger if isinstance(ledger, Lines) else Lines(ledger)

    def store(self, source, seconds=20, pause=0):
        """One attempt; its outcome. `pause`: seconds in the middle of the dataset."""
        source = source if isinstance(source, Source) else Source(source)
        self.lines.append(kind="offer", sop_instance=source.sop_instance, study=source.study, patient=source.patient, sha256=source.sha256)
        begin = time.monotonic()
        try:
            outcome, comment = rawscu.store(self.port(), source.sop_class, source.sop_instance, source.syntax, source.dataset, seconds,
                                            pause)
        except (OSError, KeyError, ValueError) as error:  # no node, or none that told its port
            outcome, comment = "unreached", str(error)
        self.lines.append(kind="store", sop_class=source.sop_class, sop_instance=source.sop_instance, study=source.study,
                          patient=source.patient, issuer=source.issuer, sha256=source.sha256, bytes=len(source.dataset),
                          path=source.path, expected=source.expected, outcome=outcome, comment=comment, ms=round((time.monotonic() - begin) * 1000))
        return outcome

    def order(self, order, **about):
        """What is about to be ordered of the node."""
        self.lines.append(kind="order", order=order, **about)

    def death(self, of, since=None):
        """What is about to die, or died after `since` (time.time()); when that was."""
        since = since if since is not None else time.time()
        self.lines.append(kind="death", of=of, since=round(since, 3))
        return since

    def store_until_acknowledged(self, source, seconds=120, pause=0):
        """As a modality does: again, until it has read 0000 itself. False: not within `seconds`."""
        source = source if isinstance(source, Source) else Source(source)
        end = time.monotonic() + seconds
        while self.store(source, pause=pause) not in ACKNOWLEDGED:
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def echo(self, seconds=5):
        """C-ECHO; milliseconds until its answer, or None. The checker wants each within a second (I6)."""
        begin = time.monotonic()
        outcome = "unreached"
        try:
            outcome = echo(self.port(), seconds)
        except (OSError, KeyError, ValueError):
            pass
        ms = round((time.monotonic() - begin) * 1000)
        self.lines.append(kind="echo", outcome=outcome, ms=ms)
        return ms if outcome == "0000" else None


def echo(port, seconds):
    """Status of a C-ECHO as four hex digits, or how it failed."""
    us = lambda v: struct.pack("<H", v)
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        s.sendall(rawscu.associate_rq(VERIFICATION))
        if rawscu.read_pdu(s)[:1] != b"\x02":
            return "rejected"
        request = rawscu.command([(2, rawscu.even(VERIFICATION.encode())), (0x100, us(0x30)), (0x110, us(1)), (0x800, us(0x101))])
        s.sendall(rawscu.pdatas(request, True))
        status = rawscu.response_field(rawscu.read_pdu(s), 0x900)
        s.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        return "aborted" if status is None else f"{status:04x}"


def main():
    parser = argparse.ArgumentParser(description="sends DICOM files and keeps a ledger")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--until-acknowledged", type=float, metavar="SECONDS", default=0)
    parser.add_argument("files", nargs="+")
    wanted = parser.parse_args()
    sender = Sender(wanted.port, wanted.ledger)
    failed = 0
    for path in wanted.files:
        if wanted.until_acknowledged:
            failed += not sender.store_until_acknowledged(path, wanted.until_acknowledged)
        else:
            failed += sender.store(path) not in ACKNOWLEDGED
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
