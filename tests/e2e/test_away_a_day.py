"""24 scripted hours of a PACS that is away, in every way at once, at the shipped defaults: all is there within ten scripted minutes of its return, in
order. And one object that a peer does not take holds up the others for seconds only."""
import os
import re
import shutil
import sys
import tempfile
import time
import unittest

import pydicom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import daemon as d  # noqa: E402
import models  # noqa: E402
from archive import Archive  # noqa: E402
from harness import PATIENCE, SR3D, set_clock  # noqa: E402

HOURS, HOUR, TEN_MINUTES = 24, 3600, 600
UNREACHED = ("tcp", "black-hole", "refuse", "called", "calling", "close", "no-context")
NOT_TAKEN = ("silence", "a700", "abort-mid", "swallow")
TAKEN = ("ok", "b007")
SHORTER = {"silence": ' answerTime="3"'}  # is waited for, really


class Away(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-day-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.clock, self.passed, self.made = os.path.join(self.folder, "clock"), 0, 0
        set_clock(self.clock, 0)
        self.archives = {}

    def begin(self, *ways):
        """A node with a destination of each name, all as shipped but for the time that a silent peer has to answer."""
        for way in ways:
            self.archives[way] = Archive(os.path.join(self.folder, way), find=None)
            self.addCleanup(self.archives[way].close)
        finds, denies = (f'<model name="{n}" folder="{models.make(os.path.join(self.folder, n), finds=n == "finds", name=n)}"/>' for n in ("finds", "denies"))
        rules = "".join(f'<rule name="{n}" action="analyze" model="{n}"><match attribute="StationName" values="{n}"/></rule>' for n in ("finds", "denies"))
        peers = "".join(f'<peer name="{n}" aeTitle="{n.upper()}" host="127.0.0.1" port="{a.port}"/>' for n, a in self.archives.items())
        to = "".join(f'<destination peer="{n}" demo="true"{SHORTER.get(n, "")}/>' for n in ways)
        self.node = d.Node(mode="demo", peers=f"<peers>{peers}</peers><destinations>{to}</destinations>", start=False)
        self.addCleanup(self.node.stop)
        with open(self.node.config, encoding="utf-8") as f:
            text = f.read()
        for old, new in ((r' model="[^"]*"/>', f"/><models>{finds}{denies}</models>"), (r'quietTime="1"', 'quietTime="0"'), (r"<rules>.*</rules>", f"<rules>{rules}</rules>")):
            text, count = re.subn(old, new, text)
            self.assertEqual(count, 1, old)
        with open(self.node.config, "w", encoding="utf-8") as f:
            f.write(text)
        self.node.start({"CERVIGATE_CLOCK_OFFSET": "@" + self.clock})

    def now(self):
        return time.time() + self.passed

    def let_pass(self, seconds):
        self.passed += seconds
        set_clock(self.clock, self.passed)

    def study(self, kind):
        self.made += 1
        path = os.path.join(self.folder, f"{self.made}.dcm")
        study = d.write_object(path, 100000, StationName=kind).StudyInstanceUID
        self.assertEqual(self.node.store(path).returncode, 0)
        return str(study)

    def pending(self, way):
        """In the order in which they should go."""
        return [uid for uid, in self.node.sql("SELECT uid FROM delivery JOIN result ON result.id=delivery.result WHERE state='pending' AND"
                                              f" destination='{way}' ORDER BY priority DESC,delivery.id")]

    def tries(self, way):
        return self.node.sql(f"SELECT MAX(attempts) FROM delivery WHERE destination='{way}'")[0][0]

    def got(self, way):
        return [line["sop_instance"] for line in self.archives[way].stores()]


class Day(Away):
    def leave(self):
        for way, archive in self.archives.items():
            {"tcp": archive.leave, "black-hole": archive.vanish}.get(way, lambda archive=archive, way=way: archive.behave(way))()

    def come_back(self):
        for way, archive in self.archives.items():
            archive.behave("ok")
            if way in ("tcp", "black-hole"):
                archive.come_back()

    def live_through_the_day(self):
        """A study an hour, of which every third has a finding: who takes them has each at once, whoever else is away."""
        for hour in range(HOURS):
            self.study("finds" if hour % 3 == 1 else "denies")
            for way in TAKEN:
                d.wait_for(lambda way=way: len(self.got(way)) == 2 * self.made, 20, f"{way} in hour {hour}, with all others away")
            self.let_pass(HOUR)

    def test_all_in_order_within_ten_minutes_of_its_return(self):
        self.begin(*TAKEN, *UNREACHED, *NOT_TAKEN)
        self.leave()
        self.live_through_the_day()
        ways = (*UNREACHED, *NOT_TAKEN)
        for way in ways:
            wanted = 2 if way == "black-hole" else 5  # a connection takes it ten real seconds
            d.wait_for(lambda way=way, wanted=wanted: self.tries(way) >= wanted, 60, f"tries, {way}")
        time.sleep(2 * PATIENCE)  # the tries of the last hour: a peer that returned between two of them would take the second first
        waiting, before = {way: self.pending(way) for way in ways}, {way: len(self.got(way)) for way in ways}
        for way in ways:
            self.assertEqual(len(waiting[way]), 2 * HOURS, way)
        back = self.now()
        self.come_back()
        for _ in range(6):
            self.let_pass(60)
            time.sleep(0.3 * PATIENCE)
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM delivery WHERE state<>'sent'") == [(0,)], 60, "all")
        for way in ways:
            with self.subTest(way=way):
                last, = self.node.sql(f"SELECT MAX(done_ms) FROM delivery WHERE destination='{way}'")[0]
                took = last / 1000 - back
                print(f"{way}: {2 * HOURS} waited, all there {took:.0f} scripted seconds after its return", flush=True)
                self.assertLess(took, TEN_MINUTES)
                self.assertEqual(self.got(way)[before[way]:], waiting[way])
        self.assertNotIn("delivery-parked", self.node.log())
        self.same_in_each()

    def same_in_each(self):
        """And in each study the report first."""
        for way, archive in self.archives.items():
            stores = archive.stores()
            self.assertEqual(set(self.got(way)), set(self.got("ok")), way)
            first = {}
            for line in stores:
                first.setdefault(str(pydicom.dcmread(line["path"], specific_tags=["StudyInstanceUID"]).StudyInstanceUID), line["sop_class"])
            self.assertEqual(set(first.values()), {SR3D}, way)


class OneObject(Away):
    """What the peer does not take while it takes others is put off by itself."""

    def test_it_holds_up_the_others_for_seconds_only(self):
        self.begin("a700", "abort-mid")
        first = self.study("finds")
        for way, archive in self.archives.items():
            d.wait_for(lambda way=way: len(self.got(way)) == 2, 20, way)
            archive.behave("refuse")
        first, *others = (self.study(kind) for kind in ("finds", "denies", "finds"))
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM delivery WHERE state='pending'") == [(12,)], 20, "all wait")
        expected = {}
        for way, archive in self.archives.items():
            archive.dislikes[SR3D, first] = way
            waiting = self.pending(way)
            expected[way] = waiting[2:], waiting[:2]
            archive.behave("ok")
        for way, (others, disliked) in expected.items():
            with self.subTest(way=way):
                d.wait_for(lambda way=way: len(self.got(way)) == 6, 30, "the others")
                self.assertEqual(self.got(way)[2:], others)
                d.wait_for(lambda way=way, disliked=disliked: self.pending(way) == disliked, 20, "entered; that one waits")
        self.study("finds")  # by now it is known which one it is
        for way, archive in self.archives.items():
            d.wait_for(lambda way=way: len(self.got(way)) == 8, 10, "one more")
            archive.dislikes.clear()
        self.let_pass(400)
        for way, (_, disliked) in expected.items():
            d.wait_for(lambda way=way: self.got(way)[8:] == disliked, 20, "and that one, in order")

    def test_alone_it_does_not_delay_what_comes(self):
        """The lane pauses ever longer with it; what comes then shows that it is the object."""
        self.begin("a700", "abort-mid")
        for archive in self.archives.values():
            archive.behave("refuse")
        study = self.study("denies")
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM delivery") == [(4,)], 20, "both wait")
        for way, archive in self.archives.items():
            archive.dislikes[SR3D, study] = way
            archive.behave("ok")
        while min(map(self.tries, self.archives)) < 10:  # the next is minutes away
            self.let_pass(400)
            time.sleep(0.3 * PATIENCE)
        self.study("denies")
        for way in self.archives:
            d.wait_for(lambda way=way: len(self.got(way)) == 2, 20, way)
            d.wait_for(lambda way=way: len(self.pending(way)) == 2, 20, "entered")


if __name__ == "__main__":
    unittest.main(verbosity=2)
