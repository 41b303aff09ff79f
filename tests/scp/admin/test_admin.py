"""The admin program as people and scripts use it: answers, JSON, exit statuses."""
import csv
import json
import os
import pty
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

import pydicom

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from harness import SANITIZED  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


def run(*arguments, **environment):
    return subprocess.run([ADMIN, *map(str, arguments)], capture_output=True, text=True, timeout=60, env=dict(os.environ, **environment))


class Offline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        cls.model = d.model(cls.folder)
        said = run("phantom", "--out", os.path.join(cls.folder, "dicom"), "--count", 2, "--seed", 5, "--size", 128, "--format", "dicom")
        assert said.returncode == 0, said.stderr
        said = run("phantom", "--out", os.path.join(cls.folder, "png"), "--count", 2, "--seed", 5, "--size", 128)
        assert said.returncode == 0, said.stderr
        cls.dicom, cls.png = cls.files("dicom", ".dcm"), cls.files("png", ".png")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def files(cls, folder, ending):
        return sorted(os.path.join(p, n) for p, _, names in os.walk(os.path.join(cls.folder, folder)) for n in names if n.endswith(ending))

    def predict(self, *files):
        said = run("predict", "--model", self.model, "--json", *files)
        return said.returncode, [json.loads(line) for line in said.stdout.splitlines()]

    def test_usage(self):
        self.assertEqual(run().returncode, 64)
        self.assertEqual(run("prediction").returncode, 64)
        self.assertEqual(run("predict").returncode, 64)
        self.assertIn("usage", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"cervigate \d+\.\d+\.\d+ .*DCMTK")
        for command in ("check", "echo", "mode", "predict", "phantom", "train", "evaluate", "status", "selftest", "replay", "jobs", "results", "rules", "forget", "backup", "restore"):
            said = run(command, "--help")
            self.assertEqual((said.returncode, "usage" in said.stdout), (0, True), command)
            self.assertEqual(run(command, "--no-such-option").returncode, 64, command)

    def test_bench_measures_and_leaves_nothing(self):
        place = os.path.join(self.folder, "disk")
        os.mkdir(place)
        said = run("bench", "--folder", place, "--model", self.model, "--seconds", "0.1", "--json")
        self.assertEqual(said.returncode, 0, said.stderr)
        answer = json.loads(said.stdout)
        for figure in ("network_ms", "saliency_ms", "object_ms", "record_ms"):
            self.assertTrue(0 < answer[figure] < 60000, answer)
        self.assertGreater(answer["object_ms"], answer["record_ms"])
        self.assertEqual((answer["threads"], os.listdir(place)), (os.cpu_count(), []))
        for expected, *words in ((64, "--seconds", "0"), (64, "x"), (66, "--model", place), (73, "--seconds", "0.1", "--folder", place + "/none")):
            self.assertEqual(run("bench", *words).returncode, expected, words)

    def test_check_tells_what_a_model_is_and_what_would_bind_it(self):
        place = os.path.join(self.folder, "checked")
        os.mkdir(place)
        model = d.model(place, "clinical")
        said = run("check", "--model", model)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"(?m)^class 0      dislocation, a finding from 0\.25$")
        self.assertRegex(said.stdout, r"(?m)^gate         none: every picture is judged$")
        self.assertRegex(said.stdout, r"(?m)^modes        shadow, demo; mode clinical: .* has no <validation> bound to its digests$")
        digest = json.loads(run("predict", "--json", "--model", model, self.png[0]).stdout)["digest"]
        element = said.stdout.splitlines()[-1]
        self.assertTrue(element.endswith(f'data="" measures="" digest="{digest}"/>'), element)
        path = os.path.join(model, "model.xml")
        with open(path, encoding="utf-8") as f:
            plain = f.read()

        def check(text):
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            return run("check", "--model", model)
        validated = plain.replace("<weights", element.replace('=""', '="tested"') + "\n <weights")
        said = check(validated)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"(?m)^validation   of this digest\nmodes        shadow, demo, clinical$")
        self.assertNotIn("<validation", said.stdout)
        line = validated[:validated.index("<validation")].count("\n") + 1
        said = check(plain.replace("<weights", element + "\n <weights"))
        self.assertEqual((said.returncode, said.stdout), (78, ""))
        self.assertIn(f"model.xml:{line}: ", said.stderr)
        said = check(validated.replace('operating-point="0.25"', 'operating-point="0.26"'))
        self.assertEqual((said.returncode, said.stdout), (78, ""))
        self.assertIn(f"model.xml:{line}: validation is of another model (digest differs: {digest[:12]}..., this one is ", said.stderr)
        self.assertIn("synthetic images", run("check", "--model", self.model).stdout)
        self.assertEqual(run("check", "--model", os.path.join(place, "nowhere")).returncode, 78)
        self.assertEqual(run("check", "--model", model, "--print-effective").returncode, 64)
        self.assertEqual(run("jobs", "list", "--model", model).returncode, 64)

    def test_dicom_and_png_of_a_phantom_score_alike(self):
        status, answers = self.predict(*self.dicom, *self.png)
        self.assertEqual((status, len(answers)), (0, 4))
        for one, other in zip(answers[:2], answers[2:]):
            self.assertEqual(set(one["score"]), {"dislocation", "fracture", "normal"})
            self.assertAlmostEqual(sum(one["score"].values()), 1, 4)
            for name, value in one["score"].items():
                self.assertAlmostEqual(value, other["score"][name], delta=0.02)
            self.assertEqual(one["class"], max(one["score"], key=one["score"].get))
            self.assertEqual(len(one["digest"]), 64)

    def test_what_cannot_be_judged_has_no_class_but_a_reason(self):
        chest, broken = os.path.join(self.folder, "chest.dcm"), os.path.join(self.folder, "broken.dcm")
        image = pydicom.dcmread(self.dicom[0])
        image.BodyPartExamined = "CHEST"
        image.save_as(chest)
        with open(broken, "wb") as f:
            f.write(b"this is no image" * 20)
        status, answers = self.predict(chest, broken, self.dicom[0])
        self.assertEqual(status, 65)
        self.assertEqual([(a["class"], a.get("reason")) for a in answers[:2]], [(None, "wrong-body-part"), (None, "undecodable")])
        self.assertIsNotNone(answers[2]["class"])

    def test_missing_files_and_models(self):
        nowhere = os.path.join(self.folder, "nowhere.dcm")
        status, answers = self.predict(nowhere, self.dicom[0])
        self.assertEqual((status, [a["file"] for a in answers]), (66, [nowhere, self.dicom[0]]))
        self.assertEqual((answers[0]["class"], answers[0]["reason"]), (None, "unreadable"))
        self.assertEqual(set(answers[1]), {"file", "class", "score", "model", "digest", "milliseconds"})
        self.assertEqual(run("predict", "--model", self.folder + "/nowhere", self.png[0]).returncode, 66)
        self.assertEqual(run("status", "--config", self.folder + "/nowhere.xml").returncode, 66)

    @unittest.skipIf(SANITIZED, "a sanitizer needs address space of its own")
    def test_a_limited_address_space_ends_in_an_error_not_in_waiting(self):
        """OpenBLAS's threads try for ever to map what they want: no fork and no exit came back."""
        def limited(kilobytes, *words):
            return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False,
                                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes << 10,) * 2))

        for kilobytes in (180000, 220000, 260000, 300000):
            said = limited(kilobytes, ADMIN, "predict", self.dicom[0])  # with the bundled model
            self.assertGreater(said.returncode, 64, said.stderr)
            self.assertRegex(said.stderr, "out of memory|Cannot allocate memory", kilobytes)
            for program in (ADMIN, ADMIN + "d"):
                self.assertEqual(limited(kilobytes, program, "--version").returncode, 0, kilobytes)
        self.assertIn("<limits objectMemory> is more than the address space", limited(1000000, ADMIN, "predict", self.dicom[0]).stderr)
        self.assertEqual(limited(4000000, ADMIN, "predict", self.dicom[0]).returncode, 0)

    def test_the_picture(self):
        out = os.path.join(self.folder, "out.png")
        self.assertEqual(run("predict", "--model", self.model, "--saliency", out, self.dicom[0]).returncode, 0)
        with open(out, "rb") as f:
            head = f.read(24)
        self.assertEqual(head[1:4], b"PNG")
        self.assertGreaterEqual(int.from_bytes(head[16:20], "big"), 1000)
        self.assertEqual(run("predict", "--model", self.model, "--saliency", out, *self.png).returncode, 64)
        self.assertEqual(run("predict", "--model", self.model, "--saliency", "/nowhere/x.png", self.png[0]).returncode, 73)

    def test_each_way_of_explaining_has_a_picture_of_its_own(self):
        out, pictures = os.path.join(self.folder, "why.png"), []
        ask = ("predict", "--model", self.model, "--saliency", out)
        for method in (), ("gradient",), ("smoothgrad",), ("gradcam",), ("occlusion",):
            self.assertEqual(run(*ask, *(("--explain",) + method if method else ()), self.png[1]).returncode, 0)
            with open(out, "rb") as f:
                pictures.append(f.read())
        self.assertEqual(pictures[0], pictures[1])
        self.assertEqual(len(set(pictures)), 4)
        wrong = run(*ask, "--explain", "tealeaves", self.png[1])
        self.assertEqual((wrong.returncode, "tealeaves" in wrong.stderr), (64, True))
        self.assertEqual(run("predict", "--model", self.model, "--explain", "gradcam", self.png[0]).returncode, 64)

    def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(self):
        arguments = ("phantom", "--out", os.path.join(self.folder, "bar"), "--count", "2", "--seed", "1", "--size", "64")
        self.assertRegex(run(*arguments).stderr, r"^2 of 2 phantoms, [\d.]+/s, ETA 0:00:00\n$")
        ours, theirs = pty.openpty()
        try:
            subprocess.run([ADMIN, *arguments], stderr=theirs, timeout=60, check=True)
            self.assertRegex(os.read(ours, 65536).decode(), r"\r\x1b\[K\[#{20}\] 2/2 phantoms [\d.]+/s ETA 0:00:00")
        finally:
            os.close(ours)
            os.close(theirs)

    def test_a_model_is_trained_resumed_and_used(self):
        out, cache = os.path.join(self.folder, "trained"), os.path.join(self.folder, "cache")
        arguments = ("train", "--data", "phantom", "--network", self.model, "--out", out, "--images", 6, "--validation", 6, "--test", 6,
                     "--batch", 3, "--size", 64, "--threads", 1)
        said = run(*arguments, "--epochs", 1, XDG_CACHE_HOME=cache)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertTrue(os.path.exists(os.path.join(cache, "cervigate/trained/checkpoint.safetensors")))
        with open(os.path.join(out, "history.csv"), encoding="utf-8") as f:
            self.assertEqual(len(f.readlines()), 2)
        with open(os.path.join(out, "model.xml"), encoding="utf-8") as f:
            self.assertIn('provenance', f.read())
        self.assertEqual(run(*arguments, "--epochs", 1, "--resume", XDG_CACHE_HOME=cache).stdout, said.stdout)
        self.assertEqual(run("predict", "--model", out, self.png[0]).returncode, 0)

    def test_what_training_cannot_use(self):
        def train(**other):
            given = dict({"data": "phantom", "network": self.model, "out": os.path.join(self.folder, "never")}, **other)
            return run("train", *(word for name, value in given.items() for word in ("--" + name, value))).returncode
        self.assertEqual(run("train").returncode, 64)
        self.assertEqual(train(network="lenet", init=os.path.join(self.model, "weights.safetensors")), 64)
        self.assertEqual(train(data=self.folder + "/nowhere"), 66)
        self.assertEqual(train(init=self.folder + "/nowhere"), 66)
        self.assertEqual(train(init=self.png[0]), 65)
        self.assertEqual(train(out="/proc/nowhere/x"), 73)

    def test_phantoms_are_the_same_objects_again(self):
        again = os.path.join(self.folder, "again")
        run("phantom", "--out", again, "--count", 2, "--seed", 5, "--size", 128, "--format", "dicom")
        for path in self.dicom:
            with open(path, "rb") as a, open(path.replace("/dicom/", "/again/"), "rb") as b:
                self.assertEqual(a.read(), b.read())

    def test_phantoms_in_exact_numbers(self):
        def classes(*prevalence):
            out = tempfile.mkdtemp(dir=self.folder)
            said = run("phantom", "--out", out, "--count", 12, "--seed", 3, "--size", 64, *prevalence)
            self.assertEqual(said.returncode, 0, said.stderr)
            with open(os.path.join(out, "manifest.csv"), encoding="utf-8") as f:
                rows = list(csv.DictReader(f))
            self.assertEqual({r["age"].isdigit() and r["sex"] in "MF" for r in rows}, {True})
            return [sum(r["class"] == c for r in rows) for c in ("dislocation", "fracture", "normal")]
        self.assertEqual(classes("--prevalence", "1,9,2"), [1, 9, 2])
        self.assertEqual(classes("--prevalence", "0,0,12"), [0, 0, 12])
        self.assertEqual(sum(classes("--prevalence", "1,9,3")), 12)
        self.assertEqual(run("phantom", "--out", self.folder, "--count", 3, "--prevalence", "1,2").returncode, 64)


class Online(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = AnalyzeNode()
        cls.folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        cls.image, cls.other = os.path.join(cls.folder, "dx.dcm"), os.path.join(cls.folder, "ot.dcm")
        d.write_object(cls.image, 100000)
        d.write_object(cls.other, 100000, Modality="OT")
        assert cls.node.store(cls.image, cls.other).returncode == 0
        d.wait_for(lambda: cls.admin("status", "--json")[1]["results"]["reports"] == 1, 20, "a report")

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        shutil.rmtree(cls.folder)

    @classmethod
    def admin(cls, *arguments):
        said = run(*arguments, CERVIGATE_CONFIG=cls.node.config)
        lines = [json.loads(line) for line in said.stdout.splitlines()] if "--json" in arguments else said.stdout
        return said.returncode, lines[0] if "--json" in arguments and len(lines) == 1 else lines

    def test_status(self):
        status, said = self.admin("status", "--json")
        self.assertEqual((status, said["mode"], said["running"]), (0, "shadow", True))
        self.assertEqual((said["instances"]["judged"], said["instances"]["ignored"]), (1, 1))
        self.assertEqual((said["results"], said["deliveries"]["pending"]), ({"reports": 1, "pictures": 1}, 0))
        self.assertIn("running", self.admin("status")[1])

    def test_jobs_and_results(self):
        jobs = self.admin("jobs", "list", "--json")[1]
        self.assertEqual(sorted(j["state"] for j in jobs), ["ignored", "judged"])
        judged = next(j for j in jobs if j["state"] == "judged")
        self.assertTrue(os.path.isfile(judged["file"]), judged)
        shown = self.admin("jobs", "show", str(judged["id"]), "--json")[1]
        self.assertEqual(len(shown["scores"]), 3)
        self.assertEqual(self.admin("jobs", "show", "99")[0], 66)
        self.assertEqual(self.admin("jobs", "show", "x")[0], 64)
        results = self.admin("results", "list", "--json")[1]
        self.assertEqual(sorted(r["kind"] for r in results), ["sc", "sr"])
        self.assertTrue(all(os.path.exists(r["file"]) for r in results))

    def test_rules(self):
        status, said = self.admin("rules", "test", self.image, "--json")
        self.assertEqual((status, said["rule"], said["action"], said["own"], said["priority"], said["body_part"], said["destinations"]),
                         (0, "dx", "analyze", False, "raise", "header", {}))
        self.assertEqual(said["steps"][-1]["takes"], True)
        status, said = self.admin("rules", "test", self.other)
        self.assertEqual(status, 1)
        self.assertIn('Modality is "OT"', said)
        self.assertEqual(self.admin("rules", "test", self.node.config)[0], 65)

    def test_mode(self):
        self.assertEqual(self.admin("mode")[1], "shadow\n")
        self.assertEqual(self.admin("mode", "clinical")[0], 78)
        self.assertEqual(self.admin("mode", "demo"), (0, "demo\n"))
        said = run("check", CERVIGATE_CONFIG=self.node.config)
        self.assertEqual(said.returncode, 0)
        self.assertRegex(said.stderr, r':\d+: note: <node mode="shadow">: `cervigate mode` has set demo, which is in force')
        self.assertEqual(self.admin("mode", "shadow"), (0, "shadow\n"))
        self.assertNotIn("<node mode", run("check", CERVIGATE_CONFIG=self.node.config).stderr)
        self.assertEqual(self.admin("mode", "other")[0], 64)

    def test_echo_and_check(self):
        said = run("echo", "nobody", CERVIGATE_CONFIG=self.node.config)
        self.assertEqual(said.returncode, 69)
        self.assertIn("network", said.stderr)
        self.assertEqual(self.admin("echo", "somebody")[0], 64)
        self.assertEqual(self.admin("check")[0], 0)
        printed = self.admin("check", "--print-effective")[1]
        again = os.path.join(self.folder, "again.xml")
        with open(again, "w", encoding="utf-8") as f:
            f.write(printed)
        self.assertEqual(run("check", "--config", again).returncode, 0)

    def test_check_tells_the_line_of_what_it_cannot_use(self):
        wrong, blocked = os.path.join(self.folder, "wrong.xml"), os.path.join(self.folder, "blocked")
        with open(blocked, "w", encoding="utf-8"), open(self.node.config, encoding="utf-8") as f:
            text = f.read().replace(f'spool="{self.node.spool}"', f'spool="{blocked}/x"').replace(self.node.model, "/nowhere")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write(text)
        said = run("check", "--config", wrong)
        self.assertEqual((said.returncode, said.stdout), (78, ""))
        line = next(n for n, t in enumerate(text.splitlines(), 1) if "<node" in t)
        self.assertRegex(said.stderr, rf"(?m)^{wrong}:{line}: model /nowhere: .*No such file")
        self.assertRegex(said.stderr, rf'(?m)^{wrong}:{line}: <node spool="{blocked}/x">: .*Not a directory; expected')


if __name__ == "__main__":
    unittest.main(verbosity=2)
