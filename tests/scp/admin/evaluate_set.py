"""What the tests of `cervigate evaluate` share: phantoms, a quick model, the command."""
import csv
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
ADMIN = os.path.join(d.BUILD, "bin/cervigate")
CLASSES = ("dislocation", "fracture", "normal")
HOSTILE = 'ER <script>alert("1")</script> & \'2\''


def read_csv(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


class EvaluateSet(unittest.TestCase):
    """60 phantoms: 21 validation; 39 test, 20 of which are ten studies of two images, and three of which can't be judged."""
    side = 224  # of the model's input

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        cls.model = cls.small_model("model")
        said = cls.run_admin("phantom", "--out", cls.at("ph"), "--count", 60, "--seed", 9, "--size", 128, "--prevalence", "20,20,20")
        assert said.returncode == 0, said.stderr
        cls.rows = read_csv(cls.at("ph/manifest.csv"))
        tests = [row for i, row in enumerate(cls.rows) if i // 3 % 3]
        for i, row in enumerate(cls.rows):
            row["part"] = "test" if row in tests else "validation"
            row["station"], row["view"] = (HOSTILE if i % 2 else "CLINIC"), "LL"
            pair = tests.index(row) // 2 if row in tests[:20] else 100 + i
            row["study"] = row["patient"] = f"P{pair}"
        with open(cls.at("ph", tests[0]["file"]), "wb") as f:
            f.write(b"\x89PNG\r\n\x1a\n this is no picture any more")
        cls.flat(cls.at("ph", tests[3]["file"]))
        cls.flat(cls.at("ph", tests[-1]["file"]))
        cls.data = write_csv(cls.at("ph/data.csv"), cls.rows)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def at(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def small_model(cls, name, **points):
        """The bundled model, seeing three fifths of the pixels or fewer, without its gate: quick, and wrong often enough to have something to measure."""
        shutil.copytree(os.path.join(SOURCE, "models/cervigate-phantom"), cls.at(name))
        with open(cls.at(name, "model.xml"), encoding="utf-8") as f:
            text = re.sub(r'side="\d+"', f'side="{cls.side}"', f.read(), count=1)
        text = re.sub(r"\s*<input-gate[^>]*/>", "", text)  # its own tests: test_gate.py
        for class_, point in points.items():
            text = re.sub(rf'(name="{class_}" finding="true" operating-point=)"[^"]*"', rf'\1"{point}"', text)
        with open(cls.at(name, "model.xml"), "w", encoding="utf-8") as f:
            f.write(text)
        return cls.at(name)

    @staticmethod
    def flat(path):
        from PIL import Image
        Image.new("L", (128, 128), 90).save(path)

    @classmethod
    def run_admin(cls, *arguments):
        environment = dict(os.environ, XDG_STATE_HOME=cls.at("state"))
        return subprocess.run([ADMIN, *map(str, arguments)], capture_output=True, text=True, timeout=150, env=environment)

    @classmethod
    def evaluate(cls, *arguments, model=None, data=None):
        return cls.run_admin("evaluate", "--model", model or cls.model, "--data", data or cls.data, "--threads", 2, *arguments)

    def quick(self, *arguments, **other):
        return self.evaluate("--maps", 0, "--draws", 0, *arguments, **other)
