"""`cervigate replay`: the same bits again on each kernel set; and what it says when something is not as it was."""
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import unittest

import pydicom

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402
from test_selftest import kernels  # noqa: E402

ADMIN = os.path.join(d.BUILD, "bin/cervigate")
KERNELS, BUILD = 7, 8  # of report.c's journal


class Replay(unittest.TestCase):
    def setUp(self):
        self.node = AnalyzeNode(start=False)
        self.addCleanup(self.node.stop)
        self.files = []

    def judge(self, count=1, **environment):
        """A study of `count` images, judged and reported; the node has stopped."""
        self.node.start(environment)
        study = None
        for i in range(count):
            path = os.path.join(self.node.folder, f"{i}.dcm")
            one = d.write_object(path, 100000, **({"StudyInstanceUID": study} if study else {}))
            study = one.StudyInstanceUID
            self.files.append(path)
        self.assertEqual(self.node.store(*self.files).returncode, 0)
        d.wait_for(lambda: self.node.sql("SELECT 1 FROM result WHERE kind='sr'"), 30, "a report")
        self.node.process.terminate()
        self.node.process.wait(30)
        self.sr = self.node.sql("SELECT uid FROM result WHERE kind='sr' ORDER BY id DESC")[0][0]

    def replay(self, *arguments, **environment):
        return subprocess.run([ADMIN, "replay", *arguments, "--config", self.node.config], capture_output=True, text=True, timeout=120,
                              env=dict(os.environ, **environment))

    def lines(self, code, uid=None, **environment):
        said = self.replay(uid or self.sr, "--json", **environment)
        self.assertEqual(said.returncode, code, said)
        return [json.loads(line) for line in said.stdout.splitlines()]

    def write(self, sql, *values):
        with sqlite3.connect(self.node.spool + "/jobs.sqlite") as db:
            db.execute(sql, values)

    def journal(self, field, value):
        """The first model's journalled field (report.c) becomes `value`; None: it is not there."""
        tag, done = 0x009910f0 + field, 0
        for image, packed in self.node.sql("SELECT instance,attrs FROM judgement"):
            at, entries = 8, []
            while at < len(packed):
                t, vr, length = struct.unpack_from("<I2sI", packed, at)
                entries.append((t, vr, packed[at + 10:at + 10 + length]))
                at += 10 + length
            done += tag in (t for t, _, _ in entries)
            entries = [(t, vr, value.encode() if t == tag and value is not None else v) for t, vr, v in entries if t != tag or value is not None]
            text = b"DXA1" + struct.pack("<I", len(entries)) + b"".join(struct.pack("<I2sI", t, vr, len(v)) + v for t, vr, v in entries)
            self.write("UPDATE judgement SET attrs=? WHERE instance=?", text, image)
        self.assertGreater(done, 0)

    def test_every_kernel_set_is_forced_and_gives_its_bits(self):
        scores = set()
        for name in kernels():
            with self.subTest(kernels=name):
                self.node.process = None
                shutil.rmtree(self.node.spool, ignore_errors=True)
                self.files = []
                self.judge(CERVIGATE_KERNELS=name)
                for other in kernels():  # whatever the environment says
                    line, = self.lines(0, CERVIGATE_KERNELS=other)
                    self.assertEqual((line["result"], line["forced"]), ("equal", True))
                    self.assertEqual(line["kernels"], name)
                    self.assertTrue(line["detail"].startswith(f"equal to the bit on {name}"), line)
                    self.assertEqual(line["stored"], line["now"])
                    self.assertEqual(len(line["input"]), 64)
                    self.assertRegex(line["build"], "^[0-9a-f]{40}$")
                    self.assertIn("model digest " + line["model_digest"], line["parameters"])
                scores.add(tuple(line["now"]))
                log = self.node.log().split("image-judged")[-1]
                for text in (line["input"], line["model_digest"], f"kernels={name}", "build=" + line["build"]):
                    self.assertIn(text, log)

    def test_each_image_of_a_report_and_one_of_a_picture(self):
        self.judge(3)
        self.assertEqual([line["result"] for line in self.lines(0)], ["equal"] * 3)
        picture, image = self.node.sql("SELECT uid,instance FROM result WHERE kind='sc' ORDER BY id DESC")[0]
        line, = self.lines(0, picture)
        self.assertEqual(line["image"], image)
        said = self.replay(self.sr)
        self.assertEqual(said.returncode, 0)
        self.assertRegex(said.stdout.splitlines()[0], r"^equal  image 1 \([0-9.]+\), model .*: equal to the bit on ")
        report = pydicom.dcmread(self.node.spool + "/" + self.node.sql("SELECT path FROM result WHERE kind='sr'")[0][0])
        said = {e.value for e in report.iterall() if e.keyword == "TextValue"}
        self.assertEqual(len([s for s in said if f"build {line['build']}; kernels {line['kernels']}" in s]), 1, said)

    def test_a_score_that_differs(self):
        self.judge(2)
        one = self.node.sql("SELECT scores FROM judgement WHERE instance=1")[0][0].split()
        bits = struct.unpack("<q", struct.pack("<d", float(one[0])))[0] + 1
        one[0] = repr(struct.unpack("<d", struct.pack("<q", bits))[0])
        self.write("UPDATE judgement SET scores=? WHERE instance=1", " ".join(one))
        lines = self.lines(1)
        self.assertEqual([line["result"] for line in lines], ["different", "equal"])
        self.assertIn("different by", lines[0]["detail"])

    def test_a_processor_that_lacks_the_kernels_compares_within_a_tolerance(self):
        self.judge()
        lacking = "sse9512"
        self.journal(KERNELS, lacking + ", OpenBLAS 9")
        line, = self.lines(0)
        self.assertEqual((line["result"], line["forced"]), ("equal", False))
        scores = self.node.sql("SELECT scores FROM judgement")[0][0].split()
        for by, code in ((5e-5, 0), (2e-4, 1)):
            self.write("UPDATE judgement SET scores=?", " ".join([repr(float(scores[0]) + by), *scores[1:]]))
            line, = self.lines(code)
            self.assertIn(f"this processor lacks {lacking}; on ", line["detail"])
            self.assertEqual(line["result"], "different" if code else "equal")

    def test_an_older_programs_result_has_no_kernels(self):
        self.judge()
        self.journal(KERNELS, None)
        self.journal(BUILD, None)
        line, = self.lines(0)
        self.assertEqual((line["result"], line["forced"], line["kernels"], line["build"]), ("equal", False, "", ""))
        scores = self.node.sql("SELECT scores FROM judgement")[0][0].split()
        self.write("UPDATE judgement SET scores=?", " ".join([repr(float(scores[0]) + 5e-5), *scores[1:]]))
        line, = self.lines(0)
        self.assertIn("the kernel set was not recorded", line["detail"])

    def test_another_build_is_told(self):
        self.judge()
        line, = self.lines(0)
        self.assertNotIn("build", line["detail"])
        self.journal(BUILD, "0" * 40)
        line, = self.lines(0)
        self.assertRegex(line["detail"], "; this is build [0-9a-f]{16}, it was 0000000000000000$")

    def test_images_of_two_kernel_sets_each_on_theirs(self):
        sets = kernels()
        self.judge(2)
        first = self.node.sql("SELECT attrs FROM judgement WHERE instance=1")[0][0]
        self.journal(KERNELS, sets[-1] + ", OpenBLAS 9")
        self.write("UPDATE judgement SET attrs=? WHERE instance=1", first)
        lines = self.lines(0 if len(sets) == 1 else 1)
        self.assertEqual([line["forced"] for line in lines], [True, True])
        self.assertEqual([line["detail"].split(" on ")[1].split(",")[0] for line in lines], [sets[0], sets[-1]])

    def test_an_input_that_was_removed_or_changed(self):
        self.judge(2)
        first, second = (self.node.spool + "/" + p for p, in self.node.sql("SELECT path FROM instance ORDER BY id"))
        os.rename(first, first + ".away")
        line = self.lines(66)[0]
        self.assertEqual((line["result"], line["now"]), ("input-removed", None))
        self.assertIn("removed from the spool; its digest was " + line["input"], line["detail"])
        os.rename(first + ".away", first)
        with open(second, "r+b") as f:
            f.seek(-10, os.SEEK_END)
            f.write(b"\1\2\3")
        self.assertEqual([line["result"] for line in self.lines(1)], ["equal", "input-changed"])
        os.unlink(first)
        self.assertEqual([line["result"] for line in self.lines(1)], ["input-removed", "input-changed"])

    def test_another_model(self):
        self.judge()
        shutil.rmtree(self.node.model)
        d.model(self.node.folder, "own")
        line, = self.lines(66)
        self.assertEqual(line["result"], "model-changed")
        self.assertIn("the configuration has another one now", line["detail"])
        self.assertIn(line["model_digest"][:16], line["detail"])

    def test_what_was_not_judged_and_what_is_not_there(self):
        self.judge(CERVIGATE_SELFTEST_FAULT="score")  # nothing is locked: it passes
        self.write("UPDATE instance SET state='not-processed'")
        said = self.replay(self.sr)
        self.assertEqual((said.returncode, said.stdout), (0, ""))
        self.assertIn("nothing to recompute", said.stderr)
        self.assertEqual(self.replay("1.2.3").returncode, 66)
        self.assertEqual(self.replay("x").returncode, 64)
        self.assertEqual(self.replay().returncode, 64)
        self.assertEqual(self.replay("--help").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
