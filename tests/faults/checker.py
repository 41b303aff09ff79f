"""The separate checker: compares what a sender knows, what a PACS got, and what the node says, and names each broken invariant.

checker.py --spool DIR --ledger FILE... --pacs FILE... [--config FILE] [--settled] [--swept] [--incomplete-quarantine] [--others] [--slow TIMES] [--json]

  --spool    the node's spool (read only): jobs.sqlite, objects/, results/, quarantine/, incoming/
  --ledger   what ledger.py wrote: every attempt to store an object
  --pacs     what pacs.py wrote: every object that it got, with its bytes
  --settled  the node has had its time: everything must have come to its end
  --swept    its sweep after the last start is over, too: no file may be left that no row wants
  --others   peers that keep no ledger sent objects, too: they may have been refused
  --slow     the node is built with a sanitizer: echoes and restarts may take so many times as long
  --incomplete-quarantine   space was short, or quarantine was emptied: what was refused need not be kept

It shares no code with the product and believes none of its words: digests are computed anew from the files, references are read from the
objects that the PACS got. The invariants are those of the reliability plan:

  I1  what was answered 0000 is on disk with a row, and ends delivered, parked with a reason, or ignored by rule; as its sender expects,
      where the ledger tells, and withdrawn or given up only where the ledger has the order
  I2  nothing is answered 0000 otherwise; what was refused by policy is kept in quarantine with its reason
  I3  each result names the patient, study and instances of the bytes it was made from; no finding and no score for what was not judged
  I4  one UID is one content, at the PACS and in results/; one current report a study and patient, one current picture an image;
      what was taken back has its note there; "sent" means that the PACS has it
  I5  two contents under one SOP Instance UID are both kept, and told apart
  I6  the listener answered each echo within a second, but for one during which a process died, or that came while it was started again
  I7  nothing is left over: incoming/, temporary files, files without a row
  I8  the store is whole and its figures add up; every state has its reason

Exit status 0: none is broken; 1: at least one, a line each on standard output; 2: the evidence cannot be read."""
import argparse
import json
import os
import select
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check_content import Content  # noqa: E402
from check_echoes import Echoes  # noqa: E402
from check_list import Places  # noqa: E402
from check_objects import Objects  # noqa: E402
from check_rest import Rest  # noqa: E402
from check_results import Results  # noqa: E402
from evidence import Evidence, Unreadable  # noqa: E402
from node_words import Words  # noqa: E402


class Checker(Objects, Results, Content, Places, Echoes, Rest):
    def run(self):
        self.store_whole()
        self.states_visible()
        self.objects_kept()
        self.refused_kept()
        self.same_uid()
        self.sent_arrived()
        self.results_kept()
        self.results_right()
        self.content_right()
        self.places_right()
        self.one_report()
        self.one_picture()
        if not self.live:
            self.answered_echoes()
        self.figures()
        self.given_up()
        if self.settled:
            self.notes_arrived()
            self.all_ended()
            self.nothing_left()
        if self.settled and self.site is not None and not self.violations:  # dear: nobody asks whose answer is no already
            self.replays_right()
            self.status_right()
        return self.violations


def check(spool, ledgers, pacs, settled=False, swept=False, quarantine=True, others=False, config=None):
    """(violations, endings) for programs that have the evidence at hand."""
    checker = Checker(Evidence(spool, ledgers, pacs), settled, swept, quarantine, others, Words(config) if config else None)
    return checker.run(), dict(checker.endings)


def look_meanwhile(wanted):
    """Looks again and again, until standard input ends; each violation once. With a configuration, one report is computed anew each time."""
    told, looks, missed, again, replayed, unanswered = set(), 0, "", set(), 0, 0
    site = Words(wanted.config) if wanted.config else None
    while True:
        try:
            checker = Checker(Evidence(wanted.spool, wanted.ledger, wanted.pacs), quarantine=not wanted.incomplete_quarantine, others=wanted.others, live=True, site=site)
            found = checker.run()
            looks += 1
            for line in [l for l in checker.replayable() if l["sop_instance"] not in again][-1:] if site else ():  # the newest
                again.add(line["sop_instance"])
                checker.replay(line)
                replayed, unanswered = replayed + checker.replayed, unanswered + checker.unanswered
        except Unreadable as error:
            found, missed = [], str(error)
        for invariant, text in found:
            if (invariant, text) not in told:
                told.add((invariant, text))
                print(f"{time.time():.3f} {invariant} {text}", flush=True)
        if select.select([sys.stdin], [], [], wanted.meanwhile)[0]:
            break
    print(f"{looks} looks meanwhile, {replayed} scores computed anew, {unanswered} reports not, {len(told)} violations" + (f"; last that could not be: {missed}" if missed else ""), flush=True)
    return 1 if told else 0 if looks else 2


def main():
    parser = argparse.ArgumentParser(description="checks the invariants I1 to I8 after a run", epilog="exit: 0 none broken, 1 broken, 2 unreadable")
    parser.add_argument("--spool", required=True)
    parser.add_argument("--ledger", action="append", required=True)
    parser.add_argument("--pacs", action="append", required=True)
    parser.add_argument("--config")
    parser.add_argument("--settled", action="store_true")
    parser.add_argument("--swept", action="store_true")
    parser.add_argument("--incomplete-quarantine", action="store_true")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--slow", type=int, default=1, metavar="TIMES")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--meanwhile", type=float, metavar="SECONDS")
    wanted = parser.parse_args()
    if wanted.meanwhile is not None:
        return look_meanwhile(wanted)
    try:
        evidence = Evidence(wanted.spool, wanted.ledger, wanted.pacs)
        checker = Checker(evidence, wanted.settled, wanted.swept, not wanted.incomplete_quarantine, wanted.others,
                          Words(wanted.config) if wanted.config else None, slow=wanted.slow)
        violations = checker.run()
    except Unreadable as error:
        print(f"checker: {error}", file=sys.stderr)
        return 2
    figures = {"attempts": len(evidence.attempts), "acknowledged": len(evidence.acknowledged), "instances": len(evidence.instances),
               "results": len(evidence.results), "arrivals": len(evidence.arrivals), "echoes": len(evidence.echoes), "excused": checker.excused,
               "longest_s": round(checker.longest, 3), "replayed": checker.replayed, "endings": dict(checker.endings)}
    if wanted.json:
        print(json.dumps(dict(figures, violations=[{"invariant": i, "what": t} for i, t in violations]), indent=1))
    else:
        for invariant, text in violations:
            print(f"{invariant} {text}")
        print(f"{len(violations)} violations; " + ", ".join(f"{k} {v}" for k, v in figures.items()), file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
