"""That memory and descriptors are level can be found false: readings as a soak has them, level and falsified."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import soak  # noqa: E402

SENT = 10000


def readings(count=1000, grows=0, opens=0, restarts=False, descriptors=20):
    """Of every process: so many readings, with noise; the analyze role falsified. `grows`: bytes an instance, `opens`: descriptors in all."""
    found = {}
    for name in soak.LASTING.values():
        bad = name == "analyze"
        rows = []
        for i in range(count):
            sent = i * SENT // count
            kib = 20000 + 300 * (i % 7) + (grows * sent // 1024 if bad else 0)
            rows.append(soak.Reading(sent, 2 if bad and restarts and i > count // 2 else 1, kib,
                                     descriptors + i % 2 + (opens * i // count if bad else 0)))
        found[name] = rows
    return found


class Levels(unittest.TestCase):
    def found(self, **how):
        return soak.levels(readings(**how), SENT)[1]

    def test_level(self):
        lines, bad = soak.levels(readings(), SENT)
        self.assertEqual(bad, [])
        self.assertEqual(len(lines), 1 + len(soak.LASTING))

    def test_falsified(self):
        for how, said in (({"grows": 100}, "analyze grew from"), ({"opens": 4}, "analyze has 2"), ({"restarts": True}, "analyze was started again"),
                          ({"count": 100}, "too few to say"), ({"descriptors": -2}, "by root alone")):
            with self.subTest(said):
                self.assertTrue(any(said in text for _, text in self.found(**how)), self.found(**how))

    def test_a_process_that_is_not_there(self):
        found = readings()
        del found["sender"]
        self.assertEqual(soak.levels(found, SENT)[1], [("I7", "sender was never seen")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
