"""`cervigate forget`: nothing of the patient is left in the spool, byte by byte; UIDs and digests stay, and start nothing."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")
NAME, ID = "Zyxwvut^Quentin", "KEEP-7788-XY"


class Forget(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-forget-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.node = AnalyzeNode(mode="demo", peers=d.PEERS + '<destinations><destination peer="nobody" demo="true"/></destinations>')
        self.addCleanup(self.node.stop)

    def admin(self, *arguments, text=None):
        return subprocess.run([ADMIN, *arguments], capture_output=True, text=True, timeout=60, input=text,
                              env=dict(os.environ, CERVIGATE_CONFIG=self.node.config))

    def image(self, name, **attributes):
        path = os.path.join(self.folder, name)
        d.write_object(path, 100000, **attributes)
        return path

    def send(self, *files):
        self.assertEqual(self.node.store(*files).returncode, 0)
        d.wait_for(lambda: self.node.sql("SELECT COUNT(*) FROM instance WHERE state='received' OR (reported=0 AND state='judged')") == [(0,)]
                   and self.node.sql("SELECT COUNT(*) FROM result")[0][0] > 0, 30, "reports")

    def found(self, *texts):
        """Files of the spool with one of the texts in them."""
        hits = []
        for folder, _, names in os.walk(self.node.spool):
            if os.path.basename(folder) == "audit":  # which must show who had whom removed: by the Patient ID, and by that alone
                texts_here = [t for t in texts if t not in (ID, "Ä-17")]
            else:
                texts_here = texts
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    bytes_ = f.read()
                hits += [(name, t) for t in texts_here if t.encode() in bytes_]
        return hits

    def test_every_byte_of_the_patient_goes_and_nobody_elses(self):
        mine, other = self.image("m.dcm", PatientName=NAME, PatientID=ID), self.image("o.dcm", PatientName="Other^One", PatientID="OTHER-1")
        more = self.image("m2.dcm", PatientName=NAME, PatientID=ID, BodyPartExamined="HAND", Modality="OT")
        self.send(mine, other, more)
        refused = os.path.join(self.node.spool, "quarantine/0123.dcm")
        shutil.copy(mine, refused)
        with open(refused.replace(".dcm", ".txt"), "w", encoding="utf-8") as f:
            f.write("reason: a test\n")
        self.assertTrue(self.found(NAME) and self.found(ID))
        results = self.node.sql("SELECT uid FROM result")
        said = self.admin("forget", ID, "--yes")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertRegex(said.stdout, r"^forgotten: 2 objects, 4 results, 1 refused; 2 deliveries cancelled\n$")
        self.assertEqual(self.found(NAME, ID), [])
        self.assertFalse(os.path.exists(refused.replace(".dcm", ".txt")))
        self.assertEqual({h[1] for h in self.found("Other^One", "OTHER-1")}, {"Other^One", "OTHER-1"})
        self.assertEqual(self.node.sql("SELECT uid FROM result"), results)
        self.assertEqual(self.node.sql("SELECT subject,issuer,kind FROM request"), [("", "", "forget")])
        self.assertEqual(sorted(self.node.sql("SELECT state,COUNT(*) FROM delivery GROUP BY state")), [("cancelled", 2), ("pending", 2)])
        self.assertNotIn(ID, self.node.log())

        # It comes again, and starts nothing; its bytes do not stay.
        before = self.node.sql("SELECT COUNT(*) FROM instance"), self.node.sql("SELECT COUNT(*) FROM result")
        self.assertEqual(self.node.store(mine).returncode, 0)
        d.wait_for(lambda: not self.found(NAME, ID), 20, "the file is removed again")
        time.sleep(2.5)
        self.assertEqual((self.node.sql("SELECT COUNT(*) FROM instance"), self.node.sql("SELECT COUNT(*) FROM result")), before)
        shown = json.loads(self.admin("jobs", "show", "1", "--json").stdout)
        self.assertTrue(shown["gone"])
        self.assertIn("patient was forgotten", self.admin("jobs", "show", "1").stdout)
        self.assertEqual(self.admin("jobs", "retry", "1").returncode, 1)

    def test_nothing_there_and_the_question(self):
        self.send(self.image("m.dcm", PatientName=NAME, PatientID=ID, IssuerOfPatientID="HERE"))
        said = self.admin("forget", "NOBODY", "--yes")
        self.assertEqual((said.returncode, said.stdout), (1, "nothing of this patient is here\n"))
        said = self.admin("forget", ID, "--issuer", "THERE", "--yes")
        self.assertEqual(said.returncode, 1)
        for answer in ("no\n", "", "\n", "yes please\n"):
            said = self.admin("forget", ID, text=answer)
            self.assertEqual((said.returncode, said.stdout), (1, ""))
            self.assertIn(f"Patient {ID}: 1 objects and 4 results will be removed for ever, 2 deliveries cancelled.", said.stderr)
            self.assertIn("nothing was removed", said.stderr)
        self.assertEqual(len(self.node.sql("SELECT 1 FROM request")), 2)
        self.assertTrue(self.found(NAME))
        said = self.admin("forget", f" {ID} ", "--issuer", "HERE", "--json", text="yes\n")
        self.assertEqual(said.returncode, 0)
        self.assertRegex(json.loads(said.stdout)["answer"], "^forgotten: 1 objects, 4 results")
        self.assertEqual(self.found(NAME, ID), [])

    def test_an_id_in_another_character_set(self):
        name, id_ = "Müller^Jörg", "Ä-17"
        self.send(self.image("m.dcm", SpecificCharacterSet="ISO_IR 100", PatientName=name, PatientID=id_))
        said = self.admin("forget", id_, "--yes")
        self.assertEqual(said.returncode, 0, said)
        self.assertEqual(self.found(name, id_), [])

    def test_wrong_words(self):
        for words in ((), ("A", "B"), ("",), (" ",), ("x" * 300,), ("A", "--issuer", ""), ("A", "--reason", "quality"), ("A", "--issuer")):
            said = self.admin("forget", *words)
            self.assertEqual((said.returncode, said.stdout, "usage: cervigate forget" in said.stderr), (64, "", True), words)
        help_ = self.admin("forget", "--help")
        self.assertEqual(help_.returncode, 0)
        for word in ("--issuer", "--yes", "backups", "Exit status:"):
            self.assertIn(word, help_.stdout)

    def test_without_a_node_it_waits_and_a_cut_off_one_is_ended(self):
        self.send(self.image("m.dcm", PatientName=NAME, PatientID=ID))
        self.node.process.terminate()
        self.node.process.wait(30)
        said = self.admin("forget", ID, "--yes")
        self.assertEqual((said.returncode, said.stdout), (69, ""))
        # A crash between the removal and the answer: only the last step is left.
        with sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite")) as db:
            db.execute("INSERT INTO request(kind,uid,reason,who,asked_ms,draft) VALUES('forget','','','t',?,'forgotten: 9 objects')",
                       (int(time.time() * 1000),))
        db.close()
        self.node.start()
        d.wait_for(lambda: not self.node.sql("SELECT 1 FROM request WHERE answer=''"), 20, "the request is done")
        self.assertEqual(self.node.sql("SELECT answer FROM request")[1], ("forgotten: 9 objects",))
        self.assertEqual(self.found(NAME, ID), [])

    def test_a_reader_holds_the_log(self):
        self.send(self.image("m.dcm", PatientName=NAME, PatientID=ID))
        db = sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), isolation_level=None)
        db.execute("BEGIN")
        db.execute("SELECT COUNT(*) FROM instance").fetchall()
        said = self.admin("forget", ID, "--yes")
        self.assertEqual(said.returncode, 69)  # the old bytes are not gone: it is not said
        db.execute("ROLLBACK")
        db.close()
        d.wait_for(lambda: not self.node.sql("SELECT 1 FROM request WHERE answer=''"), 30, "the request is done")
        self.assertRegex(self.node.sql("SELECT answer FROM request")[0][0], "^forgotten: 1 objects, 4 results")
        self.assertEqual(self.found(NAME, ID), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
