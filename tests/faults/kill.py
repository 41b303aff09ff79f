"""kill -9 at each named point and at random, of each process and of all, while studies arrive; the checker says what is left.

scripts/faults kill [--count N] [--seed S] [--minutes M] [--size PIXELS] [--points | --random] [--keep DIR]

  --count   kills at random (500); the named points come first, once each, and are counted apart
  --minutes the kills at random end after this time, however many they were
  --points  the named points only
  --random  without the named points (but for those of backup and restore)
  --keep    where the evidence of a failing run goes (default: a new folder below /tmp)

A run: three senders store studies until each is acknowledged; a scripted PACS takes the results, and now and then swallows an answer or
aborts; processes die; what died with the supervisor is started again. Then nothing more is sent or killed, and the checker must find every
invariant kept, with everything at its end, within SETTLE seconds. The seed fixes the plan, not the interleaving of processes."""
import argparse
import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import pydicom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
from arms import SLOTS, Arms  # noqa: E402
import harness as h  # noqa: E402
from hook import Hook  # noqa: E402
from inputs import Inputs, done  # noqa: E402
from ledger import Sender, Source, read_lines  # noqa: E402
from pacs import Pacs  # noqa: E402
from processes import ListenerWatch, children, name_of  # noqa: E402

SETTLE = 180 * h.PATIENCE
SENDERS = 3
BACKLOG = 25
ECHO_SECONDS = 0.3
ASK = 10  # seconds until what should die is asked for it once more
CHECKER = ["nice", "/usr/bin/python3", os.path.join(HERE, "checker.py"), "--slow", str(h.PATIENCE)]
LOOK_SECONDS = 1  # between two looks of the checker while studies arrive
RETENTION_BYTES = 30_000_000
POINTS = re.findall(r"^ \*   ([a-z]+(?:-[a-z]+)+) ", open(os.path.join(h.SOURCE, "scp/crash.c"), encoding="utf-8").read(), re.M)
# Points at which a supervisor's start, reload or stop dies, one at a time; each has a method at_WORD. All others but those of copies fire
# by themselves while studies arrive, a patient is forgotten and a report is taken back.
ORDERED = ("commit-cleared", "start-locked", "start-stored", "start-role", "reload-looked", "reload-loaded", "reload-told", "reload-overlapped",
           "stop-asked")
FIRST = "migrate-uncommitted"
# Points that need others of the site (site_kill.py): a collector, an archive that commits, days that pass; a caller; a worklist; a reader; a caller, too.
COLLECTED = ("audit-sent", "audit-confirmed", "commitment-asked", "audit-based")
HEARD = ("orders-heard", "orders-taken", "orders-entered", "orders-answered")
ASKED = ("inquirer-asked", "inquirer-answered", "inquiry-taken", "inquiry-entered")
LENT = ("desk-uncommitted", "desk-committed", "desk-unwoken")
SAID = ("patient-corrected",)
AGAIN = ("again-before-rename", "again-after-rename")  # need a damaged object that comes again
COPIES = ("backup-written", "restore-marked", "restore-emptied")
# What is killed at random, and how often of this sum.
VICTIMS = {"receive": 2, "committer": 3, "association": 4, "analyze": 1, "zygote": 1, "object": 2, "deliver": 3, "sender": 4, "console": 1,
           "supervisor": 1, "all": 1, "announce": 1, "crier": 2}
ROLES = ("receive", "committer", "analyze", "deliver", "console", "announce")


class Campaign:
    def __init__(self, folder, seed, size=256, first=FIRST, pictures=1, model=h.MODEL):
        self.folder, self.seed, self.model = str(folder), seed, model
        self.chance = random.Random(seed)
        self.inputs = Inputs(self.folder, random.Random(seed + 1), size)
        self.arms = Arms(os.path.join(self.folder, "arms"))
        self.pacs = self.make_pacs(os.path.join(self.folder, "pacs"), pictures)
        self.hook = Hook()
        self.ledger_path = os.path.join(self.folder, "ledger.jsonl")
        self.verbose = False
        self.waiting, self.orders, self.asked = [], [], set()  # points armed; orders given; reports that had one
        self.killed, self.points = collections.Counter(), collections.Counter()
        self.stop, self.closing = threading.Event(), threading.Event()
        self.failed = []
        self.senders = []
        self.echoing, self.quiet = None, threading.Event()
        self.looked = time.time()  # when armed points were looked at last
        self.sender = Sender(lambda: self.node.port, self.ledger_path)
        self.sender.order("retention")
        self.arm(*([first] if first else []))
        self.node = self.start_at_last()
        self.watch = ListenerWatch(self.node, self.sender.lines)
        self.looks, self.looked_at = None, None
        self.figures = {}  # of the checker's last look

    def start_at_last(self):
        """The first start dies within the schema's transaction; the store that it leaves must do for the next."""
        class Node(h.Node):
            def start(self, environment=None):
                for _ in range(SLOTS):
                    try:
                        return super().start(environment)
                    except AssertionError:
                        if self.process.poll() != -signal.SIGKILL:  # not an armed point of the start
                            raise
                raise AssertionError("it never starts")
        node = Node({"pacs": (self.pacs.ae, self.pacs.port)}, model=self.model, **self.configuration(
            environment={"CERVIGATE_CRASH_ARMS": self.arms.path, "CERVIGATE_SWEEP_GRACE": "1", "CERVIGATE_SWEEP_EVERY": "5"}))
        self.count_fired()
        return node

    @staticmethod
    def make_pacs(folder, pictures):
        return Pacs(folder, pictures=pictures)

    def configuration(self, environment):
        """What h.Node is made with."""
        return {"limits": f'<retention space="{RETENTION_BYTES}"/><audit fileBytes="65536"/>{self.announcements()}', "destination": 'rejectionNotes="true"',
                "environment": environment}

    def announcements(self):
        return f'<announcements><webhook name="hook" url="{self.hook.url}" demo="true" retryFirst="1" retryMost="1"/></announcements>'

    # ---- what arrives ----

    def begin(self):
        self.stop.clear()
        self.begin_echoes()
        self.begin_looks()
        self.senders = [threading.Thread(target=self.send, args=(random.Random(self.seed + 10 + n),), daemon=True) for n in range(SENDERS)]
        for thread in self.senders:
            thread.start()

    def begin_echoes(self, seconds=ECHO_SECONDS):
        self.echoing = threading.Thread(target=self.echo, args=(seconds,), daemon=True)
        self.echoing.start()

    def begin_looks(self):
        """The checker looks meanwhile, too: in a process of its own, or its work would be in the way of the echoes."""
        self.looked_at = open(os.path.join(self.folder, "looks"), "w+", encoding="utf-8")
        self.looks = subprocess.Popen([*CHECKER, "--meanwhile", str(LOOK_SECONDS * h.PATIENCE), *self.evidence(), "--config", self.node.config], stdin=subprocess.PIPE, stdout=self.looked_at,
                                      stderr=subprocess.STDOUT)

    def end_looks(self):
        """What the checker saw meanwhile, if anything."""
        if self.looks is None:
            return
        self.looks.stdin.close()
        status, self.looks = self.looks.wait(120 * h.PATIENCE), None
        self.looked_at.seek(0)
        said = self.looked_at.read()
        print(said.strip(), flush=True)
        if status:
            self.failed += ["meanwhile: " + line for line in said.splitlines()]

    def echo(self, seconds):
        """C-ECHOs from now on, but for while no node is meant to run."""
        while not self.closing.wait(seconds):
            if not self.quiet.is_set():
                self.sender.echo(5 * h.PATIENCE)

    def send(self, chance):
        while not self.stop.is_set():
            path, good = self.inputs.next()
            source = Source(path, good)
            pause = 0.3 if chance.random() < 0.2 else 0
            if good and not self.sender.store_until_acknowledged(source, SETTLE, pause):
                self.failed.append(f"{path}: not acknowledged within {SETTLE} s")
            if not good:
                self.sender.store(source)
            if chance.random() < 0.05:
                self.pacs.behave(chance.choice(("swallow", "abort-mid", "a700", "refuse", "close")), 1)
            self.stop.wait(chance.uniform(0, 0.3))
            if self.inputs.count - self.pacs.taken / 2 > BACKLOG:  # copies, strangers and refusals bring no result: only slower
                self.stop.wait(h.PATIENCE)

    def end(self):
        """No more arrives; what is on its way is acknowledged."""
        self.stop.set()
        for thread in self.senders:
            thread.join(SETTLE)
        self.end_looks()
        self.failed += ["a sender hangs" for t in self.senders if t.is_alive()]

    # ---- named points ----

    def arm(self, *names):
        for name in names:
            self.arms.arm(name)
            self.waiting.append(name)

    def count_fired(self):
        now, armed = time.time(), self.arms.armed()
        for name in [n for n in self.waiting if n not in armed]:
            self.waiting.remove(name)
            self.points[name] += 1
            self.sender.death("point", self.looked)
        self.looked = now

    def revive(self):
        """Starts the node again when its supervisor is gone."""
        self.count_fired()
        if self.node.process.poll() is not None:
            self.node.start()

    def fired(self, *names, seconds=180, ask=lambda: None):
        """Waits until these points have fired, while the node is kept alive. `ask` asks for it, and every ASK seconds again: a supervisor
        that dies of the point before hears nothing, and is not dead as soon as its slot is empty."""
        end, again = time.monotonic() + seconds * h.PATIENCE, 0
        while set(names) & set(self.waiting):
            if time.monotonic() > end:
                raise AssertionError(f"no death at {sorted(set(names) & set(self.waiting))} within {seconds} s")
            if time.monotonic() > again:
                ask()
                again = time.monotonic() + ASK * h.PATIENCE
            self.revive()
            time.sleep(0.02)
        time.sleep(0.1)  # a slot is empty a moment before its process is dead
        self.revive()

    def run_points(self):
        """All points but those of copies, while studies arrive."""
        flowing = [p for p in POINTS if p not in (*ORDERED, *COPIES, *COLLECTED, *HEARD, *ASKED, *LENT, *SAID, *AGAIN, FIRST)]
        self.chance.shuffle(flowing)
        self.arm(*flowing)
        _, patient, _ = self.reported()
        self.sender.order("forget", patient=patient)
        self.order("forget", patient, "--yes")
        report, _, study = self.reported()
        self.sender.order("retract", study=study)
        self.order("results", "retract", report, "--reason", "safety")
        for order in ORDERED:
            begin = time.monotonic()
            getattr(self, "at_" + order.split("-")[0])(order)
            if self.verbose:
                print(f"{time.monotonic() - begin:.1f} s: {order}, {len(self.waiting)} wait", flush=True)
        self.fired(*flowing)
        self.run_again()

    def run_again(self):
        """What is stored is damaged and comes again, as often as it takes for a death at each of these points."""
        for point in AGAIN:
            self.arm(point)
            end = time.monotonic() + SETTLE
            while point in self.waiting:
                path, stored = self.chance.choice(h.wait_for(lambda: self.revive() or done(self.node.spool, self.ledger_path), 120, "an object that is done"))
                source = Source(path, ["delivered"])
                self.sender.order("damage", sop_instance=source.sop_instance, sha256=source.sha256)
                with contextlib.suppress(FileNotFoundError):  # retention may have been there first
                    os.truncate(stored, os.path.getsize(stored) // 2)
                if not self.sender.store_until_acknowledged(source, SETTLE):
                    self.failed.append(f"{source.path}: damaged, and not acknowledged when it came again")
                self.revive()
                if time.monotonic() > end:
                    raise AssertionError(f"no death at {point} within {SETTLE} s")

    def order(self, *words):
        """A person's order, which the node may answer when it is able to."""
        environment = dict(self.node.environment, CERVIGATE_CONFIG=self.node.config)
        self.orders.append(subprocess.Popen([os.path.join(h.BIN, "cervigate"), *words], env=environment, **h.QUIET))

    def at_start(self, point):
        self.kill("supervisor")
        self.arm(point)
        self.node.start()
        self.fired(point)

    def at_commit(self, point):
        self.arm(point)
        self.fired(point, ask=lambda: self.kill("committer"))

    def at_reload(self, point):
        self.arm(point)
        self.fired(point, ask=lambda: self.node.process.send_signal(signal.SIGHUP))

    def at_stop(self, point):
        self.arm(point)
        self.fired(point, ask=self.terminate)

    def terminate(self):
        since = self.sender.death("stop")
        self.node.process.terminate()
        self.node.process.wait(30 * h.PATIENCE)
        self.sender.death("stop", since)

    def reported(self):
        """(UID of a report at the PACS, its Patient ID, its study), one that was not asked for yet; waits for one."""
        def find():
            self.revive()
            for line in self.pacs.stores():
                if line["sop_class"] == h.SR3D and line["status"] == "0000" and line["sop_instance"] not in self.asked:
                    self.asked.add(line["sop_instance"])
                    head = pydicom.dcmread(line["path"])
                    return line["sop_instance"], str(head.PatientID), str(head.StudyInstanceUID)
            return None
        return h.wait_for(find, 120, "a report at the PACS")

    def run_copies(self):
        """A backup that dies and one that does not; a restore that dies twice. Nothing arrives meanwhile."""
        file = os.path.join(self.folder, "backup.tar.gz")
        self.arm("backup-written")
        died = self.node.admin("backup", file, "--objects")
        self.count_fired()
        if died.returncode != -signal.SIGKILL or os.path.exists(file):
            self.failed.append(f"a backup that died: exit {died.returncode}, file there: {os.path.exists(file)}")
        made = self.node.admin("backup", file, "--objects")
        self.quiet.set()
        self.terminate()
        for point in ("restore-marked", "restore-emptied"):
            self.arm(point)
            died = self.node.admin("restore", "--force", file)
            self.count_fired()
            refused = h.run(os.path.join(h.BIN, "cervigated"), "--config", self.node.config, "--foreground", timeout=60 * h.PATIENCE)
            if died.returncode != -signal.SIGKILL or refused.returncode != 73:
                self.failed.append(f"{point}: restore ended with {died.returncode}, the node then with {refused.returncode}")
        whole = self.node.admin("restore", "--force", file)
        if made.returncode or whole.returncode:
            self.failed.append(f"backup {made.returncode} {made.stderr}, restore {whole.returncode} {whole.stderr}")
        self.node.start()
        self.quiet.clear()

    # ---- at random ----

    def pids(self, victim):
        facts = self.node.facts()
        top = int(facts.get("pid", 0))
        if victim == "supervisor":
            return [top]
        if victim == "all":
            return [top] + children(top)
        if victim in ROLES:
            return [int(facts.get(victim + "_pid", 0))]
        wanted = {"association": "cervigated-asc", "sender": "cervigated-snd", "zygote": "zygote", "crier": "cervigated-cry"}
        if victim in wanted:
            return [p for p in children(top) if name_of(p) == wanted[victim]]
        return [c for p in children(top) if name_of(p) == "zygote" for c in children(p)]

    def kill(self, victim):
        """Whether one was there to be killed."""
        pids = [p for p in self.pids(victim) if p > 1]
        if victim not in ("all", "supervisor"):
            pids = [self.chance.choice(pids)] if pids else []
        if not pids:
            return False
        since = self.sender.death(victim)
        if victim == "supervisor":
            self.node.kill_supervisor()
        else:
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    if victim != "all":
                        return False
            if victim == "all":
                self.node.process.wait(30 * h.PATIENCE)
        self.sender.death(victim, since)  # it happened by now
        self.killed[victim] += 1
        return True

    def wait_for_victim(self, victim, seconds=0.5):
        """Children come and go: waits for one to be there, so that each kind has its share."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.kill(victim):
                return
            time.sleep(0.002)

    def run_random(self, count, seconds=float("inf"), least=0.05, most=0.5):
        """So many kills, or as many as there is time for."""
        end = time.monotonic() + seconds
        names, weights = list(VICTIMS), list(VICTIMS.values())
        while sum(self.killed.values()) < count and time.monotonic() < end:
            time.sleep(self.chance.uniform(least, most))
            self.wait_for_victim(self.chance.choices(names, weights)[0])
            self.revive()

    # ---- what is left ----

    def check(self, swept=True):
        """(violations, endings) of a checker in a process of its own: the echoes go on."""
        said = subprocess.run([*CHECKER, "--json", "--settled", *(["--swept"] if swept else []), *self.evidence(), "--config", self.node.config],
                              capture_output=True, text=True)
        if said.returncode not in (0, 1):
            return [("run", "the checker cannot read: " + said.stderr)], {}
        told = json.loads(said.stdout)
        self.figures = {name: told[name] for name in ("excused", "longest_s", "replayed")}
        return [(v["invariant"], v["what"]) for v in told["violations"]], told["endings"]

    def evidence(self):
        return ["--spool", self.node.spool, "--ledger", self.ledger_path, "--pacs", self.pacs.log_path]

    def settle(self, seconds=SETTLE):
        """The checker's violations once all has come to its end, or when the time is over."""
        self.arms.disarm()
        self.pacs.behave("ok")
        end = time.monotonic() + seconds
        while True:
            violations, endings = self.check()
            violations = violations + self.check_news()
            if not violations or time.monotonic() > end:
                return violations + [("run", text) for text in self.failed], endings
            time.sleep(1)

    def check_news(self):
        """A message that is told again is the same, byte for byte; whoever heard of a raise that no longer holds heard that, too."""
        bodies, last = {}, {}
        with self.hook.lock:
            said = [r["body"] for r in self.hook.requests if r["status"] == 200]
        for body in said:
            news = json.loads(body)
            bodies.setdefault(news["id"], set()).add(body)
            if news["revision"] >= last.get(news["study"], news)["revision"]:
                last[news["study"]] = news
        found = [("news", f"{i}: {len(b)} contents") for i, b in bodies.items() if len(b) > 1]
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"))) as store:
            now = {study: (revision, raised != 0) for study, revision, raised in store.execute("SELECT study,revision,raised FROM place")}
            waits = store.execute("SELECT COUNT(*) FROM news WHERE state='pending'").fetchone()[0]
        found += [("news", f"{study}: {news['revision']} was told last, it has {now[study][0]}") for study, news in last.items()
                  if study in now and news["raised"] and not now[study][1]]
        return found + ([("news", f"{waits} wait")] if waits else [])

    def keep(self, folder):
        """All the evidence of a failing run."""
        shutil.copytree(self.node.folder, os.path.join(folder, "node"), dirs_exist_ok=True)
        shutil.copy(self.ledger_path, folder)
        shutil.copytree(self.pacs.folder, os.path.join(folder, "pacs"), ignore=shutil.ignore_patterns("*.part"))

    def close(self):
        self.stop.set()
        self.closing.set()
        self.watch.close()
        self.end_looks()
        if self.echoing:
            self.echoing.join(10)
        for order in self.orders:
            order.kill()
            order.wait()
        self.node.stop()
        self.hook.close()
        self.pacs.close()


def tell(campaign, endings, violations, seconds):
    lines = read_lines(campaign.ledger_path)
    attempts = sum(line["kind"] == "store" for line in lines)
    echoes = [line["ms"] for line in lines if line["kind"] == "echo" and line["outcome"] == "0000"]
    print(f"seed {campaign.seed}: {sum(campaign.points.values())} deaths at {len(campaign.points)} named points, "
          f"{sum(campaign.killed.values())} kills at random {dict(campaign.killed)}")
    print(f"{attempts} attempts to store, {len(campaign.pacs.stores())} objects at the PACS, endings {endings}, {seconds:.0f} s")
    print(f"{sum(line['kind'] == 'echo' for line in lines)} echoes, {len(echoes)} answered, at most {max(echoes, default=0)} ms; {campaign.figures}")
    for invariant, text in violations:
        print(invariant, text)
    print(f"{len(violations)} violations", flush=True)


def main():
    parser = argparse.ArgumentParser(description="kill -9 of everything, then the checker")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--random", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--keep")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    folder, begin = tempfile.mkdtemp(prefix="cervigate-faults-kill-"), time.monotonic()
    campaign = Campaign(folder, wanted.seed, wanted.size)
    campaign.verbose = True
    violations = [("run", "did not come to its end")]
    try:
        campaign.begin()
        if not wanted.random:
            campaign.run_points()
        if not wanted.points:
            campaign.run_random(wanted.count, wanted.minutes * 60)
        campaign.end()
        violations, endings = campaign.settle()
        if not violations:
            campaign.run_copies()
            violations, endings = campaign.settle()
        tell(campaign, endings, violations, time.monotonic() - begin)
    finally:
        if violations:
            campaign.end()
            campaign.node.process.kill()
            keep = wanted.keep or tempfile.mkdtemp(prefix="cervigate-faults-evidence-")
            campaign.keep(keep)
            print(f"evidence: {keep}\nagain: scripts/faults kill --seed {wanted.seed} --count {wanted.count} --size {wanted.size}"
                  f"{' --points' if wanted.points else ''}{' --random' if wanted.random else ''}\njudged: scripts/faults checker --settled --swept --spool {keep}/node/spool "
                  f"--ledger {keep}/ledger.jsonl --pacs {keep}/pacs/log.jsonl", flush=True)
        campaign.close()
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
