"""What a node's configuration and its models' cards say, read anew; and what its programs say when they are asked (`cervigate worklist`,
`replay`, `status`). Judges nothing: checker.py compares."""
import functools
import hashlib
import json
import os
import subprocess
import xml.etree.ElementTree as xml

CONFIG = "{urn:cervigate:config:1}"
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CERVIGATE_BUILD", os.path.join(SOURCE, "build/release"))
AGEING, DELAY, LISTED = 86400, 28800, 10000  # what <priority> has where the configuration does not say


@functools.lru_cache
def digest_of(path, _written):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Card:
    """A model's card, and the digest of its weights as they are on the disk."""

    def __init__(self, folder):
        card = xml.parse(os.path.join(folder, "model.xml")).getroot()
        self.name, self.version = card.get("name"), card.get("version")
        classes = sorted(card.iter("class"), key=lambda c: int(c.get("number")))
        self.points = [float(c.get("operating-point")) if c.get("finding") == "true" else None for c in classes]
        path = os.path.join(folder, "weights.safetensors")
        self.weights = digest_of(path, os.stat(path).st_mtime_ns)

    def margins(self, scores):
        """Of each finding that the scores reach: (how far above its operating point, as a part of what there is above it; the score; the point)."""
        reached = [(s, p) for s, p in zip(scores, self.points) if p is not None and s >= p]
        return sorted(((s - p) / (1 - p) if p < 1 else s - p, s, p) for s, p in reached)


class Words:
    """`config`: the configuration that the node was started with."""

    def __init__(self, config, environment=None):
        self.config = config
        self.environment = dict(environment or os.environ, CERVIGATE_CONFIG=config)
        root = xml.parse(config).getroot()
        node = root.find(CONFIG + "node")
        folders = [m.get("folder") for m in root.iter(CONFIG + "model")] or [node.get("model")]
        self.cards = [Card(f) for f in folders if f]
        priority = root.find(CONFIG + "priority")
        said = priority.attrib if priority is not None else {}
        self.ageing_ms = 1000 * int(said.get("ageing", AGEING))
        self.delay_ms, self.listed = 1000 * int(said.get("delay", DELAY)), int(said.get("list", LISTED))
        self.mutes = any(rule.get("priority") == "never" for rule in root.iter(CONFIG + "rule"))

    def card(self, names):
        """The card of a model that is named so, and not otherwise."""
        return next((c for c in self.cards if names == {c.name}), None)

    def lines(self, *words):
        """(exit status, the JSON lines of a command)."""
        said = subprocess.run([os.path.join(BUILD, "bin/cervigate"), *words, "--json"], env=self.environment, capture_output=True, text=True,
                              timeout=300)
        return said.returncode, [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]

    def worklist(self):
        return self.lines("worklist")[1]

    def replay(self, uid):
        return self.lines("replay", uid)

    def status(self):
        return self.lines("status")[1]
