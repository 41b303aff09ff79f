"""A real file system that turns read-only, or whose quota is used up: `scripts/faults readonly [--seed S] [--rounds N]`. Needs root, a loop
device and btrfs-progs; exit 77 without.

The node lives in a subvolume of btrfs of its own, since that alone can be made read-only while its files are open for writing (EROFS for each new
file, name and change of size; what is open is still written), and has quotas that hold for root, too (EDQUOT). Each round is one of the two, else as
disk.py's: what is answered is 0000 with the bytes or A700, and C-ECHO throughout; then it is as before, nobody helps, and every study is acknowledged
and reported. At the end the checker is asked."""
import argparse
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import disk  # noqa: E402

BYTES, LEAVE = 512 << 20, (0, 1 << 20, 65536)


def btrfs(*words):
    said = subprocess.run(["btrfs", *words], capture_output=True, text=True, check=False)
    assert said.returncode == 0, (words, said.stderr)
    return said.stdout


class Trouble(disk.Disk):
    """`where`: a subvolume with quotas enabled."""

    def limit(self, text):
        group = "0/" + btrfs("inspect-internal", "rootid", self.where).strip()
        btrfs("qgroup", "limit", text, group, os.path.dirname(self.where))

    def used(self):
        """Bytes of the subvolume, as its quota counts them."""
        os.sync()
        return int(btrfs("qgroup", "show", "--raw", "-f", self.where).split()[-2])

    def read_only(self, value):
        btrfs("property", "set", "-ts", self.where, "ro", value)

    def round(self, seconds, leave):
        """leave None: it is read-only; else bytes that its quota still has."""
        before = self.refusals
        if leave is None:
            self.read_only("true")
        else:
            self.limit(str(self.used() + leave))
        refused = self.send_while_full(seconds)
        if leave is None:
            self.read_only("false")
        else:
            self.limit("none")
        print("EROFS" if leave is None else f"EDQUOT, {leave} left", f"{self.refusals - before} refused", flush=True)
        self.well_again(refused)


def run(seed, rounds, seconds):
    """(violations, a sentence)"""
    folder = disk.world.tempfile.mkdtemp(prefix="cervigate-readonly-")
    image, mount = os.path.join(folder, "image"), os.path.join(folder, "mount")
    os.mkdir(mount)
    with open(image, "wb") as f:
        f.truncate(BYTES)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        where = os.path.join(mount, "node")
        btrfs("subvolume", "create", where)
        btrfs("quota", "enable", mount)
        trouble = Trouble(seed, where)
        try:
            trouble.well_again([trouble.world.studies.make()])  # it has started
            for i in range(rounds):
                trouble.round(seconds, None if i % 2 == 0 else LEAVE[i // 2 % len(LEAVE)])
        finally:
            trouble.end()
        return trouble.violations, (f"seed {seed}: {rounds} rounds, {trouble.kept} kept, {trouble.refusals} refused, {trouble.deaths} roles died, "
                                    f"{len(trouble.violations)} violations")
    finally:
        subprocess.run(["umount", "-l", mount], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="a file system that is read-only, or has a quota")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=5, help="of sending in each")
    wanted = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("mkfs.btrfs"):
        print("mounting needs root, and mkfs.btrfs (btrfs-progs)", file=sys.stderr)
        return 77
    print(f"seed {wanted.seed}", flush=True)
    violations, text = run(wanted.seed, wanted.rounds, wanted.seconds)
    print(text)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
