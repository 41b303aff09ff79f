"""A study that has been read leaves every list, and is withdrawn on every way, whoever says so: a report, the site's workflow manager, a reader who asked the node for
the list, the RIS by HL7, somebody at the console."""
import os
import unittest

import harness as h
import models
import test_every_way
from http_fixture import Client, enrol
from test_orders import Caller, code
from ups_scu import PULL, Scu, keys, performed

TRANSACTION = "2.25.77001"


class ReadWays(test_every_way.Asked):
    def read_by_report(self, study, _):
        self.assertEqual(self.node_.send(models.report(os.path.join(self.folder, "human.dcm"), study)).returncode, 0)

    def read_by_manager(self, study, _):
        self.manager.items["1.2.3.1" + study[-6:]].ProcedureStepState = "COMPLETED"

    def read_by_who_asks(self, study, _):
        with Scu(self.node_.port) as scu:
            item, = (i for i in scu.find(keys(ProcedureStepState="SCHEDULED")) if i.StudyInstanceUID == study)
            uid = item.SOPInstanceUID
            self.assertEqual(scu.change(uid, "IN PROGRESS", TRANSACTION)[0], "0000")
            self.assertEqual(scu.set(uid, performed(), TRANSACTION)[0], "0000")
            self.assertEqual(scu.change(uid, "COMPLETED", TRANSACTION)[0], "0000")

    def read_by_hl7(self, study, accession):
        with Caller(self.node_) as caller:
            self.assertEqual(code(caller.ask(self.site.oru(accession, "F", number="FI" + study[-6:]))), "AA")

    def read_at_console(self, study, _):
        self.assertEqual(self.people["rita"].ask("PUT", f"/api/v1/worklist/{study}/read").status, 200)

    def stands(self, study):
        """Whether it is in the list of who asks the node, of the console, of `cervigate worklist`."""
        with Scu(self.node_.port) as scu:
            asked = [i.StudyInstanceUID for i in scu.find(keys(ProcedureStepState="SCHEDULED"), PULL)]
        return tuple(study in studies for studies in (asked, [e["study"] for e in self.shown("rita")["entries"]], [r["study"] for r in self.listed(self.node_)]))

    def withdrawn(self, study):
        """By HL7, the webhook, and at both workflow managers; what was completed there is nobody's to change."""
        result = [m for m in self.results() if study in str(m)][-1]
        items = [manager.items["1.2.3.1" + study[-6:]] for manager in (self.manager, self.web)]
        return (str(result.segment("OBR")[25]), {str(o[11]) for o in result.segments("OBX")}) == ("X", {"W"}) and \
            self.hook_.news(study)[-1]["event"] == "withdrawn" and \
            {i.ScheduledProcedureStepPriority for i in items if i.ProcedureStepState == "SCHEDULED"} == {"MEDIUM"}

    def test_each_ends_it_on_every_way(self):
        self.node_ = node = self.node(
            self.ways(ups='lookEvery="1"'), more=self.peers() + '<readingWorklist offer="pull" demo="true"/>'
            '<orders listen="true" address="127.0.0.1" port="0" from="127.0.0.1"/>', console=f'accounts="{os.path.join(self.folder, "accounts")}"')
        self.assertEqual(enrol(node, "rita", "reader").returncode, 0)
        self.people = {"rita": Client(0)}
        self.log_in(node)
        sources = (self.read_by_report, self.read_by_manager, self.read_by_who_asks, self.read_by_hl7, self.read_at_console)
        studies = [self.send_scheduled(node) for _ in sources]
        other = self.send_scheduled(node)
        for study in (*studies, other):
            h.wait_for(lambda study=study: self.hook_.news(study) and self.hook_.news(study)[-1]["report"] and all(self.stands(study)) and
                       {m.items["1.2.3.1" + study[-6:]].ScheduledProcedureStepPriority for m in (self.manager, self.web)} == {"HIGH"} and
                       any(study in str(m) for m in self.results()), 40, "told on each way")
        for source, study in zip(sources, studies):
            with self.subTest(source=source.__name__):
                source(study, "ACC" + study[-6:])
                h.wait_for(lambda study=study: not any(self.stands(study)), 25, "it has left the lists")
                h.wait_for(lambda study=study: self.withdrawn(study), 25, "withdrawn on each way")
        self.assertEqual(self.stands(other), (True,) * 3)
        self.assertEqual((self.manager.violations, self.web.violations), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
