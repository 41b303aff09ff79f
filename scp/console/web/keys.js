// keys.js: the keyboard. A page binds its keys while it is open, each with what it does in words; `?` shows them. Single letters can be
// turned off, for those who speak to their machine or hit keys by accident (WCAG 2.1.4).
import { button, make } from './dom.js';

const SETTING = 'cervigate-single-keys';
const help = document.getElementById('help');
const sections = new Map(); // title -> { keys, notes }

function singleKeys() {
  try {
    return localStorage.getItem(SETTING) !== 'off';
  } catch {
    return true; // no storage: the default
  }
}

function setSingleKeys(wanted) {
  try {
    localStorage.setItem(SETTING, wanted ? 'on' : 'off');
  } catch {
    // Then it is for nobody to remember.
  }
}

// keys: [{ keys: ['j', 'ArrowDown'], shown: 'J or ↓', words: 'the next study', action }]; an entry without an action is for reading
// only. Gives a function that takes them back.
export function bind(title, keys) {
  sections.set(title, keys);
  return () => {
    if (sections.get(title) === keys) sections.delete(title);
  };
}

function isTyped(target) {
  return target.closest?.('input:not([type=range]):not([type=checkbox]), textarea, select, dialog') !== null;
}

// Keys that a control, once it has the focus, has a use for itself.
function isUsed(event) {
  if (event.target.closest?.('input[type=range]')) return event.key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(event.key);
  if (event.target.closest?.('a, button, summary')) return event.key === 'Enter' || event.key === ' ';
  return false;
}

function wanted(event) {
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const whole = event.shiftKey && event.key.length > 1 ? `Shift+${name}` : name;
  for (const keys of sections.values()) {
    const found = keys.find((k) => k.action && k.keys.includes(whole) && (!k.when || k.when(event)));
    if (found) return found;
  }
  return null;
}

document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || isTyped(event.target)) return;
  if (isUsed(event) || (event.key.length === 1 && !singleKeys())) return;
  const found = wanted(event);
  if (!found) return;
  event.preventDefault();
  found.action(event);
});

function listOf(keys) {
  return make('dl', null, keys.filter((k) => k.shown).map((k) => make('div', null, make('dt', null, make('kbd', null, k.shown)), make('dd', null, k.words))));
}

export function showHelp() {
  const box = make('input', { type: 'checkbox', id: 'single-keys', checked: singleKeys() });
  box.addEventListener('change', () => setSingleKeys(box.checked));
  help.replaceChildren(
    make('h2', { id: 'help-title' }, 'Keys'),
    ...[...sections].map(([title, keys]) => make('section', null, make('h3', null, title), listOf(keys))),
    make('p', null, box, make('label', { for: 'single-keys' }, ' Single letters, digits and signs are keys')),
    make('p', null, button('Close', () => help.close())),
  );
  help.showModal();
}

document.getElementById('keys').addEventListener('click', showHelp);
