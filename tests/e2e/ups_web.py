"""A scripted workflow manager by UPS-RS (PS3.18 chapter 11): ups_scp's items and judge behind http.server.

Each payload is held against DICOM JSON (annex F) and then, as a dataset, against table CC.2.5-3. WebManager.how[service] = (what, count): a status of HTTP (int
below 600) or of DIMSE (the one of HTTP that means it), or
  hang, abort      nothing, or the connection ends
  garbage          no JSON
  nested           arrays in each other without end
  truncated        less than Content-Length
  huge             a body of 6 MB
  other            JSON that is no DICOM JSON
  headers          headers without end
  endless          matches without end"""
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import ups_scp
from archive import encode

TYPE = "application/dicom+json"
HTTP = {0x0000: 200, 0x0001: 200, 0x0107: 200, 0x0116: 200, 0xb304: 202, 0x0111: 409, 0xc307: 404, 0x0112: 404, 0xc300: 409, 0xc301: 409, 0xc302: 409, 0xc310: 409,
        0xc311: 409, 0xc312: 409, 0xc313: 409, 0x0110: 500, 0xa700: 500, 0x0124: 403, 0x0106: 400, 0x0211: 405, 0x0123: 405, 0xc314: 405, 0xc304: 400,
        0x0122: 501, 0xa900: 400}
MOST = 2 ** 16


def check_json(elements, where=""):
    """What is wrong with a dataset of DICOM JSON, in words."""
    if not isinstance(elements, dict):
        yield f"{where}: no object"
        return
    for key, element in elements.items():
        at = f"{where}{key}"
        if len(key) != 8 or key.strip("0123456789ABCDEF"):
            yield f"{at}: no tag"
            continue
        vr = dictionary_VR(int(key, 16))
        if set(element) - {"vr", "Value"} or element.get("vr") != vr:
            yield f"{at}: {element}"
        values = element.get("Value", [None])
        if not isinstance(values, list) or not values:
            yield f"{at}: an empty Value"
        for value in element.get("Value", []):
            if vr == "SQ":
                yield from check_json(value, at + ".")
            elif vr == "PN":
                if not isinstance(value, dict) or not value or set(value) - {"Alphabetic", "Ideographic", "Phonetic"} or "" in value.values():
                    yield f"{at}: no name: {value}"
            elif not isinstance(value, str) or not value or len(value) > MOST:
                yield f"{at}: {value!r}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def manager(self):
        return self.server.manager

    def answer(self, status, body=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def misbehave(self, how):
        if isinstance(how, int):
            self.answer(how if how in range(200, 600) and how not in HTTP else HTTP[how])
            return
        self.close_connection = True
        if how == "hang":
            time.sleep(4)
        elif how == "truncated":
            self.send_response(200)
            self.send_header("Content-Length", "9000")
            self.end_headers()
            self.wfile.write(b"[{")
        elif how == "headers":
            self.send_response(200)
            for n in range(5000):
                self.send_header(f"X-{n}", "y" * 100)
            self.end_headers()
        elif how != "abort":
            self.answer(200, {"garbage": b"\xff\x00[", "nested": b"[" * 100000, "huge": b"[" + b" " * 6 * 2 ** 20 + b"]", "other": b'["x", 7]',
                              "endless": b"[" + b",".join([json.dumps(self.manager.scheduled("2.25.99", accession="OTHER").to_json_dict()).encode()] * 500) + b"]"}[how])

    def payload(self, what, table):
        """The dataset, or None."""
        data = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Type") != TYPE:
            self.wrong(f"{what}: Content-Type {self.headers.get('Content-Type')}")
        try:
            array = json.loads(data)
        except ValueError as wrong:
            self.wrong(f"{what}: {wrong}")
            return None
        if not isinstance(array, list) or len(array) != 1:
            self.wrong(f"{what}: no array of one dataset")
            return None
        wrong = list(check_json(array[0]))
        if wrong:
            self.wrong(f"{what}: {wrong}")
            return None
        self.dataset = Dataset.from_json(array[0])
        encoded = encode(self.dataset)
        for line in ups_scp.check_dataset(encoded, table):
            self.wrong(f"{what}: {line}")
        return encoded

    def wrong(self, text):
        self.manager.violations.append(text)

    def serve(self, service, uid, table=None):
        data = self.payload(service, table) if table else None
        if self.headers.get("Accept") != TYPE:
            self.wrong(f"{service}: Accept {self.headers.get('Accept')}")
        if self.manager.authorization and self.headers.get("Authorization") != self.manager.authorization:
            return self.answer(401)
        self.manager.log.append({"kind": service, "uid": uid, "dataset": data, "path": self.path})
        how = self.manager.take(service)
        if how is not None:
            return self.misbehave(how)
        with self.manager.lock:
            return getattr(self, service)(uid)

    def do_POST(self):
        path, _, query = self.path.partition("?")
        parts = path.removeprefix(self.manager.root).strip("/").split("/")
        if parts[0] != "workitems" or len(parts) > 3:
            self.wrong(f"POST {self.path}")
            return self.answer(404)
        if len(parts) == 1:
            return self.serve("create", urllib.parse.parse_qs(query).get("workitem", [""])[0], ups_scp.CREATE)
        if len(parts) == 3 and parts[2] == "cancelrequest" and not query:
            return self.serve("cancel", parts[1], ups_scp.CANCEL)
        return self.serve("set", parts[1], ups_scp.SET)

    def do_GET(self):
        path = self.path.partition("?")[0].removeprefix(self.manager.root).strip("/").split("/")
        return self.serve("find" if len(path) == 1 else "get", path[1] if len(path) > 1 else "")

    # ---- services ----

    def create(self, uid):
        if uid in self.manager.items:
            return self.answer(409)
        item = self.dataset
        item.SOPClassUID, item.SOPInstanceUID = ups_scp.PUSH, uid
        self.manager.items[uid] = item
        return self.answer(201)

    def get(self, uid):
        item = self.manager.items.get(uid)
        return self.answer(404) if item is None else self.answer(200, [item.to_json_dict()])

    def set(self, uid):
        item = self.manager.items.get(uid)
        if item is None:
            return self.answer(404)
        if self.manager.race:
            item.ProcedureStepState = self.manager.race
        if item.ProcedureStepState != "SCHEDULED":
            return self.answer(400 if item.ProcedureStepState in ("COMPLETED", "CANCELED") else 409)
        item.update({e.tag: e for e in self.dataset})
        return self.answer(200)

    def cancel(self, uid):
        item = self.manager.items.get(uid)
        if item is None:
            return self.answer(404)
        state = item.ProcedureStepState
        if state == "SCHEDULED":
            item.ProcedureStepState = "CANCELED"
        return self.answer(409 if state == "COMPLETED" or (state == "IN PROGRESS" and self.manager.performer) else 202)

    def query(self):
        """The keys as an identifier, and what comes back."""
        wanted, fields, limit = Dataset(), set(), None
        for key, value in urllib.parse.parse_qsl(self.path.partition("?")[2], keep_blank_values=True, strict_parsing=True):
            if key == "includefield":
                fields.add(int(value, 16))
            elif key == "limit":
                limit = int(value)
            else:
                tags, at = [int(k, 16) if len(k) == 8 else tag_for_keyword(k) for k in key.split(".")], wanted
                for tag in tags[:-1]:
                    at.add_new(tag, "SQ", Sequence([Dataset()]))
                    at = at[tag].value[0]
                at.add_new(tags[-1], dictionary_VR(tags[-1]), value)
        return wanted, fields, limit

    def find(self, _):
        try:
            wanted, fields, limit = self.query()
        except (ValueError, TypeError, KeyError) as wrong:
            self.wrong(f"search {self.path}: {wrong}")
            return self.answer(400)
        if not self.manager.optional_keys:
            wanted = Dataset()
        found = [i for i in self.manager.items.values() if all(ups_scp.match_value(k, i.get(k.tag)) for k in wanted)][:limit]
        keep = fields | {0x00080016, 0x00080018}
        matches = [Dataset({e.tag: e for e in i if e.tag in keep}).to_json_dict() for i in found]
        return self.answer(200, matches) if matches else self.answer(204)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that went away: it has its reasons."""


class WebManager(ups_scp.Manager):
    """As ups_scp.Manager, with `url`. `authorization`: the header that it demands; None: any."""
    root = "/ups-rs"

    def __init__(self):
        super().__init__()
        self.authorization = None
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.manager = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}{self.root}"
        self.web_port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        super().close()
        self.server.shutdown()
        self.server.server_close()
