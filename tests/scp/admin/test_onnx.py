"""`cervigate export onnx` and `import onnx`: a model that went out and came in scores as before; each way to fail."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


def run(*arguments):
    return subprocess.run([ADMIN, *map(str, arguments)], capture_output=True, text=True, timeout=100)


class Onnx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-onnx-")
        cls.model = d.model(cls.folder)
        cls.file = cls.path("model.onnx")
        said = run("export", "onnx", "--model", cls.model, cls.file)
        assert (said.returncode, said.stdout.strip()) == (0, cls.file), said.stderr
        said = run("phantom", "--out", cls.path("png"), "--count", 2, "--seed", 5, "--size", 128)
        assert said.returncode == 0, said.stderr
        cls.images = sorted(os.path.join(p, n) for p, _, names in os.walk(cls.path("png")) for n in names if n.endswith(".png"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    def scores(self, model):
        said = run("predict", "--model", model, "--json", *self.images)
        self.assertEqual(said.returncode, 0, said.stderr)
        return [json.loads(line)["score"] for line in said.stdout.splitlines()]

    def refused(self, status, words, *arguments):
        said = run("import", "onnx", *arguments)
        self.assertEqual(said.returncode, status, said.stderr)
        self.assertIn(words, said.stderr)

    def test_there_and_back(self):
        back = self.path("back")
        said = run("import", "onnx", self.file, "--out", back)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, "^" + back + " [0-9a-f]{64}$")
        self.assertNotIn("softmax was added", said.stderr)
        self.assertEqual(self.scores(back), self.scores(self.model))
        with open(os.path.join(back, "model.xml"), encoding="utf-8") as f:
            xml = f.read()
        self.assertIn('network="graph"', xml)
        self.assertRegex(xml, r"imported from model\.onnx \(SHA-256 [0-9a-f]{64}\)")
        self.assertIn('kind="synthetic"', xml)
        self.refused(73, "holds a model already", self.file, "--out", back)

    def test_names_and_input_of_the_command_line(self):
        other = self.path("other")
        said = run("import", "onnx", self.file, "--out", other, "--classes", "a,b,c", "--none", "a", "--input", "unit", "--fit", "pad",
                   "--name", "mine")
        self.assertEqual(said.returncode, 0, said.stderr)
        with open(os.path.join(other, "model.xml"), encoding="utf-8") as f:
            xml = f.read()
        for words in ('name="mine"', 'fit="pad"', '<class number="0" name="a" finding="false"', 'scale="1"'):
            self.assertIn(words, xml)

    def test_fresh_head(self):
        fresh = self.path("fresh")
        said = run("import", "onnx", self.file, "--out", fresh, "--fresh-head", "--classes", "sick,well", "--none", "well")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("loss3/classifier", said.stderr)
        self.assertIn("untrained", said.stderr)
        self.assertEqual(list(self.scores(fresh)[0]), ["sick", "well"])
        self.refused(64, "--fresh-head needs --classes", self.file, "--out", self.path("n"), "--fresh-head")

    def test_refusals(self):
        out = self.path("none")
        self.refused(66, "missing.onnx", self.path("missing.onnx"), "--out", out)
        self.refused(64, "usage", self.file)
        self.refused(64, "none of the classes", self.file, "--out", out, "--none", "nobody")
        self.refused(64, "3 names are expected", self.file, "--out", out, "--classes", "a,b")
        self.refused(64, "go together", self.file, "--out", out, "--scale", "1,1,1")
        self.refused(64, "three numbers", self.file, "--out", out, "--scale", "1,1", "--mean", "0,0,0")
        with open(self.file, "rb") as f:
            whole = f.read()
        cut = self.path("cut.onnx")
        with open(cut, "wb") as f:
            f.write(whole[:len(whole) // 2])
        self.refused(65, "cut.onnx: not an ONNX model, or cut off", cut, "--out", out)
        self.refused(64, "what the network's input is must be said", self.strip(whole), "--out", out)
        self.assertFalse(os.path.exists(out))

    def strip(self, whole):
        """Without metadata: its keys are renamed, as long as before."""
        path = self.path("bare.onnx")
        with open(path, "wb") as f:
            f.write(whole.replace(b"cervigate.scale", b"somebody_s.like").replace(b"cervigate.mean", b"somebody_s.men"))
        return path

    def test_export_refusals(self):
        self.assertEqual(run("export", "onnx", "--model", self.path("no"), self.path("x.onnx")).returncode, 66)
        self.assertEqual(run("export", "onnx", "--model", self.model, self.path("no/x.onnx")).returncode, 73)
        self.assertEqual(run("export", "onnx", self.path("x.onnx")).returncode, 64)
        self.assertEqual(run("export", "pickle", "--model", self.model, "x").returncode, 64)


if __name__ == "__main__":
    unittest.main(verbosity=2)
