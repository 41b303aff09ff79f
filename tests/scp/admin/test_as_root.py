"""What an administrator orders as root on a node that runs as a user of its own: the node can read it, and every file in the spool stays its user's."""
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "e2e"))
import harness as h  # noqa: E402

if os.geteuid() != 0:
    print("skipped: becoming another user needs root")
    sys.exit(77)
USER = pwd.getpwnam("nobody")
AS_USER = ("setpriv", "--reuid", str(USER.pw_uid), "--regid", str(USER.pw_gid), "--clear-groups")


class AsRoot(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-as-root-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.chmod(self.folder, 0o755)
        for name in ("cervigate", "cervigated"):  # a checkout may lie where only root gets
            shutil.copy(os.path.join(h.BIN, name), self.path(name))
        shutil.copytree(os.path.join(h.SOURCE, "models/cervigate-phantom"), self.path("model"))
        shutil.copytree(os.path.join(h.SOURCE, "sr_templates"), self.path("templates"))
        self.use("spool")

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def use(self, spool):
        """A spool as the package makes it: an empty folder of the node's user."""
        self.spool = self.path(spool)
        os.mkdir(self.spool, 0o700)
        os.chown(self.spool, USER.pw_uid, USER.pw_gid)
        with open(self.path("node.xml"), "w", encoding="utf-8") as file:
            file.write(f'<cervigate xmlns="urn:cervigate:config:1"><node aeTitle="CERVIGATE" port="0" address="127.0.0.1" spool="{self.spool}" model="{self.path("model")}"/>'
                       f'<report templates="{self.path("templates")}"/><rules><rule name="all" action="analyze"/></rules></cervigate>')

    def start(self):
        with open(self.path("log"), "ab") as log:
            node = subprocess.Popen([*AS_USER, self.path("cervigated"), "--config", self.path("node.xml"), "--foreground"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        h.wait_for(lambda: node.poll() is not None or f"pid={node.pid}\n" in self.facts(), 60, "the node")
        self.assertIsNone(node.poll(), self.log())
        return node

    def facts(self):
        path = os.path.join(self.spool, "run/node")
        if not os.path.exists(path):
            return ""
        with open(path, encoding="ascii") as file:
            return file.read()

    def stop(self, node):
        node.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(60 * h.PATIENCE), 0, self.log())

    def log(self):
        with open(self.path("log"), encoding="utf-8") as file:
            return file.read()

    def say(self, *words, expected=(0,), user=()):
        done = h.run(*user, self.path("cervigate"), *words, env=dict(os.environ, CERVIGATE_CONFIG=self.path("node.xml")))
        self.assertIn(done.returncode, expected, (words, done.stdout, done.stderr, self.log()))
        return done.stdout

    def all_is_the_users(self):
        others = [os.path.join(folder, name) for folder, folders, files in os.walk(self.spool) for name in folders + files
                  if os.lstat(os.path.join(folder, name)).st_uid != USER.pw_uid]
        self.assertEqual(others, [])

    def test_what_root_orders(self):
        node = self.start()
        self.say("mode", "demo")
        self.assertEqual(self.say("mode", user=AS_USER), "demo\n", "the mode as the node reads it")
        self.say("backup", self.path("backup.tar.gz"))
        self.stop(node)
        self.say("store", "--downgrade", "5")
        self.stop(self.start())
        self.all_is_the_users()

        self.use("new")
        self.say("restore", self.path("backup.tar.gz"))
        self.all_is_the_users()
        self.stop(self.start())
        self.assertEqual(self.say("mode", user=AS_USER), "demo\n", "the mode as the node reads it")
        self.assertRegex(self.say("audit", "verify"), r"whole +yes")
        self.all_is_the_users()
        self.assertNotIn("audit-failed", self.log())


if __name__ == "__main__":
    unittest.main()
