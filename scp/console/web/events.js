// events.js: what the node tells by itself. It is read by fetch and not by EventSource, for the sake of two things that EventSource
// keeps from a page: the comment lines, without which a connection that has died in silence looks like a quiet night; and the status
// of a refusal (401: sign in; 503: too many streams, and when to come again).
import { EVENTS, request } from './api.js';

const SILENCE = 35000; // the node says something every 15 s
const BLOCK_MOST = 65536;
const WAITS = [1000, 2000, 4000, 8000, 15000];

const listeners = new Map();
let stop = null; // of the stream that runs
let heardAt = 0;

// state: 'connecting', 'open' or 'lost'; since: when it became so.
export const stream = { state: 'connecting', since: Date.now() };

// name: of the node's events ("worklist", "node": with data); "heard": any byte; "stream": the state changed. Gives a function that
// takes the listener away.
export function on(name, action) {
  const actions = listeners.get(name) ?? new Set();
  listeners.set(name, actions.add(action));
  return () => actions.delete(action);
}

function tell(name, data) {
  for (const action of listeners.get(name) ?? []) action(data);
}

function become(state) {
  if (stream.state === state) return;
  stream.state = state;
  stream.since = Date.now();
  tell('stream', state);
}

function tellBlock(block) {
  let name = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) name = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).trim());
  }
  if (data.length === 0) return;
  try {
    tell(name, JSON.parse(data.join('\n')));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
}

async function listen(signal) {
  // The time limit of a request would end the stream: silence is watched instead.
  const answer = await request('GET', EVENTS, { signal, timeout: 0 });
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    heardAt = Date.now();
    become('open');
    rest = (rest + value).replaceAll('\r\n', '\n');
    for (let end; (end = rest.indexOf('\n\n')) >= 0; rest = rest.slice(end + 2)) tellBlock(rest.slice(0, end));
    tell('heard');
    if (rest.length > BLOCK_MOST) throw new Error('an event without end');
  }
}

// Ends early when the stream is stopped.
function pause(ms, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
  });
}

async function keepListening(whole) {
  for (let tries = 0; !whole.aborted; tries++) {
    const one = new AbortController();
    const end = () => one.abort();
    whole.addEventListener('abort', end, { once: true });
    const began = heardAt = Date.now();
    const watch = setInterval(() => { if (Date.now() - heardAt > SILENCE) one.abort(); }, 1000);
    let again = 0;
    try {
      await listen(one.signal);
    } catch (error) {
      again = (error.retryAfter ?? 0) * 1000;
    }
    clearInterval(watch);
    whole.removeEventListener('abort', end);
    if (whole.aborted) return;
    become('lost');
    if (heardAt > began) tries = 0;
    await pause(Math.max(again, WAITS[Math.min(tries, WAITS.length - 1)]), whole);
  }
}

export function startEvents() {
  stopEvents();
  const control = new AbortController();
  stop = () => control.abort();
  become('connecting');
  keepListening(control.signal);
}

export function stopEvents() {
  if (stop) stop();
  stop = null;
}

// A machine that slept: do not wait for the watch, which slept, too.
document.addEventListener('visibilitychange', () => {
  if (stop && document.visibilityState === 'visible' && Date.now() - heardAt > SILENCE) startEvents();
});
