// app.js: which page is open. The address says it: #/worklist, #/read, #/study/UID, #/try, #/figures, #/node.
import { say, setText } from './dom.js';
import { startEvents, stopEvents } from './events.js';
import { openFigures } from './figures.js';
import { bind, showHelp } from './keys.js';
import { openNode } from './node.js';
import { difference, inWords } from './order.js';
import { openRead } from './read.js';
import { askWho, onSessionEnd, resume, session, signOut } from './session.js';
import { onList, source, startSource, stopSource } from './source.js';
import { startStatus, stopStatus } from './status.js';
import { openStudy } from './study.js';
import { openTry } from './try.js';
import { openWorklist } from './worklist.js';

// Each puts its page into `main`, given the rest of the address, and gives { title, leave }.
const pages = { worklist: openWorklist, read: openRead, study: openStudy, try: openTry, figures: openFigures, node: openNode };

const main = document.getElementById('page');
const top = document.getElementById('top');
const toList = top.querySelector('a[data-page=worklist]');
const toTry = top.querySelector('a[data-page=try]');
let open = null;
let seen = null; // the list when it was left for another page

// Who reads one study is told, quietly, that others have come.
function tellOfOthers() {
  const words = seen && source.list ? inWords({ ...difference(seen, source.list.entries), gone: [], moved: false }) : '';
  setText(toList, words ? `Worklist: ${words}` : 'Worklist');
  toList.classList.toggle('news', words !== '');
}

function leavePage() {
  open?.leave();
  open = null;
  main.replaceChildren();
}

// An address that was typed may be none.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function showPage() {
  if (!session.role) return;
  const [, name, ...rest] = location.hash.split('/');
  if (!(location.hash.startsWith('#/') && Object.hasOwn(pages, name))) return void location.replace('#/worklist');
  leavePage();
  main.className = name;
  open = pages[name](main, decoded(rest.join('/')));
  seen = name === 'worklist' ? null : seen ?? source.list?.entries ?? null;
  tellOfOthers();
  document.title = `${open.title} - cervigate`;
  for (const link of top.querySelectorAll('a[data-page]')) {
    const here = link.dataset.page === name || (name === 'read' && link.dataset.page === 'worklist');
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.focus({ preventScroll: true });
  say(open.title);
}

const go = (hash) => () => { location.hash = hash; };
const everywhere = [
  { keys: ['?'], shown: '?', words: 'this list of keys', action: showHelp },
  { keys: ['w'], shown: 'W', words: 'the worklist', action: go('#/worklist') },
  { keys: ['t'], shown: 'T', words: 'try an image', action: go('#/try'), when: () => !toTry.hidden },
  { keys: ['n'], shown: 'N', words: 'the node', action: go('#/node') },
];
let unbind = () => {};

function begin() {
  document.getElementById('user').textContent = `${session.name} (${session.role})`;
  top.hidden = false;
  unbind = bind('Everywhere', everywhere);
  startStatus();
  startSource();
  startEvents();
  showPage();
}

function end(why) {
  stopEvents();
  stopSource();
  stopStatus();
  unbind();
  document.getElementById('help').close();
  leavePage();
  seen = null;
  top.hidden = true;
  main.className = 'login';
  document.title = 'Sign in - cervigate';
  askWho(main, why, begin);
}

onList((list) => {
  if (main.className !== 'worklist') seen ??= list.entries;
  tellOfOthers();
  toTry.hidden = list.mode === 'clinical';
});
onSessionEnd(() => end('Your session has ended. Sign in again.'));
window.addEventListener('hashchange', showPage);
document.getElementById('leave').addEventListener('click', async () => {
  let why = '';
  try {
    await signOut();
  } catch (error) {
    why = `You are signed out here, but ${error.message}: the session ends there by itself.`;
  }
  end(why);
});

try {
  if (await resume()) begin();
  else end('');
} catch (error) {
  end(`At the moment ${error.message}.`);
}
