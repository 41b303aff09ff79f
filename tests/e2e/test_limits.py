"""Every ceiling on what a peer controls, at its edge, on the real node: at the limit it passes, one above it is refused with the
right code, and both the peer (where DICOM has room for words) and the log are told the setting's name."""
import concurrent.futures
import socket
import struct
import threading
import time
import unittest
import zlib

import harness as h
import rawscu
from rawscu import associate_rq, element, pdata, pdatas, read_pdu, response_field, store_rq

UID = "1.2.3.4.5.{}"
DEFLATED = "1.2.840.10008.1.2.1.99"
RECEIVE = '<receive acseTimeout="2" dimseTimeout="2" pduTimeout="2" associationTime="6" datasetTime="3" minimumRate="0" maximumPdu="4096"/>'
LIMITS = ('<limits associations="6" associationsPerPeer="4" commandBytes="1024" nesting="3" elements="40" datasetBytes="4096" '
          'inflatedBytes="8192"/>')
LOCAL_LIMIT = b"\x03\0\0\0\0\x04\0\x02\x03\x02"


def connect(port, source="127.0.0.1"):
    s = socket.create_connection(("127.0.0.1", port), timeout=12, source_address=(source, 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def associate(port, source="127.0.0.1"):
    s = connect(port, source)
    s.sendall(associate_rq())
    return s, read_pdu(s)


def identity(uid):
    return element(8, 0x16, rawscu.SECONDARY_CAPTURE.encode() + b"\0") + element(8, 0x18, rawscu.even(uid.encode()))


def padded(uid, size):
    """A dataset of exactly this many bytes."""
    head = identity(uid)
    return head + element(0x10, 0x10, b" " * (size - len(head) - 8))


def nested(uid, depth):
    inner = b""
    for _ in range(depth):
        item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
        inner = element(8, 0x1140, item)
    return identity(uid) + inner


def counted(uid, elements):
    return identity(uid) + b"".join(element(9, 0x1000 + i, b"x ") for i in range(elements - 2))


def inflating(uid, size):
    explicit = b"".join(struct.pack("<HH2sH", 8, n, b"UI", len(v)) + v for n, v in
                        ((0x16, rawscu.SECONDARY_CAPTURE.encode() + b"\0"), (0x18, rawscu.even(uid.encode()))))
    rest = size - len(explicit) - 12
    explicit += struct.pack("<HH2sHI", 0x10, 0x10, b"UT", 0, rest) + b" " * rest
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return rawscu.even(packer.compress(explicit) + packer.flush())


class Limits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = h.Node({}, mode="shadow", receive=RECEIVE, limits=LIMITS)
        cls.number = 0

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()

    def said(self, words):
        h.wait_for(lambda: words in self.node.log(), 5, f"the log says {words!r}")

    def store(self, make, value, syntax=rawscu.IMPLICIT):
        type(self).number += 1
        uid = UID.format(1000 + self.number)
        return rawscu.store(self.node.port, rawscu.SECONDARY_CAPTURE, uid, syntax, make(uid, value), size=4000)

    def test_datasets(self):
        for name, make, limit, syntax in (("nesting", nested, 3, rawscu.IMPLICIT), ("elements", counted, 40, rawscu.IMPLICIT),
                                          ("datasetBytes", padded, 4096, rawscu.IMPLICIT), ("inflatedBytes", inflating, 8192, DEFLATED)):
            step = 2 if name.endswith("Bytes") else 1
            with self.subTest(name):
                self.assertEqual(self.store(make, limit, syntax)[0], "0000")
                status, comment = self.store(make, limit + step, syntax)
                self.assertEqual(status, "c000")
                self.assertTrue(comment.startswith(f"limit {name}: "), comment)
                self.said(f"limit {name}: ")

    def test_a_dataset_twice_the_ceiling_is_cut_off(self):
        self.assertEqual(self.store(padded, 2 * 4096)[0], "c000")
        self.assertEqual(self.store(padded, 2 * 4096 + 20)[0], "aborted")
        self.said("limit datasetBytes: twice")

    def command_of(self, size):
        echo = lambda filler: rawscu.command([(2, b"1.2.840.10008.1.1\0"), (0x100, b"\x30\0"), (0x110, b"\1\0"), (0x800, b"\1\1"),
                                              (0x902, b"x" * filler)])
        return echo(size - len(echo(0)))

    def answer(self, *parts):
        s, accepted = associate(self.node.port)
        with s:
            self.assertEqual(accepted[:1], b"\x02")
            s.sendall(b"".join(parts))
            return read_pdu(s)

    def test_command_bytes(self):
        self.assertEqual(response_field(self.answer(pdatas(self.command_of(1024), True, 500)), 0x900), 0)
        self.assertEqual(self.answer(pdatas(self.command_of(1026), True, 500))[:1], b"\x07")
        self.said("limit commandBytes: ")

    def test_maximum_pdu(self):
        """The fragment and the PDV's six bytes are the PDU."""
        for size, kind in ((4096 - 6, b"\x04"), (4096 - 5, b"\x07")):
            self.assertEqual(self.answer(pdatas(store_rq(), True), pdata(b"\0" * size, False, True))[:1], kind, size)
        self.said("limit maximumPdu: ")

    def test_associations(self):
        held = []
        try:
            for source, most, name in (("127.0.0.1", 4, "associationsPerPeer"), ("127.0.0.2", 2, "associations")):
                time.sleep(0.5 if not held else 0)  # those of other tests end
                for _ in range(most):
                    s, accepted = associate(self.node.port, source)
                    held.append(s)
                    self.assertEqual(accepted[:1], b"\x02", name)
                begin = time.monotonic()
                s, refused = associate(self.node.port, source)
                took = time.monotonic() - begin
                s.close()
                self.assertEqual(refused, LOCAL_LIMIT)
                self.assertLess(took, 1)
                self.said(f'limit {name}"')
                time.sleep(1.1)  # one line a second
        finally:
            for s in held:
                s.close()
        h.wait_for(lambda: self.node.echo().returncode == 0, 5, "room again")

    def cut_off_after(self, source, seconds, name, first, again=b"", every=0.4):
        """The node aborts the association between `seconds` and 1.5 s later, though the peer goes on."""
        s, accepted = associate(self.node.port, source)
        with s:
            self.assertEqual(accepted[:1], b"\x02", name)
            begin = time.monotonic()
            s.sendall(first)
            s.settimeout(every)
            received = b""
            while time.monotonic() - begin < seconds + 3:
                try:
                    more = s.recv(4096)
                    received += more
                    if not more or more[:1] == b"\x07":
                        break
                except socket.timeout:
                    pass
                except ConnectionError:
                    break
                try:
                    s.sendall(again)
                except ConnectionError:
                    pass
            took = time.monotonic() - begin
        self.assertGreater(took, seconds - 0.3, name)
        self.assertLess(took, seconds + 2, name)
        self.said(f"limit {name}: ")

    def test_times(self):
        """The last two are never silent: one sends fragments without a byte, one C-ECHO after C-ECHO."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for end in [pool.submit(self.cut_off_after, *case) for case in (
                    ("127.0.0.1", 2, "dimseTimeout", b""), ("127.0.0.1", 2, "pduTimeout", b"\x04\0\0\0\x01"),
                    ("127.0.0.3", 3, "datasetTime", pdatas(store_rq(), True), pdata(b"", False, False)),
                    ("127.0.0.3", 6, "associationTime", b"", pdatas(self.command_of(200), True, 500)))]:
                end.result()

    def test_negotiation(self):
        with connect(self.node.port) as s:
            begin = time.monotonic()
            s.sendall(associate_rq()[:40])
            self.assertIn(read_pdu(s)[:1], (b"\x07", b""))
            self.assertLess(time.monotonic() - begin, 4)


class Pace(unittest.TestCase):
    """What a peer may do in a second."""

    def setUp(self):
        self.node = h.Node({}, limits='<limits connectionsPerPeer="3" echoes="5" associationCpuTime="1"/>')
        self.addCleanup(self.node.stop)

    def test_connections_in_a_second(self):
        held = []
        self.addCleanup(lambda: [s.close() for s in held])
        for _ in range(2):  # the next second they may again
            time.sleep(1.02 - time.monotonic() % 1)  # the node counts by this clock's seconds, too
            begin = int(time.monotonic())
            answers = []
            for _ in range(4):
                s, answer = associate(self.node.port, "127.0.0.9")
                held.append(s)
                answers.append(answer)
            self.assertEqual(int(time.monotonic()), begin, "four connections took more than a second")
            self.assertEqual([a[:1] for a in answers[:3]], [b"\x02"] * 3)
            self.assertEqual(answers[3], LOCAL_LIMIT)
        h.wait_for(lambda: 'reason="limit connectionsPerPeer"' in self.node.log(), 5, "the limit's name in the log")

    def test_echoes_of_an_association(self):
        us = lambda v: struct.pack("<H", v)
        echo = pdatas(rawscu.command([(2, b"1.2.840.10008.1.1\0"), (0x100, us(0x30)), (0x110, us(1)), (0x800, us(0x101))]), True)
        s = connect(self.node.port, "127.0.0.9")
        self.addCleanup(s.close)
        s.sendall(associate_rq(sop_class="1.2.840.10008.1.1"))
        self.assertEqual(read_pdu(s)[:1], b"\x02")
        took = []
        for _ in range(8):
            begin = time.monotonic()
            s.sendall(echo)
            self.assertEqual(response_field(read_pdu(s), 0x900), 0)
            took.append(time.monotonic() - begin)
        self.assertLess(min(took[:5]), 0.09)
        self.assertGreaterEqual(min(took[5:]), 0.1)


    def test_processor_time_of_an_association(self):
        """128 MiB of blanks, deflated, are inflated again and again; who comes next is served."""
        message = pdatas(store_rq(uid="1.2.3.4.5.1"), True) + pdatas(inflating("1.2.3.4.5.1", 1 << 27), False, 16000)
        s = connect(self.node.port)
        self.addCleanup(s.close)
        s.settimeout(60)
        s.sendall(associate_rq(syntax=DEFLATED))
        answers = [read_pdu(s)]
        try:
            while answers[-1] and len(answers) < 200:
                s.sendall(message)
                answers.append(read_pdu(s))
        except ConnectionError:
            pass
        self.assertEqual(response_field(answers[1], 0x900), 0, "the first is taken")
        h.wait_for(lambda: "association-died" in self.node.log(), 10, "its end")
        self.assertRegex(self.node.log(), "association-died process=[0-9]+ signal=24 limit associationCpuTime address=127")
        self.assertEqual(self.node.echo().returncode, 0)


class Rate(unittest.TestCase):
    """minimumRate is looked at over half a minute: two peers send beside all other tests; setUpModule begins."""
    node = None
    ends = {}

    @classmethod
    def send(cls):
        """2000 bytes a second are asked for; 500 are too few, 20,000 are enough."""
        for rate in (500, 20000):
            s, _ = associate(cls.node.port)
            s.sendall(pdatas(store_rq(uid=f"1.2.3.{rate}"), True))
            cls.ends[rate] = s
        begin = time.monotonic()
        while len(cls.ends) == 2 and time.monotonic() - begin < 60 or time.monotonic() - begin < 33:
            for rate, s in list(cls.ends.items()):
                try:
                    s.sendall(pdata(b"\0" * (rate // 2), False, False))
                except ConnectionError:
                    cls.ends.pop(rate).close()
            time.sleep(0.5)

    def test_minimum_rate(self):
        self.thread.join()
        self.assertEqual(list(self.ends), [20000])
        h.wait_for(lambda: "limit minimumRate: " in self.node.log(), 2, "the log")


def setUpModule():
    Rate.node = h.Node({}, mode="shadow", receive='<receive minimumRate="2000"/>')
    unittest.addModuleCleanup(Rate.node.stop)
    Rate.thread = threading.Thread(target=Rate.send)
    Rate.thread.start()


def tearDownModule():
    Rate.thread.join()
    for s in Rate.ends.values():
        s.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
