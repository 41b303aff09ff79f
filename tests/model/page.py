"""The page: tables, badges, curves as inline SVG. One file, nothing from outside."""
from html import escape

STYLE = """:root{color-scheme:light}body{margin:0 auto;max-width:62rem;padding:1.5rem;font:16px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;
color:#1c2733;background:#fff}h1{font-size:1.7rem;margin:.6rem 0}h2{font-size:1.25rem;margin:2.2rem 0 .5rem;border-top:1px solid #d5dde5;padding-top:1rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}table{border-collapse:collapse;margin:.5rem 0 1rem;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .65rem;border-bottom:1px solid #e3e9ee;text-align:right;vertical-align:top}th:first-child,td:first-child{text-align:left}
th{background:#f3f6f9;font-weight:600}.first{background:#fff4d6;border:1px solid #d9a300;padding:.6rem .9rem;font-weight:700;border-radius:4px}
.met,.missed,.open{padding:0 .45rem;border-radius:3px;font-weight:600;white-space:nowrap}.met{background:#d9f2e0;color:#0b5a27}.missed{background:#fbdcd9;color:#8a1109}
.open{background:#e8ecf0;color:#3c4a57}.note{color:#465563;font-size:.88rem}.scroll{overflow-x:auto}figure{display:inline-block;margin:.3rem 1rem .6rem 0}
figcaption{font-size:.84rem;color:#465563}svg{background:#fff;max-width:100%}nav a{margin-right:.9rem;white-space:nowrap}
@media print{body{max-width:none;font-size:11px}h2{break-after:avoid}table,figure{break-inside:avoid}}"""


def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}"


def figure(f, digits=3, of=True):
    """A rate or another figure with its interval: 0.962 (0.951 to 0.973), 481 of 500."""
    if f is None or f.get("value") is None:
        return "–"
    text = number(f["value"], digits)
    if f.get("low") is not None:
        text += f" ({number(f['low'], digits)} to {number(f['high'], digits)})"
    if of and "hits" in f:
        text += f", {f['hits']} of {f['of']}"
    return text


def verdict(met):
    if met is None:
        return '<span class="open">not measured</span>'
    return '<span class="met">met</span>' if met else '<span class="missed">missed</span>'


class Raw(str):
    """Text that is markup already."""


def cell(value):
    return value if isinstance(value, Raw) else escape(str(value))


def table(head, rows):
    if not rows:
        return Raw("<p>Nothing to show.</p>")
    body = "".join("<tr>" + "".join(f"<td>{cell(v)}</td>" for v in row) + "</tr>" for row in rows)
    return Raw('<div class="scroll"><table><thead><tr>' + "".join(f"<th>{cell(h)}</th>" for h in head) + f"</tr></thead><tbody>{body}</tbody></table></div>")


def p(text, note=False):
    return Raw(f'<p{" class=note" if note else ""}>{cell(text)}</p>')


def h3(text):
    return Raw(f"<h3>{escape(text)}</h3>")


COLOURS = ("#1f5fa8", "#c2571a", "#2c7a3f", "#7b3fa0")


def chart(title, lines, labels=None, x_range=None, y_range=(0, 1), y_name="", width=420, height=230, diagonal=False, joined=True):
    """lines: (name, [(x, y, low, high)]). labels: (x, text) below the axis, instead of numbers."""
    left, right, top, bottom = 44, 12, 14, 44
    xs = [pt[0] for _, points in lines for pt in points]
    if not xs:
        return Raw("")
    x0, x1 = x_range or (min(xs), max(xs))
    x1 = x1 if x1 > x0 else x0 + 1

    def at(x, y):
        return (left + (x - x0) / (x1 - x0) * (width - left - right), top + (y_range[1] - y) / (y_range[1] - y_range[0]) * (height - top - bottom))
    out = [f'<svg role="img" aria-label="{escape(title)}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-size="11" fill="#1c2733">']
    for i in range(5):
        y = y_range[0] + (y_range[1] - y_range[0]) * i / 4
        out.append(f'<path d="M{left} {at(x0, y)[1]:.1f}H{width - right}" stroke="#e3e9ee"/><text x="{left - 5}" y="{at(x0, y)[1] + 4:.1f}" '
                   f'text-anchor="end">{y:.2f}</text>')
    for at_, (x, text) in enumerate(labels or [(x0 + (x1 - x0) * i / 4, f"{x0 + (x1 - x0) * i / 4:.3g}") for i in range(5)]):
        out.append(f'<text x="{at(x, 0)[0]:.1f}" y="{height - bottom + 15 + (13 * (at_ % 2) if labels else 0)}" text-anchor="middle">{escape(text)}</text>')
    if diagonal:
        out.append(f'<path d="M{at(x0, x0)[0]:.1f} {at(x0, x0)[1]:.1f}L{at(x1, x1)[0]:.1f} {at(x1, x1)[1]:.1f}" stroke="#8a97a3" stroke-dasharray="4 3"/>')
    for i, (name, points) in enumerate(lines):
        colour, places = COLOURS[i % len(COLOURS)], [(at(x, y), low, high) for x, y, low, high in points]
        if joined:
            out.append(f'<path fill="none" stroke="{colour}" d="M' + "L".join(f"{x:.1f} {y:.1f}" for (x, y), _, _ in places) + '"/>')
        for (x, y), low, high in places:
            if low is not None:
                out.append(f'<path stroke="{colour}" d="M{x:.1f} {at(x0, low)[1]:.1f}V{at(x0, high)[1]:.1f}"/>')
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')
        if len(lines) > 1:
            out.append(f'<text x="{left + 6 + i * 130}" y="{height - 6}" fill="{colour}">&#9679; {escape(name)}</text>')
    out.append(f'<text x="{left + 4}" y="10">{escape(y_name)}</text></svg>')
    return Raw(f"<figure>{''.join(out)}<figcaption>{escape(title)}</figcaption></figure>")


def document(first, title, intro, sections):
    links = "".join(f'<a href="#s{s["number"]}">{s["number"]} {escape(s["title"])}</a>' for s in sections)
    body = "".join(f'<section id="s{s["number"]}"><h2>{s["number"]}. {escape(s["title"])}</h2>{s["html"]}</section>' for s in sections)
    return (f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>\n<p class=first>{escape(first)}</p>\n<h1>{escape(title)}</h1>{intro}"
            f"<nav>{links}</nav>{body}</body></html>\n").replace("</section>", "</section>\n").replace("</tr>", "</tr>\n")
