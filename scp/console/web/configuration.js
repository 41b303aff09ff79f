// configuration.js: the configuration in force, defaults included, line by line; what is searched for is all that is shown; and its reload.
import { get, send } from './api.js';
import { button, make, redraw, setText } from './dom.js';
import { told, widePanel, wordsOf } from './node_parts.js';
import { nodeNow } from './source.js';
import { count, moment, plain } from './words.js';

const LOOK = 1000;

export class Configuration {
  constructor(signal) {
    this.input = make('input', { type: 'search', 'aria-label': 'Search the configuration', placeholder: 'Search', autocomplete: 'off', spellcheck: 'false' });
    this.found = make('p', { class: 'soft', role: 'status' });
    this.file = make('p', { class: 'soft' });
    this.lines = make('ol', { class: 'lines', dir: 'ltr', tabindex: 0, role: 'list', 'aria-label': 'Configuration in force' });
    this.signal = signal;
    this.said = make('p', { role: 'status' });
    this.words = make('ul', { dir: 'ltr' });
    this.last = make('p', { class: 'soft' });
    const reload = make('p', { class: 'acts' }, button('Reload it', () => this.reload(), { 'data-key': 'reload' }), this.said);
    this.input.addEventListener('input', () => this.filter());
    this.element = make('div', { class: 'node-body' }, widePanel('Configuration in force', this.file, reload, this.last, this.words, make('p', { class: 'acts' }, this.input, this.found), this.lines));
    this.load(signal);
  }

  // The file as it is now is looked at by the node; the console itself is started anew by that.
  async reload() {
    told(this.said, 'The node reads it.', false);
    try {
      const before = this.at;
      await send('POST', '/node/reload');
      for (let tries = 0; tries < 30 && this.at === before && !this.signal.aborted; tries++) {
        await new Promise((done) => setTimeout(done, LOOK));
        await this.load(this.signal);
      }
      if (this.signal.aborted) return;
      told(this.said, this.at === before ? 'No answer yet: see the log.' : this.taken ? 'It is in force.' : 'REFUSED: what was in force stays.', this.at === before || !this.taken);
    } catch (error) {
      told(this.said, wordsOf(error), error.status !== 429);
    }
  }

  drawReload(reload) {
    this.at = reload?.at;
    this.taken = reload?.taken;
    setText(this.last, reload ? `Last reload: ${moment(reload.at, nodeNow())} by ${plain(reload.who)}: ${reload.taken ? `taken, ${count(reload.changes, 'change')}` : 'refused'}` : 'It has not been reloaded.');
    redraw(this.words, (reload?.words ?? '').split('\n').filter(Boolean).map((line) => make('li', { class: reload.taken ? null : 'alarm' }, plain(line))));
  }

  async load(signal) {
    try {
      const { file, effective, reload } = await get('/node/configuration', { signal });
      this.drawReload(reload);
      setText(this.file, `${plain(file)}, defaults included. Passwords and keys stand in files of their own: only their paths are here.`);
      redraw(this.lines, effective.trimEnd().split('\n').map((line, i) => make('li', { value: i + 1 }, plain(line))));
      this.filter();
    } catch (error) {
      if (!signal.aborted) redraw(this.lines, make('li', { class: 'alarm' }, wordsOf(error)));
    }
  }

  filter() {
    const words = this.input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const line of this.lines.children) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
      shown += line.hidden ? 0 : 1;
    }
    setText(this.found, words.length ? `${count(shown, 'line')} of ${this.lines.children.length}` : count(shown, 'line'));
  }
}
