// worklist.js: who is to be read first.
//
// The page shows the node's order, but never moves it under a reader's hand: while the pointer or the focus is in the list, what has
// changed is counted above it, texts change in place, and the order is taken when both have left, or by R.
//
//   list comes --[held]--> announced --[released, R]--> taken
//              --[not held]--> taken
//
// By B it shows the bands one after another instead, each with its oldest first; the numbers stay those of the node's order.
import { button, make, say, setText } from './dom.js';
import { Grid } from './grid.js';
import { bind } from './keys.js';
import { Marks } from './marks.js';
import { difference, inBands, inWords } from './order.js';
import { columns, fillRow, newRow } from './row.js';
import { may } from './session.js';
import { onList, source } from './source.js';
import { count, plain } from './words.js';

const TOUCH_MS = 3000; // after a finger has left the list, it is still being read
const FRESH_MS = 120000; // for how long a row is called new

let lastStudy = null; // the row where the reader was, when the page is opened again
let byBand = false;

export function tabs(here) {
  const tab = (page, words) => make('a', { href: `#/${page}`, 'aria-current': here === page ? 'page' : null }, words);
  return make('nav', { class: 'tabs', 'aria-label': 'Lists' }, tab('worklist', 'To be read'), tab('read', 'Read'));
}

// In shadow mode the list is told to administrators alone: that it is empty says nothing.
const nothing = (mode) => (mode === 'shadow' && !may('admin') ? 'In shadow mode the list is for administrators alone.' : 'No study waits to be read.');

class Worklist {
  constructor(main) {
    this.shown = [];
    this.latest = [];
    this.gone = new Set();
    this.freshUntil = new Map();
    this.pointer = false;
    this.touchedUntil = 0;
    this.announced = '';
    this.waits = false; // an order that was not taken yet
    this.began = false;
    this.marks = new Marks(() => this.grid.refill());
    const onAct = may('reader') ? (study) => this.act(study) : null;
    this.grid = new Grid({
      label: 'Studies to be read', columns, newRow: () => newRow(onAct), fill: (...row) => this.fill(...row),
      onMove: (study) => { lastStudy = study; },
    });
    this.build(main);
    this.listen();
  }

  build(main) {
    this.total = make('span');
    this.bands = make('span', { class: 'hint' });
    this.news = button('', () => this.takeNow(), { class: 'news', hidden: true });
    this.bandsFirst = button('By band (B)', () => this.turn(), { class: 'by-band', 'aria-pressed': String(byBand) });
    this.find = make('input', { type: 'search', placeholder: 'Find (/)', 'aria-label': 'Find an accession number, ID or station', maxlength: 64, spellcheck: 'false' });
    this.empty = make('p', { class: 'empty', hidden: true });
    main.append(make('h1', { class: 'unseen' }, 'Worklist'),
      make('div', { class: 'strip' }, tabs('worklist'), make('span', { class: 'total' }, this.total, this.bands), make('div', { class: 'place' }, this.news), this.bandsFirst, this.find),
      this.grid.element, this.empty, this.marks.element);
  }

  listen() {
    const { element } = this.grid;
    element.addEventListener('pointerenter', (event) => this.point(event, true));
    element.addEventListener('pointerleave', (event) => this.point(event, false));
    element.addEventListener('focusout', () => setTimeout(() => this.settle(), 0));
    element.addEventListener('dblclick', (event) => this.open(event.target.closest('[data-study]')?.dataset.study));
    this.onBlur = () => setTimeout(() => this.settle(), 0);
    window.addEventListener('blur', this.onBlur);
    this.find.addEventListener('keydown', (event) => this.search(event));
    this.off = [onList((list) => this.came(list)), bind('Worklist', this.keys())];
    this.timer = setInterval(() => this.tick(), 1000);
  }

  leave() {
    window.removeEventListener('blur', this.onBlur);
    clearInterval(this.timer);
    for (const off of this.off) off();
    this.grid.close();
  }

  keys() {
    const reader = may('reader');
    return [
      { keys: ['j', 'ArrowDown'], shown: 'J or ↓', words: 'the next study', action: () => this.grid.move(1) },
      { keys: ['k', 'ArrowUp'], shown: 'K or ↑', words: 'the one before', action: () => this.grid.move(-1) },
      { keys: ['PageDown'], shown: 'Page down', words: 'a page on', action: () => this.grid.move(this.grid.page()) },
      { keys: ['PageUp'], shown: 'Page up', words: 'a page back', action: () => this.grid.move(-this.grid.page()) },
      { keys: ['Home'], shown: 'Home', words: 'the first study', action: () => this.grid.moveTo(0) },
      { keys: ['End'], shown: 'End', words: 'the last study', action: () => this.grid.moveTo(-1) },
      { keys: ['Enter'], shown: 'Enter', words: 'open the study', action: () => this.open(this.grid.focused()) },
      { keys: ['p'], shown: 'P', words: 'open the study in the PACS', action: () => this.openInPacs() },
      { keys: ['Escape'], shown: 'Esc', words: 'leave the list', action: () => this.leaveList() },
      { keys: ['b'], shown: 'B', words: 'by band, the oldest first, or in the order of reading', action: () => this.turn() },
      { keys: ['r'], shown: 'R', words: 'take the new order now', action: () => this.takeNow() },
      ...(reader ? [
        { keys: ['x'], shown: 'X', words: 'mark the study as read', action: () => this.markFocused() },
        { keys: ['z'], shown: 'Z', words: 'undo the last mark', action: () => this.marks.undo() },
      ] : []),
      { keys: ['/'], shown: '/', words: 'find', action: () => this.find.focus() },
    ];
  }

  entry(study) {
    return this.shown[this.grid.index.get(study)];
  }

  fill(row, entry, index) {
    const until = this.freshUntil.get(entry.study);
    const place = byBand ? entry.position : index + 1;
    fillRow(row, entry, { place, fresh: until > Date.now(), gone: this.gone.has(entry.study), mine: this.marks.mine.get(entry.study) }, this.viewer);
  }

  openInPacs() {
    const row = this.grid.rows.get(this.grid.focused());
    if (row && !row.pacs.hidden) row.pacs.click();
    else this.marks.note(row ? 'No address of a PACS viewer is configured.' : 'No study is chosen: J goes to the list.');
  }

  open(study) {
    if (study) location.hash = `#/study/${encodeURIComponent(study)}`;
  }

  act(study) {
    const mine = this.marks.mine.get(study);
    if (mine === 'read') this.marks.unread(this.entry(study));
    else if (!mine) this.marks.read(this.entry(study));
  }

  markFocused() {
    const study = this.grid.focused();
    if (!study) return this.marks.note('No study is chosen: J goes to the list.');
    if (!this.gone.has(study) && !this.marks.mine.has(study)) this.marks.read(this.entry(study));
  }

  point(event, inside) {
    if (event.pointerType === 'touch') this.touchedUntil = Date.now() + TOUCH_MS;
    else this.pointer = inside;
    this.settle();
  }

  // A window that has not the focus has none in its list; the pointer may still be there.
  isHeld() {
    return this.pointer || Date.now() < this.touchedUntil || (document.hasFocus() && this.grid.element.contains(document.activeElement));
  }

  settle() {
    if (this.waits && !this.isHeld()) this.take();
  }

  leaveList() {
    if (this.grid.element.contains(document.activeElement)) document.activeElement.blur();
  }

  came(list) {
    this.latest = byBand ? inBands(list.entries) : list.entries;
    this.viewer = list.viewer;
    this.mode = list.mode;
    const more = list.entries.length >= list.most ? ' (there are more)' : '';
    const within = (band) => list.entries.filter((entry) => entry.band === band).length;
    const raised = within('raised');
    setText(this.total, `${count(list.entries.length, 'study', 'studies')}${more}`);
    setText(this.bands, list.entries.length ? `: ${raised} raised, ${within('not judged')} not judged` : '');
    document.title = `${raised ? `${raised} raised - ` : ''}Worklist - cervigate`;
    for (const entry of list.entries) if (this.gone.has(entry.study)) this.marks.mine.delete(entry.study);
    if (this.isHeld() && this.began) this.announce();
    else this.take();
  }

  // The order stays; what is known of each study does not.
  announce() {
    const changed = difference(this.shown, this.latest);
    const now = new Map(this.latest.map((entry) => [entry.study, entry]));
    // What the reader has marked here is no news to the reader.
    const words = inWords({ ...changed, gone: changed.gone.filter((study) => !this.marks.mine.has(study)) });
    this.waits = words !== '' || changed.gone.length > 0;
    this.gone = new Set(changed.gone);
    this.grid.entries = this.shown.map((entry) => now.get(entry.study) ?? entry);
    this.grid.refill();
    this.news.hidden = words === '';
    this.news.classList.toggle('raised', changed.raised > 0);
    if (words && words !== this.announced) {
      this.news.replaceChildren(words, make('span', { class: 'hint' }, ': press R or leave the list'));
      say(this.news.textContent);
    }
    this.announced = words;
  }

  // The list takes the node's order.
  take() {
    const changed = difference(this.shown, this.latest);
    const words = this.began ? inWords(changed) : '';
    if (this.began) for (const entry of changed.fresh) this.freshUntil.set(entry.study, Date.now() + FRESH_MS);
    for (const study of changed.gone) {
      this.freshUntil.delete(study);
      this.marks.mine.delete(study);
    }
    this.gone = new Set();
    this.shown = this.latest;
    this.announced = '';
    this.waits = false;
    this.news.hidden = true;
    this.grid.show(this.shown);
    this.empty.hidden = this.shown.length > 0;
    this.grid.element.hidden = this.shown.length === 0;
    if (this.grid.element.hidden) this.pointer = false; // what is not there tells nobody that the pointer has left it
    setText(this.empty, this.shown.length ? '' : nothing(this.mode));
    if (words) say(`${words}: the list has taken the new order`);
    if (!this.began) this.comeBack();
    this.began = true;
    return changed;
  }

  // To where the reader was; without the focus, which would hold the order.
  comeBack() {
    const index = this.grid.index.get(lastStudy);
    if (index === undefined) return;
    this.grid.current = lastStudy;
    this.grid.reveal(index);
    this.grid.draw();
  }

  // To bands and back: the reader asked for another order, and keeps the study that has the focus.
  turn() {
    if (!source.list) return;
    byBand = !byBand;
    this.bandsFirst.setAttribute('aria-pressed', byBand);
    this.latest = byBand ? inBands(source.list.entries) : source.list.entries;
    const study = this.grid.focused();
    this.take();
    if (study) this.grid.focus(study);
    this.marks.note(byBand ? 'Band by band, the oldest first. The numbers are the places in the order of reading.' : 'In the order of reading.');
  }

  // By R or by the button: what was announced is what is looked at next.
  takeNow() {
    if (!this.waits) return this.marks.note('Nothing is new.');
    const study = this.grid.focused() ?? this.grid.current;
    const { fresh } = this.take();
    this.grid.focus(fresh[0]?.study ?? study);
  }

  tick() {
    this.settle();
    this.grid.refill();
  }

  search(event) {
    if (event.key === 'Escape') {
      this.find.value = '';
      this.find.blur();
    }
    if (event.key !== 'Enter') return;
    event.preventDefault();
    const text = this.find.value.trim().toLowerCase().replace(/^…/, '');
    if (!text) return;
    const found = this.shown.filter((e) => [e.accession, e.patient, e.station].some((t) => plain(t).toLowerCase().includes(text)));
    if (found.length === 0) return this.marks.note('Not found');
    const after = this.grid.index.get(this.grid.current) ?? -1;
    const next = found.find((e) => this.grid.index.get(e.study) > after) ?? found[0];
    this.grid.focus(next.study);
    this.marks.note(`${count(found.length, 'study', 'studies')} found; / and Enter for the next`);
  }
}

export function openWorklist(main) {
  const page = new Worklist(main);
  if (source.list) page.came(source.list);
  return { title: 'Worklist', leave: () => page.leave() };
}
