"""The bundled model's report (scripts/model-report): one page, and its figures as JSON beside it."""
import argparse
import json
import os
import time

import anatomy
import changed
import gate
import lab as laboratory
import laterals
import page
import twins

FIRST = "sensitivity in injured patients: NOT MEASURED (n = 0)"
LIMITS = (
    "No figure here is about patients. Every image but four was drawn by one program, written by the people who trained the model; what that program does not draw, the "
    "model has never seen, and nobody has measured it.",
    "The second configuration has other sizes, detectors and noise, but the same code, the same shapes and the same kinds of injury: it shows robustness to these ranges, "
    "not to real anatomy.",
    "The share and the mixture of injuries are the generator's choice. Sensitivity at work depends on how subtle injuries are there, and nobody knows how these phantoms' "
    "subtlety compares with a hospital's.",
    "Injuries that a lateral view does not show, ligament injuries without displacement, and injuries of C7/T1 behind the shoulders are missed by every reader of such a "
    "view; the generator shows injuries that lie in the field.",
    "Intervals cover the luck of the draw only, not what phantoms and patients differ in. Targets are held against one-sided exact lower 95 % limits; the intervals shown "
    "are two-sided.",
    "The four radiographs are unlabelled. Scores that rise with a warp show that the network reacts to displaced real anatomy; they say nothing about how often it is right.",
    "Scores are no probabilities, and a map is no proof of a reason.")


class Steps:
    """The sections by number, each measured when it is asked for; those of `full` by `whole`, a lab of full counts."""
    STEPS = (laterals.protocol, laterals.detection, laterals.hard, laterals.other, laterals.everyday, laterals.calibration, changed.robustness, changed.saliency,
             lambda lab, _: twins.section(lab), None, gate.section, lambda lab, _: limits())

    def __init__(self, lab, whole, full):
        self.done, self.full, self.of = {}, full, {False: (lab, laterals.Sets(lab)), True: (whole, laterals.Sets(whole))}

    def section(self, number):
        if number not in self.done:
            begin = time.time()
            lab, sets = self.of[number in self.full]
            found = anatomy.section(lab, self.section(8)["figures"]) if number == 10 else self.STEPS[number - 1](lab, sets)
            self.done[number] = dict(found, number=number)
            laboratory.say(f"section {number}: {self.done[number]['title']} ({time.time() - begin:.0f} s)")
        return self.done[number]

    def all(self):
        return [self.section(n) for n in range(1, len(self.STEPS) + 1)]


def limits():
    return {"title": "Limits", "html": "<ul>" + "".join(f"<li>{page.cell(t)}</li>" for t in LIMITS) + "</ul>", "figures": None}


def summary(sections):
    rows = []
    for s in sections:
        for t in s.get("targets", ()):
            limit = t["figure"].get("limit") if t["figure"] else None
            rows.append([t["target"], page.figure(t["figure"]), page.number(limit, 4), page.Raw(page.verdict(t["met"])), page.Raw(f'<a href="#s{s["number"]}">{s["number"]}</a>')])
    return page.table(["target", "measured, with 95 % interval", "lower limit (one-sided, exact)", "", "section"], rows)


def plain(value):
    """For JSON: numbers of at most five digits, no NaN."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return None if value != value else float(f"{value:.5g}")
    return value


def write(lab, sections, full, out, began):
    but = f", but for section{'s' * (len(full) > 1)} {', '.join(map(str, sorted(full)))} at all of them" if full else ""
    part = "" if lab.scale == 1 else f" Drawn at {lab.scale:g} of the full counts{but}: for trying, no report."
    intro = page.p(f"Model {lab.name} {lab.version}, digest {lab.digest}. Generator {lab.generator}. {time.strftime('%Y-%m-%d')}. Everything below is of synthetic images "
                   f"of {laboratory.SIZE} x {laboratory.SIZE} pixels (but for sections 10 and 11), judged by cervigate predict as in the node.{part} Made by scripts/model-report.")
    intro += page.h3("Targets") + summary(sections)
    with open(out, "w", encoding="utf-8") as f:
        f.write(page.document(FIRST, f"What {lab.name} can and cannot do", intro, sections))
    figures = {"first": FIRST, "model": {"name": lab.name, "version": lab.version, "digest": lab.digest, "gate": lab.gated}, "generator": lab.generator, "subtlety_version": laterals.SUBTLETY_VERSION, "scale": lab.scale, "full": sorted(full),
               "date": time.strftime("%Y-%m-%d"), "targets": [dict(t, section=s["number"]) for s in sections for t in s.get("targets", ())],
               "sections": {s["title"]: s["figures"] for s in sections}}
    with open(os.path.splitext(out)[0] + ".json", "w", encoding="utf-8") as f:
        json.dump(plain(figures), f, indent=1, allow_nan=False)
        f.write("\n")
    laboratory.say(f"{out}: {len(lab.told)} answers known, {time.time() - began:.0f} s")


def main():
    parser = argparse.ArgumentParser(prog="scripts/model-report", description="Measures a model on phantoms never seen and writes docs/model-report.html and .json.")
    parser.add_argument("--model", default=os.path.join(laboratory.SOURCE, "models", "cervigate-phantom"))
    parser.add_argument("--out", default=os.path.join(laboratory.SOURCE, "docs", "model-report.html"), help="the page; figures go beside it as .json")
    parser.add_argument("--scale", type=float, default=1.0, help="fraction of the counts, for trying (1)")
    parser.add_argument("--full", type=int, action="append", default=[], choices=range(1, 13), metavar="N", help="section N at full counts whatever --scale says (again: others, too)")
    parser.add_argument("--cache", help="where drawn phantoms and answers are kept (~/.cache/cervigate/model-report)")
    parser.add_argument("--section", type=int, action="append", choices=range(1, 13), metavar="N",
                        help="measure section N alone (again: others, too): its figures go to standard output as JSON and what was drawn, answered and measured into the "
                             "cache, no page is written; 10 needs 8, which is measured with it")
    o = parser.parse_args()
    if not 0 < o.scale <= 10:
        parser.error("--scale: over 0 to 10 is expected")
    began = time.time()
    build = os.environ.get("CERVIGATE_BUILD", os.path.join(laboratory.SOURCE, "build", "release"))
    program = os.environ.get("CERVIGATE") or os.path.join(build, "bin", "cervigate")
    lab = laboratory.Lab(program, o.model, o.scale, o.cache)
    whole = laboratory.Lab(program, o.model, 1, o.cache, lab.generator)
    steps = Steps(lab, whole, set(o.full))
    if o.section:
        some = [steps.section(n) for n in o.section]
        print(json.dumps(plain([{k: s.get(k) for k in ("number", "title", "targets", "figures")} for s in some]), indent=1, allow_nan=False))
    else:
        sections = steps.all()
        if lab.told is None:  # all were at full counts
            lab.told, lab.digest = whole.told, whole.digest
        write(lab, sections, set(o.full), o.out, began)


if __name__ == "__main__":
    main()
