"""Every page: its links lead somewhere, the files that it names are there, its commands are ones that the programs take. Addresses outside (two,
doi.org and dicomstandard.org) are not tried: here, as on 2026-11-28 when that was, is no network.
"""
import fnmatch
import os
import re
import subprocess
import unittest

import documents as d
from documents import h

# Programs of others in blocks with needs=...; what other blocks name is there, since they are run (test_commands.py).
OTHERS = {"apt-get", "awk", "cmake", "ctest", "echo", "echoscu", "sleep", "storescu", "editor", "ssh", "systemctl", "systemd-sysusers", "systemd-tmpfiles"}
OURS = ("cervigate", "cervigated")
CODING_SCHEME = "cervigate codes"
# Pages of a day: what they say of a file was true then.
OF_A_DAY = ("docs/reliability/", "docs/protocol/", "docs/fresh-machine.md", "CHANGELOG.md", "docs/arm64.md", "docs/fuzzing.md", "docs/performance.md", "docs/results-campaign.md", "docs/package-campaign.md", "docs/parity.md")


def bare(text):
    """A page without its fenced blocks."""
    return re.sub(r"(?ms)^```.*?^```$", "", text)


def anchor(heading):
    """As GitHub makes it."""
    heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.strip()).replace("`", "")
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors(path):
    found = [anchor(line) for line in re.findall(r"(?m)^#+ (.*)$", bare(d.read(path)))]
    return {name if found[:i].count(name) == 0 else f"{name}-{found[:i].count(name)}" for i, name in enumerate(found)}


def commands(text):
    """The simple commands of a shell text, as lists of words; variables, redirections and substitutions stay words."""
    text = re.sub(r"\$\{[^}]*\}", "VALUE", re.sub(r"\\\n\s*", " ", text))
    text = re.sub(r"<<-?'?(\w+)'?\n(.*?)\n\1\n", "\n", text, flags=re.S)
    for line in text.splitlines():
        line = re.sub(r"(^|\s)#.*$", "", line)
        while (inner := re.search(r"\$\(([^()]*)\)", line)):
            yield from commands(inner.group(1))
            line = line[:inner.start()] + "VALUE" + line[inner.end():]
        line = re.sub(r"\"[^\"]*\"|'[^']*'", "TEXT", line)
        for simple in re.split(r"\|\||&&|[|;{}&]", line):
            words = [w for w in simple.split() if not re.match(r"[0-9]*[<>]", w)]
            while words and re.match(r"\w+=|(for|do|done|while|if|then|else|fi|in|!)$", words[0]):
                words = words[1:] if words[0] != "for" else []
            if words:
                yield words


def in_a_script(option):
    return subprocess.run(["git", "grep", "-qF", "-e", option, "--", "scripts", "tests"], cwd=h.SOURCE).returncode == 0


def complaint(words, is_untried):
    """What is wrong with a command of a page, or nothing. is_untried: it is run by no test."""
    program = os.path.basename(words[0])
    if words[0].startswith(("scripts/", ".ci/", "tests/")):
        if not os.access(os.path.join(h.SOURCE, words[0]), os.X_OK):
            return f"{words[0]} is no program of the tree"
        return next((f"{words[0]} has no {w}" for w in words[1:] if w.startswith("--") and not in_a_script(w.split("=")[0])), None)
    if program not in OURS:
        return f"{program} is not among the programs that pages may name" if is_untried and program not in OTHERS else None
    if program == "cervigated":
        text = d.say("cervigated")
    elif len(words) == 1 or words[1] in ("--help", "--version", "COMMAND"):
        return None
    elif words[1] not in d.commands():
        return f"cervigate has no command {words[1]}"
    else:
        word = words[2] if len(words) > 2 and re.match(r"[a-z-]+$", words[2]) else ""
        text = d.help_of(words[1], word)
        usage = text.split("\n\n")[0]
        subcommands = set(re.findall(rf"cervigate {words[1]} \[?([a-z][a-z-]*)", usage)) - {"relearn"}
        if word and not words[2].startswith("-") and subcommands and word.rstrip(",") not in re.findall(r"[a-z][a-z-]*", usage):
            return f"cervigate {words[1]} has no {word}"
    known = d.options(text) | {"--help", "--version"}
    return next((f"cervigate {words[1]} has no {w}" for w in words[1:] if w.startswith("--") and w.split("=")[0].rstrip(",.") not in known), None)


def is_shell(text):
    """Whether an untagged block is a shell's: a line of it begins with a program that could be run."""
    return re.search(r"(?m)^(cervigated?|scripts/\w+|\.ci/run|cmake|storescu|echoscu|systemctl|build/\S+/cervigate) ", text + " ")


def is_run(command, word, option, texts):
    """Whether one of the texts has them behind each other, as words of a command or as strings of a program that runs it."""
    behind = rf"\b{command}[ _]{word}\b" if word else rf"\b{command}\b"
    return bool(re.search(behind + (rf"(?s:.{{0,400}}?){option}(?![\w-])" if option else ""), texts))


class Documents(unittest.TestCase):
    maxDiff = None

    def test_links(self):
        bad = []
        for page in d.pages():
            for target in re.findall(r"\]\(([^)\s]+)\)", bare(d.read(page))):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, name = target.partition("#")
                full = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
                if not os.path.exists(os.path.join(h.SOURCE, full)):
                    bad.append(f"{page}: {target}: there is no {full}")
                elif name and full.endswith(".md") and name not in anchors(full):
                    bad.append(f"{page}: {target}: no heading of that name")
        self.assertEqual(bad, [])

    def test_every_page_can_be_reached_from_the_readme(self):
        seen, todo = set(), ["README.md"]
        while todo:
            page = todo.pop()
            if page in seen or not os.path.exists(os.path.join(h.SOURCE, page)):  # the latter: test_links
                continue
            seen.add(page)
            todo += [os.path.normpath(os.path.join(os.path.dirname(page), t)) for t in re.findall(r"\]\(([^)#\s]+\.md)", bare(d.read(page))) if not re.match(r"[a-z]+:", t)]
        self.assertEqual([p for p in d.pages() if p not in seen and p != "CHANGELOG.md"], [])

    def test_files_that_are_named_are_there(self):
        tree = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout.split("\n")
        folders = {os.path.dirname(f) for f in tree}
        bad = []
        for page in d.pages():
            if page.startswith(OF_A_DAY):
                continue
            for name in set(re.findall(r"`([\w./*-]+)`", bare(d.read(page)))):
                if re.match(r"(scp|dicom|classifier|config|sr_templates|systemd|tests|scripts|docs|models)/", name):
                    name = name.rstrip("/")
                    if name in folders or any(fnmatch.fnmatch(f, name) or fnmatch.fnmatch(f, name + ".*") for f in tree):
                        continue
                elif re.search(r"\w\.(c|h|cc|hh|py)$", name):
                    if any(fnmatch.fnmatch("/" + f, "*/" + name) for f in tree):
                        continue
                else:
                    continue
                bad.append(f"{page}: {name}")
        self.assertEqual(bad, [])

    def test_every_source_file_stands_in_the_architecture(self):
        """By its name without its ending, or by a pattern; classifier/'s and scp/admin/'s by their folder, too."""
        tree = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "classifier", "scp", "dicom", "config", "sr_templates"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout.split()
        named = {os.path.splitext(os.path.basename(name))[0] for name in re.findall(r"`([\w./*-]+)`", bare(d.read("docs/architecture.md")))}
        named |= {name[3:] for name in named if name.startswith("dx_")}  # the body of a face
        missing = [f for f in tree if f.endswith((".c", ".h", ".cc", ".hh")) and os.path.exists(os.path.join(h.SOURCE, f)) and
                   not any(fnmatch.fnmatch(os.path.splitext(os.path.basename(f))[0], name) for name in named)]
        self.assertEqual(missing, [])
        for room, table in (("classifier", "### Inside `classifier/`"), ("scp/admin", "| in `scp/admin/` |")):
            rows = d.read("docs/architecture.md").split(table)[1].split("\n\n###")[0]
            folders = {os.path.dirname(f)[len(room) + 1:] for f in subprocess.run(["git", "ls-files", room + "/*/*.c"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout.split()}
            self.assertEqual([f for f in folders if f"`{f}/`" not in rows], [])

    def test_every_script_room_of_tests_and_hook_stands_there(self):
        page = d.read("docs/architecture.md") + d.read("docs/man/more.txt")  # what everybody may set
        tree = subprocess.run(["git", "ls-files", "scripts", "tests"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout.split()
        wanted = {f for f in tree if f.startswith("scripts/")} | {"/".join(f.split("/")[:2]) + "/" for f in tree if f.count("/") > 1}
        sources = subprocess.run(["git", "grep", "-hoE", r'getenv\("CERVIGATE_[A-Z_]+"', "--", "scp", "classifier", "dicom"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout
        wanted |= set(re.findall(r"CERVIGATE_[A-Z_]+", sources))
        self.assertEqual(sorted(name for name in wanted if name not in page), [])

    def test_the_guide_s_ports_are_the_schema_s(self):
        rows = d.read("docs/administrator.md").split("\n## Ports\n")[1].split("\n## ")[0].split("\n")
        schema = d.read("config/cervigate.xsd")
        named = [(row, element) for row in rows for element in re.findall(r"`<(\w+) port>`", row)]
        self.assertEqual({element for _, element in named}, {"node", "tls", "orders", "console", "hl7", "audit"})
        for row, element in named:
            default = re.search(rf'(?s)<xs:element name="{element}"[ >].*?<xs:attribute name="port"[^>]* default="(\d+)"', schema).group(1)
            self.assertRegex(row, rf"\b{default}\b")
        self.assertIn(re.search(r"(?m)^ListenStream=\S+:(\d+)$", d.read("systemd/cervigate.socket")).group(1) + " TCP", named[0][0])

    def test_every_block_says_what_it_is(self):
        bad = []
        for page in d.pages():
            for info, text in d.blocks(page):
                if info[:1] != ["sh"] and info[:1] != ["text"] and is_shell(text):
                    bad.append(f"{page}: a block of shell without sh: {text.splitlines()[0]}")
                if info[:1] == ["sh"] and not all(re.match(r"exit=|needs=", word) for word in info[1:]):
                    bad.append(f"{page}: {info}")
        self.assertEqual(bad, [])

    def test_every_command_is_one(self):
        bad, seen = [], 0
        for page in d.pages():
            texts = [(text, any(w.startswith("needs=") for w in info)) for info, text in d.blocks(page) if info[:1] == ["sh"]]
            texts += [(re.sub(r"[][]", "", code).split("|")[0], False) for code in re.findall(r"`([^`\n]+)`", bare(d.read(page))) if re.match(r"(cervigated? |scripts/\w+ )", code) and code != CODING_SCHEME]
            for words, is_untried in ((w, untried) for text, untried in texts for w in commands(text + "\n")):
                seen += 1
                wrong = complaint(words, is_untried)
                if wrong:
                    bad.append(f"{page}: {' '.join(words)}: {wrong}")
        self.assertEqual(bad, [])
        self.assertGreater(seen, 150)

    def test_every_command_that_is_not_run_as_it_stands_is_run_by_a_test(self):
        """Of `cervigate`, the commands and options in sentences, and in blocks with needs=: test_commands.py runs the other blocks."""
        tree = subprocess.run(["git", "ls-files", "tests/*.py", "scripts", "debian/tests"], cwd=h.SOURCE, capture_output=True, text=True, check=True).stdout.split()
        texts = re.sub(r"""["',\s()\[\]]+""", " ", "\n".join(d.read(f) for f in tree if f != "tests/docs/test_documents.py"))
        named = set()
        for page in d.pages():
            if page == "CHANGELOG.md":
                continue
            for info, text in d.blocks(page):
                if info == ["sh"]:
                    texts += " " + re.sub(r"\s+", " ", text)
            wanted = [text for info, text in d.blocks(page) if info[:1] == ["sh"] and info != ["sh"]]
            wanted += [re.sub(r"[][]", "", code).split("|")[0] for code in re.findall(r"`(cervigate [^`\n]+)`", bare(d.read(page))) if code != CODING_SCHEME]
            for words in (w for text in wanted for w in commands(text + "\n") if os.path.basename(w[0]) == "cervigate" and w[1:] and w[1][0] != "-" and w[1] != "COMMAND"):
                word = words[2] if len(words) > 2 and re.fullmatch(r"[a-z][a-z-]+", words[2]) else ""
                named |= {(words[1], word, option.split("=")[0]) for option in ("", *(w for w in words[1:] if w.startswith("--")))}
        self.assertGreater(len(named), 100)
        self.assertEqual(sorted(each for each in named if not is_run(*each, texts)), [])

    def test_every_example_of_a_man_page_is_a_command(self):
        examples = re.findall(r"(?m)^  (cervigated? .*)$", d.read("docs/man/more.txt"))
        self.assertGreater(len(examples), 20)
        self.assertEqual([(line, wrong) for line in examples for words in commands(line) if (wrong := complaint(words, False))], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
