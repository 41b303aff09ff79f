#!/usr/bin/python3
"""scripts/bench network: ours and every installed peer, in turn, in one run.

Every side is a process that says "ready WHAT" and then, for a line N on standard input, runs N times and prints the
milliseconds. A round asks each side in turn, so that what the machine does to one it does to all; a side's figure is the
median of all its runs, a ratio is ours against the peer's (below 1: faster)."""
import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(ROOT, "build", "release"))
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cervigate")
PYTHON = "/usr/bin/python3"
PEERS = ("onnxruntime", "opencv", "pytorch", "sgemm_floor", "one_after_the_other", "our_forward")

# network, work, threads, batch, peers, runs a round, what the project promises
WORKS = [
    ("googlenet", "forward", 1, 1, ("onnxruntime", "opencv", "pytorch", "sgemm_floor"), 8, {"onnxruntime": 0.50, "sgemm_floor": 1.3}),
    ("googlenet", "forward", 2, 1, ("onnxruntime", "opencv", "pytorch", "sgemm_floor"), 8, {"onnxruntime": 0.50, "sgemm_floor": 1.3}),
    ("alexnet", "forward", 1, 1, ("onnxruntime", "opencv", "pytorch"), 8, {"onnxruntime": 0.70}),
    ("alexnet", "forward", 2, 1, ("onnxruntime", "opencv", "pytorch"), 8, {"onnxruntime": 0.70}),
    ("googlenet", "gradient", 2, 1, ("pytorch", "our_forward"), 6, {"pytorch": 0.25, "our_forward": 2.2}),
    ("googlenet", "train", 2, 10, ("pytorch",), 1, {"pytorch": 0.50}),
    ("googlenet", "pair", 2, 1, ("one_after_the_other",), 5, {"one_after_the_other": 1 / 1.8}),
]
# The floor and ours with what any amd64 machine has: our portable set, OpenBLAS's oldest.
PORTABLE = ("googlenet", "forward", 1, 1, ("sgemm_floor",), 2, {"sgemm_floor": 4.0})


class Side:
    """One process; None where it is not installed."""

    def __init__(self, name, command, environment):
        clean = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
        self.name, self.times = name, []
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, env={**clean, **environment})
        first = self.process.stdout.readline().strip()
        self.what = first[len("ready "):] if first.startswith("ready ") else None

    def run(self, count, counted=True):
        """The others are stopped meanwhile: some peers' threads spin long after their work. A turn's first run, for
        which the caches are another's, does not count."""
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.write(f"{count + 1}\n")
        self.process.stdin.flush()
        times = [float(t) for t in self.process.stdout.readline().split()]
        self.process.send_signal(signal.SIGSTOP)
        if counted:
            self.times += times[1:]

    def median(self):
        return statistics.median(self.times)

    def close(self):
        self.process.send_signal(signal.SIGCONT)
        self.process.stdin.close()
        self.process.wait()


def command_of(peer, network, work, threads, batch):
    """What runs a side, and its environment."""
    count = str(threads)
    single = {"OPENBLAS_NUM_THREADS": count, "OMP_NUM_THREADS": count}
    arguments = [network, work, count, str(batch)]
    if peer == "ours":
        return [os.path.join(BUILD, "bin", "bench_network"), *arguments], {}
    if peer == "one_after_the_other":
        return [os.path.join(BUILD, "bin", "bench_network"), network, "single", "1", "1"], {}
    if peer == "our_forward":
        return [os.path.join(BUILD, "bin", "bench_network"), network, "forward", count, str(batch)], {}
    if peer == "sgemm_floor":
        return [os.path.join(BUILD, "bin", "bench_floor"), network], single
    if peer == "onnxruntime":
        modules = os.path.join(CACHE, "peers", "node_modules")
        return ["node", os.path.join(HERE, "peer_onnxruntime.js"), onnx(network), *arguments], {"NODE_PATH": modules}
    return [PYTHON, os.path.join(HERE, "peer_python.py"), peer, onnx(network), *arguments], single


def onnx(network):
    """The peers' copy of a network, written once by PyTorch ("" without PyTorch)."""
    path = os.path.join(CACHE, "bench", f"{network}.onnx")
    if not os.path.exists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        done = subprocess.run([PYTHON, os.path.join(HERE, "peer_python.py"), "export", path, network, "", "1", "1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            return ""
    return path


def measure(work, rounds, extra=None):
    network, kind, threads, batch, peers, runs, bounds = work
    sides = {}
    for name in ("ours", *peers):
        command, environment = command_of(name, network, kind, threads, batch)
        environment = {**environment, **(extra or {}).get(name, {})}
        try:
            side = Side(name, command, environment)
        except OSError:
            continue
        if side.what is None:
            side.close()
        else:
            sides[name] = side
    for side in sides.values():
        side.run(2, counted=False)
    for _ in range(rounds):
        for side in sides.values():
            side.run(runs)
    ours = sides["ours"].median()
    result = {"network": network, "work": kind, "threads": threads, "batch": batch, "median_ms": round(ours, 3),
              "peers": {p: round(sides[p].median(), 3) if p in sides else None for p in PEERS},
              "ratio": {p: round(ours / sides[p].median(), 3) if p in sides else None for p in PEERS},
              "target": {p: round(b, 3) for p, b in bounds.items()},
              "versions": {name: side.what for name, side in sides.items()}}
    for side in sides.values():
        side.close()
    return result


def show(result):
    print(f"{result['network']} {result['work']}, threads {result['threads']}, batch {result['batch']}: "
          f"{result['median_ms']:.2f} ms")
    for peer in PEERS:
        if result["peers"][peer] is None:
            continue
        bound = result["target"].get(peer)
        verdict = "" if bound is None else f"  at most {bound:.2f}: {'met' if result['ratio'][peer] <= bound else 'MISSED'}"
        print(f"    {peer:20s} {result['peers'][peer]:9.2f} ms   ratio {result['ratio'][peer]:.3f}{verdict}")
    sys.stdout.flush()


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench network", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    machine = {"processor": processor(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d %H:%M")}
    if not options.json:
        print(f"{machine['date']}, {machine['processor']}, {machine['cores']} cores; medians of {options.rounds} rounds")
    results = []
    portable = {"ours": {"CERVIGATE_KERNELS": "portable", "OPENBLAS_CORETYPE": "Prescott"},
                "sgemm_floor": {"OPENBLAS_CORETYPE": "Prescott"}}
    for work, extra in [*((w, None) for w in WORKS), (PORTABLE, portable)]:
        result = {**measure(work, options.rounds, extra), **machine}
        results.append(result)
        if not options.json:
            if extra:
                print("portable kernels:")
            show(result)
    model = subprocess.run([os.path.join(BUILD, "bin", "bench_model"), os.path.join(ROOT, "models", "cervigate-phantom")],
                           stdout=subprocess.PIPE, text=True, check=True)
    if options.json:
        print(json.dumps([*results, {**json.loads(model.stdout), **machine}]))
        return
    print("the bundled model:", model.stdout.strip())
    print("kernels:", results[0]["versions"]["ours"])
    print("peers:", ", ".join(f"{n}: {w}" for n, w in results[0]["versions"].items() if n != "ours"))


if __name__ == "__main__":
    main()
