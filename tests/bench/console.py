#!/usr/bin/env python3
"""The console's worklist with many studies: over HTTP how long until it is whole, when nothing changed, when something did, and while it is made;
in Chromium how long a reader waits and how evenly the rows run. The rows are copies of one real study's, put into the job store while the node
is stopped; the answers are the daemon's. Exit status 1: something is over its target."""
import argparse
import http.client
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import console_page  # noqa: E402
import harness as h  # noqa: E402

TARGET_MS = 100
FRAME_MS = 50  # of 95 frames in 100: twenty a second
PASSWORD = "a long password"
ANSWERS = (("first_ms", "first look after a start"), ("warm_median_ms", "nothing changed"), ("told_median_ms", "after an event, as pages do"),
           ("changed_median_ms", "changed, without a page open"), ("made_ms", "made while it is asked for"), ("study_median_ms", "one study"))


class Browser:
    def __init__(self, port):
        self.connection, self.cookie = http.client.HTTPConnection("127.0.0.1", port, timeout=60), None

    def ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        if self.cookie:
            headers["Cookie"] = self.cookie
        self.connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise AssertionError(f"{path}: {answer.status} {data[:200]}")
        if answer.headers["Set-Cookie"]:
            self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        return data

    def timed(self, path):
        begun = time.perf_counter()
        data = self.ask("GET", path)
        return (time.perf_counter() - begun) * 1000, data


def followed(browser, node, entries):
    """As a page does: it hears that the list changed, then asks for it. Milliseconds of each answer."""
    times = []
    stream = http.client.HTTPConnection("127.0.0.1", browser.connection.port, timeout=60)
    stream.request("GET", "/api/v1/events", headers={"Cookie": browser.cookie})
    lines = stream.getresponse()

    def next_revision():
        while not lines.readline().startswith(b'data: {"revision"'):
            pass
    next_revision()
    for entry in entries:
        node.admin("worklist", "read", entry["study"])
        next_revision()
        times.append(browser.timed("/api/v1/worklist")[0])
    stream.close()
    return times


def made(browser, node, entries):
    """The list is asked for without a pause while it changes: the slowest answers are those for which it is made. Milliseconds of each."""
    times = []
    for entry in entries:
        with subprocess.Popen([os.path.join(h.BIN, "cervigate"), "worklist", "read", entry["study"], "--config", node.config], **h.QUIET):
            asked, data, end = [], entry["study"].encode(), time.monotonic() + 10
            while entry["study"].encode() in data:
                took, data = browser.timed("/api/v1/worklist")
                asked.append(took)
                assert time.monotonic() < end, "the study stays in the list"
        times.append(max(asked))
    return times


def columns(db, table):
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def multiply(store, count):
    """`count` studies like the one that is there."""
    with sqlite3.connect(store) as db:
        db.create_function("attribute", 2, lambda attrs, tag: "")
        study, = db.execute("SELECT study FROM place").fetchone()
        rows = {t: [dict(zip(columns(db, t), r)) for r in db.execute(f"SELECT * FROM {t} WHERE {k}=?", (study,))]
                for t, k in (("study", "uid"), ("place", "study"), ("instance", "study"))}
        judged = dict(zip(columns(db, "judgement"), db.execute("SELECT * FROM judgement WHERE instance=?", (rows["instance"][0]["id"],)).fetchone()))
        first = db.execute("SELECT MAX(id) FROM instance").fetchone()[0] + 1
        for n in range(count - 1):
            uid = f"1.2.826.0.1.3680043.10.1337.9.{n + 1}"
            new = dict(rows["instance"][0], id=first + n, study=uid, sop_instance=uid + ".1", digest=f"{n:064x}")
            put(db, "instance", new)
            put(db, "judgement", dict(judged, instance=first + n))
            put(db, "study", dict(rows["study"][0], uid=uid))
            put(db, "place", dict(rows["place"][0], study=uid, arrived_ms=rows["place"][0]["arrived_ms"] - n * 1000, raised=n % 50 == 0, accession=f"ACC{n}"))


def put(db, table, row):
    db.execute(f"INSERT OR REPLACE INTO {table}({','.join(row)}) VALUES({','.join('?' * len(row))})", list(row.values()))


def looked_at(node):
    """Over HTTP, then in Chromium; what is in the result is a median where it says so."""
    port = int(node.facts()["console_port"])
    browser = Browser(port)
    h.wait_for(lambda: browser.ask("GET", "/readyz"), 30, "the console")
    browser.ask("POST", "/api/v1/session", {"name": "bench", "password": PASSWORD})
    first, data = browser.timed("/api/v1/worklist")
    listed = json.loads(data)["entries"]
    warm = [browser.timed("/api/v1/worklist")[0] for _ in range(30)]
    cold = []
    for entry in listed[:5]:
        node.admin("worklist", "read", entry["study"])
        time.sleep(1)
        cold.append(browser.timed("/api/v1/worklist")[0])
    told, built = followed(browser, node, listed[5:10]), made(browser, node, listed[10:15])
    study = [browser.timed(f"/api/v1/studies/{e['study']}")[0] for e in listed[20:50]]
    result = {"studies": len(listed), "bytes": len(data), "first_ms": first, "warm_median_ms": statistics.median(warm),
              "changed_median_ms": statistics.median(cold), "told_median_ms": statistics.median(told), "made_ms": max(built),
              "study_median_ms": statistics.median(study), "target_ms": TARGET_MS, "frame_target_ms": FRAME_MS, "page": None}
    if console_page.is_there():
        result["page"] = console_page.measure(f"http://127.0.0.1:{port}/", "bench", PASSWORD, node, listed[60:65])
    return result


def print_out(result):
    def against(target, ms):
        return f"({'under' if ms < target else 'OVER'} {target})"
    print(f"worklist of {result['studies']} studies, {result['bytes'] / 1e6:.1f} MB")
    for name, words in ANSWERS:
        print(f"  {words:36} {result[name]:8.1f} ms  {against(TARGET_MS, result[name])}")
    page = result["page"]
    if page is None:
        print("  the page: not looked at, no Chromium or playwright-core (scripts/deps --peers)")
        return
    print(f"the page in Chromium {page['chromium']}, 1280 x 720, software drawing")
    for name, words in (("opened_median_ms", "from a reload to the first row"), ("left_median_ms", "from marked as read to gone")):
        print(f"  {words:36} {page[name]:8.1f} ms")
    for kind, frames in page["frames"].items():
        print(f"  {'scrolled by ' + kind:36} {frames['p95_ms']:8.1f} ms a frame, 95th percentile of {frames['count']} {against(FRAME_MS, frames['p95_ms'])}; "
              f"median {frames['median_ms']:.1f}, slowest {frames['slowest_ms']:.1f}")


def is_good(result):
    frames = result["page"]["frames"].values() if result["page"] else []
    return all(result[name] < TARGET_MS for name, _ in ANSWERS) and all(f["p95_ms"] < FRAME_MS for f in frames)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench console")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--studies", type=int, default=10000)
    options = parser.parse_args()
    accounts = tempfile.mktemp(prefix="cervigate-accounts-")
    node = h.Node({}, mode="demo", console=f'accounts="{accounts}"')
    try:
        subprocess.run([os.path.join(h.BIN, "cervigate"), "user", "add", "bench", "--role", "reader", "--config", node.config], input=PASSWORD + "\n",
                       text=True, check=True, capture_output=True)
        path = os.path.join(node.folder, "one.dcm")
        h.wrap(h.grey(h.phantoms(os.path.join(node.folder, "phantoms"), 1)[0][0]), path)
        node.send(path)
        h.wait_for(lambda: node.status()["results"]["reports"] == 1, 60, "the report")
        node.process.terminate()
        node.process.wait(30)
        multiply(os.path.join(node.spool, "jobs.sqlite"), options.studies)
        node.start()
        result = looked_at(node)
    finally:
        node.stop()
        if os.path.exists(accounts):
            os.unlink(accounts)
    if options.json:
        print(json.dumps(result))
    else:
        print_out(result)
    return 0 if is_good(result) else 1


if __name__ == "__main__":
    sys.exit(main())
