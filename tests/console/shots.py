"""shots.py FOLDER [node]: pictures of the console's pages, or of the node's alone, of a real daemon with phantoms' studies, for docs/console/."""
import os
import sys

from PIL import Image

import browser
from browser import DESK, PHONE, h
from test_console import PASSWORD, Console
from test_console_node import Page

NAMES = ("Åström^Göran", "Øster^Liv", "Yamada^Tarou=山田^太郎", "Nováková^Jana", "Papadopoulos^Nikos", "Şahin^Elif", "Smith^John", "O'Brien^Máire")


def take(page, folder, name, size):
    page.do("size", width=size[0], height=size[1])
    page.see("new Promise((done) => setTimeout(done, 400))")
    path = os.path.join(folder, f"{name}.png")
    page.do("screenshot", path=path)
    with Image.open(path) as whole:
        few = whole.convert("RGB").quantize(128)  # a third of the bytes
    few.save(path, optimize=True)


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    node_shots(folder)
    if sys.argv[2:] == ["node"]:
        return
    Console.setUpClass()
    try:
        page, node = Console.page, Console.node
        page.sign_in(Console.url, "root", PASSWORD)
        page.until("document.querySelector('.rows .row')")
        for number, name in enumerate(NAMES):
            attributes = {"PatientBirthDate": "20200101", "PatientAge": "006Y"} if number % 4 == 3 else {}  # not judged
            Console.send(Console.hurt if number in (2, 6) else Console.whole, 1100 + 37 * number, PatientName=name, **attributes)
        h.wait_for(lambda: node.status()["deliveries"]["pending"] == 0 and len(Console.pacs.objects(h.SR3D)) >= 8, 120, "reports")
        page.until("document.querySelectorAll('.rows .row').length >= 10", 60)
        page.do("mouse", x=600, y=300)
        page.press("j")
        Console.send(Console.hurt, 4242, PatientName="Dubois^Zoé")
        page.until("document.querySelector('.news:not([hidden])')", 30)
        take(page, folder, "worklist", DESK)
        take(page, folder, "worklist-phone", PHONE)
        page.press("Escape")
        page.do("go", hash=f"#/study/{Console.positive}")
        page.until("document.getElementById('picture-state')?.textContent.startsWith('original')")
        page.press("m")
        take(page, folder, "study-phone", PHONE)
        take(page, folder, "study", DESK)
        page.do("go", hash="#/try")
        page.until("document.querySelector('.zone .soft')?.textContent.startsWith('Up to')")
        page.do("choose", key="o", paths=[os.path.join(Console.folder, "4242.dcm")])
        page.until("document.querySelector('.tried img')?.naturalWidth > 0", 60)
        take(page, folder, "try", DESK)
        take(page, folder, "try-phone", PHONE)
    finally:
        Console.doClassCleanups()


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
