"""One network against PyTorch and ONNX Runtime: `parity.py NETWORK`, with CERVIGATE_BUILD.

Prints a line a comparison: what, the largest max|a-b| / max|b| of any tensor, where, the bound. Exit 1 when one is
over its bound, 77 when a peer is not installed. `--json FILE` writes the figures for scripts/parity; `--steps N` (10, which is most) is how many
steps each optimiser takes: ctest has three of the networks whose steps are their parameters'."""
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
    warnings.filterwarnings("ignore", message=".*g.op.*")
except ImportError as error:
    print(f"skipped: {error} (scripts/deps --peers)")
    sys.exit(77)

import tensors
from networks import CLASSES, NETWORKS, OWN, Sides, build, images, parameter_name, tell

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(HERE, "../../build/release"))
PEERS = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
BOUNDS = {"forward": 1e-4, "output": 1e-4, "input gradient": 1e-3, "gradient": 1e-3, "zero gradient": 1e-5,
          "exact zero": 1e-12, "tie": 1e-5, "statistic": 1e-3, "loss sgd": 1e-3, "loss adam": 1e-3,
          "runtime, our export": 1e-4, "runtime, PyTorch's export": 1e-4}
STEPS = int(sys.argv[sys.argv.index("--steps") + 1]) if "--steps" in sys.argv else 10


def size(value):
    """max|value|, in parts: VGG-11's largest tensor has 100 million numbers."""
    value = np.asarray(value).reshape(-1)
    return max((float(np.abs(value[i:i + (1 << 20)]).max()) for i in range(0, len(value), 1 << 20)), default=0.0)


def error(ours, theirs):
    """max|ours - theirs| / max|theirs|."""
    ours, theirs = np.asarray(ours).reshape(-1), np.asarray(theirs).reshape(-1)
    difference = max(size(ours[i:i + (1 << 20)] - theirs[i:i + (1 << 20)]) for i in range(0, len(ours), 1 << 20))
    largest = size(theirs)
    return difference / largest if largest > 0 else difference


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

    def tie(self, told):
        """The sides that PyTorch was told against its own: all of them within rounding of a kink."""
        count, cells = sum(t.told for t in told), sum(t.cells for t in told)
        self.rows["tie"] = {"error": max(t.margin for t in told), "at": f"{count} of {cells} cells", "tensors": count,
                            "bound": BOUNDS["tie"]}

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


class Peer:
    """PyTorch's side: the network, and its first weights."""

    def __init__(self, name, double=False):
        net = build(name)
        self.name, self.net = name, net if name in OWN else tell(net)
        if double:
            self.net.double()
        self.double = double
        self.first = {k: v.clone() for k, v in net.state_dict().items()}

    def sides(self, ours, prefix):
        """Our activations at the kinks: of the training step `prefix`, or of inference (None)."""
        chosen = {}
        for key, value in ours.items():
            if prefix is None and key.startswith("side/sgd/0/"):
                layer = key.split("/", 4)[4]
                value = ours.get("fused/" + layer, ours.get("forward/" + layer))
            elif prefix is None or not key.startswith(prefix):
                continue
            if self.name in OWN or key.split("/", 4)[3] == "relu":
                value = torch.from_numpy(np.array(value))
                chosen[key.split("/", 4)[4]] = value.double() if self.double else value
        return Sides(chosen) if chosen else None

    def restart(self, training):
        self.net.load_state_dict(self.first)
        self.net.train(training)
        self.net.sides = None

    def input(self, x):
        return x.double() if self.double else x.clone()

    def infer(self, x, labels, sides):
        """Scores, activations and the gradient of the labels' scores at the input."""
        self.restart(False)
        self.net.sides = sides
        xs = self.input(x).requires_grad_(True)
        trace, hooks = (self.net.trace, []) if self.name in OWN else watch(self.net)
        scores = self.net(xs)
        gradient, = torch.autograd.grad(scores[torch.arange(len(labels)), labels].sum(), xs)
        for hook in hooks:
            hook.remove()
        out = {"output": softmax(scores.detach().numpy()), "input_gradient": gradient.numpy()}
        out.update({"forward/" + k: v.detach().numpy() for k, v in trace.items()})
        return out

    def step(self, x, labels, sides):
        """Loss of a training step whose gradients are then in the network."""
        self.net.zero_grad()
        self.net.sides = sides
        loss = torch.nn.functional.cross_entropy(self.net(x), labels)
        loss.backward()
        return loss.item()

    def gradients(self):
        return {"gradient/" + parameter_name(self.name, k): p.grad.numpy().copy() for k, p in self.net.named_parameters()}

    def train(self, x, labels, optimiser, first, told=None):
        """STEPS steps: losses; gradients of the first with `first` the sides that it is told; running statistics. A
        gradient step is taken twice, so that no loss is told anything unless `told` (a step -> sides) says so."""
        self.restart(True)
        x, out = self.input(x), {}
        if optimiser == "sgd":
            self.step(x, labels, first)
            out = self.gradients()
            self.restart(True)
        heavy = [p for p in self.net.parameters() if p.dim() > 1]
        light = [p for p in self.net.parameters() if p.dim() <= 1]
        groups = [{"params": heavy, "weight_decay": 5e-4}, {"params": light, "weight_decay": 0}]
        sgd, adam = NETWORKS[self.name][3:]
        step = torch.optim.SGD(groups, lr=sgd, momentum=0.95) if optimiser == "sgd" else torch.optim.Adam(groups, lr=adam)
        losses = []
        for i in range(STEPS):
            losses.append(self.step(x, labels, told(i) if told else None))
            step.step()
        out["loss/" + optimiser] = np.array(losses)
        if optimiser == "sgd":
            out.update({"statistic/" + k: v.numpy().copy() for k, v in self.net.state_dict().items()
                        if k.endswith(("running_mean", "running_var"))})
        return out


def watch(net):
    """Copies of what every module of a torchvision network gives, by its name; later layers write in place."""
    trace = {}
    hooks = [module.register_forward_hook(lambda _, __, y, name=name: trace.__setitem__(name, y.detach().clone()))
             for name, module in net.named_modules() if name and not list(module.children())]
    return trace, hooks


def reference(peer, x, labels, ours, figures=None):
    """Everything of PyTorch, under the names of parity_run."""
    told = [peer.sides(ours, None), peer.sides(ours, "side/sgd/0/")]
    out = peer.infer(x, labels, told[0])
    out.update(peer.train(x, labels, "sgd", told[1]))
    out.update(peer.train(x, labels, "adam", None))
    if figures is not None and told[0] is not None:
        figures.tie(told)
    return out


def export(net, x, path, opset, training):
    mode = torch.onnx.TrainingMode.PRESERVE if training else torch.onnx.TrainingMode.EVAL
    torch.onnx.export(net, x, path, opset_version=opset, input_names=["image"], output_names=["scores"], training=mode,
                      do_constant_folding=not training, dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}})


def parity_run(network, side, weights, inputs, out, exported, *more):
    run = subprocess.run([os.path.join(BUILD, "bin/parity_run"), network, str(side), weights, inputs, out, exported,
                          *(str(m) for m in more)], capture_output=True, text=True)
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
    largest = max((size(v) for k, v in theirs.items() if k.startswith("gradient/")), default=0)
    zero = []
    for key, value in ours.items():
        kind, _, tensor = key.partition("/")
        if kind == "side":
            continue
        if kind in ("forward", "fused"):
            reference_ = theirs.get("forward/" + tensor)
            if reference_ is not None:
                figures.add("forward", tensor, value, np.maximum(reference_, 0) if kind == "fused" else reference_)
                seen.add("forward/" + tensor)
        elif kind == "loss":
            first, last = theirs[key][0], theirs[key][-1]
            for i in range(STEPS):
                figures.add("loss " + tensor, f"step {i + 1}, {first:.3f} to {last:.3f}", value[i:i + 1], theirs[key][i:i + 1])
            seen.add(key)
        elif kind == "gradient" and size(theirs[key]) < ZERO * largest:
            figures.add("zero gradient", tensor, value / np.float32(largest) + 1, np.ones_like(value))
            zero.append(key)
            seen.add(key)
        else:
            figures.add(KINDS[kind], tensor or kind, value, theirs[key])
            seen.add(key)
    return sorted(set(theirs) - seen), zero


def unseen_is_fine(name, missing):
    """ReLUs, pools and activations of torchvision modules are parts of our layers or carry their node's name; what has
    parameters must be there."""
    if name in OWN:
        return not missing
    with_parameters = {k.rsplit(".", 1)[0] for k in build(name).state_dict()}
    return not [m for m in missing if not m.startswith("forward/") or m[len("forward/"):] in with_parameters]


def export_peer(name, net, x, folder):
    """PyTorch's export as the node would meet it, and what parity_run reads: network and weights."""
    folded, training = os.path.join(folder, "torch.onnx"), os.path.join(folder, "training.onnx")
    with torch.no_grad():
        export(net, x, folded, 13, False)
        if name in OWN:
            weights = os.path.join(folder, "weights.safetensors")
            tensors.write(weights, {parameter_name(name, k): v.numpy() for k, v in net.state_dict().items()})
            return folded, name, weights
        if not any(isinstance(m, torch.nn.BatchNorm2d) for m in net.modules()):
            return folded, folded, "-"
        export(net, x, training, 13, True)
    return folded, training, "-"


def check_zeros(peer, x, labels, zero, figures):
    """In double precision the gradients that count as zero are zero."""
    exact = Peer(peer.name, double=True)
    exact.restart(True)
    exact.step(exact.input(x), labels, None)
    gradients = exact.gradients()
    largest = max(size(v) for v in gradients.values())
    for key in zero:
        figures.add("exact zero", key, gradients[key] / largest + 1, np.ones_like(gradients[key]))


def measure(name, folder, figures):
    _, side, _, sgd, adam = NETWORKS[name]
    x = images(name)
    labels = torch.arange(len(x)) % CLASSES
    inputs, out, exported = (os.path.join(folder, f) for f in ("input.safetensors", "out", "ours.onnx"))
    tensors.write(inputs, {"input": x.numpy(), "labels": labels.numpy().astype("f4"), "classes": np.array([CLASSES], "f4")})
    clock = Clock()
    peer = Peer(name)
    folded, network, weights = export_peer(name, build(name), x, folder)
    clock.lap("export")
    ours = parity_run(network, side, weights, inputs, out, exported, sgd, adam, 1, STEPS)
    clock.lap("ours")
    theirs = reference(peer, x, labels, ours, figures)
    clock.lap("PyTorch")
    missing, zero = compare(ours, theirs, figures)
    if zero:
        check_zeros(peer, x, labels, zero, figures)
    clock.lap("compare")
    result, version = runtime(exported, x.numpy(), folder)
    figures.add("runtime, our export", "output", ours["output"], result)
    if network != folded:
        imported = parity_run(folded, side, "-", inputs, os.path.join(folder, "imported"), "-")
    else:
        imported = ours
    scores, _ = runtime(folded, x.numpy(), folder)
    figures.add("runtime, PyTorch's export", "output", imported["output"], softmax(scores.astype(np.float64)))
    clock.lap("ONNX Runtime")
    if "--double" in sys.argv:
        explain(ours, theirs, reference(Peer(name, double=True), x, labels, ours))
    if not unseen_is_fine(name, missing):
        raise RuntimeError(f"not compared: {' '.join(missing)[:400]}")
    return version, clock.text()


class Clock:
    """Processor seconds of this process and its children, part by part."""

    def __init__(self):
        self.parts, self.last = [], sum(os.times()[:4])

    def lap(self, part):
        now = sum(os.times()[:4])
        self.parts.append(f"{part} {now - self.last:.0f}")
        self.last = now

    def text(self):
        return ", ".join(self.parts)


def explain(ours, theirs, exact):
    """Whose error: both against PyTorch in double precision."""
    for key, value in exact.items():
        mine = ours.get(key, ours.get(key.replace("forward/", "fused/")))
        if key.startswith("loss/"):
            for i in range(STEPS):
                print(f"  {key} step {i + 1}: ours {mine[i]:.7f}, PyTorch float {theirs[key][i]:.7f}, double {value[i]:.7f}; "
                      f"relative to double: {abs(mine[i] / value[i] - 1):.1e}, {abs(theirs[key][i] / value[i] - 1):.1e}")
        elif mine is not None and mine.shape == value.shape:
            a, b = error(mine, value), error(theirs[key], value)
            if max(a, b) > 1e-5:
                print(f"  {key}: relative to double: ours {a:.1e}, PyTorch float {b:.1e}")


def scratch():
    """Memory, where there is enough: VGG-11's files are some 2 GB, and our writers sync."""
    memory = "/dev/shm"
    return memory if os.path.isdir(memory) and shutil.disk_usage(memory).free > 6 << 30 else None


def main():
    name = sys.argv[1]
    if shutil.which("node") is None or subprocess.run(["node", "-e", 'require("onnxruntime-node")'], capture_output=True,
                      env={**os.environ, "NODE_PATH": PEERS}).returncode:
        print("skipped: no onnxruntime-node (scripts/deps --peers)")
        return 77
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    figures, began, failure, version, parts = Figures(), time.monotonic(), "", "", ""
    with tempfile.TemporaryDirectory(prefix="parity-", dir=scratch()) as folder:
        try:
            version, parts = measure(name, folder, figures)
        except (RuntimeError, KeyError) as problem:
            failure = f"{type(problem).__name__}: {problem}"
    for what, row in figures.rows.items():
        verdict = "ok" if row["error"] <= row["bound"] else "OVER"
        print(f"{name:16} {what:26} {row['error']:.2e} (bound {row['bound']:.0e}, {row['tensors']} tensors, worst {row['at']}) {verdict}")
    if failure:
        print(f"{name}: {failure}")
    print(f"{name}: {time.monotonic() - began:.0f} s, torch {torch.__version__}, torchvision {torchvision.__version__}, "
          f"onnx {onnx.__version__}, onnxruntime {version}; processor seconds: {parts}")
    if "--json" in sys.argv:
        with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as f:
            json.dump({"network": name, "rows": figures.rows, "failure": failure, "side": NETWORKS[name][1],
                       "samples": NETWORKS[name][2],
                       "versions": {"PyTorch": torch.__version__, "torchvision": torchvision.__version__,
                                    "onnx": onnx.__version__, "ONNX Runtime": version}}, f)
    return 0 if figures.good() and not failure else 1


if __name__ == "__main__":
    sys.exit(main())
