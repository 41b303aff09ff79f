// source.js: the newest worklist that the node gave, and until when it is known to be the newest. One for all pages.
//
//   event "worklist" --> refresh --> list, listeners told
//   any byte of the stream, while the list has the revision that was announced --> knownAt is now
//   the stream is lost --> refresh every ASK seconds, and at once
import { get } from './api.js';
import { on, stream } from './events.js';

const ASK = 15000;
const RETRY = 3000;
const OLD = 25000; // the stream speaks every 15 s
const GAP_MOST = 1000;

const listeners = new Set();
let announced = 0;
let running = false;
let busy = false;
let again = false;
let asked = 0;

// ahead: how much the node's clock is ahead of this one's, in ms.
export const source = { list: null, knownAt: 0, failed: '', ahead: 0 };

export function onList(action) {
  listeners.add(action);
  return () => listeners.delete(action);
}

// The node's time: what waiting is measured by.
export function nodeNow() {
  return Date.now() + source.ahead;
}

export function isOld(now = Date.now()) {
  return source.failed !== '' || (source.list !== null && now - source.knownAt > OLD);
}

function isCurrent() {
  return source.list !== null && source.list.revision >= announced && !source.failed;
}

async function load() {
  const began = asked = Date.now();
  try {
    const list = await get('/worklist');
    if (!running) return;
    source.list = list;
    source.ahead = new Date(list.now).getTime() - Date.now();
    source.failed = '';
    source.knownAt = began;
    for (const action of listeners) action(list);
  } catch (error) {
    if (running) source.failed = error.message;
  }
}

// Asks for the list; while one is on its way, once more after it. A list of thousands is not asked for without a pause.
export async function refresh() {
  again = true;
  if (busy) return;
  busy = true;
  while (again && running) {
    again = false;
    const began = Date.now();
    await load();
    if (again) await new Promise((done) => setTimeout(done, Math.min(GAP_MOST, Date.now() - began)));
  }
  busy = false;
}

on('worklist', ({ revision }) => {
  if (!running) return;
  announced = revision;
  refresh();
});

on('heard', () => {
  if (isCurrent()) source.knownAt = Date.now();
});

on('stream', (state) => {
  if (running && state === 'lost') refresh();
});

function look() {
  const waited = Date.now() - asked;
  if (source.failed ? waited > RETRY : stream.state === 'lost' && waited > ASK) refresh();
}

let timer = 0;

export function startSource() {
  running = true;
  announced = 0;
  clearInterval(timer);
  timer = setInterval(look, 1000);
  refresh();
}

// What was shown of patients goes with the session.
export function stopSource() {
  running = false;
  clearInterval(timer);
  Object.assign(source, { list: null, knownAt: 0, failed: '' });
}
