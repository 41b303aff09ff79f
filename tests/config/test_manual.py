"""One table of options: what it says is in the manual page, in the sample's comments and in the schema's documentation, word for word."""
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(TREE, "build/release"))
MANUAL = os.path.join(BUILD, "bin/conf_manual")
PAGE = os.path.join(BUILD, "man/cervigate.xml.5")
XS = "{http://www.w3.org/2001/XMLSchema}"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def options():
    """(element, attribute, default or None) of the schema."""
    for element in ElementTree.parse(os.path.join(TREE, "config/cervigate.xsd")).getroot().iter(XS + "element"):
        for attribute in element.findall(f"{XS}complexType/{XS}attribute"):
            yield element.get("name"), attribute.get("name"), attribute.get("default")


class Manual(unittest.TestCase):
    def same(self, kind, name):
        path = os.path.join(TREE, "config", name)
        said = subprocess.run([MANUAL, kind, path], capture_output=True, text=True, encoding="utf-8", timeout=60)
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertTrue(said.stdout == read(path), f"{name} is not as the table has it: scripts/manual writes it")

    def test_the_sample_is_the_tables(self):
        self.same("sample", "cervigate.xml")

    def test_the_schema_is_the_tables(self):
        self.same("schema", "cervigate.xsd")

    def test_every_option_is_in_the_sample(self):
        """By name in its element's comment, and, where the element stands there, with its default."""
        sample = read(os.path.join(TREE, "config/cervigate.xml"))
        comments = {m.group(1): m.group(0) for m in re.finditer(r"  <!-- <(\w+)>  .*?-->", sample, re.S)}
        blocks = {"model": "models", "ae": "aes", "caller": "callers", "peer": "peers", "destination": "destinations", "rule": "rules",
                  "match": "rules", "ups": "announcements", "hl7": "announcements", "profile": "announcements", "webhook": "announcements"}
        count = 0
        for element, attribute, default in options():
            count += 1
            comment = comments[blocks.get(element, element)]
            self.assertRegex(comment, rf"(?m)^ {{7}}(\w+, )*{attribute}(, \w+)*( |$)", f"<{element} {attribute}>")
            if default is None:
                continue
            if element in ("model", "ae", "caller", "rule", "ups", "hl7", "profile", "webhook"):  # not there, or not with all: told in words
                told = [re.sub(r"\s+", " ", m.group(0)) for m in re.finditer(rf"(?m)^ {{7}}(\w+, )*{attribute}(, \w+)*\s(.*\n {{9,}})*.*", comment)]
                wanted = rf"Default: (.*, )?{re.escape(default or 'empty')}(, .*)?\."
                self.assertTrue(any(re.search(wanted, words) for words in told), f"<{element} {attribute}> {default}: {told}")
            else:
                self.assertRegex(sample, rf'<{element} [^>]*\b{attribute}="{re.escape(default)}"', f"<{element} {attribute}>")
        self.assertGreater(count, 200)

    def test_the_page(self):
        page, shown = read(PAGE), subprocess.run([MANUAL, "page"], capture_output=True, text=True, encoding="utf-8", timeout=60)
        self.assertEqual((shown.returncode, shown.stdout), (0, page))
        for _, attribute, default in options():
            self.assertRegex(page, rf"(?m)^\.B (\w+, )*{attribute}(, \w+)*$")
        self.assertIn("default: 11112.", page)
        try:
            said = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", PAGE], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True, timeout=60, env=dict(os.environ, MANROFFSEQ=""))
        except FileNotFoundError:
            self.skipTest("no man")
        self.assertEqual((said.returncode, said.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
