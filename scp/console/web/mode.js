// mode.js: how far the node's answers reach, and the button that stops them. For an administrator; the others see the mode above.
import { send } from './api.js';
import { button, make } from './dom.js';
import { refresh } from './source.js';
import { capital, mode } from './words.js';

const MEANING = {
  shadow: 'No result is sent and nobody is told of anything. Images go on being received and judged; this console shows the worklist to administrators alone.',
  demo: 'Results are sent, marked RESEARCH, to the destinations that are set up for that.',
  clinical: 'Results are sent, and all who are set up are told of raised studies.',
};

export class Mode {
  // onChange: called when the node has taken a mode.
  constructor(onChange) {
    this.onChange = onChange;
    this.said = make('p', { role: 'status' });
    this.acts = make('p', { class: 'acts' });
    this.dialog = make('dialog', { class: 'sure', 'aria-labelledby': 'sure-title' });
    this.element = make('section', { class: 'mode', 'aria-label': 'Mode' }, this.acts, this.said, this.dialog);
  }

  show(now) {
    if (now === this.now) return;
    this.now = now;
    this.acts.replaceChildren(...(now === 'shadow'
      ? [make('span', null, 'All influence is stopped.'), ...['demo', 'clinical'].map((to) => button(`Go to ${to}`, () => this.ask(to)))]
      : [button('Stop all influence', () => this.ask('shadow'), { class: 'stop' })]));
  }

  ask(to) {
    const sure = to === 'shadow' ? 'Stop all influence' : `Go to ${to}`;
    this.dialog.replaceChildren(make('h2', { id: 'sure-title' }, `${sure}?`), make('p', null, MEANING[to]),
      make('p', { class: 'acts' }, button(sure, () => this.set(to)), button('Leave it', () => this.dialog.close())));
    this.dialog.showModal();
  }

  async set(to) {
    this.dialog.close();
    this.tell('Asking the node', false);
    try {
      const { status } = await send('POST', '/node/mode', { body: { mode: to } });
      this.tell(status === 202 ? 'The node has not answered yet; it will do it.' : `The mode is ${mode(to)}.`, false);
    } catch (error) {
      this.tell(`${capital(mode(this.now))}, as before: ${error.message}.`, true);
    }
    this.onChange();
    refresh();
  }

  tell(words, failed) {
    this.said.classList.toggle('alarm', failed);
    this.said.replaceChildren(words);
  }
}
