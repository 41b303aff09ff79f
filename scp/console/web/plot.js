// plot.js: small drawings of figures. What a drawing shows is said beside it in a sentence, and all its figures are in a table behind
// "Figures": who does not see it lacks nothing. A drawing takes its colours from console.css; lines differ in dashes, too.
import { make, toggled } from './dom.js';

const NAMESPACE = document.getElementById('drawing').namespaceURI;
const WIDTH = 420;
const HEIGHT = 150;
const LEFT = 40;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 20;

function shape(tag, attributes, text) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const round = (n) => Math.round(n * 10) / 10;

// Where a value lies: x of 0..count-1 (or of a range), y of 0..most.
function scales(first, last, most) {
  const wide = WIDTH - LEFT - RIGHT;
  const high = HEIGHT - TOP - BOTTOM;
  const span = last > first ? last - first : 1;
  return { x: (v) => round(LEFT + ((v - first) / span) * wide), y: (v) => round(TOP + (1 - Math.min(1, Math.max(0, v / most))) * high) };
}

function axes(svg, at, { most, label, from, to }) {
  const y0 = at.y(0);
  svg.append(shape('path', { class: 'axis', d: `M${LEFT} ${TOP}V${y0}H${WIDTH - RIGHT}` }));
  for (const share of [0, 0.5, 1]) {
    svg.append(shape('text', { class: 'tick end', x: LEFT - 4, y: at.y(most * share) + 4 }, label(most * share)));
    if (share) svg.append(shape('path', { class: 'rule', d: `M${LEFT} ${at.y(most * share)}H${WIDTH - RIGHT}` }));
  }
  svg.append(shape('text', { class: 'tick', x: LEFT, y: HEIGHT - 5 }, from), shape('text', { class: 'tick end', x: WIDTH - RIGHT, y: HEIGHT - 5 }, to));
}

function legend(lines) {
  return make('ul', { class: 'legend', 'aria-hidden': 'true' }, lines.map(({ words, look }) => make('li', null, make('span', { class: `sample ${look}` }), words)));
}

function table(head, rows) {
  return make('table', null, make('thead', null, make('tr', null, head.map((words) => make('th', { scope: 'col' }, words)))),
    make('tbody', null, rows.map(([first, ...rest]) => make('tr', null, make('th', { scope: 'row' }, first), rest.map((cell) => make('td', null, cell))))));
}

function figure(key, title, said, svg, marks, head, rows) {
  svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', `${title}. ${said}`);
  return make('figure', { class: 'plot' }, make('figcaption', null, make('strong', null, title), make('span', null, said)), svg, legend(marks),
    toggled(`figures ${key}`, 'Figures', () => make('div', { class: 'figures', tabindex: 0, role: 'region', 'aria-label': `Figures: ${title}` }, table(head, rows))));
}

// lines: [{ words, look, points: [[x, y]] }]; bands: [{ words, look, from, to }] of y; limit: { words, y }; shade: x up to which it is
// the reference.
export function linePlot({ key, title, said, lines, bands = [], limit, shade, most, label = String, from = '', to = '', head, rows }) {
  const svg = shape('svg', {});
  const xs = lines.flatMap(({ points }) => points.map(([x]) => x));
  const at = scales(Math.min(...xs), Math.max(...xs), most);
  const marks = [...lines, ...bands];
  if (shade !== undefined) {
    svg.append(shape('rect', { class: 'shade', x: LEFT, y: TOP, width: Math.max(0, at.x(shade) - LEFT), height: HEIGHT - TOP - BOTTOM }));
    marks.push({ words: 'reference', look: 'shade' });
  }
  for (const band of bands) svg.append(shape('rect', { class: band.look, x: LEFT, width: WIDTH - LEFT - RIGHT, y: at.y(band.to), height: Math.max(1, at.y(band.from) - at.y(band.to)) }));
  axes(svg, at, { most, label, from, to });
  if (limit) {
    svg.append(shape('path', { class: 'limit', d: `M${LEFT} ${at.y(limit.y)}H${WIDTH - RIGHT}` }));
    marks.push({ words: limit.words, look: 'limit' });
  }
  for (const { look, points } of lines) {
    svg.append(shape('polyline', { class: look, points: points.map(([x, y]) => `${at.x(x)},${at.y(y)}`).join(' ') }));
    if (points.length < 15) for (const [x, y] of points) svg.append(shape('circle', { class: look, cx: at.x(x), cy: at.y(y), r: 2 }));
  }
  return figure(key, title, said, svg, marks, head, rows);
}

// sets: [{ words, look, values }] beside each other, one group a name.
export function barPlot({ key, title, said, sets, most, label = String, from = '', to = '', head, rows }) {
  const svg = shape('svg', {});
  const groups = sets[0].values.length;
  const at = scales(0, groups, most);
  axes(svg, at, { most, label, from, to });
  const wide = (WIDTH - LEFT - RIGHT) / groups;
  const each = (wide * 0.8) / sets.length;
  sets.forEach(({ look, values }, s) => values.forEach((value, i) => svg.append(shape('rect', {
    class: look, x: round(LEFT + i * wide + wide * 0.1 + s * each), width: round(Math.max(1, each - 0.5)), y: at.y(value), height: round(at.y(0) - at.y(value)),
  }))));
  return figure(key, title, said, svg, sets, head, rows);
}

// One small row of bars, for a table's cell.
export function sparkBars(values, said) {
  const most = Math.max(1, ...values);
  const svg = shape('svg', { class: 'spark', viewBox: `0 0 ${values.length * 4} 20`, role: 'img', 'aria-label': said });
  values.forEach((value, i) => svg.append(shape('rect', { class: value ? 'bars-a' : 'none', x: i * 4, width: 3, y: round(19 - (value / most) * 18), height: round(Math.max(1, (value / most) * 18)) })));
  return svg;
}
