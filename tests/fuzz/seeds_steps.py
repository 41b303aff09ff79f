"""Seeds of what SCUs of Unified Procedure Steps ask of the node. make_seeds.py writes them."""
import struct

PUSH, PULL = "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.3"


def element(tag, data):
    data += b"\0" * (len(data) % 2)
    return struct.pack("<HHI", tag >> 16, tag & 0xffff, len(data)) + data


def word(tag, value):
    return element(tag, struct.pack("<H", value))


def item(data):
    return element(0xfffee000, data)


def asked(put):
    """Identifiers, action information, modification lists and tags."""
    request = element(0x00080050, b"A*") + element(0x00080051, b"") + element(0x0020000d, b"1.2.3")
    put("ups_asked", "identifier", b"\0" + element(0x00080005, b"ISO_IR 100") + element(0x00080201, b"+0100") + element(0x00100010, b"M\xfcl*") +
        element(0x00100020, b"P?") + element(0x00100030, b"19690101-19710101") + element(0x00404005, b"20261127-20261128+0000") +
        element(0x0040a370, item(request)) + element(0x00741000, b"SCHEDULED ") + element(0x00741200, b""))
    put("ups_asked", "action", b"\1" + element(0x00081195, b"2.25.9") + element(0x00741000, b"IN PROGRESS"))

    def code(tag):
        return element(tag, item(element(0x00080100, b"110005") + element(0x00080102, b"DCM ") + element(0x00080104, b"Interpretation")))
    done = (element(0x00400254, b"gelesen \xe4") + code(0x00404019) + code(0x00404028) + element(0x00404033, b"") +
            element(0x00404050, b"20261127120000") + element(0x00404051, b"20261127120500"))
    progress = element(0x00741004, b"50") + element(0x00741238, b"called away")
    put("ups_asked", "setting", b"\2" + element(0x00080005, b"ISO_IR 100") + element(0x00081195, b"2.25.9") + element(0x00741002, item(progress)) +
        element(0x00741200, b"LOW") + element(0x00741216, item(done)))
    put("ups_asked", "tags", b"\3" + struct.pack("<IIII", 0x00741000, 0x00081195, 0x0040a370, 0x00080060))


def associations(put):
    def part(kind, data):
        return struct.pack(">BBH", kind, 0, len(data)) + data

    def pdu(kind, data):
        return struct.pack(">BBI", kind, 0, len(data)) + data

    def message(data, is_command):
        return pdu(4, struct.pack(">IBB", len(data) + 2, 1, 2 | is_command) + data)

    def command(*elements):
        body = b"".join(elements)
        return message(element(0, struct.pack("<I", len(body))) + body, 1)

    def step(field, number, *more, dataset=1):
        return command(element(3, PUSH.encode()), word(0x100, field), word(0x110, number), word(0x800, dataset), element(0x1001, b"2.25.1"), *more)
    context = part(0x20, b"\1\0\0\0" + part(0x30, PULL.encode()) + part(0x40, b"1.2.840.10008.1.2"))
    user = part(0x50, part(0x51, struct.pack(">I", 16384)) + part(0x52, b"1.2.3.4"))
    begin = pdu(1, struct.pack(">HH", 1, 0) + b"CERVIGATE".ljust(16) + b"SEED".ljust(16) + bytes(32) + part(0x10, b"1.2.840.10008.3.1.1.1") + context + user)
    release = pdu(5, bytes(4))
    find = command(element(2, PULL.encode()), word(0x100, 0x20), word(0x110, 1), word(0x700, 0), word(0x800, 1))
    find += message(element(0x00100020, b"P*") + element(0x00741000, b"SCHEDULED "), 0)
    information = message(element(0x00081195, b"2.25.9") + element(0x00741000, b"IN PROGRESS"), 0)
    cancel = command(word(0x100, 0xfff), word(0x120, 1), word(0x800, 0x101))
    put("association", "steps", begin + step(0x110, 2, element(0x1005, struct.pack("<HH", 0x74, 0x1000)), dataset=0x101) +
        step(0x130, 3, word(0x1008, 1)) + information + step(0x120, 4) + information + find)
    put("association", "steps-cancel", begin + find + cancel + release)
