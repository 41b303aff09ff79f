"""Section 9: the same patient with and without the injury; what a probe sees when the injury is masked."""
import hashlib
import inspect
import json
import os
import struct
import sys

import numpy as np
from PIL import Image
from scipy import ndimage

import lab as laboratory
import page
import stats

SEED = 900006
SIDE, GROW, RING = 224, 6, 10  # input; pixels of the drawn image around box or mask; and of the ring whose mean fills it
LAYERS = ("conv2/norm2", "inception_3b/output", "inception_4c/output", "inception_4e/output", "inception_5b/output")
FOLDS, DECAY = 5, 1e-2
DRAWS = 10  # of which patient is shown injured and which not
PART = 40  # pairs whose features are kept in one file: what an interruption costs
WEIGHTS = os.path.join(laboratory.SHARED, "weights", "googlenet_imagenet.safetensors")


def pairs_of(rows):
    """(injured, twin), twins stand behind their injured one."""
    return [(a, b) for a, b in zip(rows[:-1], rows[1:]) if a["class"] != "normal" and b["class"] == "normal" and a["patient"] == b["patient"]]


def scores(lab, pairs):
    out = {}
    for name in ("all", "dislocation", "fracture"):
        some = [(a["injury"], b["injury"]) for a, b in pairs if a["judged"] and b["judged"] and name in ("all", a["class"])]
        difference = np.array([x - y for x, y in some])
        out[name] = {"higher": stats.share(difference > 0), "median": stats.resampled(difference, np.median), "n": len(some)}
    return out


# ---- the probe ----

def hole(row, kind):
    """What is hidden, as a boolean image: the injury's box, or the box and all that the injury changes."""
    out = np.zeros((laboratory.SIZE, laboratory.SIZE), bool)
    if kind == "nothing":
        return out
    x0, y0, x1, y1 = (int(round(row[k])) for k in ("x0", "y0", "x1", "y1"))
    out[max(0, y0 - GROW):y1 + GROW + 1, max(0, x0 - GROW):x1 + GROW + 1] = True
    if kind == "change":
        out |= ndimage.binary_dilation(np.asarray(Image.open(row["mask"])) == 255, iterations=2)
    return out


def filled(picture, covered):
    """The hole filled with the mean of the ring around it: the picture's own, as nobody knows the other one."""
    if not covered.any():
        return picture
    ring = ndimage.binary_dilation(covered, iterations=RING) & ~covered
    out = picture.copy()
    out[covered] = picture[ring].mean() if ring.any() else 0.5
    return out


def network():
    """GoogLeNet as tests/parity has it, with the weights of ImageNet; gives global means and maxima of LAYERS."""
    import torch
    torch.set_num_threads(os.cpu_count() or 1)
    sys.path.insert(0, os.path.join(laboratory.SOURCE, "tests", "parity"))
    import networks
    net = networks.GoogLeNet()
    with torch.no_grad():
        net.googlenet(torch.zeros(1, 3, SIDE, SIDE))
    with open(WEIGHTS, "rb") as f:
        head = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
        head.pop("__metadata__", None)
        data = f.read()
    for name, module in net.layers.items():
        for what in ("weight", "bias"):
            a, b = head[f"{name}.{what}"]["data_offsets"]
            value = np.frombuffer(data[a:b], "<f4").reshape(head[f"{name}.{what}"]["shape"])
            getattr(module, what).data = torch.from_numpy(value.copy())
    net.eval()

    def features(pictures):
        x = np.stack([np.asarray(Image.fromarray((p * 255).astype("float32")).resize((SIDE, SIDE), Image.BILINEAR)) for p in pictures])
        x = torch.from_numpy(x[:, None] - np.array([104, 117, 123], "float32")[None, :, None, None])
        with torch.no_grad():
            net.googlenet(x)
            parts = [getattr(net.trace[n], how)((2, 3)) for n in LAYERS for how in ("mean", "amax")]
        net.trace.clear()
        return torch.cat(parts, 1).numpy()
    return features


def features_once(net, pictures):
    """Of equal pictures once: masked twins are."""
    first = {}
    at = [first.setdefault(p.tobytes(), len(first)) for p in pictures]
    return net([pictures[at.index(k)] for k in range(len(first))])[at]


def features_of(lab, pairs, kind, make=network):
    """(pairs, 2, features), kept in the cache part by part."""
    net, out = None, []
    for at in range(0, len(pairs), PART):
        some = pairs[at:at + PART]
        whole = hashlib.sha256((kind + repr((SIDE, GROW, RING, LAYERS))).encode())
        for row in (row for pair in some for row in pair):
            whole.update(laboratory.digest_of(row["path"]).encode())
        path = os.path.join(lab.cache, "features", whole.hexdigest()[:24] + ".npy")
        if not os.path.exists(path):
            if not net or at % (2 * PART) == 0:
                laboratory.say(f"  features ({kind} hidden): {at} of {len(pairs)} pairs")
            net = net or make()
            parts = [features_once(net, [filled(laboratory.grey(row["path"]), hole(a, kind)) for a, b in some[i:i + 8] for row in (a, b)]) for i in range(0, len(some), 8)]
            laboratory.save(path, lambda f, parts=parts, some=some: np.save(f, np.concatenate(parts).reshape(len(some), 2, -1)))
        out.append(np.load(path))
    return np.concatenate(out)


def unequal(pairs):
    """In how many pairs some pixel differs outside box and mask; largest difference there."""
    differ, most = [], 0
    for a, b in pairs:
        outside = ~hole(a, "change")
        gap = np.abs(np.asarray(Image.open(a["path"]).convert("L"), int) - np.asarray(Image.open(b["path"]).convert("L"), int))[outside]
        if gap.any():
            differ.append(int((gap > 0).sum()))
        most = max(most, int(gap.max()) if gap.size else 0)
    return {"pairs": len(pairs), "unequal": len(differ), "median_pixels": float(np.median(differ)) if differ else 0.0, "largest_grey_difference": most}


def moved_outside(pairs):
    """By lesion: how much of the mask lies outside the hidden box, and how much the twins differ there."""
    out = {}
    for lesion in sorted({a["lesion"] for a, _ in pairs}):
        parts, gaps = [], []
        for a, b in [(a, b) for a, b in pairs if a["lesion"] == lesion]:
            mask, covered = np.asarray(Image.open(a["mask"])) == 255, hole(a, "box")
            left = mask & ~covered
            gap = np.abs(np.asarray(Image.open(a["path"]).convert("L"), int) - np.asarray(Image.open(b["path"]).convert("L"), int))
            parts.append(left.sum() / max(1, mask.sum()))
            gaps.append(gap[left].mean() if left.any() else 0.0)
        out[lesion] = {"n": len(parts), "outside": float(np.median(parts)), "difference": float(np.median(gaps))}
    return out


def outside(lab, pairs):
    """Both of the above."""
    depends = [[laboratory.digest_of(path) for a, b in pairs for path in (a["path"], b["path"], a["mask"])], *map(inspect.getsource, (hole, unequal, moved_outside))]
    return lab.kept("outside", depends, lambda: {"same": unequal(pairs), "moved": moved_outside(pairs)})


def probe(x):
    """Injured against twin by logistic regression, cross-validated by patient: area, and a stricter one on differences
    of the two (which one is injured?)."""
    from sklearn.linear_model import LogisticRegression
    n, folds = len(x), min(FOLDS, len(x))
    fold, score, sign = np.arange(n) % folds, np.zeros((n, 2)), np.zeros(n)
    rng = np.random.RandomState(1)
    flip = np.where(rng.randint(0, 2, n) == 1, 1, -1)
    flip[:2] = 1, -1
    for k in range(folds):
        train, test = fold != k, fold == k
        flat = x[train].reshape(-1, x.shape[2])
        mean, spread = flat.mean(0), flat.std(0) + 1e-6
        model = LogisticRegression(C=DECAY, max_iter=300).fit((flat - mean) / spread, np.tile([1, 0], train.sum()))
        score[test] = model.decision_function(((x[test] - mean) / spread).reshape(-1, x.shape[2])).reshape(-1, 2)
        gap = x[:, 0] - x[:, 1]
        size = np.sqrt((gap[train] ** 2).mean(0)) + 1e-6
        turned = gap[train] / size * flip[train, None]
        if len(set(flip[train])) == 2:
            model = LogisticRegression(C=DECAY, max_iter=300, fit_intercept=False).fit(turned, flip[train])
            sign[test] = model.decision_function(gap[test] / size)

    def area(rows):
        return stats.auc(rows[:, 0], rows[:, 1])["value"]
    told = sign != 0  # equal features: nothing to tell
    return {"images": 2 * n, "auc": stats.auc(score[:, 0], score[:, 1]), "by_pairs": stats.resampled(score, area, draws=1000), "which": stats.share(sign[told] > 0), "equal": int((~told).sum())}


def alike(pairs):
    """What the hole's shape hangs on most: only patients of one of these are held against each other."""
    return [f"{a['lesion']} {a['level']}" for a, _ in pairs]


def couples(kinds, rng):
    """(n / 2, 2) numbers of patients, each once: two of one kind, in random order; where a kind is odd in number its last one goes with the next kind's
    first. An odd last patient is left out."""
    order = rng.permutation(len(kinds))
    order = order[np.argsort(np.asarray(kinds)[order], kind="stable")]
    return order[:len(order) // 2 * 2].reshape(-1, 2)


def apart(x, kinds, draws=DRAWS):
    """The same question with every image of another patient, so that DeLong's interval is the true one: of each two patients of one lesion and level a coin
    says which one's injured image is shown, beside the other one's twin, each under its own hole. Both are in one fold, so that training is balanced; an area
    is the mean over folds. Where injured and twin are equal the coins alone say which is called injured, so that the expected area is 0.5 whatever the holes tell
    of the lesion. Area and interval are means over draws of couples and coins, whose luck goes into the interval of each. (Until 28 November 2026 these
    were the even and the odd pairs, which `cervigate phantom` draws as dislocation and fracture in turn: the hole's size told the half.)"""
    from sklearn.linear_model import LogisticRegression
    found = []
    for draw in range(draws):
        rng, parts = np.random.RandomState([SEED, draw]), []
        two = couples(kinds, rng)
        first, fold = rng.randint(0, 2, len(two)).astype(bool), np.arange(len(two)) % min(FOLDS, len(two))
        injured = np.stack([first, ~first], 1)
        picture = np.where(injured[..., None], x[two, 0], x[two, 1])
        for k in range(fold.max() + 1):
            train, told = picture[fold != k].reshape(-1, x.shape[2]), injured[fold != k].ravel()
            mean, spread = train.mean(0), train.std(0) + 1e-6
            model = LogisticRegression(C=DECAY, max_iter=300).fit((train - mean) / spread, told)
            score, truth = model.decision_function((picture[fold == k].reshape(-1, x.shape[2]) - mean) / spread), injured[fold == k].ravel()
            parts.append((score[truth], score[~truth]))
        found.append(stats.auc_of_parts(parts))
    whole = all(f["low"] is not None for f in found)
    return {**{k: float(np.mean([f[k] for f in found])) if whole or k == "value" else None for k in ("value", "low", "high")}, "of": found[0]["of"],
            "draws": [f["value"] for f in found], "draws_at_chance": sum(f["low"] is not None and f["low"] <= 0.5 <= f["high"] for f in found)}


def probes(lab, pairs):
    """Figures by what is hidden; of the injury's box also by class."""
    kinds, out = alike(pairs), {}

    def add(name, kind, at):
        x = features_of(lab, [pairs[i] for i in at], kind) if kind == "nothing" else features_of(lab, pairs, kind)[at]
        code = [SEED, FOLDS, DECAY, DRAWS, *map(inspect.getsource, (probe, couples, apart, stats))]
        laboratory.say(f"probe ({name} hidden): {len(x)} pairs")
        out[name] = lab.kept("probe", [hashlib.sha256(x.tobytes()).hexdigest(), kinds, code], lambda: dict(probe(x), apart=apart(x, [kinds[i] for i in at])))
    add("change", "change", np.arange(len(pairs)))
    add("box", "box", np.arange(len(pairs)))
    for name in ("dislocation", "fracture"):
        add(f"box, {name}", "box", np.flatnonzero([a["class"] == name for a, _ in pairs]))
    add("nothing", "nothing", np.arange(min(len(pairs), lab.count(750, 10))))
    return out


def section(lab):
    half = lab.count(750, 5)
    pairs = pairs_of(lab.draw("twins", 2 * half, SEED, (half, half, 0), twins=True))
    asked = pairs[:half]
    lab.ask([row for pair in asked for row in pair], "twins")
    s, kept = scores(lab, asked), outside(lab, pairs)
    same, moved = kept["same"], kept["moved"]
    html = page.p(f"{len(pairs)} pairs, seed {SEED}: the same patient, posture, exposure and noise with the injury and without. Of the first {len(asked)} the model's score: "
                  "1 - score of normal.")
    html += page.table(["pairs", "n", "injured one higher", "median of the difference"],
                       [[k, f["n"], page.figure(f["higher"]), page.figure(f["median"])] for k, f in s.items()])
    figures, targets = {"scores": s, "outside": same}, []
    html += page.h3("A probe on features of ImageNet")
    if not os.path.exists(WEIGHTS):
        return {"title": "Counterfactual twins", "figures": figures, "html": html + page.p("skipped: no shared data (the weights of ImageNet)"),
                "targets": [{"target": "probe at chance with injuries masked, n >= 1,500", "figure": None, "met": None}]}
    p = probes(lab, pairs)
    words = {"box": "injury's box hidden", "change": "box and all that the injury changes hidden", "nothing": "nothing hidden (can the probe see at all?)"}
    html += page.table(["probe", "patients", "AUC, injured of one patient against twin of another of the same lesion and level, an image a patient (DeLong)", f"of {DRAWS} draws at chance", "AUC, injured against own twin; interval by images (DeLong)",
                        "the same, interval by pairs", "which of the two is injured: right", "pairs with equal features"],
                       [[words.get(k, k.replace("box, ", "box hidden, ")), f["images"] // 2, page.figure(f["apart"], 4), f["apart"]["draws_at_chance"], page.figure(f["auc"], 4),
                         page.figure(f["by_pairs"], 4), page.figure(f["which"]), f["equal"]] for k, f in p.items()])
    html += page.p(f"Global means and maxima of {len(LAYERS)} layers of GoogLeNet trained on ImageNet; logistic regression, {FOLDS} folds. First column of areas: of each two "
                   "patients of one lesion and level a coin says which one's injured image is taken, beside the other one's twin, each under its own hole, so that no patient stands twice and the hole says "
                   f"nothing; both are in one fold, and area and interval are means over folds and over {DRAWS} draws of couples and coins. Targets are held against it. Second column: both images of a patient, in one fold, which are no independent images, so its intervals are too wide or too narrow; the one by pairs "
                   "is far narrower where twins share almost all pixels: it can leave 0.5 out for a "
                   "difference of one grey in a few of them. The hole, grown by 6 pixels, is filled with the mean of its own rim, at the same place in the twin. \"Which of the "
                   "two\" is stricter than the plan asks: it sees the twins' differences alone, so that whatever differs outside the hole tells.", note=True)
    html += page.p(f"Outside box and mask (grown by 2 pixels) {same['pairs'] - same['unequal']} of {same['pairs']} pairs are equal pixel by pixel" +
                   ("." if not same["unequal"] else f"; in the others {same['median_pixels']:.0f} of {laboratory.SIZE ** 2} pixels differ (median), by at most {same['largest_grey_difference']} of 255 greys."))
    figures["moved_outside_box"] = moved
    html += page.h3("What is left to see when only the box is hidden")
    html += page.p("An injury moves all that lies above it, and its swelling reaches beyond its box. The mask holds these, the box does not; so a probe that is to see nothing "
                   "of the injury needs both hidden.")
    html += page.table(["lesion", "pairs", "part of the mask outside the box (median)", "mean difference of greys there (of 255; median)"],
                       [[k, f["n"], page.number(f["outside"], 2), page.number(f["difference"], 2)] for k, f in moved.items()])
    for kind, words_ in (("change", "injury and all that it displaces masked"), ("box", "only the injury's box masked")):
        f = p[kind]["apart"]
        n = sum(f["of"])
        targets.append({"target": f"probe at chance (interval contains 0.5), n >= 1,500: {words_}; n = {n:,} images, each of another patient", "figure": f,
                        "met": f["low"] is not None and f["low"] <= 0.5 <= f["high"] if n >= 1500 else None})
    figures["probe"] = p
    return {"title": "Counterfactual twins", "html": html, "figures": figures, "targets": targets}
