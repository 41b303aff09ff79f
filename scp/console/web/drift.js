// drift.js: does it still judge as it did? The watch's series (docs/health.md) as drawings.
import { get } from './api.js';
import { foreign, make, redraw } from './dom.js';
import { table, widePanel, wordsOf } from './node_parts.js';
import { linePlot, barPlot, sparkBars } from './plot.js';
import { nodeNow } from './source.js';
import { count, moment, plain } from './words.js';

const RATES = {
  'flag-rate': ['Studies with a finding', 'findings'],
  'refusal-rate': ['Associations in which an object was refused', 'refusals'],
  'unprocessed-rate': ['Studies that were not processed', 'not processed'],
};
const LOOKS = ['line-a', 'line-b', 'line-c', 'line-d'];

const percent = (share) => `${Math.round(share * 100)} %`;
const model = (digest) => (digest ? `, model ${plain(digest).slice(0, 8)}` : '');

function share(bins, reference) {
  const chosen = bins.filter((b) => b.reference === reference);
  const samples = chosen.reduce((sum, b) => sum + b.samples, 0);
  return samples ? chosen.reduce((sum, b) => sum + b.hits, 0) / samples : null;
}

function ends(bins) {
  return { from: moment(bins[0].from, nodeNow()), to: moment(bins.at(-1).to, nodeNow()) };
}

function evidenceOf(bins, names) {
  return Math.max(0, ...names.map((name) => bins.at(-1)?.[name] ?? 0));
}

// How far the charts are from an alarm, in words.
function judgement(series, names, limits) {
  const left = limits.reference - series.reference;
  if (left > 0) return `The reference is being learnt: ${series.reference} of ${limits.reference}.`;
  if (series.samples < limits.minimum) return `Too few since the reference to tell: ${series.samples} of ${limits.minimum}.`;
  const evidence = evidenceOf(series.bins, names);
  return evidence >= limits.cusumLimit ? 'ALARM: not as in the reference.' : `Evidence for a shift: ${evidence.toFixed(1)} of ${limits.cusumLimit}.`;
}

const evidenceWords = { more: 'more', fewer: 'fewer', higher: 'higher', lower: 'lower', wider: 'further apart', narrower: 'closer together' };

function evidencePlot(key, title, series, names, limits) {
  const after = series.bins.map((bin, i) => [i, bin]).filter(([, bin]) => !bin.reference);
  if (!after.length) return null;
  return linePlot({
    key: `evidence ${key}`, title: `Evidence: ${title}`, said: judgement(series, names, limits), most: limits.cusumLimit, label: (v) => v.toFixed(0),
    lines: names.map((name, n) => ({ words: evidenceWords[name], look: LOOKS[n], points: after.map(([i, bin]) => [i, bin[name] ?? 0]) })),
    limit: { words: `alarm at ${limits.cusumLimit}`, y: limits.cusumLimit }, ...ends(after.map(([, bin]) => bin)),
    head: ['Until', ...names.map((name) => evidenceWords[name])], rows: after.map(([, bin]) => [moment(bin.to, nodeNow()), ...names.map((name) => (bin[name] ?? 0).toFixed(1))]),
  });
}

function ratePlots(series, limits) {
  const [what, short] = RATES[series.name];
  const title = `${what}${model(series.subject)}`;
  const { bins } = series;
  if (!bins.length) return [make('figure', { class: 'plot' }, make('figcaption', null, make('strong', null, title), make('span', null, 'None yet.')))];
  const [before, after] = [share(bins, true), share(bins, false)];
  const rates = bins.map((bin) => bin.hits / bin.samples);
  const said = [`${percent(before ?? 0)} of ${count(series.reference, 'sample')} in the reference`, after === null ? null : `${percent(after)} of the ${series.samples} since`].filter(Boolean).join(', ');
  const key = `${series.name} ${series.subject}`;
  return [linePlot({
    key, title, said: `${said}. ${judgement(series, ['more', 'fewer'], limits)}`, most: Math.max(0.1, ...rates), label: percent,
    lines: [{ words: short, look: 'line-a', points: rates.map((rate, i) => [i, rate]) }],
    shade: after === null ? bins.length - 1 : bins.filter((b) => b.reference).length - 0.5, limit: { words: 'rate in it', y: before ?? 0 }, ...ends(bins),
    head: ['Until', 'Samples', short, 'Rate'], rows: bins.map((bin, i) => [moment(bin.to, nodeNow()), `${bin.samples}`, `${bin.hits}`, percent(rates[i])]),
  }), evidencePlot(key, title, series, ['more', 'fewer'], limits)];
}

function scorePlots(series, limits) {
  const title = `Highest score of a finding${model(series.subject)}`;
  const names = ['higher', 'lower', 'wider', 'narrower'];
  if (!series.bins.length) return [];
  const of = (list) => {
    const all = list.reduce((sum, n) => sum + n, 0);
    return list.map((n) => (all ? n / all : 0));
  };
  const before = of(series.reference_histogram);
  const after = of(series.last_histogram);
  const sets = [{ words: `the reference (${series.reference})`, look: 'bars-b', values: before }];
  if (series.last) sets.push({ words: `the last ${series.last}`, look: 'bars-a', values: after });
  const range = (i) => `${(i / before.length).toFixed(2)} to ${((i + 1) / before.length).toFixed(2)}`;
  const key = `${series.name} ${series.subject}`;
  return [barPlot({
    key, title, said: judgement(series, names, limits), sets, most: Math.max(0.1, ...before, ...after), label: percent, from: 'score 0', to: '1',
    head: ['Score', ...sets.map((s) => s.words)], rows: before.map((_, i) => [range(i), ...sets.map((s) => percent(s.values[i]))]),
  }), evidencePlot(key, title, series, names, limits)];
}

function stations(list) {
  if (!list.length) return widePanel('Stations', make('p', null, 'None has sent a study yet.'));
  const rows = list.map((s) => ({ alarm: s.alarm, cells: [foreign(plain(s.station)),
    make('td', null, sparkBars(s.days, `Studies a day in four weeks, the last today: ${s.days.join(', ')}`)), `${s.days.reduce((sum, n) => sum + n, 0)}`,
    !s.ready ? 'not known long enough' : s.alarm ? `SILENT for ${count(s.silent_hours, 'usual hour')}; ${Math.round(s.missed)} studies are missing` : 'sends as usual'] }));
  return widePanel('Stations', table(['Station', 'Studies a day, four weeks', 'All', ''], rows));
}

export class Drift {
  constructor(signal) {
    this.signal = signal;
    this.element = make('div', { class: 'node-body' }, make('p', null, 'Asking the node'));
    this.load();
  }

  async load() {
    try {
      const drift = await get('/node/drift', { signal: this.signal });
      if (this.signal.aborted) return;
      const plots = drift.series.flatMap((s) => (s.kind === 'scores' ? scorePlots(s, drift.limits) : ratePlots(s, drift.limits)));
      redraw(this.element, make('p', { class: 'wide soft' }, 'Held against the first studies that it judged. The charts are slow on purpose; that nothing alarms does not say that it is right.'),
        make('div', { class: 'plots wide' }, plots.filter(Boolean)), stations(drift.stations));
    } catch (error) {
      if (!this.signal.aborted) redraw(this.element, make('p', { class: 'alarm' }, wordsOf(error)));
    }
  }
}
