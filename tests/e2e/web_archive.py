"""An archive with DICOMweb (STOW-RS, QIDO-RS) that can misbehave: a scripted HTTP server."""
import base64
import email.utils
import io
import json
import socketserver
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pydicom


class Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # who hangs up is what is tested


def value(vr, *values):
    return {"vr": vr, "Value": list(values)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def archive(self):
        return self.server.archive

    def answer(self, status, body=b"", kind="application/dicom+json", **headers):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def is_let_in(self):
        wanted = self.archive.secret
        if wanted is None or self.headers.get("Authorization") == wanted:
            return True
        self.answer(401, b"", None, WWW_Authenticate="Basic realm=pacs")
        return False

    def do_GET(self):
        self.archive.note(self)
        behaviour = self.archive.take("query")
        if behaviour:
            return self.misbehave(behaviour, None)
        if not self.is_let_in():
            return None
        url = urlsplit(self.path)
        parts, asked = url.path.removeprefix("/dicom-web/").split("/"), parse_qs(url.query)
        images = list(self.archive.catalogue.values())
        if parts == ["studies"]:
            found = {i.StudyInstanceUID: i for i in images if i.StudyInstanceUID in asked.get("StudyInstanceUID", [i.StudyInstanceUID])}
            matches = [{"0020000D": value("UI", i.StudyInstanceUID), "00100020": value("LO", i.PatientID),
                        "00100021": value("LO", *([i.IssuerOfPatientID] if "IssuerOfPatientID" in i else [])),
                        "00080050": value("SH", *([i.AccessionNumber] if "AccessionNumber" in i else []))} for i in found.values()]
        elif len(parts) == 5 and parts[4] == "instances":
            found = [i for i in images if (i.StudyInstanceUID, i.SeriesInstanceUID) == (parts[1], parts[3])]
            begin = int(asked.get("offset", ["0"])[0])
            most = min(int(asked.get("limit", ["100"])[0]), self.archive.page)
            matches = [{"00080018": value("UI", i.SOPInstanceUID)} for i in found[begin:begin + most]]
        else:
            return self.answer(404)
        return self.answer(200, matches) if matches else self.answer(204, b"", None)

    def do_POST(self):
        self.archive.note(self)
        behaviour = self.archive.take("store")
        if behaviour == "close-at-once":
            self.close_connection = True
            return None
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if behaviour == "behind":
            self.archive.keep(self.instance(body)[1])
            self.close_connection = True
            return None
        if behaviour:
            return self.misbehave(behaviour, body)
        if not self.is_let_in():
            return None
        if self.path != "/dicom-web/studies":
            return self.answer(404)
        syntax, found = self.instance(body)
        if found.SOPClassUID in self.archive.refuses:
            return self.answer(409, {"00081198": value("SQ", self.item(found, failure=0x0122))})
        if syntax in self.archive.unpackable:
            return self.answer(415)
        self.archive.keep(found, syntax)
        return self.answer(200, {"00081190": value("UR", "http://pacs/studies"), "00081199": value("SQ", self.item(found))})

    def instance(self, body):
        """Transfer syntax and object; the body must be what PS3.18 8.6.1.2 and Orthanc want."""
        kind = self.headers["Content-Type"]
        assert kind.startswith('multipart/related; type="application/dicom"; boundary='), kind
        boundary = kind.rsplit("=", 1)[1].encode()
        head, tail = b"--" + boundary + b"\r\nContent-Type: application/dicom\r\n\r\n", b"\r\n--" + boundary + b"--\r\n"
        assert body.startswith(head) and body.endswith(tail) and body.count(boundary) == 2
        found = pydicom.dcmread(io.BytesIO(body.removeprefix(head).removesuffix(tail)))
        return found.file_meta.TransferSyntaxUID, found

    def item(self, found, failure=None, warning=None):
        item = {"00081150": value("UI", found.SOPClassUID), "00081155": value("UI", found.SOPInstanceUID)}
        if failure is not None:
            item["00081197"] = value("US", failure)
        if warning is not None:
            item["00081196"] = value("US", warning)
        return item

    def misbehave(self, behaviour, body):
        kind, _, detail = behaviour.partition(" ")
        if kind == "status":  # "status 503 2": with Retry-After
            status, _, after = detail.partition(" ")
            if after == "date":
                after = email.utils.formatdate(time.time() + 2, usegmt=True)
            return self.answer(int(status), b"<html>no</html>", "text/html", **({"Retry_After": after} if after else {}))
        if kind == "failed":  # "failed 409 A700"
            status, reason = detail.split()
            return self.answer(int(status), {"00081198": value("SQ", self.item(self.instance(body)[1], failure=int(reason, 16)))})
        if kind == "warning":
            found = self.instance(body)[1]
            self.archive.keep(found)
            return self.answer(202, {"00081199": value("SQ", self.item(found, warning=int(detail, 16)))})
        if kind == "page":
            return self.answer(200, b"<html>Please log in</html>", "text/html")
        if kind == "other":  # it speaks of an object that was not sent
            found = self.instance(body)[1]
            found.SOPInstanceUID = "1.2.3"
            return self.answer(200, {"00081199": value("SQ", self.item(found))})
        if kind == "nonsense":
            return self.answer(200, b'{"00081199": {"Value": [[[[{"00081155": 7}, null]]]]}' + b"[" * 3000)
        if kind == "redirect":
            return self.answer(301, b"", None, Location=self.archive.elsewhere)
        if kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"{")
        if kind == "hang":
            self.archive.released.wait(60)
        if kind == "endless":
            self.send_response(200)
            self.send_header("Content-Type", "application/dicom+json")
            self.end_headers()
            self.drip(b" " * 65536, 0)
        if kind == "headers":
            self.send_response(200)
            self.drip(b"X-More: " + b"x" * 8000 + b"\r\n", 0, flush=True)
        if kind == "drip":
            self.send_response(200)
            self.end_headers()
            self.drip(b" ", 0.2)
        self.close_connection = True
        return None

    def drip(self, piece, pause, flush=False):
        if flush:
            self.flush_headers()
        try:
            while not self.archive.released.wait(pause):
                self.wfile.write(piece)
                self.archive.dripped += len(piece)
        except OSError:
            pass


class WebArchive:
    def __init__(self, certificate=None, key=None, authority=None):
        """authority: clients must show a certificate of it."""
        self.catalogue, self.stored, self.syntaxes, self.requests = {}, [], {}, []
        self.refuses, self.unpackable, self.secret, self.page = set(), set(), None, 1000
        self.behaviours, self.elsewhere, self.dripped = {"store": [], "query": []}, None, 0
        self.released, self.lock = threading.Event(), threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.archive = self
        self.port, self.scheme = self.server.server_port, "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if authority:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(authority)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1", path="/dicom-web"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def basic(self, user, password):
        self.secret = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def behave(self, *behaviours, on="store"):
        """Each is for one request."""
        with self.lock:
            self.behaviours[on].extend(behaviours)

    def take(self, on):
        with self.lock:
            return self.behaviours[on].pop(0) if self.behaviours[on] else None

    def note(self, request):
        with self.lock:
            self.requests.append((time.monotonic(), request.command, request.path, request.client_address[1]))

    def add(self, path, **changed):
        image = pydicom.dcmread(path, stop_before_pixels=True)
        for keyword, text in changed.items():
            setattr(image, keyword, text)
        self.catalogue[image.SOPInstanceUID] = image

    def keep(self, found, syntax=None):
        with self.lock:
            self.stored.append(found)
            self.syntaxes[found.SOPInstanceUID] = syntax

    def posts(self):
        return [r for r in list(self.requests) if r[1] == "POST"]
