"""Whichever peer is down, refused or hanging, no other is told later for it: four ways of news, results, the site's worklist; delays against those with all of them up."""
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

SLACK_MS = 5000 * h.PATIENCE  # what a shared machine scatters; a peer that hangs may take six times as long (answerTime)
ROUNDS = 3


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

    def begin(self):
        port = {name: relay.port for name, relay in self.relays.items()}
        often = 'demo="true" retryFirst="1" retryMost="1"'
        more = (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{port["ris"]}"/><peer name="wl" aeTitle="WL" host="127.0.0.1" port="{port["wl"]}"/>'
                f'<peer name="web" url="http://127.0.0.1:{port["web"]}{self.web.root}/" tokenFile="{self.token}"/>'
                f'<peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port["pacs"]}"/></peers>'
                f'<destinations><destination peer="pacs" outputs="SR" look="never" {often}/></destinations>'
                '<orderQuery peer="wl" period="1" periodMost="1" retryFirst="1" retryMost="1"/>')
        return self.node(f'<ups name="ris" peer="ris" {often}/><ups name="web" peer="web" {often}/><hl7 name="ai" host="127.0.0.1" port="{port["ai"]}" {often}/>'
                         f'<webhook name="chat" url="http://localhost:{port["chat"]}/neck" {often}/>', more=more, quiet=0)

    def heard(self, node, study, accession):
        """{who: UTC in ms when it knew of the study}"""
        with contextlib.closing(sqlite3.connect(f"file:{node.spool}/jobs.sqlite?mode=ro", uri=True, timeout=20)) as db:
            return dict(db.execute("SELECT announcement,MIN(done_ms) FROM news WHERE study=?1 AND state='told' GROUP BY 1 UNION "
                                   "SELECT destination,MIN(done_ms) FROM delivery JOIN result ON result.id=result WHERE study=?1 AND delivery.state='sent' GROUP BY 1 "
                                   "UNION SELECT 'wl',MIN(told_ms) FROM site_order WHERE accession=?2 GROUP BY 1", (study, accession)))

    def delays(self, node, down=None):
        """{who: ms from the sending of a finding until it knew}, of all but who is down; that one knows soon after it is up again."""
        accession, patient = f"DOWN{self.made}", f"DOWN-{self.made}"
        others = set(self.relays) - {down}
        began = time.time() * 1000
        path, study = self.image("finding", AccessionNumber=accession, PatientID=patient)
        self.wl.items.append(next(item(accession, patient, study, "ROUTINE", filler=f"F{self.made}")))
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: set(self.heard(node, study, accession)) >= others, 25, f"{down} is down, all others are told")
        heard = self.heard(node, study, accession)
        self.assertEqual(set(heard), others)
        if down:
            self.relays[down].turn("passing")
            h.wait_for(lambda: down in self.heard(node, study, accession), 25, f"{down}, too")
        return {who: at - began for who, at in heard.items()}

    def test_none_of_the_others_waits(self):
        node = self.begin()
        up = [self.delays(node) for _ in range(1 + ROUNDS)][1:]  # the first finds nothing warm
        most = {who: max(one[who] for one in up) for who in self.relays}
        down = {who: [] for who in self.relays}
        for name, relay in self.relays.items():
            for how in ("refused", "silent"):
                relay.turn(how)
                for who, ms in self.delays(node, name).items():
                    self.assertLess(ms, most[who] + SLACK_MS, f"{who}, with {name} {how}")
                    down[who].append(ms)
        for who, all_ in down.items():
            print(f"{who}: told after {statistics.median(one[who] for one in up):.0f} ms (at most {most[who]:.0f}) with all up, "
                  f"{statistics.median(all_):.0f} ({max(all_):.0f}) with another down")
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
