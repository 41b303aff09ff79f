"""What test_console.py does with the list, on a telephone and towards the PACS, and with the table of outcomes: a part of its class."""
import csv
import http.server
import json
import os
import threading

from browser import DESK, PHONE, h
from http_fixture import final_report

ROWS = "[...document.querySelectorAll('.rows .row')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((r) => r.dataset.study)"


class Viewer(http.server.ThreadingHTTPServer):
    """The PACS's own viewer, as far as it is opened: which address was asked for, with which Referer."""

    def __init__(self):
        asked = self.asked = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path != "/favicon.ico":
                    asked.append((self.path, self.headers["Referer"]))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<!doctype html><title>PACS</title>")

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class ListPage:
    def opened(self, study):
        """The PACS was opened at this study, in a page of its own, and knows nothing of this one."""
        address = f"/?study={study}"
        self.assertEqual(self.page.do("opened", seconds=10 * h.PATIENCE), {"url": self.viewer.url + address[1:], "opener": False})
        self.assertEqual(self.viewer.asked, [(address, None)])
        self.viewer.asked.clear()

    def test_the_pacs_is_opened_at_the_study(self):
        self.sign_in()
        self.page.press("p")
        self.assertIn("No study is chosen: J goes to the list.", self.page.text(".note"))
        self.page.press("Home", "j")
        first, second = self.page.see(ROWS)[:2]
        self.assertEqual(self.page.see("document.activeElement.dataset.study"), second)
        self.page.press("p")
        self.opened(second)
        self.page.do("click", selector=f'[data-study="{first}"] .pacs')
        self.opened(first)
        self.assertTrue(self.page.see("location.hash === '#/worklist'"))
        self.open_study(self.negative)
        self.page.press("p")
        self.opened(self.negative)
        self.page.do("click", selector=".acts a")
        self.opened(self.negative)

    def shown_are(self, entries):
        """As far as they are in sight."""
        self.page.until(f"(({ROWS}).join() === {json.dumps([e['study'] for e in entries])}.slice(0, ({ROWS}).length).join())")

    def test_band_by_band(self):
        """By key: raised, routine, not judged, in each the oldest first, with the places in the order of reading; and back."""
        self.sign_in()
        self.page.do("size", width=DESK[0], height=DESK[1])
        child, known, raised = self.send(self.whole, 70, PatientBirthDate="20200101", PatientAge="006Y"), self.send(self.hurt, 71, PatientID="CONSOLE-4710"), self.send(self.hurt, 72)
        entries = h.wait_for(lambda: (lambda e: e if {known: "routine", child: "not judged", raised: "raised"}.items() <= {x["study"]: x["band"] for x in e}.items() else None)(
            self.ask("/worklist")["entries"]), 60, "a study of each band")
        bands = ("raised", "routine", "not judged")
        sorted_ones = sorted(entries, key=lambda e: (bands.index(e["band"]), e["arrived"], e["position"]))
        self.assertNotEqual(sorted_ones, entries)
        self.page.press("b")
        self.shown_are(sorted_ones)
        numbers = self.page.see("Object.fromEntries([...document.querySelectorAll('.rows .row')].map((r) => [r.dataset.study, Number(r.querySelector('.position').textContent)]))")
        self.assertEqual(numbers, {e["study"]: e["position"] for e in sorted_ones if e["study"] in numbers})
        self.assertIn("The numbers are the places in the order of reading.", self.page.text(".note"))
        self.assertEqual(self.page.see("document.querySelector('.by-band').getAttribute('aria-pressed')"), "true")
        self.accessible("by band")
        self.page.press("b")
        self.shown_are(entries)

    def test_the_list_on_a_telephone(self):
        """All that is told of a study is in sight; a finger moves the list and holds its order for three seconds, and no longer."""
        def desk_again():
            self.page.do("size", width=DESK[0], height=DESK[1])
            self.page.who = None
        self.addCleanup(desk_again)
        self.page.who = None
        self.sign_in(size=PHONE, touch=True)
        sent = {self.send(self.whole, number) for number in range(20, 25)}
        entries = h.wait_for(lambda: (lambda all_: all_ if sent <= {e["study"] for e in all_ if e["report"]} else None)(self.ask("/worklist")["entries"]), 60, "all in the list")
        raised, not_judged = (sum(e["band"] == band for e in entries) for band in ("raised", "not judged"))
        self.page.until(f"document.querySelector('.total').textContent === '{len(entries)} studies: {raised} raised, {not_judged} not judged'")
        hidden = self.page.see("""[...document.querySelector('.rows .row').children].filter((c) => c.textContent && c.className !== 'position'
            && !(c.offsetWidth && c.scrollWidth <= c.clientWidth && c.getBoundingClientRect().right <= innerWidth)).map((c) => c.className)""")
        self.assertEqual(hidden, [])
        self.assertIn("PHANTOM", self.page.text(".rows .row .station"))
        self.assertTrue(self.page.see("(({ offsetWidth, scrollWidth, clientWidth }) => offsetWidth > 0 && scrollWidth <= clientWidth)(document.querySelector('.total'))"))
        self.page.do("fingers", steps=[[[200, 700 - 20 * n]] for n in range(16)])
        self.page.until("document.querySelector('.grid').scrollTop > 100", 3)
        before = self.page.see(ROWS)
        self.page.see("""(() => { window.came = 0; const news = document.querySelector('.strip .news'), rows = document.querySelector('.grid');
            new MutationObserver(() => { if (news.textContent.includes('raised')) window.came ||= Date.now(); }).observe(news, { attributes: true, childList: true, characterData: true, subtree: true });
            new MutationObserver(() => { if (window.came) window.taken ||= Date.now(); }).observe(rows, { attributes: true, attributeFilter: ['aria-rowcount'] }); })()""")
        aside = [[[200 + 15 * n, 500]] for n in range(4)]  # no tap, and no scrolling
        study = self.send(self.hurt, 25)
        for _ in range(200):  # until it has come, a finger is there every now and then
            self.page.do("fingers", steps=aside)
            if self.page.see("window.came"):
                break
        lifted = self.page.see("Date.now()")
        self.assertIn("1 raised", self.page.text(".strip .news"))
        self.accessible("news")
        self.page.do("size", width=PHONE[0], height=PHONE[1])
        self.page.until("window.taken", 10)
        self.assertGreater(self.page.see("window.taken") - lifted, 2500)
        self.assertEqual(before, [s for s in before if s != study])
        self.assertIn(study, self.order())

    def test_the_table_of_outcomes_is_kept(self):
        """By the link, as a file; what a final report says of the answer is in it."""
        self.sign_in("root")
        study = self.send(self.hurt, 26)
        h.wait_for(lambda: next((e for e in self.ask("/worklist")["entries"] if e["study"] == study and e["report"]), None), 60, "the report")
        final_report(self.node, "ACC26", "F", ("CS", "FX"))
        h.wait_for(lambda: study not in self.order(), 20, "read by its report")
        self.page.do("go", hash="#/figures")
        self.page.until("document.querySelector('a[download]')")
        self.assertIn("Of 1 studies with a final report, 1 are understood", self.page.text("main"))
        path = os.path.join(self.folder, "outcomes.csv")
        self.assertEqual(self.page.do("download", selector="a[download]", path=path), "outcomes.csv")
        with open(path, encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        self.assertLessEqual({"final_at", "final_says", "final_agrees", "final_positives_agreed", "final_positives", "final_ppv", "final_ppv_low", "final_ppv_high",
                              "final_negatives_agreed", "final_negatives", "final_npv", "final_npv_low", "final_npv_high", "final_misses"}, set(rows[0]))
        row = next(r for r in rows if r["study"] == study)
        self.assertEqual((row["answer"], row["final_says"], row["final_agrees"], row["read_by"], row["final_positives"], row["final_ppv"][:1]),
                         ("finding", "injury", "yes", "order", "1", "1"))
        self.assertTrue(row["final_at"] and float(row["seconds_to_final"]) > 0)
        self.assertEqual({r["final_says"] for r in rows if r["study"] != study}, {""})
