"""Would 8 bits keep the bundled model's answers? `int8.py [--count N] [--model DIR] [--json]` simulates them in PyTorch (scripts/bench int8).

Weights are rounded to int8 a channel, activations to 8 bits a tensor, ranges from phantoms that are not judged; sums and biases
stay exact, as VNNI's would. The condition of `--precision int8`: no class changes and no score moves by more than 0.02.
Phantoms are drawn at the model's own side, so that what is judged needs no resizing; the float32 simulation is held against
`cervigate predict` first. Exit 1: the simulation does not agree with it; 77: a peer is not installed."""
import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../parity"))
try:
    import numpy as np
    import torch
    from PIL import Image
    from networks import Table
except ImportError as error:
    print(f"skipped: {error} (scripts/deps --peers)")
    sys.exit(77)

BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(HERE, "../../build/release"))
CERVIGATE = os.path.join(BUILD, "bin/cervigate")
JUDGED, RANGES = 900001, 501  # the report's protocol; phantoms for the ranges alone
RANGE_COUNT, MOST_MOVED, AGREES = 64, 0.02, 1e-3
VARIANTS = (("all layers, range from the largest value", True, 1.0, True),
            ("all layers, range from the 99.99th percentile", True, 0.9999, True),
            ("first and last layer in float32, largest value", False, 1.0, True),
            ("first and last layer in float32, 99.99th percentile", False, 0.9999, True),
            ("weights alone", True, None, False))


class Model(Table):
    """The bundled model's network with its weights."""

    def __init__(self, folder):
        super().__init__()
        root = ElementTree.parse(os.path.join(folder, "model.xml")).getroot()
        self.side = int(root.find("input").get("side"))
        self.mean = torch.tensor([float(m) for m in root.find("input").get("mean").split()]).view(1, 3, 1, 1)
        self.classes = [c.get("name") for c in root.find("classes")]
        self.eval()
        with torch.no_grad():
            self(torch.zeros(1, 1, self.side, self.side))  # makes the layers
            for name, value in weights_of(os.path.join(folder, "weights.safetensors")).items():
                layer, kind = name.rsplit(".", 1)
                getattr(self.layers[layer], kind).copy_(torch.from_numpy(value))

    def forward(self, grey):
        x = self.linear("loss3/classifier", self.googlenet(grey * 255 - self.mean), len(self.classes), relu=False)
        return x.softmax(1)


def weights_of(path):
    with open(path, "rb") as f:
        header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        start = f.tell()
        out = {}
        for name, tensor in header.items():
            if name == "__metadata__":
                continue
            begin, end = tensor["data_offsets"]
            f.seek(start + begin)
            out[name] = np.frombuffer(f.read(end - begin), {"F16": "<f2", "F32": "<f4"}[tensor["dtype"]]).astype("f4").reshape(tensor["shape"])
    return out


def draw(folder, seed, count, side):
    subprocess.run([CERVIGATE, "phantom", "--out", folder, "--count", str(count), "--seed", str(seed), "--size", str(side)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(folder, "manifest.csv"), encoding="utf-8") as f:
        return [os.path.join(folder, row["file"]) for row in csv.DictReader(f)]


def prepared(path):
    """The first to the 99th percentile become 0 to 1 (docs/training.md)."""
    grey = np.asarray(Image.open(path), "f4") / 255
    low, high = (np.sort(grey, axis=None)[int(np.ceil(part * grey.size)) - 1] for part in (0.01, 0.99))
    return torch.from_numpy(((grey - low) / (high - low)).clip(0, 1))[None, None]


def scores(model, images):
    with torch.no_grad():
        return torch.cat([model(image) for image in images]).numpy()


def rounded(value, scale):
    return (value / scale).round().clamp(-127, 127) * scale


def quantise(folder, ranges, ends, part, activations):
    """The model with rounded weights, and inputs of its layers rounded to the ranges seen."""
    model = Model(folder)
    first, last = next(iter(model.layers)), list(model.layers)[-1]
    for name, layer in model.layers.items():
        if not ends and name in (first, last):
            continue
        weight = layer.weight.data
        largest = weight.flatten(1).abs().amax(1).clamp_min(1e-12).view(-1, *[1] * (weight.dim() - 1))
        layer.weight.data = rounded(weight, largest / 127)
        if activations:
            low, high = ranges[name][part]
            layer.register_forward_pre_hook(lambda _, x, low=low, high=high: (to_levels(x[0], low, high),))
    return model


def to_levels(x, low, high):
    """256 levels; zero is one of them."""
    scale = (high - low) / 255
    zero = round(-low / scale)
    return ((x / scale).round().clamp(-zero, 255 - zero)) * scale


def watch(model, images):
    """Each layer's inputs: their range, whole and at the 99.99th percentile."""
    seen = {name: {1.0: [0.0, 0.0], 0.9999: [0.0, 0.0]} for name in model.layers}

    def look(name):
        def hook(_, x):
            values = np.sort(x[0].numpy(), axis=None)
            for part, limits in seen[name].items():
                cut = int((1 - part) * len(values))
                limits[0] = min(limits[0], float(values[cut] if values[0] < 0 else 0))
                limits[1] = max(limits[1], float(values[len(values) - 1 - cut]))
        return hook

    hooks = [layer.register_forward_pre_hook(look(name)) for name, layer in model.layers.items()]
    scores(model, images)
    for hook in hooks:
        hook.remove()
    return seen


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=330)
    parser.add_argument("--model", default=os.path.join(HERE, "../../models/cervigate-phantom"))
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    model = Model(wanted.model)
    with tempfile.TemporaryDirectory() as folder:
        judged = draw(os.path.join(folder, "judged"), JUDGED, wanted.count, model.side)
        ranges = draw(os.path.join(folder, "ranges"), RANGES, RANGE_COUNT, model.side)
        told = subprocess.run([CERVIGATE, "predict", "--json", "--model", wanted.model, *judged], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        ours = {row["file"]: row for row in map(json.loads, told.stdout.splitlines()) if "score" in row}
        images = [prepared(path) for path in judged]
        seen = watch(model, [prepared(path) for path in ranges])
        plain = scores(model, images)
    kept = [i for i, path in enumerate(judged) if path in ours]
    differs = max(abs(plain[i, k] - ours[judged[i]]["score"][name]) for i in kept for k, name in enumerate(model.classes))
    rows = []
    for words, ends, part, activations in VARIANTS:
        moved = scores(quantise(wanted.model, seen, ends, part, activations), images)
        distance = np.abs(moved - plain).max(1)
        rows.append({"variant": words, "classes_changed": int((moved.argmax(1) != plain.argmax(1)).sum()),
                     "largest_move": round(float(distance.max()), 4), "moved": int((distance > MOST_MOVED).sum())})
    if wanted.json:
        print(json.dumps({"phantoms": len(judged), "seed": JUDGED, "compared": len(kept), "simulation_differs": differs, "variants": rows}))
    else:
        print(f"{len(judged)} phantoms of seed {JUDGED}; the float32 simulation and `cervigate predict` differ by at most {differs:.1e} ({len(kept)} compared)\n")
        print(f"| variant | classes changed | largest move of a score | images moved by more than {MOST_MOVED} |\n|---|---|---|---|")
        for row in rows:
            print(f"| {row['variant']} | {row['classes_changed']} | {row['largest_move']:.3f} | {row['moved']} |")
    return 0 if differs < AGREES else 1


if __name__ == "__main__":
    sys.exit(main())
