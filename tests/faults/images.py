"""Crash images: `scripts/faults images [--count N] [--nodes N] [--seed S] [--runs N]`.

Records a node's life: studies of which some come twice or grow, results, deliveries to a PACS that fails at times, a restart, removals by
age (record.c). Then cuts the record at random moments: what no sync had made durable is dropped, torn at 512 bytes or there (crash.py).
For each image
  quickly   the job store is opened as SQLite recovers it, and is whole; every object answered 0000 before the cut has its row and its
            bytes; every result and every object of a row has its bytes; what counts as sent is with the PACS; what is with the PACS is a
            result; no file with a final name is half of one; what was refused before the cut is in quarantine with its reason, and nothing
            there is without one
  a part of them besides, `--nodes` of them: the real node starts on the image, the PACS holding what it had got until the cut; it settles
            by itself, and the checker (checker.py) is asked; the recovery is recorded too and cut again, quickly checked
Prints the seed; the same seed cuts the same places of a record, which is itself not repeatable to the microsecond."""
import argparse
import collections
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checker  # noqa: E402
import crash  # noqa: E402
import evidence  # noqa: E402
import world  # noqa: E402
from world import h, ledger, pacs  # noqa: E402

BOOK = 384 << 20  # an association has 1 GiB of addresses
DAYS = 3
WHERE = "/dev/shm" if os.path.isdir("/dev/shm") else None


class ListeningPacs(pacs.Pacs):
    """Remembers where the record stood when each object had come."""

    def __init__(self, folder, book):
        self.book, self.at = book, {}
        super().__init__(folder)

    def keep(self, sop_class, data):
        tail = self.book.tail() if self.book else 0
        path = super().keep(sop_class, data)
        self.at[path] = tail
        return path


def refused(outcome):
    return outcome[:2] in ("a9", "c0")


def before(told, position):
    """What had happened by this position of the record."""
    return [what for at, what in told if at <= position]


class Life:
    """A recorded run. acks: (position, ledger line); refusals: the same of what was refused; arrivals: (position, PACS line)."""

    def __init__(self, seed, folder, studies):
        self.random, self.folder = random.Random(seed), folder
        self.book = crash.Book(os.path.join(folder, "book"), BOOK)
        self.shim = world.shim("record", folder)
        original, pacs.Pacs = pacs.Pacs, lambda where: ListeningPacs(where, self.book)
        try:
            self.world = world.World(seed, where=WHERE, quiet=0, limits='<retention objects="2" results="60"/>',
                                     environment={"LD_PRELOAD": self.shim, "CERVIGATE_RECORD": self.book.path, "CERVIGATE_LANDLOCK_MOST": "0"})
        finally:
            pacs.Pacs = original
        self.acks, self.refusals, self.lock = [], [], threading.Lock()
        self.live(studies)

    def send(self, source):
        w = self.world
        while (outcome := w.sender.store(source)) != "0000" and not refused(outcome):
            time.sleep(0.1)
        with self.lock:
            (self.refusals if refused(outcome) else self.acks).append((self.book.tail(), source))

    def send_some(self, sources):
        for source in sources:
            self.send(source)

    def live(self, studies):
        w = self.world
        sources = [w.studies.make() for _ in range(studies)]
        sources += [w.studies.make(study=s.study) for s in sources[:studies // 4]]
        sources += sources[:studies // 5]
        sources += [w.studies.halved() for _ in range(studies // 4)]
        self.random.shuffle(sources)
        half = len(sources) // 2
        w.pacs.behave("a700", 2)
        for part in (sources[:half], sources[half:]):
            threads = [threading.Thread(target=self.send_some, args=(part[i::3],)) for i in range(3)]
            for thread in threads:
                thread.start()
            w.pacs.behave("swallow", 1)
            for thread in threads:
                thread.join()
            if part is not sources[half:]:
                w.wait_until_settled(60)
                self.restart({})
        w.wait_until_settled(60)
        self.restart({"CERVIGATE_SWEEP_GRACE": "0"}, self.age)
        objects = os.path.join(w.node.spool, "objects")
        try:
            h.wait_for(lambda: not any(files for _, _, files in os.walk(objects)), 20, "removals by age")
        except AssertionError as error:
            print(error)
        w.node.process.terminate()
        w.node.process.wait(30)
        self.records = list(self.book.records())
        self.arrivals = sorted(((w.pacs.at[line["path"]], line) for line in w.pacs.stores()), key=lambda a: a[0])
        self.acks.sort(key=lambda ack: ack[0])
        self.refusals.sort(key=lambda ack: ack[0])

    def restart(self, environment, between=None):
        self.world.node.process.terminate()
        self.world.node.process.wait(30)
        if between:
            between()
        self.world.node.start(environment)

    def age(self):
        """Everything in the store becomes older; the clock cannot be moved, since its jumps remove nothing. Recorded like all else."""
        script = ("import sqlite3,sys\ndb=sqlite3.connect(sys.argv[1])\ndb.execute('PRAGMA synchronous=FULL')\n"
                  f"for table,column in (('instance','received_ms'),('result','created_ms'),('delivery','done_ms')):\n"
                  f" db.execute(f'UPDATE {{table}} SET {{column}}={{column}}-{DAYS * 86400000} WHERE {{column}}>0')\n"
                  "db.commit(); db.close()")
        subprocess.run(["/usr/bin/python3", "-c", script, self.world.node.spool + "/jobs.sqlite"], check=True,
                       env=dict(os.environ, LD_PRELOAD=self.shim, CERVIGATE_RECORD=self.book.path, CERVIGATE_LANDLOCK_MOST="0"))

    def images(self, count, chance):
        """(position, policy, image) at `count` moments, in order."""
        disk, moments = crash.Disk(), sorted(chance.choices(range(len(self.records)), k=count))
        played = 0
        for moment in moments:
            while played <= moment:
                disk.play(self.records[played])
                played += 1
            yield (self.records[moment][0] + 1, *disk.image(chance))


class Look:
    """The quick check of one image."""

    def __init__(self, image, acks, arrivals, folder, refusals=()):
        self.image, self.acks, self.arrivals, self.refusals, self.bad = image, acks, arrivals, refusals, []
        spool = tempfile.mkdtemp(dir=folder)
        try:
            crash.lay({p: c for p, c in image.items() if p.startswith("jobs.sqlite") or p == "."}, spool)
            self.whole_files()
            self.quarantine()
            self.rows(os.path.join(spool, "jobs.sqlite"))
        finally:
            shutil.rmtree(spool)

    def digest(self, path, dataset):
        content = self.image.get(path)
        return content and crash.digest(content, ledger.dataset_offset(content) if dataset else 0)

    def whole_files(self):
        for path, content in self.image.items():
            if content is not None and path.startswith("objects/") and self.digest(path, True) != os.path.basename(path)[:-4]:
                self.bad.append(f"{path} is not whole")

    def quarantine(self):
        kept = set()
        for path, content in self.image.items():
            if content is None or not path.startswith("quarantine/") or not path.endswith(".dcm"):
                continue
            kept.add(self.digest(path, True))
            if b"\nreason: " not in (self.image.get(path[:-4] + ".txt") or b""):
                self.bad.append(f"{path} lies in quarantine without its reason")
        for source in self.refusals:
            if source.sha256 not in kept:
                self.bad.append(f"{source.sop_instance} was refused, and its bytes are not in quarantine")

    def rows(self, path):
        tables = []
        if os.path.exists(path):
            db = sqlite3.connect(path)
            db.row_factory = sqlite3.Row
            try:
                tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
                self.bad += [f"the store is not whole: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
                if "instance" in tables:
                    self.compare(db)
            except sqlite3.DatabaseError as error:
                self.bad.append(f"the store is not whole: {error}")
            db.close()
        if "instance" not in tables and (self.acks or self.arrivals):
            self.bad.append("there is no store any more")

    def compare(self, db):
        known = {}
        for row in db.execute("SELECT sop_instance,digest,path,gone_ms FROM instance"):
            known[row["sop_instance"], row["digest"]] = row
            if not row["gone_ms"] and self.digest(row["path"], True) != row["digest"]:
                self.bad.append(f"{row['path']} has a row and not its bytes")
        for source in self.acks:
            if (source.sop_instance, source.sha256) not in known:
                self.bad.append(f"{source.sop_instance} was answered 0000 and has no row")
        results = {}
        for row in db.execute("SELECT uid,path,digest,gone_ms FROM result"):
            results[row["uid"]] = row
            if not row["gone_ms"] and self.digest(row["path"], False) != row["digest"]:
                self.bad.append(f"{row['path']} is a result and has not its bytes")
        arrived = {line["sop_instance"] for line in self.arrivals}
        for uid in arrived - set(results):
            self.bad.append(f"the PACS has {uid}, which is no result of this node")
        for row in db.execute("SELECT uid FROM delivery JOIN result ON result.id=delivery.result WHERE state='sent'"):
            if row["uid"] not in arrived:
                self.bad.append(f"{row['uid']} counts as sent, and the PACS has it not")


class Recovery:
    """The real node on an image, with the world as it was at the cut."""

    def __init__(self, life, image, position, name):
        self.life, self.acks = life, before(life.acks, position)
        self.refusals = before(life.refusals, position)
        self.arrivals = before(life.arrivals, position)
        self.folder = os.path.join(life.folder, name)
        self.spool = os.path.join(self.folder, "spool")
        os.makedirs(self.spool)
        crash.lay(image, self.spool)
        self.disk = crash.Disk(self.spool)
        self.book = crash.Book(os.path.join(self.folder, "book"), BOOK)
        self.write_ledger()

    def write_ledger(self):
        """What was answered before the cut; all else may have been under way."""
        left = collections.Counter(source.sop_instance for source in self.acks + self.refusals)
        with open(os.path.join(self.folder, "ledger.jsonl"), "w", encoding="utf-8") as f:
            f.write(json.dumps({"kind": "order", "time": 0, "order": "retention"}) + "\n")  # Life.age
            for line in self.life.world.sent.read():
                if line["kind"] == "store":
                    answered = line["outcome"] == "0000" or refused(line["outcome"])
                    known = not answered or left[line["sop_instance"]] > 0
                    left[line["sop_instance"]] -= answered
                    f.write(json.dumps(line if known else dict(line, outcome="aborted")) + "\n")
        os.makedirs(os.path.join(self.folder, "pacs"))
        with open(os.path.join(self.folder, "pacs/log.jsonl"), "w", encoding="utf-8") as f:
            for line in self.arrivals:
                f.write(json.dumps(line) + "\n")

    def node(self):
        """A node with the life's configuration but this spool and this PACS."""
        original = self.life.world.node
        node = h.Node.__new__(h.Node)
        node.folder, node.spool, node.process = self.folder, self.spool, None
        node.config, node.log_path = os.path.join(self.folder, "cervigate.xml"), os.path.join(self.folder, "log")
        node.environment = dict(os.environ, LD_PRELOAD=self.life.shim, CERVIGATE_RECORD=self.book.path, CERVIGATE_LANDLOCK_MOST="0")
        with open(original.config, encoding="utf-8") as f:
            text = f.read().replace(original.spool, self.spool)
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace(f'port="{self.life.world.pacs.port}"', f'port="{self.pacs.port}"').replace('objects="2"', 'objects="3650"'))
        return node

    def run(self):
        """What is wrong after the node has settled; [] nothing."""
        self.pacs = ListeningPacs(os.path.join(self.folder, "pacs"), self.book)
        self.pacs.kept = 100000
        node = self.node()
        bad = []
        try:
            node.start()
            h.wait_for(lambda: self.is_settled(node), 40, "settled")
            time.sleep(0.2)
        except AssertionError as error:
            bad.append(str(error)[-2000:])
        finally:
            if node.process.poll() is None:
                node.process.terminate()
                code = node.process.wait(30)
                bad += [f"the node ended with {code}"] if code else []
            self.pacs.close()
        if not bad:
            found = evidence.Evidence(self.spool, [os.path.join(self.folder, "ledger.jsonl")], [self.pacs.log_path])
            judge = checker.Checker(found, settled=True, site=checker.Words(node.config))
            bad += [f"{invariant}: {text}" for invariant, text in judge.run()]
        return bad

    def is_settled(self, node):
        with sqlite3.connect(f"file:{self.spool}/jobs.sqlite?mode=ro", uri=True, timeout=10) as db:
            left = db.execute("SELECT (SELECT count(*) FROM instance WHERE state='received')+(SELECT count(*) FROM delivery WHERE "
                              "state='pending')+(SELECT count(*) FROM instance WHERE reported=0 AND state IN ('judged','not-processed'))").fetchone()[0]
        db.close()
        return left == 0 and "selftest cause=start" in node.log()

    def second_cuts(self, count, chance):
        """Images of the recovery."""
        records = list(self.book.records())
        moments = sorted(chance.choices(range(len(records)), k=count)) if records else []
        late = [(self.pacs.at[line["path"]], line) for line in self.pacs.stores() if line["path"] in self.pacs.at]
        played = 0
        for moment in moments:
            while played <= moment:
                self.disk.play(records[played])
                played += 1
            position = records[moment][0] + 1
            yield self.disk.image(chance)[1], self.arrivals + [line for at, line in late if at <= position]


class Campaign:
    def __init__(self, seed, folder, minutes):
        self.seed, self.folder, self.chance = seed, folder, random.Random(seed)
        self.counts, self.violations = collections.Counter(), []
        self.until = time.monotonic() + 60 * minutes

    def judge(self, what, bad):
        for text in bad:
            self.violations.append(f"{what}: {text}")
            print("VIOLATION", self.violations[-1], flush=True)

    def run(self, number, studies, count, nodes, second):
        folder = os.path.join(self.folder, str(number))
        os.mkdir(folder)
        life = Life(self.seed * 1000 + number, folder, studies)
        print(f"run {number}: {len(life.records)} records, {len(life.acks)} answers 0000, {len(life.refusals)} refused, {len(life.arrivals)} objects at the PACS", flush=True)
        started = set(self.chance.sample(range(count), min(nodes, count)))
        for i, (position, policy, image) in enumerate(life.images(count, self.chance)):
            if time.monotonic() > self.until:
                print(f"run {number}: left after {i} of {count} images: the time is over", flush=True)
                break
            name = f"{number}-{i}"
            acks, refusals = before(life.acks, position), before(life.refusals, position)
            self.judge(f"image {name} at {position} ({policy})", Look(image, acks, before(life.arrivals, position), folder, refusals).bad)
            self.counts["with a refused object"] += bool(refusals)
            self.counts["images"] += 1
            self.counts[policy] += 1
            if i in started:
                self.recover(life, image, position, name, second, acks)
        life.world.close()
        return life

    def recover(self, life, image, position, name, second, acks):
        recovery = Recovery(life, image, position, name)
        bad = recovery.run()
        self.judge(f"node on image {name} at {position}", bad)
        self.counts["nodes"] += 1
        for i, (again, arrivals) in enumerate(recovery.second_cuts(second, self.chance)):
            self.judge(f"image {name}, cut again {i}", Look(again, acks, arrivals, recovery.folder, recovery.refusals).bad)
            self.counts["images of recoveries"] += 1
            if i == 0 and self.chance.random() < 0.25:
                self.third(life, again, position, arrivals, name)
        if bad:
            print("kept:", shutil.copytree(recovery.folder, tempfile.mkdtemp(prefix="cervigate-image-"), dirs_exist_ok=True))
        shutil.rmtree(recovery.folder)

    def third(self, life, image, position, arrivals, name):
        """The real node on an image of a recovery."""
        again = Recovery(life, image, position, name + "-again")
        again.arrivals = arrivals
        shutil.rmtree(os.path.join(again.folder, "pacs"))
        again.write_ledger()
        self.judge(f"node on image {name} cut again", again.run())
        self.counts["nodes on images of recoveries"] += 1
        shutil.rmtree(again.folder)


def main():
    parser = argparse.ArgumentParser(description="crash images")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--count", type=int, default=2000, help="images in all")
    parser.add_argument("--nodes", type=int, default=100, help="on how many the real node starts")
    parser.add_argument("--second", type=int, default=5, help="images of each recovery")
    parser.add_argument("--runs", type=int, default=4, help="recorded lives")
    parser.add_argument("--studies", type=int, default=24, help="in each")
    parser.add_argument("--minutes", type=float, default=120, help="then what was not begun is left")
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="cervigate-images-", dir=WHERE) as folder:
        campaign = Campaign(wanted.seed, folder, wanted.minutes)
        for number in range(wanted.runs):
            if time.monotonic() > campaign.until:
                break
            campaign.run(number, wanted.studies, wanted.count // wanted.runs, wanted.nodes // wanted.runs, wanted.second)
            shutil.rmtree(os.path.join(folder, str(number)))
    print(f"seed {wanted.seed}: {dict(campaign.counts)}, {len(campaign.violations)} violations")
    return 1 if campaign.violations else 0


if __name__ == "__main__":
    sys.exit(main())
