"""Rules end to end: what each gives to whom, reload, and what comes back from a PACS that forwards everything.

Without arguments, as CI runs it: all tests.
`test_rules.py echo SEED COUNT`: COUNT studies through every kind of forwarding PACS, in random order."""
import contextlib
import glob
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import unittest

import numpy
import pydicom
from pydicom.uid import generate_uid

import harness as h
import models
from archive import decode
from hook import Hook
from test_orders import Caller, Site, code
from ups_scp import Manager

DX_RULE = '<match attribute="Modality" values="DX"/>'


def rows(node, sql, *values):
    with contextlib.closing(sqlite3.connect(os.path.join(node.spool, "jobs.sqlite"))) as store:
        return store.execute(sql, values).fetchall()


def reload(node, old, new):
    """The configuration with `new` for `old`, in force in the role that judges."""
    with open(node.config, encoding="utf-8") as f:
        text = f.read()
    assert text.count(old) == 1, old
    with open(node.config, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))
    pid = node.facts()["analyze_pid"]
    node.process.send_signal(signal.SIGHUP)
    h.wait_for(lambda: node.facts().get("analyze_pid", "0") not in ("0", pid), 30, "the new configuration")


def setUpModule():
    """Models with random weights that say what they are told to: any picture does."""
    Rules.folder = tempfile.mkdtemp(prefix="cervigate-rules-")
    Rules.plane = numpy.add.outer(numpy.arange(200), numpy.arange(160)) % 251
    Rules.finds = models.make(os.path.join(Rules.folder, "finds"), True, "finds")
    Rules.denies = models.make(os.path.join(Rules.folder, "denies"), False, "denies", seed=8)


def tearDownModule():
    shutil.rmtree(Rules.folder)


class Rules(unittest.TestCase):
    def scp(self, ae):
        scp = h.StoreScp.__new__(h.StoreScp)
        scp.ae = ae
        scp.__init__()
        self.addCleanup(scp.close)
        return scp

    def node(self, rules, **how):
        self.pacs, self.ai = self.scp("PACS"), self.scp("AI")
        how.setdefault("model", self.finds)
        node = h.Node({"pacs": ("PACS", self.pacs.port), "ai": ("AI", self.ai.port)}, rules=rules, **how)
        self.addCleanup(node.stop)
        return node

    def image(self, study=None, **attributes):
        path = os.path.join(self.folder, f"{time.monotonic_ns()}.dcm")
        return path, h.wrap(self.plane, path, study=study, **attributes).StudyInstanceUID

    def has(self, scp, study, reports, pictures):
        return (len(scp.objects(h.SR3D, study)), len(scp.objects(h.SC, study))) == (reports, pictures)

    def arrives(self, scp, study, reports, pictures):
        h.wait_for(lambda: self.has(scp, study, reports, pictures), 60, f"{reports} reports and {pictures} pictures")


class Consequences(Rules):
    def test_each_rule_gives_what_it_says_and_studies_get_the_union(self):
        node = self.node(f"""
            <rule name="research" action="analyze" destinations="ai" outputs="SR" priority="never">{DX_RULE}
              <match attribute="StationName" values="LAB"/></rule>
            <rule name="er" action="analyze" outputs="SC">{DX_RULE}<match attribute="CallingAETitle" values="ER"/></rule>
            <rule name="children" action="store">{DX_RULE}<match attribute="PatientAge" most="15"/></rule>
            <rule name="others" action="analyze">{DX_RULE}<match attribute="Rows" least="100"/></rule>""")
        lab, study = self.image(StationName="LAB", PatientID="A")
        child, young = self.image(PatientBirthDate="20200101", PatientID="B")
        other, plain = self.image(PatientID="C")
        self.assertEqual(node.send(lab, child, other).returncode, 0)
        self.arrives(self.ai, study, 1, 0)
        self.arrives(self.pacs, plain, 1, 1)
        self.arrives(self.ai, plain, 1, 1)
        self.assertEqual(self.pacs.objects(study=study), [])
        self.assertEqual(rows(node, "SELECT rule,state FROM instance WHERE study=?", young), [("children", "ignored")])
        self.assertEqual(rows(node, "SELECT reason,raised FROM place WHERE study=?", study), [("rule", 0)])
        self.assertEqual(rows(node, "SELECT raised FROM place WHERE study=?", plain), [(1,)])

        # the same study once more, by a rule that gives pictures to everyone
        again, _ = self.image(study=study, PatientID="A")
        sent = h.run("storescu", "-aet", "ER", "-aec", "CERVIGATE", "127.0.0.1", node.port, again)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.arrives(self.pacs, study, 0, 1)
        self.arrives(self.ai, study, 2, 1)
        h.wait_for(lambda: rows(node, "SELECT reason,raised FROM place WHERE study=?", study) == [("finding", 1)], 10, "a raise")

    def test_a_rule_leaves_its_images_to_one_model(self):
        node = self.node(f"""
            <rule name="first" action="analyze" model="one">{DX_RULE}<match attribute="StationName" values="A"/></rule>
            <rule name="second" action="analyze" model="two">{DX_RULE}<match attribute="StationName" values="B"/></rule>
            <rule name="both" action="analyze">{DX_RULE}</rule>""", models=[self.finds + '" name="one', self.denies + '" name="two'])
        outcomes = {}
        for station in ("A", "B", "C"):
            path, study = self.image(StationName=station, PatientID=station)
            self.assertEqual(node.send(path).returncode, 0)
            h.wait_for(lambda s=study: rows(node, "SELECT 1 FROM result WHERE study=?", s), 30, "a report")
            outcomes[station] = rows(node, "SELECT outcome,scores<>'',scores2<>'' FROM judgement JOIN instance ON instance=id"
                                     " WHERE study=?", study)[0]
        self.assertEqual(outcomes["A"], ("finding", 1, 0))
        self.assertEqual(outcomes["B"][1:], (0, 1))
        self.assertNotEqual(outcomes["B"][0], "finding")
        self.assertEqual(outcomes["C"], ("undetermined", 1, 1))

    def test_what_it_says_before_is_what_it_does(self):
        node = self.node(f"""<rule name="asked" action="analyze">{DX_RULE}<match attribute="CalledAETitle" values="ELSEWHERE"/></rule>
            <rule name="er" action="analyze" destinations="ai" priority="never">{DX_RULE}
            <match attribute="CallingAETitle" pattern="^ER"/><match attribute="PatientAge" least="16" most="99"/></rule>""")
        path, _ = self.image()
        said = node.admin("rules", "test", "--calling", "ER_2", path)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertRegex(said.stdout, r"rule er takes it: analyze\nmodel: .*/finds\ndestination: ai: SR SC\npriority: never")
        said = node.admin("rules", "test", path)
        self.assertEqual(said.returncode, 1)
        self.assertIn("CallingAETitle is empty, expected the pattern ^ER\nno rule takes it", said.stdout)
        path, _ = self.image(PatientBirthDate="20200101")
        said = node.admin("rules", "test", "--calling", "ER_2", path)
        self.assertIn('PatientAge is "6 years, by date of birth", expected at least 16 and at most 99', said.stdout)
        said = json.loads(node.admin("rules", "test", "--json", "--calling", "WARD", path).stdout)
        self.assertEqual((said["rule"], said["steps"][1]["attribute"], said["steps"][1]["value"], said["steps"][1]["takes"]),
                         (None, "CallingAETitle", "WARD", False))
        self.assertEqual(said["steps"][1]["match_file"], node.config)
        said = node.admin("rules", "test", "--called", "ELSEWHERE", path)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("rule asked takes it: analyze\n", said.stdout)


class Told(Rules):
    def waits_for(self, told, what):
        """told: by way, the studies that it has been told of."""
        def has():
            return {**{name: {n["study"] for n in hook.news()} for name, hook in self.hooks.items()},
                    "ris": {str(i.StudyInstanceUID) for i in self.manager.items.values()}}
        h.wait_for(lambda: has() == told, 60, what)

    def test_a_rule_says_who_is_told_and_studies_have_the_union(self):
        self.hooks, self.manager = {"lab": Hook(), "er": Hook()}, Manager()
        for peer in (*self.hooks.values(), self.manager):
            self.addCleanup(peer.close)
        station = DX_RULE + '<match attribute="StationName" values="{}"/></rule>'
        node = self.node(f"""<rule name="lab" action="analyze" announcements="lab">{station.format("LAB")}
            <rule name="silent" action="analyze" announcements="">{station.format("SILENT")}
            <rule name="er" action="analyze" announcements=" er  lab ">{station.format("ER")}
            <rule name="others" action="analyze"/>""", others={"ris": ("RIS", self.manager.port)}, limits="<announcements>" + "".join(
                f'<webhook name="{name}" url="{hook.url}" demo="true" retryFirst="1" retryMost="1"/>' for name, hook in self.hooks.items()) +
            '<ups name="ris" peer="ris" demo="true" lookEvery="1"/></announcements>')
        images = {station: self.image(StationName=station, PatientID=station, AccessionNumber=station) for station in ("LAB", "SILENT", "ER", "ANY")}
        study = {station: study for station, (_, study) in images.items()}
        said = {station: node.admin("rules", "test", "--json", path) for station, (path, _) in images.items()}
        self.assertEqual({station: json.loads(s.stdout)["announcements"] for station, s in said.items()},
                         {"LAB": ["lab"], "SILENT": [], "ER": ["lab", "er"], "ANY": ["lab", "er", "ris"]})
        self.assertRegex(node.admin("rules", "test", images["ER"][0]).stdout, r"\nannouncement: lab, by webhook\nannouncement: er, by webhook\npriority: raise")
        self.assertIn("\nannouncement: none: nobody is told of its study\n", node.admin("rules", "test", images["SILENT"][0]).stdout)
        self.assertEqual(node.send(*(path for path, _ in images.values())).returncode, 0)
        self.waits_for({"lab": {study["LAB"], study["ER"], study["ANY"]}, "er": {study["ER"], study["ANY"]}, "ris": {study["ANY"]}}, "by their rules")
        self.arrives(self.pacs, study["SILENT"], 1, 1)
        h.wait_for(lambda: len([a for a in self.manager.asked("find")]) > 3, 20, "it is asked whether it was read")
        self.assertEqual({decode(line["dataset"]).ReferencedRequestSequence[0].AccessionNumber for line in self.manager.log if line["kind"] == "find" and
                          decode(line["dataset"]).ReferencedRequestSequence} - {""}, {"ANY"})  # of no other study anything goes there

        def raised():
            return {r["study"] for r in map(json.loads, node.admin("worklist", "--json").stdout.splitlines()) if r["band"] == "raised"}
        h.wait_for(lambda: raised() == set(study.values()), 10, "in the list all are, the silent one, too")  # its place may follow its report

        # after a reload images go by the new rules, and the study has what the rules of any of its images gave it
        reload(node, 'announcements="lab">', 'announcements="ris">')
        path, _ = self.image(study=study["LAB"], StationName="LAB", PatientID="LAB", AccessionNumber="LAB")
        self.assertEqual(node.send(path).returncode, 0)
        self.waits_for({"lab": {study["LAB"], study["ER"], study["ANY"]}, "er": {study["ER"], study["ANY"]}, "ris": {study["LAB"], study["ANY"]}}, "the union")
        self.assertEqual(node.admin("worklist", "read", study["LAB"]).returncode, 0)
        h.wait_for(lambda: self.hooks["lab"].news(study["LAB"])[-1]["event"] == "withdrawn", 20, "withdrawn where it was told")
        h.wait_for(lambda: [i.ProcedureStepState for i in self.manager.items.values() if i.StudyInstanceUID == study["LAB"]] == ["CANCELED"], 20, "ours there")
        self.assertEqual((self.hooks["er"].news(study["LAB"]), self.manager.violations), ([], []))
        with open(node.config, encoding="utf-8") as f:
            text = f.read()
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace('announcements="ris">', 'announcements="rsi">'))
        said = node.admin("check")
        self.assertEqual(said.returncode, 78)
        self.assertRegex(said.stderr, r':\d+: <rule announcements>: "rsi" is no announcement \(did you mean "ris"\?\); expected names of <announcements>')


class Shown(Rules):
    def test_what_a_list_of_series_shows_of_a_report(self):
        node = self.node(f'<rule name="dx" action="analyze" destinations="pacs">{DX_RULE}</rule>',
                         report='seriesDescription="neck {outcome} {priority}" findingSeriesNumber="7001" findingInstances="500"')
        found, study = self.image(PatientID="A")
        refused, other = self.image(PatientID="B", PatientBirthDate="20200101")
        self.assertEqual(node.send(found, refused).returncode, 0)
        self.arrives(self.pacs, study, 1, 1)
        self.arrives(self.pacs, other, 1, 0)
        report = pydicom.dcmread(self.pacs.objects(h.SR3D, study)[0])
        self.assertEqual((report.SeriesDescription, report.SeriesNumber, report.InstanceNumber),
                         ("AI - not for diagnosis, RESEARCH: neck finding HIGH", 7001, 501))
        child = pydicom.dcmread(self.pacs.objects(h.SR3D, other)[0])
        self.assertEqual((child.SeriesDescription, child.SeriesNumber, child.InstanceNumber),
                         ("AI - not for diagnosis, RESEARCH: neck not-processed MEDIUM", 9901, 1))
        picture = pydicom.dcmread(self.pacs.objects(h.SC, study)[0])
        self.assertEqual((picture.SeriesDescription, picture.SeriesNumber), ("AI - not for diagnosis, RESEARCH: picture", 9902))
        self.assertEqual(h.complaints(self.pacs.objects(h.SR3D, study)[0]), [])

        # an adult's image makes of the child's study one with a finding: in a series of its own
        more, _ = self.image(study=other, PatientID="B")
        self.assertEqual(node.send(more).returncode, 0)
        self.arrives(self.pacs, other, 2, 1)
        amended = next(r for r in map(pydicom.dcmread, self.pacs.objects(h.SR3D, other)) if r.InstanceNumber == 502)
        self.assertEqual((amended.SeriesNumber, amended.SeriesDescription), (7001, "AI - not for diagnosis, RESEARCH: neck finding HIGH"))
        self.assertNotEqual(amended.SeriesInstanceUID, child.SeriesInstanceUID)
        before = amended.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
        self.assertEqual((before.SeriesInstanceUID, before.ReferencedSOPSequence[0].ReferencedSOPInstanceUID),
                         (child.SeriesInstanceUID, child.SOPInstanceUID))

        # and the finding taken back makes of it one without, as its next report says
        self.assertEqual(node.send(models.rejection_note(more, more + ".note")).returncode, 0)
        self.arrives(self.pacs, other, 3, 1)
        last = next(r for r in map(pydicom.dcmread, self.pacs.objects(h.SR3D, other)) if r.InstanceNumber == 3)
        self.assertEqual((last.SeriesNumber, last.SeriesDescription), (9901, "AI - not for diagnosis, RESEARCH: neck not-processed MEDIUM"))

    def test_it_says_no_more_than_the_worklist(self):
        """Never less urgent than the order; a finding that raises nothing is not flagged."""
        node = self.node(f'<rule name="dull" action="analyze" destinations="pacs" priority="never">{DX_RULE}<match attribute="StationName" values="DULL"/></rule>'
                         f'<rule name="dx" action="analyze" destinations="pacs">{DX_RULE}</rule>',
                         report='seriesDescription="{outcome} {priority}" findingSeriesNumber="7001" findingInstances="500"',
                         limits='<orders listen="true" address="127.0.0.1" port="0" from="127.0.0.1" postoperative="post-?op"/>')
        site, child = Site(), {"PatientBirthDate": "20200101"}
        with Caller(node) as caller:
            for number, priority, procedure in ((1, "S", "Cervical spine"), (2, "LOW", "Cervical spine"), (3, "R", "C-spine post-op")):
                self.assertEqual(code(caller.ask(site.omi(f"A{number}", priority=priority, procedure=procedure, number=str(number), patient=f"P{number}"))), "AA")
        cases = [("a STAT order's", dict(child, AccessionNumber="A1", PatientID="P1"), "not-processed HIGH", 9901, 1),
                 ("a LOW order's finding", {"AccessionNumber": "A2", "PatientID": "P2"}, "finding HIGH", 7001, 501),
                 ("after an operation", {"AccessionNumber": "A3", "PatientID": "P3"}, "finding MEDIUM", 9901, 1),
                 ("by the site's choice", {"StationName": "DULL", "PatientID": "P4"}, "finding MEDIUM", 9901, 1),
                 ("known from an earlier study", {"PatientID": "P2"}, "finding MEDIUM", 9901, 1)]
        for what, attributes, words, series, instance in cases:
            with self.subTest(what):
                path, study = self.image(**attributes)
                self.assertEqual(node.send(path).returncode, 0)
                self.arrives(self.pacs, study, 1, 1 if "finding" in words else 0)
                report = pydicom.dcmread(self.pacs.objects(h.SR3D, study)[0])
                self.assertEqual((report.SeriesDescription, report.SeriesNumber, report.InstanceNumber),
                                 (f"AI - not for diagnosis, RESEARCH: {words}", series, instance))


class Shipped(Rules):
    """The rules of config/cervigate.xml, by a daemon with the model and gate that are shipped."""

    def drawn(self, subject, count=1):
        out = os.path.join(self.folder, subject)
        said = h.run(os.path.join(h.BIN, "cervigate"), "phantom", "--out", out, "--subject", subject, "--count", count, "--seed", 5, "--size", 384)
        self.assertEqual(said.returncode, 0, said.stderr)
        return [h.grey(path) for path in sorted(glob.glob(out + "/*/*.png"))]

    def test_of_a_polytrauma_accession_the_cervical_laterals_alone_are_judged(self):
        with open(os.path.join(h.SOURCE, "config/cervigate.xml"), encoding="utf-8") as f:
            node = self.node(re.search("\n  <rules>(.*)</rules>", f.read(), re.S)[1], model=h.MODEL)
        laterals, (ap,), (chest,), (hip,), (hand,) = (self.drawn(*subject) for subject in (("lateral", 2), ("ap",), ("chest",), ("hip",), ("hand",)))
        study, paths, images = generate_uid(), [], {}
        for what, plane, body, series, view in (
                ("chest", chest, "CHEST", "Thorax a.p.", "AP"), ("pelvis", hip, "PELVIS", "AP", "AP"),
                ("neck AP", ap, "CSPINE", "HWS a.p.", "AP"), ("neck lateral", laterals[0], "CSPINE", "HWS seitlich", "LL"),
                ("as a chest", laterals[1], "CHEST", "", "LL"), ("shoulder", hand, "SHOULDER", "", "AP")):
            path = os.path.join(self.folder, f"poly-{len(paths)}.dcm")
            made = h.wrap(plane, path, study=study, StudyDescription="Polytrauma", BodyPartExamined=body, SeriesDescription=series, ViewPosition=view,
                          SeriesNumber=len(paths) + 1, PatientID="POLY", AccessionNumber="POLY1")
            images[made.SOPInstanceUID] = what
            paths.append(path)
        sent = h.run("storescu", "-aet", "DX1", "-aec", "CERVIGATE", "127.0.0.1", node.port, *paths)
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.arrives(self.pacs, study, 1, 2)
        self.assertEqual({images[uid]: (rule, state) for uid, rule, state in rows(node, "SELECT sop_instance,rule,state FROM instance WHERE study=?", study)},
                         {"chest": ("other-region-by-series-description", "ignored"), "pelvis": ("other-region-by-body-part", "ignored"),
                          "neck AP": ("cervical-by-body-part", "not-processed"), "neck lateral": ("cervical-by-body-part", "judged"),
                          "as a chest": ("lateral-of-a-trauma-study", "judged"), "shoulder": ("other-region-by-body-part", "ignored")})
        report, = self.pacs.objects(h.SR3D, study)
        self.assertEqual(len(h.scores(pydicom.dcmread(report))), 2)
        self.assertRegex(h.run("dsrdump", "+Pl", report).stdout, "was not judged.*the pixels look most like an AP view of the cervical spine")


class Reload(Rules):
    def wrong_rules_change_nothing(self, node):
        with open(node.config, encoding="utf-8") as f:
            text = f.read()
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text.replace('<rule name="old"', '<rule name="wrong" action="ignore"/><rule model="nobody" name="old"'))
        node.process.send_signal(signal.SIGHUP)
        h.wait_for(lambda: "reload-refused" in node.log(), 10, "a refusal")
        said = node.admin("check")
        self.assertNotEqual(said.returncode, 0)
        self.assertRegex(said.stdout + said.stderr, r'\d+: <rule model.*nobody')
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text)

    def test_what_is_judged_keeps_what_the_old_rules_gave_it(self):
        node = self.node(f'<rule name="old" action="analyze" destinations="ai">{DX_RULE}</rule>', quiet=15 * h.PATIENCE)
        path, study = self.image(PatientID="OLD")
        self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: rows(node, "SELECT 1 FROM instance WHERE state='judged'"), 20, "a judgement")
        self.wrong_rules_change_nothing(node)
        reload(node, '<rule name="old" action="analyze" destinations="ai">', '<rule name="new" action="analyze" destinations="pacs">')
        self.assertEqual(rows(node, "SELECT count(*) FROM result"), [(0,)], "the report was there before the reload")
        path, later = self.image(PatientID="NEW")
        self.assertEqual(node.send(path).returncode, 0)
        self.arrives(self.ai, study, 1, 1)
        self.arrives(self.pacs, later, 1, 1)
        self.assertEqual(self.pacs.objects(study=study) + self.ai.objects(study=later), [])
        self.assertEqual(rows(node, "SELECT rule FROM instance ORDER BY id"), [("old",), ("new",)])

        # what the first destination has is amended there, whatever the rules say now; the second gets what they say
        path, _ = self.image(study=study, PatientID="OLD")
        self.assertEqual(node.send(path).returncode, 0)
        self.arrives(self.ai, study, 2, 2)
        self.arrives(self.pacs, study, 1, 1)


def same(d):
    """Forwarded as it is."""


def coerced(d):
    """A PACS that corrects whose it is."""
    d.PatientID, d.PatientName, d.AccessionNumber = "COERCED", "Other^Name", "OTHER"


def renamed(d):
    """A router that gives new UIDs."""
    d.SOPInstanceUID = d.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    d.SeriesInstanceUID = generate_uid()


def stripped(d):
    """One that takes out besides who made it."""
    renamed(d)
    for keyword in ("Manufacturer", "ManufacturerModelName", "StationName", "DeviceSerialNumber", "SoftwareVersions", "DeviceUID"):
        if keyword in d:
            delattr(d, keyword)


def naked(d):
    """And what it is."""
    stripped(d)
    for keyword in ("SeriesDescription", "ImageComments", "DerivationDescription", "ContributingEquipmentSequence"):
        if keyword in d:
            delattr(d, keyword)


HOW = {"same": same, "coerced": coerced, "renamed": renamed, "stripped": stripped, "naked": naked}
MOST = 12  # objects of one study at the fixed point: four of its image, and three amendments


class Echo(Rules):
    """A PACS that sends everything back, into a node whose rule takes everything."""

    def forward(self, node, studies, seen):
        """Sends back all that is new; how many."""
        paths = []
        for path in self.pacs.objects():
            if path in seen:
                continue
            seen.add(path)
            d = pydicom.dcmread(path)
            HOW[studies[d.StudyInstanceUID]](d)
            back = os.path.join(self.folder, f"back{len(seen)}-{time.monotonic_ns()}.dcm")
            d.save_as(back, write_like_original=False)
            paths.append(back)
        if paths:
            sent = node.send(*paths)
            self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        return len(paths)

    def settle(self, node, studies, seconds):
        """Until nothing new came for so long after all that was sent was looked at; how many objects came back."""
        seen, end, last = set(), time.monotonic() + (120 + 6 * len(studies)) * h.PATIENCE, time.monotonic()
        while time.monotonic() - last < seconds * h.PATIENCE:
            self.assertLess(time.monotonic(), end, "it goes on and on")
            self.assertLessEqual(len(seen), MOST * len(studies), "it goes on and on")
            if self.forward(node, studies, seen) or rows(node, "SELECT 1 FROM instance WHERE state='received' LIMIT 1"):
                last = time.monotonic()
            time.sleep(0.1)
        return len(seen)

    def echo(self, order, seconds=3):
        self.pacs = self.scp("PACS")
        node = h.Node({"pacs": ("PACS", self.pacs.port)}, rules='<rule name="all" action="analyze"/>', model=self.finds,
                      outputs="SR SC GSPS PMAP")
        self.addCleanup(node.stop)
        studies = {}
        for n, how in enumerate(order):
            path, study = self.image(PatientID=f"{how}{n}")
            studies[study] = how
            self.assertEqual(node.send(path).returncode, 0)
        h.wait_for(lambda: len(self.pacs.objects(h.SR3D)) >= len(order), 60 + 6 * len(order), "the reports")
        count = self.settle(node, studies, seconds)
        for study, how in studies.items():
            mine = len(self.pacs.objects(study=study))
            self.assertGreaterEqual(mine, 4, how)
            self.assertLessEqual(mine, MOST if how == "naked" else 4, how)
            states = dict(rows(node, "SELECT state,count(*) FROM instance WHERE study=? GROUP BY state", study))
            if how != "naked":
                self.assertEqual(states, {"judged": 1, "own": 4}, how)
            reports = len(self.pacs.objects(h.SR3D, study))
            self.assertEqual(rows(node, "SELECT count(*) FROM instance WHERE study=? AND state='own' AND sop_class=?", study, h.SR3D), [(reports,)], how)
            self.assertEqual(rows(node, "SELECT read FROM study WHERE uid=?", study), [(0,)], how)
            self.assertEqual(rows(node, "SELECT raised FROM place WHERE study=?", study), [(1,)], how)
        self.assertEqual(node.status()["why"], [])
        self.assertEqual([line for line in node.log().splitlines() if re.match(r"\S+ error ", line)], [])
        return count

    def test_it_comes_to_rest(self):
        self.echo(list(HOW))


def long_run(seed, count):
    case = Echo("test_it_comes_to_rest")
    setUpModule()
    random.seed(seed)
    try:
        forwarded = case.echo(random.choices(list(HOW), k=count), 6)
        print(f"seed {seed}: {count} studies, {forwarded} objects sent back, at rest")
    finally:
        case.doCleanups()
        tearDownModule()


if __name__ == "__main__":
    if sys.argv[1:2] == ["echo"]:
        long_run(int(sys.argv[2]), int(sys.argv[3]))
    else:
        unittest.main(verbosity=2)
