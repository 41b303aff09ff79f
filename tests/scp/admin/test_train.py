"""`cervigate train` on files, as a hospital would: folders of images, divisions, folds, choices, interruptions."""
import csv
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


def rows(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def text(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Train(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-train-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.folder, "cache"), XDG_STATE_HOME=os.path.join(cls.folder, "state"))
        cls.images = cls.path("images")
        subprocess.run([ADMIN, "phantom", "--out", cls.images, "--count", "36", "--seed", "3", "--size", "64"], check=True, capture_output=True)
        cls.csv = os.path.join(cls.images, "manifest.csv")
        cls.base = cls.path("base")
        said = cls.train("--data", cls.images, "--network", "googlenet", "--init", "none", "--side", 64, "--out", cls.base, "--epochs", 1)
        assert said.returncode == 0, said.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def train(cls, *arguments):
        return subprocess.run([ADMIN, "train", "--threads", "1", *map(str, arguments)], capture_output=True, text=True, timeout=120, env=cls.environment)

    def go_on(self, out, *arguments):
        """From the base model, on its images, for one epoch."""
        return self.train("--data", self.images, "--network", self.base, "--out", self.path(out), "--epochs", 1, *arguments)

    def digest(self, out):
        return re.search(r'weights sha256="([0-9a-f]{64})"', text(self.path(out, "model.xml"))).group(1)

    def test_a_folder_becomes_a_model_that_tells_what_it_is(self):
        split = rows(os.path.join(self.base, "split.csv"))
        self.assertEqual(len(split), 36)
        self.assertEqual({r["part"] for r in split}, {"training", "validation", "test"})
        self.assertTrue(os.path.exists(os.path.join(self.base, "duplicates.csv")))
        card, model = text(os.path.join(self.base, "card.md")), text(os.path.join(self.base, "model.xml"))
        for words in ("random numbers (from scratch)", "| division | grouped: ", "| groups | 36 ", "| near-duplicates | 0 pairs", "sgd, momentum 0.95, rate 0.001 times 0.5 every 4 epochs, batch 10",
                      "1 of 1; the values are those of epoch 1", "--init none --side 64 --out base --epochs 1`", "NOT MEASURED (n = 0)"):
            self.assertIn(words, card)
        self.assertNotIn(self.folder, card + model)
        self.assertIn('split="grouped"', model)
        said = subprocess.run([ADMIN, "predict", "--model", self.base, os.path.join(self.images, rows(self.csv)[0]["file"])], capture_output=True, check=False)
        self.assertEqual(said.returncode, 0)

    def scale(self, *arguments):
        return subprocess.run([ADMIN, "import", "saliency-scale", *map(str, arguments)], capture_output=True, text=True, timeout=120, env=self.environment)

    def test_the_saliency_s_scale_is_measured(self):
        trained = text(os.path.join(self.base, "model.xml"))
        found = re.search(r'<saliency scale="([^"]+)"/>', trained)
        self.assertIsNotNone(found, trained)
        self.assertGreater(float(found.group(1)), 0)
        self.assertIn("| saliency drawn as strong | ", text(os.path.join(self.base, "card.md")))
        # measured again on the same validation part, by the model's split.csv: the same number, and nothing else changes
        copy = self.path("scaled")
        shutil.copytree(self.base, copy)
        plain = trained.replace(found.group(0), "")
        with open(os.path.join(copy, "model.xml"), "w", encoding="utf-8") as f:
            f.write(plain)
        said = self.scale("--data", self.images, "--out", copy)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"saliency scale \S+ \(\d+ images\)")
        again = text(os.path.join(copy, "model.xml"))
        self.assertEqual(re.search(r'<saliency scale="([^"]+)"/>', again).group(1), found.group(1))
        self.assertEqual(re.sub(r"\s+", " ", re.sub(r'<saliency scale="[^"]+"/>', "", again)), re.sub(r"\s+", " ", plain))
        # on phantoms, and on images of no division; both replace it
        said = self.scale("--data", "phantom", "--size", 64, "--validation", 12, "--out", copy)
        self.assertEqual(said.returncode, 0, said.stderr)
        os.unlink(os.path.join(copy, "split.csv"))
        said = self.scale("--data", self.images, "--out", copy, "--threads", 1)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(text(os.path.join(copy, "model.xml")).count("<saliency "), 1)

    def picture(self, point, scale, *arguments):
        """The base model with other operating points and scale: its picture of one image, as rows of RGB."""
        import numpy
        from PIL import Image
        folder = self.path("points")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.base, folder)
        model = re.sub(r'operating-point="[^"]+"', f'operating-point="{point}"', text(os.path.join(folder, "model.xml")))
        model = re.sub(r'(<saliency scale=")([^"]+)"', lambda m: f'{m.group(1)}{float(m.group(2)) * scale}"', model)
        with open(os.path.join(folder, "model.xml"), "w", encoding="utf-8") as f:
            f.write(model)
        out = self.path("picture.png")
        said = subprocess.run([ADMIN, "predict", "--model", folder, "--saliency", out, *arguments, os.path.join(self.images, rows(self.csv)[0]["file"])],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(said.returncode, 0, said.stderr)
        return numpy.asarray(Image.open(out).convert("RGB")).astype(int)

    def test_a_picture_shows_a_map_of_a_finding_only(self):
        coloured = {}
        for name, arguments in {"strong": (0, 0.5), "usual": (0, 1), "weak": (0, 1000), "none": (1, 1), "other method": (0, 1000, "--explain", "occlusion")}.items():
            rgb = self.picture(*arguments)
            coloured[name] = (rgb.shape, int(((rgb[200:560, :, 0] - rgb[200:560, :, 2]) > 20).sum()))  # rows of the images alone
        self.assertEqual(len({shape for shape, _ in coloured.values()}), 1, coloured)
        self.assertEqual((coloured["none"][1], coloured["weak"][1]), (0, 0), coloured)
        self.assertGreater(coloured["strong"][1], coloured["usual"][1], coloured)
        self.assertGreater(coloured["usual"][1], 0)
        self.assertGreater(coloured["other method"][1], 0, "its scale is its own")

    def test_a_scale_that_cannot_be_measured(self):
        for arguments, status, words in ((("--data", "phantom"), 64, "--data and --out are expected"),
                                         (("--data", "phantom", "--out", self.base, "--size", 3), 64, "--size 3"),
                                         (("--data", "phantom", "--out", self.base, "--what"), 64, "usage"),
                                         (("--data", "phantom", "--out", self.path("nowhere")), 66, "nowhere"),
                                         (("--data", self.path("nowhere"), "--out", self.base), 66, "nowhere")):
            said = self.scale(*arguments)
            self.assertEqual(said.returncode, status, said.stderr)
            self.assertIn(words, said.stderr)
        said = self.scale("--help")
        self.assertEqual(said.returncode, 0)
        self.assertIn("--validation N", said.stdout)
        # a model whose operating points nothing reaches
        high = self.path("high")
        shutil.copytree(self.base, high)
        model = re.sub(r'operating-point="[^"]+"', 'operating-point="1"', text(os.path.join(high, "model.xml")))
        with open(os.path.join(high, "model.xml"), "w", encoding="utf-8") as f:
            f.write(model)
        said = self.scale("--data", "phantom", "--size", 64, "--validation", 3, "--out", high)
        self.assertEqual(said.returncode, 65, said.stderr)
        self.assertIn("finds nothing in phantom", said.stderr)
        self.assertEqual(text(os.path.join(high, "model.xml")), model)

    def test_folds_test_every_image_once(self):
        out = self.path("folds")
        said = self.go_on("folds", "--folds", 3, "--data", self.csv)
        self.assertEqual(said.returncode, 0, said.stderr)
        tested = []
        for fold in (1, 2, 3):
            parts = rows(os.path.join(out, f"fold{fold}", "split.csv"))
            tested += [r["file"] for r in parts if r["part"] == "test"]
            self.assertIn(f"fold {fold} of 3 is the test part", text(os.path.join(out, f"fold{fold}", "card.md")))
        self.assertEqual(sorted(tested), sorted(r["file"] for r in rows(self.csv)))
        table = rows(os.path.join(out, "folds.csv"))
        self.assertEqual([r["fold"] for r in table], ["1", "2", "3", "mean", "sd"])
        for column in ("accuracy", "fracture_auc", "dislocation_sensitivity"):
            values = [float(r[column]) for r in table]
            self.assertAlmostEqual(values[3], statistics.mean(values[:3]), 5)
            self.assertAlmostEqual(values[4], statistics.stdev(values[:3]), 5)
        self.assertRegex(said.stdout, rf"(?m)^3 folds: accuracy {float(table[3]['accuracy']):.4f} \+- {float(table[4]['accuracy']):.4f}; dislocation sensitivity ")

        alone = self.go_on("alone", "--folds", 3, "--data", self.csv, "--fold", 2)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertEqual(os.listdir(self.path("alone")), ["fold2"])
        self.assertEqual(self.digest("alone/fold2"), self.digest("folds/fold2"))

    def test_a_random_division_is_marked(self):
        leaky = self.path("leaky")
        shutil.copytree(self.images, leaky)
        for row in rows(self.csv):  # every image twice
            file = os.path.join(leaky, row["file"])
            shutil.copy(file, file.replace("phantom_", "again_"))
        os.unlink(os.path.join(leaky, "manifest.csv"))
        said = self.go_on("marked", "--data", leaky, "--split", "random")
        self.assertEqual(said.returncode, 0, said.stderr)
        pairs = int(re.search(r"warning: the division is random: (\d+) pairs", said.stderr).group(1))
        self.assertGreater(pairs, 5)
        self.assertIn(f'split="random" leaking-pairs="{pairs}"', text(self.path("marked", "model.xml")))
        self.assertIn(f"| WARNING | {pairs} pairs", text(self.path("marked", "card.md")))
        self.assertIn("too good", text(self.path("marked", "model.xml")))
        self.assertGreaterEqual(len(rows(self.path("marked", "duplicates.csv"))), 36)

        said = self.go_on("grouped", "--data", leaky, "--split", "70/20/10")
        self.assertEqual((said.returncode, "warning: the division" in said.stderr), (0, False), said.stderr)
        side = {}
        for row in rows(self.path("grouped", "split.csv")):
            side.setdefault(os.path.basename(row["file"]).split("_", 1)[1], set()).add(row["part"])
        self.assertEqual({len(parts) for parts in side.values()}, {1})
        said = self.go_on("unlooked", "--data", leaky, "--duplicates", "off")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("| near-duplicates | not looked for |", text(self.path("unlooked", "card.md")))

    def test_a_model_is_never_written_over(self):
        """Neither weights nor the division that `evaluate` trusts: not by a training, not by one that is refused."""
        def everything():
            return {entry.name: pathlib.Path(entry.path).read_bytes() for entry in os.scandir(self.base)}
        before = everything()
        arguments = ("--data", self.images, "--network", "googlenet", "--init", "none", "--side", 64, "--out", self.base, "--epochs", 1)
        said = self.train(*arguments)
        self.assertEqual((said.returncode, "model.xml is there" in said.stderr), (73, True), said.stderr)
        said = self.train(*arguments, "--seed", 2, "--resume")
        self.assertEqual((said.returncode, "seed is 1 there, 2 here" in said.stderr), (64, True), said.stderr)
        self.assertEqual(everything(), before)
        os.rename(self.path("cache", "cervigate", "base"), self.path("aside"))
        said = self.train(*arguments, "--resume")
        os.rename(self.path("aside"), self.path("cache", "cervigate", "base"))
        self.assertEqual((said.returncode, "no checkpoint to go on from" in said.stderr), (73, True), said.stderr)
        self.assertEqual(everything(), before)
        os.makedirs(self.path("fold-there", "fold2"))
        shutil.copy(os.path.join(self.base, "model.xml"), self.path("fold-there", "fold2"))
        said = self.go_on("fold-there", "--folds", 3)
        self.assertEqual((said.returncode, "fold2/model.xml is there" in said.stderr), (73, True), said.stderr)

    def test_what_the_start_was_trained_on_is_no_test_image(self):
        said = self.go_on("other-seed", "--seed", 2)
        self.assertEqual(said.returncode, 0, said.stderr)
        count = int(re.search(r"warning: (\d+) images of the validation and test parts were trained on", said.stderr).group(1))
        split, first = rows(self.path("other-seed", "split.csv")), {r["file"]: r["part"] for r in rows(os.path.join(self.base, "split.csv"))}
        self.assertEqual(count, sum(r["part"] != "training" and first[r["file"]] == "training" for r in split))
        self.assertGreater(count, 0)
        self.assertEqual({r["file"] for r in split if r["before"]}, {f for f, part in first.items() if part == "training"})
        self.assertIn(f"| WARNING | {count} images", text(self.path("other-seed", "card.md")))
        self.assertIn("started from: too good", text(self.path("other-seed", "model.xml")))
        said = self.go_on("same-seed")
        self.assertEqual((said.returncode, "warning" in said.stderr), (0, False), said.stderr)

        # Other images now: what was trained on before still counts, under whatever name.
        new, moved = self.path("new"), self.path("moved")
        subprocess.run([ADMIN, "phantom", "--out", new, "--count", "30", "--seed", "8", "--size", "64"], check=True, capture_output=True)
        said = self.go_on("new-images", "--data", new)
        self.assertEqual((said.returncode, "warning" in said.stderr), (0, False), said.stderr)
        for number, row in enumerate(rows(self.csv)):
            os.makedirs(os.path.join(moved, row["class"]), exist_ok=True)
            shutil.copy(os.path.join(self.images, row["file"]), os.path.join(moved, row["class"], f"{number}.png"))
        said = subprocess.run([ADMIN, "evaluate", "--model", self.path("new-images"), "--data", moved, "--part", "all", "--json", "--maps", "0", "--draws", "0", "--threads", "1"],
                              capture_output=True, text=True, check=True, env=self.environment)
        self.assertEqual(json.loads(said.stdout)["data"]["training_images_among_them"], sum(part == "training" for part in first.values()))

    def test_a_model_that_cannot_be_told_of_or_written(self):
        file = self.path("a-file")
        with open(file, "w", encoding="utf-8"):
            pass
        for out, words in ((file, "Not a directory"), ("", "No such file or directory")):
            said = self.train("--data", self.images, "--network", self.base, "--out", out)
            self.assertEqual((said.returncode, words in said.stderr), (73, True), said.stderr)
        with open("/dev/full", "w", encoding="utf-8") as full:
            said = subprocess.run([ADMIN, "train", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual((said.returncode, "standard output: No space left" in said.stderr), (74, True))

    def test_one_image_in_two_classes_is_told(self):
        twice = self.path("twice")
        shutil.copytree(self.images, twice)
        named = {row["class"]: row["file"] for row in rows(self.csv)}
        shutil.copy(os.path.join(twice, named["normal"]), os.path.join(twice, os.path.dirname(named["fracture"]), "copy.png"))
        said = self.go_on("contradiction", "--data", twice)
        self.assertEqual((said.returncode, "warning: 1 of these pairs bear two different classes" in said.stderr), (0, True), said.stderr)

    def test_other_classes_of_any_name(self):
        two = self.path("two")
        for row in rows(self.csv):
            folder = os.path.join(two, "healthy" if row["class"] == "normal" else "injured")
            os.makedirs(folder, exist_ok=True)
            shutil.copy(os.path.join(self.images, row["file"]), folder)
        said = self.go_on("pair", "--data", two)
        self.assertEqual((said.returncode, "healthy injured" in said.stderr), (64, True), said.stderr)
        said = self.go_on("pair", "--data", two, "--none", "healthy", "--class-weights", "1,0.5")
        self.assertEqual(said.returncode, 0, said.stderr)
        model = text(self.path("pair", "model.xml"))
        self.assertIn('name="healthy" finding="false"', model)
        self.assertIn('name="injured" finding="true"', model)
        said = self.go_on("weighted", "--data", two, "--none", "healthy", "--class-weights", "1,1,1")
        self.assertEqual((said.returncode, "3 numbers for 2 classes" in said.stderr), (64, True), said.stderr)

    def test_a_network_of_its_own_goes_on_with_other_classes(self):
        own, four = self.path("own"), self.path("four")
        os.mkdir(own)
        subprocess.run([os.path.join(d.BUILD, "bin/make_model"), own, "own"], check=True)
        for number, row in enumerate(rows(self.csv)):
            folder = os.path.join(four, row["class"] if row["class"] != "normal" else ("normal", "old")[number % 2])
            os.makedirs(folder, exist_ok=True)
            shutil.copy(os.path.join(self.images, row["file"]), folder)
        arguments = ("--data", four, "--network", own, "--epochs", 2, "--batch", 6, "--patience", 2)
        said = self.train(*arguments, "--out", self.path("own4"))
        self.assertEqual(said.returncode, 0, said.stderr)
        model = text(self.path("own4", "model.xml"))
        self.assertIn('network="graph"', model)
        self.assertEqual(re.findall(r'class number="\d" name="(\w+)"', model), ["dislocation", "fracture", "normal", "old"])
        self.assertIn("start | model test-model 1.0 |", text(self.path("own4", "card.md")))
        said = subprocess.run([ADMIN, "predict", "--model", self.path("own4"), os.path.join(self.images, rows(self.csv)[0]["file"])], capture_output=True, check=False)
        self.assertEqual(said.returncode, 0, said.stderr)
        said = self.train(*arguments, "--out", self.path("again4"), "--threads", 2)
        self.assertEqual((said.returncode, self.digest("again4")), (0, self.digest("own4")), said.stderr)
        said = self.train(*arguments, "--out", self.path("wide4"), "--side", 96)
        self.assertEqual((said.returncode, "64 x 64" in said.stderr), (65, True), said.stderr)
        said = self.train(*arguments, "--out", self.path("frozen4"), "--freeze", "body")
        self.assertIn("stem, stem.norm, block", said.stderr)

    def test_interrupted_and_resumed_it_is_the_same(self):
        arguments = ("--epochs", 2, "--batch", 4, "--optimiser", "adam", "--rate", "0.0001", "--average", 0.9, "--patience", 5)
        self.assertEqual(self.go_on("whole", *arguments).returncode, 0)
        command = [ADMIN, "train", "--data", self.images, "--network", self.base, "--out", self.path("halves"), *map(str, arguments)]
        cut = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.environment)
        for line in cut.stderr:
            if line.startswith("epoch 1/2 "):
                break
        cut.send_signal(signal.SIGINT)
        said = cut.communicate(timeout=60)[1]
        self.assertEqual(cut.returncode, 1, said)
        self.assertIn("--resume goes on", said)
        self.assertFalse(os.path.exists(self.path("halves", "model.xml")))
        said = self.go_on("halves", *arguments, "--resume", "--label-smoothing", "0.1")
        self.assertEqual((said.returncode, "smoothing is 0 there, 0.1 here" in said.stderr), (64, True), said.stderr)
        self.assertEqual(self.go_on("halves", *arguments, "--resume").returncode, 0)
        self.assertEqual(self.digest("halves"), self.digest("whole"))
        self.assertIn("running mean of the weights 0.9", text(self.path("halves", "card.md")))
        arguments = [a for a in arguments if a not in ("--average", 0.9)]
        self.assertEqual(self.go_on("last", *arguments).returncode, 0)
        self.assertNotEqual(self.digest("last"), self.digest("whole"))

    def test_a_terminal_sees_a_bar(self):
        ours, theirs = pty.openpty()
        command = [ADMIN, "train", "--data", self.images, "--network", self.base, "--out", self.path("bar"), "--epochs", "1"]
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs, env=self.environment)
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            said += part
        os.close(ours)
        self.assertEqual(running.wait(timeout=60), 0)
        self.assertRegex(said.decode(), r"\r\x1b\[Kepoch 1/1 \[#+ *\] loss \d\.\d+ accuracy \d\.\d+ rate 0\.001 [\d.]+ images/s ETA \d+:\d\d:\d\d")
        self.assertRegex(said.decode(), r"\r\x1b\[Kepoch 1/1  loss \d\.\d+  accuracy \d\.\d+  validation loss \d\.\d+ accuracy")

    def test_choices_reach_the_model(self):
        said = self.go_on("chosen", "--freeze", "all", "--dropout", "0.2", "--augment", "rotation=5,crop=0.1", "--region", "spine", "--normalise", "percentile", "--denoise", "0.5", "--fit", "pad",
                          "--clip", 0, "--decay", 0)
        self.assertEqual(said.returncode, 0, said.stderr)
        card, model = text(self.path("chosen", "card.md")), text(self.path("chosen", "model.xml"))
        for words in ("frozen: all, dropout 0.2", "rotation 5 degrees", "crop 0.1", "spine region, percentiles 1 to 99 normalised, fit by padding, denoised (Gaussian, 0.5 px)", "model base 0.1.0"):
            self.assertIn(words, card)
        for words in ('fit="pad"', 'normalise="percentile"', 'region="spine"', 'denoise="0.5"'):
            self.assertIn(words, model)
        self.assertNotEqual(self.digest("chosen"), self.digest("base"))
        self.assertEqual(subprocess.run([ADMIN, "predict", "--model", self.path("chosen"), "--saliency", self.path("map.png"), os.path.join(self.images, rows(self.csv)[0]["file"])],
                                        capture_output=True, check=False).returncode, 0)

    def test_where_a_phantom_is_injured_is_learned_too(self):
        phantoms = ("--data", "phantom", "--network", "googlenet", "--init", "none", "--size", 64, "--side", 64, "--images", 6, "--validation", 6, "--test", 6, "--epochs", 1)
        said = self.train(*phantoms, "--places", 0.5, "--augment", "none", "--out", self.path("places"))
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("scores at places 0.5", text(self.path("places", "card.md")))
        said = self.train(*phantoms, "--places", 0.5, "--out", self.path("never"))
        self.assertEqual((said.returncode, said.stderr.splitlines()[-1]), (64, "cervigate train: places do not go with an augmentation that moves"))

    def test_the_highest_place_answers(self):
        said = self.train("--data", "phantom", "--network", "googlenet-peak", "--init", "none", "--size", 64, "--side", 64, "--images", 6, "--validation", 6, "--test", 6, "--epochs", 2,
                          "--places", 1, "--augment", "none", "--class-weights", "1.33,1.33,0.67", "--keep", "last", "--out", self.path("peak"))
        self.assertEqual(said.returncode, 0, said.stderr)
        card = text(self.path("peak", "card.md"))
        for words in ("| network | googlenet-peak, 3 classes", "classes weighted", "the values are those of epoch 2"):
            self.assertIn(words, card)
        self.assertIn('network="googlenet-peak"', text(self.path("peak", "model.xml")))
        said = subprocess.run([ADMIN, "predict", "--model", self.path("peak"), os.path.join(self.images, rows(self.csv)[0]["file"])], capture_output=True, text=True, check=False)
        self.assertEqual(said.returncode, 0, said.stderr)

    def test_what_is_wrong_is_named(self):
        for option, value in (("epochs", "0"), ("epochs", "1.5"), ("rate", "fast"), ("optimiser", "rmsprop"), ("class-weights", "1,,1"), ("class-weights", "1,-1,1"), ("label-smoothing", "1"), ("average", "0.4"), ("average", "1"),
                              ("dropout", "1"), ("keep", "first"), ("augment", "rotation"), ("augment", "rotation=90"), ("augment", "rotation=5,"), ("augment", "upside-down=1"), ("fit", "crop"),
                              ("normalise", "mean"), ("denoise", "-1"), ("region", "neck"), ("side", "31"), ("split", "70/15/16"), ("split", "100/0/0"), ("split", "odd"), ("folds", "2"),
                              ("duplicates", "maybe"), ("provenance", "unknown"), ("threads", "0"), ("none", "nothing"), ("freeze", "stem")):
            said = self.go_on("never", f"--{option}", value)
            self.assertEqual(said.returncode, 64, (option, value, said.stderr))
            self.assertTrue(said.stderr.splitlines()[-2 if option not in ("none", "freeze") else -1].startswith("cervigate train: "), (option, said.stderr))
            self.assertIn(option, said.stderr)
        self.assertIn("conv1/7x7_s2", self.go_on("never", "--freeze", "stem").stderr)
        for arguments, words in ((("--fold", 1), "--fold needs --folds"), (("--folds", 3, "--fold", 4), "no more than --folds"), (("--folds", 3, "--split", "random"), "--folds divides by groups"),
                                 (("--init", "none", "--init", self.csv), "nothing else can be the start"), (("--data", "phantom", "--split", "random"), "phantoms are each their own"),
                                 (("--epochs",), "--epochs: a value is missing"), (("--fast",), "--fast: not an option"), (("here",), "here: not expected"), (("--split", "given"), "no column part")):
            said = self.go_on("never", *arguments)
            self.assertEqual((said.returncode, words in said.stderr), (64, True), (arguments, said.stderr))
        self.assertEqual(self.go_on("never", "--init", self.csv).returncode, 65)
        self.assertEqual(self.train("--data", self.images, "--network", "googlenet", "--out", self.path("never")).returncode, 64)


if __name__ == "__main__":
    unittest.main(verbosity=2)
