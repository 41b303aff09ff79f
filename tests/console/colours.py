"""Which elements of a page are green, and which are warm: computed colours of each element and of what the style sheet puts beside it, and every rule of the style sheet, those of hands and
focus, too. Pixels of pictures and canvases are the node's own and not looked at."""
import time

from browser import h

NAMES = """
const PROPERTIES = ['color', 'background-color', 'background-image', 'border-top-color', 'border-right-color', 'border-bottom-color', 'border-left-color', 'border-image-source', 'outline-color',
  'fill', 'stroke', 'stop-color', 'flood-color', 'box-shadow', 'text-shadow', 'text-decoration-color', 'text-emphasis-color', 'column-rule-color', 'caret-color', 'accent-color', 'scrollbar-color',
  'filter', '-webkit-text-fill-color', '-webkit-text-stroke-color'];
// Every colour in a computed value: red, green, blue in 0..255 and how opaque it is. What is none of the forms that Chromium computes is none that is known.
function coloursOf(value) {
  return (value.match(/[a-z-]*\\([^()]*\\)|#[0-9a-f]{3,8}/gi) ?? []).flatMap((text) => {
    if (/^(url|drop-shadow|calc|var|linear|blur|none)/.test(text)) return [];
    const numbers = (text.slice(text.indexOf('(')).match(/-?[\\d.]+(e-?\\d+)?/g) ?? []).map(Number);
    if (/^rgba?\\(/.test(text)) return [[...numbers, 1].slice(0, 4)];
    if (/^color\\(srgb /.test(text)) return [[...numbers.slice(0, 3).map((n) => 255 * n), numbers[3] ?? 1]];
    throw new Error(`a colour of another form: ${text}`);
  });
}
const COLOURLESS = 12; // of 255: no eye finds a hue in less
function hue([red, green, blue, opaque]) {
  const most = Math.max(red, green, blue), chroma = most - Math.min(red, green, blue);
  if (opaque === 0 || chroma < COLOURLESS) return '';
  const degrees = ((most === red ? (green - blue) / chroma : most === green ? 2 + (blue - red) / chroma : 4 + (red - green) / chroma) * 60 + 360) % 360;
  return degrees > 70 && degrees < 170 ? 'green' : degrees <= 70 || degrees > 330 ? 'warm' : '';
}
"""

ELEMENTS = """
const UNITS = 'tr, li, .facts > div, .glance > *, #freshness, #health, #status, .verdict, .note, .doing, dialog, p, h1, h2';
function beside(element) {
  const names = ['::before', '::after'].filter((name) => !['none', 'normal'].includes(getComputedStyle(element, name).content));
  if (element.matches('li, summary')) names.push('::marker');
  if (element.matches('input')) names.push('::placeholder', '::file-selector-button');
  if (element.matches('dialog[open]')) names.push('::backdrop');
  return [null, ...names];
}
const found = [];
for (const element of document.querySelectorAll('html, body, body *')) for (const name of beside(element)) {
  const style = getComputedStyle(element, name);
  for (const property of PROPERTIES) for (const colour of coloursOf(style.getPropertyValue(property))) {
    const which = hue(colour);
    if (which) found.push({ hue: which, property, element: `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}#${element.id}${name ?? ''}`,
      says: (element.closest(UNITS) ?? element).textContent, hidden: !element.checkVisibility(), main: element.closest('main') !== null });
  }
}
return found;
"""

RULES = """
const colourful = /color|background|border|outline|fill|stroke|shadow|--/;
function walk(rules, at = '') {
  return [...rules].flatMap((rule) => (rule.cssRules?.length ? walk(rule.cssRules, `${at}${rule.conditionText ?? ''} `) : []).concat(rule.style ? [[at, rule]] : []));
}
const probe = document.body.appendChild(document.createElement('i')), bad = [];
let seen = 0;
for (const sheet of document.styleSheets) for (const [at, { selectorText, style }] of walk(sheet.cssRules)) for (const property of style) {
  if (!colourful.test(property)) continue;
  const value = style.getPropertyValue(property), isAlarm = selectorText.split(/,(?![^(]*\\))/).every((s) => /\\.alarm\\b/.test(s));
  if (/var\\(--alarm/.test(value) && !isAlarm) bad.push(`${at}${selectorText} { ${property}: ${value} } wears the colour of an alarm`);
  for (const literal of value.match(/#[0-9a-f]{3,8}\\b|[a-z-]+\\([^()]*\\)|\\b[a-z]+\\b/gi) ?? []) {
    if (/^(var|calc|min|max|Highlight|CanvasText)/.test(literal) || !CSS.supports('color', literal)) continue;
    probe.style.color = literal;
    seen++;
    for (const which of coloursOf(getComputedStyle(probe).color).map(hue)) {
      if (which === 'green' || (which === 'warm' && !/^--alarm/.test(property) && !isAlarm)) bad.push(`${at}${selectorText} { ${property}: ${literal} } is ${which}`);
    }
  }
}
probe.remove();
if (seen < 12) bad.push(`only ${seen} colours in the style sheet`);
return bad;
"""


def of_elements(page):
    """[{hue, property, element, says, hidden, main}]; `says`: the row, line or entry in which it stands; `main`: it is the page's own, and not above every page."""
    return page.see(f"(() => {{ {NAMES} {ELEMENTS} }})()")


def of_rules(page):
    """Rules of the style sheet that are green, or warm without being an alarm's, in words."""
    return page.see(f"(() => {{ {NAMES} {RULES} }})()")


def painted(page, colour):
    """What `of_elements` says of a page in which one thing after another has this colour: how many it finds."""
    return page.see(f"""(() => {{ {NAMES}
        const look = () => {{ {ELEMENTS} }};
        const box = document.querySelector('main').appendChild(document.createElement('p'));
        const drawn = box.appendChild(document.createElementNS('http://www.w3.org/2000/svg', 'svg'));
        const before = look().length, ways = [['color', '{colour}'], ['background-color', '{colour}'], ['border-left', '2px solid {colour}'], ['outline', '1px solid {colour}'],
          ['box-shadow', '0 0 4px {colour}'], ['background-image', 'linear-gradient(black, {colour})'], ['fill', '{colour}'], ['stroke', '{colour}'], ['text-decoration-color', '{colour}']];
        const found = ways.filter(([name, value]) => {{
          const to = ['fill', 'stroke'].includes(name) ? drawn : box;
          to.style.setProperty(name, value);
          const more = look().length > before;
          to.style.removeProperty(name);
          return more;
        }}).map(([name]) => name);
        box.remove();
        return [found, ways.map(([name]) => name)]; }})()""")


def check(case, page, where, failures=lambda: ()):
    """Nothing is green; what is warm tells one of the technical failures, each a part of a text; a page without failures has nothing warm. Gives those that are told so. A page
    that asks the node now and then has a moment to follow it."""
    end = time.monotonic() + (10 * h.PATIENCE if failures() else 0)
    while True:
        found, known = of_elements(page), failures()
        wrong = [f for f in found if f["hue"] == "green" or not any(text in f["says"] for text in known)]
        if not wrong or time.monotonic() > end:
            break
        time.sleep(0.5)
    case.assertEqual(wrong, [], where)
    return {text for text in known if any(text in f["says"] and not f["hidden"] for f in found)}
