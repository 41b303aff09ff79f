"""`cervigate backup` and `restore`: a round trip to another machine, while the node runs; every way a file or a spool can be wrong."""
import contextlib
import gzip
import io
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


def admin(config, *arguments):
    return subprocess.run([ADMIN, *arguments], capture_output=True, text=True, timeout=60, env=dict(os.environ, CERVIGATE_CONFIG=config))


def results(node):
    said = admin(node.config, "results", "list", "--json")
    assert said.returncode == 0, said.stderr
    return [{k: v for k, v in json.loads(line).items() if k != "file"} for line in said.stdout.splitlines()]


class Backup(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-backup-")
        cls.node = AnalyzeNode()
        cls.first, cls.second = (os.path.join(cls.folder, n) for n in ("1.dcm", "2.dcm"))
        for path in (cls.first, cls.second):
            d.write_object(path, 100000)
        assert cls.node.store(cls.first).returncode == 0
        d.wait_for(lambda: len(results(cls.node)) == 2, 20, "a report and a picture")
        cls.plain, cls.whole = (os.path.join(cls.folder, n) for n in ("plain.tar.gz", "whole.tar.gz"))
        for path, more in ((cls.plain, ()), (cls.whole, ("--objects",))):
            said = admin(cls.node.config, "backup", path, *more)
            assert said.returncode == 0, said.stderr
            cls.said = said.stdout

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        shutil.rmtree(cls.folder)

    def fresh(self):
        """A node that never ran, as on a new machine, with the model of the other (results name it)."""
        node = AnalyzeNode(start=False)
        self.addCleanup(node.stop)
        node.model = self.node.model
        node.write_config()
        return node

    def members(self, path):
        with tarfile.open(path) as tar:
            return tar.getnames()

    def rebuilt(self, change):
        """plain.tar.gz with its members (name -> bytes) changed."""
        with tarfile.open(self.plain) as tar:
            content = [(m.name, tar.extractfile(m).read()) for m in tar.getmembers()]
        path = os.path.join(self.folder, "changed.tar.gz")
        with tarfile.open(path, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
            for name, bytes_ in change(content):
                info = tarfile.TarInfo(name)
                info.size = len(bytes_)
                tar.addfile(info, io.BytesIO(bytes_))
        return path

    def restore(self, node, path, *more):
        return admin(node.config, "restore", path, *more)

    def refused(self, path, code, words):
        node = self.fresh()
        said = self.restore(node, path)
        self.assertEqual((said.returncode, said.stdout), (code, ""), said.stderr)
        self.assertIn(words, said.stderr)
        left = [n for _, _, names in os.walk(node.spool) for n in names if n != "lock"]
        self.assertEqual(left, [])

    def test_what_is_in_it(self):
        plain, whole = self.members(self.plain), self.members(self.whole)
        self.assertEqual((plain[0], plain[-1]), ("cervigate-backup", "jobs.sqlite"))
        self.assertTrue({"node-id", "cervigate.xml"} <= set(plain))
        self.assertEqual([n for n in plain if n.startswith("objects/")], [])
        self.assertEqual(len([n for n in whole if n.startswith("objects/")]), 1)
        self.assertEqual(len([n for n in plain if n.startswith("results/") and n.endswith(".dcm")]), 2)
        self.assertEqual(stat.S_IMODE(os.stat(self.plain).st_mode), 0o600)
        self.assertRegex(self.said, r"whole\.tar\.gz: \d+ files, \d+ bytes, with all received objects\n$")
        self.assertEqual([n for n in os.listdir(self.folder) if n.endswith((".part", ".jobs", "-wal", "-shm"))], [])
        gone = lambda path: self.query(path, "SELECT gone_ms<>0 FROM instance")  # noqa: E731
        self.assertEqual((gone(self.plain), gone(self.whole)), ([(1,)], [(0,)]))

    def query(self, path, sql):
        with tarfile.open(path) as tar, tempfile.TemporaryDirectory() as folder:
            tar.extract("jobs.sqlite", folder)
            with sqlite3.connect(os.path.join(folder, "jobs.sqlite")) as db:
                return db.execute(sql).fetchall()

    def test_round_trip(self):
        for backup, force in ((self.plain, False), (self.whole, True)):
            with self.subTest(backup=backup):
                node = self.fresh()
                if force:  # what is there goes
                    os.makedirs(os.path.join(node.spool, "results"))
                    with open(os.path.join(node.spool, "results/1.2.dcm"), "w", encoding="utf-8") as f:
                        f.write("old")
                    said = self.restore(node, backup)
                    self.assertEqual(said.returncode, 73)
                    self.assertIn("it is not empty: --force", said.stderr)
                said = self.restore(node, backup, *(["--force"] if force else []))
                self.assertEqual((said.returncode, said.stderr), (0, ""))
                self.assertIn("files restored (version ", said.stdout)
                self.assertFalse(os.path.exists(os.path.join(node.spool, "results/1.2.dcm")))
                self.assertTrue(os.path.exists(os.path.join(node.spool, "restored-cervigate.xml")))
                self.assertEqual([n for _, _, names in os.walk(node.spool) for n in names if "restoring" in n], [])
                self.assertEqual(results(node), results(self.node) if len(results(self.node)) == 2 else results(self.node)[-2:])
                node.start()
                self.assertEqual(node.store(self.first).returncode, 0)  # known: nothing starts
                time.sleep(2.5)
                self.assertEqual(node.sql("SELECT COUNT(*) FROM instance"), [(1,)])
                self.assertEqual(len(results(node)), 2)
                self.assertEqual(node.store(self.second).returncode, 0)
                d.wait_for(lambda: len(results(node)) == 4, 20, "a second report")
                if len(results(self.node)) == 2:
                    self.assertEqual(self.node.store(self.second).returncode, 0)
                    d.wait_for(lambda: len(results(self.node)) == 4, 20, "a second report")
                self.assertEqual([r["uid"] for r in results(node)], [r["uid"] for r in results(self.node)])
                self.assertNotIn("file-missing", node.log())

    def test_not_onto_a_running_node(self):
        said = self.restore(self.node, self.plain, "--force")
        self.assertEqual(said.returncode, 73)
        self.assertIn("a node runs on this spool", said.stderr)

    def test_a_restore_that_was_cut_off(self):
        node = self.fresh()
        self.assertEqual(self.restore(node, self.plain).returncode, 0)
        mark = os.path.join(node.spool, "restoring")
        with open(mark, "w", encoding="utf-8") as f:
            f.write("x")
        code, error = node.refusal()
        self.assertEqual(code, 73)
        self.assertIn("a restore was cut off", error)
        self.assertEqual(self.restore(node, self.plain, "--force").returncode, 0)
        self.assertFalse(os.path.exists(mark))
        node.start()

    def test_a_folder_of_backups(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        old = [os.path.join(folder, f"cervigate-20200101T00000{n}Z.tar.gz") for n in range(3)]
        foreign = [os.path.join(folder, n) for n in ("cervigate-20200101T000000Z.tar.gz.part", "cervigate-2020.tar.gz", "notes")]
        for path in old + foreign:
            open(path, "w").close()
        said = admin(self.node.config, "backup", folder, "--keep", "2", "--json")
        self.assertEqual(said.returncode, 0, said.stderr)
        facts = json.loads(said.stdout)
        self.assertRegex(facts["file"], r"/cervigate-\d{8}T\d{6}Z\.tar\.gz$")
        self.assertEqual(facts["removed"], 2)
        self.assertEqual(sorted(os.path.join(folder, n) for n in os.listdir(folder)), sorted([old[2], facts["file"]] + foreign))
        self.assertEqual(self.members(facts["file"]), self.members(self.plain))
        for words in ((folder, "--keep", "0"), (folder, "--keep", "x"), (folder, "--keep", "10001"), (os.path.join(folder, "new"), "--keep", "1")):
            said = admin(self.node.config, "backup", *words)
            self.assertEqual(said.returncode, 64, words)
            self.assertIn("--keep wants", said.stderr)

    def test_a_failed_backup_removes_no_older_one(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        old = os.path.join(folder, "cervigate-20200101T000000Z.tar.gz")
        open(old, "w").close()
        results = os.path.join(self.node.spool, "results")
        os.rename(results, results + ".away")
        self.addCleanup(lambda: os.path.exists(results + ".away") and os.rename(results + ".away", results))
        open(results, "w").close()  # no directory
        said = admin(self.node.config, "backup", folder, "--keep", "1")
        os.unlink(results)
        os.rename(results + ".away", results)
        self.assertEqual(said.returncode, 74, said.stderr)
        self.assertEqual(os.listdir(folder), [os.path.basename(old)])

    def test_a_backup_that_cannot_be_written(self):
        for path, words in ((self.plain, "it is there already"), (os.path.join(self.folder, "no/such/b.tar.gz"), "No such file"),
                            ("/dev/full/b.tar.gz", "Not a directory")):
            said = admin(self.node.config, "backup", path)
            self.assertEqual((said.returncode, said.stdout), (73, ""), path)
            self.assertIn(words, said.stderr)
        node = self.fresh()
        self.assertEqual(admin(node.config, "backup", os.path.join(self.folder, "x.tar.gz")).returncode, 66)
        self.assertEqual(sorted(n for n in os.listdir(self.folder) if ".part" in n or ".jobs" in n), [])

    def test_damaged_files(self):
        with open(self.plain, "rb") as f:
            bytes_ = f.read()
        raw = gzip.decompress(bytes_)
        path = os.path.join(self.folder, "damaged.tar.gz")
        cases = [(bytes_[:len(bytes_) // 2], "ends early"), (bytes_[:-6], "ends early"), (b"", "ends early"), (b"hello" * 200, "no archive"),
                 (bytes_[:-8] + b"\0" * 8, "incorrect data check"), (gzip.compress(raw[:512 * 5]), "ends early"),
                 (gzip.compress(raw[:200] + b"7" + raw[201:]), "damaged"), (gzip.compress(raw + b"more"), "behind its end")]
        for i, (content, words) in enumerate(cases):
            with self.subTest(case=i):
                with open(path, "wb") as f:
                    f.write(content)
                self.refused(path, 65, words)
        self.refused(os.path.join(self.folder, "missing.tar.gz"), 66, "No such file")

    def test_archives_that_are_no_backup(self):
        store = lambda c: dict(c)["jobs.sqlite"]  # noqa: E731
        no_manifest, other_format = "no backup of cervigate", "another format"
        for change, words in ((lambda c: c[1:], no_manifest), (lambda c: [("cervigate-backup", b"cervigate backup 2\n")] + c[1:], other_format),
                              (lambda c: c[:-1], "it has no job store"), (lambda c: c + [("../../evil", b"x")], "what no backup of ours holds"),
                              (lambda c: c + [("/etc/evil", b"x")], "what no backup of ours holds"),
                              (lambda c: c + [("results/../../evil.dcm", b"x")], "what no backup of ours holds"),
                              (lambda c: c + [("objects/ab/../../../x.dcm", b"x")], "what no backup of ours holds"),
                              (lambda c: c + [("results/1.2.sh", b"x")], "what no backup of ours holds"),
                              (lambda c: c + [c[1]], "twice"),
                              (lambda c: c[:-1] + [("jobs.sqlite", b"no database")], "not a database"),
                              (lambda c: c[:-1] + [("jobs.sqlite", store(c)[:8192] + b"\x55" * (len(store(c)) - 8192))], "")):
            self.refused(self.rebuilt(change), 65, words)

    def test_a_store_of_a_newer_program(self):
        def newer(content):
            bytes_ = bytearray(dict(content)["jobs.sqlite"])
            bytes_[60:64] = (99).to_bytes(4, "big")  # SQLite's user_version
            return content[:-1] + [("jobs.sqlite", bytes(bytes_))]
        self.refused(self.rebuilt(newer), 65, "schema version 99 is newer than this program's")

    def test_a_link_in_it(self):
        path = os.path.join(self.folder, "link.tar.gz")
        with tarfile.open(path, "w:gz", format=tarfile.USTAR_FORMAT) as tar:
            info = tarfile.TarInfo("cervigate-backup")
            info.size = 19
            tar.addfile(info, io.BytesIO(b"cervigate backup 1\n"))
            info = tarfile.TarInfo("mode")
            info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            tar.addfile(info)
        self.refused(path, 65, "no plain file")

    def test_wrong_words(self):
        for command in ("backup", "restore"):
            for words in ((), ("a", "b"), ("a", "--yes")):
                said = admin(self.node.config, command, *words)
                self.assertEqual((said.returncode, f"usage: cervigate {command} FILE" in said.stderr), (64, True), words)
            self.assertIn("Exit status:", admin(self.node.config, command, "--help").stdout)
        said = json.loads(admin(self.node.config, "backup", os.path.join(self.folder, "j.tar.gz"), "--json").stdout)
        self.assertEqual((said["file"], said["objects"]), (os.path.join(self.folder, "j.tar.gz"), False))


class Store(unittest.TestCase):
    def test_back_to_an_older_schema_and_anew(self):
        node = AnalyzeNode()
        self.addCleanup(node.stop)
        path = os.path.join(node.folder, "1.dcm")
        d.write_object(path, 100000)
        self.assertEqual(node.store(path).returncode, 0)
        d.wait_for(lambda: len(results(node)) == 2, 20, "a report and a picture")
        known = results(node)
        shown = json.loads(admin(node.config, "store", "--json").stdout)
        self.assertEqual((shown["version"], shown["newest"]), (shown["newest"], 6))
        said = admin(node.config, "store", "--downgrade", "4")
        self.assertEqual((said.returncode, "stop it first" in said.stderr), (73, True), said.stderr)
        self.not_made_new_under_a_running_node(node)
        node.process.terminate()
        node.process.wait(20)
        for wrong in ("2", "7", "x", "-1", ""):
            said = admin(node.config, "store", "--downgrade", wrong)
            self.assertEqual((said.returncode, "can go back to none but" in said.stderr), (64, True), said.stderr)
        said = admin(node.config, "store", "--downgrade", "3")
        self.assertEqual((said.returncode, "schema version 3" in said.stdout), (0, True), said.stderr)
        with sqlite3.connect(os.path.join(node.spool, "jobs.sqlite")) as db:
            self.assertEqual(db.execute("PRAGMA user_version").fetchone(), (3,))
        self.assertEqual(json.loads(admin(node.config, "store", "--json").stdout)["version"], 3)  # looking does not make it new
        node.start()
        self.assertEqual(results(node), known)
        self.assertEqual(json.loads(admin(node.config, "store", "--json").stdout)["version"], 6)
        self.assertEqual(node.store(path).returncode, 0)  # it is known
        self.assertEqual(results(node), known)
        self.assertEqual(admin(node.config, "store", "more").returncode, 64)

    def not_made_new_under_a_running_node(self, node):
        """An upgrade that could not restart the node: the older program goes on, and its roles could not open a newer store."""
        with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as db:
            db.execute("PRAGMA user_version=5")
            said = admin(node.config, "status")
            self.assertEqual((said.returncode, "of an older program" in said.stderr), (69, True), said.stderr)
            bundle = os.path.join(node.folder, "support.tar.gz")
            self.assertEqual(admin(node.config, "support", bundle).returncode, 0)
            self.assertEqual(db.execute("PRAGMA user_version").fetchone(), (5,))
            db.execute("PRAGMA user_version=6")
        self.assertEqual(admin(node.config, "status").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
