"""The processes of a node, as the machine has them."""
import os
import threading
import time

LOOK = 0.02  # seconds between two looks at the listener


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    """Every descendant of a process."""
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += [int(child)] + children(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def lives(pid):
    """Whether the process is there, and no corpse."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Holds:
    """What a process and all that came of it hold."""

    def __init__(self, root):
        pids = [int(root)] + children(int(root))
        self.processes, self.descriptors, self.kilobytes = len(pids), 0, 0
        for pid in pids:
            try:
                self.descriptors += len(os.listdir(f"/proc/{pid}/fd"))
                with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                    # not of files: their share grows when another program that maps the same library ends
                    self.kilobytes += next(int(line.split()[1]) for line in f if line.startswith("Pss_Anon:"))
            except (OSError, StopIteration):
                pass

    def __str__(self):
        return f"{self.processes} processes, {self.descriptors} descriptors, {self.kilobytes} KiB"


class ListenerWatch(threading.Thread):
    """Writes into a ledger when the process that listens went, and when there is one again (the node's file run/node has its number)."""

    def __init__(self, node, lines):
        super().__init__(daemon=True)
        self.node, self.lines, self.done = node, lines, threading.Event()
        self.start()

    def run(self):
        last, there = time.time(), True
        while not self.done.wait(LOOK):
            pid, now = int(self.node.facts().get("receive_pid", 0)), time.time()
            alive = pid > 1 and lives(pid)
            if alive != there:
                self.lines.append(kind="listener", state="there" if alive else "gone", since=round(last, 3))
            last, there = now, alive

    def close(self):
        self.done.set()
        self.join(5)
