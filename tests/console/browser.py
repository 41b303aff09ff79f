"""Chromium with the console open, driven by drive.mjs; a node with accounts; what is needed and may be missing."""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
import harness as h  # noqa: E402

MODULES = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
DESK, PHONE = (1280, 720), (390, 844)


def lacking():
    modules = [p for p in ("playwright-core", "axe-core") if not os.path.exists(os.path.join(MODULES, p, "package.json"))]
    return modules + [c for c in ("node", "chromium") if shutil.which(c) is None]


def leave_if_missing():
    if lacking():
        print("skipped: no " + ", ".join(lacking()) + " (scripts/deps --peers)")
        sys.exit(77)


class Browser:
    def __init__(self):
        self.said, self.hosts, self.who = [], [], None
        self.process = subprocess.Popen(["node", os.path.join(HERE, "drive.mjs"), MODULES, shutil.which("chromium")], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.version = self.read()["browser"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the browser ended")
        return json.loads(line)

    def do(self, name, **arguments):
        self.process.stdin.write(json.dumps({"do": name, **arguments}) + "\n")
        self.process.stdin.flush()
        answer = self.read()
        self.said += answer["said"]
        self.hosts = answer["hosts"]
        if "error" in answer:
            raise AssertionError(f"{name} {arguments}: {answer['error']}; {answer['said']}")
        return answer["answer"]

    def see(self, expression):
        return self.do("see", expression=expression)

    def until(self, expression, seconds=10):
        return self.do("until", expression=expression, seconds=seconds * h.PATIENCE)

    def press(self, *keys):
        self.do("press", keys=keys)

    def text(self, selector):
        return self.see(f"document.querySelector({json.dumps(selector)})?.textContent ?? null")

    def sign_in(self, url, name, password, size=DESK, touch=False):
        self.do("visit", url=url, width=size[0], height=size[1], touch=touch)
        self.until("document.querySelector('form.login')")
        self.do("fill", selector="input[name=name]", text=name)
        self.do("fill", selector="input[name=password]", text=password)
        self.press("Enter")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
