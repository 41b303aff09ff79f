"""What a run left behind, read for checker.py: the sender's ledger, the PACS's log and bytes, the node's store and files. Judges nothing."""
import collections
import glob
import hashlib
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ledger import dataset_offset, read_lines  # noqa: E402

MEASUREMENT_GROUP, STUDY_OUTCOME = "125007", "study-outcome"


class Unreadable(Exception):
    pass


def file_digests(path):
    """(SHA-256 of the dataset, of the whole file, its size); None when there is no file."""
    try:
        with open(path, "rb") as f:
            data = f.read()
    except FileNotFoundError:
        return None
    return hashlib.sha256(memoryview(data)[dataset_offset(data):]).hexdigest(), hashlib.sha256(data).hexdigest(), len(data)


class Evidence:
    """All that the three sides left."""

    def __init__(self, spool, ledgers, pacs):
        self.spool = spool
        try:  # in this order the node may run meanwhile: a row is older than its answer, a PACS line older than "sent"
            lines = [line for path in ledgers for line in read_lines(path)]
            self.open_store()
            logs = [line for path in pacs for line in read_lines(path)]
        except (OSError, ValueError, KeyError, sqlite3.Error) as error:
            raise Unreadable(str(error)) from error
        self.attempts = [line for line in lines if line["kind"] == "store"]
        self.echoes = [line for line in lines if line["kind"] == "echo"]
        self.orders = [line for line in lines if line["kind"] == "order"]
        self.deaths = [line for line in lines if line["kind"] == "death"]
        self.acknowledged = [line for line in self.attempts if line["outcome"] == "0000"]
        self.arrivals = [line for line in logs if line["kind"] == "store"]
        self.kept = [line for line in self.arrivals if line["path"]]
        self.kept_uids = {line["sop_instance"] for line in self.kept}  # a PACS that says 0111 has got it before
        self.by_uid = collections.defaultdict(list)
        for line in self.attempts:
            self.by_uid[line["sop_instance"]].append(line)

    def open_store(self):
        path = os.path.join(self.spool, "jobs.sqlite")
        if not os.path.isfile(path):
            raise Unreadable(f"{path}: no such file")
        store = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        store.row_factory = sqlite3.Row
        store.text_factory = lambda text: text.decode(errors="surrogateescape")  # a peer's Patient ID may be in no known character set
        store.execute("BEGIN")  # one snapshot
        self.integrity = [row[0] for row in store.execute("PRAGMA integrity_check")]
        self.strangers = [tuple(row) for row in store.execute("PRAGMA foreign_key_check")]
        def rows(sql):
            return [dict(row) for row in store.execute(sql)]
        self.instances = rows("SELECT * FROM instance ORDER BY id")
        self.results = rows("SELECT * FROM result ORDER BY id")
        self.deliveries = rows("SELECT * FROM delivery ORDER BY id")
        self.covers = rows("SELECT * FROM covers")
        self.counters = {row["name"]: row["value"] for row in rows("SELECT * FROM counter")}
        self.associations = rows("SELECT * FROM open_association")
        self.removals = {row["path"] for row in rows("SELECT path FROM removal")}
        self.drawn = {uid for row in rows("SELECT picture,gsps,map FROM judgement") for uid in row.values() if uid}
        store.close()
        self.instance = {row["id"]: row for row in self.instances}
        self.row = {(row["sop_instance"], row["digest"]): row for row in self.instances}
        self.result = {row["id"]: row for row in self.results}
        self.result_of = {row["uid"]: row for row in self.results}

    def path(self, name):
        return os.path.join(self.spool, name)

    def now(self, sql, *values):
        """A first value from the store as it is by now: where the node runs, files change while they are looked at."""
        store = sqlite3.connect(f"file:{os.path.join(self.spool, 'jobs.sqlite')}?mode=ro", uri=True, timeout=30)
        row = store.execute(sql, values).fetchone()
        store.close()
        return row[0] if row else None

    def is_gone(self, table, row):
        return bool(row["gone_ms"] or self.now(f"SELECT gone_ms FROM {table} WHERE id=?", row["id"]))

    def is_wanted(self, path):
        return bool(self.now("SELECT EXISTS(SELECT 1 FROM instance WHERE path=?1 AND gone_ms=0) OR "
                             "EXISTS(SELECT 1 FROM result WHERE path=?1 AND gone_ms=0)", path))

    def listed(self, folder):
        return sorted(os.path.relpath(p, self.spool) for p in glob.glob(os.path.join(self.spool, folder, "*")) if os.path.isfile(p))


def images_of(head):
    """SOP Instance UIDs of all that a result names as its source."""
    named = {str(s.ReferencedSOPInstanceUID) for s in head.get("SourceImageSequence", [])}
    for name in ("CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"):
        for study in head.get(name, []):
            for series in study.ReferencedSeriesSequence:
                named |= {str(s.ReferencedSOPInstanceUID) for s in series.ReferencedSOPSequence}
    for series in head.get("ReferencedSeriesSequence", []):
        for sequence in ("ReferencedImageSequence", "ReferencedInstanceSequence"):
            named |= {str(s.ReferencedSOPInstanceUID) for s in series.get(sequence, [])}
    return named


def items(item):
    for child in item.get("ContentSequence", []):
        yield child
        yield from items(child)


def concept(item):
    names = item.get("ConceptNameCodeSequence", [])
    return names[0].CodeValue if names else ""


def study_outcome(head):
    found = [i.ConceptCodeSequence[0].CodeValue for i in items(head) if i.get("ValueType") == "CODE" and concept(i) == STUDY_OUTCOME]
    return found[0] if len(found) == 1 else None


def scored(head):
    """SOP Instance UIDs of the images that a report has a number for."""
    found = set()
    for group in items(head):
        if group.get("ValueType") != "CONTAINER" or concept(group) != MEASUREMENT_GROUP:
            continue
        inner = list(items(group))
        if any(i.get("ValueType") == "NUM" for i in inner):
            found |= {str(s.ReferencedSOPInstanceUID) for i in inner if i.get("ValueType") == "IMAGE" for s in i.ReferencedSOPSequence}
    return found
