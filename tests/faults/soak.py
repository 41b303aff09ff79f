"""Many studies at a steady rate: nothing is lost, and memory and descriptors of each process stay level.

scripts/faults soak [--instances N] [--studies M] [--rate R] [--seed S] [--size PIXELS] [--keep DIR]

  --instances  how many (50000), in --studies (2000)
  --rate       instances a second that are begun (20); the node may be slower, the sender waits for each answer

Prints a line for each process: resident memory and descriptors at a tenth of the run (after WARM instances at least: a shorter run
says nothing of growth), and at its end, and the highest of
each. At the end the checker must find every invariant kept; memory may grow by GROWTH from the warm state, descriptors by none."""
import argparse
import collections
import os
import random
import shutil
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import harness as h  # noqa: E402
import kill  # noqa: E402
from ledger import Sender, Source  # noqa: E402

GROWTH, SLACK_KIB, WARM = 0.05, 2048, 500
LASTING = {"cervigated": "supervisor", "cervigated-rcv": "receive", "cervigated-com": "committer", "cervigated-ana": "analyze",
           "zygote": "zygote", "cervigated-dlv": "deliver", "cervigated-snd": "sender", "cervigated-con": "console"}
BACKLOG = 40


def sample(top):
    """{process: (resident KiB, descriptors)} of those that last."""
    found = {}
    for pid in [top] + kill.children(top):
        name = LASTING.get(kill.name_of(pid))
        try:
            with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                resident = int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                parent = next(int(line.split()[1]) for line in f if line.startswith("PPid:"))
            descriptors = count_descriptors(pid)
        except (OSError, StopIteration):
            continue
        if name and kill.name_of(parent) != kill.name_of(pid):
            found[name] = resident, descriptors
    return found


def count_descriptors(pid):
    """-1: it may not be asked (the node forbids others to look into it, but for root)."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return -1


class Soak:
    def __init__(self, folder, seed, size):
        self.campaign = kill.Campaign(folder, seed, size, first=None, pictures=50)
        self.folder, self.chance = folder, random.Random(seed)
        self.samples = []
        self.done = threading.Event()
        self.sent = 0

    def watch(self):
        top = self.campaign.node.process.pid
        while not self.done.wait(1):
            self.samples.append((self.sent, sample(top)))

    def send(self, instances, studies, rate):
        """Instances of one study follow each other, as from one modality."""
        sender = self.campaign.sender
        path = os.path.join(self.folder, "next.dcm")
        begin, made = time.monotonic(), None
        for n in range(instances):
            study = n * studies // instances
            same = made.StudyInstanceUID if made is not None and made.PatientID == f"SOAK-{study:05}" else None
            made = h.wrap(self.chance.choice(self.campaign.inputs.pixels), path, PatientID=f"SOAK-{study:05}", study=same)
            if not sender.store_until_acknowledged(Source(path)):
                self.campaign.failed.append(f"instance {n} was not acknowledged")
            self.sent = n + 1
            time.sleep(max(0.0, begin + n / rate - time.monotonic()))
            patience = time.monotonic() + 10  # what was not processed has no picture
            while self.behind() > BACKLOG and time.monotonic() < patience:
                time.sleep(0.1)

    def behind(self):
        """Objects that the PACS will have of what was sent, a picture an image and a report a study, less those that it has."""
        return self.sent + self.sent * self.studies // self.instances - self.campaign.pacs.taken

    def run(self, instances, studies, rate):
        self.instances, self.studies = instances, studies
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        self.send(instances, studies, rate)
        violations, endings = self.campaign.settle(max(kill.SETTLE, instances / 5))
        self.samples.append((self.sent, sample(self.campaign.node.process.pid)))
        self.done.set()
        watcher.join()
        return violations + self.levels(), endings

    def levels(self):
        """Prints the table; what is not level."""
        bad = []
        columns = collections.defaultdict(list)
        for sent, processes in self.samples:
            for name, figures in processes.items():
                columns[name].append((sent, *figures))
        print(f"{'process':12} {'warm KiB':>9} {'end KiB':>9} {'most KiB':>9} {'warm fds':>9} {'end fds':>8} {'most fds':>9}")
        for name, rows in columns.items():
            warm = next((r for r in rows if r[0] >= max(WARM, self.instances / 10)), rows[-1])
            end = rows[-1]
            print(f"{name:12} {warm[1]:9} {end[1]:9} {max(r[1] for r in rows):9} {warm[2]:9} {end[2]:8} {max(r[2] for r in rows):9}")
            if end[1] > warm[1] * (1 + GROWTH) + SLACK_KIB:
                bad.append(("I7", f"{name} grew from {warm[1]} to {end[1]} KiB"))
            if end[2] > warm[2]:
                bad.append(("I7", f"{name} has {end[2]} descriptors, it had {warm[2]}"))
        return bad


def main():
    parser = argparse.ArgumentParser(description="many studies at a steady rate")
    parser.add_argument("--instances", type=int, default=50000)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--keep")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    folder, begin = tempfile.mkdtemp(prefix="cervigate-faults-soak-"), time.monotonic()
    soak = Soak(folder, wanted.seed, wanted.size)
    violations = [("run", "did not come to its end")]
    try:
        violations, endings = soak.run(wanted.instances, wanted.studies, wanted.rate)
        kill.tell(soak.campaign, endings, violations, time.monotonic() - begin)
    finally:
        if violations:
            keep = wanted.keep or tempfile.mkdtemp(prefix="cervigate-faults-evidence-")
            soak.campaign.keep(keep)
            print(f"evidence: {keep}\nagain: scripts/faults soak --seed {wanted.seed} --instances {wanted.instances} "
                  f"--studies {wanted.studies} --rate {wanted.rate}", flush=True)
        soak.campaign.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
