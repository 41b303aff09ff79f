"""Sections 7 and 8: pictures made worse; maps."""
import csv
import json
import os
import tempfile

import numpy as np
from scipy import ndimage

import lab as laboratory
import page
import stats

EACH = 60  # images of each class


def noise(sigma):
    return lambda x, seed: x + np.random.RandomState(seed).normal(0, sigma, x.shape)


def crop(part):
    def cut(x, _):
        rows, cols = (int(round(part * n)) for n in x.shape)
        return x[rows:x.shape[0] - rows, cols:x.shape[1] - cols]
    return cut


def turn(degrees):
    return lambda x, _: ndimage.rotate(x, degrees, reshape=False, order=1, mode="nearest")


CHANGES = (
    ("none", [("as drawn", lambda x, _: x)]),
    ("noise (part of the range)", [(str(s), noise(s)) for s in (0.02, 0.05, 0.1)]),
    ("blur (standard deviation, pixels of 384)", [(str(s), lambda x, _, s=s: ndimage.gaussian_filter(x, s)) for s in (1, 2, 4)]),
    ("rotation (degrees)", [(f"{d:+d}", turn(d)) for d in (-20, -10, 10, 20)]),
    ("inversion", [("bone black", lambda x, _: 1 - x)]),
    ("crop (of each side)", [(f"{c:.0%}", crop(c)) for c in (0.05, 0.1, 0.2)]),
    ("gamma", [(str(g), lambda x, _, g=g: x ** g) for g in (0.5, 0.7, 1.4, 2)]))


def inside(row, part):
    """A normal, or an injury whose box a crop leaves whole."""
    low, high = laboratory.SIZE * part, laboratory.SIZE * (1 - part)
    return row["class"] == "normal" or (min(row["x0"], row["y0"]) >= low and max(row["x1"], row["y1"]) <= high)


def robustness(lab, sets):
    some = []
    for c in lab.classes:
        some += [r for r in sets["protocol"] if r["class"] == c][:lab.count(EACH, 2)]
    figures, rows = {}, []
    these = {(kind, grade): [r for r in some if not kind.startswith("crop") or inside(r, float(grade[:-1]) / 100)] for kind, grades in CHANGES for grade, _ in grades}
    asked = iter(lab.ask_pictures((change(laboratory.grey(r["path"]), i) for kind, grades in CHANGES for grade, change in grades
                                   for i, r in enumerate(these[kind, grade])), "changed pictures"))
    for kind, grades in CHANGES:
        for grade, _ in grades:
            judged = [dict(r) for r in these[kind, grade]]
            for row in judged:
                lab.judge(row, next(asked))
            left = [r for r in judged if r["judged"]]
            f = {"n": len(judged), "refused": stats.share([not r["judged"] for r in judged]), "accuracy": stats.share([r["right"] for r in left]),
                 "sensitivity": stats.share([r["called"] for r in left if r["class"] != "normal"]),
                 "specificity": stats.share([not r["called"] for r in left if r["class"] == "normal"])}
            figures[f"{kind} {grade}"] = f
            rows.append([kind, grade, f["refused"]["hits"], page.figure(f["accuracy"]), page.figure(f["sensitivity"]), page.figure(f["specificity"])])
    flat = [(name, f["accuracy"]) for name, f in figures.items() if f["accuracy"]["value"] is not None]
    labels = {"none": "as is", "noise (part of the range)": "noise", "blur (standard deviation, pixels of 384)": "blur", "rotation (degrees)": "turn", "inversion": "inv.",
              "crop (of each side)": "crop", "gamma": "gamma"}
    ticks, points, at = [], [], 0
    for kind, grades in CHANGES:
        for grade, _ in grades:
            f = dict(flat).get(f"{kind} {grade}")
            if f:
                ticks.append((at, f"{labels[kind]} {grade}" if kind not in ("none", "inversion") else labels[kind]))
                points.append((at, f["value"], f["low"], f["high"]))
            at += 1
    html = (page.p(f"{len(some)} phantoms of section 1, as many of each class, changed and judged again. Cropped: only normals and injuries whose box stays in.") +
            page.chart("accuracy of the judged, by change and grade", [("accuracy", points)], labels=[(x, t) for x, t in ticks], x_range=(-0.5, at - 0.5), width=980,
                       y_name="accuracy", joined=False) +
            page.table(["change", "grade", "refused", "accuracy of the judged", "injuries called", "normals silent"], rows))
    return {"title": "Pictures made worse", "html": html, "figures": figures}


# ---- maps ----

def evaluate_maps(lab, rows, most):
    """`cervigate evaluate`'s explanation of these rows (file, class, patient, box, line C2 to C7): gradient maps, as the node draws them; and
    by place how many maxima lie there."""
    lab.known(rows[0]["path"])
    depends = [lab.digest, laboratory.digest_of(lab.cervigate), most, [[laboratory.digest_of(r["path"]), *(r[k] for k in ("class", "patient", "x0", "y0", "x1", "y1"))] for r in rows]]
    found = lab.kept("maps", depends, lambda: explained(lab, rows, most))
    if found:
        there = [laboratory.place((x, y), rows[at]) for at, x, y in found["maxima"]]
        found["places"] = {place: stats.share([t == place for t in there]) for place in ("spine", "skull", "outside")}
    return found


def explained(lab, rows, most):
    """What `evaluate` says; a maximum is (number of the row, x, y)."""
    names = {}
    with tempfile.TemporaryDirectory(dir=lab.cache) as folder:
        data = os.path.join(folder, "data.csv")
        with open(data, "w", encoding="utf-8", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(["file", "class", "patient", "x0", "y0", "x1", "y1"])
            for at, row in enumerate(rows):
                name = os.path.relpath(os.path.realpath(row["path"]), os.path.realpath(folder))
                names[name] = at
                writer.writerow([name, row["class"], row["patient"], *(row[k] for k in ("x0", "y0", "x1", "y1"))])
        said = lab.run("evaluate", "--model", lab.model, "--data", data, "--part", "all", "--maps", most, "--json", accept=(0, 1))
    found = json.loads(said)["explanation"]
    if found:
        found["maxima"] = [(names[name], x, y) for name, x, y in found["maxima"] if x is not None]
    return found


def maps_figures(found):
    """Pointing game as a rate; energy in the box over a flat map's."""
    point, energy, flat = found["pointing_game"], found["energy_in_box"], found["expected_of_a_flat_map"]
    of = {k: (energy[k] / flat if energy.get(k) is not None and flat else None) for k in ("value", "low", "high")}
    return {"explained": found["explained"], "pointing": stats.rate(point["hits"], point["of"]), "energy": energy["value"], "flat": flat, "over_flat": of, "spots": found["spots"] / found["explained"] if found["explained"] else None,
            "places": found["places"],
            "box_over_6_percent": found["box_over_6_percent"]}


def saliency(lab, sets):
    most = lab.count(200, 4)
    right = [r for r in sets["protocol"] + sets["dislocations"] if r["class"] != "normal" and r["judged"] and r["right"]]
    fits = [r for r in right if (r["x1"] - r["x0"]) * (r["y1"] - r["y0"]) <= 0.06 * laboratory.SIZE ** 2]
    fits = fits[::max(1, len(fits) // most)][:most]
    if not fits or {r["class"] for r in fits} != {"dislocation", "fracture"}:
        return {"title": "Maps", "html": page.p("Too few injuries were judged rightly to look at maps."), "figures": None,
                "targets": [{"target": "pointing game, lower limit 0.85", "figure": None, "met": None},
                            {"target": "energy in the box over a flat map's, lower limit 3", "figure": None, "met": None}]}
    laboratory.say(f"maps of {len(fits)} injuries")
    found = evaluate_maps(lab, fits + [r for r in sets["protocol"] if r["class"] == "normal"][:2], most)
    f = maps_figures(found)
    over = f["over_flat"]
    html = (page.table(["figure", "value"], [["maximum inside the injury's box (pointing game)", page.figure(f["pointing"])],
                                             ["part of the map's sum inside the box", page.number(f["energy"])],
                                             ["what a flat map has there", page.number(f["flat"])], ["times a flat map", page.figure(over, 1)]]) +
            page.p(f"Gradient maps, which the node draws, by cervigate evaluate, of {f['explained']} injuries that were judged rightly and whose box covers at "
                   f"most 6 % of the image ({len(right) - sum((r['x1'] - r['x0']) * (r['y1'] - r['y0']) <= 0.06 * laboratory.SIZE ** 2 for r in right)} of "
                   f"{len(right)} rightly judged have a larger one and are left out). A map says what the score was sensitive to, not whether it is right.", note=True))
    limit = f["pointing"]["limit"]
    return {"title": "Maps", "html": html, "figures": f,
            "targets": [{"target": "pointing game, lower limit 0.85", "figure": f["pointing"], "met": limit is not None and limit >= 0.85},
                        {"target": "energy in the box over a flat map's, lower limit 3", "figure": over, "met": over["low"] is not None and over["low"] >= 3}]}
