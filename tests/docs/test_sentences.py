"""The commands of ours that stand in sentences and in tables, as those of the 3 a.m. card: each is run as it stands, with values for the words in capitals, in an
order in which a node can do them; or it is the name of a command, which is none without more words; or it takes hours."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

import documents as d
from documents import h

# A page's words, and what is run: {name} is a value of this test, "" is the same; where another status than 0 is right, it stands behind.
STEPS = (
    ("cervigate --version", ""), ("cervigate check", ""), ("cervigate check --print-effective", ""), ("cervigate check --model DIR", "cervigate check --model {model}"),
    ("cervigate conformance", ""), ("cervigate phantom --help", ""), ("cervigate simulate --help", ""), ("cervigate train --help", ""),
    ("cervigate echo pacs", ""), ("cervigate echo ris", ""), ("cervigate echo PEER", "cervigate echo viewer"),
    ("cervigate user add anna --role reader", ""), ("cervigate user list", ""),
    ("cervigate status", "", 1), ("cervigate status --json", "", 1), ("cervigate status relearn", ""), ("cervigate mode demo", ""),
    ("cervigate jobs list", ""), ("cervigate jobs list --json", ""), ("cervigate jobs show ID", "cervigate jobs show {job}"),
    ("cervigate jobs show ID --json", "cervigate jobs show {job} --json"),
    ("cervigate jobs list --parked", ""), ("cervigate jobs release dN", "cervigate jobs release {delivery}"), ("cervigate jobs retry ID", "cervigate jobs retry {child}"),
    ("cervigate worklist", ""), ("cervigate worklist list --json", ""), ("cervigate worklist read UID", "cervigate worklist read {study}"),
    ("cervigate results list", ""), ("cervigate results list --study UID", "cervigate results list --study {study}"), ("cervigate results show UID", "cervigate results show {sr}"),
    ("cervigate results retract UID", "cervigate results retract {srs[1]}"),
    ("cervigate results retract UID --reason safety", "cervigate results retract {srs[2]} --reason safety"),
    ("cervigate results retract UID --reason wrong-worklist-entry", "cervigate results retract {srs[3]} --reason wrong-worklist-entry"),
    ("cervigate results reissue UID", "cervigate results reissue {sr}"),
    ("cervigate rules test [--calling TITLE] [--called TITLE] FILE.dcm", "cervigate rules test --calling ROOM7 --called CERVIGATE lateral.dcm"),
    ("cervigate predict FILE.dcm", "cervigate predict lateral.dcm"),
    ("cervigate predict --saliency map.png study/c-spine_fracture/phantom_11_0.dcm", "cervigate predict --saliency map.png lateral.dcm"),
    ("cervigate evaluate --model gate --data kinds --scores scores.csv", ""), ("cervigate simulate", "cervigate simulate --days 30"),
    ("cervigate simulate --days 3650", "cervigate simulate --days 40"), ("cervigate selftest", ""), ("cervigate selftest --json", ""),
    ("cervigate backup /srv/backups/before.tar.gz", "cervigate backup before.tar.gz"), ("cervigate backup FILE [--objects]", "cervigate backup whole.tar.gz --objects"),
    ("cervigate backup FOLDER --keep 14", "cervigate backup backups --keep 14"), ("cervigate support", ""), ("cervigate retention", ""), ("cervigate audit verify", ""),
    ("cervigate forget PHANTOM-00000", "cervigate forget PHANTOM-00000 --yes"),
    ("cervigate forget PATIENT [--issuer ISSUER]", "cervigate forget PHANTOM-00001 --issuer NOWHERE --yes", 1), ("cervigate mode shadow", ""), ("cervigate store", ""),
    # a node that does not run, with a model of its own
    ("cervigate restore FILE", "cervigate restore before.tar.gz --config other.xml"), ("cervigate store --downgrade N", "cervigate store --downgrade {schema} --config other.xml"),
    ("cervigate selftest --lock", "cervigate selftest --lock --config other.xml"))
# Names in a sentence: alone they are a mistake of use.
NAMES = {"cervigate " + words for words in (
    "audit", "check --model", "echo", "evaluate", "evaluate --data", "evaluate --protocol", "forget", "import gate", "import onnx", "jobs cancel", "jobs release", "jobs retry", "jobs show",
    "phantom", "phantom --twins", "predict", "replay", "restore", "results retract", "rules test", "store --downgrade", "train", "train --data", "user", "user add", "worklist read",
    "worklist unread")}
# How the node of this test, and of every other, is started.
DAEMONS = {"cervigated --config FILE --foreground", "cervigated --foreground"}
HOURS = {"models/cervigate-phantom/card.md"}  # a day of training, as scripts/model did it: tests/scp/admin/test_train.py has its options in small


def sentences():
    """{command: pages} of what stands in backquotes."""
    found = {}
    for page in d.pages():
        if page != "CHANGELOG.md" and page not in HOURS:
            text = re.sub(r"(?ms)^```.*?^```$", "", d.read(page))
            for words in re.findall(r"`(cervigated? [^`\n]+)`", text):
                found.setdefault(words, set()).add(page)
    return {words: pages for words, pages in found.items() if words != "cervigate codes"}  # a coding scheme


class Sentences(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-sentences-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.pacs = h.StoreScp()
        cls.addClassCleanup(cls.pacs.close)
        profile = cls.path("storescp.cfg")
        with open(profile, "w", encoding="ascii") as f:
            f.write("""[[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianExplicit\nTransferSyntax2 = LittleEndianImplicit\n[[PresentationContexts]]\n[Pictures]
PresentationContext1 = SecondaryCaptureImageStorage\\Plain\nPresentationContext2 = VerificationSOPClass\\Plain\n[[Profiles]]\n[NoReports]\nPresentationContexts = Pictures\n""")
        cls.viewer = h.StoreScp("-xf", profile, "NoReports")
        cls.addClassCleanup(cls.viewer.close)
        cls.node = h.Node({"pacs": ("PACS", cls.pacs.port), "viewer": ("VIEWER", cls.viewer.port)}, others={"ris": ("RIS", cls.pacs.port)},
                          console=f'accounts="{cls.path("accounts")}"')
        cls.addClassCleanup(cls.node.stop)
        cls.fill()
        h.wait_for(lambda: cls.node.admin("status").returncode in (0, 1) and cls.node.status()["deliveries"].get("parked"), 60, "a report that the viewer does not take")
        h.wait_for(lambda: len(cls.reports()) >= 5 and cls.node.status()["deliveries"]["pending"] == 0, 60, "the reports")

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.folder, *names)

    @classmethod
    def cervigate(cls, *words):
        done = h.run(os.path.join(h.BIN, "cervigate"), *words, cwd=cls.folder)
        assert done.returncode == 0, (words, done.stderr)

    @classmethod
    def fill(cls):
        """Four studies of injured patients and one of a child, which is not judged; pictures of two kinds; a model that may be written to."""
        cls.cervigate("phantom", "--out", "four", "--count", "4", "--seed", "3", "--prevalence", "0,4,0", "--format", "dicom")
        files = sorted(glob.glob(cls.path("four/*/*.dcm")))
        shutil.copy(files[0], cls.path("lateral.dcm"))
        child = h.pydicom.dcmread(files[0])
        child.PatientID, child.PatientAge, child.PatientBirthDate = "CHILD", "008Y", ""
        for uid in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(child, uid, getattr(child, uid) + ".8")
        child.file_meta.MediaStorageSOPInstanceUID = child.SOPInstanceUID
        child.save_as(cls.path("child.dcm"))
        for kind in ("lateral", "chest"):
            cls.cervigate("phantom", "--out", "drawn", "--count", "2", "--seed", "1", "--size", "128", "--subject", kind)
            os.makedirs(cls.path("kinds", kind))
            for drawn in glob.glob(cls.path("drawn/*/*.png")):
                os.rename(drawn, cls.path("kinds", kind, os.path.basename(drawn)))
            shutil.rmtree(cls.path("drawn"))
        os.symlink(os.path.join(h.MODEL, "gate"), cls.path("gate"))
        shutil.copytree(h.MODEL, cls.path("model"))
        os.mkdir(cls.path("backups"))
        with open(cls.node.config, encoding="utf-8") as f, open(cls.path("other.xml"), "w", encoding="utf-8") as other:
            other.write(f.read().replace(cls.node.spool, cls.path("other")).replace(f'model="{h.MODEL}"', f'model="{cls.path("model")}"'))
        sent = cls.node.send(*files, cls.path("child.dcm"))
        assert sent.returncode == 0, sent.stdout

    @classmethod
    def reports(cls):
        listed = [json.loads(line) for line in cls.node.admin("results", "list", "--json").stdout.splitlines()]
        return [r for r in listed if r["kind"] == "sr" and r["state"] == "current"]

    def values(self):
        jobs = [json.loads(line) for line in self.node.admin("jobs", "list", "--json").stdout.splitlines()]
        parked = json.loads(self.node.admin("jobs", "list", "--parked", "--json").stdout.splitlines()[0])
        child = next(j for j in jobs if j["state"] == "not-processed")
        found = sorted(self.reports(), key=lambda r: (r["outcome"] != "finding", r["study"].endswith(".8")))  # a finding first, the child's last
        schema = json.loads(self.node.admin("store", "--json").stdout)
        return {"model": self.path("model"), "job": next(j["id"] for j in jobs if j["state"] == "judged"), "child": child["id"], "delivery": parked["id"],
                "study": found[0]["study"], "sr": found[0]["uid"], "srs": [r["uid"] for r in found], "schema": schema["version"] - 1}

    def bash(self, text):
        return subprocess.run(["bash", "-c", text], cwd=self.folder, input="a long passphrase\n", capture_output=True, text=True, timeout=120 * h.PATIENCE,
                              env=dict(os.environ, PATH=h.BIN + ":" + os.environ["PATH"], CERVIGATE_CONFIG=self.node.config))

    def test_each_is_known_here(self):
        known = {step[0] for step in STEPS} | NAMES | DAEMONS
        self.assertEqual({words: pages for words, pages in sentences().items() if words not in known}, {})
        self.assertEqual(known - set(sentences()), set(), "no page has it any more")

    def test_a_name_is_no_command(self):
        for words in sorted(NAMES):
            self.assertEqual(self.bash(words).returncode, 64, words)

    def test_each_does_what_it_says(self):
        values = self.values()
        for words, run, *status in STEPS:
            began = time.monotonic()
            with self.subTest(words):
                done = self.bash((run or words).format(**values))
                self.assertEqual(done.returncode, status[0] if status else 0, (run or words).format(**values) + "\n" + done.stdout[-2000:] + done.stderr)
            print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)
        self.assertEqual(self.node.admin("mode").stdout.split()[-1], "shadow")


if __name__ == "__main__":
    unittest.main(verbosity=2)
