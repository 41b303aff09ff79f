"""The scripted PACS with a catalogue: it answers C-FIND (Study Root) and Storage Commitment as told to, beside storing.

Archive.add(path...) enters objects as if a modality had sent them; what is stored by C-STORE is not in the catalogue of originals, but is
committed to. `find`: ok, fail (A700), unauthorized (0124), abort, endless (pending answers without end), garbage (an identifier that is none), nested (sequences
without end), command (the same in the command set), truncated (a length beyond the end), silence. `commitment`: same (on the asking association), other (on one of its own),
never, half (all but the first fail once), none (all fail), refuse (N-ACTION answered 0110), foreign (an event for somebody else's
transaction, then the right one), mixed (the same, both on the asking association). `find` and `commitment` None: not offered.

`hostile`: {command field: how}: a request of that kind (STORE, ACTION) is answered by nested (sequences without end in a command set), lengths (a PDV longer than its
PDU), endless (a command set without end) or garbage (no PDU)."""
import os
import socket
import struct
import sys
import threading

import pydicom
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
import pacs  # noqa: E402
import rawscu  # noqa: E402

FIND, COMMITMENT, COMMITMENT_INSTANCE = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.1.1"


STORE, ACTION = 0x0001, 0x0130
HOSTILE = ("nested", "lengths", "endless", "garbage")


def short(value):
    return struct.pack("<H", value)


def uid(text):
    return rawscu.even(text.encode())


def encode(dataset):
    out = DicomBytesIO()
    out.is_little_endian = out.is_implicit_VR = True
    write_dataset(out, dataset)
    return out.getvalue()


def decode(data):
    return read_dataset(DicomBytesIO(data), True, True)


def message(context, fields, dataset=None):
    """A command, and its dataset, as P-DATA."""
    def pdus(data, kind):
        parts = [data[i:i + 16000] for i in range(0, len(data), 16000)] or [b""]
        for n, part in enumerate(parts):
            pdv = struct.pack(">IBB", len(part) + 2, context, kind | (2 if n == len(parts) - 1 else 0)) + part
            yield struct.pack(">BBI", 4, 0, len(pdv)) + pdv
    return b"".join([*pdus(rawscu.command(fields), 1), *(pdus(dataset, 0) if dataset is not None else ())])


class Association(pacs.Association):
    def classes(self):
        offered = {FIND: self.pacs.find, COMMITMENT: self.pacs.commitment}
        return super().classes() | {k for k, v in offered.items() if v}

    def stored(self, context, request, dataset):
        field = struct.unpack("<H", request[0x100])[0]
        if field in self.pacs.hostile:
            return self.answer_hostile(context, request, self.pacs.hostile[field])
        if field == 0x0020:
            return self.answer_find(context, request, dataset)
        if field == 0x0130:
            return self.answer_action(context, request, dataset)
        return super().stored(context, request, dataset)

    def answer_hostile(self, context, request, how):
        self.log("hostile", how=how)
        item = struct.pack("<HHI", 0xfffe, 0xe000, 2 ** 32 - 1) * 1000
        if how == "garbage":
            self.socket.sendall(b"\xff" * 500)
        elif how == "lengths":
            self.socket.sendall(struct.pack(">BBIIBB", 4, 0, 12, 2 ** 31, context, 3) + bytes(6))
        elif how == "nested":
            fields = [(2, request.get(2, request.get(3))), (0x100, short(struct.unpack("<H", request[0x100])[0] | 0x8000)), (0x120, request[0x110]), (0x800, short(0x101)),
                      (0x900, short(0)), (0x1000, item)]
            self.socket.sendall(message(context, fields))
        while how == "endless":
            self.socket.sendall(struct.pack(">BBIIBB", 4, 0, 16006, 16002, context, 1) + bytes(16000))
        return True

    # ---- C-FIND ----

    def find_answer(self, context, request, status, dataset=None):
        fields = [(2, request[2]), (0x100, short(0x8020)), (0x120, request[0x110]), (0x800, short(0x101 if dataset is None else 1)),
                  (0x900, short(status))]
        self.socket.sendall(message(context, fields, dataset))

    def answer_find(self, context, request, dataset):
        how, query = self.pacs.find, decode(dataset)
        self.log("find", level=query.QueryRetrieveLevel, how=how)
        if how == "silence":
            self.wait_for_end()
            return False
        if how in ("fail", "unauthorized"):
            self.find_answer(context, request, 0xa700 if how == "fail" else 0x0124)
            return True
        if how == "abort":
            self.socket.sendall(pacs.ABORT)
            return False
        if how == "endless":
            answer = encode(query)
            while True:
                self.find_answer(context, request, 0xff00, answer)
        if how == "command":
            item = struct.pack("<HHI", 0xfffe, 0xe000, 2 ** 32 - 1) * 1000
            self.socket.sendall(message(context, [(2, request[2]), (0x100, short(0x8020)), (0x120, request[0x110]), (0x800, short(0x101)),
                                                  (0x900, short(0)), (0x1000, item)]))
            return True
        if how in ("garbage", "nested", "truncated"):
            self.find_answer(context, request, 0xff00, {"garbage": b"\xff" * 200, "truncated": struct.pack("<HHI", 0x10, 0x20, 9000) + b"x",
                                                        "nested": struct.pack("<HHIHHI", 0x40, 0xa730, 2 ** 32 - 1, 0xfffe, 0xe000, 2 ** 32 - 1) * 10000}[how])
            return True
        for match in self.pacs.matches(query):
            self.find_answer(context, request, 0xff00, encode(match))
        self.find_answer(context, request, 0)
        return True

    # ---- commitment ----

    def answer_action(self, context, request, dataset):
        asked = decode(dataset)
        how = self.pacs.commitment
        with self.pacs.lock:
            again = asked.TransactionUID in self.pacs.transactions
            self.pacs.transactions.append(asked.TransactionUID)
        status = 0x0131 if again else 0x0110 if how == "refuse" else 0
        fields = [(2, request[3]), (0x100, short(0x8130)), (0x120, request[0x110]), (0x800, short(0x101)), (0x900, short(status)),
                  (0x1000, request[0x1001])]
        self.log("action", transaction=asked.TransactionUID, instances=len(asked.ReferencedSOPSequence), status=status)
        self.socket.sendall(message(context, fields))
        if status or how == "never":
            return True
        events = [self.pacs.event(asked)]
        if how in ("foreign", "mixed"):
            foreign = self.pacs.event(asked)
            foreign.TransactionUID = "2.25.1"
            events.insert(0, foreign)
        if how == "mixed":
            for event in events:
                self.socket.sendall(message(context, event_fields(event), encode(event)))
                self.pacs.reports.append(rawscu.response_field(rawscu.read_pdu(self.socket), 0x900))
        elif how == "same":
            for event in events:
                self.socket.sendall(message(context, event_fields(event), encode(event)))
        else:
            threading.Thread(target=self.pacs.report, args=(events,), daemon=True).start()
        return True


def event_fields(event):
    kind = 2 if "FailedSOPSequence" in event else 1
    return [(2, uid(COMMITMENT)), (0x100, short(0x0100)), (0x110, short(77)), (0x800, short(1)), (0x1000, uid(COMMITMENT_INSTANCE)),
            (0x1002, short(kind))]


class Archive(pacs.Pacs):
    association = Association

    def __init__(self, folder, port=0, ae="PACS", find="ok", commitment=None):
        self.find, self.commitment, self.node_port = find, commitment, None
        self.catalogue, self.transactions, self.failed, self.reports, self.hostile = {}, [], False, [], {}
        super().__init__(folder, port, ae)

    def add(self, *paths, **changed):
        for path in paths:
            image = pydicom.dcmread(path, stop_before_pixels=True)
            for keyword, value in changed.items():
                setattr(image, keyword, value)
            self.catalogue[image.SOPInstanceUID] = image

    def matches(self, query):
        """Of PS3.4 C.2.2.2: single value and list of UIDs; no more is asked."""
        seen = set()
        for image in list(self.catalogue.values()):
            keys = ["StudyInstanceUID"] + (["SeriesInstanceUID", "SOPInstanceUID"] if query.QueryRetrieveLevel == "IMAGE" else [])
            wanted = {k: query.get(k) for k in keys}
            if any(v and image[k].value not in ([v] if isinstance(v, str) else v) for k, v in wanted.items()):
                continue
            match = pydicom.Dataset()
            for element in query:
                value = image.get(element.tag)
                match.add(value if value is not None else pydicom.DataElement(element.tag, element.VR, ""))
            match.QueryRetrieveLevel = query.QueryRetrieveLevel
            unique = tuple(image[k].value for k in keys)
            if unique not in seen:
                seen.add(unique)
                yield match

    def event(self, asked):
        event, kept = pydicom.Dataset(), {line["sop_instance"] for line in self.stores()}
        event.TransactionUID = asked.TransactionUID
        good, bad = [], []
        for n, item in enumerate(asked.ReferencedSOPSequence):
            fails = self.commitment == "none" or (self.commitment == "half" and not self.failed and n > 0)
            one = pydicom.Dataset()
            one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID
            if fails or item.ReferencedSOPInstanceUID not in kept:
                one.FailureReason = 0x0112
                bad.append(one)
            else:
                good.append(one)
        self.failed = self.failed or bool(bad)
        if good:
            event.ReferencedSOPSequence = good
        if bad:
            event.FailedSOPSequence = bad
        return event

    def report(self, events):
        """On an association of our own, as its SCP (PS3.7 D.3.3.4)."""
        for event in events:
            with socket.create_connection(("127.0.0.1", self.node_port), timeout=20) as s:
                role = rawscu.item(0x54, struct.pack(">H", len(COMMITMENT)) + COMMITMENT.encode() + b"\0\1")
                request = rawscu.associate_rq(COMMITMENT, calling=self.ae)
                at = request.rindex(b"\x50\0", 0, len(request))
                user = request[at + 4:] + role
                body = request[6:at] + rawscu.item(0x50, user)
                s.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
                if rawscu.read_pdu(s)[:1] != b"\x02":
                    self.reports.append("rejected")
                    continue
                s.sendall(message(1, event_fields(event), encode(event)))
                answer = rawscu.read_pdu(s)
                self.reports.append(rawscu.response_field(answer, 0x900))
                s.sendall(struct.pack(">BBI4x", 5, 0, 4))
                rawscu.read_pdu(s)
