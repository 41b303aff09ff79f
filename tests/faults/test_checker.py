"""The checker can fail: the evidence of a clean run has no violation, and falsified in each of these ways it has the right one."""
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import unittest

import numpy
import pydicom

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]
import checker  # noqa: E402
import harness as h  # noqa: E402
from evidence import Evidence, file_digests  # noqa: E402
from ledger import Sender, Source, read_lines  # noqa: E402
from node_words import Words  # noqa: E402
from pacs import Pacs  # noqa: E402
from report import concept, items  # noqa: E402


def sql(evidence, *statements):
    store = sqlite3.connect(os.path.join(evidence, "spool/jobs.sqlite"))
    store.execute("PRAGMA synchronous=OFF")
    for statement in statements:
        changed = store.execute(statement)
        if changed.rowcount < 1:
            raise AssertionError("falsifies nothing: " + statement)
    store.commit()
    store.close()


def one(evidence, query):
    store = sqlite3.connect(os.path.join(evidence, "spool/jobs.sqlite"))
    row = store.execute(query).fetchone()
    store.close()
    return row[0]


def write(path, data):
    """Another file of that name: the evidence is linked, not copied."""
    if os.path.exists(path):
        os.unlink(path)
    with open(path, "wb") as f:
        f.write(data)


def spoil(path):
    with open(path, "rb") as f:
        data = bytearray(f.read())
    data[-100] ^= 1
    write(path, data)


def lines(evidence, which, change):
    """Rewrites the ledger or the PACS's log by a function of the list of lines."""
    path = os.path.join(evidence, which)
    kept = read_lines(path)
    changed = change(kept)
    write(path, "".join(json.dumps(line) + "\n" for line in (kept if changed is None else changed)).encode())


def arrival(evidence, sop_class, number=0):
    return [l for l in read_lines(os.path.join(evidence, "pacs/log.jsonl")) if l["kind"] == "store" and l["sop_class"] == sop_class][number]


def rewrite_arrival(evidence, sop_class, change, number=0):
    """Changes what the PACS got of this class, in its file and log, and the node's own copy with it: only the meaning is wrong."""
    line = arrival(evidence, sop_class, number)
    dataset = pydicom.dcmread(line["path"])
    change(dataset)
    os.unlink(line["path"])
    dataset.save_as(line["path"])
    digest, whole, size = file_digests(line["path"])
    def set_digest(log):
        for other in log:
            if other.get("path") == line["path"]:
                other["sha256"] = digest
    lines(evidence, "pacs/log.jsonl", set_digest)
    uid = line["sop_instance"]
    path, old = one(evidence, f"SELECT path FROM result WHERE uid='{uid}'"), one(evidence, f"SELECT bytes FROM result WHERE uid='{uid}'")
    os.unlink(os.path.join(evidence, "spool", path))
    shutil.copy(line["path"], os.path.join(evidence, "spool", path))
    sql(evidence, f"UPDATE result SET digest='{whole}', bytes={size} WHERE uid='{uid}'",
        f"UPDATE counter SET value=value+{size - old} WHERE name='result-bytes'")


def evidence_reference(dataset):
    return dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]


def name_stranger(dataset):
    evidence_reference(dataset).ReferencedSOPInstanceUID = "1.2.3.4.5"


def change_item(code, change):
    """What changes the first item of a report with this concept."""
    def do(dataset):
        change(next(i for i in items(dataset) if concept(i) == code))
    return do


def say(text, old):
    def do(item):
        assert old in item.TextValue, item.TextValue
        item.TextValue = item.TextValue.replace(old, text)
    return do


def change_score(evidence):
    """In the report and in the store alike: only who computes it anew can tell."""
    rewrite_arrival(evidence, h.SR3D, change_item("ms-fracture", lambda i: setattr(i.MeasuredValueSequence[0], "NumericValue", "0.3")), 1)
    stored = one(evidence, f"SELECT scores FROM judgement WHERE instance=2").split()
    sql(evidence, f"UPDATE judgement SET scores='{stored[0]} 0.3 {stored[2]}' WHERE instance=2")


def raised(evidence, what):
    sql(evidence, f"UPDATE place SET {what} WHERE raised=1")


def routine(evidence, what):
    sql(evidence, f"UPDATE place SET {what} WHERE raised=0")


def quarantined(evidence, end):
    folder = os.path.join(evidence, "spool/quarantine")
    return os.path.join(folder, next(n for n in os.listdir(folder) if n.endswith(end)))


def damage(evidence, time):
    """The order to damage what FIRST_PATH names."""
    uid, sha256 = (one(evidence, FIRST_PATH.replace("path", column, 1)) for column in ("sop_instance", "digest"))
    return {"kind": "order", "time": time, "order": "damage", "sop_instance": uid, "sha256": sha256}


JUDGED = "state='judged' AND id=(SELECT MIN(id) FROM instance WHERE state='judged')"
FIRST_PATH = f"SELECT path FROM instance WHERE {JUDGED}"
FORGOTTEN = f"UPDATE instance SET gone_ms=1000, withdrawn='forgotten' WHERE {JUDGED}"
GIVEN_UP = f"UPDATE instance SET gone_ms=1000 WHERE {JUDGED}"


def ledger(evidence, *more):
    lines(evidence, "ledger.jsonl", lambda l: l.extend(more))


def death(time, of="receive", since=None):
    return {"kind": "death", "time": time, "of": of, "since": since or time}


def gone(time):
    return {"kind": "listener", "state": "gone", "since": time, "time": time}


def there(time):
    return {"kind": "listener", "state": "there", "since": time, "time": time}


def echo(time, outcome="0000", ms=1):
    return {"kind": "echo", "time": time, "outcome": outcome, "ms": ms}


# What is falsified: (name, invariant and the beginning of what is said of it, how)
FALSIFIED = [
    ("an object's file is gone", "I1", lambda e: os.unlink(os.path.join(e, "spool", one(e, FIRST_PATH)))),
    ("one byte of an object is another", "I1", lambda e: spoil(os.path.join(e, "spool", one(e, FIRST_PATH)))),
    ("a damaged object that came again", "I1 holds other bytes", lambda e: [spoil(os.path.join(e, "spool", one(e, FIRST_PATH))), ledger(e, damage(e, 1))]),
    ("an acknowledged object has no row", "I1", lambda e: sql(e, "DELETE FROM instance WHERE state='ignored'")),
    ("an object was never looked at", "I1", lambda e: sql(e, f"UPDATE instance SET state='received' WHERE {JUDGED}")),
    ("a judged object is in no report", "I1", lambda e: sql(e, f"UPDATE instance SET reported=0 WHERE {JUDGED}")),
    ("a delivery waits", "I1", lambda e: sql(e, "UPDATE delivery SET state='pending' WHERE id=1")),
    ("the deliveries of a report are gone", "I1", lambda e: sql(e, "DELETE FROM delivery WHERE result IN (SELECT id FROM result WHERE report="
                                                               f"(SELECT reported FROM instance WHERE {JUDGED}))")),
    ("a result's file is gone", "I1", lambda e: os.unlink(os.path.join(e, "spool", one(e, "SELECT path FROM result WHERE kind='sc'")))),
    ("refused bytes are gone", "I2", lambda e: [os.unlink(os.path.join(e, "spool/quarantine", n))
                                                for n in os.listdir(os.path.join(e, "spool/quarantine"))]),
    ("a refusal's reason is gone", "I2", lambda e: [os.unlink(os.path.join(e, "spool/quarantine", n))
                                                    for n in os.listdir(os.path.join(e, "spool/quarantine")) if n.endswith(".txt")]),
    ("a report has another patient", "I3", lambda e: rewrite_arrival(e, h.SR3D, lambda d: setattr(d, "PatientID", "SOMEBODY"))),
    ("a report is in another study", "I3", lambda e: rewrite_arrival(e, h.SR3D, lambda d: setattr(d, "StudyInstanceUID", "1.2.3"))),
    ("a report names an image that nobody sent", "I3", lambda e: rewrite_arrival(e, h.SR3D, name_stranger)),
    ("a picture has another patient", "I3", lambda e: rewrite_arrival(e, h.SC, lambda d: setattr(d, "PatientID", "SOMEBODY"))),
    ("a picture names no image", "I3", lambda e: rewrite_arrival(e, h.SC, lambda d: delattr(d, "SourceImageSequence"))),
    ("a score of what was not processed", "I3", lambda e: sql(e, f"UPDATE instance SET state='not-processed', reason='undecodable' WHERE {JUDGED}")),
    ("a report covers an image that it does not name", "I3", lambda e: sql(e, "INSERT INTO covers SELECT reported,(SELECT id FROM instance WHERE state='ignored') FROM "
     "instance WHERE rival=1")),
    ("a score that nobody computed", "I3 the store has", lambda e: rewrite_arrival(e, h.SR3D, change_item(
        "ms-fracture", lambda i: setattr(i.MeasuredValueSequence[0], "NumericValue", "0.3")), 1)),
    ("a score in the store that nobody computed", "I3 the store has", lambda e: sql(e, "UPDATE judgement SET scores='0.1 0.2 0.7' WHERE instance=2")),
    ("a score that is another when it is computed anew", "I3 computed anew", change_score),
    ("a finding without scores", "I3 its scores are not a finding", lambda e: rewrite_arrival(e, h.SR3D, change_item(
        "study-outcome", lambda i: setattr(i.ConceptCodeSequence[0], "CodeValue", "finding")), 1)),
    ("scores without a finding", "I3 its scores are a finding", lambda e: rewrite_arrival(e, h.SR3D, change_item(
        "study-outcome", lambda i: setattr(i.ConceptCodeSequence[0], "CodeValue", "no-finding")), 0)),
    ("another model's digest", "I3 model digest", lambda e: sql(e, "UPDATE judgement SET model_digest='0' WHERE instance=2")),
    ("a model that the node has not", "I3 the node has none", lambda e: rewrite_arrival(e, h.SR3D, change_item("111003", say("9.9", ".")), 1)),
    ("weights that are not on the disk", "I3 on the disk are", lambda e: rewrite_arrival(e, h.SR3D, change_item("111002", say("SHA-256 1", "SHA-256 ")), 1)),
    ("another patient's name", "I3 PatientName", lambda e: rewrite_arrival(e, h.SR3D, lambda d: setattr(d, "PatientName", "SOME^BODY"))),
    ("another patient's name in a picture", "I3 PatientName", lambda e: rewrite_arrival(e, h.SC, lambda d: setattr(d, "PatientName", "SOME^BODY"))),
    ("another order's accession number", "I3 AccessionNumber", lambda e: rewrite_arrival(e, h.SR3D, lambda d: setattr(d, "AccessionNumber", "ACC2"))),
    ("a name that the site has corrected", "I3 PatientName", lambda e: ledger(e, {"kind": "order", "time": 1, "order": "patient", "patient": "CHECK-1",
                                                                                "words": {"PatientName": "CORRECTED^NAME"}})),
    ("an order that is not in the list", "I3 the site's last word", lambda e: ledger(
        e, {"kind": "order", "time": 1, "order": "site", "accession": "ACC0001", "priority": "STAT"})),
    ("a finding that is not raised", "I3 its place is finding", lambda e: raised(e, "raised=0")),
    ("a finding that is called known", "I3 it should be finding", lambda e: raised(e, "reason='known', band=1, raised=0, rank=1")),
    ("a raise of what is no finding", "I3 its answer no-finding", lambda e: routine(e, "reason='finding', band=0, raised=1, rank=2")),
    ("a list with another answer than the report", "I3 the list says finding, its report", lambda e: routine(
        e, "outcome='finding', reason='finding', band=0, raised=1, rank=2, finding_ms=1")),
    ("a rank below the order's", "I3 told as rank 0", lambda e: routine(e, "rank=0")),
    ("an order that nobody gave", "I3 the site's last word", lambda e: routine(e, "site_priority=4, rank=2")),
    ("a raise of another strength", "I3 strength", lambda e: raised(e, "strength=0.6")),
    ("a place that came too early", "I3 arrived", lambda e: routine(e, "arrived_ms=arrived_ms-60000")),
    ("a place of another patient", "I3 says patient", lambda e: routine(e, "patient_id='CHECK-9'")),
    ("a place of another accession", "I3 says accession", lambda e: routine(e, "accession='ACC9'")),
    ("a place with another's report", "I3 is of study", lambda e: routine(e, "report=(SELECT report FROM place WHERE raised=1)")),
    ("a study that nobody sent in the list", "I3 nobody sent it", lambda e: sql(
        e, "INSERT INTO place SELECT '1.2.3',1,1,2,0,0,'waiting','',0,'',arrived_ms,0,0,0,'','','','',0,0,0,NULL FROM place WHERE raised=0")),
    ("a study that is not in the list", "I3 no place", lambda e: sql(e, "DELETE FROM place WHERE raised=0")),
    ("a study that left the list unread", "I3 nobody says", lambda e: routine(e, "read_ms=1")),
    ("a study that was read and is in the list", "I3 stands in the list", lambda e: ledger(
        e, {"kind": "order", "time": 1, "order": "read", "study": one(e, "SELECT study FROM place WHERE raised=0")})),
    ("a study that was passed by nobody", "I3 passed at", lambda e: routine(e, "passed_ms=3")),
    ("one UID with two contents at the PACS", "I4", lambda e: lines(e, "pacs/log.jsonl", lambda l: l.append(
        dict(arrival(e, h.SR3D), sha256="0" * 64, path="")))),
    ("the PACS got what the node does not know", "I4", lambda e: lines(e, "pacs/log.jsonl", lambda l: l.append(
        dict(arrival(e, h.SR3D), sop_instance="1.2.3", path="")))),
    ("sent, but never at the PACS", "I4", lambda e: lines(e, "pacs/log.jsonl", lambda l: [
        x for x in l if x.get("sop_instance") != arrival(e, h.SC)["sop_instance"]])),
    ("sent, but the PACS refused it", "I4", lambda e: lines(e, "pacs/log.jsonl", lambda l: [
        dict(x, status="a700", path="") if x.get("sop_class") == h.SC else x for x in l])),
    ("sent, but the PACS only said that it had it", "I4", lambda e: lines(e, "pacs/log.jsonl", lambda l: [
        dict(x, status="0111", path="") if x.get("sop_class") == h.SC else x for x in l])),
    ("a result's file is another than was entered", "I4", lambda e: spoil(os.path.join(e, "spool", one(e, "SELECT path FROM result WHERE kind='sr'")))),
    ("two current reports", "I4", lambda e: sql(e, "UPDATE result SET study=(SELECT study FROM result WHERE id=1), patient=(SELECT patient FROM "
                                                   "result WHERE id=1) WHERE kind='sr' AND id>1")),
    ("a picture was taken back without a note", "I4 no note", lambda e: sql(e, "UPDATE result SET fate='retracted' WHERE kind='sc'")),
    ("one content of a UID has no row", "I5", lambda e: sql(e, "DELETE FROM instance WHERE rival=1")),
    ("a rival is not marked", "I5", lambda e: sql(e, "UPDATE instance SET rival=0 WHERE rival=1")),
    ("a conflict was judged", "I5", lambda e: sql(e, "UPDATE instance SET state='judged', reason='none' WHERE rival=1")),
    ("a slow echo", "I6", lambda e: lines(e, "ledger.jsonl", lambda l: l.append({"kind": "echo", "time": 1, "outcome": "0000", "ms": 1500}))),
    ("an echo without an answer", "I6", lambda e: lines(e, "ledger.jsonl", lambda l: l.append(
        {"kind": "echo", "time": 1, "outcome": "unreached", "ms": 1}))),
    ("something is left in incoming", "I7", lambda e: write(os.path.join(e, "spool/incoming/1-ab"), b"x")),
    ("an association is still open", "I7", lambda e: sql(e, "INSERT INTO open_association VALUES('ab','1.2')")),
    ("an object that no row wants", "I7", lambda e: write(os.path.join(e, "spool", one(e, FIRST_PATH) + ".dcm"), b"x")),
    ("a result that no row wants", "I7", lambda e: write(os.path.join(e, "spool/results/2.25.1.dcm"), b"x")),
    ("a temporary name in the spool", "I7 node-id.1-0123456789abcdef", lambda e: write(os.path.join(e, "spool/node-id.1-0123456789abcdef"), b"x")),
    ("a temporary name in run", "I7 run/node.1-0123456789abcdef", lambda e: write(os.path.join(e, "spool/run/node.1-0123456789abcdef"), b"x")),
    ("half a result", "I7 .part", lambda e: write(os.path.join(e, "spool", one(e, "SELECT path FROM result WHERE gone_ms=0")[:-3] + "part"), b"x")),
    ("a reason of nothing in quarantine", "I7 the reason of nothing", lambda e: write(os.path.join(e, "spool/quarantine", "0" * 32 + ".txt"), b"x")),
    ("scores of a patient who was forgotten", "I7 what was made of it", lambda e: sql(e, FORGOTTEN)),
    ("a place of a patient who was forgotten", "I7 whose it is", lambda e: sql(e, FORGOTTEN.replace(JUDGED, "study=(SELECT study FROM place WHERE raised=0)"))),
    ("a stranger in quarantine", "I7 left over", lambda e: write(os.path.join(e, "spool/quarantine/x"), b"x")),
    ("bytes in quarantine that were taken", "I7 quarantine has", lambda e: [
        shutil.copy(os.path.join(e, "spool", one(e, FIRST_PATH)), quarantined(e, ".dcm").replace(".dcm", "")[:-32] + "0" * 32 + ".dcm"),
        write(os.path.join(e, "spool/quarantine", "0" * 32 + ".txt"), b"status: C000")]),
    ("another reason in quarantine", "I2 its reason", lambda e: write(quarantined(e, ".txt"), b"status: A900")),
    ("a file to be removed that stays so", "I7 still listed", lambda e: sql(e, "INSERT INTO removal VALUES('results/2.25.9.dcm')")),
    ("an instance in no state", "I8 neither waits", lambda e: sql(e, f"UPDATE instance SET reported=-1 WHERE {JUDGED}")),
    ("a figure that does not add up", "I8", lambda e: sql(e, "UPDATE counter SET value=value+1 WHERE name='object-bytes'")),
    ("more duplicates than were sent", "I8", lambda e: sql(e, "UPDATE counter SET value=value+1 WHERE name='duplicates'")),
    ("a duplicate that was not counted", "I8", lambda e: sql(e, "UPDATE counter SET value=value-1 WHERE name='duplicates'")),
    ("more duplicates than were offered", "I8 at most", lambda e: [
        sql(e, "UPDATE counter SET value=value+2 WHERE name='duplicates'"), ledger(e, {"kind": "offer", "time": 1, "sop_instance": "1.2.3", "study": "",
                                                                                      "patient": "", "sha256": ""})]),
    ("a refusal that was not counted", "I8", lambda e: sql(e, "UPDATE counter SET value=0 WHERE name='refused'")),
    ("parked without a reason", "I8", lambda e: sql(e, "UPDATE delivery SET state='parked', last_error='' WHERE id=1")),
    ("not processed without a reason", "I8", lambda e: sql(e, "UPDATE instance SET reason='none' WHERE state='not-processed'")),
    ("a row without its parent", "I8", lambda e: sql(e, "UPDATE delivery SET result=9999 WHERE id=1")),
    ("an image is ignored that a rule takes", "I1 ended ignored", lambda e: sql(e, f"UPDATE instance SET state='ignored' WHERE {JUDGED}")),
    ("an image is withdrawn and nobody asked", "I1 ended withdrawn", lambda e: sql(e, f"UPDATE instance SET withdrawn='person' WHERE {JUDGED}")),
    ("an image is cancelled and nobody asked", "I1 ended cancelled", lambda e: sql(e, "UPDATE delivery SET state='cancelled'")),
    ("what no rule takes was delivered", "I1 ended delivered", lambda e: sql(e, "UPDATE instance SET state='judged', reported=(SELECT reported FROM "
     f"instance WHERE {JUDGED}) WHERE state='ignored'")),
    ("an object was given up and nobody ordered it", "I1 given up, and nobody", lambda e: sql(e, GIVEN_UP)),
    ("an object of another patient was forgotten", "I1 given up, and nobody", lambda e: [
        sql(e, GIVEN_UP), ledger(e, {"kind": "order", "time": 0, "order": "forget", "patient": "SOMEBODY"})]),
    ("an object was given up before its report was sent", "I1 given up before", lambda e: [
        sql(e, GIVEN_UP), ledger(e, {"kind": "order", "time": 0, "order": "retention"})]),
    ("a result was given up that waits", "I1 given up, and delivery", lambda e: sql(
        e, "UPDATE result SET gone_ms=1000 WHERE id=1", "UPDATE delivery SET state='parked', last_error='x' WHERE result=1")),
    ("an echo without an answer long after a death", "I6 an echo", lambda e: ledger(e, death(100), echo(106, "unreached"), echo(107))),
    ("an echo without an answer after one that had it", "I6 an echo", lambda e: ledger(e, death(100), echo(101), echo(102, "unreached"), echo(107))),
    ("an echo after a committer's death", "I6 an echo", lambda e: ledger(e, death(100, "committer"), echo(101, "unreached"), echo(107))),
    ("an echo after its listener came back", "I6 an echo", lambda e: ledger(
        e, death(100), gone(100), there(101), echo(106.5, "unreached"), echo(107))),
    ("an echo beside a listener that did not die", "I6 an echo", lambda e: ledger(
        e, death(100), gone(90), there(91), echo(92), echo(100.2, "unreached"), echo(107))),
    ("a listener that dies by itself", "I6 nobody had killed it", lambda e: ledger(e, death(100, "sender"), gone(100), there(101), echo(102), echo(107))),
    ("a slow echo beside another process's death", "I6 an echo", lambda e: ledger(e, death(100, "sender"), echo(103, ms=2000), echo(107))),
    ("no echo after the last death", "I6 no echo", lambda e: ledger(e, death(9e9))),
]


class CheckerOfItself(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-checker-")
        cls.clean = os.path.join(cls.folder, "clean")
        os.mkdir(cls.clean)
        pacs = Pacs(os.path.join(cls.clean, "pacs"))
        node = h.Node({"pacs": (pacs.ae, pacs.port)}, environment={"CERVIGATE_SWEEP_GRACE": "0"})
        try:
            cls.run_clean(node, pacs)
            node.process.terminate()
            node.process.wait(30)
            with open(node.config, encoding="utf-8") as f:
                cls.config = f.read()
            cls.was = node.spool
            shutil.copytree(node.spool, os.path.join(cls.clean, "spool"))
            store = sqlite3.connect(os.path.join(cls.clean, "spool/jobs.sqlite"))
            store.execute("PRAGMA journal_mode=DELETE")  # one file, easy to copy
            store.close()
            for folder in os.scandir(os.path.join(cls.clean, "spool/objects")):  # they would be made anew for each copy
                if not os.listdir(folder):
                    os.rmdir(folder)
        finally:
            node.stop()
            pacs.close()

    @classmethod
    def run_clean(cls, node, pacs):
        """Two studies; a conflict with the first; a stranger that no rule takes; a duplicate; an object that ends too early."""
        sender = Sender(lambda: node.port, os.path.join(cls.clean, "ledger.jsonl"))
        pixels = [h.grey(p) for p, _ in h.phantoms(os.path.join(cls.folder, "p"), 2, size=256)]
        paths = [os.path.join(cls.folder, f"{n}.dcm") for n in range(5)]
        first = h.wrap(pixels[0], paths[0], PatientID="CHECK-0")
        h.wrap(pixels[1], paths[1], PatientID="CHECK-1")
        h.wrap(pixels[0], paths[2], PatientID="CHECK-2", BodyPartExamined="HAND")
        sop = first.SOPInstanceUID
        other = h.wrap(numpy.flipud(pixels[0]), paths[3], PatientID="CHECK-0", study=first.StudyInstanceUID,
                       SeriesInstanceUID=first.SeriesInstanceUID, SOPInstanceUID=sop)
        other.file_meta.MediaStorageSOPInstanceUID = sop
        other.save_as(paths[3], write_like_original=False)
        with open(paths[1], "rb") as f:
            whole = f.read()
        write(paths[4], whole[:len(whole) // 2])
        for path in (paths[0], paths[1], paths[2], paths[1]):
            if sender.store(Source(path, ["ignored" if path == paths[2] else "delivered"])) != "0000":
                raise AssertionError(path)
        h.wait_for(lambda: len(pacs.stores()) >= 4, 30, "the first results")
        if sender.store(Source(paths[3], ["delivered"])) != "0000" or sender.store(paths[4])[:2] not in ("a9", "c0"):
            raise AssertionError("the rival is taken, the half refused: " + str(read_lines(sender.lines.path)[-2:]))
        if sender.echo() is None:
            raise AssertionError("no echo")
        h.wait_for(lambda: not cls.violations_of(node.spool, cls.clean), 30, "a clean run")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    @classmethod
    def violations_of(cls, spool, evidence, asks=Words):
        config = os.path.join(evidence, "cervigate.xml")
        found = Evidence(spool, [os.path.join(evidence, "ledger.jsonl")], [os.path.join(evidence, "pacs/log.jsonl")])
        return checker.Checker(found, settled=True, swept=True, site=asks(config) if asks and os.path.exists(config) else None).run()

    def copy(self, name):
        """Linked, but for what is written in place; the PACS's log tells the copies' paths."""
        target = os.path.join(self.folder, name)
        shutil.copytree(self.clean, target, copy_function=os.link)
        store = os.path.join(target, "spool/jobs.sqlite")
        os.unlink(store)
        shutil.copy(os.path.join(self.clean, "spool/jobs.sqlite"), store)
        with open(os.path.join(target, "cervigate.xml"), "w", encoding="utf-8") as f:
            f.write(self.config.replace(self.was, os.path.join(target, "spool")))
        lines(target, "pacs/log.jsonl", lambda l: [dict(x, path=x["path"].replace(self.clean, target)) if x.get("path") else x for x in l])
        return target

    def test_a_clean_run_has_none(self):
        evidence = self.copy("same")
        self.assertEqual(self.violations_of(os.path.join(evidence, "spool"), evidence), [])

    def test_each_falsification_is_named(self):
        for n, (name, invariant, falsify) in enumerate(FALSIFIED):
            with self.subTest(name):
                invariant, _, words = invariant.partition(" ")
                evidence = self.copy(str(n))
                falsify(evidence)
                found = self.violations_of(os.path.join(evidence, "spool"), evidence, Words if invariant == "I3" else None)
                self.assertTrue(any(i == invariant and words in text for i, text in found), found)
                shutil.rmtree(evidence)
        print(f"{len(FALSIFIED)} falsifications")

    def test_what_the_node_says_is_held_against_its_rows(self):
        class Swapped(Words):
            def worklist(self):
                first, second = super().worklist()
                return [dict(second, position=1), dict(first, position=2)]

        class Shorter(Words):
            def worklist(self):
                return super().worklist()[:1]

        class Boasting(Words):
            def status(self):
                return [dict(s, refused=0, instances=dict(s["instances"], judged=9)) for s in super().status()]

        class Unequal(Words):
            def replay(self, uid):
                status, lines = super().replay(uid)
                return status, [dict(line, result="different", input="0" * 64) for line in lines]
        evidence = self.copy("said")
        for asks, said in ((Swapped, ["it is to be read before"]), (Shorter, ["the list shows 1, 2 are unread"]),
                           (Boasting, ["status says 9 instances judged", "status says 0 refused"]), (Unequal, ["is different", "which nobody sent"])):
            found = self.violations_of(os.path.join(evidence, "spool"), evidence, asks)
            self.assertTrue(all(any(s in text for _, text in found) for s in said), found)

    def test_what_is_ordered_or_died_is_no_violation(self):
        evidence = self.copy("ordered")
        patient = next(l["patient"] for l in read_lines(os.path.join(evidence, "ledger.jsonl"))
                       if l["kind"] == "store" and l["sop_instance"] == one(evidence, f"SELECT sop_instance FROM instance WHERE {JUDGED}"))
        sql(evidence, f"UPDATE instance SET gone_ms={10 ** 13}, withdrawn='forgotten' WHERE {JUDGED}",
            f"UPDATE judgement SET attrs=NULL, scores='', region='', patient_id='' WHERE instance=(SELECT id FROM instance WHERE {JUDGED})",
            f"UPDATE place SET patient_id='', accession='', strength=0 WHERE study=(SELECT study FROM instance WHERE {JUDGED})")
        ledger(evidence, {"kind": "order", "time": 0, "order": "forget", "patient": patient}, death(100), echo(104, "unreached"),
               death(200, "point", 190), echo(192, ms=1900), echo(300))
        found = self.violations_of(os.path.join(evidence, "spool"), evidence)
        self.assertEqual({i for i, _ in found}, {"I7", "I8"}, found)  # its file and the counter of bytes, as they were

    def test_what_was_damaged_may_be_until_it_comes_again(self):
        evidence = self.copy("damaged")
        spoil(os.path.join(evidence, "spool", one(evidence, FIRST_PATH)))
        ledger(evidence, damage(evidence, 9e9))
        found = self.violations_of(os.path.join(evidence, "spool"), evidence)
        self.assertEqual([i for i, _ in found], ["I3"], found)  # its scores cannot be computed anew

    def test_what_goes_and_comes_while_it_is_looked_at(self):
        """Rows are read once; retention goes on, and results are made."""
        evidence = self.copy("meanwhile")
        spool = os.path.join(evidence, "spool")
        looker = checker.Checker(Evidence(spool, [os.path.join(evidence, "ledger.jsonl")], [os.path.join(evidence, "pacs/log.jsonl")]))
        for table in ("instance", "result"):
            gone = os.path.join(spool, one(evidence, f"SELECT path FROM {table} WHERE gone_ms=0"))
            sql(evidence, f"UPDATE {table} SET gone_ms={10 ** 13} WHERE path='{os.path.relpath(gone, spool)}'")
            os.unlink(gone)
        name = one(evidence, "SELECT path FROM result WHERE gone_ms=0")
        write(os.path.join(spool, "results/2.25.1.dcm"), b"new")
        sql(evidence, f"UPDATE result SET path='results/2.25.1.dcm' WHERE path='{name}'")
        looker.bytes_kept(next(r for r in looker.e.instances if not os.path.exists(looker.e.path(r["path"]))))
        looker.results_kept()
        looker.no_strays()
        self.assertEqual([v for v in looker.violations if "2.25.1.dcm" in v[1] or "no removal" in v[1]], [])

    def test_an_identifier_of_no_character_set_is_read(self):
        evidence = self.copy("bytes")
        sql(evidence, "UPDATE result SET patient_id=CAST(x'eda080' AS TEXT)")
        self.assertEqual(self.violations_of(os.path.join(evidence, "spool"), evidence), [])

    def test_exit_status(self):
        def run(spool, *more):
            return h.run("/usr/bin/python3", os.path.join(HERE, "checker.py"), "--spool", spool, "--ledger",
                         os.path.join(self.clean, "ledger.jsonl"), "--pacs", os.path.join(self.clean, "pacs/log.jsonl"), *more)
        clean = run(os.path.join(self.clean, "spool"), "--settled", "--swept", "--json")
        self.assertEqual(clean.returncode, 0, clean.stdout)
        self.assertEqual(json.loads(clean.stdout)["endings"], {"delivered": 3, "ignored": 1})
        evidence = self.copy("status")
        os.unlink(os.path.join(evidence, "spool", one(evidence, FIRST_PATH)))
        broken = run(os.path.join(evidence, "spool"))
        self.assertEqual(broken.returncode, 1)
        self.assertRegex(broken.stdout, r"^I1 \S+: objects/\S+ is not there, and its row knows of no removal\n$")
        self.assertEqual(run(self.folder).returncode, 2)

    def test_meanwhile(self):
        """What is looked at while it goes on: each violation once, and no word of what has not come to its end."""
        evidence = self.copy("live")
        sql(evidence, "UPDATE instance SET state='received', reported=0 WHERE id=2", "UPDATE delivery SET state='pending' WHERE id=5")
        command = ["/usr/bin/python3", os.path.join(HERE, "checker.py"), "--meanwhile", "0", "--spool", os.path.join(evidence, "spool"), "--ledger",
                   os.path.join(evidence, "ledger.jsonl"), "--pacs", os.path.join(evidence, "pacs/log.jsonl"), "--config", os.path.join(evidence, "cervigate.xml")]
        said = h.run(*command, input="")
        self.assertEqual((said.returncode, said.stdout), (0, "1 looks meanwhile, 1 scores computed anew, 0 reports not, 0 violations\n"))
        sql(evidence, "UPDATE instance SET reported=-1 WHERE rival=1", "UPDATE instance SET reason='none' WHERE rival=1")
        said = h.run(*command, input="")
        self.assertEqual(said.returncode, 1)
        self.assertRegex(said.stdout, r"(?m)^[0-9.]+ I8 \S+: instance 4 \(not-processed\) neither waits nor came to an end$")

    def test_bytes_other_than_logged_are_unreadable(self):
        evidence = self.copy("tampered")
        spoil(arrival(evidence, h.SC)["path"])
        with self.assertRaises(checker.Unreadable):
            self.violations_of(os.path.join(evidence, "spool"), evidence)


if __name__ == "__main__":
    unittest.main(verbosity=2)
