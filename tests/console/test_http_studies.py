#!/usr/bin/env python3
"""What the console tells of real studies, and what it changes: HTTP with the real daemon."""
import csv
import datetime
import http.client
import io
import itertools
import json
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

import numpy
import pydicom

from exposition import SUFFIXES, Exposition
from http_fixture import Base, Client, announced, final_report, h

MONITORING = os.path.join(h.SOURCE, "config/monitoring")


def at(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Studies(Base):
    limits = 'connections="40" streams="8" viewer="https://pacs.example.org/v?s={study}"'
    node_more = {"limits": '<orders listen="true" address="127.0.0.1" port="0" finding="^CS.*: FX" noFinding="^CS.*: NEG"/>'}

    def test_announced_by_event(self):
        """A positive study, from before its first byte is sent to the event after which the list has it raised."""
        client, revisions = self.client("vera"), queue.Queue()

        def listen():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", "/api/v1/events", headers={"Cookie": client.cookie})
            response = connection.getresponse()
            self.assertEqual(response.headers["Content-Type"], "text/event-stream")
            while line := response.readline():
                if line.startswith(b"data: {\"revision\""):
                    revisions.put((time.monotonic(), json.loads(line[6:])["revision"]))
        threading.Thread(target=listen, daemon=True).start()
        revisions.get(timeout=10)
        h.wait_for(lambda: "selftest cause=start passed=true" in self.node.log(), 60, "the self-test: nothing is judged before")
        plane, numbers = h.grey(next(path for path, kind in self.images if kind == "dislocation")), itertools.count()

        def measure():
            number = next(numbers)
            path = os.path.join(self.node.folder, f"announced-{number}.dcm")
            study = str(h.wrap(plane, path, PatientID=f"ANNOUNCED{number}").StudyInstanceUID)
            begun, bands = time.monotonic(), []
            self.assertEqual(self.node.send(path).returncode, 0)
            while "raised" not in bands:
                told, revision = revisions.get(timeout=20 * h.PATIENCE)
                answer = client.ask("GET", "/api/v1/worklist").json
                self.assertGreaterEqual(answer["revision"], revision)
                bands = [e["band"] for e in answer["entries"] if e["study"] == study]
            return told - begun
        announced(measure)

    def test_read_and_back(self):
        vera, rita = self.client("vera"), self.client("rita")
        study = self.send(1)
        self.entry(vera, study)
        self.assertEqual(rita.ask("PUT", f"/api/v1/worklist/{study}/read").json, {"answer": "read"})
        h.wait_for(lambda: all(e["study"] != study for e in vera.ask("GET", "/api/v1/worklist").json["entries"]), 5, "leaving the list")
        read = vera.ask("GET", "/api/v1/worklist/read").json["entries"]
        self.assertEqual(read[0]["study"], study)
        self.assertIn("request", self.node.log())
        self.assertIn('who="console:rita"', self.node.log())
        self.assertEqual(rita.ask("DELETE", f"/api/v1/worklist/{study}/read").json, {"answer": "unread"})
        self.entry(vera, study)

    def test_agree_and_disagree(self):
        """Noted with who and when, changed, taken back; each a record of the audit log; counted by the answer of which it was said."""
        vera, rita, ada = self.client("vera"), self.client("rita"), self.client("ada")
        study = self.send(3, AccessionNumber='=1+"A"')
        answer = self.entry(vera, study)["outcome"]
        before = vera.ask("GET", "/api/v1/outcomes").json
        path = f"/api/v1/studies/{study}/verdict"
        self.assertIsNone(vera.ask("GET", f"/api/v1/studies/{study}").json["verdict"])
        self.assertEqual(vera.ask("PUT", path, {"agrees": True}).status, 403)
        self.assertEqual(rita.ask("PUT", path, {"agrees": True}, csrf=False).status, 403)
        for body in ({}, {"agrees": "yes"}, {"agrees": None}, [True]):
            self.assertEqual(rita.ask("PUT", path, body).status, 400, body)
        self.assertEqual(rita.ask("PUT", "/api/v1/studies/1.2.3.4/verdict", {"agrees": True}).status, 404)
        self.assertEqual(rita.ask("PUT", f"/api/v1/studies/{study}", {"agrees": True}).status, 404)
        self.assertEqual(rita.ask("DELETE", path).json["error"], "nothing was said of this study")
        for agrees in (True, False):
            self.assertEqual(rita.ask("PUT", path, {"agrees": agrees}).json, {"answer": "noted"})
            said = vera.ask("GET", f"/api/v1/studies/{study}").json["verdict"]
            self.assertEqual((said["agrees"], said["who"], said["outcome"], said["current"]), (agrees, "rita", answer, True))
            figures = vera.ask("GET", "/api/v1/outcomes").json
            one, old = (next(a for a in f["agreement"] if a["outcome"] == answer) for f in (figures, before))
            self.assertEqual((figures["said"], one["of"], one["agreed"]), (before["said"] + 1, old["of"] + 1, old["agreed"] + agrees))
            wrong = "falseAlarms" if answer == "finding" else "misses"
            self.assertEqual(figures[wrong], before[wrong] + (not agrees))
            self.assertTrue(0 <= one["rate"]["low"] <= one["rate"]["share"] <= one["rate"]["high"] <= 1)
        rows = self.check_csv(ada, study, answer)
        self.assertEqual(vera.ask("GET", "/api/v1/outcomes.csv").status, 403)
        self.assertEqual(int(rows[-1]["misses"]), figures["misses"])
        self.assertEqual(rita.ask("DELETE", path).json, {"answer": "noted"})
        self.assertIsNone(vera.ask("GET", f"/api/v1/studies/{study}").json["verdict"])
        log = self.node.admin("audit", "search", "--user", "console:rita", "--json").stdout
        for order in ("agree", "disagree", "unsay"):
            self.assertIn(f'"{order}"', log)

    def check_csv(self, client, study, answer):
        told = client.ask("GET", "/api/v1/outcomes.csv")
        self.assertEqual((told.status, told.headers["Content-Type"]), (200, "text/csv; charset=utf-8; header=present"))
        rows = list(csv.DictReader(io.StringIO(told.body.decode(), newline="")))
        self.assertEqual(sorted(r["arrived_at"] for r in rows), [r["arrived_at"] for r in rows])
        row = next(r for r in rows if r["study"] == study)
        self.assertEqual((row["accession"], row["answer"], row["verdict"], row["verdict_by"], row["verdict_answer"]),
                         ("'=1+\"A\"", answer, "disagree", "console:rita", answer))
        self.assertRegex(row["model"], r"^cervigate-phantom \d+\.\d+\.\d+$")
        self.assertEqual(bool(row["score"]), answer == "finding")
        self.assertAlmostEqual(float(row["seconds_to_answer"]), (at(row["reported_at"]) - at(row["arrived_at"])).total_seconds(), places=2)
        self.assertEqual((row["read_at"], row["read_by"], row["seconds_to_read"]), ("", "", ""))
        self.assertEqual(client.ask("PUT", f"/api/v1/worklist/{study}/read").json, {"answer": "read"})
        h.wait_for(lambda: client.ask("GET", f"/api/v1/studies/{study}").json["place"]["read"], 5, "read")
        again = list(csv.DictReader(io.StringIO(client.ask("GET", "/api/v1/outcomes.csv").body.decode(), newline="")))
        row = next(r for r in again if r["study"] == study)
        self.assertEqual(row["read_by"], "person")
        self.assertGreater(float(row["seconds_to_read"]), 0)
        self.assertEqual(client.ask("DELETE", f"/api/v1/worklist/{study}/read").json, {"answer": "unread"})
        return again

    def report(self, accession, status, *rows):
        final_report(self.node, accession, status, *rows)

    def outcome(self, study):
        table = self.client("ada").ask("GET", "/api/v1/outcomes.csv").body.decode()
        return next(r for r in csv.DictReader(io.StringIO(table, newline="")) if r["study"] == study)

    def test_final_reports(self):
        """What a final report concludes is compared with the answer: told, corrected, unclear, preliminary."""
        vera = self.client("vera")
        study = self.send(3, AccessionNumber="FIN1")
        finding = self.entry(vera, study)["outcome"] == "finding"

        def figures():
            return vera.ask("GET", "/api/v1/outcomes").json["finalReports"]
        before = figures()
        self.report("FIN1", "P", ("CS", "FX"))
        self.assertEqual((self.outcome(study)["final_at"], figures()), ("", before))
        for rows, says, right in (((("CS", "FX"),), "injury", finding), ((("IMP", "FX"), ("CS", "NEG")), "no injury", not finding)):
            self.report("FIN1", "F", *rows)
            row, told = self.outcome(study), figures()
            self.assertEqual((row["final_says"], row["final_agrees"], row["verdict"]), (says, "yes" if right else "no", ""))
            self.assertEqual((told["reports"], told["understood"], told["undecided"]), (before["reports"] + 1, before["understood"] + 1, before["undecided"]))
            self.assertEqual(told["falseAlarms" if finding else "misses"], before["falseAlarms" if finding else "misses"] + (not right))
            kind = "positivePredictiveValue" if finding else "negativePredictiveValue"
            self.assertEqual((told[kind]["agreed"], told[kind]["of"]), (before[kind]["agreed"] + right, before[kind]["of"] + 1))
            self.assertAlmostEqual(float(row["seconds_to_final"]), (at(row["final_at"]) - at(row["arrived_at"])).total_seconds(), places=2)
        for rows in ((("CS", "FX"), ("CS", "NEG")), (("CS", "?"),)):
            self.report("FIN1", "C", *rows)
            self.assertEqual((self.outcome(study)["final_says"], self.outcome(study)["final_agrees"]), ("unclear", ""))
            self.assertEqual((figures()["reports"], figures()["understood"]), (before["reports"] + 1, before["understood"]))
        h.wait_for(lambda: self.outcome(study)["read_by"] == "order" and self.outcome(study)["read_at"], 10, "leaving the list")

    def test_study(self):
        client = self.client("vera")
        study = self.send(0, PatientName="Müller^<script>alert(1)</script>", PatientID="ID-0815", SpecificCharacterSet="ISO_IR 192")
        self.entry(client, study)
        h.wait_for(lambda: len(self.pacs.objects(study=study)) == 2, 30, "delivery")
        seen = h.wait_for(lambda: (lambda s: s if any(t["what"] == "sent" for t in s["timeline"]) else None)(
            client.ask("GET", f"/api/v1/studies/{study}").json), 10, "sent")
        self.assertEqual(seen["patient"]["name"], "Müller^<script>alert(1)</script>")
        self.assertEqual((seen["patient"]["id"], seen["place"]["patient"]), ("ID-0815", "0815"))
        self.assertEqual(seen["viewer"], f"https://pacs.example.org/v?s={study}")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").json["viewer"], "https://pacs.example.org/v?s={study}")
        self.assertTrue(seen["research"])
        self.assertTrue(seen["report"][0].startswith("RESEARCH - trained on synthetic images"))
        kinds = [t["what"] for t in seen["timeline"]]
        self.assertEqual(kinds[:4], ["received", "analysed", "complete", "reported"])
        self.assertEqual(sorted(t["at"] for t in seen["timeline"]), [t["at"] for t in seen["timeline"]])
        self.assertEqual({d["destination"] for r in seen["results"] for d in r["deliveries"]}, {"pacs"})
        image = seen["images"][0]
        self.assertEqual([c["name"] for c in image["models"][0]["classes"]], ["dislocation", "fracture", "normal"])
        self.assertAlmostEqual(sum(c["score"] for c in image["models"][0]["classes"]), 1, places=5)
        self.check_pixels(client, study, image)

    def check_pixels(self, client, study, image):
        """Both halves are the picture's own, pixel for pixel."""
        answer = client.ask("GET", f"/api/v1/studies/{study}/images/{image['id']}/picture")
        rows, columns, source = (int(answer.headers[n]) for n in ("X-Rows", "X-Columns", "X-Source-Columns"))
        self.assertEqual(image["picture"], {"rows": rows, "columns": columns})
        shown = numpy.frombuffer(answer.body, dtype=numpy.uint8).reshape(rows, columns, 3)
        picture = next(d for d in map(pydicom.dcmread, self.pacs.objects(study=study)) if d.Modality == "OT").pixel_array
        for part in (shown[:, :source], shown[:, source:]):
            if part.shape[1]:
                self.assertTrue(self.is_part(picture, part))
        self.assertTrue((shown[:, :source, 0] == shown[:, :source, 1]).all())  # the original has no colour

    @staticmethod
    def is_part(whole, part):
        rows, columns = part.shape[:2]
        for y in range(whole.shape[0] - rows + 1):
            for x in numpy.flatnonzero((whole[y, :whole.shape[1] - columns + 1] == part[0, 0]).all(axis=1)):
                if (whole[y, x:x + columns] == part[0]).all() and (whole[y:y + rows, x:x + columns] == part).all():
                    return True
        return False

    def test_counters_add_up(self):
        client = self.client("vera")
        path = os.path.join(self.node.folder, "hand.dcm")
        hand = str(h.wrap(h.grey(self.images[2][0]), path, BodyPartExamined="HAND").StudyInstanceUID)
        self.node.send(path)
        self.entry(client, self.send(2))

        def metrics():
            return Exposition(Client(self.port).ask("GET", "/metrics").body.decode())
        stored = len([f for _, _, files in os.walk(os.path.join(self.node.spool, "objects")) for f in files if f.endswith(".dcm")])
        m = h.wait_for(lambda: (lambda m: m if m.value("cervigate_instances", state="received") == 0 else None)(metrics()), 20, "an idle node")
        self.assertEqual(m.sum("cervigate_instances"), stored)
        self.assertGreaterEqual(m.value("cervigate_instances", state="ignored"), 1)
        with sqlite3.connect(os.path.join(self.node.spool, "jobs.sqlite")) as store:
            self.assertEqual(m.sum("cervigate_deliveries"), store.execute("SELECT COUNT(*) FROM delivery").fetchone()[0])
        h.wait_for(lambda: hand not in [e["study"] for e in client.ask("GET", "/api/v1/worklist").json["entries"]], 5, "what no rule selects leaves the list")
        listed = len(client.ask("GET", "/api/v1/worklist").json["entries"])
        self.assertEqual(m.sum("cervigate_worklist_studies"), listed)
        models = client.ask("GET", "/api/v1/node/models").json["models"]
        self.assertEqual([dict(p) for n, p in m.samples if n == "cervigate_model_info"], [{k: model[k] for k in ("name", "version", "digest")} for model in models])
        # Each image is judged once, and each study of one image gets one report, which is sent to one place.
        judged = m.value("cervigate_instances", state="judged") + m.value("cervigate_instances", state="not-processed")
        self.assertEqual(m.value("cervigate_stage_seconds_count", stage="analysed"), judged)
        self.assertEqual(m.value("cervigate_stage_seconds_count", stage="stored"), m.value("cervigate_results", kind="report"))
        self.assertEqual(m.value("cervigate_stage_seconds_count", stage="complete"), m.value("cervigate_stage_seconds_count", stage="stored"))
        self.assertLessEqual(m.value("cervigate_stage_seconds_count", stage="sent"), m.value("cervigate_stage_seconds_count", stage="stored"))

    @staticmethod
    def dashboard():
        with open(os.path.join(MONITORING, "cervigate-dashboard.json"), encoding="utf-8") as f:
            return json.load(f)

    def expressions(self):
        """Of the alert rules and the dashboard."""
        with open(os.path.join(MONITORING, "cervigate-alerts.yml"), encoding="utf-8") as f:
            text = f.read()
        alerts = re.findall(r"expr: (.*)", text)
        assert len(alerts) == text.count("- alert: ") > 0
        return alerts, [t["expr"] for p in self.dashboard()["panels"] for t in p["targets"]]

    def test_what_monitoring_names_exists(self):
        """Each metric, and each value of a label, that a rule or a panel asks for is one that /metrics has."""
        m = Exposition(Client(self.port).ask("GET", "/metrics").body.decode())
        alerts, panels = self.expressions()
        families = {f + s for f, kind in m.types.items() for s in SUFFIXES[kind]}
        for expression in alerts + panels:
            names = re.findall(r"cervigate_\w+", expression)
            self.assertTrue(names or expression.startswith("up{"), expression)
            self.assertLessEqual(set(names), families, expression)
            for name, labels in re.findall(r"(cervigate_\w+)\{([^}]*)\}", expression):
                has = {pair for n, pairs in m.samples if n == name for pair in pairs}
                self.assertLessEqual({(k, v) for k, v in re.findall(r'(\w+)="([^"$]*)"', labels)}, has, expression)
        self.assertIn("cervigate_well", {n for n, _ in m.samples})

    def test_the_dashboard_is_sound(self):
        """Panels that do not overlap, tables that are tables, labels that exist."""
        m, dashboard = Exposition(Client(self.port).ask("GET", "/metrics").body.decode()), self.dashboard()
        variables, taken = {v["name"] for v in dashboard["templating"]["list"]}, set()
        self.assertEqual(len({p["id"] for p in dashboard["panels"]}), len(dashboard["panels"]))
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertTrue(place["x"] + place["w"] <= 24 and not cells & taken, panel["title"])
            taken |= cells
            self.assertEqual(len({t["refId"] for t in panel["targets"]}), len(panel["targets"]))
            for target in panel["targets"]:
                self.assertEqual((target.get("format"), target.get("instant")), ("table", True) if panel["type"] == "table" else (None, None), panel["title"])
                self.assertLessEqual(set(re.findall(r"\$\{?([a-z]\w*)", target["expr"])), variables)
                name = re.search(r"cervigate_\w+", target["expr"]).group()
                labels = {"instance", *(k for n, pairs in m.samples if n == name for k, _ in pairs)}
                if len(labels) > 1:  # there is no alarm now
                    self.assertLessEqual(set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))), labels, target)

    def promtool(self, *words, **how):
        done = subprocess.run(["promtool", "check", *words], capture_output=True, text=True, check=False, **how)
        return done.returncode, done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("promtool"), "skipped: no promtool (scripts/deps --peers)")
    def test_prometheus_reads_it(self):
        """What /metrics says, the alert rules, and the dashboard's expressions as rules; a name that is none is refused."""
        text = Client(self.port).ask("GET", "/metrics").body.decode()
        self.assertEqual(self.promtool("metrics", input=text), (0, ""))
        self.assertNotEqual(self.promtool("metrics", input=text.replace("# TYPE cervigate_well gauge", "# TYPE cervigate_well gouge"))[0], 0)
        path = os.path.join(self.node.folder, "dashboard.yml")
        for name, expressions in (("dashboard", self.expressions()[1]), ("wrong", ["sum by (x cervigate_well"])):
            rules = [{"record": "x:x", "expr": e.replace("$node", ".*").replace("$__rate_interval", "5m"), "labels": {"n": str(n)}} for n, e in enumerate(expressions)]
            with open(path, "w", encoding="utf-8") as f:
                json.dump({"groups": [{"name": name, "rules": rules}]}, f)  # JSON is YAML
            status, said = self.promtool("rules", path)
            self.assertEqual(status == 0, name == "dashboard", said)
        status, said = self.promtool("rules", os.path.join(MONITORING, "cervigate-alerts.yml"))
        self.assertEqual(status, 0, said)

    def test_console_dies(self):
        client = self.client("vera")
        was = self.node.facts()["console_pid"]
        os.kill(int(was), signal.SIGKILL)
        h.wait_for(lambda: self.node.facts()["console_pid"] not in ("0", was), 20, "a new console")
        h.wait_for(lambda: client.ask("GET", "/readyz").status == 200, 10, "an answer")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").status, 401)
        self.assertEqual(self.client("vera").ask("GET", "/api/v1/worklist").status, 200)

    def test_stop_all_influence(self):
        client = self.client("ada")
        begun = time.monotonic()
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "shadow"}).json, {"answer": "done"})
        self.assertLess(time.monotonic() - begun, 5)
        self.assertEqual(self.node.admin("mode").stdout.strip(), "shadow")
        self.assertEqual(client.ask("GET", "/api/v1/worklist").json["mode"], "shadow")
        study = self.send(0)
        self.entry(client, study)
        vera = self.client("vera")
        for path in (f"/api/v1/studies/{study}", "/api/v1/outcomes"):
            self.assertEqual(client.ask("GET", path).status, 200, path)
            self.assertEqual((vera.ask("GET", path).status, vera.ask("GET", "/api/v1/worklist").json["entries"]), (403, []), path)
        time.sleep(2)
        self.assertEqual(self.pacs.objects(study=study), [])
        refused = client.ask("POST", "/api/v1/node/mode", {"mode": "clinical"})
        self.assertEqual(refused.status, 409)
        self.assertIn("trained on synthetic images", refused.json["error"])
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "loud"}).status, 400)
        self.assertEqual(client.ask("POST", "/api/v1/node/mode", {"mode": "demo"}).status, 200)
        self.assertIn("console:ada", self.node.admin("audit", "search", "--user", "console:ada", "--json").stdout)

    def test_who_saw_what(self):
        client = self.client("vera")
        study = self.send(0)
        self.entry(client, study)
        client.ask("GET", f"/api/v1/studies/{study}")
        self.client().ask("POST", "/api/v1/session", {"name": "rita", "password": "a wrong one"})
        for words, count in ((("--user", "vera", "--study", study), 1), (("--user", "rita", "--event", "User Authentication", "--outcome", "failure"), 1),
                             (("--user", "vera", "--event", "110114", "--outcome", "success"), 1)):
            found = self.node.admin("audit", "search", *words, "--json").stdout.splitlines()
            self.assertGreaterEqual(len(found), count, words)
        self.assertEqual(self.node.admin("audit", "verify").returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
