"""What a node says by HL7 version 2.3.1, over TLS, to a receiver with a profile of its own."""
import os
import ssl
import unittest

from pydicom.uid import generate_uid

import harness as h
import models
import rawscu
import test_every_way
from certificates import Certificates
from hl7_listener import Listener, says
from test_orders import Caller, code


class Secure(test_every_way.Asked):
    """HL7 2.3.1 over TLS, with a profile of the receiver's own, as a node says it."""

    def test_all_that_is_said_to_a_receiver_with_ways_of_its_own(self):
        made = Certificates()
        self.addCleanup(made.remove)
        authority = made.authority("ca")
        made.certificate("here", "ca")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(made.path("here.crt"), made.path("here.key"))
        codes = iter(("AE",))  # the first answer; all others are AA
        ris = Listener(lambda connection, message: says(next(codes, "AA"))(connection, message), context)
        self.addCleanup(ris.stop)
        node = self.node(f'<hl7 name="ai" host="127.0.0.1" port="{ris.port}" tls="true" authorities="{authority}" version="2.3.1" priority="true" demo="true" '
                         'retryFirst="1" retryMost="1"><profile raised="U^Urgent^L" routine="N^Normal^L" priorityIn="OBR-5" accessionIn="both" model=""/></hl7>',
                         more='<orders listen="true" address="127.0.0.1" port="0" from="127.0.0.1"/>',
                         receive='<receive dimseTimeout="3600"/>')
        h.wait_for(lambda: "selftest cause=start passed=true" in node.log(), 30, "the self-test: an image that waits for it is raised when its study is complete")
        with Caller(node) as caller:
            self.assertEqual(code(caller.ask(self.site.orm(accession="TLS1", priority="R", number="7"))), "AA")
        study, child = generate_uid(), generate_uid()

        def told(kind, words, study=study):
            return [raw.decode() for raw in ris.raw if kind in raw.split(b"\r")[0] and study.encode() in raw and words in raw.decode()]

        def wait(kind, words, study=study):
            return h.wait_for(lambda: told(kind, words, study), 30, f"{kind}: {words}")[-1]
        path, _ = self.image("finding", study=study, AccessionNumber="TLS1", PatientID="P1")
        head = h.head(path)
        with rawscu.stored(node.port, head.SOPClassUID, head.SOPInstanceUID, head.file_meta.TransferSyntaxUID, h.dataset_of(path)) as answer:
            self.assertEqual(answer[0], "0000")
            raise_ = wait(b"|ORM^O01|", "\rOBR|1|PL7|FI7|")
            h.wait_for(lambda: ris.raw.count(ris.raw[0]) > 1, 30, "after AE the same again")  # news of the report, for which the association is still open, would overtake it
        self.assertRegex(raise_, r"\rORC\|XO\|PL7\|FI7\|{6}\d")  # and not in ORC-7
        self.assertRegex(raise_, r"\rOBR\|1\|PL7\|FI7\|[^|]*\|U\|")
        found = wait(b"|ORU^R01|", "report-uid^")
        self.assertRegex(found, r"\rOBX\|\d+\|CE\|study-outcome\^[^|]*\|1\|finding\^[^|]*\|\|\|AA\|\|\|P\|")
        self.assertRegex(found, r"\rOBR\|(?:[^|]*\|){17}TLS1\|")
        self.assertNotIn("111001^", found)
        self.assertEqual({raw.split(b"|")[11].split(b"\r")[0] for raw in ris.raw}, {b"2.3.1"})

        path, _ = self.image("normal", study=study, AccessionNumber="TLS1", PatientID="P1")
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: node.log().count(f" report study={study}") == 2, 30, "a report of both")
        note = models.rejection_note(os.path.join(self.folder, f"{self.made - 1}.dcm"), os.path.join(self.folder, "note.dcm"))
        self.assertEqual(node.send(note).returncode, 0)
        self.assertRegex(wait(b"|ORM^O01|", "|N|"), r"\rOBR\|1\|PL7\|FI7\|[^|]*\|N\|")
        self.assertRegex(wait(b"|ORU^R01|", "priority-rank^Reading priority^99CERVIGATE|1|MEDIUM"),
                         r"study-outcome\^[^|]*\|1\|(no-finding|incomplete)\^[^|]*\|\|\|\|\|\|P\|")
        self.send(node, "normal", study=child, AccessionNumber="TLS2", PatientID="P2", PatientBirthDate="20200101")
        self.assertRegex(wait(b"|ORU^R01|", "not-processed", child), r"study-outcome\^[^|]*\|1\|not-processed\^[^|]*\|\|\|\|\|\|X\|")
        self.assertEqual(node.admin("worklist", "read", study).returncode, 0)
        gone = wait(b"|ORU^R01|", "|withdrawn^")
        self.assertEqual({row.split("|")[11] for row in gone.split("\r") if row.startswith("OBX")}, {"W"})
        report, = self.ask(node, "SELECT report FROM place WHERE study=? AND report<>''", child)[0]
        self.assertEqual(node.admin("results", "retract", report).returncode, 0)
        self.assertIn("\rPID|1||P2|", wait(b"|ORU^R01|", "|withdrawn^", child))
        for raw in ris.raw:
            self.assertNotRegex(raw.decode().lower(), "absent|probab")


if __name__ == "__main__":
    unittest.main(verbosity=2)
