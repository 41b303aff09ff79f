"""kill -9 at the points of the roles that talk with the site's other systems - its audit collector, its orders by HL7, its worklist, its
readers, an archive that commits - under the checker.

scripts/faults site_kill [--seed S] [--random N]

  --random  so many kills of these roles and their children at random, behind the points (20)

At each point a study comes, and what brings the node there: an order told or asked for, a patient corrected, an item claimed and completed. The
ledger has each order before it is given, so that the checker knows what the list and the results must say. Then nothing more comes, and the checker
must find every invariant kept within SETTLE seconds."""
import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time

from pydicom.uid import generate_uid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import harness as h  # noqa: E402
import kill  # noqa: E402
import models  # noqa: E402
from archive import Archive  # noqa: E402
from collector import Collector  # noqa: E402
from ledger import Source  # noqa: E402
from order_scp import OrderScp, item  # noqa: E402
from test_orders import Caller, Site, code  # noqa: E402
from test_patients import adt  # noqa: E402
from ups_scu import Scu, keys, performed  # noqa: E402

PATIENCE = 60
HOURS = 23  # by which the clock goes on at once: a day more, and nothing would go by its age
VICTIMS = ("orders", "inquire", "audit", "deliver", "cervigated-dsk", "cervigated-hea", "cervigated-ask")


class Campaign(kill.Campaign):
    def __init__(self, folder, seed, size=96):
        self.collector, self.ris, self.site, self.count = Collector(), OrderScp(os.path.join(folder, "ris")), Site(), 0
        self.clock = os.path.join(folder, "clock")
        h.set_clock(self.clock, 0)
        super().__init__(folder, seed, size, first=None, model=models.make(os.path.join(folder, "model")))

    @staticmethod
    def make_pacs(folder, pictures):
        return Archive(folder, commitment="same")

    def configuration(self, environment):
        limits = (f'<audit fileBytes="65536" keep="1" host="127.0.0.1" port="{self.collector.port}" transport="tcp"/>'
                  '<orders listen="true" address="127.0.0.1" port="0" patients="true"/><orderQuery peer="ris" period="1" periodMost="1" answerTime="5" '
                  'retryFirst="1" retryMost="1"/><readingWorklist offer="pull" demo="true" label="NECKS"/>' + self.announcements())
        return {"limits": limits, "others": {"ris": ("RIS", self.ris.port)}, "destination": 'rejectionNotes="true" commitment="true" commitmentTimeout="4"',
                "environment": dict(environment, CERVIGATE_CLOCK_OFFSET="@" + self.clock)}

    def begin(self):
        self.begin_echoes()
        self.begin_looks()

    # ---- what the site does ----

    def image(self, **about):
        """A study of one image, acknowledged; (study, patient, accession)."""
        self.count += 1
        path = os.path.join(self.folder, f"{self.count:05}.dcm")
        about = {"PatientID": f"SITE-{self.count}", "AccessionNumber": f"A{self.count}", **about}
        made = h.wrap(self.chance.choice(self.inputs.pixels), path, **about)
        if not self.sender.store_until_acknowledged(Source(path, ["delivered"]), kill.SETTLE):
            self.failed.append(f"{path}: not acknowledged")
        return str(made.StudyInstanceUID), about["PatientID"], about["AccessionNumber"]

    def told(self, message):
        """A message by HL7, again until it is accepted, as an interface engine does."""
        def ask():
            self.revive()
            with contextlib.suppress(OSError, KeyError, ValueError), Caller(self.node, 5) as caller:
                return code(caller.ask(message)) == "AA"
            return False
        h.wait_for(ask, PATIENCE, "a message accepted")

    def order_by_hl7(self):
        accession, priority = f"A{self.count + 1}", self.chance.choice(("STAT", "HIGH", "LOW", "ROUTINE"))
        self.sender.order("site", accession=accession, priority=priority)
        self.told(self.site.omi(accession, priority={"STAT": "S", "HIGH": "A", "ROUTINE": "R", "LOW": "LOW"}[priority], number=f"H{self.count}",
                                patient=f"SITE-{self.count + 1}"))
        self.image()

    def order_by_worklist(self):
        accession, priority = f"A{self.count + 1}", self.chance.choice(("STAT", "HIGH"))
        self.sender.order("site", accession=accession, priority=priority)
        self.ris.items += list(item(accession, f"SITE-{self.count + 1}", "", priority, filler=f"W{self.count}"))
        self.image()

    def correct_patient(self):
        study, patient, _ = self.image()
        self.wait_for_place(study)
        self.correct(patient)

    def correct(self, patient):
        words = {"PatientName": f"Corrected^{self.count}", "PatientBirthDate": "19800203", "PatientSex": "M"}
        self.sender.order("patient", patient=patient, words=words)
        self.told(adt("A08", patient, name=words["PatientName"], birth=words["PatientBirthDate"], sex=words["PatientSex"]))

    def correct_on_the_way(self, victim):
        """The archive has the picture and says nothing, while the patient is corrected; then a process dies, or none."""
        study = generate_uid()
        self.pacs.hold(h.SC, study)
        try:
            _, patient, _ = self.image(study=study)
            h.wait_for(lambda: self.revive() or self.pacs.held.is_set(), PATIENCE, "a picture on its way")
            self.correct(patient)
            self.wait_for(f"a new picture of {study}", "SELECT 1 FROM result WHERE study=? AND kind='sc' AND fate='retracted'", study)
            if victim:
                h.wait_for(lambda: self.kill(victim), PATIENCE, f"a death of {victim}")
        finally:
            self.pacs.release()
        self.revive()

    def run_on_the_way(self):
        for victim in (None, "cervigated-snd", "deliver", "all"):
            begin = time.monotonic()
            self.correct_on_the_way(victim)
            if self.verbose:
                print(f"{time.monotonic() - begin:.1f} s: on the way, {victim} dies", flush=True)

    def read(self):
        """Claimed and completed by a reader, who asks again until he knows that it is."""
        study, _, _ = self.image()
        self.wait_for_place(study)
        transaction = f"2.25.77{self.count}"
        self.sender.order("read", study=study)

        def step(do, done):
            def once():
                self.revive()
                with contextlib.suppress(OSError, KeyError, AssertionError), Scu(self.node.port) as scu:
                    items = scu.find(keys(request={"StudyInstanceUID": study}))
                    return items and do(scu, items[0].SOPInstanceUID)[0] in done
                return False
            h.wait_for(once, PATIENCE, f"{study} at the desk")
        step(lambda scu, uid: scu.change(uid, "IN PROGRESS", transaction), ("0000", "c302"))
        step(lambda scu, uid: scu.set(uid, performed(), transaction), ("0000", "c310", "b306"))
        step(lambda scu, uid: scu.change(uid, "COMPLETED", transaction), ("0000", "b306"))

    def wait_for(self, what, sql, *values):
        """Until the job store has such a row."""
        def there():
            self.revive()
            with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), timeout=10)) as store:
                return store.execute(sql, values).fetchone()
        h.wait_for(there, PATIENCE, what)

    def wait_for_place(self, study):
        self.wait_for("a report of " + study, "SELECT 1 FROM place WHERE study=? AND report<>''", study)

    def wait_until_asked(self, studies=()):
        """What an inquiry that was cut off asked for, and of `studies`: beyond <orderQuery window> nobody asks any more."""
        for study in studies:
            self.wait_for(f"an inquiry after {study}", "SELECT 1 FROM inquiry WHERE study=?", study)
        self.wait_for("an answer of the site's worklist",
                      "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM inquiry WHERE over=0 AND said NOT IN ('none','found'))")

    # ---- points ----

    def run_points(self):
        """Each point once, one after the other; the clock's at the end."""
        doing = [(p, self.image) for p in ("audit-sent", "audit-confirmed", "commitment-asked")]
        doing += [(p, self.order_by_hl7) for p in kill.HEARD] + [(p, self.order_by_worklist) for p in kill.ASKED]
        doing += [(p, self.read) for p in kill.LENT] + [(p, self.correct_patient) for p in kill.SAID]
        self.chance.shuffle(doing)
        for point, do in doing:
            begin = time.monotonic()
            self.arm(point)
            do()
            self.fired(point, seconds=PATIENCE)
            if self.verbose:
                print(f"{time.monotonic() - begin:.1f} s: {point}", flush=True)

    def run_expiry(self):
        """Two files of audit records and more, then days that pass: the first one goes."""
        self.wait_until_asked()
        folder = os.path.join(self.node.spool, "audit")
        studies = []
        h.wait_for(lambda: studies.append(self.image()[0]) or sum(n.endswith(".log") for n in os.listdir(folder)) > 2, 2 * PATIENCE,
                   "three files of audit records")
        self.wait_until_asked(studies)
        self.arm("audit-based")
        for days in range(1, 5):
            self.terminate()
            h.set_clock(self.clock, days * HOURS * 3600)
            swept = self.node.log().count("spool-swept")
            self.node.start()  # a day that retention did not see makes the next one too long to be believed
            h.wait_for(lambda: self.revive() or "audit-based" not in self.waiting or self.node.log().count("spool-swept") > swept, PATIENCE, "a sweep")
            with contextlib.suppress(AssertionError):
                self.fired("audit-based", seconds=5)
                break
        self.fired("audit-based", seconds=PATIENCE)

    def run_random(self, count):
        """Kills of these roles while their work goes on."""
        end = time.monotonic() + 3 * PATIENCE
        doing = [self.order_by_hl7, self.order_by_worklist, self.read, self.correct_patient]
        count += sum(self.killed.values())
        while sum(self.killed.values()) < count and time.monotonic() < end:
            self.chance.choice(doing)()
            for _ in range(3):
                self.wait_for_victim(self.chance.choice(VICTIMS), 0.2)
                time.sleep(self.chance.uniform(0, 0.2))

    def pids(self, victim):
        if victim == "all":
            return super().pids(victim)
        if victim.startswith("cervigated-"):
            return [p for p in kill.children(self.node.process.pid) if kill.name_of(p) == victim]
        return [int(self.node.facts().get(victim + "_pid", 0))]

    def end(self):
        self.end_looks()

    def close(self):
        super().close()
        self.collector.stop()
        self.ris.close()


def run(folder, seed, count, verbose=False):
    """(campaign, closed; violations; endings)"""
    campaign = Campaign(folder, seed)
    campaign.verbose = verbose
    violations, endings = [("run", "did not come to its end")], {}
    try:
        campaign.begin()
        campaign.run_points()
        campaign.run_on_the_way()
        campaign.run_random(count)
        campaign.run_expiry()
        campaign.end()
        violations, endings = campaign.settle()
        numbers = campaign.collector.numbers()
        if sorted(set(numbers)) != list(range(1, max(numbers, default=0) + 1)) or campaign.collector.errors:
            violations.append(("audit", f"the collector has {len(set(numbers))} of {max(numbers, default=0)} records, {campaign.collector.errors[:3]}"))
    finally:
        campaign.log = campaign.node.log()
        if violations:
            keep = tempfile.mkdtemp(prefix="cervigate-faults-evidence-")
            campaign.keep(keep)
            print(f"evidence: {keep}\nagain: scripts/faults site_kill --seed {seed} --random {count}", flush=True)
        campaign.close()
    return campaign, violations, endings


def main():
    parser = argparse.ArgumentParser(description="kill -9 of the roles that talk with the site's systems, then the checker")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--random", type=int, default=20)
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)
    folder, begin = tempfile.mkdtemp(prefix="cervigate-faults-site-"), time.monotonic()
    try:
        campaign, violations, endings = run(folder, wanted.seed, wanted.random, True)
        kill.tell(campaign, endings, violations, time.monotonic() - begin)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
