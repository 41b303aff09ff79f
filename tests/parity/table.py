"""`table.py FOLDER NETWORK...`: the figures that parity.py left in FOLDER as one Markdown table."""
import datetime
import json
import os
import sys

NAMES = {"googlenet": "GoogLeNet", "googlenet-peak": "GoogLeNet's peak", "alexnet": "AlexNet", "stacked": "stacked", "resnet18": "ResNet-18",
         "vgg11": "VGG-11", "efficientnet_b0": "EfficientNet-B0"}
COLUMNS = ["forward", "output", "input gradient", "gradient", "tie", "zero gradient", "exact zero", "statistic", "loss sgd", "loss adam",
           "runtime, our export", "runtime, PyTorch's export"]


def cell(row, column):
    if row is None:
        return "-"
    text = f"{row['error']:.1e}"
    if column == "tie" or column.startswith("loss"):
        text += f" ({row['at'].partition(', ')[2] or row['at']})"
    return text if row["error"] <= row["bound"] else f"**{text}** ({row['at']})"


def main():
    folder, networks = sys.argv[1], sys.argv[2:]
    found = {}
    for name in networks:
        path = os.path.join(folder, name + ".json")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                found[name] = json.load(f)
    bounds = {what: row["bound"] for f in found.values() for what, row in f["rows"].items()}
    versions = next((f["versions"] for f in found.values() if f["versions"]["ONNX Runtime"]), {})
    print(f"Date: {datetime.date.today().isoformat()}. Peers: " + ", ".join(f"{k} {v}" for k, v in versions.items()) + ".\n")
    print("| network | input | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    print("| bound | | " + " | ".join(f"{bounds[c]:.0e}" if c in bounds else "-" for c in COLUMNS) + " |")
    for name in networks:
        f = found.get(name)
        if f is None:
            print(f"| {NAMES.get(name, name)} | not run |" + " |" * len(COLUMNS))
            continue
        shape = f"{f['samples']} x 3 x {f['side']} x {f['side']}"
        print(f"| {NAMES[name]} | {shape} | " + " | ".join(cell(f["rows"].get(c), c) for c in COLUMNS) + " |")
        if f["failure"]:
            print(f"\n{NAMES[name]}: {f['failure']}\n")
    print("\nTensors compared: " + "; ".join(
        f"{NAMES[n]} {f['rows'].get('forward', {}).get('tensors', 0)} activations, "
        f"{f['rows'].get('gradient', {}).get('tensors', 0)} gradients" for n, f in found.items()) + ".")
    return 0


if __name__ == "__main__":
    sys.exit(main())
