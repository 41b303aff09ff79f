"""What the tests of documents share: the tree's pages, and what the programs say of themselves."""
import functools
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import harness as h  # noqa: E402


def pages():
    """Every Markdown page of the tree, from its top."""
    found = glob.glob(h.SOURCE + "/*.md") + glob.glob(h.SOURCE + "/docs/**/*.md", recursive=True) + glob.glob(h.SOURCE + "/models/*/*.md")
    return sorted(os.path.relpath(path, h.SOURCE) for path in found)


def read(path):
    with open(os.path.join(h.SOURCE, path), encoding="utf-8") as f:
        return f.read()


@functools.lru_cache(maxsize=None)
def say(*words):
    """What a program of ours prints for --help."""
    said = subprocess.run([os.path.join(h.BIN, words[0]), *words[1:], "--help"], capture_output=True, text=True, timeout=60 * h.PATIENCE)
    assert said.returncode == 0, (words, said.stderr)
    return said.stdout


def commands():
    return re.findall(r"(?m)^  ([a-z]+) ", say("cervigate"))


def help_of(command, word=""):
    """The help of a command with those of its parts that have one of their own, or of `cervigate COMMAND WORD` alone."""
    text = say("cervigate", command)
    parts = re.findall(rf"cervigate {command} ([a-z-]+) .*\(--help there\)", text)
    if word:
        return say("cervigate", command, word) if word in parts else text
    return "".join([text, *(say("cervigate", command, part) for part in parts)])


def options(text):
    return set(re.findall(r"(?<![-\w`])--[a-z][a-z-]*", re.sub(r"`[^`]*`", "", text))) - {"--help"}


def blocks(path):
    """[(info words, text)] of a page's fenced blocks."""
    return [(info.split(), text) for info, text in re.findall(r"(?ms)^```([^\n]*)\n(.*?)^```$", read(path))]
