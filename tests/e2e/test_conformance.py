#!/usr/bin/python3
"""The conformance statement is what the build prints, and what the node does: a real daemon is asked for every SOP class in every transfer
syntax that the statement lists, and for some that it does not; whoever the node calls sees nothing proposed that is not in it."""
import json
import os
import socket
import struct
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import rawscu  # noqa: E402
from harness import BIN, SOURCE, Node, grey, phantoms, run, wait_for, wrap  # noqa: E402

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
UPS_PULL, UPS_QUERY, UPS_WATCH = "1.2.840.10008.5.1.4.34.6.3", "1.2.840.10008.5.1.4.34.6.5", "1.2.840.10008.5.1.4.34.6.2"
COMMITMENT, AVAILABILITY = "1.2.840.10008.1.20.1", "1.2.840.10008.5.1.4.33"
MOST = 127  # contexts of an association: odd numbers to 255, and one left
ACCEPTED, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 3, 4
NOT_LISTED = [  # query, retrieve, worklist, print, procedure steps, the hanging protocol's query, UPS Watch, Push and Event
    *("1.2.840.10008.5.1.4.1.2." + end for end in ("1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "3.1")), "1.2.840.10008.5.1.4.31",
    "1.2.840.10008.5.1.1.9", "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.5.1.4.38.2", UPS_WATCH, "1.2.840.10008.5.1.4.34.6.1",
    "1.2.840.10008.5.1.4.34.6.4", "1.2.840.10008.1.9", "1.2.840.10008.1.42.1"]


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


class Witness:
    """Writes down what is proposed to it, and rejects (transient, local limit)."""

    def __init__(self):
        self.socket, self.seen = socket.create_server(("127.0.0.1", 0)), set()
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            with s:
                s.settimeout(10)
                try:
                    request = rawscu.read_pdu(s)
                    self.note(request)
                    s.sendall(struct.pack(">BBIBBBB", 3, 0, 4, 0, 2, 3, 2))
                except OSError:
                    pass

    def note(self, request):
        for kind, value in items(request, 74, len(request)):
            if kind == 0x20:
                inner = list(items(value, 4, len(value)))
                sop_class = next(v.decode() for k, v in inner if k == 0x30)
                self.seen |= {(sop_class, v.decode()) for k, v in inner if k == 0x40}


class Conformance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.witness = Witness()
        more = """<announcements><ups name="manager" peer="pacs" demo="true"/></announcements><orderQuery peer="pacs" period="1"/>
          <readingWorklist offer="pull" demo="true"/>"""
        cls.node = Node({"pacs": ("PACS", cls.witness.port)}, limits=more, outputs="SR SC GSPS PMAP", destination='look="auto"')
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
        self.assertNotIn("{{", said.stdout)
        for entry in self.said["storage"] + self.said["transfer_syntaxes"] + self.said["services"] + self.said["proposed"]:
            self.assertIn(f"| {entry['uid']} |", said.stdout)

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
        folder = self.node.folder
        image = phantoms(folder, 3)[0][0]
        path = os.path.join(folder, "image.dcm")
        wrap(grey(image), path)
        self.assertEqual(self.node.send(path).returncode, 0)
        proposed = {(p["uid"], p["transfer_syntax"]) for p in self.said["proposed"]}
        unseen = {COMMITMENT, "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.7.4"}  # needs an archive that has stored; a note; a series
        # An image without a finding has no presentation state and no map, and is no news that must be told.
        maybe = {"1.2.840.10008.5.1.4.1.1.11.1", "1.2.840.10008.5.1.4.1.1.30"}
        due = {p for p in proposed if p[0] not in unseen | maybe}
        wait_for(lambda: due <= self.witness.seen, 60, f"{due - self.witness.seen} proposed")
        self.assertFalse(self.witness.seen - proposed)


if __name__ == "__main__":
    unittest.main()
