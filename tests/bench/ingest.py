#!/usr/bin/python3
"""scripts/bench ingest: how fast objects are received durably, ours and every peer, in turn, in one run.

One sender for all (bench_ingest send: PDUs as long as the server takes, TCP_NODELAY) pushes the same 440 objects, 40 DX of 2048 x 2494 and
400 CT of 512 x 512, into a server that has just been started with an empty folder on the same disk. A round asks each side once; a side's
figure is the median of its rounds, a ratio is ours against the side's of the same round, and its median counts. sync_floor is what one process
needs that only makes the objects durable: write, fsync, rename, sync of the directory, commit (SQLite, WAL, synchronous FULL). The sink
answers and keeps nothing: the sender's own cost."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness  # noqa: E402
from network import processor  # noqa: E402

PROGRAM = os.path.join(harness.BIN, "bench_ingest")
STORE, ANALYZE = '<rule name="all" action="store"/>', None
SIDES = ("ours", "ours, analyzing", "storescp", "storescp, TCP_NODELAY", "storescp --fork", "storescp --fork, TCP_NODELAY", "orthanc",
         "sync_floor", "sink")
# associations -> the sides, and what the project promises of each ratio
ONE = (1, ("ours", "ours, analyzing", "storescp", "storescp, TCP_NODELAY", "orthanc", "sync_floor", "sink"),
       {"storescp": 0.33, "orthanc": 0.33, "larger of storescp, TCP_NODELAY and sync_floor": 1.25})
FOUR = (4, ("ours", "ours, analyzing", "storescp --fork", "storescp --fork, TCP_NODELAY", "orthanc"),
        {"storescp --fork": 1.0, "orthanc": 0.75})


def folder_of_objects():
    """The objects, written once: noise on a ramp, which nothing compresses to nothing."""
    import numpy
    folder = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "cervigate", "bench", "ingest")
    if os.path.exists(os.path.join(folder, "list")):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    random = numpy.random.default_rng(7)
    lines = []
    for i in range(440):
        is_dx = i < 40
        shape = (2494, 2048) if is_dx else (512, 512)
        ramp = numpy.linspace(0, 180, shape[0])[:, None] + numpy.linspace(0, 50, shape[1])[None, :]
        plane = ramp + random.integers(0, 25, shape)
        path = os.path.join(folder, f"{i:03d}.dcm")
        other = {} if is_dx else {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT", "SeriesInstanceUID": "2.25.7002"}
        made = harness.wrap(plane, path, study=None if is_dx else "2.25.7001", PatientID=f"BENCH-{i if is_dx else 40:03d}", **other)
        made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
        made.save_as(path, write_like_original=False)
        offset = os.path.getsize(path) - len(harness.dataset_of(path))
        lines.append(f"{path} {made.SOPClassUID} {made.SOPInstanceUID} {made.file_meta.TransferSyntaxUID} {offset}\n")
    with open(os.path.join(folder, "list"), "w", encoding="ascii") as f:
        f.writelines(lines[i % 11 * 40 + i // 11] for i in range(440))  # a DX after every ten CT
    return folder


class Ours:
    ae = "CERVIGATE"

    def __init__(self, rules):
        self.node = harness.Node({}, mode="shadow", quiet=1, rules=rules)
        harness.wait_for(lambda: "selftest" in self.node.log() or time.sleep(0.2), 60, "self-test")
        self.port = self.node.port

    def close(self):
        self.node.stop()


class StoreScp(harness.StoreScp):
    """As it comes: one process, or a process for each association."""

    def __init__(self, *options, nodelay):
        self.environment = {k: v for k, v in os.environ.items() if k != "TCP_NODELAY"}
        if nodelay:
            self.environment["TCP_NODELAY"] = "1"
        super().__init__(*options)

    def start(self):
        self.process = subprocess.Popen(["storescp", "-aet", self.ae, "-od", self.folder, *self.options, str(self.port)],
                                        env=self.environment, **harness.QUIET)
        harness.wait_for(lambda: harness.run("echoscu", "127.0.0.1", self.port).returncode == 0, 10, "storescp")


class Sink:
    ae = "SINK"

    def __init__(self):
        self.process = subprocess.Popen([PROGRAM, "sink"], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start(side):
    if side.startswith("ours"):
        return Ours(STORE if side == "ours" else ANALYZE)
    if side.startswith("storescp"):
        return StoreScp(*(["--fork"] if "--fork" in side else []), nodelay="TCP_NODELAY" in side)
    return harness.Orthanc() if side == "orthanc" else Sink()


def once(side, associations, objects):
    """(seconds, median ms, 99th percentile ms, bytes) of one run."""
    os.sync()  # what the side before left unsynced is not this one's
    if side == "sync_floor":
        folder = tempfile.mkdtemp(prefix="cervigate-floor-")
        os.mkdir(os.path.join(folder, "objects"))
        done = harness.run(PROGRAM, "floor", folder, objects, timeout=600)
        shutil.rmtree(folder)
    else:
        server = start(side)
        done = harness.run(PROGRAM, "send", server.port, server.ae, associations, objects, timeout=600)
        server.close()
    if done.returncode != 0:
        raise SystemExit(f"{side}: {done.stderr}")
    return tuple(float(x) for x in done.stdout.split())


def measure(work, rounds, objects, quiet):
    associations, sides, targets = work
    runs = {side: [] for side in sides}
    for number in range(rounds):
        for side in sides:
            runs[side].append(once(side, associations, objects))
        if not quiet:
            print(f"  round {number + 1}: " + ", ".join(f"{s} {runs[s][-1][0]:.2f} s" for s in sides), file=sys.stderr, flush=True)
    against = {side: [r[0] for r in runs[side]] for side in sides}
    if associations == 1:
        against["larger of storescp, TCP_NODELAY and sync_floor"] = [
            max(a, b) for a, b in zip(against["storescp, TCP_NODELAY"], against["sync_floor"])]
    ratios = {name: statistics.median(o / t for o, t in zip(against["ours"], times)) for name, times in against.items() if name != "ours"}
    return {"associations": associations, "rounds": rounds, "bytes": int(runs["ours"][0][3]),
            "seconds": {s: round(statistics.median(t), 3) for s, t in against.items()},
            "object_ms": {s: [round(statistics.median(r[i] for r in runs[s]), 2) for i in (1, 2)] for s in sides},
            "ratio": {n: round(r, 3) for n, r in ratios.items()}, "target": targets}


def show(result):
    print(f"{result['associations']} association(s), 440 objects, {result['bytes'] / 1e6:.0f} MB: ours {result['seconds']['ours']:.2f} s, an object "
          f"{result['object_ms']['ours'][0]:.1f} ms, 99th percentile {result['object_ms']['ours'][1]:.1f} ms")
    for name, ratio in result["ratio"].items():
        bound = result["target"].get(name)
        verdict = "" if bound is None else f"  at most {bound:.2f}: {'met' if ratio <= bound else 'MISSED'}"
        print(f"    {name:48s} {result['seconds'][name]:7.2f} s   ratio {ratio:.3f}{verdict}")


def versions():
    text = {"storescp": ["storescp", "--version"], "orthanc": ["Orthanc", "--version"]}
    return {name: next((w for w in harness.run(*command).stdout.split() if w[0].isdigit() or w.startswith("v3")), "")
            for name, command in text.items()}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench ingest", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    objects = os.path.join(folder_of_objects(), "list")
    machine = {"processor": processor(), "cores": os.cpu_count(), "kernel": os.uname().release, "date": time.strftime("%Y-%m-%d %H:%M"),
               **versions()}
    if not options.json:
        print(", ".join(f"{k} {v}" for k, v in machine.items()) + f"; medians of {options.rounds} rounds", flush=True)
    results = [{**measure(work, options.rounds, objects, options.json), **machine} for work in (ONE, FOUR)]
    if options.json:
        print(json.dumps(results))
    else:
        for result in results:
            show(result)


if __name__ == "__main__":
    main()
