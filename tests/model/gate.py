"""Section 11: what the input gate refuses."""
import csv
import os
import warnings

import numpy as np

import anatomy
import lab as laboratory
import page
import stats

SEED = {0: 900011, 1: 900012}
KINDS = ("ap", "odontoid", "oblique", "swimmers", "skull-lateral", "thoracic-lateral", "child", "hardware", "inverted", "cropped", "chest", "hand", "hip", "dental",
         "photograph", "blank", "noise", "ct-slice")
EACH = 40
# Adults' laterals that end too high are to be judged, as incomplete; most children and implants pass. So what becomes of them counts.
MORE = {"lateral-short": 100, "child": 100, "hardware": 150}
VARIANTS = ("plate", "rods", "cage", "disc prosthesis", "halo", "laminectomy", "ankylosed")
CORPUS = os.path.join(laboratory.SHARED, "corpus")
# The half of the corpus, by source repository, that the gate was tuned on; the other half is reported.
TUNED = ("ImagingDataCommons/highdicom", "cornerstonejs/cornerstone3D", "neurolabusc/dcm_qa_nih", "pydicom/pydicom-data", "pydicom/pynetdicom")
NO_PICTURE = ("SEG", "SR", "ANN", "ECG", "RTPLAN", "RTSTRUCT", "RTDOSE", "-")


def refused(answers):
    return stats.share([not a.judged for a in answers])


def reasons(answers):
    counts = {}
    for a in answers:
        if not a.judged:
            counts[a.reason] = counts.get(a.reason, 0) + 1
    return ", ".join(f"{k} {v}" for k, v in sorted(counts.items(), key=lambda x: -x[1]))


def passed(rows):
    """Of uninjured rows that were asked: how many are judged, and of these called injured."""
    judged = [r for r in rows if r["judged"]]
    called = [r for r in judged if r["called"]]
    return {"judged": stats.share([r["judged"] for r in rows]), "called": stats.share([r["called"] for r in judged]),
            "as": ", ".join(f"{c} {sum(r['top'] == c for r in called)}" for c in sorted({r["top"] for r in called}))}


def generated(lab, kinds=KINDS + ("lateral-short", "child, age in the header")):
    """Each kind of both configurations, none of them injured; PNG, so that pixels alone tell; children as DICOM, too, whose header has the age."""
    drawn = {}
    for kind in kinds:
        more = {"format": "dicom"} if "," in kind else {}
        for c in (0, 1):
            drawn[kind, c] = lab.draw(kind.replace(", ", "-").replace(" ", "-"), lab.count(MORE.get(kind, EACH), 2), SEED[c], subject=kind.split(",")[0],
                                      configuration=c, **more)
    lab.ask([r for rows in drawn.values() for r in rows], "generated kinds")
    out = {}
    for kind in kinds:
        found = {c: [r["answer"] for r in drawn[kind, c]] for c in (0, 1)}
        out[kind] = {"0": refused(found[0]), "1": refused(found[1]), "both": refused(found[0] + found[1]), "reasons": reasons(found[0] + found[1]),
                     **{f"passed {c}": passed(drawn[kind, c]) for c in (0, 1)}, "passed": passed(drawn[kind, 0] + drawn[kind, 1])}
    return out, {v: passed([r for c in (0, 1) for r in drawn["hardware", c] if v in r["variant"].split("; ")]) for v in VARIANTS}


def passing(figures):
    """Rows of what passes: the kinds of MORE by configuration, hardware by variant, and every other kind of which some are judged."""
    for kind in MORE:
        for c in (0, 1):
            yield f"{kind}, configuration {c}", figures["kinds"][kind][f"passed {c}"]
    for variant, f in figures["hardware"].items():
        yield f"hardware: {variant}", f
    for kind, f in figures["kinds"].items():
        if kind not in MORE and f["passed"]["judged"]["hits"]:
            yield kind, f["passed"]


def frame(path):
    """The first or middle frame of a DICOM file as grey 0..1, with its own display; None: pydicom cannot, or there is nothing."""
    import pydicom
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = pydicom.dcmread(path, force=True)
            a = np.asarray(data.pixel_array, float)
        except Exception:  # pydicom raises of every kind on the corpus's broken files
            return None
    a = a[0] if a.ndim == 4 else a
    if a.ndim == 3:
        a = a.mean(2) if a.shape[2] in (3, 4) else a[a.shape[0] // 2]
    low, high = np.percentile(a, [0.5, 99.5])
    if min(a.shape) < 32 or high <= low:
        return None
    a = np.clip((a - low) / (high - low), 0, 1)
    return 1 - a if "MONOCHROME1" in str(data.get("PhotometricInterpretation")) else a


def corpus(lab):
    """By half and repository: pictures without their headers, and the files themselves."""
    with open(os.path.join(CORPUS, "INDEX.tsv"), encoding="utf-8", newline="") as f:
        rows = [r for r in csv.DictReader(f, delimiter="\t", quoting=csv.QUOTE_NONE) if r["modality"] not in NO_PICTURE]
    out = {"tuned": {}, "reported": {}}
    pictures, paths = [], []
    for repository in sorted({r["repo"] for r in rows}):
        some = [os.path.join(CORPUS, repository.replace("/", "+"), r["path"]) for r in rows if r["repo"] == repository]
        some = [p for p in some if os.path.exists(p)][:lab.count(10000, 3)]
        paths += [(repository, p) for p in some]
        pictures += [(repository, x) for x in map(frame, some) if x is not None]
    bare, files = lab.ask_pictures((x for _, x in pictures), "pictures of the corpus"), lab.answers([p for _, p in paths], "files of the corpus")
    for repository in sorted({r for r, _ in paths}):
        shown, whole = ([a for (r, _), a in zip(keys, answers) if r == repository] for keys, answers in ((pictures, bare), (paths, files)))
        out["tuned" if repository in TUNED else "reported"][repository] = {
            "pictures": refused(shown), "files": refused(whole), "reasons": reasons(shown), "of_files": len(whole)}
    for half in out:
        for what in ("pictures", "files"):
            list_ = [f[what] for f in out[half].values() if isinstance(f, dict) and what in f]
            out[half].setdefault("all", {"reasons": "", "of_files": sum(f["of_files"] for f in out[half].values())})[what] = stats.rate(
                sum(r["hits"] for r in list_), sum(r["of"] for r in list_))
    return out


def laterals(sets):
    out = {}
    for name, rows in (("configuration 0", sets["protocol"] + sets["dislocations"] + sets["normals"] + sets["everyday"]), ("configuration 1", sets["other"])):
        answers = [r["answer"] for r in rows]
        out[name] = {"refused": refused(answers), "reasons": reasons(answers)}
    return out


def section(lab, sets):
    title, figures = "The input gate", {"gate": lab.gated, "laterals": laterals(sets)}
    html, targets = "", []
    if lab.gated:
        laboratory.say("gate: generated kinds")
        figures["kinds"], figures["hardware"] = generated(lab)
        html += page.h3("Generated kinds") + page.table(["kind", "refused, configuration 0", "configuration 1", "reasons told"], [
            [k, page.figure(f["0"]), page.figure(f["1"]), f["reasons"]] for k, f in figures["kinds"].items()])
        html += page.p(f"Seeds {SEED[0]} and {SEED[1]}, used for nothing else: the reported half; the gate was tuned on others. PNG files, so that no header helps; children are "
                       "to be refused by the header's age, as in the last row, and by pixels they need not be. A lateral-short is to be judged.", note=True)
        html += page.h3("What passes, and is called injured") + page.table(["kind, none injured", "judged", "of these called injured", "highest class of these"], [
            [k, page.figure(f["judged"]), page.figure(f["called"]), f["as"]] for k, f in passing(figures)])
        html += page.p("Both configurations together, but where one is named. The gate does not protect from these: a node that judges an unknown age (judgeUnknownAge) "
                       "judges a child whose header has none.", note=True)
        if os.path.exists(os.path.join(CORPUS, "INDEX.tsv")):
            figures["corpus"] = corpus(lab)
            html += page.h3("Real files of other things (shared corpus)")
            for half in ("reported", "tuned"):
                html += page.table([f"{half} half", "pictures without header: refused", "files as they are: refused", "reasons told (pictures)"], [
                    [k, page.figure(f["pictures"]), page.figure(f["files"]), f["reasons"]] for k, f in figures["corpus"][half].items()])
            html += page.p("Pictures: those that pydicom decodes here, at least 32 pixels a side, shown between their half per cents. The tuned half's figures are too good.",
                           note=True)
        else:
            html += page.p("Shared corpus: skipped: no shared data")
    else:
        html += page.p("No gate: this model folder has none, so that every picture with content is judged. Kinds and corpus were not asked.")
    html += page.h3("Adult lateral phantoms: at most 2 % may be refused")
    html += page.table(["set", "refused", "reasons told"], [[k, page.figure(f["refused"], 4), f["reasons"]] for k, f in figures["laterals"].items()])
    for name, f in figures["laterals"].items():
        targets.append({"target": f"adult laterals of {name} refused: at most 2 %" + ("" if lab.gated else " (no gate)"), "figure": f["refused"],
                        "met": None if not lab.gated or f["refused"]["value"] is None else f["refused"]["value"] <= 0.02})
    html += page.h3("The four radiographs")
    real = anatomy.found()
    if real:
        answers = lab.answers([path for _, path in real], "radiographs")
        figures["radiographs"] = {"pass": stats.share([a.judged for a in answers]), "reasons": reasons(answers)}
        html += page.p(f"Pass: {page.figure(figures['radiographs']['pass'], 2)} (exact interval: so little do four allow). " +
                       (f"Refused as: {figures['radiographs']['reasons']}. " if figures["radiographs"]["reasons"] else "") + "They had no part in tuning.")
    else:
        html += page.p("skipped: no shared data")
    return {"title": title, "html": html, "figures": figures, "targets": targets}
