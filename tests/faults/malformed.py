"""Malformed objects over the network into a node whose rules analyze everything: each that is taken goes through the confined object child.

scripts/faults malformed [--count N] [--first N] [--seed S]

  --count  how many mutations (2000) of ../shared/corpus, from number --first (0) on; bin/malformed makes and sends them

Each must have an answer, and each that was answered 0000 its end: a state, with a reason where it is not judged. Children may die; no other
process may; no child had more than 1 GiB of memory, by the kernel's account at its end. C-ECHO is answered within a second; checker.py, which sees
each attempt in the ledger, has no violation. Prints what became of them; exits 1 when something is wrong."""
import argparse
import collections
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import checker  # noqa: E402
import harness as h  # noqa: E402
import models  # noqa: E402
from ledger import Sender, read_lines  # noqa: E402

LIMIT_KIB = 1 << 20
KEPT = 1000  # refused objects that the node keeps at most
PATIENCE = 1.0  # seconds for an object that waits
MODALITIES = "CR DX CT MR US XA RF MG NM PT OT SC ES GM SM XC IO PX OP SR"  # the gate lets none decode that it does not know


class Campaign:
    def __init__(self, folder):
        self.folder, self.wrong = folder, []
        self.node = h.Node({}, mode="shadow", rules='<rule name="all" action="analyze"/>',
                           model=models.make(os.path.join(folder, "model"), modalities=MODALITIES))
        self.ledger, self.pacs = os.path.join(folder, "ledger.jsonl"), os.path.join(folder, "pacs.jsonl")
        self.sender = Sender(lambda: self.node.port, self.ledger)
        open(self.pacs, "w", encoding="utf-8").close()
        self.done = threading.Event()
        self.listener = self.node.facts()["receive_pid"]

    def echo(self):
        while not self.done.wait(0.5):
            self.sender.echo()

    def query(self, sql):
        with sqlite3.connect(f"file:{self.node.spool}/jobs.sqlite?mode=ro", uri=True, timeout=30) as db:
            return db.execute(sql).fetchall()

    def send(self, seed, count, first):
        echoes = threading.Thread(target=self.echo)
        echoes.start()
        said = subprocess.run([os.path.join(h.BIN, "malformed"), os.path.join(h.SHARED, "corpus"), str(seed), "send", str(count), str(first),
                               str(self.node.port), self.ledger], capture_output=True, text=True)
        print(said.stdout.strip(), flush=True)
        self.wrong += ["an input without an answer"] if said.returncode else []
        end = time.monotonic() + 60 + count * PATIENCE
        while self.query("SELECT 1 FROM instance WHERE state='received' LIMIT 1") and time.monotonic() < end:
            time.sleep(1)
        self.done.set()
        echoes.join()

    def judge(self):
        """Prints what became of them; what is wrong."""
        ends, children = collections.Counter(), collections.Counter()
        for state, reason, deaths in self.query("SELECT state,reason,deaths FROM instance"):
            ends[f"{state} {reason}".strip()] += 1
            children[deaths] += 1
            self.wrong += ["one was never looked at"] if state == "received" else []
            self.wrong += ["not processed, without a reason"] if state == "not-processed" and reason in ("", "none") else []
        print(f"{sum(ends.values())} objects: {dict(ends)}; objects by children that died over them: {dict(children)}", flush=True)
        self.wrong += [] if ends else ["nothing was taken"]
        self.wrong += ["the listener died"] if self.node.facts()["receive_pid"] != self.listener else []
        most = max(self.node.child_kib(), default=0)
        print(f"largest child {most >> 10} MiB", flush=True)
        self.wrong += [f"a child had {most} KiB"] if not 0 < most < LIMIT_KIB else []
        self.wrong += [line for line in self.node.log().splitlines() if "role-died" in line or "association-died" in line]
        refused = sum(line["kind"] == "store" and line["outcome"][:2] in ("a9", "c0") for line in read_lines(self.ledger))
        found, _ = checker.check(self.node.spool, [self.ledger], [self.pacs], quarantine=refused < KEPT)
        self.wrong += [f"{invariant} {text}" for invariant, text in found]
        self.wrong += ["the node did not end well"] if self.node.stop() else []
        return self.wrong


def main():
    parser = argparse.ArgumentParser(description="malformed objects through the object child")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    wanted = parser.parse_args()
    if not os.path.isdir(os.path.join(h.SHARED, "corpus")):
        print("skipped: no shared data")
        return 77
    print(f"seed {wanted.seed}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cervigate-faults-malformed-") as folder:
        campaign = Campaign(folder)
        try:
            campaign.send(wanted.seed, wanted.count, wanted.first)
        finally:
            wrong = campaign.judge()
    for what in wrong[:20]:
        print("WRONG", what)
    print(f"seed {wanted.seed}: {wanted.count} from number {wanted.first}, {len(wrong)} wrong, {time.monotonic() - begin:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
