"""scripts/demo, the README's first command, with the programs of this build: its answer, what it leaves, how what it kept is stopped."""
import glob
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from documents import h


class Demo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-test-demo-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        os.mkdir(cls.path("tmp"))

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    def demo(self, *files, **more):
        environment = dict(os.environ, DEMO_BIN=h.BIN, DEMO_RESULTS=self.path("results"), TMPDIR=self.path("tmp"), **more)
        with open(self.path("told"), "w+", encoding="utf-8") as told, open(self.path("said"), "w+", encoding="utf-8") as said:  # a node that is kept would hold a pipe open
            status = subprocess.run([os.path.join(h.SOURCE, "scripts/demo"), *files], env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=told,
                                    timeout=150 * h.PATIENCE).returncode
            told.seek(0)
            said.seek(0)
            self.told = told.read()
            return status, said.read()

    def test_1_a_phantom(self):
        os.makedirs(self.path("results"))
        for name in ("report-9.txt", "mine.dcm"):
            with open(self.path("results", name), "w", encoding="ascii"):
                pass
        status, said = self.demo()
        self.assertEqual(status, 0, said + self.told)
        self.assertRegex(said, r"(?s)^RESEARCH.*CERVICAL SPINE - AUTOMATED ANALYSIS\nFinding at or above the operating point: fracture\.\n.*\n  outcome   finding\n")
        self.assertNotIn("CONTAINER", said)
        self.assertEqual(sorted(os.listdir(self.path("results"))), ["mine.dcm", "picture-1.dcm", "picture-1.png", "report-1.dcm", "report-1.txt"], "the last demo's are gone, others' are not")
        for name in ("report-1.txt", "picture-1.png"):
            self.assertIn(self.path("results", name), said)
        with open(self.path("results/picture-1.png"), "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        with open(self.path("results/report-1.txt"), encoding="utf-8") as file:
            self.assertTrue(said.startswith(file.read()))
        self.assertEqual(os.listdir(self.path("tmp")), [], "node and PACS left something")

    def test_2_files_and_what_is_kept(self):
        h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", self.path("one"), "--count", 2, "--seed", 3, "--prevalence", "0,1,0")
        status, said = self.demo(*glob.glob(self.path("one/*/*.png")), DEMO_KEEP="1")
        self.assertEqual(status, 0, said + self.told)
        stop = re.search(r"(?m)^Stop them: (kill (\d+) (\d+); while .*; done; rm -r \S+)$", said)
        self.assertIsNotNone(stop, said)
        try:
            self.assertEqual(said.count("\n  outcome   "), 2, said)
            config = re.search(r"export CERVIGATE_CONFIG=(\S+),", said).group(1)
            self.assertIn("demo", h.run(os.path.join(h.BIN, "cervigate"), "user", "list", "--config", config).stdout)
            page = re.search(r"console   (http://\S+) as demo, password \w{10}:", said).group(1)
            self.assertIn("<html", h.run("curl", "-sf", page).stdout)
        finally:
            subprocess.run(["bash", "-c", stop.group(1)], check=True)
        for pid in stop.groups()[1:]:
            h.wait_for(lambda pid=pid: h.run("ps", "-o", "stat=", "-p", pid).stdout.strip()[:1] in ("", "Z"), 30, "it has stopped")
        self.assertEqual(os.listdir(self.path("tmp")), [])

    def test_3_what_is_no_radiograph(self):
        status, said = self.demo(self.path("missing.png"))
        self.assertEqual((status, said), (66, ""))
        self.assertIn(f"cannot read {self.path('missing.png')}", self.told)


if __name__ == "__main__":
    unittest.main()
