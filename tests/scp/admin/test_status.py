"""`cervigate status` and /healthz on a real node: the same reasons, the figures of what really happened, alarms in the log."""
import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
import unittest

from pydicom.dataset import Dataset

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from test_selftest import Health  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")
CLOSED = ('<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="1"/></peers><destinations>'
          '<destination peer="pacs" outputs="SR SC" demo="true" retryFirst="1" retryMost="1"/></destinations>')


class Status(unittest.TestCase):
    def node(self, **settings):
        node = Health(start=False, **settings)
        self.addCleanup(node.stop)
        return node

    def status(self, node, *arguments):
        return subprocess.run([ADMIN, "status", *arguments, "--config", node.config], capture_output=True, text=True, timeout=60)

    def json(self, node, code):
        said = self.status(node, "--json")
        self.assertEqual(said.returncode, code, said)
        return json.loads(said.stdout)

    def send(self, node, **attributes):
        path = os.path.join(node.folder, "i.dcm")
        d.write_object(path, 100000, **attributes)
        self.assertEqual(node.store(path).returncode, 0)

    def reports(self, node, count):
        d.wait_for(lambda: node.sql("SELECT count(*) FROM result WHERE kind='sr'")[0][0] == count, 30, f"{count} reports")

    def well(self, node):
        d.wait_for(lambda: node.get("/healthz")[0] == 200, 15, "well")

    def test_what_happened_is_in_the_figures(self):
        node = self.node(limits='spoolReserve="1048576" nesting="1" quarantineBytes="90000"').start()
        self.well(node)
        self.send(node)
        self.reports(node, 1)
        self.send(node, PatientAge="003Y")  # outside the model's age: not processed
        self.reports(node, 2)
        deep = Dataset()
        deep.add_new(0x00081140, "SQ", [Dataset()])
        path = os.path.join(node.folder, "deep.dcm")
        d.write_object(path, 40000, ReferencedImageSequence=[deep])
        self.assertNotEqual(node.store(path).returncode, 0)
        said = {}

        def counted():
            said.update(self.json(node, 0))
            return said["health"]["refusals"]["reference"] == 3
        d.wait_for(counted, 10, "three associations")
        h = said["health"]
        self.assertEqual((said["well"], said["why"], said["running"]), (True, [], True))
        self.assertEqual((h["unprocessed"]["reference"], h["unprocessed"]["reference_hits"], h["unprocessed"]["ready"]), (2, 1, False))
        self.assertEqual((h["refusals"]["reference_hits"], said["refused"]), (1, 1))
        model, = h["models"]
        self.assertEqual(model["model"], node.sql("SELECT model_digest FROM judgement WHERE model_digest<>''")[0][0])
        self.assertEqual(model["flags"]["reference"], 1)
        scores = [float(s) for s in node.sql("SELECT scores FROM judgement WHERE scores<>''")[0][0].split()]
        self.assertEqual(node.sql("SELECT score FROM sample WHERE series NOT IN ('study','association')"), [(max(scores[:2]),)])
        station, = h["stations"]
        self.assertEqual((station["station"], station["studies"], station["alarm"]), ("STORESCU", 2, False))
        self.assertEqual(h["limits"]["reference"], 500)
        self.assertEqual(h["limits"]["selfTestRetry"], 1)
        self.assertEqual(len(h["limits"]), 12)
        self.assertIsNone(h["oldest_job"])
        self.assertTrue(said["selftest"]["passed"])

        text = self.status(node)
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r"(?m)^well        yes$")
        self.assertRegex(text.stdout, r"(?m)^self-test   passed at .*; scores are not locked: cervigate selftest --lock$")

        self.assertEqual(self.status(node, "relearn").returncode, 0)
        self.assertEqual(self.json(node, 0)["health"]["refusals"]["reference"], 0)
        self.quarantine_fills_up(node, path)

    def quarantine_fills_up(self, node, refused):
        """Two of 40,000 bytes fit; the third is refused as the others were, and not kept."""
        kept = self.json(node, 0)["quarantine"]
        self.assertEqual((kept["objects"], kept["bytes_most"]), (1, 90000))
        for _ in range(2):
            self.assertNotEqual(node.store(refused).returncode, 0)
        self.assertEqual(len(os.listdir(node.spool + "/quarantine")), 4)
        self.assertRegex(node.log(), "quarantine-failed association=[^ ]* limit=quarantineBytes ")
        self.assertEqual(len(re.findall("instance-refused .* status=C000 ", node.log())), 3)
        said = self.json(node, 1)
        self.assertEqual([w["name"] for w in said["why"]], ["quarantine-full"])
        size = sum(os.path.getsize(os.path.join(node.spool, "quarantine", name)) for name in os.listdir(node.spool + "/quarantine"))
        self.assertEqual(said["quarantine"], {"objects": 2, "objects_most": 1000, "bytes": size, "bytes_most": 90000})
        self.assertIn(f"quarantine  2 refused objects of 1000, {size} bytes of 90000\n", self.status(node).stdout)

    def test_status_and_healthz_agree_on_why_not(self):
        node = self.node(mode="demo", peers=CLOSED)
        node.health = 'oldestJob="2" checkEvery="1"'
        node.write_config()
        node.start()
        self.well(node)
        page = node.get("/healthz")[1]
        self.assertEqual((page["well"], page["why"]), (True, []))
        self.assertTrue(page["selftest"]["passed"])
        self.send(node)
        d.wait_for(lambda: node.get("/healthz")[0] == 503, 30, "an old delivery")
        page = json.loads(node.get("/healthz")[1])
        said = self.json(node, 1)
        self.assertEqual([(w["name"], w["subject"]) for w in said["why"]], [("oldest-job", "delivery")])
        self.assertEqual([(w["name"], w["subject"]) for w in page["why"]], [("oldest-job", "delivery")])
        self.assertGreater(said["health"]["oldest_job"]["seconds"], 2)
        self.assertEqual(node.get("/readyz")[0], 200)  # it can take objects
        text = self.status(node)
        self.assertEqual(text.returncode, 1)
        self.assertRegex(text.stdout, r"(?m)^well        no\n            oldest-job delivery: it waits since \d+ s, oldestJob is 2$")
        d.wait_for(lambda: 'alarm name=oldest-job subject="delivery" state=on' in node.log(), 10, "the alarm")
        time.sleep(2.5)
        self.assertEqual(node.log().count("state=on"), 1)

    def alarm(self, node, name, subject, state):
        d.wait_for(lambda: f'alarm name={name} subject="{subject}" state={state}' in node.log(), 20, f"the alarm {name} {state}")

    def change(self, node, *statements):
        with contextlib.closing(sqlite3.connect(node.spool + "/jobs.sqlite", timeout=20)) as db, db:
            for statement in statements:
                db.execute(statement)

    def test_what_shifts_and_who_is_silent_is_an_alarm(self):
        """Each watch of rates, scores and stations in the running node: its alarm, the same in status and page, and its end."""
        node = self.node()
        node.health = 'checkEvery="1" reference="100" minimum="30" silence="2" silenceExpected="12"'
        node.write_config()
        node.start()
        self.well(node)
        model = node.sql("SELECT models FROM selftest")[0][0]
        hour = int(time.time()) // 3600
        add = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{}) INSERT INTO sample(series,at_ms,hit,score)"
               " SELECT '{}',1000*{}+i,i%{}=0,{} FROM n")
        spread = "(i*37%101)/101.0"
        for series in ("association", "study", model):
            self.change(node, add.format(200, series, 1, 10, spread))
        self.change(node, f"WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO hour SELECT 'XR1',{hour}-i,8 FROM n")
        self.alarm(node, "station-silent", "XR1", "on")
        self.assertEqual([w["name"] for w in self.json(node, 1)["why"]], ["station-silent"], "as in the reference")
        self.change(node, f"INSERT INTO hour VALUES('XR1',{hour},8)")
        self.alarm(node, "station-silent", "XR1", "off")
        self.well(node)

        cases = (("refusal-rate", "", "association", 1, spread), ("unprocessed-rate", "", "study", 1, spread), ("flag-rate", model[:16], model, 1, spread),
                 ("score-shift", model[:16], model, 10, "0.5"))
        for n, (name, subject, series, every, score) in enumerate(cases, 2):
            self.change(node, add.format(120, series, n, every, score))
        for name, subject, *_ in cases:
            self.alarm(node, name, subject, "on")
        said = self.json(node, 1)
        self.assertLessEqual({c[:2] for c in cases}, {(w["name"], w["subject"]) for w in said["why"]})
        self.assertEqual(said["why"], json.loads(node.get("/healthz")[1])["why"])
        self.assertEqual(self.status(node, "relearn").returncode, 0)
        for name, subject, *_ in cases:
            self.alarm(node, name, subject, "off")
        self.well(node)
        self.conflict(node)

    def conflict(self, node):
        """Other pixels under a SOP Instance UID: both are kept, not processed, and an alarm until they are discarded."""
        path = os.path.join(node.folder, "i.dcm")
        uid = d.write_object(path, 100000).SOPInstanceUID
        self.assertEqual(node.store(path).returncode, 0)
        self.reports(node, 1)
        d.write_object(path, 100000, SOPInstanceUID=uid)
        self.assertEqual(node.store(path).returncode, 0)
        self.alarm(node, "conflict", "STORESCU", "on")
        self.assertEqual(node.sql("SELECT state,reason,gone_ms FROM instance ORDER BY id"), [("judged", "none", 0), ("not-processed", "conflict", 0)])
        self.assertEqual(len(node.objects()), 2)
        why, = self.json(node, 1)["why"]
        self.assertRegex(why["detail"], "^1 came with the SOP Instance UID of another object and other pixels, the last is job 2: ")
        self.reports(node, 2)
        said = subprocess.run([ADMIN, "jobs", "discard", "2", "--config", node.config], capture_output=True, text=True, timeout=60)
        self.assertEqual(said.returncode, 0, said)
        self.alarm(node, "conflict", "STORESCU", "off")
        self.well(node)

    def test_a_node_that_does_not_run(self):
        node = self.node().start()
        self.well(node)
        node.process.terminate()
        node.process.wait(30)
        said = self.json(node, 1)
        self.assertEqual((said["well"], said["running"], [w["name"] for w in said["why"]]), (False, False, ["node"]))
        self.assertEqual(self.status(node).returncode, 1)

    def test_a_store_that_is_there_and_gone(self):
        node = self.node().start()
        self.well(node)
        said = subprocess.run([ADMIN, "status", "relearn", "--config", node.config], capture_output=True, text=True, timeout=60)
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, "the references are learnt anew from now on\n", ""))
        self.assertEqual(node.sql("SELECT COUNT(*) FROM memo WHERE name LIKE 'relearned%'"), [(1,)])
        os.rename(node.spool + "/jobs.sqlite", node.spool + "/jobs.away")
        self.assertEqual(self.status(node).returncode, 66)
        os.rename(node.spool + "/jobs.away", node.spool + "/jobs.sqlite")

    def test_misuse(self):
        node = self.node()
        self.assertEqual(self.status(node, "word").returncode, 64)
        self.assertEqual(self.status(node, "--help").returncode, 0)
        self.assertEqual((self.status(node).returncode, self.status(node, "relearn").returncode), (66, 66))


if __name__ == "__main__":
    unittest.main(verbosity=2)
