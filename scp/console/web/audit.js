// audit.js: searching the audit log. That it was searched is a record of it, too.
import { get } from './api.js';
import { button, foreign, make, redraw, say } from './dom.js';
import { table, widePanel, wordsOf } from './node_parts.js';
import { count, moment, plain } from './words.js';

const HOUR = 3600 * 1000;
const EMPTY_MOST = 200; // parts of the log that are looked through for one search before it asks

function field(words, name, attributes) {
  const input = make('input', { name, maxlength: 64, autocomplete: 'off', spellcheck: 'false', ...attributes });
  return make('label', null, words, input);
}

function choice(words, name, options) {
  return make('label', null, words, make('select', { name }, options.map(([value, text]) => make('option', { value }, text))));
}

const join = (...texts) => texts.filter(Boolean).map(plain).join(' ');

function who(record) {
  return record.participants.map((p) => `${plain(p.user || p.ae_title)}${p.address ? ` @ ${plain(p.address)}` : ''}`).join(', ');
}

function about(record) {
  return record.objects.map((o) => join(o.kind, o.name && o.name !== o.id ? o.name : '', o.id, ...Object.entries(o.details ?? {}).map(([name, value]) => `${name}: ${value}`))).join('; ');
}

function row(record) {
  const failed = record.outcome !== '0';
  return { cells: [`${record.seq}`, make('td', null, make('time', { datetime: record.time, title: record.time }, moment(record.time, Date.now(), true))),
    foreign(join(record.event, record.type && record.type !== record.event ? `(${record.type})` : '')), foreign(who(record)), foreign(about(record)),
    failed ? make('strong', null, `failed${record.description ? `: ${plain(record.description)}` : ''}`) : foreign(plain(record.description ?? ''))] };
}

export class Audit {
  constructor(signal) {
    this.signal = signal;
    this.found = [];
    this.form = make('form', { class: 'search', 'aria-label': 'Search the audit log' },
      field('Since (UTC)', 'since', { value: `${new Date(Date.now() - HOUR).toISOString().slice(0, 16)}`, placeholder: '2026-11-27' }), field('Until (UTC)', 'until', { placeholder: 'now' }),
      field('Event', 'event', { placeholder: 'order, 110104', list: 'audit-events' }), field('Who', 'user', { placeholder: 'name, AE title, address' }),
      field('Patient ID', 'patient'), field('Study UID', 'study'), choice('Outcome', 'outcome', [['', 'any'], ['success', 'success'], ['failure', 'failure']]),
      make('datalist', { id: 'audit-events' }, ['Application Activity', 'User Authentication', 'Security Alert', 'Instances Accessed', 'Instances Transferred', 'Query', 'order'].map((value) => make('option', { value }))),
      make('button', { type: 'submit' }, 'Search'));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.begin();
    });
    this.state = make('p', { class: 'said-line', role: 'status' });
    this.verify = make('p', { class: 'soft' }, 'Every search is a record of the log.');
    this.list = make('div', { class: 'across records' });
    this.more = make('p', { class: 'acts' });
    this.element = make('div', { class: 'node-body' }, widePanel('Audit log', this.form, this.verify, this.state, this.list, this.more));
  }

  begin() {
    this.query = new URLSearchParams([...new FormData(this.form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value));
    this.found = [];
    this.next = null;
    this.looked = this.altered = 0;
    this.go();
  }

  // One page; parts of the log in which nothing is found are passed over.
  async go() {
    const mine = this.query;
    const had = this.found.length;
    this.state.classList.remove('alarm');
    this.state.textContent = 'Searching';
    try {
      for (let parts = 0; parts < EMPTY_MOST && this.found.length === had; parts++) {
        const page = await this.page(mine);
        if (this.signal.aborted || mine !== this.query) return;
        this.take(page);
        if (!this.next) break;
      }
      this.show(had);
    } catch (error) {
      if (this.signal.aborted || mine !== this.query) return;
      this.state.textContent = wordsOf(error);
      this.state.classList.add('alarm');
    }
  }

  async page(query) {
    const asked = new URLSearchParams(query);
    if (this.next) asked.set('from', this.next);
    for (let tries = 0; ; tries++) {
      try {
        return await get(`/node/audit?${asked}`, { signal: this.signal });
      } catch (error) {
        if (error.status !== 429 || tries > 5) throw error;
        await new Promise((done) => setTimeout(done, 1000 * Math.max(1, error.retryAfter)));
      }
    }
  }

  take(page) {
    this.found.push(...page.records);
    this.next = page.next;
    this.looked += page.looked;
    this.altered += page.altered;
    const bad = page.verify.broken || this.altered > 0;
    this.verify.className = bad ? 'alarm' : 'soft';
    this.verify.textContent = page.verify.broken ? `The log is not as it was written: ${plain(page.verify.text)}. Look with cervigate audit verify.`
      : this.altered ? `${count(this.altered, 'record')} not as written: cervigate audit verify.`
        : `No damage is known; the ${count(this.looked, 'record')} read just now ${this.looked === 1 ? 'is as it was' : 'are as they were'} written. cervigate audit verify looks at the whole chain.`;
  }

  show(had) {
    const words = this.found.length ? `${count(this.found.length, 'record')}${this.next ? ', and more' : ''}` : this.next ? 'Nothing yet' : 'Nothing was found';
    this.state.textContent = words;
    say(words);
    redraw(this.list, this.found.length ? table(['No.', 'Time', 'Event', 'Who', 'About', 'Words'], this.found.map(row)) : null);
    redraw(this.more, this.next ? button(this.found.length ? 'More' : 'Go on', () => this.go(), { 'data-key': 'more' }) : null);
    if (had && this.found.length > had) this.list.querySelectorAll('tbody tr')[had]?.scrollIntoView({ block: 'nearest' });
  }
}
