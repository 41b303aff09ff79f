"""Objects made to exhaust or break whoever reads them, over the network into the real node: each has its coded outcome within a minute
and under 1 GiB (a line a bomb at the end), C-ECHO answers meanwhile, an image that follows is judged, and the checker (tests/faults) has no
violation."""
import contextlib
import os
import shutil
import struct
import sys
import tempfile
import threading
import time
import unittest
import zlib

from pydicom.encaps import encapsulate

import harness as h
import rawscu

sys.path.insert(0, os.path.join(h.SOURCE, "tests/faults"))
import checker  # noqa: E402
from ledger import Sender, Source, read_lines  # noqa: E402
from pacs import Pacs  # noqa: E402

LIMIT_KB, LIMIT_SECONDS = 1 << 20, 60 * h.PATIENCE
LARGEST, RUN = 8192, b"\x81\0"  # framePixels; 128 zeros
SYNTAX = {"rle": "1.2.840.10008.1.2.5", "jpeg": "1.2.840.10008.1.2.4.50", "j2k": "1.2.840.10008.1.2.4.90", "deflated": "1.2.840.10008.1.2.1.99"}


def j2k(width, height, tile, components):
    """A JPEG 2000 main header and the start of a tile."""
    siz = struct.pack(">HIIIIIIIIH", 0, width, height, 0, 0, tile, tile, 0, 0, components) + b"\x07\1\1" * components
    cod = b"\xff\x52" + struct.pack(">HBBHBBBBBB", 12, 0, 0, 1, 0, 5, 4, 4, 0, 1)
    qcd = b"\xff\x5c" + struct.pack(">HB", 19, 0x40) + bytes(16)
    return b"\xff\x4f\xff\x51" + struct.pack(">H", (len(siz) + 2) & 0xFFFF) + siz + cod + qcd + b"\xff\x90" + struct.pack(">HHIBB", 10, 0, 0, 0, 1) + b"\xff\x93\xff\xd9"


def rle(*offsets, data=b""):
    return struct.pack("<16I", len(offsets), *offsets, *[0] * (15 - len(offsets))) + data


class Bombs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-bombs-")
        cls.pacs = Pacs(os.path.join(cls.folder, "pacs"))
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)}, limits='<limits spoolReserve="1048576"/>')
        cls.ledger = os.path.join(cls.folder, "ledger.jsonl")
        cls.sender = Sender(cls.node.port, cls.ledger)
        cls.pixels = h.grey(h.phantoms(os.path.join(cls.folder, "p"), 1)[0][0])
        cls.peak, cls.rows, cls.watching = 0, [], True
        cls.watcher = threading.Thread(target=cls.watch)
        cls.watcher.start()

    @staticmethod
    def family(root):
        """The process, its children and theirs."""
        parents = {}
        for line in h.run("ps", "-e", "-o", "ppid=,pid=").stdout.splitlines():
            parents.setdefault(int(line.split()[0]), []).append(int(line.split()[1]))
        found = [root]
        for pid in found:
            found += parents.get(pid, [])
        return found

    @staticmethod
    def resident(pid):
        try:
            with open(f"/proc/{pid}/status", encoding="ascii") as f:
                return next((int(line.split()[1]) for line in f if line.startswith("VmHWM:")), 0)
        except OSError:
            return 0

    @classmethod
    def watch(cls):
        """The largest process of the node but for object children, whose end tells; C-ECHOs, for the checker."""
        while cls.watching:
            cls.sender.echo()
            cls.look()
            time.sleep(0.2)

    @classmethod
    def look(cls):
        cls.peak = max([cls.peak] + [cls.resident(pid) for pid in cls.family(cls.node.process.pid)])

    @contextlib.contextmanager
    def bomb(self, name):
        """From before it is sent to its outcome: how long, and the most memory of a child and of another process meanwhile."""
        for pid in self.family(self.node.process.pid):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as f:
                f.write("5")  # what VmHWM was until now
        type(self).peak, children, begin = 0, len(self.node.child_kib()), time.monotonic()
        yield
        seconds = time.monotonic() - begin
        self.look()
        row = (name, round(seconds, 1), max(self.node.child_kib()[children:], default=0), self.peak)
        self.rows.append(row)
        self.assertLess(seconds, LIMIT_SECONDS, row)
        self.assertLess(row[2], LIMIT_KB, row)
        self.assertLess(row[3], LIMIT_KB, row)

    @classmethod
    def tearDownClass(cls):
        cls.watching = False
        cls.watcher.join()
        cls.node.stop()
        cls.pacs.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def image(self, name, syntax=None, frame=None, **attributes):
        path = os.path.join(self.folder, name.replace(" ", "-") + ".dcm")
        d = h.wrap(self.pixels, path, bits=8, **attributes)
        if syntax:
            d.file_meta.TransferSyntaxUID = SYNTAX[syntax]
            d.PixelData = encapsulate([frame])
            d["PixelData"].is_undefined_length = True
            d["PixelData"].VR = "OB"
            d.save_as(path, write_like_original=False)
        return path

    def report_of(self, path):
        source = Source(path, ["delivered"])
        self.assertEqual(self.sender.store(source), "0000")

        def find():
            return [l["path"] for l in self.pacs.stores() if l["sop_class"] == h.SR3D and h.head(l["path"]).StudyInstanceUID == source.study]
        return h.run("dsrdump", "+Pl", h.wait_for(find, 60, "a report")[0]).stdout

    def not_processed(self, name, path, words):
        with self.bomb(name):
            text = self.report_of(path)
        self.assertIn("111245", text)
        self.assertRegex(text, words)

    def test_images(self):
        entropy = bytes(64)
        for name, words, options in (
                ("a million frames of 65535 squared", r"(?i)large|decod", {"Rows": 65535, "Columns": 65535, "NumberOfFrames": "1000000"}),
                ("high bit at bits allocated", r"(?i)decod", {"HighBit": 8}),
                ("high bit far above", r"(?i)decod", {"HighBit": 65535}),
                ("rle bomb", r"(?i)large|decod", {"syntax": "rle", "frame": rle(64, data=b"\x81\0" * 8), "Rows": 65535, "Columns": 65535}),
                ("rle offsets behind the end", r"(?i)decod", {"syntax": "rle", "frame": rle(0xFFFFFFF0, data=entropy)}),
                ("rle offset in the header", r"(?i)decod", {"syntax": "rle", "frame": rle(4, data=entropy)}),
                ("rle of sixteen segments", r"(?i)decod", {"syntax": "rle", "frame": struct.pack("<16I", 0xFFFFFFFF, *[64] * 15) + entropy}),
                ("rle of ten bytes", r"(?i)decod", {"syntax": "rle", "frame": b"\1\0\0\0\x40\0\0\0\0\0"}),
                ("rle of the largest frame", r"(?i)nothing", {"syntax": "rle", "frame": rle(64, data=RUN * (LARGEST ** 2 // 128)), "Rows": LARGEST, "Columns": LARGEST}),
                ("rle of the largest frame, 16 bits", r"(?i)nothing", {
                    "syntax": "rle", "frame": rle(64, 64 + LARGEST ** 2 // 64, data=RUN * (LARGEST ** 2 // 64)), "Rows": LARGEST, "Columns": LARGEST,
                    "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}),
                ("rle of 2 GiB for a small frame", r"(?i)decod|nothing", {"syntax": "rle", "frame": rle(64, data=RUN * (1 << 24))}),
                ("rle of empty runs", r"(?i)decod", {"syntax": "rle", "frame": rle(64, data=b"\x80" * (32 << 20))}),
                ("jpeg of TEM markers", r"(?i)decod", {"syntax": "jpeg", "frame": b"\xff\xd8" + b"\xff\x01" * 1000 + b"\xff\xd9"}),
                ("jpeg 2000 of huge tiles", r"(?i)large|decod", {"syntax": "j2k", "frame": j2k(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 1)}),
                ("jpeg 2000 of 2^32 tiles", r"(?i)large|decod", {"syntax": "j2k", "frame": j2k(65535, 65535, 1, 1)}),
                ("jpeg 2000 of 16384 components", r"(?i)large|decod|support", {"syntax": "j2k", "frame": j2k(384, 384, 384, 16384)})):
            with self.subTest(name):
                self.not_processed(name, self.image(name, **options), words)

    def refused(self, name, syntax, data, limit):
        with self.bomb(name):
            status = self.sender.store(Source.of(rawscu.SECONDARY_CAPTURE, "1.2.3.4.5.6", syntax, data), LIMIT_SECONDS)
        comment = [l for l in read_lines(self.ledger) if l["kind"] == "store"][-1]["comment"]
        self.assertEqual(status, "c000")
        self.assertTrue(comment.startswith(f"limit {limit}: "), comment)

    def test_a_deflate_bomb(self):
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        data = packer.compress(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFF0))
        zeros = bytes(1 << 20)
        for _ in range(1024):
            data += packer.compress(zeros)
        self.refused("deflate bomb of 1 GiB", SYNTAX["deflated"], rawscu.even(data + packer.flush()), "inflatedBytes")

    def test_nesting_of_a_million(self):
        nested = struct.pack("<HHIHHI", 0x0008, 0x1140, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
        self.refused("a million nested sequences", rawscu.IMPLICIT, nested * 1000000, "nesting")

    def test_elements_in_falling_order(self):
        """DCMTK alone takes minutes for these 2.4 MB."""
        data = b"".join(struct.pack("<HHII", 0x11 + 2 * (n >> 16), n & 0xFFFF, 4, 0) for n in range(200000, 0, -1))
        self.refused("200,000 elements in falling order", rawscu.IMPLICIT, data, "elements")

    def test_zeros_behind_the_dataset(self):
        elements = b"".join(rawscu.element(0x0011, 0x1000 + n, b"x ") for n in range(2000))
        self.refused("a MiB of zeros behind 2,000 elements", rawscu.IMPLICIT, elements + bytes(1 << 20), "elements")

    def test_zz_what_follows_is_judged(self):
        self.assertNotIn("111245", self.report_of(self.image("good")))
        children, echoes = self.node.child_kib(), [l["ms"] for l in read_lines(self.ledger) if l["kind"] == "echo"]
        for name, seconds, child, other in self.rows:
            print(f"{name}: {seconds} s, child {child >> 10} MiB, another process {other >> 10} MiB")
        print(f"{len(self.rows)} bombs, {len(children)} children, slowest C-ECHO {max(echoes)} ms")
        self.assertGreater(min(row[3] for row in self.rows), 30 << 10)  # the watch saw the node
        self.assertGreater(max(row[2] for row in self.rows), LARGEST ** 2 >> 10)  # the largest frame was decoded
        self.assertLess(max(children), LIMIT_KB)

    def test_zzz_the_checker(self):
        def look():
            return checker.check(self.node.spool, [self.ledger], [self.pacs.log_path], settled=True, config=self.node.config)[0]
        end = time.monotonic() + 60
        while (found := look()) and time.monotonic() < end:
            time.sleep(0.5)
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
