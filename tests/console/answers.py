"""What test_console.py looks at on a node of its own, with two models that contradict each other, a PACS that commits, and a receiver of news: a part of its class."""
import os
import sys
import tempfile

import browser
from browser import h
from http_fixture import enrol, secret

sys.path.insert(0, os.path.join(h.SOURCE, "tests/scp"))
import models  # noqa: E402
from archive import Archive  # noqa: E402
from hook import Hook  # noqa: E402

WORDS = {"finding": "Suspicion of a cervical spine injury", "undetermined": "The models disagree", "incomplete": "No suspicion, incomplete"}


class Answers:
    left_alone = None  # a page on that node, which outlives the test

    def second_node(self):
        """Its rules choose by the station's name: one model finds something in everything, the other nothing."""
        archive = Archive(tempfile.mkdtemp(dir=self.folder), commitment="same")
        self.addClassCleanup(archive.close)
        hook = Hook()
        self.addClassCleanup(hook.close)
        finds, denies = (models.make(os.path.join(self.folder, name), finds=name == "finds", name=name) for name in ("finds", "denies"))
        rules = "".join(f'<rule name="{n}" action="analyze" model="{n}"><match attribute="StationName" values="{n}"/></rule>' for n in ("finds", "denies"))
        accounts = os.path.join(self.folder, "accounts2")
        node = h.Node({"pacs": (archive.ae, archive.port)}, model=None, models=[f'{finds}" name="finds', f'{denies}" name="denies'], destination='commitment="true"',
                      rules=rules + '<rule name="both" action="analyze"/>', console=f'accounts="{accounts}" idleTime="60"',
                      limits=f'<announcements><webhook name="chat" url="{hook.url}" demo="true"/></announcements>')
        self.addClassCleanup(node.stop)
        self.assertEqual(enrol(node, "anna", "reader").returncode, 0)
        return node

    def test_answers_that_are_neither_yes_nor_no(self):
        """Undetermined and incomplete stand in the list and in the study as what they are; and what happened tells of commitment and news."""
        node = self.second_node()
        studies = {kind: self.send(self.whole, 80 + n, node=node, StationName=station) for n, (kind, station) in
                   enumerate((("incomplete", "denies"), ("undetermined", "both"), ("finding", "finds")))}
        h.wait_for(lambda: node.log().count(" report study=") == 3, 60, "the reports")
        host = f"127.0.0.1:{node.facts()['console_port']}"
        page = type(self).left_alone = browser.Browser()
        self.addClassCleanup(page.close)
        page.sign_in(f"http://{host}/", "anna", secret("anna"))
        page.until("document.querySelectorAll('.rows .row').length === 3", 20)
        for kind, study in studies.items():
            self.look_at(page, kind, study)
        self.happened(page, studies["finding"])
        self.assertEqual(([s for s in page.said if "Failed to load resource" not in s], page.hosts), ([], [host]))
        page.press("w")
        page.until("document.querySelector('.rows .row')")
        page.said.clear()

    def test_y_a_page_that_nobody_uses_is_signed_out(self):
        """The page of the test above, meanwhile: its list was kept up to date, which is no use. Nothing of a patient is left in it."""
        page = self.left_alone
        if page is None:
            self.test_answers_that_are_neither_yes_nor_no()
            page = self.left_alone
        page.until("document.querySelector('form.login')?.textContent.includes('Your session has ended. Sign in again.')", 90)
        self.assertNotIn("ACC8", page.text("body"))
        self.assertEqual(page.see("fetch('/api/v1/worklist').then((a) => a.status)"), 401)
        self.assertEqual(page.do("axe"), [])
        self.assertEqual([s for s in page.said if "Failed to load resource" not in s], [])

    def look_at(self, page, kind, study):
        row = f"document.querySelector('[data-study=\"{study}\"]')"
        page.until(f"{row}.querySelector('.words').textContent === {WORDS[kind]!r}", 10)
        raised = kind == "finding"
        self.assertTrue(page.see(f"{row}.querySelector('.band').textContent").startswith("Raised" if raised else "Not judged"), kind)
        self.assertEqual(page.see(f"{row}.classList.contains('raised')"), raised)
        self.assertNotRegex(page.text(".rows").lower(), "normal|absent|negative|no finding")
        self.assertEqual(page.text(".total"), "3 studies: 1 raised, 2 not judged")
        page.do("go", hash=f"#/study/{study}")
        page.until(f"document.querySelector('.standing')?.textContent.includes({WORDS[kind].lower()!r})", 10)
        said = "no finding above the operating point" if kind == "incomplete" else kind  # of the one image, which is all that it shows
        self.assertEqual(page.text(".panels .outcome"), said.capitalize())
        page.do("go", hash="#/worklist")
        page.until(row)

    def happened(self, page, study):
        page.do("go", hash=f"#/study/{study}")
        for words in ("Kept for good by pacs", "Told by chat"):
            page.until(f"document.querySelector('.timeline')?.textContent.includes({words!r})", 40)
        steps = page.see("[...document.querySelectorAll('.timeline li')].map((li) => li.textContent)")
        times = page.see("[...document.querySelectorAll('.timeline time')].map((t) => t.dateTime)")
        self.assertEqual(sorted(times), times)
        at = {words: next(n for n, step in enumerate(steps) if words in step) for words in ("Received", "Analysed", "Made: Report", "Kept for good by", "Told by chat")}
        self.assertLess(at["Received"], at["Analysed"])
        self.assertLess(at["Made: Report"], at["Kept for good by"])
        self.assertLess(at["Analysed"], at["Told by chat"])
        for words in ("Kept for good by", "Told by chat"):
            self.assertRegex(steps[at[words]], "([0-9]+ m?s|min [0-9]+ s) later")
