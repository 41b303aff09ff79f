"""Results reach the right archive beside the right originals: look before sending, storage commitment, late pictures; peers that misbehave."""
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import pydicom

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import daemon as h  # noqa: E402
import harness  # noqa: E402
import models  # noqa: E402
import rawscu  # noqa: E402
from archive import ACTION, HOSTILE, STORE, Archive, encode, message, short, uid as uid_value  # noqa: E402
from ledger import read_lines  # noqa: E402
from daemon import AnalyzeNode  # noqa: E402

SR3D, SC = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.7"
ADMIN = os.path.join(h.BUILD, "bin/cervigate")
FAST = 'lookMost="600"'


class WayOut(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-out-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def archive(self, **how):
        archive = Archive(tempfile.mkdtemp(dir=self.folder), **how)
        self.addCleanup(archive.close)
        return archive

    def node(self, *archives, destination=FAST, environment=None, extra=""):
        """`destination`: attributes, for all archives or of each."""
        peers = "".join(f'<peer name="pacs{n}" aeTitle="PACS{n}" host="127.0.0.1" port="{a.port}"/>' for n, a in enumerate(archives))
        how = (destination,) * len(archives) if isinstance(destination, str) else destination
        to = "".join(f'<destination peer="pacs{n}" outputs="SR SC" {one} demo="true" retryFirst="1" retryMost="2"/>' for n, one in enumerate(how))
        node = AnalyzeNode(mode="demo", peers=f"<peers>{peers}</peers><destinations>{to}</destinations>", start=False)
        self.addCleanup(node.stop)
        node.write_config(extra)
        node.start(environment)
        for a in archives:
            a.node_port = node.port
        return node

    def image(self, name, **attributes):
        path = os.path.join(self.folder, name + ".dcm")
        h.write_object(path, 100000, **attributes)
        return path

    def study(self, node, name="a", **attributes):
        """An image that the node has; its path."""
        path = self.image(name, **attributes)
        self.assertEqual(node.store(path).returncode, 0)
        return path

    def kept(self, archive):
        return len(archive.stores())

    def waits(self, node, text, seconds=20):
        h.wait_for(lambda: re.search("delivery-waits.*" + text, node.log()), seconds, f"it waits: {text}")


class Look(WayOut):
    def test_a_result_before_its_originals_waits_for_them(self):
        archive = self.archive()
        node = self.node(archive)
        path = self.study(node)
        self.waits(node, "the study is not there")
        self.assertEqual(self.kept(archive), 0)
        archive.add(path, SOPInstanceUID="1.2.3.4")  # another image of it
        self.waits(node, "0 of 1 images are there")
        self.assertEqual(self.kept(archive), 0)
        archive.add(path)
        h.wait_for(lambda: self.kept(archive) == 2, 20, "report and picture")
        h.wait_for(lambda: node.sql("SELECT state FROM delivery") == [("sent",)] * 2, 20, "entered")

    def test_another_patient_there_is_waited_for_then_parked_and_told_without_a_name(self):
        archive = self.archive()
        node = self.node(archive, destination='lookMost="3"')
        path = self.image("a", PatientID="SECRET-1", AccessionNumber="ACC-1")
        archive.add(path, PatientID="SECRET-2")
        self.assertEqual(node.store(path).returncode, 0)
        self.waits(node, "another Patient ID")
        h.wait_for(lambda: node.log().count("delivery-parked") == 2, 30, "parked")
        self.assertIn("looked for in vain", node.log())
        self.assertNotIn("SECRET", node.log())
        self.assertEqual(self.kept(archive), 0)

    def test_issuer_and_accession_are_compared_where_both_know_them(self):
        archive = self.archive()
        node = self.node(archive)
        for name, ours, theirs, what in (("i", dict(IssuerOfPatientID="HERE"), dict(IssuerOfPatientID="THERE"), "another Issuer of Patient ID"),
                                         ("n", dict(AccessionNumber="1"), dict(AccessionNumber="2"), "another Accession Number")):
            path = self.image(name, **ours)
            archive.add(path, **theirs)
            self.assertEqual(node.store(path).returncode, 0)
            self.waits(node, what)
        self.assertEqual(self.kept(archive), 0)
        path = self.image("u", AccessionNumber="3")
        archive.add(path, AccessionNumber="", IssuerOfPatientID="THERE")
        self.assertEqual(node.store(path).returncode, 0)
        h.wait_for(lambda: self.kept(archive) == 2, 20, "what nobody contradicts")

    def test_a_peer_without_c_find(self):
        """auto sends, always does not."""
        plain, strict = self.archive(find=None), self.archive(find=None)
        node = self.node(plain)
        self.study(node)
        h.wait_for(lambda: self.kept(plain) == 2, 20, "delivery")
        node = self.node(strict, destination='look="always" lookMost="2"')
        self.study(node, "b")
        self.waits(node, "takes no C-FIND")
        h.wait_for(lambda: node.log().count("delivery-parked") == 2, 30, "parked")
        never = self.archive()
        node = self.node(never, destination='look="never"')
        self.study(node, "c")
        h.wait_for(lambda: self.kept(never) == 2, 20, "delivery without a look")

    def test_hostile_answers_end_with_that_peer(self):
        """To queries, objects, requests for commitment; all at once, beside a good one: no role or sender ends, nothing is delivered there; later all is."""
        good, kinds = self.archive(), ("endless", "garbage", "nested", "command", "truncated", "fail")
        asked = [self.archive(find=how) for how in kinds]
        others = [self.archive(find=None, commitment="same") for _ in range(2 * len(HOSTILE))]
        for n, archive in enumerate(others):
            archive.hostile[(STORE, ACTION)[n % 2]] = HOSTILE[n // 2]
        plain, committed = 'look="never" answerTime="5"', 'look="never" answerTime="5" commitment="true" commitmentTimeout="5"'
        node = self.node(good, *asked, *others, destination=(*['look="always"'] * (1 + len(asked)), *(committed if n % 2 else plain for n in range(len(others)))))
        roles = {r: node.pid(r) for r in ("receive", "analyze", "deliver")}
        for n in range(2):
            path = self.image(f"{n}")
            for archive in (good, *asked):
                archive.add(path)
            self.assertEqual(node.store(path).returncode, 0)
        h.wait_for(lambda: self.kept(good) == 4, 60, "the good peer's")
        for n, archive in enumerate((*asked, *others)):
            h.wait_for(lambda archive=archive: sum(line["kind"] in ("hostile", "find") for line in read_lines(archive.log_path)) >= 2, 60, f"hostile twice, {n}")
        self.assertEqual(node.sql("SELECT DISTINCT destination FROM delivery WHERE state<>'pending'"), [("pacs0",)])
        self.assertEqual([self.kept(archive) for archive in asked], [0] * len(asked))
        for archive in (*asked, *others):
            archive.find, _ = archive.find and "ok", archive.hostile.clear()
        h.wait_for(lambda: node.sql("SELECT COUNT(*) FROM delivery WHERE state<>'sent'") == [(0,)], 90, "what was hostile is served when it is not any more")
        self.assertEqual({r: node.pid(r) for r in roles}, roles)
        self.assertNotIn("sender-ended", node.log())

    def test_who_answers_no_query_gets_results_without(self):
        """An archive that does not know us takes C-FIND and hangs up (Orthanc, as it is), or fails."""
        for how in ("abort", "fail"):
            with self.subTest(how=how):
                archive = self.archive(find=how)
                node = self.node(archive)
                self.study(node, how)
                h.wait_for(lambda: self.kept(archive) == 2, 40, "results all the same")
                self.assertRegex(node.log(), 'look-unavailable destination=pacs0 .*configure="let this node')
                node.stop()
        archive = self.archive(find="unauthorized")
        node = self.node(archive)
        self.study(node, "unauthorized")
        h.wait_for(lambda: self.kept(archive) == 2, 10, "results at once")

    def test_one_study_that_waits_holds_up_no_other(self):
        archive = self.archive()
        node = self.node(archive)
        self.study(node, "first")
        self.waits(node, "the study is not there")
        path = self.image("second")
        archive.add(path)
        self.assertEqual(node.store(path).returncode, 0)
        h.wait_for(lambda: self.kept(archive) == 2, 20, "the second study")


class Availability(WayOut):
    """Instance Availability Notification (PS3.4 annex R): a hint that ends a wait."""
    SOP_CLASS = "1.2.840.10008.5.1.4.33"

    def tell(self, node, dataset, uid="2.25.4711", syntax=rawscu.IMPLICIT, field=0x0140):
        """Of the answer: status, and its SOP Instance UID."""
        with socket.create_connection(("127.0.0.1", node.port), timeout=20) as s:
            s.sendall(rawscu.associate_rq(self.SOP_CLASS, syntax))
            accepted = rawscu.read_pdu(s)
            if accepted[accepted.index(b"\x21\0", 74) + 6] != 0:  # result of the one context
                return "refused", ""
            fields = [(2, uid_value(self.SOP_CLASS)), (0x100, short(field)), (0x110, short(7)), (0x800, short(1))]
            s.sendall(message(1, fields + ([(0x1000, uid_value(uid))] if uid else []), dataset))
            answer = rawscu.read_pdu(s)
            at = answer.find(struct.pack("<HH", 0, 0x1000))
            length = struct.unpack_from("<I", answer, at + 4)[0]
            s.sendall(struct.pack(">BBI4x", 5, 0, 4))
            rawscu.read_pdu(s)
            return rawscu.response_field(answer, 0x900), answer[at + 8:at + 8 + length].decode().strip("\0")

    def news(self, study, availability="ONLINE", instances=1):
        news, series = pydicom.Dataset(), pydicom.Dataset()
        news.ReferencedPerformedProcedureStepSequence, news.StudyInstanceUID = [], study
        series.SeriesInstanceUID, series.ReferencedSOPSequence = "1.2.3", []
        for n in range(instances):
            one = pydicom.Dataset()
            one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.1", f"1.2.3.{n}"
            one.InstanceAvailability, one.RetrieveAETitle = availability, "PACS"
            series.ReferencedSOPSequence.append(one)
        news.ReferencedSeriesSequence = [series]
        return encode(news)

    def test_it_ends_a_wait_and_the_look_still_decides(self):
        pacs = self.archive()
        peers = f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{pacs.port}"/></peers><destinations>'
        peers += '<destination peer="pacs" look="always" demo="true" retryFirst="120" retryMost="300"/></destinations>'
        node = AnalyzeNode(mode="demo", peers=peers)
        self.addCleanup(node.stop)
        path = self.study(node)
        study = pydicom.dcmread(path, stop_before_pixels=True).StudyInstanceUID
        waits = lambda: node.log().count("delivery-waits")  # noqa: E731
        h.wait_for(lambda: waits() == 2, 20, "both wait")
        self.assertEqual(self.tell(node, self.news("1.2.3.4")), (0, "2.25.4711"))  # of a study that nobody waits for
        self.assertEqual(self.tell(node, self.news(study, "UNAVAILABLE")), (0, "2.25.4711"))
        time.sleep(2.5)
        self.assertEqual(waits(), 2)
        status, uid = self.tell(node, self.news(study), uid=None)  # it is not: the look is what counts
        self.assertEqual((status, uid[:5]), (0, "2.25."))
        h.wait_for(lambda: waits() == 4, 10, "looked again")
        self.assertEqual(self.kept(pacs), 0)
        pacs.add(path)
        self.assertEqual(self.tell(node, self.news(study, "NEARLINE", instances=500))[0], 0)
        h.wait_for(lambda: self.kept(pacs) == 2, 10, "report and picture")
        self.assertRegex(node.log(), "instances-available .*calling=.?RAWSCU.? there=500 away=0 waited=2 kept=true")
        self.wrong_ones(node, study)

    def wrong_ones(self, node, study):
        self.assertEqual(self.tell(node, self.news(""))[0], 0x0110)
        self.assertEqual(self.tell(node, self.news(study, instances=0))[0], 0x0110)
        self.assertEqual(self.tell(node, self.news(study)[:-9])[0], 0x0110)
        self.assertEqual(self.tell(node, self.news(study, instances=4000))[0], 0x0110)  # more than we read
        self.assertEqual(self.tell(node, self.news(study), field=0x0120)[0], 0x0211)  # N-SET
        self.assertEqual(self.tell(node, b"", syntax="1.2.840.10008.1.2.2")[0], "refused")


class Commitment(WayOut):
    def delivered(self, how, destination='look="never" commitment="true" commitmentTimeout="4"', **environment):
        archive = self.archive(commitment=how)
        node = self.node(archive, destination=destination, environment=environment)
        self.study(node, how or "none")
        return archive, node

    def states(self, node):
        return node.sql("SELECT state,stored_ms<>0,uncommitted FROM delivery ORDER BY id")

    def done(self, node, seconds=30):
        h.wait_for(lambda: [s for s, _, _ in self.states(node)] == ["sent"] * 2, seconds, "committed")

    def test_on_the_same_association(self):
        archive, node = self.delivered("same")
        self.done(node)
        self.assertEqual(self.kept(archive), 2)
        self.assertEqual(archive.reports, [])

    def test_on_an_association_of_its_own(self):
        archive, node = self.delivered("other")
        self.done(node)
        h.wait_for(lambda: archive.reports == [0] * len(archive.transactions), 20, "answers")
        self.assertEqual(len(set(archive.transactions)), len(archive.transactions))

    def test_what_is_not_committed_is_not_delivered_and_asked_for_anew(self):
        archive, node = self.delivered("never")
        h.wait_for(lambda: len(archive.transactions) >= 2, 30, "asked again")
        self.assertEqual({s[:2] for s in self.states(node)}, {("pending", 1)})
        self.assertEqual(len(set(archive.transactions)), len(archive.transactions))
        self.assertEqual(self.kept(archive), 2)
        archive.commitment = "other"
        self.done(node)
        self.assertEqual(self.kept(archive), 2)  # nothing was sent again

    def test_what_the_peer_lost_is_sent_again(self):
        archive = self.archive(commitment="half")
        archive.behave("refuse")
        node = self.node(archive, destination='look="never" commitment="true" commitmentTimeout="4"')
        self.study(node)
        h.wait_for(lambda: len(self.states(node)) == 2, 20, "both in one batch")
        archive.behave("ok")
        self.done(node)
        self.assertTrue(archive.failed)
        self.assertEqual([line["instances"] for line in read_lines(archive.log_path) if line["kind"] == "action"], [2, 1])
        uids = [line["sop_instance"] for line in archive.stores()]
        self.assertEqual(len(set(uids)), 2)
        self.assertEqual(uids[2:], uids[1:2])  # the second alone, again

    def test_what_is_never_committed_is_parked(self):
        archive, node = self.delivered("none")
        h.wait_for(lambda: {s[0] for s in self.states(node)} == {"parked"}, 60, "parked")
        self.assertIn("no such object instance", str(node.sql("SELECT last_error FROM delivery")))
        self.assertEqual(self.kept(archive), 6)  # each three times

    def test_a_foreign_transaction_is_nobodys(self):
        archive, node = self.delivered("foreign")
        self.done(node)
        self.assertIn(0x0112, archive.reports)

    def test_a_foreign_transaction_on_our_association_may_be_said_again(self):
        archive, node = self.delivered("mixed")
        self.done(node)
        self.assertEqual(archive.reports, [0x0110, 0])

    def test_a_refusal_is_asked_again_and_a_peer_without_it_is_told(self):
        archive, node = self.delivered("refuse")
        h.wait_for(lambda: re.search("commitment-put-off.*status 0110", node.log()), 20, "told")
        archive.commitment = "same"
        self.done(node)
        archive, node = self.delivered(None)
        h.wait_for(lambda: re.search("commitment-put-off.*takes no", node.log()), 20, "told")
        self.assertEqual({s[:2] for s in self.states(node)}, {("pending", 1)})

    def test_killed_after_it_asked(self):
        mark = os.path.join(self.folder, "mark")
        archive, node = self.delivered("other", CERVIGATE_CRASH="commitment-asked", CERVIGATE_CRASH_MARK=mark)
        h.wait_for(lambda: os.path.exists(mark), 20, "the crash point")
        self.done(node)
        self.assertEqual(self.kept(archive), 2)


class Late(WayOut):
    def test_no_picture_into_a_study_that_is_reported(self):
        """The PACS was away while a radiologist reported. Where it is wanted all the same, or the report is waited for, it comes."""
        archives = [self.archive(find=None) for _ in range(3)]
        for archive in archives:
            archive.behave("refuse")
        node = self.node(*archives, destination=(FAST, FAST + ' latePictures="true"', FAST + ' hold="reported"'))
        path = self.study(node)
        h.wait_for(lambda: node.log().count("failures=1") == 2, 20, "two are away, nothing is due at the third")
        self.assertEqual(node.store(models.report(os.path.join(self.folder, "report.dcm"), pydicom.dcmread(path).StudyInstanceUID)).returncode, 0)
        h.wait_for(lambda: node.sql("SELECT read FROM study WHERE read=1"), 20, "reported")
        for archive in archives:
            archive.behave("ok")
        h.wait_for(lambda: [self.kept(archive) for archive in archives] == [1, 2, 2], 20, "reports, and the pictures that may come")
        h.wait_for(lambda: "picture-late" in node.log(), 20, "told")
        time.sleep(2)
        self.assertEqual([[line["sop_class"] for line in archive.stores()] for archive in archives], [[SR3D], [SR3D, SC], [SR3D, SC]])
        self.assertEqual(node.sql("SELECT destination,state FROM delivery ORDER BY destination,id"),
                         [("pacs0", "sent"), ("pacs0", "cancelled"), *[(f"pacs{n}", "sent") for n in (1, 1, 2, 2)]])
        self.assertEqual(re.findall("picture-late destination=(\\S+)", node.log()), ["pacs0"])


class Away(WayOut):
    BEHAVIOURS = ("refuse", "close", "no-context", "silence", "a700", "abort-mid", "swallow", "b007")

    def test_every_way_to_fail_and_then_all_in_order(self):
        archive, other = self.archive(find=None), self.archive(find=None)
        node = self.node(archive, other, destination='look="never" answerTime="3"', extra='<health checkEvery="1"/>')
        for n, how in enumerate(self.BEHAVIOURS):
            archive.behave(how, 3 if how != "silence" else 1)
            self.study(node, f"{n}")
            h.wait_for(lambda n=n: self.kept(other) == 2 * (n + 1), 20, f"the other peer while this one is {how}")
            if how == "silence":
                h.wait_for(lambda: re.search("delivery-put-off destination=pacs0 .*limit answerTime", node.log()), 40, "answerTime is over")
        archive.behave("ok")
        h.wait_for(lambda: len({line["sop_instance"] for line in archive.stores()}) == 2 * len(self.BEHAVIOURS), 90, "all")
        self.assertEqual(node.sql("SELECT COUNT(*) FROM delivery WHERE state='parked'"), [(0,)])
        self.reports_first(archive)
        self.what_is_put_off_keeps_its_order(node, archive)
        for name, away, back, why in (("tcp", archive.leave, archive.come_back, "connect"), ("black-hole", archive.vanish, archive.come_back, "connect"),
                                      ("called", lambda: archive.behave("called"), lambda: archive.behave("ok"), "called AE title"),
                                      ("calling", lambda: archive.behave("calling"), lambda: archive.behave("ok"), "calling AE title")):
            with self.subTest(away=name):
                self.an_unreached_one_loses_nothing(node, archive, other, name, away, back, why)
        self.what_is_refused_for_good_waits_for_a_person(node, archive)

    def what_is_refused_for_good_waits_for_a_person(self, node, archive):
        """An alarm until somebody has done something, in which the PACS's own words are not: they may be a patient's name."""
        admin = lambda *words: subprocess.run([ADMIN, *words, "--config", node.config], capture_output=True, text=True, timeout=60)  # noqa: E731
        archive.behave("c000", 2)
        self.study(node, "refused")
        # said once, when it begins: the second of the two may be parked just after that look
        h.wait_for(lambda: re.search('alarm name=delivery subject="pacs0" state=on detail="[12] parked, the last: status C000"', node.log()), 20, "an alarm")
        h.wait_for(lambda: node.sql("SELECT COUNT(*) FROM delivery WHERE state='parked'") == [(2,)], 20, "both parked")
        status = admin("status")
        self.assertRegex(status.stdout, "delivery pacs0: 2 parked, the last: status C000\n")
        self.assertEqual(status.returncode, 1)
        listed = admin("jobs", "list", "--parked").stdout
        self.assertEqual(listed.count("status C000; it says: no such patient: DOE^JANE"), 2, listed)
        for delivery, in node.sql("SELECT id FROM delivery WHERE state='parked' ORDER BY id"):
            self.assertEqual(admin("jobs", "release", f"d{delivery}").returncode, 0)
        h.wait_for(lambda: re.search('alarm name=delivery subject="pacs0" state=off', node.log()), 20, "no alarm any more")
        h.wait_for(lambda: node.sql("SELECT COUNT(*) FROM delivery WHERE state<>'sent'") == [(0,)], 20, "delivered")
        self.assertNotIn("DOE", node.log())

    def an_unreached_one_loses_nothing(self, node, archive, other, name, away, back, why):
        """A wrong AE title is mended by a person, a black hole by a network: nothing is parked, the order stays, nobody else waits."""
        before, others, told = len(archive.stores()), self.kept(other), len(node.log())
        last = node.sql("SELECT MAX(id) FROM delivery")[0][0]
        mine = f"FROM delivery JOIN result ON result.id=delivery.result WHERE destination='pacs0' AND delivery.id>{last}"
        theirs = mine.replace("pacs0", "pacs1")
        away()
        for n in range(2):
            self.study(node, f"{name}-{n}")
        h.wait_for(lambda: self.kept(other) == others + 4, 40, "the other peer")
        h.wait_for(lambda: node.sql(f"SELECT COUNT(*) {theirs} AND state='sent'") == [(4,)], 20, "entered")
        self.assertLess(node.sql(f"SELECT MAX(done_ms-created_ms) {theirs}")[0][0], 8000, "less than a connection's time-out")
        h.wait_for(lambda: re.search(f"destination-unreached destination=pacs0 .*{why}", node.log()[told:]), 20, "told")
        self.assertEqual(node.sql(f"SELECT state,COUNT(*) {mine} GROUP BY state"), [("pending", 4)])
        back()
        h.wait_for(lambda: node.sql(f"SELECT COUNT(*) {mine} AND state='sent'") == [(4,)], 20, "all")
        self.assertEqual([line["sop_instance"] for line in archive.stores()[before:]],
                         [uid for uid, in node.sql(f"SELECT uid {mine} ORDER BY priority DESC,delivery.id")])

    def reports_first(self, archive):
        seen = {}
        for line in archive.stores():
            seen.setdefault(str(pydicom.dcmread(line["path"], specific_tags=["StudyInstanceUID"]).StudyInstanceUID), []).append(line["sop_class"])
        for study, classes in seen.items():
            self.assertEqual(classes[0], SR3D, f"{study}: {classes}")

    def what_is_put_off_keeps_its_order(self, node, archive):
        """The first is tried, and refused for a while; then all go as they would have gone."""
        before = len(archive.stores())
        last = node.sql("SELECT MAX(id) FROM delivery")[0][0]
        mine = f"FROM delivery JOIN result ON result.id=delivery.result WHERE destination='pacs0' AND delivery.id>{last}"
        archive.behave("a700")
        for n in range(4):
            self.study(node, f"put-off-{n}")
            h.wait_for(lambda n=n: node.sql(f"SELECT COUNT(*) {mine}") == [(2 * n + 2,)], 20, "judged")
        h.wait_for(lambda: node.sql(f"SELECT MAX(attempts)>2 {mine}") == [(1,)], 20, "tried")
        archive.behave("ok")
        h.wait_for(lambda: node.sql(f"SELECT COUNT(*) {mine} AND state='sent'") == [(8,)], 30, "all")
        self.assertEqual([line["sop_instance"] for line in archive.stores()[before:]],
                         [uid for uid, in node.sql(f"SELECT uid {mine} ORDER BY priority DESC,delivery.id")])


class RealPacs(WayOut):
    """Orthanc: C-FIND and Storage Commitment by somebody else's hand; its event comes on an association of its own."""

    def begin(self, how, **settings):
        orthanc = harness.Orthanc(**settings)
        self.addCleanup(orthanc.close)
        peers = f'<peers><peer name="pacs" aeTitle="ORTHANC" host="127.0.0.1" port="{orthanc.port}"/></peers><destinations>'
        peers += f'<destination peer="pacs" outputs="SR SC" {how} commitment="true" commitmentTimeout="20" demo="true" retryFirst="1" retryMost="2"/></destinations>'
        node = AnalyzeNode(mode="demo", peers=peers)
        self.addCleanup(node.stop)
        request = urllib.request.Request(f"http://127.0.0.1:{orthanc.http}/modalities/cervigate", method="PUT", data=json.dumps(
            {"AET": "CERVIGATE", "Host": "127.0.0.1", "Port": node.port, "AllowStorageCommitment": True}).encode())
        urllib.request.urlopen(request, timeout=10).close()
        return orthanc, node

    def test_the_originals_first_then_results_that_it_commits_to(self):
        orthanc, node = self.begin('look="always" lookMost="600"')
        path = self.study(node)
        self.waits(node, "the study is not there")
        self.assertEqual(orthanc.instances(), [])
        subprocess.run(["storescu", "-aec", "ORTHANC", "127.0.0.1", str(orthanc.port), path], check=True, capture_output=True)
        h.wait_for(lambda: len(orthanc.instances()) == 3, 30, "report and picture beside the original")
        h.wait_for(lambda: node.sql("SELECT state FROM delivery") == [("sent",)] * 2, 40, "committed")
        self.assertRegex(node.log(), "commitment-event .*kept=true")

    def loses(self, times):
        """What Orthanc forgets as soon as it has stored it: so many reports."""
        path = os.path.join(self.folder, "loses.lua")
        with open(path, "w", encoding="ascii") as f:
            f.write(f"left = {times}\nfunction OnStoredInstance(id, tags)\n  if tags['Modality'] == 'SR' and left > 0 then\n"
                    "    left = left - 1\n    Delete(id)\n  end\nend\n")
        return {"LuaScripts": [path]}

    def test_what_it_lost_is_sent_again_or_parked(self):
        """Half-stored: it commits to the picture alone. Then it has the report, or never does."""
        for times in (1, 100):
            with self.subTest(times=times):
                orthanc, node = self.begin('look="never"', **self.loses(times))
                self.study(node, f"{times}")
                expected = [("sr", "sent" if times == 1 else "parked"), ("sc", "sent")]
                h.wait_for(lambda node=node, expected=expected: node.sql(
                    "SELECT kind,state FROM delivery JOIN result ON result.id=delivery.result ORDER BY delivery.id") == expected, 90, "the end")
                self.assertEqual(node.sql("SELECT uncommitted FROM delivery ORDER BY id"), [(1 if times == 1 else 3,), (0,)])
                self.assertEqual(sorted(sop_class for sop_class, _, _ in orthanc.instances()), [SC, SR3D] if times == 1 else [SC])
                self.assertEqual(times > 1, "no such object instance" in str(node.sql("SELECT last_error FROM delivery")))
                node.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
