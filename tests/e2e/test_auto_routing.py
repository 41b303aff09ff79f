"""Orthanc as the PACS that forwards everything back to the node, by its own auto-routing in Lua: it comes to rest."""
import json
import os
import re
import time
import unittest

import harness as h
import test_rules


def setUpModule():
    test_rules.setUpModule()


def tearDownModule():
    test_rules.tearDownModule()


class AutoRouting(test_rules.Rules):
    """Orthanc, whose script sends whatever it stores back to the node; it stores what it has again, and would send that again, too."""
    SCRIPT = """
function OnStoredInstance(id, tags, metadata, origin)
  if origin['RequestOrigin'] == 'Lua' then
    return
  elseif tags['PatientID'] == 'CHANGED' then
    Delete(SendToModality(ModifyInstance(id, {PatientName = 'Other^Name'}, {}, true), 'cervigate'))
  else
    SendToModality(id, 'cervigate')
  end
end
"""
    REST = 5  # seconds in which nothing happens

    def orthanc(self):
        script = os.path.join(self.folder, "route.lua")
        with open(script, "w", encoding="utf-8") as f:
            f.write(self.SCRIPT)
        orthanc = h.Orthanc(LuaScripts=[script], OverwriteInstances=True, DicomScuTimeout=60 * h.PATIENCE,
                            StableAge=3600)  # what it calls stable after a minute is a change of its own
        self.addCleanup(orthanc.close)
        return orthanc

    def counts(self, orthanc, node):
        """What either has and has done, as far as it says."""
        return (json.loads(orthanc.get("/statistics")), json.loads(orthanc.get("/changes?last"))["Last"], len(re.findall(" (instance-stored|image-judged|report|delivered) ", node.log())),
                test_rules.rows(node, "SELECT id,study,sop_class,state FROM instance"), test_rules.rows(node, "SELECT id,state FROM delivery"), test_rules.rows(node, "SELECT * FROM place"))

    def states(self, node, study):
        return dict(test_rules.rows(node, "SELECT state,count(*) FROM instance WHERE study=? GROUP BY state", study))

    def test_orthanc_comes_to_rest(self):
        orthanc = self.orthanc()
        node = h.Node({"pacs": (orthanc.ae, orthanc.port)}, rules='<rule name="all" action="analyze"/>', model=self.finds, outputs="SR SC GSPS PMAP")
        self.addCleanup(node.stop)
        orthanc.put("/modalities/cervigate", ["CERVIGATE", "127.0.0.1", node.port])
        images = dict(self.image(PatientID=patient) for patient in ("SAME", "CHANGED"))
        paths, studies = list(images), list(images.values())
        self.assertEqual(h.run("storescu", "-aec", orthanc.ae, "127.0.0.1", orthanc.port, *paths).returncode, 0)
        for study in studies:
            h.wait_for(lambda: self.states(node, study) == {"judged": 1, "own": 4}, 60, "all came back")
        self.assertEqual(h.run("storescu", "-aec", orthanc.ae, "127.0.0.1", orthanc.port, paths[0]).returncode, 0)
        h.wait_for(lambda: " identity=duplicate " in node.log(), 30, "the image, once more")
        time.sleep(self.REST * h.PATIENCE)
        at_rest = self.counts(orthanc, node)
        time.sleep(self.REST * h.PATIENCE)
        self.assertEqual(self.counts(orthanc, node), at_rest)
        self.assertEqual(at_rest[0]["CountInstances"], 10)
        for study in studies:
            self.assertEqual(self.states(node, study), {"judged": 1, "own": 4})
            self.assertEqual(test_rules.rows(node, "SELECT read FROM study WHERE uid=?", study), [(0,)])
            self.assertEqual(test_rules.rows(node, "SELECT raised FROM place WHERE study=?", study), [(1,)])
        self.assertEqual(node.status()["why"], [])
        self.assertEqual([line for line in node.log().splitlines() if re.match(r"\S+ error ", line)], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
