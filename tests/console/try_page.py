"""What test_console.py does with the page on which an image is tried: a part of its class."""
import glob
import os
import re

import pydicom


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
    def drop(self, name, text, size=None, count=1):
        """Drops files of this text; `size` is what the first says of itself."""
        self.page.see(f"""(() => {{ const d = new DataTransfer();
            for (let i = 0; i < {count}; i++) d.items.add(new File([{text}], {name!r}));
            const files = [...d.files];
            if ({size or 0}) Object.defineProperty(files[0], 'size', {{ value: {size or 0} }});
            const event = new DragEvent('drop', {{ bubbles: true, cancelable: true }});
            Object.defineProperty(event, 'dataTransfer', {{ value: {{ files, types: ['Files'] }} }});
            document.querySelector('.zone').dispatchEvent(event); }})()""")

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

    def large(self):
        """The image with a hurt, 256 times as many pixels, and padding behind them: 199 MB."""
        image = pydicom.dcmread(glob.glob(os.path.join(self.folder, "hurt/**/*.dcm"), recursive=True)[0])
        pixels = image.pixel_array.repeat(16, axis=0).repeat(16, axis=1)
        image.Rows, image.Columns = pixels.shape
        image.PixelData = pixels.tobytes()
        image.add_new(0xfffcfffc, "OB", bytes((199 << 20) - len(image.PixelData)))
        path = os.path.join(self.folder, "large.dcm")
        image.save_as(path)
        return path

    def test_a_file_of_199_megabytes_is_tried(self):
        """Through the page: its progress is told, its prediction is the small image's."""
        self.sign_in("victor")
        self.page.do("go", hash="#/try")
        self.page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to 200 MB')")
        self.page.see("""(() => { window.told = []; const words = document.querySelector('.doing');
            new MutationObserver(() => window.told.push(words.textContent)).observe(words, { childList: true, characterData: true, subtree: true }); })()""")
        path = self.large()
        self.addCleanup(os.unlink, path)
        self.page.do("choose", key="o", paths=[path])
        self.page.until("document.querySelector('.tried img')?.complete && document.querySelector('.tried img').naturalWidth > 0", 90)
        self.assertRegex(self.page.text(".tried h2"), "^Prediction: (fracture|dislocation)$")
        told = self.page.see("window.told")
        self.assertTrue(any(re.fullmatch(r"Sending: \d+ % of 199 MB", words) for words in told), told)
        self.assertIn("The node has the file and judges it", told)

    def test_what_cannot_be_tried_is_said(self):
        self.sign_in("victor")
        self.page.do("go", hash="#/try")
        self.page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to 200 MB')")
        for name, text, more, words in (("letter.txt", "'Dear colleague, '.repeat(99)", {}, "This cannot be judged: it is neither DICOM nor PNG nor JPEG."),
                                        ("empty.dcm", "''", {}, "The file is empty."), ("a.png", "'x'", {"count": 2}, "One image at a time: drop a single file."),
                                        ("all.zip", "'PK\\u0003\\u0004' + 'x'.repeat(500)", {}, "it is an archive: unpack it, and try one image of it."),
                                        ("large.dcm", "'x'", {"size": 201 << 20}, "The file has 201 MB: more than 200 MB."),
                                        ("<b>.png", "'\\u0089PNG'", {}, "it is neither DICOM nor PNG nor JPEG.")):
            self.drop(name, text, **more)
            self.doing(words)
            self.assertTrue(self.page.see("document.querySelector('.tried').hidden"))
        self.drop("letter.txt", "'x'.repeat(1 << 25)")
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
