"""A real file system of 64 MiB: `scripts/faults disk [--seed S] [--rounds N]`. Needs the right to mount (root); exit 77 without.

Each round: all but a little of it is taken, and studies are sent; what is answered is 0000 with the bytes or A700, and C-ECHO throughout.
The space comes back, nobody helps, and every study is acknowledged and reported. At the end the checker is asked."""
import argparse
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import checker  # noqa: E402
import evidence  # noqa: E402
import world  # noqa: E402
from world import h  # noqa: E402

SIZE, STUDIES = "64m", 4  # a study's picture is 2 MB
LEAVE = (0, 1 << 20, 65536, 3 << 20, 8192)


class Disk:
    def __init__(self, seed, where):
        self.violations, self.refusals, self.kept = [], 0, 0
        self.world = world.World(seed, disk=where, quiet=0, limits='<limits spoolReserve="0"/>')
        self.filler = os.path.join(where, "filler")
        self.where = where

    def wrong(self, what):
        self.violations.append(what)
        print("VIOLATION", what, flush=True)

    def fill(self, leave):
        """All but `leave` bytes."""
        with open(self.filler, "ab") as f:
            free = os.statvfs(self.where).f_bavail * os.statvfs(self.where).f_frsize - leave
            os.posix_fallocate(f.fileno(), 0, max(4096, os.path.getsize(self.filler) + free))

    def send_while_full(self, seconds):
        """A few new studies, again and again; returns those that were refused to the end."""
        left, end = [self.world.studies.make() for _ in range(STUDIES)], time.monotonic() + seconds
        while time.monotonic() < end:
            source = left.pop(0) if left else None
            outcome = self.world.sender.store(source, 10) if source else "0000"
            if source and outcome == "0000":
                self.kept += 1
                if not self.world.is_kept(source):
                    self.wrong("answered 0000 without the bytes")
            elif source:
                left.append(source)
                self.refusals += 1
            if outcome not in ("0000", "a700"):
                self.wrong(f"answered {outcome}")
            if self.world.sender.echo() is None:
                self.wrong("C-ECHO is not answered")
            time.sleep(0.1)
        return left

    def well_again(self, refused):
        for source in refused:
            if not self.world.sender.store_until_acknowledged(source, 30):
                self.wrong("no 0000 within 30 s after there was space again")
                return
        left = self.world.wait_until_settled(60)
        if left:
            self.wrong(left)

    def round(self, seconds, leave):
        self.fill(leave)
        refused = self.send_while_full(seconds)
        os.unlink(self.filler)
        self.well_again(refused)

    def end(self):
        found = evidence.Evidence(self.world.node.spool, [self.world.ledger_path], [self.world.pacs.log_path])
        for invariant, text in checker.Checker(found, settled=True, quarantine=False).run():
            self.wrong(f"{invariant}: {text}")
        if self.violations:
            print(self.world.node.log()[-4000:])
        deaths = [line for line in self.world.node.log().splitlines() if "role-died" in line]
        self.deaths = len(deaths)
        print(*deaths, sep="\n")
        code = self.world.close()
        if code:
            self.wrong(f"the node ended with {code}")


def run(seed, rounds, seconds, kind="tmpfs"):
    """(violations, a sentence)"""
    where = world.tempfile.mkdtemp(prefix="cervigate-disk-")
    subprocess.run(["mount", "-t", kind, "-o", f"size={SIZE}", kind, where], check=True)
    try:
        disk = Disk(seed, where)
        try:
            disk.well_again([disk.world.studies.make()])  # it has started
            for i in range(rounds):
                disk.round(seconds, LEAVE[i % len(LEAVE)])
        finally:
            disk.end()
        text = f"seed {seed}: {rounds} times full, {disk.kept} kept, {disk.refusals} refused, {disk.deaths} roles died, {len(disk.violations)} violations"
        return disk.violations, text
    finally:
        subprocess.run(["umount", "-l", where], check=False)
        os.rmdir(where)


def main():
    parser = argparse.ArgumentParser(description="a disk of 64 MiB")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="of sending while it is full")
    wanted = parser.parse_args()
    if os.geteuid() != 0:
        print("mounting needs root", file=sys.stderr)
        return 77
    print(f"seed {wanted.seed}", flush=True)
    violations, text = run(wanted.seed, wanted.rounds, wanted.seconds)
    print(text)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
