#!/usr/bin/python3
"""A multi-frame object far larger than what its receivers may use: the bytes pass through, none stay. 256 MiB here, 2 GiB by
CERVIGATE_LARGE=2147483648 (docs/performance.md)."""
import os
import subprocess
import tempfile
import unittest

import numpy
from harness import BIN, SANITIZED, Node, dataset_of, wrap

BYTES = int(os.environ.get("CERVIGATE_LARGE", 256 << 20))
CEILING = 64 << 20
SC = "1.2.840.10008.5.1.4.1.1.7.2"


def large_object(path):
    """Multi-frame SC whose pixels are a hole in the file; (SOP instance, offset of the dataset)."""
    frame = numpy.zeros((1024, 1024), numpy.uint8)
    made = wrap(frame, path, bits=8, SOPClassUID=SC, Modality="OT")
    frames = BYTES // frame.size
    made.NumberOfFrames = frames
    made.save_as(path, write_like_original=False)
    offset = os.path.getsize(path) - len(dataset_of(path))
    with open(path, "r+b") as f:  # Pixel Data is the last element: its length is told anew, its value grows
        f.seek(-frame.size - 4, os.SEEK_END)
        if int.from_bytes(f.read(4), "little") != frame.size:
            raise AssertionError("pixel data are not at the end")
        f.seek(-frame.size - 4, os.SEEK_END)
        f.write((frames * frame.size).to_bytes(4, "little"))
        f.truncate(f.tell() + frames * frame.size)
    return made.SOPInstanceUID, offset


def memory(pid):
    """Of a process, in bytes: (anonymous now, all at its most)."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        fields = dict(line.split(":", 1) for line in f)
    return tuple(int(fields[name].split()[0]) << 10 for name in ("RssAnon", "VmHWM"))


def receivers():
    """Process ids of the listener, the committer and every association, of any node."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", encoding="ascii") as f:
                    if f.read().strip() in ("cervigated-rcv", "cervigated-com", "cervigated-asc"):
                        yield int(entry)
            except OSError:
                pass


def descends(pid, root):
    while pid > 1 and pid != root:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                pid = int(f.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            return False
    return pid == root


class Large(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "the figure is the program's, not the sanitizer's")
    def test_receivers_stay_small(self):
        node = Node({}, mode="shadow", rules='<rule name="all" action="store"/>')
        self.addCleanup(node.stop)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "large.dcm")
            instance, offset = large_object(path)
            with open(os.path.join(folder, "list"), "w", encoding="ascii") as f:
                f.write(f"{path} {SC} {instance} 1.2.840.10008.1.2.1 {offset}\n")
            sender = subprocess.Popen([os.path.join(BIN, "bench_ingest"), "send", str(node.port), "CERVIGATE", "1", f.name],
                                      stdout=subprocess.PIPE, text=True)
            most = {}
            while sender.poll() is None:
                anonymous = {}
                for pid in receivers():
                    try:
                        if descends(pid, node.process.pid):
                            anonymous[pid], most[pid] = memory(pid)
                    except (OSError, KeyError):  # it ended
                        pass
                most["anonymous"] = max(most.get("anonymous", 0), sum(anonymous.values()))
                try:
                    sender.wait(0.02)
                except subprocess.TimeoutExpired:
                    pass
            seconds = sender.stdout.read().split()[0]
            sender.stdout.close()
            self.assertEqual(sender.returncode, 0)
            print(f"{BYTES >> 20} MiB in {seconds} s; receivers: at most {most['anonymous'] >> 10} KiB anonymous together, "
                  f"{max(v for k, v in most.items() if k != 'anonymous') >> 10} KiB resident in one")
            self.assertGreaterEqual(len(most), 4)  # listener, committer, association
            for pid, bytes_ in most.items():
                self.assertLess(bytes_, CEILING, pid)


if __name__ == "__main__":
    unittest.main()
