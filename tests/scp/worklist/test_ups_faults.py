#!/usr/bin/python3
"""ups_tell and a workflow manager that takes little, refuses, or misbehaves; the judge of tests/e2e/ups_scp.py itself; random news.

`test_ups_faults.py random SEED COUNT`: random sequences of news, of readers and of misbehaviour, against the rules that may never be
broken."""
import contextlib
import random
import struct
import sys
import unittest

from ups_case import Case, OURS, RANK, SITE, tell, ups_scp
from archive import decode


class Negotiated(Case):
    def take(self, *classes):
        self.manager.classes = {ups_scp.pacs.VERIFICATION, *classes}

    def test_push_alone(self):
        self.take(ups_scp.PUSH)
        self.told()
        self.assertEqual("HIGH", self.priority(OURS))
        self.told(told="HIGH", rank="HIGH")
        self.assertIn("no", self.told("refused", told="HIGH", rank="MEDIUM", reason="no-finding"))
        self.told(told="HIGH", kind="withdrawn")

    def test_pull_alone(self):
        self.take(ups_scp.PULL)
        self.told("later")
        self.manager.add(SITE, accession="A1")
        self.told()
        self.told(kind="withdrawn", told="HIGH")
        self.assertEqual("MEDIUM", self.priority())

    def test_neither(self):
        self.take()
        self.assertIn("neither", self.told("unreached"))

    def test_not_there(self):
        self.manager.close()
        self.told("unreached")

    def test_association(self):
        for how in ("refuse", "close", "no-context"):
            self.manager.how["associate"] = (how, 1)
            self.told("unreached")


class Misbehaving(Case):
    """What a manager may answer: it costs this one news some time, and nothing else."""

    WAYS = ("abort", "garbage", "nested", "truncated", "huge", "foreign", "bare", "unasked")

    def test_datasets_and_messages(self):
        for service in ("find", "get", "set", "create", "cancel"):
            for how in self.WAYS:
                self.manager.items.clear()
                self.manager.add(SITE, accession="A1", study="2.25.1") if service in ("find", "get", "set") else None
                self.manager.how = {service: (how, None)}
                fields = {"kind": "withdrawn"} if service == "cancel" else {}
                end, why = tell(self.manager, **fields)
                # a dataset that comes with N-CREATE, N-SET or N-ACTION is not looked at
                ends = ("told",) if service in ("set", "create", "cancel") and how in ("garbage", "nested", "truncated") else ("later",)
                with self.subTest(service=service, how=how):
                    self.assertIn(end, ends, why)
                    self.assertEqual([], self.manager.violations)

    def test_hang(self):
        for service in ("find", "get", "set", "create", "cancel"):
            self.manager.items.clear()
            if service in ("get", "set"):
                self.manager.add(SITE, accession="A1")
            self.manager.how = {service: ("hang", 1)}
            self.told("later", **({"kind": "withdrawn"} if service == "cancel" else {}))

    def test_endless_matches(self):
        self.manager.how = {"find": ("endless", 1)}
        self.told("later")

    def test_statuses(self):
        rows = {"later": (0x0110, 0x0210, 0x0213, 0xa700, 0xc000, 0xc3ff, 0x7777, 0xffff),
                "refused": (0x0105, 0x0106, 0x0114, 0x0115, 0x0117, 0x0118, 0x0119, 0x0120, 0x0121, 0x0122, 0x0123, 0x0124, 0x0211, 0x0212,
                            0xc303, 0xc304, 0xc308, 0xc309, 0xc310, 0xc314, 0xc315),
                "told": (0x0000, 0x0001, 0x0107, 0x0116, 0xb300, 0xb305)}
        for end, statuses in rows.items():
            for status in statuses:
                self.manager.how = {"create": (status, 1)}
                self.assertIn(f"{status:04x}", self.told(end))

    def test_query_is_refused(self):
        """A key that it does not take is no reason to tell nobody."""
        for status in (0xa900, 0x0122):
            self.manager.items.clear()
            self.manager.how = {"find": (status, None)}
            self.told()
            self.assertEqual("HIGH", self.priority(OURS))
        self.manager.how = {"find": (0xa700, 1)}
        self.told("later")

    def test_get_is_refused(self):
        self.manager.add(SITE, accession="A1")
        self.manager.how = {"get": (0x0124, None)}
        self.told()
        self.assertEqual(("MEDIUM", "HIGH"), (self.priority(), self.priority(OURS)))
        self.told("refused", told="HIGH", rank="MEDIUM", reason="no-finding")  # nobody knows what ours has

    def test_no_usable_uid(self):
        self.told("refused", workitem="x")


class Judge(unittest.TestCase):
    """The judge finds what is wrong."""

    def test_it_does(self):
        good = ups_scp.Manager()
        self.addCleanup(good.close)
        tell(good, patient_name="Dö")
        data = next(line["dataset"] for line in good.log if line["kind"] == "create")
        self.assertEqual([], ups_scp.check_dataset(data, ups_scp.CREATE))
        for keyword, value in (("ScheduledProcedureStepPriority", "URGENT"), ("ScheduledProcedureStepPriority", ""), ("ProcedureStepState", "IN PROGRESS"),
                               ("TransactionUID", "1.2.3"), ("ScheduledProcedureStepStartDateTime", "today"), ("StudyInstanceUID", "1.02"),
                               ("SOPInstanceUID", "1.2"), ("ProcedureStepLabel", "x" * 65), ("Modality", "CR"), ("PatientSex", "W"),
                               ("SpecificCharacterSet", "ISO_IR 100"), ("WorklistLabel", None), ("ReferencedRequestSequence", None)):
            item = decode(data)
            if value is None:
                delattr(item, keyword)
            else:
                setattr(item, keyword, value)
            self.assertNotEqual([], ups_scp.check_dataset(ups_scp.encode(item), ups_scp.CREATE), keyword)

    @staticmethod
    def judged(manager, kind, data=None, fields=(), context=None):
        """What it says of the first message of this kind, with this dataset, with other fields of its command, in another context."""
        asked = next(line for line in manager.log if line["kind"] == kind)
        association = ups_scp.Association(manager, None, 1)
        association.answer = lambda *_, **__: True
        association.contexts = {1: (context or (ups_scp.PUSH if kind in ("create", "cancel") else ups_scp.PULL), ups_scp.IMPLICIT)}
        request = {k: v for k, v in {**asked["request"], **dict(fields)}.items() if v is not None}
        manager.violations.clear()
        with contextlib.suppress(Exception):  # what reads the dataset behind the judge
            association.serve_one(1, request, asked["dataset"] if data is None else data)
        return list(manager.violations)

    def test_it_does_of_the_others(self):
        """N-SET, N-GET, N-ACTION, C-FIND: each as the node sends it, then with one fault."""
        manager = ups_scp.Manager()
        self.addCleanup(manager.close)
        manager.add(SITE, accession="A1")
        tell(manager)
        tell(manager, accession="A9", study="2.25.9")
        tell(manager, accession="A9", study="2.25.9", kind="withdrawn", told="HIGH")
        datasets = {"set": [("ScheduledProcedureStepPriority", "URGENT"), ("TransactionUID", "1.2.3"), ("ProcedureStepState", "COMPLETED"),
                            ("ProcedureStepLabel", "x" * 65), ("CommentsOnTheScheduledProcedureStep", "x" * 10241), ("PatientID", "P2"),
                            ("SpecificCharacterSet", "ISO_IR 192"), ("ScheduledProcedureStepStartDateTime", "20261127")],
                    "cancel": [("ProcedureStepState", "CANCELED"), ("TransactionUID", "1.2.3"), ("SpecificCharacterSet", "ISO_IR 192"), ("PatientID", "P1")],
                    "find": [("PatientName", ""), ("TransactionUID", ""), ("StudyInstanceUID", "")]}
        for kind, faults in datasets.items():
            self.assertEqual([], self.judged(manager, kind), kind)
            data = next(line["dataset"] for line in manager.log if line["kind"] == kind)
            for keyword, value in faults:
                item = decode(data)
                setattr(item, keyword, value)
                self.assertNotEqual([], self.judged(manager, kind, ups_scp.encode(item)), (kind, keyword))
            for broken in (data + b"\1", data[:-1], b"\xff" * 40):
                self.assertNotEqual([], self.judged(manager, kind, broken), kind)
        other, tags = b"1.2.840.10008.5.1.4.34.6.3", lambda *t: struct.pack(f"<{2 * len(t)}H", *(n for tag in t for n in (tag >> 16, tag & 0xffff)))
        commands = {"set": [{3: other}, {3: None}, {0x1001: None}], "get": [{3: other}, {0x1005: b""}, {0x1005: tags(0x00741000, 0x00081195)}],
                    "cancel": [{3: other}, {0x1008: struct.pack("<H", 1)}, {0x1001: None}], "create": [{2: other}, {0x1000: None}], "find": [{2: b"1.2.3"}]}
        for kind, faults in commands.items():
            self.assertEqual([], self.judged(manager, kind), kind)
            for fields in faults:
                self.assertNotEqual([], self.judged(manager, kind, fields=fields), (kind, fields))
            wrong = {"get": "1.2.3", "create": ups_scp.PULL, "cancel": ups_scp.PULL}.get(kind, ups_scp.PUSH)
            self.assertNotEqual([], self.judged(manager, kind, context=wrong), kind)


# ---- random ----

def run_one(seed, steps):
    """Rules: the site's item never stands below what the site gave it; nothing that is being read changes; one item of ours at most; the
    judge has nothing to say. Returns what it did."""
    dice, manager = random.Random(seed), Case.manager_class()
    try:
        given = dice.choice((None, "LOW", "MEDIUM", "HIGH"))
        if given:
            manager.add(SITE, accession="A1", priority=given, workitem=dice.choice(("110005", None)))
        told, ends = None, []
        for _ in range(steps):
            for uid, item in manager.items.items():
                if dice.random() < 0.1:
                    item.ProcedureStepState = dice.choice(("IN PROGRESS", "COMPLETED"))
                if uid == SITE and dice.random() < 0.1:
                    # what it sets to the HIGH that we gave it cannot be told from ours
                    words = ("LOW", "MEDIUM") if "cervigate" in item.CommentsOnTheScheduledProcedureStep else tuple(RANK)
                    given = item.ScheduledProcedureStepPriority = dice.choice(words)
            manager.how = {dice.choice(("find", "get", "set", "create", "cancel")): (dice.choice(Misbehaving.WAYS + (0xa700, 0xc310, 0x0124)), 1)} \
                if dice.random() < 0.3 else {}
            lies = any(isinstance(what, str) for what, _ in manager.how.values())  # 0000, and nothing done
            before = {u: (i.ProcedureStepState, i.ScheduledProcedureStepPriority) for u, i in manager.items.items()}
            finding = dice.random() < 0.5
            fields = {"rank": "HIGH" if finding else "MEDIUM", "reason": "finding" if finding else "no-finding"}
            if told:
                fields["told"] = told
            if dice.random() < 0.15:
                fields["kind"] = "withdrawn"
            end, why = tell(manager, **fields)
            ends.append(end)
            if end == "told":
                told = fields["rank"]
            where = f"seed {seed}: {fields} {end} {why}"
            assert not manager.violations, f"{where}: {manager.violations}"
            assert len(manager.items) <= 2, where
            for uid, item in manager.items.items():
                if before.get(uid, ("SCHEDULED",))[0] != "SCHEDULED":
                    assert before[uid] == (item.ProcedureStepState, item.ScheduledProcedureStepPriority), where
            if given and SITE in manager.items:
                assert RANK[manager.items[SITE].ScheduledProcedureStepPriority] >= RANK[given], where
            if end == "told" and finding and "kind" not in fields and not lies:
                live = [i for i in manager.items.values() if i.ScheduledProcedureStepPriority == "HIGH" or i.ProcedureStepState != "SCHEDULED"]
                assert live, where
        return ends
    finally:
        manager.close()


def random_main(seed, count):
    ends = {}
    for n in range(count):
        for end in run_one(seed + n, 8):
            ends[end] = ends.get(end, 0) + 1
    print(f"seed {seed}, {count} sequences of 8 news: {ends}")


class Random(unittest.TestCase):
    def test_a_few(self):
        for seed in range(6):
            run_one(seed, 5)


if __name__ == "__main__":
    if sys.argv[1:2] == ["random"]:
        random_main(int(sys.argv[2]), int(sys.argv[3]))
    else:
        unittest.main(warnings="ignore")  # pydicom's, of what is wrong on purpose
