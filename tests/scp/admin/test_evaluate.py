"""`cervigate evaluate`: its figures against an independent computation, and its page."""
import json
import os
import pty
import re
import subprocess
import sys
import unittest
import xml.etree.ElementTree as ET

import numpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evaluate_set import ADMIN, CLASSES, HOSTILE, EvaluateSet, read_csv  # noqa: E402

H = "{http://www.w3.org/1999/xhtml}"


class Evaluate(EvaluateSet):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.said = cls.evaluate("--json", "--scores", cls.at("scores.csv"), "--report", cls.at("report"), "--maps", 4, "--draws", 200)
        assert cls.said.returncode == 0, cls.said.stderr
        cls.out = json.loads(cls.said.stdout)
        cls.scores = read_csv(cls.at("scores.csv"))
        with open(cls.at("report/index.html"), encoding="utf-8") as f:
            cls.page = f.read()

    # ---- figures, computed a second time from --scores ----

    def judged(self):
        return [r for r in self.scores if not r["reason"]]

    def close(self, figure, hits, of):
        self.assertEqual((figure["hits"], figure["of"]), (hits, of))
        if of:
            self.assertAlmostEqual(figure["value"], hits / of, 8)
        else:
            self.assertIsNone(figure["value"])

    def test_the_scores_are_the_test_part_and_calls_follow_the_points(self):
        self.assertEqual([r["file"] for r in self.scores], [r["file"] for r in self.rows if r["part"] == "test"])
        self.assertEqual([r["reason"] for r in self.scores[:4]], ["undecodable", "", "", "no-content"])
        self.assertEqual(len(self.judged()), 36)
        for row in self.judged():
            scores = {c: float(row["score_" + c]) for c in CLASSES}
            self.assertAlmostEqual(sum(scores.values()), 1, 5)
            self.assertEqual(row["answer"], max(CLASSES, key=scores.get))
            called = any(scores[c] >= p for c, p in self.out["choice"]["points"].items())
            self.assertEqual(row["called"], str(int(called)))

    def test_points_keep_nineteen_of_twenty_uninjured_validation_images_silent(self):
        self.assertEqual(self.out["choice"]["points_from"], "validation part")
        self.assertEqual(self.out["data"]["validation_images"], 21)
        said = json.loads(self.quick("--json", "--part", "validation", "--scores", self.at("v.csv")).stdout)
        self.assertTrue(any("validation part" in note for note in said["notes"]))
        for class_, point in self.out["choice"]["points"].items():
            normals = [float(r["score_" + class_]) for r in read_csv(self.at("v.csv")) if r["class"] == "normal"]
            self.assertGreaterEqual(sum(s < point + 1e-7 for s in normals), 0.95 * len(normals))

    def test_classes_matrix_and_averages(self):
        rows = self.judged()
        matrix = [[sum(r["class"] == t and r["answer"] == a for r in rows) for a in CLASSES] for t in CLASSES]
        self.assertEqual(self.out["confusion"], matrix)
        m, n = numpy.array(matrix), len(rows)
        f1 = []
        for i, shown in enumerate(self.out["classes"]):
            tp, fn, fp = int(m[i, i]), int(m[i].sum() - m[i, i]), int(m[:, i].sum() - m[i, i])
            tn = n - tp - fn - fp
            self.assertEqual(shown["tally"], {"tp": tp, "fp": fp, "fn": fn, "tn": tn})
            self.close(shown["accuracy"], tp + tn, n)
            self.close(shown["sensitivity"], tp, tp + fn)
            self.close(shown["specificity"], tn, fp + tn)
            self.close(shown["precision"], tp, tp + fp)
            if 2 * tp + fp + fn:
                f1.append(2 * tp / (2 * tp + fp + fn))
                self.assertAlmostEqual(shown["f1"]["value"], f1[-1], 8)
        self.assertAlmostEqual(self.out["average"]["macro"]["f1"]["value"], sum(f1) / len(f1), 8)
        self.close(self.out["average"]["right"], int(numpy.trace(m)), n)

    @staticmethod
    def auc(positive, negative):
        pairs = [(p > q) + 0.5 * (p == q) for p in positive for q in negative]
        return sum(pairs) / len(pairs)

    def test_areas(self):
        for i, class_ in enumerate(CLASSES):
            inside = [float(r["score_" + class_]) for r in self.judged() if r["class"] == class_]
            outside = [float(r["score_" + class_]) for r in self.judged() if r["class"] != class_]
            self.assertAlmostEqual(self.out["classes"][i]["auc"]["value"], self.auc(inside, outside), 7)

    def studies(self, rows):
        out = {}
        for row in rows:
            study = out.setdefault(row["study"], {"positive": False, "called": False, "refused": False, "score": 0.0})
            study["positive"] |= row["class"] != "normal"
            study["called"] |= row["called"] == "1"
            study["refused"] |= bool(row["reason"])
            if not row["reason"]:
                study["score"] = max(study["score"], 1 - float(numpy.float32(row["score_normal"])))
        return out.values()

    def test_any_injury_per_study_among_processed_and_among_all(self):
        self.assertEqual(self.out["primary"]["endpoint"], "any injury per study")
        done = list(self.studies(self.judged()))
        shown = self.out["primary"]["processed"]
        self.assertLess(len(done), len(self.judged()))
        self.assertEqual((shown["count"], shown["injured"]), (len(done), sum(s["positive"] for s in done)))
        self.close(shown["sensitivity"], sum(s["positive"] and s["called"] for s in done), sum(s["positive"] for s in done))
        self.close(shown["specificity"], sum(not s["positive"] and not s["called"] for s in done), sum(not s["positive"] for s in done))
        area = self.auc([s["score"] for s in done if s["positive"]], [s["score"] for s in done if not s["positive"]])
        self.assertAlmostEqual(shown["auc"]["value"], area, 7)
        every = list(self.studies(self.scores))
        lost = [s for s in every if s["refused"] and not s["called"]]
        self.assertEqual(self.out["refused"]["studies"], len(lost))
        shown = self.out["primary"]["eligible"]
        self.close(shown["sensitivity"], sum(s["positive"] and s["called"] for s in every), sum(s["positive"] for s in every))
        right = sum(not s["positive"] and not s["called"] and not s["refused"] for s in every)
        self.close(shown["specificity"], right, sum(not s["positive"] for s in every))

    def test_refused_images_have_reasons_and_are_counted_twice(self):
        refused = self.out["refused"]
        self.assertEqual((refused["images"], sorted(r["reason"] for r in refused["reasons"])), (3, ["no-content", "undecodable"]))
        self.assertEqual((self.out["images"]["count"], self.out["images_eligible"]["count"]), (36, 39))

    def test_calibration(self):
        shown = self.out["calibration"]
        t = self.out["choice"]["temperature"]
        scores = numpy.array([[float(r["score_" + c]) for c in CLASSES] for r in self.judged()])
        logs = numpy.log(numpy.maximum(scores, 1.17549435e-38))
        truth = numpy.array([CLASSES.index(r["class"]) for r in self.judged()])
        for name, value in (("before", 1.0), ("after", t)):
            p = numpy.exp(logs / value)
            p /= p.sum(axis=1, keepdims=True)
            one = numpy.eye(3)[truth]
            self.assertAlmostEqual(shown["nll_" + name], float(-numpy.log(numpy.maximum(p[range(len(truth)), truth], 1.17549435e-38)).mean()), 4)
            self.assertAlmostEqual(shown["brier_" + name], float(((p - one) ** 2).sum(axis=1).mean()), 4)
            self.assertEqual(sum(b["count"] for b in shown["top_" + name]["bins"]), len(truth))
            ece = sum(abs(b["events"] - b["count"] * b["mean"]) for b in shown["top_" + name]["bins"]) / len(truth)
            self.assertAlmostEqual(shown["top_" + name]["ece"], ece, 7)

    def test_every_day(self):
        se, sp = (self.out["primary"]["processed"][k]["value"] for k in ("sensitivity", "specificity"))
        said = self.out["everyday"]
        self.assertEqual([r["prevalence"] for r in said], [0.005, 0.02, 0.05])
        for row in said:
            p, n = row["prevalence"], row["studies_a_day"]
            true, false = se * p, (1 - sp) * (1 - p)
            self.assertAlmostEqual(row["alerts_a_day"]["value"], n * (true + false), 5)  # nine digits are written
            if true + false:
                self.assertAlmostEqual(row["positive_value"]["value"], true / (true + false), 7)
            if true:
                self.assertAlmostEqual(row["false_per_true"]["value"], false / true, 5)
        more = json.loads(self.quick("--json", "--daily", 200).stdout)["everyday"][1]
        self.assertAlmostEqual(more["alerts_a_day"]["value"], 4 * said[1]["alerts_a_day"]["value"], 5)

    def test_subgroups_under_thirty_are_insufficient(self):
        groups = self.out["subgroups"]
        for name in ("age", "sex", "station", "view", "level", "type"):
            self.assertGreater(len(groups[name]), 0, name)
            for row in groups[name]:
                self.assertEqual(row["insufficient"], row["figures"]["count"] < 30, name)
                if row["insufficient"]:
                    self.assertIsNone(row["figures"]["sensitivity"]["value"])
        view = groups["view"][0]
        self.assertEqual((view["group"], view["unit"], view["figures"]["count"], view["insufficient"]), ("LL", "image", 36, False))
        self.assertTrue(all(row["figures"]["injured"] == row["figures"]["count"] for row in groups["level"]))
        self.assertTrue(all(re.fullmatch("C[0-7]", row["group"]) for row in groups["level"]))

    def test_maps_of_boxes_at_most_six_percent_large_by_the_method_that_validation_chose(self):
        shown, tried = self.out["explanation"], self.out["choice"]["explanation_methods_on_validation"]
        self.assertEqual([m["method"] for m in tried], ["gradient", "smoothgrad", "gradcam", "occlusion"])
        best = max(tried, key=lambda m: (m["hits"], m["energy"]))
        self.assertEqual((shown["method"], self.out["choice"]["explanation"]), (best["method"], best["method"]))
        files = {r["file"] for r in self.judged()}
        boxed = [r for r in self.rows if r["file"] in files and r["class"] != "normal" and float(r["x1"]) > float(r["x0"])]
        share = [(float(r["x1"]) - float(r["x0"])) * (float(r["y1"]) - float(r["y0"])) / 128 ** 2 for r in boxed]
        self.assertEqual((shown["boxed"], shown["box_over_6_percent"]), (len(boxed), sum(s > 0.06 for s in share)))
        self.assertEqual((shown["explained"], shown["normals"]), (min(4, sum(s <= 0.06 for s in share)), 4))
        self.assertGreaterEqual(shown["normal_spots"], 4)
        by = {r["file"]: r for r in boxed}
        self.assertEqual(len({name for name, _, _ in shown["maxima"]}), shown["explained"])
        inside = sum(float(by[n]["x0"]) <= x < float(by[n]["x1"]) and float(by[n]["y0"]) <= y < float(by[n]["y1"]) for n, x, y in shown["maxima"])
        self.assertEqual(inside, shown["pointing_game"]["hits"])
        self.assertTrue(all(0 <= x <= 128 and 0 <= y <= 128 for _, x, y in shown["maxima"]))
        self.assertLess(shown["expected_of_a_flat_map"], 0.061)

    def test_intervals_hold_their_values_and_are_the_same_again(self):
        def look(value):
            if isinstance(value, dict):
                if value.get("low") is not None:
                    self.assertLessEqual(value["low"], value["value"] + 1e-8)
                    self.assertGreaterEqual(value["high"], value["value"] - 1e-8)
                for inner in value.values():
                    look(inner)
            elif isinstance(value, list):
                for inner in value:
                    look(inner)
        look(self.out)
        one, two = (json.loads(self.evaluate("--json", "--maps", 0, "--draws", 200, "--threads", n).stdout)["primary"] for n in (1, 2))
        self.assertEqual(one, two)
        self.assertEqual(one, self.out["primary"])
        other = json.loads(self.evaluate("--json", "--maps", 0, "--draws", 200, "--seed", 2).stdout)["primary"]
        self.assertNotEqual(one, other)

    # ---- the page ----

    def test_the_page_is_whole_and_needs_nothing(self):
        self.assertEqual(subprocess.run(["xmllint", "--noout", "--nonet", self.at("report/index.html")]).returncode, 0)
        self.assertEqual(os.listdir(self.at("report")), ["index.html"])
        self.assertNotRegex(self.page, r"<script|<link|javascript:|@import|url\(")
        tree = ET.fromstring(self.page)
        for element in tree.iter():
            for name, value in element.attrib.items():
                if name in ("src", "href"):
                    self.assertRegex(value, r"^(#|data:image/png;base64,)")
        for link in tree.iter(H + "a"):
            self.assertIsNotNone(tree.find(f".//*[@id='{link.get('href')[1:]}']"), link.get("href"))
        for table in tree.iter(H + "table"):
            self.assertIsNotNone(table.find(H + "caption"))
            self.assertTrue(all(th.get("scope") in ("row", "col") for th in table.iter(H + "th")))
        for svg in tree.iter("{http://www.w3.org/2000/svg}svg"):
            named = svg.get("aria-hidden") == "true" or svg.find("{http://www.w3.org/2000/svg}title") is not None
            self.assertTrue(named)
        ids = [e.get("id") for e in tree.iter() if e.get("id")]
        self.assertEqual(len(ids), len(set(ids)))

    def test_what_a_csv_says_is_shown_and_never_interpreted(self):
        tree = ET.fromstring(self.page)
        self.assertTrue(any(th.text == HOSTILE for th in tree.iter(H + "th")))
        self.assertNotIn("<script", self.page)

    def text_of(self, section):
        return "".join(ET.fromstring(self.page).find(f".//*[@id='{section}']").itertext())

    def test_the_page_has_the_figures_of_the_json(self):
        s = self.out["primary"]["processed"]
        se, sp = s["sensitivity"], s["specificity"]
        head = "".join(ET.fromstring(self.page).find(f".//{H}h1").itertext())
        self.assertEqual(head, f"{se['hits']} of {se['of']} injured studies found; {sp['of'] - sp['hits']} of {sp['of']} uninjured called")
        primary = self.text_of("primary")
        for figure in (se, sp, s["accuracy"], self.out["primary"]["eligible"]["sensitivity"]):
            self.assertIn(f"{100 * figure['value']:.1f} %{100 * figure['low']:.1f}–{100 * figure['high']:.1f} · {figure['hits']}/{figure['of']}", primary)
        classes = self.text_of("classes")
        for shown in self.out["classes"]:
            self.assertIn(f"{shown['auc']['value']:.3f}", classes)
        for row in self.out["confusion"]:
            self.assertIn("".join(map(str, row)), classes)
        calibration = self.text_of("calibration")
        self.assertIn(f"{self.out['calibration']['top_after']['ece']:.3f}", calibration)
        day = self.out["everyday"][0]["alerts_a_day"]
        self.assertIn(f"{day['value']:.2f}", self.text_of("everyday"))
        self.assertEqual(len(re.findall("data:image/png", self.page)) % 2, 0)
        wrong = sum((r["class"] != "normal") != (r["called"] == "1") for r in self.judged())
        self.assertEqual("data:image/png" in self.page, wrong > 0)

    def test_every_caption_says_synthetic_and_the_papers_stand_alone(self):
        tree = ET.fromstring(self.page)
        papers = tree.find(".//*[@id='papers']")
        inside = {id(e) for e in papers.iter()}
        captions = [e for e in tree.iter() if e.tag in (H + "caption", H + "figcaption")]
        self.assertGreater(len(captions), 10)
        for caption in captions:
            text = "".join(caption.itertext())
            self.assertEqual(text.startswith("Synthetic images."), id(caption) not in inside, text)
        self.assertIn("99.55 %", "".join(papers.itertext()))
        self.assertEqual(self.page.count("99.55 %"), 1)
        self.assertIn("NOT MEASURED (n = 0)", self.page)

    def test_images_of_patients_say_what_the_model_was_trained_on(self):
        said = self.quick("--provenance", "clinical", "--report", self.at("clinical"))
        self.assertEqual(said.returncode, 0, said.stderr)
        with open(self.at("clinical/index.html"), encoding="utf-8") as f:
            page = f.read()
        self.assertIn("Model trained on synthetic images.", page)
        self.assertNotIn("Synthetic images.", page)

    # ---- tables for people ----

    def test_the_tables(self):
        said = self.evaluate("--maps", 0, "--draws", 200)
        self.assertEqual(said.returncode, 0)
        se = self.out["primary"]["processed"]["sensitivity"]
        self.assertIn(f"{100 * se['value']:.1f} % ({100 * se['low']:.1f} to {100 * se['high']:.1f})", said.stdout)
        for words in ("SYNTHETIC", "ANY INJURY PER STUDY", "CLASSES", "EVERY DAY", "CALIBRATION", "BY station", "insufficient", "exploratory"):
            self.assertIn(words, said.stdout)
        self.assertLess(said.stdout.index("ANY INJURY"), said.stdout.index("CLASSES"))
        self.assertRegex(said.stderr, r"test part: 39 of 39 images, [\d.]+/s, ETA 0:00:00")

    def test_a_bar_on_a_terminal(self):
        ours, theirs = pty.openpty()
        try:
            arguments = ["evaluate", "--model", self.model, "--data", self.data, "--maps", "0", "--draws", "0"]
            subprocess.run([ADMIN, *arguments], stdout=subprocess.DEVNULL, stderr=theirs, timeout=60, check=True,
                           env=dict(os.environ, XDG_STATE_HOME=self.at("state")))
            os.set_blocking(ours, False)
            self.assertRegex(os.read(ours, 65536).decode(), r"\r\x1b\[K\[#{20}\] test part 39/39 [\d.]+/s ETA 0:00:00")
        finally:
            os.close(ours)
            os.close(theirs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
