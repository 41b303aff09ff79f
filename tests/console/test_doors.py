#!/usr/bin/env python3
"""The console over TLS, and behind a proxy that says who comes: the real daemon, OpenSSL and nginx as clients. One node, reloaded."""
import base64
import contextlib
import http.client
import os
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

from http_fixture import Answer, Client, enrol, h, secret

sys.path.insert(0, os.path.join(h.SOURCE, "tests/scp"))
from certificates import Certificates  # noqa: E402

RSA_1024 = ("-newkey", "rsa:1024", "-nodes")
HEADERS = 'proxies="127.0.0.1" userHeader="X-Remote-User" rolesHeader="X-Remote-Groups"'


class Encrypted(Client):
    def __init__(self, port, ca):
        super().__init__(port)
        self.context = ssl.create_default_context(cafile=ca)

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=20, context=self.context)


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = Certificates()
        cls.ca = cls.files.authority("ca")
        cls.files.certificate("console", "ca")
        cls.accounts = os.path.join(cls.files.folder, "accounts")
        cls.tls = f'certificate="{cls.files.path("console.crt")}" key="{cls.files.path("console.key")}" accounts="{cls.accounts}" dicomweb="true"'
        cls.node, cls.now = h.Node({}, console=cls.tls), cls.tls
        for name, role in (("vera", "viewer"), ("rita", "reader")):
            assert enrol(cls.node, name, role).returncode == 0

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        shutil.rmtree(cls.files.folder)

    @property
    def port(self):
        return int(self.node.facts()["console_port"])

    def reload(self, console, taken=True):
        """The console's attributes anew; until there is a new console, or the reload was refused."""
        with open(self.node.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.node.config, "w", encoding="utf-8") as f:
            f.write(text.replace(type(self).now, console))
        type(self).now = console
        was, refusals = self.node.facts()["console_pid"], self.node.log().count("reload-refused")
        os.kill(int(self.node.facts()["pid"]), signal.SIGHUP)
        if taken:
            h.wait_for(lambda: self.node.facts()["console_pid"] not in ("0", was), 20, "a new console")
        else:
            h.wait_for(lambda: self.node.log().count("reload-refused") > refusals, 20, "a refusal")

    def handshake(self, *options):
        """(whether it was done, what s_client says)"""
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", self.ca, *options], input="", capture_output=True, text=True,
                              check=False, timeout=20)
        return done.returncode == 0 and "Cipher is (NONE)" not in done.stdout, done.stdout

    def test_1_rules_of_tls(self):
        for options, good in ((("-tls1_3",), True), (("-tls1_2",), True), (("-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"), False), (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), False),
                              (("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), True), (("-tls1_2", "-sigalgs", "ECDSA+SHA1", "-cipher", "DEFAULT@SECLEVEL=0"), False)):
            self.assertEqual(self.handshake(*options)[0], good, options)
        self.assertIn("No ALPN", self.handshake("-tls1_3")[1])
        self.assertNotIn("session ticket", self.handshake("-tls1_2")[1])
        self.assertNotIn("Reused", self.handshake("-tls1_2", "-reconnect")[1])
        with self.assertRaises((OSError, http.client.HTTPException)):
            Client(self.port).ask("GET", "/readyz")

    def test_2_a_session_over_tls(self):
        client = Encrypted(self.port, self.ca)
        self.assertRegex(client.log_in("rita").headers["Set-Cookie"], "; Secure$")
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/x/read").status, 404)
        connection = client.connect()
        connection.request("GET", "/api/v1/events", headers={"Cookie": client.cookie})
        response = connection.getresponse()
        self.assertTrue(any(response.readline().startswith(b"event:") for _ in range(6)))  # suspended and resumed
        connection.close()
        basic = "Basic " + base64.b64encode(f"vera:{secret('vera')}".encode()).decode()
        answer = h.wait_for(lambda: (lambda a: a if a.status != 429 else None)(client.ask("GET", "/dicomweb/studies", Authorization=basic)), 5, "an answer")
        self.assertEqual(answer.status, 200)
        self.renewed(client)

    def renewed(self, client):
        """Another certificate by a reload: who is logged in stays so."""
        before = self.handshake()[1]
        self.files.certificate("console", "ca")
        self.reload(self.tls)
        self.assertNotEqual(re.search("-----BEGIN.*?-----END", before, re.S).group(), re.search("-----BEGIN.*?-----END", self.handshake()[1], re.S).group())
        self.assertEqual(client.ask("GET", "/api/v1/session").status, 200)

    def test_2b_one_too_many_is_told(self):
        """Over TLS, too: 503 and the end; then room again. Those that do not even ask are closed."""
        self.reload(self.tls + ' connections="4" requestTime="2"')

        def hold():
            held = [socket.create_connection(("127.0.0.1", self.port), 20) for _ in range(4)]
            time.sleep(0.3)
            if not select.select(held, [], [], 0)[0]:
                return held
            for s in held:
                s.close()
            return None
        held = h.wait_for(hold, 20, "four connections")
        for path in ("/readyz", "/api/v1/worklist"):
            connection = Encrypted(self.port, self.ca).connect()
            connection.request("GET", path)
            answer = Answer(connection.getresponse())
            self.assertEqual((answer.status, answer.headers["Retry-After"], answer.json["error"]), (503, "5", "the console has too many connections"))
            self.assertEqual(answer.headers["Connection"], "close")
            connection.close()
        more = [socket.create_connection(("127.0.0.1", self.port), 20) for _ in range(9)]
        self.assertTrue(select.select(more, [], [], 1)[0])  # the ninth: nobody holds the console by being one too many
        for s in held + more:
            s.close()

        def room():
            with contextlib.suppress(OSError):
                return Encrypted(self.port, self.ca).ask("GET", "/readyz").status == 200
        h.wait_for(room, 10, "room again")

    def test_3_files_that_cannot_be_used(self):
        for spoil, why in ((lambda: shutil.copy(self.files.path("ca.key"), self.files.path("console.key")), "<console key="),
                           (lambda: os.chmod(self.files.path("console.key"), 0o644), "expected 0600"),
                           (lambda: self.files.certificate("console", "ca", new=RSA_1024), "key too small")):
            spoil()
            checked = self.node.admin("check")
            self.assertEqual(checked.returncode, 78, why)
            self.assertIn(why, checked.stderr)
            self.assertNotIn("<tls", checked.stderr)
            self.reload(self.tls, taken=False)
            file, line = re.search(rf"(?m)^(\S+):(\d+): .*{why}", checked.stderr).groups()
            self.assertRegex(self.node.log(), rf'tls-files-bad file="?{re.escape(file)}"? line={line} reason="(?=<console ).*{why}')
            self.assertTrue(self.handshake()[0])
            self.files.certificate("console", "ca")

    def test_4_whom_a_proxy_names(self):
        self.reload(HEADERS)
        anna = {"X_Remote_User": "anna", "X_Remote_Groups": "staff, reader"}
        client = Client(self.port)
        for headers in ({}, {"X_Remote_User": "anna"}, {"X_Remote_User": "anna", "X_Remote_Groups": "readers"}, {"X_Remote_User": "an na", "X_Remote_Groups": "reader"},
                        {"X_Remote_User": "", "X_Remote_Groups": "reader"}):
            self.assertEqual(client.ask("GET", "/api/v1/session", **headers).status, 401, headers)
        begun = client.ask("GET", "/api/v1/session", **anna)
        self.assertEqual((begun.status, begun.json["name"], begun.json["role"]), (200, "anna", "reader"))
        client.cookie, client.csrf = begun.headers["Set-Cookie"].split(";")[0], begun.json["csrf"]
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/x/read", **anna).status, 404)
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/x/read", csrf=False, **anna).status, 403)
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "shadow"}, **anna).status, 403)
        tried = client.ask("POST", "/api/v1/try", b"no image", kind="application/octet-stream", **anna)
        self.assertEqual(tried.status, 415, tried.body)  # by the trial role, which needs no accounts here
        self.assertEqual(Client(self.port).ask("PUT", "/api/v1/worklist/x/read", **anna).status, 401)  # no session, no token
        self.assertEqual(Client(self.port).ask("GET", "/api/v1/worklist", **anna).status, 200)
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 401)  # the cookie alone is nobody
        self.assertEqual(client.ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")}).status, 403)
        self.assertEqual(client.ask("GET", "/api/v1/session", X_Remote_User="otto", X_Remote_Groups="viewer").json["name"], "otto")
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/x/read", **anna).status, 401)  # that ended hers
        self.twice()

    def twice(self):
        """A proxy that appends what it should replace: nobody is believed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.putrequest("GET", "/api/v1/session")
        for name in ("admin", "anna"):
            connection.putheader("X-Remote-User", name)
        connection.putheader("X-Remote-Groups", "admin")
        connection.endheaders()
        self.assertEqual(Answer(connection.getresponse()).status, 401)
        connection.close()

    def test_5_accounts_are_the_table(self):
        self.reload(f'accounts="{self.accounts}" proxies="127.0.0.1" userHeader="X-Remote-User"')
        self.assertEqual(Client(self.port).ask("GET", "/api/v1/session", X_Remote_User="vera").json["role"], "viewer")
        self.assertEqual(Client(self.port).ask("GET", "/api/v1/session", X_Remote_User="anna").status, 401)

    def test_6_who_is_no_proxy_is_not_believed(self):
        self.reload(HEADERS.replace("127.0.0.1", "192.0.2.1"))
        self.assertEqual(Client(self.port).ask("GET", "/api/v1/session", X_Remote_User="otto", X_Remote_Groups="admin").status, 401)

    @unittest.skipUnless(shutil.which("nginx"), "skipped: no nginx (scripts/deps --peers)")
    def test_7_nginx(self):
        """The example of docs/console.md, with ports and files of the test."""
        self.reload(HEADERS)
        with open(os.path.join(h.SOURCE, "docs/console.md"), encoding="utf-8") as f:
            example = re.search(r"```nginx\n(.*?)```", f.read(), re.S).group(1)
        folder, port = tempfile.mkdtemp(prefix="cervigate-nginx-"), h.free_port()
        passwords = os.path.join(folder, "passwords")
        with open(passwords, "w", encoding="utf-8") as f:
            for name in ("anna", "otto", "eve"):
                f.write(f"{name}:{{PLAIN}}{secret(name)}\n")
        os.chmod(folder, 0o755)
        for old, new in (("listen 443", f"listen 127.0.0.1:{port}"), ("127.0.0.1:8104", f"127.0.0.1:{self.port}"), ("/etc/nginx/cervigate.crt", self.files.path("console.crt")),
                         ("/etc/nginx/cervigate.key", self.files.path("console.key")), ("/etc/nginx/cervigate.passwords", passwords)):
            self.assertEqual(example.count(old), 1, old)
            example = example.replace(old, new)
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = os.path.join(folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;\nevents {{}}\nhttp {{ access_log off; {temporary}\n{example}\n}}\n")
        nginx = subprocess.Popen(["nginx", "-p", folder, "-c", config, "-e", folder + "/error"], **h.QUIET)
        try:
            self.through(port)
        finally:
            nginx.terminate()
            nginx.wait(10)
            shutil.rmtree(folder)

    def through(self, port):
        def as_user(name, password=None, **headers):
            client = Encrypted(port, self.ca)
            client.answered_by_the_console = False
            basic = "Basic " + base64.b64encode(f"{name}:{password or secret(name)}".encode()).decode()
            return client, lambda method, path, **more: client.ask(method, path, Authorization=basic, **headers, **more)

        def up():
            try:
                return as_user("anna")[1]("GET", "/api/v1/session").status == 200
            except OSError:
                return False
        h.wait_for(up, 30, "nginx")
        self.assertEqual(as_user("anna", "wrong")[1]("GET", "/api/v1/session").status, 401)
        self.assertEqual(as_user("eve")[1]("GET", "/api/v1/session").json["error"], "log in first")  # known there, no group here
        client, ask = as_user("anna", X_Remote_User="otto", X_Remote_Groups="admin")  # what the browser says of itself is replaced
        begun = ask("GET", "/api/v1/session")
        self.assertEqual((begun.json["name"], begun.json["role"]), ("anna", "reader"))
        self.assertRegex(begun.headers["Set-Cookie"], "; Secure$")
        client.cookie, client.csrf = begun.headers["Set-Cookie"].split(";")[0], begun.json["csrf"]
        self.assertEqual(ask("PUT", "/api/v1/worklist/x/read", Origin=f"https://127.0.0.1:{port}", Sec_Fetch_Site="same-origin").status, 404)
        self.assertEqual(ask("PUT", "/api/v1/worklist/x/read", Origin="https://evil.example.org").status, 403)


if __name__ == "__main__":
    unittest.main(verbosity=2)
