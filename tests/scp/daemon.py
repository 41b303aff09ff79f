"""What the tests of the real daemon share: a node in a folder of its own, DCMTK's tools, small objects."""
import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from harness import BUILD, DX, free_port, once_a_build, set_clock, wait_for  # noqa: E402,F401

DAEMON = os.path.join(BUILD, "bin/cervigated")
PEERS = '<peers><peer name="nobody" aeTitle="NOBODY" host="127.0.0.1" port="1"/></peers>'


def model(folder, *kind):
    """A copy of a model that is made once a build: making it takes longer than starting the node with it."""
    path, maker = os.path.join(folder, "model"), os.path.join(BUILD, "bin/make_model")
    shutil.copytree(once_a_build(maker, "-".join(("model", *kind)), lambda made: subprocess.run([maker, made, *kind], check=True)), path)
    return path


def write_object(path, size=4096, **attributes):
    """A DX object without an image's meaning: this node's receiver looks at no pixel."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = DX, attributes.get("SOPInstanceUID") or generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    d = FileDataset(path, {}, file_meta=meta, preamble=b"\0" * 128)
    d.is_little_endian, d.is_implicit_VR = True, False
    d.SOPClassUID, d.SOPInstanceUID = DX, meta.MediaStorageSOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID = generate_uid(), generate_uid()
    d.PatientID, d.Modality = "SCP-TEST", "DX"
    d.Rows, d.Columns, d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = (size + 999) // 1000, 1000, 8, 8, 7, 0
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.PixelData = os.urandom((size + 999) // 1000 * 1000)
    for keyword, value in attributes.items():
        setattr(d, keyword, value)
    d.save_as(path, write_like_original=False)
    return d


def small_disk(case, size):
    """A file system of `size` bytes, until the test ends."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        case.skipTest("skipped: mounting needs root")
    where = tempfile.mkdtemp(prefix="cervigate-disk-")
    case.addCleanup(os.rmdir, where)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", where], check=True)
    case.addCleanup(subprocess.run, ["umount", "-l", where], check=True)
    return where


def memory_of(pid):
    """All that a process has mapped, may write, and has used: mappings of which nothing is in memory hold nothing."""
    got = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            begin = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw.*", line)
            if begin and "[v" not in line:
                place = [int(n, 16) for n in begin.groups()]
            elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                place = None
            elif line.startswith("Rss:") and place and line.split()[1] != "0" and place[1] - place[0] < 64 << 20:
                memory.seek(place[0])
                got.append(memory.read(place[1] - place[0]))
    return b"".join(got)


def free_bytes(where):
    at = os.statvfs(where)
    return at.f_bavail * at.f_frsize


class Node:
    def __init__(self, mode="shadow", limits='spoolReserve="1048576"', peers=PEERS, kind=(), console=True, start=True, disk=None):
        self.folder = tempfile.mkdtemp(prefix="cervigate-scp-", dir=disk)
        self.spool, self.config = os.path.join(self.folder, "spool"), os.path.join(self.folder, "c.xml")
        self.model, self.log_path, self.process = model(self.folder, *kind), os.path.join(self.folder, "log"), None
        self.mode, self.limits, self.peers, self.console = mode, limits, peers, console
        self.write_config()
        if start:
            self.start()

    def write_config(self, extra="", port=0):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""<?xml version="1.0"?>
<cervigate xmlns="urn:cervigate:config:1">
  <node aeTitle="CERVIGATE" address="127.0.0.1" port="{port}" mode="{self.mode}" spool="{self.spool}" model="{self.model}"/>
  <study quietTime="1"/>
  {self.peers}
  <rules><rule name="all" action="store"/></rules>
  <limits {self.limits}/>
  <console enabled="{str(self.console).lower()}" address="127.0.0.1" port="0"/>
  {extra}
</cervigate>
""")

    def spawn(self, environment=None, *arguments):
        with open(self.log_path, "ab") as log:
            return subprocess.Popen([DAEMON, "--config", self.config, *(arguments or ("--foreground",))], stdout=log, stderr=log,
                                    env=dict(os.environ, **(environment or {})))

    def start(self, environment=None):
        self.process = self.spawn(environment)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"exit {self.process.returncode}\n{self.log()}")
            return self.facts().get("pid") == str(self.process.pid) and int(self.facts().get("committer_pid", 0))
        wait_for(up, 20, "run/node")
        return self

    def refusal(self):
        """Exit status and message of a start that must fail."""
        done = subprocess.run([DAEMON, "--config", self.config, "--foreground"], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def facts(self):
        try:
            with open(os.path.join(self.spool, "run/node"), encoding="utf-8") as f:
                return dict(line.rstrip("\n").split("=", 1) for line in f)
        except FileNotFoundError:
            return {}

    def pid(self, role):
        return int(self.facts()[role + "_pid"])

    def kill(self, role):
        """kill -9 of a role; waits for its successor."""
        old = self.pid(role)
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.pid(role) not in (0, old), 10, role + " again")

    def processes(self):
        """Of the node, every one that there is now."""
        parents = {}
        for name in os.listdir("/proc"):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8") as f:
                    parents[int(name)] = int(f.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                pass
        found, last = {self.process.pid}, 0
        while len(found) > last:
            last = len(found)
            found |= {pid for pid, parent in parents.items() if parent in found}
        return sorted(found)

    def files(self):
        """All in the spool: path, mode, what it holds; a folder holds None."""
        for root, _, names in os.walk(self.spool):
            yield root, os.stat(root).st_mode & 0o7777, None
            for name in names:
                path = os.path.join(root, name)
                try:
                    mode = os.lstat(path).st_mode
                    with open(os.devnull if stat.S_ISSOCK(mode) else path, "rb") as f:
                        yield path, mode & 0o7777, f.read()
                except FileNotFoundError:
                    pass  # it has gone since

    def open_to_others(self):
        return [path for path, mode, data in self.files() if mode != 0o700 and (data is None or mode & ~0o600)]

    @property
    def port(self):
        return self.facts()["dicom_port"]

    def echo(self):
        return subprocess.run(["echoscu", "-to", "5", "-aec", "CERVIGATE", "127.0.0.1", self.port], capture_output=True).returncode == 0

    def store(self, *files):
        return subprocess.run(["storescu", "-v", "-aec", "CERVIGATE", "127.0.0.1", self.port, *files], capture_output=True, text=True,
                              errors="replace", timeout=120)

    def sql(self, text):
        with sqlite3.connect(f"file:{self.spool}/jobs.sqlite?mode=ro", uri=True) as db:
            return db.execute(text).fetchall()

    def get(self, path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.facts()['console_port']}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def objects(self):
        return sorted(os.path.join(d, n) for d, _, names in os.walk(self.spool + "/objects") for n in names)

    def stop(self):
        code = None
        if self.process and self.process.poll() is None:
            self.process.terminate()
            code = self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code


class AnalyzeNode(Node):
    """Its rule is for DX images, which are analyzed."""

    def write_config(self, extra="", port=0):
        super().write_config(extra, port)
        with open(self.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text.replace('<rule name="all" action="store"/>',
                                 '<rule name="dx" action="analyze"><match attribute="Modality" values="DX"/></rule>'))


class Scp:
    """DCMTK's storescp, as a PACS."""

    def __init__(self, port, *options):
        self.folder, self.port = tempfile.mkdtemp(prefix="cervigate-scp-"), port
        self.process = subprocess.Popen(["storescp", "+B", "-od", self.folder, *options, str(port)], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: subprocess.run(["echoscu", "127.0.0.1", str(port)], capture_output=True).returncode == 0, 10, "storescp")

    def count(self):
        return len(os.listdir(self.folder))

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)
