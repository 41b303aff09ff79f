// figures.js: how often readers and final reports agreed with the node, and how long studies waited. Counts first: a share of few is nearly nothing.
import { get, isFault } from './api.js';
import { make, setText } from './dom.js';
import { session } from './session.js';
import { capital, clockSeconds, span, spaced } from './words.js';

const percent = (share) => `${Math.round(share * 100)} %`;
const SHARE = ['Share', '95 % interval'];

function rate(counted) {
  return counted.rate ? [percent(counted.rate.share), `${percent(counted.rate.low)} to ${percent(counted.rate.high)}`] : ['none', ''];
}

function table(caption, heads, rows) {
  return make('table', null, make('caption', null, caption), make('thead', null, make('tr', null, heads.map((words) => (words ? make('th', { scope: 'col' }, words) : make('td'))))),
    make('tbody', null, rows.map(([name, ...cells]) => make('tr', null, make('th', { scope: 'row' }, name), cells.map((cell, i) => make('td', { class: i === cells.length - 1 ? 'text' : null }, cell))))));
}

function panel(title, ...content) {
  return make('section', { class: 'panel' }, make('h2', null, title), content);
}

function agreement(figures) {
  const rows = figures.agreement.filter((one) => one.of > 0).map((one) => [capital(spaced(one.outcome)), `${one.agreed} of ${one.of}`, ...rate(one)]);
  if (!rows.length) return panel('Agreement', make('p', null, 'No reader has said yet whether an answer was right.'));
  return panel('Agreement', table('By the answer of the node', ['Answer', 'Agreed', ...SHARE], rows));
}

function predictive(figures) {
  const { positivePredictiveValue: positive, negativePredictiveValue: negative } = figures;
  return panel('Predictive values', table('By what readers said', ['', 'Right', ...SHARE], [
    ['A finding was right (positive predictive value)', `${positive.agreed} of ${positive.of}`, ...rate(positive)],
    ['No finding, or an incomplete answer, was right (negative predictive value)', `${negative.agreed} of ${negative.of}`, ...rate(negative)],
  ]), make('p', null, `Missed: ${figures.misses}. False alarms: ${figures.falseAlarms}.`));
}

// The other reference: what radiologists reported, of every study of which that is understood.
function finals({ finalReports: final }) {
  const title = 'Against final reports';
  if (!final.reports) return panel(title, make('p', null, 'No study has a final report yet.'));
  if (!final.understood) return panel(title, make('p', null, `${final.reports} studies have a final report. What one says is not understood: see <orders finding, noFinding>.`));
  const row = (name, counted) => [name, `${counted.agreed} of ${counted.of}`, ...rate(counted)];
  return panel(title, table('By what final reports say', ['', 'Right', ...SHARE], [
    row('A finding was an injury (positive predictive value)', final.positivePredictiveValue),
    row('No finding, or an incomplete answer, was none (negative predictive value)', final.negativePredictiveValue),
    row('Injured, and a finding (sensitivity)', final.sensitivity), row('Not injured, and no finding or incomplete (specificity)', final.specificity),
  ]), make('p', null, `Missed: ${final.misses}. False alarms: ${final.falseAlarms}. Of ${final.reports} studies with a final report, ${final.understood} are understood; to ${final.undecided} of those the node had no answer that decides.`),
  make('p', null, `The reference is ${final.reference}.`));
}

function duration(of) {
  if (of.median === null) return ['0', 'none', ''];
  const between = of.low === null ? 'too few to tell' : `${span(of.low * 1000)} to ${span(of.high * 1000)}`;
  return [`${of.of}`, span(of.median * 1000), between];
}

function waiting(figures) {
  return panel('From the first image on', table('Medians', ['', 'Studies', 'Median', '95 % interval'], [
    ['Until the node had answered', ...duration(figures.secondsToAnswer)], ['Until a raised study was read', ...duration(figures.secondsToReadRaised)],
    ['Until another study was read', ...duration(figures.secondsToReadOthers)],
    ['Until the first final report', ...duration(figures.secondsToFinal)],
  ]));
}

export function openFigures(main) {
  const control = new AbortController();
  const asOf = make('p', { class: 'as-of' }, 'Asking the node');
  const content = make('div', { class: 'node-body', tabindex: 0, role: 'region', 'aria-label': 'Figures' }); // for who scrolls by keys
  main.append(asOf, content);
  get('/outcomes', { signal: control.signal }).then((figures) => {
    setText(asOf, `As of ${clockSeconds(new Date())}. ${figures.studies} studies, ${figures.read} read, ${figures.said} of which a reader said something.`);
    content.replaceChildren(make('section', { class: 'verdict wide' }, make('h1', null, 'Figures'),
      make('p', null, `The reference of agreement and predictive values is ${figures.reference}. A model never learns from this by itself.`),
      session.role === 'admin' ? make('p', null, make('a', { href: '/api/v1/outcomes.csv', download: 'outcomes.csv' }, 'Every study as CSV')) : ''),
    agreement(figures), predictive(figures), finals(figures), waiting(figures));
  }, (error) => {
    if (control.signal.aborted) return;
    content.replaceChildren(make('h1', { class: 'unseen' }, 'Figures'));
    asOf.classList.toggle('alarm', isFault(error));
    setText(asOf, `There are no figures: ${error.message}.`);
  });
  return { title: 'Figures', leave: () => control.abort() };
}
