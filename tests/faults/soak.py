"""Many studies at a steady rate: nothing is lost, and memory and descriptors of each process stay level.

scripts/soak [--instances N] [--studies M] [--rate R] [--minutes T] [--selected SHARE] [--seed S]
                   [--real] [--keep DIR]

  --instances  how many (50000), in --studies (2000)
  --rate       instances a second that are begun (40); the node may be slower, the sender waits for each answer
  --minutes    no more are sent after this time
  --selected   share of the studies that a rule takes (1); the others are looked at, and ignored
  --real       the shipped model and its pictures, instead of a tiny one: some instances a second, not dozens

A line for each process: its anonymous memory as medians, and its descriptors at their fewest (some are open for a moment; a lost one
is never closed), over the second and over the last tenth of what was sent, both under the same load. Memory may grow by GROWTH or SLACK_KIB,
whichever is more; the process must be the same all the time; and fewer than SAMPLES readings in a tenth judge nothing, which is a violation,
too. At the end the checker must find every invariant kept, each image where its sender expects it, each C-ECHO (one a second while studies
come) answered within a second."""
import argparse
import collections
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import harness as h  # noqa: E402
import kill  # noqa: E402
import models  # noqa: E402
import world  # noqa: E402

GROWTH, SLACK_KIB, SAMPLES = 0.02, 512, 15
LASTING = {"cervigated": "supervisor", "cervigated-rcv": "receive", "cervigated-com": "committer", "cervigated-ana": "analyze",
           "zygote": "zygote", "cervigated-dlv": "deliver", "cervigated-snd": "sender", "cervigated-con": "console"}
BACKLOG = 60
PATIENCE = 600  # seconds for an acknowledgement: a shared machine stops everything for minutes now and then

Reading = collections.namedtuple("Reading", "sent pid kib descriptors")


def read(top, sent):
    """{process: Reading} of those that last."""
    found = {}
    for pid in [top] + kill.children(top):
        called = kill.name_of(pid)  # once: it may be gone in a moment
        name = LASTING.get(called)
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            descriptors = count_descriptors(pid)
        except OSError:
            continue
        if name and kill.name_of(int(fields["PPid"])) != called:
            found[name] = Reading(sent, pid, int(fields.get("RssAnon", "0 kB").split()[0]), descriptors)
    return found


def count_descriptors(pid):
    """-1: it may not be asked (the node forbids others to look into it, but for root)."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return -1


def levels(readings, sent):
    """(lines of a table, what is not level) of {process: [Reading, ...]}; `sent`: how many in all."""
    lines = [f"{'process':12} {'second tenth':>13} {'last tenth':>11} {'most':>8} KiB {'fds':>8} {'last':>5}"]
    bad = [("I7", f"{name} was never seen") for name in LASTING.values() if name not in readings]
    for name, rows in readings.items():
        first = [r for r in rows if 0.1 * sent <= r.sent < 0.2 * sent]
        last = [r for r in rows if 0.9 * sent <= r.sent]
        if min(len(first), len(last)) < SAMPLES:
            bad.append(("I7", f"{name}: {len(first)} and {len(last)} readings: too few to say that it is level"))
            continue
        kib = [statistics.median(r.kib for r in part) for part in (first, last)]
        fds = [min(r.descriptors for r in part) for part in (first, last)]
        lines.append(f"{name:12} {kib[0]:13.0f} {kib[1]:11.0f} {max(r.kib for r in rows):12} {fds[0]:8} {fds[1]:5}")
        if kib[1] > kib[0] + max(GROWTH * kib[0], SLACK_KIB):
            bad.append(("I7", f"{name} grew from {kib[0]:.0f} to {kib[1]:.0f} KiB, {(kib[1] - kib[0]) * 1024 / (0.8 * sent):.0f} bytes an instance"))
        if fds[1] > fds[0]:
            bad.append(("I7", f"{name} has {fds[1]} descriptors, it had {fds[0]}"))
        if min(fds) < 0:
            bad.append(("I7", f"{name}: its descriptors may be asked by root alone"))
        if len({r.pid for r in rows}) > 1:
            bad.append(("I7", f"{name} was started again: {len({r.pid for r in rows})} processes"))
    return lines, bad


class Soak:
    def __init__(self, folder, seed, real, selected):
        model = h.MODEL if real else models.make(os.path.join(folder, "model"))
        self.campaign = kill.Campaign(folder, seed, first=None, pictures=50, model=model)
        self.studies, self.chance = world.Studies(folder, seed), random.Random(seed)
        self.pixels = self.campaign.inputs.pixels if real else None
        self.share, self.selected = selected, True  # of the studies; the last one
        self.folder, self.readings = folder, collections.defaultdict(list)
        self.done, self.sent, self.begun, self.wanted = threading.Event(), 0, 0, 0

    def watch(self):
        top = self.campaign.node.process.pid
        while not self.done.wait(0.5):
            for name, reading in read(top, self.sent).items():
                self.readings[name].append(reading)

    def image(self, number, same):
        """The next, in the last one's study when it is the `same`."""
        self.selected = self.selected if same else self.chance.random() < self.share
        if self.pixels is None:
            return self.studies.make(self.last.study if same else None, self.selected)
        path = os.path.join(self.folder, "next.dcm")
        about = {"study": self.last.study, "PatientID": self.last.patient} if same else {"PatientID": f"SOAK-{number:06}"}
        if not self.selected:
            about["BodyPartExamined"] = "HAND"
        h.wrap(self.chance.choice(self.pixels), path, **about)
        return world.ledger.Source(path, ["delivered" if self.selected else "ignored"])

    def send(self, instances, studies, rate, seconds):
        """Instances of one study follow each other, as from one modality."""
        begin = time.monotonic()
        for n in range(instances):
            if time.monotonic() - begin > seconds:
                print(f"the time is over after {n} of {instances} instances", flush=True)
                break
            same = n > 0 and n * studies // instances == (n - 1) * studies // instances
            self.last = self.image(n, same)
            self.begun += not same
            self.wanted += self.selected * (1 + (not same))  # a picture, and a report for a study
            if not self.campaign.sender.store_until_acknowledged(self.last, PATIENCE):
                self.campaign.failed.append(f"instance {n} was not acknowledged")
            self.sent = n + 1
            time.sleep(max(0.0, begin + n / rate - time.monotonic()))
            patience = time.monotonic() + 10  # what was not processed has no picture
            while self.wanted - self.campaign.pacs.taken > BACKLOG and time.monotonic() < patience:
                time.sleep(0.05)
        return time.monotonic() - begin

    def run(self, instances, studies, rate, seconds):
        watcher = threading.Thread(target=self.watch, daemon=True)
        watcher.start()
        self.campaign.begin_echoes(1)
        took = self.send(instances, studies, rate, seconds)
        self.done.set()
        watcher.join()
        print(f"{self.sent} instances in {self.begun} studies, {self.sent / took:.1f} a second", flush=True)
        lines, bad = levels(self.readings, self.sent)
        print(*lines, sep="\n", flush=True)
        self.campaign.quiet.set()  # the checker holds Python's interpreter for seconds: an echo from here would measure that
        violations, endings = self.campaign.settle(max(kill.SETTLE, self.sent / 50))
        return violations + bad, endings


def main():
    parser = argparse.ArgumentParser(description="many studies at a steady rate")
    parser.add_argument("--instances", type=int, default=50000)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=40)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--selected", type=float, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--keep")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    folder, begin = tempfile.mkdtemp(prefix="cervigate-faults-soak-"), time.monotonic()
    soak = Soak(folder, wanted.seed, wanted.real, wanted.selected)
    violations = [("run", "did not come to its end")]
    try:
        violations, endings = soak.run(wanted.instances, wanted.studies, wanted.rate, wanted.minutes * 60)
        kill.tell(soak.campaign, endings, violations, time.monotonic() - begin)
    finally:
        if violations:
            keep = wanted.keep or tempfile.mkdtemp(prefix="cervigate-faults-evidence-")
            soak.campaign.keep(keep)
            print(f"evidence: {keep}\nagain: scripts/soak --seed {wanted.seed} --instances {wanted.instances} "
                  f"--studies {wanted.studies} --rate {wanted.rate} --selected {wanted.selected}{' --real' if wanted.real else ''}", flush=True)
        soak.campaign.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
