"""A reading worklist that is longer than what a query looks at: who asks is told so."""
import unittest

import test_reading
from ups_scu import keys


class Cut(test_reading.Reading):
    offer = test_reading.OFFER + '<priority list="50"/>'

    def test_it_is_told(self):
        type(self).plain = self.send("normal")
        last = self.add(50)[-1]
        with self.scu(timeout=60) as scu:
            matches, _, (status, comment) = scu.find_raw(keys(StudyInstanceUID=last))
            self.assertEqual((matches, status), ([], "a700"))
            self.assertIn("more than 50 items", comment)
            first, _, _ = scu.find_raw(keys(StudyInstanceUID=self.plain))
            self.assertEqual(len(first), 1)
        said = self.node.admin("worklist")
        self.assertEqual(len(said.stdout.splitlines()), 2 + 50)
        self.assertIn("shown are the 50 that are to be read first; there may be more", said.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
