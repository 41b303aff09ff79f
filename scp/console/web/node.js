// node.js: is the node well, and if not, why; then what it has done, what waits, and with which configuration.
import { get } from './api.js';
import { foreign, make, setText } from './dom.js';
import { on } from './events.js';
import { Mode } from './mode.js';
import { may } from './session.js';
import { nodeNow, onList } from './source.js';
import { reason } from './status.js';
import { clockSeconds, count, mode, moment, plain, spaced, wait } from './words.js';

const EVERY = 15000;
const OLD = 40000;

function panel(title, ...content) {
  return make('section', { class: 'panel' }, make('h2', null, title), content);
}

// [[name, value, alarm]]
function facts(rows) {
  return make('dl', { class: 'facts' }, rows.map(([name, value, alarm]) => make('div', { class: alarm ? 'alarm' : null },
    make('dt', null, name), make('dd', null, foreign(plain(value))))));
}

function verdict(node) {
  const why = node.why ?? [];
  if (node.well) return make('section', { class: 'verdict' }, make('h1', null, 'The node is well'));
  return make('section', { class: 'verdict alarm' }, make('h1', null, `The node is not well: ${count(why.length, 'reason')}`),
    make('ul', null, why.map((one) => make('li', null, foreign(reason(one))))));
}

const port = (n) => (n > 0 ? String(n) : 'none');

function running(node) {
  const isolation = node.isolation ?? {};
  return panel('Program', facts([
    ['Mode', mode(node.mode)], ['Version', node.version], ['Running', node.running ? `yes, process ${node.pid}` : 'no', !node.running],
    ['Ports', `DICOM ${port(node.dicom_port)}, TLS ${port(node.tls_port)}, console ${port(node.console_port)}`],
    ['Isolation', `${isolation.seccomp ? 'seccomp' : 'no seccomp'}, ${isolation.landlock > 0 ? 'Landlock' : 'no Landlock in this kernel'}`],
  ]));
}

function queues(node) {
  const oldest = node.health?.oldest_job;
  const limit = node.health?.limits?.oldestJob;
  const d = node.deliveries ?? {};
  const late = oldest && limit > 0 && oldest.seconds > limit;
  return panel('Queues', facts([
    ['Oldest job', oldest ? `a ${oldest.kind}, for ${wait(oldest.seconds * 1000)}${limit ? ` (alarm from ${wait(limit * 1000)})` : ''}` : 'none waits', late],
    ['Deliveries', `${d.pending ?? 0} pending, ${d.sent ?? 0} sent`], ['Set aside', `${d.parked ?? 0}`],
    ['Oldest pending', d.oldest_pending ? `since ${moment(d.oldest_pending, nodeNow())}` : 'none'],
  ]));
}

function objects(node) {
  const states = Object.entries(node.instances ?? {}).filter(([, n]) => n > 0).map(([name, n]) => `${n} ${spaced(name)}`).join(', ');
  const made = node.results ?? {};
  return panel('Objects', facts([
    ['Images', states || 'none'], ['Received again', `${node.duplicates ?? 0}`], ['Refused', `${node.refused ?? 0}`],
    ['Results', `${count(made.reports ?? 0, 'report')}, ${count(made.pictures ?? 0, 'picture')}`],
  ]));
}

function selftest(test) {
  if (!test) return panel('Self-test', make('p', null, 'There was none yet.'));
  return panel('Self-test', facts([
    ['Last', `${test.passed ? 'passed' : 'FAILED'}, ${moment(test.at, nodeNow())} (${test.cause})`, !test.passed],
    ...(test.passed ? [] : [['What', `${test.what}: ${test.detail}`, true]]),
    ['Models whose scores are not locked', `${test.unlocked_models ?? 0}`], ['Kernels', test.kernels], ['Build', test.build],
  ]));
}

// A chart that alarms, in words: "more than in the reference".
function drift(charts) {
  const on = Object.entries(charts).filter(([, chart]) => chart && typeof chart === 'object' && chart.alarm === true).map(([name]) => name);
  return on.length ? `ALARM: ${on.join(', ')} than in the reference` : '';
}

function rate(name, r) {
  if (!r) return [name, 'not known'];
  const alarm = drift(r);
  return [name, `${r.hits} of ${r.samples}; reference ${r.reference_hits} of ${r.reference}. ${alarm || (r.ready ? 'As in the reference.' : 'Too few to tell.')}`, alarm !== ''];
}

function watch(health) {
  const models = (health?.models ?? []).flatMap((m) => {
    const alarm = m.scores ? drift(m.scores) : '';
    return [rate(`Findings, model ${m.model.slice(0, 8)}`, m.flags),
      [`Scores, model ${m.model.slice(0, 8)}`, alarm || (m.scores?.ready ? 'As in the reference.' : 'Too few to tell.'), alarm !== '']];
  });
  return panel('As before?', facts([rate('Associations with a refusal', health?.refusals), rate('Studies not processed', health?.unprocessed), ...models]));
}

function stations(list) {
  if (!list?.length) return panel('Stations', make('p', null, 'None has sent a study yet.'));
  const rows = list.map((s) => make('tr', { class: s.alarm ? 'alarm' : null }, make('th', { scope: 'row' }, foreign(plain(s.station))),
    make('td', null, `${s.studies}`), make('td', null, moment(s.last_hour, nodeNow())),
    make('td', { class: 'text' }, !s.ready ? 'not known long enough' : s.alarm ? `SILENT for ${count(s.silent_hours, 'usual hour')}` : 'sends as usual')));
  const head = ['Station', 'Studies', 'Last, in the hour from', ''].map((words) => (words ? make('th', { scope: 'col' }, words) : make('td')));
  return panel('Stations', make('table', null, make('thead', null, make('tr', null, head)), make('tbody', null, rows)));
}

function audit(log) {
  const rows = [['Records', `${log?.records ?? 0}`]];
  if (log?.collector) {
    rows.push(['Collector', `${log.collector}: ${log.sent} sent`]);
    if (log.waiting_since) rows.push(['Waiting', `since ${moment(log.waiting_since, nodeNow())}`]);
    if (log.trouble) rows.push(['Trouble', log.trouble, true]);
  }
  return panel('Audit log', facts(rows));
}

function configuration(text) {
  if (!text) return null;
  return make('section', { class: 'panel wide' }, make('h2', null, 'Configuration in force'),
    make('pre', { tabindex: 0, role: 'region', 'aria-label': 'Configuration', dir: 'ltr' }, text));
}

class Node {
  constructor(main) {
    this.control = new AbortController();
    this.asOf = make('p', { class: 'as-of' }, 'Asking the node');
    this.content = make('div', { class: 'node-body' });
    this.at = 0;
    this.mode = may('admin') ? new Mode(() => this.load()) : null;
    main.append(this.asOf, ...(this.mode ? [this.mode.element] : []), this.content);
    this.off = [on('node', () => this.load()), onList(() => this.load())];
    this.timer = setInterval(() => this.tick(), 1000);
    this.load();
  }

  leave() {
    this.control.abort();
    clearInterval(this.timer);
    for (const off of this.off) off();
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    this.asked = Date.now();
    try {
      const node = await get('/node', { signal: this.control.signal });
      this.at = this.asked;
      this.failed = '';
      this.draw(node);
    } catch (error) {
      this.failed = error.message;
    }
    this.loading = false;
    this.tick();
  }

  tick() {
    if (this.control.signal.aborted) return;
    if (!this.loading && Date.now() - this.asked > EVERY) this.load();
    const old = Boolean(this.failed) || (this.at > 0 && Date.now() - this.at > OLD);
    this.asOf.classList.toggle('alarm', old);
    if (old) setText(this.asOf, `${this.at ? `This page may be old: since ${clockSeconds(new Date(this.at))}` : 'Nothing is known'} (${this.failed || 'the node does not answer'})`);
    else if (this.at) setText(this.asOf, `As of ${clockSeconds(new Date(this.at))}`);
  }

  // What is the same is not drawn anew: somebody may be reading in it.
  draw(node) {
    this.mode?.show(node.mode);
    const text = JSON.stringify(node);
    if (text === this.drawn) return;
    this.drawn = text;
    const scrolled = this.content.querySelector('pre')?.scrollTop ?? 0;
    this.content.replaceChildren(...[verdict(node), running(node), queues(node), objects(node), selftest(node.selftest), watch(node.health),
      stations(node.health?.stations), audit(node.audit), configuration(node.configuration)].filter(Boolean));
    const pre = this.content.querySelector('pre');
    if (pre) pre.scrollTop = scrolled;
  }
}

export function openNode(main) {
  const page = new Node(main);
  return { title: 'Node', leave: () => page.leave() };
}
