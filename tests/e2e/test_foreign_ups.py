"""The Unified Procedure Step with another's DIMSE and dataset reader, dcmjs-dimse of npm: told as a workflow manager, and asking for the list."""
import json
import os
import subprocess
import sys
import unittest

from pydicom.uid import generate_uid

import harness as h
import test_worklist

MODULES = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "cervigate/peers/node_modules")
SCRIPT = os.path.join(h.SOURCE, "tests/e2e/ups_foreign.js")
ENVIRONMENT = dict(os.environ, NODE_PATH=MODULES)


def site_item(accession, study, patient):
    code = {"CodeValue": "110005", "CodingSchemeDesignator": "DCM", "CodeMeaning": "Interpretation"}
    return {"PatientName": "Doe^Jane", "PatientID": patient, "ScheduledProcedureStepPriority": "MEDIUM", "ProcedureStepState": "SCHEDULED",
            "ProcedureStepLabel": "Read", "CommentsOnTheScheduledProcedureStep": "", "ScheduledWorkitemCodeSequence": [code],
            "ReferencedRequestSequence": [{"AccessionNumber": accession, "StudyInstanceUID": study}], "InputInformationSequence": []}


class Foreign(test_worklist.Worklist):
    def said(self, kind, **fields):
        with open(self.log, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f if line.startswith("{") and line.endswith("}\n")]
        return [line for line in lines if line["kind"] == kind and all(line.get(k) == v for k, v in fields.items())]

    def begin(self, items):
        self.log, port = os.path.join(self.folder, "manager"), h.free_port()
        with open(self.log, "w", encoding="utf-8") as log:
            manager = subprocess.Popen(["node", SCRIPT, "manager", str(port), json.dumps(items)], stdout=log, stderr=log, env=ENVIRONMENT)
        self.addCleanup(manager.wait)
        self.addCleanup(manager.kill)
        return self.node('<ups name="ris" peer="ris" demo="true" retryFirst="1" retryMost="1"/>', quiet=0,
                         more=f'<peers><peer name="ris" aeTitle="RIS" host="127.0.0.1" port="{port}"/></peers><readingWorklist offer="query" demo="true"/>')

    def test_it_is_told_and_asks(self):
        study, other = generate_uid(), generate_uid()
        node = self.begin({"1.2.3.77": site_item("FOREIGN1", study, "F1")})
        h.wait_for(lambda: node.admin("echo", "ris").returncode == 0, 20, "the manager")
        self.send(node, "finding", study=study, AccessionNumber="FOREIGN1", PatientID="F1")
        self.send(node, "finding", 1, study=other, AccessionNumber="FOREIGN2", PatientID="F2", PatientName="Müller^Zoë")
        change = h.wait_for(lambda: self.said("set", uid="1.2.3.77"), 20, "the site's own item is set")[0]["item"]
        self.assertEqual(change["ScheduledProcedureStepPriority"], "HIGH")
        self.assertRegex(change["CommentsOnTheScheduledProcedureStep"], "^RESEARCH - cervigate: HIGH, was MEDIUM; suspicion of a cervical spine injury")
        made, = h.wait_for(lambda: self.said("create"), 20, "an item of the node's")
        item = made["item"]
        self.assertEqual((item["ScheduledProcedureStepPriority"], item["ProcedureStepState"], item["StudyInstanceUID"], item["PatientName"][0]["Alphabetic"]),
                         ("HIGH", "SCHEDULED", other, "Müller^Zoë"))
        self.assertEqual((item["ReferencedRequestSequence"][0]["AccessionNumber"], item["ScheduledWorkitemCodeSequence"][0]["CodeValue"]), ("FOREIGN2", "110005"))
        h.wait_for(lambda: node.log().count(" report study=") == 2 and {s[2] for s in self.states(node)} <= {"told", "overtaken"}, 20, "all is told")

        said = subprocess.run(["node", SCRIPT, "query", str(node.port)], capture_output=True, text=True, timeout=60, env=ENVIRONMENT, check=True)
        answers = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
        self.assertEqual([a["status"] for a in answers], [0xff00, 0xff00, 0], said)
        self.assertEqual({a["item"]["ReferencedRequestSequence"][0]["StudyInstanceUID"]: a["item"]["ScheduledProcedureStepPriority"] for a in answers[:2]},
                         {study: "HIGH", other: "HIGH"})
        self.assertEqual(answers[0]["item"]["ProcedureStepLabel"], "RESEARCH - Read: suspicion of a cervical spine injury")

        for one in (study, other):
            self.assertEqual(node.admin("worklist", "read", one).returncode, 0)
        h.wait_for(lambda: self.said("action", uid=made["uid"], type=2), 20, "its cancellation is requested")
        last = h.wait_for(lambda: (s := self.said("set", uid="1.2.3.77")) and s[-1]["item"]["ScheduledProcedureStepPriority"] == "MEDIUM" and s[-1], 20, "it goes back")
        self.assertRegex(last["item"]["CommentsOnTheScheduledProcedureStep"], "MEDIUM, was MEDIUM")
        self.assertEqual(self.said("error"), [])


if __name__ == "__main__":
    if not os.path.exists(os.path.join(MODULES, "dcmjs-dimse/package.json")):
        print("skipped: no dcmjs-dimse (scripts/deps --peers)")
        sys.exit(77)
    unittest.main(verbosity=2)
