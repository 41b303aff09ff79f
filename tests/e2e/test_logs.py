#!/usr/bin/python3
"""The log as journald and administrators get it, and the support bundle. One node whose journal is a socket of this test: fields, one line an
association and an object, nothing of a patient; JSON and a trace after a reload; then a bundle in which nothing that names anybody is found.
Another node has systemd's own journald behind it, and journalctl finds its lines by their fields."""
import gzip
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rawscu  # noqa: E402
from harness import Node, dataset_of, free_port, grey, phantoms, run, wait_for, wrap  # noqa: E402
from pydicom.uid import generate_uid  # noqa: E402

NAME, ID, ACCESSION, BIRTH, REFERRER, STUDY_ID = "Geheimnis^Petronella", "PIDX-4711-0815", "ACCX-99-1234", "19610213", "Arztgeheimnis^Otto", "STUDX-17"
PASSWORD, TOKEN, HOOK, USER = "open-sesame-77", "tok-3141592653", "T00-hook-B11-2718", "archivist-jane"
OTHER_NAME, OTHER_ID = "Nachname^Verschwiegen", "PIDX-9999"


class Journal:
    """journald's socket: each datagram as {field: value}."""

    def __init__(self):
        self.path = os.path.join(tempfile.mkdtemp(prefix="cervigate-journal-"), "socket")
        self.socket, self.entries, self.raw = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), [], []
        self.socket.bind(self.path)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            data = self.socket.recv(1 << 16)
            self.raw.append(data)
            assert data.endswith(b"\n")  # every field is of the form without a length: no value has a newline
            self.entries.append(dict(line.split("=", 1) for line in data.decode("ascii").rstrip("\n").split("\n")))

    def of(self, message):
        return [e for e in self.entries if e["CERVIGATE_MESSAGE"] == message]


class Logs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.journal = Journal()
        cls.secrets = tempfile.mkdtemp(prefix="cervigate-secrets-")
        for name, text in (("password", PASSWORD), ("token", TOKEN), ("hook", HOOK)):
            with open(os.open(os.path.join(cls.secrets, name), os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
                f.write(text + "\n")
        rules = f"""<rule name="by-number" action="store"><match attribute="AccessionNumber" values="{ACCESSION}-OF-A-RULE"/></rule>
          <!-- {NAME} {PASSWORD} -->
          <rule name="cspine" action="analyze"><match attribute="Modality" values="DX CR"/><match attribute="BodyPartExamined" values="CSPINE"/></rule>"""
        cls.node = Node({"pacs": ("PACS", free_port())}, rules=rules, log='level="info" format="journal"', environment={"CERVIGATE_JOURNAL": cls.journal.path},
                        limits=f"""<announcements><webhook name="chat" url="https://localhost:{free_port()}/services/{HOOK}" secret="{cls.secrets}/hook" demo="true"/>
                        </announcements><orders listen="true" address="127.0.0.1" port="0"/>""")
        cls.addClassCleanup(cls.node.stop)
        with open(cls.node.config, encoding="utf-8") as f:
            text = f.read()
        cls.write(text.replace("</peers>", f"""<peer name="web" url="http://localhost:{free_port()}/{HOOK}/dicom-web" user="{USER}" passwordFile="{cls.secrets}/password"/>
          <peer name="web2" url="http://localhost:{free_port()}/x" tokenFile="{cls.secrets}/token"/></peers>"""))
        assert cls.node.admin("check").returncode == 0, cls.node.admin("check").stderr
        cls.study = generate_uid()
        image = phantoms(cls.node.folder, 3)[0][0]
        cls.path = os.path.join(cls.node.folder, "image.dcm")
        cls.image = wrap(grey(image), cls.path, study=cls.study, PatientName=NAME, PatientID=ID, AccessionNumber=ACCESSION, PatientBirthDate=BIRTH,
                         ReferringPhysicianName=REFERRER, StudyID=STUDY_ID, StationName=OTHER_ID[:16], ImageComments=NAME)
        cls.store()
        wait_for(lambda: cls.journal.of("report"), 60, "a report")

    @classmethod
    def write(cls, text):
        with open(cls.node.config, "w", encoding="utf-8") as f:
            f.write(text)

    @classmethod
    def store(cls):
        done = run("storescu", "-aet", "ROOM7", "-aec", "CERVIGATE", "127.0.0.1", cls.node.port, cls.path)
        assert done.returncode == 0, done.stderr

    def test_fields(self):
        ended = [e for e in self.journal.of("association-ended") if e["CALLING_AE"] == "ROOM7"]
        self.assertGreaterEqual(len(ended), 1)
        entry = ended[0]
        for field, value in {"CALLED_AE": "CERVIGATE", "PEER_ADDRESS": "127.0.0.1", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "cervigated", "CERVIGATE_AREA": "receive",
                             "CERVIGATE_ROLE": "assoc", "CERVIGATE_STORED": "1", "CERVIGATE_END": "released"}.items():
            self.assertEqual(entry[field], value, field)
        self.assertTrue(entry["MESSAGE"].startswith("association-ended association=" + entry["ASSOC_ID"]))
        stored = [e for e in self.journal.of("instance-stored") if e["ASSOC_ID"] == entry["ASSOC_ID"]]
        self.assertEqual([e["STUDY_UID"] for e in stored], [self.study], "one line an object")
        self.assertEqual(len([e for e in self.journal.entries if e.get("ASSOC_ID") == entry["ASSOC_ID"] and e["CERVIGATE_MESSAGE"] == "association-ended"]), 1)
        self.assertEqual(self.journal.of("association-begun"), [], "a debug line")
        self.assertNotIn("association-ended", self.node.log(), "what the journal has is not on standard error, too")

    def test_no_patient_in_the_log(self):
        said = b"\n".join(self.journal.raw).lower() + self.node.log().lower().encode()
        for word in (NAME, *NAME.split("^"), ID, ACCESSION, BIRTH, REFERRER, STUDY_ID):
            self.assertNotIn(word.lower().encode(), said)

    def reload(self, attributes):
        with open(self.node.config, encoding="utf-8") as f:
            text = f.read()
        at, end = text.index("<log "), text.index("</cervigate>")
        self.write(text[:at] + f"<log {attributes}/>\n" + text[end:])
        before = self.node.facts()
        self.node.process.send_signal(signal.SIGHUP)
        wait_for(lambda: all(self.node.facts().get(role, "0") not in ("0", before[role]) for role in ("receive_pid", "orders_pid")), 20, "new processes")

    def test_json_and_trace_after_a_reload(self):
        self.reload('format="json" level="warn" trace="receive"')

        def traced():
            self.store()
            lines = [json.loads(line) for line in self.node.log().split("\n") if line.startswith("{")]
            return [e for e in lines if e["message"] == "association-begun" and e["calling"] == "ROOM7"] and lines
        lines = wait_for(traced, 20, "a trace")
        self.assertEqual({e["level"] for e in lines if e["area"] != "receive"} - {"warn", "error"}, set(), "the level holds for the other areas")
        stored = next(e for e in lines if e["message"] == "instance-stored")
        self.assertEqual((stored["study"], stored["level"], type(stored["id"]), type(stored["bytes"])), (self.study, "info", int, int))
        self.reload('format="journal"')
        seen = len(self.journal.entries)
        wait_for(lambda: len(self.journal.entries) > seen, 20, "the journal again")

    def bundle(self, *arguments):
        path = os.path.join(tempfile.mkdtemp(prefix="cervigate-support-"), "b.tar.gz")
        done = self.node.admin("support", path, *arguments)
        self.assertEqual((done.returncode, done.stdout), (0, path + "\n"), done.stderr)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with open(path, "rb") as f:
            plain = gzip.decompress(f.read())
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            return plain, {os.path.basename(m.name): tar.extractfile(m).read().decode() for m in tar.getmembers()}

    def provoke(self):
        """Names wherever a peer can put them."""
        rawscu.store(self.node.port, rawscu.SECONDARY_CAPTURE, NAME, rawscu.IMPLICIT, dataset_of(self.path))  # C000: no UID
        rawscu.store(self.node.port, rawscu.SECONDARY_CAPTURE, "1.2.3", rawscu.IMPLICIT, NAME.encode() * 50)  # C000: no dataset
        run("echoscu", "-aet", OTHER_ID, "-aec", "CERVIGATE", "127.0.0.1", self.node.port)
        run("echoscu", "-aet", "ROOM7", "-aec", OTHER_ID, "127.0.0.1", self.node.port)  # another called title
        message = f"MSH|^~\\&|RIS|X|N|Y|20261127||ORM^O01|{OTHER_ID}|P|2.5.1\rPID|||{OTHER_ID}||{OTHER_NAME}\rORC|NW|{ACCESSION}\rZZZ|{NAME}"
        for text in (message, NAME):
            with socket.create_connection(("127.0.0.1", int(self.node.facts()["orders_port"])), timeout=10) as s:
                s.sendall(b"\x0b" + text.encode() + b"\x1c\r")
                try:
                    s.recv(4096)
                except OSError:
                    pass

    def test_support(self):
        self.provoke()
        log = os.path.join(self.node.folder, "a.log")
        lines = [f'2026-11-27T23:40:51.123Z error deliver[7] delivery-parked destination=pacs kind=sr uid={self.study} attempts=1 status=C000 reason="no {NAME}, {ID}"',
                 f'<3>deliver[7] request id=5 kind=retract uid={self.study} subject="{NAME}" reason="{ID}" who="{USER}" answer=done',
                 f'spool-failed association=1f1a error="/x/objects/ab/{self.study}.dcm 47110815: no space"',
                 f'{NAME} association-ended calling="{OTHER_ID}" called="CERVIGATE" end=released stored=3 address=10.1.2.3', f"a stack trace of {NAME}",
                 f'2026-11-27T23:40:51.123Z error x[1] alarm name=silence subject="{OTHER_ID}" state=on detail="{NAME}"']
        with open(log, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        wait_for(lambda: self.journal.of("instance-refused") and self.journal.of("orders-refused"), 20, "refusals")
        plain, members = self.bundle("--log", log)
        self.assertEqual(set(members), {"README.txt", "versions.txt", "machine.txt", "configuration.xml", "status.json", "spool.txt", "log.txt", "log-file.txt"})
        uids = {self.study, self.image.SeriesInstanceUID, self.image.SOPInstanceUID,
                *(row.split("|")[0] for row in run("sqlite3", self.node.spool + "/jobs.sqlite", "SELECT uid FROM result").stdout.split())}
        self.assertGreater(len(uids), 4)
        names = {NAME, OTHER_NAME, REFERRER, *NAME.split("^"), *OTHER_NAME.split("^"), *REFERRER.split("^")}
        for word in (*names, ID, OTHER_ID, ACCESSION, BIRTH, STUDY_ID, PASSWORD, TOKEN, HOOK, USER, "47110815", *uids):
            self.assertNotIn(word.lower().encode(), plain.lower(), word)
        # What helps is there.
        status = json.loads(members["status.json"])
        self.assertEqual((status["running"], status["mode"], status["results"]["reports"]), (True, "demo", 1))
        self.assertIn("instance-stored association=", members["log.txt"])
        self.assertRegex(members["log.txt"], r"report study=\[uid-[0-9a-f]{8}\]")
        self.assertRegex(members["log.txt"], r'association-ended .* calling="\[left out\]" called="CERVIGATE"')
        self.assertIn('<match attribute="Modality" values="DX CR"/>', members["configuration.xml"])
        self.assertIn('user="[left out]"', members["configuration.xml"])
        self.assertRegex(members["versions.txt"], r"build +[0-9a-f]{20,}\n(.*\n)*library .*libcrypto")
        self.assertRegex(members["spool.txt"], r"(?m)^objects +1 files, [1-9]")
        kept = members["log-file.txt"].split("\n")
        self.assertRegex(kept[0], r'^2026-11-27T23:40:51.123Z error deliver\[7\] delivery-parked destination=pacs kind=sr uid=(\[uid-\w+\]) attempts=1 status=C000 reason="\[left out\]"$')
        self.assertIn(kept[0].split("uid=")[1].split()[0], kept[1], "the same UID has the same name")
        self.assertEqual(kept[2], 'spool-failed association=1f1a error="/x/objects/ab/[uid]dcm [number]: no space"')
        self.assertEqual(kept[3], 'association-ended calling="[left out]" called="CERVIGATE" end=released stored=3 address=10.1.2.3')
        self.assertEqual(kept[5], "1 lines that are no messages of the node were left out")

    def test_support_without_a_configuration(self):
        path = os.path.join(self.node.folder, "none.tar.gz")
        done = self.node.admin("support", path, "--config", "/nowhere.xml")
        self.assertEqual(done.returncode, 0, done.stderr)
        with tarfile.open(path) as tar:
            self.assertEqual(len(tar.getmembers()), 4)
        self.assertEqual(self.node.admin("support", path).returncode, 73, "a file that is there is not replaced")
        self.assertEqual(self.node.admin("support", path + "2", "--log", "/nowhere").returncode, 66)
        done = self.node.admin("support", path + "2", "--log", self.node.folder)
        self.assertEqual((done.returncode, done.stderr), (66, f"cervigate support: {self.node.folder}: Is a directory\n"))
        self.assertFalse(os.path.exists(path + "2"))
        self.assertEqual(self.node.admin("support", "a", "b").returncode, 64)

    def test_support_without_a_job_store(self):
        """What was not counted is not zero."""
        config, path = os.path.join(self.node.folder, "empty.xml"), os.path.join(self.node.folder, "empty.tar.gz")
        with open(self.node.config, encoding="utf-8") as f, open(config, "w", encoding="utf-8") as out:
            out.write(f.read().replace(f'spool="{self.node.spool}"', f'spool="{self.node.folder}"'))
        self.assertEqual(self.node.admin("support", path, "--config", config).returncode, 0)
        with tarfile.open(path) as tar:
            status = json.load(tar.extractfile("cervigate-support/status.json"))
        self.assertEqual(status["mode"], "demo")
        self.assertFalse({"instances", "results", "deliveries"} & set(status))


class Journald(unittest.TestCase):
    """systemd-journald as it is, of a journal of its own: its folders are bound to ones of this test."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-journald-")
        self.addCleanup(shutil.rmtree, self.folder)
        for name in ("run", "log/journal"):
            os.makedirs(os.path.join(self.folder, name))
        self.socket = os.path.join(self.folder, "run/journal.cervigate/socket")
        script = 'mount --bind "$0/run" /run/systemd && mount --bind "$0/log" /var/log && exec /lib/systemd/systemd-journald cervigate'
        with open(os.path.join(self.folder, "said"), "w", encoding="utf-8") as said:
            self.journald = subprocess.Popen(["unshare", "-m", "sh", "-c", f"mkdir -p /run/systemd && {script}", self.folder], stdout=said, stderr=said)
        self.addCleanup(self.end)
        wait_for(lambda: os.path.exists(self.socket) or self.journald.poll() is not None, 20, "journald")
        if self.journald.poll() is not None:
            with open(os.path.join(self.folder, "said"), encoding="utf-8") as said:
                self.skipTest("journald needs root here: " + said.read().strip())

    def end(self):
        if self.journald.poll() is None:
            self.journald.terminate()
            self.journald.wait()

    def find(self, *matches):
        """journalctl's entries with these fields, oldest first."""
        said = run("journalctl", "--file", os.path.join(self.folder, "log/journal/*/*.journal"), "--no-pager", "-o", "json", *matches)
        return [json.loads(line) for line in said.stdout.splitlines()]

    def test_journalctl_finds_lines_by_their_fields(self):
        node = Node({}, mode="shadow", log='format="journal"', environment={"CERVIGATE_JOURNAL": self.socket})
        self.addCleanup(node.stop)
        path, study = os.path.join(node.folder, "image.dcm"), generate_uid()
        wrap(grey(phantoms(node.folder, 1)[0][0]), path, study=study, PatientName=NAME)
        self.assertEqual(run("storescu", "-aet", "ROOM7", "-aec", "CERVIGATE", "127.0.0.1", node.port, path).returncode, 0)
        report = wait_for(lambda: self.find(f"STUDY_UID={study}", "CERVIGATE_MESSAGE=report"), 60, "the report's line")
        self.assertEqual([e["CERVIGATE_ROLE"] for e in report], ["analyze"])
        ended = self.find("CALLING_AE=ROOM7", "CERVIGATE_MESSAGE=association-ended")
        self.assertEqual(len(ended), 1)
        for field, value in {"CALLED_AE": "CERVIGATE", "PEER_ADDRESS": "127.0.0.1", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "cervigated", "CERVIGATE_STORED": "1",
                             "_TRANSPORT": "journal"}.items():
            self.assertEqual(ended[0][field], value, field)
        self.assertEqual(len(self.find(f"ASSOC_ID={ended[0]['ASSOC_ID']}", "CERVIGATE_MESSAGE=instance-stored")), 1)
        self.assertNotIn(NAME.split("^")[1], json.dumps(self.find()))


if __name__ == "__main__":
    unittest.main()
