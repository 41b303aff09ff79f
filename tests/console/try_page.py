"""What test_console.py does with the page on which an image is tried: a part of its class."""
import glob
import io
import os
import re
import zipfile

import numpy
import pydicom

from browser import h
from test_try import MOST, encoded, png_of, written


# Pixels of the colour that the picture's first line is written in.
AMBER = """(() => {
    const image = document.querySelector('.tried img'), canvas = document.createElement('canvas');
    const rows = Math.floor(image.naturalHeight / 20);
    [canvas.width, canvas.height] = [image.naturalWidth, rows];
    const pen = canvas.getContext('2d');
    pen.drawImage(image, 0, 0);
    const { data } = pen.getImageData(0, 0, image.naturalWidth, rows);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) count += data[i] > 200 && data[i + 1] > 130 && data[i + 1] < 220 && data[i + 2] < 140;
    return count; })()"""


class TryPage:
    def write(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def drop(self, *paths):
        """Files on their place, by the browser's own events of dragging."""
        self.page.do("drop", selector=".zone", paths=paths)

    def doing(self, words):
        self.page.until(f"document.querySelector('.doing').textContent.includes({words!r})", 30)
        self.assertFalse(self.page.see("document.querySelector('.doing').classList.contains('alarm')"))  # nothing of the node's has failed

    def test_an_image_is_tried(self):
        """By keys alone; the prediction, every class, the picture with RESEARCH in it; nothing of it in the list."""
        self.sign_in("victor")
        before = self.order()
        self.page.press("t")
        self.page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to 200 MB')")
        path = glob.glob(os.path.join(self.folder, "hurt/**/*.dcm"), recursive=True)[0]
        self.page.do("choose", key="o", paths=[path])
        self.page.until("document.querySelector('.tried img')?.complete && document.querySelector('.tried img').naturalWidth > 0", 60)
        self.assertRegex(self.page.text(".tried h2"), "^Prediction: (fracture|dislocation)$")
        told = self.page.text(".tried")
        for words in ("dislocation", "fracture", "no finding", "Operating point", "judged and discarded", "Not a diagnostic viewer"):
            self.assertIn(words, told)
        self.assertIn("RESEARCH", self.page.see("document.querySelector('.tried img').alt"))
        self.assertGreater(self.page.see(AMBER), 200)  # its line in the picture itself
        self.assertIn("Prediction: ", self.page.text("#said"))
        self.accessible("tried")
        self.assertEqual(self.order(), before)
        self.page.do("go", hash="#/worklist")
        self.page.do("go", hash="#/try")  # what was shown is gone
        self.assertIsNone(self.page.text(".tried img"))

    def open_try(self):
        self.sign_in("victor")
        self.page.do("go", hash="#/try")
        self.page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to 200 MB')")

    def judged(self, kind):
        """What was dropped is shown, with its prediction, as what it is."""
        self.page.until("document.querySelector('.tried img')?.complete && document.querySelector('.tried img').naturalWidth > 0", 90)
        self.assertRegex(self.page.text(".tried h2"), "^Prediction: (fracture|dislocation)$")
        self.assertIn(f"({kind}, ", self.page.text(".verdict-line .soft"))
        self.assertEqual(self.page.text(".doing"), "")

    def test_each_kind_of_picture_is_judged(self):
        self.open_try()
        path = glob.glob(os.path.join(self.folder, "hurt/**/*.dcm"), recursive=True)[0]
        made = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", os.path.join(self.folder, "png"), "--count", 1, "--seed", 11, "--size", 512,
                     "--prevalence", "1,1,0", "--format", "png")
        self.assertEqual(made.returncode, 0, made.stderr)
        png = glob.glob(os.path.join(self.folder, "png/**/*.png"), recursive=True)[0]
        jpeg = self.write("neck.jpg", encoded(h.grey(png), "JPEG", quality=95))
        for name, kind in ((path, "DICOM"), (png, "picture file"), (jpeg, "picture file")):
            self.drop(name)
            self.page.until(f"document.querySelector('.verdict-line .soft')?.textContent.startsWith({os.path.basename(name)!r})", 60)
            self.judged(kind)

    def large(self):
        """The image with a hurt, 256 times as many pixels, and padding behind them: 200 MB to the byte."""
        image = pydicom.dcmread(glob.glob(os.path.join(self.folder, "hurt/**/*.dcm"), recursive=True)[0])
        pixels = image.pixel_array.repeat(16, axis=0).repeat(16, axis=1)
        image.Rows, image.Columns = pixels.shape
        image.PixelData = pixels.tobytes()
        path = os.path.join(self.folder, "large.dcm")
        image.add_new(0xfffcfffc, "OB", b"")
        image.save_as(path)
        image.add_new(0xfffcfffc, "OB", bytes(MOST - os.path.getsize(path)))
        image.save_as(path)
        self.assertEqual(os.path.getsize(path), MOST)
        return path

    def test_a_file_of_200_megabytes_is_judged_and_one_byte_more_is_not(self):
        """Its progress is told, its prediction is the small image's."""
        self.open_try()
        self.page.see("""(() => { window.told = []; const words = document.querySelector('.doing');
            new MutationObserver(() => window.told.push(words.textContent)).observe(words, { childList: true, characterData: true, subtree: true }); })()""")
        path = self.large()
        self.addCleanup(os.unlink, path)
        self.drop(path)
        self.judged("DICOM")
        told = self.page.see("window.told")
        self.assertTrue(any(re.fullmatch(r"Sending: \d+ % of 200 MB", words) for words in told), told)
        self.assertIn("The node has the file and judges it", told)
        with open(path, "ab") as f:
            f.write(b"0")
        self.drop(path)
        self.doing("The file has 201 MB: more than 200 MB.")
        self.assertTrue(self.page.see("document.querySelector('.tried').hidden"))

    def test_what_cannot_be_tried_is_said(self):
        self.open_try()
        image = pydicom.dcmread(glob.glob(os.path.join(self.folder, "hurt/**/*.dcm"), recursive=True)[0])
        jpeg = encoded((image.pixel_array >> 4).astype(numpy.uint8), "JPEG")
        del image.PixelData
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:  # 100 MB in 100 KB
            z.writestr("x.dcm", bytes(100 << 20))
        no_kind, cut = "This cannot be judged: it is neither DICOM nor PNG nor JPEG.", "The file is damaged or cut short"
        for name, data, words in (("letter.txt", b"Dear colleague, " * 99, no_kind), ("<b>.png", b"PNG?", no_kind), ("empty.dcm", b"", "The file is empty."),
                                  ("cut.jpg", jpeg[:len(jpeg) // 2], cut), ("head.png", b"\x89PNG\r\n\x1a\n" + bytes(64), cut),
                                  ("no-pixels.dcm", written(image), "There is no image in the file"),
                                  ("bomb.zip", bomb.getvalue(), "it is an archive: unpack it, and try one image of it."),
                                  ("bomb.png", png_of(60000, 60000), "The image is over the node's limits")):
            self.drop(self.write(name, data))
            self.doing(words)
            self.assertTrue(self.page.see("document.querySelector('.tried').hidden"), name)
        self.drop(self.write("a.png", b"x"), self.write("b.png", b"x"))
        self.doing("One image at a time: drop a single file.")
        self.accessible("not tried")
        self.drop(self.write("letter.txt", b"x" * (1 << 25)))
        self.page.until("!document.querySelector('.zone progress').hidden")
        self.page.press("Escape")
        self.page.until("/Stopped|neither DICOM/.test(document.querySelector('.doing').textContent)", 20)

    def test_clinical_mode_has_no_such_page(self):
        """The mode's own file says it: this model does not allow the mode itself."""
        self.sign_in("victor")
        self.page.until("!document.querySelector('a[data-page=try]').hidden")
        path = os.path.join(self.node.spool, "mode")
        with open(path, encoding="utf-8") if os.path.exists(path) else open(os.devnull, encoding="utf-8") as f:
            was = f.read()
        try:
            with open(path, "w", encoding="utf-8") as f:
                f.write("clinical\n")
            self.page.until("document.querySelector('a[data-page=try]').hidden", 20)
            self.page.press("t")
            self.assertIsNone(self.page.text(".zone"))
            self.page.do("go", hash="#/try")
            self.doing("Not now: the node is in clinical mode: images come from the modalities only.")
            self.assertTrue(self.page.see("document.querySelector('.zone button').disabled"))
            refused = self.page.see("""import('/api.js').then((api) => api.sendFile('/try', new File(['x'], 'x'), 'image/png',
                { onProgress() {}, signal: new AbortController().signal })).catch((error) => [error.status, error.message])""")
            self.assertEqual(refused, [403, "the node is in clinical mode: images come from the modalities only"])
        finally:
            if was:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(was)
            else:
                os.unlink(path)
        self.page.until("!document.querySelector('a[data-page=try]').hidden", 20)
