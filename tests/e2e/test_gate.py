"""The input gate in the node: the view is told from pixels, the header's disagreement is told, an unknown age is a site's choice."""
import glob
import json
import os
import re
import shutil
import tempfile
import unittest

import harness as h

ADMIN = os.path.join(h.BIN, "cervigate")


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


class Gate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-gate-")
        cls.model = cls.path("model")
        os.mkdir(cls.path("kinds"))
        os.mkdir(cls.path("new"))
        for kind, seed in (("ap", 51), ("lateral", 52)):
            cls.admin("phantom", "--out", cls.path("kinds", kind), "--subject", kind, "--count", 40, "--size", 96, "--seed", seed)
            os.unlink(cls.path("kinds", kind, "manifest.csv"))
            cls.admin("phantom", "--out", cls.path("new", kind), "--subject", kind, "--count", 8, "--size", 128, "--seed", seed + 2)
        cls.admin("train", "--data", cls.path("kinds"), "--network", "gate", "--none", "lateral", "--init", "none", "--out", cls.path("gate"),
                  "--side", 64, "--epochs", 16, "--optimiser", "adam", "--dropout", 0, "--normalise", "percentile", "--augment", "flip=0.5,shift=0.04",
                  "--split", "80/10/10")
        shutil.copytree(h.MODEL, cls.model, ignore=shutil.ignore_patterns("gate"))
        said = cls.admin("import", "gate", cls.path("gate"), "--out", cls.model, "--accept", "lateral", "--least", 0.5)
        cls.digest = said.stdout.split()[-1]
        cls.images = {kind: sorted(glob.glob(cls.path("new", kind, "*", "*.png"))) for kind in ("ap", "lateral")}

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def admin(cls, *arguments):
        said = h.run(ADMIN, *arguments, env=dict(os.environ, XDG_CACHE_HOME=cls.path("cache")))
        if said.returncode not in (0, 65):
            raise AssertionError(f"{arguments}: {said.returncode}\n{said.stderr}")
        return said

    def setUp(self):
        self.pacs, self.node = h.StoreScp(), None

    def tearDown(self):
        if self.node:
            self.node.stop()
        self.pacs.close()

    def start(self):
        rules = '<rule name="all-dx" action="analyze"><match attribute="Modality" values="DX CR"/></rule>'
        self.node = h.Node({"pacs": (self.pacs.ae, self.pacs.port)}, model=self.model, rules=rules)

    def answer(self, kind, index=0, **attributes):
        """What the report says of an image of this kind, and the study."""
        path = self.path(f"{h.time.monotonic_ns()}.dcm")
        study = h.wrap(h.grey(self.images[kind][index]), path, **attributes).StudyInstanceUID
        self.assertEqual(self.node.send(path).returncode, 0)
        found = h.wait_for(lambda: self.pacs.objects(h.SR3D, study), 60, "a report")
        return h.run("dsrdump", "+Pl", found[0]).stdout, study

    def test_the_gate_tells_views_apart(self):
        """On patients that it never saw: else the tests below would show nothing."""
        said = self.admin("predict", "--json", "--model", self.model, *self.images["ap"], *self.images["lateral"])
        answers = [json.loads(line) for line in said.stdout.splitlines()]
        judged = [answer["score"] is not None for answer in answers]
        self.assertEqual({answer["digest"] for answer in answers}, {self.digest})
        self.assertLessEqual(sum(judged[:8]) + sum(not each for each in judged[8:]), 1, judged)
        self.assertEqual({answer["reason"] for answer in answers if answer["score"] is None}, {"wrong-view"})

    def test_an_ap_view_is_not_processed_whatever_its_header_says(self):
        self.start()
        for view in ("AP", "LL", None):
            text, study = self.answer("ap", ViewPosition=view)
            self.assertIn("111245", text)
            self.assertRegex(text, "was not judged.*the pixels look most like an AP view of the cervical spine")
            self.assertEqual(self.pacs.objects(h.SC, study), [])
            self.assertEqual("the header says left lateral, the pixels do not" in text, view == "LL", text)

    def test_a_lateral_that_is_called_ap_is_judged_and_the_report_tells(self):
        self.start()
        text, study = self.answer("lateral", ViewPosition="AP")
        self.assertIn("the header says AP, the pixels do not", text)
        self.assertNotIn("was not judged", text)
        h.wait_for(lambda: len(self.pacs.objects(h.SC, study)) == 1, 30, "a picture")
        text, _ = self.answer("lateral", 1)
        self.assertNotIn("the header says", text)
        self.assertNotIn("age unknown", text)

    def test_an_unknown_age_is_told_or_refused(self):
        self.start()
        nobody = {"PatientBirthDate": "", "ViewPosition": "LL"}
        text, study = self.answer("lateral", **nobody)
        self.assertIn("age unknown", text)
        h.wait_for(lambda: len(self.pacs.objects(h.SC, study)) == 1, 30, "a picture")

        self.change_the_model_too()
        with open(self.node.config, encoding="utf-8") as f:
            config = f.read()
        self.assertIn("<study ", config)
        with open(self.node.config, "w", encoding="utf-8") as f:
            f.write(config.replace("<study ", '<study judgeUnknownAge="false" '))
        pid = self.node.facts()["analyze_pid"]
        os.kill(self.node.process.pid, h.signal.SIGHUP)
        h.wait_for(lambda: self.node.facts().get("analyze_pid", "0") not in ("0", pid), 30, "the new configuration")
        text, study = self.answer("lateral", 1, **nobody)
        self.assertRegex(text, "was not judged.*the header tells neither age nor birth date")
        self.assertEqual(self.pacs.objects(h.SC, study), [])
        text, study = self.answer("lateral", 2, PatientBirthDate="", PatientAge="044Y")
        self.assertNotIn("was not judged", text)
        self.who_changed_what_is_in_the_audit()

    def change_the_model_too(self):
        """An operating point and the gate's least score, by hand."""
        path = os.path.join(self.model, "model.xml")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        self.addCleanup(write, path, text)
        self.point = re.search('name="fracture" finding="true" operating-point="([^"]+)"', text).group(1)
        write(path, text.replace(f'operating-point="{self.point}"', 'operating-point="0.625"').replace('least="0.5"', 'least="0.4375"'))

    def who_changed_what_is_in_the_audit(self):
        said = h.run(ADMIN, "audit", "search", "--config", self.node.config, "--json", "--event", "software configuration")
        record = json.loads(said.stdout.splitlines()[-1])
        told = record["objects"][0]["details"]
        self.assertRegex(told.pop(f"model {self.model} digest"), "^old [0-9a-f]{64}, new [0-9a-f]{64}$")
        self.assertEqual(told, {f"model {self.model} operating point of fracture": f"old {float(self.point):.17g}, new 0.625",
                                f"model {self.model} gate's least score of lateral": "old 0.5, new 0.4375",
                                "study judgeUnknownAge": "old true, new false"})
        self.assertEqual(record["participants"][0]["user"], h.run("id", "-un").stdout.strip())

    def test_a_child_is_refused_by_its_age(self):
        self.start()
        text, _ = self.answer("lateral", PatientAge="009Y")
        self.assertRegex(text, "was not judged.*under 16 years")


if __name__ == "__main__":
    unittest.main(verbosity=2)
