"""Start, stop, isolation of the running roles, stopped processes, a clock that jumps.

    test_lifecycle.py                 what CI runs
    test_lifecycle.py long [SECONDS]  a million files, every process stopped for SECONDS (60), printed figures
"""
import contextlib
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import unittest

import pydicom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import daemon as d  # noqa: E402
import rawscu  # noqa: E402
from daemon import AnalyzeNode, Scp  # noqa: E402
from harness import SANITIZED, dataset_of, head, set_clock  # noqa: E402
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
from kill import children  # noqa: E402

FILES, STOPPED = 20000, 1.0
ADMIN = os.path.join(d.BUILD, "bin/cervigate")
ROLES = {"cervigated-rcv", "cervigated-com", "cervigated-asc", "cervigated-ana", "zygote", "cervigated-dlv", "cervigated-snd", "cervigated-con"}
SITE = {"cervigated-aud", "cervigated-ann", "cervigated-cry", "cervigated-ord", "cervigated-hea", "cervigated-inq", "cervigated-ask", "cervigated-dsk",
        "cervigated-try"}  # where the configuration wants them
DEEPER = {"cervigated-com", "cervigated-dsk", "cervigated-asc", "cervigated-snd", "cervigated-cry", "cervigated-hea", "cervigated-ask"}  # their parents are
# confined, too, and theirs
ROWS = {"cervigated": (4096, 0), "cervigated-rcv": (4096, 2), "cervigated-com": (4096, 2), "cervigated-dsk": (4096, 2), "cervigated-asc": (64, 1),
        "cervigated-ana": (256, 0), "zygote": (64, 0), "cervigated-dlv": (4096, 8), "cervigated-snd": (64, 8), "cervigated-con": (256, 2),
        "cervigated-aud": (64, 1), "cervigated-ann": (4096, 8), "cervigated-cry": (64, 1), "cervigated-ord": (4096, 2), "cervigated-hea": (16, 1),
        "cervigated-inq": (4096, 8), "cervigated-ask": (64, 1), "cervigated-try": (64, 8)}  # descriptors, GiB of address space (docs/security.md); 0: any
YEAR = 31557600


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="ascii", errors="replace") as f:
        return f.read()


def status(pid):
    return dict(line.split(":\t", 1) for line in proc(pid, "status").splitlines() if ":\t" in line)


def limit(pid, name):
    return re.search(name + r"\s+(\S+)", proc(pid, "limits")).group(1)


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.port = d.free_port()
        self.pacs = None
        self.peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{self.port}"/></peers><destinations>'
                      '<destination peer="pacs" outputs="SR SC" demo="true" retryFirst="1" retryMost="2"/></destinations>')

    def open_pacs(self):
        self.pacs = Scp(self.port)
        self.addCleanup(self.pacs.close)

    def node(self, start=True, **environment):
        node = AnalyzeNode(mode="demo", peers=self.peers, start=False)
        self.addCleanup(node.stop)
        return node.start(environment) if start else node

    def image(self, node, name="i.dcm", **attributes):
        path = os.path.join(node.folder, name)
        d.write_object(path, 100000, **attributes)
        return path

    def results(self):
        found = []
        for name in os.listdir(self.pacs.folder):
            try:
                found.append(head(os.path.join(self.pacs.folder, name)))
            except (pydicom.errors.InvalidDicomError, EOFError):  # still being written
                continue
        return found

    def answered(self, images, seconds=40):
        """One report and one picture of each image, and nothing twice."""
        d.wait_for(lambda: len(self.results()) >= 2 * images, seconds, f"{images} answers")
        time.sleep(1.5)
        results = self.results()
        self.assertEqual(len(results), 2 * images)
        self.assertEqual(len({r.SOPInstanceUID for r in results}), 2 * images)
        self.assertEqual(len({r.StudyInstanceUID for r in results}), images)

    def admin(self, node, *arguments, **environment):
        return subprocess.run([ADMIN, *arguments], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, CERVIGATE_CONFIG=node.config, **environment))


class Isolation(Lifecycle):
    """What test_confine tries in each role, the running processes have."""

    def confined(self, node, roles=ROLES):
        held = socket.create_connection(("127.0.0.1", int(node.port)))
        self.addCleanup(held.close)
        held.sendall(b"\x01")  # who says nothing is no association

        def all_there():  # and past their first instructions
            try:
                seen = [status(p) for p in children(node.process.pid)]
            except (FileNotFoundError, ProcessLookupError):
                return False
            return roles <= {s["Name"] for s in seen} and all(int(s["Seccomp_filters"]) >= (3 if s["Name"] in DEEPER else 2) for s in seen)
        d.wait_for(all_there, 40, "every role")
        seen = set()
        for pid in [node.process.pid, *children(node.process.pid)]:
            try:
                said, parent = status(pid), status(status(pid)["PPid"])["Name"]
            except (FileNotFoundError, ProcessLookupError):  # a reload's look, or an association, has ended
                continue
            seen.add(said["Name"])
            with self.subTest(role=said["Name"]):
                self.assertEqual((said["NoNewPrivs"], said["Seccomp"]), ("1", "2"))
                allowed = 1 << 10 if pid == node.process.pid else 0
                self.assertEqual(int(said["CapEff"], 16) & ~allowed, 0)
                self.assertEqual(limit(pid, "Max core file size"), "0")
                if said["Name"] == "cervigated-asc":
                    self.assertEqual(limit(pid, "Max cpu time"), "3600")
                if said["Name"] in ROWS and parent != "zygote":  # an object child has limits of its own
                    files, memory = ROWS[said["Name"]]
                    self.assertEqual(limit(pid, "Max open files"), str(files))
                    self.assertEqual(limit(pid, "Max address space"), "unlimited" if SANITIZED or not memory else str(memory << 30))
        self.assertLessEqual(roles, seen)

    def test_every_running_role_has_it_and_after_a_reload_too(self):
        self.open_pacs()
        node = self.node()
        self.confined(node)
        said = self.admin(node, "status", "--json").stdout
        self.assertRegex(said, r'"isolation":\s*{"seccomp":\s*true,\s*"landlock":\s*[0-9]')
        before = node.facts()
        moved = node.folder + "/elsewhere"  # a folder that no role could read until now
        os.rename(node.model, moved)
        node.model = moved
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: all(node.facts()[r] not in (before[r], "0") for r in ("receive_pid", "analyze_pid", "deliver_pid")), 30,
                   "all roles renewed")
        self.confined(node)
        self.assertEqual(node.store(self.image(node)).returncode, 0)
        self.answered(1)
        self.assertNotIn("confine-failed", node.log())

    def silent(self):
        """A peer that lets whoever calls wait."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.bind(("127.0.0.1", 0))
        s.listen(16)
        return s.getsockname()[1]

    def test_the_roles_for_the_site_have_it_too(self):
        self.open_pacs()
        ris, hook, collector = self.silent(), self.silent(), self.silent()
        self.peers = self.peers.replace("</peers>", f'<peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{ris}"/></peers>')
        node = self.node(start=False)
        node.write_config(f'<audit host="127.0.0.1" port="{collector}" transport="tcp"/><orders listen="true" address="127.0.0.1" port="0"/>'
                          '<orderQuery peer="ris" period="1" periodMost="1" answerTime="60" retryFirst="1" retryMost="1"/>'
                          f'<announcements><webhook name="hook" url="http://127.0.0.1:{hook}/" demo="true" answerTime="60"/></announcements>'
                          '<readingWorklist offer="query" demo="true"/>')
        with open(node.config, encoding="utf-8") as f:
            text = f.read()
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace('<console enabled="true"', f'<console accounts="{node.folder}/accounts" enabled="true"'))
        node.start()
        caller = socket.create_connection(("127.0.0.1", int(node.facts()["orders_port"])))
        self.addCleanup(caller.close)
        caller.sendall(b"\x0b")
        self.assertEqual(node.store(self.image(node, AccessionNumber="A1")).returncode, 0)
        self.confined(node, ROLES | SITE)

    def test_without_landlock_the_rest_holds_and_it_is_told(self):
        self.open_pacs()
        node = self.node(CERVIGATE_LANDLOCK_MOST="0")
        self.confined(node)
        self.assertEqual(node.log().count("isolation-partial"), 1)
        self.assertRegex(self.admin(node, "status", "--json").stdout, r'"landlock":\s*0')
        self.assertIn("no Landlock", self.admin(node, "status").stdout)
        self.assertEqual(node.store(self.image(node)).returncode, 0)
        self.answered(1)


class Start(Lifecycle):
    def test_a_lock_that_was_left_is_no_lock(self):
        node = self.node(start=False)
        os.makedirs(node.spool + "/run")
        for name, text in (("run/lock", f"{os.getpid()}\n"), ("run/committer.lock", ""), ("run/node", f"pid={os.getpid()}\nreceive_pid=1\n")):
            with open(os.path.join(node.spool, name), "w", encoding="ascii") as f:
                f.write(text)
        node.start()
        self.assertTrue(node.echo())

    def test_a_second_instance_is_told_who_has_the_spool(self):
        node = self.node()
        code, text = node.refusal()
        self.assertEqual(code, 73)
        self.assertIn(f"another cervigated (pid {node.process.pid})", text)
        self.assertTrue(node.echo())

    def fill(self, node, files):
        """So many files, all but the first of each folder hard links."""
        node.start()
        node.process.terminate()
        node.process.wait(30)
        kinds = [(f"objects/{i:02x}", "{:064x}.dcm") for i in range(256)] + [("results", "2.25.{}.dcm")] * 64 + [("incoming", "1-{:032x}")] * 4
        source = node.spool + "/source"
        for part in range(0, files, 30000):  # of one file, a file system has a limit of names
            with open(source, "wb") as f:
                f.write(b"x")
            for n in range(part, min(part + 30000, files)):
                folder, name = kinds[n % len(kinds)]
                os.link(source, os.path.join(node.spool, folder, name.format(n)))
            os.unlink(source)

    def first_answer(self, files):
        node = self.node(start=False)
        self.fill(node, files)
        began = time.monotonic()
        node.process = node.spawn()
        d.wait_for(lambda: node.facts().get("pid") == str(node.process.pid) and node.echo(), 60, "C-ECHO")
        seconds = time.monotonic() - began
        print(f"\n{files} files in the spool: start to C-ECHO {seconds:.2f} s", flush=True)
        return seconds

    def test_a_full_spool_starts_at_once(self):
        self.assertLess(self.first_answer(FILES), 5 if FILES > 100000 else 15)  # CI is busy with other tests


class Stop(Lifecycle):
    def stop_in_the_middle(self, signals):
        """SIGTERM while an association is open, an object is being decoded, and a peer takes an object and says nothing."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", self.port))
            silent.listen(16)
            node = self.node(CERVIGATE_OBJECT_FAULT="sleep:decode:8")  # of the self-test 6, one that is judged
            self.assertEqual(node.store(self.image(node)).returncode, 0)
            d.wait_for(lambda: node.sql("SELECT COUNT(*) FROM result") != [(0,)], 30, "a result")
            self.assertEqual(node.store(self.image(node, "2.dcm")).returncode, 0)
            d.wait_for(lambda: node.sql("SELECT COUNT(*) FROM instance WHERE attempts>0") == [(2,)], 20, "the decode")
            held = socket.create_connection(("127.0.0.1", int(node.port)))
            held.sendall(rawscu.associate_rq())
            self.assertEqual(held.recv(1), b"\x02")
            began = time.monotonic()
            for _ in range(signals):
                node.process.terminate()
                time.sleep(0.3)
            self.assertEqual(node.process.wait(40), 0)
            took = time.monotonic() - began
            held.close()
        self.open_pacs()
        node.start()
        self.answered(2)
        return took

    def test_sigterm_drains_within_20_seconds_and_nothing_is_lost(self):
        self.assertLess(self.stop_in_the_middle(1), 21)

    def test_sigterm_twice_is_at_once_and_nothing_is_lost(self):
        self.assertLess(self.stop_in_the_middle(2), 4)


class Stopped(Lifecycle):
    def test_a_stopped_process_loses_nothing_and_holds_nobody_up(self):
        """Each process in its turn gets SIGSTOP, then SIGCONT; an image is sent to each."""
        self.open_pacs()
        node = self.node()
        images = 0
        d.wait_for(lambda: ROLES - {"cervigated-asc"} <= {status(p)["Name"] for p in children(node.process.pid)}, 20, "every role")
        for pid in [node.process.pid, *children(node.process.pid)]:
            try:
                name = status(pid)["Name"]
            except FileNotFoundError:  # an association of the last turn
                continue
            if name == "cervigated-asc":
                continue
            path = self.image(node, f"{pid}.dcm")
            self.answered(images, 60)  # one that is stopped while it writes has the job store's lock: below
            os.kill(pid, signal.SIGSTOP)
            began = time.monotonic()
            if name not in ("cervigated-rcv", "cervigated-com"):  # these two it needs
                self.assertTrue(node.echo(), name)
                self.assertEqual(node.store(path).returncode, 0, name)
                images += 1
            elif name == "cervigated-com":
                self.assertTrue(node.echo(), name)
            time.sleep(max(0, STOPPED - (time.monotonic() - began)))
            os.kill(pid, signal.SIGCONT)
            d.wait_for(node.echo, 10, "C-ECHO after " + name)
            if name in ("cervigated-rcv", "cervigated-com"):
                self.assertEqual(node.store(path).returncode, 0, name)
                images += 1
        self.answered(images, 60)
        self.assertNotIn("role-died", node.log())

    def test_all_of_it_stopped_at_once(self):
        """As a machine that is suspended: one object is being judged, of another half has come."""
        self.open_pacs()
        node, half = self.node(), []
        paths = [self.image(node, name) for name in ("1.dcm", "2.dcm")]

        def send():
            h = head(paths[1])
            half.append(rawscu.store(int(node.port), h.SOPClassUID, h.SOPInstanceUID, h.file_meta.TransferSyntaxUID, dataset_of(paths[1]), STOPPED + 60,
                                     pause=3))
        sender = threading.Thread(target=send)
        sender.start()
        d.wait_for(lambda: os.listdir(node.spool + "/incoming"), 20, "half an object")
        self.assertEqual(node.store(paths[0]).returncode, 0)
        stopped = node.processes()
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED)
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        d.wait_for(node.echo, 10, "C-ECHO")
        sender.join()
        self.assertEqual(half[0][0], "0000", node.log()[-2000:])
        self.answered(2, 60)
        self.assertNotIn("role-died", node.log())

    def test_who_holds_the_stores_lock_too_long_costs_the_senders_an_attempt_and_no_more(self):
        self.open_pacs()
        node = self.node()
        path = self.image(node, "locked.dcm")
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            stored = node.store(path)
            self.assertEqual(stored.returncode, 0xA7, stored.stderr)  # A700: its sender tries again
            self.assertGreater(time.monotonic() - began, 5)
            self.assertLess(time.monotonic() - began, 20)
            self.assertTrue(node.echo())
            other.execute("ROLLBACK")
        self.assertEqual(node.store(path).returncode, 0)
        self.answered(1)
        self.assertNotIn("role-died", node.log())


class Clock(Lifecycle):
    """The wall clock jumps while the node runs, then across a restart; every image is answered once, in time, with dates of its
    moment that DICOM can say, and nothing is removed."""

    def check(self, results, known, offset):
        now = time.gmtime(time.time() + offset)
        for r in results:
            if r.SOPInstanceUID in known:
                continue
            known.add(r.SOPInstanceUID)
            for key in ("InstanceCreationDate", "ContentDate"):
                if key in r:
                    self.assertRegex(r[key].value, r"^\d{8}$")
                    self.assertLessEqual(abs(int(r[key].value[:4]) - now.tm_year), 1 if now.tm_yday in (1, 365, 366) else 0)
            self.assertRegex(r.ContentTime, r"^\d{6}(\.\d{1,6})?$")

    def test_jumps(self):
        self.open_pacs()
        node = self.node(start=False)
        clock = os.path.join(node.folder, "clock")
        with open(clock, "wb") as f:
            f.write(b"%-31d\n" % 0)
        node.write_config('<retention objects="2" results="2"/>')
        node.start({"CERVIGATE_CLOCK_OFFSET": "@" + clock})
        known = set()
        to_2038 = 2147483648 - int(time.time())
        jumps = [0, 3600, -3600, 10 * YEAR, -10 * YEAR, -int(time.time()) + 5, to_2038 - 1, to_2038 + 30 * YEAR, 0]
        for n, offset in enumerate(jumps, 1):
            with self.subTest(offset=offset):
                set_clock(clock, offset)
                self.assertEqual(node.store(self.image(node, f"{n}.dcm")).returncode, 0)
                d.wait_for(lambda n=n: len(self.results()) >= 2 * n, 25, f"the answer at {offset}")
                self.check(self.results(), known, offset)
        for n, offset in enumerate((10 * YEAR, -10 * YEAR), len(jumps) + 1):
            node.process.terminate()
            node.process.wait(30)
            set_clock(clock, offset)
            node.start({"CERVIGATE_CLOCK_OFFSET": "@" + clock})
            self.assertEqual(node.store(self.image(node, f"{n}.dcm")).returncode, 0)
            d.wait_for(lambda n=n: len(self.results()) >= 2 * n, 25, f"the answer after a restart at {offset}")
            self.check(self.results(), known, offset)
        self.answered(len(jumps) + 2)
        self.assertEqual(len(node.objects()), len(jumps) + 2)

    def test_a_delivery_that_waits_is_not_put_off_by_years(self):
        node = self.node(start=False)
        clock = os.path.join(node.folder, "clock")
        with open(clock, "wb") as f:
            f.write(b"%-31d\n" % 0)
        node.start({"CERVIGATE_CLOCK_OFFSET": "@" + clock})
        self.assertEqual(node.store(self.image(node)).returncode, 0)
        d.wait_for(lambda: node.log().count("destination-unreached") >= 2, 30, "an attempt that failed")
        set_clock(clock, -10 * YEAR)
        self.open_pacs()
        self.answered(1, 15)


def long(seconds):
    global FILES, STOPPED
    FILES, STOPPED = 1000000, seconds
    print(f"{FILES} files; each process stopped for {STOPPED} s")
    suite = unittest.TestSuite(map(unittest.defaultTestLoader.loadTestsFromTestCase, (Start, Stopped)))
    return 0 if unittest.TextTestRunner(verbosity=2).run(suite).wasSuccessful() else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["long"]:
        sys.exit(long(float(sys.argv[2]) if len(sys.argv) > 2 else 60))
    unittest.main(verbosity=2)
