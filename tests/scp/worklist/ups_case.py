"""What the tests of ups_tell share: the driver, and a scripted workflow manager for each test."""
import atexit
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(HERE)), "e2e"))
import ups_scp  # noqa: E402

DRIVE = os.path.join(os.environ.get("CERVIGATE_BUILD", "build/release"), "bin", "ups_drive")
OURS, SITE, RANK = "2.25.4242", "2.25.77", {"LOW": 0, "MEDIUM": 1, "HIGH": 2}
MARK = "cervigate: HIGH, was MEDIUM; suspicion of a cervical spine injury (phantom 0.2.0) [2.25.4242]"


class Drive:
    """ups_drive, for as long as it lives."""
    process = None

    @classmethod
    def ask(cls, text):
        if cls.process is None:
            cls.process = subprocess.Popen([DRIVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            atexit.register(cls.end)
        cls.process.stdin.write(text)
        cls.process.stdin.flush()
        answer = [cls.process.stdout.readline() for _ in range(2)]
        if not answer[1]:
            ended, cls.process = cls.process.wait(), None
            raise AssertionError(f"ups_drive ended: {ended}")
        return [line[:-1] for line in answer]

    @classmethod
    def end(cls):
        if cls.process is not None:
            cls.process.stdin.close()
            cls.process.stdout.close()
            assert cls.process.wait(timeout=60) == 0, "ups_drive did not end well"


def tell(manager, **fields):
    where = f"url={manager.url}" if hasattr(manager, "url") else f"port={manager.port}"
    end, why = Drive.ask(f"{where}\n" + "".join(f"{k}={v}\n" for k, v in fields.items()) + "\n")
    assert why, "no reason"
    return end, why


class Case(unittest.TestCase):
    manager_class = ups_scp.Manager

    def setUp(self):
        self.manager = self.manager_class()
        self.addCleanup(self.manager.close)

    def told(self, how="told", **fields):
        end, why = tell(self.manager, **fields)
        self.assertEqual((end, self.manager.violations), (how, []), why)
        return why

    def priority(self, uid=SITE):
        return self.manager.items[uid].ScheduledProcedureStepPriority

    def comments(self, uid=SITE):
        return self.manager.items[uid].CommentsOnTheScheduledProcedureStep
