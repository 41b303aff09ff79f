#!/usr/bin/env python3
"""Our own results by DICOMweb, as pydicom, a script, dcmjs and Orthanc's DICOMweb client read them: HTTP with the real daemon."""
import base64
import copy
import email
import io
import json
import os
import shutil
import subprocess
import unittest
import urllib.request

import numpy
import PIL.Image
import pydicom

from http_fixture import Base, Client, h, secret

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
PEERS = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
PARTS = 'multipart/related; type="application/dicom"'


def basic(name, password=None):
    return "Basic " + base64.b64encode(f"{name}:{password or secret(name)}".encode()).decode()


def parts_of(answer):
    """The bodies of a multipart answer, by Python's own reader of MIME."""
    message = email.message_from_bytes(b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.body)
    return [(part.get_content_type(), part.get_payload(decode=True)) for part in message.get_payload()]


def written(dataset):
    """As bytes: numbers have the precision of their VR, and decimal ones one way to be written."""
    def plain(_, element):
        if element.VR == "DS" and not element.is_empty:
            element.value = f"{float(element.value):.10g}" if element.VM == 1 else [f"{float(v):.10g}" for v in element.value]
    dataset = copy.deepcopy(dataset)
    dataset.walk(plain)
    to = pydicom.filebase.DicomBytesIO()
    to.is_little_endian, to.is_implicit_VR = True, False
    pydicom.filewriter.write_dataset(to, pydicom.Dataset(dataset))
    return to.parent.getvalue()


class Dicomweb(Base):
    limits = 'dicomweb="true" connections="40"'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls()
        cls.study = case.send(0, PatientID="DW-1", AccessionNumber="ACC[1", PatientName="Grün^Eva", StudyDate="20260105", SpecificCharacterSet="ISO_IR 192")
        cls.other = case.send(1, PatientID="DW-22", AccessionNumber="ACC2", PatientName="Blau^Kai", StudyDate="20260301")
        for study in (cls.study, cls.other):
            h.wait_for(lambda study=study: len(cls.pacs.objects(study=study)) == 2, 60, "delivery")
        cls.sent = {str(d.SOPInstanceUID): d for s in (cls.study, cls.other) for d in map(pydicom.dcmread, cls.pacs.objects(study=s))}

    def ask(self, path, name="vera", accept=None, method="GET", **headers):
        headers["Authorization"] = basic(name)
        if accept:
            headers["Accept"] = accept
        answer = Client(self.port).ask(method, "/dicomweb/" + path, **headers)
        if answer.status == 429:  # the first request of a name is verified: rationed
            return h.wait_for(lambda: (lambda a: a if a.status != 429 else None)(Client(self.port).ask(method, "/dicomweb/" + path, **headers)), 5, "a turn")
        return answer

    def search(self, path):
        answer = self.ask(path)
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "application/dicom+json"), answer.body)
        return [pydicom.Dataset.from_json(d) for d in answer.json]

    def test_who_may_read(self):
        nobody = Client(self.port).ask("GET", "/dicomweb/studies")
        self.assertEqual((nobody.status, nobody.headers["WWW-Authenticate"]), (401, 'Basic realm="cervigate", charset="UTF-8"'))
        self.assertEqual(self.client("vera").ask("GET", "/dicomweb/studies").status, 200)  # a browser that is logged in
        self.assertEqual(self.ask("studies").status, 200)
        for bad in ("Basic", "Basic ====", "Basic dmVyYQ==", "Bearer x", basic("nobody"), basic("vera\r\nX: y", "p"), "Basic " + "A" * 600):
            self.assertIn(Client(self.port).ask("GET", "/dicomweb/studies", Authorization=bad.replace("\n", "")).status, (401, 429), bad)
        # A proxy that was called in the clear: the password has been on the network.
        self.assertEqual(self.ask("studies", X_Forwarded_For="192.0.2.1").status, 401)
        self.assertEqual(self.ask("studies", X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="https").status, 200)
        self.assertEqual(self.ask("studies", method="POST").status, 405)
        self.assertEqual(Client(self.port).ask("GET", "/api/v1/worklist", Authorization=basic("vera")).status, 401)  # for DICOMweb alone

    def test_password_that_changed(self):
        h.wait_for(lambda: self.ask("studies", name="rita").status == 200, 5, "the first answer")
        self.addCleanup(enrol_again, self.node)
        subprocess.run([os.path.join(h.BIN, "cervigate"), "user", "remove", "rita", "--config", self.node.config], check=True)
        h.wait_for(lambda: self.ask("studies", name="rita").status == 401, 5, "the end of what was remembered")

    def test_searches(self):
        def studies(query):
            return [d.StudyInstanceUID for d in self.search("studies" + query)]
        both = [self.other, self.study]  # newest first
        for query, expected in (("", both), ("?PatientID=DW-1", [self.study]), ("?00100020=DW-*", both), ("?PatientID=dw-1", []), ("?PatientID=DW-%3F", [self.study]),
                                ("?AccessionNumber=ACC[1", [self.study]), ("?AccessionNumber=ACC*", both), ("?PatientName=GR*", [self.study]),
                                ("?StudyDate=20260105", [self.study]), ("?StudyDate=20260106-", [self.other]), ("?StudyDate=-20260105", [self.study]),
                                ("?StudyDate=20260101-20261231", both), (f"?StudyInstanceUID={self.study},{self.other}", both), ("?StudyInstanceUID=1.2.3", []),
                                ("?ModalitiesInStudy=SR", both), ("?Modality=OT&PatientID=DW-1", [self.study]), ("?Modality=DX", []),
                                (f"?SOPClassUID={h.SC}", both), ("?SOPClassUID=1.2.840.10008.5.1.4.1.1.1.1", []), ("?PatientID=", both), ("?PatientID=*", both)):
            self.assertEqual(studies(query), expected, query)
        study = self.search("studies?PatientID=DW-1")[0]
        self.assertEqual((str(study.PatientName), study.StudyDate, study.ModalitiesInStudy, int(study.NumberOfStudyRelatedInstances), int(study.NumberOfStudyRelatedSeries)),
                         ("Grün^Eva", "20260105", ["SR", "OT"], 2, 2))
        self.assertEqual(study.RetrieveURL, f"http://127.0.0.1:{self.port}/dicomweb/studies/{self.study}")
        series = {d.Modality: d for d in self.search(f"studies/{self.study}/series")}
        self.assertEqual(sorted(series), ["OT", "SR"])
        self.assertEqual(int(series["SR"].NumberOfSeriesRelatedInstances), 1)
        instances = self.search("instances?includefield=SeriesDescription,00080070&includefield=00204000")
        self.assertEqual({d.SOPInstanceUID for d in instances}, set(self.sent))
        for d in instances:
            sent = self.sent[d.SOPInstanceUID]
            self.assertEqual((d.SOPClassUID, d.get("Rows"), d.SeriesDescription, d.Manufacturer, d.PatientID),
                             (sent.SOPClassUID, sent.get("Rows"), sent.SeriesDescription, sent.Manufacturer, sent.PatientID))
            self.assertNotIn("PixelData", d)
        of_series = f"studies/{self.study}/series/{series['OT'].SeriesInstanceUID}/instances"
        self.assertEqual([d.SOPClassUID for d in self.search(of_series)], [h.SC])
        self.assertIn("ConversionType", self.search(of_series + "?includefield=all")[0])

    def test_searches_that_are_cut(self):
        first = self.ask("instances?limit=3")
        self.assertEqual((len(first.json), first.headers["Warning"]), (3, '299 cervigate "There are 1 additional results that can be requested"'))
        rest = self.ask("instances?limit=3&offset=3")
        self.assertEqual((len(rest.json), rest.headers["Warning"]), (1, None))
        self.assertEqual(len({d["00080018"]["Value"][0] for d in first.json + rest.json}), 4)
        self.assertIn("fuzzymatching", self.ask("studies?fuzzymatching=true").headers["Warning"])
        self.assertEqual(self.ask("studies?limit=999999999999999999999").status, 200)

    def test_searches_refused(self):
        for query, why in (("PatientBirthDate=19700101", "cannot search by it"), ("StudyDate=2026", "YYYYMMDD"), ("StudyDate=-", "YYYYMMDD"), ("limit=-1", "a number"),
                           ("offset=x", "a number"), ("StudyInstanceUID=1.2,x", "UIDs"), ("PatientID=1&00100020=2", "twice"), ("PatientID=" + "x" * 1100, "too long"),
                           ("PatientID=a%00b", ""), ("00101002.00100020=1", "cannot search by it"), ("x%0d%0aSet-Cookie:%20a=b", "cannot")):
            answer = self.ask("studies?" + query)
            self.assertEqual(answer.status, 400 if why else answer.status, query)
            self.assertIn(why, answer.body.decode(), query)
            self.assertIsNone(answer.headers["Set-Cookie"])

    def test_retrieve(self):
        for what, count in ((f"studies/{self.study}", 2), (f"studies/{self.study}/series/{self.one('SR').SeriesInstanceUID}", 1), (self.place("SC"), 1)):
            answer = self.ask(what, accept=PARTS + "; transfer-syntax=*")
            got = [pydicom.dcmread(io.BytesIO(body)) for kind, body in parts_of(answer) if kind == "application/dicom"]
            self.assertEqual(len(got), count, what)
            for d in got:
                self.assertEqual(pydicom.Dataset(d), pydicom.Dataset(self.sent[d.SOPInstanceUID]))  # every element is the sent one's
        single = self.ask(self.place("SR"), accept="application/dicom")
        with open(os.path.join(self.node.spool, "results", self.one("SR").SOPInstanceUID + ".dcm"), "rb") as f:
            self.assertEqual((single.headers["Content-Type"], single.body), ("application/dicom", f.read()))
        for accept in ("text/csv", PARTS + "; transfer-syntax=1.2.840.10008.1.2.4.50", 'multipart/related; type="image/jpeg"', "application/dicom;q=0"):
            self.assertEqual(self.ask(self.place("SR"), accept=accept).status, 406, accept)

    def one(self, kind):
        uid = {"SR": h.SR3D, "SC": h.SC}[kind]
        return next(d for d in self.sent.values() if d.SOPClassUID == uid and d.StudyInstanceUID == self.study)

    def place(self, kind):
        d = self.one(kind)
        return f"studies/{self.study}/series/{d.SeriesInstanceUID}/instances/{d.SOPInstanceUID}"

    def test_metadata(self):
        def fetch(uri):
            answer = Client(self.port).ask("GET", uri.split(str(self.port), 1)[1], Authorization=basic("vera"), Accept="application/octet-stream")
            self.assertEqual(answer.status, 200, uri)
            return answer.body
        metadata = self.ask(f"studies/{self.study}/metadata").json
        self.assertEqual(len(metadata), 2)
        for d in metadata:
            self.assertEqual(d.pop("00083002"), {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]})
            got = pydicom.Dataset.from_json(d, lambda tag, vr, uri: fetch(uri))
            sent = self.sent[got.SOPInstanceUID]
            self.assertEqual(written(got), written(sent))

    def test_frames(self):
        pixels = self.one("SC").PixelData
        for accept in (None, 'multipart/related; type="application/octet-stream"'):
            self.assertEqual(parts_of(self.ask(self.place("SC") + "/frames/1", accept=accept))[0][1], pixels[:len(pixels)])
        for what in ("frames/2", "frames/0", "frames/1,", "frames/x", "frames/1/x", "bulkdata/00100010", "bulkdata/", "frames/99999999999999999999"):
            self.assertEqual(self.ask(self.place("SC") + "/" + what).status, 404, what)
        self.assertEqual(self.ask(self.place("SR") + "/frames/1").status, 404)

    def test_rendered(self):
        pixels = self.one("SC").pixel_array
        for accept, kind, most in (("image/png", "PNG", 0), ("image/jpeg", "JPEG", 40), ("*/*", "JPEG", 40), ("image/png;q=0.1, image/*;q=0.9", "JPEG", 40)):
            for what in ("/rendered", "/frames/1/rendered"):
                picture = PIL.Image.open(io.BytesIO(self.ask(self.place("SC") + what, accept=accept).body))
                self.assertEqual(picture.format, kind)
                self.assertLessEqual(numpy.percentile(numpy.abs(numpy.asarray(picture).astype(int) - pixels), 99), most)
        text = self.ask(self.place("SR") + "/rendered", accept="text/plain")
        self.assertTrue(text.body.startswith(b"RESEARCH - trained on synthetic images"))
        page = self.ask(self.place("SR") + "/rendered", accept="text/html,*/*;q=0.1")
        self.assertEqual(page.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("<pre>RESEARCH", page.body.decode())
        self.assertEqual(self.ask(self.place("SR") + "/rendered", accept="image/png").status, 406)

    def test_what_is_not_there(self):
        for path in (f"studies/{self.study}/series/1.2.3", "studies/1.2.3", "studies/x", "studies/", "studies/1.2/series/", f"studies/{self.other}/series/{self.one('SR').SeriesInstanceUID}",
                     f"studies/{self.study}/x", f"studies/{self.study}/rendered", "patients", "../studies", "studies/%2e%2e/x", self.place("SR") + "/../x", ""):
            self.assertEqual(self.ask(path).status, 404, path)
        held = {d.SOPInstanceUID for d in self.search("instances?Modality=*")}
        self.assertEqual(held, set(self.sent))  # never what was received

    def test_views_are_in_the_audit_log(self):
        for _ in range(3):
            self.ask(f"studies/{self.other}/metadata", name="ada")
        found = self.node.admin("audit", "search", "--user", "ada", "--study", self.other, "--json").stdout.splitlines()
        self.assertEqual(len(found), 1)  # one a minute

    def test_taken_back_and_shadow(self):
        """What was retracted is not there any more; in shadow nothing leaves."""
        study = self.send(2, PatientID="DW-3")
        h.wait_for(lambda: len(self.pacs.objects(study=study)) == 2, 60, "delivery")
        self.assertEqual(len(self.search(f"studies/{study}/instances")), 2)
        report = next(d for d in self.search(f"studies/{study}/instances") if d.SOPClassUID == h.SR3D)
        self.assertEqual(self.node.admin("results", "retract", report.SOPInstanceUID).returncode, 0)
        h.wait_for(lambda: self.ask(f"studies/{study}").status == 404, 20, "the end of what was retracted")
        try:
            self.node.admin("mode", "shadow")
            answer = h.wait_for(lambda: (lambda a: a if a.status == 403 else None)(self.ask("studies")), 5, "shadow")
            self.assertIn("results stay on the node", answer.json["error"])
        finally:
            self.node.admin("mode", "demo")

    @unittest.skipUnless(os.path.isfile(PLUGIN), "skipped: no orthanc-dicomweb (scripts/deps --peers)")
    def test_orthanc_retrieves(self):
        """Orthanc's DICOMweb plugin as the client of this node: it queries, and keeps what it retrieves."""
        orthanc = h.Orthanc(Plugins=[PLUGIN], DicomWeb={"Enable": True, "Servers": {"cervigate": {
            "Url": f"http://127.0.0.1:{self.port}/dicomweb/", "Username": "vera", "Password": secret("vera"), "HasDelete": False}}})
        try:
            def post(path, body):
                request = urllib.request.Request(f"http://127.0.0.1:{orthanc.http}/dicom-web/servers/cervigate/{path}", json.dumps(body).encode())
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.loads(answer.read())
            found = post("qido", {"Uri": "/studies", "Arguments": {"PatientID": "DW-1"}})
            self.assertEqual([v["0020000D"]["Value"] for v in found], [self.study])
            post("retrieve", {"Resources": [{"Study": self.study}]})
            self.assertEqual(sorted(uid for uid, study, _ in orthanc.instances() if study == self.study), sorted([h.SC, h.SR3D]))
        finally:
            orthanc.close()

    @unittest.skipUnless(shutil.which("node") and os.path.isdir(os.path.join(PEERS, "dcmjs")), "skipped: no dcmjs (scripts/deps --peers)")
    def test_dcmjs_reads_the_metadata(self):
        path = os.path.join(self.node.folder, "metadata.json")
        with open(path, "wb") as f:
            f.write(self.ask(self.place("SR") + "/metadata").body)
        script = ("const { data } = require('dcmjs').default ?? require('dcmjs');"
                  "const d = data.DicomMetaDictionary.naturalizeDataset(JSON.parse(require('fs').readFileSync(process.argv[1], 'utf8'))[0]);"
                  "console.log(JSON.stringify([d.SOPInstanceUID, d.PatientID, d.ContentSequence.length, d.ConceptNameCodeSequence[0].CodeMeaning]));")
        done = subprocess.run(["node", "-e", script, path], capture_output=True, text=True, check=False, env=dict(os.environ, NODE_PATH=PEERS))
        self.assertEqual(done.returncode, 0, done.stderr)
        sr = self.one("SR")
        self.assertEqual(json.loads(done.stdout), [sr.SOPInstanceUID, "DW-1", len(sr.ContentSequence), sr.ConceptNameCodeSequence[0].CodeMeaning])


def enrol_again(node):
    subprocess.run([os.path.join(h.BIN, "cervigate"), "user", "add", "rita", "--role", "reader", "--config", node.config], input=secret("rita") + "\n", text=True, check=True)


if __name__ == "__main__":
    unittest.main(verbosity=2)
