// panels.js: what is known of a study, in words: scores, report, what happened, where results went. Each function gives an element.
import { foreign, make } from './dom.js';
import { capital, moment, paragraphs, plain, spaced, span, wait } from './words.js';

function panel(title, ...content) {
  return make('section', { class: 'panel' }, make('h2', null, title), content);
}

// A score of 0..1 with two digits, never rounded up to the operating point that it does not reach.
function digits(score, operatingPoint) {
  const text = score.toFixed(2);
  return operatingPoint !== null && score < operatingPoint && Number(text) >= operatingPoint ? score.toFixed(4) : text;
}

// The score as a bar with the operating point in it; the numbers say the same.
function bar(score, operatingPoint) {
  const fill = make('span', { class: 'fill' });
  fill.style.width = `${Math.min(100, Math.max(0, score * 100))}%`;
  const whole = make('span', { class: 'bar', 'aria-hidden': 'true' }, fill);
  if (operatingPoint !== null) {
    const mark = make('span', { class: 'mark' });
    mark.style.left = `${Math.min(100, Math.max(0, operatingPoint * 100))}%`;
    whole.append(mark);
  }
  return whole;
}

function scoreRow({ name, score, operatingPoint }) {
  const point = operatingPoint ?? null;
  const reached = point !== null && score >= point;
  return make('tr', { class: reached ? 'reached' : null },
    make('th', { scope: 'row' }, point === null ? 'no finding' : foreign(plain(name))), make('td', null, bar(score, point), digits(score, point)),
    make('td', null, point === null ? 'none' : digits(point, null)),
    make('td', null, point === null ? '' : reached ? 'reached' : 'below'));
}

function scoresOf(model) {
  const head = ['Class', 'Model score', 'Operating point', ''].map((words) => (words ? make('th', { scope: 'col' }, words) : make('td')));
  return make('table', { class: 'scores' }, make('caption', null, foreign([plain(model.name), plain(model.version)].filter(Boolean).join(', version '))),
    make('thead', null, make('tr', null, head)), make('tbody', null, model.classes.map(scoreRow)));
}

// Of one image: it clears nothing, as the study's own answer may say.
const NONE = { 'no-finding': 'no finding above the operating point' };

export function scores(image) {
  const models = image?.models ?? [];
  const outcome = image ? capital([NONE[image.outcome] ?? (spaced(image.outcome) || spaced(image.state)), plain(image.reason)].filter(Boolean).join(': ')) : 'No image';
  const detail = image?.detail ? make('p', null, foreign(plain(image.detail))) : null;
  return panel('Model scores of this image', make('p', { class: 'outcome' }, outcome), detail, ...models.map(scoresOf),
    models.length ? make('p', { class: 'soft' }, 'A model score is no probability. Below the operating point excludes no injury.') : null);
}

function reportLine({ indent, text }) {
  const line = make('p', { dir: 'auto', class: text.startsWith('- ') ? 'item' : null }, text);
  line.style.marginInlineStart = `${indent / 2}em`;
  return line;
}

export function report(lines) {
  if (!lines?.length) return panel('Report', make('p', null, 'There is no report yet.'));
  return panel('Report', make('div', { class: 'report' }, paragraphs(lines).map(reportLine)));
}

const KINDS = {
  sr: 'Report', 'sr-comprehensive': 'Report (comprehensive)', 'sr-enhanced': 'Report (enhanced)', sc: 'Picture', gsps: 'Presentation state',
  map: 'Parametric map', rejection: 'Rejection note',
};
const STEPS = {
  received: ['Received', 'from'], complete: ['Complete', ''], analysed: ['Analysed', ''], reported: ['Made', ''], sent: ['Sent', 'to'],
  committed: ['Kept for good', 'by'], notified: ['Told', 'by'], read: ['Marked as read', 'by'],
};

function stepWords({ what, with: whom }) {
  const [words, link] = STEPS[what] ?? [capital(spaced(what)), ''];
  if (what === 'reported') return `${words}: ${KINDS[whom] ?? spaced(whom)}`;
  return whom ? `${words} ${link} ${plain(whom)}`.replace('  ', ' ') : words;
}

// What came several times in a row is one step: [{ words, at, until, times }].
function merged(steps) {
  const list = [];
  for (const step of steps) {
    const words = stepWords(step);
    const last = list.at(-1);
    if (last?.words === words) Object.assign(last, { until: step.at, times: last.times + 1 });
    else list.push({ words, at: step.at, until: step.at, times: 1 });
  }
  return list;
}

const between = (from, to) => new Date(to) - new Date(from);

export function timeline(happened, now) {
  if (!happened?.length) return panel('What happened', make('p', null, 'Nothing is known.'));
  const steps = merged(happened);
  const items = steps.map((step, i) => {
    const times = step.times > 1 ? `, ${step.times} times in ${span(between(step.at, step.until))}` : '';
    return make('li', null, make('time', { datetime: step.at }, moment(step.at, now, true)), ' ', foreign(`${step.words}${times}`),
      make('span', { class: 'soft' }, i > 0 ? ` ${span(between(steps[i - 1].until, step.at))} later` : ''));
  });
  const whole = between(steps[0].at, steps.at(-1).until);
  return panel('What happened', make('ol', { class: 'timeline' }, items),
    steps.length > 2 ? make('p', { class: 'soft' }, `${capital(span(whole))} in all`) : null);
}

const FATES = { current: '', superseded: 'replaced by a later one', retracted: 'taken back', parked: 'set aside' };
const STATES = {
  pending: 'waits to be sent', sent: 'sent', parked: 'set aside: a person must look', held: "held until the radiologist's report",
  cancelled: 'not sent: cancelled', expired: 'not sent: too late',
};
const FAILED = ['parked', 'expired'];

function delivery(d, now) {
  const failed = FAILED.includes(d.state) || (d.state === 'pending' && d.attempts > 0);
  const words = [STATES[d.state] ?? spaced(d.state), d.done ? moment(d.done, now, true) : ''].filter(Boolean).join(' ');
  const tries = d.state === 'pending' && d.attempts > 0 ? `, ${d.attempts} ${d.attempts === 1 ? 'try' : 'tries'} so far` : '';
  const why = d.error && d.state !== 'sent' ? `: ${plain(d.error)}` : '';
  return make('li', { class: failed ? 'alarm' : null }, foreign(plain(d.destination)), ` ${words}${tries}${why}`);
}

export function results(list, now) {
  if (!list?.length) return panel('Results', make('p', null, 'There are none yet.'));
  return panel('Results', ...list.map((result) => {
    const fate = [FATES[result.fate] ?? spaced(result.fate), plain(result.why)].filter(Boolean).join(': ');
    const title = `${KINDS[result.kind] ?? capital(spaced(result.kind))}${result.version ? `, version ${result.version}` : ''}, made ${moment(result.made, now, true)}`;
    return make('div', { class: 'result' }, make('h3', { title: plain(result.uid) }, title, fate ? ` (${fate})` : ''),
      result.deliveries?.length ? make('ul', null, result.deliveries.map((d) => delivery(d, now)))
        : make('p', { class: 'soft' }, 'Stays on this node.'));
  }));
}

// Where the study stands. position: in the list, or 0.
export function place(entry, position, now) {
  if (!entry) return make('p', { class: 'standing' }, 'Has no place in the list.');
  const words = `: ${plain(entry.words) || spaced(entry.outcome)}. `;
  const band = make('strong', null, capital(plain(entry.band)));
  if (entry.read) return make('p', { class: 'standing' }, band, words, `Marked as read ${moment(entry.read, now)}.`);
  const waits = `waiting ${wait(now - new Date(entry.arrived))}`;
  return make('p', { class: `standing ${entry.band === 'raised' ? 'raised' : ''}` }, band, words,
    position ? `No. ${position} of the list, ${waits}.` : `${capital(waits)}.`);
}
