"""I7, I8: what is left over, the store and its figures. Parts of checker.py."""
import collections
import os
import re

from check_base import Judge
from evidence import file_digests

STATES = {"received", "ignored", "own", "same", "judged", "not-processed", "rejection-note"}
DELIVERIES = {"pending", "sent", "parked", "held", "cancelled", "expired"}
# What may lie in the spool, beside its folders' content; all else is a file that somebody did not finish, or did not remove.
ROOT = re.compile(r"(jobs\.sqlite(-wal|-shm|-journal)?|node-id|mode|incoming|objects|results|quarantine|run|audit|selftest|restored-cervigate\.xml)")
RUN = re.compile(r"(lock|node|recent|keys|shown|reload|reloaded|committer\.lock)")
REFUSING = ("association", "all", "receive", "supervisor", "point")  # whose death may leave a reason without its bytes
TEMPORARY = re.compile(r"[a-z-]+\.[0-9]+-[0-9a-f]{16}|send-[0-9]+\.dcm")  # of a process that died; the sweep takes it
QUARANTINED = re.compile(r"[0-9a-f]{32}\.(dcm|txt)")


class Rest(Judge):
    # ---- I7 ----

    def nothing_left(self):
        for name in self.e.listed("incoming"):
            self.broken("I7", f"{name}: left over")
        for row in self.e.associations:
            self.broken("I7", f"association {row['association']} is still open in the store")
        self.only_known(".", ROOT)
        self.only_known("run", RUN)
        self.quarantine_right()
        self.forgotten_gone()
        if self.swept:
            self.no_strays()

    def only_known(self, folder, known):
        for name in self.e.names(folder):
            if not known.fullmatch(name) and (self.swept or not TEMPORARY.fullmatch(name)):
                self.broken("I7", f"{os.path.normpath(os.path.join(folder, name))}: left over")

    def quarantine_right(self):
        """Bytes and reasons in pairs; each was refused to somebody who knows it, as often as that, with the status that its reason says."""
        names = set(self.e.names("quarantine"))
        kept, said, alone = collections.Counter(), collections.defaultdict(set), []
        for name in names:
            if not QUARANTINED.fullmatch(name):
                self.broken("I7", f"quarantine/{name}: left over")
            elif name.endswith(".txt") and name[:-4] + ".dcm" not in names:
                alone.append(name)
            elif name.endswith(".dcm"):
                digest = (file_digests(self.e.path("quarantine/" + name)) or [""])[0]
                kept[digest] += 1
                said[digest].add(self.e.reason(name[:-4]))
        if len(alone) > sum(d["of"] in REFUSING for d in self.e.deaths):
            self.broken("I7", f"quarantine/{', '.join(sorted(alone))}: the reason of nothing, and nobody died over it")
        sent = collections.defaultdict(list)
        for line in self.e.later:
            if line["outcome"] != "0000":
                sent[line["sha256"]].append(line["outcome"])
        for digest, count in kept.items() if not self.others else ():
            if count > len(sent[digest]):
                self.broken("I7", f"quarantine has {digest} {count} times, {len(sent[digest])} such attempts were not taken")
        for digest, outcomes in sent.items():
            for outcome in {o for o in outcomes if o[:2] in ("a9", "c0")} if digest in kept else ():
                if outcome.upper() not in said[digest]:
                    self.broken("I2", f"{digest}: refused with {outcome}, its reason in quarantine says {', '.join(sorted(said[digest]))}")

    def forgotten_gone(self):
        """Of a patient who was forgotten nothing is left that says who it was, or what was found."""
        for row in self.e.instances:
            judgement = self.e.judgements.get(row["id"])
            if row["withdrawn"] == "forgotten" and (not row["gone_ms"] or judgement and any(
                    judgement[name] for name in ("attrs", "scores", "scores2", "region", "patient_id", "issuer"))):
                self.broken("I7", f"{row['sop_instance']}: forgotten, and its file or what was made of it is there")
        for place in self.e.places:
            rows = self.e.rows_in[place["study"]]
            if rows and all(row["withdrawn"] == "forgotten" for row in rows) and (place["patient_id"] or place["accession"] or place["strength"]):
                self.broken("I7", f"{place['study']}: forgotten, and the list says whose it is")

    def no_strays(self):
        wanted = {row["path"] for row in self.e.instances + self.e.results if not row["gone_ms"]} | self.e.removals
        drawn = self.e.drawn | {r["uid"] for r in self.e.results if not r["gone_ms"]}
        for name in [n for n in self.e.listed("objects/??") if n not in wanted and not self.e.is_wanted(n)]:
            self.broken("I7", f"{name}: no row wants it")
        for name in [n for n in self.e.listed("results") if n not in wanted]:
            if name.endswith(".part") or not self.e.is_wanted(name) and not any(os.path.basename(name).startswith(uid) for uid in drawn):
                self.broken("I7", f"{name}: no row wants it")
        for path in sorted(self.e.removals):
            if self.e.now("SELECT 1 FROM removal WHERE path=?", path):
                self.broken("I7", f"{path}: to be removed, and still listed so")

    # ---- I8 ----

    def states_visible(self):
        """At any moment each instance is in one state that a person can look up: it waits, for what stands in its row, or came to an end."""
        deliveries = self.deliveries_of_reports()
        for row in self.e.instances:
            waits = row["state"] == "received" or row["state"] in ("judged", "not-processed") and row["reported"] == 0
            waits = waits or row["reported"] in self.e.result  # whose deliveries have states of their own
            if not waits and self.ending(row, deliveries) is None:
                self.broken("I8", f"{row['sop_instance']}: instance {row['id']} ({row['state']}) neither waits nor came to an end")

    def status_right(self):
        """What the node says of itself comes to its rows."""
        for said in self.site.status():
            states = collections.Counter(row["state"] for row in self.e.instances)
            sent = collections.Counter(row["state"] for row in self.e.deliveries)
            for what, told, known in (("instances", said["instances"], states),
                                      ("deliveries", {k: v for k, v in said["deliveries"].items() if isinstance(v, int)}, sent)):
                for state in {*told, *known} & ({*told} if what == "deliveries" else STATES):
                    if told.get(state, 0) != known.get(state, 0):
                        self.broken("I8", f"status says {told.get(state, 0)} {what} {state}, the rows come to {known.get(state, 0)}")
            for name in ("duplicates", "refused"):
                if said[name] != self.e.counters.get(name, 0):
                    self.broken("I8", f"status says {said[name]} {name}, the counter {self.e.counters.get(name, 0)}")

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
        ours = {(line["sop_instance"], line["sha256"]) for line in self.e.later + self.e.offers}
        rows = sum((row["sop_instance"], row["digest"]) in ours for row in self.e.instances)
        taken = rows + counters.get("duplicates", 0)
        if len(self.e.acknowledged) > taken:
            self.broken("I8", f"{len(self.e.acknowledged)} were answered 0000; rows and duplicates come to {taken}")
        under_way = max(0, len(self.e.offers) - len(self.e.later))
        able = under_way + sum(line["outcome"] == "0000" or len(line["outcome"]) != 4 for line in self.e.later)  # an unheard answer may be 0000
        if rows == len(self.e.instances) and taken > able:
            self.broken("I8", f"rows and duplicates come to {taken}, at most {able} were taken")
        refused = sum(line["outcome"][:2] in ("a9", "c0") for line in self.e.attempts)
        most = float("inf") if self.others else under_way + sum(line["outcome"] != "0000" for line in self.e.later)
        if not refused <= counters.get("refused", 0) <= most:
            self.broken("I8", f"counter refused is {counters.get('refused', 0)}; {refused} were refused, {most} not taken")
