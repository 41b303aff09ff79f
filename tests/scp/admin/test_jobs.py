"""`cervigate jobs retry, cancel, release, discard, list --parked`: asked of the running node, in the caller's name; what cannot be done is said."""
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
import rawscu  # noqa: E402
from daemon import AnalyzeNode, Scp  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


class Jobs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-jobs-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.port = d.free_port()
        peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{self.port}"/></peers><destinations>'
                 '<destination peer="pacs" outputs="SR" reportClass="comprehensive3d" demo="true" retryFirst="1" retryMost="1"/></destinations>')
        self.node = AnalyzeNode(mode="demo", peers=peers, start=False)
        self.addCleanup(self.node.stop)
        self.image = os.path.join(self.folder, "i.dcm")
        d.write_object(self.image, 100000)

    def jobs(self, *arguments):
        return subprocess.run([ADMIN, "jobs", *arguments], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, CERVIGATE_CONFIG=self.node.config))

    def said(self, code, text, *arguments):
        said = self.jobs(*arguments)
        self.assertEqual((said.returncode, said.stdout, said.stderr), (code, text, ""), arguments)

    def store(self):
        self.assertEqual(self.node.store(self.image).returncode, 0)
        d.wait_for(lambda: self.node.sql("SELECT 1 FROM result WHERE kind='sr'"), 30, "a report")

    def test_an_object_whose_children_died_is_judged_again(self):
        self.node.start({"CERVIGATE_OBJECT_FAULT": "crash:parse:7"})
        self.store()
        self.assertEqual(self.node.sql("SELECT state,reason,deaths>0 FROM instance"), [("not-processed", "software-failure", 1)])
        self.node.process.terminate()
        self.node.process.wait(30)
        self.node.start()
        self.said(0, "1: retried\n", "retry", "1")
        d.wait_for(lambda: self.node.sql("SELECT state FROM instance") == [("judged",)], 20, "judged")
        d.wait_for(lambda: sorted(self.node.sql("SELECT outcome='not-processed',fate FROM result WHERE kind='sr'")) ==
                   [(0, "current"), (1, "superseded")], 20, "an amended report")
        self.said(1, "1: only what was not processed can be retried\n", "retry", "1")
        self.assertEqual([r[:2] for r in self.node.sql("SELECT kind,subject,who FROM request")], [("retry", "1")] * 2)
        self.assertTrue("request id=1 kind=retry" in self.node.log())
        self.said(1, "1: only what was not processed can be discarded\n", "discard", "1")

    def test_what_was_not_processed_is_discarded(self):
        d.write_object(self.image, 100000, PatientAge="003Y")  # outside the model's age
        self.node.start()
        self.store()
        self.assertEqual((self.node.sql("SELECT state FROM instance"), len(self.node.objects())), ([("not-processed",)], 1))
        self.said(0, "1: discarded\n", "discard", "1")
        d.wait_for(lambda: not self.node.objects(), 20, "its bytes are gone")
        self.assertTrue(json.loads(self.jobs("show", "1", "--json").stdout)["gone"])
        self.assertEqual(self.node.sql("SELECT fate FROM result WHERE kind='sr'"), [("current",)])  # what was answered stands
        self.assertEqual(self.jobs("retry", "1").returncode, 1)

    def test_quarantine_is_listed_and_discarded(self):
        """An object that two processes died over, and bytes that were refused; of each what it was, and its way out."""
        self.node.start({"CERVIGATE_OBJECT_FAULT": "crash:parse:7"})
        self.assertEqual(self.jobs("list", "--quarantine", "--json").stdout, "")
        self.store()
        lies = rawscu.element(8, 0x18, b"1.2.3.4 ") + b"\x10\0\x10\0\xf0\xff\0\0short"
        self.assertEqual(rawscu.store(int(self.node.port), rawscu.SECONDARY_CAPTURE, "1.2.3.4", rawscu.IMPLICIT, lies)[0], "c000")
        job, refused = [json.loads(line) for line in self.jobs("list", "--quarantine", "--json").stdout.splitlines()]
        self.assertEqual((job["id"], job["state"], job["reason"], os.path.exists(job["file"])), (1, "not-processed", "software-failure", True))
        self.assertRegex(job["detail"], r"the object child gave up, or ran out of memory: limit objectMemory \(signal 6\)")
        self.assertEqual((refused["state"], refused["status"], refused["calling"]), ("refused", "C000", "RAWSCU"))
        self.assertGreater(refused["bytes"], len(lies))
        self.assertTrue(refused["reason"] and refused["received"].startswith("20"))
        lines = self.jobs("list", "--quarantine").stdout.splitlines()
        self.assertRegex(lines[0], r"^ +ID +RECEIVED +STATE +CALLING +RULE +REASON$")
        self.assertRegex(lines[1], r"^ +1 +20.* +not-processed +STORESCU +dx +software-failure the object child gave up")
        self.assertRegex(lines[2], rf"^{refused['id']}  20\S+ +refused +RAWSCU +C000 \S")
        self.said(0, f"{refused['id']}: discarded\n", "discard", refused["id"])
        self.said(1, f"{refused['id']}: there is no such file in quarantine\n", "discard", refused["id"])
        self.said(0, "1: discarded\n", "discard", "1")
        self.assertEqual(self.jobs("list", "--quarantine", "--json").stdout, "")
        self.assertEqual(os.listdir(self.node.spool + "/quarantine"), [])

    def test_parked_deliveries_are_listed_released_cancelled(self):
        self.node.start()
        self.store()
        self.assertEqual(self.jobs("list", "--parked", "--json").stdout, "")
        self.said(1, "d1: it is pending, not parked\n", "release", "d1")
        self.node.process.terminate()
        self.node.process.wait(30)
        self.park()
        self.node.start()
        listed = [json.loads(line) for line in self.jobs("list", "--parked", "--json").stdout.splitlines()]
        self.assertEqual([(p["id"], p["destination"], p["kind"], p["reason"]) for p in listed], [("d1", "pacs", "sr", "status A900")])
        self.assertTrue(listed[0]["parked"].startswith("20"))
        lines = self.jobs("list", "--parked").stdout.splitlines()
        self.assertRegex(lines[0], r"^ +ID +PARKED +DESTINATION +KIND +UID +REASON$")
        self.assertRegex(lines[1], r"^ +d1 +20.* +pacs +sr +2\.25\.\d+ +status A900$")
        pacs = Scp(self.port)
        self.addCleanup(pacs.close)
        self.said(0, "d1: released\n", "release", "d1")
        d.wait_for(lambda: pacs.count() == 1, 20, "it is sent")
        d.wait_for(lambda: self.node.sql("SELECT state FROM delivery") == [("sent",)], 10, "sent")
        self.said(1, "1: nothing of it is parked that could be sent\n", "release", "1")
        self.said(1, "d1: it is sent\n", "cancel", "d1")
        self.said(1, "1: nothing of it waits\n", "cancel", "1")

    def park(self):
        with sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite")) as db:
            db.execute("UPDATE delivery SET state='parked',last_error='status A900',next_ms=1790000000000")
        db.close()

    def test_what_is_not_sent_is_cancelled(self):
        self.node.start()
        self.store()
        answer = json.loads(self.jobs("cancel", "1", "--json").stdout)
        self.assertEqual((answer["id"], answer["answer"]), ("1", "cancelled: 1 deliveries"))
        self.assertEqual(self.node.sql("SELECT state FROM delivery"), [("cancelled",)])

    def test_wrong_words(self):
        self.node.start()
        for words in ((), ("retry",), ("retry", "x"), ("retry", "d1"), ("retry", "0"), ("release", "d"), ("release", "dd1"), ("cancel", "-1"),
                      ("cancel", "1", "2"), ("show", "1", "--parked"), ("retry", "1", "--parked"), ("release", "1" * 30), ("list", "--parked", "--quarantine"),
                      ("retry", "q" + "0" * 32), ("discard", "q" + "0" * 31), ("discard", "q" + "g" * 32), ("show", "1", "--quarantine")):
            said = self.jobs(*words)
            self.assertEqual((said.returncode, said.stdout, "usage: cervigate jobs" in said.stderr), (64, "", True), words)
        for verb in ("retry", "cancel", "release", "discard", "show"):
            said = self.jobs(verb, "99")
            self.assertEqual((said.returncode, said.stderr), (66, "cervigate jobs: there is no job 99\n"))
        self.said(1, "d99: there is no delivery d99\n", "release", "d99")
        self.assertEqual(self.jobs("--help").returncode, 0)

    def test_without_a_node_it_waits(self):
        self.node.start()
        self.store()
        self.node.process.terminate()
        self.node.process.wait(30)
        said = self.jobs("cancel", "d1")
        self.assertEqual((said.returncode, said.stdout), (69, ""))
        self.assertIn("the request stays and is done when the node runs", said.stderr)
        self.node.start()
        d.wait_for(lambda: self.node.sql("SELECT state FROM delivery") == [("cancelled",)], 20, "the request is done")


if __name__ == "__main__":
    unittest.main(verbosity=2)
