#!/usr/bin/python3
"""ups_tell by UPS-RS: what test_ups.py holds of DIMSE, against the same manager behind HTTP (tests/e2e/ups_web.py); statuses of HTTP; managers that misbehave.

`test_ups_web.py random SEED COUNT`: as test_ups_faults.py."""
import sys
import unittest

import ups_case
from ups_case import Case, OURS, SITE, tell
import ups_web

ups_case.Case.manager_class = ups_web.WebManager
import test_ups  # noqa: E402
import test_ups_faults  # noqa: E402

WAYS = ("abort", "garbage", "nested", "truncated", "huge", "other", "headers")


class Own(test_ups.Own):
    test_answers_with_datasets = None


class Another(test_ups.Another):
    pass


class Withdrawn(test_ups.Withdrawn):
    pass


class Site(test_ups.Site):
    pass


class Merged(test_ups.Merged):
    pass


class Web(Case):
    def test_paths(self):
        self.told(accession="A 1/&%2e?*", patient_id="P#1+ä")
        paths = [line["path"].removeprefix("/ups-rs/") for line in self.manager.log]
        self.assertTrue(paths[0].startswith("workitems?0040A370.00080050=A%201%2F%26%252e%3F%2A&includefield="), paths[0])
        self.assertTrue(paths[1].startswith("workitems?0040A370.0020000D=2.25.1&00100020=P%231%2B%C3%A4&"), paths[1])
        self.assertTrue(paths[2].startswith("workitems?00404021.0020000D=2.25.1&"), paths[2])
        self.assertEqual(paths[3:], [f"workitems?workitem={OURS}"])
        self.told(told="HIGH", rank="MEDIUM", reason="no-finding")
        self.told(kind="withdrawn", told="MEDIUM")
        paths = [line["path"].removeprefix("/ups-rs/") for line in self.manager.log if line["kind"] in ("get", "set", "cancel")]
        self.assertEqual(paths, [f"workitems/{OURS}", f"workitems/{OURS}", f"workitems/{OURS}/cancelrequest"])

    def test_a_name_in_three_scripts(self):
        self.told(patient_name="Yamada^Tarou=山田^太郎=やまだ^たろう")
        self.assertEqual(str(self.manager.items[OURS].PatientName), "Yamada^Tarou=山田^太郎=やまだ^たろう")

    def test_statuses(self):
        rows = {"later": (408, 425, 500, 507), "unreached": (401, 407, 429, 502, 503, 504), "refused": (300, 302, 400, 403, 404, 405, 406, 410, 415, 418, 501),
                "told": (200, 201, 202, 204)}
        for end, statuses in rows.items():
            for status in statuses:
                self.manager.how = {"create": (status, 1)}
                why = self.told(end)
                self.assertIn(f"HTTP status {status}", why)

    def test_search_is_refused(self):
        """A manager that knows no search, or not this key, has nothing of the site's by it."""
        for status in (400, 404, 405, 413, 501):
            self.manager.items.clear()
            self.manager.how = {"find": (status, None)}
            self.told()
            self.assertEqual("HIGH", self.priority(OURS))
        self.manager.how = {"find": (503, 1)}
        self.told("unreached")
        self.manager.how = {"find": (500, 1)}
        self.told("later")

    def test_misbehaving(self):
        for service in ("find", "get", "set", "create", "cancel"):
            for how in WAYS:
                self.manager.items.clear()
                if service in ("find", "get", "set"):
                    self.manager.add(SITE, accession="A1", study="2.25.1")
                self.manager.how = {service: (how, None)}
                end, why = tell(self.manager, **({"kind": "withdrawn"} if service == "cancel" else {}))
                # what comes with the answer to a POST is not looked at
                unlooked = service in ("set", "create", "cancel") and how in ("garbage", "nested", "other")
                with self.subTest(service=service, how=how):
                    self.assertEqual(end, "told" if unlooked else "later", why)
                    self.assertEqual([], self.manager.violations)

    def test_hang_and_endless(self):
        for service in ("find", "create"):
            self.manager.how = {service: ("hang", 1)}
            self.told("later")
        self.manager.how = {"find": ("endless", None)}
        self.told()  # more than are looked at: none by any key
        self.assertEqual("HIGH", self.priority(OURS))

    def test_not_there(self):
        self.manager.close()
        self.told("unreached")

    def test_no_usable_uid(self):
        self.told("refused", workitem="x")

    def test_password(self):
        self.manager.authorization = "Basic cmlzOm9wZW4="  # ris:open
        self.told("unreached")
        self.told(password="ris:open")
        self.assertEqual("HIGH", self.priority(OURS))


class Random(unittest.TestCase):
    def test_a_few(self):
        for seed in range(3):
            run_one(seed, 4)


def run_one(seed, steps):
    saved = test_ups_faults.Misbehaving.WAYS
    test_ups_faults.Misbehaving.WAYS = WAYS
    try:
        return test_ups_faults.run_one(seed, steps)
    finally:
        test_ups_faults.Misbehaving.WAYS = saved


if __name__ == "__main__":
    if sys.argv[1:2] == ["random"]:
        test_ups_faults.Misbehaving.WAYS = WAYS
        test_ups_faults.random_main(int(sys.argv[2]), int(sys.argv[3]))
    else:
        unittest.main(warnings="ignore")  # pydicom's, of what is wrong on purpose
