#!/usr/bin/python3
"""Every frame of the shared corpus against an independent decoder: frames_parity.py DUMP_FRAME CORPUS EXCEPTIONS

pydicom with numpy reads what is uncompressed, deflated or RLE; what is JPEG, JPEG-LS or JPEG 2000 is first decompressed by
gdcmconv, and when GDCM cannot, by dcmdjpeg or dcmdjpls. Lossless frames must be equal, lossy ones within 2 levels. A file that we do
not decode though a peer does, or that differs, must be in EXCEPTIONS (path, tab, reason); a line there that is not needed any more
is a failure too. Exit 77 without the corpus."""
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

try:
    import numpy
    import pydicom
    from pydicom.pixel_data_handlers import numpy_handler, rle_handler
except ImportError as missing:
    print(f"skipped: {missing} (scripts/deps)")
    sys.exit(77)

LOSSY = {"1.2.840.10008.1.2.4." + s for s in ("50", "51", "53", "55", "81", "91", "93", "203")}
NATIVE = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}
RLE = "1.2.840.10008.1.2.5"


class Differs(Exception):
    pass


def ours(program, path):
    """[(shape, bits, signed, array)] or the error's text."""
    out = subprocess.run([program, path], stdout=subprocess.PIPE, timeout=60, check=False)
    if out.returncode < 0:
        raise Differs(f"dump_frame died of signal {-out.returncode}")
    if out.returncode > 1:
        raise Differs(f"dump_frame ended with {out.returncode}: a sanitizer?")
    frames, data, at = [], out.stdout, 0
    while at < len(data):
        end = data.index(b"\n", at)
        words = data[at:end].decode("latin-1").split(" ")
        if words[0] != "frame":
            return " ".join(words[1:])
        rows, cols, samples, allocated, stored, signed, count = (int(w) for w in words[1:8])
        kind = numpy.dtype(("i" if signed else "u") + str(allocated // 8))
        array = numpy.frombuffer(data, kind, rows * cols * samples, end + 1)
        frames.append((array.reshape(rows, cols, samples), stored, " ".join(words[8:])))
        at = end + 1 + count
    return frames


def by_tools(path, syntax, folder):
    """A decompressed copy made by GDCM or DCMTK."""
    out = os.path.join(folder, "raw.dcm")
    tools = [["gdcmconv", "-w", path, out]]
    if syntax.startswith("1.2.840.10008.1.2.4.8"):
        tools.append(["dcmdjpls", path, out])
    elif syntax[20:22] in ("50", "51", "53", "55", "57", "70"):
        tools.append(["dcmdjpeg", path, out])
    elif syntax == RLE:
        tools = [["dcmdrle", path, out]]
    for tool in tools:
        if os.path.exists(out):
            os.unlink(out)
        done = subprocess.run(tool, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=False)
        if done.returncode == 0 and os.path.exists(out):
            yield pydicom.dcmread(out, force=True), tool[0]


def pixels_of(data):
    """(frames, rows, cols, samples), masked and signed as Bits Stored and High Bit say; colour as it is stored."""
    if "FloatPixelData" in data or "DoubleFloatPixelData" in data:
        raise ValueError("floating point")
    syntax = data.file_meta.TransferSyntaxUID
    handler = rle_handler if syntax == RLE else numpy_handler
    flat = handler.get_pixeldata(data)
    array = pydicom.pixel_data_handlers.util.reshape_pixel_array(data, flat)
    samples, frames = data.get("SamplesPerPixel", 1), int(data.get("NumberOfFrames") or 1)
    array = array.reshape(frames, data.Rows, data.Columns, samples)
    stored, allocated = data.get("BitsStored", data.BitsAllocated), data.BitsAllocated
    if 1 < stored < allocated:
        shift = data.get("HighBit", stored - 1) + 1 - stored
        array = (array >> shift) & ((1 << stored) - 1)
        if data.PixelRepresentation == 1:
            array = numpy.where(array & (1 << (stored - 1)), array - (1 << stored), array)
    return array


def to_rgb(array, photometric):
    if not photometric.startswith("YBR_FULL"):
        return array
    y, cb, cr = (array[..., i].astype(float) for i in range(3))
    half = 128.0
    rgb = numpy.stack([y + 1.402 * (cr - half), y - 0.344136 * (cb - half) - 0.714136 * (cr - half),
                       y + 1.772 * (cb - half)], -1)
    return numpy.clip(numpy.rint(rgb), 0, 255)


def references(path, data, folder):
    syntax = str(data.file_meta.get("TransferSyntaxUID", ""))
    if syntax in NATIVE or syntax == RLE or not syntax:
        if not syntax:
            data.file_meta.TransferSyntaxUID = ("1.2.840.10008.1.2" if data.is_implicit_VR else "1.2.840.10008.1.2.1")
        yield data, "pydicom"
    if syntax not in NATIVE or syntax == "1.2.840.10008.1.2.2":
        yield from by_tools(path, syntax, folder)


def compare(mine, data, tolerance):
    theirs = to_rgb(pixels_of(data).astype(numpy.int64), data.get("PhotometricInterpretation", ""))
    if len(mine) != len(theirs):
        raise Differs(f"{len(mine)} frames, theirs {len(theirs)}")
    worst = 0
    for (array, _stored, _photometric), other in zip(mine, theirs):
        if array.shape != other.shape:
            raise Differs(f"shape {array.shape}, theirs {other.shape}")
        worst = max(worst, int(numpy.max(numpy.abs(array.astype(numpy.int64) - other.astype(numpy.int64)))))
    if worst > tolerance:
        raise Differs(f"differs by {worst} levels")
    return worst


def judge(program, path):
    """(verdict, text): equal, differs, ours only, theirs only, neither."""
    try:
        data = pydicom.dcmread(path, force=True)
        data.file_meta = getattr(data, "file_meta", None) or pydicom.dataset.FileMetaDataset()
    except Exception as error:  # whatever pydicom raises at a broken file
        data, why = None, str(error)
    try:
        mine = ours(program, path)
    except (Differs, subprocess.TimeoutExpired) as error:
        return "differs", str(error)
    if data is None:
        return ("neither" if isinstance(mine, str) else "ours only"), why
    why = "no pixels" if "PixelData" not in data else "no decoder"
    with tempfile.TemporaryDirectory() as folder:
        syntax = str(data.file_meta.get("TransferSyntaxUID", ""))
        is_colour = data.get("PhotometricInterpretation", "").startswith("YBR")
        tolerance = 2 if syntax in LOSSY else 1 if is_colour else 0
        differences = []
        try:
            for reference, name in references(path, data, folder) if "PixelData" in data else ():
                try:
                    pixels_of(reference)
                    if isinstance(mine, str):
                        return "theirs only", f"{name} decodes it; ours: {mine}"
                    worst = compare(mine, reference, tolerance)
                    return "equal", f"{name} {worst}"
                except Differs as error:
                    differences.append(f"{name}: {error}")
                except Exception as error:  # pydicom and numpy refuse in many ways
                    why = f"{name}: {error}"
        except subprocess.TimeoutExpired:
            why = "their decoder hangs"
        if differences:
            return "differs", "; ".join(differences)
    return ("neither" if isinstance(mine, str) else "ours only"), why


def main():
    program, corpus, table = sys.argv[1:4]
    if not os.path.isdir(corpus):
        print("skipped: no shared data")
        return 77
    exceptions = {}
    with open(table, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                path, reason = line.rstrip("\n").split("\t")
                exceptions[path] = reason
    files = sorted(os.path.relpath(os.path.join(d, f), corpus) for d, _, names in os.walk(corpus) for f in names
                   if f != "INDEX.tsv" and not d.endswith("pdu-seeds"))
    counts, failed = {}, 0
    with ThreadPoolExecutor(2) as pool:
        for path, (verdict, text) in zip(files, pool.map(lambda f: judge(program, os.path.join(corpus, f)), files)):
            counts[verdict] = counts.get(verdict, 0) + 1
            is_bad = verdict in ("differs", "theirs only")
            if is_bad != (path in exceptions):
                failed += 1
                print(f"FAILED {path}\t{verdict}: {text}" if is_bad else f"FAILED {path}: no exception any more ({verdict})")
            elif "-v" in sys.argv:
                print(f"{verdict}\t{path}\t{text}")
    print(f"{len(files)} files:", ", ".join(f"{n} {v}" for v, n in sorted(counts.items())), f"; {len(exceptions)} exceptions;",
          f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
