#!/usr/bin/python3
"""scripts/bench backlog: what a node with much behind it costs: the first answers after its start (to C-ECHO, to C-STORE, and to the oldest
image of the backlog: its report at the PACS), and the time from a study's last byte to its report at the PACS, with an empty job store and
with N studies in it, and a backlog of objects not looked at yet.

The rows are synthetic (studies that were judged, reported and delivered, their files gone by retention, as after years; and received objects
that all name one file); the node, the peer and the studies that are timed are real. `quiet` is 1 s: 1 s of each time is the wait for it."""
import argparse
import glob
import json
import os
import signal
import sqlite3
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness  # noqa: E402
from network import processor  # noqa: E402

DIGEST = "printf('%064x', {})"
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {0} UNION ALL SELECT i + 1 FROM n WHERE i < {1}) "
INSTANCE = ("INSERT INTO instance(state,sop_class,sop_instance,study,series,transfer_syntax,digest,path,bytes,calling,called,address,association,"
            "received_ms,rival,reported,gone_ms) ")


def fill_studies(db, first, last):
    """Studies first..last as they are when all is done and the files have gone."""
    numbers, digest = NUMBERS.format(first, last), DIGEST.format("i")
    db.execute(INSTANCE + numbers + f"""SELECT 'judged','{harness.DX}','2.25.9' || i,'2.25.8' || i,'2.25.7' || i,'1.2.840.10008.1.2.1',{digest},
        'objects/00/' || {digest} || '.dcm',10000000,'DX1','CERVIGATE','10.0.0.1','a' || i,1700000000000 + i,0,i,1 FROM n""")
    db.execute("INSERT INTO study(uid,last_received_ms,version) " + numbers + "SELECT '2.25.8' || i,1700000000000 + i,1 FROM n")
    db.execute("INSERT INTO judgement(instance,pixel_digest,patient_digest,scores,model_digest,picture,first_computed_ms) " +
               f"SELECT id,digest,digest,'0.1 0.2 0.7',digest,'',received_ms FROM instance WHERE gone_ms=1 AND reported BETWEEN {first} AND {last}")
    for kind, number, report in (("sr", 1, "i"), ("sc", 2, "i")):
        db.execute("INSERT INTO result(kind,uid,sop_class,series,study,path,digest,outcome,created_ms,report,gone_ms) " + numbers +
                   f"SELECT '{kind}','2.25.{number}00' || i,'{harness.SR3D}','2.25.6' || i,'2.25.8' || i,'results/' || i,{digest},'no-finding',"
                   f"1700000000000 + i,{report},1 FROM n")
    db.execute("INSERT INTO covers(result,instance) SELECT result.id,instance.id FROM result JOIN instance ON instance.study=result.study "
               f"WHERE kind='sr' AND result.gone_ms=1 AND result.report BETWEEN {first} AND {last}")
    db.execute("INSERT INTO delivery(result,destination,state,attempts,done_ms) "
               f"SELECT id,'pacs','sent',1,created_ms FROM result WHERE report BETWEEN {first} AND {last} AND gone_ms=1")
    db.execute("UPDATE study SET read=1 WHERE version=1 AND read=0")
    db.execute("INSERT INTO place(study,revision,rank,band,raised,strength,reason,outcome,answered,report,arrived_ms,changed_ms,finding_ms,read_ms,"
               "model,accession,patient_id,issuer) " + numbers + "SELECT '2.25.8' || i,2,1,0,0,0,'no-finding','no-finding',1,'2.25.100' || i,"
               "1700000000000 + i,1700000000000 + i,0,1700000060000 + i,'test-model 1.0','A' || i,'P' || i,'' FROM n")
    db.execute("UPDATE study SET place_due=0 WHERE read=1")
    db.commit()


def fill_backlog(db, path, count):
    """Objects that were received and not looked at, all in the place of one file."""
    digest = DIGEST.format("i")
    db.execute(INSTANCE + NUMBERS.format(1, count) + f"""SELECT 'received','1.2.840.10008.5.1.4.1.1.2','2.25.5' || i,'2.25.4' || (i / 100),
        '2.25.3','1.2.840.10008.1.2.1',{digest},?,500000,'CT1','CERVIGATE','10.0.0.2','b' || i,1800000000000 + i,0,0,0 FROM n""", (path,))
    db.execute("INSERT OR IGNORE INTO study(uid,last_received_ms) SELECT DISTINCT study,1800000000000 FROM instance WHERE state='received'")
    db.commit()


def judge_again(db):
    """The last image that was judged waits as the oldest of the backlog; its study."""
    row, study = db.execute("SELECT id,study FROM instance WHERE state='judged' AND gone_ms=0 ORDER BY id DESC LIMIT 1").fetchone()
    db.execute("UPDATE instance SET state='received',revision=revision+1,reported=0,attempts=0 WHERE id=?", (row,))
    db.commit()
    return study


def halt(node):
    node.process.send_signal(signal.SIGTERM)
    node.process.wait(60)


def begin(node, image):
    """Seconds from the start to an answer to C-ECHO, and to a C-STORE."""
    started = time.monotonic()
    node.start()
    echo = time.monotonic() - started
    if node.send(image).returncode != 0:
        raise SystemExit("the object was not stored")
    return started, echo, time.monotonic() - started


def one_study(node, pacs, plane, folder, number):
    """Seconds from the end of its association to its report in the PACS."""
    path = os.path.join(folder, f"{time.time_ns()}.dcm")
    image = harness.wrap(plane, path, PatientID=f"B{number}")
    before = time.monotonic()
    node.send(path)
    harness.wait_for(lambda: pacs.objects(harness.SR3D, image.StudyInstanceUID), 60, "report")
    return time.monotonic() - before


def time_studies(node, pacs, planes, folder, count):
    times = [one_study(node, pacs, planes[i % len(planes)], folder, i) for i in range(count + 1)]
    return round(statistics.median(times[1:]), 3)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench backlog", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--studies", type=int, default=1000000)
    parser.add_argument("--backlog", type=int, default=100000)
    parser.add_argument("--count", type=int, default=9, help="studies timed at each size")
    options = parser.parse_args()
    pacs = harness.StoreScp()
    node = harness.Node({"pacs": (pacs.ae, pacs.port)})
    result = {"processor": processor(), "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d %H:%M"), "study_s": {}, "first_answer_s": {}}
    try:
        pictures = os.path.join(node.folder, "phantoms")
        planes = [harness.grey(p) for p, _ in harness.phantoms(pictures, 4)]
        result["study_s"]["0"] = time_studies(node, pacs, planes, node.folder, options.count)
        image = os.path.join(node.folder, "first.dcm")
        done = 0
        for size in sorted({options.studies // 10, options.studies}):
            halt(node)
            with sqlite3.connect(os.path.join(node.spool, "jobs.sqlite")) as db:
                fill_studies(db, done + 1000, size + 999)
            done = size
            harness.wrap(planes[0], image)
            result["first_answer_s"][str(size)] = [round(t, 2) for t in begin(node, image)[1:]]
            result["study_s"][str(size)] = time_studies(node, pacs, planes, node.folder, options.count)
        halt(node)
        file = sorted(glob.glob(node.spool + "/objects/*/*.dcm"))[0]
        with sqlite3.connect(os.path.join(node.spool, "jobs.sqlite")) as db:
            fill_backlog(db, os.path.relpath(file, node.spool), options.backlog)
            study = judge_again(db)
        harness.wrap(planes[0], image)
        started, *answers = begin(node, image)
        result["first_answer_s"]["with the backlog"] = [round(t, 2) for t in answers]
        harness.wait_for(lambda: len(pacs.objects(harness.SR3D, study)) > 1, 60, "a report of the oldest image of the backlog")
        result["first_report_s"] = round(time.monotonic() - started, 2)
        begun = time.monotonic()
        result["status_s"] = round((node.status(), time.monotonic() - begun)[1], 2)
        result["store_bytes"] = os.path.getsize(os.path.join(node.spool, "jobs.sqlite"))
    finally:
        node.stop()
        pacs.close()
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['date']}, {result['processor']}, {result['cores']} cores; job store of {result['store_bytes'] / 1e6:.0f} MB at the end")
    for size, seconds in result["study_s"].items():
        print(f"{size:>10} studies stored: a study takes {seconds:.2f} s from its sending to its report (1 s is the quiet time)")
    for size, (echo, store) in result["first_answer_s"].items():
        print(f"{size:>16}: first C-ECHO answered {echo:.2f} s after the start, first C-STORE {store:.2f} s (at most 5)")
    print(f"with the backlog: first report at the PACS {result['first_report_s']:.2f} s after the start (at most 5)")
    print(f"status with {options.backlog} objects waiting: {result['status_s']:.2f} s")


if __name__ == "__main__":
    main()
