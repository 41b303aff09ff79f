#!/usr/bin/env python3
"""Who may ask the console, and how it takes a crowd: HTTP with the real daemon."""
import concurrent.futures
import datetime
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import unittest

from http_fixture import PEOPLE, Base, Client, enrol, h, secret, sleeps


class Doors(Base):
    def test_what_anybody_may_ask(self):
        for path in ("/healthz", "/readyz", "/metrics", "/"):
            self.assertIn(self.client().ask("GET", path).status, (200, 503) if path == "/healthz" else (200,), path)

    def test_what_needs_a_login(self):
        for method, path in (("GET", "/api/v1/worklist"), ("GET", "/api/v1/events"), ("GET", "/api/v1/node"), ("GET", "/api/v1/studies/1.2"),
                             ("PUT", "/api/v1/worklist/1.2/read"), ("POST", "/api/v1/node/mode"), ("GET", "/api/v1/session")):
            answer = self.client().ask(method, path)
            self.assertEqual((answer.status, answer.json["error"]), (401, "log in first"), path)

    def test_every_answer_is_guarded(self):
        for path in ("/", "/healthz", "/nothing", "/api/v1/worklist"):
            headers = self.client().ask("GET", path).headers
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
            self.assertNotIn("unsafe", headers["Content-Security-Policy"])
            self.assertEqual((headers["X-Content-Type-Options"], headers["X-Frame-Options"], headers["Referrer-Policy"]),
                             ("nosniff", "DENY", "no-referrer"), path)
        self.assertEqual(self.client().ask("GET", "/api/v1/worklist").headers["Cache-Control"], "no-store")

    def test_login(self):
        answer = Client(self.port).log_in("rita")
        self.assertEqual((answer.status, answer.json["name"], answer.json["role"]), (200, "rita", "reader"))
        cookie = answer.headers["Set-Cookie"]
        self.assertRegex(cookie, r"^cervigate=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200$")
        time.sleep(0.3)
        self.assertRegex(self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")},
                                           X_Forwarded_Proto="https").headers["Set-Cookie"], "; Secure$")

    def test_login_refused(self):
        for body, kind, status in (({"name": "rita", "password": "not it at all"}, "application/json", 401),
                                   ({"name": "nobody", "password": secret("rita")}, "application/json", 401),
                                   ({"name": "rita"}, "application/json", 400), ({"name": "rita\r\nX: y", "password": "p"}, "application/json", 400),
                                   ([1], "application/json", 400), (b"{", "application/json", 400),
                                   (b"name=rita&password=x", "application/x-www-form-urlencoded", 400)):
            time.sleep(0.1)
            answer = self.client().ask("POST", "/api/v1/session", body, kind=kind)
            self.assertEqual(answer.status, status, body)
            self.assertNotIn("X", answer.headers)
            self.assertIsNone(answer.headers["Set-Cookie"])

    def test_logout(self):
        client = self.client("vera")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 200)
        self.assertEqual(client.ask("DELETE", "/api/v1/session").status, 204)
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 401)

    def test_pages_of_other_sites(self):
        client = self.client("rita")
        for headers in ({"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Site": "same-site"}):
            answer = client.ask("PUT", "/api/v1/worklist/1.2.3/read", **headers)
            self.assertEqual((answer.status, answer.json["error"]), (403, "this was asked by a page of another site"), headers)
            answer = Client(self.port).ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")}, **headers)
            self.assertEqual(answer.status, 403, headers)
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/1.2.3/read", csrf=False).status, 403)
        self.assertEqual(client.ask("PUT", "/api/v1/worklist/1.2.3/read", csrf=False, X_CSRF_Token="0" * 64).status, 403)
        answer = client.ask("PUT", "/api/v1/worklist/1.2.3/read", Origin=f"http://127.0.0.1:{self.port}", Sec_Fetch_Site="same-origin")
        self.assertIn(answer.status, (404, 202))  # it reached the node: there is no such study, or a slow one has not said so yet

    def test_roles(self):
        vera, rita, ada = (self.client(n) for n in PEOPLE)
        self.assertEqual(vera.ask("PUT", "/api/v1/worklist/1.2.3/read").json["error"], "your role does not allow this")
        self.assertEqual(rita.ask("POST", "/api/v1/node/mode", {"mode": "shadow"}).status, 403)
        self.assertEqual(rita.ask("GET", "/api/v1/node/configuration").status, 403)
        self.assertIn("aeTitle=\"CERVIGATE\"", ada.ask("GET", "/api/v1/node/configuration").json["effective"])

    def test_addresses_that_are_none(self):
        client = self.client("ada")
        for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/studies/../../x", "/api/v1/studies/%2e%2e", "/api/v1/studies/",
                     "/api/v1/studies/1.2.3", "/api/v1/studies/1.2.3/images/1/picture", "/api/v1/studies/1.2.3/x", "/api/v1/studies/" + "1" * 70,
                     "/api/v1/worklist/x", "/console.css/", "/index.html/x", "//", "/web/index.html", "/%00"):
            self.assertEqual(client.ask("GET", path).status, 404, path)
        for path in ("/api/v1/worklist/1.2.3", "/api/v1/worklist/1.2.3/reads", "/api/v1/worklist/../read", "/api/v1/worklist//read"):
            self.assertEqual(client.ask("PUT", path).status, 404, path)
        answer = client.ask("PATCH", "/api/v1/worklist")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET"))
        self.assertEqual(client.ask("POST", "/healthz").headers["Allow"], "GET")
        self.assertEqual(client.ask("POST", "/api/v1/session", b"x" * 20000).status, 413)
        self.assertEqual(client.ask("HEAD", "/").body, b"")

    def test_nobody_writes_headers(self):
        """A line's end in an address, a query or a header of the request starts no header of the answer."""
        client = self.client("ada")
        line = "%0d%0aX-Written:%20yes%0d%0a%0d%0a"
        for path in (f"/{line}", f"/api/v1/studies/1.2{line}", f"/api/v1/studies/1.2/images/{line}/picture", f"/api/v1/worklist/{line}/read", f"/api/v1/node/audit?user={line}",
                     f"/dicomweb/studies?PatientID={line}", f"/dicomweb/studies/1.2{line}/metadata", f"/api/v1/node/peers/destination/pacs{line}/echo"):
            for method in ("GET", "PUT"):
                answer = client.ask(method, path)
                self.assertLess(answer.status, 500, path)
                self.assertNotIn("X-Written", answer.headers, path)
        for name in ("Host", "Origin", "Cookie", "X-Forwarded-For", "X-Forwarded-Proto", "Accept", "If-None-Match", "Range"):
            for end in (b"\r", b"\n", b"\r\n "):
                said = self.read(self.raw(b"GET /api/v1/worklist HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + name.encode() + b": a" + end + b"X-Written: yes\r\n\r\n"))
                self.assertNotIn(b"X-Written", said, (name, end))

    def test_slow(self):
        """A byte now and then is no request: such connections end, and others are answered meanwhile."""
        slow = [self.raw(b"GET /readyz HTTP/1.1\r\n") for _ in range(4)]
        begun, ended, asked = time.monotonic(), [], 0
        while len(ended) < len(slow) and time.monotonic() < begun + 10:
            for s in slow:
                if s.fileno() >= 0 and self.has_ended(s):
                    s.close()
                    ended.append(time.monotonic() - begun)
            if len(ended) < len(slow):
                self.assertEqual(self.client().ask("GET", "/readyz").status, 200)
                asked += 1
        self.assertEqual(len(ended), len(slow))
        self.assertGreater(asked, 2)
        self.assertTrue(1.5 < min(ended) and max(ended) < 5, ended)
        self.assertEqual(self.client().ask("GET", "/readyz").status, 200)

    @staticmethod
    def has_ended(s):
        """Sends it a byte more."""
        try:
            s.sendall(b"X")
            s.settimeout(0.1)
            return s.recv(4096) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def test_openapi(self):
        """Every address in the description is there for the methods that it names and for no others, and needs a login where it says so."""
        api = json.loads(self.client().ask("GET", "/openapi.json").body)
        self.assertEqual(api["openapi"], "3.1.0")
        self.assertNotIn('"additionalProperties": true', json.dumps(api))  # described.py lets everything through there
        methods = {"get", "post", "put", "delete"}
        for path, about in api["paths"].items():
            path = re.sub(r"\{\w+\}", "1", path.replace("{study}", "1.2.3").replace("{kind}/{name}", "destination/pacs"))
            for method in methods:
                answer = self.client().ask(method.upper(), path, {} if method in ("post", "put") else None)
                if method not in about:
                    self.assertIn(answer.status, (405, 401, 404), (method, path))
                    continue
                self.assertNotEqual(answer.status, 405, (method, path))
                if about[method].get("security") != [] and (method, path) != ("delete", "/api/v1/session"):
                    self.assertEqual(answer.status, 401, (method, path))

    def test_page_is_asked_for_once(self):
        first = self.client().ask("GET", "/")
        again = self.client().ask("GET", "/", If_None_Match=first.headers["ETag"])
        self.assertEqual((first.status, again.status, again.body), (200, 304, b""))


class Accounts(Base):
    def test_a_role_that_does_not_run_is_a_reason(self):
        """Each that the configuration wants, and no other: the audit role has no collector here. The supervisor's file says so, as between a death and a new start."""
        h.wait_for(lambda: self.node.status()["well"], 30, "a node that is well")
        path = os.path.join(self.node.spool, "run/node")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        try:
            for role in ("receive", "analyze", "deliver", "console", "trial"):
                with open(path + ".new", "w", encoding="utf-8") as f:
                    f.write(re.sub(rf"(?m)^{role}_pid=\d+$", f"{role}_pid=0", text))
                os.replace(path + ".new", path)
                said = self.node.status()
                self.assertEqual([(w["name"], w["detail"]) for w in said["why"]], [(role, "this role does not run")])
                self.assertEqual([r["name"] for r in said["roles"]].count("audit"), 0)
        finally:
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        h.wait_for(lambda: self.node.status()["well"], 10, "well again")

    def test_none(self):
        node = h.Node({}, console="")
        try:
            client = Client(int(node.facts()["console_port"]))
            answer = client.ask("POST", "/api/v1/session", {"name": "a", "password": "b"})
            self.assertEqual(answer.status, 403)
            self.assertIn("cervigate user add", answer.json["error"])
            self.assertEqual(client.ask("GET", "/readyz").status, 200)
            self.assertEqual(enrol(node, "anna", "viewer").returncode, 78)
        finally:
            node.stop()

    def test_reload_keeps_sessions(self):
        vera, rita, was = self.client("vera"), self.client("rita"), self.node.facts()["console_pid"]
        enrol(self.node, "rita", None, "remove")
        self.addCleanup(enrol, self.node, "rita", "reader")
        os.kill(int(self.node.facts()["pid"]), signal.SIGHUP)
        h.wait_for(lambda: self.node.facts()["console_pid"] not in ("0", was), 20, "a new console")
        self.assertEqual(vera.ask("GET", "/api/v1/worklist").status, 200)
        self.assertEqual(vera.ask("PUT", "/api/v1/worklist/1.2.3/read").json["error"], "your role does not allow this")
        h.wait_for(lambda: rita.ask("GET", "/api/v1/session").status == 401, 5, "the end of the session of an account that is gone")

    def test_what_the_page_asks_by_itself_is_no_use(self):
        """Of the end that the node tells; that it keeps to it is the unit test's."""
        client = self.client("vera")

        def ends(**headers):
            time.sleep(1.1)
            return datetime.datetime.fromisoformat(client.ask("GET", "/api/v1/session", **headers).json["expires"].replace("Z", "+00:00"))
        first = ends()
        client.ask("GET", "/api/v1/worklist", X_Automatic="1")
        stream = self.raw(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {client.cookie}\r\n\r\n".encode())
        self.assertIn(b"200 OK", stream.recv(4096))
        stream.close()
        self.assertLess(abs(ends(X_Automatic="1") - first), datetime.timedelta(seconds=0.5))
        self.assertGreater(ends() - first, datetime.timedelta(seconds=2))

    def test_changes_end_sessions(self):
        for verb, role, now in (("role", "reader", 200), ("password", None, 401), ("remove", None, 401)):
            name = "temp-" + verb
            self.assertEqual(enrol(self.node, name, "viewer").returncode, 0)
            h.wait_for(lambda name=name: Client(self.port).log_in(name).status == 200, 5, "the new account")
            client = self.client(name)
            done = enrol(self.node, name, role, verb, "another password")
            self.assertEqual(done.returncode, 0, done.stderr)
            h.wait_for(lambda client=client: client.ask("GET", "/api/v1/session").status == 401, 5, "the end of the session")
            time.sleep(0.2)
            self.assertEqual(self.client().log_in(name).status, now)

    def test_command(self):
        listed = self.node.admin("user", "list", "--json").stdout.splitlines()
        self.assertIn({"name": "rita", "role": "reader"}, [json.loads(line) for line in listed])
        for name, role, verb, password, status in (("rita", "reader", "add", None, 1), ("nobody", None, "remove", None, 1), ("x", "reader", "add", "short", 65),
                                                   ("x", "chief", "add", None, 64), ("x:y", "reader", "add", None, 64), ("x", "reader", "make", None, 64),
                                                   ("x", "reader", "add", "l" * 257, 65)):
            done = enrol(self.node, name, role, verb, password)
            self.assertEqual(done.returncode, status, (verb, done.stderr))
            self.assertTrue(done.stderr)
        with open(self.accounts, encoding="utf-8") as f:
            accounts = f.read()
        self.assertNotIn("password of", accounts)
        for name in PEOPLE:  # 19 MiB, 2 passes
            self.assertRegex(accounts, rf"(?m)^{name}:\w+:\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{{22}}\$[A-Za-z0-9+/]{{43}}$")
        self.assertEqual(os.stat(self.accounts).st_mode & 0o777, 0o600)

    def test_commands_at_once_lose_none(self):
        names = [f"twin{i}" for i in range(10)]
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            done = list(pool.map(lambda name: enrol(self.node, name, "viewer"), names))
            self.assertEqual([d.returncode for d in done], [0] * len(names), [d.stderr for d in done])
            listed = self.node.admin("user", "list", "--json").stdout.splitlines()
            self.assertLessEqual(set(names), {json.loads(line)["name"] for line in listed})
            done = list(pool.map(lambda name: enrol(self.node, name, None, "remove"), names))
        self.assertEqual([d.returncode for d in done], [0] * len(names), [d.stderr for d in done])
        self.assertNotIn("twin", self.node.admin("user", "list").stdout)

    def test_somebody_was_quicker(self):
        command = [os.path.join(h.BIN, "cervigate"), "user", "add", "quick", "--role", "viewer", "--config", self.node.config]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waits:
            h.wait_for(lambda: all(sleeps(waits.pid) for _ in range(5)), 10, "the question for the password")
            self.assertEqual(enrol(self.node, "quick", "admin").returncode, 0)
            told = waits.communicate("another password\n")[1]
        self.assertEqual((waits.returncode, told), (1, "cervigate user: there is already a quick\n"))
        self.assertRegex(self.node.admin("user", "list").stdout, r"(?m)^quick +admin$")
        self.assertEqual(enrol(self.node, "quick", None, "remove").returncode, 0)

    def test_damaged_file(self):
        with open(self.accounts, encoding="utf-8") as f:
            was = f.read()
        try:
            with open(self.accounts, "w", encoding="utf-8") as f:
                f.write(was + "nonsense\n")
            line = was.count("\n") + 1
            refused = self.node.admin("user", "list")
            self.assertEqual(refused.returncode, 74)
            self.assertIn(f":{line}: expected name:role:hash", refused.stderr)
            checked = self.node.admin("check")
            self.assertEqual(checked.returncode, 78)
            self.assertIn(f"<console accounts>: {self.accounts}:{line}: expected name:role:hash", checked.stderr)
            h.wait_for(lambda: "accounts-unreadable" in self.node.log(), 5, "the log")
            answer = self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")})
            self.assertEqual(answer.status, 403)
        finally:
            with open(self.accounts, "w", encoding="utf-8") as f:
                f.write(was)
        h.wait_for(lambda: self.client().log_in("rita").status == 200, 5, "the accounts again")


class Ceilings(Base):
    """One below and one above each: streams of a session, connections of an address, the time of an answer; and a thousand streams at once."""
    limits = 'connections="200" streams="24" requestTime="60" answerTime="3"'

    def events(self, client, address="127.0.0.1"):
        """A stream that is asked for, and held."""
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=(address, 0))
        self.addCleanup(s.close)
        s.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {client.cookie}\r\n\r\n".encode())
        return s

    def head(self, s):
        """Status and headers of the answer."""
        said = b""
        while b"\r\n\r\n" not in said:
            part = s.recv(4096)
            self.assertTrue(part, said)
            said += part
        return said.partition(b"\r\n\r\n")[0].decode()

    def test_connections_of_an_address(self):
        held = [socket.create_connection(("127.0.0.1", self.port), timeout=20, source_address=("127.0.0.2", 0)) for _ in range(65)]
        for s in held:
            self.addCleanup(s.close)
        self.assertEqual(self.head(held[64]).split()[1], "503")  # before it has said a word
        time.sleep(0.5)
        self.assertEqual(select.select(held[:64], [], [], 0)[0], [])
        held[63].sendall(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertEqual(self.head(held[63]).split()[1], "200")
        self.assertEqual(self.client().ask("GET", "/readyz").status, 200)  # from another address

    def test_an_answer_that_nobody_takes(self):
        """More answers than the kernel holds: whoever takes them within answerTime has all of them, whoever does not is cut off, and no one else feels it."""
        def asked(pause):
            s = socket.socket()
            self.addCleanup(s.close)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(20)
            s.connect(("127.0.0.1", self.port))
            s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 99 + b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            time.sleep(pause)
            self.assertEqual(self.client().ask("GET", "/readyz").status, 200)
            said = bytearray()
            try:
                while part := s.recv(1 << 20):
                    said += part
            except ConnectionResetError:
                pass
            return said.count(b"HTTP/1.1 200")
        self.assertEqual(asked(1), 100)
        cut = asked(5)
        self.assertTrue(0 < cut < 100, cut)

    def test_streams_of_a_session_then_a_thousand_at_once(self):
        """All held open by who asks, from many addresses: as many as there may be are streams, each other is told so, and a page is answered meanwhile."""
        clients = [self.client("vera") for _ in range(8)]
        heads = [self.head(self.events(clients[0])) for _ in range(9)]
        self.assertEqual([x.split()[1] for x in heads], ["200"] * 8 + ["503"])
        heads, held, slowest = heads[:8], [], 0
        for i in range(1000):
            held.append(self.events(clients[i % 8], f"127.0.1.{i // 50 + 1}"))
            if i % 25 == 24:
                heads += [self.head(s) for s in held[-25:]]
                begun = time.monotonic()
                self.assertEqual(clients[0].ask("GET", "/api/v1/worklist").status, 200)
                slowest = max(slowest, time.monotonic() - begun)
        refused = [x for x in heads if x.split()[1] != "200"]
        self.assertEqual((len(heads), len(refused)), (1008, 1008 - 24))
        self.assertEqual({(x.split()[1], re.search(r"(?m)^Retry-After: (\d+)\r?$", x)[1]) for x in refused}, {("503", "15")})
        print(f"the slowest list in between {1000 * slowest:.0f} ms")


class Crowd(Base):
    limits = 'connections="12" streams="3" idleTime="60"'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.idle, cls.busy = (Client(int(cls.node.facts()["console_port"])) for _ in range(2))
        for client in (cls.idle, cls.busy):
            assert client.log_in("vera").status == 200
        cls.begun = cls.asked = time.monotonic()

    def tearDown(self):
        self.stays()

    def stays(self):
        """Who does something is there; whoever could not for a minute, for the machine stood still, comes again. Whether it did not."""
        stood = time.monotonic() - self.asked > 50
        status = self.busy.ask("GET", "/api/v1/worklist").status
        if stood and status == 401:
            status = h.wait_for(lambda: self.busy.log_in("vera").status == 200 and 200, 90, "a log-in: those that failed before are still counted")
        self.assertEqual(status, 200)
        type(self).asked = time.monotonic()
        return not stood

    def test_z_a_session_ends_by_itself(self):
        """Last, since the shortest is a minute: who did nothing in it is nobody, and his open stream is ended; who did something is there."""
        if time.monotonic() - self.begun > 40:  # on a slow machine the tests before have used the minute up
            h.wait_for(lambda: self.idle.log_in("vera").status == 200, 90, "a log-in: those that failed before are still counted")
            type(self).begun = time.monotonic()
        self.assertEqual(self.idle.ask("GET", "/api/v1/worklist", X_Automatic="1").status, 200)
        def listen():
            """A stream; those that the test before has just ended may still count."""
            stream = self.raw(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {self.idle.cookie}\r\n\r\n".encode())
            if b"200 OK" in stream.recv(4096):
                return stream
            stream.close()
            return None
        stream = h.wait_for(listen, 20, "a place for a stream")
        stream.settimeout(70 * h.PATIENCE)
        said, steady = b"", True
        while not said.endswith(b"0\r\n\r\n"):
            part = stream.recv(4096)
            self.assertTrue(part, "the connection ended, and not the stream")
            said += part
            steady &= self.stays()  # every 15 s a comment comes
        stream.close()
        self.assertGreater(time.monotonic() - self.begun, 58)
        if steady:
            self.assertLess(time.monotonic() - self.begun, 70 * h.PATIENCE)
        for method, path in (("GET", "/api/v1/worklist"), ("GET", "/api/v1/session"), ("GET", "/api/v1/events"), ("PUT", "/api/v1/worklist/1.2.3/read")):
            answer = self.idle.ask(method, path)
            self.assertEqual((answer.status, answer.json["error"]), (401, "log in first"), path)

    def test_one_too_many(self):
        def hold():
            """Twelve that are in; a connection that has just ended may still count."""
            held = [self.raw() for _ in range(12)]
            time.sleep(0.5)
            if not select.select(held, [], [], 0)[0]:
                return held
            for s in held:
                s.close()
            return None
        held = h.wait_for(hold, 20, "twelve connections")
        answer = self.read(self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
        self.assertIn(b"Retry-After: 5\r\n", answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        self.assertEqual(int(re.search(rb"Content-Length: (\d+)", head).group(1)), len(body))
        self.assertEqual(json.loads(body)["error"], "the console has too many connections")
        for s in held:
            s.close()
        h.wait_for(lambda: self.client().ask("GET", "/readyz").status == 200, 5, "room again")

    def test_streams(self):
        client = self.client("vera")
        request = f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nCookie: {client.cookie}\r\n\r\n".encode()
        streams = [self.raw(request) for _ in range(3)]
        for s in streams:
            self.assertIn(b"200 OK", s.recv(4096))
        answer = client.ask("GET", "/api/v1/events")
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (503, "15"))
        said = []
        for _ in range(20):  # a thousand at once: Ceilings
            s = self.raw(request)
            s.settimeout(20)
            said.append(s.recv(12))
            s.close()
        self.assertEqual(set(said), {b"HTTP/1.1 503"})
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 200)
        for s in streams:
            s.close()
        h.wait_for(lambda: self.read_head(request) == b"HTTP/1.1 200", 40, "room for a stream again")

    def read_head(self, request):
        s = self.raw(request)
        head = s.recv(12)
        s.close()
        return head

    def test_garbage(self):
        for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 1000, b"GET " + b"/" * 100000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 100000 + b"\r\n\r\n", b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                     b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", os.urandom(5000)):
            s = self.raw()
            try:
                s.sendall(text)
            except OSError:
                pass
            answer = self.read(s)
            self.assertFalse(answer.startswith(b"HTTP/1.1 200"), text[:40])
        self.assertEqual(self.client().ask("GET", "/readyz").status, 200)
        self.assertNotIn("role-ended", self.node.log())

    def test_whoever_guesses_waits(self):
        said = []
        for n in range(12):
            answer = self.client().ask("POST", "/api/v1/session", {"name": "vera", "password": f"guess number {n}"})
            said.append((answer.status, int(answer.headers["Retry-After"] or 0)))
            time.sleep(0.1)
        self.assertEqual([s for s, _ in said[:5]], [401] * 5)
        self.assertTrue(any(s == 429 and after > 1 for s, after in said[5:]), said)
        self.assertEqual(self.client().log_in("vera").status, 429)
        # Behind a proxy on this machine it is the guesser who waits, not everybody; what he says of himself before the proxy does not count.
        headers = {"X-Forwarded-For": "10.1.1.1, 192.0.2.7"}
        for n in range(8):
            time.sleep(0.1)
            said = self.client().ask("POST", "/api/v1/session", {"name": f"nobody{n}", "password": "a guess"}, **headers)
        self.assertEqual(said.status, 429)
        time.sleep(0.1)
        other = self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")}, X_Forwarded_For="192.0.2.7, 192.0.2.8")
        self.assertEqual(other.status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
