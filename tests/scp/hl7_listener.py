"""A receiver of HL7 over MLLP that parses with python3-hl7."""
import socket
import sys
import threading

try:
    import hl7
except ImportError:
    print("skipped: python3-hl7 is not installed (scripts/deps --peers)")
    sys.exit(77)

VT, END = b"\x0b", b"\x1c\r"


def ack(message, code="AA", to=None, text="", more=""):
    to = message.segment("MSH")[10][0] if to is None else to
    return f"MSH|^~\\&|RIS||CERVIGATE||20261127130501+0000||ACK|7|P|2.5.1\rMSA|{code}|{to}|{text}\r{more}".encode()


def framed(body):
    return VT + body + END


def read_message(connection):
    data = b""
    while not data.endswith(END):
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    assert data.startswith(VT) and data.count(VT) == 1 and data.count(b"\x1c") == 1, data
    return data[1:-2]


class Listener:
    """Accepts on a port; for each message `answer` gets (connection, message) and does what it likes."""

    def __init__(self, answer, context=None):
        self.answer, self.context = answer, context
        self.messages, self.raw = [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                connection.settimeout(5)
                with self.context.wrap_socket(connection, server_side=True) if self.context else connection as talk:
                    self.serve(talk)
            except OSError: # of which SSLError is one: what the test wanted, or sees at the other end
                connection.close()

    def serve(self, connection):
        raw = read_message(connection)
        if raw is not None:
            self.raw.append(raw)
            self.messages.append(hl7.parse(raw.decode("utf-8")))
            self.answer(connection, self.messages[-1])
        try:
            connection.recv(1) # until the node closes
        except OSError:
            pass

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def says(code="AA", **more):
    return lambda connection, message: connection.sendall(framed(ack(message, code, **more)))
