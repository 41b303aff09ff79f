"""Models made for the tests: tiny networks with random weights, whose classes' names and operating points decide what they find."""
import os
import re
import subprocess

import harness as h


def make(folder, finds=True, name="test-model", modalities="CR DX", series=None, seed=7):
    """A model folder. Every score of class 0 is a finding, or (not `finds`) the class is none. `series`: (positive, minimum)
    slices."""
    os.makedirs(folder, exist_ok=True)
    subprocess.run([os.path.join(h.BIN, "make_model"), folder, str(seed)], check=True)
    path = os.path.join(folder, "model.xml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text, count = re.subn(r'(number="0" name="dislocation" finding="true" operating-point=)"[^"]*"', r'\1"0"', text)
    assert count == 1
    if not finds:
        text, count = re.subn(r'(number="0" name=)"dislocation" finding="true" operating-point="[^"]*"', r'\1"normal" finding="false"', text)
        text, more = re.subn(r'(number="2" name=)"normal" finding="false"', r'\1"dislocation" finding="true" operating-point="1"', text)
        assert count == 1 and more == 1
    text = text.replace('<model name="test-model"', f'<model name="{name}"').replace('modalities="CR DX"', f'modalities="{modalities}"')
    if series:
        text = re.sub(r"(<scope [^>]*/>)", rf'\1<series positive="{series[0]}" minimum="{series[1]}"/>', text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return folder
