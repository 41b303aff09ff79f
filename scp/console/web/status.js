// status.js: the line above every page. It says how old the list is and whether the node is well; it alone wears the colours of an
// alarm, and only for technical failure. Its height is fixed: what it says moves nothing below it.
import { make, say, sayFailure, setText } from './dom.js';
import { on, stream } from './events.js';
import { isOld, onList, source } from './source.js';
import { capital, clock, clockSeconds, mode, plain } from './words.js';

const GRACE = 3000; // a connection that is back at once is no failure

const line = document.getElementById('status');
const freshness = document.getElementById('freshness');
const health = document.getElementById('health');
const modeLine = document.getElementById('mode');

let node = null; // { well, why }
let timer = 0;

// { text, alarm } of the list.
function ofList(now) {
  if (!source.list && !source.failed) return { text: 'Asking for the list', alarm: false };
  if (isOld(now)) {
    const since = source.knownAt ? `The list may be old: since ${clock(new Date(source.knownAt))}` : 'There is no list';
    return { text: source.failed ? `${since} (${source.failed})` : since, alarm: true };
  }
  const asOf = `as of ${clockSeconds(new Date(source.knownAt))}`;
  if (stream.state === 'open') return { text: `Live, ${asOf}`, alarm: false };
  const lost = stream.state === 'lost' && now - stream.since > GRACE;
  return { text: lost ? `No live updates: the list is asked for every 15 s; ${asOf}` : `Connecting; ${asOf}`, alarm: lost };
}

// "oldest-job delivery: ...": its name in words, what it is about, and the detail.
export function reason(why) {
  if (typeof why === 'string') return plain(why);
  const name = capital(plain(why.name).replaceAll('-', ' '));
  return `${name}${why.subject ? ` (${plain(why.subject)})` : ''}: ${plain(why.detail)}`;
}

function ofNode() {
  if (!node) return { text: 'Node: not known yet', alarm: false };
  if (node.well) return { text: 'Node well', alarm: false };
  const more = node.why.length > 1 ? ` (and ${node.why.length - 1} more)` : '';
  return { text: `Node not well. ${node.why.length ? reason(node.why[0]) : ''}${more}`, alarm: true };
}

let spoken = '';

function draw() {
  const list = ofList(Date.now());
  const well = ofNode();
  setText(freshness, list.text);
  setText(health.firstChild, well.text);
  health.firstChild.title = well.text;
  freshness.classList.toggle('alarm', list.alarm);
  health.classList.toggle('alarm', well.alarm);
  line.classList.toggle('alarm', list.alarm || well.alarm);
  const failures = [list.alarm ? list.text.replace(/;? as of .*/, '') : '', well.alarm ? well.text : ''].filter(Boolean).join('. ');
  if (failures === spoken) return;
  sayFailure(failures);
  if (!failures) say('The failure is over.');
  spoken = failures;
}

function drawMode(list) {
  modeLine.replaceChildren(mode(list.mode));
  if (list.research) modeLine.prepend(make('strong', { class: 'research' }, 'RESEARCH'), ' ');
}

on('node', (data) => {
  node = { well: data.well === true, why: Array.isArray(data.why) ? data.why : [] };
  draw();
});
on('stream', draw);
onList((list) => {
  drawMode(list);
  draw();
});

export function startStatus() {
  health.replaceChildren(make('a', { href: '#/node' }));
  line.hidden = false;
  node = null;
  spoken = '';
  clearInterval(timer);
  timer = setInterval(draw, 1000);
  draw();
}

export function stopStatus() {
  clearInterval(timer);
  line.hidden = true;
  line.classList.remove('alarm');
  sayFailure('');
}
