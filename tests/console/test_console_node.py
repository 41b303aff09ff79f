"""The node's page as an administrator uses it: a real daemon with peers that are dead and alive, an image in quarantine, Chromium."""
import contextlib
import json
import os
import sqlite3
import time
import unittest

import browser
import colours
import test_http_node as http
from browser import DESK, PHONE, h
from http_fixture import secret
from test_destinations import EXPLICIT, profile

DAY = 24 * 3600 * 1000


def remember(spool, digest):
    """Six hundred studies and four weeks of a station: what a node of some age has for the charts."""
    now = int(time.time() * 1000)
    rows = [(digest, now - (600 - i) * DAY // 25, int(i % (9 if i < 500 else 5) == 0), ((i * 37) % 100) / (100 if i < 500 else 130)) for i in range(600)]
    rows += [(series, at, int(i % 40 == 0), 0) for series in ("association", "study") for i, (_, at, _, _) in enumerate(rows)]
    with sqlite3.connect(os.path.join(spool, "jobs.sqlite"), timeout=20) as db:
        db.execute("DELETE FROM sample")
        db.executemany("INSERT INTO sample(series,at_ms,hit,score) VALUES(?,?,?,?)", rows)
        hour = now // 3600000
        db.executemany("INSERT OR REPLACE INTO hour(station,hour,studies) VALUES(?,?,?)",
                       [(s, hour - 26 * 24 + i, 1 + i % 3) for s in ("XRAY1", "XRAY2") for i in range(0, 24 * (26 if s == "XRAY1" else 20), 2)])
    db.close()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        http.Node.setUpClass()
        cls.addClassCleanup(http.Node.tearDownClass)
        cls.node = http.Node.node
        cls.url = f"http://127.0.0.1:{cls.node.facts()['console_port']}/"
        cls.case = http.Node("test_selftest_now")  # its helpers
        cls.study = cls.case.send(0, PatientName="Set^Aside")
        cls.ada = cls.case.client("ada")
        h.wait_for(lambda: cls.case.quarantined(cls.ada)["objects"], 60, "quarantine")
        lies = http.rawscu.element(8, 0x18, b"1.2.3.4 ") + b"\x10\0\x10\0\xf0\xff\0\0short"
        http.rawscu.store(cls.node.port, http.rawscu.SECONDARY_CAPTURE, "1.2.3.4", http.rawscu.IMPLICIT, lies)
        remember(cls.node.spool, cls.case.api(cls.ada, "/node/models")["models"][0]["digest"])
        cls.page = browser.Browser()
        cls.addClassCleanup(cls.page.close)
        cls.who = None

    def setUp(self):
        self.page.said.clear()

    def tearDown(self):
        """No error in a script, nothing against the policy, no request to anybody else."""
        self.assertEqual([s for s in self.page.said if "Failed to load resource" not in s], [])
        self.assertLessEqual(set(self.page.hosts), {self.url.split("/")[2]})

    def open(self, part="", name="ada", there=".node-body .panel, .models .panel"):
        cls = type(self)
        if cls.who != name:
            time.sleep(0.3)
            self.page.sign_in(self.url, name, secret(name))
            self.page.until("document.querySelector('.rows') || document.querySelector('.empty')")
            cls.who = name
        self.page.do("go", hash="#/worklist")
        self.page.do("go", hash=f"#/node/{part}" if part else "#/node")
        self.page.until(f"document.querySelector('.verdict') && document.querySelector('{there}')")

    def test_a_ten_seconds(self):
        """The verdict is the first that is said, with what to do; the button that stops all influence is the biggest."""
        self.open()
        self.page.until("document.querySelector('.peers')")
        h.wait_for(lambda: not self.node.status()["well"], 20, "a reason")
        self.page.until("document.querySelector('.verdict.alarm li .advice')", 20)
        self.assertRegex(self.page.text(".verdict h1"), r"^The node is not well: \d+ reasons?$")
        sizes = self.page.see("[...document.querySelectorAll('button')].filter((b) => b.offsetParent).map((b) => [b.offsetWidth * b.offsetHeight, b.textContent])")
        self.assertEqual(max(sizes)[1], "Stop all influence")
        seen = self.page.see("""(() => { const all = document.querySelector('.verdict').getBoundingClientRect(), stop = document.querySelector('.stop').getBoundingClientRect();
            return all.bottom < innerHeight && stop.bottom < innerHeight; })()""")
        self.assertTrue(seen)
        for words in ("receive", "analyze", "deliver", "announce", "inquire", "Free", "Images stop below", "passed", "Oldest job", "To be judged", "Reports to be made"):
            self.assertIn(words, self.page.text(".node-body"))
        self.page.until(r"/To be sent\s*\d+, the oldest for \d.*News to be told\s*the oldest for \d/.test(document.querySelector('.node-body').textContent)", 20)

    def test_b_echo(self):
        """By keys: a peer that lives answers, one that does not says at which layer it failed and what to do."""
        self.open(there=".peers")
        for key, words in (("echo destination/pacs", r"Now: answered in \d+ ms"), ("echo destination/gone", r"Now: failed at the network \(name or TCP\): .*Is it running")):
            self.page.see(f"document.querySelector('[data-key=\"{key}\"]').focus()")
            self.page.press("Enter")
            found = self.page.until(f"(/{words}/.exec([...document.querySelectorAll('.said')].map((s) => s.textContent).join(' | ')) ?? [''])[0]", 40)
            self.assertTrue(found)
            self.assertEqual(self.page.see("document.activeElement.dataset.key"), key)  # the focus stays where it was
        self.page.until("[...document.querySelectorAll('.peers tr.alarm')].some((r) => r.textContent.includes('FAILING') && r.textContent.includes('gone'))", 20)
        self.assertIn("echo", self.page.see("[...document.querySelectorAll('#said')].map((s) => s.textContent).join()").lower())
        # Of each: who it is; its state, the last success, the last failure in words, and how long what waits for it has waited.
        rows = self.page.until("""(() => { const rows = Object.fromEntries([...document.querySelectorAll('.peers tbody tr')].map((r) => [r.cells[0].textContent.split(',')[0], [...r.cells].slice(1, 5).map((c) => c.textContent)]));
            return rows['hook webhook'][0] === 'FAILING' ? rows : null; })()""", 40)
        self.assertRegex(" ".join(rows["pacs results"]), r"^works \d\d:\d\d none nothing$")
        self.assertRegex(" ".join(rows["hook webhook"]), r"^FAILING never \d\d:\d\d: Failed to connect to .* for \d+ (s|min)$")
        self.assertRegex(" ".join(rows["gone results"]), r"^FAILING never \d\d:\d\d(, by echo|: .*) for \d+ (s|min)$")

    def test_c_release_and_find_it_in_the_audit_log(self):
        self.open("set-aside", there=".aside")
        self.assertIn("software failure", self.page.text(".aside").lower())
        self.assertNotIn("Set", self.page.see("[...document.querySelectorAll('.aside')].map((a) => a.textContent.replace('Set aside', '')).join()"))
        self.page.see("document.querySelector('[data-key^=\"retry \"]').focus()")
        self.page.press("Enter")
        self.page.until("/is judged again/.test(document.querySelector('.said-line').textContent)")
        self.case.entry(self.ada, self.study, lambda e: e["outcome"] in ("finding", "no-finding"))
        self.page.until("document.querySelector('.node-body h2').textContent === 'Images that could not be processed: 0'", 20)
        self.page.see("document.querySelector('[data-key^=\"discard q\"]').focus()")
        self.page.press("Enter")
        self.page.until("document.querySelector('dialog[open]')")
        self.accessible("discard")
        self.page.press("Enter")
        self.page.until("/are discarded/.test(document.querySelector('.said-line').textContent)")
        self.page.until("[...document.querySelectorAll('h2')].some((h) => h.textContent === 'Bytes that were refused at the door: 0')", 20)
        self.open("audit", there="form.search")
        self.page.do("fill", selector="input[name=event]", text="order")
        self.page.do("fill", selector="input[name=user]", text="console:ada")
        self.page.press("Enter")
        rows = self.page.until("[...document.querySelectorAll('.records tbody tr')].map((r) => r.textContent).join('\\n')", 30)
        self.assertRegex(rows, r"order: retry answer: retried")
        self.assertRegex(rows, r"order: discard answer: discarded")
        self.assertIn("No damage is known", self.page.text(".panel.wide"))

    def test_ca_a_refused_result_is_sent_again_or_given_up(self):
        """A PACS that took no reports for a while: what it refused is sent again by one button, and not by the other."""
        pacs = http.Node.pacs

        def restart(*takes):
            pacs.stop()
            pacs.options = takes
            pacs.start()
        restart(*profile(self.node.folder, SecondaryCaptureImageStorage=(EXPLICIT,)))
        again, given_up = self.case.send(1), self.case.send(2)
        h.wait_for(lambda: len(self.case.quarantined(self.ada)["parked"]) == 2, 60, "refused reports")
        parked = {p["study"]: p for p in self.case.quarantined(self.ada)["parked"]}
        self.assertEqual(parked.keys(), {again, given_up})
        restart()
        self.open("set-aside", there='[data-key^="release "]')
        self.page.do("go", hash=f"#/study/{again}")
        self.page.until("document.querySelector('.result li.alarm')")
        words = "pacs set aside: a person must look"
        self.assertIn(words, colours.check(self, self.page, "a refused result", lambda: [*self.failures(), words, "gone waits to be sent"]))
        self.page.do("go", hash="#/node/set-aside")
        self.page.until("document.querySelector('[data-key^=\"release \"]')")
        self.assertIn("Results that a peer refused for good: 2", self.page.text(".node-body"))
        self.page.see(f"document.querySelector('[data-key=\"release {parked[again]['id']}\"]').focus()")
        self.page.press("Enter")
        self.page.until("/The .* to pacs is sent again/.test(document.querySelector('.said-line').textContent)")
        h.wait_for(lambda: pacs.objects(h.SR3D, again), 30, "the report")
        self.page.until("document.querySelector('.node-body').textContent.includes('Results that a peer refused for good: 1')", 20)
        self.page.see(f"document.querySelector('[data-key=\"cancel {parked[given_up]['id']}\"]').focus()")
        self.page.press("Enter")
        self.page.until("document.querySelector('dialog[open]')?.textContent.includes('pacs will not get this result.')")
        self.accessible("give up")
        self.page.press("Enter")
        self.page.until("/The .* to pacs is given up/.test(document.querySelector('.said-line').textContent)")
        self.page.until("document.querySelector('.node-body').textContent.includes('Results that a peer refused for good: 0')", 20)
        self.assertEqual(self.case.quarantined(self.ada)["parked"], [])
        states = "SELECT delivery.state FROM delivery JOIN result ON result.id=delivery.result WHERE study=? AND kind='sr' AND destination='pacs'"
        with contextlib.closing(sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite"), timeout=20)) as db:
            self.assertEqual([db.execute(states, (s,)).fetchall() for s in (again, given_up)], [[("sent",)], [("cancelled",)]])
        self.assertEqual(pacs.objects(h.SR3D, given_up), [])

    def test_d_drawings_say_what_they_show(self):
        self.open("drift", there=".plot svg")
        plots = self.page.see("[...document.querySelectorAll('.plot svg')].map((s) => s.getAttribute('aria-label'))")
        self.assertTrue(any(p.startswith("Studies with a finding") and "in the reference" in p for p in plots), plots)
        self.assertTrue(any(p.startswith("Evidence") for p in plots), plots)
        self.page.do("click", selector=".plot summary")
        rows = self.page.until("document.querySelectorAll('.plot .figures tbody tr').length")
        drawn = self.page.see("document.querySelector('.plot polyline').getAttribute('points').split(' ').length")
        self.assertEqual(rows, drawn)
        figures = self.page.see("[...document.querySelectorAll('.plot .figures tbody tr')].reduce((n, r) => n + Number(r.cells[1].textContent), 0)")
        told = self.case.api(self.ada, "/node/drift")["series"][0]
        self.assertEqual(figures, sum(b["samples"] for b in told["bins"]))
        self.assertIn("XRAY2", self.page.text(".node-body"))
        self.open("models", there=".model")
        self.assertEqual(self.page.text(".model .facts > div"), "Sensitivity in injured patientsNOT MEASURED (n = 0)")
        self.assertTrue(self.page.see("document.querySelectorAll('.model .plot').length >= 3"))
        model = self.case.api(self.ada, "/node/models")["models"][0]
        cells = self.page.see("[...document.querySelectorAll('.model .cell')].map((c) => Number(c.textContent))")
        self.assertEqual(cells, sum(model["measures"]["confusion"], []))
        self.assertIn(model["digest"], self.page.text(".model"))

    def test_e_the_configuration_is_searched(self):
        self.open("configuration", there=".lines li")
        self.page.do("fill", selector="input[type=search]", text="peer GONE")
        shown = self.page.see("[...document.querySelectorAll('.lines li:not([hidden])')].map((l) => l.textContent)")
        self.assertTrue(shown and all("gone" in line.lower() and "peer" in line.lower() for line in shown), shown)

    def test_f_the_self_test_is_run(self):
        self.open(there="[data-key=selftest]")
        self.page.do("click", selector="[data-key=selftest]")
        self.page.until("/ordered/.test([...document.querySelectorAll('.panel')].find((p) => p.textContent.startsWith('Self-test')).textContent)", 30)

    def test_g_parts_by_keys(self):
        self.open()
        for key, part in (("2", "#/node/drift"), ("3", "#/node/models"), ("4", "#/node/set-aside"), ("5", "#/node/audit"), ("6", "#/node/configuration"), ("1", "#/node")):
            self.page.press(key)
            self.page.until(f"location.hash === '{part}' && document.querySelector('.parts [aria-current]').getAttribute('href') === '{part}'", 5)

    def test_h_nobody_is_shut_out(self):
        """axe-core finds no violation in any part at either size; nothing is wider than a telephone."""
        for part, there in (("", ".peers"), ("drift", ".plot svg"), ("models", ".model"), ("set-aside", ".node-body h2"), ("audit", "form.search"), ("configuration", ".lines li")):
            self.open(part, there=there)
            if part in ("drift", "models"):
                self.page.do("click", selector="summary")
            if part == "audit":
                self.page.press("Tab")
                self.page.do("click", selector="form.search button")
                self.page.until("document.querySelector('.records tbody tr')", 30)
            self.accessible(part)

    def accessible(self, part):
        for width, height in (PHONE, DESK):
            self.page.do("size", width=width, height=height)
            self.assertEqual(self.page.do("axe"), [], f"{part} at {width}")
            colours.check(self, self.page, f"{part} at {width}", self.failures)
            self.assertLessEqual(self.page.see("document.documentElement.scrollWidth"), width, f"{part} at {width}")
            self.assertLessEqual(self.page.see("document.querySelector('main').scrollWidth"), width, f"{part} at {width}")

    def failures(self):
        """What has failed, as the node itself tells it, in words that the pages have."""
        node, peers = self.node.status(), self.case.api(self.ada, "/node/peers")["peers"]
        failing = [f"{p['name']} {p['way']}" for p in peers if p["failing"]]
        known = [text for why in node["why"] for text in (why["subject"], why["detail"]) if text]
        return [*known, *failing, f"{len(failing)} of {len(peers)} failing", "The node is not well"] if known or failing else []

    def test_ha_failures_wear_the_colour_of_an_alarm(self):
        """All of them, and nothing else; the list of studies has none but in the line above."""
        self.open(there=".peers")
        h.wait_for(lambda: not self.node.status()["well"], 20, "a reason")
        h.wait_for(lambda: len([f for f in self.failures() if "DICOM" in f or "webhook" in f]) >= 2, 30, "peers that fail")
        h.wait_for(lambda: colours.check(self, self.page, "overview", self.failures) >= set(self.failures()), 20, "each failure told as one")
        self.page.do("go", hash="#/worklist")
        self.page.until("document.querySelector('.rows .row')")
        colours.check(self, self.page, "worklist", self.failures)
        self.assertEqual([f for f in colours.of_elements(self.page) if f["hue"] == "warm" and f["main"]], [])

    def test_i_a_viewer_sees_and_changes_nothing(self):
        self.open(name="vera", there=".peers")
        self.assertEqual(self.page.see("[...document.querySelectorAll('.parts a')].map((a) => a.textContent)"), ["Overview", "Drift", "Models"])
        self.assertEqual(self.page.see("document.querySelectorAll('main button').length"), 0)
        self.page.do("go", hash="#/node/audit")
        self.page.until("document.querySelector('.parts [aria-current]')?.textContent === 'Overview'")
        self.assertEqual(json.loads(self.page.see("fetch('/api/v1/node/audit').then((a) => a.text())"))["error"], "your role does not allow this")

    def test_j_a_reload_that_is_refused_and_one_that_is_taken(self):
        """Last: the console itself starts anew by it, and the page and its session go on."""
        with open(self.node.config, encoding="utf-8") as f:
            good = f.read()
        self.open("configuration", there="[data-key=reload]")
        for text, said in ((good.replace("</cervigate>", "<lg/></cervigate>"), "REFUSED"), (good, "It is in force.")):
            with open(self.node.config, "w", encoding="utf-8") as f:
                f.write(text)
            time.sleep(5)  # one reload in five seconds
            self.page.do("click", selector="[data-key=reload]")
            self.page.until(f"document.querySelector('.node-body').textContent.includes('{said}')", 40)
            self.assertEqual(self.page.see("document.querySelector('.node-body').textContent.includes('did you mean')"), said == "REFUSED")
        self.assertIn("taken, 0 changes", self.page.text(".node-body"))


if __name__ == "__main__":
    browser.leave_if_missing()
    unittest.main(verbosity=2)
