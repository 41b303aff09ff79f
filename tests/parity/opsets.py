"""torchvision's networks as PyTorch exports them at opsets 7 to 16, batch open or not, folded or with their batch norms:
each is imported and gives PyTorch's scores (1e-4)."""
import os
import sys
import tempfile

import parity  # leaves with 77 where a peer is absent

import networks
import numpy as np
import torch
import torchvision

BOUND = 1e-4
SIDE = 64
MODELS = torchvision.models
NETWORKS = {
    "resnet18": lambda: MODELS.resnet18(weights=None, num_classes=3),
    "efficientnet_b0": lambda: MODELS.efficientnet_b0(weights=None, num_classes=3),
    "mobilenet_v2": lambda: MODELS.mobilenet_v2(weights=None, num_classes=3),
    "googlenet": lambda: MODELS.googlenet(weights=None, num_classes=3, init_weights=False, aux_logits=False,
                                          transform_input=True),
}


def case(name, net, opset, dynamic, folder):
    x = torch.rand(2, 3, SIDE, SIDE)
    path, inputs, out = (os.path.join(folder, f) for f in ("n.onnx", "in.safetensors", "out.safetensors"))
    with torch.no_grad():
        expected = parity.softmax(net(x).numpy())
        torch.onnx.export(net, x, path, opset_version=opset, input_names=["image"], do_constant_folding=dynamic,
                          training=torch.onnx.TrainingMode.EVAL if dynamic else torch.onnx.TrainingMode.PRESERVE,
                          dynamic_axes={"image": {0: "n"}} if dynamic else None)
    parity.tensors.write(inputs, {"input": x.numpy(), "labels": np.zeros(2, "f4"), "classes": np.array([3], "f4")})
    ours = parity.parity_run(path, SIDE, "-", inputs, out, "-")
    error = parity.error(ours["output"], expected)
    print(f"{name:16} opset {opset:2} {'folded, open batch' if dynamic else 'as trained, fixed batch':24} {error:.2e}")
    return error <= BOUND


def main():
    torch.set_num_threads(2)
    good = True
    with tempfile.TemporaryDirectory(prefix="parity-", dir=parity.scratch()) as folder:
        for name, make in NETWORKS.items():
            torch.manual_seed(3)
            net = networks.randomise(make())
            for opset, dynamic in ((7, True), (9, False), (11, True), (16, False)):
                try:
                    good = case(name, net, opset, dynamic, folder) and good
                except RuntimeError as problem:
                    print(f"{name} opset {opset}: {problem}")
                    good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
