"""The points at which processes end (scp/crash.c), armed from outside."""
import mmap

SLOT, SLOTS = 64, 64


class Arms:
    """The file of CERVIGATE_CRASH_ARMS (scp/crash.c): points that fire once, in whatever process passes them."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as f:
            f.write(bytes(SLOT * SLOTS))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), SLOT * SLOTS)

    def arm(self, name, passing=1):
        slot = next(n for n in range(SLOTS) if self.map[n * SLOT] == 0) * SLOT
        self.map[slot + 1:slot + SLOT] = name.encode().ljust(SLOT - 1, b"\0")
        self.map[slot] = passing

    def armed(self):
        return [self.map[n * SLOT + 1:(n + 1) * SLOT].rstrip(b"\0").decode() for n in range(SLOTS) if self.map[n * SLOT]]

    def disarm(self):
        for n in range(SLOTS):
            self.map[n * SLOT] = 0
