"""The analyze role in the real daemon: killed at its named points, or with an object child that dies, each study is still
answered exactly once."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import pydicom
from pydicom.encaps import encapsulate

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode, Scp  # noqa: E402
from harness import SANITIZED  # noqa: E402

SR, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"


class Analyze(unittest.TestCase):
    def setUp(self):
        port = d.free_port()
        self.pacs = Scp(port)
        self.addCleanup(self.pacs.close)
        self.peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port}"/></peers><destinations>'
                      '<destination peer="pacs" outputs="SR SC" demo="true" retryFirst="1" retryMost="2"/></destinations>')

    def node(self, more="", **environment):
        """`more`: attributes of <limits>."""
        node = AnalyzeNode(mode="demo", peers=self.peers, limits=f'spoolReserve="1048576" {more}', start=False)
        self.addCleanup(node.stop)
        return node.start(environment)

    def image(self, **attributes):
        folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        self.addCleanup(lambda: subprocess.run(["rm", "-r", folder], check=True))
        path = os.path.join(folder, "i.dcm")
        d.write_object(path, size=100000, **attributes)
        return path

    def received(self):
        return [pydicom.dcmread(os.path.join(self.pacs.folder, n), stop_before_pixels=True) for n in os.listdir(self.pacs.folder)]

    def answers(self, kinds, seconds=30):
        d.wait_for(lambda: self.pacs.count() >= len(kinds), seconds, f"{len(kinds)} results")
        time.sleep(2.5)
        self.assertEqual(sorted(r.SOPClassUID for r in self.received()), sorted(kinds))

    def test_an_image_is_answered_by_a_report_and_a_picture(self):
        node = self.node()
        self.assertEqual(node.store(self.image()).returncode, 0)
        self.answers([SR, SC])
        self.assertEqual(node.sql("SELECT state,attempts FROM instance"), [("judged", 1)])

    def test_killed_at_each_point_it_still_answers_once(self):
        for point in ("analyze-after-picture", "analyze-before-judge", "report-after-files", "report-after-commit"):
            with self.subTest(point=point):
                for name in os.listdir(self.pacs.folder):
                    os.unlink(os.path.join(self.pacs.folder, name))
                mark = tempfile.mktemp(prefix="cervigate-mark-")
                node = self.node(CERVIGATE_CRASH=point, CERVIGATE_CRASH_MARK=mark)
                self.assertEqual(node.store(self.image()).returncode, 0)
                self.answers([SR, SC])
                self.assertTrue(os.path.exists(mark), "the point was not passed")
                os.unlink(mark)
                node.stop()

    def test_an_object_child_that_dies_is_answered_and_the_role_lives(self):
        faults = {"crash:decode:7": "signal 6", "open:parse:7": "forbidden system call"}  # the first six are the self-test's
        if SANITIZED:  # no seccomp there
            del faults["open:parse:7"]
        for fault, detail in faults.items():
            with self.subTest(fault=fault):
                for name in os.listdir(self.pacs.folder):
                    os.unlink(os.path.join(self.pacs.folder, name))
                node = self.node(CERVIGATE_OBJECT_FAULT=fault)
                before = node.pid("analyze")
                self.assertEqual(node.store(self.image()).returncode, 0)
                self.answers([SR])
                state, reason, attempts, said = node.sql("SELECT state,reason,attempts,detail FROM instance")[0]
                self.assertEqual((state, reason, attempts), ("not-processed", "software-failure", 2))
                self.assertIn(detail, said)
                self.assertEqual(node.pid("analyze"), before)
                node.stop()

    def test_orders_have_their_turn_however_much_arrives(self):
        node = self.node()
        os.kill(node.pid("analyze"), signal.SIGSTOP)
        images = [self.image() for _ in range(150)]
        self.assertEqual(node.store(*images).returncode, 0)
        order = subprocess.Popen([os.path.join(d.BUILD, "bin/cervigate"), "jobs", "cancel", "150"], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, env=dict(os.environ, CERVIGATE_CONFIG=node.config))
        d.wait_for(lambda: node.sql("SELECT 1 FROM request"), 10, "the order")
        os.kill(node.pid("analyze"), signal.SIGCONT)
        d.wait_for(lambda: node.sql("SELECT 1 FROM request WHERE answer<>''"), 30, "its answer")
        self.assertNotEqual(node.sql("SELECT 1 FROM instance WHERE state='received'"), [], "objects wait when the answer comes")
        self.assertIn("it will not be judged", order.communicate(timeout=30)[0])

    def ends(self, node, *images):
        """What becomes of each: state, reason, detail."""
        known = node.sql("SELECT COUNT(*) FROM instance")[0][0]
        for image in images:
            self.assertEqual(node.store("-xr", image).returncode, 0)
        return d.wait_for(lambda: (rows := node.sql(f"SELECT state,reason,detail FROM instance WHERE id>{known} ORDER BY id"))
                          and len(rows) == len(images) and all(r[0] != "received" for r in rows) and rows, 60, "an end for each")

    def test_each_ceiling_on_an_image_at_its_edge(self):
        """At the limit it is judged; one above it is not processed, too large, and the detail names the setting."""
        node = self.node(more='framePixels="1000000" frameBytes="1500000" frames="2"')
        frames = lambda n: self.image(NumberOfFrames=str(n), Rows=10, Columns=1000, PixelData=bytes(n * 10000))
        deep = lambda rows: self.image(Rows=rows, Columns=1000, BitsAllocated=16, BitsStored=16, HighBit=15, PixelData=bytes(rows * 2000))
        flat = lambda rows: self.image(Rows=rows, Columns=1000, PixelData=bytes(rows * 1000))
        ends = self.ends(node, flat(1000), flat(1002), deep(750), deep(752), frames(2), frames(3))
        for name, at, above in (("framePixels", 0, 1), ("frameBytes", 2, 3), ("frames", 4, 5)):
            with self.subTest(name):
                self.assertNotIn("limit", ends[at][2])
                self.assertNotEqual(ends[at][1], "too-large")
                self.assertEqual(ends[above][:2], ("not-processed", "too-large"))
                self.assertRegex(ends[above][2], f"^limit {name}: ")

    @unittest.skipIf(SANITIZED, "skipped: sanitizers: no limit of memory")
    def test_memory_and_processor_time_of_the_child_have_ceilings(self):
        """The first image's two children never end; of the second one's an address space of 256 MiB is asked for more."""
        node = self.node(more='objectCpuTime="1" objectMemory="268435456"', CERVIGATE_OBJECT_FAULT="spin:parse:7-8")
        run = b"\x81\0" * (8192 * 8192 // 128)  # of RLE: zeros
        large = self.image()
        dataset = pydicom.dcmread(large)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.5"
        dataset.Rows = dataset.Columns = 8192
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        header = b"".join(n.to_bytes(4, "little") for n in (2, 64, 64 + len(run))) + bytes(52)
        dataset.PixelData = encapsulate([header + run * 2])
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(large, write_like_original=False)
        spun, = self.ends(node, self.image())
        self.assertEqual(spun[:2], ("not-processed", "software-failure"))
        self.assertRegex(spun[2], r"^limit objectCpuTime: the object child used too much processor time \(signal 24\)")
        ends = self.ends(node, large, self.image())
        self.assertEqual(ends[0][:2], ("not-processed", "too-large"))
        self.assertRegex(ends[0][2], "^limit objectMemory: ")
        self.assertEqual(node.sql("SELECT attempts FROM instance WHERE id=2"), [(2,)])
        self.assertNotEqual(ends[1][1], "software-failure", "the next one is well")
        self.assertEqual(len(node.objects()), 3, "their bytes are kept")

    def test_a_late_child_that_hears_no_alarm_is_killed(self):
        """By its owner, whose confinement must let it."""
        node = self.node(more='objectWallTime="1"', CERVIGATE_OBJECT_FAULT="deaf:parse:7")
        before = node.pid("analyze")
        self.assertEqual(node.store(self.image()).returncode, 0)
        self.answers([SR])
        self.assertIn("limit objectWallTime: the object child took too long", node.sql("SELECT detail FROM instance")[0][0])
        self.assertEqual(node.pid("analyze"), before)

    def test_a_file_that_is_not_what_was_received_is_not_judged(self):
        node = self.node()
        os.kill(node.pid("analyze"), signal.SIGSTOP)
        self.assertEqual(node.store(self.image()).returncode, 0)
        path, = glob.glob(os.path.join(node.spool, "objects/*/*.dcm"))
        with open(path, "r+b") as f:
            f.seek(-5, os.SEEK_END)  # a pixel
            byte = f.read(1)
            f.seek(-5, os.SEEK_END)
            f.write(bytes([byte[0] ^ 1]))
        os.kill(node.pid("analyze"), signal.SIGCONT)
        self.answers([SR])
        state, reason, said = node.sql("SELECT state,reason,detail FROM instance")[0]
        self.assertEqual((state, reason), ("not-processed", "software-failure"))
        self.assertIn("SHA-256 differs", said)

    def test_what_no_rule_selects_is_ignored_even_if_it_kills_its_child(self):
        node = self.node(CERVIGATE_OBJECT_FAULT="crash:parse:7")
        self.assertEqual(node.store(self.image(Modality="OT", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")).returncode, 0)
        d.wait_for(lambda: node.sql("SELECT state FROM instance") == [("ignored",)], 15, "ignored")
        time.sleep(2)
        self.assertEqual(self.pacs.count(), 0)
        self.assertIn("object-child-died", node.log())

    def test_what_its_header_rules_out_is_parsed_by_nobody(self):
        node = self.node(CERVIGATE_OBJECT_FAULT="crash:parse:7")
        image = self.image(Modality="OT", SpecificCharacterSet="ISO_IR 100", PatientID="M\xfcller 1")
        self.assertEqual(node.store(image).returncode, 0)
        d.wait_for(lambda: node.sql("SELECT state,detail FROM instance") == [("ignored", "no rule selects it")], 15, "ignored")
        self.assertNotIn("object-child-died", node.log())
        self.assertEqual(node.sql("SELECT patient_id FROM judgement"), [("M\xfcller 1",)])  # `forget` finds it
        self.assertEqual(node.sql("SELECT seen FROM instance"), [(None,)])

    def test_a_killed_zygote_starts_the_role_anew(self):
        node = self.node()
        analyze = node.pid("analyze")

        def children():
            with open(f"/proc/{analyze}/task/{analyze}/children", encoding="ascii") as f:
                return f.read().split()
        os.kill(int(d.wait_for(children, 10, "the zygote")[0]), 9)
        self.assertEqual(node.store(self.image()).returncode, 0)
        self.answers([SR, SC])
        self.assertNotEqual(node.pid("analyze"), analyze)


if __name__ == "__main__":
    unittest.main(verbosity=2)
