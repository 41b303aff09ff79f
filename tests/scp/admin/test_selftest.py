"""`cervigate selftest` and the node's own: what is locked, each step that can fail, and what the node does while it fails."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")
BUNDLED = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),
                       "models/cervigate-phantom")


def selftest(*arguments, **environment):
    return subprocess.run([ADMIN, "selftest", *arguments], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **environment))


def kernels():
    """Every kernel set that runs here."""
    sets = []
    for name in ("avx512", "avx2", "portable"):
        said = subprocess.run([ADMIN, "--version"], capture_output=True, text=True, env=dict(os.environ, CERVIGATE_KERNELS=name))
        if f"kernels {name}," in said.stdout:
            sets.append(name)
    return sets


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-selftest-")
        cls.model = d.model(cls.folder)
        said = selftest("--model", cls.model, "--lock")
        assert said.returncode == 0, said
        cls.lock = os.path.join(cls.model, "selftest.json")
        with open(cls.lock, encoding="utf-8") as f:
            cls.known = f.read()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def tearDown(self):
        with open(self.lock, "w", encoding="utf-8") as f:
            f.write(self.known)

    def run_json(self, code, *arguments, **environment):
        said = selftest("--model", self.model, "--json", *arguments, **environment)
        self.assertEqual(said.returncode, code, said)
        return json.loads(said.stdout)

    def bad(self, said):
        return {s["step"] for s in said["steps"] if s["result"] == "bad"}

    def test_what_was_locked_comes_out_again(self):
        said = self.run_json(0)
        self.assertEqual((said["end"], said["unlocked_models"], said["locked_now"]), ("passed", 0, False))
        self.assertEqual({s["step"] for s in said["steps"]}, {"decode", "score", "report", "picture"})
        self.assertEqual({s["result"] for s in said["steps"]}, {"good"})
        self.assertEqual(sum(s["detail"] == "equal to the bit" for s in said["steps"]), 4)
        self.assertEqual(os.stat(self.lock).st_mode & 0o777, 0o644)
        text = selftest("--model", self.model)
        self.assertEqual(text.returncode, 0)
        self.assertRegex(text.stdout, r"(?m)^passed in \d+ ms on ")
        self.assertEqual(os.listdir(self.folder), ["model"])

    def test_locking_twice_gives_the_same(self):
        self.run_json(0, "--lock")
        with open(self.lock, encoding="utf-8") as f:
            again = json.load(f)
        before = json.loads(self.known)
        for key in ("locked",):
            del again[key], before[key]
        self.assertEqual(again, before)

    def test_on_other_kernels_a_tolerance_holds(self):
        sets = kernels()
        self.assertIn("portable", sets)
        for name in sets[1:]:
            said = self.run_json(0, CERVIGATE_KERNELS=name)
            self.assertEqual(sum(s["detail"].startswith("within 1e-4") for s in said["steps"]), 4)
            self.assertEqual([s["result"] for s in said["steps"] if s["step"] == "picture"], ["not-compared"])

    def test_each_falsified_step_is_found_and_named(self):
        for fault in ("draw", "decode", "score", "report", "picture"):
            with self.subTest(fault=fault):
                said = self.run_json(1, CERVIGATE_SELFTEST_FAULT=fault)
                self.assertEqual(said["end"], "failed")
                self.assertEqual(self.bad(said) - ({"picture"} if fault == "draw" else set()), {fault})
        self.assertIn("decode", self.bad(self.run_json(1, CERVIGATE_OBJECT_FAULT="crash:decode")))
        self.run_json(0, CERVIGATE_OBJECT_FAULT="crash:decode:2-2")  # one child killed by somebody is not the program's failure

        said = json.loads(selftest("--model", BUNDLED, "--json", CERVIGATE_SELFTEST_FAULT="gate").stdout)
        self.assertEqual(self.bad(said), {"gate"})

    def test_one_bit_counts_and_the_tolerance_is_that_much(self):
        known = json.loads(self.known)
        for difference, same, other in ((1e-7, 1, 0), (9e-5, 1, 0), (2e-4, 1, 1)):
            changed = json.loads(self.known)
            changed["inputs"][1]["scores"][0] = abs(known["inputs"][1]["scores"][0] - difference)
            for kernels_, code in ((known["kernels"], same), ("sse9, none", other)):
                changed["kernels"] = kernels_
                with open(self.lock, "w", encoding="utf-8") as f:
                    json.dump(changed, f)
                said = self.run_json(code)
                self.assertEqual(self.bad(said), {"score"} if code else set(), (difference, kernels_))

    def test_other_pixels_and_pictures_than_locked(self):
        for path, step in (("pixels", "draw"), ("grey", "decode"), ("picture", "picture")):
            changed = json.loads(self.known)
            (changed if path == "picture" else changed["inputs"][2])[path] = "0" * 64
            with open(self.lock, "w", encoding="utf-8") as f:
                json.dump(changed, f)
            self.assertEqual(self.bad(self.run_json(1)), {step})
        changed = json.loads(self.known)
        changed["letters"], changed["picture"] = "FreeType 3.0.0, font 00", "0" * 64
        with open(self.lock, "w", encoding="utf-8") as f:
            json.dump(changed, f)
        self.assertEqual(self.bad(self.run_json(0)), set())

    def test_a_lock_that_cannot_be_read_fails(self):
        known = json.loads(self.known)
        for text in ("{", "[]", json.dumps(dict(known, model="x")), json.dumps(dict(known, selftest=2)),
                     json.dumps(dict(known, classes=17)), json.dumps(dict(known, inputs=[])),
                     json.dumps(dict(known, picture=7)), self.known + " " * 70000,
                     json.dumps(known).replace('"gate": ', '"gate": -')):
            with open(self.lock, "w", encoding="utf-8") as f:
                f.write(text)
            self.assertEqual(self.bad(self.run_json(1)), {"lock"}, text[:80])

    def test_without_a_lock_or_with_another_models_nothing_is_compared(self):
        for change in (lambda: os.unlink(self.lock), lambda: self.other()):
            change()
            said = self.run_json(0)
            self.assertEqual((said["end"], said["unlocked_models"]), ("passed", 1))
            self.assertEqual([s["result"] for s in said["steps"] if s["step"] == "lock"], ["not-compared"])

    def other(self):
        with open(self.lock, "w", encoding="utf-8") as f:
            json.dump(dict(json.loads(self.known), model="0" * 64), f)

    def test_what_fails_is_not_locked(self):
        os.unlink(self.lock)
        self.assertEqual(selftest("--model", self.model, "--lock", CERVIGATE_SELFTEST_FAULT="report").returncode, 1)
        self.assertFalse(os.path.exists(self.lock))

    def test_no_verdict_and_misuse(self):
        said = self.run_json(74, CERVIGATE_SELFTEST_FAULT="space")
        self.assertEqual(said["end"], "undone")
        self.assertIn("No space left", said["trouble"])
        self.assertEqual(selftest("--model", self.folder + "/none").returncode, 66)
        self.assertEqual(selftest("--config", self.folder + "/none.xml").returncode, 66)
        self.assertEqual(selftest("--model", "a", "--config", "b").returncode, 64)
        self.assertEqual(selftest("word").returncode, 64)
        self.assertEqual(selftest("--what").returncode, 64)
        self.assertEqual(selftest("--help").returncode, 0)
        broken = os.path.join(self.folder, "broken")
        shutil.copytree(self.model, broken)
        with open(os.path.join(broken, "model.xml"), "a", encoding="utf-8") as f:
            f.write("<")
        self.assertEqual(selftest("--model", broken).returncode, 65)
        shutil.rmtree(broken)

    def test_the_bundled_model_is_what_was_locked(self):
        for name in kernels():
            said = selftest("--model", BUNDLED, "--json", CERVIGATE_KERNELS=name)
            self.assertEqual(said.returncode, 0, said.stdout)
            self.assertEqual(json.loads(said.stdout)["unlocked_models"], 0,
                             "lock it: cervigate selftest --model models/cervigate-phantom --lock")


class Health(AnalyzeNode):
    """A node that tests itself often."""
    health = 'selfTestEvery="86400" selfTestRetry="1" checkEvery="1"'

    def write_config(self, extra="", port=0):
        super().write_config(extra + f"<health {self.health}/>", port)


class Node(unittest.TestCase):
    def setUp(self):
        self.node = Health(start=False)
        self.addCleanup(self.node.stop)
        self.image = os.path.join(self.node.folder, "i.dcm")

    def status(self):
        said = subprocess.run([ADMIN, "status", "--json", "--config", self.node.config], capture_output=True, text=True)
        return said.returncode, json.loads(said.stdout)

    def verdicts(self):
        return self.node.sql("SELECT passed,cause,unlocked,what FROM selftest ORDER BY id")

    def store(self):
        d.write_object(self.image, 100000)
        self.assertEqual(self.node.store(self.image).returncode, 0)

    def answers(self, count):
        return d.wait_for(lambda: self.node.sql("SELECT count(*) FROM result WHERE kind='sr'")[0][0] == count, 60, "a report")

    def lock(self):
        said = selftest("--config", self.node.config, "--lock")
        self.assertEqual(said.returncode, 0, said)

    def test_at_start_and_after_an_upgrade(self):
        self.node.start()
        d.wait_for(self.verdicts, 60, "a self-test")
        self.assertEqual(self.verdicts(), [(1, "start", 1, "")])
        self.lock()
        self.assertEqual(len(os.listdir(self.node.spool + "/selftest")), 1)
        self.node.kill("analyze")
        d.wait_for(lambda: len(self.verdicts()) == 2, 60, "another")
        self.assertEqual(self.verdicts()[1], (1, "start", 0, ""))
        # another model under the same name: an upgrade, of which nothing is known
        self.node.process.terminate()
        self.node.process.wait(30)
        shutil.rmtree(self.node.model)
        d.model(self.node.folder, "own")
        self.node.start()
        d.wait_for(lambda: len(self.verdicts()) == 3, 60, "a third")
        self.assertEqual(self.verdicts()[2], (1, "upgrade", 1, ""))

    def test_at_start_other_pixels_than_locked_are_no_pass(self):
        """The build's inputs are taken only where they are the locked ones; else they are drawn, and told."""
        self.lock_is(lambda known: known["inputs"][2].update(pixels="0" * 64))
        self.node.start()
        d.wait_for(self.verdicts, 60, "a self-test")
        self.assertEqual(self.verdicts(), [(0, "start", 0, "draw")])

    def lock_is(self, change):
        """A lock of the node's model, changed."""
        said = selftest("--model", self.node.model, "--lock")
        self.assertEqual(said.returncode, 0, said)
        path = os.path.join(self.node.model, "selftest.json")
        with open(path, encoding="utf-8") as f:
            known = json.load(f)
        change(known)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(known, f)

    def test_daily(self):
        self.node.health = 'selfTestEvery="1"'
        self.node.write_config()
        self.node.start()
        d.wait_for(lambda: len(self.verdicts()) >= 3, 60, "three self-tests")
        self.assertEqual([t[1] for t in self.verdicts()][:3], ["start", "daily", "daily"])

    def test_while_it_fails_nothing_is_processed_and_then_all_is_well_again(self):
        self.node.start()
        d.wait_for(self.verdicts, 60, "a self-test")
        self.lock()
        self.node.process.terminate()
        self.node.process.wait(30)
        self.node.health = 'selfTestEvery="86400" selfTestRetry="3" checkEvery="1"'
        self.node.write_config()
        self.node.start({"CERVIGATE_SELFTEST_FAULT": "score:3"})
        d.wait_for(lambda: len(self.verdicts()) >= 2, 60, "a self-test that fails")
        self.store()
        self.answers(1)
        self.assertEqual(self.node.sql("SELECT state,reason FROM instance"), [("not-processed", "software-failure")])
        self.assertIn("self-test failed: score", self.node.sql("SELECT detail FROM instance")[0][0])
        code, said = self.status()
        page_code, page = self.node.get("/healthz")
        self.assertEqual((code, said["well"], page_code), (1, False, 503))
        self.assertEqual([w["name"] for w in said["why"]], ["selftest"])
        self.assertEqual(json.loads(page)["why"], said["why"])
        self.assertFalse(said["selftest"]["passed"])
        self.assertEqual((said["selftest"]["what"], said["selftest"]["unlocked_models"]), ("score", 0))

        d.wait_for(lambda: self.verdicts()[-1][0] == 1, 60, "one that passes")
        self.assertEqual([t[:2] for t in self.verdicts()[1:]], [(0, "start"), (0, "again"), (0, "again"), (1, "again")])
        self.store()
        self.answers(2)
        self.assertEqual(self.node.sql("SELECT state FROM instance ORDER BY id")[1], ("judged",))
        d.wait_for(lambda: "alarm name=selftest" in self.node.log() and "state=off" in self.node.log(), 60, "the alarm's end")
        alarms = [line.split("alarm ", 1)[1] for line in self.node.log().splitlines() if " alarm " in line]
        self.assertEqual([a.split(" detail=")[0] for a in alarms],
                         ['name=selftest subject="" state=on', 'name=selftest subject="" state=off'])
        retried = subprocess.run([ADMIN, "jobs", "retry", "1", "--config", self.node.config], capture_output=True, text=True, timeout=60)
        self.assertEqual(retried.returncode, 0, retried)
        d.wait_for(lambda: self.node.sql("SELECT DISTINCT state FROM instance") == [("judged",)], 60, "the first one, too")
        self.assertEqual(self.node.log().count("selftest-failed "), 3)
        self.assertIn('look="cervigate selftest --json', self.node.log())
        code, said = self.status()
        self.assertEqual((code, said["well"], self.node.get("/healthz")[0]), (0, True, 200))

    def test_an_answer_is_not_replaced_by_none(self):
        """A correction that comes while the self-test fails waits."""
        self.node.start()
        first = d.write_object(self.image, 100000)
        self.assertEqual(self.node.store(self.image).returncode, 0)
        self.answers(1)
        self.node.process.terminate()
        self.node.process.wait(30)
        self.node.health = 'selfTestRetry="4" checkEvery="1"'
        self.node.write_config()
        self.node.start({"CERVIGATE_SELFTEST_FAULT": "decode:1"})
        d.wait_for(lambda: self.verdicts()[-1][0] == 0, 60, "a self-test that fails")
        first.PatientName = "Corrected"
        first.save_as(self.image, write_like_original=False)
        self.assertEqual(self.node.store(self.image).returncode, 0)
        time.sleep(1)
        self.assertEqual(self.node.sql("SELECT state FROM instance WHERE rival=1"), [("received",)])
        self.answers(2)
        self.assertEqual(self.node.sql("SELECT state FROM instance"), [("judged",), ("judged",)])
        self.assertEqual(self.node.sql("SELECT DISTINCT outcome<>'not-processed' FROM result WHERE kind='sr'"), [(1,)])

    def test_objects_wait_for_the_first_verdict(self):
        self.node.start({"CERVIGATE_SELFTEST_FAULT": "space:1"})
        self.store()
        d.wait_for(lambda: "selftest-undone" in self.node.log(), 60, "trouble")
        self.assertEqual(self.node.sql("SELECT state,attempts FROM instance"), [("received", 0)])
        self.answers(1)
        self.assertEqual(self.node.sql("SELECT state FROM instance"), [("judged",)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
