"""What the tests of the doors share: a node with TLS, certificates that are made when they are first named, DCMTK's and OpenSSL's clients."""
import os
import re
import signal
import socket
import ssl
import subprocess
import unittest

import daemon as d
from certificates import Certificates

ADMIN = os.path.join(d.BUILD, "bin/cervigate")


class Node(d.Node):
    def signal_reload(self):
        self.process.send_signal(signal.SIGHUP)

    def reload(self):
        """A reload that is taken: the new listener is there, and the old one is on its way out."""
        old = self.pid("receive")
        self.signal_reload()
        d.wait_for(lambda: self.pid("receive") not in (0, old) and self.process.poll() is None, 20, "reload")

    def change_node(self, attributes):
        with open(self.config, encoding="utf-8") as file:
            text = file.read()
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(text.replace("<node ", f"<node {attributes} "))


class Made(Certificates):
    """The certificates of these tests, by name."""
    authorities = ("ca", "other")
    given = {"client": {"names": "DNS:client.example.org"}, "stranger": {"by": "other"}, "late": {"days": -1},
             "named": {"names": "DNS:elsewhere.example.org"}, "node": {}, "peer": {}, "revoked": {}, "soon": {"days": 20},
             "weak": {"new": ("-newkey", "rsa:1024", "-nodes")}}

    def __init__(self):
        super().__init__()
        self.begun = set()

    def path(self, name):
        base = name.split(".")[0]
        if base not in self.begun:
            self.begun.add(base)
            if base in self.authorities:
                self.authority(base)
            elif base in self.given:
                self.certificate(base, **{"by": "ca", **self.given[base]})
        return super().path(name)


made = None


def make():
    global made
    made = Made()


def unmake():
    made.remove()


def tls(name="node", **attributes):
    """The element <tls>; its files are `name`'s."""
    given = {"listen": "true", "port": "0", "certificate": made.path(name + ".crt"), "key": made.path(name + ".key"),
             "authorities": made.path("ca.crt"), **attributes}
    return "<tls " + " ".join(f'{k}="{v}"' for k, v in given.items() if v is not None) + "/>"


class Case(unittest.TestCase):
    node = None
    nodes = {}

    def start(self, extra, shared=None, node="", **options):
        """A node; one that is `shared` under this name serves all tests of the class, since a node costs seconds of processor time."""
        self.node = self.nodes.get((type(self), shared))
        if self.node:
            return self.node
        self.node = Node(start=False, **options)
        if shared:
            self.nodes[type(self), shared] = self.node
            self.addClassCleanup(self.node.stop)
        else:
            self.addCleanup(self.node.stop)
        self.node.write_config(extra)
        if node:
            self.node.change_node(node)
        self.node.start()
        return self.node

    @property
    def tls_port(self):
        return self.node.facts()["tls_port"]

    def said(self, pattern, seconds=5, count=1):
        """The last line of the log that has the pattern; waits for it."""
        def found():
            lines = [line for line in self.node.log().splitlines() if re.search(pattern, line)]
            return lines if len(lines) >= count else None
        return d.wait_for(found, seconds, pattern)[-1]

    def tool(self, name, *arguments, client="client", trust="ca", port=None, calling="TOOL", called="CERVIGATE"):
        secure = () if client is None else ("+tls", made.path(client + ".key"), made.path(client + ".crt"), "+cf", made.path(trust + ".crt"))
        files = [a for a in arguments if not str(a).startswith(("+", "-"))]
        options = [a for a in arguments if str(a).startswith(("+", "-"))]
        return subprocess.run([name, "-to", "10", "-aet", calling, "-aec", called, *secure, *options, "127.0.0.1", str(port or self.tls_port), *files],
                              capture_output=True, text=True, errors="replace", timeout=60)

    def s_client(self, *options, client=None, port=None):
        """OpenSSL's client, which tries a handshake and hears what the node says to it; True: there is a session."""
        shown = ("-cert", made.path(client + ".crt"), "-key", made.path(client + ".key")) if client else ()
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port or self.tls_port}", "-CAfile", made.path("ca.crt"), *shown,
                               *options], input="", capture_output=True, text=True, errors="replace", timeout=30)
        return done.returncode == 0 and "Verify return code: 0 (ok)" in done.stdout

    def context(self, client="client", newest=ssl.TLSVersion.TLSv1_3):
        context = ssl.create_default_context(cafile=made.path("ca.crt"))
        context.load_cert_chain(made.path(client + ".crt"), made.path(client + ".key"))
        context.maximum_version = newest
        return context

    def connect(self, **options):
        plain = socket.create_connection(("127.0.0.1", int(self.tls_port)), 10)
        self.addCleanup(plain.close)
        secure = self.context(**options).wrap_socket(plain, server_hostname="127.0.0.1")
        self.addCleanup(secure.close)
        return secure


def associate(calling="TOOL", called="CERVIGATE"):
    """An A-ASSOCIATE-RQ for Verification."""
    def item(kind, body):
        return bytes([kind, 0]) + len(body).to_bytes(2, "big") + body
    context = b"\1\0\0\0" + item(0x30, b"1.2.840.10008.1.1") + item(0x40, b"1.2.840.10008.1.2")
    user = item(0x51, (16384).to_bytes(4, "big")) + item(0x52, b"1.2.3.4")
    body = (b"\0\1\0\0" + called.ljust(16).encode() + calling.ljust(16).encode() + b"\0" * 32 + item(0x10, b"1.2.840.10008.3.1.1.1") +
            item(0x20, context) + item(0x50, user))
    return b"\1\0" + len(body).to_bytes(4, "big") + body


def receive(connection, count):
    got = b""
    while len(got) < count:
        try:
            more = connection.recv(count - len(got))
        except ConnectionResetError:
            break
        if not more:
            break
        got += more
    return got
