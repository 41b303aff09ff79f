// marks.js: a study is marked as read, and that is taken back. The last one can be undone for as long as the page is open, not for
// some seconds; what the node did not do is said in the same place.
import { send } from './api.js';
import { button, foreign, make, say } from './dom.js';
import { plain } from './words.js';

const path = (study) => `/worklist/${encodeURIComponent(study)}/read`;

// Which one it was, as far as a list may say it.
export function naming(entry) {
  return `${plain(entry.accession) || 'no accession number'}, ID …${plain(entry.patient)}`;
}

export class Marks {
  // onChange: called when a study was marked or unmarked, and when that has failed.
  constructor(onChange) {
    this.mine = new Map(); // study -> 'marking', 'read', 'unmarking'
    this.last = null;
    this.onChange = onChange;
    this.element = make('p', { class: 'note' });
  }

  tell(words, entry, undo) {
    this.element.classList.remove('alarm');
    this.element.replaceChildren(make('span', null, `${words}: `, foreign(naming(entry))));
    if (undo) this.element.append(button('Undo (Z)', () => this.undo()));
    say(`${words}: ${naming(entry)}${undo ? '. Z takes it back.' : ''}`);
  }

  // Something else that the reader asked and is to be told; what can be undone stays undoable by its key.
  note(words) {
    this.element.classList.remove('alarm');
    this.element.replaceChildren(make('span', null, words));
    say(words);
  }

  fail(words, entry, error) {
    this.element.classList.add('alarm');
    this.element.replaceChildren(make('span', null, `${words}: `, foreign(naming(entry)), ` (${error.message})`));
    say(`${words}: ${naming(entry)}: ${error.message}`);
  }

  async read(entry) {
    if (this.mine.has(entry.study)) return;
    this.mine.set(entry.study, 'marking');
    this.onChange();
    try {
      const { status } = await send('PUT', path(entry.study));
      this.mine.set(entry.study, 'read');
      this.last = entry;
      this.tell(status === 202 ? 'Will be marked as read when the node comes to it' : 'Marked as read', entry, true);
    } catch (error) {
      this.mine.delete(entry.study);
      this.fail('NOT marked as read', entry, error);
    }
    this.onChange();
  }

  async unread(entry) {
    if (this.mine.get(entry.study) === 'unmarking') return;
    const was = this.mine.get(entry.study);
    this.mine.set(entry.study, 'unmarking');
    this.onChange();
    try {
      const { status } = await send('DELETE', path(entry.study));
      this.mine.delete(entry.study);
      if (this.last?.study === entry.study) this.last = null;
      this.tell(status === 202 ? 'Will be back on the list when the node comes to it' : 'Back on the list', entry, false);
    } catch (error) {
      if (was) this.mine.set(entry.study, was);
      else this.mine.delete(entry.study);
      this.fail('NOT put back on the list', entry, error);
    }
    this.onChange();
  }

  undo() {
    if (this.last) this.unread(this.last);
  }
}
