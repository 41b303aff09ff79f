"""What disks and memory do to the node, in short: calls that fail, crash images, a full disk. scripts/faults calls|images|disk are the long
versions."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calls  # noqa: E402
import crash  # noqa: E402
import disk  # noqa: E402
import harness as h  # noqa: E402
import images  # noqa: E402

SEED = int(os.environ.get("CERVIGATE_SEED", "20261127"))
FAULTS = (("assoc", "write", calls.SPOOL, calls.errno.ENOSPC, True), ("assoc", "sync", calls.SPOOL, calls.errno.EIO, False),
          ("assoc", "rename", calls.SPOOL, calls.errno.EIO, False), ("committer", "sync", calls.STORE, calls.errno.EIO, False),
          ("analyze", "sync", calls.SPOOL, calls.errno.EIO, False))
# Of 60 wanted: what a busy machine does not come to within its time is missed, a campaign that looks at nothing is no proof.
IMAGES = {"images": 30, "with a refused object": 10, "nodes": 1, "images of recoveries": 1}


class Disk(unittest.TestCase):
    @unittest.skipIf(h.SANITIZED, "the sanitizer has malloc for itself")
    def test_calls_that_fail(self):
        with tempfile.TemporaryDirectory(prefix="cervigate-calls-") as folder:
            campaign = calls.Campaign(SEED, folder)
            try:
                for fault in FAULTS:
                    campaign.run(calls.Fault(*fault), 60, 2)
            finally:
                campaign.control.disarm()
                campaign.end()
        print(f"seed {SEED}: {campaign.tried} runs, {campaign.hits} faults")
        self.assertEqual(campaign.violations, [])
        self.assertGreaterEqual(campaign.hits, 6)

    def test_crash_images(self):
        with tempfile.TemporaryDirectory(prefix="cervigate-images-", dir=images.WHERE) as folder:
            campaign = images.Campaign(SEED, folder, 5)
            life = campaign.run(0, 4, 60, 1, 3)
            self.assertEqual(campaign.violations, [])
            print(f"seed {SEED}: {dict(campaign.counts)}")
            for what, least in IMAGES.items():
                self.assertGreaterEqual(campaign.counts[what], least, what)
            self.without_syncs(life, folder)

    def without_syncs(self, life, folder):
        """The look must see what a node would lose that syncs nothing, or no directory."""
        whole = life.records
        for what in ("nothing", "no directory"):
            inodes = {r[2] for r in whole if r[1] == crash.MKDIR}
            life.records = [r for r in whole if r[1] != crash.SYNC or (what == "no directory" and r[2] not in inodes)]
            found, lost = 0, 0
            for position, _, image in life.images(20, life.random):
                acks, arrivals = images.before(life.acks, position), images.before(life.arrivals, position)
                bad = images.Look(image, acks, arrivals, folder, images.before(life.refusals, position)).bad
                found += bool(bad)
                lost += any("quarantine" in text for text in bad)
            self.assertGreater(lost, 0, f"{what} is synced, and all that was refused is there")
            self.assertGreater(found, 5, f"{what} is synced, and {found} of 20 images are wrong")

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("mount"), "skipped: mounting needs root")
    def test_a_disk_that_is_full(self):
        violations, text = disk.run(SEED, 2, 1.5)
        print(text)
        self.assertEqual(violations, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
