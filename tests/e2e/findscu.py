"""DCMTK's findscu asks a node: with its own models, which the node has not, and with UPS (tests/dicom/find_ups.cc, the same engine)."""
import glob
import os
import re
import tempfile

import pydicom
from pydicom.datadict import dictionary_keyword

import harness as h
from ups_scu import HELD

REFUSED = {"-W": "no Modality Worklist SCP", "-S": "no Study Root Query SCP", "-P": "no Patient Root Query SCP"}  # and what the node's log says


def is_refused(node):
    """Whatever findscu itself can ask for; the log says what there is instead."""
    for model, words in REFUSED.items():
        said = h.run("findscu", model, "-aet", "FINDER", "-aec", "CERVIGATE", "127.0.0.1", node.port, "-k", "AccessionNumber=A-100")
        if "No Acceptable Presentation Contexts" not in said.stdout + said.stderr:
            raise AssertionError(said.stdout + said.stderr)
        h.wait_for(lambda words=words: re.search(rf'query-not-offered .*calling="?FINDER"? reason="{words}', node.log()), 5, words)


def ask_ups(node, sop_class, *keys):
    """The items that match, in the order of their answers; every attribute that an item has is asked for."""
    everything = [dictionary_keyword(tag) for tag in HELD if tag != 0x00080005]
    with tempfile.TemporaryDirectory() as folder:
        said = h.run(os.path.join(h.BIN, "find_ups"), sop_class, node.port, folder, *everything, *keys)
        if said.returncode:
            raise AssertionError(said.stdout + said.stderr)
        items = [pydicom.dcmread(path) for path in sorted(glob.glob(os.path.join(folder, "rsp*.dcm")))]
        return [pydicom.Dataset(item) for item in items]
