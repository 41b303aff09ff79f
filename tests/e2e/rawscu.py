"""A Storage SCU in plain bytes (PS3.7, PS3.8): sends what it is told to, well-formed or not. No toolkit in between."""
import contextlib
import socket
import struct
import time

import pydicom

IMPLICIT, SECONDARY_CAPTURE = "1.2.840.10008.1.2", "1.2.840.10008.5.1.4.1.1.7"


def item(kind, data):
    return struct.pack(">BBH", kind, 0, len(data)) + data


def associate_rq(sop_class=SECONDARY_CAPTURE, syntax=IMPLICIT, called="CERVIGATE", calling="RAWSCU", maximum=16384):
    context = item(0x20, bytes([1, 0, 0, 0]) + item(0x30, sop_class.encode()) + item(0x40, syntax.encode()))
    user = item(0x50, item(0x51, struct.pack(">I", maximum)) + item(0x52, b"1.2.3.4"))
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + calling.ljust(16).encode() + bytes(32)
    body += item(0x10, b"1.2.840.10008.3.1.1.1") + context + user
    return struct.pack(">BBI", 1, 0, len(body)) + body


def element(group, number, value):
    return struct.pack("<HHI", group, number, len(value)) + value


def command(fields):
    body = b"".join(element(0, n, v) for n, v in fields)
    return element(0, 0, struct.pack("<I", len(body))) + body


def even(data):
    return data + b"\0" * (len(data) % 2)


def store_rq(sop_class=SECONDARY_CAPTURE, uid="1.2.3.4.5.6"):
    us = lambda v: struct.pack("<H", v)
    return command([(2, even(sop_class.encode())), (0x100, us(1)), (0x110, us(1)), (0x700, us(0)), (0x800, us(1)),
                    (0x1000, even(uid.encode()))])


def pdata(fragment, is_command, last):
    pdv = struct.pack(">IBB", len(fragment) + 2, 1, (1 if is_command else 0) | (2 if last else 0)) + fragment
    return struct.pack(">BBI", 4, 0, len(pdv)) + pdv


def pdatas(data, is_command, size=16000):
    parts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    return b"".join(pdata(p, is_command, n == len(parts) - 1) for n, p in enumerate(parts))


def room_for(accepted):
    """How long a fragment may be, by A-ASSOCIATE-AC's Maximum Length Received (PS3.8 D.1)."""
    at = accepted.find(struct.pack(">BBH", 0x51, 0, 4))
    return (struct.unpack_from(">I", accepted, at + 4)[0] if at >= 0 else 16384) - 6


def response_field(received, number, kind="H"):
    """A field of the first response in received P-DATA, or None."""
    at = received.find(struct.pack("<HHI", 0, number, struct.calcsize(kind)))
    return None if at < 0 else struct.unpack_from("<" + kind, received, at + 8)[0]


def comment(received):
    at = received.find(struct.pack("<HH", 0, 0x902))
    if at < 0:
        return ""
    length = struct.unpack_from("<I", received, at + 4)[0]
    return received[at + 8:at + 8 + length].decode("latin-1").strip("\0 ")


def read_pdu(s):
    head = b""
    while len(head) < 6:
        more = s.recv(6 - len(head))
        if not more:
            return head
        head += more
    length, body = struct.unpack(">I", head[2:6])[0], b""
    while len(body) < length:
        more = s.recv(length - len(body))
        if not more:
            break
        body += more
    return head + body


@contextlib.contextmanager
def stored(port, sop_class, uid, syntax, dataset, seconds=20, pause=0, size=16000):
    """(status as four hex digits, or 'rejected', 'no-context', 'aborted'; the node's comment), on an association that stays for as long as the block.
    `pause`: seconds in the middle of the dataset."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(associate_rq(sop_class, syntax))
        answer = read_pdu(s)
        if answer[:1] != b"\x02":
            yield "rejected" if answer[:1] == b"\x03" else "aborted", ""
            return
        at = answer.find(b"\x21\0", 74)
        if at < 0 or answer[at + 6] != 0:
            s.sendall(struct.pack(">BBII", 5, 0, 4, 0))
            yield "no-context", f"result {answer[at + 6] if at >= 0 else '?'}"
            return
        try:
            message = pdatas(store_rq(sop_class, uid), True) + pdatas(dataset, False, size)
            s.sendall(message[:len(message) // 2])
            time.sleep(pause)
            s.sendall(message[len(message) // 2:])
        except ConnectionError:
            pass
        try:
            received = read_pdu(s)
        except (ConnectionError, socket.timeout):
            received = b""
        status = response_field(received, 0x900)
        if status is None:
            yield "aborted", ""
            return
        yield f"{status:04x}", comment(received)
        s.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        try:
            s.recv(64)
        except (ConnectionError, socket.timeout):
            pass


def store(*what, **how):
    """As stored(), released at once."""
    with stored(*what, **how) as answer:
        return answer


def store_file(port, path, dataset, seconds=20):
    """Sends the dataset of a Part 10 file as it is."""
    meta = pydicom.filereader.read_file_meta_info(path)
    return store(port, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID, dataset, seconds)
