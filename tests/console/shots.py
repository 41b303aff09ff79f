"""shots.py FOLDER [node]: pictures of the console's pages, or of the node's alone, of a real daemon with phantoms' studies, for docs/console/."""
import csv
import datetime
import io
import os
import sys

import pydicom
from PIL import Image

import browser
from browser import DESK, PHONE, h
from http_fixture import to_orders
from test_console import PASSWORD, ROWS, Console
from test_console_node import Page

# Minutes ago, phantom (seed 77), name, age, sex, station, the order's priority.
NIGHT = ((231, 13, "Åström^Göran", "071Y", "M", "ROOM 1", "R"), (187, 3, "Øster^Liv", "034Y", "F", "ROOM 1", ""), (164, 1, "Yamada^Tarou=山田^太郎", "058Y", "M", "ROOM 2", "R"),
         (121, 19, "Nováková^Jana", "006Y", "F", "ROOM 1", ""), (98, 5, "Şahin^Elif", "045Y", "F", "EMERGENCY 1", "S"), (77, 22, "Smith^John", "083Y", "M", "EMERGENCY 2", ""),
         (52, 15, "O'Brien^Máire", "067Y", "F", "ROOM 2", "R"), (31, 8, "Dubois^Zoé", "029Y", "F", "EMERGENCY 1", "A"), (12, 11, "Papadopoulos^Nikos", "051Y", "M", "ROOM 1", ""))
LAST = (0, 4, "Kowalska^Ewa", "076Y", "F", "EMERGENCY 2", "")


def take(page, folder, name, size):
    page.do("size", width=size[0], height=size[1])
    page.see("new Promise((done) => setTimeout(done, 400))")
    path = os.path.join(folder, f"{name}.png")
    page.do("screenshot", path=path)
    with Image.open(path) as whole:
        few = whole.convert("RGB").quantize(240, kmeans=3)  # a third of the bytes
    few.save(path, optimize=True)


class Night(Console):
    """Four hours of a night: the node's clock is behind, and goes on to now."""

    @classmethod
    def setUpClass(cls):
        cls.clock = os.path.join(h.tempfile.mkdtemp(prefix="cervigate-shots-"), "clock")
        cls.addClassCleanup(h.shutil.rmtree, os.path.dirname(cls.clock))
        cls.behind(NIGHT[0][0] + 9)
        os.environ["CERVIGATE_CLOCK_OFFSET"] = "@" + cls.clock
        super().setUpClass()
        drawn = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", os.path.join(cls.folder, "night"), "--count", 24, "--seed", 77, "--size", 512, "--prevalence", "0.3,0.2,0.5",
                      "--format", "dicom")
        assert drawn.returncode == 0, drawn.stderr
        for study in (cls.positive, cls.negative):
            assert cls.node.admin("worklist", "read", study).returncode == 0

    @classmethod
    def behind(cls, minutes):
        h.set_clock(cls.clock, -60 * minutes)

    @classmethod
    def come(cls, minutes, phantom, name, age, sex, station, order):
        cls.behind(minutes)
        number = 7 * phantom + 20260
        if order:
            to_orders(cls.node, f"OBR|1||F{number}|XR^Cervical spine^L{'|' * 14}ACC{number}{'|' * 9}^^^^^{order}\r", "ORM^O01", "2.3.1")
        taken = datetime.datetime.now() - datetime.timedelta(minutes=minutes + 4)
        image = pydicom.dcmread(next(p for p in h.glob.glob(cls.folder + "/night/*/*.dcm") if p.endswith(f"_{phantom}.dcm")))
        study = cls.send(image, number, PatientName=name, PatientAge=age, PatientSex=sex, StationName=station, StudyDate=f"{taken:%Y%m%d}", StudyTime=f"{taken:%H%M%S}",
                         PatientBirthDate=f"{taken.year - int(age[:3])}0103")
        h.wait_for(lambda: next((r["reported_at"] for r in cls.outcomes() if r["study"] == study), None), 60, "a report")
        h.wait_for(lambda: cls.node.status()["deliveries"]["pending"] == 0, 60, "delivery")
        return study

    @classmethod
    def outcomes(cls):
        return csv.DictReader(io.StringIO(cls.page.see("fetch('/api/v1/outcomes.csv').then((a) => a.text())"), newline=""))


def answered(page, count):
    page.until(f"document.querySelectorAll('.rows .row').length === {count} && ![...document.querySelectorAll('.rows .words')].some((w) => w.textContent === 'Not yet analysed')", 60)


def list_shots(page, folder):
    page.sign_in(Night.url, "root", PASSWORD)
    page.until("!document.getElementById('top').hidden")
    studies = [Night.come(*each) for each in NIGHT]
    answered(page, len(NIGHT))
    page.do("reload")  # who opens the list finds nothing new in it
    answered(page, len(NIGHT))
    page.do("mouse", x=600, y=300)
    page.press("j")
    Night.come(*LAST)
    page.until("document.querySelector('.news:not([hidden])')?.textContent.includes('1 raised')", 30)
    take(page, folder, "worklist", DESK)
    take(page, folder, "worklist-phone", PHONE)
    page.press("Escape")
    page.do("mouse", x=600, y=10)
    page.until(f"({ROWS}).length > {len(NIGHT)}")
    return studies[7]


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    node_shots(folder)
    if sys.argv[2:] == ["node"]:
        return
    Night.setUpClass()
    try:
        page = Night.page
        study = list_shots(page, folder)
        page.do("go", hash=f"#/study/{study}")
        page.until("document.getElementById('picture-state')?.textContent.startsWith('original')")
        page.press("m")
        take(page, folder, "study-phone", PHONE)
        take(page, folder, "study", DESK)
        page.do("go", hash="#/try")
        page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to')")
        page.do("choose", key="o", paths=[os.path.join(Night.folder, f"{7 * LAST[1] + 20260}.dcm")])
        page.until("document.querySelector('.tried img')?.naturalWidth > 0", 60)
        take(page, folder, "try", DESK)
        take(page, folder, "try-phone", PHONE)
    finally:
        Night.doClassCleanups()


PARTS = (("node", "", ".peers .said", DESK), ("node-phone", "", ".peers .said", PHONE), ("node-drift", "drift", ".plot svg", DESK), ("node-models", "models", ".model", DESK),
         ("node-set-aside", "set-aside", ".aside", DESK), ("node-audit", "audit", "form.search", DESK))


def node_shots(folder):
    """A node that is not well, at three in the morning."""
    Page.setUpClass()
    try:
        case = Page("test_b_echo")
        case.open(there=".peers")
        case.test_b_echo()
        for name, part, there, size in PARTS:
            case.open(part, there=there)
            if part == "audit":
                case.page.do("click", selector="form.search button")
                case.page.until("document.querySelector('.records tbody tr')", 30)
            take(case.page, folder, name, size)
    finally:
        Page.doClassCleanups()


if __name__ == "__main__":
    browser.leave_if_missing()
    main()
