#!/usr/bin/python3
"""scripts/model-report at a tiny scale on the bundled model: every section is there, and figures agree with an independent count."""
import csv
import glob
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
PROGRAM = os.environ.get("CERVIGATE") or os.path.join(os.environ.get("CERVIGATE_BUILD", os.path.join(SOURCE, "build/release")), "bin/cervigate")
MODEL = os.path.join(SOURCE, "models/cervigate-phantom")
SECTIONS = ("Three classes, patients never seen", "Detection over the physical measures", "Specificity on hard negatives", "A second configuration of the generator",
            "At a prevalence of 2 %", "Calibration of scores", "Pictures made worse", "Maps", "Counterfactual twins", "Real anatomy: a sanity check", "The input gate", "Limits")
try:
    import numpy as np
    import scipy  # noqa: F401
    from PIL import Image
    sys.path.insert(0, HERE)
    import gate
    import lab as laboratory
    import stats
    import twins
except ImportError:
    print("skipped: no scipy (scripts/deps --peers)")
    sys.exit(77)


class Intervals(unittest.TestCase):
    def test_known(self):
        low, high = stats.wilson(81, 263)  # Newcombe 1998, table I
        self.assertAlmostEqual(low, 0.2553, 4)
        self.assertAlmostEqual(high, 0.3662, 4)
        low, high = stats.exact(15, 148)
        self.assertAlmostEqual(low, 0.0578, 4)
        self.assertAlmostEqual(high, 0.1617, 4)
        self.assertGreater(stats.lower_limit(598, 598), 0.995)  # 0.05 ** (1 / n), solved for n
        self.assertLess(stats.lower_limit(597, 597), 0.995)

    def test_area(self):
        positive, negative = [0.9, 0.4, 0.7, 0.7], [0.1, 0.7, 0.3]
        pairs = [(x > y) + 0.5 * (x == y) for x in positive for y in negative]
        self.assertAlmostEqual(stats.auc(positive, negative)["value"], sum(pairs) / len(pairs))
        self.assertIsNone(stats.auc([1, 1], [0, 0])["low"])
        one, two = ([0.9, 0.4, 0.7], [0.1, 0.7, 0.3]), ([9.0, 8.0, 3.0], [7.0, 2.0, 1.0])  # scores of two models, not on one scale
        both = stats.auc_of_parts([one, two])
        self.assertAlmostEqual(both["value"], (stats.auc(*one)["value"] + stats.auc(*two)["value"]) / 2)
        self.assertEqual(both["of"], [6, 6])
        self.assertLess(both["high"] - both["low"], min(f["high"] - f["low"] for f in (stats.auc(*one), stats.auc(*two))))


class Report(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-report-")
        cls.model = os.path.join(cls.folder, "model")
        shutil.copytree(MODEL, cls.model, ignore=shutil.ignore_patterns("gate"))
        with open(os.path.join(cls.model, "model.xml"), encoding="utf-8") as f:  # a small input is quick; the model folder's gate is not asked
            text = re.sub(r' side="\d+"', ' side="96"', re.sub(r"\s*<input-gate\b[^>]*/>", "", f.read()), count=1)
        with open(os.path.join(cls.model, "model.xml"), "w", encoding="utf-8") as f:
            f.write(text)
        cls.page = os.path.join(cls.folder, "r.html")
        cls.cache = os.path.join(cls.folder, "cache")
        cls.first = cls.report()
        with open(cls.page, encoding="utf-8") as f:
            cls.html = f.read()
        with open(os.path.join(cls.folder, "r.json"), encoding="utf-8") as f:
            cls.json = json.load(f)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def report(cls, *more):
        environment = dict(os.environ, CERVIGATE=PROGRAM, CERVIGATE_SHARED=os.path.join(cls.folder, "no-shared-data"))
        said = subprocess.run([os.path.join(SOURCE, "scripts/model-report"), "--model", cls.model, "--scale", "0.004", "--full", "12", "--out", cls.page, "--cache", cls.cache, *more],
                              capture_output=True, text=True, env=environment)
        assert said.returncode == 0, said.stderr
        return said.stdout if more else said.stderr

    def test_first_line_and_sections(self):
        text = re.sub(r"<[^>]+>", "", self.html[self.html.index("<body>"):])
        self.assertEqual(text.strip().split("\n")[0], "sensitivity in injured patients: NOT MEASURED (n = 0)")
        for number, title in enumerate(SECTIONS, 1):
            self.assertIn(f"<h2>{number}. {title}</h2>", self.html)
        self.assertEqual(list(self.json["sections"]), list(SECTIONS))
        self.assertNotRegex(self.html, r"(src|href)=\"?(https?:|//|data:)|<img|<script|url\(")
        self.assertNotIn(self.folder, self.html)
        self.assertIn("for trying, no report", self.html)
        self.assertIn("skipped: no shared data", self.html)

    def test_counts_agree(self):
        """The confusion matrix again, from the manifest and what predict says now."""
        folder, = glob.glob(os.path.join(self.cache, "phantoms/*/protocol-*"))
        with open(os.path.join(folder, "manifest.csv"), encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        said = subprocess.run([PROGRAM, "predict", "--model", self.model, "--json", *[os.path.join(folder, r["file"]) for r in rows]], capture_output=True, text=True)
        told = [json.loads(line) for line in said.stdout.splitlines()]
        self.assertEqual(len(told), len(rows))
        figures = self.json["sections"][SECTIONS[0]]["all"]
        for truth, answers in figures["confusion"].items():
            for answer, count in zip(("dislocation", "fracture", "normal"), answers):
                self.assertEqual(count, sum(r["class"] == truth and t["class"] == answer for r, t in zip(rows, told)))
        right = sum(r["class"] == t["class"] for r, t in zip(rows, told))
        self.assertEqual((figures["accuracy"]["hits"], figures["accuracy"]["of"]), (right, len(rows)))
        self.assertIn(f"{right} of {len(rows)}", self.html)
        point = figures["finding"]["dislocation"]["point"]
        hits = sum(t["score"]["dislocation"] >= point for r, t in zip(rows, told) if r["class"] == "dislocation")
        self.assertEqual(figures["finding"]["dislocation"]["sensitivity"]["hits"], hits)

    def test_targets_are_held(self):
        self.assertGreaterEqual(len(self.json["targets"]), 6)
        for target in self.json["targets"]:
            bound = re.search(r"accuracy, lower limit ([\d.]+)", target["target"])
            if bound and target["figure"]["of"]:
                self.assertEqual(target["met"], target["figure"]["limit"] >= float(bound[1]))
                hits, of = target["figure"]["hits"], target["figure"]["of"]  # the limit's own definition: so many or more hits have 5 %
                tail = sum(math.comb(of, k) * target["figure"]["limit"] ** k * (1 - target["figure"]["limit"]) ** (of - k) for k in range(hits, of + 1))
                self.assertAlmostEqual(tail, 0.05 if hits else 1, 3)

    def test_curves_by_lesion_and_level(self):
        """Every called injury stands once in the curves by lesion and in those by group of levels."""
        figures = self.json["sections"][SECTIONS[1]]
        called = sum(f["called"]["hits"] for f in figures["lesions"].values())
        for curves in ([f["curve"] for f in figures["lesions over their measure"].values()], list(figures["level groups"].values())):
            self.assertEqual(sum(b["called"]["of"] for c in curves for b in c), figures["n"])
            self.assertEqual(sum(b["called"]["hits"] for c in curves for b in c), called)
        for lesion, f in figures["lesions over their measure"].items():
            self.assertEqual(f["n"], sum(b["called"]["of"] for b in f["curve"]), lesion)
            self.assertIn(f"{lesion}: ", self.html)
        self.assertTrue(set(figures["lesions above 0.6"]) <= set(figures["lesions"]))
        self.assertEqual(self.json["subtlety_version"], 2)

    def test_goes_on_where_it_was(self):
        measured = {path: os.path.getmtime(path) for path in glob.glob(os.path.join(self.cache, "measured", "*"))}
        again = self.report()
        self.assertNotIn("drawing", again)
        self.assertNotIn("asked", again)
        self.assertEqual({path: os.path.getmtime(path) for path in glob.glob(os.path.join(self.cache, "measured", "*"))}, measured)

    def test_sections_alone(self):
        """Their figures are the page's; a section that needs no set draws none."""
        with open(self.page, "rb") as f:
            before = f.read()
        alone = json.loads(self.report("--section", "2", "--section", "9"))
        self.assertEqual([(s["number"], s["title"]) for s in alone], [(2, SECTIONS[1]), (9, SECTIONS[8])])
        for s in alone:
            self.assertEqual(s["figures"], self.json["sections"][s["title"]])
        with open(self.page, "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertEqual(self.json["full"], [12])
        self.assertIn("Drawn at 0.004 of the full counts, but for section 12 at all of them: for trying, no report.", self.html)
        with tempfile.TemporaryDirectory(prefix="cervigate-report-") as cache:
            self.report("--section", "9", "--cache", cache)
            self.assertEqual([os.path.basename(p).split("-")[0] for p in glob.glob(os.path.join(cache, "phantoms/*/*"))], ["twins"])


class Probe(unittest.TestCase):
    """Injured against another patient's twin on features that are known: of patients in the generator's order, dislocation and fracture in turn, whose
    hole tells which."""

    def setUp(self):
        self.draw = np.random.RandomState(4)
        self.kinds = ["bilateral facet C5", "wedge C5", "perched facet C4", "dens II C2"] * 150
        hole = np.array([0, 6, 1, 9] * 150)[:, None, None] * np.ones((1, 2, 8))
        self.patient = hole + self.draw.normal(0, 3, (600, 1, 8))  # the two of a patient are alike

    def test_equal_twins_are_chance_whatever_the_hole_tells(self):
        f = twins.apart(self.patient, self.kinds, draws=40)
        self.assertEqual((f["of"], len(f["draws"])), ([300, 300], 40))
        self.assertLess(abs(f["value"] - 0.5), 0.015)
        self.assertTrue(f["low"] < 0.49 and f["high"] > 0.51)  # as wide as one draw's
        self.assertGreaterEqual(f["draws_at_chance"], 35)  # fewer by chance: 1.4 %
        self.assertTrue(min(f["draws"]) < 0.5 < max(f["draws"]))

    def test_noise_of_their_own_is_chance(self):
        f = twins.apart(self.patient + self.draw.normal(0, 0.1, self.patient.shape), self.kinds)
        self.assertTrue(f["low"] <= 0.5 <= f["high"], f)

    def test_a_trace_is_seen(self):
        x = self.patient.copy()
        x[:, 0, 3] += 3
        f = twins.apart(x, self.kinds)
        self.assertGreater(f["low"], 0.6)
        self.assertEqual(f["draws_at_chance"], 0)

    def test_each_patient_once_beside_one_of_its_kind(self):
        two = twins.couples(self.kinds, self.draw)
        self.assertEqual(sorted(two.ravel()), list(range(600)))
        self.assertTrue(all(self.kinds[a] == self.kinds[b] for a, b in two))
        self.assertEqual(twins.couples(list("aabbb"), self.draw).shape, (2, 2))


class HiddenInjuries(unittest.TestCase):
    """The way from pictures to areas, with block means in the network's place."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-report-")
        cls.lab = laboratory.Lab(PROGRAM, MODEL, 1, cls.folder)
        cls.pairs = twins.pairs_of(cls.lab.draw("twins", 20, 77, (10, 10, 0), twins=True))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def blocks(self):
        def features(pictures):
            self.seen += len(pictures)
            return np.stack([p.reshape(4, 96, 4, 96).mean((1, 3)).ravel() for p in pictures])
        return features

    def features(self, pairs, kind):
        self.seen = 0
        return twins.features_of(self.lab, pairs, kind, self.blocks)

    def area(self, pairs, kind):
        return twins.apart(self.features(pairs, kind), twins.alike(pairs))["value"]

    def test_masked_twins_are_equal_and_a_planted_leak_is_seen(self):
        self.assertEqual(len(self.pairs), 20)
        hidden = self.features(self.pairs, "change")
        self.assertTrue((hidden[:, 0] == hidden[:, 1]).all())
        self.assertEqual(self.seen, 20)  # each pair's one picture
        box = self.features(self.pairs, "box")
        self.assertFalse((box[:, 0] == box[:, 1]).all())  # what the injury displaces is left
        self.assertLess(abs(self.area(self.pairs, "change") - 0.5), 0.2)
        leaking = []
        for number, (a, b) in enumerate(self.pairs):
            picture = laboratory.grey(a["path"])
            picture[-96:] = 1.0  # below injuries, which move what is above them
            path = os.path.join(self.folder, f"leak{number}.png")
            Image.fromarray(np.round(picture * 255).astype("uint8")).save(path)
            leaking.append((dict(a, path=path), b))
        self.assertGreater(self.area(leaking, "change"), 0.9)

    def test_features_go_on_where_they_were(self):
        whole = self.features(self.pairs[:13], "box")
        with unittest.mock.patch.object(twins, "PART", 5):
            parts = self.features(self.pairs[:13], "box")
            self.assertEqual(self.seen, 26)
            newest = max(glob.glob(os.path.join(self.folder, "features", "*.npy")), key=os.path.getmtime)
            os.remove(newest)
            self.assertTrue((self.features(self.pairs[:13], "box") == parts).all())
            self.assertIn(self.seen, (6, 10))
        self.assertTrue((whole == parts).all())


class Places(unittest.TestCase):
    def test_by_the_line_from_c2_to_c7(self):
        right = {"c2_x": 100, "c2_y": 50, "c7_x": 100, "c7_y": 150, "facing": "right"}
        left = dict(right, facing="left")
        for at, facing_right, facing_left in (((100, 100), "spine", "spine"), ((120, 100), "spine", "spine"), ((40, 100), "spine", "outside"),
                                              ((160, 100), "outside", "spine"), ((100, 10), "skull", "skull"), ((100, 190), "outside", "outside")):
            self.assertEqual((laboratory.place(at, right), laboratory.place(at, left)), (facing_right, facing_left), at)


class PastTheGate(unittest.TestCase):
    def test_what_passes(self):
        """What the bundled gate lets through and the model calls injured, counted again from the files."""
        with tempfile.TemporaryDirectory(prefix="cervigate-report-") as cache:
            lab = laboratory.Lab(PROGRAM, MODEL, 0.02, cache)
            kinds, variants = gate.generated(lab, ("child", "lateral-short", "hardware"))
            for kind, f in kinds.items():
                files = sorted(glob.glob(os.path.join(cache, f"phantoms/*/{kind}-[0-9]*/{kind}/*.png")))
                self.assertEqual(len(files), 2 * lab.count(gate.MORE[kind], 2))
                said = subprocess.run([PROGRAM, "predict", "--model", MODEL, "--json", *files], capture_output=True, text=True)
                judged = [t["score"] for t in map(json.loads, said.stdout.splitlines()) if t["score"]]
                called = sum(any(score[lab.classes[i]] >= lab.point[i] for i in lab.findings) for score in judged)
                self.assertEqual((f["passed"]["judged"]["hits"], f["passed"]["judged"]["of"]), (len(judged), len(files)))
                self.assertEqual((f["passed"]["called"]["hits"], f["passed"]["called"]["of"]), (called, len(judged)))
                self.assertEqual(f["both"]["hits"], len(files) - len(judged))
            told = [(name, f["judged"]["of"]) for name, f in gate.passing({"kinds": kinds, "hardware": variants})]
            self.assertEqual(told[:4], [(f"{kind}, configuration {c}", 2) for kind in ("lateral-short", "child") for c in (0, 1)])
            self.assertGreaterEqual(sum(of for name, of in told if name.startswith("hardware: ")), 6)  # a laminectomy may have rods, too


if __name__ == "__main__":
    if not os.access(PROGRAM, os.X_OK):
        print("skipped: cervigate is not built")
        sys.exit(77)
    unittest.main()
