// node_parts.js: what the parts of the node's page are made of.
import { button, foreign, make, say } from './dom.js';
import { capital, plain } from './words.js';

export function panel(title, ...content) {
  return make('section', { class: 'panel' }, make('h2', null, title), content);
}

export function widePanel(title, ...content) {
  return make('section', { class: 'panel wide' }, make('h2', null, title), content);
}

// [[name, value, alarm]]; a value is a text of somebody's or an element.
export function facts(rows) {
  return make('dl', { class: 'facts' }, rows.filter(Boolean).map(([name, value, alarm]) => make('div', { class: alarm ? 'alarm' : null },
    make('dt', null, name), make('dd', null, typeof value === 'object' && value ? value : foreign(plain(value))))));
}

// head: texts, '' for none; rows: [{ alarm, cells }], the first of them the row's name.
export function table(head, rows, { caption, look } = {}) {
  const named = (cell, i) => {
    if (head[i]) cell.dataset.head = head[i];
    return cell;
  };
  return make('table', { class: look }, caption ? make('caption', null, caption) : null,
    make('thead', null, make('tr', null, head.map((words) => (words ? make('th', { scope: 'col' }, words) : make('td'))))),
    make('tbody', null, rows.map(({ alarm, cells: [first, ...rest] }) => make('tr', { class: alarm ? 'alarm' : null },
      make('th', { scope: 'row' }, first), rest.map((cell, i) => named(cell?.nodeName === 'TD' ? cell : make('td', { class: 'text' }, cell), i + 1))))));
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];
export function bytes(n) {
  let unit = 0;
  let size = n ?? 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}

// A failure's words as a sentence: "Too often; again in 5 s."
export function wordsOf(error) {
  return error.status === 429 && error.retryAfter ? `Too often; again in ${error.retryAfter} s.` : `${capital(plain(error.message))}.`;
}

// Asks before what cannot be taken back. action: called when it is wanted.
export function sure(title, words, verb, action) {
  const dialog = make('dialog', { class: 'sure', 'aria-labelledby': 'sure-what' });
  const close = () => dialog.close();
  dialog.append(make('h2', { id: 'sure-what' }, title), make('p', null, words),
    make('p', { class: 'acts' }, button(verb, () => { close(); action(); }), button('Leave it', close)));
  dialog.addEventListener('close', () => dialog.remove());
  document.getElementById('page').append(dialog);
  dialog.showModal();
}

// What was ordered and what came of it, seen and spoken.
export function told(element, words, failed) {
  element.classList.toggle('alarm', Boolean(failed));
  element.textContent = words;
  say(words);
}
