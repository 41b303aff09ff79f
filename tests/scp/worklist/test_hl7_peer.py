"""What the node tells by HL7, to a listener that parses with python3-hl7 and misbehaves in every way there is."""
import os
import socket
import ssl
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from certificates import Certificates  # noqa: E402
from hl7_listener import VT, Listener, ack, framed, says  # noqa: E402

DRIVER = os.path.join(os.environ["CERVIGATE_BUILD"], "bin", "hl7_driver")


class Case(unittest.TestCase):
    def listen(self, answer, context=None):
        listener = Listener(answer, context)
        self.addCleanup(listener.stop)
        return listener

    def tell(self, listener, **settings):
        """(end, why, seconds)"""
        settings.setdefault("port", listener.port if listener else 1)
        begun = time.monotonic()
        done = subprocess.run([DRIVER, *(f"{k}={v}" for k, v in settings.items())], capture_output=True, text=True, timeout=30, check=True)
        end, why = done.stdout.split("\n")[:2]
        return end, why, time.monotonic() - begun


class Told(Case):
    """What comes, as another's parser sees it."""

    def test_a_result(self):
        listener = self.listen(says())
        self.assertEqual(self.tell(listener)[:2], ("told", ""))
        m, = listener.messages
        self.assertEqual([str(s[0]) for s in m], ["MSH", "PID", "ORC", "OBR"] + ["OBX"] * 5)
        self.assertEqual(str(m.segment("MSH")[9]), "ORU^R01^ORU_R01")
        self.assertEqual(m["PID.F5.R1.C2"], "Jane")
        self.assertEqual(str(m.segment("OBR")[25]), "P")
        outcome = m.segments("OBX")[0]
        self.assertEqual((str(outcome[5]), str(outcome[8]), str(outcome[11])),
                         ("finding^Finding at or above the operating point^99CERVIGATE", "AA", "P"))

    def test_a_priority_first_then_the_result(self):
        for version, kind in ((0, "ORM^O01"), (1, "OMI^O23^OMI_O23")):
            listener = self.listen(says())
            self.assertEqual(self.tell(listener, priority=1, version=version)[0], "told")
            first, second = listener.messages
            self.assertEqual(str(first.segment("MSH")[9]), kind)
            urgent = first["TQ1.F9.R1.C1"] if version else str(first.segment("OBR")[27]).split("^")[5]
            self.assertEqual(urgent, "A")
            self.assertEqual(str(first.segment("ORC")[1]), "XO")
            self.assertTrue(str(second.segment("MSH")[9]).startswith("ORU^R01"))
            self.assertNotEqual(str(first.segment("MSH")[10]), str(second.segment("MSH")[10]))

    def test_told_again_it_is_the_same(self):
        listener = self.listen(says())
        for _ in range(3):
            self.tell(listener, priority=1)
        self.assertEqual(len(set(listener.raw)), 2)

    def test_nothing_is_due(self):
        listener = self.listen(says())
        self.assertEqual(self.tell(listener, results=0)[:2], ("told", ""))
        self.assertEqual(self.tell(listener, withdrawn=1, priority=1)[:2], ("told", ""))
        self.assertEqual(listener.messages, [])

    def test_withdrawn(self):
        listener = self.listen(says())
        self.assertEqual(self.tell(listener, withdrawn=1, told=1)[0], "told")
        rows = listener.messages[0].segments("OBX")
        self.assertEqual({str(r[11]) for r in rows}, {"W"})

    def test_a_name_stays_within_its_field(self):
        name = "M\u00fcller|~&\\\r\nOBX|9^Zo\u00eb\x1c\x0b"
        listener = self.listen(says())
        self.assertEqual(self.tell(listener, name=name)[0], "told")
        m = listener.messages[0]
        self.assertEqual(len(m.segments("OBX")), 5)
        self.assertEqual(m["PID.F5.R1.C1"], "M\u00fcller|~&\\\r\nOBX|9")
        self.assertEqual(m["PID.F5.R1.C2"], "Zo\u00eb\x1c\x0b")


class Answers(Case):
    def test_codes(self):
        for code, end in (("AA", "told"), ("CA", "told"), ("AE", "later"), ("CE", "later"), ("AR", "refused"), ("CR", "refused")):
            listener = self.listen(says(code, text="no such order"))
            got, why, _ = self.tell(listener)
            self.assertEqual(got, end, code)
            self.assertEqual(why, "" if end == "told" else f"result: {'an error' if end == 'later' else 'refused'}; it says: no such order")

    def test_err(self):
        listener = self.listen(says("AR", more="ERR||OBR^1^4|204^Unknown key identifier^HL70357|E||||service is not known\r"))
        self.assertEqual(self.tell(listener)[1], "result: refused; it says: service is not known; 204^Unknown key identifier^HL70357")

    def test_what_is_no_answer_to_it(self):
        for answer, words in ((says("AA", to="other"), "an answer to another message"), (says("AA", to=""), "an answer to another message"),
                              (says("ZZ"), "whose MSA-1"), (says(""), "whose MSA-1"),
                              (lambda c, m: c.sendall(framed(b"MSH|^~\\&|RIS\r")), "without MSA"),
                              (lambda c, m: c.sendall(framed(b"hello")), "no HL7"), (lambda c, m: c.sendall(framed(b"")), "no HL7")):
            got, why, _ = self.tell(self.listen(answer))
            self.assertEqual(got, "later", why)
            self.assertIn(words, why)

    def test_one_refused_and_one_not(self):
        def answer(connection, message):
            says("AR" if "OMI" in str(message.segment("MSH")[9]) else "AA")(connection, message)
        listener = self.listen(answer)
        got, why, _ = self.tell(listener, priority=1)
        self.assertEqual((got, why), ("refused", "priority: refused"))
        self.assertEqual(len(listener.messages), 2)

    def test_slowly_and_in_pieces(self):
        def answer(connection, message):
            for byte in b"\r\n" + framed(ack(message)):
                connection.sendall(bytes([byte]))
                time.sleep(0.002)
        self.assertEqual(self.tell(self.listen(answer))[0], "told")

    def test_without_the_last_cr(self):
        self.assertEqual(self.tell(self.listen(lambda c, m: c.sendall(framed(ack(m))[:-1])))[0], "told")

    def test_garbage_before(self):
        self.assertEqual(self.tell(self.listen(lambda c, m: c.sendall(b"welcome\0" + framed(ack(m)))))[0], "told")


class Unreached(Case):
    def check(self, listener, *words, **settings):
        got, why, seconds = self.tell(listener, **settings)
        self.assertEqual(got, "unreached", why)
        for word in words:
            self.assertRegex(why, word)
        return seconds

    def test_nobody_there(self):
        self.check(None, "Connection refused")
        self.check(None, "host.invalid", host="host.invalid")

    def test_silent(self):
        self.assertLess(self.check(self.listen(lambda c, m: time.sleep(1.5)), "no answer in time", seconds=1), 3)

    def test_half_an_answer(self):
        def half(connection, message):
            connection.sendall(framed(ack(message))[:-2])
            time.sleep(1.5)
        self.assertLess(self.check(self.listen(half), "half an answer in time", seconds=1), 3)

    def test_a_byte_now_and_then(self):
        def drip(connection, _):
            connection.sendall(VT)
            for _ in range(30):
                connection.sendall(b"x")
                time.sleep(0.1)
        self.assertLess(self.check(self.listen(drip), "half an answer in time", seconds=1), 3)

    def test_closes(self):
        self.check(self.listen(lambda c, m: c.shutdown(socket.SHUT_RDWR)), "closed without an answer")

        def within(connection, message):
            connection.sendall(framed(ack(message))[:40])
            connection.shutdown(socket.SHUT_RDWR)
        self.check(self.listen(within), "closed within the answer")

    def test_resets(self):
        def reset(connection, _):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        self.check(self.listen(reset), "broke")

    def test_no_end_of_it(self):
        def flood(begin):
            def answer(connection, _):
                connection.sendall(begin)
                for _ in range(40):
                    connection.sendall(b"x" * 4096)
            return answer
        self.check(self.listen(flood(b"")), "no MLLP")

        def long(connection, message):
            connection.sendall(framed(ack(message, text="x" * 70000)))
        self.check(self.listen(long), "too long")

    def test_a_listener_that_never_accepts(self):
        with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
            self.assertLess(self.check(None, "no answer in time", port=full.getsockname()[1], seconds=1), 3)

    def test_the_second_message_finds_nobody(self):
        def once(connection, message):
            says()(connection, message)
            listener.socket.shutdown(socket.SHUT_RDWR)
            listener.socket.close()
        listener = Listener(once)
        self.check(listener, "result: connect|result: the connection broke", priority=1)
        self.assertEqual(len(listener.messages), 1)


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        cls.made = Certificates()
        cls.ca = cls.made.authority("ca")
        cls.other = cls.made.authority("other")
        cls.made.certificate("here", "ca")
        cls.made.certificate("ris", "ca", names="DNS:ris.example.org")
        cls.made.certificate("ended", "ca", days=-1)

    @classmethod
    def tearDownClass(cls):
        cls.made.remove()

    def secure(self, name="here", newest=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.made.path(name + ".crt"), self.made.path(name + ".key"))
        if not newest:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return self.listen(says(), context)

    def told(self, listener, **settings):
        return self.tell(listener, **{"tls": 1, "authorities": self.ca, **settings})[:2]

    def test_right(self):
        self.assertEqual(self.told(self.secure()), ("told", ""))
        self.assertEqual(self.told(self.secure(newest=False)), ("told", ""))
        self.assertEqual(self.told(self.secure("ris"), tls_name="ris.example.org"), ("told", ""))
        self.assertEqual(self.told(self.secure(), host="localhost"), ("told", ""))

    def test_wrong(self):
        for name, settings, words in (("ris", {}, "IP address mismatch"), ("ris", {"tls_name": "pacs.example.org"}, "hostname mismatch"),
                                      ("here", {"authorities": self.other}, "unable to get local issuer"), ("ended", {}, "expired"),
                                      ("here", {"authorities": "/nowhere/ca.pem"}, "No such file")):
            listener = self.secure(name)
            end, why = self.told(listener, **settings)
            self.assertEqual(end, "unreached", why)
            self.assertIn(words, why)
            self.assertEqual(listener.raw, []) # not a byte of a patient

    def test_the_wrong_port(self):
        end, why = self.told(self.listen(says()), seconds=1)
        self.assertEqual(end, "unreached", why)
        self.assertEqual(self.tell(self.secure(), seconds=1)[0], "unreached")

    def test_a_handshake_that_never_ends(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            begun = time.monotonic()
            end, why = self.told(None, port=silent.getsockname()[1], seconds=1)
            self.assertEqual(end, "unreached", why)
            self.assertLess(time.monotonic() - begun, 3)


if __name__ == "__main__":
    unittest.main()
