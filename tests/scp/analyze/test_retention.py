"""Retention in the real daemon: what is done and old goes, what waits stays, a clock that jumps removes nothing, a backlog holds up nobody."""
import base64
import glob
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import daemon as d  # noqa: E402
from daemon import AnalyzeNode, Scp  # noqa: E402

DAY = 86400000


class Retention(unittest.TestCase):
    def node(self, extra="", mode="shadow", peers=d.PEERS, environment=None):
        node = AnalyzeNode(mode=mode, peers=peers, start=False)
        self.addCleanup(node.stop)
        node.write_config(extra)
        return node.start(environment)

    def image(self, node, name="i.dcm", **attributes):
        path = os.path.join(node.folder, name)
        d.write_object(path, 100000, **attributes)
        return path

    def send(self, node, path):
        reports = node.sql("SELECT COUNT(*) FROM result")[0][0]
        self.assertEqual(node.store(path).returncode, 0)
        d.wait_for(lambda: node.sql("SELECT COUNT(*) FROM result")[0][0] > reports, 20, "a report")

    def stopped(self, node):
        node.process.terminate()
        node.process.wait(30)

    def change(self, node, *statements):
        with sqlite3.connect(os.path.join(node.spool, "jobs.sqlite")) as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    def age(self, node, days):
        """Everything in the store becomes so much older."""
        self.change(node, f"UPDATE instance SET received_ms=received_ms-{days * DAY}", f"UPDATE result SET created_ms=created_ms-{days * DAY}",
                    f"UPDATE delivery SET done_ms=done_ms-{days * DAY} WHERE done_ms>0", f"UPDATE delivery SET next_ms=next_ms-{days * DAY} WHERE next_ms>0")

    def results(self, node):
        return sorted(os.listdir(node.spool + "/results"))

    def again(self, node, days, environment=None):
        self.stopped(node)
        self.age(node, days)
        return node.start(environment)

    def told(self, node, pattern, seconds=10):
        d.wait_for(lambda: re.search(pattern, node.log()), seconds, f"{pattern} in the log")

    def test_objects_then_results_go_by_age_and_start_nothing_when_they_come_again(self):
        node = self.node('<retention objects="2" results="5"/>')
        path = self.image(node)
        self.send(node, path)
        files = self.results(node)
        self.assertEqual(len([n for n in files if n.endswith(".dcm")]), 2)
        self.again(node, 1)
        time.sleep(3)
        self.assertEqual(len(node.objects()), 1)
        self.again(node, 2)
        d.wait_for(lambda: not node.objects(), 20, "the object goes")
        self.assertEqual(self.results(node), files)
        self.again(node, 3)
        d.wait_for(lambda: not self.results(node), 20, "the results go")
        self.told(node, "retention objects=1 results=0")
        self.assertEqual(node.store(path).returncode, 0)
        d.wait_for(lambda: "identity=duplicate" in node.log(), 10, "it is known")
        d.wait_for(lambda: not node.objects(), 80, "its bytes go again")
        self.assertEqual(node.sql("SELECT COUNT(*) FROM instance"), [(1,)])
        self.assertEqual(len(node.sql("SELECT 1 FROM result")), 2)

    def command(self, node):
        done = subprocess.run([os.path.join(d.BUILD, "bin/cervigate"), "retention", "--json", "--config", node.config], capture_output=True, text=True,
                              timeout=60, check=False)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    def test_the_command_tells_what_is_overdue_and_removes_it_where_no_node_runs(self):
        none, one = {"objects": 0, "results": 0, "refused": 0}, {"objects": 1, "results": 2, "refused": 1}
        node = self.node('<retention objects="2" results="2" quarantine="2"/>')
        self.send(node, self.image(node))
        refused = node.spool + "/quarantine/1.dcm"
        with open(refused, "wb"):
            pass
        status, said = self.command(node)
        self.assertEqual((status, said["node_runs"], said["gone"], said["overdue"]), (0, True, none, none))
        analyze = node.pid("analyze")
        os.kill(analyze, signal.SIGSTOP)  # a node that does not do it
        try:
            self.age(node, 2.5)
            os.utime(refused, (time.time() - 3.1 * 86400,) * 2)
            status, said = self.command(node)
            self.assertEqual((status, said["overdue"]), (1, {**none, "refused": 1}), said)
            self.age(node, 1)
            self.assertEqual((self.command(node)[1]["overdue"], len(node.objects()), len(self.results(node)) > 0), (one, 1, True))
        finally:
            node.process.kill()  # and its roles with it
            node.process.wait(20)
        status, said = self.command(node)
        self.assertEqual((status, said["node_runs"], said["gone"], said["overdue"]), (0, False, one, none), said)
        self.assertEqual((node.objects(), self.results(node), os.path.exists(refused)), ([], [], False))
        self.change(node, f"UPDATE memo SET value=value-{2 * DAY} WHERE name='retention-look'")  # off for two days: is the clock right?
        self.assertRegex(self.command(node)[1]["clock_wait"], r"^20\d\d-")

    def test_what_is_not_delivered_stays_and_what_was_refused_expires(self):
        port = d.free_port()
        peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port}"/></peers><destinations>'
                 '<destination peer="pacs" outputs="SR" reportClass="comprehensive3d" demo="true" retryFirst="1" retryMost="1"/></destinations>')
        node = self.node('<retention objects="1" results="1" parked="3"/>', mode="demo", peers=peers)
        self.send(node, self.image(node))
        self.again(node, 30)
        time.sleep(3)
        self.assertEqual((len(node.objects()), node.sql("SELECT state FROM delivery")), (1, [("pending",)]))
        self.stopped(node)
        self.change(node, f"UPDATE delivery SET state='parked',last_error='not one of ours',next_ms={int(time.time() * 1000)}")
        self.again_parked(node, 2, [("parked",)], 1)
        self.again_parked(node, 2, [("expired",)], 0)
        self.told(node, r'delivery-expired delivery=d1 destination=pacs kind=sr uid=2\.25\.\d+ parked=20\S+ reason="not one of ours"')
        told = ""
        for path in glob.glob(node.spool + "/audit/*.log"):
            with open(path, encoding="utf-8") as f:
                told += f.read()
        self.assertRegex(told, r'ParticipantObjectName>parked</.*type="count" value="MQ=="')
        self.assertIn(base64.b64encode(b"d1 to pacs").decode(), told)

    def again_parked(self, node, days, state, objects):
        if node.process.poll() is None:
            self.stopped(node)
        self.age(node, days)
        node.start()
        d.wait_for(lambda: node.sql("SELECT state FROM delivery") == state and len(node.objects()) == objects, 20, f"{state}")
        time.sleep(2)
        self.assertEqual((node.sql("SELECT state FROM delivery"), len(node.objects())), (state, objects))

    def test_delivered_counts_from_the_delivery(self):
        pacs = Scp(d.free_port())
        self.addCleanup(pacs.close)
        peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{pacs.port}"/></peers><destinations>'
                 '<destination peer="pacs" outputs="SR SC" demo="true" retryFirst="1" retryMost="1"/></destinations>')
        node = self.node('<retention objects="1"/>', mode="demo", peers=peers)
        self.send(node, self.image(node))
        d.wait_for(lambda: node.sql("SELECT DISTINCT state FROM delivery") == [("sent",)], 20, "delivered")
        self.stopped(node)
        self.change(node, f"UPDATE instance SET received_ms=received_ms-{9 * DAY}")
        node.start()
        time.sleep(3)
        self.assertEqual(len(node.objects()), 1)
        self.again(node, 2)
        d.wait_for(lambda: not node.objects(), 20, "the object goes")

    def test_space_takes_the_oldest_that_is_done(self):
        node = self.node()
        for name in ("a.dcm", "b.dcm", "c.dcm"):
            self.send(node, self.image(node, name))
        kept = node.sql("SELECT path FROM instance WHERE id=3")[0][0]
        results = node.sql("SELECT SUM(bytes) FROM result")[0][0]
        self.assertEqual(results, sum(os.path.getsize(os.path.join(node.spool, "results", n)) for n in self.results(node) if n.endswith(".dcm")))
        self.stopped(node)
        node.write_config(f'<retention space="{results + 150000}"/>')
        node.start()
        d.wait_for(lambda: len(node.objects()) == 1, 20, "two objects go")
        time.sleep(2)
        self.assertEqual([os.path.relpath(p, node.spool) for p in node.objects()], [kept])
        self.assertEqual(len([n for n in self.results(node) if n.endswith(".dcm")]), 6)
        self.stopped(node)
        node.write_config('<retention space="1"/>')
        node.start()
        d.wait_for(lambda: not node.objects() and not self.results(node), 20, "all goes")

    def test_a_disk_without_room_takes_the_oldest_that_is_done(self):
        """A file system of 64 MiB of which 8 MiB are to stay free: below 8 nothing is received, up to 16 retention makes room."""
        disk, port = d.small_disk(self, 64 << 20), d.free_port()
        peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port}"/></peers><destinations>'
                 '<destination peer="pacs" outputs="SR" demo="true" retryFirst="1" retryMost="1"/></destinations>')
        node = AnalyzeNode(mode="demo", peers=peers, limits=f'spoolReserve="{8 << 20}"', start=False, disk=disk)
        self.addCleanup(node.stop)
        node.start()
        self.send(node, self.image(node))  # the oldest; its report waits
        results, source = self.results(node), os.path.join(node.folder, "cr.dcm")
        for _ in range(6):
            d.write_object(source, 2 << 20, Modality="CR")
            self.assertEqual(node.store(source).returncode, 0)
        kept = [row[0] for row in node.sql("SELECT path FROM instance ORDER BY id")]
        d.wait_for(lambda: node.sql("SELECT COUNT(*) FROM instance WHERE state='ignored'") == [(6,)], 20, "what no rule takes is done")
        self.assertEqual(len(node.objects()), 7, "there is room")
        with open(os.path.join(disk, "filler"), "wb") as f:
            os.posix_fallocate(f.fileno(), 0, d.free_bytes(disk) - (7 << 20))
        self.assertRegex(node.store(source).stderr, "(?i)OutOfResources")
        begin = time.monotonic()
        d.wait_for(lambda: node.store(source).returncode == 0, 20, "the sender is heard again")
        print(f"\na full disk: received again after {time.monotonic() - begin:.1f} s", flush=True)
        d.wait_for(lambda: d.free_bytes(disk) >= 14 << 20, 20, "room")
        self.assertEqual([os.path.relpath(p, node.spool) in kept[:1] + kept[6:] for p in node.objects()], [True, True], node.log())
        self.assertEqual(self.results(node), results, "its report waits")

    def test_refused_bytes_go_by_age(self):
        node = self.node('<retention quarantine="3"/>')
        for name, days in (("old", 4), ("new", 2)):
            for ending in (".dcm", ".txt"):
                path = os.path.join(node.spool, "quarantine", name + ending)
                with open(path, "w", encoding="utf-8") as f:
                    f.write("x")
                os.utime(path, (time.time() - days * 86400,) * 2)
        node.kill("analyze")
        d.wait_for(lambda: sorted(os.listdir(node.spool + "/quarantine")) == ["new.dcm", "new.txt"], 20, "the old ones go")

    def test_a_clock_that_jumps_removes_nothing(self):
        node = self.node('<retention objects="2" results="2" quarantine="2"/>')
        self.send(node, self.image(node))
        look = lambda: sum((row for row in node.sql("SELECT value FROM memo WHERE name='retention-look'")), ())  # noqa: E731
        before = d.wait_for(look, 20, "a first look")
        for offset in ("315360000", "-315360000"):  # ten years
            self.stopped(node)
            node.start({"CERVIGATE_CLOCK_OFFSET": offset})
            before = d.wait_for(lambda: abs(look()[0] - before[0]) > 300000000000 and look(), 20, "a look at another time")
            time.sleep(2)
            self.assertEqual(len(node.objects()), 1, offset)
        self.told(node, "retention-clock jump_s=3153")
        self.stopped(node)
        node.start()  # right again: what was said of ages waits at most a day
        time.sleep(3)
        self.assertEqual(len(node.objects()), 1)
        wait = lambda: node.sql("SELECT value FROM memo WHERE name='retention-wait'")[0][0]
        d.wait_for(lambda: wait() < (time.time() + 86500) * 1000, 20, "ages count again within a day")
        self.assertEqual(len(node.objects()), 1)

    def test_what_a_crash_left_is_swept_and_what_is_missing_is_told(self):
        node = self.node()
        self.send(node, self.image(node))
        stray = os.path.join(node.spool, "objects/ab", "ab" * 32 + ".dcm")
        strays = [stray, os.path.join(node.spool, "results/2.25.404.dcm"), os.path.join(node.spool, "results/2.25.404.part")]
        for path in strays:
            with open(path, "w", encoding="utf-8") as f:
                f.write("x")
        lost = node.sql("SELECT path FROM result WHERE kind='sr'")[0][0]
        os.unlink(os.path.join(node.spool, lost))
        files = node.objects()
        self.stopped(node)
        node.start()
        time.sleep(3)
        self.assertTrue(all(os.path.exists(p) for p in strays))  # they may be objects that come
        self.told(node, rf"file-missing result=\d+ path={lost}")
        self.stopped(node)
        left, living = self.temporaries(node)
        node.start({"CERVIGATE_SWEEP_GRACE": "1", "CERVIGATE_SWEEP_EVERY": "2"})
        d.wait_for(lambda: "spool-swept unknown_removed=3 missing=1 more=no temporary_removed=4\n" in node.log(), 90, "swept")
        self.assertEqual(node.objects(), [p for p in files if p != stray])
        self.assertEqual([p for p in strays + left if os.path.exists(p)], [])
        self.assertTrue(os.path.exists(living), "what has a process is not touched")
        self.owner.kill()
        self.owner.wait()
        with open(stray, "w", encoding="utf-8") as f:
            f.write("x")
        d.wait_for(lambda: not os.path.exists(living) and not os.path.exists(stray), 90, "the next sweep")
        d.wait_for(lambda: re.search("missing=0 more=no temporary_removed=1\n", node.log()), 30, "the next sweep's line")

    def temporaries(self, node):
        """What deaths leave under temporary names, one of them a real one's; and what a living process writes."""
        said = subprocess.run([os.path.join(d.BUILD, "bin/cervigate"), "mode", "demo", "--config", node.config], capture_output=True,
                              timeout=60, env=dict(os.environ, CERVIGATE_CRASH="whole-written"))
        self.assertEqual(said.returncode, -signal.SIGKILL, said)
        died, = glob.glob(node.spool + "/mode.*")
        self.owner = subprocess.Popen(["sleep", "600"])
        self.addCleanup(self.owner.kill)
        dead = died.split(".")[-1].split("-")[0]
        left = [os.path.join(node.spool, n) for n in (f"run/node.{dead}-{'0' * 16}", f"run/send-{dead}.dcm", "mode.restoring")]
        living, mine = (os.path.join(node.spool, n) for n in (f"run/mode.{self.owner.pid}-{'0' * 16}", "notes.12-0123"))
        for path in left + [living, mine]:
            with open(path, "w", encoding="utf-8") as f:
                f.write("x")
        return left + [died], living

    def test_rows_given_up_before_a_crash_lose_their_files_after_it(self):
        node = self.node()
        self.send(node, self.image(node))
        path = node.sql("SELECT path FROM instance")[0][0]
        self.stopped(node)
        self.change(node, "UPDATE instance SET gone_ms=1", f"INSERT INTO removal VALUES('{path}')")
        node.start()
        d.wait_for(lambda: not node.objects() and not node.sql("SELECT * FROM removal"), 20, "the file goes, then its name")

    def test_the_sites_orders_are_looked_at_once_a_day(self):
        node = self.node()
        old = "INSERT INTO site_order(accession,study,told_ms) VALUES('{}','',1)"
        orders = lambda: [row[0] for row in node.sql("SELECT accession FROM site_order")]
        looked = lambda: node.sql("SELECT value FROM memo WHERE name='retention-orders'")
        d.wait_for(looked, 20, "the first look")
        self.stopped(node)
        self.change(node, old.format("A"))
        passed = looked()
        node.start()
        time.sleep(3)
        self.assertEqual((orders(), looked()), (["A"], passed), "not again on the same day")
        self.stopped(node)
        for other in (-DAY, 10 * DAY):  # a day later; a clock that was set back
            self.change(node, f"UPDATE memo SET value=value+{other} WHERE name='retention-orders'", "DELETE FROM site_order", old.format("B"))
            node.start()
            d.wait_for(lambda: not orders(), 20, "the next look")
            self.stopped(node)

    def test_a_hundred_thousand_old_rows_hold_up_nobody(self):
        node = self.node()
        self.send(node, self.image(node))
        self.stopped(node)
        columns = ("state,sop_class,sop_instance,study,series,transfer_syntax,digest,path,bytes,calling,called,address,association,received_ms,rival,reported")
        self.change(node, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<100000) INSERT INTO instance(" + columns + ")"
                    " SELECT 'judged','1','1.9.'||i,'1.8.'||i,'1.7','1',printf('%064x',i),printf('objects/00/%064x.dcm',i),1,'','','','',i,0,1 FROM n")
        begin = time.monotonic()
        node.start()
        d.wait_for(node.echo, 5, "C-ECHO")
        self.send(node, self.image(node, "b.dcm"))
        answered = time.monotonic() - begin
        print(f"\n100,000 rows to go: start to a new image's report {answered:.1f} s", flush=True)
        self.assertLess(answered, 15)
        first = node.sql("SELECT COUNT(*) FROM instance WHERE gone_ms<>0")[0][0]
        time.sleep(10)
        gone = node.sql("SELECT COUNT(*) FROM instance WHERE gone_ms<>0")[0][0]
        self.assertGreater(gone, first)
        self.assertLess(gone - first, 64 * 15)  # a little a turn


if __name__ == "__main__":
    unittest.main(verbosity=2)
