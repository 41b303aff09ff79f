"""Draws phantoms and asks the model, both through `cervigate`; keeps what was drawn and answered.

Phantoms lie in CACHE/phantoms/GENERATOR, GENERATOR being a digest of four of them: another generator draws anew. Answers
lie in CACHE/answers/MODEL.jsonl, by the digest of the file's bytes, MODEL being the digest that `predict` tells. What takes
minutes to make of them lies in CACHE/features and CACHE/measured, by a digest of all that it depends on. So an interrupted report goes on:
what is lost is the set that was being drawn, the batch that was asked, or the part that was measured."""
import csv
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
SHARED = os.environ.get("CERVIGATE_SHARED", os.path.join(SOURCE, "..", "shared"))
NUMBERS = ("translation_mm", "angulation_deg", "height_loss_percent", "gap_mm", "contrast_to_noise", "flexion_deg", "turn_deg", "mm_per_pixel",
           "x0", "y0", "x1", "y1", "c2_x", "c2_y", "c7_x", "c7_y")
BATCH = 192  # files a call: opening the model costs as much as several of them
SIZE = 384


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def digest_of(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:32]


def save(path, write):
    """What `write` puts into an open file appears at `path` whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as f:
        write(f)
    os.replace(path + ".part", path)


class Answer:
    """What `predict` said of one file: score (in the model's order of classes) or the reason why it was refused."""

    def __init__(self, told, classes):
        self.judged = told["score"] is not None
        self.score = np.array([told["score"][c] for c in classes]) if self.judged else np.full(len(classes), np.nan)
        self.reason, self.detail = told.get("reason", ""), told.get("detail", "")


class Lab:
    def __init__(self, cervigate, model, scale=1.0, cache=None, generator=None):
        self.cervigate, self.model, self.scale = cervigate, os.path.abspath(model), scale
        root = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        self.cache = cache or os.path.join(root, "cervigate", "model-report")
        self.environment = dict(os.environ, XDG_STATE_HOME=os.path.join(self.cache, "state"))
        os.makedirs(os.path.join(self.cache, "answers"), exist_ok=True)
        self.read_model()
        self.generator = generator or self.fingerprint()
        self.told = None

    def count(self, full, least=6):
        return max(min(least, full), round(full * self.scale))

    def read_model(self):
        root = xml.parse(os.path.join(self.model, "model.xml")).getroot()
        classes = root.find("classes")
        self.name, self.version = root.get("name"), root.get("version")
        self.classes = [c.get("name") for c in classes]
        self.findings = [i for i, c in enumerate(classes) if c.get("finding") == "true"]
        self.normal = next(i for i in range(len(self.classes)) if i not in self.findings)
        self.point = {i: float(classes[i].get("operating-point")) for i in self.findings}
        self.gated = os.path.isdir(os.path.join(self.model, "gate"))
        if sorted(self.classes) != ["dislocation", "fracture", "normal"]:
            raise SystemExit(f"model-report: the model's classes are {', '.join(self.classes)}; dislocation, fracture and normal are expected")

    def past_gate(self):
        """The same model without its input gate: what the network itself would answer."""
        if not self.gated:
            return self
        folder = os.path.join(self.cache, "past-gate")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(os.path.join(self.model, "model.xml"), encoding="utf-8") as f:
            text = re.sub(r"\s*<input-gate\b[^>]*/>", "", f.read())
        with open(os.path.join(folder, "model.xml"), "w", encoding="utf-8") as f:
            f.write(text)
        os.symlink(os.path.join(self.model, "weights.safetensors"), os.path.join(folder, "weights.safetensors"))
        return Lab(self.cervigate, folder, self.scale, self.cache, self.generator)

    def run(self, *arguments, accept=(0,)):
        said = subprocess.run([self.cervigate, *map(str, arguments)], capture_output=True, text=True, env=self.environment)
        if said.returncode not in accept:
            raise SystemExit(f"model-report: cervigate {arguments[0]} ended with {said.returncode}: {said.stderr[-600:]}")
        return said.stdout

    def kept(self, name, depends, make):
        """What `make` gives, as JSON in CACHE/measured; `depends` is all that it depends on."""
        key = hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:24]
        path = os.path.join(self.cache, "measured", f"{name}-{key}.json")
        if not os.path.exists(path):
            text = json.dumps(make())
            save(path, lambda f: f.write(text.encode()))
        with open(path, encoding="utf-8") as f:
            return json.load(f)

    # ---- phantoms ----

    def fingerprint(self):
        whole = hashlib.sha256()
        with tempfile.TemporaryDirectory(dir=self.cache) as folder:
            for configuration in (0, 1):
                out = os.path.join(folder, str(configuration))
                self.run("phantom", "--out", out, "--count", 2, "--seed", 1, "--size", 128, "--configuration", configuration, "--prevalence", "1,1,0")
                for name in sorted(os.path.join(at, f) for at, _, files in os.walk(out) for f in files):
                    whole.update(digest_of(name).encode())
        return whole.hexdigest()[:16]

    def draw(self, name, count, seed, prevalence=None, twins=False, **options):
        """Rows of the manifest, each with its path. prevalence: numbers of dislocations, fractures, normals."""
        words = ["--count", count, "--seed", seed, "--size", SIZE]
        if prevalence:
            words += ["--prevalence", ",".join(map(str, prevalence))]
        if twins:
            words += ["--twins", "--masks"]
        for option, value in options.items():
            words += [f"--{option}", value]
        key = hashlib.sha256(" ".join(map(str, words)).encode()).hexdigest()[:8]
        folder = os.path.join(self.cache, "phantoms", self.generator, f"{name}-{count}-{key}")
        if not os.path.exists(os.path.join(folder, "drawn")):
            say(f"drawing {name}: {count}")
            begin = time.time()
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(os.path.dirname(folder), exist_ok=True)
            self.run("phantom", "--out", folder, *words)
            with open(os.path.join(folder, "drawn"), "w", encoding="utf-8") as f:
                f.write(" ".join(map(str, words)) + "\n")
            say(f"  {count} in {time.time() - begin:.0f} s")
        with open(os.path.join(folder, "manifest.csv"), encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        for row in rows:
            row.update({n: float(row[n]) for n in NUMBERS}, path=os.path.join(folder, row["file"]), age=int(row["age"]))
            row["subtlety"] = float(row["subtlety"]) if row["subtlety"] else None
            row["mask"] = os.path.join(folder, row["mask"]) if row["mask"] else None
        return rows

    # ---- answers ----

    def known(self, path):
        if self.told is None:
            first = json.loads(self.run("predict", "--model", self.model, "--json", path, accept=(0, 65)))
            self.digest, self.told = first["digest"], {}
            self.book = os.path.join(self.cache, "answers", self.digest[:16] + ".jsonl")
            if os.path.exists(self.book):
                with open(self.book, encoding="utf-8") as f:
                    for line in f:
                        if line.endswith("\n"):  # the last one may have been cut off
                            record = json.loads(line)
                            self.told[record["key"]] = record
        return self.told

    def answers(self, paths, what):
        """One Answer a path, in order."""
        paths = list(paths)
        if not paths:
            return []
        told, keys = self.known(paths[0]), [digest_of(p) for p in paths]
        open_ = [(k, p) for k, p in dict(zip(keys, paths)).items() if k not in told]
        begin, shown = time.time(), time.time()
        for at in range(0, len(open_), BATCH):
            batch = open_[at:at + BATCH]
            lines = self.run("predict", "--model", self.model, "--json", *[p for _, p in batch], accept=(0, 65)).splitlines()
            if len(lines) != len(batch):
                raise SystemExit(f"model-report: {len(batch)} files were asked, {len(lines)} answers came")
            with open(self.book, "a", encoding="utf-8") as f:
                for (key, _), line in zip(batch, lines):
                    record = {k: v for k, v in json.loads(line).items() if k in ("score", "reason", "detail")}
                    record["key"] = key
                    told[key] = record
                    f.write(json.dumps(record) + "\n")
            if time.time() - shown > 10 or at + BATCH >= len(open_):
                done, shown = min(at + BATCH, len(open_)), time.time()
                say(f"  asked {what}: {done} of {len(open_)}, {1000 * (shown - begin) / done:.0f} ms each")
        return [Answer(told[k], self.classes) for k in keys]

    def ask(self, rows, what):
        """Gives each row its answer, the scores' highest class, and whether some finding was called."""
        for row, answer in zip(rows, self.answers([r["path"] for r in rows], what)):
            self.judge(row, answer)
        return rows

    def judge(self, row, answer):
        row["answer"], row["judged"] = answer, answer.judged
        row["top"] = self.classes[int(np.argmax(answer.score))] if answer.judged else None
        row["called"] = answer.judged and any(answer.score[i] >= self.point[i] for i in self.findings)
        row["injury"] = 1 - answer.score[self.normal]  # NaN when refused
        row["right"] = row["top"] == row["class"]

    def ask_pictures(self, pictures, what):
        """Answers for arrays (grey, 0..1) of an iterable, written as PNG for the time of asking only."""
        out, pictures, more = [], iter(pictures), True
        while more:
            with tempfile.TemporaryDirectory(dir=self.cache) as folder:
                paths = []
                for picture in itertools.islice(pictures, BATCH):
                    paths.append(os.path.join(folder, f"{len(paths)}.png"))
                    Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype("uint8")).save(paths[-1], compress_level=1)
                out += self.answers(paths, f"{what} ({len(out) + len(paths)})")
                more = len(paths) == BATCH
        return out


def place(at, row):
    """Where a point of a lateral lies by the line from C2's body to C7's, in parts of its length: "spine" from the dens to T1, from the
    prevertebral tissue to the spinous processes' ends; "skull" above; "outside": face, airway, shoulders, air."""
    c2, c7 = (np.array([row[f"{k}_x"], row[f"{k}_y"]]) for k in ("c2", "c7"))
    line = c7 - c2
    length = np.hypot(*line)
    down = float((np.array(at) - c2) @ line) / length ** 2
    ahead = float((np.array(at) - c2) @ np.array([line[1], -line[0]])) / length ** 2 * (1 if row["facing"] == "right" else -1)
    if down < -0.35:
        return "skull"
    return "spine" if down <= 1.15 and -0.75 <= ahead <= 0.3 else "outside"


def grey(path):
    return np.asarray(Image.open(path).convert("L"), float) / 255
