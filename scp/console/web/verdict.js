// verdict.js: what a reader says of the node's answer: right, or not. Said again it is changed, pressed again it is taken back.
import { send } from './api.js';
import { button, foreign, make, setText } from './dom.js';
import { may } from './session.js';
import { moment, plain, spaced } from './words.js';

export class Verdict {
  // onChange: called when the node has taken it.
  constructor(study, onChange) {
    Object.assign(this, { study, onChange, busy: false });
    this.yes = button('Agree (G)', () => this.press(true), { 'aria-pressed': 'false' });
    this.no = button('Disagree (D)', () => this.press(false), { 'aria-pressed': 'false' });
    this.words = make('p', { role: 'status' });
    this.element = make('section', { class: 'panel', 'aria-labelledby': 'verdict-title', hidden: true },
      make('h2', { id: 'verdict-title' }, 'Is the answer right?'), may('reader') ? make('p', { class: 'acts' }, this.yes, this.no) : '', this.words,
      make('p', { class: 'soft' }, 'It is counted in the figures. A model never learns from it by itself.'));
  }

  show(verdict, answered, now) {
    this.verdict = verdict;
    this.element.hidden = !answered && !verdict;
    this.yes.setAttribute('aria-pressed', String(verdict?.agrees === true));
    this.no.setAttribute('aria-pressed', String(verdict?.agrees === false));
    this.words.classList.remove('alarm');
    if (!verdict) return setText(this.words, 'Nobody has said so yet.');
    const old = verdict.current ? '' : ` That was of an earlier answer: ${spaced(verdict.outcome)}.`;
    this.words.replaceChildren(verdict.agrees ? 'Agreed' : 'Disagreed', ': ', foreign(plain(verdict.who)), `, ${moment(verdict.at, now)}.${old}`);
  }

  async press(agrees) {
    if (this.busy || this.element.hidden || !may('reader')) return;
    this.busy = true;
    const path = `/studies/${encodeURIComponent(this.study)}/verdict`;
    const back = this.verdict?.agrees === agrees && this.verdict.current;
    setText(this.words, 'Asking the node');
    try {
      const { status } = await (back ? send('DELETE', path) : send('PUT', path, { body: { agrees } }));
      if (status === 202) setText(this.words, 'The node has not answered yet; it will do it.');
    } catch (error) {
      this.words.classList.add('alarm');
      setText(this.words, `Not noted: ${error.message}.`);
    }
    this.busy = false;
    this.onChange();
  }
}
