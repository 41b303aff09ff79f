"""What the node costs: all its processes together, idle and after a study; a worker of the network by itself."""
import json
import os
import shutil
import tempfile
import time
import unittest

import harness as h

IDLE_MIB, WORKER_MIB, SHARED_MIB = 250, 64, 160  # the project's promises


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            found = [int(c) for c in f.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return found + [g for c in found for g in children(c)]


def proportional_mib(pids, field="Pss"):
    """Each page counted once, shared ones by their share: with whatever else runs, another test's node among it. Pss_Anon: but for what is of a
    file, as the weights are."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith(field + ":"))
        except (FileNotFoundError, ProcessLookupError):
            pass  # an association's process that has ended
    return total / 1024


class Memory(unittest.TestCase):
    @unittest.skipIf(h.SANITIZED, "the figure is the program's, not the sanitizer's")
    def test_the_node_stays_small(self):
        folder = tempfile.mkdtemp(prefix="cervigate-memory-")
        node = h.Node({})
        self.addCleanup(shutil.rmtree, folder, True)
        self.addCleanup(node.stop)
        processes = [node.process.pid, *children(node.process.pid)]
        self.assertGreaterEqual(len(processes), 5, "the supervisor and its four roles")
        idle = proportional_mib(processes)
        self.assertLess(idle, IDLE_MIB)

        png, _ = h.phantoms(os.path.join(folder, "phantoms"), 1)[0]
        path = os.path.join(folder, "dx.dcm")
        h.wrap(h.grey(png), path)
        self.assertEqual(node.send(path).returncode, 0)
        held = []

        def of_the_node(field):
            return proportional_mib([node.process.pid, *children(node.process.pid)], field)

        def reported():
            held.append(of_the_node("Pss_Anon"))
            return " report study=" in node.log()
        h.wait_for(reported, 60, "a report")
        h.wait_for(lambda: max(held) - of_the_node("Pss_Anon") > 30 and of_the_node("Pss") < IDLE_MIB, 10,
                   f"of {max(held):.0f} MiB more than 30 are given back, when no image has come for a second")
        after, given_back = of_the_node("Pss"), max(held) - of_the_node("Pss_Anon")
        print(f"idle {idle:.0f} MiB, after a study {after:.0f} MiB, {given_back:.0f} MiB given back")
        self.assertLess(after, IDLE_MIB)
        self.assertGreater(given_back, 30)

    def test_workers_share_their_weights(self):
        said = h.run(os.path.join(h.BIN, "bench_model"), h.MODEL)
        self.assertEqual(said.returncode, 0, said.stderr)
        found = json.loads(said.stdout)
        print(found)
        self.assertLess(found["worker_mib"], WORKER_MIB)
        self.assertLess(found["shared_mib"], SHARED_MIB)


if __name__ == "__main__":
    unittest.main()
