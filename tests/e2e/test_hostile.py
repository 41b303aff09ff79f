"""Hostile bytes over the wire against the real daemon; C-ECHO answers within a second throughout."""
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import time
import unittest

import harness as h
import rawscu
from rawscu import SECONDARY_CAPTURE, associate_rq, element, pdatas, response_field, store_rq

sys.path.insert(0, os.path.join(h.SOURCE, "tests/faults"))
from ledger import echo  # noqa: E402

# What a test sees of a node that cuts it off: shutdown() of a connection that the node has already reset says ENOTCONN,
# which is a plain OSError and no ConnectionError. A time-out is an OSError too.
CUT_OFF = OSError


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = h.Node({}, mode="shadow", receive='<receive pduTimeout="5" dimseTimeout="5" acseTimeout="5"/>')
        cls.slowest, cls.failures, cls.watching = 0.0, 0, True
        cls.watcher = threading.Thread(target=cls.watch, daemon=True)
        cls.watcher.start()

    @classmethod
    def watch(cls):
        while cls.watching:
            begin = time.monotonic()
            good = cls.answers_echo()
            cls.slowest = max(cls.slowest, time.monotonic() - begin)
            cls.failures += not good
            time.sleep(0.1)

    @classmethod
    def answers_echo(cls):
        try:
            return echo(cls.node.port, 2) == "0000"
        except OSError:
            return False

    @classmethod
    def tearDownClass(cls):
        cls.watching = False
        cls.watcher.join()
        cls.node.stop()
        print(f"C-ECHO throughout: slowest {cls.slowest * 1000:.0f} ms, {cls.failures} failures")

    def setUp(self):
        self.pid = self.node.facts()["receive_pid"]

    def tearDown(self):
        self.assertEqual(self.node.echo().returncode, 0)
        self.assertEqual(self.node.facts()["receive_pid"], self.pid, "the listener died")
        self.assertEqual(self.failures, 0)
        self.assertLess(self.slowest, 1.0 * h.PATIENCE)

    def talk(self, *parts, seconds=12, calling=b"RAWSCU"):
        """Associates, sends all parts, returns everything that came back until the node closes or falls silent."""
        with socket.create_connection(("127.0.0.1", self.node.port), timeout=seconds) as s:
            s.sendall(associate_rq().replace(b"RAWSCU", calling))
            answer = s.recv(65536)
            self.assertEqual(answer[:1], b"\x02", "A-ASSOCIATE-AC expected")
            received = b""
            try:
                for part in parts:
                    s.sendall(part)
                while True:
                    more = s.recv(65536)
                    if not more:
                        break
                    received += more
                    if b"\0\0\0\x09" in more and received[:1] == b"\x04":
                        break
            except socket.timeout:
                self.fail(f"the node neither answered nor closed within {seconds} s")
            except ConnectionError:
                pass
            return received

    def cut_off(self, *parts, seconds=12):
        """The node must close the association without an answer to any command."""
        self.assertIsNone(self.status(self.talk(*parts, seconds=seconds)))

    @staticmethod
    def status(received):
        return response_field(received, 0x900)

    def test_a_command_with_20000_nested_sequences(self):
        nested = struct.pack("<HHI", 0x0040, 0xA730, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        self.cut_off(pdatas(store_rq() + nested * 20000, True))

    def test_a_small_command_with_nested_sequences(self):
        nested = struct.pack("<HHI", 0x0000, 0x0902, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        self.cut_off(pdatas(store_rq() + nested * 900, True))

    def test_a_dataset_with_a_million_nested_sequences(self):
        nested = struct.pack("<HHI", 0x0008, 0x1140, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        received = self.talk(pdatas(store_rq(), True), pdatas(nested * 1000000, False), seconds=30)
        self.assertEqual(self.status(received), 0xC000)
        self.assertRegex(self.node.log(), r"(?i)nest")

    def test_lengths_that_lie(self):
        good = element(8, 0x16, SECONDARY_CAPTURE.encode() + b"\0") + element(8, 0x18, b"1.2.3.4.5.6\0")
        for lie in (struct.pack("<HHI", 0x10, 0x10, 0x7FFFFFFF), struct.pack("<HHI", 0x10, 0x10, 100) + b"short",
                    struct.pack("<HHI", 0x7FE0, 0x10, 0xFFFFFFF0), struct.pack("<HHI", 8, 0x1140, 40) + struct.pack("<HHI", 0xFFFE, 0xE000, 4000)):
            received = self.talk(pdatas(store_rq(), True), pdatas(good + lie, False))
            self.assertIn(self.status(received), (0xC000, 0xA900))

    def test_a_class_that_is_no_uid(self):
        for uid in (b"../../etc/passwd", b"1.2.3\\4.5.6\0", b"%s%n%d", b"1.2.3\n4\0", b".\0", b"1.02.003"):
            good = element(8, 0x16, uid) + element(8, 0x18, b"1.2.3.4.5.6\0")
            self.assertEqual(self.status(self.talk(pdatas(store_rq(), True), pdatas(good, False))), 0xA900)
            self.assertIn("SOP Class UID is not a UID", self.node.log())

    def test_names_that_are_no_text(self):
        """A study, and who sends it: stored under names that every list can show, and no terminal obeys."""
        names = element(0x10, 0x20, b"\xff\xfe") + element(0x20, 0xD, b"1.2\xff\x1b[2J") + element(0x20, 0xE, b"1.2\xff\xfe\x80")
        good = element(8, 0x16, SECONDARY_CAPTURE.encode() + b"\0") + element(8, 0x18, b"1.2.3.4.5.7\0") + names
        self.assertEqual(self.status(self.talk(pdatas(store_rq(uid="1.2.3.4.5.7"), True), pdatas(good, False), calling=b"RA\xb1\x01S\xff")), 0)
        with contextlib.closing(sqlite3.connect(f"file:{self.node.spool}/jobs.sqlite?mode=ro", uri=True)) as store:  # as stored, not only as shown
            store.text_factory = bytes
            self.assertEqual(store.execute("SELECT study, series, calling FROM instance WHERE sop_instance='1.2.3.4.5.7'").fetchall(),
                             [(b"1.2??[2J", b"1.2???", b"RA??S?")])
        told = self.node.admin("jobs", "list", "--json")
        self.assertEqual(told.returncode, 0, told.stderr)
        job = [one for one in map(json.loads, told.stdout.splitlines()) if one["sop_instance"] == "1.2.3.4.5.7"][0]
        self.assertEqual([job[name] for name in ("study", "calling")], ["1.2??[2J", "RA??S?"])
        for words in ((), ("--json",)):
            told = self.node.admin("jobs", "show", str(job["id"]), *words)
            self.assertEqual(told.returncode, 0, told.stderr)
            self.assertIn("1.2??[2J", told.stdout)
            self.assertNotIn("\x1b", told.stdout)

    def test_pdu_lengths_that_lie(self):
        for length in (0xFFFFFFFF, 0x80000000, 0, 5):
            self.cut_off(struct.pack(">BBI", 4, 0, length) + b"\0" * 64, seconds=8)

    def test_pdv_lengths_that_lie(self):
        for length in (0xFFFFFFFF, 0, 1, 70000):
            self.cut_off(struct.pack(">BBIIBB", 4, 0, 70, length, 1, 3) + b"\0" * 64, seconds=8)

    def test_association_requests_that_lie(self):
        whole = associate_rq()
        for broken in (struct.pack(">BBI", 1, 0, 0xFFFFFFFF) + whole[6:], whole[:80], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
                       struct.pack(">BBI", 9, 9, 4) + b"abcd", bytes(70000)):
            with socket.create_connection(("127.0.0.1", self.node.port), timeout=8) as s:
                try:
                    s.sendall(broken)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except CUT_OFF:
                    pass

    def test_slow_peers_do_not_hold_the_node(self):
        peers = [socket.create_connection(("127.0.0.1", self.node.port), timeout=8) for _ in range(40)]
        for s in peers:
            s.sendall(associate_rq()[:50])
        time.sleep(3)
        self.assertEqual(self.node.echo(timeout=2).returncode, 0)
        for s in peers:
            s.close()

    def test_the_published_pdu_seeds(self):
        folder = os.path.join(h.SHARED, "corpus/pdu-seeds")
        if not os.path.isdir(folder):
            self.skipTest("skipped: no shared data")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as f, socket.create_connection(("127.0.0.1", self.node.port), timeout=8) as s:
                try:
                    s.sendall(f.read())
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except CUT_OFF:
                    pass

    def test_wrong_ae_title_is_refused_with_its_reason(self):
        said = h.run("echoscu", "-v", "-aec", "SOMEONE", "127.0.0.1", self.node.port)
        self.assertNotEqual(said.returncode, 0)
        self.assertRegex(said.stdout + said.stderr, r"(?i)called AE title not recognized")


class Full(unittest.TestCase):
    def test_a_full_disk_answers_a700_and_recovers(self):
        folder = tempfile.mkdtemp(prefix="cervigate-full-")
        free = shutil.disk_usage(folder).free
        margin = min(512 << 20, free // 4)
        node = h.Node({}, mode="shadow", limits=f'<limits spoolReserve="{free - margin}"/>')
        filler, path = os.path.join(folder, "filler"), os.path.join(folder, "dx.dcm")
        try:
            h.wrap(h.grey(h.phantoms(os.path.join(folder, "p"), 1)[0][0]), path)
            with open(filler, "wb") as f:
                os.posix_fallocate(f.fileno(), 0, 2 * margin)
            said = h.run("storescu", "-v", "-aec", "CERVIGATE", "127.0.0.1", node.port, path)
            self.assertRegex(said.stdout + said.stderr, r"(?i)0xa700|OutOfResources|refused")
            self.assertEqual(node.echo().returncode, 0)
            self.assertEqual(sum(node.status()["instances"].values()), 0)
            os.unlink(filler)
            self.assertEqual(rawscu.store_file(node.port, path, h.dataset_of(path))[0], "0000")
            self.assertEqual(sum(node.status()["instances"].values()), 1)
        finally:
            node.stop()
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
