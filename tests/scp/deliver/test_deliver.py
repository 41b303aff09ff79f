"""Delivery to real and scripted peers: results are put into the store as analyze does, then must reach them."""
import hashlib
import os
import signal
import socket
import sqlite3
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import Scp  # noqa: E402


class Deliver(unittest.TestCase):
    def setUp(self):
        self.ports = [d.free_port(), d.free_port()]
        peers = "".join(f'<peer name="p{n}" aeTitle="P{n}" host="127.0.0.1" port="{p}"/>' for n, p in enumerate(self.ports))
        destinations = "".join(f'<destination peer="p{n}" outputs="SR SC" demo="{str(n == 0).lower()}" retryFirst="1" retryMost="2"/>'
                               for n in (0, 1))
        self.peers = f"<peers>{peers}</peers><destinations>{destinations}</destinations>"
        self.made, self.open = 0, []

    def node(self, mode, **options):
        node = d.Node(mode=mode, peers=self.peers, **options)
        self.addCleanup(node.stop)
        return node

    def scp(self, number, *options):
        scp = Scp(self.ports[number], *options)
        self.addCleanup(scp.close)
        return scp

    def add(self, node, count, *destinations, priority=0):
        with sqlite3.connect(node.spool + "/jobs.sqlite") as db:
            for _ in range(count):
                self.made += 1
                uid = f"2.25.{self.made}"
                path = f"{node.spool}/results/{uid}.dcm"
                d.write_object(path, SOPInstanceUID=uid)
                with open(path, "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
                row = db.execute("INSERT INTO result(kind,uid,sop_class,series,study,path,digest,outcome,created_ms)"
                                 " VALUES('sc',?,?,'1','1',?,?,'finding',1)", (uid, d.DX, f"results/{uid}.dcm", digest))
                for name in destinations:
                    db.execute("INSERT INTO delivery(result,destination,state,priority) VALUES(?,?,'pending',?)", (row.lastrowid, name, priority))

    def states(self, node):
        return dict(node.sql("SELECT destination||':'||state, COUNT(*) FROM delivery GROUP BY 1"))

    def test_delivered_once_in_demo_where_marked(self):
        node, first, second = self.node("demo"), self.scp(0), self.scp(1)
        self.add(node, 40, "p0", "p1")
        d.wait_for(lambda: self.states(node).get("p0:sent") == 40, 30, "delivery")
        self.assertEqual(first.count(), 40)
        time.sleep(1.5)
        self.assertEqual(second.count(), 0)
        self.assertEqual(self.states(node), {"p0:sent": 40, "p1:pending": 40})

    def test_shadow_sends_nothing_and_mode_changes_work_at_once(self):
        node, first = self.node("shadow"), self.scp(0)
        self.add(node, 3, "p0")
        time.sleep(2)
        self.assertEqual((first.count(), self.states(node)), (0, {"p0:pending": 3}))
        with open(node.spool + "/mode", "w", encoding="utf-8") as f:
            f.write("demo\n")
        d.wait_for(lambda: self.states(node) == {"p0:sent": 3}, 20, "delivery")
        with open(node.spool + "/mode", "w", encoding="utf-8") as f:
            f.write("shadow\n")
        d.wait_for(lambda: "mode from=demo to=shadow" in node.log(), 5, "it is seen")
        self.add(node, 3, "p0")
        time.sleep(2)
        self.assertEqual(first.count(), 3)

    def test_shadow_cuts_what_is_on_its_way(self):
        node = self.node("demo")
        with socket.create_server(("127.0.0.1", self.ports[0])) as silent:
            silent.settimeout(30)
            self.add(node, 2, "p0")
            peer, _ = silent.accept()
            with peer:
                peer.settimeout(30)
                self.assertGreater(len(peer.recv(65536)), 0)  # the association request, never answered
                begin = time.monotonic()
                with open(node.spool + "/mode", "w", encoding="utf-8") as f:
                    f.write("shadow\n")
                try:
                    self.assertEqual(peer.recv(65536), b"")
                except ConnectionResetError:
                    pass
                self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(self.states(node), {"p0:pending": 2})
        with open(node.spool + "/mode", "w", encoding="utf-8") as f:
            f.write("demo\n")
        first = self.scp(0)
        d.wait_for(lambda: self.states(node) == {"p0:sent": 2}, 30, "delivery")
        self.assertEqual(first.count(), 2)

    def test_dead_peer_is_tried_for_ever_and_harms_no_other(self):
        node = self.node("demo")
        node.mode = "demo"
        self.peers = self.peers.replace('demo="false"', 'demo="true"')
        node.peers = self.peers
        node.write_config()
        node.process.send_signal(signal.SIGHUP)
        second = self.scp(1)
        self.add(node, 20, "p0", "p1")
        d.wait_for(lambda: self.states(node).get("p1:sent") == 20, 30, "delivery to the living")
        self.assertEqual(self.states(node)["p0:pending"], 20)
        d.wait_for(lambda: node.sql("SELECT MAX(attempts) FROM delivery WHERE destination='p0'")[0][0] >= 3, 20, "retries")
        first = self.scp(0)
        d.wait_for(lambda: self.states(node).get("p0:sent") == 20, 30, "delivery to the risen")
        self.assertEqual((first.count(), second.count()), (20, 20))

    def test_lost_file_is_parked_and_told(self):
        node = self.node("demo")
        self.add(node, 2, "p0")
        os.unlink(node.spool + "/results/2.25.1.dcm")
        self.scp(0)
        d.wait_for(lambda: self.states(node) == {"p0:sent": 1, "p0:parked": 1}, 30, "one sent, one parked")
        self.assertIn("delivery-parked", node.log())

    def test_peer_that_aborts_gets_all_in_the_end(self):
        node = self.node("demo")
        rude = Scp(self.ports[0], "--abort-during")
        self.add(node, 20, "p0")
        d.wait_for(lambda: node.sql("SELECT MAX(attempts) FROM delivery")[0][0] >= 4, 20, "retries")
        self.assertEqual(self.states(node), {"p0:pending": 20})
        rude.close()
        good = self.scp(0)
        d.wait_for(lambda: self.states(node) == {"p0:sent": 20}, 20, "delivery")
        self.assertEqual(good.count(), 20)

    def test_rates_and_hours_are_kept(self):
        self.peers = self.peers.replace('demo="true"', 'demo="true" rate="30"').replace('demo="false"', 'demo="true" window="22:00-06:00"')
        node, first, second = self.node("demo", start=False), self.scp(0), self.scp(1)
        clock = os.path.join(node.folder, "clock")
        at = lambda hour: d.set_clock(clock, hour * 3600 - int(time.time()) % 86400)  # noqa: E731
        at(12)
        node.start({"CERVIGATE_CLOCK_OFFSET": "@" + clock, "TZ": "UTC"})
        began = time.monotonic()
        self.add(node, 40, "p0", "p1")
        self.add(node, 1, "p1", priority=1)
        d.wait_for(lambda: second.count() == 1, 30, "the finding")
        d.wait_for(lambda: first.count() >= 30, 30, "a minute's at once")
        d.wait_for(lambda: first.count() >= 32, 30, "one every two seconds")
        self.assertLessEqual(first.count(), 31 + (time.monotonic() - began) / 2)
        self.assertEqual(second.count(), 1)
        at(23)
        d.wait_for(lambda: second.count() == 41, 30, "in the evening")

    def test_killed_senders_and_crash_points(self):
        node, first = self.node("demo"), self.scp(0)
        for n, point in enumerate(("deliver-sent-unanswered", "deliver-answered-unjournalled"), 1):
            node.process.terminate()
            node.process.wait(30)
            node.start({"CERVIGATE_CRASH": point + ":3", "CERVIGATE_CRASH_MARK": os.path.join(node.folder, point)})
            self.add(node, 20, "p0")
            d.wait_for(lambda: self.states(node) == {"p0:sent": 20 * n}, 25, point)
            self.assertTrue(os.path.exists(os.path.join(node.folder, point)))
            self.assertEqual(first.count(), 20 * n)  # the same UIDs again, no object more
        self.add(node, 40, "p0")
        for _ in range(3):
            node.kill("deliver")
            time.sleep(0.3)
        d.wait_for(lambda: self.states(node) == {"p0:sent": 80}, 25, "all in spite of kills")
        self.assertEqual(first.count(), 80)


if __name__ == "__main__":
    unittest.main(verbosity=2)
