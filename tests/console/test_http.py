#!/usr/bin/env python3
"""The console as its peers see it: HTTP with the real daemon and real studies."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

import numpy
import pydicom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness as h  # noqa: E402

PEOPLE = {"vera": "viewer", "rita": "reader", "ada": "admin"}
LIMITS = 'connections="12" streams="3" requestTime="2"'


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """One person's browser, without its looks."""

    def __init__(self, port):
        self.port, self.cookie, self.csrf = port, None, None

    def ask(self, method, path, body=None, kind="application/json", csrf=True, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if csrf and self.csrf and method != "GET":
            headers["X-CSRF-Token"] = self.csrf
        if body is not None:
            headers.setdefault("Content-Type", kind)
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def log_in(self, name, password=None):
        for _ in range(20):  # verifying is rationed: a moment between two
            answer = self.ask("POST", "/api/v1/session", {"name": name, "password": password or secret(name)})
            if answer.status != 429 or int(answer.headers["Retry-After"]) > 1:
                break
            time.sleep(0.2)
        if answer.status == 200:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
            self.csrf = answer.json["csrf"]
        return answer


def secret(name):
    return f"password of {name}"


def enrol(node, name, role, verb="add", password=None):
    command = [os.path.join(h.BIN, "cervigate"), "user", verb, name, "--config", node.config]
    return subprocess.run(command + (["--role", role] if verb in ("add", "role") else []), input=(password or secret(name)) + "\n",
                          capture_output=True, text=True, check=False)


class Base(unittest.TestCase):
    limits, mode, more = LIMITS, "demo", ""

    @classmethod
    def setUpClass(cls):
        cls.accounts = h.tempfile.mktemp(prefix="cervigate-accounts-")
        cls.pacs = h.StoreScp()
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)}, mode=cls.mode, console=f'accounts="{cls.accounts}" {cls.limits}')
        for name, role in PEOPLE.items():
            assert enrol(cls.node, name, role).returncode == 0
        cls.images = h.phantoms(os.path.join(cls.node.folder, "phantoms"), 6)

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.pacs.close()
        if os.path.exists(cls.accounts):
            os.unlink(cls.accounts)

    @property
    def port(self):
        return int(self.node.facts()["console_port"])

    def client(self, name=None):
        client = Client(self.port)
        if name:
            self.assertEqual(client.log_in(name).status, 200)
        return client

    def send(self, number, **about):
        path = os.path.join(self.node.folder, f"{time.monotonic_ns()}.dcm")
        image = h.wrap(h.grey(self.images[number][0]), path, **about)
        self.assertEqual(self.node.send(path).returncode, 0)
        return str(image.StudyInstanceUID)

    def raw(self, text=b""):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        s.sendall(text)
        return s

    @staticmethod
    def read(s):
        data = b""
        try:
            while chunk := s.recv(4096):
                data += chunk
        except ConnectionResetError:
            data += b" RESET"
        s.close()
        return data

    def entry(self, client, study, done=lambda e: e["report"]):
        def find():
            entries = client.ask("GET", "/api/v1/worklist").json["entries"]
            return next((e for e in entries if e["study"] == study and done(e)), None)
        return h.wait_for(find, 60, "the study in the list")


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
        self.assertEqual(answer.status, 404)  # it reached the node: there is no such study

    def test_roles(self):
        vera, rita, ada = (self.client(n) for n in PEOPLE)
        self.assertEqual(vera.ask("PUT", "/api/v1/worklist/1.2.3/read").json["error"], "your role does not allow this")
        self.assertEqual(rita.ask("POST", "/api/v1/node/mode", {"mode": "shadow"}).status, 403)
        self.assertIsNone(rita.ask("GET", "/api/v1/node").json["configuration"])
        self.assertIn("aeTitle=\"CERVIGATE\"", ada.ask("GET", "/api/v1/node").json["configuration"])

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

    def test_slow(self):
        """A byte now and then is no request: its connection ends, and others were answered meanwhile."""
        slow = self.raw(b"GET /readyz HTTP/1.1\r\n")
        begun, ended = time.monotonic(), None
        while ended is None and time.monotonic() < begun + 10:
            try:
                slow.sendall(b"X")
                slow.settimeout(0.2)
                ended = time.monotonic() if slow.recv(4096) == b"" else None
            except TimeoutError:
                continue
            except OSError:
                ended = time.monotonic()
        slow.close()
        self.assertIsNotNone(ended)
        self.assertTrue(1.5 < ended - begun < 5, ended - begun)
        self.assertEqual(self.client().ask("GET", "/readyz").status, 200)

    def test_openapi(self):
        """Every address in the description is there for the methods that it names and for no others, and needs a login where it says so."""
        api = json.loads(self.client().ask("GET", "/openapi.json").body)
        self.assertEqual(api["openapi"], "3.1.0")
        methods = {"get", "post", "put", "delete"}
        for path, about in api["paths"].items():
            path = path.replace("{study}", "1.2.3").replace("{id}", "1")
            for method in methods:
                answer = self.client().ask(method.upper(), path, {} if method in ("post", "put") else None)
                if method not in about:
                    self.assertIn(answer.status, (405, 401, 404), (method, path))
                    continue
                self.assertNotEqual(answer.status, 405, (method, path))
                if "security" not in about[method] and (method, path) != ("delete", "/api/v1/session"):
                    self.assertEqual(answer.status, 401, (method, path))

    def test_page_is_asked_for_once(self):
        first = self.client().ask("GET", "/")
        again = self.client().ask("GET", "/", If_None_Match=first.headers["ETag"])
        self.assertEqual((first.status, again.status, again.body), (200, 304, b""))


class Accounts(Base):
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
            self.assertNotIn("password of", f.read())
        self.assertEqual(os.stat(self.accounts).st_mode & 0o777, 0o600)

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
            h.wait_for(lambda: "accounts-unreadable" in self.node.log(), 5, "the log")
            answer = self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": secret("rita")})
            self.assertEqual(answer.status, 403)
        finally:
            with open(self.accounts, "w", encoding="utf-8") as f:
                f.write(was)
        h.wait_for(lambda: self.client().log_in("rita").status == 200, 5, "the accounts again")


class Crowd(Base):
    limits = 'connections="12" streams="3"'

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
        for _ in range(1000):
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


class Studies(Base):
    limits = 'connections="40" streams="8" viewer="https://pacs.example.org/v?s={study}"'

    def test_announced_by_event(self):
        client, events = self.client("vera"), []

        def listen():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", "/api/v1/events", headers={"Cookie": client.cookie})
            response = connection.getresponse()
            self.assertEqual(response.headers["Content-Type"], "text/event-stream")
            while line := response.readline():
                if line.startswith(b"data: {\"revision\""):
                    events.append((time.monotonic(), json.loads(line[6:])["revision"]))
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        h.wait_for(lambda: events, 10, "the first event")
        study = self.send(0)
        there = None
        while there is None:
            answer = client.ask("GET", "/api/v1/worklist").json
            there = time.monotonic() if any(e["study"] == study for e in answer["entries"]) else None
            time.sleep(0.05)
        h.wait_for(lambda: any(r >= answer["revision"] for _, r in events), 5, "an event")
        told = next(t for t, r in events if r >= answer["revision"])
        self.assertLess(told - there, 2)

    def test_read_and_back(self):
        vera, rita = self.client("vera"), self.client("rita")
        study = self.send(1)
        self.entry(vera, study)
        self.assertEqual(rita.ask("PUT", f"/api/v1/worklist/{study}/read").json, {"answer": "read"})
        h.wait_for(lambda: all(e["study"] != study for e in vera.ask("GET", "/api/v1/worklist").json["entries"]), 5, "leaving the list")
        read = vera.ask("GET", "/api/v1/worklist/read").json["entries"]
        self.assertEqual(read[0]["study"], study)
        self.assertIn("request", self.node.log())
        self.assertIn('who="console:rita"', self.node.log())
        self.assertEqual(rita.ask("DELETE", f"/api/v1/worklist/{study}/read").json, {"answer": "unread"})
        self.entry(vera, study)

    def test_study(self):
        client = self.client("vera")
        study = self.send(0, PatientName="Müller^<script>alert(1)</script>", PatientID="ID-0815", SpecificCharacterSet="ISO_IR 192")
        self.entry(client, study)
        h.wait_for(lambda: len(self.pacs.objects(study=study)) == 2, 30, "delivery")
        seen = h.wait_for(lambda: (lambda s: s if any(t["what"] == "sent" for t in s["timeline"]) else None)(
            client.ask("GET", f"/api/v1/studies/{study}").json), 10, "sent")
        self.assertEqual(seen["patient"]["name"], "Müller^<script>alert(1)</script>")
        self.assertEqual((seen["patient"]["id"], seen["place"]["patient"]), ("ID-0815", "0815"))
        self.assertEqual(seen["viewer"], f"https://pacs.example.org/v?s={study}")
        self.assertTrue(seen["research"])
        self.assertTrue(seen["report"][0].startswith("RESEARCH - trained on synthetic images"))
        kinds = [t["what"] for t in seen["timeline"]]
        self.assertEqual(kinds[:2], ["received", "analysed"])
        self.assertEqual(sorted(t["at"] for t in seen["timeline"]), [t["at"] for t in seen["timeline"]])
        self.assertEqual({d["destination"] for r in seen["results"] for d in r["deliveries"]}, {"pacs"})
        image = seen["images"][0]
        self.assertEqual([c["name"] for c in image["models"][0]["classes"]], ["dislocation", "fracture", "normal"])
        self.assertAlmostEqual(sum(c["score"] for c in image["models"][0]["classes"]), 1, places=5)
        self.check_pixels(client, study, image)

    def check_pixels(self, client, study, image):
        """Both halves are the picture's own, pixel for pixel."""
        answer = client.ask("GET", f"/api/v1/studies/{study}/images/{image['id']}/picture")
        rows, columns, source = (int(answer.headers[n]) for n in ("X-Rows", "X-Columns", "X-Source-Columns"))
        self.assertEqual(image["picture"], {"rows": rows, "columns": columns})
        shown = numpy.frombuffer(answer.body, dtype=numpy.uint8).reshape(rows, columns, 3)
        picture = next(d for d in map(pydicom.dcmread, self.pacs.objects(study=study)) if d.Modality == "OT").pixel_array
        for part in (shown[:, :source], shown[:, source:]):
            if part.shape[1]:
                self.assertTrue(self.is_part(picture, part))
        self.assertTrue((shown[:, :source, 0] == shown[:, :source, 1]).all())  # the original has no colour

    @staticmethod
    def is_part(whole, part):
        rows, columns = part.shape[:2]
        for y in range(whole.shape[0] - rows + 1):
            for x in numpy.flatnonzero((whole[y, :whole.shape[1] - columns + 1] == part[0, 0]).all(axis=1)):
                if (whole[y, x:x + columns] == part[0]).all() and (whole[y:y + rows, x:x + columns] == part).all():
                    return True
        return False

    def test_counters_add_up(self):
        client = self.client("vera")
        path = os.path.join(self.node.folder, "hand.dcm")
        h.wrap(h.grey(self.images[2][0]), path, BodyPartExamined="HAND")
        self.node.send(path)
        self.entry(client, self.send(2))

        def numbers():
            text = Client(self.port).ask("GET", "/metrics").body.decode()
            return {m.group(1): float(m.group(2)) for m in re.finditer(r"^(cervigate_\S+) (\S+)$", text, re.M)}
        stored = len([f for _, _, files in os.walk(os.path.join(self.node.spool, "objects")) for f in files if f.endswith(".dcm")])
        values = h.wait_for(lambda: (lambda v: v if v['cervigate_instances{state="received"}'] == 0 else None)(numbers()), 20, "an idle node")
        self.assertEqual(sum(v for k, v in values.items() if k.startswith("cervigate_instances{")), stored)
        self.assertGreaterEqual(values['cervigate_instances{state="ignored"}'], 1)
        listed = len(client.ask("GET", "/api/v1/worklist").json["entries"])
        self.assertEqual(sum(v for k, v in values.items() if k.startswith("cervigate_worklist_studies{")), listed)
        self.assertTrue(any(k.startswith("cervigate_model_info{name=\"cervigate-phantom\"") for k in values))

    def test_console_dies(self):
        client = self.client("vera")
        was = self.node.facts()["console_pid"]
        os.kill(int(was), signal.SIGKILL)
        h.wait_for(lambda: self.node.facts()["console_pid"] not in ("0", was), 20, "a new console")
        h.wait_for(lambda: client.ask("GET", "/readyz").status == 200, 10, "an answer")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 401)
        self.assertEqual(self.client("vera").ask("GET", "/api/v1/worklist").status, 200)

    def test_stop_all_influence(self):
        client = self.client("ada")
        begun = time.monotonic()
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "shadow"}).json, {"answer": "done"})
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.node.admin("mode").stdout.strip(), "shadow")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").json["mode"], "shadow")
        study = self.send(0)
        self.entry(client, study)
        time.sleep(2)
        self.assertEqual(self.pacs.objects(study=study), [])
        refused = client.ask("POST", "/api/v1/node/mode", {"mode": "clinical"})
        self.assertEqual(refused.status, 409)
        self.assertIn("trained on synthetic images", refused.json["error"])
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "loud"}).status, 400)
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "demo"}).status, 200)
        self.assertIn("console:ada", self.node.admin("audit", "search", "--user", "console:ada", "--json").stdout)

    def test_who_saw_what(self):
        client = self.client("vera")
        study = self.send(0)
        self.entry(client, study)
        client.ask("GET", f"/api/v1/studies/{study}")
        self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": "a wrong one"})
        for words, count in ((("--user", "vera", "--study", study), 1), (("--user", "rita", "--event", "User Authentication", "--outcome", "failure"), 1),
                             (("--user", "vera", "--event", "110114", "--outcome", "success"), 1)):
            found = self.node.admin("audit", "search", *words, "--json").stdout.splitlines()
            self.assertGreaterEqual(len(found), count, words)
        self.assertEqual(self.node.admin("audit", "verify").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
