"""kill -9 at the points of the roles that talk with the site's other systems, under the checker: the short version of site_kill.py."""
import os
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kill  # noqa: E402
import site_kill  # noqa: E402

SEED = int(os.environ.get("CERVIGATE_SEED", "20261128"))


class SiteKill(unittest.TestCase):
    def test_each_point(self):
        folder = tempfile.mkdtemp(prefix="cervigate-site-kill-")
        self.addCleanup(shutil.rmtree, folder, True)
        campaign, violations, endings = site_kill.run(folder, SEED, 4)
        kill.tell(campaign, endings, violations, 0)
        self.assertEqual(violations, [], campaign.log[-8000:])
        self.assertEqual(set(campaign.points), {*kill.COLLECTED, *kill.HEARD, *kill.ASKED, *kill.LENT, *kill.SAID})


if __name__ == "__main__":
    unittest.main(verbosity=2)
