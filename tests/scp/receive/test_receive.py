"""The real receiver: what is answered success is on disk and in the store, whatever dies."""
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import pydicom

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
import rawscu  # noqa: E402


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return f.read().split()


class Receive(unittest.TestCase):
    limits = 'spoolReserve="1048576"'

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-in-")
        self.node = d.Node(limits=self.limits)

    def tearDown(self):
        code = self.node.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.assertIn(code, (0, None))

    def make(self, count, **attributes):
        first = len(os.listdir(self.folder))
        paths = [os.path.join(self.folder, f"{first + n:04}.dcm") for n in range(count)]
        for path in paths:
            d.write_object(path, **attributes)
        return paths

    def states(self):
        return self.node.sql("SELECT sop_instance, digest, path, rival FROM instance ORDER BY id")

    def test_stored_objects_are_bit_for_bit(self):
        files = self.make(5)
        self.assertEqual(self.node.store(*files).returncode, 0)
        rows = self.states()
        self.assertEqual(len(rows), 5)
        for (_, digest, path, _), source in zip(rows, files):
            with open(os.path.join(self.node.spool, path), "rb") as f:
                kept = f.read()
            with open(source, "rb") as f:
                sent = f.read()
            at = 144 + int.from_bytes(kept[140:144], "little")
            self.assertEqual(hashlib.sha256(kept[at:]).hexdigest(), digest)
            self.assertEqual(kept[at:], sent[144 + int.from_bytes(sent[140:144], "little"):])
        self.assertEqual(os.listdir(self.node.spool + "/incoming"), [])

    def test_duplicates_and_rivals(self):
        first, = self.make(1)
        self.assertEqual(self.node.store(first, first).returncode, 0)
        self.assertEqual(len(self.states()), 1)
        self.assertEqual(self.node.sql("SELECT value FROM counter WHERE name='duplicates'"), [(1,)])
        uid = self.states()[0][0]
        self.assertEqual(self.node.store(*self.make(1, SOPInstanceUID=uid)).returncode, 0)
        self.assertEqual([r[3] for r in self.states()], [0, 1])
        self.assertEqual(len(self.node.objects()), 2)

    def test_one_object_on_ten_associations_at_once(self):
        path, = self.make(1, size=200000)
        threads = [threading.Thread(target=self.node.store, args=(path,)) for _ in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(self.states()), 1)
        self.assertEqual(len(self.node.objects()), 1)
        self.assertEqual(self.node.sql("SELECT value FROM counter WHERE name='duplicates'"), [(9,)])

    def dataset(self, name):
        """The dataset's bytes of a stored object, as far as they are there."""
        with open(os.path.join(self.node.spool, name), "rb") as f:
            kept = f.read()
        return kept[144 + int.from_bytes(kept[140:144], "little"):]

    def looked_at(self, path):
        """It is stored, and analysis is done with it: it would set aside an object whose damage it came upon first. (digest, name)."""
        self.assertEqual(self.node.store(path).returncode, 0)
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM instance WHERE state='received'") == [(0,)], 30, "looked at")
        (_, digest, name, _), = self.states()
        return digest, name

    def damage(self, name, way):
        stored = os.path.join(self.node.spool, name)
        size = os.path.getsize(stored)
        if way == "a bit":
            with open(stored, "r+b") as f:
                f.seek(size - 20)
                was = f.read(1)[0]
                f.seek(size - 20)
                f.write(bytes([was ^ 4]))
        else:
            os.truncate(stored, {"empty": 0, "header cut": 140, "tail cut": size - 2}[way])

    def test_a_damaged_object_that_comes_again_is_mended(self):
        path, = self.make(1)
        digest, name = self.looked_at(path)
        stored = os.path.join(self.node.spool, name)
        inode = os.stat(stored).st_ino
        self.assertEqual(self.node.store(path).returncode, 0)
        self.assertEqual(os.stat(stored).st_ino, inode, "a sound one stays")
        for way in ("empty", "header cut", "tail cut", "a bit"):
            with self.subTest(way):
                self.damage(name, way)
                self.assertEqual(self.node.store(path).returncode, 0)
                self.assertEqual(hashlib.sha256(self.dataset(name)).hexdigest(), digest)
        self.assertEqual(self.node.log().count("file-replaced"), 4)
        self.assertEqual(len(self.states()), 1)
        self.assertEqual(os.listdir(self.node.spool + "/incoming"), [])

    def test_a_mend_that_is_cut_off_is_not_answered_and_comes_again(self):
        path, = self.make(1)
        digest, name = self.looked_at(path)
        for point in ("again-before-rename", "again-after-rename"):
            with self.subTest(point):
                self.node.process.terminate()
                self.node.process.wait(30)
                mark = os.path.join(self.folder, "mark" + point)
                self.node.start({"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": mark})
                self.damage(name, "empty")
                self.assertNotEqual(self.node.store(path).returncode, 0)
                self.assertTrue(os.path.exists(mark), "it died there")
                d.wait_for(lambda: self.node.store(path).returncode == 0, 10, "second try")
                self.assertEqual(hashlib.sha256(self.dataset(name)).hexdigest(), digest)
                d.wait_for(lambda: os.listdir(self.node.spool + "/incoming") == [], 5, "incoming empty")

    def test_open_association_is_known_and_forgotten(self):
        self.assertEqual(self.node.store(*self.make(1)).returncode, 0)
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM open_association") == [(0,)], 5, "association end")

    def test_malformed_is_quarantined_with_its_reason(self):
        lies = rawscu.element(8, 0x18, b"1.2.3.4 ") + b"\x10\0\x10\0\xf0\xff\0\0short"
        status = rawscu.store(int(self.node.port), rawscu.SECONDARY_CAPTURE, "1.2.3.4", rawscu.IMPLICIT, lies)
        self.assertEqual(status[0][0], "c")
        self.assertEqual(self.states(), [])
        kept = sorted(os.listdir(self.node.spool + "/quarantine"))
        self.assertEqual([os.path.splitext(n)[1] for n in kept], [".dcm", ".txt"])
        with open(os.path.join(self.node.spool, "quarantine", kept[1]), encoding="utf-8") as f:
            self.assertIn("reason: ", f.read())
        self.assertEqual(self.node.sql("SELECT value FROM counter WHERE name='refused'"), [(1,)])
        self.assertTrue(self.node.echo())

    def test_echo_while_others_hang(self):
        held = [socket.create_connection(("127.0.0.1", int(self.node.port))) for _ in range(40)]
        for s in held[:20]:
            s.send(b"\x01\0\0\0\xff\xff")
        begin = time.monotonic()
        self.assertTrue(self.node.echo())
        self.assertLess(time.monotonic() - begin, 1)
        for s in held:
            s.close()

    def test_who_connects_together_is_let_go_alone(self):
        """The process of one peer holds nobody else's connection: a refused one sees its end at once."""
        receive = self.node.pid("receive")
        os.kill(receive, signal.SIGSTOP)  # all wait in one queue
        peers = [socket.create_connection(("127.0.0.1", int(self.node.port))) for _ in range(4)]
        self.addCleanup(lambda: [p.close() for p in peers])
        for p in peers:
            p.sendall(b"\x01\x00")
        time.sleep(0.5)
        os.kill(receive, signal.SIGCONT)
        d.wait_for(lambda: len(children_of(receive)) == 5, 10, "four associations and the committer")

        def held():
            try:
                return sorted(sum(os.readlink(f"/proc/{c}/fd/{f}").startswith("socket:") for f in os.listdir(f"/proc/{c}/fd"))
                              for c in children_of(receive))
            except FileNotFoundError:  # one is closing what it does not need, a moment after its fork
                return []
        d.wait_for(lambda: held()[:4] == [2] * 4, 5, "its peer and the committer")

    def test_kill_of_each_process_loses_nothing(self):
        acknowledged, stop = [], threading.Event()

        def send():
            while not stop.is_set():
                path, = self.make(1)
                if self.node.store(path).returncode == 0:
                    acknowledged.append(path)
        sender = threading.Thread(target=send)
        sender.start()
        for role in ("receive", "committer", "console", "receive", "committer", "deliver", "analyze"):
            time.sleep(0.4)
            self.node.kill(role)
        self.node.process.kill()
        self.node.process.wait()
        time.sleep(0.1)
        self.node.start()
        d.wait_for(lambda: len(acknowledged) > 10, 60, "eleven objects acknowledged")
        stop.set()
        sender.join()
        wanted = {pydicom.dcmread(p, stop_before_pixels=True).SOPInstanceUID for p in acknowledged}
        self.assertGreater(len(wanted), 10)
        rows = self.states()
        self.assertEqual(wanted - {r[0] for r in rows}, set())
        self.assertTrue(all(os.path.exists(os.path.join(self.node.spool, r[2])) for r in rows))

    def test_crash_points(self):
        """At each point: no answer of success, the second try is stored once, no rest in incoming/."""
        for n, point in enumerate(("receive-before-fsync", "receive-after-fsync", "receive-after-rename", "receive-after-dirsync",
                                   "commit-before", "commit-after", "store-answered")):
            with self.subTest(point):
                self.node.process.terminate()
                self.node.process.wait(30)
                self.node.start({"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": os.path.join(self.folder, "mark" + point)})
                path = os.path.join(self.folder, point)
                d.write_object(path)
                self.assertNotEqual(self.node.store(path).returncode, 0)
                d.wait_for(lambda: self.node.store(path).returncode == 0, 10, "second try")
                self.assertEqual(len(self.states()), n + 1)
                self.assertEqual(len(self.node.objects()), n + 1)
                d.wait_for(lambda: os.listdir(self.node.spool + "/incoming") == [], 5, "incoming empty")

    def test_stop_waits_for_the_object_in_flight(self):
        path, = self.make(1, size=60000000)
        sender = subprocess.Popen(["storescu", "-pdu", "4096", "-aec", "CERVIGATE", "127.0.0.1", self.node.port, path])
        d.wait_for(lambda: os.listdir(self.node.spool + "/incoming"), 10, "an object in flight")
        self.node.process.send_signal(signal.SIGTERM)
        self.assertEqual(sender.wait(30), 0)
        self.assertEqual(self.node.process.wait(30), 0)
        self.assertEqual(len(self.states()), 1)


class Leftovers(unittest.TestCase):
    def test_what_a_process_left_that_died_later_goes_while_the_node_runs(self):
        """An association outlives its killed receive for a moment; nobody waits for it any more."""
        node = d.Node()
        self.addCleanup(node.stop)
        dead = subprocess.Popen(["true"])
        dead.wait()
        with subprocess.Popen(["sleep", "600"]) as alive:
            left = {p: os.path.join(node.spool, "incoming", f"{p.pid}-00") for p in (alive, dead)}
            for path in left.values():
                with open(path, "wb") as f:
                    f.write(b"cut off")
            d.wait_for(lambda: not os.path.exists(left[dead]), 60, "the file of a dead process is gone")
            self.assertTrue(os.path.exists(left[alive]), "what has a process is not touched")
            alive.kill()
        d.wait_for(lambda: not os.path.exists(left[alive]), 60, "and of one that died later")
        self.assertTrue(node.echo())


class Ceilings(Receive):
    """Fewer associations than come."""
    limits = 'associations="4" associationsPerPeer="3" spoolReserve="1048576"'

    def test_refused_politely(self):
        held = [socket.create_connection(("127.0.0.1", int(self.node.port))) for _ in range(3)]
        for s in held:
            s.send(b"\1")  # who says nothing holds nothing
        d.wait_for(lambda: len(children_of(self.node.pid("receive"))) == 4, 10, "three associations and the committer")
        answer = subprocess.run(["echoscu", "-v", "-aec", "CERVIGATE", "127.0.0.1", self.node.port], capture_output=True, text=True)
        self.assertIn("Local Limit Exceeded", answer.stderr + answer.stdout)
        for s in held:
            s.close()
        d.wait_for(self.node.echo, 5, "room again")


class NoSpace(Receive):
    """More must stay free than there is."""
    limits = 'spoolReserve="1099511627776"'

    def test_a700(self):
        answer = self.node.store(*self.make(1))
        self.assertIn("outofresources", (answer.stderr + answer.stdout).lower())
        self.assertEqual(self.states(), [])
        self.assertEqual(self.node.get("/readyz")[0], 503)
        status, page = self.node.get("/healthz")
        self.assertEqual(status, 503)
        self.assertIn("spool-full", [why["name"] for why in json.loads(page)["why"]])
        self.assertTrue(self.node.echo())


class FillsUp(unittest.TestCase):
    """Two of 45 MiB come at once to 96 MiB of which 32 are to stay free: the reserve holds, whoever is refused may go on."""

    def setUp(self):
        self.disk, self.folder = d.small_disk(self, 96 << 20), tempfile.mkdtemp(prefix="cervigate-in-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.node = d.Node(limits=f'spoolReserve="{32 << 20}"', disk=self.disk)
        self.addCleanup(self.node.stop)

    def make(self, name):
        files = [os.path.join(self.folder, name + kind) for kind in ("large", "small")]
        d.write_object(files[0], 45 << 20)
        d.write_object(files[1])
        return files

    def send(self, files):
        """Over one association."""
        command = ["storescu", "-v", "-nh", "-aec", "CERVIGATE", "127.0.0.1", self.node.port, *files]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")

    def test_the_reserve_holds_while_objects_come(self):
        objects = [self.make(name) for name in "abc"]
        least, senders = d.free_bytes(self.disk), [self.send(files) for files in objects[:2]]
        while any(sender.poll() is None for sender in senders):
            least = min(least, d.free_bytes(self.disk))
            time.sleep(0.002)
        said = [sender.communicate()[0] for sender in senders] + [self.send(objects[2]).communicate(timeout=60)[0]]
        statuses = [re.findall(r"Received Store Response \(([^)]*)\)", text) for text in said]
        print(f"\n{statuses}, at least {least >> 20} MiB were free", flush=True)
        self.assertGreater(least, 32 - 2 * 4 - 2 << 20)  # each looks every 4 MiB
        self.assertEqual([len(of) for of in statuses], [2, 2, 2], said)  # a small one may find the other's bytes still there
        self.assertEqual(statuses[2][1], "Success", said)
        large = [of[0] for of in statuses]
        self.assertEqual((large.count("Success"), len(set(large))), (1, 2), large)
        self.assertRegex("".join(large), "Refused: OutOfResources")
        self.assertEqual(sum(row[0] > 40 << 20 for row in self.node.sql("SELECT bytes FROM instance")), 1)
        self.assertGreater(d.free_bytes(self.disk), 32 << 20)
        self.assertEqual(os.listdir(self.node.spool + "/incoming"), [])
        self.assertRegex(self.node.log(), 'instance-refused .* status=A700 reason="limit spoolReserve: no space for the object"')


def load_tests(loader, _tests, _pattern):
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(Receive))
    suite.addTest(Ceilings("test_refused_politely"))
    suite.addTest(NoSpace("test_a700"))
    suite.addTest(FillsUp("test_the_reserve_holds_while_objects_come"))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
