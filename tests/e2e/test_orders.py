"""The site's orders by HL7: what they change in the reading worklist; callers that misbehave; kills at each point; a store that is locked.

CERVIGATE_SEED, CERVIGATE_COUNT: of the messages that are no HL7 (9, 60)."""
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import unittest

import pydicom
from pydicom.uid import generate_uid

import harness as h

os.environ.setdefault("CERVIGATE_BUILD", h.BUILD)
sys.path[:0] = [os.path.join(h.SOURCE, "tests/scp"), os.path.join(h.SOURCE, "tests/faults")]
from kill import HEARD, Arms, children, name_of  # noqa: E402
from hl7_listener import END, VT, Listener, says  # noqa: E402

CONNECTIONS, IDLE, LONGEST = 4, 2, 4096


class Caller:
    """A connection to the node; answers come without their frame, b"" when it was closed."""

    def __init__(self, node, timeout=10, source="127.0.0.1"):
        self.socket = socket.create_connection(("127.0.0.1", int(node.facts()["orders_port"])), timeout, (source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def answer(self):
        data = b""
        with contextlib.suppress(ConnectionError):
            while not data.endswith(END):
                part = self.socket.recv(65536)
                if not part:
                    break
                data += part
        return data[1:-2]

    def ask(self, message):
        self.socket.sendall(VT + message + END)
        return self.answer()


def code(answer):
    return answer.split(b"MSA|")[1][:2].decode() if b"MSA|" in answer else ""


class Site:
    """Messages of a RIS; each has an id of its own."""

    def __init__(self):
        self.count = 0

    def head(self, kind, version="2.5.1"):
        self.count += 1
        return f"MSH|^~\\&|RIS|HOSP|CERVIGATE||20261127120000||{kind}|M{self.count}|P|{version}\r"

    def omi(self, accession="", study="", priority="", control="NW", status="", procedure="Cervical spine", number="", patient="P1"):
        return (self.head("OMI^O23^OMI_O23") + f"PID|1||77^^^HOSP^AN~{patient}^^^HOSP||Doe^Jane\rORC|{control}|{number and 'PL' + number}|{number and 'FI' + number}\r"
                f"TQ1|1||||||||{priority}\rOBR|1|||XR^{procedure}^L{'|' * 21}{status}\rIPC|{accession}|RP{number}|{study}\r").encode()

    def orm(self, accession="", priority="", number=""):
        return (self.head("ORM^O01", "2.3.1") + f"PID|1||P1^^^HOSP||Doe^Jane\rORC|NW|PL{number}|FI{number}||||^^^^^{priority}\r"
                f"OBR|1|PL{number}|FI{number}|XR^Cervical spine^L{'|' * 14}{accession}|RP{number}{'|' * 8}^^^^^{priority}\r").encode()

    def oru(self, accession="", status="F", own=False, number=""):
        result = "OBX|1|CE|study-outcome^x^99CERVIGATE||finding\r" if own else "OBX|1|TX|X^Report^L||seen\r"
        return (self.head("ORU^R01^ORU_R01") + f"PID|1||P1^^^HOSP||Doe^Jane\rOBR|1||{number}|XR^Cervical spine^L{'|' * 14}{accession}{'|' * 7}{status}\r" +
                result).encode()


class Orders(unittest.TestCase):
    made, site = 0, Site()

    @classmethod
    def begin(cls):
        """One node for all: a start costs more than a test."""
        cls.folder = tempfile.mkdtemp(prefix="cervigate-orders-")
        unittest.addModuleCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.planes = {}
        for path, kind in h.phantoms(cls.folder, 9):
            cls.planes.setdefault("normal" if kind == "normal" else "finding", h.grey(path))
        cls.arms = Arms(os.path.join(cls.folder, "arms"))
        cls.ris = Listener(says())
        unittest.addModuleCleanup(cls.ris.stop)
        cls.node = h.Node({}, quiet=1, environment={"CERVIGATE_CRASH_ARMS": os.path.join(cls.folder, "arms")}, limits=cls.limits("127.0.0.1"))
        unittest.addModuleCleanup(cls.node.stop)

    @classmethod
    def limits(cls, allowed):
        return (f'<orders listen="true" address="127.0.0.1" port="0" from="{allowed}" connections="{CONNECTIONS}" idleTime="{IDLE}" '
                f'messageBytes="{LONGEST}" postoperative="post-?op"/><announcements><hl7 name="ris" host="127.0.0.1" port="{cls.ris.port}" '
                'priority="true" demo="true" retryFirst="1" retryMost="1"/></announcements>')

    def send(self, kind, accession, study=None, **attributes):
        Orders.made += 1
        path, study = os.path.join(self.folder, f"i{self.made}.dcm"), study or generate_uid()
        attributes.setdefault("PatientID", f"P{self.made}-{os.path.basename(self.folder)}")
        h.wrap(self.planes[kind], path, study=study, AccessionNumber=accession, **attributes)
        self.assertEqual(self.node.send(path).returncode, 0)
        return study

    def told(self, message, expected="AA"):
        with Caller(self.node) as caller:
            answer = caller.ask(message)
        self.assertEqual(code(answer), expected, answer)
        return answer

    def ask_store(self, sql, *values):
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"))) as store:
            return store.execute(sql, values).fetchall()

    def order(self, accession):
        return self.ask_store("SELECT priority,placer_order,filler_order,read FROM site_order WHERE accession=?", accession)

    def row(self, study):
        """Its row in the list; None: not there."""
        rows = [json.loads(line) for line in self.node.admin("worklist", "--json").stdout.splitlines()]
        return next((r for r in rows if r["study"] == study), None)

    def wait_row(self, study, what, **expected):
        def is_so():
            time.sleep(0.4)  # each look is a program
            row = self.row(study)
            return row is not None and all(row[k] == v for k, v in expected.items())
        h.wait_for(lambda: self.ask_store("SELECT 1 FROM place WHERE study=? AND waits=0", study), 30, "a place")
        h.wait_for(is_so, 30, what)

    def orders_told(self, study):
        return [m for m in self.ris.messages if str(m.segment("MSH")[9]).startswith("OMI") and str(m.segment("IPC")[3]) == study]


def setUpModule():
    Orders.begin()


class What(Orders):
    def test_priority_before_and_after_the_images(self):
        self.told(self.site.orm("BEFORE", "S", "1"))
        before, after = self.send("normal", "BEFORE"), self.send("normal", "AFTER")
        self.wait_row(before, "STAT from the start", priority="HIGH", order="STAT")
        self.wait_row(after, "no order", priority="MEDIUM", order="UNKNOWN")
        self.told(self.site.omi(study=after, priority="S^Stat^HL70485"))
        self.wait_row(after, "STAT by study", priority="HIGH", order="STAT")
        self.told(self.site.omi("AFTER", after, "R"))
        self.wait_row(after, "and back", priority="MEDIUM", order="ROUTINE")
        self.assertEqual(self.order("AFTER")[0][0], 2)
        self.told(self.site.omi("AFTER", control="CA"))
        self.wait_row(after, "cancelled", order="UNKNOWN")

    def test_two_orders_of_one_accession(self):
        study = self.send("normal", "TWO")
        self.told(self.site.orm("TWO", "S", "NECK"))
        self.told(self.site.orm("TWO", "R", "PELVIS"))
        self.wait_row(study, "the highest", priority="HIGH", order="STAT")
        self.told(self.site.oru("TWO", number="FIPELVIS"))
        self.assertEqual(sorted(self.order("TWO")), [(2, "PLPELVIS", "FIPELVIS", 1), (4, "PLNECK", "FINECK", 0)])
        self.told(self.site.omi("TWO", study, control="DC", number="NECK"))
        h.wait_for(lambda: self.row(study) is None, 10, "what is left has been read")

    def test_a_raise_is_told_to_the_order_and_what_is_read_leaves_the_list(self):
        study = self.send("finding", "RAISED")
        self.wait_row(study, "raised", priority="HIGH", band="raised")
        h.wait_for(lambda: any(b"report-uid" in raw and study.encode() in raw for raw in self.ris.raw), 30, "the report's result")
        self.assertEqual(self.orders_told(study), [])
        self.told(self.site.omi("RAISED", priority="R", number="9"))
        h.wait_for(lambda: self.orders_told(study), 15, "the order's change")
        said, = self.orders_told(study)
        self.assertEqual([str(said.segment("ORC")[n]) for n in (1, 2, 3)], ["XO", "PL9", "FI9"])
        self.assertEqual(str(said.segment("TQ1")[9][0][0]), "A")
        self.assertEqual([str(said.segment("IPC")[n]) for n in (1, 2, 3)], ["RAISED", "RP9", study])

        back = next(raw for raw in self.ris.raw if b"OMI^O23" in raw and study.encode() in raw)  # a RIS that sends ours on
        self.told(back.replace(b"CERVIGATE|", b"RIS|", 1))
        self.told(self.site.oru("RAISED", own=True))
        self.told(self.site.oru("RAISED", status="P"))
        self.assertEqual(self.order("RAISED"), [(2, "PL9", "FI9", 0)])
        self.assertIsNotNone(self.row(study))
        self.told(self.site.oru(number="FI9"))
        h.wait_for(lambda: self.row(study) is None, 10, "read")
        h.wait_for(lambda: any(b"withdrawn" in raw and study.encode() in raw for raw in self.ris.raw), 15, "withdrawn")
        self.assertEqual(self.node.admin("worklist", "unread", study).returncode, 0)
        h.wait_for(lambda: self.row(study) is not None, 10, "a person says that it is not read")

    def test_a_receivers_words_are_in_no_log(self):
        answer, self.ris.answer = self.ris.answer, says("AR", text="DOE JANE 19700101 is not known")
        try:
            study = self.send("finding", "REFUSED")
            h.wait_for(lambda: f"announcement-parked announcement=ris study={study}" in self.node.log(), 30, "a line")
        finally:
            self.ris.answer = answer
        self.assertIn('reason="result: refused"', self.node.log())
        self.assertIn("DOE JANE", str(self.ask_store("SELECT error FROM news WHERE study=? AND state='parked'", study)))
        time.sleep(1)  # health tells it as an alarm
        self.assertNotIn("DOE JANE", self.node.log())

    def test_cancelled_or_replaced_a_finding_stays_where_it_is(self):
        study = self.send("finding", "GONE")
        self.told(self.site.omi("GONE", priority="R", number="G"))
        self.wait_row(study, "raised", priority="HIGH", band="raised", order="ROUTINE")
        for control in ("RP", "CA"):
            self.told(self.site.omi("GONE", control=control, number="G"))
            self.wait_row(study, control, priority="HIGH", band="raised", order="UNKNOWN")
            self.told(self.site.omi("GONE", control="RO", priority="R", number="G"))
            self.wait_row(study, "anew", priority="HIGH", band="raised", order="ROUTINE")

    def reports(self, study):
        """The study's reports, the first first."""
        return [pydicom.dcmread(os.path.join(self.node.spool, path))
                for path, in self.ask_store("SELECT path FROM result WHERE study=? AND kind='sr' ORDER BY id", study)]

    def test_a_changed_accession_number_is_told_anew(self):
        self.told(self.site.orm("OLD7", "R", "7"))
        study = self.send("finding", "OLD7")
        patient = f"P{self.made}-{os.path.basename(self.folder)}"
        anothers = self.send("normal", "OLD7")  # by mistake of a modality
        self.wait_row(study, "raised", priority="HIGH", band="raised", order="ROUTINE", accession="OLD7")
        h.wait_for(lambda: self.reports(study) and self.reports(anothers), 30, "the reports")

        def renamed(to, **more):
            self.told(self.site.omi(to, control="XO", number="7", **{"patient": patient, **more}))
        self.told(self.site.orm("BESIDE7", "R", "7"))  # a second procedure of that order is no change of the first
        renamed("BESIDE7")
        self.told(self.site.omi("BESIDE7", control="CA", number="7"))
        renamed("NEW7")
        h.wait_for(lambda: len(self.reports(study)) == 2, 30, "an amended report")
        first, second = self.reports(study)
        self.assertEqual((first.AccessionNumber, second.AccessionNumber), ("OLD7", "NEW7"))
        predecessor = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
        self.assertEqual(predecessor.ReferencedSOPInstanceUID, first.SOPInstanceUID)
        self.wait_row(study, "its order is its own still", accession="NEW7", order="ROUTINE", priority="HIGH")
        h.wait_for(lambda: any(b"|NEW7|" in raw and study.encode() in raw and b"ORU^R01" in raw for raw in self.ris.raw), 15, "told")
        self.assertFalse([raw for raw in self.ris.raw if study.encode() in raw and b"withdrawn" in raw])
        self.send("finding", "OLD7", study, PatientID=patient)  # of the modality that still has the old one
        h.wait_for(lambda: len(self.reports(study)) == 3, 30, "a report of both images")
        self.assertEqual(self.reports(study)[2].AccessionNumber, "NEW7")
        self.assertEqual(self.ask_store("SELECT was,accession,due FROM site_accession"), [("OLD7", "NEW7", 0)])
        renamed("OLD7")
        h.wait_for(lambda: len(self.reports(study)) == 4, 30, "back")
        self.assertEqual(self.reports(study)[3].AccessionNumber, "OLD7")
        renamed("ELSE7", patient="P1")  # of nobody here
        h.wait_for(lambda: self.order("ELSE7"), 5, "the order's number")
        time.sleep(1.5)
        self.assertEqual((len(self.reports(study)), len(self.reports(anothers)), self.row(anothers)["accession"]), (4, 1, "OLD7"))

    def test_a_finding_of_a_post_operative_order_raises_nothing(self):
        study = generate_uid()
        self.told(self.site.omi(study=study, priority="R", procedure="C-spine POSTOP control"))
        self.send("finding", "POST", study)
        self.wait_row(study, "placed", reason="postoperative", band="routine", priority="MEDIUM")


class Answers(Orders):
    def test_what_is_taken_and_what_is_not(self):
        error = self.told(self.site.omi(), "AE")
        self.assertIn(b"\rERR|||207^Application internal error^HL70357|E||||an order without accession, study or number\r", error)
        self.told(self.site.omi(number="NOBODY"), "AE")
        self.told(self.site.oru(number="NOBODY"))  # it would come again for ever, and hold up what is behind it
        self.told(self.site.oru())
        self.told(self.site.head("OMI^O23").encode(), "AE")
        self.assertIn(b"|200^Unsupported message type^HL70357|E|", self.told((self.site.head("QBP^Q11") + "QPD|1\r").encode(), "AR"))
        self.told((self.site.head("ADT^A08") + "PID|1||P1\r").encode(), "AR")
        self.assertIn(b"MSA|AR|M", self.told(self.site.omi("LONG") + b"NTE|" + b"x" * LONGEST, "AR"))
        self.assertEqual(self.order("LONG"), [])
        many = self.site.head("ORM^O01").encode() + b"".join(b"OBR|1||||||||||||||||||MANY%d\r" % n for n in range(33))
        self.told(many, "AE")
        self.assertEqual(self.order("MANY0"), [], "whole or not at all")

    def test_the_same_message_again_changes_nothing(self):
        first = self.site.omi("AGAIN", priority="S")
        with Caller(self.node) as caller:
            one = caller.ask(first)
            self.assertEqual(code(caller.ask(self.site.omi("AGAIN", priority="R"))), "AA")
            again = caller.ask(first)
            self.assertEqual(self.order("AGAIN")[0][0], 2)
            self.assertEqual(one.split(b"\r")[1], again.split(b"\r")[1])
            caller.socket.sendall(b"".join(VT + self.site.omi(f"PIPE{n}", priority="S") + END for n in range(5)))
            said = b""
            while said.count(END) < 5:
                said += caller.socket.recv(65536)
        self.assertEqual(said.count(b"MSA|AA|"), 5)
        self.assertTrue(all(self.order(f"PIPE{n}") for n in range(5)))


class Hostile(Orders):
    def lives(self):
        self.told(self.site.omi("LIVES", priority="S"))

    def test_bytes_that_are_no_hl7(self):
        chance = random.Random(int(os.environ.get("CERVIGATE_SEED", "9")))
        good = self.site.omi("HOSTILE", priority="S")
        for n in range(int(os.environ.get("CERVIGATE_COUNT", "60"))):
            bad = bytearray(good)
            for _ in range(chance.randrange(1, 30)):
                bad[chance.randrange(len(bad))] = chance.randrange(256)
            frame = [VT + bytes(bad) + END, VT + chance.randbytes(300) + END, VT + VT + good[:chance.randrange(len(good))] + b"\x1c",
                     b"\x1c\x1c" + END, VT + b"MSH" + END, VT + b"MSH|^~\\&" + b"|" * 600 + END][n % 6]
            with Caller(self.node) as caller, contextlib.suppress(ConnectionError):
                caller.socket.sendall(frame)
                caller.socket.shutdown(socket.SHUT_WR)
                self.assertRegex(code(caller.answer()), "^(|AA|AE|AR)$")
        with Caller(self.node) as caller, contextlib.suppress(ConnectionError):
            caller.socket.sendall(b"GET / HTTP/1.1\r\n" * 8192)
            self.assertEqual(caller.answer(), b"")
        self.lives()
        self.assertNotIn("role-died", self.node.log())
        self.assertNotIn("nonsense\n", "".join(line for line in self.node.log().splitlines(True) if "hearer-ended" in line))

    def test_who_is_slow_and_who_is_one_too_many(self):
        callers = [Caller(self.node) for _ in range(CONNECTIONS)]
        callers[0].socket.sendall(VT + self.site.omi("HALF", priority="S")[:60])
        began = time.monotonic()
        h.wait_for(lambda: len(self.hearers()) == CONNECTIONS, 5, "all have a process")
        for pid in self.hearers():
            h.wait_for(lambda pid=pid: int(self.facts_of(pid)["Seccomp_filters"]) >= 3, 5, "the supervisor's filter, the role's and its own")
            facts = self.facts_of(pid)
            self.assertEqual((facts["Seccomp"], facts["NoNewPrivs"]), ("2\n", "1\n"))
        with Caller(self.node) as more:
            self.assertEqual(more.answer(), b"", "one more than there may be")
        self.assertEqual(code(callers[1].ask(self.site.omi("SLOW", priority="S"))), "AA", "nobody is held up by another")
        for caller in (callers[0], callers[2], callers[3]):
            self.assertEqual(caller.answer(), b"")
        self.assertTrue(IDLE - 0.2 < time.monotonic() - began < IDLE + 3)
        self.assertEqual(self.order("HALF"), [])
        for caller in callers:
            caller.socket.close()
        self.lives()
        self.assertIn('reason="half a message"', self.node.log())

    @staticmethod
    def facts_of(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return dict(line.split(":\t", 1) for line in f if ":\t" in line)

    def hearers(self):
        return [pid for pid in children(int(self.node.facts().get("orders_pid") or 0)) if name_of(pid) == "cervigated-hea"]

    def test_killed_at_each_point_and_sent_again(self):
        for n, point in enumerate(HEARD):
            with self.subTest(point=point):
                message = self.site.omi(f"KILL{n}", priority="S", number=f"K{n}")
                self.arms.arm(point)
                with Caller(self.node) as caller:
                    self.assertEqual(caller.ask(message), b"")
                self.assertEqual(self.arms.armed(), [])
                h.wait_for(self.can_call, 10, "the role is back")
                self.assertEqual(len(self.order(f"KILL{n}")), int(point in ("orders-entered", "orders-answered")))
                self.told(message)
                self.assertEqual(self.order(f"KILL{n}"), [(4, f"PLK{n}", f"FIK{n}", 0)])
        h.wait_for(lambda: not self.hearers(), 5, "those of earlier callers are gone")
        with Caller(self.node) as caller:
            os.kill(h.wait_for(self.hearers, 5, "its process")[0], signal.SIGKILL)
            self.assertEqual(caller.answer(), b"")
        self.lives()

    def can_call(self):
        with contextlib.suppress(OSError), Caller(self.node, 1) as caller:
            return code(caller.ask(self.site.omi("CALL"))) == "AA"
        return False

    def test_while_the_store_is_locked_nothing_is_accepted(self):
        message = self.site.omi("LOCKED", priority="S")
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            self.assertIn(b"|the job store cannot be written now", self.told(message, "AE"))
            store.execute("ROLLBACK")
        self.told(message)
        self.assertEqual(self.order("LOCKED")[0][0], 4)

    def test_who_may_not_call_is_not_heard(self):
        with Caller(self.node, source="127.0.0.2") as caller, contextlib.suppress(ConnectionError):
            self.assertEqual(caller.ask(self.site.omi("STRANGER", priority="S")), b"")
        self.assertEqual(self.order("STRANGER"), [])
        h.wait_for(lambda: 'orders-caller-refused address=127.0.0.2 reason="<orders from> does not have this address"' in self.node.log(), 5, "a line")
        self.lives()


if __name__ == "__main__":
    unittest.main(verbosity=2)
