"""I3: the reading worklist - who is in it, with what answer, and in what order - against what must be there. Parts of checker.py.

A place is derived again from what the PACS has (the answer, the scores), what the ledger has (when a study came, what a person ordered) and the
cards (operating points), by the policy's words (docs/priority.md), and held against its row; then the rows' order, against what
`cervigate worklist` shows."""
import collections
import math
import time

from check_base import REPORTS, Judge
from report import opinions, study_outcome

LOW, MEDIUM, HIGH = range(3)                          # rank
UNKNOWN, LATE, ROUTINE, SOON, STAT = range(5)         # an order's priority
ORDERS = {"": UNKNOWN, "LOW": LATE, "ROUTINE": ROUTINE, "HIGH": SOON, "STAT": STAT}
RANKS = {UNKNOWN: MEDIUM, LATE: LOW, ROUTINE: MEDIUM, SOON: HIGH, STAT: HIGH}
BANDS = {"finding": 0, "no-finding": 1, "known": 1, "postoperative": 1, "rule": 1, "read": 1, "undetermined": 2, "incomplete": 2, "not-processed": 2,
         "waiting": 2}
RAISING = {"finding", "known", "postoperative", "rule"}
OUTCOMES = {"373068000": "undetermined"}  # where a report has the code of others
ARRIVED = 2.0   # seconds between the ledger's time of a study's first image and the row's
STRENGTH = 2e-4  # what four decimals of a score leave open


class Places(Judge):
    def places_right(self):
        reports = {line["sop_instance"]: self.head(line["path"]) for line in self.e.kept if line["sop_class"] in REPORTS}
        self.unread = [p for p in self.e.places if not p["read_ms"]]
        self.of_patient = collections.defaultdict(list)
        for place in self.e.places:
            self.of_patient[place["patient_id"], place["issuer"]].append(place)
        for place in self.unread:
            self.place_right(place)
            self.arrival_right(place)
            head = reports.get(place["report"])
            if head is not None and place["study"] not in self.e.forgotten:
                self.answer_right(place, head)
        for place in self.e.places if self.settled else ():
            self.may_be_read(place)
        if self.settled:
            self.all_listed(reports)
        if self.settled and self.site is not None:
            self.order_right()

    # ---- one place ----

    def place_right(self, place):
        """Its row says one thing: reason, band, rank and raise go together, and its report is the newest that holds."""
        study, reason, order = place["study"], place["reason"], place["site_priority"]
        finds = place["answered"] and place["outcome"] == "finding"
        if place["band"] != BANDS.get(reason) or bool(place["raised"]) != (reason == "finding"):
            self.broken("I3", f"{study}: its place is {reason}, in band {place['band']}, raised {place['raised']}")
        if (reason in RAISING) != bool(finds) or not place["answered"] and reason != "waiting":
            self.broken("I3", f"{study}: its place is {reason}, its answer {place['outcome'] or 'none'}")
        if place["rank"] != (HIGH if place["raised"] else RANKS.get(order)):
            self.broken("I3", f"{study}: told as rank {place['rank']}, its order is {order}, raised {place['raised']}")
        if self.settled and finds and reason != self.reason_of(place):
            self.broken("I3", f"{study}: its place is {reason}, it should be {self.reason_of(place)}")
        if self.settled and order != self.ordered(place):
            self.broken("I3", f"{study}: its order is {order}, the site's last word of it {self.ordered(place)}")
        if place["passed_ms"] and len(self.e.places) == len(self.unread):
            self.broken("I3", f"{study}: passed at {place['passed_ms']}, none was read")

    def reason_of(self, place):
        earlier = [p for p in self.of_patient[place["patient_id"], place["issuer"]] if place["patient_id"] and p["finding_ms"] and
                   (p["finding_ms"], p["study"]) < (place["finding_ms"], place["study"])]
        if self.site is not None and self.site.mutes:
            return place["reason"]
        if any(o["postoperative"] for o in self.e.site_orders if place["accession"] in (o["accession"], "") or o["study"] == place["study"]):
            return "postoperative"
        return "known" if earlier else "finding"

    def ordered(self, place):
        """What the ledger says that the site has ordered; where it says nothing, no order is known."""
        said = [o for o in self.e.orders if o["order"] == "site" and (o.get("accession") or "-") == place["accession"]]
        return ORDERS[said[-1]["priority"]] if said else UNKNOWN

    def arrival_right(self, place):
        """It came when its sender began to send the first of its images, or after; not after the first answer."""
        rows = self.e.rows_in[place["study"]]
        lines = self.e.sent_in[place["study"]] or [l for r in rows for l in self.e.by_uid[r["sop_instance"]] if not l["study"]]  # malformed ones
        began = min((l["time"] - l.get("ms", 0) / 1000 for l in lines), default=None)
        ended = min((l["time"] for l in lines if l.get("outcome") == "0000"), default=None)
        arrived = place["arrived_ms"] / 1000
        if began is None and not self.others:
            self.broken("I3", f"{place['study']}: it stands in the list, and nobody sent it")
        elif began is not None and (arrived < began - ARRIVED or ended is not None and arrived > ended + ARRIVED):
            self.broken("I3", f"{place['study']}: arrived at {arrived:.3f}, it was sent from {began:.3f} on, answered at {ended}")

    def answer_right(self, place, head):
        """What the list says of it is what its report says; a raise is as strong as the report's scores make it."""
        said = OUTCOMES.get(study_outcome(head), study_outcome(head))
        if str(head.StudyInstanceUID) != place["study"]:
            self.broken("I3", f"{place['study']}: its report {place['report']} is of study {head.StudyInstanceUID}")
        if self.settled and place["outcome"] != said:
            self.broken("I3", f"{place['study']}: the list says {place['outcome']}, its report {said}")
        if self.settled and place["patient_id"] != str(head.get("PatientID", "")):
            self.broken("I3", f"{place['study']}: the list says patient {place['patient_id']}, its report {head.get('PatientID', '')}")
        if self.settled and place["accession"] != str(head.get("AccessionNumber") or ""):
            self.broken("I3", f"{place['study']}: the list says accession {place['accession']}, its report {head.get('AccessionNumber')}")
        if self.settled and place["raised"] and self.site is not None and len(self.site.cards) == 1:
            card = self.site.cards[0]
            best = max((card.margins(o.scores)[-1] for found in opinions(head).values() for o in found if card.margins(o.scores)),
                       key=lambda m: m[1] - m[2], default=(0, 0, 0))[0]
            if abs(place["strength"] - (0.5 + min(best, 1) / 2)) > STRENGTH:
                self.broken("I3", f"{place['study']}: its raise has strength {place['strength']:.4f}, its scores give {0.5 + min(best, 1) / 2:.4f}")

    def may_be_read(self, place):
        """A study leaves the list when somebody has read it, or nothing of it is left to be read."""
        left = [r for r in self.e.rows_in[place["study"]] if r["state"] in ("received", "judged", "not-processed") and not r["withdrawn"]]
        said = any(o["order"] in ("read", "site-read") and o.get("study") == place["study"] for o in self.e.orders)
        said = said or any(o["read"] for o in self.e.site_orders if place["accession"] and o["accession"] == place["accession"])
        if place["read_ms"] and left and not said and not self.others:
            self.broken("I3", f"{place['study']}: it left the list, and nobody says that it has been read")
        if said and not place["read_ms"]:
            self.broken("I3", f"{place['study']}: it has been read, and stands in the list")

    # ---- all of them ----

    def all_listed(self, reports):
        """Whatever has a report that holds is in the list, or has left it."""
        placed = {p["study"]: p for p in self.e.places}
        for uid in reports:
            result = self.e.result_of.get(uid)
            if result and result["fate"] == "current" and result["kind"] == "sr" and result["study"] not in placed:
                self.broken("I3", f"{result['study']}: it has report {uid}, and no place in the list")

    def stands(self, place):
        """(part, milliseconds): the lower is read first; None: whether it is spared changes about now."""
        part = 0 if place["site_priority"] == STAT else 1
        spared = 1000 * time.time() - place["passed_ms"] - self.site.delay_ms if place["passed_ms"] else -math.inf
        if abs(spared) < 60000:
            return None
        if spared > 0:
            return part, 0, place["arrived_ms"]
        share = 0.75 + 0.25 * min(max(place["strength"], 0), 1) if place["raised"] else {LATE: 0, SOON: 0.5, STAT: 0.5}.get(place["site_priority"], 0.25)
        return part, 1, place["arrived_ms"] - share * self.site.ageing_ms

    def order_right(self):
        """What is shown is these places, each once, in their order, with their words."""
        shown = self.site.worklist()
        row = {p["study"]: p for p in self.unread}
        if len(shown) != min(len(row), self.site.listed) or len({e["study"] for e in shown}) != len(shown):
            self.broken("I3", f"the list shows {len(shown)}, {len(row)} are unread")
        for n, entry in enumerate(shown, 1):
            place = row.get(entry["study"])
            if place is None:
                self.broken("I3", f"{entry['study']}: shown in the list, where it has no place")
                continue
            if entry["position"] != n or entry["reason"] != place["reason"] or entry["report"] not in (place["report"], None) or \
                    entry["accession"] != place["accession"] or not place["patient_id"].endswith(entry["patient"]):
                self.broken("I3", f"{entry['study']}: shown as {entry['position']}, {entry['reason']}, {entry['report']}; it is {n}, {place['reason']}")
        known = [row[e["study"]] for e in shown if e["study"] in row]
        for before, after in zip(known, known[1:]):
            one, other = self.stands(before), self.stands(after)
            if one is None or other is None:
                continue
            if one[:2] > other[:2] or one[:2] == other[:2] and one[2] > other[2] + 1:
                self.broken("I3", f"{after['study']}: shown after {before['study']}, it is to be read before")
