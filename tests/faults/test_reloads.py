"""The short version of `scripts/faults reloads`, for every run of the tests."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import reloads  # noqa: E402


class Reloads(unittest.TestCase):
    def test_nothing_is_lost_and_nobody_cut_off(self):
        storm = reloads.Storm(20261128, rate=4)
        try:
            storm.storm(20, pause=0.2)
            self.assertEqual(storm.judge(), [])
            self.assertEqual((storm.reloads, storm.refused), (20, 2))
            self.assertGreaterEqual(storm.echoes, 3)
            self.assertGreaterEqual(storm.sent, 5)
        finally:
            self.assertEqual(storm.world.close(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
