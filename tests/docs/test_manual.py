"""The man pages and the completion against --help; exit statuses against what is promised; the 3 a.m. card on one sheet."""
import html
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import documents as d
from documents import h

MANUAL = os.path.join(h.BUILD, "docs/man/manual")
COMPLETION = os.path.join(h.SOURCE, "scp/admin/completion.bash")


def page(name, section=1):
    return os.path.join(MANUAL, f"man{section}/{name}.{section}")


def every_page():
    return [(f"cervigate-{c}", 1) for c in d.commands()] + [("cervigate", 1), ("cervigated", 8)]


def shown(path):
    """The page as a reader sees it, in one line."""
    run = subprocess.run(["man", "-P", "cat", "-l", path], capture_output=True, text=True, env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="200", MAN_KEEP_FORMATTING=""))
    assert run.returncode == 0, run.stderr
    return re.sub(r"\s+", " ", re.sub(r".\x08", "", run.stdout))


class Pages(unittest.TestCase):
    def test_every_command_has_one_and_no_other_is_there(self):
        made = {os.path.join(f"man{s}", name) for s in (1, 8) for name in os.listdir(os.path.join(MANUAL, f"man{s}"))}
        self.assertEqual(made, {f"man{s}/{name}.{s}" for name, s in every_page()})
        self.assertGreater(len(made), 20)

    def test_man_has_no_complaint_and_apropos_finds_each(self):
        xml = os.path.join(h.BUILD, "man/cervigate.xml.5")  # config/manual writes it
        for name, path in [("cervigate.xml", xml), *((name, page(name, section)) for name, section in every_page())]:
            run = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path], capture_output=True, text=True,
                                 env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80", MANROFFSEQ=""))
            self.assertEqual((run.returncode, run.stderr), (0, ""), name)
            self.assertRegex(h.run("lexgrog", path).stdout, f'"{name} - [^"]{{10,90}}"')

    def test_what_help_says_stands_there_and_nothing_more(self):
        for name, section in every_page():
            text = d.say(name) if "-" not in name else d.help_of(name.split("-")[1])
            seen = shown(page(name, section))
            for option in d.options(text):
                self.assertIn(option, seen, name)
            extra = d.options(seen) - d.options(text)
            self.assertEqual(extra - d.options(d.read("docs/man/more.txt")) - {"--version"}, set(), name)
            for line in text.splitlines():  # every line's words, whatever the layout
                words = re.sub(r"`|\(--help there\)|  +|(?i:^usage: |^exit status: )", " ", line).split()
                if len(words) > 3 and "--help there" not in line and not re.match(r"\d|.*; \d", line):
                    self.assertIn(" ".join(words[-2:]).rstrip(".;"), seen, (name, line))

    def test_statuses_are_the_help_s(self):
        for name, section in every_page():
            text = d.say(name) if "-" not in name else d.help_of(name.split("-")[1])
            found = re.search(r"(?s)Exit status: (.*?)\.(\n\n|\n?$)", text)
            if found:
                promised = [int(n) for n in re.findall(r"(?:^|; ?\n?)(\d+)\s", found.group(1))]
                with open(page(name, section), encoding="utf-8") as f:
                    listed = [int(n) for n in re.findall(r"(?m)^\.TP\n\.B (\d+)$", f.read())]
                self.assertEqual(listed, promised, name)


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="cervigate-completion-")
        cls.config = os.path.join(cls.folder, "node.xml")
        text = d.read("config/cervigate.xml").replace("/usr/share/cervigate", h.SOURCE).replace("/var/lib/cervigate", os.path.join(cls.folder, "spool"))
        with open(cls.config, "w", encoding="utf-8") as f:
            f.write(text.replace('<peer name="pacs"', '<peer name="viewer" aeTitle="VIEWER" host="127.0.0.1" port="105"/>\n    <peer name="pacs"'))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def replies(self, *lines):
        """For each line (words, the last is what is being typed) the replies, in one bash."""
        script = [f"set -u; source '{COMPLETION}'",
                  'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _cervigate 2>&1; (IFS=" "; echo "${COMPREPLY[*]-}"); }']
        script += ["ask " + " ".join(f"'{word}'" for word in line) for line in lines]
        run = subprocess.run(["bash", "-c", "\n".join(script)], capture_output=True, text=True, cwd=self.folder,
                             env=dict(os.environ, PATH=h.BIN + ":" + os.environ["PATH"], CERVIGATE_CONFIG=self.config))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        said = [set(line.split()) for line in run.stdout.splitlines()]
        self.assertEqual(len(said), len(lines), run.stdout)
        return said

    def test_it_offers_what_help_names(self):
        commands = d.commands()
        first, *rest = self.replies(["cervigate", ""], *(["cervigate", c, "--"] for c in commands), ["cervigated", "--"])
        self.assertEqual(first, {*commands, "--help", "--version"})
        for command, offered in zip(commands, rest):
            self.assertEqual(offered, d.options(d.say("cervigate", command)) | {"--help", "--version"}, command)
        self.assertEqual(rest[-1], d.options(d.say("cervigated")) | {"--help", "--version"})

    def test_subcommands_are_those_of_the_usage(self):
        commands = [c for c in d.commands() if re.search(rf"(?m)(usage:|^ +) cervigate {c} \[?[a-z]+\b", d.say("cervigate", c))]
        self.assertIn("jobs", commands)
        for command, offered in zip(commands, self.replies(*(["cervigate", c, ""] for c in commands))):
            said = re.findall(rf"cervigate {command} \[?([a-z][a-z-]*)", d.say("cervigate", command).split("\n\n")[0])
            self.assertTrue(said, command)
            self.assertEqual(offered, set(said) if command != "status" else {"relearn"}, command)

    def test_arguments(self):
        os.mkdir(os.path.join(self.folder, "folder"))
        mode, peers, part, title, role, file, folder, onnx, sub = self.replies(
            ["cervigate", "mode", ""], ["cervigate", "echo", ""], ["cervigate", "echo", "v"], ["cervigate", "rules", "test", "--calling", ""],
            ["cervigate", "user", "add", "anna", "--role", "a"], ["cervigate", "check", "--config", "no"], ["cervigate", "check", "--model", ""],
            ["cervigate", "import", "onnx", "no"], ["cervigate", "import", "gate", "--a"])
        self.assertEqual((mode, peers, part, title), ({"shadow", "demo", "clinical"}, {"pacs", "viewer"}, {"viewer"}, {"PACS", "VIEWER"}))
        self.assertEqual((role, file, folder, onnx, sub), ({"admin"}, {"node.xml"}, {"folder"}, {"node.xml"}, {"--accept"}))

    def test_values_are_words_of_the_help(self):
        values = re.findall(r"(?m)^    (--[a-z-]+)\) echo \"([a-z -]+)\"", d.read("scp/admin/completion.bash"))
        self.assertGreater(len(values), 8)
        for option, words in values:
            helps = [d.help_of(c) for c in d.commands() if option in d.options(d.help_of(c))]
            self.assertTrue(any(all(re.search(rf"\b{w}\b", text) for w in words.split()) for text in helps), option)


class Card(unittest.TestCase):
    """docs/3am.md as docs/man/card.awk makes it for paper."""
    SHEET = os.path.join(h.BUILD, "docs/man/3am.html")

    def test_it_says_what_the_page_says(self):
        with open(self.SHEET, encoding="utf-8") as f:
            body = f.read().split("<body>")[1]
        said = html.unescape(re.sub(r"</?(?:body|html|h1|p|pre|table|tr|td|th|b|i|code)>", " ", body))
        wanted = re.sub(r"\]\([^)]*\)|(?m:^\|[-|]+$|^```.*$|^# )|[|*`[]", " ", d.read("docs/3am.md"))
        self.assertEqual(re.sub(r"\s+", "", said), re.sub(r"\s+", "", wanted))

    def test_it_is_one_sheet_of_a4(self):
        chromium = shutil.which("chromium")
        if chromium is None:
            self.skipTest("no chromium (scripts/deps --peers)")
        with tempfile.TemporaryDirectory() as folder:
            printed = os.path.join(folder, "card.pdf")
            h.run(chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={printed}", "file://" + self.SHEET)
            with open(printed, "rb") as f:
                self.assertEqual(len(re.findall(rb"/Type\s*/Page(?!s)", f.read())), 1)


class Statuses(unittest.TestCase):
    """Each status that cervigate(1) lists, brought about. 70, an error of our own, is what no test here can have."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cervigate-statuses-")
        self.config = os.path.join(self.folder, "node.xml")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"""<cervigate xmlns="urn:cervigate:config:1"><node aeTitle="CERVIGATE" port="0" spool="{self.folder}/spool" model="{h.MODEL}"/>
              <peers><peer name="gone" aeTitle="GONE" host="127.0.0.1" port="{h.free_port()}"/></peers>
              <console address="127.0.0.1" port="0" accounts="{self.folder}/accounts"/><rules><rule name="all" action="analyze"/></rules></cervigate>""")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def test_each(self):
        there = os.path.join(self.folder, "there")
        with open(there, "w", encoding="utf-8") as f:
            f.write("no image, no backup")
        found = {}
        for expected, *words in ((0, "mode"), (1, "user", "remove", "nobody"), (64, "jobs", "frobnicate"), (64, "frobnicate"), (64, "status", "--frobnicate"),
                                 (65, "predict", there), (65, "restore", there), (66, "predict", there + ".png"), (66, "jobs", "list"),
                                 (69, "echo", "gone"), (73, "simulate", "--days", "1", "--plot", "/proc/no.svg"), (78, "check", "--config", there)):
            run = subprocess.run([os.path.join(h.BIN, "cervigate"), *words], capture_output=True, text=True, env=dict(os.environ, CERVIGATE_CONFIG=self.config))
            self.assertEqual(run.returncode, expected, (words, run.stderr))
            self.assertTrue(expected == 0 or run.stderr.strip() or run.stdout.strip(), words)
            found[expected] = words
        with open("/dev/full", "w", encoding="utf-8") as full:
            for words in (["--help"], ["--version"], ["check", "--help"]):
                self.assertEqual(subprocess.run([os.path.join(h.BIN, "cervigate"), *words], stdout=full, stderr=subprocess.DEVNULL).returncode, 74, words)
        promised = re.search(r"(?s)Exit status: (.*)", d.say("cervigate")).group(1)
        self.assertEqual({*found, 74, 70}, {int(n) for n in re.findall(r"(?:^|;\s)(\d+) ", promised)})


if __name__ == "__main__":
    unittest.main(verbosity=2)
