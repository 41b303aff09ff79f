"""`cervigate simulate`: against queueing theory where there is one, against itself elsewhere (sensitivity 0, conservation, ageing)."""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "e2e"))
import harness as h  # noqa: E402

ADMIN = os.path.join(h.BIN, "cervigate")
# One reader or several, no hours, no STAT: what the textbooks solve.
PLAIN = ("--arrivals", "flat", "--stat", 0, "--trust", 0, "--prevalence", 50, "--sensitivity", 1, "--specificity", 1, "--answer", 0, "--ageing", 100000)


def simulate(*arguments):
    return subprocess.run([ADMIN, "simulate", *map(str, arguments)], capture_output=True, text=True, timeout=120)


class Case(unittest.TestCase):
    def run_json(self, *arguments):
        said = simulate("--json", *arguments)
        self.assertEqual(said.returncode, 0, said.stderr)
        self.assertEqual(said.stderr, "")
        return json.loads(said.stdout)

    def runs(self, *arguments):
        """first come, every neck first, triage of the last sensitivity."""
        runs = self.run_json(*arguments)["runs"]
        self.assertEqual([run["discipline"] for run in runs[:3]], ["first come", "every neck first", "triage"])
        return runs[0], runs[1], runs[-1]

    def near(self, value, expected, part):
        self.assertLess(abs(value / expected - 1), part, f"{value} instead of {expected}")


class Usage(Case):
    def refused(self, words, *arguments, status=64):
        said = simulate(*arguments)
        self.assertEqual(said.returncode, status, said.stderr)
        self.assertIn(words, said.stderr)
        self.assertEqual(said.stdout, "")

    def test_what_is_no_option(self):
        self.refused("--days 0: a whole number from 1", "--days", 0)
        self.refused("--reading 5x: a number from", "--reading", "5x")
        self.refused("--specificity nan", "--specificity", "nan")
        self.refused("--service m: lognormal, exponential or fixed", "--service", "m")
        self.refused("--neck-order stat: routine or high", "--neck-order", "stat")
        self.refused("--arrivals m: day or flat", "--arrivals", "m")
        self.refused("an argument too many", "room")
        for text in ("0.5,", "1.01", ",".join(["1"] * 13), "nan"):
            self.refused("at most 12 numbers from 0 to 1", "--sensitivity", text)
        for text in ("x", "8-18:", "18-8:1", "0-25:1", "0-8:1,7-9:2", "8-18:51", "3,8-9:1", "-3", "0-8:1,"):
            self.refused("hours and readers (0 to 50)", "--readers", text)

    def test_a_room_without_end(self):
        self.refused("(load 1.11): the waits would grow for ever", "--readers", 1)
        self.refused("load inf", "--readers", 0)
        self.refused("more than 20000000 studies", "--days", 100000)

    def test_a_plot_that_cannot_be_written(self):
        said = simulate("--days", 1, "--plot", "/nowhere/x.svg")
        self.assertEqual(said.returncode, 73)
        self.assertIn("/nowhere/x.svg: No such file", said.stderr)

    def test_help(self):
        said = simulate("--help")
        self.assertEqual((said.returncode, said.stderr), (0, ""))
        self.assertIn("--prevalence", said.stdout)


class Theory(Case):
    """Mean waits. Of seeds 1 to 8, the furthest from theory was 5 %; the formulas are unlike each other by far more."""

    def test_one_reader_exponential(self):
        load, mean = 200 * 5 / 1440, 5
        first, necks, triage = self.runs(*PLAIN, "--readers", 1, "--service", "exponential", "--necks", 80, "--others", 120, "--days", 1500)
        waits = first["minutes"]["all"]
        self.near(waits["mean"], load * mean / (1 - load), 0.05)
        for share, name in ((0.5, "median"), (0.1, "ninetieth")):  # exponential, of those who wait
            self.near(waits[name], math.log(load / share) * mean / (1 - load), 0.05)
        # Cobham: two classes, nobody is interrupted
        begun = load * mean
        share = 0.4 * load
        self.near(necks["minutes"]["no_finding"]["mean"], begun / (1 - share), 0.04)  # uninjured necks
        self.near(necks["minutes"]["injured"]["mean"], begun / (1 - share), 0.04)
        self.near(necks["minutes"]["others"]["mean"], begun / (1 - share) / (1 - load), 0.05)
        share = 0.2 * load  # half of the necks are injured, and all of these are found
        self.near(triage["minutes"]["found"]["mean"], begun / (1 - share), 0.04)
        self.near(triage["minutes"]["others"]["mean"], begun / (1 - share) / (1 - load), 0.05)

    def test_one_reader_fixed_and_lognormal(self):
        for service, variation in (("fixed", 0), ("lognormal", 0.25)):
            load = 200 * 5 / 1440
            first, _, _ = self.runs(*PLAIN, "--readers", 1, "--service", service, "--necks", 80, "--others", 120, "--days", 800)
            self.near(first["minutes"]["all"]["mean"], load * 5 * (1 + variation) / 2 / (1 - load), 0.05)  # Pollaczek-Khinchine

    def test_three_readers(self):
        offered = 700 * 5 / 1440
        tail = offered ** 3 / 6 / (1 - offered / 3)
        waits = tail / (1 + offered + offered ** 2 / 2 + tail)  # Erlang C
        first, _, _ = self.runs(*PLAIN, "--readers", 3, "--service", "exponential", "--necks", 80, "--others", 620, "--days", 600)
        self.near(first["minutes"]["all"]["mean"], waits * 5 / (3 - offered), 0.06)


class Room(Case):
    def test_the_same_seed_is_the_same_room(self):
        one = [simulate("--days", 5, "--seed", seed).stdout for seed in (3, 3, 4)]
        self.assertEqual(one[0], one[1])
        self.assertNotEqual(one[0], one[2])

    def test_without_findings_triage_is_first_come(self):
        first, _, triage = self.runs("--days", 60, "--sensitivity", 0, "--specificity", 1, "--prevalence", 20, "--ageing", 30)
        self.assertEqual(triage["minutes"]["injured"], first["minutes"]["injured"])
        self.assertEqual(triage["minutes"]["missed"], first["minutes"]["injured"])
        self.assertEqual(triage["minutes"]["others"], first["minutes"]["others"])
        self.assertEqual((triage["latest_minutes"], triage["minutes"]["found"]["n"]), (0, 0))

    def test_without_findings_necks_that_are_ordered_high_are_first(self):
        _, necks, triage = self.runs("--days", 60, "--sensitivity", 0, "--specificity", 1, "--prevalence", 20, "--ageing", 100000, "--neck-order", "high")
        for group in ("injured", "no_finding", "others", "all"):
            self.assertEqual(triage["minutes"][group], necks["minutes"][group])

    def test_triage_is_not_first_come_otherwise(self):
        first, necks, triage = self.runs("--days", 200, "--sensitivity", 0.8, "--prevalence", 20)
        found, missed, all_of_them = (triage["minutes"][group] for group in ("found", "missed", "injured"))
        self.assertEqual(found["n"] + missed["n"], all_of_them["n"])
        self.assertLess(abs(found["n"] / all_of_them["n"] - 0.8), 0.05)
        alarms, negative = triage["minutes"]["false_alarms"]["n"], triage["minutes"]["no_finding"]["n"]
        self.assertLess(abs(negative / (alarms + negative) - 0.9), 0.02)
        self.assertLess(found["ninetieth"], first["minutes"]["injured"]["ninetieth"] / 4)
        self.assertGreater(missed["ninetieth"], 5 * necks["minutes"]["injured"]["ninetieth"])
        self.assertGreater(triage["minutes"]["no_finding"]["mean"], first["minutes"]["no_finding"]["mean"])
        self.assertGreater(triage["latest_minutes"], 5)

    def test_work_is_conserved(self):
        runs = self.run_json("--days", 60, "--prevalence", "5,30", "--trust", 0)["runs"]
        self.assertEqual(len(runs), 2 * (2 + 6))
        for run in runs:
            self.assertAlmostEqual(run["minutes"]["all"]["mean"], runs[0]["minutes"]["all"]["mean"], places=9)
        self.assertGreater(len({run["minutes"]["injured"]["mean"] for run in runs}), 8)

    def test_ageing_bounds_what_findings_cost_the_others(self):
        crowd = ("--readers", 1, "--arrivals", "flat", "--service", "fixed", "--stat", 0, "--necks", 230, "--others", 30, "--prevalence", 80,
                 "--sensitivity", 0.95, "--trust", 0, "--days", 300)
        later = [self.runs(*crowd, "--ageing", ageing)[2]["latest_minutes"] for ageing in (0, 30, 60, 100000)]
        self.assertEqual(later[0], 0)
        self.assertTrue(5 < later[1] < 60 and later[1] < later[2] < 120, later)  # what comes within ageing and passes
        self.assertGreater(later[3], 250)

    def test_a_long_list_hides_no_finding(self):
        first, _, triage = self.runs("--days", 60, "--readers", "8-18:3", "--prevalence", 20, "--sensitivity", 0.8, "--trust", 0, "--stat", 0)
        self.assertGreater(first["minutes"]["injured"]["median"], 30)
        self.assertLess(triage["minutes"]["found"]["median"], 5)

    def test_shifts(self):
        said = self.run_json("--readers", "8-18:3", "--days", 20)
        self.assertAlmostEqual(said["load"], 320 * 5 / 60 / 30)
        longest = [run["minutes"]["all"]["longest"] for run in said["runs"]]
        self.assertGreater(min(longest), 13 * 60)  # who comes after six waits until eight, STAT too
        night = self.runs("--days", 20, "--readers", "0-8:2,8-18:3,18-24:2", "--stat", 0)[0]
        self.assertLess(night["minutes"]["all"]["longest"], 5 * 60)
        self.assertEqual(said["settings"]["readers"], "0-8:0,8-18:3,18-24:0")

    def test_reader_bias(self):
        said = self.run_json("--days", 60, "--prevalence", 20, "--sensitivity", "0.3,0.95", "--trust", "0,0.4", "--reader", 0.9)
        bias = said["reader_bias"]
        self.assertIn("ASSUMPTION", bias["assumption"])
        rows = {(run["trust"], run["sensitivity"]): run for run in bias["runs"]}
        for (trust, _), run in rows.items():
            found, missed = run["minutes"]["found"]["n"], run["minutes"]["missed"]["n"]
            expected = (found * 0.1 * (1 - trust) + missed * (1 - 0.9 * (1 - trust))) / (found + missed)
            self.assertAlmostEqual(run["reader_misses_per_1000"], 1000 * expected, places=6)
        self.assertGreater(rows[0.4, 0.3]["reader_misses_per_1000"], 300)
        self.assertLess(rows[0.4, 0.3]["minutes"]["all"]["mean"], rows[0, 0.3]["minutes"]["all"]["mean"])

    def test_what_it_says_of_itself(self):
        said = simulate("--days", 30)
        self.assertEqual(said.returncode, 0, said.stderr)
        for words in ("no reader study was done", "seed 1, 30 days", "0-8:1,8-18:2,18-24:1", "ageing 1440 min", "ASSUMPTION, not measured"):
            self.assertIn(words, said.stdout)
        self.assertNotIn("nan", said.stdout)


class Plot(Case):
    def test_plot(self):
        folder = tempfile.mkdtemp(prefix="cervigate-scp-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "room.svg")
        # without an injured neck there is nothing to draw of them
        for prevalence in (5, 0):
            said = simulate("--days", 30, "--prevalence", prevalence, "--plot", path)
            self.assertEqual(said.returncode, 0, said.stderr)
            self.assertEqual(os.listdir(folder), ["room.svg"])
            with open(path, encoding="utf-8") as f:
                text = f.read()
            root = xml.etree.ElementTree.fromstring(text)
            space = "{http://www.w3.org/2000/svg}"
            self.assertEqual([len(plot.findall(f"{space}path[@stroke-dasharray]")) for plot in root.findall(f"{space}svg")], [12, 12, 8])
            self.assertIn("no reader study was done", text)
            self.assertNotIn("nan", text)
            self.assertNotIn("var(", text)  # which programs other than browsers do not know
        self.assertTrue(math.isclose(float(root.get("width")), 1230))


if __name__ == "__main__":
    unittest.main()
