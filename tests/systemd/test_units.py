"""The node as a service: an installed tree, its units, and the real daemon under what they demand."""
import contextlib
import datetime
import functools
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
from harness import BUILD, PATIENCE, SANITIZED, free_port, wait_for  # noqa: E402

SERVICES = ("cervigate.service", "cervigate-selftest.service", "cervigate-audit.service", "cervigate-retention.service")
UNITS = (*SERVICES, "cervigate.socket", "cervigate-selftest.timer", "cervigate-audit.timer", "cervigate-retention.timer")
MOST_EXPOSED = 1.5
WATCHDOG_S = 2
TO_SYSTEMD = ("Type=notify", "NotifyAccess=main", "WatchdogSec=60s", "KillMode=mixed", "TimeoutStopSec=30s", "Restart=on-failure",
              "RestartPreventExitStatus=64 66 78", "OOMPolicy=continue", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX")
OF_EACH = ("User=cervigate", "Group=cervigate", "StateDirectory=cervigate", "StateDirectoryMode=0700", "ConfigurationDirectory=cervigate",
           "CapabilityBoundingSet=", "AmbientCapabilities=", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
           "PrivateTmp=yes", "PrivateDevices=yes", "ProtectKernelTunables=yes", "RestrictNamespaces=yes", "MemoryDenyWriteExecute=yes",
           "SystemCallArchitectures=native", "SystemCallErrorNumber=EPERM", "UMask=0077", "LimitCORE=0")


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60 * PATIENCE, **more)


def install(prefix):
    root = tempfile.mkdtemp(prefix="cervigate-units-")
    done = run("cmake", "--install", BUILD, "--prefix", prefix, env=dict(os.environ, DESTDIR=root))
    if done.returncode != 0:
        shutil.rmtree(root)
        raise AssertionError(done.stdout + done.stderr)
    return root


@functools.lru_cache(maxsize=None)
def tree():
    return install("/usr")


def tearDownModule():
    if tree.cache_info().currsize:
        shutil.rmtree(tree())


def lines(unit):
    with open(os.path.join(tree(), "usr/lib/systemd/system", unit), encoding="ascii") as file:
        return [line for line in file.read().splitlines() if line and line[0] not in "#["]


def values(unit, key):
    return [line.split("=", 1)[1] for line in lines(unit) if line.startswith(key + "=")]


@functools.lru_cache(maxsize=None)
def call_groups():
    groups, name = {}, None
    for line in run("systemd-analyze", "--no-pager", "syscall-filter").stdout.splitlines():
        if line.startswith("@"):
            name = line.strip()
            groups[name] = set()
        elif line.startswith("    ") and not line.strip().startswith("#"):
            groups[name].add(line.strip())
    return groups


def calls(word):
    return set().union(*map(calls, call_groups()[word])) if word.startswith("@") else {word}


def allowed_calls(unit):
    allowed = set()
    for value in values(unit, "SystemCallFilter"):
        for word in value.lstrip("~").split():
            if value.startswith("~"):
                allowed -= calls(word)
            else:
                allowed |= calls(word)
    return allowed


class Units(unittest.TestCase):
    def test_systemd_takes_them(self):
        """Only what is not here yet, the programs in /usr/bin, is put elsewhere."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS:
                with open(os.path.join(tree(), "usr/lib/systemd/system", unit), encoding="ascii") as file:
                    text = file.read()
                with open(os.path.join(folder, unit), "w", encoding="ascii") as file:
                    file.write(text.replace("/usr/bin/", tree() + "/usr/bin/"))
            done = run("systemd-analyze", "verify", "--man=no", *(os.path.join(folder, unit) for unit in UNITS))
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_little_is_exposed(self):
        for unit in SERVICES:
            path = os.path.join(tree(), "usr/lib/systemd/system", unit)
            done = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", path)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout).group(1)
            self.assertLessEqual(float(level), MOST_EXPOSED, unit)

    def test_what_must_be_there(self):
        self.assertEqual(set(TO_SYSTEMD) - set(lines("cervigate.service")), set())
        for unit in SERVICES:
            self.assertEqual(set(OF_EACH) - set(lines(unit)), set(), unit)
        hardening = [set(lines(unit)[lines(unit).index("CapabilityBoundingSet="):]) for unit in SERVICES]
        own = {"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "WantedBy=multi-user.target",
               "Also=cervigate.socket cervigate-selftest.timer cervigate-audit.timer cervigate-retention.timer"}
        self.assertEqual(hardening[1:3], hardening[2:4])
        self.assertEqual(hardening[0] - own, hardening[1] - {"RestrictAddressFamilies=AF_UNIX", "PrivateNetwork=yes"})
        self.assertEqual(values("cervigate.socket", "ListenStream"), ["0.0.0.0:104"])
        self.assertEqual(values("cervigate.socket", "FileDescriptorName"), ["dicom"])

    def test_how_often_timers_come(self):
        for unit, hours in (("cervigate-audit.timer", 24), ("cervigate-selftest.timer", 7 * 24), ("cervigate-retention.timer", 6)):
            said = run("systemd-analyze", "calendar", "--iterations=2", *values(unit, "OnCalendar"), env=dict(os.environ, TZ="UTC", LC_ALL="C"))
            first, second = (datetime.datetime.fromisoformat(at)
                             for at in re.findall(r"(?:Next elapse|Iter. #2): \w+ (\S+ \S+) UTC", said.stdout))
            self.assertEqual(second - first, datetime.timedelta(hours=hours), unit)

    def test_user_and_folders(self):
        root = tree()
        said = run("systemd-sysusers", f"--root={root}", "--dry-run")
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertIn("user 'cervigate'", said.stdout + said.stderr)
        with open(os.path.join(root, "usr/lib/tmpfiles.d/cervigate.conf"), encoding="ascii") as file:
            text = file.read()
        self.assertRegex(text, r"(?m)^d /var/lib/cervigate 0700 cervigate cervigate -$")
        self.assertRegex(text, r"(?m)^d /etc/cervigate 0750 root cervigate -$")
        ours = os.path.join(root, "ours.conf")  # of whoever runs this: only root may give files away
        with open(ours, "w", encoding="ascii") as file:
            file.write(re.sub(r"(0[0-7]{3}) \w+ cervigate", r"\1 - -", text))
        done = run("systemd-tmpfiles", "--create", f"--root={root}", ours)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for path, mode in (("var/lib/cervigate", 0o40700), ("etc/cervigate", 0o40750), ("etc/cervigate/cervigate.d", 0o40750),
                           ("etc/cervigate/cervigate.xml", 0o100640)):
            self.assertEqual(oct(os.stat(os.path.join(root, path)).st_mode), oct(mode), path)

    def test_another_prefix(self):
        root = install("/opt/cervigate")
        try:
            self.assertEqual(len(glob.glob(root + "/opt/cervigate/lib/systemd/system/*")), len(UNITS))
            for path in glob.glob(root + "/opt/cervigate/lib/*.d/*") + glob.glob(root + "/opt/cervigate/lib/systemd/system/*"):
                with open(path, encoding="ascii") as file:
                    text = file.read()
                self.assertNotIn("/usr/", text, path)
                if path.endswith("/cervigate.service"):
                    self.assertIn("\nExecStart=/opt/cervigate/bin/cervigated --config", text)
        finally:
            shutil.rmtree(root)


class Service(unittest.TestCase):
    """The installed programs with the shipped configuration, a socket of systemd's, and the system calls that the unit leaves."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-service-")
        cls.spool, cls.config, cls.log_path = (os.path.join(cls.folder, name) for name in ("spool", "cervigate.xml", "log"))
        with open(os.path.join(tree(), "usr/share/cervigate/cervigate.xml"), encoding="utf-8") as file:
            text = file.read()
        with open(cls.config, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/share/", tree() + "/usr/share/").replace("/var/lib/cervigate", cls.spool)
                       .replace('port="8104"', 'port="0"'))
        cls.names = os.path.join(cls.folder, "calls")
        with open(cls.names, "w", encoding="ascii") as file:
            file.write("\n".join(sorted(allowed_calls("cervigate.service"))))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def filtered(self, text):
        """A unit's command, as it would run here. Sanitizers need calls of their own."""
        words = text.replace("/usr/bin/cervigate", tree() + "/usr/bin/cervigate").replace("/etc/cervigate/cervigate.xml", self.config).split()
        return words if SANITIZED else ["/usr/bin/python3", os.path.join(HERE, "filtered.py"), self.names, *words]

    def command(self, unit, key, index=0):
        return self.filtered(values(unit, key)[index])

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def start(self, port):
        notices = os.path.join(self.folder, "notify")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.bind(notices)
        self.notices = []  # when, and its lines; read at once: who notifies waits while the queue is full
        threading.Thread(target=self.listen, args=(listener,), daemon=True).start()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{port}", "--fdname=dicom", "-E", f"NOTIFY_SOCKET={notices}",
                                             "-E", f"WATCHDOG_USEC={WATCHDOG_S * 1000000}", *self.command("cervigate.service", "ExecStart")],
                                            stdout=log, stderr=log)
        self.addCleanup(self.end)
        wait_for(lambda: "Listening on" in self.log(), 10, "the socket")

    def listen(self, listener):
        with contextlib.suppress(OSError):
            while True:
                text = listener.recv(4096).decode()
                self.notices.append((time.monotonic(), text.splitlines()))

    def told(self, line):
        return [(when, lines) for when, lines in list(self.notices) if line in lines]

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def echo(self, port):
        return run("echoscu", "-to", "20", "-aec", "CERVIGATE", "127.0.0.1", str(port)).returncode

    def test_the_node_as_its_unit_runs_it(self):
        checked = run(*self.command("cervigate.service", "ExecStartPre"))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        port = free_port()
        self.start(port)
        self.assertEqual(self.echo(port), 0, self.log())  # the first connection starts it
        wait_for(lambda: self.told("READY=1"), 10, "READY")
        wait_for(lambda: self.told("WATCHDOG=1") and self.told("WATCHDOG=1")[-1][0] - self.told("WATCHDOG=1")[0][0] > 1.5 * WATCHDOG_S, 20, "pings")
        self.assertIn(f"STATUS=mode shadow, DICOM port {port}, 0 role restarts", self.told("WATCHDOG=1")[-1][1])
        # Object child, gate, network, report and picture with these calls only; Landlock and the node's own filters within.
        wait_for(lambda: re.search(r"selftest cause=start passed=(true|false)", self.log()), 60, "the self-test")
        self.assertIn("passed=true", self.log())
        self.assertNotIn("confine-failed", self.log())
        self.reload()
        self.assertEqual(self.echo(port), 0)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(30 * PATIENCE), 0, self.log())
        wait_for(lambda: self.told("STOPPING=1"), 5, "STOPPING")
        pings = [when for when, _ in self.told("WATCHDOG=1")]
        self.assertLess(max(b - a for a, b in zip(pings, pings[1:])), WATCHDOG_S * PATIENCE, "systemd would have killed it")
        self.assertNotIn("role-died", self.log())
        verified = run(*self.command("cervigate-audit.service", "ExecStart"))
        self.assertEqual((verified.returncode, verified.stdout.splitlines()[-1]), (0, "whole    yes"), verified.stderr)
        retained = run(*self.command("cervigate-retention.service", "ExecStart"))
        self.assertEqual((retained.returncode, "(no node runs)" in retained.stdout), (0, True), retained.stdout + retained.stderr)

    def reload(self):
        self.assertEqual(run(*self.command("cervigate.service", "ExecReload")).returncode, 0)
        kill = self.filtered(values("cervigate.service", "ExecReload")[1].replace("$MAINPID", str(self.process.pid)))
        self.assertEqual(run(*kill).returncode, 0)
        wait_for(lambda: self.log().count("role-started name=console") == 2, 20, "the reload")


if __name__ == "__main__":
    unittest.main(verbosity=2)
