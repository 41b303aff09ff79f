"""Ten studies in random order from four modalities, live in clinical mode: each way has them in the right order, at once.

CERVIGATE_SEED: of the order (chance, and printed)."""
import contextlib
import os
import random
import sqlite3
import threading
import time
import unittest

import harness as h
import models
import test_every_way
from relay import Relay

TEN = [("S", "finding", {}), ("S", "normal", {}), ("R", "finding", {}), ("R", "other finding", {}), ("", "finding", {}), ("A", "normal", {}),
       ("R", "finding", {"procedure": "C-spine POSTOP control"}), ("R", "normal", {"PatientBirthDate": "20200101"}), ("R", "normal", {}), ("LOW", "normal", {})]
RAISED, CHANGED = {0, 2, 3, 4}, {2, 3}  # a STAT is no less than a raise; of the fourth nobody knows an order
RANKS = ["HIGH"] * 6 + ["MEDIUM"] * 3 + ["LOW"]
SEED = int(os.environ.get("CERVIGATE_SEED") or random.SystemRandom().randrange(1 << 31))


class Ten(test_every_way.Asked):
    def setUp(self):
        super().setUp()
        print(f"CERVIGATE_SEED={SEED}", flush=True)
        self.chance = random.Random(SEED)
        self.relays = {name: Relay(port) for name, port in (("ris", self.manager.port), ("web", self.web.web_port), ("ai", self.ris.port), ("chat", self.hook_.port))}
        for relay in self.relays.values():
            self.addCleanup(relay.close)

    def peers(self):
        return (f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{self.relays["ris"].port}"/>'
                f'<peer name="web" url="http://127.0.0.1:{self.relays["web"].port}{self.web.root}/" tokenFile="{self.token}"/></peers>')

    def begin(self):
        often = 'retryFirst="1" retryMost="1"'
        return self.node_that_is_asked(
            f'<ups name="ris" peer="ris" {often}/><ups name="web" peer="web" {often}/>'
            f'<hl7 name="ai" host="127.0.0.1" port="{self.relays["ai"].port}" priority="true" {often}/>'
            f'<webhook name="chat" url="http://localhost:{self.relays["chat"].port}/neck" {often}/>',
            mode="clinical", quiet=0, model=models.clinical(os.path.join(self.folder, "model")))

    def send_ten(self, node, batch):
        """Each after its order, from four modalities at a time; their studies, as in TEN."""
        studies, paths = [], []
        for number, (priority, kind, more) in enumerate(TEN):
            attributes = {k: v for k, v in more.items() if k != "procedure"}
            name = f"{batch}{number}"
            path, study = self.image(kind.split()[-1], int(kind.startswith("other")), AccessionNumber=name, PatientID=f"TEN-{name}", **attributes)
            studies.append(study)
            paths.append(path)
            if priority:
                self.order(node, accession=name, priority=priority, number=name, patient=f"TEN-{name}", procedure=more.get("procedure", "Cervical spine"))
        self.chance.shuffle(paths)
        pauses, sent = [self.chance.uniform(0, 0.3) for _ in paths], []

        def modality(number):
            for path, pause in zip(paths[number::4], pauses[number::4]):
                time.sleep(pause)
                sent.append(h.run("dcmsend", "-nh", "-aet", f"DX{number}", "-aec", "CERVIGATE", "127.0.0.1", node.port, path).returncode)
        threads = [threading.Thread(target=modality, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sent, [0] * len(TEN))
        h.wait_for(lambda: all((self.place(node, s) or (0,) * 5)[4] for s in studies) and all(f" report study={s}" in node.log() for s in studies), 60, "ten places")
        return studies

    def order_of(self, node, studies):
        """Theirs by docs/priority.md: STAT first; findings by strength, then HIGH, ROUTINE with all that raises nothing, LOW; as they came."""
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as db:
            known = {study: row for study, *row in db.execute("SELECT study,arrived_ms,strength,raised,reason FROM place")}
        self.assertEqual({n for n, s in enumerate(studies) if known[s][2]}, RAISED)
        self.assertEqual([known[studies[n]][3] for n in (6, 7)], ["postoperative", "not-processed"])
        self.assertNotEqual(known[studies[2]][1], known[studies[3]][1], "two strengths")

        def place(number):
            arrived, strength = known[studies[number]][:2]
            share = 0.75 + 0.25 * strength if number in RAISED else {"S": 0.5, "A": 0.5, "LOW": 0}.get(TEN[number][0], 0.25)
            return TEN[number][0] != "S", arrived - 86400000 * share, studies[number]
        order = sorted(range(len(studies)), key=place)
        self.assertEqual((order[:2], set(order[2:5]), order[5], set(order[6:9]), order[9]), ([0, 1], {2, 3, 4}, 5, {6, 7, 8}, 9))
        return order

    def asked_in_order(self, node, studies, order):
        """Whoever asks the node: UPS Query, the console, `cervigate worklist`."""
        wanted = [studies[n] for n in order]
        mine = [(i.StudyInstanceUID, i.ScheduledProcedureStepPriority) for i in self.asked(node) if i.StudyInstanceUID in studies]
        self.assertEqual(mine, list(zip(wanted, RANKS)))
        rows = [r for r in self.listed(node) if r["study"] in studies]
        self.assertEqual([(r["study"], r["priority"], r["mode"], r["research"]) for r in rows], [(s, rank, "clinical", False) for s, rank in zip(wanted, RANKS)])
        h.wait_for(lambda: [e["study"] for e in self.shown()["entries"] if e["study"] in studies] == wanted, 5, "the console")

    def told(self, studies):
        """{way: who is told of, in the order of being told}, each as often as it was."""
        raw = [m for m in self.ris.raw if b"|ORU^R01" in m]
        told = {"chat": [n["study"] for n in self.hook_.news()], "ai": [next((s for s in studies if s.encode() in m), None) for m in raw],
                "change": [next((s for s in studies if s.encode() in m), None) for m in self.changes()],
                **{name: [i.StudyInstanceUID for i in m.items.values()] for name, m in (("ris", self.manager), ("web", self.web))}}
        return {way: [studies.index(s) for s in all_ if s in studies] for way, all_ in told.items()}

    def all_told(self, studies):
        """Each way has all that it is told of."""
        wanted = {"chat": set(range(10)), "ai": set(range(10)), "change": CHANGED, "ris": RAISED, "web": RAISED}
        h.wait_for(lambda: {way: set(all_) for way, all_ in self.told(studies).items()} == wanted, 40, "every way")

    def test_they_come_out_in_the_right_order_on_every_way(self):
        node = self.begin()
        with self.subTest("live: each is told as it is known, and each way has them in order at once"):
            studies = self.send_ten(node, "A")
            self.all_told(studies)
            order = self.order_of(node, studies)
            self.asked_in_order(node, studies, order)
            last = {n["study"]: n["priority"] for n in self.hook_.news()}
            self.assertEqual([last[studies[n]] for n in order], RANKS)
            for number, rank in zip(order, RANKS):
                said = [m for m in self.ris.raw if studies[number].encode() in m and b"|ORU^R01" in m][-1]
                self.assertIn(f"priority-rank^Reading priority^99CERVIGATE|1|{rank}".encode(), said)
            for manager in (self.manager, self.web):
                self.assertEqual({i.ScheduledProcedureStepPriority for i in manager.items.values()}, {"HIGH"})
        with self.subTest("nobody hears for as long as they come: then each way is told of them in the list's order"):
            for relay in self.relays.values():
                relay.turn("refused")
            studies = self.send_ten(node, "B")
            self.assertEqual(self.told(studies), {way: [] for way in ("chat", "ai", "change", "ris", "web")})
            order = self.order_of(node, studies)
            for relay in self.relays.values():
                relay.turn("passing")
            self.all_told(studies)
            told = self.told(studies)
            self.assertEqual((told["chat"], told["ai"]), (order, order))
            self.assertEqual(told["change"], [n for n in order if n in CHANGED])
            self.assertEqual((told["ris"], told["web"]), ([n for n in order if n in RAISED],) * 2)
            self.asked_in_order(node, studies, order)
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
