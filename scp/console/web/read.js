// read.js: the studies that were marked as read, newest first, and the way back.
import { get } from './api.js';
import { button, foreign, make, say, setText } from './dom.js';
import { Marks } from './marks.js';
import { bind } from './keys.js';
import { may } from './session.js';
import { nodeNow, onList } from './source.js';
import { answerWords, moment, plain } from './words.js';
import { tabs } from './worklist.js';

const COLUMNS = [['time', 'Read at'], ['words', 'Answer'], ['accession', 'Accession'], ['patient', 'ID'], ['station', 'Station']];

class Read {
  constructor(main) {
    this.control = new AbortController();
    this.body = make('div', { role: 'rowgroup' });
    this.total = make('span', { class: 'total' });
    this.empty = make('p', { class: 'empty' }, 'Asking');
    this.marks = new Marks(() => this.load());
    const heads = [...COLUMNS, ...(may('reader') ? [['act', 'Undo']] : [])];
    const head = heads.map(([name, words]) => make('span', { role: 'columnheader', class: name }, words));
    main.append(make('h1', { class: 'unseen' }, 'Read'), make('div', { class: 'strip' }, tabs('read'), this.total),
      this.table = make('div', { class: 'grid', role: 'table', 'aria-label': 'Studies marked as read', tabindex: 0 },
        make('div', { role: 'rowgroup', class: 'head' }, make('div', { role: 'row', class: 'row' }, head)), this.body),
      this.empty, this.marks.element);
    const undo = { keys: ['z'], shown: 'Z', words: 'undo the last mark', action: () => this.marks.undo() };
    this.off = [bind('Read', may('reader') ? [undo] : []), onList(() => this.load())];
    this.load();
  }

  leave() {
    this.control.abort();
    for (const off of this.off) off();
  }

  async load() {
    try {
      const { entries } = await get('/worklist/read', { signal: this.control.signal });
      this.draw(entries);
    } catch (error) {
      if (this.control.signal.aborted) return;
      this.empty.hidden = false;
      this.empty.classList.add('alarm');
      setText(this.empty, `This list may be old: ${error.message}.`);
    }
  }

  // Nothing is drawn anew that is the same: the focus may be in it.
  draw(entries) {
    const text = JSON.stringify(entries);
    this.empty.classList.remove('alarm');
    this.empty.hidden = entries.length > 0;
    this.table.hidden = entries.length === 0;
    setText(this.empty, entries.length ? '' : 'No study was marked as read.');
    if (text === this.drawn) return;
    const had = document.activeElement?.closest?.('[data-study]')?.dataset.study;
    this.drawn = text;
    setText(this.total, entries.length ? `the last ${entries.length}` : '');
    this.body.replaceChildren(...entries.map((entry) => this.row(entry)));
    if (had) ([...this.body.children].find((row) => row.dataset.study === had) ?? this.body.firstChild)?.querySelector('a').focus();
  }

  row(entry) {
    const cell = (name, ...content) => make('span', { role: name === 'accession' ? 'rowheader' : 'cell', class: name }, ...content);
    const words = answerWords(entry.outcome);
    const accession = plain(entry.accession) || 'no number';
    const row = make('div', { role: 'row', class: 'row', 'data-study': entry.study },
      cell('time', moment(entry.read, nodeNow())), make('span', { role: 'cell', class: 'words', title: words }, words),
      cell('accession', make('a', { href: `#/study/${encodeURIComponent(entry.study)}` }, foreign(accession, { title: accession }))),
      cell('patient', foreign(`…${plain(entry.patient)}`)), cell('station', foreign(plain(entry.station))));
    if (may('reader')) {
      row.append(cell('act', button('Put back', () => {
        say('Putting back');
        this.marks.unread(entry);
      }, { 'aria-label': `Put back: ${accession}` })));
    }
    return row;
  }
}

export function openRead(main) {
  const page = new Read(main);
  return { title: 'Read', leave: () => page.leave() };
}
