"""A strict reader of Prometheus' text format 0.0.4: what it does not take, a scraper might misread."""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
TYPES = {"counter", "gauge", "histogram"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


class Exposition:
    """types: {family: type}; samples: {(name, ((label, value), ...)): number}."""

    def __init__(self, text):
        self.types, self.helps, self.samples = {}, {}, {}
        if not text.endswith("\n"):
            raise ValueError("the last line has no end")
        family = None
        for line in text[:-1].split("\n"):
            if line.startswith("# HELP "):
                family, words = re.fullmatch(rf"# HELP ({NAME}) (.+)", line).groups()
                if family in self.helps:
                    raise ValueError(f"{family} comes twice")
                self.helps[family] = words
            elif line.startswith("# TYPE "):
                name, kind = re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line).groups()
                if name != family or kind not in TYPES or name in self.types:
                    raise ValueError(line)
                self.types[name] = kind
            else:
                self.take(line, family)
        for family, kind in self.types.items():
            if kind == "histogram":
                self.check_histogram(family)

    def take(self, line, family):
        match = SAMPLE.fullmatch(line)
        if not match:
            raise ValueError(f"no sample: {line}")
        name, labels, value = match.group(1), match.group(2) or "", match.group(match.re.groups)
        if name not in [family + s for s in SUFFIXES[self.types[family]]]:
            raise ValueError(f"{name} among those of {family}")
        pairs = tuple(sorted((k, v) for k, v in re.findall(LABEL, labels)))
        if len({k for k, _ in pairs}) != len(pairs) or (name, pairs) in self.samples:
            raise ValueError(f"twice: {line}")
        number = float(value)
        if math.isnan(number) or (self.types[family] != "gauge" and number < 0):
            raise ValueError(line)
        self.samples[name, pairs] = number

    def value(self, name, **labels):
        return self.samples[name, tuple(sorted(labels.items()))]

    def sum(self, name):
        return sum(v for (n, _), v in self.samples.items() if n == name)

    def check_histogram(self, family):
        rows = {}
        for (name, pairs), value in self.samples.items():
            if name == family + "_bucket":
                rest = tuple(p for p in pairs if p[0] != "le")
                rows.setdefault(rest, []).append((float(dict(pairs)["le"]), value))
        if not rows:
            raise ValueError(f"{family} has no buckets")
        for rest, buckets in rows.items():
            bounds, counts = zip(*buckets)
            if list(bounds) != sorted(set(bounds)) or list(counts) != sorted(counts) or bounds[-1] != math.inf:
                raise ValueError(f"buckets of {family} {rest}")
            if self.samples[family + "_count", rest] != counts[-1] or (counts[-1] == 0) != (self.samples[family + "_sum", rest] == 0):
                raise ValueError(f"count of {family} {rest}")
