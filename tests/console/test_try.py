#!/usr/bin/env python3
"""Images that people try: HTTP with the real daemon. What it answers, what it refuses and in which words, and that nothing stays."""
import base64
import http.client
import io
import os
import signal
import struct
import threading
import time
import unittest
import zipfile
import zlib

import numpy
import pydicom
import pydicom.encaps
from PIL import Image

from http_fixture import Base, Client, h

MOST = 209715200
DICOM = "application/dicom"
BYTES = "application/octet-stream"


def encoded(array, kind, **how):
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **how)
    return out.getvalue()


def written(dataset):
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


def png_of(width, height, data=b""):
    """A PNG that says it has this size, with this as its data."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(data))
            + chunk(b"IEND", b""))


def photograph():
    """In colour, of nothing in particular."""
    y, x = numpy.mgrid[0:480, 0:640]
    return numpy.stack([(x * 255 // 640), (y * 255 // 480), 127 + 127 * numpy.sin(x / 40) * numpy.cos(y / 30)], 2).astype(numpy.uint8)


class TryBase(Base):
    def attempt(self, body, kind=BYTES, client=None, **headers):
        return (client or self.client("vera")).ask("POST", "/api/v1/try", body, kind=kind, **headers)

    def refused(self, body, status, words, kind=BYTES):
        answer = self.attempt(body, kind)
        self.assertEqual(answer.status, status, answer.body[:300])
        self.assertIn(words, answer.json["error"])
        return answer

    def dicom(self, number=0, **about):
        path = os.path.join(self.node.folder, f"tried-{time.monotonic_ns()}.dcm")
        h.wrap(h.grey(self.images[number][0]), path, **about)
        with open(path, "rb") as f:
            return f.read()

    def kept(self):
        """Every file of the spool, and every file without a name that a process of the node holds open, with its size."""
        files = {os.path.relpath(os.path.join(folder, name), self.node.spool) for folder, _, names in os.walk(self.node.spool) for name in names}
        held = []
        for pid in [v for k, v in self.node.facts().items() if k.endswith("pid") and v != "0"]:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    path = os.readlink(f"/proc/{pid}/fd/{fd}")
                    if path.startswith(self.node.spool) and path.endswith(" (deleted)"):
                        held.append((pid, path, os.stat(f"/proc/{pid}/fd/{fd}").st_size))
                except FileNotFoundError:
                    continue
        return {f for f in files if not f.startswith(("audit/", "run/", "jobs.sqlite"))}, held


class Answers(TryBase):
    limits = 'connections="40" tries="2" triesPerMinute="200"'

    def check_answer(self, answer, kind):
        self.assertEqual(answer.status, 200, answer.body[:300])
        told = answer.json
        self.assertTrue(told["judged"], told)
        self.assertEqual((told["kind"], told["research"], told["reason"]), (kind, True, ""))
        classes = told["models"][0]["classes"]
        self.assertEqual([c["name"] for c in classes], ["dislocation", "fracture", "normal"])
        self.assertAlmostEqual(sum(c["score"] for c in classes), 1, places=5)
        finding = [c["name"] for c in classes if c["operatingPoint"] is not None and c["score"] >= c["operatingPoint"]]
        self.assertEqual(told["outcome"], "finding" if finding else "no-finding")
        self.assertIn(told["prediction"], finding or ["no finding above the operating point"])
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        return told, Image.open(io.BytesIO(base64.b64decode(told["picture"])))

    def test_what_is_answered(self):
        """The same scores as `cervigate predict` gives, for DICOM, PNG and JPEG; the picture holds the source's own pixels."""
        before = self.kept()
        client, files = self.client("vera"), []
        for number in (0, 3):
            path = self.images[number][0]
            jpeg = os.path.join(self.node.folder, f"tried-{number}.jpg")
            Image.fromarray(h.grey(path)).save(jpeg, quality=95)
            files += [(path, "image/png"), (jpeg, "image/jpeg")]
        predicted = [h.json.loads(line) for line in h.run(os.path.join(h.BIN, "cervigate"), "predict", "--json", *[f for f, _ in files]).stdout.splitlines()]
        for (path, kind), about in zip(files, predicted, strict=True):
            with open(path, "rb") as f:
                told, picture = self.check_answer(self.attempt(f.read(), kind, client), "picture")
            for c in told["models"][0]["classes"]:
                self.assertLess(abs(c["score"] - about["score"][c["name"]]), 1e-7)
            if kind == "image/png":
                shown, source = numpy.asarray(picture), h.grey(path)
                upper = source[:source.shape[0] // 2]
                place = self.place(shown, upper)
                self.assertIsNotNone(place, "the source is not in the picture")
                lower = shown[place[0]:place[0] + source.shape[0], place[1]:place[1] + source.shape[1], 0].astype(int) - source
                self.assertGreater(int((lower > 20).sum()), 500, "no watermark")
                self.assertEqual(int((lower < 0).sum()), 0)
        told, _ = self.check_answer(self.attempt(self.dicom(0), DICOM, client), "dicom")
        for c in told["models"][0]["classes"]:
            self.assertLess(abs(c["score"] - predicted[0]["score"][c["name"]]), 0.01)  # DICOM has a window
        self.assertEqual(self.kept(), before)

    @staticmethod
    def place(picture, source):
        """Where in the picture these pixels are; None: nowhere."""
        rows, columns = source.shape
        for y in range(picture.shape[0] - rows + 1):
            for x in numpy.flatnonzero(picture[y, :picture.shape[1] - columns + 1, 0] == source[0, 0]):
                if (picture[y, x:x + columns, 0] == source[0]).all() and (picture[y:y + rows, x:x + columns, 0] == source).all():
                    return y, x
        return None

    def test_nothing_of_it_is_told(self):
        client = self.client("vera")
        worklist, sent = client.ask("GET", "/api/v1/worklist").json["entries"], self.pacs.objects()
        status = self.node.status()["instances"]
        self.assertEqual(self.attempt(self.dicom(0, PatientName="Secret^Name", PatientID="SECRET-1"), DICOM, client).status, 200)
        time.sleep(1.5)
        self.assertEqual(client.ask("GET", "/api/v1/worklist").json["entries"], worklist)
        self.assertEqual((self.pacs.objects(), self.node.status()["instances"]), (sent, status))
        self.assertNotIn("SECRET", self.node.log().upper())
        self.assertIn("image-tried", self.node.log())

    def test_what_the_gate_refuses_is_an_answer(self):
        for body, kind, words in ((encoded(photograph(), "JPEG"), "image/jpeg", "pixels do not show a cervical spine"),
                                  (encoded(photograph(), "PNG"), "image/png", "pixels do not show a cervical spine"),
                                  (self.dicom(BodyPartExamined="HAND"), DICOM, "body part is not the cervical spine"),
                                  (self.dicom(Modality="US"), DICOM, "modality is not radiography"),
                                  (encoded(numpy.full((200, 200), 90, numpy.uint8), "PNG"), "image/png", "image shows nothing that could be judged")):
            answer = self.attempt(body, kind)
            self.assertEqual(answer.status, 200, answer.body[:300])
            self.assertEqual((answer.json["judged"], answer.json["prediction"], answer.json["outcome"]), (False, "not processed", "not-processed"))
            self.assertIn(words, answer.json["reason"])
            self.assertTrue(answer.json["detail"])
            self.assertIsNone(answer.json["picture"])
            self.assertEqual(answer.json["models"], [])

    def test_what_is_no_image(self):
        whole = self.dicom()
        jpeg = encoded(h.grey(self.images[0][0]), "JPEG")
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:  # a bomb: 100 MB in 100 KB
            z.writestr("x.dcm", bytes(100 << 20))
        no_pixels = pydicom.dcmread(io.BytesIO(whole))
        del no_pixels.PixelData
        sr = pydicom.dcmread(io.BytesIO(whole))
        del sr.PixelData
        sr.SOPClassUID = sr.file_meta.MediaStorageSOPClassUID = h.SR3D
        sr.Modality = "SR"
        private = pydicom.dcmread(io.BytesIO(whole))
        private.PixelData = pydicom.encaps.encapsulate([private.PixelData])
        private["PixelData"].is_undefined_length = True
        private.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
        for body, status, words in (
                (b"", 400, "the file is empty"), (b"Dear colleague,\nplease look at this.\n" * 50, 415, "it is neither DICOM nor PNG nor JPEG"),
                (archive.getvalue(), 415, "it is an archive: unpack it"), (b"\x1f\x8b" + bytes(100), 415, "it is an archive"),
                (jpeg[:len(jpeg) // 2], 422, "the file is damaged or cut short"), (whole[:len(whole) // 2], 422, "the file is damaged or cut short"),
                (whole[:150], 422, "the file is damaged or cut short"), (b"\x89PNG\r\n\x1a\n" + bytes(64), 422, "the file is damaged or cut short"),
                (png_of(60000, 60000), 422, "the image is over the node's limits"), (png_of(0x7fffffff, 0x7fffffff), 422, "Invalid IHDR data"),
                (png_of(8000, 8000, bytes(1000)), 422, "the file is damaged or cut short"),
                (written(no_pixels), 422, "there is no image in the file"), (written(sr), 422, "there is no image in the file"),
                (written(private), 415, "this kind of image cannot be decoded")):
            self.refused(body, status, words)

    def test_a_png_of_nothing_but_size(self):
        """8000 x 8000 of one grey in 63 KB: decoded within the object child's limits, and answered."""
        begun = time.monotonic()
        answer = self.attempt(png_of(8000, 8000, (b"\0" + bytes(8000)) * 8000))
        self.assertEqual((answer.status, answer.json["reason"]), (200, "image shows nothing that could be judged"))
        self.assertLess(time.monotonic() - begun, 30 * h.PATIENCE)

    def test_who_may(self):
        png = encoded(numpy.zeros((64, 64), numpy.uint8), "PNG")
        self.assertEqual(self.attempt(png, client=self.client()).status, 401)
        for answer in (self.client("vera").ask("POST", "/api/v1/try", png, kind=BYTES, csrf=False), self.attempt(png, Origin="https://evil.example.org"),
                       self.client("vera").ask("POST", "/api/v1/try", png, kind=BYTES, csrf=False, X_CSRF_Token="0" * 64)):
            self.assertEqual(answer.status, 403)
        for kind in ("multipart/form-data; boundary=x", "text/plain", "application/json", "image/gif", "application/zip"):
            self.refused(png, 415, "expected the bytes of one file as application/dicom, image/png, image/jpeg", kind)
        self.assertEqual(self.client("vera").ask("PUT", "/api/v1/try", png, kind=BYTES).status, 405)
        about = self.client("vera").ask("GET", "/api/v1/try").json
        self.assertEqual(about, {"allowed": True, "why": "", "most": MOST, "places": 2, "waiting": 0})

    def upload(self, client, size, first=b"", chunked=False):
        """What the node answers to a file of this size that begins with these bytes; how many of them it took."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", "/api/v1/try")
        for name, value in (("Cookie", client.cookie), ("X-CSRF-Token", client.csrf), ("Content-Type", BYTES),
                            ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(size))):
            connection.putheader(name, value)
        connection.endheaders()
        sent, block = 0, bytes(1 << 20)
        try:
            while sent < size:
                part = (first + block if sent == 0 else block)[:min(1 << 20, size - sent)]
                connection.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                sent += len(part)
            if chunked:
                connection.send(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        response = connection.getresponse()
        told = h.json.loads(response.read())
        connection.close()
        return response.status, told, sent

    def test_200_megabytes(self):
        client = self.client("vera")
        with open(self.images[0][0], "rb") as f:
            png = f.read()  # what stands behind its end is none of its business
        status, told, _ = self.upload(client, MOST, png)
        self.assertEqual((status, told["judged"]), (200, True))
        status, told, sent = self.upload(client, MOST + 1, png)
        self.assertEqual((status, told["error"]), (413, f"the file is larger than {MOST} bytes (<console tryBytes>)"))
        self.assertLess(sent, MOST // 2)  # by its Content-Length, not by waiting for it
        status, told, _ = self.upload(client, MOST + 1, png, chunked=True)
        self.assertEqual((status, told["error"]), (413, f"the file is larger than {MOST} bytes (<console tryBytes>)"))
        self.assertEqual(self.upload(client, len(png), png, chunked=True)[0], 200)

    def half(self, client, body):
        """A file of which the second half does not come yet."""
        s = self.raw(f"POST /api/v1/try HTTP/1.1\r\nHost: x\r\nCookie: {client.cookie}\r\nX-CSRF-Token: {client.csrf}\r\nContent-Type: {BYTES}\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:len(body) // 2])
        h.wait_for(lambda: self.waiting(client) > 0, 5, "a file on its way")
        return s

    def waiting(self, client):
        return client.ask("GET", "/api/v1/try").json["waiting"]

    def test_one_at_a_time_and_a_queue_with_an_end(self):
        first, second, third = self.client("vera"), self.client("rita"), self.client("ada")
        body = self.dicom()
        held = self.half(first, body)
        own = self.attempt(body, client=first)
        self.assertEqual((own.status, own.headers["Retry-After"]), (429, "5"))
        self.assertIn("one image at a time", own.json["error"])
        answer = self.attempt(body, client=second)
        self.assertEqual(answer.status, 200, answer.body[:200])
        other = self.half(second, body)
        h.wait_for(lambda: self.waiting(third) == 2, 5, "two files on their way")
        full = self.attempt(body, client=third)
        self.assertEqual((full.status, full.headers["Retry-After"]), (503, "10"))
        self.assertIn("other images are waiting", full.json["error"])
        other.close()  # whoever leaves makes room
        h.wait_for(lambda: self.waiting(third) == 1, 5, "room")
        self.assertEqual(self.attempt(body, client=third).status, 200)
        held.sendall(body[len(body) // 2:])
        self.assertIn(b"HTTP/1.1 200 OK", held.recv(4096))
        held.close()
        h.wait_for(lambda: self.waiting(third) == 0, 5, "nobody")
        self.assertEqual(self.kept()[1], [])

    def test_killed_in_the_middle(self):
        """kill -9 of the console while a file comes, and of the trial role while it judges: nothing of the file is anywhere, and it goes on."""
        client, body, before = self.client("vera"), self.dicom(), self.kept()[0]
        held = self.half(client, body)
        self.assertEqual([size for _, _, size in self.kept()[1]], [len(body) // 2])
        was = self.node.facts()["console_pid"]
        os.kill(int(was), signal.SIGKILL)
        h.wait_for(lambda: self.node.facts()["console_pid"] not in ("0", was), 20, "a new console")
        held.close()
        self.assertEqual(self.kept(), (before, []))
        h.wait_for(lambda: Client(self.port).ask("GET", "/readyz").status == 200, 10, "an answer")
        client, other, was = self.client("vera"), self.client("rita"), self.node.facts()["trial_pid"]
        big = png_of(8000, 8000, (b"\0" + os.urandom(8000)) * 8000)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.attempt(big, client=client)), daemon=True)
        thread.start()
        h.wait_for(lambda: [pid for pid, _, _ in self.kept()[1]] == [was], 20, "a file that the trial role has")
        os.kill(int(was), signal.SIGKILL)
        h.wait_for(lambda: self.node.facts()["trial_pid"] not in ("0", was), 20, "a new trial role")
        self.assertEqual(self.kept(), (before, []))
        thread.join(20)
        self.assertEqual((answers[0].status, answers[0].json["error"]), (503, "the node's process ended while it judged this; try again"))
        self.assertEqual(self.attempt(body, client=other).status, 200)


class Limits(TryBase):
    limits = 'connections="40" tries="1" tryBytes="100000" triesPerMinute="3" requestTime="2"'

    def test_so_many_in_a_minute(self):
        client, text = self.client("vera"), b"no image" * 20
        self.assertEqual([self.attempt(text, client=client).status for _ in range(4)], [415, 415, 415, 429])
        self.assertEqual(self.attempt(text, client=self.client("rita")).status, 415)
        self.assertEqual(self.attempt(bytes(100001), client=self.client("ada")).status, 413)

    def test_a_file_that_stops_coming(self):
        client = self.client("vera")
        s = self.raw(f"POST /api/v1/try HTTP/1.1\r\nHost: x\r\nCookie: {client.cookie}\r\nX-CSRF-Token: {client.csrf}\r\nContent-Type: {BYTES}\r\n"
                     "Content-Length: 90000\r\n\r\n12345".encode())
        begun = time.monotonic()
        s.settimeout(20)
        self.assertEqual(s.recv(100), b"")
        self.assertTrue(1.5 < time.monotonic() - begun < 8 * h.PATIENCE)
        h.wait_for(lambda: self.client("vera").ask("GET", "/api/v1/try").json["waiting"] == 0, 5, "room")


if __name__ == "__main__":
    unittest.main(verbosity=2)
