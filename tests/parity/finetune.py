"""Torchvision's ResNet-18 and EfficientNet-B0, as torch.onnx.export writes them, imported and fine-tuned by the product's commands."""
import csv
import glob
import os
import subprocess
import sys
import tempfile
import warnings

try:
    import torch
    import torchvision
except ImportError as missing:
    print(f"skipped: {missing} (scripts/deps --peers)")
    sys.exit(77)

warnings.filterwarnings("ignore")
ADMIN = os.path.join(os.environ["CERVIGATE_BUILD"], "bin/cervigate")
SIDE = 64


def run(*arguments, cache):
    said = subprocess.run([ADMIN, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": cache})
    if said.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}\n{said.stderr}")
    return said.stdout


def export(name, path):
    """With its batch norms as layers: folded ones could not learn."""
    torch.manual_seed(1)
    network = getattr(torchvision.models, name)(weights=None).eval()
    torch.onnx.export(network, torch.rand(1, 3, SIDE, SIDE), path, opset_version=13, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE)


def main():
    with tempfile.TemporaryDirectory(prefix="cervigate-finetune-") as folder:
        images = os.path.join(folder, "images")
        run("phantom", "--out", images, "--count", 36, "--prevalence", "12,12,12", "--size", 96, "--seed", 4, cache=folder)
        normal = sorted(glob.glob(os.path.join(images, "c-spine_normal/*.png")))[0]
        for name in ("resnet18", "efficientnet_b0"):
            onnx, imported, tuned = (os.path.join(folder, name + end) for end in (".onnx", "-imported", "-tuned"))
            export(name, onnx)
            run("import", "onnx", onnx, "--out", imported, "--input", "imagenet-torch", "--fresh-head", "--classes",
                "dislocation,fracture,normal", "--none", "normal", cache=folder)
            run("train", "--data", images, "--network", imported, "--out", tuned, "--epochs", 3, "--batch", 8, "--augment", "none", cache=folder)
            with open(os.path.join(tuned, "history.csv"), encoding="utf-8") as f:
                losses = [float(row["train_loss"]) for row in csv.DictReader(f)]
            print(name, "training loss", losses)
            assert len(losses) == 3 and losses[-1] < losses[0], f"{name} does not learn"
            scores = run("predict", "--model", tuned, "--json", normal, cache=folder)
            assert '"normal"' in scores, scores


main()
