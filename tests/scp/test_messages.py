#!/usr/bin/python3
"""Every message id of the code is in the table (scp/log_messages.c) and on the page (docs/messages.md), and the other way round; none is a
retired one; the schema's areas are the table's."""
import glob
import os
import re
import subprocess
import unittest

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ID = r'"([a-z0-9]+(?:-[a-z0-9]+)*)"'


def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def arguments(text, at):
    """The text of each argument of a call whose parenthesis is at `at`."""
    depth, begin, i, out = 0, at + 1, at, []
    while True:
        c = text[i]
        if c == '"':
            i = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, i).end()
            continue
        depth += c in "([{"
        depth -= c in ")]}"
        if depth == 0 or (depth == 1 and c == ","):
            out.append(text[begin:i].strip())
            begin = i + 1
        if depth == 0:
            return out
        i += 1


def said_in(path):
    """(ids that log_event may be given in this file, calls whose id could not be told)."""
    text, ids, unknown = read(path), set(), []
    tables = "".join(re.findall(r"\bevents\[\]\s*=\s*\{(.*?)\};", text, re.S))
    for call in re.finditer(r"\blog_event\(", text):
        event = arguments(text, call.end() - 1)[1]
        literals = set(re.findall(ID, event))
        if not literals and re.fullmatch(r"event|events\[[^]]*\]", event):
            literals = set(re.findall(ID, tables))
        if not literals and event == "helper->ended":
            literals = set(re.findall(r'"([a-z]+-ended)"', read("scp/receive/receive.c")))
        ids |= literals
        if not literals:
            unknown.append((path, event))
    return ids, unknown


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.table = re.findall(r'\{"([^"]+)", LOG_([A-Z]+), LOG_(OURS|OTHERS)\}', read("scp/log_messages.c"))
        page, retired = read("docs/messages.md").split("## Retired")
        cls.page = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.M)
        cls.retired = re.findall(r"^\| `([^`]+)` \|", retired, re.M)

    def test_table_and_page_say_the_same(self):
        ids = [row[0] for row in self.table]
        self.assertGreater(len(ids), 100)
        self.assertEqual(ids, sorted(set(ids)), "in order, each once: they are searched by halves")
        self.assertEqual([(i, a.lower()) for i, a, _ in self.table], [(i, a) for i, a, _, _ in self.page])
        for message, _, cause, remedy in self.page:
            self.assertTrue(cause.strip() and remedy.strip(), message)
        self.assertFalse(set(self.retired) & set(ids), "a retired id is not given to something else")
        self.assertEqual(len(self.retired), len(set(self.retired)))

    def test_code_and_table_say_the_same(self):
        said, unknown = set(), []
        for path in glob.glob("scp/**/*.c", root_dir=SOURCE, recursive=True):
            if path == "scp/log.c":
                continue
            ids, more = said_in(path)
            said, unknown = said | ids, unknown + more
        said |= set(re.findall(r'log_message_of\(' + ID, read("scp/log.c")))
        self.assertEqual(unknown, [])
        table = {row[0] for row in self.table}
        self.assertEqual((said - table, table - said), (set(), set()))

    def test_no_key_is_one_of_a_lines_head(self):
        """Most readers of JSON keep the last of two equal keys: what the head says of the line would be lost."""
        head = set(re.findall(r'\\"(\w+)\\":', re.search(r"log_as_json\(.*?line->area", read("scp/log_fields.c"), re.S).group()))
        self.assertEqual(head, {"time", "level", "role", "pid", "message", "area"})
        again = []
        for path in glob.glob("scp/**/*.c", root_dir=SOURCE, recursive=True):
            text = read(path)
            for call in re.finditer(r"\blog_event\(" if path != "scp/log.c" else r"\bsnprintf\(", text):
                for said in re.findall(r'"((?:[^"\\]|\\.)*)"', " ".join(arguments(text, call.end() - 1)[2:])):
                    again += [(path, said) for key in re.findall(r"(?:^| )([a-z0-9_]+)=", said) if key in head]
        self.assertEqual(again, [])

    def test_no_id_was_lost(self):
        """What an earlier commit had in its table is still there, or retired."""
        if not os.path.exists(os.path.join(SOURCE, ".git")):
            self.skipTest("no git repository: a source package")
        done = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "log", "--format=%H", "--", "scp/log_messages.c"], capture_output=True, text=True, check=True)
        self.assertTrue(done.stdout.split())
        kept = {row[0] for row in self.table} | set(self.retired)
        for commit in done.stdout.split():
            old = subprocess.run(["git", "-c", "safe.directory=*", "-C", SOURCE, "show", f"{commit}:scp/log_messages.c"], capture_output=True, text=True, check=True).stdout
            self.assertFalse({i for i in re.findall(r'\{"([^"]+)", LOG_', old)} - kept, f"of {commit[:10]}: retire them in docs/messages.md")

    def test_the_schema_knows_the_areas(self):
        areas = re.findall(r'X\(LOG_\w+, "(\w+)"\)', read("scp/log_messages.h"))
        schema = re.search(r'name="logArea">(.*?)</xs:simpleType>', read("config/cervigate.xsd"), re.S).group(1)
        self.assertEqual(areas, re.findall(r'enumeration value="(\w+)"', schema))


if __name__ == "__main__":
    unittest.main()
