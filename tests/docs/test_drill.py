"""docs/drill.md against a real node: its own blocks in its own order, with a PACS and an HL7 receiver that go away and come back."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

import documents as d
from documents import h


class Receiver:
    """A RIS that takes every HL7 message: MLLP, an answer AA each."""

    def __init__(self):
        self.port, self.messages, self.server = h.free_port(), [], None
        self.start()

    def start(self):
        self.server = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.listen, args=(self.server,), daemon=True).start()

    def stop(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()

    def listen(self, server):
        try:
            while True:
                threading.Thread(target=self.answer, args=(server.accept()[0],), daemon=True).start()
        except OSError:
            return

    def answer(self, connection):
        with connection, connection.makefile("rb") as stream:
            text = b""
            while byte := stream.read(1):
                text += byte
                if text.endswith(b"\x1c\r"):
                    message = text[1:-2].decode()
                    self.messages.append(message)
                    control = message.split("|")[9]
                    connection.sendall(f"\x0bMSH|^~\\&|RIS||||20261127000000||ACK|{control}|P|2.5.1\rMSA|AA|{control}\r\x1c\r".encode())
                    text = b""


class Drill(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-drill-")
        self.pacs, self.ris = h.StoreScp(), Receiver()
        hl7 = f'<announcements><hl7 name="ris" host="127.0.0.1" port="{self.ris.port}" results="true" demo="true" retryFirst="1" retryMost="1"/></announcements>'
        self.node = h.Node({"pacs": ("PACS", self.pacs.port)}, limits=hl7)
        self.blocks = [text for words, text in d.blocks("docs/drill.md") if words == ["sh"]]

    def tearDown(self):
        self.node.stop()
        self.ris.stop()
        self.pacs.close()
        shutil.rmtree(self.folder)

    def next_block(self):
        run = subprocess.run(["bash", "-euo", "pipefail", "-c", self.blocks.pop(0).replace("11112", str(self.node.port))], cwd=self.folder, text=True,
                             capture_output=True, env=dict(os.environ, PATH=h.BIN + ":" + os.environ["PATH"], CERVIGATE_CONFIG=self.node.config), timeout=120 * h.PATIENCE)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run.stdout

    def settled(self, judged, reports):
        h.wait_for(lambda: self.node.status()["instances"]["judged"] == judged and self.node.status()["results"]["reports"] == reports, 30, f"{reports} reports")

    def at_the_pacs(self, count):
        """As many reports and pictures, nothing pending or parked, nothing twice."""
        h.wait_for(lambda: self.node.status()["deliveries"]["pending"] == 0, 30, "deliveries")
        self.assertEqual((len(self.pacs.objects(h.SR3D)), len(self.pacs.objects(h.SC)), self.node.status()["deliveries"]["parked"]), (count, count, 0))

    def test_the_page(self):
        h.wait_for(lambda: self.node.admin("status").returncode == 0, 30, "the first self-test")
        self.assertIn("well        yes", self.next_block())

        self.pacs.stop()
        said = self.next_block()
        self.assertRegex(said, "failed at the network|exit status 69")
        self.settled(1, 1)
        self.assertEqual((self.node.status()["deliveries"]["pending"], self.node.status()["deliveries"]["parked"]), (2, 0))
        self.assertRegex(self.node.admin("worklist").stdout, r"1 +raised")
        self.pacs.start()
        self.at_the_pacs(1)
        h.wait_for(lambda: self.ris.messages, 30, "the RIS told of the first study")

        self.node.kill_supervisor()
        self.assertNotEqual(self.node.echo().returncode, 0)
        self.node.start()
        said = self.next_block()
        self.assertRegex(said, "whole +yes")
        self.settled(2, 2)
        self.at_the_pacs(2)
        self.assertRegex(self.node.admin("status").stdout, r"self-test +passed")
        h.wait_for(lambda: len(self.ris.messages) >= 2, 30, "the RIS told of the second study")
        told = len(self.ris.messages)

        self.ris.stop()
        self.next_block()
        self.settled(3, 3)
        self.at_the_pacs(3)
        self.assertRegex(self.node.admin("worklist").stdout, r"3 +raised")
        self.assertEqual([m.split("PHANTOM-")[1][:5] for m in self.ris.messages[told:]], [], [m.split("PHANTOM-")[1][:5] for m in self.ris.messages])
        self.ris.start()
        h.wait_for(lambda: len(self.ris.messages) > told, 30, "the RIS told after its return")
        news = [re.sub(r"\|\d{14}\+0000|MSH.*", "", message.replace("\r", "\n")) for message in self.ris.messages]
        self.assertEqual(len(set(news)), len(news), "nothing is told twice in the same words")

        self.assertEqual(self.next_block().split()[-1], "shadow")
        told = len(self.ris.messages)
        h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", os.path.join(self.folder, "more"), "--count", 1, "--seed", 11, "--prevalence", "0,1,0", "--format", "dicom")
        self.node.send(*h.glob.glob(self.folder + "/more/*/*.dcm"))
        self.settled(4, 4)
        self.assertEqual(len(self.ris.messages), told)
        self.at_the_pacs(3)
        self.assertEqual(self.next_block().split()[-1], "demo")
        self.assertEqual(self.blocks, [])
        h.wait_for(lambda: len(self.ris.messages) > told, 30, "the RIS told of what stands unread")
        self.at_the_pacs(3)


if __name__ == "__main__":
    unittest.main(verbosity=2)
