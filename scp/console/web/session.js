// session.js: who is signed in, and the page that asks.
import { get, hasActed, isFault, send, setCsrf, whenSessionEnds } from './api.js';
import { make, say } from './dom.js';
import { count } from './words.js';

const RANKS = ['viewer', 'reader', 'admin'];
const TELL = 20000;

export const session = { name: '', role: '' };

export function may(role) {
  return RANKS.indexOf(session.role) >= RANKS.indexOf(role);
}

function take(answer) {
  session.name = answer.name;
  session.role = answer.role;
  setCsrf(answer.csrf);
}

function drop() {
  session.name = session.role = '';
  setCsrf('');
}

// True: there is one, from an earlier visit.
export async function resume() {
  try {
    take(await get('/session', { quiet: true }));
    return true;
  } catch (error) {
    if (error.status !== 401) throw error;
    return false;
  }
}

// The node forgets the session when it is reached; the page does in any case.
export async function signOut() {
  try {
    await send('DELETE', '/session', { quiet: true });
  } finally {
    drop();
  }
}

// action: called once for each session that ends by itself.
export function onSessionEnd(action) {
  whenSessionEnds(() => {
    if (!session.role) return;
    drop();
    action();
  });
}

// Who looks at one picture for long asks for nothing: the node is told that somebody is here.
setInterval(() => {
  if (session.role && hasActed()) get('/session').catch(() => {}); // a session that ended is the page's affair, a lost node its status'
}, TELL);

function field(words, attributes) {
  const input = make('input', { required: true, ...attributes });
  return { input, label: make('label', null, words, input) };
}

// Too many tries: the button comes back when the node will listen again.
function holdBack(submit, failure, seconds) {
  const until = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    submit.disabled = left > 0;
    failure.textContent = left > 0 ? `Too many tries. Again in ${count(left, 'second')}.` : '';
    if (left <= 0) clearInterval(timer);
  };
  const timer = setInterval(tick, 1000);
  tick();
}

// Puts the form into `main` and calls `done` when somebody is signed in. why: words above it, or ''.
export function askWho(main, why, done) {
  const name = field('Name', { name: 'name', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', maxlength: 64 });
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'current-password', maxlength: 1024 });
  const submit = make('button', { type: 'submit' }, 'Sign in');
  const failure = make('p', { class: 'failure', role: 'alert', id: 'login-failure' });
  const form = make('form', { class: 'login', 'aria-labelledby': 'login-title' },
    make('h1', { id: 'login-title' }, 'cervigate'), make('p', null, why || 'Sign in to see the worklist.'),
    name.label, password.label, submit, failure);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    failure.textContent = '';
    failure.classList.remove('alarm');
    try {
      take((await send('POST', '/session', { body: { name: name.input.value, password: password.input.value }, quiet: true })).answer);
      done();
    } catch (error) {
      submit.disabled = false;
      if (error.status === 429) return void holdBack(submit, failure, error.retryAfter || 10);
      failure.textContent = error.status === 401 ? 'Name or password is wrong.' : `Not signed in: ${error.message}.`;
      failure.classList.toggle('alarm', isFault(error));
      password.input.value = '';
      password.input.focus();
    }
  });
  main.replaceChildren(form);
  name.input.focus();
  if (why) say(why);
}
