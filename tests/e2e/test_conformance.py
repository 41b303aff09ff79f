#!/usr/bin/python3
"""The conformance statement is what the build prints, and what the node does: a real daemon is asked for every SOP class in every transfer
syntax that the statement lists, and for some that it does not; whoever the node calls sees nothing proposed that is not in it."""
import json
import os
import re
import shutil
import socket
import struct
import sys
import tempfile
import unittest

import numpy
import pydicom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import archive  # noqa: E402
import models  # noqa: E402
import rawscu  # noqa: E402
from harness import BIN, SC, SOURCE, SR3D, Node, run, wait_for, wrap  # noqa: E402

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
UPS_PULL, UPS_QUERY, UPS_WATCH = "1.2.840.10008.5.1.4.34.6.3", "1.2.840.10008.5.1.4.34.6.5", "1.2.840.10008.5.1.4.34.6.2"
COMMITMENT, AVAILABILITY = "1.2.840.10008.1.20.1", "1.2.840.10008.5.1.4.33"
MOST = 127  # contexts of an association: odd numbers to 255, and one left
ACCEPTED, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 3, 4
NOT_LISTED = [  # query, retrieve, worklist, print, procedure steps, the hanging protocol's query, UPS Watch, Push and Event
    *("1.2.840.10008.5.1.4.1.2." + end for end in ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1")), "1.2.840.10008.5.1.4.31",
    "1.2.840.10008.5.1.1.9", "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.5.1.4.38.2", UPS_WATCH, "1.2.840.10008.5.1.4.34.6.1",
    "1.2.840.10008.5.1.4.34.6.4", "1.2.840.10008.1.9", "1.2.840.10008.1.42.1"]

# Sections of PS3.2 Annex N, in its order. Which of them were seen in the Standard itself the statement says (3.3).
TEMPLATE = """1 Overview|1.1 Content and transfer|1.1.1 Structured Reporting root template IDs|1.2 DIMSE services|1.3 DICOM web services|1.4 Media services
1.5 Real-time video services|1.6 De-identification profiles|1.7 Specific character sets|2 Table of contents|3 Introduction|3.1 Revision history|3.2 Audience|3.3 Remarks
3.4 Terms and definitions|3.5 Abbreviations|3.6 References|4 Implementation model|4.1 Application Entities and data flow
5 Service and interoperability description|5.1 Mapping of services to Application Entities|5.2 DIMSE services|5.2.1 Basic Worklist Management service
5.2.2 Modality Performed Procedure Step service|5.2.3 Unified Worklist and Procedure Step service|5.2.4 Instance Availability Notification service|5.2.5 Storage service
5.2.6 Storage Commitment service|5.2.7 Query/Retrieve service|5.2.8 Print Management service|5.3 DICOM web services|5.3.1 URI web service|5.3.2 Studies web service
5.3.3 Worklist web service|5.4 Media services|5.5 Real-time video services|5.6 Cross-service considerations|5.7 Specific character sets|6 Configuration
6.1 General configuration parameters|6.2 Configuration of DIMSE services|6.3 Configuration of DICOM web services|6.4 Configuration of media services
6.5 Configuration of real-time video services|6.6 Configuration of the audit trail|7 Network and media communication details|7.1 General
7.1.1 General association parameters|7.2 Specifications|7.2.1 Application Entity|7.2.1.1 Sequencing of real-world activities|7.2.1.2 Association parameters
7.2.1.3 Association initiation|7.2.1.4 Association acceptance|7.3 Status codes|7.3.1 General communication and failure behaviour|7.3.2 DIMSE services
7.3.3 DICOM web services|8 Security|8.1 Introduction|8.2 External network requirements|8.3 TCP port configuration|8.4 DICOM security profiles
8.5 User identity negotiation|8.6 Security of web services|8.7 Other security features|Annex A Information Object Definitions
Annex B Structured Report content encoding|Annex C Security details|Annex D Mapping of attributes|Annex E Code set usage""".replace("\n", "|").split("|")


def associate_rq(contexts, called="CERVIGATE", roles=()):
    """contexts: [(SOP class, [transfer syntaxes])]; roles: [(SOP class, SCU, SCP)]."""
    body = struct.pack(">HH", 1, 0) + called.ljust(16).encode() + b"CONFORM".ljust(16) + bytes(32) + rawscu.item(0x10, b"1.2.840.10008.3.1.1.1")
    for i, (sop_class, syntaxes) in enumerate(contexts):
        body += rawscu.item(0x20, bytes([2 * i + 1, 0, 0, 0]) + rawscu.item(0x30, sop_class.encode()) +
                            b"".join(rawscu.item(0x40, s.encode()) for s in syntaxes))
    user = rawscu.item(0x51, struct.pack(">I", 16384)) + rawscu.item(0x52, b"1.2.3.4")
    user += b"".join(rawscu.item(0x54, struct.pack(">H", len(c)) + c.encode() + bytes([scu, scp])) for c, scu, scp in roles)
    body += rawscu.item(0x50, user)
    return struct.pack(">BBI", 1, 0, len(body)) + body


def items(body, at, end):
    while at + 4 <= end:
        kind, length = body[at], struct.unpack_from(">H", body, at + 2)[0]
        yield kind, body[at + 4:at + 4 + length]
        at += 4 + length


def negotiate(port, contexts, roles=()):
    """[(result, transfer syntax)] in the order of contexts."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
        s.sendall(associate_rq(contexts, roles=roles))
        answer = rawscu.read_pdu(s)
        assert answer[:1] == b"\x02", answer[:10]
        found = {}
        for kind, value in items(answer, 74, len(answer)):
            if kind == 0x21:
                found[value[0]] = value[2], next((v.decode() for k, v in items(value, 4, len(value)) if k == 0x40), "")
        s.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        rawscu.read_pdu(s)
    return [found[2 * i + 1] for i in range(len(contexts))]


class Proposed(archive.Association):
    """Writes down what is proposed to it before it answers."""

    def accept(self, request, none):
        for kind, value in items(request, 74, len(request)):
            if kind == 0x20:
                inner = list(items(value, 4, len(value)))
                sop_class = next(v.decode() for k, v in inner if k == 0x30)
                self.pacs.seen |= {(sop_class, v.decode()) for k, v in inner if k == 0x40}
        super().accept(request, none)


class Witness(archive.Archive):
    """An archive that commits to what it stores; it takes no C-FIND, worklist or procedure step."""
    association = Proposed

    def __init__(self, folder):
        self.seen = set()
        super().__init__(folder, find=None, commitment="same")


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-conformance-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.witness = Witness(os.path.join(cls.folder, "archive"))
        cls.addClassCleanup(cls.witness.close)
        made = [models.make(os.path.join(cls.folder, "finds"), name="finds"),
                models.make(os.path.join(cls.folder, "slices"), name="slices", modalities="CT", series=(2, 2))]
        more = """<announcements><ups name="manager" peer="pacs" demo="true"/></announcements><orderQuery peer="pacs" period="1"/>
          <readingWorklist offer="pull" demo="true"/>"""
        cls.node = Node({"pacs": (cls.witness.ae, cls.witness.port)}, limits=more, quiet=0, models=made, outputs="SR SC GSPS PMAP",
                        rules='<rule name="any" action="analyze"><match attribute="Modality" values="CT DX"/></rule>',
                        destination='look="auto" rejectionNotes="true" commitment="true"')
        cls.addClassCleanup(cls.node.stop)
        cls.said = json.loads(cls.node.admin("conformance", "--json").stdout)
        cls.syntaxes = [s["uid"] for s in cls.said["transfer_syntaxes"]]

    def expect(self, contexts, wanted, roles=()):
        """Each context's result; wanted(context) is (result, transfer syntax), the latter only of what is taken."""
        wrong, left = [], list(contexts)
        while left:
            part, left = left[:MOST], left[MOST:]
            for context, (result, syntax) in zip(part, negotiate(self.node.port, part, roles)):
                if (result, syntax if result == ACCEPTED else "") != wanted(context):
                    wrong.append((context, result, syntax))
        self.assertEqual(wrong, [])

    def test_the_committed_statement_is_what_the_build_prints(self):
        said = run(os.path.join(BIN, "cervigate"), "conformance", "--config", os.path.join(SOURCE, "config/cervigate.xml"))
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        with open(os.path.join(SOURCE, "docs/conformance.md"), encoding="utf-8") as f:
            self.assertEqual(said.stdout.split("\n"), f.read().split("\n"), "cervigate conformance --config config/cervigate.xml > docs/conformance.md")
        self.assertNotRegex(said.stdout, r"\{\{|\}\}")
        for entry in self.said["storage"] + self.said["transfer_syntaxes"] + self.said["services"] + self.said["proposed"]:
            self.assertIn(f"| {entry['uid']} |", said.stdout)

    def test_its_form_is_the_templates(self):
        with open(os.path.join(SOURCE, "docs/conformance.md"), encoding="utf-8") as f:
            text = f.read()
        headings = re.findall(r"(?m)^(#+) (.*)$", re.sub(r"(?ms)^```.*?^```$", "", text))
        self.assertEqual(headings[0], ("#", "DICOM conformance statement of cervigate"))  # the cover page
        headings = headings[1:]
        self.assertEqual([h for h in TEMPLATE if h not in [name for _, name in headings]], [])
        self.assertEqual([name for _, name in headings if name in TEMPLATE], TEMPLATE)
        before = [0]
        for marks, name in headings:
            number = name.removeprefix("Annex ").split()[0]
            place = [ord(n) - ord("A") + 9 if n.isalpha() else int(n) for n in number.split(".")]  # annexes follow section 8
            self.assertEqual(len(marks), len(place) + 1, name)
            self.assertIn(place, [before[:n] + [before[n] + 1] for n in range(len(before))] + [before + [1]], name)
            before = place
        contents = re.search(r"(?ms)^## 2 Table of contents\n\n(.*?)\n\n", text).group(1)
        self.assertEqual([("#" * (len(indent) // 2 + 2), name) for indent, name in re.findall(r"(?m)^( *)- \[(.*)\]\(#.*\)$", contents)], headings)

    def test_it_tells_both_ports(self):
        with open(os.path.join(SOURCE, "systemd/cervigate.socket"), encoding="utf-8") as f:
            service = re.search(r"(?m)^ListenStream=0\.0\.0\.0:(\d+)$", f.read()).group(1)
        said = self.node.admin("conformance").stdout
        ports = re.search(r"(?ms)^### 8\.3 TCP port configuration\n(.*?)^### ", said).group(1)
        self.assertIn(f"| {service} | DICOM over IPv4, where systemd's `cervigate.socket` listens", ports)
        self.assertIn("| 0 | DICOM, where the node listens itself: `<node port>`", ports)

    def test_every_class_in_every_syntax(self):
        storage = [s["uid"] for s in self.said["storage"]]
        self.assertGreater(len(storage), 150)
        self.assertGreater(len(self.syntaxes), 40)
        self.expect([(c, [s]) for c in storage for s in self.syntaxes], lambda context: (ACCEPTED, context[1][0]))

    def test_every_service(self):
        services = {s["uid"]: s for s in self.said["services"]}
        self.assertEqual({u for u, s in services.items() if s["offered"]}, {"1.2.840.10008.1.1", COMMITMENT, AVAILABILITY, UPS_PULL, UPS_QUERY})
        contexts = [(u, [s]) for u in services for s in self.syntaxes]
        self.expect(contexts, lambda c: (ACCEPTED, c[1][0]) if not services[c[0]]["implicit_only"] or c[1] == [IMPLICIT] else (NO_TRANSFER_SYNTAX, ""))

    def test_what_is_not_listed_is_refused(self):
        listed = {s["uid"] for s in self.said["storage"] + self.said["services"]}
        self.assertFalse(listed & set(NOT_LISTED))
        self.expect([(c, [IMPLICIT, EXPLICIT]) for c in NOT_LISTED], lambda _: (NO_ABSTRACT_SYNTAX, ""))
        others = ["1.2.840.10008.1.2.6.1", "1.2.840.10008.1.2.6.2", "1.2.840.10008.1.2.7.1", "1.2.840.10008.1.2.7.2", "no.uid"]
        self.assertFalse(set(others) & set(self.syntaxes))
        self.expect([("1.2.840.10008.5.1.4.1.1.7", [s]) for s in others], lambda _: (NO_TRANSFER_SYNTAX, ""))
        # What the statement says in words: later classes of storage and private ones are taken, in later transfer syntaxes, too.
        self.expect([("1.2.840.10008.5.1.4.1.1.99999", [EXPLICIT]), ("1.2.3.4.5", [EXPLICIT]), ("1.2.840.10008.5.1.4.1.1.7", ["1.2.3.99"])],
                    lambda c: (ACCEPTED, c[1][0]))
        # Roles: the node commits to nothing.
        self.expect([(COMMITMENT, [IMPLICIT])], lambda _: (NO_ABSTRACT_SYNTAX, ""), [(COMMITMENT, 1, 0)])
        self.expect([(UPS_QUERY, [IMPLICIT])], lambda _: (NO_ABSTRACT_SYNTAX, ""), [(UPS_QUERY, 0, 1)])

    def test_what_it_proposes_is_listed(self):
        """An image with a finding, which another patient then turns out to have (a rejection note), and a series of slices with one."""
        path = os.path.join(self.folder, "image.dcm")
        wrap(numpy.random.default_rng(11).integers(0, 255, (300, 260)).astype(numpy.uint8), path)
        self.assertEqual(self.node.send(path, *models.slices(self.folder, 2)[0]).returncode, 0)
        image = pydicom.dcmread(path)

        def stored(sop_class):
            return sum(line["sop_class"] == sop_class for line in self.witness.stores())
        wait_for(lambda: stored(SR3D) >= 2 and stored(SC) >= 1, 60, "the first results")
        image.PatientID = "E2E-0002"
        image.save_as(path)
        self.assertEqual(self.node.send(path).returncode, 0)
        proposed = {(p["uid"], p["transfer_syntax"]) for p in self.said["proposed"]}
        self.assertGreater(len({uid for uid, _ in proposed}), 12)
        try:
            wait_for(lambda: proposed <= self.witness.seen, 60, "everything proposed")
        finally:  # which
            self.assertEqual(self.witness.seen, proposed)


if __name__ == "__main__":
    unittest.main()
