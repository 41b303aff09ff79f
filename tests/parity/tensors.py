"""Tensors of float32 in files, through numpy: safetensors (a header of JSON, then the numbers) to parity_run, and
parity_run's numbers with their index."""
import json
import struct

import numpy as np


def read(path):
    """What parity_run left: by name, in its order; read-only, mapped."""
    numbers, at, out = np.memmap(path, "<f4", "r"), 0, {}
    with open(path + ".index", encoding="utf-8") as index:
        for line in index:
            name, *shape = line.split()
            shape = [int(n) for n in shape]
            size = int(np.prod(shape))
            out[name] = numbers[at:at + size].reshape(shape)
            at += size
    return out


def write(path, tensors):
    header, at = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [at, at + 4 * value.size]}
        at += 4 * value.size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for value in tensors.values():
            f.write(np.ascontiguousarray(value, "<f4").data)
