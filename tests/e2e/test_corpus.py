"""Every file of the shared corpus, each once, over the wire: at least 290 stored, every other one named with its status and
reason, the listener alive throughout, and nothing acknowledged missing (by digest)."""
import csv
import glob
import os
import shutil
import sqlite3
import tempfile
import unittest

import pydicom

import harness as h
import rawscu

EXPECTED = os.path.join(h.SOURCE, "tests/e2e/corpus_not_stored.tsv")


def identity(path):
    """(SOP Class UID, SOP Instance UID, transfer syntax, dataset bytes) of a file, however broken."""
    meta = pydicom.dcmread(path, force=True, specific_tags=["SOPClassUID", "SOPInstanceUID"])
    syntax = meta.file_meta.get("TransferSyntaxUID") if "TransferSyntaxUID" in meta.file_meta else None
    sop_class = meta.get("SOPClassUID") or meta.file_meta.get("MediaStorageSOPClassUID", "")
    uid = meta.get("SOPInstanceUID") or meta.file_meta.get("MediaStorageSOPInstanceUID", "")
    if syntax is None:
        syntax = rawscu.IMPLICIT if meta.is_implicit_VR else "1.2.840.10008.1.2.1" if meta.is_little_endian else "1.2.840.10008.1.2.2"
    return str(sop_class), str(uid), str(syntax), h.dataset_of(path)


def send_one(port, path):
    """(outcome, comment): '0000', another status, 'no-context', 'rejected', 'aborted' or 'unsendable'."""
    try:
        sop_class, uid, syntax, dataset = identity(path)
    except Exception as error:  # pydicom's own limits: the file names no SOP class
        return "unsendable", type(error).__name__
    if not sop_class or not uid:
        return "unsendable", "no SOP Class or Instance UID"
    return rawscu.store(port, sop_class, uid, syntax, dataset)


@h.needs_shared("corpus")
class Corpus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = h.Node({}, mode="shadow")
        cls.folder = tempfile.mkdtemp(prefix="cervigate-corpus-")

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def files(self):
        with open(os.path.join(h.SHARED, "corpus/INDEX.tsv"), encoding="utf-8") as f:
            rows = list(csv.DictReader(f, delimiter="\t"))
        found = [p for p in glob.glob(os.path.join(h.SHARED, "corpus/**/*"), recursive=True)
                 if os.path.isfile(p) and not p.endswith((".tsv", ".raw"))]
        self.assertGreaterEqual(len(found), len(rows) - 8)
        return sorted(found)

    def test_every_file_once(self):
        files = self.files()
        outcome = {path: send_one(self.node.port, path) for path in files}
        self.assertEqual(len(outcome), len(files))
        root = os.path.join(h.SHARED, "corpus") + "/"
        stored = [p for p in files if outcome[p][0] == "0000"]
        refused = {p[len(root):]: outcome[p] for p in files if not outcome[p][0] == "0000"}
        print(f"{len(files)} files: {len(stored)} stored, {len(refused)} not")
        for path, reason in sorted(refused.items()):
            print("  not stored:", path, *reason)
        self.assertGreaterEqual(len(stored), 290)
        with open(EXPECTED, encoding="utf-8") as f:
            expected = {r[0]: r[1] for r in csv.reader(f, delimiter="\t") if r and not r[0].startswith("#")}
        self.assertEqual({p: r[0] for p, r in refused.items()}, expected)
        self.check_nothing_missing(stored)
        self.assertEqual(self.node.echo().returncode, 0)
        self.assertNotIn("role-died name=receive", self.node.log())

    def check_nothing_missing(self, stored):
        wanted = {h.dataset_digest(p) for p in stored} - {None}
        database = sqlite3.connect(f"file:{self.node.spool}/jobs.sqlite?mode=ro", uri=True)
        known = {digest: path for digest, path in database.execute("SELECT digest, path FROM instance")}
        self.assertEqual(wanted - set(known), set(), "acknowledged, but not in the job store")
        for digest in wanted:
            self.assertEqual(h.dataset_digest(os.path.join(self.node.spool, known[digest])), digest)

    def test_dcmtks_own_tools(self):
        sample = [p for p in self.files() if p.endswith(".dcm")][:40]
        good = 0
        for path in sample:
            for command in (["storescu", "-R", "-xv"], ["dcmsend", "--no-uid-checks"]):
                said = h.run(*command, "-aec", "CERVIGATE", "127.0.0.1", self.node.port, path)
                good += said.returncode == 0
        self.assertGreater(good, len(sample))
        self.assertEqual(self.node.echo().returncode, 0)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    raise SystemExit(1 if not result.wasSuccessful() else 77 if result.skipped else 0)
