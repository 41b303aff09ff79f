"""The npm viewers as peers: which are there, their bundles, Orthanc with DICOMweb that serves the page, Chromium that runs it."""
import atexit
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness as h  # noqa: E402

MODULES = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
# Where Debian's orthanc-dicomweb and orthanc lie.
DICOMWEB, SERVE = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so", "/usr/share/orthanc/plugins/libServeFolders.so"
VIEWERS = ("dcmjs", "@cornerstonejs/adapters", "@cornerstonejs/core", "@cornerstonejs/tools", "@cornerstonejs/dicom-image-loader",
           "playwright-core", "esbuild")
CODECS = {"codec-charls/decodewasm": "codec-charls/dist/charlswasm_decode.wasm",
          "codec-openjpeg/decodewasm": "codec-openjpeg/dist/openjpegwasm_decode.wasm"}


def missing():
    """What scripts/deps --peers would bring and is not here."""
    lacking = [p for p in VIEWERS if not os.path.exists(os.path.join(MODULES, p, "package.json"))]
    lacking += [c for c in ("node", "chromium") if shutil.which(c) is None]
    return lacking + ([] if os.path.exists(DICOMWEB) else ["orthanc-dicomweb"])


def leave_if_missing():
    lacking = missing()
    if lacking:
        print("skipped: no " + ", ".join(lacking) + " (scripts/deps --peers)")
        sys.exit(77)


def versions():
    found = {}
    for package in VIEWERS:
        with open(os.path.join(MODULES, package, "package.json"), encoding="utf-8") as f:
            found[package] = json.load(f)["version"]
    return found


def scratch(prefix):
    folder = tempfile.mkdtemp(prefix=prefix)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def bundle(*arguments):
    # The modules' own sources are resolved from NODE_PATH, since they are not below this tree.
    said = h.run(os.path.join(MODULES, ".bin/esbuild"), *arguments, "--bundle", "--log-level=warning", cwd=HERE,
                 env=dict(os.environ, NODE_PATH=MODULES))
    if said.returncode:
        raise AssertionError("esbuild: " + said.stderr)


def site():
    """A folder with the viewer's page, as a web server serves it."""
    folder = scratch("cervigate-site-")
    worker = os.path.join(MODULES, "@cornerstonejs/dicom-image-loader/dist/esm/decodeImageFrameWorker.js")
    bundle("page.mjs", "decodeImageFrameWorker=" + worker, "--format=esm", "--outdir=" + folder, "--entry-names=[name]",
           "--define:global=window", "--external:fs", "--external:path", "--external:url")
    shutil.copy(os.path.join(HERE, "index.html"), folder)
    for address, path in CODECS.items():
        os.makedirs(os.path.dirname(os.path.join(folder, "@cornerstonejs", address)), exist_ok=True)
        shutil.copy(os.path.join(MODULES, "@cornerstonejs", path), os.path.join(folder, "@cornerstonejs", address))
    return folder


def tool(name):
    """tests/viewers/NAME.mjs as one file for node."""
    out = os.path.join(scratch("cervigate-tool-"), name + ".cjs")
    bundle(name + ".mjs", "--platform=node", "--format=cjs", "--outfile=" + out)
    return out


def pacs(folder=None):
    """Orthanc with DICOMweb; `folder` is served beside it, so that a page may ask it."""
    plugins = [DICOMWEB] + ([SERVE] if folder else [])
    return h.Orthanc(Plugins=plugins, DicomWeb={"Enable": True, "Root": "/dicom-web/"}, OverwriteInstances=False,
                     **({"ServeFolders": {"/viewer": folder}} if folder else {}))


class Viewer:
    """Chromium with the page open; its functions are page.mjs's."""

    def __init__(self, url):
        self.said = []
        self.process = subprocess.Popen(["node", os.path.join(HERE, "drive.mjs"), MODULES, url, shutil.which("chromium")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.browser = self.read()["browser"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the viewer ended: " + self.process.stderr.read()[-2000:])
        return json.loads(line)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        self.said += answer["said"]
        if "error" in answer:
            raise AssertionError(f"{request}: {answer['error']}; {answer['said']}")
        return answer.get("answer")

    def call(self, name, *arguments):
        return self.ask(call=name, arguments=arguments)

    def show(self, uid, rows, columns, frame=1):
        """The canvas's pixels (rows, columns, RGB) at one canvas pixel an image pixel."""
        shown = self.call("show", uid, int(rows), int(columns), frame)
        rgba = numpy.frombuffer(base64.b64decode(shown["rgba"]), numpy.uint8)
        return rgba.reshape(shown["height"], shown["width"], 4)[:, :, :3], shown["properties"]

    def screenshot(self, path):
        from PIL import Image
        self.ask(screenshot=path)
        with Image.open(path) as image:
            return numpy.asarray(image.convert("RGB")).astype(int)

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
