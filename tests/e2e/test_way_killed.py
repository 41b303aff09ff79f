"""kill -9 of whoever tells, while an answer is on its way, on each way with orders that are known: what is said again is the same, and every way is told in the list's order."""
import os
import signal
import sys
import unittest

from pydicom.uid import generate_uid

import harness as h
import test_every_way
from relay import Relay

sys.path.insert(0, os.path.join(h.SOURCE, "tests/faults"))
from arms import Arms  # noqa: E402
from kill import children, name_of  # noqa: E402


class Killed(test_every_way.Asked):
    """One node, whose news waits in shadow mode until there is that of three studies: a STAT order's, without a finding; two findings of ROUTINE orders,
    of which the workflow managers have an item, or none."""
    WAYS = ("ris", "web", "ai", "chat")  # as they are configured, and so as their criers are started

    def setUp(self):
        super().setUp()
        self.relays = {name: Relay(port) for name, port in (("ris", self.manager.port), ("web", self.web.web_port), ("ai", self.ris.port), ("chat", self.hook_.port))}
        for relay in self.relays.values():
            self.addCleanup(relay.close)
        self.arms = Arms(os.path.join(self.folder, "arms"))
        port, often = {name: relay.port for name, relay in self.relays.items()}, 'demo="true" retryFirst="1" retryMost="1"'
        peers = (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{port["ris"]}"/>'
                 f'<peer name="web" url="http://127.0.0.1:{port["web"]}{self.web.root}/" tokenFile="{self.token}"/></peers>')
        self.node_ = self.node(f'<ups name="ris" peer="ris" {often}/><ups name="web" peer="web" {often}/>'
                               f'<hl7 name="ai" host="127.0.0.1" port="{port["ai"]}" priority="true" {often}/>'
                               f'<webhook name="chat" url="http://localhost:{port["chat"]}/neck" {often}/>', mode="shadow", quiet=0,
                               environment={"CERVIGATE_CRASH_ARMS": self.arms.path},
                               more=peers + '<orders listen="true" address="127.0.0.1" port="0" from="127.0.0.1"/>')
        self.criers = dict(zip(self.WAYS, h.wait_for(lambda: len(p := self.living()) == len(self.WAYS) and p, 10, "the criers"), strict=True))

    def living(self):
        return [pid for pid in children(self.node_.process.pid) if name_of(pid) == "cervigated-cry"]

    def three(self):
        """Their studies, as the list has them."""
        self.assertEqual(self.node_.admin("mode", "shadow").returncode, 0)
        paths, studies = [], [generate_uid() for _ in range(3)]
        for number, (study, kind, priority) in enumerate(zip(studies, ("finding", "finding", "normal"), "RRS", strict=True)):
            key = f"{self.made}K"
            if number == 0:
                for manager in (self.manager, self.web):
                    manager.add(f"1.2.3.{self.made + 1}", accession=key, study=study, patient=key)
            self.order(self.node_, accession=key, study=study, priority=priority, number=key, patient=key)
            paths.append(self.image(kind, number % 2, study=study, AccessionNumber=key, PatientID=key)[0])
        self.assertEqual(self.node_.send(*paths).returncode, 0)
        h.wait_for(lambda: all(f" report study={s}" in self.node_.log() and self.place(self.node_, s) for s in studies), 30, "the reports")
        listed = h.wait_for(lambda: len(rows := [r for r in self.listed(self.node_) if r["study"] in studies]) == 3 and rows, 10, "the list")
        self.assertEqual([(r["order"], r["band"]) for r in listed], [("STAT", "routine"), ("ROUTINE", "raised"), ("ROUTINE", "raised")])
        return [r["study"] for r in listed]

    def said(self, name):
        """[(study, message's id, its bytes)], as it came."""
        if name == "chat":
            return [(n["study"], n["id"], str(n)) for n in self.hook_.news() if n["study"] in self.studies]
        if name == "ai":
            return [(next(s for s in self.studies if s.encode() in raw), raw.split(b"|")[9], raw) for raw in self.ris.raw if any(s.encode() in raw for s in self.studies)]
        manager = {"ris": self.manager, "web": self.web}[name]
        asked = [(line["uid"], line["kind"], line["dataset"]) for line in manager.log if line["kind"] in ("create", "set")]
        studies = {uid: i.get("StudyInstanceUID") or i.ReferencedRequestSequence[0].StudyInstanceUID for uid, i in manager.items.items()}
        return [(studies[uid], (uid, kind), data) for uid, kind, data in asked if studies[uid] in self.studies]

    def check(self, where):
        """All is told; the list's order on every way; under one id one message. How often something came again, by way."""
        h.wait_for(lambda: {s[2] for s in self.states(self.node_)} <= {"told", "overtaken"}, 30, f"{where}: all is told")
        again = {}
        for name in self.WAYS:
            all_ = self.said(name)
            expected = self.studies[1:] if name in ("ris", "web") else self.studies
            self.assertEqual(list(dict.fromkeys(study for study, _, _ in all_)), expected, f"{where}: {name}")
            order = [expected.index(study) for study, _, _ in all_]
            self.assertEqual(order, sorted(order), f"{where}: {name}")
            self.assertEqual(len({(id_, data) for _, id_, data in all_}), len({id_ for _, id_, _ in all_}), f"{where}: {name} says something else under one id")
            again[name] = len(all_) - len({id_ for _, id_, _ in all_})
        return again

    def kill_while_it_waits(self, name, what, when):
        self.studies = self.three()
        self.relays[name].hold(when)
        self.assertEqual(self.node_.admin("mode", "demo").returncode, 0)
        self.assertTrue(self.relays[name].held.wait(20 * h.PATIENCE), f"{name}: no answer to {what}")
        os.kill(self.criers[name], signal.SIGKILL)
        self.relays[name].turn("passing")
        self.criers[name], = h.wait_for(lambda: (p := set(self.living()) - set(self.criers.values())) and p, 10, "another crier")
        self.assertIn(f"crier-ended announcement={name} ", self.node_.log())
        return self.check(f"{name} at {what}")

    def has_come(self, name, what):
        """Whether `what` of one of these studies has."""
        if what == "find":
            log = {"ris": self.manager, "web": self.web}[name].log
            return lambda before=len(log): any(line["kind"] == "find" for line in log[before:])
        if what == "change":
            return lambda: any(b"|OMI^O23" in raw for _, _, raw in self.said("ai"))
        return lambda: any(what in ("", "result") or id_[1] == what for _, id_, raw in self.said(name) if what != "result" or b"|ORU^R01" in raw)

    def test_the_same_is_said_again_and_in_order(self):
        self.studies = []
        for name, what in (("ris", "find"), ("ris", "set"), ("ris", "create"), ("web", "set"), ("web", "create"), ("ai", "change"), ("ai", "result"), ("chat", "")):
            again = self.kill_while_it_waits(name, what, self.has_come(name, what))
            self.assertEqual({other: count for other, count in again.items() if count and other != name}, {}, f"{name}: none but who was killed says anything again")
            if name in ("ai", "chat"):
                self.assertGreaterEqual(again[name], 1, f"{name}: {what} was not sent again")
        for point in ("announce-chosen", "announce-answered"):  # the whole role
            self.studies = self.three()
            for passing in (1, 5):
                self.arms.arm(point, passing)
            self.assertEqual(self.node_.admin("mode", "demo").returncode, 0)
            h.wait_for(lambda: not self.arms.armed(), 20, f"{point}: it was passed")
            self.check(point)
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
