"""An SCU of Unified Procedure Steps in plain bytes (PS3.4 annex CC), one association at a time: C-FIND, N-GET, N-SET, N-ACTION, C-CANCEL.

Each match and each N-GET's answer can be held against table CC.2.5-3 (`wrong_in`)."""
import contextlib
import os
import socket
import struct
import sys

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
import pacs  # noqa: E402
import rawscu  # noqa: E402
import ups_scp  # noqa: E402
from archive import decode, encode, message, short  # noqa: E402

PUSH, PULL, QUERY, VERIFICATION = "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.3", "1.2.840.10008.5.1.4.34.6.5", "1.2.840.10008.1.1"

# ---- table CC.2.5-3, as an item is told: what N-CREATE must have, with what the manager adds, without the Transaction UID ----
PROGRESS = {0x00404052: ("3", None), 0x0074100e: ("3", ups_scp.CODE), 0x00741238: ("3", None), 0x00741004: ("3", None), 0x00741006: ("3", None)}
PERFORMED = {0x00404019: ("1", ups_scp.CODE), 0x00404028: ("2", ups_scp.CODE), 0x00404033: ("2", None), 0x00404050: ("1", None), 0x00404051: ("1", None)}
HELD = dict(ups_scp.CREATE)
del HELD[0x00081195]
HELD.update({0x00080016: ("1", (PUSH,)), 0x00080018: ("1", None), 0x00404010: ("1", None), 0x00741002: ("2", PROGRESS), 0x00741216: ("2", PERFORMED),
             0x00741000: ("1", ("SCHEDULED", "IN PROGRESS", "CANCELED", "COMPLETED"))})


def wrong_in(data):
    return ups_scp.check_dataset(data, HELD)


def keys(**values):
    """An identifier with all that an item has as return keys, and these as matching keys. `request`: in Referenced Request Sequence."""
    query = Dataset()
    request = values.pop("request", None)
    for tag in HELD:
        if tag != 0x00080005:
            vr = ups_scp.dictionary_VR(tag)
            query.add_new(tag, vr, Sequence() if vr == "SQ" else "")
    if request is not None:
        item = Dataset()
        for keyword, value in request.items():
            setattr(item, keyword, value)
        query.ReferencedRequestSequence = Sequence([item])
    for keyword, value in values.items():
        setattr(query, keyword, value)
    return query


def code(value, scheme="DCM", meaning="Interpretation"):
    return Sequence([ups_scp.code(value, scheme, meaning)])


def performed(**more):
    """What COMPLETED needs of a performer."""
    item = Dataset()
    item.PerformedWorkitemCodeSequence = code("110005")
    item.PerformedStationNameCodeSequence = code("WS1", "99SITE", "Workstation 1")
    item.OutputInformationSequence = Sequence()
    item.PerformedProcedureStepStartDateTime, item.PerformedProcedureStepEndDateTime = "20261127120000", "20261127120500"
    for keyword, value in more.items():
        if value is None:
            del item[keyword]
        else:
            setattr(item, keyword, value)
    change = Dataset()
    change.UnifiedProcedureStepPerformedProcedureSequence = Sequence([item])
    return change


class Refused(Exception):
    pass


class Scu:
    """`classes`: proposed, in contexts 1, 3, ...; what was taken is in `contexts` (class -> number)."""

    def __init__(self, port, classes=(QUERY, PULL), called="CERVIGATE", calling="VIEWER1", timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.message_id, self.buffer, self.datas, self.contexts = 0, b"", [], {}
        items = b"".join(rawscu.item(0x20, bytes([2 * n + 1, 0, 0, 0]) + rawscu.item(0x30, c.encode()) + rawscu.item(0x40, rawscu.IMPLICIT.encode()))
                         for n, c in enumerate(classes))
        user = rawscu.item(0x50, rawscu.item(0x51, struct.pack(">I", 16384)) + rawscu.item(0x52, b"1.2.3.4"))
        body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
        body += rawscu.item(0x10, b"1.2.840.10008.3.1.1.1") + items + user
        self.socket.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
        answer = rawscu.read_pdu(self.socket)
        if answer[:1] != b"\x02":
            raise Refused(answer[:10].hex())
        for kind, content in pacs.items(answer[74:]):
            if kind == 0x21 and content[2] == 0:
                self.contexts[classes[content[0] // 2]] = content[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.sendall(struct.pack(">BBI4x", 5, 0, 4))
            rawscu.read_pdu(self.socket)
        self.socket.close()

    def receive(self):
        """(command's fields, dataset's bytes or None)."""
        command, dataset, fields = b"", b"", None
        while True:
            pdu = rawscu.read_pdu(self.socket)
            if pdu[:1] != b"\x04":
                raise ConnectionError(pdu[:10].hex())
            at = 6
            while at + 6 <= len(pdu):
                length, _, flags = struct.unpack_from(">IBB", pdu, at)
                fragment = pdu[at + 6:at + 4 + length]
                at += 4 + length
                if flags & 1:
                    command += fragment
                else:
                    dataset += fragment
                if flags & 3 == 3:
                    fields = pacs.command_fields(command)
                    if fields[0x800] == short(0x101):
                        return fields, None
                elif flags & 2:
                    return fields, dataset

    def send(self, context, field, fields=(), dataset=None):
        self.message_id += 1
        head = {0x100: short(field), 0x110: short(self.message_id), 0x800: short(0x101 if dataset is None else 1), **dict(fields)}
        if isinstance(dataset, Dataset):
            dataset = encode(dataset)
        self.socket.sendall(message(self.contexts[context] if isinstance(context, str) else context, sorted(head.items()), dataset))

    @staticmethod
    def status(fields):
        comment = fields.get(0x902, b"").decode("latin-1").strip("\0 ")
        return f"{struct.unpack('<H', fields[0x900])[0]:04x}", comment

    # ---- C-FIND ----

    def ask(self, query, sop_class=PULL, names=None):
        self.send(sop_class, 0x20, {2: rawscu.even((names or sop_class).encode()), 0x700: short(0)}, query)

    def cancel(self, message_id=None):
        head = [(0x100, short(0xfff)), (0x120, short(message_id or self.message_id)), (0x800, short(0x101))]
        self.socket.sendall(message(self.contexts[PULL], head))

    def answers(self):
        """([match's bytes], [pending statuses], (last status, comment))."""
        matches, pending = [], []
        while True:
            fields, dataset = self.receive()
            status = self.status(fields)
            if not status[0].startswith("ff"):
                return matches, pending, status
            matches.append(dataset)
            pending.append(status[0])

    def find_raw(self, query, sop_class=PULL):
        self.ask(query, sop_class)
        return self.answers()

    def find(self, query=None, sop_class=PULL):
        matches, _, (status, comment) = self.find_raw(keys() if query is None else query, sop_class)
        assert status == "0000", (status, comment)
        return [decode(m) for m in matches]

    # ---- N-services ----

    def item(self, field, uid, fields=(), dataset=None, context=PULL, names=PUSH):
        self.send(context, field, {3: rawscu.even(names.encode()), 0x1001: rawscu.even(uid.encode()), **dict(fields)}, dataset)
        answer, data = self.receive()
        return (*self.status(answer), data)

    def get(self, uid, *tags):
        listed = b"".join(struct.pack("<HH", t >> 16, t & 0xffff) for t in tags)
        return self.item(0x110, uid, {0x1005: listed} if tags else {})

    def set(self, uid, change, transaction=""):
        if isinstance(change, Dataset) and transaction:
            change.TransactionUID = transaction
        return self.item(0x120, uid, {}, change)[:2]

    def change(self, uid, state, transaction="", kind=1):
        information = Dataset()
        information.ProcedureStepState = state
        if transaction:
            information.TransactionUID = transaction
        return self.item(0x130, uid, {0x1008: short(kind)}, information)[:2]
