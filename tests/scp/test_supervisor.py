"""The supervisor: fatal at start with one clear line each, roles kept alive, reload, stop."""
import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

import daemon as d
import rawscu


class Start(unittest.TestCase):
    """What must stop the start, with its exit status and words."""

    def setUp(self):
        self.node = d.Node(start=False)

    def tearDown(self):
        self.node.stop()

    def refused(self, status, *words):
        code, text = self.node.refusal()
        self.assertEqual(code, status, text)
        for word in words:
            self.assertIn(word, text)

    def test_usage(self):
        for arguments, status in (([], 64), (["--config"], 64), (["--nonsense"], 64), (["--config", "a", "b"], 64), (["--help"], 0),
                                  (["--version"], 0)):
            self.assertEqual(subprocess.run([d.DAEMON, *arguments], capture_output=True).returncode, status)

    def test_configuration(self):
        self.node.write_config(extra="<nonsense/>")
        self.refused(78, self.node.config + ":", "nonsense")
        self.node.config += ".not"
        self.refused(66, self.node.config)

    def test_model_and_mode(self):
        self.node.mode = "clinical"
        self.node.write_config()
        self.refused(78, "synthetic")
        self.node.mode = "shadow"
        os.unlink(self.node.model + "/model.xml")
        self.node.write_config()
        self.refused(78, "model.xml")

    def test_clinical_without_validation(self):
        self.node.stop()
        self.node = d.Node(mode="clinical", kind=("clinical",), start=False)
        self.refused(78, "validation")

    def test_spool(self):
        with open(self.node.spool, "w", encoding="utf-8"):
            pass
        self.refused(73, self.node.spool)

    def test_port_taken(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            self.node.write_config(port=s.getsockname()[1])
            self.refused(73, str(s.getsockname()[1]), "Address already in use")

    def test_store(self):
        os.mkdir(self.node.spool)
        with open(self.node.spool + "/jobs.sqlite", "wb") as f:
            f.write(b"nonsense" * 1000)
        self.refused(74, "jobs.sqlite")

    def test_newer_store_is_refused_untouched_and_the_backup_from_before_serves(self):
        """The way down after an upgrade: the backup that the older program made."""
        self.node.start()
        backup = self.node.folder + "/before.backup"
        admin = os.path.join(d.BUILD, "bin/cervigate")

        def ask(*arguments):
            return subprocess.run([admin, *arguments, "--config", self.node.config], capture_output=True, text=True, timeout=60)
        made = ask("backup", backup)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.node.process.terminate()
        self.node.process.wait(30)
        with sqlite3.connect(self.node.spool + "/jobs.sqlite") as db:  # what a newer program would leave
            db.execute("PRAGMA user_version=99")
        db.close()
        self.refused(78, "schema version 99 is newer", "restore", "backup that was made before the upgrade")
        with sqlite3.connect(self.node.spool + "/jobs.sqlite") as db:
            self.assertEqual(db.execute("PRAGMA user_version").fetchone(), (99,))
        db.close()
        restored = ask("restore", "--force", backup)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        self.node.start()
        self.assertTrue(self.node.echo())

    def test_second_instance(self):
        self.node.start()
        self.refused(73, "another cervigated", f"(pid {self.node.process.pid})")
        self.assertTrue(self.node.echo())


class Run(unittest.TestCase):
    def setUp(self):
        self.node = d.Node()

    def tearDown(self):
        self.assertIn(self.node.stop(), (0, None))

    def test_roles_come_back(self):
        for role in ("receive", "committer", "analyze", "deliver", "console"):
            self.node.kill(role)
        d.wait_for(self.node.echo, 5, "C-ECHO")
        d.wait_for(lambda: self.node.get("/readyz")[0] == 200, 5, "readyz")

    def test_all_die_with_the_supervisor(self):
        pids = [self.node.pid(r) for r in ("receive", "committer", "analyze", "deliver", "console")]
        self.node.process.kill()
        self.node.process.wait()

        def lives(pid):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    return f.read().rsplit(")", 1)[1].split()[0] != "Z"
            except FileNotFoundError:
                return False
        d.wait_for(lambda: not any(map(lives, pids)), 5, "the roles' end")
        self.node.start()
        self.assertTrue(self.node.echo())

    def test_health(self):
        status, page = self.node.get("/readyz")
        self.assertEqual((status, page["status"], page["mode"]), (200, "ready", "shadow"))
        self.assertEqual(page["counts"]["received"], 0)
        self.assertIsNone(page["oldestPending"])
        d.wait_for(lambda: self.node.get("/healthz")[0] == 200, 10, "the self-test")
        self.assertEqual(self.node.get("/nothing")[0], 404)
        self.assertEqual(self.node.get("/healthz/../secret")[0], 404)
        self.assertEqual(self.node.get("/healthz", "POST")[0], 405)

    def test_reload(self):
        before = self.node.facts()
        self.node.write_config(extra='<log level="debug"/>')
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: all(self.node.facts()[r] not in (before[r], "0") for r in
                               ("receive_pid", "analyze_pid", "deliver_pid", "console_pid")), 20, "all roles renewed")
        self.assertEqual(self.node.facts()["dicom_port"], before["dicom_port"])
        self.assertEqual(self.node.facts()["pid"], before["pid"])
        self.assertTrue(self.node.echo())
        self.assertRegex(self.node.log(), r'setting-changed name="log level" change="old info, new debug"\n.* reload file=\S+ changes=1 who="?\w+')

    def test_titles_of_its_own_from_the_folder(self):
        """Two AE titles on one port: each with its rule and time-outs, from a file of the folder that a reload reads."""
        folder = self.node.config[:-4] + ".d"
        os.mkdir(folder)
        with open(os.path.join(folder, "10-er.xml"), "w", encoding="utf-8") as f:
            f.write("""<cervigate xmlns="urn:cervigate:config:1"><node checkCalledAeTitle="true"/>
<aes><ae aeTitle="NECK ER" dimseTimeout="1"/></aes><rules><rule name="er" action="ignore" ae="NECK ER"/></rules></cervigate>""")
        old = self.node.pid("receive")
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: self.node.pid("receive") not in (0, old), 20, "a new receive")
        self.assertEqual(self.node.log().count("setting-changed name=\"ae[NECK ER] "), 6)
        call = lambda: socket.create_connection(("127.0.0.1", int(self.node.port)), timeout=15)
        with call() as er, call() as own, call() as none, call() as other:
            for one, title, answer in ((er, "NECK ER", b"\x02"), (own, "CERVIGATE", b"\x02"), (none, "NECK", b"\x03"), (other, "neck er", b"\x03")):
                one.sendall(rawscu.associate_rq(called=title))
                self.assertEqual(rawscu.read_pdu(one)[:1], answer, title)
            while one.recv(64):  # who was refused
                pass
            self.assertEqual(er.recv(64)[:1], b"\x07")  # silent for a second: A-ABORT
            own.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                own.recv(64)
        for title in ("NECK ER", "CERVIGATE"):
            path = os.path.join(self.node.folder, title + ".dcm")
            d.write_object(path)
            self.assertEqual(subprocess.run(["storescu", "-aec", title, "127.0.0.1", self.node.port, path]).returncode, 0)
        d.wait_for(lambda: sorted(self.node.sql("SELECT called, rule FROM instance")) == [("CERVIGATE", "all"), ("NECK ER", "er")], 20, "the rules' choice")

    def test_reload_drops_no_association(self):
        held = socket.create_connection(("127.0.0.1", int(self.node.port)))
        held.sendall(b"\x01")  # who says nothing is no association
        old = self.node.pid("receive")
        with open(f"/proc/{old}/task/{old}/children", encoding="ascii") as children:  # the committer is one
            d.wait_for(lambda: children.seek(0) == 0 and len(children.read().split()) == 2, 10, "the association")
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: self.node.pid("receive") not in (0, old), 10, "a new receive")
        self.assertTrue(self.node.echo())  # by the new one, while the old one still has its own
        self.assertTrue(os.path.exists(f"/proc/{old}"))
        held.close()
        d.wait_for(lambda: "role-left" in self.node.log(), 20, "the old one's end")

    def test_so_many_old_ones_and_then_the_next_waits(self):
        """Of sixteen old receives each has an association; the next reload waits until one of them ends, and cuts nobody off."""
        held, told = [], "reload-waits name=receive leaving=16"
        while told not in self.node.log():
            self.assertLess(len(held), 40)
            held.append(socket.create_connection(("127.0.0.1", int(self.node.port)), timeout=10))
            held[-1].sendall(rawscu.associate_rq())  # perhaps to the one before, which is on its way out
            self.assertEqual(rawscu.read_pdu(held[-1])[:1], b"\x02")
            last = self.node.pid("receive")
            self.node.process.send_signal(signal.SIGHUP)
            d.wait_for(lambda: self.node.pid("receive") not in (0, last) or told in self.node.log(), 20, "a new receive")
        self.assertTrue(self.node.echo())
        self.assertEqual(self.node.pid("receive"), last)
        self.assertNotIn("association-died", self.node.log())
        for one in held:
            one.settimeout(0.01)
            with self.assertRaises(TimeoutError):  # it is still open
                one.recv(1)
            one.close()
        d.wait_for(lambda: self.node.pid("receive") not in (0, last), 20, "a new receive, as there is room")

    def test_bad_reload_keeps_the_old(self):
        before = self.node.facts()
        self.node.write_config(extra="<nonsense/>")
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: "reload-refused" in self.node.log(), 10, "the refusal")
        self.assertIn(self.node.config + ":", self.node.log())
        self.node.write_config(extra='<audit host="127.0.0.1" port="1" ca="/nowhere"/>')
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: self.node.log().count("reload-refused") == 2, 10, "the refusal")

        def told():
            """To the console, after the log."""
            with open(os.path.join(self.node.spool, "run/reloaded"), encoding="utf-8") as f:
                return re.search(rf"\n{self.node.config}:\d+: <audit>: .*/nowhere", f.read())
        d.wait_for(told, 10, "what is wrong, for the console")
        self.node.spool, good = self.node.spool + "2", self.node.spool
        self.node.write_config()
        self.node.spool = good
        self.node.process.send_signal(signal.SIGHUP)
        d.wait_for(lambda: "the spool cannot change" in self.node.log(), 10, "the refusal")
        self.assertEqual(self.node.facts(), before)
        self.assertTrue(self.node.echo())

    def test_a_reload_whose_process_dies_keeps_the_old(self):
        """As libxml2 does without memory; the next one is done. Who dies when the new one is in force leaves it there."""
        for point, level in (("reload-looked", "debug"), ("reload-told", "info")):
            with self.subTest(point):
                self.node.process.terminate()
                self.node.process.wait(30)
                self.node.start({"CERVIGATE_CRASH": point, "CERVIGATE_CRASH_MARK": os.path.join(self.node.folder, point)})
                before, words = self.node.facts(), 'reload-refused file=.* reason="[^"]*died .signal 9.'
                self.node.write_config(extra=f'<log level="{level}"/>')
                self.node.process.send_signal(signal.SIGHUP)
                d.wait_for(lambda: re.search(words if point == "reload-looked" else " reload file=.*changes=0 ", self.node.log()), 20, "a word")
                if point == "reload-looked":
                    self.assertEqual(self.node.facts(), before)
                    self.node.process.send_signal(signal.SIGHUP)
                else:
                    self.assertRegex(self.node.log(), "audit-failed events=1 counted=true ")
                d.wait_for(lambda: self.node.pid("analyze") not in (0, int(before["analyze_pid"])), 20, "new roles")
                self.assertEqual(self.node.facts()["pid"], before["pid"])
                self.assertTrue(self.node.echo())

    def test_storm(self):
        for _ in range(30):
            self.node.process.send_signal(signal.SIGHUP)
            time.sleep(0.02)
        d.wait_for(self.node.echo, 5, "C-ECHO")

    def test_stop_forgets_nobody(self):
        pids = [self.node.pid(r) for r in ("receive", "committer", "analyze", "deliver", "console")]
        self.node.process.terminate()
        self.assertEqual(self.node.process.wait(25), 0)
        self.assertEqual(self.node.facts()["pid"], "0")
        self.assertFalse(any(os.path.exists(f"/proc/{p}") for p in pids))

    def test_detached(self):
        self.node.process.terminate()
        self.node.process.wait(25)
        self.assertEqual(self.node.spawn(None, "--config", self.node.config).wait(20), 0)
        self.assertTrue(self.node.echo())
        pid = int(self.node.facts()["pid"])
        self.assertEqual(self.node.refusal()[0], 73)
        os.kill(pid, signal.SIGTERM)
        d.wait_for(lambda: self.node.facts()["pid"] == "0", 20, "the end")

    def test_activated_socket(self):
        self.node.process.terminate()
        self.node.process.wait(25)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]

            def pass_socket():
                os.dup2(s.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="dicom")
                os.execv(d.DAEMON, [d.DAEMON, "--config", self.node.config, "--foreground"])
            pid = os.fork()
            if pid == 0:
                pass_socket()
        d.wait_for(lambda: self.node.facts()["pid"] == str(pid), 10, "run/node")
        self.assertEqual(int(self.node.port), port)
        self.assertTrue(d.wait_for(self.node.echo, 5, "C-ECHO"))
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
