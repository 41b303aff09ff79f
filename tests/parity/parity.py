"""One network against PyTorch and ONNX Runtime: `parity.py NETWORK`, with CERVIGATE_BUILD.

Prints a line a comparison: what, the largest max|a-b| / max|b| of any tensor, where, the bound. Exit 1 when one is
over its bound, 77 when a peer is not installed. `--json FILE` writes the figures for scripts/parity."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import numpy as np
    import onnx  # torch.onnx needs it
    import torch
    import torchvision

    warnings.filterwarnings("ignore", module="torch.onnx")
except ImportError as error:
    print(f"skipped: {error} (scripts/deps --peers)")
    sys.exit(77)

import tensors
from networks import CLASSES, NETWORKS, OWN, build, images, parameter_name

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(HERE, "../../build/release"))
PEERS = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
BOUNDS = {"forward": 1e-4, "output": 1e-4, "input gradient": 1e-3, "gradient": 1e-3, "zero gradient": 1e-5, "statistic": 1e-3,
          "loss sgd": 1e-3, "loss adam": 1e-3, "runtime, our export": 1e-4, "runtime, PyTorch's export": 1e-4}
STEPS = 10


def error(ours, theirs):
    theirs = np.asarray(theirs, np.float64)
    largest = np.abs(theirs).max()
    return float(np.abs(np.asarray(ours, np.float64) - theirs).max() / largest) if largest > 0 else float(np.abs(ours).max())


class Figures:
    def __init__(self):
        self.rows = {}

    def add(self, what, tensor, ours, theirs):
        if tuple(ours.shape) != tuple(theirs.shape):
            theirs = np.reshape(theirs, ours.shape)
        e = error(ours, theirs)
        row = self.rows.setdefault(what, {"error": -1.0, "at": "", "tensors": 0, "bound": BOUNDS[what]})
        row["tensors"] += 1
        if not e <= row["error"]:
            row["error"], row["at"] = e, tensor

    def good(self):
        return all(row["error"] <= row["bound"] for row in self.rows.values())


def runtime(model, x, folder):
    """ONNX Runtime's output and version."""
    source, result = os.path.join(folder, "x.f32"), os.path.join(folder, "y.f32")
    x.astype("<f4").tofile(source)
    run = subprocess.run(["node", os.path.join(HERE, "ort_run.js"), model, source, result, str(x.shape[0]), str(x.shape[2])],
                         capture_output=True, text=True, env={**os.environ, "NODE_PATH": PEERS})
    if run.returncode:
        raise RuntimeError(f"ONNX Runtime on {os.path.basename(model)}: {run.stderr.strip()}")
    return np.fromfile(result, "<f4").reshape(x.shape[0], -1), run.stdout.strip()


def softmax(scores):
    e = np.exp(scores - scores.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def watch(net):
    """Copies of what every module of a torchvision network gives, by its name; later layers write in place."""
    trace = {}
    for name, module in net.named_modules():
        if name and not list(module.children()):
            module.register_forward_hook(lambda _, __, y, name=name: trace.__setitem__(name, y.detach().clone()))
    return trace


def train(name, x, labels, optimiser, double, decide):
    """Losses of ten steps; of SGD's first step every gradient; then the running statistics."""
    net = build(name)
    net = (net.double() if double else net).train()
    x = x.double() if double else x
    heavy = [p for p in net.parameters() if p.dim() > 1]
    light = [p for p in net.parameters() if p.dim() <= 1]
    groups = [{"params": heavy, "weight_decay": 5e-4}, {"params": light, "weight_decay": 0}]
    step = torch.optim.SGD(groups, lr=1e-3, momentum=0.95) if optimiser == "sgd" else torch.optim.Adam(groups, lr=1e-4)
    losses, gradients = [], {}
    for i in range(STEPS):
        step.zero_grad()
        net.decide = decide if i == 0 else None
        loss = torch.nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        losses.append(loss.item())
        if i == 0 and optimiser == "sgd":
            gradients = {parameter_name(name, k): p.grad.numpy().copy() for k, p in net.named_parameters()}
        step.step()
    statistics = {k: v.numpy() for k, v in net.state_dict().items() if k.endswith(("running_mean", "running_var"))}
    return np.array(losses), gradients, statistics


def reference(name, x, labels, ours, double=False):
    """Everything of PyTorch, under the names of parity_run."""
    net, decide = build(name), None
    if name in OWN:
        decide = {k.partition("/")[2]: torch.from_numpy(v.copy()) for k, v in ours.items() if k.startswith(("forward/", "fused/"))}
        net.decide = decide
    net, xs = (net.double(), x.double()) if double else (net, x.clone())
    xs.requires_grad_(True)
    trace = net.trace if name in OWN else watch(net)
    scores = net(xs)
    scores[torch.arange(len(labels)), labels].sum().backward()
    out = {"output": softmax(scores.detach().numpy()), "input_gradient": xs.grad.numpy()}
    out.update({"forward/" + k: v.detach().numpy() for k, v in trace.items()})
    del net, trace
    for optimiser in ("sgd", "adam"):
        losses, gradients, statistics = train(name, x, labels, optimiser, double, decide)
        out["loss/" + optimiser] = losses
        out.update({"gradient/" + k: v for k, v in gradients.items()})
        if optimiser == "sgd":
            out.update({"statistic/" + k: v for k, v in statistics.items()})
    return out


def export(net, x, path, opset, training):
    mode = torch.onnx.TrainingMode.PRESERVE if training else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(net, x, path, opset_version=opset, input_names=["image"], output_names=["scores"], training=mode,
                      do_constant_folding=not training, dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}})


def parity_run(network, side, weights, inputs, out, exported, *more):
    run = subprocess.run([os.path.join(BUILD, "bin/parity_run"), network, str(side), weights, inputs, out, exported, *more],
                         capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip() or f"parity_run: exit {run.returncode}")
    return tensors.read(out)


# A shift before a batch norm changes nothing: the exact gradient of such a bias is zero, and what both programs have is
# rounding. Below this part of the network's largest gradient a tensor of PyTorch's counts as zero, and so must ours.
ZERO = 1e-5
KINDS = {"output": "output", "input_gradient": "input gradient", "gradient": "gradient", "statistic": "statistic"}


def compare(ours, theirs, figures):
    """Every tensor of ours that PyTorch has too; the names that PyTorch alone has."""
    seen = set()
    largest = max((np.abs(v).max() for k, v in theirs.items() if k.startswith("gradient/")), default=0)
    for key, value in ours.items():
        kind, _, tensor = key.partition("/")
        if kind in ("forward", "fused"):
            reference_ = theirs.get("forward/" + tensor)
            if reference_ is not None:
                figures.add("forward", tensor, value, np.maximum(reference_, 0) if kind == "fused" else reference_)
                seen.add("forward/" + tensor)
        elif kind == "loss":
            alone = max(error(value[i:i + 1], theirs[key][i:i + 1]) for i in range(STEPS))
            figures.add("loss " + tensor, f"ten steps (a step by itself: {alone:.1e})", value, theirs[key])
            seen.add(key)
        elif kind == "gradient" and np.abs(theirs[key]).max() < ZERO * largest:
            figures.add("zero gradient", tensor, value.astype(np.float64) / largest + 1, np.ones_like(value))
            seen.add(key)
        else:
            figures.add(KINDS[kind], tensor or kind, value, theirs[key])
            seen.add(key)
    return sorted(set(theirs) - seen)


def unseen_is_fine(name, missing):
    """ReLUs, pools and activations of torchvision modules are parts of our layers or carry their node's name; what has
    parameters must be there."""
    if name in OWN:
        return not missing
    with_parameters = {k.rsplit(".", 1)[0] for k in build(name).state_dict()}
    return not [m for m in missing if not m.startswith("forward/") or m[len("forward/"):] in with_parameters]


def measure(name, folder, figures):
    side, x = NETWORKS[name][1], images(name)
    labels = torch.arange(len(x)) % CLASSES
    inputs, out, exported = (os.path.join(folder, f) for f in ("input.safetensors", "out.safetensors", "ours.onnx"))
    tensors.write(inputs, {"input": x.numpy(), "labels": labels.numpy().astype("f4"), "classes": np.array([CLASSES], "f4")})
    net = build(name)
    weights, network = os.path.join(folder, "weights.safetensors"), name
    folded = os.path.join(folder, "torch.onnx")
    with torch.no_grad():
        export(net, x, folded, 13, False)
        if name in OWN:
            tensors.write(weights, {parameter_name(name, k): v.numpy() for k, v in net.state_dict().items()})
        else:
            weights, network = "-", os.path.join(folder, "training.onnx")
            export(net, x, network, 13, True)
    del net
    ours = parity_run(network, side, weights, inputs, out, exported)
    theirs = reference(name, x, labels, ours)
    missing = compare(ours, theirs, figures)

    result, version = runtime(exported, x.numpy(), folder)
    figures.add("runtime, our export", "output", ours["output"], result)
    imported = parity_run(folded, side, "-", inputs, os.path.join(folder, "imported.safetensors"),
                          os.path.join(folder, "again.onnx"), "forward")
    scores, _ = runtime(folded, x.numpy(), folder)
    figures.add("runtime, PyTorch's export", "output", imported["output"], softmax(scores.astype(np.float64)))
    over = [what for what, row in figures.rows.items() if row["error"] > row["bound"]]
    if over and "--double" in sys.argv:
        explain(ours, theirs, reference(name, x, labels, ours, double=True), over)
    if not unseen_is_fine(name, missing):
        raise RuntimeError(f"not compared: {' '.join(missing)[:400]}")
    return version


def explain(ours, theirs, exact, over):
    """Whose error: both against PyTorch in double precision."""
    for key, value in exact.items():
        mine = ours.get(key, ours.get(key.replace("forward/", "fused/")))
        if mine is not None and mine.shape == value.shape:
            a, b = error(mine, value), error(theirs[key], value)
            if max(a, b) > 1e-5:
                print(f"  {key}: against double precision ours {a:.2e}, PyTorch float {b:.2e}")


def scratch():
    """Memory, where there is enough: VGG-11's files are some 3 GB, and our writers sync."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > 6 << 30 else None


def main():
    name = sys.argv[1]
    if subprocess.run(["node", "-e", 'require("onnxruntime-node")'], capture_output=True,
                      env={**os.environ, "NODE_PATH": PEERS}).returncode:
        print("skipped: no onnxruntime-node (scripts/deps --peers)")
        return 77
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    figures, began, failure, version = Figures(), time.monotonic(), "", ""
    with tempfile.TemporaryDirectory(prefix="parity-", dir=scratch()) as folder:
        try:
            version = measure(name, folder, figures)
        except (RuntimeError, KeyError) as problem:
            failure = f"{type(problem).__name__}: {problem}"
    for what, row in figures.rows.items():
        verdict = "ok" if row["error"] <= row["bound"] else "OVER"
        print(f"{name:16} {what:26} {row['error']:.2e} (bound {row['bound']:.0e}, {row['tensors']} tensors, worst {row['at']}) {verdict}")
    if failure:
        print(f"{name}: {failure}")
    print(f"{name}: {time.monotonic() - began:.0f} s, torch {torch.__version__}, torchvision {torchvision.__version__}, "
          f"onnx {onnx.__version__}, onnxruntime {version}")
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as f:
            json.dump({"network": name, "rows": figures.rows, "failure": failure, "side": NETWORKS[name][1],
                       "samples": len(NETWORKS[name][2]) * NETWORKS[name][3],
                       "versions": {"PyTorch": torch.__version__, "torchvision": torchvision.__version__,
                                    "onnx": onnx.__version__, "ONNX Runtime": version}}, f)
    return 0 if figures.good() and not failure else 1


if __name__ == "__main__":
    sys.exit(main())
