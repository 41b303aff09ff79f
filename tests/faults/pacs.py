"""A scripted PACS: a Storage SCP in plain bytes (PS3.7, PS3.8) that keeps and logs all it gets, and misbehaves when told to.

pacs.py --folder DIR [--port N] [--ae TITLE]     serves until killed; prints its port; DIR/behave may tell it how to be, as below.

DIR/log.jsonl has a line for each object received whole: time, association (a number), sop_class, sop_instance, syntax, sha256 (of the
dataset), bytes, path (of the kept Part 10 file), status (as answered: four hex digits, or "none" when the answer was swallowed).
Other lines have kind "associate" (rejected, closed, accepted) and "cut" (an object of which only a part was taken).

Behaviour, `Pacs.behave(name, count=None)` or a JSON file DIR/behave {"name": ..., "count": ...} read at each association and object:
  ok           takes everything
  refuse       rejects the association (transient, local limit exceeded)
  called, calling  rejects it for good: called, calling AE title not recognized
  close        closes the connection at once
  no-context   accepts the association, none of its presentation contexts
  silence      accepts the association and never answers anything again
  a700 c000 b007 0111 ...   answers this status; what is A, C or 01 is logged, not kept; Cxxx with an Error Comment that names a patient
  abort-mid    aborts in the middle of a dataset
  swallow      keeps the object, then closes without an answer
`count`: only so many times, then ok.

`Pacs.dislikes`: {(SOP Class UID, Study Instance UID): behaviour}, of a700 and abort-mid, for these objects alone.

`Pacs.hold(sop_class, study)`, `Pacs.release()`: between them what it keeps of these is not answered; `held` is set once it has one.

`Pacs.vanish()`, `Pacs.come_back()`: between them no connection is answered, as behind a firewall that drops. `Pacs.leave()`,
`Pacs.come_back()`: between them nobody listens, TCP is refused."""
import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ledger import Lines, read_lines  # noqa: E402
import rawscu  # noqa: E402

VERIFICATION = "1.2.840.10008.1.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
CLASSES = {VERIFICATION, "1.2.840.10008.5.1.4.1.1.88.11", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.22",
           "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7.4", "1.2.840.10008.5.1.4.1.1.11.1",
           "1.2.840.10008.5.1.4.1.1.30", "1.2.840.10008.5.1.4.1.1.88.59"}
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
REJECTIONS = {"refuse": (2, 3, 2), "called": (1, 1, 7), "calling": (1, 1, 3)}  # result, source, reason (PS3.8 9.3.4)
AT_ASSOCIATION = (*REJECTIONS, "close", "no-context", "silence")
ABORT = struct.pack(">BBI4x", 7, 0, 4)
NO_DATASET = b"\1\1"  # of a command: Command Data Set Type (PS3.7 E.1)


def items(data):
    """(type, content) of the items of an A-ASSOCIATE PDU or of one of its items."""
    at = 0
    while at + 4 <= len(data):
        kind, length = data[at], struct.unpack_from(">H", data, at + 2)[0]
        yield kind, data[at + 4:at + 4 + length]
        at += 4 + length


def command_fields(data):
    """{element number: bytes} of a command set."""
    fields, at = {}, 0
    while at + 8 <= len(data):
        number, length = struct.unpack_from("<2xHI", data, at)
        fields[number] = data[at + 8:at + 8 + length]
        at += 8 + length
    return fields


def uid_of(data):
    return data.decode("ascii", "replace").strip("\0 ")


def part10(sop_class, sop_instance, syntax, dataset):
    """The dataset as a file of its own (PS3.10, 7.1)."""
    def element(number, vr, value):
        value += (b"\0" if vr == b"UI" or vr == b"OB" else b" ") * (len(value) % 2)
        head = struct.pack("<HH", 2, number) + vr
        return head + (struct.pack("<2xI", len(value)) if vr == b"OB" else struct.pack("<H", len(value))) + value
    meta = (element(1, b"OB", b"\0\1") + element(2, b"UI", sop_class.encode()) + element(3, b"UI", sop_instance.encode()) +
            element(0x10, b"UI", syntax.encode()) + element(0x12, b"UI", b"1.2.3.4"))
    return bytes(128) + b"DICM" + element(0, b"UL", struct.pack("<I", len(meta))) + meta + dataset


class Association:
    """One connection, in a thread of its own."""

    def __init__(self, pacs, connection, number):
        self.pacs, self.socket, self.number = pacs, connection, number
        self.contexts = {}  # id -> (abstract syntax, transfer syntax)

    def run(self):
        try:
            self.serve()
        except (OSError, struct.error):
            pass
        finally:
            self.socket.close()

    def log(self, kind, **fields):
        self.pacs.lines.append(kind=kind, association=self.number, **fields)

    def serve(self):
        how = self.pacs.take(AT_ASSOCIATION)
        if how == "close":
            return self.log("associate", outcome="closed")
        request = rawscu.read_pdu(self.socket)
        if request[:1] != b"\x01":
            return None
        if how in REJECTIONS:
            self.log("associate", outcome="rejected")
            return self.socket.sendall(struct.pack(">BBIBBBB", 3, 0, 4, 0, *REJECTIONS[how]))
        self.accept(request, how == "no-context")
        self.log("associate", outcome="accepted", contexts=len(self.contexts))
        if how == "silence":
            return self.wait_for_end()
        return self.take_messages()

    def wait_for_end(self):
        while self.socket.recv(65536):
            pass

    def classes(self):
        """SOP classes that are taken."""
        return CLASSES

    def accept(self, request, none):
        classes = self.classes()
        body, answers = request[6:], b""
        for kind, content in items(body[68:]):
            if kind != 0x20:
                continue
            parts = list(items(content[4:]))
            abstract = next((uid_of(c) for k, c in parts if k == 0x30), "")
            offered = [uid_of(c) for k, c in parts if k == 0x40]
            syntax = next((s for s in (EXPLICIT, IMPLICIT) if s in offered), None)
            result = 0 if syntax and abstract in classes and not none else 3 if abstract not in classes else 4
            if result == 0:
                self.contexts[content[0]] = (abstract, syntax)
            answers += rawscu.item(0x21, bytes([content[0], 0, result, 0]) + rawscu.item(0x40, (syntax or IMPLICIT).encode()))
        user = rawscu.item(0x50, rawscu.item(0x51, struct.pack(">I", 65536)) + rawscu.item(0x52, b"1.2.3.4"))
        body = struct.pack(">HH", 1, 0) + body[4:68] + rawscu.item(0x10, b"1.2.840.10008.3.1.1.1") + answers + user
        self.socket.sendall(struct.pack(">BBI", 2, 0, len(body)) + body)

    def take_messages(self):
        """Puts commands and datasets together until the association ends."""
        command, dataset, request = b"", bytearray(), None
        while True:
            pdu = rawscu.read_pdu(self.socket)
            if pdu[:1] == b"\x05":
                self.socket.sendall(struct.pack(">BBI4x", 6, 0, 4))
            if pdu[:1] != b"\x04":
                return
            at = 6
            while at + 6 <= len(pdu):
                length, context, flags = struct.unpack_from(">IBB", pdu, at)
                fragment = pdu[at + 6:at + 4 + length]
                at += 4 + length
                if flags & 1:
                    command += fragment
                    if not flags & 2:
                        continue
                    request, command = command_fields(command), b""
                    if request[0x800] != NO_DATASET:
                        continue
                else:
                    dataset += fragment
                    if not flags & 2:
                        if self.cuts(request, dataset):
                            return
                        continue
                if self.serve_one(context, request, bytes(dataset)) is False:
                    return
                dataset, request = bytearray(), None

    def cuts(self, request, dataset):
        """Whether the association ends amid this dataset."""
        if not self.pacs.take(("abort-mid",)):
            return False
        self.log("cut", sop_instance=uid_of(request[0x1000]), bytes=len(dataset))
        self.socket.sendall(ABORT)
        return True

    def serve_one(self, context, request, dataset):
        """One message; false when the association shall end."""
        if request[0x800] != NO_DATASET:
            return self.stored(context, request, dataset)
        if request[0x100] == b"\x30\0":
            self.answer(context, request, 0, 0x8030)
        return True

    def stored(self, context, request, dataset):
        """Keeps and answers one object; false when the association shall end."""
        abstract, syntax = self.contexts[context]
        uid = uid_of(request[0x1000])
        how = self.pacs.disliked(abstract, dataset) or self.pacs.take_status()
        if how == "abort-mid":
            self.log("cut", sop_instance=uid, bytes=len(dataset) // 2)
            self.socket.sendall(ABORT)
            return False
        status = 0 if how in ("ok", "swallow", *AT_ASSOCIATION) else int(how, 16)
        kept = status >> 12 in (0, 0xb) and status >> 8 != 1
        path = self.pacs.keep(abstract, part10(abstract, uid, syntax, dataset)) if kept else ""
        self.log("store", sop_class=abstract, sop_instance=uid, syntax=syntax, sha256=hashlib.sha256(dataset).hexdigest(),
                 bytes=len(dataset), path=path, status="none" if how == "swallow" else f"{status:04x}")
        if how == "swallow":
            return False
        self.pacs.wait_while_held(abstract, dataset)
        self.answer(context, request, status, 0x8001)
        return True

    def answer(self, context, request, status, response):
        us = lambda v: struct.pack("<H", v)
        fields = [(2, request[2]), (0x100, us(response)), (0x120, request[0x110]), (0x800, us(0x101)), (0x900, us(status))]
        if status >> 12 == 0xc:
            fields.append((0x902, b"no such patient: DOE^JANE "))
        if 0x1000 in request:
            fields.append((0x1000, request[0x1000]))
        pdv = rawscu.command(fields)
        pdv = struct.pack(">IBB", len(pdv) + 2, context, 3) + pdv
        self.socket.sendall(struct.pack(">BBI", 4, 0, len(pdv)) + pdv)


class Pacs:
    """In threads of the caller's process. `folder` is kept: it is evidence. `pictures`: of so many pictures the bytes of one are kept."""

    association = Association

    def __init__(self, folder, port=0, ae="PACS", pictures=1):
        self.folder, self.ae, self.pictures = str(folder), ae, pictures
        self.taken = 0
        os.makedirs(self.folder, exist_ok=True)
        self.log_path = os.path.join(self.folder, "log.jsonl")
        self.lines = Lines(self.log_path)
        self.lock = threading.Lock()
        self.behaviour, self.left, self.dislikes = "ok", None, {}
        self.holds, self.held, self.released = (None, b""), threading.Event(), threading.Event()
        self.kept = len([n for n in os.listdir(self.folder) if n.endswith(".dcm")])
        self.associations = 0
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.queued = []
        threading.Thread(target=self.listen, args=(self.listener,), daemon=True).start()

    def listen(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.associations += 1
                number = self.associations
            threading.Thread(target=self.association(self, connection, number).run, daemon=True).start()

    def leave(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # or accept() would go on with it
        self.listener.close()

    def vanish(self):
        """A listener that nobody serves, its backlog full: the kernel drops whoever calls."""
        self.leave()
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=0)
        while len(self.queued) < 64:
            caller = socket.socket()
            self.queued.append(caller)
            caller.settimeout(0.2)
            try:
                caller.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return
        raise OSError("the backlog does not fill")

    def come_back(self):
        while self.queued:
            self.queued.pop().close()
        if self.listener.fileno() < 0:
            self.listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.listener.listen(64)
        threading.Thread(target=self.listen, args=(self.listener,), daemon=True).start()

    def hold(self, sop_class, study):
        self.held.clear()
        self.released.clear()
        self.holds = sop_class, study.encode()

    def release(self):
        self.holds = None, b""
        self.released.set()

    def wait_while_held(self, sop_class, dataset):
        held_class, study = self.holds
        if sop_class == held_class and study in dataset:
            self.held.set()
            self.released.wait()

    def disliked(self, sop_class, dataset):
        return next((how for (disliked, study), how in list(self.dislikes.items()) if disliked == sop_class and study.encode() in dataset), None)

    def behave(self, name, count=None):
        with self.lock:
            self.behaviour, self.left = name, count

    def read_orders(self):
        path = os.path.join(self.folder, "behave")
        try:
            with open(path, encoding="utf-8") as f:
                order = json.load(f)
            os.unlink(path)
        except (OSError, ValueError):
            return
        self.behaviour, self.left = order.get("name", "ok"), order.get("count")

    def spend(self):
        how = self.behaviour
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.behaviour, self.left = "ok", None
        return how

    def take(self, names):
        """The behaviour in force if it is one of these (and then one time less of it), else None."""
        with self.lock:
            self.read_orders()
            return self.spend() if self.behaviour in names else None

    def take_status(self):
        with self.lock:
            self.read_orders()
            return "ok" if self.behaviour in AT_ASSOCIATION else self.spend()

    def keep(self, sop_class, data):
        """Whole or not at all, under a name that no peer chose."""
        with self.lock:
            self.taken += 1
            if sop_class == SECONDARY_CAPTURE and self.taken % self.pictures:
                return ""
            self.kept += 1
            path = os.path.join(self.folder, f"{self.kept:06}.dcm")
        with open(path + ".part", "wb") as f:
            f.write(data)
        os.rename(path + ".part", path)
        return path

    def stores(self):
        """The logged objects that were kept."""
        return [line for line in read_lines(self.log_path) if line["kind"] == "store" and line["path"]]

    def close(self):
        self.listener.close()


def main():
    parser = argparse.ArgumentParser(description="a scripted PACS")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ae", default="PACS")
    wanted = parser.parse_args()
    pacs = Pacs(wanted.folder, wanted.port, wanted.ae)
    print(pacs.port, flush=True)
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
