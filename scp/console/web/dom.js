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
