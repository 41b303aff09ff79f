"""I6: the listener answers. Parts of checker.py.

An echo may fail, or be late, for two reasons only:
- nobody listened: the ledger has when the listener's process was last there and when another one was ("listener" lines, by a watch of the
  machine's processes; without such, the deaths of whom nothing is answered). From then on until the first answered echo, RESTART seconds after
  the new process at most. A listener that went without a death in the ledger excuses nothing.
- its own process died under it, while the echo was under way: an association's, or any, since the committer died, with which the open
  associations are dropped (scp/receive/receive.c). The death of anybody else excuses nothing."""
from check_base import Judge

ECHO_MS = 1000
RESTART = 5  # seconds within which a listener that is there again must answer
DRAIN = 20   # seconds for a node that is stopped to end
SEEN = 0.1   # seconds between what happens and the line of it
LISTENING = ("receive", "supervisor", "all", "stop", "point")  # without whom nothing is answered
ANSWERING = ("association", "committer", "point")  # whose death cuts off the echo that is under way


class Echoes(Judge):
    def answered_echoes(self):
        self.away = [self.until_answered(*absence) for absence in self.absences()]
        for line in self.e.echoes:
            if line["outcome"] == "0000" and line["ms"] <= ECHO_MS * self.slow:
                continue
            if self.is_excused(line):
                self.excused += 1
            else:
                self.broken("I6", f"an echo at {line['time']}: {line['outcome']} after {line['ms']} ms")
        last = max((d["time"] for d in self.e.deaths), default=None)
        if self.settled and last is not None and not any(e["outcome"] == "0000" and e["time"] > last for e in self.e.echoes):
            self.broken("I6", "no echo was answered after the last death")

    def absences(self):
        """(last seen, there again) of each time without a listener."""
        if not self.e.listener:
            return [(d["since"], d["time"]) for d in self.e.deaths if d["of"] in LISTENING]
        found, since = [], None
        for line in sorted(self.e.listener, key=lambda l: l["time"]):
            if line["state"] == "gone" and since is None:
                since, of = line["since"], [d for d in self.e.deaths if d["since"] - SEEN <= line["time"] and d["time"] + DRAIN * self.slow >= line["since"]]
                if not any(d["of"] in LISTENING and (d["of"] == "stop" or d["time"] + RESTART * self.slow >= since) for d in of):
                    self.broken("I6", f"the listener died at {since} to {line['time']}, and nobody had killed it")
                since = min([since] + [d["since"] for d in of if d["of"] == "stop"])  # it stops listening before it ends
            elif line["state"] == "there" and since is not None:
                found.append((since, line["time"]))
                since = None
        return found + ([(since, float("inf"))] if since is not None else [])

    def until_answered(self, since, again):
        first = min((e["time"] for e in self.e.echoes if e["outcome"] == "0000" and e["time"] > again), default=float("inf"))
        if again < float("inf"):
            self.longest = max(self.longest, min(first, again + RESTART * self.slow) - since)
        return since - SEEN, min(first, again + RESTART * self.slow)

    def is_excused(self, echo):
        begin, end = echo["time"] - echo["ms"] / 1000, echo["time"]
        died = any(d["since"] - SEEN <= end and d["time"] + SEEN * self.slow >= begin for d in self.e.deaths if d["of"] in ANSWERING)
        return died or any(since <= end and begin < until for since, until in self.away)
