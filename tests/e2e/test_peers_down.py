"""Whichever peer is down, no other is told later for it: four ways of news, results, the site's worklist. What each takes with another down is held
against what it takes with all up, in the same run; who waited for a dead one would wait for its time-outs, a minute each."""
import contextlib
import os
import sqlite3
import statistics
import tempfile
import time
import unittest

import harness as h
import test_every_way
from order_scp import OrderScp, item
from pacs import Pacs
from relay import Relay

LONG = 60  # seconds: until the node gives up a peer that hangs (answerTime), or until it tries one again that refuses
SCATTER_MS = 1000 * h.PATIENCE  # of a median, beside twice as long
ONCE_MS = 10000 * h.PATIENCE    # of one: what a busy machine may do, a sixth of LONG


class PeersDown(test_every_way.Asked):
    def setUp(self):
        super().setUp()
        self.wl = OrderScp(tempfile.mkdtemp(dir=self.folder), ae="WL")
        self.addCleanup(self.wl.close)
        self.pacs = Pacs(os.path.join(self.folder, "pacs"))
        self.addCleanup(self.pacs.close)
        self.relays = {name: Relay(port) for name, port in (("ris", self.manager.port), ("web", self.web.web_port), ("ai", self.ris.port),
                                                            ("chat", self.hook_.port), ("pacs", self.pacs.port), ("wl", self.wl.port))}
        for relay in self.relays.values():
            self.addCleanup(relay.close)

    def begin(self, retry):
        port = {name: relay.port for name, relay in self.relays.items()}
        tried = f'answerTime="{LONG}" retryFirst="{retry}" retryMost="{retry}"'
        often = 'demo="true" ' + tried
        more = (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{port["ris"]}"/><peer name="wl" aeTitle="WL" host="127.0.0.1" port="{port["wl"]}"/>'
                f'<peer name="web" url="http://127.0.0.1:{port["web"]}{self.web.root}/" tokenFile="{self.token}"/>'
                f'<peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port["pacs"]}"/></peers>'
                f'<destinations><destination peer="pacs" outputs="SR" look="never" {often}/></destinations>'
                f'<orderQuery peer="wl" period="1" periodMost="1" {tried}/>')
        return self.node(f'<ups name="ris" peer="ris" {often}/><ups name="web" peer="web" {often}/><hl7 name="ai" host="127.0.0.1" port="{port["ai"]}" {often}/>'
                         f'<webhook name="chat" url="http://localhost:{port["chat"]}/neck" {often}/>', more=more, quiet=0)

    def heard(self, node, study, accession):
        """{who: UTC in ms when it knew of the study}"""
        with contextlib.closing(sqlite3.connect(f"file:{node.spool}/jobs.sqlite?mode=ro", uri=True, timeout=20)) as db:
            return dict(db.execute("SELECT announcement,MIN(done_ms) FROM news WHERE study=?1 AND state='told' GROUP BY 1 UNION "
                                   "SELECT destination,MIN(done_ms) FROM delivery JOIN result ON result.id=result WHERE study=?1 AND delivery.state='sent' GROUP BY 1 "
                                   "UNION SELECT 'wl',MIN(told_ms) FROM site_order WHERE accession=?2 GROUP BY 1", (study, accession)))

    def delays(self, node, down=()):
        """{who: ms from the sending of a finding until it knew}, of all but those who are down, and stay so for as long."""
        accession, patient = f"DOWN{self.made}", f"DOWN-{self.made}"
        others = set(self.relays) - set(down)
        began = time.time() * 1000
        path, study = self.image("finding", AccessionNumber=accession, PatientID=patient)
        self.wl.items.append(next(item(accession, patient, study, "ROUTINE", filler=f"F{self.made}")))
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: set(self.heard(node, study, accession)) >= others, LONG / 2, f"with {down} down, all others are told")
        heard = self.heard(node, study, accession)
        self.assertEqual(set(heard), others)
        return {who: at - began for who, at in heard.items()}, lambda who: who in self.heard(node, study, accession)

    def note(self, to, delays):
        for who, ms in delays.items():
            to[who].append(ms)

    def one_at_a_time(self, up, down):
        """Each hangs, in two ways, while all others are there; it is told when it is there again."""
        node = self.begin(retry=1)
        self.delays(node)  # the first finds nothing warm
        for name, relay in self.relays.items():
            self.note(up, self.delays(node)[0])
            for how in ("silent", "dropped"):
                relay.turn(how)
                delays, knows = self.delays(node, [name])
                self.note(down, delays)
                if how == "silent":
                    h.wait_for(lambda: relay.connections, 10, f"{name} was called, and hangs")
                relay.turn("passing")
                h.wait_for(lambda: knows(name), 25, f"{name} was {how}, and is told, too")
        node.stop()

    def one_after_another(self, up, down, names):
        """Each refuses, and those before it, too; the node tries none of them again meanwhile."""
        for relay in self.relays.values():
            relay.turn("passing")
        node = self.begin(retry=LONG)
        self.delays(node)
        for _ in range(2):
            self.note(up, self.delays(node)[0])
        for n in range(1, len(names)):
            self.relays[names[n - 1]].turn("refused")
            self.note(down, self.delays(node, names[:n])[0])
        node.stop()

    def test_none_of_the_others_waits(self):
        up, down = ({who: [] for who in self.relays} for _ in range(2))
        self.one_at_a_time(up, down)
        names = list(self.relays)
        self.one_after_another(up, down, names)
        self.one_after_another(up, down, names[::-1])
        late = []
        for who in self.relays:
            usual, now = statistics.median(up[who]), statistics.median(down[who])
            print(f"{who}: told after {usual:.0f} ms (at most {max(up[who]):.0f}) with all up, {now:.0f} ({max(down[who]):.0f}) with another down")
            if now > 2 * usual + SCATTER_MS or max(down[who]) > max(up[who]) + ONCE_MS:
                late.append(who)
        self.assertEqual(late, [])
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
