"""kill -9 of each process and of the supervisor during 50 studies: all 50 have exactly one SR and one SC at the PACS."""
import collections
import os
import random
import shutil
import signal
import tempfile
import threading
import time
import unittest

import pydicom

import harness as h
import rawscu

STUDIES = 50
ROLES = ("receive_pid", "committer_pid", "analyze_pid", "deliver_pid", "console_pid")
POINTS = ("receive-before-fsync", "receive-after-fsync", "receive-after-rename", "receive-after-dirsync", "commit-before",
          "commit-after", "store-answered", "analyze-after-picture", "analyze-before-judge", "report-after-files",
          "report-after-commit", "deliver-sent-unanswered", "deliver-answered-unjournalled")


def children(pid):
    """Every descendant of a process."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += [int(child)] + children(int(child))
    except FileNotFoundError:
        pass
    return found


class Kill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-kill-")
        self.pacs = h.Orthanc()
        self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)})

    def tearDown(self):
        self.node.stop()
        self.pacs.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def studies(self, count):
        pngs = [p for p, _ in h.phantoms(os.path.join(self.folder, "p"), 5, size=256)]
        files = []
        for n in range(count):
            path = os.path.join(self.folder, f"{n:03}.dcm")
            h.wrap(h.grey(pngs[n % len(pngs)]), path, PatientID=f"KILL-{n:03}")
            files.append(path)
        return files

    def send_until_acknowledged(self, path):
        """As a modality does: sends again until it has read status 0000 itself."""
        while True:
            try:
                if rawscu.store_file(self.node.port, path, h.dataset_of(path))[0] == "0000":
                    return
            except (OSError, KeyError):
                pass
            time.sleep(0.2)

    def check(self, files, seconds):
        wanted = {pydicom.dcmread(p, stop_before_pixels=True).StudyInstanceUID for p in files}

        def complete():
            found = collections.Counter((i[1], i[0]) for i in self.pacs.instances())
            return found if all(found[(s, k)] for s in wanted for k in (h.SR3D, h.SC)) else None
        try:
            h.wait_for(complete, seconds, f"results of {len(wanted)} studies")
        except AssertionError:
            print(self.node.admin("status").stdout, self.node.admin("jobs", "list").stdout, self.node.log()[-8000:])
            raise
        time.sleep(3)
        found = collections.Counter((i[1], i[0]) for i in self.pacs.instances())
        self.assertEqual({k: v for k, v in found.items() if v != 1}, {}, "exactly one SR and one SC a study")
        self.assertEqual(len(found), 2 * len(wanted))

    def test_any_process_and_the_supervisor_at_random(self):
        seed = int(os.environ.get("CERVIGATE_SEED", "20261122"))
        chance = random.Random(seed)
        files = self.studies(STUDIES)
        sender = threading.Thread(target=lambda: [self.send_until_acknowledged(p) for p in files], daemon=True)
        sender.start()
        killed = collections.Counter()
        plan = list(ROLES) * 3 + ["object"] * 3 + ["supervisor"] * 3
        chance.shuffle(plan)
        for victim in plan:
            time.sleep(chance.uniform(0.2, 1.0))
            try:
                if victim == "supervisor":
                    self.node.kill_supervisor()
                    self.node.start()
                elif victim == "object":
                    os.kill(chance.choice(children(int(self.node.facts()["analyze_pid"]))), signal.SIGKILL)
                else:
                    os.kill(int(self.node.facts()[victim]), signal.SIGKILL)
                killed[victim] += 1
            except (ProcessLookupError, KeyError, IndexError):
                pass
        sender.join(120)
        self.assertFalse(sender.is_alive())
        print(f"seed {seed}; killed: {dict(killed)}")
        self.check(files, 120)

    def test_at_every_named_point(self):
        files = self.studies(len(POINTS))
        for point, path in zip(POINTS, files):
            self.node.process.terminate()
            self.node.process.wait(30)
            mark = os.path.join(self.folder, point)
            self.node.start({"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": mark})
            self.send_until_acknowledged(path)
            h.wait_for(lambda: os.path.exists(mark), 30, f"a death at {point}")
        self.check(files, 90)


if __name__ == "__main__":
    unittest.main(verbosity=2)
