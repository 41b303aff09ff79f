"""The console as people use it: a real daemon, real studies, Debian's Chromium."""
import copy
import glob
import itertools
import os
import re
import shutil
import tempfile
import time
import unittest

import pydicom
from pydicom.uid import generate_uid

import browser
import colours
from answers import Answers
from browser import DESK, PHONE, h
from http_fixture import announced
from list_page import ListPage, Viewer
from picture_page import PicturePage
from try_page import TryPage

PASSWORD = "reading room at night"
HOSTILE = "<script>window.hacked=1</script><b>bold</b>^Évil"
ROWS = "[...document.querySelectorAll('.rows .row')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((r) => r.dataset.study)"
NEWS = "document.querySelector('.news:not([hidden])')?.textContent"


class Console(ListPage, PicturePage, TryPage, Answers, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.maxDiff = None
        cls.folder = tempfile.mkdtemp(prefix="cervigate-console-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.pacs = h.StoreScp()
        cls.addClassCleanup(cls.pacs.close)
        accounts = os.path.join(cls.folder, "accounts")
        cls.viewer = Viewer()
        cls.addClassCleanup(cls.viewer.close)
        cls.node = h.Node({"pacs": (cls.pacs.ae, cls.pacs.port)}, console=f'accounts="{accounts}" triesPerMinute="60" viewer="{cls.viewer.url}?study={{study}}"',
                          limits='<orders listen="true" address="127.0.0.1" port="0" finding="^CS.*: FX" noFinding="^CS.*: NEG"/>')
        cls.addClassCleanup(cls.node.stop)
        for name, role in (("anna", "reader"), ("victor", "viewer"), ("root", "admin")):
            said = h.run(os.path.join(h.BIN, "cervigate"), "user", "add", name, "--role", role, input=PASSWORD + "\n",
                         env=dict(os.environ, CERVIGATE_CONFIG=cls.node.config))
            assert said.returncode == 0, said.stderr
        cls.hurt, cls.whole = cls.draw("hurt", 11, "1,1,0"), cls.draw("whole", 5, "0,0,1")
        cls.positive, cls.negative = cls.send(cls.hurt, 0), cls.send(cls.whole, 1, PatientName=HOSTILE)
        h.wait_for(lambda: len(cls.pacs.objects(h.SC)) == 2 and cls.node.status()["deliveries"]["pending"] == 0, 60, "results")
        cls.url = f"http://127.0.0.1:{cls.node.facts()['console_port']}/"
        cls.page = browser.Browser()
        cls.addClassCleanup(cls.page.close)

    @classmethod
    def draw(cls, name, seed, prevalence):
        out = os.path.join(cls.folder, name)
        made = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", out, "--count", 1, "--seed", seed, "--size", 512,
                     "--prevalence", prevalence, "--format", "dicom")
        assert made.returncode == 0, made.stderr
        return pydicom.dcmread(glob.glob(out + "/**/*.dcm", recursive=True)[0])

    @classmethod
    def send(cls, image, number, node=None, **attributes):
        """The image as another patient's study; its Study Instance UID."""
        d = copy.deepcopy(image)
        d.StudyInstanceUID, d.SeriesInstanceUID, d.SOPInstanceUID = generate_uid(), generate_uid(), generate_uid()
        d.file_meta.MediaStorageSOPInstanceUID = d.SOPInstanceUID
        d.SpecificCharacterSet = "ISO_IR 192"
        d.PatientID, d.AccessionNumber, d.PatientName = f"CONSOLE-{4710 + number}", f"ACC{number}", f"Prüfung^Nummer {number}"
        for keyword, value in attributes.items():
            setattr(d, keyword, value)
        path = os.path.join(cls.folder, f"{number}.dcm")
        d.save_as(path)
        sent = (node or cls.node).send(path)
        assert sent.returncode == 0, sent.stdout + sent.stderr
        return d.StudyInstanceUID

    def setUp(self):
        self.page.said.clear()

    def tearDown(self):
        """Whatever a test does: no error in a script, nothing against the policy, no request to anybody else."""
        told = [s for s in self.page.said if "Failed to load resource" not in s]
        self.assertEqual(told, [])
        self.assertLessEqual(set(self.page.hosts), {self.url.split("/")[2]})

    def sign_in(self, name="anna", **how):
        """At the worklist, with the pointer outside it; nobody signs in who already is."""
        if self.page.who == name and self.page.see("!document.getElementById('top').hidden"):
            self.page.do("mouse", x=600, y=10)
            self.page.do("go", hash="#/node")
            self.page.do("go", hash="#/worklist")
        else:
            self.page.sign_in(self.url, name, PASSWORD, **how)
        self.page.who = name
        self.page.until("document.querySelector('.rows .row')")

    def ask(self, path):
        """The node's answer, with the page's session."""
        return self.page.see(f"fetch('/api/v1{path}').then((a) => a.json())")

    def order(self):
        return [e["study"] for e in self.ask("/worklist")["entries"]]

    def test_who_is_not_signed_in_sees_nothing(self):
        self.page.who = None
        self.page.sign_in(self.url, "anna", "wrong " + PASSWORD)
        self.page.until("document.getElementById('login-failure')?.textContent === 'Name or password is wrong.'")
        self.assertEqual(self.page.see("fetch('/api/v1/worklist').then((a) => a.status)"), 401)
        self.accessible("wrong password")
        self.page.do("fill", selector="input[name=password]", text=PASSWORD)
        self.page.press("Enter")
        self.page.until("document.querySelector('.rows .row')")
        self.page.do("reload")
        self.page.until("document.querySelector('.rows .row')")
        self.page.do("click", selector="#leave")
        self.page.until("document.querySelector('form.login')")
        self.assertNotIn("ACC0", self.page.text("body"))
        self.assertEqual(self.page.see("fetch('/api/v1/worklist').then((a) => a.status)"), 401)

    def test_the_order_waits_for_the_reader(self):
        """Taken when pointer and focus have left, and not before."""
        self.sign_in()
        self.page.do("mouse", x=600, y=300)
        self.page.press("j")
        before = self.page.see(ROWS)
        study = self.send(self.hurt, 2)
        self.page.until(f"({NEWS})?.includes('1 raised')", 30)
        self.assertIn("1 new, 1 raised: press R or leave the list", self.page.text("#said"))
        self.assertEqual(self.page.see(ROWS), before)
        self.page.press("Escape")  # the pointer is still there
        time.sleep(0.5)
        self.assertEqual(self.page.see(ROWS), before)
        self.page.press("j")
        self.page.do("mouse", x=600, y=20)  # the focus is still there
        time.sleep(0.5)
        self.assertEqual(self.page.see(ROWS), before)
        self.page.press("Escape")
        self.page.until(f"({ROWS}).includes('{study}')", 2)
        self.assertEqual(self.page.see(ROWS), self.order())
        self.assertIsNone(self.page.see(f"({NEWS}) ?? null"))
        self.assertTrue(self.page.see(f"document.querySelector('[data-study=\"{study}\"]').classList.contains('raised')"))

    def test_announced_within_two_seconds(self):
        """From before a positive study's first byte is sent to the words on the page of who holds the list."""
        self.sign_in()
        self.page.press("j")
        numbers = itertools.count(1)

        def measure():
            number = next(numbers)
            self.page.see(f"""new Promise((set) => {{ window.announcedAt = null;
                const watch = new MutationObserver(() => {{ if (({NEWS})?.includes('{number} raised')) {{ window.announcedAt = Date.now(); watch.disconnect(); }} }});
                set(watch.observe(document.body, {{ subtree: true, attributes: true, childList: true }})); }})""")
            begun = time.time()
            study = self.send(self.hurt, 80 + number)
            told = self.page.until("window.announcedAt", 30) / 1000
            self.assertEqual(next(e["band"] for e in self.ask("/worklist")["entries"] if e["study"] == study), "raised")
            return told - begun
        announced(measure)
        self.page.press("Escape")

    def test_what_comes_to_a_list_that_nobody_holds_is_in_it_at_once(self):
        self.sign_in()
        study = self.send(self.whole, 3)
        self.page.until(f"({ROWS}).includes('{study}')", 30)
        self.page.until("document.getElementById('said').textContent.includes('1 new')", 2)
        self.page.do("go", hash=f"#/study/{study}")  # and who reads one study is told of the others
        self.send(self.hurt, 5)
        self.page.until("document.querySelector('#top nav a').textContent === 'Worklist: 1 new, 1 raised'", 30)
        self.page.do("go", hash="#/worklist")
        self.page.until("document.querySelector('#top nav a').textContent === 'Worklist'")

    def test_what_could_not_be_judged_says_so(self):
        """A child's image, for which the model is not meant: in its place, never as a negative."""
        self.sign_in()
        study = self.send(self.whole, 9, PatientBirthDate="20200101", PatientAge="006Y")
        self.page.until(f"({ROWS}).includes('{study}')", 30)
        row = f"document.querySelector('[data-study=\"{study}\"]')"
        self.page.until(f"{row}.querySelector('.words').textContent === 'Not analysed'", 10)
        self.assertTrue(self.page.see(f"{row}.querySelector('.band').textContent").startswith("Not judged"))
        self.assertEqual(self.page.see(f"[...{row}.classList].filter((c) => ['raised', 'routine', 'not-judged'].includes(c))"), ["not-judged"])
        order = [(e["study"], e["band"]) for e in self.ask("/worklist")["entries"]]
        waiting = [s for s, band in order if band != "raised"]
        self.assertEqual(waiting.index(study), len(waiting) - 1)  # it came last
        self.page.do("go", hash=f"#/study/{study}")
        self.page.until("document.querySelector('.standing')?.textContent.includes('Not judged')", 10)
        self.assertIn("ot analysed", self.page.text(".standing"))
        self.page.do("go", hash="#/worklist")
        self.assertEqual(self.node.admin("worklist", "read", study).returncode, 0)
        self.page.until(f"!({ROWS}).includes('{study}') || {row}.classList.contains('gone')", 10)

    def test_a_row_says_all_of_it_without_decimals_and_nothing_is_green(self):
        self.sign_in()
        study = self.send(self.hurt, 13, AccessionNumber="ROW-13", PatientAge="034Y", PatientSex="F", StationName="ROOM 1", StudyDate="20261127", StudyTime="134502.5")
        self.page.until(f"document.querySelector('[data-study=\"{study}\"]')?.classList.contains('raised')", 30)
        row = self.page.see(f"Object.fromEntries([...document.querySelector('[data-study=\"{study}\"]').children].map((c) => [c.className, c.innerText]))")
        self.assertTrue(re.fullmatch(r"\d+ s", row.pop("wait")) and row.pop("position").isdigit() and row.pop("band").startswith("Raised"), row)
        self.assertEqual(row, {"words": "Suspicion of a cervical spine injury", "accession": "ROW-13 PACS", "patient": "…4723", "age": "34 y F", "time": "27 Nov 13:45",
                               "station": "ROOM 1", "order": "", "act": "Mark read"})
        self.assertNotRegex(self.page.see("document.querySelector('main').innerText"), r"\d[.,]\d")
        for entry in self.ask("/worklist")["entries"]:
            self.assertNotRegex(" ".join(str(v) for k, v in entry.items() if k not in ("study", "report", "arrived", "changed")), r"\d[.,]\d")
        colours.check(self, self.page, "a row")

    def test_no_colour_is_an_alarm_without_a_failure(self):
        """Nor green: the style sheet's rules, those of hands and focus, too. Each page's elements are looked at where axe looks. What is looked for is found."""
        self.sign_in("root")
        self.assertEqual(colours.of_rules(self.page), [])
        for page, there in (("worklist", ".rows .row"), ("read", ".strip"), ("figures", ".verdict"), ("node", ".peers"), ("node/drift", ".node-body p"), ("node/models", ".model"),
                            ("node/set-aside", ".node-body h2"), ("node/audit", "form.search"), ("node/configuration", ".lines li")):
            self.page.do("go", hash=f"#/{page}")
            self.page.until(f"document.querySelector('{there}')")
            colours.check(self, self.page, page)
        for colour, rule in (("rgb(20, 120, 30)", ".row:hover { color: green }"), ("#f08030", ".row:focus { outline: 1px solid #f08030 }"), ("var(--alarm)", ".stop:hover { color: var(--alarm) }")):
            found, ways = colours.painted(self.page, colour)
            self.assertEqual(found, ways)
            self.page.see(f"document.styleSheets[0].insertRule('{rule}')")
            self.assertEqual(len(colours.of_rules(self.page)), 1, rule)
            self.page.see("document.styleSheets[0].deleteRule(0)")

    def test_read_and_back(self):
        self.sign_in()
        first = self.order()[0]
        self.page.press("Home", "x")
        self.page.until("document.querySelector('.note')?.textContent.startsWith('Marked as read')")
        h.wait_for(lambda: first not in self.order(), 10, "read")
        self.page.until(f"document.querySelector('[data-study=\"{first}\"]')?.classList.contains('gone')")  # in its place: the focus is there
        self.accessible("marked")
        self.page.press("z")
        h.wait_for(lambda: first in self.order(), 10, "undone")
        self.page.until(f"!document.querySelector('[data-study=\"{first}\"]').classList.contains('gone')")
        self.page.press("x")
        h.wait_for(lambda: first not in self.order(), 10, "read again")
        self.page.do("go", hash="#/read")
        self.page.until(f"document.querySelector('[data-study=\"{first}\"] button')")
        self.page.do("click", selector=f'[data-study="{first}"] button')
        h.wait_for(lambda: first in self.order(), 10, "put back")
        self.page.until(f"!document.querySelector('[data-study=\"{first}\"]')")

    def test_a_viewer_marks_nothing(self):
        self.sign_in("victor")
        self.page.press("Home", "x")
        self.assertIsNone(self.page.see("document.querySelector('.row button')"))
        self.assertEqual(self.page.see("document.querySelector('.note').textContent"), "")

    def open_study(self, study):
        self.page.do("go", hash=f"#/study/{study}")
        self.page.until("document.querySelector('.identity') && document.getElementById('picture-state')?.textContent.startsWith('original')")

    def test_a_study_says_whose_it_is_and_what_became_of_it(self):
        self.sign_in()
        self.open_study(self.positive)
        head, panels = self.page.text(".study-head"), self.page.text(".panels")
        for words in ("Prüfung, Nummer 0", "CONSOLE-4710", "ACC0", "RESEARCH: not for diagnosis", "Raised: suspicion of a cervical spine injury"):
            self.assertIn(words, head)
        self.assertIn("Not a diagnostic viewer.", self.page.text(".viewer"))
        self.assertIn("NOT MEASURED (n = 0)", panels)
        self.assertRegex(panels, r"reached")
        self.assertRegex(panels, r"pacs sent \d\d:\d\d")
        self.assertRegex(panels, r"Analysed.*later")
        self.assertEqual(self.page.see("document.querySelector('.acts a').href"), f"{self.viewer.url}?study={self.positive}")
        self.page.press("x")
        self.page.until("document.querySelector('.standing').textContent.includes('Marked as read')")
        h.wait_for(lambda: self.positive not in self.order(), 5, "the list without it")
        self.page.press("x")
        self.page.until("document.querySelector('.standing').textContent.includes('waiting')")
        h.wait_for(lambda: self.positive in self.order(), 5, "the list with it")

    def test_a_name_is_a_text(self):
        self.sign_in()
        self.open_study(self.negative)
        self.assertIn("<script>window.hacked", self.page.text("h1"))
        self.assertEqual(self.page.see("document.querySelectorAll('main script, main b').length"), 0)
        self.assertIsNone(self.page.see("window.hacked ?? null"))

    def test_by_keys_alone(self):
        self.page.who = None
        self.page.do("visit", url=self.url, width=DESK[0], height=DESK[1])
        self.page.until("document.activeElement?.name === 'name'")
        self.page.press(*"anna", "Tab", *PASSWORD, "Enter")
        self.page.until("document.querySelector('.rows .row')")
        self.page.press("?")
        self.assertIn("the next study", self.page.text("dialog[open]"))
        self.page.press("Escape", "j", "j", "k")
        self.assertEqual(self.page.see("document.activeElement.dataset.study"), self.page.see(ROWS)[0])
        self.page.press("Tab")
        self.assertEqual(self.page.see("document.activeElement.closest('.row').dataset.study"), self.page.see(ROWS)[0])
        self.page.press("Shift+Tab", "Enter")
        self.page.until("document.querySelector('.identity')")
        self.page.press("Escape")
        self.page.until("document.querySelector('.rows .row')")
        self.page.press("n")
        self.page.until("document.querySelector('.verdict')")
        self.assertIn("The node is well", self.page.text(".verdict"))
        self.page.press("?")
        self.page.do("click", selector="#single-keys")
        self.page.press("Escape", "w")
        self.assertIsNotNone(self.page.text(".verdict"))  # single letters are off

    def tabbed(self):
        """By Tab alone, once around: the controls that get the focus; each shows that it has it."""
        self.page.see("window.had = new Set()")
        for _ in range(200):
            self.page.press("Tab")
            new = self.page.see("""(() => { const e = document.activeElement, s = getComputedStyle(e);
                if (window.had.has(e)) return null;
                window.had.add(e);
                if (e === document.body) return true; // between the last and the first
                return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 || 'no outline: ' + e.outerHTML.slice(0, 120); })()""")
            if new is None:
                return
            self.assertIs(new, True)
        self.fail("Tab comes to no end")

    def test_every_control_by_tab(self):
        """At both sizes; of the rows of the list one, for the arrows go to the others."""
        self.sign_in("root")
        for page, there in (("worklist", ".rows .row"), ("read", ".strip"), (f"study/{self.positive}", "#picture-state"), ("try", ".zone .soft"), ("figures", ".verdict"), ("node", ".peers"),
                            ("node/drift", ".node-body p"), ("node/models", ".model"), ("node/set-aside", ".node-body h2"), ("node/audit", "form.search"), ("node/configuration", ".lines li")):
            for size in (DESK, PHONE):
                self.page.do("size", width=size[0], height=size[1])
                self.page.do("go", hash=f"#/{page}")
                self.page.until(f"document.querySelector('{there}')?.textContent")
                self.tabbed()
                left = self.page.see("""[...document.querySelectorAll('a[href], button, input, select, summary, textarea, [tabindex="0"]')].filter((e) => !window.had.has(e) && !e.disabled
                    && e.checkVisibility({ visibilityProperty: true }) && !(e.closest('.rows .row') && e.closest('.rows .row').tabIndex < 0) && !e.matches('input[type=file]')).map((e) => e.outerHTML.slice(0, 120))""")
                self.assertEqual(left, [], (page, size))
        self.page.do("size", width=DESK[0], height=DESK[1])

    def test_all_influence_is_stopped(self):
        self.sign_in("root")
        self.page.press("n")
        self.page.until("document.querySelector('.stop')")
        for _ in range(40):  # by keys alone
            self.page.press("Tab")
            if self.page.see("document.activeElement.classList.contains('stop')"):
                break
        self.page.press("Enter")
        self.assertIn("No result is sent", self.page.text("dialog[open]"))
        self.accessible("stop")
        self.page.press("Enter")  # on the button that does it
        self.page.until("document.getElementById('mode').textContent.includes('shadow: nobody is told, nothing is sent')", 5)
        self.assertEqual(self.node.status()["mode"], "shadow")
        self.page.sign_in(self.url, "victor", PASSWORD)  # whom the list is not told now
        self.page.until("document.querySelector('.empty')?.textContent === 'In shadow mode the list is for administrators alone.'")
        self.assertIsNone(self.page.text(".rows .row"))
        self.accessible("empty list")
        self.page.do("go", hash="#/figures")
        self.page.until("document.querySelector('.as-of:not(.alarm)')?.textContent.startsWith('There are no figures: the node is in shadow mode')")
        self.accessible("no figures")
        self.page.do("go", hash=f"#/study/{self.positive}")
        self.page.until("document.querySelector('.empty:not(.alarm)')?.textContent === 'The node is in shadow mode: what it finds is for administrators alone.'")
        self.page.sign_in(self.url, "root", PASSWORD)
        self.page.do("go", hash="#/node")
        self.page.until("document.querySelector('.mode .acts button')")
        self.page.do("click", selector=".mode .acts button")
        self.page.press("Enter")
        self.page.until("document.querySelector('.stop') && document.getElementById('mode').textContent.includes('demo')", 5)
        self.assertEqual(self.node.status()["mode"], "demo")

    def test_a_reader_agrees(self):
        self.sign_in()
        self.open_study(self.positive)
        self.page.until("document.querySelector('.panels .panel').textContent.includes('Nobody has said so yet.')")
        self.assertIn("A model never learns from it by itself.", self.page.text(".panels .panel"))
        for key, words, pressed in (("g", "Agreed: anna", "true"), ("d", "Disagreed: anna", "false")):
            self.page.press(key)
            self.page.until(f"document.querySelector('.panels .panel').textContent.includes('{words}')")
            self.assertEqual(self.page.see("document.querySelector('.panels .panel button').getAttribute('aria-pressed')"), pressed)
        self.page.do("go", hash="#/figures")
        self.page.until("document.querySelector('.node-body .panel')")
        figures = self.page.text("main")
        for words in ("95 % intervalFinding0 of 10 %0 % to 97 %", "values is what readers said on this console", "False alarms: 1", "No study has a final report yet."):
            self.assertIn(words, figures)
        self.assertIsNone(self.page.text("a[download]"))
        self.open_study(self.positive)
        self.page.until("document.querySelector('.panels .panel').textContent.includes('Disagreed: anna')")
        self.page.press("d")  # once more takes it back
        self.page.until("document.querySelector('.panels .panel').textContent.includes('Nobody has said so yet.')")
        self.sign_in("victor")
        self.open_study(self.positive)
        self.assertIsNone(self.page.text(".panels .panel button"))

    def test_slices_are_one_entry(self):
        self.sign_in()
        about = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        for number in range(5, 0, -1):
            self.send(self.whole, 60 + number, InstanceNumber=number, **about)
        self.send(self.whole, 66, StudyInstanceUID=about["StudyInstanceUID"])
        h.wait_for(lambda: len(self.ask(f"/studies/{about['StudyInstanceUID']}")["images"]) == 6, 60, "six images")
        numbers = {i["id"]: i["number"] for i in self.ask(f"/studies/{about['StudyInstanceUID']}")["images"]}
        self.page.do("go", hash=f"#/study/{about['StudyInstanceUID']}")
        self.page.until("document.querySelectorAll('.images button').length === 2")
        self.assertRegex(self.page.text(".images button"), r"^1, (DX|CR), 5 slices")
        self.assertEqual(self.page.text(".slices span"), "Slice 1 of 5")
        self.page.press(".", ".")
        self.assertEqual(self.page.text(".slices span"), "Slice 3 of 5")
        self.page.do("focus", selector=".slices input")
        self.page.press("ArrowRight")
        self.assertEqual(self.page.text(".slices span"), "Slice 4 of 5")
        self.page.press("End")
        self.assertEqual(self.page.text(".slices span"), "Slice 5 of 5")
        self.assertEqual(sorted(numbers.values())[-5:], [1, 2, 3, 4, 5])
        self.accessible("slices")
        self.page.do("focus", selector="#page")
        self.page.press(".")
        self.page.until("document.querySelector('.slices').hidden")

    def test_nobody_is_shut_out(self):
        """axe-core finds no violation on any page at either size."""
        self.page.who = None
        self.page.do("visit", url=self.url, width=DESK[0], height=DESK[1])
        self.page.until("document.querySelector('form.login')")
        self.accessible("sign in")
        self.sign_in("root")
        self.page.press("j")
        self.accessible("worklist")
        self.open_study(self.positive)
        self.accessible("study")
        for page, there in (("read", ".strip"), ("node", ".verdict"), ("figures", ".verdict"), ("try", ".zone")):
            self.page.do("go", hash=f"#/{page}")
            self.page.until(f"document.querySelector('{there}')")
            self.accessible(page)
        self.page.press("?")
        self.accessible("keys")
        self.page.press("Escape")
        self.page.do("go", hash="#/study/1.2.3")
        self.page.until("document.querySelector('main').textContent.includes('no such study')")
        self.accessible("no such study")

    def accessible(self, page):
        for width, height in (PHONE, DESK):
            self.page.do("size", width=width, height=height)
            self.assertEqual(self.page.do("axe"), [], f"{page} at {width}")
            colours.check(self, self.page, f"{page} at {width}")
            self.assertLessEqual(self.page.see("document.documentElement.scrollWidth"), width, f"{page} at {width}")
            if os.environ.get("CERVIGATE_SHOTS"):
                self.page.do("screenshot", path=os.path.join(os.environ["CERVIGATE_SHOTS"], f"{page}-{width}.png"))

    def test_ten_thousand_studies(self):
        """Of which the page holds those in sight; the list is a made one, the page's own work is what is looked at."""
        self.sign_in()
        self.page.see("""(async () => { const source = await import('/source.js'), ask = window.fetch;
            const list = await (await ask('/api/v1/worklist')).json(), one = list.entries[0];
            list.entries = Array.from({ length: 10000 }, (_, i) => ({ ...one, study: `1.2.3.${i}`, accession: `T${i}` }));
            const text = JSON.stringify({ ...list, revision: list.revision + 1e6 });
            window.fetch = (at, how) => (at.endsWith('/worklist') ? Promise.resolve(new Response(text)) : ask(at, how));
            await source.refresh(); })()""")
        self.page.who = None
        self.page.until("document.querySelector('[aria-rowcount=\"10001\"]')")
        self.assertLess(self.page.see("document.querySelectorAll('.rows .row').length"), 60)
        self.page.press("End")
        self.page.until("document.activeElement.dataset.study === '1.2.3.9999'", 2)
        self.page.press("PageUp", "Home")
        self.page.until("document.activeElement.dataset.study === '1.2.3.0'", 2)
        slowest = self.page.see("""(async () => { const g = document.querySelector('.grid'); let slow = 0;
            for (let i = 0; i < 60; i++) { g.scrollTop += 997; const t = performance.now();
              await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))); slow = Math.max(slow, performance.now() - t); }
            return slow; })()""")
        print(f"10,000 studies: the slowest of 60 frames of scrolling took {slowest:.0f} ms")
        self.assertLess(slowest, 500 * h.PATIENCE)

    def test_z_a_node_that_is_gone_is_said(self):
        """At once, with the time; when it is back, whoever was signed in is asked who they are."""
        port = self.url.split(":")[2].strip("/")
        with open(self.node.config, encoding="utf-8") as f:
            text = f.read()
        with open(self.node.config, "w", encoding="utf-8") as f:
            f.write(re.sub(r'(<console [^>]*)port="0"', rf'\1port="{port}"', text))
        self.sign_in()
        self.page.until("/^Live, as of/.test(document.getElementById('freshness').textContent)")
        self.node.kill_supervisor()
        self.page.until(r"/^The list may be old: since \d\d:\d\d/.test(document.getElementById('freshness').textContent)", 10)
        self.assertTrue(self.page.see("document.getElementById('status').classList.contains('alarm')"))
        self.assertIn("The list may be old", self.page.text("#failure"))
        self.assertTrue(self.page.see("document.querySelector('.rows .row') !== null"))
        self.assertEqual(self.page.do("axe"), [])
        self.assertTrue(colours.check(self, self.page, "a node that is gone", lambda: ("The list may be old",)))
        self.node.start()
        self.page.until("document.querySelector('form.login')?.textContent.includes('Your session has ended')", 30)
        self.assertNotIn("ACC0", self.page.text("body"))


if __name__ == "__main__":
    browser.leave_if_missing()
    unittest.main(verbosity=2)
