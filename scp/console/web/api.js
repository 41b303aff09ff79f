// api.js: requests to the node. Every answer comes within TIMEOUT or is a failure: a page never waits for ever.

const ROOT = '/api/v1';
export const EVENTS = '/events';
const TIMEOUT = 15000;
const PICTURE_TIMEOUT = 60000;

// What shows that somebody is here. Requests without any of it since the last one say so: they keep no session alive.
const DEEDS = ['pointerdown', 'pointermove', 'keydown', 'wheel'];

let csrf = '';
let acted = true; // the page was opened
let onEnd = () => {};

// status 0: no answer came.
export class Failure extends Error {
  constructor(status, words, retryAfter) {
    super(words);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

// Something technical, and not a refusal.
export function isFault(error) {
  return !(error.status > 0 && error.status < 500);
}

for (const deed of DEEDS) addEventListener(deed, () => { acted = true; }, { capture: true, passive: true });

// Whether a person did something that no request has told yet.
export function hasActed() {
  return acted;
}

export function setCsrf(token) {
  csrf = token;
}

// `action` is called whenever the node says that there is no session (any more).
export function whenSessionEnds(action) {
  onEnd = action;
}

async function failureOf(answer) {
  let words = '';
  try {
    words = (await answer.json()).error ?? '';
  } catch {
    // A proxy's page says nothing that this one could show.
  }
  return new Failure(answer.status, words || `the node answered ${answer.status}`, Number(answer.headers.get('Retry-After')) || 0);
}

// The answer, whatever it is made of. Options: body (becomes JSON), signal, timeout, quiet (a 401 is the caller's).
export async function request(method, path, { body, signal, timeout = TIMEOUT, quiet = false } = {}) {
  const headers = { Accept: 'application/json, text/event-stream, application/octet-stream' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  if (!acted) headers['X-Automatic'] = '1';
  if (path !== EVENTS) acted = false; // a stream is no use to the node, whoever opened it
  const limit = timeout ? [AbortSignal.timeout(timeout)] : [];
  let answer;
  try {
    answer = await fetch(ROOT + path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'same-origin',
      redirect: 'error', signal: AbortSignal.any([...limit, ...(signal ? [signal] : [])]),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure(0, 'the node does not answer', 0);
  }
  if (answer.ok) return answer;
  if (answer.status === 401 && !quiet) onEnd();
  throw await failureOf(answer);
}

async function json(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Failure(0, 'the answer of the node broke off', 0);
  }
}

export async function get(path, options) {
  return json(await request('GET', path, options));
}

// { status, answer }: of 204 the answer is null.
export async function send(method, path, options) {
  const answer = await request(method, path, options);
  return { status: answer.status, answer: answer.status === 204 ? null : await json(answer) };
}

// { bytes, rows, columns, source }: 3 bytes a pixel; `source` columns are the original.
export async function getPicture(study, image, signal) {
  const answer = await request('GET', `/studies/${encodeURIComponent(study)}/images/${encodeURIComponent(image)}/picture`,
    { signal, timeout: PICTURE_TIMEOUT });
  const [rows, columns, source] = ['X-Rows', 'X-Columns', 'X-Source-Columns'].map((name) => Number(answer.headers.get(name)));
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (!(rows > 0 && source > 0 && source <= columns) || bytes.length !== rows * columns * 3) {
    throw new Failure(0, 'the picture is not of the size that the node says', 0);
  }
  return { bytes, rows, columns, source };
}

// A file's bytes, with `onProgress(sent, all)` as they go: fetch cannot tell that. The answer's JSON. There is no limit of time but the
// node's own.
export function sendFile(path, file, type, { onProgress, signal }) {
  return new Promise((done, fail) => {
    const asked = new XMLHttpRequest();
    const broken = (words) => () => fail(new Failure(0, words, 0));
    asked.open('POST', ROOT + path);
    asked.setRequestHeader('Content-Type', type);
    asked.setRequestHeader('X-CSRF-Token', csrf);
    asked.upload.addEventListener('progress', (event) => onProgress(event.loaded, file.size));
    asked.upload.addEventListener('load', () => onProgress(file.size, file.size));
    asked.addEventListener('error', broken('the node does not take the file, or broke off'));
    asked.addEventListener('abort', broken('stopped'));
    asked.addEventListener('load', () => {
      let answer = {};
      try {
        answer = JSON.parse(asked.responseText);
      } catch {
        // A proxy's page says nothing that this one could show.
      }
      if (asked.status === 200) return done(answer);
      if (asked.status === 401) onEnd();
      fail(new Failure(asked.status, answer.error || `the node answered ${asked.status}`, Number(asked.getResponseHeader('Retry-After')) || 0));
    });
    signal.addEventListener('abort', () => asked.abort());
    asked.send(file);
  });
}
