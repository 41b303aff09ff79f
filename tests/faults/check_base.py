"""What the parts of checker.py share: the evidence, how much of it is final, and the violations found."""
import collections

import pydicom

ASIDE = {"ignored", "own", "same", "rejection-note"}  # states of what comes to no result
REPORTS = {"1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.22"}
REJECTION = "1.2.840.10008.5.1.4.1.1.88.59"


class Judge:
    def __init__(self, evidence, settled=False, swept=False, quarantine=True, others=False, site=None, live=False, slow=1):
        self.e, self.settled, self.swept, self.quarantine, self.others = evidence, settled, swept, quarantine, others
        self.site, self.live = site, live  # live: the node runs, and more comes
        self.slow = slow  # how many times longer than it should the node may take to answer
        self.violations = []
        self.excused = 0  # echoes that a death explains
        self.longest = 0  # seconds from a listener's death to the next answered echo
        self.replayed = 0  # scores that were computed anew
        self.unanswered = 0  # reports of which `cervigate replay` said nothing: their node was being started
        self.endings = collections.Counter()
        self.heads = {}

    def broken(self, invariant, text):
        if (invariant, text) not in self.violations:
            self.violations.append((invariant, text))

    def head(self, path, whole=False):
        if (path, whole) not in self.heads:
            try:
                self.heads[path, whole] = pydicom.dcmread(path, stop_before_pixels=not whole)
            except Exception:  # not there, or malformed: the caller asks for what can be read
                self.heads[path, whole] = None
        return self.heads[path, whole]
