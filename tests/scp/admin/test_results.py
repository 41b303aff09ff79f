"""`cervigate results`: lists, shows, takes back and makes anew, in the caller's name; without a node the request waits."""
import getpass
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
NOBODY = "1.2.3.4.5"


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-results-")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.node = AnalyzeNode()
        self.addCleanup(self.node.stop)
        self.image = os.path.join(self.folder, "dx.dcm")
        self.study = d.write_object(self.image, 100000).StudyInstanceUID
        self.assertEqual(self.node.store(self.image).returncode, 0)
        d.wait_for(lambda: len(self.listed()) == 2, 20, "a report and a picture")
        self.sr, self.sc = (next(r for r in self.listed() if r["kind"] == kind) for kind in ("sr", "sc"))

    def results(self, *arguments, **environment):
        return subprocess.run([ADMIN, "results", *arguments], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, CERVIGATE_CONFIG=self.node.config, **environment))

    def listed(self, *arguments):
        said = self.results("list", "--json", *arguments)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        return [json.loads(line) for line in said.stdout.splitlines()]

    def states(self):
        return {r["uid"]: r["state"] for r in self.listed()}

    def requests(self):
        return self.node.sql("SELECT kind,uid,reason,who,answer FROM request ORDER BY id")

    def test_list_and_show(self):
        self.assertEqual({(r["state"], r["study"]) for r in self.listed()}, {("current", self.study)})
        self.assertEqual(len(self.listed("--study", self.study)), 2)
        self.assertEqual(self.listed("--study", NOBODY), [])
        lines = self.results("list").stdout.splitlines()
        self.assertRegex(lines[0], r"^KIND +STATE +OUTCOME +CREATED +UID +FILE +WHY$")
        self.assertEqual(len(lines), 3)
        with open(self.sr["file"].replace(".dcm", ".txt"), encoding="utf-8") as f:
            text = f.read()
        self.assertGreater(len(text), 100)
        shown = self.results("show", self.sr["uid"])
        self.assertEqual(shown.returncode, 0)
        self.assertRegex(shown.stdout, rf"(?s)^uid +{self.sr['uid']}\nkind +sr\nstate +current\noutcome +\S+\nstudy +{self.study}\n")
        self.assertTrue(shown.stdout.rstrip("\n").endswith(text.rstrip("\n")))
        said = json.loads(self.results("show", self.sc["uid"], "--json").stdout)
        self.assertEqual((said["kind"], said["text"]), ("sc", text))
        os.unlink(self.sr["file"].replace(".dcm", ".txt"))
        self.assertIsNone(json.loads(self.results("show", self.sr["uid"], "--json").stdout)["text"])

    def test_wrong_words(self):
        uid = self.sr["uid"]
        for words in ((), ("list", "x"), ("show",), ("retract",), ("retract", uid, uid), ("withdraw", uid), ("show", uid, "--reason", "quality"),
                      ("reissue", uid, "--reason", "quality"), ("retract", uid, "--study", uid), ("list", "--reason", "quality"),
                      ("retract", uid, "--reason", "113001"), ("retract", "1.2.x"), ("retract", "1" * 65), ("list", "--study", "x")):
            said = self.results(*words)
            self.assertEqual((said.returncode, said.stdout, "usage: cervigate results" in said.stderr), (64, "", True), words)
        for verb in ("show", "retract", "reissue"):
            said = self.results(verb, NOBODY)
            self.assertEqual((said.returncode, said.stderr), (66, f"cervigate results: there is no result {NOBODY}\n"))
        self.assertEqual(self.requests(), [])
        help_ = self.results("--help")
        self.assertEqual(help_.returncode, 0)
        for word in ("retract UID", "reissue UID", "wrong-worklist-entry", "Exit status:"):
            self.assertIn(word, help_.stdout)

    def test_a_report_is_taken_back_and_made_anew(self):
        said = self.results("retract", self.sr["uid"], "--reason", "safety", SUDO_USER="")
        self.assertEqual((said.returncode, said.stdout, said.stderr), (0, f"{self.sr['uid']}: retracted\n", ""))
        self.assertEqual(self.requests(), [("retract", self.sr["uid"], "113037", getpass.getuser(), "retracted")])
        self.assertEqual(self.states(), {self.sr["uid"]: "retracted", self.sc["uid"]: "retracted"})
        self.assertIn("why       113037\n", self.results("show", self.sr["uid"]).stdout)
        said = self.results("reissue", self.sr["uid"], "--json")
        answer = json.loads(said.stdout)
        self.assertEqual((said.returncode, answer["uid"], answer["answer"]), (0, self.sr["uid"], "reissued"))
        d.wait_for(lambda: sorted(self.states().values()) == ["current", "current", "retracted", "retracted"], 20, "new results")

    def test_a_picture_is_taken_back_alone_for_quality(self):
        self.assertEqual(self.results("retract", self.sc["uid"]).returncode, 0)
        self.assertEqual(self.states(), {self.sr["uid"]: "current", self.sc["uid"]: "retracted"})
        self.assertEqual(self.requests()[0][2], "113001")

    @unittest.skipIf(os.getuid() != 0, "skipped: sudo is of root")
    def test_behind_sudo_it_is_the_person(self):
        self.assertEqual(self.results("reissue", self.sr["uid"], SUDO_USER="mary").returncode, 0)
        self.assertEqual(self.requests()[0][3], "mary")

    def test_without_a_node_the_request_waits_for_it(self):
        uid = self.sr["uid"]
        self.node.process.terminate()
        self.node.process.wait(30)
        begin = time.monotonic()
        said = self.results("retract", uid, "--reason", "wrong-worklist-entry")
        self.assertGreater(time.monotonic() - begin, 9.5)
        self.assertEqual((said.returncode, said.stdout), (69, ""))
        self.assertIn("no answer in 10 seconds; the request stays", said.stderr)
        self.assertEqual(self.states()[uid], "current")
        self.node.start()
        d.wait_for(lambda: self.states()[uid] == "retracted", 20, "the request is done")
        self.assertEqual([(r[2], r[4]) for r in self.requests()], [("113038", "retracted")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
