"""I1, I2, I5: what was acknowledged, refused, given up, and how each ended. Parts of checker.py."""
import collections

from check_base import ASIDE, REPORTS, Judge
from evidence import file_digests
from report import images_of

SLACK = 2    # seconds between two clocks' readings of one event
# Beside what the sender expects, once a person has ordered this of its patient or study.
AFTER_ORDER = {"forget": {"withdrawn", "ignored", "cancelled", "delivered"}, "retract": {"withdrawn", "cancelled", "delivered"}}


class Objects(Judge):
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
        elif found[0] != row["digest"] and self.is_damaged(row):
            return
        elif found[0] != row["digest"]:
            self.broken("I1", f"{row['sop_instance']}: {row['path']} holds other bytes: {found[0]}")
        elif found[2] != row["bytes"]:
            self.broken("I8", f"{row['sop_instance']}: its row says {row['bytes']} bytes, {row['path']} has {found[2]}")

    def is_damaged(self, row):
        """By an order, and its sender has not had it answered since."""
        key = row["sop_instance"], row["digest"]
        orders = [o["time"] for o in self.e.orders if o["order"] == "damage" and (o["sop_instance"], o["sha256"]) == key]
        answers = [line["time"] for line in self.e.acknowledged if (line["sop_instance"], line["sha256"]) == key]
        return bool(orders) and max(answers, default=0) <= max(orders)

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
        for line in self.e.taken:
            head = self.head(line["path"]) if line["path"] and line["sop_class"] in REPORTS and line["status"][:1] in ("0", "b", "n") else None
            for image in images_of(head) if head is not None else ():
                times[image] = min(line["time"], times.get(image, line["time"]))
        return times

    def all_ended(self):
        deliveries = self.deliveries_of_reports()
        for row in self.e.deliveries:
            result = self.e.result.get(row["result"])
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

    def deliveries_of_reports(self):
        deliveries = collections.defaultdict(list)
        for row in self.e.deliveries:
            if row["result"] in self.e.result:
                deliveries[self.e.result[row["result"]]["report"]].append(row)
        return deliveries

    def as_expected(self, row, ending):
        lines = [l for l in self.e.by_uid.get(row["sop_instance"], ()) if l["sha256"] == row["digest"] and l.get("expected") and "outcome" in l]
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
