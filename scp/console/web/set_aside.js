// set_aside.js: what waits for a person: images that could not be processed, bytes that were refused, results that a peer refused.
import { get, send } from './api.js';
import { button, foreign, make, redraw, toggled } from './dom.js';
import { bytes, facts, sure, told, widePanel, wordsOf } from './node_parts.js';
import { nodeNow } from './source.js';
import { capital, count, moment, plain, spaced } from './words.js';

const AFTER = 700; // an order takes effect a moment later

function entry(title, rows, acts, more) {
  return make('li', { class: 'aside' }, make('h3', null, foreign(title)), facts(rows), more, make('p', { class: 'acts' }, acts));
}

export class SetAside {
  constructor(signal, reload) {
    this.signal = signal;
    this.reload = reload;
    this.said = make('p', { class: 'said-line', role: 'status' });
    this.box = make('div', { class: 'node-body' }, make('p', null, 'Asking the node'));
    this.element = make('div', { class: 'part' }, this.said, this.box);
    this.load();
  }

  async load(before) {
    try {
      const found = await get(`/node/quarantine${before ? `?before=${before}` : ''}`, { signal: this.signal });
      this.show(found, before);
    } catch (error) {
      if (!this.signal.aborted) redraw(this.box, make('p', { class: 'alarm' }, wordsOf(error)));
    }
  }

  async order(id, verb, words) {
    try {
      const { status } = await send('POST', `/node/jobs/${encodeURIComponent(id)}/${verb}`);
      told(this.said, status === 202 ? 'The node has not answered yet; it will do it.' : words, false);
    } catch (error) {
      told(this.said, wordsOf(error), true);
    }
    await new Promise((done) => setTimeout(done, AFTER));
    if (this.signal.aborted) return;
    await this.load();
    this.reload();
    if (document.activeElement === document.body) this.said.closest('main')?.focus({ preventScroll: true });
  }

  act(words, about, id, verb, done) {
    return button(words, () => this.order(id, verb, done), { 'aria-label': `${words}: ${about}`, 'data-key': `${verb} ${id}` });
  }

  asked(words, about, id, verb, done, what) {
    return button(words, () => sure(`${words}?`, what, words, () => this.order(id, verb, done)), { 'aria-label': `${words}: ${about}`, 'data-key': `${verb} ${id}` });
  }

  object(o) {
    const about = `image ${o.id}`;
    const study = make('a', { href: `#/study/${encodeURIComponent(o.study)}`, dir: 'ltr' }, plain(o.study));
    return entry(`${capital(plain(o.words))}${o.detail ? `: ${plain(o.detail)}` : ''}`, [
      ['Received', `${moment(o.received, nodeNow())} from ${plain(o.calling)} at ${plain(o.address)}`],
      ['Size', `${bytes(o.bytes)}; tried ${o.attempts} ×${o.deaths ? ', its process died' : ''}`], ['Study', study],
    ], [this.act('Release: judge it again', about, o.id, 'retry', `Image ${o.id} is judged again.`),
      this.asked('Discard', about, o.id, 'discard', `Image ${o.id} is discarded.`, 'Its bytes go now and cannot be judged again. What was answered of it stands.')],
    toggled(`object ${o.id}`, 'What is known of it', () => facts([['Job', `${o.id}, rule ${plain(o.rule) || 'none'}`], ['SOP Class', o.sop_class], ['SOP Instance', o.sop_instance], ['Series', o.series],
      ['Transfer syntax', o.transfer_syntax], ['SHA-256', o.digest], ['Header', 'Not shown: what broke one reader is not given to another.']])));
  }

  refused(r) {
    const { reason, calling, address, ...rest } = r.facts;
    return entry(capital(plain(reason ?? 'No reason stands beside it')), [
      ['Refused', `${moment(r.at, nodeNow())}, from ${plain(calling)} at ${plain(address)}`], ['Size', bytes(r.bytes)],
    ], [this.asked('Discard', `refused file ${r.id}`, r.id, 'discard', 'The refused bytes are discarded.', 'The bytes go now. Their sender was told that they were refused.')],
    toggled(`refused ${r.id}`, 'What is known of it', () => facts([...Object.entries(rest).map(([name, value]) => [capital(plain(name)), value]), ['File', `quarantine/${r.id.slice(1)}.dcm`]])));
  }

  parked(p) {
    const about = `${spaced(p.kind)} to ${plain(p.destination)}`;
    const study = make('a', { href: `#/study/${encodeURIComponent(p.study)}`, dir: 'ltr' }, plain(p.study));
    return entry(plain(p.reason) || 'No reason was told', [
      ['To', `${plain(p.destination)}, ${spaced(p.kind)}, since ${moment(p.parked, nodeNow())}; tried ${p.attempts} ×`], ['Study', study],
    ], [this.act('Send again', about, p.id, 'release', `The ${about} is sent again.`),
      this.asked('Give up', about, p.id, 'cancel', `The ${about} is given up.`, `${plain(p.destination)} will not get this result.`)]);
  }

  show(found, before) {
    const list = (rows, none) => (rows.length ? make('ul', { class: 'asides' }, rows) : make('p', null, none));
    const last = found.objects.at(-1)?.id;
    redraw(this.box,
      widePanel(`Images that could not be processed: ${found.object_count}`, list(found.objects.map((o) => this.object(o)), 'None.'),
        make('p', { class: 'acts' }, before ? button('The newest', () => this.load(), { 'data-key': 'newest' }) : null, found.more ? button('Older', () => this.load(last), { 'data-key': 'older' }) : null)),
      widePanel(`Results that a peer refused for good: ${found.parked.length}${found.more_parked ? ' and more' : ''}`, list(found.parked.map((p) => this.parked(p)), 'None.')),
      widePanel(`Bytes that were refused at the door: ${found.refused_count}`, make('p', { class: 'soft' }, `Their senders know, and still have them. They go after ${count(found.quarantine_days, 'day')}.${found.refused_count > found.refused.length ? ` The newest ${found.refused.length}:` : ''}`),
        list(found.refused.map((r) => this.refused(r)), 'None.')));
  }
}
