"""Sections 1 to 6: adult laterals of patients never seen."""
import os
import re

import numpy as np

import lab as laboratory
import page
import stats

MODERATE = 0.6
with open(os.path.join(laboratory.SOURCE, "classifier", "phantom", "phantom.h"), encoding="utf-8") as header:
    SUBTLETY_VERSION = int(re.search(r"#define NN_PHANTOM_SUBTLETY_VERSION\s+(\d+)", header.read())[1])
SEEDS = {"protocol": 900001, "dislocations": 900002, "normals": 900003, "other": 900004, "everyday": 900005}
LIMITS = {"translation_mm": 3.5, "angulation_deg": 11, "height_loss_percent": 25, "gap_mm": 2}  # subtlety 0.6, where the picture shows it
MEASURES = (  # column, name, edges
    ("translation_mm", "translation, mm", (0.01, 1, 2, 3, 3.5, 5, 7, 10, 99)),
    ("angulation_deg", "angulation, degrees", (0.01, 2, 5, 8, 11, 15, 20, 99)),
    ("height_loss_percent", "height lost, per cent", (0.01, 10, 15, 20, 25, 35, 50, 100)),
    ("gap_mm", "gap, mm", (0.01, 0.5, 1, 1.5, 2, 3, 4, 99)),
    ("contrast_to_noise", "contrast to noise", (0.0, 1, 2, 3, 5, 7, 10, 15, 999)),
    ("subtlety", "subtlety (0 obvious, 1 invisible)", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.01)))


class Sets(dict):
    """The sets of these sections by name, each drawn and asked when it is first looked at."""

    def __init__(self, lab):
        super().__init__()
        self.lab = lab

    def __missing__(self, name):
        third, other, rare, normals = self.lab.count(500), self.lab.count(300), self.lab.count(10, 2), self.lab.count(980)
        counts, options = {"protocol": ((third,) * 3, {}), "dislocations": ((self.lab.count(350), 0, 0), {}), "normals": ((0, 0, self.lab.count(400)), {}),
                           "other": ((other,) * 3, {"configuration": 1}), "everyday": ((rare, rare, normals), {})}[name]
        self[name] = self.lab.ask(self.lab.draw(name, sum(counts), SEEDS[name], counts, **options), name)
        return self[name]


def moderate(rows):
    """Injuries up to MODERATE and all normals."""
    return [r for r in rows if r["subtlety"] is None or r["subtlety"] <= MODERATE]


def large(rows):
    """Injuries whose measures alone, shown or hidden, come to MODERATE (subtlety, version 1), and all normals."""
    return [r for r in rows if r["subtlety"] is None or any(r[m] >= limit for m, limit in LIMITS.items())]


def measure(lab, rows):
    """The three-class protocol's figures."""
    judged, classes = [r for r in rows if r["judged"]], lab.classes
    out = {"n": len(rows), "refused": len(rows) - len(judged), "accuracy": stats.share([r["right"] for r in judged]),
           "accuracy_refused_is_wrong": stats.share([r["right"] for r in rows]),
           "confusion": {t: [sum(r["class"] == t and r["top"] == a for r in judged) for a in classes] for t in classes}, "finding": {}}
    for i in lab.findings:
        hit = [r["answer"].score[i] for r in judged if r["class"] == classes[i]]
        miss = [r["answer"].score[i] for r in judged if r["class"] != classes[i]]
        normal = [r["answer"].score[i] for r in judged if r["class"] == "normal"]
        out["finding"][classes[i]] = {"point": lab.point[i], "sensitivity": stats.share(np.array(hit) >= lab.point[i]), "auc": stats.auc(hit, miss),
                                      "specificity": stats.share(np.array(miss) < lab.point[i]),
                                      "specificity_normals": stats.share(np.array(normal) < lab.point[i])}
    injured, normals = [r for r in judged if r["class"] != "normal"], [r for r in judged if r["class"] == "normal"]
    out["any"] = {"sensitivity": stats.share([r["called"] for r in injured]), "specificity": stats.share([not r["called"] for r in normals]),
                  "auc": stats.auc([r["injury"] for r in injured], [r["injury"] for r in normals])}
    return out


def tables(lab, m):
    """The same as markup."""
    confusion = page.table(["truth \\ answer (highest score)", *lab.classes], [[t, *m["confusion"][t]] for t in lab.classes])
    rows = [[name, f"{f['point']:.3f}", page.figure(f["sensitivity"]), page.figure(f["specificity"]), page.figure(f["auc"], 4)]
            for name, f in m["finding"].items()]
    rows.append(["any injury", "either", page.figure(m["any"]["sensitivity"]), page.figure(m["any"]["specificity"]), page.figure(m["any"]["auc"], 4)])
    return page.Raw(
        page.p(f"n = {m['n']}, refused {m['refused']}. Accuracy of the judged: {page.figure(m['accuracy'])}; a refused one counted as wrong: "
               f"{page.figure(m['accuracy_refused_is_wrong'])}.") + confusion +
        page.table(["finding", "operating point", "sensitivity", "specificity", "AUC"], rows))


def accuracy_target(what, m, bound):
    limit = m["accuracy"]["limit"]
    return {"target": f"{what}: accuracy, lower limit {bound}", "figure": m["accuracy"], "met": None if limit is None else limit >= bound}


def dislocations(lab, sets):
    """Sensitivity to dislocation at specificity 0.95 among the uninjured."""
    i = lab.classes.index("dislocation")
    normal = np.sort([r["answer"].score[i] for r in sets["protocol"] + sets["normals"] if r["class"] == "normal" and r["judged"]])
    all_ = [r for r in sets["protocol"] + sets["dislocations"] if r["class"] == "dislocation" and r["judged"]]
    point = float(np.nextafter(normal[int(np.ceil(0.95 * len(normal))) - 1], 2)) if len(normal) else 1.0  # 95 % lie below it
    out = {"point_at_specificity_0.95": point, "specificity": stats.share(normal < point)}
    for name, rows in (("all", all_), ("subtlety up to 0.6", moderate(all_)), ("as large, shown or not", large(all_))):
        score = np.array([r["answer"].score[i] for r in rows])
        out[name] = {"at_specificity_0.95": stats.share(score >= point), "at_model_point": stats.share(score >= lab.point[i]),
                     "called_any": stats.share([r["called"] for r in rows])}
    return out


def protocol(lab, sets):
    all_, seen, d = measure(lab, sets["protocol"]), measure(lab, moderate(sets["protocol"])), dislocations(lab, sets)
    hidden = measure(lab, large(sets["protocol"]))
    limit = d["subtlety up to 0.6"]["at_specificity_0.95"]
    rows = [[name, page.figure(d[name]["at_specificity_0.95"]), page.number(d[name]["at_specificity_0.95"]["limit"], 4), page.figure(d[name]["at_model_point"]),
             page.figure(d[name]["called_any"])] for name in ("all", "subtlety up to 0.6", "as large, shown or not")]
    html = (page.p(f"Configuration 0, seed {SEEDS['protocol']}, never used in training; a third of each class.") + page.h3("All lesions") + tables(lab, all_) +
            page.h3("Lesions of subtlety up to 0.6, and all normals") + tables(lab, seen) +
            page.p(f"Lesions as large as these, whether the picture shows them or not, and all normals (subtlety 0.6 in its first version, which earlier "
                   f"reports used): {page.figure(hidden['accuracy'])} right, n = {hidden['n']}.", note=True) + page.h3("Dislocations") +
            page.table(["dislocations", "sensitivity at specificity 0.95", "lower limit (one-sided)", "sensitivity at the model's point", "any finding called"], rows) +
            page.p(f"The first column's threshold, {d['point_at_specificity_0.95']:.3g}, is the smallest at which 95 % of the uninjured here stay silent "
                   f"(measured: {page.figure(d['specificity'])}); dislocations had no part in its choice. Includes {len(sets['dislocations'])} more dislocations, "
                   f"seed {SEEDS['dislocations']}.", note=True))
    targets = [accuracy_target("obvious and moderate lesions (subtlety up to 0.6)", seen, 0.99),
               {"target": "dislocations (subtlety up to 0.6): sensitivity at specificity 0.95, lower limit 0.995", "figure": limit,
                "met": None if limit["limit"] is None else limit["limit"] >= 0.995}]
    return {"title": "Three classes, patients never seen", "html": html, "figures": {"all": all_, "subtlety up to 0.6": seen, "as large, shown or not": hidden, "dislocations": d},
            "targets": targets}


# ---- detection ----

def curve(rows, column, edges):
    """Share of injuries called, by a measure."""
    out = []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = [r for r in rows if low <= r[column] < high]
        if inside:
            out.append({"from": low, "to": high, "mean": float(np.mean([r[column] for r in inside])), "called": stats.share([r["called"] for r in inside]),
                        "right": stats.share([r["right"] for r in inside])})
    return out


def by(rows, key):
    out = {}
    for name in sorted({key(r) for r in rows}):
        some = [r for r in rows if key(r) == name]
        out[name] = {"called": stats.share([r["called"] for r in some]), "right": stats.share([r["right"] for r in some])}
    return out


# What tells most about each lesion; of an atlanto-occipital one, which goes forward or up, the larger of both.
MAIN = {"wedge": "height_loss_percent", "burst": "height_loss_percent", "dens II": "translation_mm", "bilateral facet": "translation_mm",
        "unilateral facet": "translation_mm", "perched facet": "translation_mm", "atlanto-axial": "translation_mm", "atlanto-occipital": "displacement_mm"}
GROUPS = {"C0 to C2": ("C0", "C1", "C2"), "C3 and C4": ("C3", "C4"), "C5 to C7": ("C5", "C6", "C7")}
NAMES = {**{column: name for column, name, _ in MEASURES}, "displacement_mm": "displacement, mm"}


def quantiles(values):
    """Edges of four bins, three below 40 values, one below 12, each with about as many."""
    bins = 4 if len(values) >= 40 else 3 if len(values) >= 12 else 1
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    return [*edges[:-1], np.nextafter(edges[-1], np.inf)] if len(edges) > 1 else [edges[0], np.nextafter(edges[0], np.inf)]


def by_main(rows):
    """Each lesion's curve over its own measure."""
    out = {}
    for lesion in sorted({r["lesion"] for r in rows}):
        column = MAIN.get(lesion, "gap_mm")
        some = [dict(r, displacement_mm=max(r["translation_mm"], r["gap_mm"])) for r in rows if r["lesion"] == lesion]
        out[lesion] = {"measure": column, "n": len(some), "curve": curve(some, column, quantiles([r[column] for r in some]))}
    return out


def group_table(name, groups):
    return page.table([name, "called (some finding)", "class right"], [[k, page.figure(g["called"]), page.figure(g["right"])] for k, g in groups.items()])


def detection(lab, sets):
    rows = [r for r in sets["protocol"] + sets["dislocations"] if r["class"] != "normal" and r["judged"]]
    curves = {column: curve(rows, column, edges) for column, _, edges in MEASURES}
    charts = ""
    for column, name, _ in MEASURES:
        points = [(b["mean"], b["called"]["value"], b["called"]["low"], b["called"]["high"]) for b in curves[column]]
        charts += page.chart(f"{name} (injuries that have it: {sum(b['called']['of'] for b in curves[column])})", [("called", points)], y_name="called")
    tables_ = "".join(page.h3(name) + page.table([name, "called (some finding)", "class right"], [
        [f"{b['from']:g} to {b['to']:g}" if b["to"] < 99 else f"{b['from']:g} and more", page.figure(b["called"]), page.figure(b["right"])]
        for b in curves[column]]) for column, name, _ in MEASURES)
    lesions = by(rows, lambda r: f"{r['class']}: {r['lesion']}")
    faint = by([r for r in rows if r["subtlety"] > MODERATE], lambda r: f"{r['class']}: {r['lesion']}")
    levels = by(rows, lambda r: r["level"])
    mains = by_main(rows)
    groups = {name: curve([r for r in rows if r["level"] in levels_], "subtlety", (0, 0.2, 0.4, 0.6, 1.01)) for name, levels_ in GROUPS.items()}
    lines = [(f"{name} ({sum(b['called']['of'] for b in c)})", [(b["mean"], b["called"]["value"], b["called"]["low"], b["called"]["high"]) for b in c])
             for name, c in groups.items()]
    by_lesion = "".join(page.chart(f"{lesion}: {NAMES[f['measure']]} ({f['n']})",
                                   [("called", [(b["mean"], b["called"]["value"], b["called"]["low"], b["called"]["high"]) for b in f["curve"]])],
                                   y_name="called", width=300, height=190) for lesion, f in mains.items())
    by_lesion += page.table(["lesion", "measure", "bin", "called"], [
        [lesion, NAMES[f["measure"]], f"{b['from']:.2f} to {b['to']:.2f}", page.figure(b["called"])] for lesion, f in mains.items() for b in f["curve"]])
    html = (page.p(f"{len(rows)} injuries, those of section 1. Called: some finding's score reaches its operating point. Bars are 95 % intervals; each point "
                   "stands at the mean of its bin. A lesion with several measures is in several curves.") + charts + page.h3("By lesion") +
            group_table("lesion", lesions) + page.h3("By lesion, over its main measure") + by_lesion + page.h3("By lesion, subtlety above 0.6 only") + group_table("lesion", faint) + page.h3("By level") +
            group_table("level (of a dislocation the upper vertebra)", levels) + page.h3("By group of levels, over subtlety") +
            page.chart("subtlety (0 obvious, 1 invisible), by group of levels", lines, y_name="called", width=640) + "<details><summary>The curves as tables</summary>" + tables_ + "</details>")
    return {"title": "Detection over the physical measures", "html": html, "figures": {"n": len(rows), "curves": curves, "lesions": lesions, "lesions above 0.6": faint, "levels": levels,
                                                                                        "lesions over their measure": mains, "level groups": groups}}


# ---- hard negatives ----

WEAR = (  # the manifest's word, what it means
    ("block", "block vertebra"), ("osteophytes", "osteophytes over 2 mm"), ("narrow disc", "a disc under 0.6 of the tallest"),
    ("osteopenia", "osteopenia (density under 0.75 of normal)"), ("listhesis", "degenerative listhesis, 0.8 to 1.9 mm"))


def has(row, word):
    return any(v == word or v.startswith(word + " ") for v in row["variant"].split("; "))


def hard(lab, sets):
    rows = [r for r in sets["protocol"] + sets["normals"] if r["class"] == "normal" and r["judged"]]
    low, high = np.percentile([r["flexion_deg"] for r in rows], [10, 90]) if rows else (0, 0)
    worn = sorted({v for r in rows for v in r["variant"].split("; ") if v and v.split(" ")[0] != "block" and v not in dict(WEAR)})
    groups = [("all normals", lambda r: True), ("none of what follows, under 60, posture of the middle 80 %",
                                                lambda r: not r["variant"] and r["age"] < 60 and low <= r["flexion_deg"] <= high)]
    groups += [(name, lambda r, word=word: has(r, word)) for word, name in WEAR]
    groups += [(f"aged {a} to {b - 1}", lambda r, a=a, b=b: a <= r["age"] < b) for a, b in ((16, 45), (45, 65), (65, 75), (75, 200))]
    groups += [("women from 65", lambda r: r["sex"] == "F" and r["age"] >= 65),
               (f"most extended tenth (C2-C7 under {low:.0f} degrees)", lambda r: r["flexion_deg"] < low),
               (f"most flexed tenth (over {high:.0f} degrees)", lambda r: r["flexion_deg"] > high),
               ("turned in the plane by 8 degrees and more", lambda r: abs(r["turn_deg"]) >= 8)]
    groups += [(f"with {v}", lambda r, v=v: has(r, v)) for v in worn]
    found = {name: stats.share([not r["called"] for r in rows if test(r)]) for name, test in groups}
    text = ("The words are the manifest's (docs/phantom.md). Wear and what is worn are as frequent in every class. Children and implants are no adults' laterals: "
            "section 11 has how many of them pass the gate and are called injured.")
    html = (page.p(f"{len(rows)} uninjured (section 1's, and {len(sets['normals'])} more, seed {SEEDS['normals']}). Silent: no finding reaches its operating "
                   "point.") + page.table(["group", "silent (specificity)"], [[k, page.figure(f)] for k, f in found.items()]) + page.p(text, note=True))
    return {"title": "Specificity on hard negatives", "html": html, "figures": found}


# ---- the others ----

def other(lab, sets):
    all_, seen = measure(lab, sets["other"]), measure(lab, moderate(sets["other"]))
    html = (page.p(f"Configuration 1, seed {SEEDS['other']}: other ranges of anatomy, detector and noise. Nothing was trained on it, and nothing chosen.") +
            page.h3("All lesions") + tables(lab, all_) + page.h3("Lesions of subtlety up to 0.6, and all normals") + tables(lab, seen))
    return {"title": "A second configuration of the generator", "html": html, "figures": {"all": all_, "subtlety up to 0.6": seen},
            "targets": [accuracy_target("second configuration, all lesions", all_, 0.95),
                        accuracy_target("second configuration, subtlety up to 0.6", seen, 0.95)]}


def everyday(lab, sets):
    any_ = measure(lab, sets["protocol"])["any"]
    computed = stats.predictive(any_["sensitivity"], any_["specificity"], 0.02)
    rows = [r for r in sets["everyday"] if r["judged"]]
    called, silent = [r for r in rows if r["called"]], [r for r in rows if not r["called"]]
    alarms = stats.share([r["called"] for r in rows])
    drawn = {"n": len(rows), "injured": sum(r["class"] != "normal" for r in rows), "ppv": stats.share([r["class"] != "normal" for r in called]),
             "npv": stats.share([r["class"] == "normal" for r in silent]), "missed": sum(r["class"] != "normal" for r in silent),
             "alarms per 100": {k: 100 * v if isinstance(v, float) else v for k, v in alarms.items() if k in ("value", "low", "high")}}
    html = (page.table(["figure", "computed from section 1's sensitivity and specificity", f"drawn: {drawn['n']} with {drawn['injured']} injured"],
                       [["positive predictive value", page.figure(computed["ppv"]), page.figure(drawn["ppv"])],
                        ["negative predictive value", page.figure(computed["npv"], 4), page.figure(drawn["npv"], 4)],
                        ["alarms in 100 studies", page.figure(computed["alarms per 100"], 1), page.figure(drawn["alarms per 100"], 1)]]) +
            page.p(f"Drawn: {drawn['missed']} of {drawn['injured']} injured stayed silent. Two in a hundred is the order of the yield of cervical radiographs after "
                   "trauma; the generator's mixture of subtle and obvious injuries is its own, no hospital's.", note=True))
    return {"title": "At a prevalence of 2 %", "html": html, "figures": {"computed": computed, "drawn": drawn}}


def reliability(score, truth, edges):
    out = []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (score >= low) & ((score < high) | (high >= 1))
        if inside.any():
            out.append({"from": float(low), "to": float(high), "score": float(score[inside].mean()), "share": stats.share(truth[inside])})
    return out


def ece(bins):
    n = sum(b["share"]["of"] for b in bins)
    return sum(b["share"]["of"] * abs(b["share"]["value"] - b["score"]) for b in bins) / n if n else None


def calibration(lab, sets):
    figures, lines, html = {}, [], ""
    for name in ("protocol", "other"):
        rows = [r for r in sets[name] if r["judged"]]
        top = reliability(np.array([r["answer"].score.max() for r in rows]), np.array([r["right"] for r in rows]), np.linspace(0, 1, 11))
        any_ = reliability(np.array([r["injury"] for r in rows]), np.array([r["class"] != "normal" for r in rows]), np.linspace(0, 1, 11))
        brier = float(np.mean([np.sum((r["answer"].score - np.eye(len(lab.classes))[lab.classes.index(r["class"])]) ** 2) for r in rows])) if rows else None
        figures[name] = {"n": len(rows), "ece_highest": ece(top), "ece_any": ece(any_), "brier": brier, "highest": top, "any": any_}
        lines.append((f"configuration {int(name == 'other')}", top, any_))
    for at, title in ((1, "highest score, and how often that class is right"), (2, "1 - score of normal, and how often there is an injury")):
        html += page.chart(title, [(line[0], [(b["score"], b["share"]["value"], b["share"]["low"], b["share"]["high"]) for b in line[at]]) for line in lines],
                           x_range=(0, 1), diagonal=True, y_name="share")
    rows = [[f"configuration {int(k == 'other')} (n = {f['n']})", page.number(f["ece_highest"]), page.number(f["ece_any"]), page.number(f["brier"])]
            for k, f in figures.items()]
    html += page.table(["set", "ECE, highest score", "ECE, any injury", "Brier score (three classes)"], rows)
    html += page.p("Scores, not probabilities: in these sets two of three are injured, at work perhaps one in fifty. Ten bins of equal width; bars are 95 % "
                   "intervals.", note=True)
    return {"title": "Calibration of scores", "html": html, "figures": figures}
