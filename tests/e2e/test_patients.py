"""A patient's data corrected by HL7 (ADT): reports and pictures under the new name and ID, whose they are, kills at each point; HL7 over TLS.

CERVIGATE_SEED (3), CERVIGATE_COUNT: of the random corrections, which are left out without a count."""
import contextlib
import glob
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
import unittest

import numpy
import pydicom
from pydicom.uid import generate_uid

import harness as h
import models

sys.path[:0] = [os.path.join(h.SOURCE, "tests/scp"), os.path.join(h.SOURCE, "tests/faults")]
from kill import HEARD, SAID, Arms  # noqa: E402
from test_orders import Caller, code  # noqa: E402

KOS = "1.2.840.10008.5.1.4.1.1.88.59"
MF_SC = "1.2.840.10008.5.1.4.1.1.7.4"
count = 0


def adt(event, pid, *, prior="", name="", birth="", sex="", at="20261127120000", version="2.5.1"):
    """pid, prior: CX, with ~ for more."""
    global count
    count += 1
    merge = f"MRG|{prior}\r" if prior else ""
    return (f"MSH|^~\\&|ADT|HOSP|CERVIGATE||{at}||ADT^{event}|A{count}|P|{version}||||||UNICODE UTF-8\rEVN|{event}|{at}\r"
            f"PID|1||{pid}||{name}||{birth}|{sex}\r{merge}PV1|1|I\r").encode()


class Node(unittest.TestCase):
    """One node and PACS for all: each test has patients of its own."""
    made = 0

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-patients-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.pacs = h.StoreScp()
        cls.addClassCleanup(cls.pacs.close)
        cls.arms = Arms(os.path.join(cls.folder, "arms"))
        cls.pixels = numpy.random.default_rng(5).integers(0, 255, (300, 260)).astype(numpy.uint8)

        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)}, quiet=0, destination='rejectionNotes="true"',
                          models=[models.make(os.path.join(cls.folder, "finds"), name="finds"),
                                  models.make(os.path.join(cls.folder, "ct"), name="slices", modalities="CT", series=(2, 2))],
                          rules='<rule name="any" action="analyze"><match attribute="Modality" values="CT DX"/></rule>', limits=cls.orders(),
                          environment={"CERVIGATE_CRASH_ARMS": os.path.join(cls.folder, "arms")})
        cls.addClassCleanup(cls.node.stop)

    @classmethod
    def orders(cls):
        return '<orders listen="true" address="127.0.0.1" port="0" patients="true"/>'

    def image(self, **attributes):
        Node.made += 1
        path = os.path.join(self.folder, f"{Node.made}.dcm")
        h.wrap(self.pixels, path, **attributes)
        return path

    def send(self, *paths):
        self.assertEqual(self.node.send(*paths).returncode, 0)

    def told(self, message, expected="AA"):
        with Caller(self.node) as caller:
            answer = caller.ask(message)
        self.assertEqual(code(answer), expected, answer)

    def at_pacs(self, sop_class, study, number):
        found = h.wait_for(lambda: (lambda o: o if len(o) >= number else None)(self.pacs.objects(sop_class, study)), 30, f"{number} of {sop_class}")
        self.assertEqual(len(found), number)
        return sorted((pydicom.dcmread(p) for p in found), key=lambda d: (int(d.InstanceNumber), d.ContentTime, d.SOPInstanceUID))

    def study(self, **attributes):
        """A study that was told of."""
        study = generate_uid()
        self.send(self.image(study=study, **attributes))
        self.at_pacs(h.SC, study, 1)
        return study, self.at_pacs(h.SR3D, study, 1)[0]

    def ask_store(self, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"))) as store:
            return store.execute(sql, values).fetchall()

    def audit_text(self):
        text = []
        for path in sorted(glob.glob(os.path.join(self.node.spool, "audit", "*"))):
            with contextlib.suppress(IsADirectoryError), open(path, encoding="utf-8", errors="replace") as f:
                text += f.read().replace('\\"', '"').splitlines()
        return text

    def settled(self):
        h.wait_for(lambda: self.ask_store("SELECT 1 FROM site_patient WHERE due<>0") == [], 20, "all patients are done")


class Told(Node):
    def test_a_new_name_amends_the_report(self):
        study, first = self.study(PatientID="N1", IssuerOfPatientID="HOSP", PatientName="DOE^JANE")
        other, _ = self.study(PatientID="N1", IssuerOfPatientID="CLINIC", PatientName="Other^Person")
        self.told(adt("A08", "N1^^^HOSP^MR", name="Doe^Jane", birth="19700102", sex="F"))  # as the image has it
        self.told(adt("A08", "N1^^^HOSP^MR~77^^^HOSP^AN", name="Größe^Jane^^^Dr", birth="19700103", sex="M", at="20261127120001"))
        second = self.at_pacs(h.SR3D, study, 2)[1]
        self.assertEqual((str(second.PatientName), second.PatientID, second.PatientBirthDate, second.PatientSex),
                         ("Größe^Jane^^Dr", "N1", "19700103", "M"))
        before = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        self.assertEqual(before.ReferencedSOPInstanceUID, first.SOPInstanceUID)
        self.told(adt("A08", "N1^^^HOSP^MR", name="Old^Jane", at="20261127115959"))  # recorded before
        self.settled()
        time.sleep(1)
        self.at_pacs(h.SR3D, study, 2)
        self.at_pacs(h.SC, study, 1)  # the archive's own correction
        self.assertEqual(self.pacs.objects(KOS, study), [])
        self.at_pacs(h.SR3D, other, 1)
        updates = [line for line in self.audit_text() if 'csd-code="110110"' in line and 'EventActionCode="U"' in line
                   and 'ParticipantObjectID="N1"' in line]
        self.assertEqual(len(updates), 1)
        self.assertIn('UserID="orders"', updates[0])
        for path in self.pacs.objects(study=study):
            self.assertEqual(h.complaints(path), [], path)

    def test_names_in_other_character_sets(self):
        """Read where there is a converter; else the name stays as it was, the sender is told, and the rest is taken."""
        study, _ = self.study(PatientID="C1", PatientName="MÜLLER^JAN", PatientBirthDate="19700102")

        def said(character_set, name, birth, at, version="2.5.1"):
            message = adt("A08", "C1", name="NAME", birth=birth, at=f"20261127150{at}00", version=version)
            with Caller(self.node) as caller:
                answer = caller.ask(message.replace(b"UNICODE UTF-8", character_set).replace(b"NAME", name))
            self.assertEqual(code(answer), "AA")
            return answer

        expected = "Dvořák^Jan"
        self.assertNotIn(b"ERR|", said(b"8859/2", expected.encode("iso8859_2"), "19700102", 0))
        self.assertEqual(str(self.at_pacs(h.SR3D, study, 2)[1].PatientName), expected)
        for number, (character_set, name, read) in enumerate((
                (b"ISO IR100", "Müller^Jan".encode("latin-1"), None), (b"8859/7", b"M\xffller^Jan", None), (b"8859/1", b"M\\C2842\\ller^Jan", None),
                (b"UNICODE UTF-8", b"M\xfcller^Jan", None), (b"GB 18030-2000", "乛^Jan".encode("gb18030"), "乛^Jan"),
                (b"~ISO IR87", "緯^Jan".encode("iso2022_jp"), "緯^Jan")), 1):
            answer = said(character_set, name, f"1970010{2 + number}", number)
            self.assertEqual(b"|102^Data type error^HL70357|W|" in answer, read is None, answer)
            self.assertEqual(b"MSH-18" in answer, read is None, answer)
            expected = read or expected
            self.assertEqual([(str(d.PatientName), d.PatientBirthDate) for d in self.at_pacs(h.SR3D, study, number + 2)][-1],
                             (expected, f"1970010{2 + number}"), character_set)
        answer = said(b"ISO IR100", b"M\xfcller^Jan", "19700109", 8, version="2.3.1")
        self.assertNotIn(b"ERR|", answer)
        self.assertIn(b"MSH-18", answer)
        lines = [line for line in self.node.log().splitlines() if "patient-name-unread" in line]
        self.assertEqual(len(lines), 5, lines)
        self.assertIn('set="ISO IR100"', lines[0])
        self.assertIn("names=1", lines[0])
        self.assertNotIn("ller", "".join(lines))

    def test_merged_and_late(self):
        study, _ = self.study(PatientID="M1", PatientName="UNKNOWN^TRAUMA", PatientBirthDate="19000101")
        message = adt("A40", "M2", prior="M1", name="Known^Jane", birth="19700102", sex="F")
        self.told(message)
        second = self.at_pacs(h.SR3D, study, 2)[1]
        self.assertEqual((second.PatientID, str(second.PatientName)), ("M2", "Known^Jane"))
        self.told(message)
        late = self.image(study=study, PatientID="M1", PatientName="UNKNOWN^TRAUMA", PatientBirthDate="19000101")
        self.send(late)
        third = self.at_pacs(h.SR3D, study, 3)[2]
        self.assertEqual((third.PatientID, str(third.PatientName)), ("M2", "Known^Jane"))
        self.assertEqual({d.PatientID for d in self.at_pacs(h.SC, study, 2)}, {"M1", "M2"})
        self.send(self.image(study=study, PatientID="M2", PatientName="Known^Jane", PatientBirthDate="19700102"))
        self.at_pacs(h.SR3D, study, 4)  # of one patient: one report
        self.assertEqual(self.pacs.objects(KOS, study), [])
        place, = self.ask_store("SELECT patient_id FROM place WHERE study=?", study)
        self.assertEqual(place[0], "M2")

    def test_forgetting_reaches_the_ids_before_a_merge(self):
        first = self.study(PatientID="F1", PatientName="Old^Fay")[0]
        self.told(adt("A40", "F2", prior="F1", name="Old^Fay", at="20261127120100"))
        self.told(adt("A40", "F3", prior="F2", name="New^Fay", at="20261127120200"))
        self.settled()
        refused = {name: os.path.join(self.node.spool, "quarantine", f"{name}.dcm") for name in ("F1", "F4")}
        for name, path in refused.items():
            shutil.copy(self.image(PatientID=name, PatientName="Old^Fay"), path)
        said = self.node.admin("forget", "F1", "--yes")
        self.assertEqual((said.returncode, said.stdout), (1, "nothing was removed: the site has merged this ID into another; forget that one\n"))
        self.assertEqual(len(self.ask_store("SELECT 1 FROM site_patient WHERE patient_id IN ('F1','F2') AND into_id<>''")), 2)
        said = self.node.admin("forget", "F3", "--yes")
        self.assertRegex(said.stdout, r"^forgotten: 1 objects, \d+ results, 1 refused")
        self.assertEqual([os.path.exists(path) for path in refused.values()], [False, True])
        self.assertEqual(self.ask_store("SELECT 1 FROM site_patient WHERE patient_id LIKE 'F_'"), [])
        self.assertEqual(self.ask_store("SELECT withdrawn FROM instance WHERE study=?", first), [("forgotten",)])

    def test_what_the_archive_does_not_have_yet_is_made_anew(self):
        study = generate_uid()
        self.pacs.stop()
        try:
            self.send(self.image(study=study, PatientID="W1", PatientName="Wrong^Name"))
            h.wait_for(lambda: len(self.ask_store("SELECT 1 FROM result WHERE study=?", study)) >= 2, 30, "results")
            self.told(adt("A08", "W1", name="Right^Name"))
            h.wait_for(lambda: len(self.ask_store("SELECT 1 FROM result WHERE study=? AND kind='sr'", study)) == 2, 30, "the new report")
        finally:
            self.pacs.start()
        for sop_class in (h.SR3D, h.SC):
            self.assertEqual([str(d.PatientName) for d in self.at_pacs(sop_class, study, 1)], ["Right^Name"])
        self.assertEqual(self.pacs.objects(KOS, study), [])

    def test_a_series_of_slices_has_one_picture(self):
        """Of one that the archive has there is no second, as of an image's; one that it had not comes under the last name, even a former one."""
        paths, study = models.slices(self.folder, 3)
        for path in paths:
            d = pydicom.dcmread(path)
            d.PatientID, d.PatientName = "S1", "Doe^Jane"
            d.save_as(path)
        self.send(*paths)
        first, = self.at_pacs(MF_SC, study, 1)
        self.told(adt("A08", "S1", name="New^Jane", at="20261127160001"))
        self.at_pacs(h.SR3D, study, 2)
        self.assertEqual(self.ask_store("SELECT uid FROM result WHERE study=? AND kind='sc'", study), [(first.SOPInstanceUID,)])

        paths, study = models.slices(self.folder, 3)
        for path in paths:
            d = pydicom.dcmread(path)
            d.PatientID, d.PatientName = "S2", "Doe^Jim"
            d.save_as(path)
        self.pacs.stop()
        try:
            self.send(*paths)
            for number, name in enumerate(("", "New^Jim", "Doe^Jim")):
                if name:
                    self.told(adt("A08", "S2", name=name, at=f"2026112716010{number}"))
                h.wait_for(lambda: len(self.ask_store("SELECT 1 FROM result WHERE study=? AND kind='sr'", study)) == number + 1, 60, "the new report")
        finally:
            self.pacs.start()
        self.assertEqual([(str(d.PatientName), d.NumberOfFrames) for d in self.at_pacs(MF_SC, study, 1)], [("Doe^Jim", 3)])
        self.assertEqual(self.pacs.objects(KOS, study), [])

    def test_answers(self):
        self.told(adt("A08", "nobody^^^HOSP", name="No^Body"))
        self.assertEqual(self.ask_store("SELECT COUNT(*) FROM site_patient WHERE patient_id='nobody'"), [(0,)])
        self.told(adt("A08", "77^^^HOSP^AN"), "AE")
        self.told(adt("A40", "1"), "AE")
        self.told(adt("A01", "1"), "AR")
        self.study(PatientID="Q1")
        self.told(adt("A40", "1^^^A~2^^^B", prior="Q1"), "AE")
        self.told(adt("A08", "Q1", name="x" * 5000))
        self.told(b"MSH|^~\\&|R||||20261127||ORU^R01|1|P|2.5.1\rPID|1||Q1\r")  # a result of nothing
        self.told(b"MSH|^~\\&|R||||20261127||ORM^O01|1|P|2.5.1\rPID|1||Q1\r", "AE")
        obr = "".join(f"OBR|{i}||F{i}|X^Y{'|' * 14}MANY{i}{'|' * 7}F\r" for i in range(100))
        self.told(f"MSH|^~\\&|R||||20261127||ORU^R01|1|P|2.5.1\rPID|1||Q1\r{obr}".encode())
        self.assertEqual(self.ask_store("SELECT COUNT(*) FROM site_order WHERE accession LIKE 'MANY%' AND read=1"), [(100,)])
        for word in ("Body", "Known", "Größe"):
            self.assertNotIn(word, self.node.log())

    def test_kills(self):
        """At each point: the message is sent again until it is acknowledged, and comes out once."""
        study, _ = self.study(PatientID="K0")
        for i, point in enumerate((*HEARD, *SAID)):
            self.arms.arm(point)
            message, answer = adt("A08", "K0", name=f"Kill^{point}", at=f"202611271300{i:02}"), b""
            until = time.monotonic() + 20
            while not answer and time.monotonic() < until:
                with contextlib.suppress(OSError), Caller(self.node) as caller:
                    answer = caller.ask(message)
                time.sleep(0.1)
            self.assertEqual(code(answer), "AA", point)
            reports = self.at_pacs(h.SR3D, study, i + 2)
            self.assertEqual(str(reports[-1].PatientName), f"Kill^{point}")
            self.assertEqual(self.arms.armed(), [])


@unittest.skipUnless("CERVIGATE_COUNT" in os.environ, "the long version: CERVIGATE_COUNT says how long")
class Random(Node):
    """Corrections and merges in any order, twice and late: in the end what was recorded last holds."""

    def test_any_order(self):
        seed, number = int(os.environ.get("CERVIGATE_SEED", 3)), int(os.environ["CERVIGATE_COUNT"])
        for turn in range(number):
            rng = random.Random(f"{seed} {turn}")
            ids = [f"R{seed}-{turn}-{i}" for i in range(3)]
            studies = {i: self.study(PatientID=i, PatientName=f"First^{i}")[0] for i in ids}
            messages = [adt("A08", i, name=f"Said^{i}^{n}", at=f"2026112714{n:02}00") for n in range(3) for i in ids]
            messages.append(adt("A40", ids[1], prior=ids[0], name=f"Merged^{ids[1]}", at="20261127145900"))
            messages += rng.sample(messages, 3)
            rng.shuffle(messages)
            for message in messages:
                self.told(message)
            expected = {ids[0]: (ids[1], f"Merged^{ids[1]}"), ids[1]: (ids[1], f"Merged^{ids[1]}"), ids[2]: (ids[2], f"Said^{ids[2]}^2")}
            for was, (now, name) in expected.items():
                def last():
                    found = [pydicom.dcmread(p) for p in self.pacs.objects(h.SR3D, studies[was])]
                    newest = max(found, key=lambda d: int(d.InstanceNumber))
                    return (newest.PatientID, str(newest.PatientName)) == (now, name)
                h.wait_for(last, 30, f"{name} of {was}, turn {turn}")


if __name__ == "__main__":
    unittest.main()
