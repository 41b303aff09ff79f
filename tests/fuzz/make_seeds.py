#!/usr/bin/python3
"""Writes the small starting inputs of the fuzz targets under tests/fuzz/seeds/.

    tests/fuzz/make_seeds.py      (python3-pydicom, python3-numpy, python3-pil, dcmtk)

Every byte is made here or taken from this tree's own texts; nothing comes from patients or from shared data.
"""
import hashlib
import io
import json
import os
import sqlite3
import struct
import subprocess
import tempfile

import numpy
from PIL import Image
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
                         ImplicitVRLittleEndian, JPEG2000Lossless)

import seeds_peers
import seeds_steps
from seeds_steps import element, word

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
SC = "1.2.840.10008.5.1.4.1.1.7"
ECHO = "1.2.840.10008.1.1"


def put(target, name, data):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as out:
        out.write(data)


def ramp(rows=8, cols=8, top=255, kind="uint8"):
    return (numpy.arange(rows * cols).reshape(rows, cols) * top // (rows * cols - 1)).astype(kind)


def safetensors():
    for dtype, size in (("F32", 4), ("F16", 2), ("BF16", 2)):
        header = json.dumps({"__metadata__": {"format": "pt"},
                             "a.weight": {"dtype": dtype, "shape": [2, 3], "data_offsets": [0, 6 * size]},
                             "a.bias": {"dtype": dtype, "shape": [2],
                                        "data_offsets": [6 * size, 8 * size]}}).encode()
        header += b" " * (-len(header) % 8)
        put("weights", dtype.lower() + ".safetensors",
            struct.pack("<Q", len(header)) + header + bytes(8 * size))
    header = json.dumps({"w": {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}}).encode()
    put("weights", "no-elements", struct.pack("<Q", len(header)) + header)


# every operator of a <graph>
GRAPH = """<training split="random" leaking-pairs="3"/>
<graph>
<layer name="data" op="input" shape="3 64 64"/>
<layer name="pad" op="pad" from="data" sides="1 0 1 0" value="-0.5"/>
<layer name="c" op="conv2d" from="pad" channels="4" kernel="3 3" stride="2 2" pad="1 1" groups="1" no-bias="true"/>
<layer name="b" op="batch-norm" from="c" epsilon="1e-05" momentum="0.1"/>
<layer name="s" op="silu" from="b"/>
<layer name="k" op="clip" from="b" low="-INF" high="6"/>
<layer name="r" op="relu" from="k"/>
<layer name="a" op="add" from="s r s" relu="true"/>
<layer name="m" op="avg-pool" from="a" kernel="33 32" stride="1 1" pad="0 0" count-padding="true"/>
<layer name="g" op="sigmoid" from="m"/>
<layer name="x" op="mul" from="a g"/>
<layer name="n" op="lrn" from="x" size="5" alpha="0.0001" beta="0.75" k="1"/>
<layer name="p" op="max-pool" from="n" kernel="3 3" stride="2 2" pad="1 1" ceil="true"/>
<layer name="t" op="concat" from="p p"/>
<layer name="f" op="reshape" from="t" shape="2312 1 1"/>
<layer name="d" op="dropout" from="f" rate="0.5"/>
<layer name="l" op="linear" from="d" outputs="2"/>
<layer name="prob" op="softmax" from="l"/>
</graph>
"""


def model():
    text = """<?xml version="1.0"?>
<model name="m" version="1" network="googlenet">
<intended-use>tests</intended-use>
<scope modalities="CR DX" body-parts="CSPINE" views="LL" minimum-age="16"/>
<input side="64" fit="pad" scale="255" mean="104 117 123"/>
<classes>
<class number="0" name="fracture" finding="true" operating-point="0.25"/>
<class number="1" name="normal" finding="false"/>
</classes>
<calibration method="none"/>
<provenance kind="synthetic">a test</provenance>
%s<weights sha256="%s"/>
</model>
"""
    measures = """<measures data="d"><confusion truth="fracture" answers="1 2"/>
<confusion truth="normal" answers="0 3"/>
<finding class="fracture" sensitivity="1" specificity="0.5" auc="1"/></measures>
"""
    put("model_xml", "plain.xml", (text % ("", "0" * 64)).encode())
    put("model_xml", "measured.xml", (text % (measures, "a" * 64)).encode())
    put("model_xml", "graph.xml", (text.replace('"googlenet"', '"graph"') % (GRAPH, "b" * 64)).encode())


def pictures():
    grey = Image.fromarray(ramp())
    kinds = {"grey": grey, "rgb": grey.convert("RGB"), "palette": grey.convert("P"),
             "alpha": grey.convert("RGBA"), "bit": grey.convert("1"),
             "grey16": Image.fromarray(ramp(top=65535, kind="uint16"))}
    for name, picture in kinds.items():
        out = io.BytesIO()
        picture.save(out, "PNG")
        put("image", name + ".png", out.getvalue())
    for name, picture, options in (("grey", grey, {}), ("rgb", kinds["rgb"], {"subsampling": 2}),
                                   ("progressive", kinds["rgb"], {"progressive": True}),
                                   ("cmyk", grey.convert("CMYK"), {})):
        out = io.BytesIO()
        picture.save(out, "JPEG", **options)
        put("image", name + ".jpg", out.getvalue())


def command(sop_class, field, *more):
    body = (element(0x00000002, sop_class.encode()) + word(0x00000100, field)) + b"".join(more)
    return element(0x00000000, struct.pack("<I", len(body))) + body


def echo_request():
    return command(ECHO, 0x0030, word(0x00000110, 1), word(0x00000800, 0x0101))


def store_request():
    return command(SC, 0x0001, word(0x00000110, 2), word(0x00000700, 0), word(0x00000800, 1),
                   element(0x00001000, b"1.2.3"))


def commands():
    put("command", "echo-rq", echo_request())
    put("command", "store-rq", store_request())
    put("command", "store-rsp", command(SC, 0x8001, word(0x00000120, 2), word(0x00000800, 0x0101),
                                        word(0x00000900, 0xC000), element(0x00000902, b"no"),
                                        element(0x00001000, b"1.2.3")))


def message(context, is_command, data):
    pdv = struct.pack(">IBB", len(data) + 2, context, (1 if is_command else 0) | 2) + data
    return struct.pack(">BBI", 4, 0, len(pdv)) + pdv


def responses():
    find, commitment = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.20.1"
    match = element(0x00080052, b"STUDY ") + element(0x00100020, b"ID1 ") + element(0x0020000d, b"1.2.3")
    pending = command(find, 0x8020, word(0x00000120, 1), word(0x00000800, 1), word(0x00000900, 0xff00))
    last = command(find, 0x8020, word(0x00000120, 1), word(0x00000800, 0x0101), word(0x00000900, 0))
    put("response", "find", b"\1" + message(11, True, pending) + message(11, False, match) + message(11, True, last))
    item = element(0x00081150, SC.encode()) + element(0x00081155, b"2.25.8")
    event = element(0x00081195, b"2.25.7") + element(0x00081199, element(0xfffee000, item))
    event += element(0x00081198, element(0xfffee000, item + word(0x00081197, 0x0112)))
    done = command(commitment, 0x8130, word(0x00000120, 1), word(0x00000800, 0x0101), word(0x00000900, 0))
    report = command(commitment, 0x0100, word(0x00000110, 9), word(0x00000800, 1), element(0x00001000, b"1.2.840.10008.1.20.1.1"),
                     word(0x00001002, 2))
    put("response", "commitment", b"\0" + message(3, True, done) + message(3, True, report) + message(3, False, event))
    for name, status, comment in (("taken", 0x0000, ""), ("full", 0xa700, "no room"), ("warned", 0xb000, "coerced"), ("refused", 0xc000, "x" * 64)):
        stored = command(SC, 0x8001, word(0x00000120, 1), word(0x00000800, 0x0101), word(0x00000900, status), element(0x00000902, comment.encode()),
                         element(0x00001000, b"2.25.8"))
        put("response", "store-" + name, b"\7" + message(9, True, stored))


def ups_item():
    code = element(0x00080100, b"110005") + element(0x00080102, b"DCM")
    issuer = element(0x00400031, b"RIS")
    request = element(0x00080050, b"A1") + element(0x00080051, element(0xfffee000, issuer)) + element(0x0020000d, b"1.2.3")
    source = element(0x0020000d, b"1.2.3") + element(0x0040e020, b"DICOM ")
    mark = b"Call back\r\ncervigate: HIGH, was MEDIUM; suspicion (m 1) [2.25.7]"
    return (element(0x00080005, b"ISO_IR 100") + element(0x00080018, b"2.25.9") + element(0x00100020, b"P1") + element(0x00400400, mark) +
            element(0x00404018, element(0xfffee000, code)) + element(0x00404021, element(0xfffee000, source)) +
            element(0x0040a370, element(0xfffee000, request)) + element(0x00741000, b"SCHEDULED ") + element(0x00741200, b"HIGH"))


def ups():
    item, push, pull = ups_item(), "1.2.840.10008.5.1.4.34.6.1", "1.2.840.10008.5.1.4.34.6.3"
    pending = command(pull, 0x8020, word(0x00000120, 1), word(0x00000800, 1), word(0x00000900, 0xff00))
    last = command(pull, 0x8020, word(0x00000120, 1), word(0x00000800, 0x0101), word(0x00000900, 0))
    put("response", "ups-find", b"\2" + message(19, True, pending) + message(19, False, item) + message(19, True, last))
    for n, (name, field) in enumerate((("get", 0x8110), ("create", 0x8140), ("set", 0x8120), ("cancel", 0x8130))):
        answer = command(push, field, word(0x00000120, 1), word(0x00000800, 1 if n == 0 else 0x0101), word(0x00000900, 0 if n == 0 else 0xc301))
        put("response", "ups-" + name, bytes([3 + n]) + message(15, True, answer) + (message(15, False, item) if n == 0 else b""))
    put("ups", "item", b"\0" + item)
    put("ups", "json", b'\2[{"00080018":{"vr":"UI","Value":["2.25.9"]},"00100020":{"vr":"LO","Value":["P1"]},"00400400":{"vr":"LT","Value":["cervigate: '
                       b'HIGH, was MEDIUM; s (m 1) [2.25.7]"]},"00404018":{"vr":"SQ","Value":[{"00080100":{"vr":"SH","Value":["110005"]},"00080102":{"vr":"SH",'
                       b'"Value":["DCM"]}}]},"0040A370":{"vr":"SQ","Value":[{"00080050":{"vr":"SH","Value":["A1"]},"0020000D":{"vr":"UI","Value":["1.2.3"]}}]},'
                       b'"00741000":{"vr":"CS","Value":["SCHEDULED"]},"00741200":{"vr":"CS","Value":["HIGH"]}}]')
    for name, line in (("ours", b"cervigate: MEDIUM; r (m) [2.25.7]"), ("research", b"x\r\nRESEARCH - cervigate: HIGH, was LOW; r [2.25.7]\r\nmore")):
        put("ups", name, b"\1" + line)


def mwl():
    code = element(0x00080100, b"XRCS") + element(0x00080102, b"L ") + element(0x00080104, b"Neck")
    step = element(0x00080060, b"DX") + element(0x00400001, b"ROOM1 ")
    item = (element(0x00080005, b"ISO_IR 100") + element(0x00080050, b"A1") + element(0x00100020, b"P1") + element(0x00100021, b"H\xf6") +
            element(0x0020000d, b"1.2.3 ") + element(0x00321060, b"Neck, postop") + element(0x00321064, element(0xfffee000, code)) +
            element(0x00400100, element(0xfffee000, step)) + element(0x00401001, b"RP1 ") + element(0x00401003, b"STAT") +
            element(0x00402016, b"PL") + element(0x00402017, b"FI"))
    for known in range(4):
        put("mwl", f"item-{known}", bytes([known]) + item)


def attrs():
    def pack(*entries):
        body = b"".join(struct.pack("<I2sI", tag, vr, len(value)) + value for tag, vr, value in entries)
        return b"DXA1" + struct.pack("<I", len(entries)) + body
    put("attrs", "none", pack())
    put("attrs", "three", pack((0x00080018, b"UI", b"1.2.3"), (0x00080060, b"CS", b"DX"),
                               (0x00100010, b"PN", b"A^B")))


def dataset(syntax, bits=8, **more):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = SC, "1.2.3"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2", "1.2.1"
    ds.Modality, ds.PatientName, ds.PatientID = "DX", "A^B", "1"
    ds.ReferencedStudySequence = [Dataset()]
    ds.ReferencedStudySequence[0].ReferencedSOPInstanceUID = "1.2.9"
    ds.Rows = ds.Columns = 8
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = 8 if bits == 8 else 16
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits - 1, 0
    ds.PixelData = ramp(top=(1 << bits) - 1, kind="uint8" if bits == 8 else "<u2").tobytes()
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    for keyword, value in more.items():
        setattr(ds, keyword, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = SC, "1.2.3"
    ds.is_little_endian = syntax != ExplicitVRBigEndian
    ds.is_implicit_VR = syntax == ImplicitVRLittleEndian
    return ds


def part10(ds):
    out = io.BytesIO()
    ds.save_as(out, write_like_original=False)
    return out.getvalue()


def without_meta(file):
    """The dataset's bytes: after preamble, DICM and the group that (0002,0000) measures."""
    return file[144 + struct.unpack("<I", file[140:144])[0]:]


def objects():
    plain = part10(dataset(ExplicitVRLittleEndian))
    put("object", "explicit.dcm", plain)
    put("object", "implicit12.dcm", part10(dataset(ImplicitVRLittleEndian, 12)))
    put("object", "big.dcm", part10(dataset(ExplicitVRBigEndian)))
    put("object", "deflated.dcm", part10(dataset(DeflatedExplicitVRLittleEndian)))
    put("object", "window.dcm", part10(dataset(ExplicitVRLittleEndian, 12, WindowCenter=2048, WindowWidth=100,
                                               RescaleSlope=2, RescaleIntercept=-5,
                                               PhotometricInterpretation="MONOCHROME1")))
    rgb = numpy.repeat(ramp(), 3).tobytes()
    put("object", "rgb.dcm", part10(dataset(ExplicitVRLittleEndian, SamplesPerPixel=3, PlanarConfiguration=0,
                                            PhotometricInterpretation="RGB", PixelData=rgb)))
    with tempfile.TemporaryDirectory() as folder:
        source, made = os.path.join(folder, "in.dcm"), os.path.join(folder, "out.dcm")
        with open(source, "wb") as out:
            out.write(plain)
        for name, tool in (("rle", ["dcmcrle"]), ("jpeg-baseline", ["dcmcjpeg", "+eb"]),
                           ("jpeg-lossless", ["dcmcjpeg", "+e1"]), ("jpeg-ls", ["dcmcjpls"])):
            subprocess.run(tool + [source, made], check=True)
            with open(made, "rb") as file:
                put("object", name + ".dcm", file.read())
    codestream = io.BytesIO()
    Image.fromarray(ramp()).save(codestream, "JPEG2000", no_jp2=True, num_resolutions=2)
    frame = dataset(JPEG2000Lossless, PixelData=encapsulate([codestream.getvalue()]))
    frame["PixelData"].is_undefined_length = True
    put("object", "jpeg2000.dcm", part10(frame))


def results():
    """Our own objects, and other encodings of the pictures: needs a release build."""
    program = os.path.join(TREE, "build/release/bin/write_samples")
    if not os.path.exists(program):
        print("no seeds of sr_reader and rejection: build write_samples first")
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([program, folder], check=True)
        subprocess.run(["dcmcrle", folder + "/frames.dcm", folder + "/rle.dcm"], check=True)
        subprocess.run(["dcmcjpls", folder + "/sc.dcm", folder + "/jpeg-ls.dcm"], check=True)
        subprocess.run([program, "--utf8", os.path.join(folder)], check=True)
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                put("rejection" if name == "rejection.dcm" else "sr_reader", name, file.read())


def prescans():
    syntaxes = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian,
                DeflatedExplicitVRLittleEndian)
    for number, syntax in enumerate(syntaxes):
        put("prescan", "syntax-%d" % number, bytes([number]) + without_meta(part10(dataset(syntax))))
    with open(os.path.join(HERE, "seeds/object/rle.dcm"), "rb") as file:
        put("prescan", "encapsulated", b"\x04" + without_meta(file.read()))


def pdu(kind, body):
    return struct.pack(">BBI", kind, 0, len(body)) + body


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def fragment(context, control, data):
    return pdu(4, struct.pack(">IBB", len(data) + 2, context, control) + data)


def associations():
    def proposal(number, abstract):
        return item(0x20, bytes([number, 0, 0, 0]) + item(0x30, abstract.encode()) +
                    item(0x40, ImplicitVRLittleEndian.encode()))
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4") + item(0x55, b"SEED")
    user += item(0x54, struct.pack(">H", len(SC)) + SC.encode() + b"\1\0")
    request = pdu(1, struct.pack(">HH", 1, 0) + b"CERVIGATE".ljust(16) + b"SEED".ljust(16) + bytes(32) +
                  item(0x10, b"1.2.840.10008.3.1.1.1") + proposal(1, ECHO) + proposal(3, SC) +
                  item(0x50, user))
    release = pdu(5, bytes(4))
    data = without_meta(part10(dataset(ImplicitVRLittleEndian)))
    put("association", "open-release", request + release)
    put("association", "echo", request + fragment(1, 3, echo_request()) + release)
    put("association", "store", request + fragment(3, 3, store_request()) + fragment(3, 0, data[:100]) +
        fragment(3, 2, data[100:]) + release)
    put("association", "abort", request + fragment(3, 3, store_request()) + pdu(7, bytes(4)))


def field(number, value):
    """One protobuf field: a whole number, or bytes with their length."""
    def varint(n):
        return (bytes([n & 127 | 128]) + varint(n >> 7)) if n > 127 else bytes([n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value & (1 << 64) - 1)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def onnx_node(op, inputs, output, **attributes):
    node = b"".join(field(1, name) for name in inputs.split()) + field(2, output) + field(3, output) + field(4, op)
    for name, value in attributes.items():
        value = field(4, value) if isinstance(value, str) else b"".join(field(8, n) for n in value) \
            if isinstance(value, list) else field(3, value)
        node += field(5, field(1, name) + value)
    return field(1, node)


def onnx_tensor(name, dims, raw, kind=1):
    return field(5, b"".join(field(1, d) for d in dims) + field(2, kind) + field(8, name) + field(9, raw))


def onnx_value(number, name, dims):
    shape = b"".join(field(1, field(1, d) if d else field(2, "n")) for d in dims)
    return field(number, field(1, name) + field(2, field(1, field(1, 1) + field(2, shape))))


def onnx():
    """Two small networks that name most operators."""
    half, ints = struct.pack("<f", 0.5), lambda *n: struct.pack(f"<{len(n)}q", *n)
    common = onnx_value(11, "x", (0, 2, 8, 8)) + onnx_value(12, "y", (0, 2))
    head = onnx_tensor("fc.weight", (2, 2), half * 4) + onnx_tensor("fc.bias", (2,), half * 2)
    first = common + head + onnx_tensor("w", (2, 2, 3, 3), half * 36) + onnx_tensor("two", (2,), half * 2) + b"".join((
        onnx_node("Conv", "x w two", "c", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        onnx_node("BatchNormalization", "c two two two two", "b"), onnx_node("Relu", "b", "r"),
        onnx_node("MaxPool", "r", "m", kernel_shape=[2, 2], strides=[2, 2], auto_pad="SAME_UPPER"),
        onnx_node("Sigmoid", "m", "s"), onnx_node("Mul", "m s", "a"), onnx_node("Add", "a m", "d"),
        onnx_node("LRN", "d", "l", size=3), onnx_node("GlobalAveragePool", "l", "g"),
        onnx_node("Flatten", "g", "f"), onnx_node("Dropout", "f", "o"),
        onnx_node("Gemm", "o fc.weight fc.bias", "y", transB=1)))
    second = common + head + onnx_tensor("shape", (2,), ints(0, -1), 7) + onnx_tensor(
        "pads", (8,), ints(0, 0, 1, 1, 0, 0, 1, 1), 7) + onnx_tensor("low", (), half) + b"".join((
            onnx_node("Pad", "x pads", "p"), onnx_node("Clip", "p low", "c"), onnx_node("Identity", "c", "i"),
            onnx_node("AveragePool", "i", "a", kernel_shape=[10, 10], count_include_pad=1),
            onnx_node("Concat", "a a", "t", axis=1), onnx_node("ReduceMean", "i", "v", axes=[2, 3], keepdims=1),
            onnx_node("Mul", "v low", "w"), onnx_node("Reshape", "w shape", "f"),
            onnx_node("MatMul", "f fc.weight", "q"), onnx_node("Add", "q fc.bias", "z"),
            onnx_node("Softmax", "z", "y", axis=1)))
    for name, graph, opset in (("first.onnx", first, 9), ("second.onnx", second, 13)):
        put("onnx", name, field(1, 7) + field(7, graph) + field(8, field(2, opset)))


def tables():
    put("csv", "plain", b"file,class,patient\na.png,normal,1\nb.png,fracture,2\n")
    put("csv", "quoted", b'\xef\xbb\xbffile,class\r\n"a, ""b"".png",normal\r\n"two\r\nlines","x"\r\n')


CONFIGURATION = b'<cervigate xmlns="urn:cervigate:config:1">%s</cervigate>\n'


def texts():
    with open(os.path.join(TREE, "sr_templates/cspine.xml"), "rb") as file:
        put("template", "cspine.xml", file.read())
    with open(os.path.join(TREE, "sr_templates/words.xml"), "rb") as file:
        put("template", "words.xml", b"w" + file.read())
    node = b'<node aeTitle="A" spool="/s" model="/m"/>'
    for name, more in (
            ("least.xml", b'<rules><rule name="all" action="analyze"/></rules>'),
            ("peers.xml", b'<peers><peer name="p" aeTitle="P" host="h" port="104"/></peers>'
                          b'<rules><rule name="r" action="analyze"><match attribute="Modality" values="CR DX"/>'
                          b'</rule></rules>')):
        put("config", name, CONFIGURATION % (node + more))
    put("config", "folder.xml", b"\f".join((
        CONFIGURATION % (node + b'<models><model folder="/a" name="a"/></models><aes><ae aeTitle="E R" model="a"/></aes>'
                         b'<rules><rule name="all" action="analyze"/></rules>').replace(b' model="/m"', b""),
        CONFIGURATION % b'<node port="2"/><rules><rule name="er" action="store" ae="E R"/></rules>',
        CONFIGURATION % b'<aes><ae aeTitle="E R" pduTimeout="5"/></aes><rules><rule name="all" action="ignore"/></rules>')))


def audit():
    def line(seq, prev, message):
        head = f"{seq} 2026-11-27T05:30:00.00{seq}Z node-1 {'0a' * 16} {prev} "
        digest = hashlib.sha256((head + message).encode()).hexdigest()
        return f"{head}{digest} {message}\n".encode(), digest

    def mark(seq, digest, file, end):
        text = f"{seq} {digest} {file} {end} "
        return f"{text}{hashlib.sha256(text.encode()).hexdigest()[:16]}\n".encode()
    message = ('<?xml version="1.0" encoding="UTF-8"?><AuditMessage><EventIdentification EventActionCode="E" EventDateTime='
               '"2026-11-27T05:30:00.000Z" EventOutcomeIndicator="4"><EventID csd-code="110113" codeSystemName="DCM" '
               'originalText="Security Alert"/></EventIdentification><ActiveParticipant UserID="a" UserIsRequestor="true"/>'
               '<AuditSourceIdentification AuditSourceID="s"/><ParticipantObjectIdentification ParticipantObjectID="1.2.3">'
               '<ParticipantObjectIDTypeCode csd-code="110180" codeSystemName="DCM" originalText="u"/><ParticipantObjectDetail '
               'type="count" value="Mw=="/><ParticipantObjectDescription><Accession Number="7"/><SOPClass UID="1.2" '
               'NumberOfInstances="5"/></ParticipantObjectDescription></ParticipantObjectIdentification></AuditMessage>')
    lines, ends, digest = [], [], "0" * 64
    for seq in range(1, 5):
        text, digest = line(seq, digest, message if seq == 1 else "<a/>")
        lines.append(text)
        ends.append(digest)
    first, second = lines[0] + lines[1], lines[2] + lines[3]
    slots = mark(2, ends[1], 1, len(first)).ljust(256) + mark(1, ends[0], 1, len(lines[0])).ljust(256)
    put("audit", "record", b"r" + lines[0])
    put("audit", "files", b"f" + b"\xff".join((first, second, slots, b"", b"3 2026-11-27T05:30:00.000Z", mark(2, ends[1], 1, len(first)))))
    put("audit", "based", b"f" + b"\xff".join((b"", second, mark(4, ends[3], 3, len(second)), mark(2, ends[1], 1, len(first)))))
    put("audit", "torn", b"f" + b"\xff".join((first + lines[2][:90], b"", slots)))


def stores():
    """Rows by table and value as fuzz_store.c reads them, patches of a whole database, and small databases."""
    number, word, none = lambda n: bytes([7, n + 2]), lambda n: bytes([6, n]), b"\0"
    text = lambda t: bytes([3, len(t)]) + t.encode()
    long = lambda n: b"\5" + n.to_bytes(3, "big")
    instance = [number(1), word(1), *[text("1.2.14")] * 5, text("a" * 64), text("objects/00/a.dcm"), number(9)]
    instance += [text("SCU1"), text("SCP1"), text("10.0.0.1"), text("a1"), number(5), number(1), number(0), number(0), text("rule"),
                 text("none"), long(300), number(0)] + [none] * 12
    put("store", "instance", b"\2\0" + b"".join(instance))
    judgement = [number(1), long(40), text("p1"), text("d1"), long(5000), text("m1"), text(""), number(1), text("1 2 3 "), text("m2"),
                 number(2), long(5000)] + [none] * 8
    put("store", "judgement", b"\2\1" + b"".join(judgement))
    put("store", "memo", b"\5\x0b" + text("relearned1") + b"\1" + b"\x80" + bytes(7) + b"\x0d" + text("CT1") + b"\1" + b"\x7f" + b"\xff" * 7)
    put("store", "counted", b"\x08\6" + number(1) + number(1) + word(13) + word(3) + number(0) * 4 + none * 8 + b"\7" + text("refused1") + text("many"))
    put("store", "version", b"\1" + bytes([0, 0, 60, 4]) + b"\xff" * 4)
    put("store", "kept", b"\x0b\0" + b"".join(instance))
    put("store", "encoding", b"\1" + bytes([0, 0, 56, 4, 0, 0, 0, 2]))
    for name, version, more in (("empty", 0, "CREATE TABLE a(b)"), ("newer", 99, "CREATE TABLE a(b)"),
                                ("view", 4, "CREATE VIEW instance AS SELECT 1 AS id; CREATE TABLE counter(name,value)")):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "jobs.sqlite")
            db = sqlite3.connect(path)
            db.executescript(f"PRAGMA page_size=512; PRAGMA application_id=1129727828; PRAGMA user_version={version}; {more}")
            db.close()
            with open(path, "rb") as file:
                put("store", name, b"\0" + file.read())


if __name__ == "__main__":
    seeds_peers.hl7(put)
    audit()
    seeds_peers.news(put)
    seeds_peers.rules(put)
    seeds_peers.log(put)
    safetensors()
    onnx()
    model()
    pictures()
    commands()
    responses()
    ups()
    mwl()
    seeds_steps.asked(put)
    seeds_steps.associations(put)
    attrs()
    objects()
    results()
    prescans()
    associations()
    tables()
    texts()
    stores()
