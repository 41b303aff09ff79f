"""HL7 over TLS, on the way in: who is heard, callers that are no callers, a renewed certificate, where the key is."""
import contextlib
import os
import re
import shutil
import socket
import ssl
import sys
import time
import unittest

import harness as h

sys.path[:0] = [os.path.join(h.SOURCE, "tests/scp"), os.path.join(h.SOURCE, "tests/faults")]
os.environ.setdefault("CERVIGATE_BUILD", h.BUILD)
from certificates import Certificates, openssl  # noqa: E402
from kill import children, name_of  # noqa: E402
from daemon import memory_of  # noqa: E402
from test_orders import END, VT, Site, code  # noqa: E402

CONNECTIONS = 3


class Orders(unittest.TestCase):
    site = Site()

    @classmethod
    def setUpClass(cls):
        cls.made = made = Certificates()
        cls.addClassCleanup(made.remove)
        for name in ("hospital", "stranger"):
            made.authority(name)
        for name, by in (("node", "hospital"), ("renewed", "hospital"), ("engine", "hospital"), ("other", "stranger"), ("withdrawn", "hospital")):
            made.certificate(name, by)
        made.certificate("ended", "hospital", days=-1)
        revoked = made.revoke("hospital", "withdrawn")
        cls.node = h.Node({}, limits=f'<tls certificate="{made.path("node.crt")}" key="{made.path("node.key")}" authorities="{made.path("hospital.crt")}" '
                          f'revoked="{revoked}"/><orders listen="true" tls="true" address="127.0.0.1" port="0" connections="{CONNECTIONS}" '
                          'patients="true"/>')
        cls.addClassCleanup(cls.node.stop)

    def context(self, name="engine", **limits):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.made.path("hospital.crt"))
        if name:
            context.load_cert_chain(self.made.path(name + ".crt"), self.made.path(name + ".key"))
        for key, value in limits.items():
            setattr(context, key, value)
        return context

    def plain(self):
        return socket.create_connection(("127.0.0.1", int(self.node.facts()["orders_port"])), 20)

    def connect(self, *args, **limits):
        return self.context(*args, **limits).wrap_socket(self.plain(), server_hostname="127.0.0.1")

    def ask(self, connection, message):
        connection.sendall(VT + message + END)
        data = b""
        while not data.endswith(END):
            part = connection.recv(65536)
            if not part:
                break
            data += part
        return code(data)

    def heard(self, *args, **limits):
        """The answer's code; what ended it otherwise."""
        try:
            with self.connect(*args, **limits) as connection:
                return self.ask(connection, self.site.omi("A1", priority="S"))
        except (ssl.SSLError, OSError) as error:
            return type(error).__name__

    def is_heard(self):
        self.assertEqual(self.heard(), "AA")

    def test_who_is_heard(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(self.heard(minimum_version=version, maximum_version=version), "AA")
        for name in (None, "other", "ended", "withdrawn"):
            self.assertNotIn(self.heard(name), ("AA", "AE", "AR"), name)
        old = self.context()
        old.set_ciphers("AES256-GCM-SHA384")  # without ECDHE
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with self.assertRaises((ssl.SSLError, OSError)), old.wrap_socket(self.plain(), server_hostname="127.0.0.1") as connection:
            self.ask(connection, self.site.omi("A2"))
        reasons = re.findall(r'orders-caller-refused reason="([^"]*)"', self.node.log())
        self.assertGreaterEqual(len(reasons), 5, reasons)
        self.is_heard()

    def test_many_messages_and_large_ones(self):
        with self.connect() as connection:
            for i in range(40):
                self.assertEqual(self.ask(connection, self.site.omi(f"MANY{i}", priority="R")), "AA")
            filler = b"".join(b"NTE|1||" + b"x" * 4000 + b"\r" for _ in range(100))
            self.assertEqual(self.ask(connection, self.site.omi("LARGE") + filler), "AA")
            message = self.site.omi("SLOW")
            connection.sendall(VT)
            for i in range(0, len(message), 40):
                connection.sendall(message[i:i + 40])
            self.assertEqual(self.ask(connection, b"MSH|"), "")  # a VT within begins anew: no header, closed
        self.is_heard()

    def test_in_plain_nobody_is_heard(self):
        with self.plain() as connection, contextlib.suppress(ConnectionError):
            connection.settimeout(5)
            connection.sendall(VT + self.site.omi("PLAIN", priority="S") + END)
            self.assertNotIn(b"MSA", connection.recv(4096))
        h.wait_for(lambda: "orders-caller-refused reason=" in self.node.log(), 5, "a line")
        self.is_heard()

    def test_a_handshake_that_takes_its_time(self):
        """Slow ones hold all places for ten seconds at most, however they keep busy."""
        hello = self.hello()
        begin, slow = time.monotonic(), [self.plain() for _ in range(CONNECTIONS)]
        try:
            sent, over = 0, set()
            while len(over) < CONNECTIONS and time.monotonic() - begin < 15:
                for connection in set(slow) - over:
                    connection.settimeout(0.01)
                    try:
                        connection.sendall(hello[sent:sent + 1])
                        if connection.recv(100) == b"":
                            over.add(connection)
                    except TimeoutError:
                        pass
                    except OSError:
                        over.add(connection)
                sent = min(sent + 1, len(hello) - 2)
                time.sleep(0.3)
        finally:
            for connection in slow:
                connection.close()
        self.assertEqual(len(over), CONNECTIONS)
        self.assertLess(time.monotonic() - begin, 14)
        self.is_heard()

    def hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            self.context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1").do_handshake()
        return outgoing.read()

    def test_renewed_while_it_runs(self):
        def serial():
            with self.connect() as connection:
                self.assertEqual(self.ask(connection, self.site.omi("R1")), "AA")
                return connection.getpeercert()["serialNumber"]
        before = serial()
        with self.connect() as connection:
            for end in (".key", ".crt"):
                shutil.copy(self.made.path("node" + end), self.made.path("kept" + end))
            with open(self.made.path("node.key"), "w", encoding="ascii") as f:
                f.write("no key")
            self.assertEqual(serial(), before)  # the last good ones
            shutil.copy(self.made.path("renewed.key"), self.made.path("node.key"))
            shutil.copy(self.made.path("renewed.crt"), self.made.path("node.crt"))
            h.wait_for(lambda: serial() != before, 10, "the new one")
            self.assertEqual(self.ask(connection, self.site.omi("R2")), "AA")
        for end in (".key", ".crt"):
            shutil.copy(self.made.path("kept" + end), self.made.path("node" + end))
        h.wait_for(lambda: serial() == before, 10, "and back")

    def test_where_messages_are_read_there_is_no_key(self):
        numbers = openssl("ec", "-in", self.made.path("node.key"), "-noout", "-text").stdout
        private = bytes.fromhex(re.sub(r"[:\s]", "", re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", numbers).group(1)))[-32:]
        with open(self.made.path("node.key"), "rb") as file:
            text = file.read().split(b"\n")[1]
        with self.connect() as connection:
            self.assertEqual(self.ask(connection, self.site.omi("K1")), "AA")
            orders = int(self.node.facts()["orders_pid"])
            hearers = [pid for pid in children(orders) if name_of(pid) == "cervigated-hea"]
            self.assertEqual(len(hearers), 1)
            self.assertIn(b"TLSv1.3 TLS_AES", memory_of(hearers[0]))
            for pid in (orders, hearers[0]):
                memory = memory_of(pid)
                for form in (private, private[::-1], text):
                    self.assertEqual(memory.count(form), 0, name_of(pid))
            links = [os.readlink(f"/proc/{hearers[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{hearers[0]}/fd")]
            self.assertFalse([link for link in links if "cervigate-tls" in link], links)


if __name__ == "__main__":
    unittest.main(verbosity=2)
