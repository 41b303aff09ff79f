// models.js: the models in use as their folders describe them.
import { get } from './api.js';
import { foreign, make, redraw, toggled } from './dom.js';
import { facts, table, wordsOf } from './node_parts.js';
import { barPlot, linePlot } from './plot.js';
import { plain } from './words.js';

const digits = (n) => (n === null || n === undefined ? 'not measured' : n.toFixed(4));

// ---- card.md: headings, tables, paragraphs; what is between ` is code ----

function inline(text) {
  return plain(text).split('`').map((part, i) => (i % 2 ? make('code', null, part) : part)).filter((part) => part !== '');
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, '').split('|').map((cell) => cell.trim());
}

function tableOf(lines) {
  const [head, , ...rows] = lines.map(cells);
  const named = head.filter(Boolean).length > 1;
  const body = (named ? rows : [head, ...rows]).map(([first, ...rest]) => make('tr', null, make('th', { scope: 'row' }, inline(first)), rest.map((c) => make('td', { class: 'text' }, inline(c)))));
  return make('div', { class: 'across', tabindex: 0, role: 'region', 'aria-label': plain(named ? head.join(', ').slice(0, 60) : 'Facts') },
    make('table', null, named ? make('thead', null, make('tr', null, head.map((c) => make('th', { scope: 'col' }, inline(c))))) : null, make('tbody', null, body)));
}

function cardOf(text) {
  const blocks = text.split(/\n\s*\n/).map((block) => block.trim()).filter(Boolean);
  return make('div', { class: 'card', dir: 'auto' }, blocks.map((block) => {
    if (block.startsWith('#')) return make('p', { class: 'outcome' }, inline(block.replace(/^#+\s*/, '')));
    return block.startsWith('|') ? tableOf(block.split('\n')) : make('p', null, inline(block.replaceAll('\n', ' ')));
  }));
}

// ---- the history of a training ----

function parseHistory(text) {
  const [head, ...lines] = (text ?? '').trim().split('\n').map((line) => line.split(','));
  return lines.filter((line) => line.length === head.length).map((line) => Object.fromEntries(head.map((name, i) => [name.trim(), Number(line[i])])));
}

const COLUMNS = ['train_loss', 'validation_loss', 'train_accuracy', 'validation_accuracy'];

function historyPlots(key, title, text) {
  const epochs = parseHistory(text).filter((row) => COLUMNS.every((name) => Number.isFinite(row[name])));
  if (!epochs.length) return [];
  const points = (name) => epochs.map((row) => [row.epoch, row[name]]);
  const best = epochs.reduce((a, b) => (b.validation_loss < a.validation_loss ? b : a));
  const last = epochs.at(-1);
  const common = { from: `epoch ${epochs[0].epoch}`, to: `epoch ${last.epoch}`,
    head: ['Epoch', 'Training loss', 'Validation loss', 'Training right', 'Validation right'], rows: epochs.map((row) => [`${row.epoch}`, ...COLUMNS.map((name) => row[name].toFixed(4))]) };
  return [linePlot({
    key: `loss ${key}`, title: `${title}: loss`, said: `${epochs.length} epochs. Lowest validation loss ${best.validation_loss.toFixed(3)} in epoch ${best.epoch}; the last ${last.validation_loss.toFixed(3)}.`,
    most: Math.max(...epochs.flatMap((row) => [row.train_loss, row.validation_loss])), label: (v) => v.toFixed(2),
    lines: [{ words: 'training', look: 'line-b', points: points('train_loss') }, { words: 'validation', look: 'line-a', points: points('validation_loss') }], ...common,
  }), linePlot({
    key: `right ${key}`, title: `${title}: share that is right`, said: `The last: ${(100 * last.validation_accuracy).toFixed(0)} % of the validation images.`, most: 1, label: (v) => `${Math.round(v * 100)} %`,
    lines: [{ words: 'training', look: 'line-b', points: points('train_accuracy') }, { words: 'validation', look: 'line-a', points: points('validation_accuracy') }], ...common,
  })];
}

// ---- figures ----

function confusion(model) {
  const { measures, classes } = model;
  const rows = measures.confusion.map((row, truth) => {
    const all = row.reduce((sum, n) => sum + n, 0);
    return { cells: [plain(classes[truth].name), ...row.map((n, answer) => {
      const cell = make('td', { class: `cell${truth === answer ? ' right' : ''}` }, `${n}`);
      cell.style.setProperty('--share', all ? n / all : 0);
      return cell;
    })] };
  });
  return make('div', { class: 'across', tabindex: 0, role: 'region', 'aria-label': 'Confusion table' },
    table(['', ...classes.map((c) => plain(c.name))], rows, { caption: 'Rows: the truth. Columns: the class with the highest score.' }));
}

function points(model) {
  const list = model.measures.findings;
  const values = (name) => list.map((f) => f[name] ?? 0);
  return [table(['Finding', 'Operating point', 'Sensitivity', 'Specificity', 'AUC'],
    list.map((f) => ({ cells: [plain(f.name), digits(f.operating_point), digits(f.sensitivity), digits(f.specificity), digits(f.auc)] }))),
  barPlot({
    key: `points ${model.digest}`, title: 'At the operating points', said: list.map((f) => `${plain(f.name)}: sensitivity ${digits(f.sensitivity)}, specificity ${digits(f.specificity)}`).join('; '),
    sets: [{ words: 'sensitivity', look: 'bars-a', values: values('sensitivity') }, { words: 'specificity', look: 'bars-b', values: values('specificity') }],
    most: 1, label: (v) => `${Math.round(v * 100)} %`, from: list.map((f) => plain(f.name)).join(', '),
    head: ['Finding', 'Sensitivity', 'Specificity'], rows: list.map((f) => [plain(f.name), digits(f.sensitivity), digits(f.specificity)]),
  })];
}

function validation(v) {
  if (!v) return [['Validation', 'none: mode clinical is refused']];
  return [['Validated at', v.site], ['By', `${v.person}, ${v.date}`], ['On', v.data], ['Measures', v.measures]];
}

function section(model) {
  const name = model.name ? `${plain(model.name)} ${plain(model.version)}` : 'A model whose card cannot be read';
  const kind = model.synthetic ? 'synthetic images: for research and demonstration only' : 'clinical images';
  return make('section', { class: 'panel model' }, make('h2', null, foreign(name)), make('dl', { class: 'facts' },
    make('div', { class: 'first' }, make('dt', null, 'Sensitivity in injured patients'), make('dd', null, foreign(plain(model.sensitivity_in_injured))))),
  facts([['Trained on', kind], ['Provenance', model.provenance], ['Meant for', model.intended_use],
    ['Images', `modalities ${model.modalities}, body part ${model.body_parts}, view ${model.views}, age ${model.minimum_age} and above`],
    ['Calibration', model.temperature > 0 && model.temperature !== 1 ? `temperature ${model.temperature.toFixed(3)}` : 'none: scores are no probabilities'],
    ...validation(model.validation), ['Digest', make('code', null, plain(model.digest))], ['Weights', make('code', null, plain(model.weights))],
    model.gate ? ['Input gate', `${model.gate.digest.slice(0, 16)}: takes ${model.gate.accepts} from ${model.gate.least.toFixed(2)}`] : ['Input gate', 'none']]),
  model.measures ? make('div', null, make('h3', null, 'Measured on'), make('p', null, foreign(plain(model.measures.data))), confusion(model), points(model)) : make('p', null, 'Nothing was measured.'),
  make('div', { class: 'plots' }, historyPlots(`1 ${model.digest}`, 'Earlier stages of the training', model.first_history), historyPlots(model.digest, 'Training', model.history)),
  model.card ? toggled(`card ${model.digest}`, 'The whole card', () => cardOf(model.card)) : null,
  model.gate?.card ? toggled(`gate ${model.digest}`, 'The gate’s card', () => make('div', null, cardOf(model.gate.card), make('div', { class: 'plots' }, historyPlots(`gate ${model.digest}`, 'Training of the gate', model.gate.history)))) : null);
}

export class Models {
  constructor(signal) {
    this.element = make('div', { class: 'models' }, make('p', null, 'Asking the node'));
    this.load(signal);
  }

  async load(signal) {
    try {
      const { models } = await get('/node/models', { signal });
      redraw(this.element, models.length ? models.map(section) : make('p', null, 'None is configured.'));
    } catch (error) {
      if (!signal.aborted) redraw(this.element, make('p', { class: 'alarm' }, wordsOf(error)));
    }
  }
}
