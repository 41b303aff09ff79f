"""The separate checker: compares what a sender knows, what a PACS got, and what the node says, and names each broken invariant.

checker.py --spool DIR --ledger FILE... --pacs FILE... [--settled] [--swept] [--incomplete-quarantine] [--others] [--json]

  --spool    the node's spool (read only): jobs.sqlite, objects/, results/, quarantine/, incoming/
  --ledger   what ledger.py wrote: every attempt to store an object
  --pacs     what pacs.py wrote: every object that it got, with its bytes
  --settled  the node has had its time: everything must have come to its end
  --swept    its sweep after the last start is over, too: no file may be left that no row wants
  --others   peers that keep no ledger sent objects, too: they may have been refused
  --incomplete-quarantine   space was short, or quarantine was emptied: what was refused need not be kept

It shares no code with the product and believes none of its words: digests are computed anew from the files, references are read from the
objects that the PACS got. The invariants are those of the reliability plan:

  I1  what was answered 0000 is on disk with a row, and ends delivered, parked with a reason, or ignored by rule; as its sender expects,
      where the ledger tells, and withdrawn or given up only where the ledger has the order
  I2  nothing is answered 0000 otherwise; what was refused by policy is kept in quarantine with its reason
  I3  each result names the patient, study and instances of the bytes it was made from; no finding and no score for what was not judged
  I4  one UID is one content, at the PACS and in results/; one current report a study and patient; "sent" means that the PACS has it
  I5  two contents under one SOP Instance UID are both kept, and told apart
  I6  the listener answered each echo within a second, but for one during which a process died, or that came while it was started again
  I7  nothing is left over: incoming/, temporary files, files without a row
  I8  the store is whole and its figures add up; every state has its reason

Exit status 0: none is broken; 1: at least one, a line each on standard output; 2: the evidence cannot be read."""
import argparse
import collections
import json
import os
import sys

import pydicom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evidence import Evidence, Unreadable, file_digests, images_of, scored, study_outcome  # noqa: E402

STATES = {"received", "ignored", "own", "same", "judged", "not-processed", "rejection-note"}
ASIDE = {"ignored", "own", "same", "rejection-note"}
DELIVERIES = {"pending", "sent", "parked", "held", "cancelled", "expired"}
REPORTS = {"1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.88.22"}
REJECTION = "1.2.840.10008.5.1.4.1.1.88.59"
ECHO_MS = 1000
SLACK = 2    # seconds between two clocks' readings of one event
RESTART = 5  # seconds within which a listener that died must answer again
LISTENING = ("receive", "supervisor", "all", "stop", "point")  # without whom nothing is answered
# Beside what the sender expects, once a person has ordered this of its patient or study.
AFTER_ORDER = {"forget": {"withdrawn", "ignored", "cancelled", "delivered"}, "retract": {"withdrawn", "cancelled", "delivered"}}


class Checker:
    def __init__(self, evidence, settled=False, swept=False, quarantine=True, others=False):
        self.e, self.settled, self.swept, self.quarantine, self.others = evidence, settled, swept, quarantine, others
        self.violations = []
        self.excused = 0  # echoes that a death explains
        self.endings = collections.Counter()
        self.heads = {}

    def broken(self, invariant, text):
        if (invariant, text) not in self.violations:
            self.violations.append((invariant, text))

    def run(self):
        self.store_whole()
        self.objects_kept()
        self.refused_kept()
        self.same_uid()
        self.sent_arrived()
        self.results_kept()
        self.results_right()
        self.one_report()
        self.one_picture()
        self.answered_echoes()
        self.figures()
        self.given_up()
        if self.settled:
            self.all_ended()
            self.nothing_left()
        return self.violations

    # ---- I1, I2: what was acknowledged ----

    def objects_kept(self):
        seen = set()
        for line in self.e.acknowledged:
            key = line["sop_instance"], line["sha256"]
            if key not in seen:
                seen.add(key)
                self.object_kept(line, self.e.row.get(key))
        for row in self.e.instances:
            if (row["sop_instance"], row["digest"]) not in seen:
                self.bytes_kept(row)

    def object_kept(self, line, row):
        if row is None and any(r["sop_instance"] == line["sop_instance"] for r in self.e.instances):
            self.broken("I5", f"{line['sop_instance']}: {line['sha256']} was answered 0000; only other contents of that UID have rows")
        elif row is None:
            self.broken("I1", f"{line['sop_instance']}: {line['sha256']} was answered 0000; the store has no row of it")
        else:
            self.bytes_kept(row)
            if row["study"] != line["study"] and line["study"]:
                self.broken("I3", f"{row['sop_instance']}: its row is of study {row['study']}, its bytes of {line['study']}")

    def bytes_kept(self, row):
        if row["gone_ms"]:
            return
        found = file_digests(self.e.path(row["path"]))
        if found is None and self.e.is_gone("instance", row):
            return
        if found is None:
            self.broken("I1", f"{row['sop_instance']}: {row['path']} is not there, and its row knows of no removal")
        elif found[0] != row["digest"]:
            self.broken("I1", f"{row['sop_instance']}: {row['path']} holds other bytes: {found[0]}")
        elif found[2] != row["bytes"]:
            self.broken("I8", f"{row['sop_instance']}: its row says {row['bytes']} bytes, {row['path']} has {found[2]}")

    def refused_kept(self):
        kept = set()
        names = set(self.e.listed("quarantine"))
        for name in names:
            if not name.endswith(".dcm"):
                continue
            kept.add(file_digests(self.e.path(name))[0])
            if name[:-4] + ".txt" not in names:
                self.broken("I2", f"{name}: no reason lies beside it")
        for line in self.e.attempts:
            if self.quarantine and line["outcome"][:2] in ("a9", "c0") and line["sha256"] not in kept:
                self.broken("I2", f"{line['sop_instance']}: refused with {line['outcome']}, its bytes are not in quarantine")

    # ---- I5 ----

    def same_uid(self):
        contents = collections.defaultdict(list)
        for row in self.e.instances:
            contents[row["sop_instance"]].append(row)
        for uid, rows in contents.items():
            first = rows[0]
            for last, row in zip(rows, rows[1:]):
                if not row["rival"]:
                    self.broken("I5", f"{uid}: instance {row['id']} has other bytes than {first['id']}, and is not marked")
                if last["state"] != "judged" or row["state"] in ("received", "ignored", "own") or row["withdrawn"]:
                    continue  # nothing that was decoded stands against it
                if self.differ(last, row) and not (row["state"] == "not-processed" and row["reason"] == "conflict"):
                    self.broken("I5", f"{uid}: instance {row['id']} has other pixels than {last['id']}, and is {row['state']}")

    def differ(self, one, other):
        """Whether the pixels differ, where both lie here uncompressed; in doubt not."""
        pixels = []
        for row in (one, other):
            head = self.head(self.e.path(row["path"]), whole=True)
            if head is None or head.file_meta.TransferSyntaxUID.is_compressed or "PixelData" not in head:
                return False
            pixels.append(head.PixelData)
        return pixels[0] != pixels[1]

    # ---- I4: what was sent ----

    def sent_arrived(self):
        contents = {}
        for line in self.e.arrivals:
            uid, what = line["sop_instance"], (line["syntax"], line["sha256"])
            if contents.setdefault(uid, what) != what and contents[uid][0] == line["syntax"]:
                self.broken("I4", f"{uid}: the PACS got it twice with different bytes")
            if uid not in self.e.result_of:
                self.broken("I4", f"{uid}: the PACS got it, the node knows no such result")
        for line in self.e.kept:
            found = file_digests(line["path"])
            if found is None or found[0] != line["sha256"]:
                raise Unreadable(f"{line['path']}: not the bytes that the PACS logged")
        taken = {line["sop_instance"] for line in self.e.arrivals if line["status"][:2] in ("00", "b0") or line["status"] == "0111" and line["sop_instance"] in self.e.kept_uids}
        for delivery in self.e.deliveries:
            result = self.e.result.get(delivery["result"])
            if delivery["state"] == "sent" and result and result["uid"] not in taken:
                self.broken("I4", f"{result['uid']}: delivery {delivery['id']} is \"sent\", the PACS did not take it")

    def results_kept(self):
        arrived = {line["sop_instance"]: line for line in self.e.arrivals}
        for result in self.e.results:
            if result["gone_ms"]:
                continue
            found = file_digests(self.e.path(result["path"]))
            if found is None and self.e.is_gone("result", result):
                continue
            if found is None:
                self.broken("I1", f"{result['uid']}: {result['path']} is not there, and its row knows of no removal")
            elif found[1] != result["digest"]:
                self.broken("I4", f"{result['uid']}: {result['path']} is not the file that was entered")
            elif result["uid"] in arrived and arrived[result["uid"]]["sha256"] != found[0] and \
                    self.syntax(result) == arrived[result["uid"]]["syntax"]:
                self.broken("I4", f"{result['uid']}: the PACS got other bytes than lie in {result['path']}")

    def syntax(self, result):
        head = self.head(self.e.path(result["path"]))
        return head.file_meta.TransferSyntaxUID if head is not None else ""

    def one_report(self):
        current = collections.Counter((r["study"], r["patient"]) for r in self.e.results if r["kind"] == "sr" and r["fate"] == "current")
        for (study, _), count in current.items():
            if count > 1:
                self.broken("I4", f"{study}: {count} current reports in the store")
        amended, reports = set(), collections.defaultdict(set)
        for line in self.e.kept:
            head = self.head(line["path"])
            if head is None or line["sop_class"] not in REPORTS:
                continue
            reports[str(head.StudyInstanceUID), str(head.PatientID)].add(line["sop_instance"])
            for study in head.get("PredecessorDocumentsSequence", []):
                amended |= {str(s.ReferencedSOPInstanceUID) for g in study.ReferencedSeriesSequence for s in g.ReferencedSOPSequence}
        for (study, patient), uids in reports.items():
            valid = [u for u in uids - amended if self.e.result_of.get(u, {}).get("fate") != "retracted"]
            if len(valid) > 1:
                self.broken("I4", f"{study}: the PACS has {len(valid)} reports of patient {patient}, none amends the other")

    def one_picture(self):
        """One picture of an image at the PACS, but for those that were retracted or came with an earlier report."""
        pictures = collections.defaultdict(set)
        for line in self.e.kept:
            head = self.head(line["path"])
            if head is None or line["sop_class"] in REPORTS or line["sop_class"] == REJECTION:
                continue
            if self.e.result_of.get(line["sop_instance"], {}).get("fate") != "current":
                continue
            sources = [str(s.ReferencedSOPInstanceUID) for s in head.get("SourceImageSequence", [])]
            if len(sources) == 1:
                pictures[line["sop_class"], sources[0], str(head.PatientID), str(head.StudyInstanceUID)].add(line["sop_instance"])
        for (_, source, _, _), uids in pictures.items():
            if len(uids) > 1:
                self.broken("I4", f"{source}: the PACS has {len(uids)} current pictures of it")

    # ---- I3: what the results say ----

    def head(self, path, whole=False):
        if (path, whole) not in self.heads:
            try:
                self.heads[path, whole] = pydicom.dcmread(path, stop_before_pixels=not whole)
            except Exception:  # not there, or malformed: the caller asks for what can be read
                self.heads[path, whole] = None
        return self.heads[path, whole]

    def results_right(self):
        covered = collections.defaultdict(set)
        for row in self.e.covers:
            covered[row["result"]].add(row["instance"])
        done = set()
        for line in self.e.kept:
            if line["sha256"] in done:
                continue
            done.add(line["sha256"])
            head = self.head(line["path"])
            if head is None:
                self.broken("I3", f"{line['sop_instance']}: what the PACS got cannot be read")
                continue
            result = self.e.result_of.get(line["sop_instance"])
            if str(head.get("SOPInstanceUID", "")) != line["sop_instance"]:
                self.broken("I3", f"{line['sop_instance']}: its dataset says {head.get('SOPInstanceUID', 'nothing')}")
            if result and result["study"] != str(head.get("StudyInstanceUID", "")):
                self.broken("I3", f"{line['sop_instance']}: sent under study {head.get('StudyInstanceUID', 'none')}, entered under {result['study']}")
            if line["sop_class"] == REJECTION:
                continue
            self.sources_right(line["sop_instance"], head)
            if line["sop_class"] in REPORTS:
                self.report_right(line["sop_instance"], head, result, covered)

    def sources_right(self, uid, head):
        """Each image that a result names was sent to the node, with this patient and in this study."""
        named = images_of(head) - set(self.e.result_of)
        if not named:
            self.broken("I3", f"{uid}: names no image")
        for image in named:
            lines = self.e.by_uid.get(image)
            if not lines:
                self.broken("I3", f"{uid}: names {image}, which nobody sent")
            elif not any(line["patient"] == str(head.get("PatientID", "")) and line["study"] == str(head.get("StudyInstanceUID", ""))
                         for line in lines):
                self.broken("I3", f"{uid}: patient {head.get('PatientID', '')} and study {head.get('StudyInstanceUID', '')} are not those "
                                  f"of the image {image} that it names")

    def report_right(self, uid, head, result, covered):
        outcome = study_outcome(head)
        if outcome is None:
            self.broken("I3", f"{uid}: a report without one outcome")
        if not result:
            return
        rows = [self.e.instance[i] for i in covered[result["report"]] if i in self.e.instance]
        current = result["fate"] == "current"
        judged = {row["sop_instance"] for row in rows if row["state"] == "judged"}
        unjudged = {row["sop_instance"] for row in rows if row["state"] == "not-processed"} - judged
        named = images_of(head) - set(self.e.result_of)
        known = {row["sop_instance"] for row in rows}
        if current and named != known:
            self.broken("I3", f"{uid}: names {sorted(named - known)} that it does not cover, covers {sorted(known - named)} unnamed")
        for image in scored(head) & unjudged if current else ():
            self.broken("I3", f"{uid}: a score for {image}, which was not processed")
        if current and outcome in ("finding", "no-finding", "incomplete") and not judged:
            self.broken("I3", f"{uid}: says {outcome}, and nothing was processed")
        if current and outcome in ("no-finding", "incomplete") and any(r["reason"] == "conflict" for r in rows):
            self.broken("I3", f"{uid}: says {outcome} of a conflict")

    # ---- I6, I7, I8 ----

    def answered_echoes(self):
        for line in self.e.echoes:
            if line["outcome"] == "0000" and line["ms"] <= ECHO_MS:
                continue
            if self.is_excused(line):
                self.excused += 1
            else:
                self.broken("I6", f"an echo at {line['time']}: {line['outcome']} after {line['ms']} ms")
        last = max((d["time"] for d in self.e.deaths), default=None)
        if self.settled and last is not None and not any(e["outcome"] == "0000" and e["time"] > last for e in self.e.echoes):
            self.broken("I6", "no echo was answered after the last death")

    def is_excused(self, echo):
        """Whether something died under it, or the listener so shortly before that it is being started again."""
        begin, end = echo["time"] - echo["ms"] / 1000, echo["time"]
        return any(d["since"] - 0.1 <= end and d["time"] + (RESTART if d["of"] in LISTENING else 0.5) >= begin for d in self.e.deaths)

    # ---- I1: what was given up ----

    def given_up(self):
        """Files go by an order in the ledger alone; by retention, when the PACS has what was made of them."""
        forgotten = {o["patient"]: o["time"] for o in self.e.orders if o["order"] == "forget"}
        retention = any(o["order"] == "retention" for o in self.e.orders)
        reported = self.reported() if retention else {}
        for row in self.e.instances:
            sent = [l for l in self.e.by_uid.get(row["sop_instance"], ()) if l["sha256"] == row["digest"]]
            if not row["gone_ms"] or not sent:
                continue
            at = row["gone_ms"] / 1000 + SLACK
            if at >= forgotten.get(sent[0]["patient"], at + 1):
                continue
            if not retention:
                self.broken("I1", f"{row['sop_instance']}: given up, and nobody ordered it")
            elif row["state"] not in ASIDE and not row["withdrawn"] and at < reported.get(row["sop_instance"], at + 1):
                self.broken("I1", f"{row['sop_instance']}: given up before the PACS had a report of it")
        for row in self.e.deliveries:
            result = self.e.result.get(row["result"])
            if row["state"] in ("pending", "parked", "held") and result and result["gone_ms"]:
                self.broken("I1", f"{result['uid']}: given up, and delivery {row['id']} is {row['state']}")

    def reported(self):
        """When the PACS first took a report that names it, of each image."""
        times = {}
        for line in self.e.kept:
            head = self.head(line["path"]) if line["sop_class"] in REPORTS and line["status"][:1] in ("0", "b", "n") else None
            for image in images_of(head) if head is not None else ():
                times[image] = min(line["time"], times.get(image, line["time"]))
        return times

    def nothing_left(self):
        for name in self.e.listed("incoming"):
            self.broken("I7", f"{name}: left over")
        for row in self.e.associations:
            self.broken("I7", f"association {row['association']} is still open in the store")
        if self.swept:
            self.no_strays()

    def no_strays(self):
        wanted = {row["path"] for row in self.e.instances + self.e.results if not row["gone_ms"]} | self.e.removals
        drawn = self.e.drawn | {r["uid"] for r in self.e.results if not r["gone_ms"]}
        for name in [n for n in self.e.listed("objects/??") if n not in wanted and not self.e.is_wanted(n)]:
            self.broken("I7", f"{name}: no row wants it")
        for name in [n for n in self.e.listed("results") if n not in wanted]:
            if not self.e.is_wanted(name) and not any(os.path.basename(name).startswith(uid) for uid in drawn):
                self.broken("I7", f"{name}: no row wants it")
        for name in self.e.listed("run"):
            if os.path.basename(name).startswith("send-"):
                self.broken("I7", f"{name}: left over")

    def store_whole(self):
        for text in self.e.integrity:
            if text != "ok":
                self.broken("I8", f"jobs.sqlite: {text}")
        for table, row, parent, _ in self.e.strangers:
            self.broken("I8", f"{table} {row}: its {parent} is not there")
        for row in self.e.instances:
            if row["state"] not in STATES:
                self.broken("I8", f"instance {row['id']}: unknown state {row['state']}")
            if row["state"] == "not-processed" and row["reason"] in ("", "none"):
                self.broken("I8", f"instance {row['id']}: not processed without a reason")
        for row in self.e.deliveries:
            if row["state"] not in DELIVERIES:
                self.broken("I8", f"delivery {row['id']}: unknown state {row['state']}")
            if row["state"] == "parked" and not row["last_error"]:
                self.broken("I8", f"delivery {row['id']}: parked without a reason")
        for row in self.e.results:
            if row["fate"] == "parked" and not row["why"]:
                self.broken("I8", f"result {row['uid']}: parked without a reason")

    def figures(self):
        counters = self.e.counters
        for name, rows in (("object-bytes", self.e.instances), ("result-bytes", self.e.results)):
            total = sum(row["bytes"] for row in rows if not row["gone_ms"])
            if counters.get(name, 0) != total:
                self.broken("I8", f"counter {name} is {counters.get(name, 0)}, the rows come to {total}")
        ours = {(line["sop_instance"], line["sha256"]) for line in self.e.attempts}
        rows = sum((row["sop_instance"], row["digest"]) in ours for row in self.e.instances)
        taken = rows + counters.get("duplicates", 0)
        if len(self.e.acknowledged) > taken:
            self.broken("I8", f"{len(self.e.acknowledged)} were answered 0000; rows and duplicates come to {taken}")
        able = sum(line["outcome"] == "0000" or len(line["outcome"]) != 4 for line in self.e.attempts)  # an unheard answer may be 0000
        if rows == len(self.e.instances) and taken > able:
            self.broken("I8", f"rows and duplicates come to {taken}, at most {able} were taken")
        refused = sum(line["outcome"][:2] in ("a9", "c0") for line in self.e.attempts)
        most = float("inf") if self.others else len(self.e.attempts) - len(self.e.acknowledged)
        if not refused <= counters.get("refused", 0) <= most:
            self.broken("I8", f"counter refused is {counters.get('refused', 0)}; {refused} were refused, "
                              f"{len(self.e.attempts) - len(self.e.acknowledged)} not taken")

    # ---- I1 at the end ----

    def all_ended(self):
        deliveries = collections.defaultdict(list)
        for row in self.e.deliveries:
            result = self.e.result.get(row["result"])
            if result:
                deliveries[result["report"]].append(row)
            if row["state"] == "pending":
                self.broken("I1", f"delivery {row['id']} of {result['uid'] if result else 'nothing'} waits: {row['last_error']}")
        for row in self.e.instances:
            ending = self.ending(row, deliveries)
            self.endings[ending or "unfinished"] += 1
            if ending is None:
                self.broken("I1", f"{row['sop_instance']}: instance {row['id']} ({row['state']}) has not come to its end")
            else:
                self.as_expected(row, ending)
        if sum(self.endings.values()) != len(self.e.instances):
            self.broken("I8", "the endings do not add up")

    def as_expected(self, row, ending):
        lines = [l for l in self.e.by_uid.get(row["sop_instance"], ()) if l["sha256"] == row["digest"] and l.get("expected")]
        if not lines:
            return
        allowed = {name for line in lines for name in line["expected"]}
        for order in self.e.orders:
            if order.get("patient") == lines[0]["patient"] or order.get("study") == lines[0]["study"]:
                allowed |= AFTER_ORDER.get(order["order"], set())
        if ending not in allowed:
            self.broken("I1", f"{row['sop_instance']}: instance {row['id']} ended {ending}; its sender knows of {', '.join(sorted(allowed))}")

    def ending(self, row, deliveries):
        """How it ended, or None."""
        if row["state"] in ASIDE:
            return row["state"]
        if row["state"] == "received":
            return None
        if row["withdrawn"]:
            return "withdrawn"
        if row["reported"] < 0:
            return "parked" if row["reason"] not in ("", "none") else None
        report = self.e.result.get(row["reported"])
        if report is None:
            return None
        states = collections.Counter(d["state"] for d in deliveries[row["reported"]])
        if states["pending"]:
            return None
        if states["parked"] or report["fate"] == "parked":
            return "parked"
        if states["held"]:
            return "held"
        return "delivered" if states["sent"] else "cancelled" if states else None


def check(spool, ledgers, pacs, settled=False, swept=False, quarantine=True, others=False):
    """(violations, endings) for programs that have the evidence at hand."""
    checker = Checker(Evidence(spool, ledgers, pacs), settled, swept, quarantine, others)
    return checker.run(), dict(checker.endings)


def main():
    parser = argparse.ArgumentParser(description="checks the invariants I1 to I8 after a run", epilog="exit: 0 none broken, 1 broken, 2 unreadable")
    parser.add_argument("--spool", required=True)
    parser.add_argument("--ledger", action="append", required=True)
    parser.add_argument("--pacs", action="append", required=True)
    parser.add_argument("--settled", action="store_true")
    parser.add_argument("--swept", action="store_true")
    parser.add_argument("--incomplete-quarantine", action="store_true")
    parser.add_argument("--others", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    try:
        evidence = Evidence(wanted.spool, wanted.ledger, wanted.pacs)
        checker = Checker(evidence, wanted.settled, wanted.swept, not wanted.incomplete_quarantine, wanted.others)
        violations = checker.run()
    except Unreadable as error:
        print(f"checker: {error}", file=sys.stderr)
        return 2
    figures = {"attempts": len(evidence.attempts), "acknowledged": len(evidence.acknowledged), "instances": len(evidence.instances),
               "results": len(evidence.results), "arrivals": len(evidence.arrivals), "echoes": len(evidence.echoes), "excused": checker.excused, "endings": dict(checker.endings)}
    if wanted.json:
        print(json.dumps(dict(figures, violations=[{"invariant": i, "what": t} for i, t in violations]), indent=1))
    else:
        for invariant, text in violations:
            print(f"{invariant} {text}")
        print(f"{len(violations)} violations; " + ", ".join(f"{k} {v}" for k, v in figures.items()), file=sys.stderr)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
