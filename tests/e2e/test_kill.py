"""kill -9 at every named point, and of each process at random, while studies arrive: the separate checker finds every invariant kept.

The short version of `scripts/faults kill`, whose parts it is made of, with a small model: that has the bundled one."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "faults"))
import kill  # noqa: E402
import models  # noqa: E402

KILLS = 21
SEED = int(os.environ.get("CERVIGATE_SEED", "20261122"))


class Kill(unittest.TestCase):
    def test_every_named_point_then_at_random(self):
        folder = tempfile.mkdtemp(prefix="cervigate-kill-")
        self.addCleanup(shutil.rmtree, folder, True)
        campaign = kill.Campaign(folder, SEED, model=models.make(os.path.join(folder, "model")))
        self.addCleanup(campaign.close)
        campaign.begin()
        campaign.run_points()
        campaign.run_random(KILLS)
        campaign.end()
        violations, endings = campaign.settle()
        self.assertEqual(violations, [], campaign.node.log()[-8000:])
        campaign.run_copies()
        violations, endings = campaign.settle()
        kill.tell(campaign, endings, violations, 0)
        self.assertEqual(violations, [], campaign.node.log()[-8000:])
        self.assertEqual(set(campaign.points),
                         set(kill.POINTS) - {*kill.COLLECTED, *kill.HEARD, *kill.ASKED, *kill.LENT, *kill.SAID})
        self.assertGreaterEqual(len(kill.POINTS), 50)
        self.assertGreater(endings["delivered"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
