"""A scripted workflow manager: UPS Push, Pull and Watch SCP (PS3.4 annex CC) in plain bytes, one thread a connection.

It keeps items, holds each N-CREATE, N-SET, N-GET, N-ACTION and C-FIND against the annex (`violations`: what was wrong, in words), answers
with the annex's statuses, and misbehaves when told to. `log`: what was asked, in order.

Manager.add(...) enters an item as if the site had scheduled it. Manager.how[service] = (what, count) tells how `service` (associate,
create, get, set, cancel, find) shall be answered, `count` times (None: always): a status (int), or
  hang, abort      nothing, or A-ABORT
  garbage          a dataset that is none
  nested           sequences in each other without end
  truncated        a length beyond the end
  huge             a dataset of a megabyte
  endless          (find) matches without end
  foreign          an answer to another message
  bare             a command without Status
  unasked          a request of the peer's where an answer was due"""
import os
import re
import socket
import struct
import sys
import threading

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
import pacs  # noqa: E402
import rawscu  # noqa: E402
from archive import decode, encode, message, short  # noqa: E402

PUSH, WATCH, PULL = "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.2", "1.2.840.10008.5.1.4.34.6.3"
IMPLICIT = "1.2.840.10008.1.2"
ALL = 2 ** 32 - 1

# ---- the annex's table CC.2.5-3, N-CREATE column ----
# tag: (type, items of a sequence, or the enumerated values, or None). Types: 1 2 3 as in the standard; E: present and empty; N: not allowed;
# C: present where `condition` says so. Where a sequence's items are described by a dict, that is their table.
CODE = {0x00080100: ("1", None), 0x00080102: ("1", None), 0x00080104: ("1", None), 0x00080103: ("3", None)}
ISSUER = {0x00400031: ("3", None), 0x00400032: ("3", None), 0x00400033: ("3", ("DNS", "EUI64", "ISO", "URI", "UUID", "X400", "X500"))}
REFERENCE = {0x00081150: ("1", None), 0x00081155: ("1", None)}
INPUT = {0x0040e020: ("1", ("DICOM", "CDA")), 0x0020000d: ("1", None), 0x0020000e: ("1", None), 0x00081199: ("1", REFERENCE),
         0x0040e021: ("1", {0x00080054: ("1", None)})}
REQUEST = {0x0020000d: ("1", None), 0x00080050: ("2", None), 0x00080051: ("2", ISSUER), 0x00402016: ("3", None), 0x00400026: ("2", ISSUER),
           0x00402017: ("3", None), 0x00400027: ("2", ISSUER), 0x00401001: ("2", None), 0x00321060: ("2", None), 0x00321064: ("2", CODE)}
CREATE = {
    0x00081195: ("E", None),  # Transaction UID
    0x00080005: ("C", ("ISO_IR 192",)),
    0x00080016: ("N", None),  # set by the SCP
    0x00080018: ("N", None),  # in the command
    0x00741200: ("1", ("HIGH", "MEDIUM", "LOW")), 0x00404010: ("N", None), 0x00741204: ("1", None), 0x00741202: ("2", None),
    0x00741210: ("2", None), 0x00404025: ("2", CODE), 0x00404026: ("2", CODE), 0x00404027: ("2", CODE), 0x00404005: ("1", None),
    0x00404018: ("2", CODE), 0x00400400: ("2", None), 0x00404041: ("1", ("READY", "UNAVAILABLE", "INCOMPLETE")), 0x00404021: ("2", INPUT),
    0x0020000d: ("1", None),  # 1C: the reading of a study results in objects of it
    0x00100010: ("2", None), 0x00100020: ("2", None), 0x00100021: ("2", None), 0x00100024: ("2", None), 0x00101002: ("2", None),
    0x00100030: ("2", None), 0x00100040: ("2", ("M", "F", "O")), 0x00380010: ("2", None), 0x00380014: ("2", ISSUER),
    0x00081080: ("2", None), 0x00081084: ("2", CODE), 0x0040a370: ("2", REQUEST), 0x00741000: ("1", ("SCHEDULED",)),
    0x00741002: ("E", None), 0x00741216: ("E", None)}
# N-SET column: what may be set by one who does not perform the step
SET = {0x00080005: ("C", ("ISO_IR 192",)), 0x00741200: ("3", ("HIGH", "MEDIUM", "LOW")), 0x00741204: ("3", None), 0x00400400: ("3", None),
       0x00404021: ("3", INPUT)}
CANCEL = {0x00080005: ("C", ("ISO_IR 192",)), 0x00741238: ("3", None)}
MOST = {"CS": 16, "LO": 64, "SH": 16, "AE": 16, "UI": 64, "LT": 10240, "DA": 8, "DT": 26, "PN": 64 * 3 + 2}
SHAPE = {"CS": r"[A-Z0-9_ ]*", "UI": r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*", "DA": r"\d{8}", "DT": r"\d{4,14}(\.\d{1,6})?([+-]\d{4})?",
         "LO": r"[^\\\x00-\x1f]*", "SH": r"[^\\\x00-\x1f]*", "AE": r"[^\\\x00-\x1f]*", "PN": r"[^\\\x00-\x1f]*", "LT": r"[^\x00-\x08\x0b\x0e-\x1f]*"}


class Wrong(Exception):
    pass


def name(tag):
    return f"({tag >> 16:04x},{tag & 0xffff:04x})"


def parse(data, at=0, end=None, until=None):
    """Elements of implicit little endian, in order: [(tag, bytes or list of items)], and where it ended. Stricter than a reader may be."""
    end, elements, before = len(data) if end is None else end, [], -1
    while at < end:
        group, number, length = struct.unpack_from("<HHI", data, at)
        tag, at = group << 16 | number, at + 8
        if tag == until:
            return elements, at
        if tag <= before:
            raise Wrong(f"{name(tag)} is out of order")
        before = tag
        if dictionary_VR(tag) == "SQ":
            items, at = parse_items(data, at, length, end)
            elements.append((tag, items))
            continue
        if length == ALL or length % 2 or at + length > end:
            raise Wrong(f"{name(tag)}: length {length}")
        elements.append((tag, data[at:at + length]))
        at += length
    if until:
        raise Wrong("an item without end")
    return elements, at


def parse_items(data, at, length, end):
    items, stop = [], end if length == ALL else at + length
    while at < stop:
        group, number, size = struct.unpack_from("<HHI", data, at)
        tag, at = group << 16 | number, at + 8
        if tag == 0xfffee0dd and length == ALL:
            return items, at
        if tag != 0xfffee000:
            raise Wrong(f"{name(tag)} where an item was due")
        elements, at = parse(data, at, end if size == ALL else at + size, 0xfffee00d if size == ALL else None)
        items.append(elements)
    if length == ALL:
        raise Wrong("a sequence without end")
    return items, at


def check_value(tag, value, characters):
    vr = dictionary_VR(tag)
    try:
        text = value.decode(characters)
    except UnicodeDecodeError:
        yield f"{name(tag)}: not {characters}"
        return
    if text[-1:] in (" ", "\0") and (text[-1:] == "\0") != (vr == "UI"):
        yield f"{name(tag)}: padded with {text[-1:]!r}"
    text = text.rstrip(" \0")
    if len(text) > MOST.get(vr, 2 ** 31):
        yield f"{name(tag)}: {len(text)} characters in a {vr}"
    if text and vr in SHAPE and not re.fullmatch(SHAPE[vr], text):
        yield f"{name(tag)}: {text!r} is no {vr}"


def check(elements, table, where="", characters="ascii"):
    """What is wrong with these elements by this table, in words."""
    present = dict(elements)
    for tag, (kind, values) in table.items():
        at, value = where + name(tag), present.get(tag)
        if value is None:
            if kind in "12E":
                yield f"{at}: missing, type {kind}"
            continue
        if kind == "N":
            yield f"{at}: not allowed"
        if kind == "1" and not value:
            yield f"{at}: empty, type 1"
        if kind == "E" and value:
            yield f"{at}: shall be empty"
        if isinstance(value, list):
            if isinstance(values, dict):
                for item in value:
                    yield from check(item, values, at + ">", characters)
            continue
        yield from (where + wrong for wrong in check_value(tag, value, characters))
        text = value.decode(characters, "replace").rstrip(" \0")
        if isinstance(values, tuple) and text and text not in values:
            yield f"{at}: {text!r} is none of {values}"
    for tag in present:
        if tag not in table:
            yield f"{where}{name(tag)}: not asked for here"


def is_plain(elements):
    return all(is_plain(i) for _, v in elements if isinstance(v, list) for i in v) and all(
        max(v, default=0) < 0x80 for _, v in elements if not isinstance(v, list))


def check_dataset(data, table):
    try:
        elements, _ = parse(data)
    except (Wrong, struct.error, KeyError) as wrong:
        return [str(wrong)]
    says, plain = dict(elements).get(0x00080005), is_plain(elements)
    wrong = [] if bool(says) != plain else ["(0008,0005): present if and only if a character is not ASCII"]
    return wrong + list(check(elements, table, characters="utf-8" if says else "ascii"))


# ---- items ----

def code(value, scheme="DCM", meaning="Interpretation"):
    one = Dataset()
    one.CodeValue, one.CodingSchemeDesignator, one.CodeMeaning = value, scheme, meaning
    return one


def matches_text(wanted, value):
    return re.fullmatch(re.escape(wanted).replace(r"\*", ".*").replace(r"\?", "."), value) is not None


def match_value(key, element):
    if key.VR == "SQ":
        if not key.value or not len(key.value):
            return True
        items = element.value if element is not None else []
        return any(all(match_value(k, i.get(k.tag)) for k in key.value[0]) for i in items)
    wanted = str(key.value or "")
    return not wanted or matches_text(wanted, str(element.value if element is not None else ""))


class Association(pacs.Association):
    """One connection."""

    def run(self):
        try:
            self.socket = self.pacs.context.wrap_socket(self.socket, server_side=True) if self.pacs.context else self.socket
            super().run()
        except OSError:
            self.socket.close()

    def accept(self, request, none):
        body, answers = request[6:], b""
        for kind, content in pacs.items(body[68:]):
            if kind != 0x20:
                continue
            parts = list(pacs.items(content[4:]))
            abstract = next((pacs.uid_of(c) for k, c in parts if k == 0x30), "")
            offered = [pacs.uid_of(c) for k, c in parts if k == 0x40]
            result = 0 if IMPLICIT in offered and abstract in self.pacs.classes and not none else 3 if abstract not in self.pacs.classes else 4
            if result == 0:
                self.contexts[content[0]] = (abstract, IMPLICIT)
            answers += rawscu.item(0x21, bytes([content[0], 0, result, 0]) + rawscu.item(0x40, IMPLICIT.encode()))
        user = rawscu.item(0x50, rawscu.item(0x51, struct.pack(">I", 16384)) + rawscu.item(0x52, b"1.2.3.4"))
        body = struct.pack(">HH", 1, 0) + body[4:68] + rawscu.item(0x10, b"1.2.840.10008.3.1.1.1") + answers + user
        self.socket.sendall(struct.pack(">BBI", 2, 0, len(body)) + body)

    def log(self, kind, **fields):
        self.pacs.log.append(dict(fields, kind=kind, association=self.number))

    # ---- answers ----

    def answer(self, context, request, status, dataset=None, **changed):
        field = struct.unpack("<H", request[0x100])[0]
        instance = request.get(0x1000, request.get(0x1001))
        fields = [(2, rawscu.even((PULL if field == 0x20 else PUSH).encode())), (0x100, short(field | 0x8000)),
                  (0x120, changed.get("responded", request[0x110])), (0x800, short(0x101 if dataset is None else 1))]
        if not changed.get("bare"):
            fields.append((0x900, short(status)))
        if changed.get("comment"):
            fields.append((0x902, rawscu.even(changed["comment"].encode())))
        if instance is not None:
            fields.append((0x1000, instance))
        self.socket.sendall(message(context, fields, dataset))

    def misbehave(self, context, request, how, service):
        """False: the connection ends."""
        pending = 0xff00 if service == "find" else 0
        if isinstance(how, int):
            self.answer(context, request, how, comment="as told")
            return True
        if how == "hang":
            self.wait_for_end()
        elif how == "abort":
            self.socket.sendall(pacs.ABORT)
        elif how == "endless":
            match = encode(self.pacs.scheduled("2.25.99", accession="OTHER"))
            while True:
                self.answer(context, request, pending, match)
        elif how == "foreign":
            self.answer(context, request, 0, responded=short(0x7fff))
        elif how == "bare":
            self.answer(context, request, 0, bare=True)
        elif how == "unasked":
            self.socket.sendall(message(context, [(2, rawscu.even(PUSH.encode())), (0x100, short(0x30)), (0x110, short(9)), (0x800, short(0x101))]))
        else:
            opened = struct.pack("<HHIHHI", 0x40, 0xa370, ALL, 0xfffe, 0xe000, ALL)
            self.answer(context, request, pending, {"garbage": b"\xff" * 200, "truncated": struct.pack("<HHI", 0x10, 0x20, 9000) + b"xx",
                                                    "nested": opened * 10000, "huge": struct.pack("<HHI", 0x40, 0x400, 2 ** 20) + b"x" * 2 ** 20}[how])
            if service == "find":
                self.answer(context, request, 0)
            return True
        return False

    def wrong(self, text):
        self.pacs.violations.append(text)

    def serve_one(self, context, request, dataset):
        field = struct.unpack("<H", request[0x100])[0]
        if field == 0x30:
            return self.answer(context, request, 0)
        if field == 0xfff:
            return True
        service = {0x140: "create", 0x110: "get", 0x120: "set", 0x130: "cancel", 0x20: "find"}[field]
        uid = pacs.uid_of(request.get(0x1000, request.get(0x1001, b"")))
        self.check_command(service, context, request)
        self.log(service, uid=uid, dataset=dataset, request=request)
        how = self.pacs.take(service)
        if how is not None:
            return self.misbehave(context, request, how, service)
        with self.pacs.lock:
            return getattr(self, service)(context, request, uid, dataset)

    def check_command(self, service, context, request):
        """CC.3.1.1: which class is named where, and which contexts carry which service."""
        abstract = self.contexts[context][0]
        carried = {"create": (PUSH,), "get": (PUSH, PULL, WATCH), "set": (PULL,), "cancel": (PUSH, WATCH), "find": (PULL, WATCH)}
        affected = service in ("create", "find")
        if abstract not in carried[service]:
            self.wrong(f"{service} in a context of {abstract}")
        if pacs.uid_of(request.get(2 if affected else 3, b"")) != (abstract if service == "find" else PUSH) or (3 if affected else 2) in request:
            self.wrong(f"{service} names the wrong SOP class")
        if service != "find" and ((0x1000 if affected else 0x1001) not in request or (0x1001 if affected else 0x1000) in request):
            self.wrong(f"{service} names the wrong instance")
        if list(request) != sorted(request):
            self.wrong(f"{service}: a command out of order")
        if service == "cancel" and request.get(0x1008) != short(2):
            self.wrong("N-ACTION of another type")
        if service == "get":
            tags = struct.unpack(f"<{len(request.get(0x1005, b'')) // 2}H", request.get(0x1005, b""))
            tags = [a << 16 | b for a, b in zip(tags[::2], tags[1::2])]
            if not tags or 0x00081195 in tags or 0x00080018 in tags:
                self.wrong(f"N-GET of {[name(t) for t in tags]}")
            self.asked = tags

    def hold(self, what, data, table):
        for wrong in check_dataset(data, table):
            self.wrong(f"{what}: {wrong}")

    def create(self, context, request, uid, data):
        self.hold("N-CREATE", data, CREATE)
        if uid in self.pacs.items:
            return self.answer(context, request, 0x0111)
        item = decode(data)
        if item.get("ProcedureStepState") != "SCHEDULED":
            return self.answer(context, request, 0xc309)
        item.SOPClassUID, item.SOPInstanceUID = PUSH, uid
        self.pacs.items[uid] = item
        return self.answer(context, request, 0, encode(item) if self.pacs.tells_all else None)

    def get(self, context, request, uid, _):
        item = self.pacs.items.get(uid)
        if item is None:
            return self.answer(context, request, 0xc307)
        answer = Dataset()
        for tag in self.asked:
            if tag in item:
                answer.add(item[tag])
        return self.answer(context, request, 0, self.pacs.encoded(answer))

    def set(self, context, request, uid, data):
        self.hold("N-SET", data, SET)
        item = self.pacs.items.get(uid)
        if item is None:
            return self.answer(context, request, 0xc307)
        change = decode(data)
        if self.pacs.race:
            item.ProcedureStepState = self.pacs.race
        if item.ProcedureStepState in ("COMPLETED", "CANCELED"):
            return self.answer(context, request, 0xc300)
        if item.ProcedureStepState == "IN PROGRESS":
            return self.answer(context, request, 0xc301)
        for element in change:
            if element.keyword != "SpecificCharacterSet":
                item.add(element)
        if "SpecificCharacterSet" in change:
            item.SpecificCharacterSet = change.SpecificCharacterSet
        return self.answer(context, request, 0, encode(item) if self.pacs.tells_all else None)

    def cancel(self, context, request, uid, data):
        self.hold("N-ACTION", data, CANCEL)
        item = self.pacs.items.get(uid)
        if item is None:
            return self.answer(context, request, 0xc307)
        state = item.ProcedureStepState
        if state == "SCHEDULED":
            item.ProcedureStepState = "CANCELED"
        status = {"SCHEDULED": 0, "IN PROGRESS": self.pacs.performer, "COMPLETED": 0xc311, "CANCELED": 0xb304}[state]
        return self.answer(context, request, status)

    def find(self, context, request, _, data):
        query = decode(data)
        for wrong in self.check_query(data):
            self.wrong(f"C-FIND: {wrong}")
        for item in list(self.pacs.items.values()):
            keys = [k for k in query if self.pacs.optional_keys or k.keyword not in ("InputInformationSequence",)]
            if not self.pacs.optional_keys:
                for k in keys:
                    if k.keyword == "ReferencedRequestSequence" and len(k.value):
                        k.value[0].StudyInstanceUID = ""
            if not all(match_value(k, item.get(k.tag)) for k in keys):
                continue
            answer = Dataset()
            for k in query:
                value = item.get(k.tag)
                answer.add(value if value is not None else pydicom.DataElement(k.tag, k.VR, Sequence() if k.VR == "SQ" else ""))
            self.answer(context, request, 0xff00 if self.pacs.optional_keys else 0xff01, self.pacs.encoded(answer))
        return self.answer(context, request, 0)

    @staticmethod
    def check_query(data):
        keys = {0x00080005, 0x00080016, 0x00080018, 0x00100020, 0x00100021, 0x00404018, 0x00404021, 0x0040a370, 0x00741000, 0x00741200}
        try:
            elements, _ = parse(data)
        except (Wrong, struct.error, KeyError) as wrong:
            yield str(wrong)
            return
        for tag, value in elements:
            if tag not in keys:
                yield f"{name(tag)}: no key of ours"
            if isinstance(value, list) and len(value) > 1:
                yield f"{name(tag)}: more than one item"


class Manager:
    """`classes`: what it takes. `performer`: what it answers to a cancel of an item in progress. `race`: the state that an item has by the
    time an N-SET comes. `tells_all`: answers bring datasets. `optional_keys`: it knows them. `characters`: of what it answers. `context`: of TLS."""

    def __init__(self, classes=(PUSH, PULL, WATCH)):
        self.classes = {pacs.VERIFICATION, *classes}
        self.items, self.log, self.violations, self.how = {}, [], [], {}
        self.performer, self.race, self.tells_all, self.optional_keys, self.characters = 0xc312, None, False, True, None
        self.lock = threading.Lock()
        self.associations, self.context = 0, None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.associations += 1
            threading.Thread(target=Association(self, connection, self.associations).run, daemon=True).start()

    def take(self, names):
        """As pacs.Pacs.take of a service's misbehaviour; of the association's, one of `names`."""
        service = names if isinstance(names, str) else "associate"
        with self.lock:
            what, count = self.how.get(service, (None, None))
            if what is None or (service == "associate" and what not in names):
                return None
            if count is not None:
                self.how[service] = (what, count - 1) if count > 1 else (None, None)
            return what

    @staticmethod
    def scheduled(uid, accession="", study="2.25.1", priority="MEDIUM", state="SCHEDULED", patient="P1", workitem="110005", comments="",
                  request=True, input_study=None, issuer=""):
        item = Dataset()
        item.SOPClassUID, item.SOPInstanceUID = PUSH, uid
        item.PatientName, item.PatientID, item.IssuerOfPatientID = "Doe^Jane", patient, issuer
        item.ScheduledProcedureStepPriority, item.ProcedureStepState = priority, state
        item.ProcedureStepLabel, item.CommentsOnTheScheduledProcedureStep = "Read", comments
        item.ScheduledWorkitemCodeSequence = Sequence([code(workitem)] if workitem else [])
        one = Dataset()
        one.AccessionNumber, one.IssuerOfAccessionNumberSequence, one.StudyInstanceUID = accession, Sequence(), study
        item.ReferencedRequestSequence = Sequence([one] if request else [])
        source = Dataset()
        source.TypeOfInstances, source.StudyInstanceUID = "DICOM", input_study
        item.InputInformationSequence = Sequence([source] if input_study else [])
        return item

    def add(self, uid, **fields):
        self.items[uid] = self.scheduled(uid, **fields)
        return self.items[uid]

    def encoded(self, answer):
        if self.characters:
            answer.SpecificCharacterSet = self.characters
        return encode(answer)

    def asked(self, *kinds):
        return [line["kind"] for line in self.log if not kinds or line["kind"] in kinds]

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # close alone would leave accept() one more
        except OSError:
            pass
        self.listener.close()
