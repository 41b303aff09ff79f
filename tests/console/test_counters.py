#!/usr/bin/env python3
"""/metrics under load and after kill -9 of the node (docs/reliability/kill.md, I8): every image that was acknowledged is in exactly one state, every result in exactly one
state of its delivery, at any moment, and what is counted never goes back."""
import os
import subprocess
import threading
import time
import unittest

from pydicom.uid import generate_uid

from exposition import Exposition
from http_fixture import Base, Client, h

IMAGES, SENDERS, ENOUGH = 30, 3, 10  # ENOUGH: acknowledged before the node is killed
NEVER_BACK = ("cervigate_duplicates_total", "cervigate_refused_total", "cervigate_stage_seconds_count", "cervigate_results")


class Load:
    """Senders, each image in an association of its own; what was begun and what was acknowledged."""

    def __init__(self, node, planes, folder):
        self.node, self.lock, self.begun, self.acknowledged, self.left = node, threading.Lock(), set(), set(), []
        for i in range(IMAGES):
            path, study = os.path.join(folder, f"load-{i}.dcm"), generate_uid()
            h.wrap(planes[i % len(planes)], path, study=study)
            self.left.append((path, study))
        self.threads = [threading.Thread(target=self.send) for _ in range(SENDERS)]
        for thread in self.threads:
            thread.start()

    def send(self):
        while True:
            with self.lock:
                if not self.left:
                    return
                path, study = self.left.pop()
                self.begun.add(study)
            while study not in self.acknowledged:  # as a modality would: again, until it is answered
                port = self.node.facts().get("dicom_port", "1")
                said = subprocess.run(["storescu", "-aec", "CERVIGATE", "127.0.0.1", port, path], capture_output=True, check=False, timeout=60)
                if said.returncode == 0:
                    self.acknowledged.add(study)
                else:
                    time.sleep(0.1)

    @property
    def runs(self):
        return any(t.is_alive() for t in self.threads)


class Counters(Base):
    limits = 'connections="40"'

    def look(self):
        return Exposition(Client(self.port).ask("GET", "/metrics").body.decode())

    def check(self, load, last):
        """One look, held against what was known before and after it, and against the look before."""
        least = len(load.acknowledged)
        m = self.look()
        images = m.sum("cervigate_instances")
        self.assertTrue(least <= images <= len(load.begun), (least, images, len(load.begun)))
        results = m.value("cervigate_results", kind="report") + m.value("cervigate_results", kind="picture")
        self.assertEqual(m.sum("cervigate_deliveries"), results)  # one destination gets them all
        # Counted in the transaction of the step itself, and looked at after the states.
        done = m.value("cervigate_instances", state="judged") + m.value("cervigate_instances", state="not-processed")
        self.assertGreaterEqual(m.value("cervigate_stage_seconds_count", stage="analysed"), done)
        self.assertGreaterEqual(m.value("cervigate_stage_seconds_count", stage="stored"), m.value("cervigate_results", kind="report"))
        now = {key: value for key, value in m.samples.items() if key[0] in NEVER_BACK} | {"images": images}
        for key, value in (last or {}).items():
            self.assertGreaterEqual(now[key], value, key)
        return now

    def test_they_add_up_under_load_and_after_kill(self):
        load = Load(self.node, [h.grey(path) for path, _ in self.images], self.node.folder)
        last, looks, killed = None, 0, False
        while load.runs:
            last, looks = self.check(load, last), looks + 1
            if not killed and len(load.acknowledged) >= ENOUGH:
                self.node.kill_supervisor()
                self.node.start()
                h.wait_for(lambda: Client(self.port).ask("GET", "/readyz").status == 200, 20, "the console")
                killed = True
        self.assertTrue(killed and looks > 20, (killed, looks))

        def settled():
            self.check(load, last)
            m = self.look()
            return m if m.value("cervigate_instances", state="received") == m.value("cervigate_deliveries", state="pending") == 0 and \
                m.value("cervigate_results", kind="report") == m.sum("cervigate_instances") else None
        m = h.wait_for(settled, 60, "everything answered and sent")
        images = m.sum("cervigate_instances")
        self.assertEqual([m.value("cervigate_stage_seconds_count", stage=s) for s in ("analysed", "complete", "stored", "sent")], [images] * 4)
        self.assertEqual(m.value("cervigate_deliveries", state="sent"), m.sum("cervigate_deliveries"))
        there = {str(head.SOPInstanceUID): str(head.StudyInstanceUID) for head in map(h.head, self.pacs.objects())}
        self.assertEqual(len(there), m.sum("cervigate_results"))
        self.assertEqual((images, set(there.values())), (IMAGES, load.acknowledged))
        print(f"{looks} looks; sent again though it was stored: {m.value('cervigate_duplicates_total'):.0f}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
