"""Section 10: four real radiographs, warped. A sanity check, no evidence: no injury is known in them, and no reader has
reported them. Pictures live in memory and in a folder that is gone at the end; words and figures stay."""
import os
import tempfile

import numpy as np
from PIL import Image
from scipy import ndimage

import changed
import lab as laboratory
import page
import stats

FOLDER = os.path.join(laboratory.SHARED, "radiographs")
# Chosen by hand, in pixels of the 705 x 700 files: C5's lower rear and lower front corner, its height; all four face to
# the right. Its depth is taken for 16 mm, a plausible one on such a film.
DEPTH_MM = 16.0
C5 = {"lat_1": ((352, 481), (413, 489), 44), "lat_4": ((374, 517), (450, 527), 59), "lat_12": ((333, 467), (393, 483), 36), "lat_22": ((243, 425), (297, 440), 39)}
C2_C7 = {"lat_1": ((405, 280), (355, 570)), "lat_4": ((400, 265), (408, 645)), "lat_12": ((402, 310), (330, 567)), "lat_22": ((335, 270), (245, 512))}  # their middles
GRADES = {"translation": (1, 2, 3.5, 5, 8), "wedge": (10, 25, 40, 60), "line": (0.5, 1, 2, 4)}
UNIT = {"translation": "mm", "wedge": "%", "line": "mm"}
CLASS = {"translation": "dislocation", "wedge": "fracture", "line": "fracture"}


class Spine:
    """A radiograph with C5's axes: u along its lower plate to the front, v upwards, in pixels; origin at the lower rear corner."""

    def __init__(self, name, picture):
        (x, y), front, self.height = C5[name]
        self.name, self.picture, self.corner = name, picture, np.array([x, y], float)
        along = np.array(front, float) - self.corner
        self.depth = float(np.hypot(*along))
        self.u = along / self.depth
        self.v = np.array([self.u[1], -self.u[0]])
        self.mm = self.depth / DEPTH_MM  # pixels a millimetre
        yy, xx = np.mgrid[:picture.shape[0], :picture.shape[1]].astype(float)
        self.x, self.y = xx, yy
        self.at_u = (xx - x) * self.u[0] + (yy - y) * self.u[1]
        self.at_v = (xx - x) * self.v[0] + (yy - y) * self.v[1]

    def sample(self, du, dv):
        """The picture drawn from places (du, dv) away, bilinear."""
        x = self.x + du * self.u[0] + dv * self.v[0]
        y = self.y + du * self.u[1] + dv * self.v[1]
        return ndimage.map_coordinates(self.picture, [y, x], order=1, mode="nearest")

    def box(self):
        """Around C5 and the disc above: what a map should point at."""
        corners = np.array([self.corner + self.u * a + self.v * b for a in (-0.6 * self.depth, 1.2 * self.depth) for b in (-0.3 * self.height, 1.9 * self.height)])
        return (*corners.min(0), *corners.max(0))


def shift(spine, mm, sham=False):
    """Everything above the disc C4/5 goes forward; the step lies within the disc."""
    weight = np.clip((spine.at_v - spine.height) / (3.0 * spine.mm), 0, 1)
    moved = -mm * spine.mm * weight
    if not sham:
        return spine.sample(moved, 0)
    other = Spine(spine.name, spine.sample(moved, 0))  # there and back again: twice the interpolation, no displacement
    return other.sample(-moved, 0)


def wedge(spine, percent, sham=False):
    """The front of C5 loses height: what lies above turns about the rear of its lower plate, the body in proportion."""
    angle = np.arctan(percent / 100 * spine.height / spine.depth) * np.clip(spine.at_v / spine.height, 0, 1)

    def turned(s, a):
        u, v = s.at_u, s.at_v
        return s.sample(u * np.cos(a) - v * np.sin(a) - u, u * np.sin(a) + v * np.cos(a) - v)
    out = turned(spine, angle)
    return turned(Spine(spine.name, out), -angle) if sham else out


def line(spine, mm, sham=False):
    """A dark band across C5's body, oblique, a tenth of the range deep; the sham one lies in the muscles behind."""
    u, v = spine.at_u + (2.6 * spine.depth if sham else 0), spine.at_v
    distance = (v - 0.5 * spine.height) * np.cos(0.6) - (u - 0.5 * spine.depth) * np.sin(0.6)
    band = np.clip(0.5 * mm * spine.mm - np.abs(distance) + 0.5, 0, 1)
    body = (u > 0) & (u < spine.depth) & (v > 0) & (v < spine.height)
    return np.clip(spine.picture - 0.1 * band * body, 0, 1)


WARPS = {"translation": shift, "wedge": wedge, "line": line}


def found():
    paths = [(name, os.path.join(FOLDER, name + ".png")) for name in C5]
    return [(name, path) for name, path in paths if os.path.exists(path)]


def ask(lab):
    """answers[kind][grade][sham] and untouched, each a list over the radiographs."""
    spines = [Spine(name, laboratory.grey(path)) for name, path in found()]
    todo = [(kind, g, sham) for kind, grades in GRADES.items() for g in grades for sham in (False, True)]
    pictures = [s.picture for s in spines] + [WARPS[kind](s, g, sham) for kind, g, sham in todo for s in spines]
    asked = iter(lab.ask_pictures(pictures, "radiographs and their warps"))
    out = {"untouched": [next(asked) for _ in spines], **{kind: {g: {} for g in grades} for kind, grades in GRADES.items()}}
    for kind, g, sham in todo:
        out[kind][g][sham] = [next(asked) for _ in spines]
    return spines, out


def rising(values):
    """Kendall's tau of the scores against severity (untouched first), -1 to 1."""
    pairs = [np.sign(b - a) for i, a in enumerate(values) for b in values[i + 1:]]
    return float(np.mean(pairs)) if pairs and np.all(np.isfinite(values)) else None


def maps(lab, spines, warped):
    """Gradient maps of the two strongest grades of each kind; or of the untouched, of both findings, and whether they point at C5 all the same."""
    rows = []
    with tempfile.TemporaryDirectory(dir=lab.cache) as folder:
        for at, s in enumerate(spines):
            todo = [(c, c, s.picture) for c in sorted(set(CLASS.values()))]
            if warped:
                todo = [("untouched", "normal", s.picture)] + [(f"{k}{g}", CLASS[k], WARPS[k](s, g)) for k in GRADES for g in GRADES[k][-2:]]
            for name, class_, picture in todo:
                path = os.path.join(folder, f"{at}{name}.png")
                Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype("uint8")).save(path)
                box = s.box() if class_ != "normal" else (0, 0, 0, 0)
                rows.append({"path": path, "class": class_, "patient": at, **dict(zip(("x0", "y0", "x1", "y1"), map(float, box))),
                             **dict(zip(("c2_x", "c2_y", "c7_x", "c7_y"), sum(C2_C7[s.name], ()))), "facing": "right"})
        found_ = changed.evaluate_maps(lab, rows, len(rows))
    if not found_ or not found_["explained"]:
        return None
    return changed.maps_figures(found_)


def beside(figures):
    """One table of phantoms, untouched and warped radiographs, and what it says in words."""
    rows = [(name, f) for name, f in figures.items() if f]
    if len(rows) < 3:
        return page.p("No map was made of " + ", ".join(name for name, f in figures.items() if not f) + ".")
    hits, over, spots = ([get(f) for _, f in rows] for get in (lambda f: f"{f['pointing']['hits']} of {f['pointing']['of']}",
                                                              lambda f: page.number(f["over_flat"]["value"], 1), lambda f: page.number(f["spots"], 1)))
    off = [f"{f['places']['skull']['hits'] + f['places']['outside']['hits']} of {f['places']['spine']['of']}" for _, f in rows]
    return page.table(["maps of", "n", "maximum in the box", "energy in the box", "times a flat map", "hot spots an image", "maximum on the spine", "on the skull", "elsewhere"], [
        [name, f["explained"], page.figure(f["pointing"]), page.number(f["energy"]), page.figure(f["over_flat"], 1), page.number(f["spots"], 1),
         *(f"{f['places'][k]['hits']} of {f['places'][k]['of']}" for k in ("spine", "skull", "outside"))]
        for name, f in rows]) + page.p(
            f"The map's maximum lies in the injury's box in {hits[0]} phantoms, and around C5 in {hits[2]} warped radiographs; in the untouched ones, where nothing was done to "
            f"C5, in {hits[1]}. The box holds {over[0]} times a flat map's energy in phantoms, {over[2]} times in warped and {over[1]} times in untouched radiographs: only what "
            f"the warped have over the untouched can come from the warp. A map has {spots[0]}, {spots[2]} and {spots[1]} hot spots; its maximum lies off the spine in {', '.join(off[i] for i in (0, 2, 1))} maps.")


def section(lab, phantoms):
    title = "Real anatomy: a sanity check"
    warning = page.p("No injury is known in these radiographs, and no reader has reported them. They come from a public repository without a licence; nothing was trained "
                     "or chosen on them, and no picture made from them is here. Four images show nothing about sensitivity or specificity.")
    if not found():
        return {"title": title, "html": warning + page.p("skipped: no shared data"), "figures": None}
    laboratory.say("radiographs, warped")
    lab = lab.past_gate()
    spines, answers = ask(lab)
    injury = lambda a: float(1 - a.score[lab.normal])  # noqa: E731
    untouched = [injury(a) for a in answers["untouched"]]
    figures, html = {"pixels_per_mm": {s.name: s.mm for s in spines}, "untouched": untouched}, warning
    shown = lambda values: [("refused" if not np.isfinite(v) else f"{v:.3f}") for v in values]  # noqa: E731
    called = lambda list_: sum(a.judged and any(a.score[i] >= lab.point[i] for i in lab.findings) for a in list_)  # noqa: E731
    rows = [["untouched", "", *shown(untouched), f"{called(answers['untouched'])} of {len(spines)}"]]
    for kind, grades in GRADES.items():
        figures[kind] = {}
        for sham in (False, True):
            for g in grades:
                list_ = answers[kind][g][sham]
                values = [injury(a) for a in list_]
                figures[kind][f"{g}{' sham' if sham else ''}"] = [v if np.isfinite(v) else None for v in values]
                rows.append([kind + (", sham" if sham else ""), f"{g} {UNIT[kind]}", *shown(values), f"{called(list_)} of {len(spines)}"])
    html += page.p("1 - score of normal. Translation: everything above the disc C4/5 goes forward. Wedge: C5's front loses height and the neck above turns. Line: a dark "
                   "band through C5's body. Sham: moved there and back (interpolated twice, nothing displaced), or the same band behind the spine. One vertebral depth is taken "
                   "for 16 mm. Asked past the gate, which section 11 has. The warps are crude: skin, airway and spinous processes are cut or stretched with them.")
    html += page.table(["warp", "grade", *(s.name for s in spines), "some finding called"], rows)
    trend = {}
    for kind, grades in GRADES.items():
        for sham in (False, True):
            series = [[untouched[i], *(injury(answers[kind][g][sham][i]) for g in grades)] for i in range(len(spines))]
            trend[kind + (" sham" if sham else "")] = [{"tau": rising(s), "change": s[-1] - s[0] if np.all(np.isfinite(s)) else None} for s in series]
    figures["trend"] = trend
    html += page.h3("Does the score rise with severity?") + page.table(
        ["warp", *(f"{s.name}: order, change" for s in spines)],
        [[k, *("refused" if t["tau"] is None else f"{t['tau']:+.2f}, {t['change']:+.3f}" for t in list_)] for k, list_ in trend.items()])
    rise = [t["tau"] for k, list_ in trend.items() if "sham" not in k for t in list_ if t["tau"] is not None]
    stay = [abs(t["change"]) for k, list_ in trend.items() if "sham" in k for t in list_ if t["change"] is not None]
    figures["rising"], figures["sham_largest_change"] = stats.rate(sum(t > 0.5 for t in rise), len(rise)), max(stay) if stay else None
    html += page.p(f"Order: share of pairs of grades in which the stronger one scores higher, less the share in which it scores lower (1: always rises). It is over 0.5 in "
                   f"{page.figure(figures['rising'])} of the series. Largest change by a sham: {page.number(figures['sham_largest_change'])}. "
                   f"Untouched, {called(answers['untouched'])} of {len(spines)} are called injured.")
    figures["maps"], figures["maps untouched"] = maps(lab, spines, True), maps(lab, spines, False)
    html += page.h3("Maps") + page.p("Gradient maps. Phantoms: section 8's, the injury's box. Warped: the two strongest grades of each kind; untouched: each radiograph, of both "
                                     "findings; box: around C5 and the disc above. A hot spot has at least half the maximum.")
    html += beside({"phantoms": phantoms, "radiographs, untouched": figures["maps untouched"], "radiographs, warped": figures["maps"]})
    return {"title": title, "html": html, "figures": figures}
