"""docs/train-your-own.md, run: its own blocks in its own order, in small, from DICOM phantoms to a node in clinical mode."""
import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import pydicom

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
import harness as h  # noqa: E402  (daemon has put its folder on the path)

DOCUMENT = os.path.join(h.SOURCE, "docs/train-your-own.md")
SMALL = {"COUNT": "30", "PIXELS": "64", "SIDE": "64", "EPOCHS": "1", "INIT": "none", "KIND_COUNT": "6", "LATER": "6", "LEAST": "0"}


def blocks():
    """[(text, exit statuses)] of the document's sh blocks."""
    with open(DOCUMENT, encoding="utf-8") as f:
        found = re.findall(r"(?ms)^```sh(?: exit=([\d|]+))?\n(.*?)^```$", f.read())
    return [(text, {int(status) for status in (statuses or "0").split("|")}) for statuses, text in found]


class TrainYourOwn(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-own-")
        self.pacs = h.StoreScp()
        self.environment = dict(os.environ, **SMALL, SPOOL=self.path("spool"), MODEL=self.path("ours"), TEMPLATE=self.path("site.xml"),
                                PORT=str(h.free_port()), PATH=h.BIN + ":" + os.environ["PATH"], OMP_NUM_THREADS="2",
                                XDG_STATE_HOME=self.path("state"), XDG_CACHE_HOME=self.path("cache"))
        with open(os.path.join(h.SOURCE, "config/cervigate.xml"), encoding="utf-8") as f:
            site = f.read()
        for old, new in (('quietTime="15"', 'quietTime="1"'), ('port="8104"', 'port="0"'), ('address="0.0.0.0"', 'address="127.0.0.1"'),
                         ('spoolReserve="1073741824"', 'spoolReserve="1048576"'), ('host="pacs.example.org" port="104"', f'host="127.0.0.1" port="{self.pacs.port}"')):
            self.assertIn(old, site)
            site = site.replace(old, new)
        with open(self.path("site.xml"), "w", encoding="utf-8") as f:
            f.write(site)

    def tearDown(self):
        self.stop()
        self.pacs.close()
        shutil.rmtree(self.folder)

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def bash(self, text):
        """What it prints goes to a file: a daemon would hold a pipe open."""
        with open(self.path("said"), "w+", encoding="utf-8", errors="replace") as said:
            status = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                    stdout=said, stderr=said, timeout=900).returncode
            said.seek(0)
            return status, said.read()

    def pid(self):
        try:
            with open(self.path("spool/run/node"), encoding="utf-8") as f:
                return int(dict(line.rstrip("\n").split("=", 1) for line in f)["pid"])
        except (FileNotFoundError, KeyError):
            return 0

    def stop(self):
        pid = self.pid()
        if pid:
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                return
            h.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), 30, "the node's end")

    def start(self, config="node.xml"):
        return self.bash(f"cervigated --config {config} 2> refusal || {{ status=$?; cat refusal; exit $status; }}")

    def rewrite(self, old, new, source, target):
        with open(self.path(source), encoding="utf-8") as f:
            text = f.read()
        self.assertRegex(text, old)
        with open(self.path(target), "w", encoding="utf-8") as f:
            f.write(re.sub(old, new, text))

    def status(self):
        return h.json.loads(self.bash("CERVIGATE_CONFIG=node.xml cervigate status --json")[1].splitlines()[-1])

    # ---- what people and peers do between the document's blocks ----

    def the_readers_work(self):
        h.wait_for(lambda: self.status()["instances"]["received"] == 0 and self.status()["results"]["reports"] == 6, 60, "six reports on the node")
        with open(self.path("later/manifest.csv"), encoding="utf-8") as f:
            truth = [(pydicom.dcmread(self.path("later", row["file"])).SOPInstanceUID, os.path.basename(os.path.dirname(row["file"]))) for row in csv.DictReader(f)]
        with open(self.path("truth.csv"), "w", encoding="utf-8") as f:
            f.write("sop_instance,class\n" + "".join(f"{uid},{class_}\n" for uid, class_ in truth))

    def refused_without_a_record(self):
        """A node of its own, that would start in clinical mode."""
        self.rewrite('mode="shadow"', 'mode="clinical"', "node.xml", "elsewhere.xml")
        self.rewrite('spool="[^"]*"', f'spool="{self.path("elsewhere")}"', "elsewhere.xml", "elsewhere.xml")
        self.rewrite(f'port="{self.environment["PORT"]}"', 'port="0"', "elsewhere.xml", "elsewhere.xml")
        status, said = self.start("elsewhere.xml")
        self.assertEqual(status, 78, said)
        self.assertIn("has no <validation> bound to its digests", said)

    def clinical(self):
        """Results go out; what the shadow period made does not."""
        self.assertEqual(self.status()["mode"], "clinical")
        self.assertEqual(self.bash("cervigate phantom --out one --count 1 --seed 41 --size 64 --format dicom; storescu -aec CERVIGATE +sd +r +sp '*.dcm' localhost $PORT one")[0], 0)
        h.wait_for(lambda: self.status()["deliveries"]["sent"] == 2 and len(self.pacs.objects(h.SR3D)) == 1, 60, "one report and one picture at the PACS")
        self.assertEqual(self.status()["deliveries"]["pending"], 0)
        text = h.run("dsrdump", "+Pl", self.pacs.objects(h.SR3D)[0]).stdout
        self.assertNotIn("RESEARCH", text)
        self.stop()
        status, said = self.start()
        self.assertEqual(status, 0, said)
        self.assertEqual(self.status()["mode"], "clinical")
        self.stop()

    def refused_when_something_has_changed(self):
        shutil.copytree(self.path("ours"), self.path("kept"))
        self.rewrite(r'operating-point="0.29[^"]*"', 'operating-point="0.31"', "ours/model.xml", "ours/model.xml")
        self.is_refused("model.xml:.*validation is of another model")
        with open(self.path("ours/weights.safetensors"), "r+b") as f:
            f.seek(-1, os.SEEK_END)
            last = f.read(1)
            f.seek(-1, os.SEEK_END)
            f.write(bytes([last[0] ^ 1]))
        shutil.copy(self.path("kept/model.xml"), self.path("ours"))
        self.is_refused("its bytes are damaged")
        shutil.copy(self.path("gate/weights.safetensors"), self.path("ours"))
        self.is_refused("SHA-256 is .*, model.xml expects ")
        shutil.copy(self.path("kept/weights.safetensors"), self.path("ours"))
        self.rewrite("least=\"[^\"]*\"", 'least="0.25"', "ours/model.xml", "ours/model.xml")
        self.is_refused("validation is of another model")
        shutil.copy(self.path("kept/model.xml"), self.path("ours"))
        status, said = self.start()
        self.assertEqual(status, 0, said)

    def is_refused(self, words):
        for command in ("cervigated --config node.xml 2>&1", "cervigate check --config node.xml", "cervigate mode --config node.xml clinical", "cervigate check --model ours"):
            status, said = self.bash(command)
            self.assertEqual(status, 78, (command, said))
            self.assertRegex(said, words, command)

    def test_the_document(self):
        all_blocks = blocks()
        self.assertGreaterEqual(len(all_blocks), 14)
        names = all_blocks[0][0]
        self.environment.update(FRACTURE_POINT="0.29", TEMPERATURE="1.2")
        for text, expected in all_blocks:
            if text.startswith("cervigate mode clinical"):
                self.refused_without_a_record()
            if text.startswith("cervigate mode shadow"):
                self.clinical()
                self.refused_when_something_has_changed()
            began = h.time.monotonic()
            status, said = self.bash(names + text)
            print(f"{h.time.monotonic() - began:6.1f} s  exit {status}  {text.splitlines()[0][:90]}", flush=True)
            self.assertIn(status, expected, text + "\n" + said)
            if "storescu" in text:
                self.the_readers_work()
        self.assertEqual(self.status()["mode"], "shadow")
        with open(self.path("protocol.txt"), encoding="utf-8") as f:
            protocol = f.read()
        for line in ("point.fracture = 0.29", "point.dislocation = 0.25", "temperature = 1.2"):
            self.assertIn(line + "\n", protocol)
        for page in ("report/index.html", "shadow-report/index.html"):
            self.assertTrue(os.path.exists(self.path(page)), page)


if __name__ == "__main__":
    unittest.main(verbosity=2)
