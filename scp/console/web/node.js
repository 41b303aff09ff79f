// node.js: is the node well, and if not, why; then its parts: overview, drift, models, what is set aside, audit log, configuration.
import { get } from './api.js';
import { advice } from './advice.js';
import { Audit } from './audit.js';
import { Configuration } from './configuration.js';
import { foreign, make, redraw, setText } from './dom.js';
import { Drift } from './drift.js';
import { on } from './events.js';
import { bind } from './keys.js';
import { Mode } from './mode.js';
import { Models } from './models.js';
import { Overview } from './overview.js';
import { may } from './session.js';
import { SetAside } from './set_aside.js';
import { onList } from './source.js';
import { reason } from './status.js';
import { clockSeconds, count } from './words.js';

const EVERY = 15000;
const OLD = 40000;

// Each makes its element, given what ends with the page and what loads the page anew.
const PARTS = [
  { name: '', words: 'Overview', least: 'viewer', Part: Overview },
  { name: 'drift', words: 'Drift', least: 'viewer', Part: Drift },
  { name: 'models', words: 'Models', least: 'viewer', Part: Models },
  { name: 'set-aside', words: 'Set aside', least: 'admin', Part: SetAside },
  { name: 'audit', words: 'Audit log', least: 'admin', Part: Audit },
  { name: 'configuration', words: 'Configuration', least: 'admin', Part: Configuration },
];

const address = (name) => (name ? `#/node/${name}` : '#/node');
const allowed = () => PARTS.filter(({ least }) => may(least));

function why(one) {
  const { words, part } = advice(one.name);
  const there = PARTS.find(({ name, least }) => part && name === part && may(least));
  return make('li', null, foreign(reason(one)), words ? make('span', { class: 'advice' }, words, there ? ' ' : null, there ? make('a', { href: address(part), 'data-key': `why ${one.name}` }, there.words) : null) : null);
}

function verdict(node) {
  const list = node.why ?? [];
  if (node.well) return make('section', { class: 'verdict' }, make('h1', null, 'The node is well'));
  return make('section', { class: 'verdict alarm' }, make('h1', null, `The node is not well: ${count(list.length, 'reason')}`), make('ul', null, list.map(why)));
}

function tabs(open) {
  return make('nav', { class: 'tabs parts', 'aria-label': 'Parts of the node' }, allowed().map((part, i) => make('a', {
    href: address(part.name), 'aria-current': part === open ? 'page' : null, 'aria-keyshortcuts': String(i + 1) }, part.words)));
}

class Node {
  constructor(main, part) {
    this.control = new AbortController();
    this.asOf = make('p', { class: 'as-of' }, 'Asking the node');
    this.verdict = make('div', { class: 'how' });
    this.at = 0;
    this.mode = may('admin') ? new Mode(() => this.load()) : null;
    this.part = new part.Part(this.control.signal, () => this.load());
    main.append(make('div', { class: 'node-top' }, make('div', { class: 'how-is' }, this.verdict, this.asOf), this.mode?.element ?? ''), tabs(part), this.part.element);
    this.off = [on('node', () => this.load()), onList(() => this.load()), bind('Node', allowed().map(({ name, words }, i) => ({
      keys: [String(i + 1)], shown: String(i + 1), words: words.toLowerCase(), action: () => { location.hash = address(name); } })))];
    this.timer = setInterval(() => this.tick(), 1000);
    this.load();
  }

  leave() {
    this.control.abort();
    clearInterval(this.timer);
    for (const off of this.off) off();
  }

  async load() {
    if (this.loading || this.control.signal.aborted) return;
    this.loading = true;
    this.asked = Date.now();
    try {
      const node = await get('/node', { signal: this.control.signal });
      this.at = this.asked;
      this.failed = '';
      this.draw(node);
    } catch (error) {
      this.failed = error.message;
    }
    this.loading = false;
    this.tick();
  }

  tick() {
    if (this.control.signal.aborted) return;
    if (!this.loading && Date.now() - this.asked > EVERY) this.load();
    const old = Boolean(this.failed) || (this.at > 0 && Date.now() - this.at > OLD);
    this.asOf.classList.toggle('alarm', old);
    if (old) setText(this.asOf, `${this.at ? `This page may be old: since ${clockSeconds(new Date(this.at))}` : 'Nothing is known'} (${this.failed || 'the node does not answer'})`);
    else if (this.at) setText(this.asOf, `As of ${clockSeconds(new Date(this.at))}`);
  }

  // What is the same is not drawn anew: somebody may be reading in it.
  draw(node) {
    this.mode?.show(node.mode);
    const text = JSON.stringify([node.well, node.why]);
    if (text !== this.drawn) redraw(this.verdict, verdict(node));
    this.drawn = text;
    this.part.draw?.(node);
  }
}

export function openNode(main, name) {
  const part = allowed().find((one) => one.name === name) ?? PARTS[0];
  const page = new Node(main, part);
  return { title: part.name ? `Node: ${part.words}` : 'Node', leave: () => page.leave() };
}
