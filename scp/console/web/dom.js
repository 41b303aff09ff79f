// dom.js: elements out of text. Texts come from DICOM headers and from other machines: they become text nodes and nothing else, so no
// module of the console has a use for innerHTML.

// make('a', { class: 'x', href: '#/' }, 'text', element, ...): attributes are set as attributes; null and false leave one out.
export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return element;
}

// A text of somebody else's: its direction is its own and does not reach its neighbours.
export function foreign(text, attributes) {
  return make('bdi', { dir: 'auto', ...attributes }, text);
}

// Writes only what differs: a text that is written anew would be spoken anew, and laid out anew.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function button(words, action, attributes) {
  const element = make('button', { type: 'button', ...attributes }, words);
  element.addEventListener('click', action);
  return element;
}

// What was opened once stays open, however often the page around it is drawn anew. content: called when it is opened.
const opened = new Set();
export function toggled(key, words, content) {
  const element = make('details', { 'data-key': `toggle ${key}`, open: opened.has(key) }, make('summary', { 'data-key': key }, words));
  let filled = false;
  const fill = () => {
    if (element.open && !filled) element.append(content());
    filled = filled || element.open;
    if (element.open) opened.add(key);
    else opened.delete(key);
  };
  element.addEventListener('toggle', fill);
  fill();
  return element;
}

// Puts new content where old was; the focus and the places that were scrolled to stay (data-key says what is what).
export function redraw(box, ...content) {
  const held = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const scrolled = [...box.querySelectorAll('[data-key]')].filter((e) => e.scrollTop > 0).map((e) => [e.dataset.key, e.scrollTop]);
  box.replaceChildren(...content.flat().filter(Boolean));
  const find = (key) => box.querySelector(`[data-key="${CSS.escape(key)}"]`);
  for (const [key, top] of scrolled) find(key)?.scrollTo({ top });
  if (held !== undefined) find(held)?.focus({ preventScroll: true });
}

const polite = document.getElementById('said');
const urgent = document.getElementById('failure');

// For a screen reader, when it has nothing else to say.
export function say(text) {
  polite.textContent = '';
  polite.textContent = text;
}

// At once: technical failures only.
export function sayFailure(text) {
  setText(urgent, text);
}
