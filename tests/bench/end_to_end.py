#!/usr/bin/python3
"""scripts/bench end-to-end: from a radiograph's last byte to its report and picture in the PACS.

Studies of one DX of 2048 x 2494 go one after the other into our node and into a scripted node (peer_node.py: storescp, PyTorch, pydicom,
dcmsend) in turn; the PACS is DCMTK's storescp for both, and both send pictures of the same size. Ours is durable and explains; quiet
time 0, no look first. Then ours with six such studies a second for half a minute, the first news of a study (webhook), and ours at the shipped
defaults (quiet time 15 s, look first)."""
import argparse
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

import pydicom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e"), os.path.join(os.path.dirname(HERE), "faults")]
import harness  # noqa: E402
import rawscu  # noqa: E402
from archive import Archive  # noqa: E402
from hook import Hook  # noqa: E402
from network import processor  # noqa: E402

ROWS, COLUMNS, RATE = 2494, 2048, 6
HEAD = 4096  # bytes of the dataset that hold its UIDs


class Sender:
    """One image as a template: its UIDs are written anew into its bytes for each study. What is sent lies ready, in fragments as large as the
    receiver takes: a modality has a processor of its own."""

    def __init__(self, folder):
        plane = harness.grey(harness.phantoms(os.path.join(folder, "phantoms"), 1, size=1024)[0][0])
        import PIL.Image
        import numpy
        plane = numpy.asarray(PIL.Image.fromarray(plane).resize((COLUMNS, ROWS), PIL.Image.BILINEAR))
        self.path = os.path.join(folder, "template.dcm")
        self.uids = [f"2.25.{10 ** 30 + n:031d}" for n in range(3)]
        harness.wrap(plane, self.path, study=self.uids[0], SeriesInstanceUID=self.uids[1], SOPInstanceUID=self.uids[2])
        data = harness.dataset_of(self.path)
        self.head, self.rest, self.ready = data[:HEAD], data[HEAD:], {}
        assert all(self.head.count(uid.encode()) == 1 and self.rest.count(uid.encode()) == 0 for uid in self.uids)
        self.number = 0

    def fragments(self, room):
        if room not in self.ready:
            self.ready[room] = rawscu.pdatas(self.rest, False, room)
        return self.ready[room]

    def send(self, port):
        """(study, moment of the last byte); the answer is waited for."""
        self.number += 1
        uids = [f"2.25.{10 ** 30 + 7 + 10 * self.number + n + time.time_ns() * 10 ** 5:031d}"[:36] for n in range(3)]
        head = self.head
        for old, new in zip(self.uids, uids):
            assert len(old) == len(new)
            head = head.replace(old.encode(), new.encode())
        with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            s.sendall(rawscu.associate_rq(harness.DX, "1.2.840.10008.1.2.1"))
            rest = self.fragments(rawscu.room_for(rawscu.read_pdu(s)))
            s.sendall(rawscu.pdatas(rawscu.store_rq(harness.DX, uids[2]), True) + rawscu.pdata(head, False, False))
            s.sendall(rest)
            last = time.monotonic()
            status = rawscu.response_field(rawscu.read_pdu(s), 0x900)
            s.sendall(struct.pack(">BBI4x", 5, 0, 4))
            rawscu.read_pdu(s)
        if status != 0:
            raise SystemExit(f"not stored: {status}")
        return uids, last


class Sink:
    """A PACS as fast as they come: DCMTK's storescp. `done`: study -> when both its results were there, whole."""

    CLOSE_WRITE = 8

    def __init__(self, folder):
        os.makedirs(folder)
        self.folder, self.done, self.seen, self.port = folder, {}, {}, harness.free_port()
        self.picture = None  # rows and columns of the last one
        libc = ctypes.CDLL(None)
        self.events = libc.inotify_init1(os.O_CLOEXEC)
        libc.inotify_add_watch(self.events, folder.encode(), self.CLOSE_WRITE)
        self.server = subprocess.Popen(["storescp", "-aet", "PACS", "+xa", "+B", "-pdu", "131072", "-od", folder, str(self.port)],
                                       env=dict(os.environ, TCP_NODELAY="1"), **harness.QUIET)
        threading.Thread(target=self.watch, daemon=True).start()
        harness.wait_for(lambda: harness.run("echoscu", "127.0.0.1", self.port).returncode == 0, 10, "storescp")

    def watch(self):
        while True:
            data, at = os.read(self.events, 65536), 0
            now = time.monotonic()
            while at < len(data):
                length = struct.unpack_from("<I", data, at + 12)[0]
                name = data[at + 16:at + 16 + length].rstrip(b"\0").decode()
                at += 16 + length
                if not name:  # the folder has gone
                    return
                path = os.path.join(self.folder, name)
                head = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID", "Rows", "Columns"])
                study = head.StudyInstanceUID
                if "Rows" in head:
                    self.picture = head.Rows, head.Columns
                os.unlink(path)
                self.seen[study] = self.seen.get(study, 0) + 1
                if self.seen[study] == 2:
                    self.done[study] = now

    def close(self):
        self.server.kill()
        self.server.wait()


class Watch(Archive):
    """The same of an archive that answers C-FIND."""

    def __init__(self, folder):
        self.done, self.seen = {}, {}
        super().__init__(folder)

    def keep(self, sop_class, data):
        path = super().keep(sop_class, data)
        study = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["StudyInstanceUID"]).StudyInstanceUID
        os.unlink(path)
        with self.lock:
            self.seen[study] = self.seen.get(study, 0) + 1
            if self.seen[study] == 2:
                self.done[study] = time.monotonic()
        return path


def wait_done(pacs, study, seconds):
    return harness.wait_for(lambda: pacs.done.get(study), seconds, "both results")


def single(sender, port, pacs, original=False):
    uids, last = sender.send(port)
    if original:  # the archive has it, as it would
        pacs.add(sender.path, StudyInstanceUID=uids[0], SeriesInstanceUID=uids[1], SOPInstanceUID=uids[2])
    return wait_done(pacs, uids[0], 120) - last


def sustained(sender, port, pacs, seconds):
    began, sent, lock, threads = time.monotonic(), {}, threading.Lock(), []

    def one():
        uids, last = sender.send(port)
        with lock:
            sent[uids[0]] = last
    for n in range(seconds * RATE):
        time.sleep(max(0, began + n / RATE - time.monotonic()))
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    for thread in threads:
        thread.join()
    for study in sent:
        wait_done(pacs, study, 120)
    return sorted(pacs.done[study] - last for study, last in sent.items()), len(sent) / (max(pacs.done[study] for study in sent) - began)


def figures(times):
    ordered = sorted(times)
    return {"most_ms": round(ordered[-1] * 1000, 1), "median_ms": round(statistics.median(ordered) * 1000, 1), "p99_ms": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * 1000, 1),
            "count": len(ordered)}


def told(sender, node, hook):
    """From the last byte to the first news of the study; quiet time 15 s: it is told before the study is complete."""
    uids, last = sender.send(node.port)
    first = lambda: next((r["at"] for r in hook.requests if uids[0].encode() in r["body"]), None)
    return harness.wait_for(first, 60, "news") - last


def notified(options, sender):
    hook = Hook()
    announcement = f'<webhook name="hook" url="http://127.0.0.1:{hook.port}/" demo="true"/>'
    # One patient's findings in a row would be known, and raise nothing.
    node = harness.Node({}, quiet=15, limits=f'<priority knownDays="0"/><announcements>{announcement}</announcements>')
    try:
        told(sender, node, hook)
        return figures([told(sender, node, hook) for _ in range(options.count)])
    finally:
        node.stop()
        hook.close()


def end(peer):
    """With the storescp that it began."""
    os.killpg(peer.pid, signal.SIGKILL)
    peer.wait()


def measure(options, folder, sender):
    result, ours, theirs = {}, [], []
    pacs, archive = Sink(os.path.join(folder, "pacs")), Watch(os.path.join(folder, "archive"))
    peer = node = None
    try:
        node = harness.Node({"pacs": ("PACS", pacs.port)}, quiet=0, destination='look="never"')
        single(sender, node.port, pacs)
        if not options.no_peer:
            size = pacs.picture
            os.makedirs(os.path.join(folder, "peer"))
            peer = subprocess.Popen(["/usr/bin/python3", os.path.join(HERE, "peer_node.py"), os.path.join(folder, "peer"), str(pacs.port), *map(str, size)],
                                    stdout=subprocess.PIPE, text=True, start_new_session=True)
            peer_port = int(peer.stdout.readline())
            harness.wait_for(lambda: harness.run("echoscu", "127.0.0.1", peer_port).returncode == 0, 10, "the scripted node")
            single(sender, peer_port, pacs)
            assert pacs.picture == size, (pacs.picture, size)
        for _ in range(options.count):
            ours.append(single(sender, node.port, pacs))
            if peer:
                theirs.append(single(sender, peer_port, pacs))
        result["ours"], result["peer"] = figures(ours), figures(theirs) if theirs else None
        if peer:
            end(peer)
            peer = None
        times, rate = sustained(sender, node.port, pacs, options.seconds)
        result["sustained"], result["studies_per_second"] = figures(times), round(rate, 2)
        node.stop()
        node = None
        result["notify"] = notified(options, sender)
        node = harness.Node({"pacs": ("PACS", archive.port)}, quiet=15, destination='look="auto"')
        result["defaults"] = figures([single(sender, node.port, archive, True) for _ in range(3)])
    finally:
        if node:
            node.stop()
        if peer:
            end(peer)
        pacs.close()
    return result


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench end-to-end", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=30, help="of sustained load")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="cervigate-bench-")
    try:
        result = measure(options, folder, Sender(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    kernels = re.search(r"kernels (\w+)", harness.run(os.path.join(harness.BIN, "cervigate"), "--version").stdout).group(1)
    result.update(processor=processor(), cores=os.cpu_count(), threads=os.cpu_count(), kernels=kernels, date=time.strftime("%Y-%m-%d %H:%M"),
                  stored_median_ms=result["ours"]["median_ms"], stored_p99_ms=result["ours"]["p99_ms"], notify_median_ms=result["notify"]["median_ms"],
                  ratio={"python_node": round(result["ours"]["median_ms"] / result["peer"]["median_ms"], 3) if result["peer"] else None})
    missed = []

    def met(good):
        missed.extend([] if good else [1])
        return "met" if good else "MISSED"
    if options.json:
        print(json.dumps(result))
        return
    ours, peer, load = result["ours"], result["peer"], result["sustained"]
    print(f"processor {result['processor']}, cores {result['cores']}, threads {result['threads']}, kernels {result['kernels']}, date {result['date']}; one DX of {COLUMNS} x {ROWS} a study")
    print(f"ours, quiet time 0        median {ours['median_ms']:8.1f} ms  99th percentile {ours['p99_ms']:8.1f} ms  "
          f"(at most twice the median: {met(ours['p99_ms'] <= 2 * ours['median_ms'])})  n = {ours['count']}")
    if peer:
        ratio = ours["median_ms"] / peer["median_ms"]
        print(f"scripted node             median {peer['median_ms']:8.1f} ms  99th percentile {peer['p99_ms']:8.1f} ms  ratio {ratio:.2f}, at most 0.50: "
              f"{met(ratio <= 0.5)}")
    print(f"ours, first news          median {result['notify_median_ms']:8.1f} ms  (under 500, while the study is open: {met(result['notify_median_ms'] < 500)})")
    print(f"ours, shipped defaults    median {result['defaults']['median_ms']:8.1f} ms")
    print(f"ours, {RATE} studies a second  median {load['median_ms']:8.1f} ms  the slowest {load['most_ms']:8.1f} ms  of {load['count']} studies, nothing over 10 s: "
          f"{met(load['most_ms'] < 10000)}; {result['studies_per_second']:.2f} a second got through")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
