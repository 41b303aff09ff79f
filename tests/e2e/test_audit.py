"""The audit log end to end: what the node tells, the collector over TLS that is away and comes back, what was changed, what cannot be written.

    test_audit.py                 what CI runs
    test_audit.py long [SECONDS]  a collector that never confirms; comings, goings and kills by CERVIGATE_SEED
"""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scp"))
import pydicom  # noqa: E402

import collector as c  # noqa: E402
import daemon as d  # noqa: E402
from harness import set_clock  # noqa: E402
from daemon import AnalyzeNode, Scp  # noqa: E402

LONG = int(sys.argv[2]) if sys.argv[1:2] == ["long"] and len(sys.argv) > 2 else 60 if sys.argv[1:2] == ["long"] else 0
SEED = int(os.environ.get("CERVIGATE_SEED", time.time()))
ADMIN = os.path.join(d.BUILD, "bin/cervigate")


def open_read(path):
    with open(path, "rb") as f:
        return f.read()


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-audit-")
        cls.certificates = c.certificates(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def collector(self, **options):
        options.setdefault("tls", self.certificates["collector"])
        made = c.Collector(**options)
        self.addCleanup(made.stop)
        return made

    def node(self, attributes, kind=d.Node, environment=None, **options):
        """A node with these attributes of <audit>."""
        node = kind(start=False, **options)
        self.addCleanup(node.stop)
        node.audit = attributes
        node.write_config(extra=f"<audit {attributes}/>")
        return node.start(environment)

    def at(self, port, more=""):
        return f'host="127.0.0.1" port="{port}" ca="{self.certificates["ca"][0]}" {more}'

    def admin(self, node, *words, **environment):
        return subprocess.run([ADMIN, *words], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, CERVIGATE_CONFIG=node.config, **environment))

    def audit_search(self, node, *words):
        said = self.admin(node, "audit", "search", "--json", *words)
        self.assertIn(said.returncode, (0, 1), said.stderr)
        return [json.loads(line) for line in said.stdout.splitlines()]

    @staticmethod
    def text(node):
        """The log's bytes: to wait on, since a search is a record itself."""
        return b"".join(open_read(os.path.join(node.spool, "audit", n)) for n in sorted(os.listdir(node.spool + "/audit")) if n.endswith(".log"))

    @staticmethod
    def sent(node):
        path = node.spool + "/audit/sent/cursor"
        return int(open_read(path).split()[0]) if os.path.exists(path) else 0

    def object(self, node, name="o.dcm", **attributes):
        path = os.path.join(node.folder, name)
        return path, d.write_object(path, **attributes)

    def last(self, node):
        return self.text(node).count(b"\n")

    def has_all(self, collector, node, seconds=30):
        """The collector has every record, in order, each once or as the same message again, and each is valid."""
        last = self.last(node)
        d.wait_for(lambda: set(collector.once()) >= set(range(1, last + 1)), seconds, f"{last} records; got {collector.numbers()}")
        seen, numbers = 0, collector.numbers()
        for number in numbers:  # a new one is the next one: nothing overtakes, nothing is left out
            self.assertLessEqual(number, seen + 1)
            seen = max(seen, number)
        self.assertEqual([e for e in collector.errors if "FRAMING" in e], [])
        self.assertEqual(c.invalid(list(collector.once().values())), "")
        return numbers


class Told(Audit):
    def made_of(self, node, details):
        """The record of what was sent: its input, weights and program, each as another source has them."""
        selftest = json.loads(self.admin(node, "status", "--json").stdout)["selftest"]
        with open(os.path.join(node.model, "weights.safetensors"), "rb") as f:
            weights = hashlib.sha256(f.read()).hexdigest()
        self.assertEqual([details[name] for name in ("inputs", "input count", "weights", "build", "kernels")],
                         [node.sql("SELECT digest FROM instance")[0][0], "1", weights, selftest["build"], selftest["kernels"]])
        self.assertRegex(details["model"], ".")

    def test_a_day_of_a_node(self):
        """Received, judged, sent, refused, ordered, looked at, forgotten, changed: each is told once, to the collector, too."""
        port = d.free_port()
        pacs = Scp(port)
        self.addCleanup(pacs.close)
        peers = (f'<peers><peer name="pacs" aeTitle="PACS" host="127.0.0.1" port="{port}"/></peers><destinations>'
                 '<destination peer="pacs" outputs="SR SC" demo="true" retryFirst="1" retryMost="2"/></destinations>')
        collector = self.collector(client_ca=self.certificates["ca"][0])
        pem, key = self.certificates["node"]
        node = self.node(self.at(collector.port, f'certificate="{pem}" key="{key}" serverName="localhost"'), kind=AnalyzeNode, peers=peers,
                         mode="shadow")
        said = self.admin(node, "mode", "demo", SUDO_USER="anna")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(self.admin(node, "mode", "clinical").returncode, 78)
        path, dataset = self.object(node, size=100000, PatientID="P <1>", AccessionNumber="ACC7")
        self.assertEqual(node.store(path).returncode, 0)
        study = dataset.StudyInstanceUID
        d.wait_for(lambda: self.text(node).count(b'csd-code="110104"') == 2, 40, "received and sent")
        self.assertEqual(self.admin(node, "jobs", "show", "1").returncode, 0)
        self.assertEqual(self.admin(node, "jobs", "retry", "1").returncode, 1)
        self.assertEqual(self.admin(node, "forget", "P <1>", "--yes").returncode, 0)
        subprocess.run(["echoscu", "-to", "5", "-aet", "STRANGER", "-aec", "NOBODY", "127.0.0.1", node.port], capture_output=True)
        self.assertEqual(self.audit_search(node, "--event", "Node Authentication"), [])  # checkCalledAeTitle is off

        node.write_config(extra=f'<audit {node.audit}/>\n<log level="debug"/>')
        with open(node.config, encoding="utf-8") as f:
            text = f.read().replace("<node ", '<node checkCalledAeTitle="true" ')
        with open(node.config, "w", encoding="utf-8") as f:
            f.write(text)
        before = node.facts()
        node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: all(node.facts()[r + "_pid"] not in (before[r + "_pid"], "0") for r in ("receive", "analyze", "deliver", "audit")),
                   30, "reload")
        for _ in range(3):
            subprocess.run(["echoscu", "-to", "5", "-aet", "STRANGER", "-aec", "NOBODY", "127.0.0.1", node.port], capture_output=True)

        found = self.audit_search(node)
        events = [(r["event"], r["type"], r["outcome"]) for r in found]
        self.assertEqual(events[0], ("Application Activity", "Application Start", "0"))
        modes = self.audit_search(node, "--event", "security configuration")
        self.assertEqual([(r["outcome"], r["participants"][1]["user"], r["objects"][0]["details"]) for r in modes],
                         [("0", "anna", {"old": "shadow", "new": "demo"}), ("4", modes[1]["participants"][1]["user"],
                                                                             {"old": "demo", "new": "clinical"})])
        self.assertIn("synthetic", modes[1]["description"])
        transfers = self.audit_search(node, "--patient", "P <1>", "--event", "Transfer")
        self.assertEqual([(r["code"], r["action"], r["participants"][0]["role"], r["participants"][1]["address"]) for r in transfers],
                         [("110102", "E", "Source Role ID", ""), ("110104", "C", "Source Role ID", ""),
                          ("110102", "E", "Source Role ID", "127.0.0.1"), ("110104", "R", "Source Role ID", "127.0.0.1")])
        self.assertEqual(transfers[1]["objects"][0]["classes"], {d.DX: "1"})
        self.assertEqual(transfers[3]["objects"][0]["details"]["instances"], "2")
        self.made_of(node, transfers[3]["objects"][0]["details"])
        self.assertEqual(self.audit_search(node, "--accession", "ACC7"), transfers)
        looked = self.audit_search(node, "--event", "DICOM Instances Accessed", "--study", study)
        self.assertEqual([r["action"] for r in looked], ["R"])
        orders = [r for r in self.audit_search(node, "--event", "order") if r["code"] == "110103"]
        self.assertEqual([(r["objects"][0]["id"], r["objects"][0]["details"]["order"]) for r in orders], [("1", "retry")])
        gone = self.audit_search(node, "--event", "Patient Record")
        self.assertEqual([(r["action"], r["objects"][0]["id"], r["objects"][0]["life_cycle"]) for r in gone], [("D", "P <1>", "15")])
        self.assertRegex(gone[0]["description"], "^forgotten: 1 objects")
        changed = self.audit_search(node, "--event", "software configuration")[-1]
        self.assertEqual(changed["participants"][0]["user"], subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip())
        self.assertEqual({k: v for k, v in changed["objects"][0]["details"].items()},
                         {"node checkCalledAeTitle": "old false, new true", "log level": "old info, new debug"})
        refused = self.audit_search(node, "--event", "Node Authentication", "--outcome", "failure", "--user", "STRANGER")
        self.assertEqual(len(refused), 1, refused)
        self.assertEqual(refused[0]["objects"][0]["details"]["called"], "NOBODY")
        self.assertEqual(self.audit_search(node, "--until", found[0]["time"]), [])
        self.assertEqual(self.audit_search(node, "--since", found[3]["time"])[0]["seq"], 4)
        self.assertEqual(len(self.audit_search(node, "--limit", "2")), 2)
        self.assertTrue(self.audit_search(node, "--event", "Audit Log Used"))
        self.a_threshold_and_a_stop(node)
        self.has_all(collector, node)
        self.assertEqual(self.admin(node, "audit", "verify").returncode, 0)

    def a_threshold_and_a_stop(self, node):
        """Another operating point in the model's folder: who, old and new, when it comes into force."""
        path = os.path.join(node.model, "model.xml")
        with open(path, encoding="utf-8") as f:
            text, count = re.subn(r'(name="fracture" finding="true" operating-point=)"([^"]*)"', r'\1"0.875"', f.read())
        self.assertEqual(count, 1)
        with open(path, encoding="utf-8") as f:
            old = float(re.search(r'name="fracture" finding="true" operating-point="([^"]*)"', f.read()).group(1))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        node.process.terminate()
        self.assertEqual(node.process.wait(30), 0)
        node.start()
        changed = d.wait_for(lambda: next((r for r in self.audit_search(node, "--event", "software configuration") if "operating point" in str(r)), None), 20, "told")
        (name, said), = ((k, v) for k, v in changed["objects"][0]["details"].items() if "operating point" in k)
        self.assertTrue(name.endswith("operating point of fracture"), name)
        self.assertEqual([float(n) for n in re.fullmatch("old (.*), new (.*)", said).groups()], [old, 0.875])
        self.assertTrue(changed["participants"][0]["user"])
        kinds = [r["type"] for r in self.audit_search(node, "--event", "Application Activity")]
        self.assertEqual(sorted(kinds), ["Application Start", "Application Start", "Application Stop"])


class Away(Audit):
    def stores(self, node, count, first=0):
        for i in range(first, first + count):
            self.assertEqual(node.store(self.object(node, f"{i}.dcm")[0]).returncode, 0)

    def test_away_broken_off_and_back(self):
        """Not there, breaking connections off, killed at the worst moment: every record arrives, in order."""
        collector = self.collector()
        collector.stop()
        node = self.node(self.at(collector.port, 'fileBytes="65536"'), environment={"CERVIGATE_CRASH": "audit-confirmed"})
        self.stores(node, 20)  # more than a file's worth
        self.assertTrue(node.echo())
        d.wait_for(lambda: "audit-unsent" in node.log(), 10, "told")
        said = json.loads(self.admin(node, "status", "--json").stdout)
        self.assertEqual(said["audit"]["sent"], 0)
        self.assertRegex(said["audit"]["trouble"], "refused")
        collector.manner, collector.after = "reset", 4
        collector.start()
        # the role kills itself each time between the confirmation and the cursor
        d.wait_for(lambda: node.log().count("role-died name=audit") >= 2, 60, "killed between")
        self.assertEqual(self.sent(node), 0)
        numbers = self.has_all(collector, node)
        self.assertGreater(len(numbers), len(set(numbers)))
        node.process.terminate()
        node.process.wait(30)
        collector.manner, collector.after = "closes", 7
        node.start()
        self.stores(node, 3, first=20)
        collector.manner = "well"
        self.has_all(collector, node, 60)
        d.wait_for(lambda: self.sent(node) == self.last(node), 20, "confirmed")
        self.assertGreater(len([n for n in os.listdir(node.spool + "/audit") if n.endswith(".log")]), 1)
        self.assertEqual(self.admin(node, "audit", "verify").returncode, 0)

    def test_killed_with_a_record_on_its_way(self):
        """It goes again, as the same message."""
        collector, mark = self.collector(), os.path.join(self.folder, "mark-sent")
        node = self.node(self.at(collector.port), environment={"CERVIGATE_CRASH": "audit-sent", "CERVIGATE_CRASH_MARK": mark})
        self.stores(node, 2)
        d.wait_for(lambda: os.path.exists(mark), 20, "the crash point")
        self.has_all(collector, node, 60)

    def test_who_is_not_the_collector_gets_nothing(self):
        """Another's certificate, another name, TCP where TLS is expected, none of our own where one is wanted: told, and nothing is sent."""
        stranger = self.collector(tls=self.certificates["stranger"])
        plain = self.collector(tls=None, manner="well")
        asks = self.collector(client_ca=self.certificates["ca"][0])
        good = self.collector()
        plain.context = None
        node = self.node(self.at(stranger.port))
        for collector, more, reason in ((stranger, "", "unable to get local issuer certificate|self.signed"),
                                        (good, 'serverName="elsewhere.example.org"', "hostname mismatch"),
                                        (plain, "", "wrong version number|unexpected|packet length"),
                                        (asks, "", "certificate required|handshake failure|the connection broke|closed|reset by peer|Broken pipe")):
            with self.subTest(reason=reason):
                mark = len(node.log())
                node.write_config(extra=f"<audit {self.at(collector.port, more)}/>")
                node.process.send_signal(signal.SIGHUP)
                d.wait_for(lambda: re.search(f"audit-unsent .*({reason})", node.log()[mark:]), 20, reason)
                self.assertEqual(collector.messages, [])

    def test_one_that_reads_nothing(self):
        """It holds up nobody, and is an alarm in time."""
        clock = os.path.join(self.folder, "clock")
        set_clock(clock, 0)
        deaf = self.collector(manner="deaf")
        node = self.node(self.at(deaf.port), environment={"CERVIGATE_CLOCK_OFFSET": "@" + clock})
        self.stores(node, 2)
        self.assertTrue(node.echo())
        set_clock(clock, 18000)
        said = self.admin(node, "status", CERVIGATE_CLOCK_OFFSET="@" + clock)
        self.assertRegex(said.stdout, r"audit-undrained: \d+ records wait for the collector, the oldest since 5 h; undrained is 4")
        self.assertEqual(said.returncode, 1)


class Long(Audit):
    stores = Away.stores

    def test_one_that_never_answers_the_end(self):
        """It is believed after three times."""
        silent = self.collector(manner="silent")
        node = self.node(self.at(silent.port))
        self.stores(node, 2)
        d.wait_for(lambda: "audit-unconfirmed" in node.log(), 120, "believed")
        d.wait_for(lambda: self.sent(node) > 4, 60, "sent")
        self.has_all(silent, node)

    def test_many_hours(self):
        """LONG seconds of a collector that comes and goes and breaks off, a role that is killed, and a node that is killed, by the seed."""
        dice = random.Random(SEED)
        collector = self.collector()
        node = self.node(self.at(collector.port, 'fileBytes="65536"'))
        end, stored, kills, starts, there = time.monotonic() + LONG, 0, 0, 0, True
        while time.monotonic() < end:
            self.stores(node, dice.randint(1, 4), first=stored)
            stored += 4
            what = dice.choice(["away", "back", "reset", "closes", "kill role", "kill node", "committer", "wait"])
            if what == "away" and there:
                collector.stop()
                there = False
            elif what in ("back", "reset", "closes"):
                collector.manner, collector.after = ("well" if what == "back" else what), dice.randint(1, 9)
                if not there:
                    collector.start()
                    there = True
            elif what in ("kill role", "committer"):
                node.kill("audit" if what == "kill role" else "committer")
                kills += 1
            elif what == "kill node":
                node.process.kill()
                node.process.wait()
                node.start()
                starts += 1
            else:
                time.sleep(dice.random() * 3)
        collector.manner = "well"
        if not there:
            collector.start()
        numbers = self.has_all(collector, node, 120)
        verdict = self.admin(node, "audit", "verify")
        print(f"\nseed {SEED}: {LONG} s, {max(numbers)} records, {len(numbers) - len(set(numbers))} again, {collector.connections} connections, "
              f"{kills} roles and {starts} nodes killed; verify {verdict.returncode}")
        self.assertEqual(verdict.returncode, 0, verdict.stdout)


class Changed(Audit):
    def test_an_altered_byte_and_a_lock(self):
        """verify tells which record; the log goes on; what cannot be written is counted and holds up nobody."""
        node = self.node('keep="1"')
        for i in range(3):
            self.assertEqual(node.store(self.object(node, f"{i}.dcm")[0]).returncode, 0)
        path = node.spool + "/audit/000000000000000001.log"
        good = self.admin(node, "audit", "verify")
        self.assertEqual(good.returncode, 0)
        head = re.search(r"head +(\d+:[0-9a-f]{64})", good.stdout).group(1)
        self.assertEqual(self.admin(node, "audit", "verify", "--expect", head).returncode, 0)
        self.assertEqual(self.admin(node, "audit", "verify", "--expect", head[:-1] + ("0" if head[-1] != "0" else "1"), "--acknowledge").returncode, 1)
        with open(path, "r+b") as f:
            text = f.read()
            at = text.index(b"SCP-TEST")
            f.seek(at)
            f.write(b"SCP-TESU")
        said = self.admin(node, "audit", "verify", "--json")
        self.assertEqual(said.returncode, 1)
        verdict = json.loads(said.stdout)
        self.assertFalse(verdict["whole"])
        number = text[:at].count(b"\n") + 1
        self.assertEqual(verdict["faults"][0]["text"], f"record {number} was altered")
        self.assertIn("passed over", self.admin(node, "audit", "search").stderr)
        self.assertIn("audit-broken", self.admin(node, "status").stdout)
        self.assertTrue(self.audit_search(node, "--event", "AUDIT-BROKEN") or self.audit_search(node, "--event", "Audit log was changed"))
        self.admin(node, "audit", "verify", "--acknowledge")
        self.assertNotIn("audit-broken", self.admin(node, "status").stdout)
        self.assertEqual(node.store(self.object(node, "more.dcm")[0]).returncode, 0)

        os.rename(node.spool + "/audit/lock", node.spool + "/audit/lock.old")
        os.mkdir(node.spool + "/audit/lock")
        stored = len(node.objects())
        self.assertEqual(node.store(self.object(node, "unaudited.dcm")[0]).returncode, 0)
        self.assertEqual(len(node.objects()), stored + 1)
        d.wait_for(lambda: "audit-failed" in node.log(), 10, "told")
        self.assertIn("audit-unwritten", self.admin(node, "status").stdout)
        self.assertEqual(self.admin(node, "mode", "demo").returncode, 74)
        self.assertEqual(self.admin(node, "mode", "shadow").returncode, 0)
        os.rmdir(node.spool + "/audit/lock")
        os.rename(node.spool + "/audit/lock.old", node.spool + "/audit/lock")
        self.assertEqual(node.store(self.object(node, "again.dcm")[0]).returncode, 0)
        d.wait_for(lambda: b'"110133"' in self.text(node), 10, "the gap")
        gap = self.audit_search(node, "--event", "Audit Recording Stopped")[0]["objects"][0]["details"]
        self.assertGreaterEqual(int(gap["missed"]), 4)
        self.assertNotIn("audit-unwritten", self.admin(node, "status").stdout)

    def test_a_crash_while_writing(self):
        """Killed with a record written and not synced (in the long run, also synced without a head, and told): the log is whole, goes on,
        and what is received after it is in it."""
        for point in ("audit-written:3", "audit-synced:3", "audit-told:3") if LONG else ("audit-written:3",):
            with self.subTest(point=point):
                node = self.node('keep="1"', environment={"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": os.path.join(self.folder, point)})
                for i in range(3):
                    node.store(self.object(node, f"{i}.dcm")[0])
                d.wait_for(lambda: "committer-ended" in node.log(), 20, "the committer's death")
                last = self.object(node, "last.dcm")[0]
                d.wait_for(lambda: node.store(last).returncode == 0, 20, "received again")
                study = pydicom.dcmread(last, stop_before_pixels=True).StudyInstanceUID.encode()
                d.wait_for(lambda: study in self.text(node), 20, "what was received afterwards")
                self.assertEqual(self.admin(node, "audit", "verify").returncode, 0)

    def test_check_explains(self):
        node = self.node('keep="1"', console=False)
        pem, key = self.certificates["node"]
        open_key = os.path.join(self.folder, "open.key")
        shutil.copy(key, open_key)
        os.chmod(open_key, 0o644)
        for attributes, what in ((f'host="127.0.0.1" ca="{self.folder}/none.pem"', "none.pem: No such file"),
                                 (f'host="127.0.0.1" ca="{node.config}"', r"c\.xml: "),
                                 (self.at(1, f'certificate="{pem}" key="{open_key}"'), r"open.key: its mode is 0644: others may read or write it; expected 0600"),
                                 (self.at(1, f'certificate="{pem}" key="{self.certificates["stranger"][1]}"'), "key values mismatch")):
            node.write_config(extra=f"\n<audit {attributes}/>")
            said = self.admin(node, "check")
            self.assertEqual(said.returncode, 78)
            self.assertRegex(said.stderr, rf"c\.xml:\d+: <audit (ca|certificate|key)>: .*{what}")
            mark = len(node.log())
            node.process.send_signal(signal.SIGHUP)
            d.wait_for(lambda: "reload-refused" in node.log()[mark:], 10, "the reload refused")


if __name__ == "__main__":
    if LONG:
        sys.argv = [sys.argv[0], "Long", "Changed.test_a_crash_while_writing"]
    else:
        del Long
    unittest.main(verbosity=2)
