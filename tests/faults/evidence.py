"""What a run left behind, read for checker.py: the sender's ledger, the PACS's log and bytes, the node's store and files. Judges nothing."""
import collections
import glob
import hashlib
import os
import sqlite3
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ledger import dataset_offset, read_lines  # noqa: E402


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


def read_all(paths):
    return [line for path in paths for line in read_lines(path)]


class Evidence:
    """All that the three sides left."""

    def __init__(self, spool, ledgers, pacs):
        self.spool = spool
        try:  # in this order the node may run meanwhile: a row is older than its answer, a PACS line older than "sent"
            lines, logs = read_all(ledgers), read_all(pacs)
            self.open_store()
            later, arrived = read_all(ledgers), read_all(pacs)
        except (OSError, ValueError, KeyError, sqlite3.Error) as error:
            raise Unreadable(str(error)) from error
        self.take_ledger(lines, later)
        self.arrivals = [line for line in logs if line["kind"] == "store"]  # of which the store knew
        self.taken = [line for line in arrived if line["kind"] == "store"]  # by when it said what was sent
        self.kept = [line for line in self.arrivals if line["path"]]
        self.kept_uids = {line["sop_instance"] for line in self.taken if line["path"]}  # a PACS that says 0111 has got it before

    def take_ledger(self, lines, later):
        def kind(name, of=later):
            return [line for line in of if line["kind"] == name]
        self.attempts, self.later = kind("store", lines), kind("store")
        self.offers = kind("offer")
        self.echoes, self.orders = kind("echo"), kind("order")
        self.deaths, self.listener = kind("death"), kind("listener")
        self.acknowledged = [line for line in self.attempts if line["outcome"] == "0000"]
        self.by_uid = collections.defaultdict(list)
        self.sent_in = collections.defaultdict(list)
        for line in self.offers + self.later:
            self.by_uid[line["sop_instance"]].append(line)
            self.sent_in[line["study"]].append(line)

    def open_store(self):
        path = os.path.join(self.spool, "jobs.sqlite")
        if not os.path.isfile(path):
            raise Unreadable(f"{path}: no such file")
        store = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        store.row_factory = sqlite3.Row
        store.text_factory = lambda text: text.decode("utf-8", "backslashreplace")  # a malformed object's UID may be anything
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
        self.judgements = {row["instance"]: row for row in rows("SELECT * FROM judgement")}
        self.places = rows("SELECT * FROM place")
        self.site_orders = rows("SELECT * FROM site_order")
        self.site_patients = rows("SELECT * FROM site_patient")
        self.drawn = {uid for row in rows("SELECT picture,gsps,map FROM judgement") for uid in row.values() if uid}
        store.close()
        self.instance = {row["id"]: row for row in self.instances}
        self.forgotten = {row["study"] for row in self.instances if row["withdrawn"] == "forgotten"}
        self.rows_of = collections.defaultdict(list)
        self.rows_in = collections.defaultdict(list)
        for row in self.instances:
            self.rows_of[row["sop_instance"]].append(row)
            self.rows_in[row["study"]].append(row)
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

    def names(self, folder):
        """All names in a folder, hidden ones too."""
        try:
            return sorted(os.listdir(self.path(folder)))
        except FileNotFoundError:
            return []

    def reason(self, name):
        """The status that the reason in quarantine says, or ''."""
        try:
            with open(self.path(f"quarantine/{name}.txt"), encoding="utf-8", errors="replace") as f:
                return next((line.split()[1] for line in f if line.startswith("status: ")), "")
        except OSError:
            return ""
