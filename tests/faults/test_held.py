"""Hostile peers in short: as many associations as one peer may have, and the next is refused at once; peers that stop in the middle of a PDU or of
a dataset; a good peer is answered throughout, and the checker has no violation. `tests/faults/hostile.py --long` is the long version."""
import multiprocessing
import os
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import hostile  # noqa: E402

MOST, SECONDS = 40, 1
WITHIN = 2  # seconds for a refusal, where no time-out is shorter than 10
KINDS = {"stops mid-PDU": b"\x04\0\0\0\x40\0\0", "stops in a dataset": hostile.pdatas(hostile.store_rq(), True)}


class Hostile(unittest.TestCase):
    def test_a_good_peer_is_answered(self):
        campaign = hostile.Campaign(SECONDS, 1, MOST, WITHIN)
        self.addCleanup(campaign.node.stop)
        context = multiprocessing.get_context("fork")
        taken, stop = context.Value("i", 0), context.Event()
        good = context.Process(target=hostile.send_well, args=(campaign.port, taken, stop, campaign.ledger))
        good.start()
        hostile.h.wait_for(lambda: taken.value > 3, 20, "the good peer's first objects")
        campaign.full_house(lambda: self.assert_taken(campaign, taken))
        for name, data in KINDS.items():
            peers = hostile.Held(campaign.port, hostile.associated(data), most=MOST - 5)
            peers.turn(time.monotonic() + 20)
            self.assertGreaterEqual(hostile.held_of(campaign.port, hostile.BAD), MOST - 10, name)
            self.assert_taken(campaign, taken)
            for s in peers.peers:
                s.close()
        stop.set()
        good.join(60)
        self.assertEqual(good.exitcode, 0, "the good peer was cut off")
        self.assertEqual((campaign.finish(), campaign.missed), (0, []))

    def assert_taken(self, campaign, taken):
        """The good peer's objects go on, and so do its echoes, which the checker looks at."""
        echoes, before = [], taken.value
        campaign.rate(SECONDS, taken, echoes)
        self.assertGreater(taken.value, before)
        self.assertGreater(len(echoes), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
