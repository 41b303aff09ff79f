"""PyTorch's and OpenCV's sides of scripts/bench network: peer_python.py PEER MODEL.onnx NETWORK WORK THREADS BATCH

PEER export writes MODEL.onnx from PyTorch, with a softmax at its end."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "parity"))
SIDES = {"googlenet": 224, "alexnet": 227}
peer, path, network, work = sys.argv[1:5]
threads, batch = int(sys.argv[5]), int(sys.argv[6])
side = SIDES[network]


def export():
    import torch
    import networks
    net = networks.build(network)
    net = torch.nn.Sequential(net, torch.nn.Softmax(1)).eval()
    torch.onnx.export(net, torch.rand(1, 3, side, side), path, opset_version=13, input_names=["image"],
                      output_names=["prob"], dynamic_axes={"image": {0: "n"}, "prob": {0: "n"}})


def of_pytorch():
    import torch
    import networks
    torch.set_num_threads(threads)
    net = networks.build(network)
    x = torch.rand(batch, 3, side, side)
    y = torch.zeros(batch, dtype=torch.long)
    train = work == "train"
    for p in net.parameters():
        p.requires_grad_(train)
    optimiser = torch.optim.SGD(net.parameters(), 1e-6, 0.95) if train else None

    def forward():
        with torch.no_grad():
            torch.softmax(net(x), 1)
        net.trace.clear()

    def gradient():
        at = x.clone().requires_grad_(True)
        net(at)[0, 0].backward()
        net.trace.clear()

    def step():
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(x), y).backward()
        optimiser.step()
        net.trace.clear()

    return f"PyTorch {torch.__version__}", {"forward": forward, "gradient": gradient, "train": step}[work]


def of_opencv():
    import cv2
    import numpy
    cv2.setNumThreads(threads)
    net = cv2.dnn.readNetFromONNX(path)
    x = numpy.random.default_rng(1).random((batch, 3, side, side), dtype=numpy.float32)

    def forward():
        net.setInput(x)
        net.forward()

    return f"OpenCV {cv2.__version__}", {"forward": forward}[work]


if peer == "export":
    export()
    sys.exit(0)
what, once = {"pytorch": of_pytorch, "opencv": of_opencv}[peer]()
once()
print("ready", what, flush=True)
for line in sys.stdin:
    times = []
    for _ in range(int(line)):
        start = time.perf_counter()
        once()
        times.append(f"{(time.perf_counter() - start) * 1e3:.4f}")
    print(" ".join(times), flush=True)
