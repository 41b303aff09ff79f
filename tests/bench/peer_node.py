#!/usr/bin/python3
"""What a hospital's engineer would script instead of a node, as a peer of scripts/bench end-to-end: storescp spools what comes, this process
(PyTorch, pydicom) keeps its model loaded, classifies each new file, draws the gradient over the image and sends a Secondary Capture and a
Basic Text SR with dcmsend.

    peer_node.py FOLDER PORT_OF_THE_PACS ROWS COLUMNS     of its picture; prints its port once it serves; until killed"""
import os
import subprocess
import sys
import time

import numpy
import pydicom
import torch
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
from harness import free_port  # noqa: E402

SC, TEXT_SR = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.11"
COPIED = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyID")


def network():
    import torchvision
    torch.set_num_threads(2)
    torch.manual_seed(1)
    net = torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False, num_classes=3).eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    return net


def start(image, sop_class, **attributes):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    result = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    result.is_little_endian, result.is_implicit_VR = True, False
    for keyword in COPIED:
        setattr(result, keyword, image.get(keyword, ""))
    result.SOPClassUID, result.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    result.SeriesInstanceUID, result.SeriesNumber, result.InstanceNumber = generate_uid(), 900, 1
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def judge(net, path, rows, columns):
    image = pydicom.dcmread(path)
    plane = image.pixel_array.astype(numpy.float32)
    small = torch.nn.functional.interpolate(torch.from_numpy(plane)[None, None] / 4095, (224, 224), mode="bilinear")
    leaf = small.repeat(1, 3, 1, 1).requires_grad_(True)
    scores = net(leaf)[0]
    best = int(scores.argmax())
    scores[best].backward()
    heat = leaf.grad.abs().amax(1, keepdim=True)
    scale = min(rows / plane.shape[0], columns / 2 / plane.shape[1])
    size = [int(n * scale) for n in plane.shape]
    heat = torch.nn.functional.interpolate(heat / (heat.max() + 1e-9), size, mode="bilinear")[0, 0].numpy()
    base = torch.nn.functional.interpolate(torch.from_numpy(plane)[None, None], size, mode="bilinear")[0, 0].numpy()
    base = (base / 16).clip(0, 255)
    dimmed = base * (1 - heat / 2)
    overlaid = numpy.stack([dimmed + 127 * heat, dimmed, dimmed], -1)
    rgb = numpy.zeros((rows, columns, 3), numpy.uint8)
    rgb[:size[0], :2 * size[1]] = numpy.concatenate([numpy.repeat(base[..., None], 3, 2), overlaid], 1)
    picture = start(image, SC, Modality="OT", ConversionType="WSD", Rows=rows, Columns=columns, SamplesPerPixel=3,
                    PhotometricInterpretation="RGB", PlanarConfiguration=0, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0,
                    PixelData=rgb.tobytes())
    report = start(image, TEXT_SR, Modality="SR", ValueType="TEXT", TextValue=f"class {best}", CompletionFlag="COMPLETE",
                   VerificationFlag="UNVERIFIED")
    return picture, report


def main():
    folder, pacs, rows, columns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    quick = dict(os.environ, TCP_NODELAY="1")
    inbox, port, net = os.path.join(folder, "in"), free_port(), network()
    os.makedirs(inbox)
    server = subprocess.Popen(["storescp", "-aet", "NODE", "-od", inbox, "+B", "-pdu", "131072", str(port)], env=quick)
    print(port, flush=True)
    seen, sizes = set(), {}
    while server.poll() is None:
        for entry in os.scandir(inbox):
            size = entry.stat().st_size
            if entry.name in seen or sizes.get(entry.name) != size or size == 0:  # it is still being written
                sizes[entry.name] = size
                continue
            try:
                results = judge(net, entry.path, rows, columns)
            except (pydicom.errors.InvalidDicomError, AttributeError, ValueError, EOFError):
                continue
            seen.add(entry.name)
            paths = []
            for result in results:
                paths.append(os.path.join(folder, result.SOPInstanceUID + ".dcm"))
                result.save_as(paths[-1], write_like_original=False)
            subprocess.run(["dcmsend", "-aec", "PACS", "127.0.0.1", pacs, *paths], check=False, env=quick)
        time.sleep(0.005)


if __name__ == "__main__":
    main()
