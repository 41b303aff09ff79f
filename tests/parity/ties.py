"""Whose error a tie is: `ties.py NETWORK [SEEDS]`, with CERVIGATE_BUILD; a program to look with, not a test.

A line an image (random, by seed): the cells that PyTorch in float64 is told otherwise than it would take itself, and the
largest relative difference of the input gradient and of any parameter's: ours from float64 and PyTorch's float32 from
float64, neither told; both again with float32 and float64 told our sides. With --losses RATE RATE also ten steps' losses
at those rates (SGD, Adam), each relative to float64's of the same sides."""
import os
import sys
import tempfile

import parity  # leaves with 77 where a peer is absent

import networks
import numpy as np
import torch


def worst(a, b):
    """Over the gradients that are not zero."""
    largest = max(parity.size(v) for k, v in b.items() if k.startswith("gradient/"))
    return max(parity.error(a[k], v) for k, v in b.items() if k.startswith("gradient/") and parity.size(v) > parity.ZERO * largest)


def gradients(peer, x, labels, ours):
    told = [peer.sides(ours, None), peer.sides(ours, "side/sgd/0/")] if ours else [None, None]
    out = {"input_gradient": peer.infer(x, labels, told[0])["input_gradient"]}
    peer.restart(True)
    peer.step(peer.input(x), labels, told[1])
    out.update(peer.gradients())
    return out, told


def pair(a, b):
    return f"{parity.error(a['input_gradient'], b['input_gradient']):.1e} {worst(a, b):.1e}"


def losses(name, peers, x, labels, ours):
    for optimiser in ("sgd", "adam"):
        for told in (False, True):
            single, double = (p.train(x, labels, optimiser, None, lambda i, p=p: p.sides(ours, f"side/{optimiser}/{i}/") if told else None)
                              ["loss/" + optimiser] for p in peers)
            print(f"{name} {optimiser}, PyTorch {'told in all steps' if told else 'told nothing'}: ours, PyTorch float32, float64; "
                  "ours and float32 relative to float64")
            for a, b, c in zip(ours["loss/" + optimiser], single, double):
                print(f"  {a:.7f} {b:.7f} {c:.7f}  {abs(a / c - 1):.1e} {abs(b / c - 1):.1e}", flush=True)


def main():
    name, seeds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8
    at_rates = sys.argv[4:6] if len(sys.argv) > 3 and sys.argv[3] == "--losses" else None
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    _, side, _, sgd, adam = networks.NETWORKS[name]
    if at_rates:
        sgd, adam = (float(r) for r in at_rates)
        networks.NETWORKS[name] = (*networks.NETWORKS[name][:3], sgd, adam)
    peers = [parity.Peer(name), parity.Peer(name, double=True)]
    with tempfile.TemporaryDirectory(prefix="parity-", dir=parity.scratch()) as folder:
        _, network, weights = parity.export_peer(name, networks.build(name), networks.images(name), folder)
        print("seed  told cells, margin | untold: ours, float32 from float64 | told: ours, float32 (input gradient, parameters')")
        for seed in range(1, seeds + 1):
            x = networks.images(name, seed)
            labels = torch.arange(len(x)) % networks.CLASSES
            inputs, out = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out")
            parity.tensors.write(inputs, {"input": x.numpy(), "labels": labels.numpy().astype("f4"),
                                          "classes": np.array([networks.CLASSES], "f4")})
            ours = parity.parity_run(network, side, weights, inputs, out, "-", sgd, adam, parity.STEPS if at_rates else 1)
            (single, _), (double, _) = (gradients(p, x, labels, None) for p in peers)
            (single_told, _), (double_told, told) = (gradients(p, x, labels, ours) for p in peers)
            print(f"{seed:4}  {sum(t.told for t in told)} {max(t.margin for t in told):.0e} | {pair(ours, double)}  {pair(single, double)}"
                  f" | {pair(ours, double_told)}  {pair(single_told, double_told)}", flush=True)
            if at_rates:
                losses(name, peers, x, labels, ours)
    return 0


if __name__ == "__main__":
    sys.exit(main())
