"""The N-th call fails while the node starts: `scripts/faults starts [--seed S] [--seconds T] [--patience P] [--only ROLE:KIND[:HOW],...] [--at N,...]`.

For each role and each kind of call (calls.py), N = 1, 2, 3 ..., further and further apart from FIRST on: the node is started with the fault
armed, once or from then on, until a start goes through without its having fired. For every N:
  - it ends with an exit status and a sentence, and starts when the fault is over; or it goes on, and is ready when the fault is over
  - no process of it dies of a fault in code of ours; deaths in a library are counted, and told at the end
  - then a study is answered 0000 and reported
At the end checker.py is asked. --seconds: for each fault; its line says "unfinished" then."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calls  # noqa: E402
import world  # noqa: E402

HOLD = 1.0


class Campaign(calls.Campaign):
    patience = 30

    def launch(self):
        """Starts the node and waits for nothing."""
        node = self.world.node
        with open(node.log_path, "ab") as log:
            node.process = subprocess.Popen([os.path.join(world.h.BIN, "cervigated"), "--config", node.config, "--foreground"],
                                            stdout=log, stderr=log, env=node.environment)

    def is_ready(self):
        node = self.world.node
        return node.facts().get("pid") == str(node.process.pid) and self.world.sender.echo(1) is not None

    def watch_start(self, fault):
        """Until it has ended, is ready, or has had the fault for a while."""
        end, fired_at = time.monotonic() + self.patience, None
        while time.monotonic() < end and self.world.node.process.poll() is None:
            if self.control.fired and fired_at is None:
                fired_at = time.monotonic()
            if fired_at and fault.ever and time.monotonic() - fired_at > HOLD:
                return
            if self.is_ready():
                time.sleep(0.3)  # roles that are not asked by an echo
                return
            time.sleep(0.05)

    def attempt(self, fault, n):
        w, begin = self.world, time.time()
        node, offset = w.node, os.path.getsize(w.node.log_path)
        w.sender.death("stop")
        node.process.terminate()
        world.h.wait_for(lambda: node.process.poll() is not None, self.patience, "the end of the node before")
        if node.process.returncode:
            self.violation(fault, n, f"the node before ended with {node.process.returncode}")
        self.control.arm(calls.ROLES[fault.role], calls.KINDS[fault.kind], fault.place, fault.error, fault.ever, n)
        self.launch()
        self.watch_start(fault)
        fired = self.control.fired
        self.control.disarm()
        self.ended_well(fault, n, offset)
        w.sender.death("point", begin)
        source = w.studies.make()
        if not w.sender.store_until_acknowledged(source, self.patience):
            self.violation(fault, n, f"no 0000 within {self.patience} s after the fault was over")
        self.finish(fault, n, source)
        said = self.log_since(offset)
        self.look_at_deaths(fault, n, said)
        self.tried += 1
        self.hits += bool(fired)
        return bool(fired)

    def ended_well(self, fault, n, offset):
        """It is ready, or said why not and is started again."""
        node = self.world.node
        if node.process.poll() is None:
            try:
                world.h.wait_for(lambda: node.process.poll() is not None or self.is_ready(), self.patience, "ready")
            except AssertionError as error:
                self.violation(fault, n, f"goes on, and {error}")
        code = node.process.poll()
        if code is None:
            return
        said = self.log_since(offset)
        if code <= 0 and not any(self.whose(*one) for one in calls.DIED.findall(said) if int(one[0]) == -code):
            self.violation(fault, n, f"ended with {code}")
        if not [line for line in said.splitlines() if line.strip() and not line.startswith(("terminate called", "  what()"))]:
            self.violation(fault, n, f"ended with {code} and not a word")
        node.start()


if __name__ == "__main__":
    sys.exit(calls.main(Campaign, "the N-th call fails while the node starts", "*:malloc", ("assoc", "object"), "starts"))
