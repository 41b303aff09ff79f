"""`cervigate evaluate`: the locked protocol, readers, a second model, the plan, and everything that it refuses."""
import hashlib
import json
import math
import os
import re
import shutil
import sys
import unittest

import pydicom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from evaluate_set import CLASSES, SOURCE, EvaluateSet, read_csv, write_csv  # noqa: E402


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Locked(EvaluateSet):
    side = 176  # sixty evaluations

    def setUp(self):
        self.protocol = self.at(self._testMethodName + ".protocol")

    def lock(self, *arguments, **other):
        said = self.quick("--protocol", self.protocol, "--lock", "--sensitivity", 0.1, "--specificity", 0.05, *arguments, **other)
        self.assertEqual(said.returncode, 0, said.stderr)
        return said

    def run_locked(self, *arguments, **other):
        return self.evaluate("--maps", 0, "--protocol", self.protocol, *arguments, **other)

    def refused(self, words, *arguments, **other):
        said = self.run_locked("--scores", self.at("never.csv"), *arguments, **other)
        self.assertEqual((said.returncode, said.stdout), (65, ""), said.stderr)
        self.assertIn(words, said.stderr)
        self.assertNotIn("test part:", said.stderr)
        self.assertFalse(os.path.exists(self.at("never.csv")))

    # ---- the protocol ----

    def test_lock_opens_no_test_image_and_the_run_takes_its_decisions(self):
        model = self.small_model("fresh", fracture="0.33")
        said = self.lock("--draws", 300, "--seed", 7, model=model)
        self.assertNotIn("test part:", said.stderr)
        text = text_of(self.protocol)
        values = dict(line.split(" = ", 1) for line in text.splitlines())
        self.assertIn(values["sha256"], said.stdout)
        self.assertEqual((values["interval.draws"], values["interval.seed"], values["test-images"]), ("300", "7", "39"))
        self.assertEqual(values["endpoint"], "any injury per study")
        self.assertNotIn(self.folder, text)
        out = json.loads(self.run_locked("--json", "--report", self.at("locked"), model=model).stdout)
        self.assertEqual(out["protocol"]["sha256"], values["sha256"])
        self.assertEqual((out["choice"]["draws"], out["choice"]["seed"]), (300, 7))
        for class_, point in out["choice"]["points"].items():
            self.assertAlmostEqual(point, float(values["point." + class_]), 8)
        self.assertAlmostEqual(out["primary"]["sensitivity_hypothesis"]["lower_limit"], 0.1, 9)
        page = text_of(self.at("locked/index.html"))
        self.assertIn(values["sha256"], page)
        self.assertIn('<b class="good">before</b>', page)
        free = json.loads(self.quick("--json", "--draws", 300, "--seed", 7, model=model).stdout)
        self.assertEqual(out["primary"]["processed"], free["primary"]["processed"])

    def test_the_seal_is_the_hash_of_what_stands_before_it(self):
        import hashlib
        self.lock()
        before, seal = text_of(self.protocol).split("sha256 = ")
        self.assertEqual(seal.strip(), hashlib.sha256(before.encode()).hexdigest())

    def test_a_limit_that_is_not_shown_is_exit_1(self):
        said = self.quick("--draws", 200, "--protocol", self.protocol, "--lock", "--sensitivity", 0.999, "--specificity", 0.01)
        self.assertEqual(said.returncode, 0, said.stderr)
        said = self.run_locked()
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertRegex(said.stdout, r"sensitivity above 99\.9 %: NOT SHOWN\n  specificity above 1\.0 %: SHOWN")

    def test_a_limit_that_the_bootstrap_alone_would_show_is_not_shown(self):
        rate = json.loads(self.evaluate("--maps", 0, "--draws", 2000, "--json").stdout)["primary"]["processed"]["sensitivity"]
        hits, of = rate["hits"], rate["of"]

        def tail(p):  # P(at least so many hits): 0.025 at the exact lower limit
            return sum(math.comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(hits, of + 1))
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle) < 0.025 else (low, middle)
        self.assertTrue(low < rate["low"] and hits < of, (low, rate))
        said = self.evaluate("--maps", 0, "--protocol", self.protocol, "--lock", "--sensitivity", f"{(low + rate['low']) / 2:.6f}", "--specificity", 0.01)
        self.assertEqual(said.returncode, 0, said.stderr)
        said = self.run_locked()
        self.assertEqual(said.returncode, 1, said.stderr)
        self.assertRegex(said.stdout, r"sensitivity above \S+ %: NOT SHOWN\n  specificity above 1\.0 %: SHOWN")

    def test_refused_when_the_text_has_changed(self):
        self.lock()
        text = text_of(self.protocol)
        point = re.search(r"point\.fracture = (\S+)", text).group(0)
        for changed, words in ((text.replace(point, "point.fracture = 0.9"), "changed after it was locked"),
                               (text.replace("hypothesis.sensitivity = 0.1", "hypothesis.sensitivity = 0.01"), "changed after"),
                               (text[:-10], "the last line"), (text.replace("sha256 = ", "sha1 = "), "the last line"), ("", "the last line")):
            write(self.protocol, changed)
            self.refused(words)

    def test_a_text_that_was_sealed_again_still_has_to_make_sense(self):
        import hashlib
        self.lock()
        body = text_of(self.protocol).split("sha256 = ")[0]
        for changed, words in ((body.replace("temperature = ", "temperature = x"), '"temperature" is missing'),
                               (body + "interval.seed = 5\n", '"interval.seed" is missing, there twice'),
                               (re.sub("point.fracture = .*\n", "", body), '"point.fracture" is missing'),
                               (re.sub("test-digest = .*\n", "", body), '"test-digest" is missing'),
                               (body.replace("protocol-1", "protocol-2"), "format")):
            write(self.protocol, changed + "sha256 = " + hashlib.sha256(changed.encode()).hexdigest() + "\n")
            self.refused(words)

    def test_refused_for_another_model(self):
        self.lock()
        self.refused("the model is not the one that was locked", model=self.small_model("moved", fracture="0.21"))

    def test_refused_when_data_have_changed(self):
        self.lock()
        path = self.at("ph", next(r for r in self.rows if r["part"] == "test" and r["class"] == "normal")["file"])
        shutil.copy(path, self.at("kept.png"))
        shutil.copy(self.at("ph", next(r for r in self.rows if r["part"] == "validation")["file"]), path)
        try:
            self.refused("the data is not the one that was locked")
        finally:
            shutil.move(self.at("kept.png"), path)
        moved = [dict(r) for r in self.rows]
        first = next(r for r in moved if r["part"] == "test" and r["class"] == "fracture")
        first["part"] = "validation"
        self.refused("is not the one that was locked", data=write_csv(self.at("ph/moved.csv"), moved))
        other = [dict(r) for r in self.rows]
        next(r for r in other if r["part"] == "test" and r["class"] == "fracture")["class"] = "dislocation"
        self.refused("is not the one that was locked", data=write_csv(self.at("ph/other.csv"), other))

    def test_refused_when_an_option_says_otherwise(self):
        self.lock()
        for option in (("--seed", 2), ("--draws", 100), ("--sensitivity", 0.2), ("--specificity", 0.2)):
            self.refused(option[0] + " says otherwise", *option)

    def test_a_protocol_is_never_overwritten_and_has_to_be_there(self):
        self.lock()
        again = self.quick("--protocol", self.protocol, "--lock", "--sensitivity", 0.5, "--specificity", 0.5)
        self.assertEqual(again.returncode, 73)
        self.assertIn("never overwritten", again.stderr)
        said = self.quick("--protocol", self.at("nowhere"))
        self.assertEqual(said.returncode, 66)
        self.assertIn("--lock writes it", said.stderr)
        self.assertEqual(self.quick("--protocol", self.at("no/where"), "--lock", "--sensitivity", 0.5, "--specificity", 0.5).returncode, 73)

    def test_a_lock_after_an_opening_says_so(self):
        model = self.small_model("opened", fracture="0.31")
        self.assertIn("exploratory", self.quick(model=model).stdout)
        self.lock(model=model)
        self.assertIn("openings-before = 1", text_of(self.protocol))
        said = self.run_locked("--report", self.at("after"), "--draws", 0, model=model)
        self.assertIn("AFTER the test part had been opened", said.stdout)
        self.assertIn('<b class="bad">after</b>', text_of(self.at("after/index.html")))

    def test_without_a_validation_part_the_models_own_points_are_locked(self):
        self.lock(data=self.at("ph/manifest.csv"))
        text = text_of(self.protocol)
        self.assertIn("points-from = model.xml", text)
        with open(os.path.join(SOURCE, "models/cervigate-phantom/model.xml"), encoding="utf-8") as f:
            point = re.search(r'name="dislocation"[^>]*operating-point="([^"]+)"', f.read())
        locked = re.search(r"^point\.dislocation = (.*)$", text, re.M)
        self.assertEqual(float(locked.group(1)), float(point.group(1)))

    # ---- readers and a second model ----

    def test_as_is_the_models_own_points_are_locked_too(self):
        """What the node obeys is what is measured, though the validation part would choose otherwise."""
        model = self.small_model("as-is", fracture="0.4321", dislocation="0.123")
        self.lock("--as-is", model=model)
        text = text_of(self.protocol)
        for line in ("points-from = model.xml", "point.dislocation = 0.123", "point.fracture = 0.4321", "temperature = 1"):
            self.assertIn(line + "\n", text)
        self.assertEqual(re.search(r"validation-images = (\d+)", text).group(1), "21")
        self.assertEqual(self.run_locked("--as-is", model=model).returncode, 64)
        out = json.loads(self.run_locked("--json", model=model).stdout)
        self.assertEqual(out["choice"]["points"], {"dislocation": 0.123, "fracture": 0.4321})
        self.assertEqual(out["choice"]["points_from"], "model")
        self.assertFalse([note for note in out["notes"] if "operating point" in note], out["notes"])

    def test_readers(self):
        tests = [r for r in self.rows if r["part"] == "test"]
        rows = [{"file": r["file"], "reader": "right <b>", "answer": r["class"]} for r in tests]
        rows += [{"file": r["file"], "reader": "blind", "answer": "normal"} for r in tests[5:15]]
        rows += [{"file": r["file"], "reader": "blind", "answer": "normal"} for r in self.rows if r["part"] == "validation"]
        scores = self.at("r.csv")
        said = self.quick("--json", "--readers", write_csv(self.at("readers.csv"), rows), "--scores", scores, "--report", self.at("readers"))
        out = json.loads(said.stdout)
        blind, right = out["readers"]
        self.assertEqual((blind["reader"], right["reader"], right["cases"], right["unanswered_by_model"]), ("blind", "right <b>", 36, 3))
        judged = [r for r in read_csv(scores) if not r["reason"]]
        wrong = sum((r["class"] != "normal") and r["called"] == "0" for r in judged)
        injured = sum(r["class"] != "normal" for r in judged)
        self.assertEqual((right["sensitivity"]["both_right"], right["sensitivity"]["only_other_right"]), (injured - wrong, wrong))
        self.assertEqual(right["accuracy"]["other"]["hits"], 36)
        self.assertEqual(blind["sensitivity"]["other"]["hits"], 0)
        self.assertTrue(any("21 answers of readers" in note for note in out["notes"]))
        self.assertIn("right &lt;b&gt;: accuracy", text_of(self.at("readers/index.html")))

    def test_readers_of_cases(self):
        cases = sorted({r["study"]: r for r in self.rows if r["part"] == "test"}.items())
        rows = [{"case": study, "reader": "one", "answer": "fracture"} for study, _ in cases]
        out = json.loads(self.quick("--json", "--readers", write_csv(self.at("cases.csv"), rows)).stdout)
        self.assertEqual(out["readers"][0]["cases"] + out["readers"][0]["unanswered_by_model"], len(cases))
        self.assertEqual(out["readers"][0]["sensitivity"]["other"]["value"], 1)

    def test_readers_files_that_are_wrong(self):
        file = next(r for r in self.rows if r["part"] == "test")["file"]
        for text, words in (("file,reader\n", "are expected"), (f"file,reader,answer\n{file},x,broken\n", "no class of the model"),
                            (f"file,reader,answer\n{file},,normal\n", "reader's name"), ("file,reader,answer\nno.png,x,normal\n", "no answer is about"),
                            (f"file,reader,answer\n{file},x,normal\n{file},x,fracture\n", ":3: reader \"x\" has answered this on line 2")):
            said = self.quick("--readers", write(self.at("wrong.csv"), text))
            self.assertEqual(said.returncode, 65, said.stderr)
            self.assertIn(words, said.stderr)
        self.assertEqual(self.quick("--readers", self.at("nowhere.csv")).returncode, 66)

    def test_a_second_model(self):
        other = self.small_model("never calls", fracture="1", dislocation="1")
        out = json.loads(self.evaluate("--json", "--maps", 0, "--draws", 200, "--against", other, "--report", self.at("two")).stdout)
        two, one = out["against"], out["primary"]["processed"]
        self.assertEqual(two["auc_model"]["value"], two["auc_other"]["value"])
        self.assertIsNone(two["delong_p"])
        self.assertEqual(two["study_sensitivity"]["model"]["hits"], one["sensitivity"]["hits"])
        self.assertEqual(two["study_specificity"]["other"]["value"], 1)
        self.assertEqual(two["study_specificity"]["only_other_right"], one["specificity"]["of"] - one["specificity"]["hits"])
        self.assertIn("Against another model", text_of(self.at("two/index.html")))
        self.assertEqual(self.quick("--against", self.at("nowhere")).returncode, 66)

    # ---- divisions ----

    def test_split_csv_of_the_model_folder(self):
        model = self.small_model("divided")
        rows = [{"file": r["file"], "class": r["class"], "patient": r["patient"], "group": i,
                 "part": ("validation", "training", "test")[i // 3 % 3]} for i, r in enumerate(self.rows)]
        write_csv(os.path.join(model, "split.csv"), rows)
        out = json.loads(self.quick("--json", model=model, data=self.at("ph/manifest.csv")).stdout)
        self.assertEqual((out["data"]["division"], out["data"]["images"], out["data"]["validation_images"]), ("split.csv", 18, 21))
        self.assertEqual(out["data"]["training_images_among_them"], 0)
        out = json.loads(self.quick("--json", "--part", "all", model=model, data=self.at("ph/manifest.csv")).stdout)
        self.assertEqual((out["data"]["images"], out["data"]["training_images_among_them"]), (60, 21))
        self.assertTrue(any("training images of the model" in note for note in out["notes"]))
        out = json.loads(self.quick("--json", model=model).stdout)
        self.assertEqual(out["data"]["division"], "column part")
        self.assertEqual(out["data"]["training_images_among_them"], 21)
        # By its bytes a file is known under any name and in any class; by its name when the bytes are others.
        digests = [digest_of(self.at("ph", r["file"])) for r in self.rows]
        write_csv(os.path.join(model, "split.csv"), [dict(r, file=f"elsewhere/{i}.png", sha256=digests[i]) for i, r in enumerate(rows)])
        out = json.loads(self.quick("--json", model=model, data=self.at("ph/manifest.csv")).stdout)
        trained = {digests[i] for i, r in enumerate(rows) if r["part"] == "training"}  # one of them is in the test part too
        fresh = sum(r["part"] == "test" and digests[i] not in trained for i, r in enumerate(rows))
        self.assertEqual((out["data"]["division"], out["data"]["images"], fresh), ("split.csv", fresh, 17))
        # Of a second model it is asked too.
        out = json.loads(self.quick("--json", "--against", model, data=self.at("ph/manifest.csv")).stdout)
        seen = sum(d in trained for d in digests)
        self.assertTrue(any(note.startswith(f"{seen} of the 60 images that were judged are training images of cervigate-phantom") for note in out["notes"]), out["notes"])
        write_csv(os.path.join(model, "split.csv"), [dict(r, sha256="0" * 64) for r in rows])
        out = json.loads(self.quick("--json", model=model, data=self.at("ph/manifest.csv")).stdout)
        self.assertEqual(out["data"]["images"], 18)
        self.assertTrue(any(note.startswith("60 images have the name and class of one in split.csv, but other bytes") for note in out["notes"]))
        write(os.path.join(model, "split.csv"), "file,class,part\na,fracture,neither\n")
        said = self.quick(model=model)
        self.assertEqual(said.returncode, 65)
        self.assertIn('split.csv:2: part "neither"', said.stderr)

    def test_undivided_data_are_all_test(self):
        out = json.loads(self.quick("--json", data=self.at("ph/manifest.csv")).stdout)
        self.assertEqual((out["data"]["division"], out["data"]["images"], out["choice"]["points_from"]), ("none", 60, "model"))
        self.assertIsNone(out["data"]["training_images_among_them"])

    def test_dicom_passes_the_gate_as_in_the_node(self):
        self.run_admin("phantom", "--out", self.at("dicom"), "--count", 6, "--seed", 4, "--size", 96, "--format", "dicom", "--prevalence", "2,2,2")
        files = sorted(os.path.join(p, n) for p, _, names in os.walk(self.at("dicom")) for n in names if n.endswith(".dcm"))
        image = pydicom.dcmread(files[0])
        image.BodyPartExamined = "CHEST"
        image.save_as(files[0])
        out = json.loads(self.quick("--json", data=self.at("dicom")).stdout)
        self.assertEqual(out["data"]["images"], 6)
        self.assertEqual([(r["reason"], r["images"]) for r in out["refused"]["reasons"]], [("wrong-body-part", 1)])

    def test_images_of_one_study_are_one_patient_s_even_when_nobody_names_the_patient(self):
        rows = [{k: v for k, v in r.items() if k != "patient"} for r in self.rows]
        out = json.loads(self.quick("--json", data=write_csv(self.at("ph/studies.csv"), rows)).stdout)
        tests = {r["study"] for r in self.rows if r["part"] == "test"}
        self.assertEqual(out["primary"]["eligible"]["count"], len(tests))
        self.assertLess(len(tests), out["data"]["images"])

    # ---- the plan ----

    def test_the_plan_is_the_exact_test_s(self):
        from scipy.stats import beta, binom
        said = self.run_admin("evaluate", "--plan", "--sensitivity", 0.9, "--specificity", 0.8, "--expect", "0.95,0.9", "--json")
        self.assertEqual(said.returncode, 0, said.stderr)
        out = json.loads(said.stdout)
        for name, rate, limit in (("sensitivity", 0.95, 0.9), ("specificity", 0.9, 0.8)):
            def power(n):
                least = next((k for k in range(n + 1) if k and beta.ppf(0.025, k, n - k + 1) > limit), n + 1)
                return binom.sf(least - 1, n, rate)
            n = out[name]["n"]
            self.assertGreaterEqual(power(n), 0.8)
            self.assertTrue(all(power(k) < 0.8 for k in range(n - 12, n)))
            self.assertAlmostEqual(out[name]["power_at_n"], power(n), 6)
        said = self.run_admin("evaluate", "--plan", "--power", 0.9)
        self.assertIn("power of 90 %", said.stdout)
        self.assertEqual(self.run_admin("evaluate", "--plan", "--sensitivity", 0.96).returncode, 64)

    # ---- refusals ----

    def test_usage(self):
        self.assertIn("usage", self.run_admin("evaluate", "--help").stdout)
        for wrong in (("--part", "training"), ("--draws", 50), ("--draws", "x"), ("--daily", 0), ("--maps", -1), ("--threads", 0), ("--seed", -1),
                      ("--sensitivity", 1), ("--specificity", "x"), ("--provenance", "maybe"), ("--expect", "0.9"), ("--power", 0.1), ("extra",),
                      ("--no-such-option",), ("--lock",), ("--protocol", "x", "--lock"), ("--protocol", "x", "--part", "all"),
                      ("--protocol", "x", "--lock", "--sensitivity", "0.5", "--specificity", "0.5", "--json")):
            said = self.quick(*wrong)
            self.assertEqual((said.returncode, said.stdout), (64, ""), wrong)
        self.assertEqual(self.run_admin("evaluate", "--model", self.model).returncode, 64)

    def test_what_cannot_be_read_or_written(self):
        self.assertEqual(self.quick(data=self.at("nowhere")).returncode, 66)
        self.assertEqual(self.quick(model=self.at("nowhere")).returncode, 66)
        self.assertEqual(self.quick("--report", "/proc/nowhere").returncode, 73)
        self.assertEqual(self.quick("--report", self.data).returncode, 73)
        self.assertEqual(self.quick("--scores", "/proc/nowhere/x").returncode, 73)
        rows = [dict(r, **{"class": "sprain" if i < 12 else r["class"]}) for i, r in enumerate(self.rows)]
        for r in rows:
            del r["part"]
        said = self.quick(data=write_csv(self.at("ph/sprain.csv"), rows))
        self.assertEqual(said.returncode, 65)
        self.assertIn('class "sprain" is none of model', said.stderr)

    def test_nothing_that_can_be_judged_is_no_zero(self):
        for class_ in ("normal", "fracture"):
            os.makedirs(self.at("flat", class_))
            self.flat(self.at("flat", class_, "a.png"))
        said = self.quick(data=self.at("flat"))
        self.assertEqual((said.returncode, said.stdout), (65, ""))
        self.assertIn("no image could be judged (2 refused, the first as no-content)", said.stderr)

    def test_a_kind_of_picture_that_is_not_read_is_an_answer(self):
        from PIL import Image
        for row in self.rows[:12]:
            os.makedirs(self.at("print", row["class"]), exist_ok=True)
            shutil.copy(self.at("ph", row["file"]), self.at("print", row["class"]))
        before = json.loads(self.quick("--json", data=self.at("print")).stdout)["refused"]["images"]
        Image.new("CMYK", (128, 128)).save(self.at("print", self.rows[0]["class"], "cmyk.jpg"))
        said = self.quick("--json", data=self.at("print"))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(json.loads(said.stdout)["refused"]["images"], before + 1)
        self.assertIn("undecodable", said.stdout)

    def test_a_class_without_images_is_undefined(self):
        for class_ in ("normal", "fracture"):
            os.makedirs(self.at("two classes", class_))
            for r in [r for r in self.rows if r["class"] == class_][4:8]:
                shutil.copy(self.at("ph", r["file"]), self.at("two classes", class_))
        out = json.loads(self.quick("--json", "--report", self.at("two report"), data=self.at("two classes")).stdout)
        self.assertEqual([c["class"] for c in out["classes"]], list(CLASSES))
        self.assertEqual([c["sensitivity"]["of"] for c in out["classes"]], [0, 4, 4])
        self.assertIsNone(out["classes"][0]["sensitivity"]["value"])
        self.assertEqual(out["average"]["macro"]["sensitivity"]["hits"], 2)
        self.assertIn("not defined", text_of(self.at("two report/index.html")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
