// configuration.js: the configuration in force, defaults included, line by line; what is searched for is all that is shown.
import { get } from './api.js';
import { make, redraw, setText } from './dom.js';
import { widePanel, wordsOf } from './node_parts.js';
import { count, plain } from './words.js';

export class Configuration {
  constructor(signal) {
    this.input = make('input', { type: 'search', 'aria-label': 'Search the configuration', placeholder: 'Search', autocomplete: 'off', spellcheck: 'false' });
    this.found = make('p', { class: 'soft', role: 'status' });
    this.file = make('p', { class: 'soft' });
    this.lines = make('ol', { class: 'lines', dir: 'ltr', tabindex: 0, role: 'list', 'aria-label': 'Configuration in force' });
    this.input.addEventListener('input', () => this.filter());
    this.element = make('div', { class: 'node-body' }, widePanel('Configuration in force', this.file, make('p', { class: 'acts' }, this.input, this.found), this.lines));
    this.load(signal);
  }

  async load(signal) {
    try {
      const { file, effective } = await get('/node/configuration', { signal });
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
