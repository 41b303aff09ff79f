"""A scripted collector of audit messages: syslog over TLS or TCP, RFC 5425's framing read strictly, RFC 5424's header, the message against
tests/scp/audit/audit.rng."""
import os
import re
import socket
import ssl
import subprocess
import tempfile
import threading

SCHEMA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp/audit/audit.rng")
HEADER = re.compile(rb'<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) cervigate - DICOM\+RFC3881 '
                    rb'\[meta sequenceId="([1-9]\d{0,9})"\] \xef\xbb\xbf(<\?xml .*)', re.S)


def certificates(folder):
    """A CA, the collector's certificate (localhost, 127.0.0.1), the node's, and a stranger's of another CA: name -> (certificate, key)."""
    def run(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    out = {}
    for ca, names in (("ca", ("collector", "node")), ("other", ("stranger",))):
        at = os.path.join(folder, ca)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", f"/CN={ca}",
            "-keyout", at + ".key", "-out", at + ".pem")
        out[ca] = (at + ".pem", at + ".key")
        for name in names:
            path = os.path.join(folder, name)
            run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", path + ".key", "-out", path + ".csr")
            with open(path + ".ext", "w", encoding="ascii") as f:
                f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
            run("x509", "-req", "-in", path + ".csr", "-CA", at + ".pem", "-CAkey", at + ".key", "-CAcreateserial", "-days", "30",
                "-extfile", path + ".ext", "-out", path + ".pem")
            os.chmod(path + ".key", 0o600)
            out[name] = (path + ".pem", path + ".key")
    return out


class Framing:
    """Octet counting: MSG-LEN SP SYSLOG-MSG, nothing else."""

    def __init__(self):
        self.held = b""

    def feed(self, data):
        self.held += data
        frames = []
        while True:
            head = re.match(rb"([1-9]\d{0,4}) ", self.held)
            if not head:
                if len(self.held) > 5 or (self.held and not re.fullmatch(rb"[1-9]\d{0,4}", self.held)):
                    raise AssertionError(f"no frame: {self.held[:60]!r}")
                return frames
            begin, length = head.end(), int(head.group(1))
            if len(self.held) < begin + length:
                return frames
            frames.append(self.held[begin:begin + length])
            self.held = self.held[begin + length:]


class Collector:
    """`manner`: "well" reads and closes in order when asked; "silent" reads, never answers the end; "deaf" accepts and reads nothing;
    "reset" takes `after` messages, then breaks the connection, once; "closes" takes `after` messages, then closes, each time."""

    def __init__(self, tls=None, client_ca=None, manner="well", after=3, port=0):
        self.context, self.manner, self.after = None, manner, after
        if tls:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
            if client_ca:
                self.context.verify_mode = ssl.CERT_REQUIRED
                self.context.load_verify_locations(client_ca)
        self.messages, self.errors, self.connections, self.lock = [], [], 0, threading.Lock()
        self.listener, self.port, self.open = None, port, []
        self.start()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with self.lock:
            self.connections += 1
        if self.manner == "deaf":
            return
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            self.read(connection)
        except (OSError, ssl.SSLError) as error:
            self.errors.append(str(error))
        except AssertionError as error:
            self.errors.append("FRAMING " + str(error))
        finally:
            connection.close()

    def read(self, connection):
        framing, count = Framing(), 0
        while True:
            data = connection.recv(65536)
            if not data:
                assert not framing.held, "the connection ended within a frame"
                if self.manner == "silent":
                    threading.Event().wait(30)
                elif self.context:
                    connection.unwrap()
                return
            for frame in framing.feed(data):
                with self.lock:
                    self.messages.append(frame)
                count += 1
                if self.manner in ("reset", "closes") and count >= self.after:
                    if self.manner == "reset":
                        self.manner = "well"
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return

    def numbers(self):
        """Sequence numbers in the order of arrival."""
        with self.lock:
            return [int(HEADER.fullmatch(m).group(4)) for m in self.messages]

    def once(self):
        """number -> message; a message that came twice must be the same."""
        out = {}
        with self.lock:
            for message in self.messages:
                number = int(HEADER.fullmatch(message).group(4))
                assert out.setdefault(number, message) == message, f"{number} came in two forms"
        return out


def invalid(messages):
    """What libxml2 says against the messages' XML; "" nothing."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, message in enumerate(messages):
            paths.append(os.path.join(folder, f"{i}.xml"))
            with open(paths[-1], "wb") as f:
                f.write(HEADER.fullmatch(message).group(5))
        said = subprocess.run(["xmllint", "--noout", "--nonet", "--relaxng", SCHEMA, *paths], capture_output=True, text=True)
        return "" if said.returncode == 0 else said.stderr
