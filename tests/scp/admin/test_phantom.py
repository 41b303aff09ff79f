"""`cervigate phantom`: files with their manifest, DICOM objects that a validator accepts, and modalities that send to real peers."""
import csv
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import numpy
import pydicom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "e2e"))
import harness as h  # noqa: E402

ADMIN = os.path.join(h.BIN, "cervigate")
COLUMNS = ("file class patient age sex level lesion variant translation_mm angulation_deg height_loss_percent gap_mm contrast_to_noise "
           "subtlety x0 y0 x1 y1 subject configuration mm_per_pixel facing flexion_deg turn_deg c2_x c2_y c7_x c7_y mask c7_t1").split()
CT = "1.2.840.10008.5.1.4.1.1.2"


def phantom(*arguments, **environment):
    return subprocess.run([ADMIN, "phantom", *map(str, arguments)], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, **environment))


def content(path):
    with open(path, "rb") as f:
        return f.read()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)

    def draw(self, *arguments, out=None):
        out = out or tempfile.mkdtemp(dir=self.folder)
        said = phantom("--out", out, *arguments)
        self.assertEqual(said.returncode, 0, said.stderr)
        with open(os.path.join(out, "manifest.csv"), encoding="utf-8") as f:
            reader = csv.DictReader(f)
            rows = list(reader)
        self.assertEqual(reader.fieldnames, COLUMNS)
        for row in rows:
            self.assertTrue(os.path.isfile(os.path.join(out, row["file"])), row["file"])
        return out, rows


class Usage(unittest.TestCase):
    def refused(self, words, *arguments, status=64):
        said = phantom(*arguments)
        self.assertEqual(said.returncode, status, said.stderr)
        self.assertIn(words, said.stderr)
        self.assertEqual(said.stdout, "")

    def test_what_is_no_option(self):
        out = ("--out", "/nowhere/x", "--count", 1)
        self.refused("there is no such subject; there are: all lateral", *out, "--subject", "foot")
        self.refused("--configuration 2: a whole number from 0 to 1", *out, "--configuration", 2)
        self.refused("--format jpeg: png or dicom", *out, "--format", "jpeg")
        self.refused("--headers true: honest or careless", *out, "--headers", "true")
        self.refused("--size 63", *out, "--size", 63)
        self.refused("--threads 0", *out, "--threads", 0)
        self.refused("--prevalence 0,0,0: all parts are 0", *out, "--prevalence", "0,0,0")
        self.refused("--out and --count are needed", "--out", "/nowhere/x")
        self.refused("one of --out and --send", "--count", 1)
        self.refused("one of --out and --send", *out, "--send", "A@b:1")
        self.refused("are for --send", *out, "--rate", 1)
        self.refused("are for --send", *out, "--pause", 1)
        self.refused("are for --send", *out, "--json")
        for option in (("--format", "dicom"), ("--twins",), ("--masks",), ("--threads", 2)):
            self.refused("are for --out", "--send", "A@b:1", *option)
        self.refused("--pause 3601: a number from 0 to 3600", "--send", "A@b:1", "--pause", 3601)
        for rate in ("-1", "nan", "x", "10001"):
            self.refused(f"--rate {rate}: a number from 0 to 10000", "--send", "A@b:1", "--rate", rate)
        for peer in ("A@b", "A@:1", "@b:1", "A@b:0", "A@b:65536", "A@b:x", "ABCDEFGHIJKLMNOPQ@b:1", "A:1@b"):
            self.refused("AE_TITLE@HOST:PORT is expected", "--send", peer)
        self.refused("nowhere.xml", "--send", "pacs", "--config", "/nowhere.xml", status=66)

    def test_help_names_the_subjects(self):
        said = phantom("--help")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertRegex(said.stdout, r"(?s)Subjects:\n.*lateral.*odontoid.*chest")

    def test_places_that_cannot_be_written(self):
        said = phantom("--out", "/proc/nowhere", "--count", 1)
        self.assertEqual((said.returncode, "/proc/nowhere" in said.stderr), (73, True))


class Files(Case):
    def test_masks_twins_and_measures(self):
        out, rows = self.draw("--count", 6, "--seed", 3, "--size", 96, "--masks", "--twins", "--prevalence", "2,2,2")
        self.assertEqual(sorted(os.listdir(out)), ["c-spine_dislocation", "c-spine_fracture", "c-spine_normal", "manifest.csv", "masks"])
        injured = [r for r in rows if r["class"] != "normal"]
        self.assertEqual((len(rows), len(injured)), (10, 4))
        self.assertEqual(sorted(os.listdir(os.path.join(out, "masks"))), sorted(os.path.basename(r["mask"]) for r in injured))
        for row in rows:
            self.assertEqual(row["mask"] != "", row["class"] != "normal")
            self.assertEqual((row["subject"], row["configuration"]), ("lateral", "0"))
            self.assertIn(row["facing"], ("left", "right"))
            self.assertGreater(float(row["mm_per_pixel"]), 0)
            if row["class"] == "normal":
                self.assertEqual([row[k] for k in ("level", "lesion", "subtlety")], ["", "", ""])
                self.assertEqual([float(row[k]) for k in ("x0", "y0", "x1", "y1", "gap_mm", "contrast_to_noise")], [0] * 6)
                continue
            self.assertRegex(row["level"], "^C[0-7]$")
            self.assertTrue(row["lesion"])
            self.assertTrue(0 <= float(row["subtlety"]) <= 1)
            self.assertGreaterEqual(float(row["contrast_to_noise"]), 0)  # 0: hidden in white
            self.check_mask(out, row, rows)
        self.assertGreater(max(float(r["contrast_to_noise"]) for r in injured), 1)

    def check_mask(self, out, row, rows):
        image, mask = h.grey(os.path.join(out, row["file"])).astype(int), h.grey(os.path.join(out, row["mask"]))
        self.assertEqual(mask.shape, image.shape)
        self.assertLessEqual(set(numpy.unique(mask)), {0, 128, 255})
        self.assertTrue((mask == 255).any())
        twin = next(r for r in rows if r["file"].endswith(os.path.basename(row["file"]).replace(".png", "_twin.png")))
        self.assertEqual((twin["class"], twin["patient"], twin["age"], twin["sex"]), ("normal", row["patient"], row["age"], row["sex"]))
        change = abs(h.grey(os.path.join(out, twin["file"])).astype(int) - image)
        self.assertGreater(change.max(), 20)
        self.assertLessEqual(change[mask != 255].max(), 1)

    def test_any_number_of_threads_draws_the_same(self):
        def drawn(threads):
            out, _ = self.draw("--count", 5, "--seed", 4, "--size", 64, "--masks", "--twins", "--format", "dicom", "--threads", threads)
            return {f[len(out):]: content(f) for f in glob.glob(out + "/**", recursive=True) if os.path.isfile(f)}
        self.assertEqual(drawn(1), drawn(3))

    def test_configurations_and_seeds_differ(self):
        images = {}
        for name, options in {"0": (), "1": ("--configuration", 1), "seed": ("--seed", 2)}.items():
            out, rows = self.draw("--count", 1, "--size", 64, *options)
            self.assertEqual(rows[0]["configuration"], "1" if name == "1" else "0")
            images[content(os.path.join(out, rows[0]["file"]))] = name
        self.assertEqual(len(images), 3)

    def test_subjects_lie_in_folders_of_their_own(self):
        out, rows = self.draw("--count", 2, "--size", 64, "--subject", "chest")
        self.assertEqual(sorted(os.listdir(out)), ["chest", "manifest.csv"])
        self.assertEqual([(r["subject"], r["class"]) for r in rows], [("chest", "normal")] * 2)


class Dicom(Case):
    def objects(self, *arguments):
        out, rows = self.draw("--format", "dicom", "--seed", 6, *arguments)
        return [(row, os.path.join(out, row["file"]), pydicom.dcmread(os.path.join(out, row["file"]))) for row in rows]

    def valid(self, paths):
        """No error, and no warning either."""
        for path in paths:
            said = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, errors="replace", timeout=60)
            complaints = [line for line in (said.stdout + said.stderr).split("\n") if line.startswith(("Error", "Warning"))]
            self.assertEqual((said.returncode, complaints), (0, []), path)

    @unittest.skipUnless(shutil.which("dciodvfy"), "skipped: no dciodvfy")
    def test_dx_and_cr(self):
        made = self.objects("--count", 28, "--size", 64)
        self.valid(path for _, path, _ in made)
        kinds = [d.SOPClassUID for _, _, d in made]
        self.assertGreaterEqual(kinds.count(h.DX), 6)
        self.assertGreaterEqual(kinds.count(h.CR), 6)
        self.assertEqual(len(kinds), kinds.count(h.DX) + kinds.count(h.CR))
        self.assertEqual({d.PhotometricInterpretation for _, _, d in made}, {"MONOCHROME1", "MONOCHROME2"})
        bits = {d.BitsStored for _, _, d in made}
        self.assertTrue(bits <= set(range(10, 17)) and min(bits) == 10 and max(bits) >= 15, bits)
        for row, _, d in made:
            self.check(row, d)
        self.assertEqual(len({d.SOPInstanceUID for _, _, d in made}), len(made))

    def check(self, row, d):
        self.assertEqual((d.BodyPartExamined, d.ViewPosition, d.ImageLaterality), ("CSPINE", "LL" if row["facing"] == "left" else "RL", "U"))
        self.assertEqual((int(d.PatientAge[:3]), d.PatientSex), (int(row["age"]), row["sex"]))
        self.assertEqual(2026 - int(d.PatientBirthDate[:4]), int(row["age"]))
        self.assertEqual((str(d.PatientName), d.PatientID), (f"PHANTOM^{int(row['patient']):05}", f"PHANTOM-{int(row['patient']):05}"))
        for spacing in (d.ImagerPixelSpacing, d.get("PixelSpacing", d.ImagerPixelSpacing)):
            self.assertAlmostEqual(spacing[0], float(row["mm_per_pixel"]), 3)
        self.assertEqual(d.Modality, "DX" if d.SOPClassUID == h.DX else "CR")
        if d.SOPClassUID == h.DX:
            self.assertEqual(d.ViewCodeSequence[0].CodeValue, "399067008")
        low, high = d.WindowCenter - 0.5 - (d.WindowWidth - 1) / 2, d.WindowCenter - 0.5 + (d.WindowWidth - 1) / 2
        self.assertTrue(0 <= low < high < 2 ** d.BitsStored)
        self.assertTrue(low <= d.pixel_array.min() and d.pixel_array.max() <= high)

    def test_window_and_photometric_show_what_the_png_shows(self):
        out, rows = self.draw("--seed", 6, "--count", 8, "--size", 64)
        for row, (_, _, d) in zip(rows, self.objects("--count", 8, "--size", 64)):
            low = d.WindowCenter - 0.5 - (d.WindowWidth - 1) / 2
            shown = (d.pixel_array - low) / (d.WindowWidth - 1)
            shown = 1 - shown if d.PhotometricInterpretation == "MONOCHROME1" else shown
            png = h.grey(os.path.join(out, row["file"])) / 255
            self.assertLess(abs(shown - png).max(), 1 / 255, row["file"])

    @unittest.skipUnless(shutil.which("dciodvfy"), "skipped: no dciodvfy")
    def test_every_subject_with_honest_and_careless_headers(self):
        honest = self.objects("--count", 20, "--size", 64, "--subject", "all")
        by = {row["subject"]: d for row, _, d in honest}
        self.assertEqual(len(by), 20)
        self.assertEqual((by["chest"].BodyPartExamined, by["chest"].ViewPosition), ("CHEST", "PA"))
        self.assertEqual((by["hand"].BodyPartExamined, by["hand"].ImageLaterality in "LR"), ("HAND", True))
        self.assertEqual((by["ap"].BodyPartExamined, by["ap"].ViewPosition), ("CSPINE", "AP"))
        self.assertLess(int(by["child"].PatientAge[:3]), 18)
        self.assertEqual((by["ct-slice"].SOPClassUID, by["ct-slice"].Modality, by["ct-slice"].RescaleIntercept), (CT, "CT", -1024))
        self.assertEqual(by["photograph"].SOPClassUID, h.SC)
        careless = self.objects("--count", 80, "--seed", 7, "--size", 64, "--subject", "all", "--headers", "careless")
        parts = [(row["subject"], d.get("BodyPartExamined", "")) for row, _, d in careless if row["subject"] not in ("photograph", "ct-slice")]
        self.assertGreater(sum(part == "" for _, part in parts), 4)
        self.assertGreater(sum(part == "CSPINE" and s in ("chest", "hand", "hip", "dental", "skull-lateral") for s, part in parts), 0)
        self.valid(path for _, path, _ in honest + careless)


class Sending(Case):
    """Every modality is a process; peers are DCMTK's storescp and the real node."""

    def send(self, *arguments, **environment):
        said = phantom("--send", *arguments, "--size", 64, "--json", **environment)
        lines = [json.loads(line) for line in said.stdout.splitlines()]
        return said, lines[:-1], lines[-1] if lines else None

    def pacs(self):
        pacs = h.StoreScp()
        self.addCleanup(pacs.close)
        return pacs

    def peer(self, *options, folder=None):
        """A storescp with options of its own: its address."""
        port = h.free_port()
        process = subprocess.Popen(["storescp", "-aet", "PACS", "-od", folder or self.folder, *options, str(port)], **h.QUIET)
        self.addCleanup(lambda: (process.kill(), process.wait()))
        listens = 1 if "--refuse" in options else 0  # echoscu's exit code: rejected; nobody there is another
        h.wait_for(lambda: h.run("echoscu", "127.0.0.1", port).returncode == listens, 10, "storescp")
        return f"PACS@127.0.0.1:{port}"

    def test_studies_arrive_whole(self):
        pacs = self.pacs()
        said, studies, total = self.send(f"PACS@127.0.0.1:{pacs.port}", "--rate", 0, "--count", 9, "--seed", 2)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        stored = [pydicom.dcmread(p, stop_before_pixels=True) for p in pacs.objects()]
        self.assertEqual((total["studies"], total["stored"], total["refused"], total["lost"], total["stopped"]), (9, len(stored), 0, 0, False))
        self.assertEqual(sorted(s["study"] for s in studies), list(range(9)))
        self.assertEqual({s["modality"] for s in studies}, {"MOD1", "MOD2", "MOD3"})
        for s in studies:
            images = [d for d in stored if d.StudyInstanceUID == s["uid"]]
            self.assertEqual((len(images), s["outcome"], s["stored"]), (s["images"], "sent", s["images"]))
            self.assertEqual({(d.PatientID, d.StationName, d.PatientAge, d.Modality) for d in images},
                             {(f"PHANTOM-{s['patient']:05}", s["modality"], images[0].PatientAge, images[0].Modality)})
            self.assertEqual(len({d.SeriesInstanceUID for d in images}), len(images))
        self.assertTrue(any(s["images"] > 2 for s in studies))
        self.assertTrue(any("lateral" not in s["subjects"].split() for s in studies), "no other part of the body")

    def test_the_same_seed_sends_the_same_bytes(self):
        sent = []
        for _ in range(2):
            pacs = self.pacs()
            self.assertEqual(self.send(f"PACS@127.0.0.1:{pacs.port}", "--rate", 0, "--count", 3)[0].returncode, 0)
            sent.append({h.dataset_digest(p) for p in pacs.objects()})
        self.assertEqual(sent[0], sent[1])

    def test_studies_keep_to_their_rate(self):
        pacs = self.pacs()
        _, _, total = self.send(f"PACS@127.0.0.1:{pacs.port}", "--rate", 1.5, "--count", 5, "--subject", "blank", "--modalities", 2)
        self.assertEqual(total["stored"], 5)
        self.assertGreater(total["seconds"], 4 / 1.5 - 0.1)

    def test_a_spoilt_lateral_is_repeated_and_images_pause(self):
        pacs = self.pacs()
        _, studies, _ = self.send(f"PACS@127.0.0.1:{pacs.port}", "--rate", 0, "--count", 7, "--seed", 2, "--modalities", 7, "--pause", 0.4)
        stored = [(os.stat(p).st_mtime, pydicom.dcmread(p)) for p in pacs.objects()]
        pauses = 0
        for s in studies:
            came = sorted(t for t, d in stored if d.StudyInstanceUID == s["uid"])
            self.assertGreaterEqual(s["milliseconds"], 400 * (s["images"] - 1))
            pauses += len(came) - 1
            self.assertGreaterEqual(came[-1] - came[0], 0.4 * (len(came) - 1) - 0.1)  # the last write of each is what is seen
        self.assertGreater(pauses, 5)
        by = {s["study"]: s["subjects"] for s in studies}
        self.assertEqual((by[4], by[6]), ("ap cropped lateral odontoid", "ap lateral lateral odontoid"))
        study = next(s for s in studies if s["study"] == 6)
        first = study["subjects"].split().index("lateral") + 1
        images = {d.SeriesNumber: d for _, d in stored if d.StudyInstanceUID == study["uid"]}
        shown = []
        for number in (first, first + 1):
            d = images[number]
            x = (d.pixel_array - (d.WindowCenter - 0.5 - (d.WindowWidth - 1) / 2)) / (d.WindowWidth - 1)
            shown.append(1 - x if d.PhotometricInterpretation == "MONOCHROME1" else x)
        self.assertLess(shown[0].max(), 0.55)  # a third of the contrast, and coarse noise
        self.assertGreater(shown[1].max(), 0.7)
        self.assertGreater(numpy.corrcoef(shown[0].ravel(), shown[1].ravel())[0, 1], 0.6, "another view or patient")
        self.assertEqual(images[first].PatientID, images[first + 1].PatientID)

    def test_a_configured_peer_by_its_name(self):
        pacs = self.pacs()
        node = h.Node({"archive": ("PACS", pacs.port)}, mode="shadow")
        self.addCleanup(node.stop)
        said, _, total = self.send("archive", "--rate", 0, "--count", 1, "--config", node.config)
        self.assertEqual((said.returncode, total["stored"]), (0, len(pacs.objects())))
        said = phantom("--send", "nobody", "--rate", 0, "--count", 1, CERVIGATE_CONFIG=node.config)
        self.assertEqual((said.returncode, 'no peer is called "nobody"; there are: archive' in said.stderr), (64, True))
        said = phantom("--send", "archive", "--rate", 0, "--count", 1, "--subject", "blank", "--size", 64, CERVIGATE_CONFIG=node.config)
        self.assertRegex(said.stdout, r"^study 0  MOD1  PHANTOM-\d{5}  blank: 1 of 1 stored, .*\n1 studies in .* 0 refused, 0 not sent\n$")

    def test_the_real_node_takes_every_image_once(self):
        node = h.Node({}, mode="shadow")
        self.addCleanup(node.stop)
        arguments = (f"CERVIGATE@127.0.0.1:{node.port}", "--rate", 0, "--count", 6, "--seed", 2)
        said, studies, total = self.send(*arguments)
        self.assertEqual((said.returncode, total["lost"], total["refused"]), (0, 0, 0), said.stderr)
        images = lambda: sum(v for v in node.status()["instances"].values() if isinstance(v, int))  # noqa: E731
        self.assertEqual(images(), total["stored"])
        ended = lambda: re.findall(r' association-ended .*calling="(MOD\d)".* stored=([1-9]\d*)', node.log())  # noqa: E731
        h.wait_for(lambda: len(ended()) >= 6, 20, "an association a study")
        self.assertEqual(sorted(ended()), sorted((s["modality"], str(s["images"])) for s in studies))
        h.wait_for(lambda: node.status()["instances"]["judged"] > 0, 60, "a judged lateral")
        self.assertEqual(self.send(*arguments)[2]["stored"], total["stored"])
        self.assertEqual(images(), total["stored"])

    def test_a_peer_that_is_down(self):
        said, studies, total = self.send(f"PACS@127.0.0.1:{h.free_port()}", "--rate", 0, "--count", 1)
        self.assertEqual((said.returncode, studies, total), (69, [], None))
        self.assertIn("cannot connect", said.stderr)

    def test_a_peer_that_wants_no_association(self):
        said, _, total = self.send(self.peer("--refuse"), "--rate", 0, "--count", 1)
        self.assertEqual((said.returncode, total), (1, None))
        self.assertIn("association from MOD1 rejected", said.stderr)
        node = h.Node({}, mode="shadow")
        self.addCleanup(node.stop)
        said, _, _ = self.send(f"SOMEBODY@127.0.0.1:{node.port}", "--rate", 0, "--count", 1)
        self.assertEqual((said.returncode, "called AE title not recognized" in said.stderr), (1, True))

    def test_refused_objects_are_told_and_counted(self):
        gone = tempfile.mkdtemp(dir=self.folder)
        address = self.peer(folder=gone)
        os.rmdir(gone)
        said, studies, total = self.send(address, "--rate", 0, "--count", 2, "--subject", "blank")
        self.assertEqual((said.returncode, total["refused"], total["stored"], total["lost"]), (1, 2, 0, 0))
        self.assertEqual([s["outcome"] for s in studies], ["refused"] * 2)
        self.assertRegex(said.stderr, r"study 0, MOD1: status [AC][0-9A-F]{3}")

    def test_an_association_that_breaks_loses_what_was_behind_it(self):
        said, studies, total = self.send(self.peer("--abort-after", "--fork"), "--rate", 0, "--count", 1, "--subject", "blank")
        self.assertEqual((said.returncode, total["lost"], total["stored"], studies[0]["outcome"]), (69, 1, 0, "lost"))

    def test_an_interrupt_ends_it_with_a_summary(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            pacs = self.pacs()
            with subprocess.Popen([ADMIN, "phantom", "--send", f"PACS@127.0.0.1:{pacs.port}", "--rate", "4", "--size", "64", "--subject", "blank"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
                first = process.stdout.readline()
                process.send_signal(number)
                rest, said = process.communicate(timeout=30)
            self.assertEqual((process.returncode, said), (0, ""))
            stored = int(re.search(r"(\d+) images stored", rest.splitlines()[-1]).group(1))
            self.assertEqual((first.startswith("study "), stored), (True, len(pacs.objects())))


if __name__ == "__main__":
    unittest.main(verbosity=2)
