"""Models made for the tests: tiny networks with random weights whose operating points decide what they find."""
import os
import re
import subprocess

import harness as h


def make(folder, dislocation=1.0, fracture=1.0, name="test-model", modalities="CR DX", series=None):
    """A model folder. Operating points: 0 finds it in everything, 1 in nothing. `series`: (positive, minimum) slices."""
    os.makedirs(folder, exist_ok=True)
    subprocess.run([os.path.join(h.BIN, "make_model"), folder], check=True)
    path = os.path.join(folder, "model.xml")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for class_, point in (("dislocation", dislocation), ("fracture", fracture)):
        text, count = re.subn(rf'(name="{class_}" finding="true" operating-point=)"[^"]*"', rf'\g<1>"{point}"', text)
        assert count == 1
    text = text.replace('<model name="test-model"', f'<model name="{name}"').replace('modalities="CR DX"', f'modalities="{modalities}"')
    if series:
        text = re.sub(r"(<scope [^>]*/>)", rf'\1<series positive="{series[0]}" minimum="{series[1]}"/>', text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return folder
