// overview.js: the node at a glance: whom it talks to, what waits, disk, self-test, processes, stations.
import { get, send } from './api.js';
import { button, foreign, make, redraw, say } from './dom.js';
import { bytes, facts, panel, table, told, widePanel, wordsOf } from './node_parts.js';
import { may } from './session.js';
import { nodeNow } from './source.js';
import { capital, count, mode, moment, plain, spaced, wait } from './words.js';

const LOOK = 1000;
const PATIENCE = 95000; // of an echo: the node gives up before

const since = (iso) => wait(nodeNow() - new Date(iso).getTime());
const port = (n) => (n > 0 ? String(n) : 'none');

// ---- peers ----

class Peers {
  constructor(signal, onLoad) {
    this.signal = signal;
    this.onLoad = onLoad;
    this.said = new Map(); // key -> { words, failed }
    this.list = make('div', null, 'Asking the node');
    this.element = widePanel('Peers', this.list);
    this.load();
  }

  async load() {
    try {
      this.peers = (await get('/node/peers', { signal: this.signal })).peers;
      this.draw();
      this.onLoad(this.peers);
    } catch (error) {
      if (!this.signal.aborted) redraw(this.list, make('p', { class: 'alarm' }, wordsOf(error)));
    }
  }

  find(peer) {
    return this.peers.find((p) => p.kind === peer.kind && p.name === peer.name);
  }

  // Asked; when the node has not answered at once, the answer stands with the peer later.
  async echo(peer) {
    const key = `${peer.kind}/${peer.name}`;
    const before = peer.echo?.at;
    this.tell(key, 'Asking', false);
    try {
      const path = key.split('/').map(encodeURIComponent).join('/');
      const { status } = await send('POST', `/node/peers/${path}/echo`);
      const end = Date.now() + PATIENCE;
      await this.load();
      while (status === 202 && !this.signal.aborted && Date.now() < end && this.find(peer)?.echo?.at === before) {
        await new Promise((done) => setTimeout(done, LOOK));
        await this.load();
      }
      const echo = this.find(peer)?.echo;
      if (!this.signal.aborted) this.tell(key, echo && echo.at !== before ? `Now: ${plain(echo.answer)}` : 'No answer yet', !(echo?.good && echo.at !== before));
    } catch (error) {
      if (!this.signal.aborted) this.tell(key, wordsOf(error), error.status !== 429);
    }
  }

  tell(key, words, failed) {
    this.said.set(key, { words, failed });
    this.draw();
    say(`Echo of ${key}: ${words}`);
  }

  row(peer) {
    const key = `${peer.kind}/${peer.name}`;
    const said = this.said.get(key) ?? (peer.echo ? { words: `${moment(peer.echo.at, nodeNow())}: ${plain(peer.echo.answer)}`, failed: false } : null);
    const byEcho = peer.echo && peer.echo.at === peer.last_failure; // said there already
    const who = make('span', null, make('strong', null, foreign(plain(peer.name))), make('span', { class: 'soft' }, ` ${plain(peer.way)}${peer.address ? `, ${plain(peer.address)}` : ''}`));
    const failure = !peer.last_failure ? 'none' : byEcho ? `${moment(peer.last_failure, nodeNow())}, by echo` : `${moment(peer.last_failure, nodeNow())}: ${plain(peer.why)}`;
    const act = may('admin') ? button('Echo', () => this.echo(peer), { 'data-key': `echo ${key}`, 'aria-label': `Echo ${peer.name}` }) : null;
    const short = (words) => make('td', null, words);
    return { alarm: peer.failing, cells: [who, short(peer.failing ? 'FAILING' : peer.last_success ? 'works' : 'not used yet'),
      short(peer.last_success ? moment(peer.last_success, nodeNow()) : 'never'), foreign(failure), short(peer.waiting_since ? `for ${since(peer.waiting_since)}` : 'nothing'),
      make('td', { class: 'text' }, act, said ? make('span', { class: said.failed ? 'said alarm' : 'said' }, said.words) : null)] };
  }

  draw() {
    if (!this.peers?.length) return void redraw(this.list, make('p', null, 'None is configured: results stay on this node.'));
    redraw(this.list, table(['Peer', 'State', 'Last success', 'Last failure', 'Waits for it', 'Echo'], this.peers.map((p) => this.row(p)), { look: 'peers' }));
  }
}

// ---- the rest ----

function queues(node) {
  const oldest = node.health?.oldest_job;
  const limit = node.health?.limits?.oldestJob;
  const d = node.deliveries ?? {};
  const late = oldest && limit > 0 && oldest.seconds > limit;
  const waited = (queue) => {
    const seconds = node.health?.waits_seconds?.[queue];
    return typeof seconds === 'number' ? `, the oldest for ${wait(seconds * 1000)}` : '';
  };
  const aside = (node.quarantined ?? 0) + (d.parked ?? 0);
  const link = make('a', { href: '#/node/set-aside', 'data-key': 'set-aside' }, aside ? `${count(node.quarantined ?? 0, 'object')}, ${d.parked ?? 0} refused for good` : 'nothing');
  return panel('Queues', facts([
    ['Oldest job', oldest ? `${capital(oldest.kind)}, for ${wait(oldest.seconds * 1000)}${limit ? ` (alarm from ${wait(limit * 1000)})` : ''}` : 'none waits', late],
    ['To be judged', `${node.instances?.received ?? 0}${waited('object')}`], ['Reports to be made', waited('report').slice(2) || 'none'],
    ['To be sent', `${d.pending ?? 0}${d.oldest_pending ? `, the oldest for ${since(d.oldest_pending)}` : ''}`], ['Sent', `${d.sent ?? 0}`],
    ['News to be told', waited('news').slice(2) || 'none'],
    ['Set aside', may('admin') ? link : `${aside}`],
  ]));
}

// The bar shows what is taken, and where the reserve begins; the words say the same.
function disk(d) {
  if (!d?.size) return panel('Disk', make('p', null, 'Its size is not known.'));
  const used = make('span', { class: 'fill' });
  const mark = make('span', { class: 'mark' });
  used.style.width = `${100 * (1 - d.free / d.size)}%`;
  mark.style.left = `${100 * Math.max(0, 1 - d.reserve / d.size)}%`;
  const full = d.free < d.reserve;
  const keep = d.retention ?? {};
  return panel('Disk', make('span', { class: 'bar whole', 'aria-hidden': 'true' }, used, mark), facts([
    ['Free', `${bytes(d.free)} of ${bytes(d.size)}${full ? ': no image is taken' : ''}`, full], ['Images stop below', bytes(d.reserve)],
    ['The node keeps', `${bytes(d.objects)} of images, ${bytes(d.results)} of results${keep.space ? `, ${bytes(keep.space)} at most` : ''}`],
    ['For', `${count(keep.objects, 'day')} images, ${keep.results} results, ${keep.quarantine} refused`],
  ]));
}

const CAUSES = { start: 'at start', upgrade: 'after an upgrade', daily: 'daily', again: 'again, after a failure', order: 'ordered' };

class Selftest {
  constructor(signal, reload) {
    this.signal = signal;
    this.said = make('p', { role: 'status' });
    this.reload = reload;
    this.box = make('div');
    this.element = panel('Self-test', this.box, may('admin') ? make('p', { class: 'acts' }, button('Run it now', () => this.run(), { 'data-key': 'selftest' }), this.said) : null);
  }

  async run() {
    told(this.said, 'It runs.', false);
    try {
      const before = this.at;
      await send('POST', '/node/selftest');
      for (let tries = 0; tries < 60 && this.at === before && !this.signal.aborted; tries++) {
        await new Promise((done) => setTimeout(done, LOOK));
        await this.reload();
      }
      if (this.signal.aborted) return;
      told(this.said, this.at !== before ? 'It has run: see above.' : 'No result yet: is the role analyze running?', this.at === before);
    } catch (error) {
      told(this.said, wordsOf(error), error.status !== 429);
    }
  }

  draw(test) {
    this.at = test?.at;
    redraw(this.box, test ? facts([
      ['Last', `${test.passed ? 'passed' : 'FAILED'}, ${moment(test.at, nodeNow())} (${CAUSES[test.cause] ?? plain(test.cause)})`, !test.passed],
      test.passed ? null : ['What', `${test.what}: ${test.detail}`, true],
      ['Scores', test.unlocked_models ? `of ${count(test.unlocked_models, 'model')} not locked: cervigate selftest --lock` : 'are the locked ones'],
      ['Kernels', test.kernels],
    ]) : make('p', null, 'There was none yet.'));
  }
}

function roles(list) {
  return panel('Processes', table(['Role', 'Up for', 'Died by itself'], (list ?? []).map((role) => ({
    alarm: !role.since, cells: [plain(role.name), role.since ? since(role.since) : 'DOES NOT RUN', role.died ? `${role.died} ×` : 'never'] }))));
}

function stations(list) {
  if (!list?.length) return panel('Stations', make('p', null, 'None has sent a study yet.'));
  return panel('Stations', table(['Station', 'Studies', 'Last, in the hour from', ''], list.map((s) => ({
    alarm: s.alarm, cells: [foreign(plain(s.station)), `${s.studies}`, moment(s.last_hour, nodeNow()),
      !s.ready ? 'not known long enough' : s.alarm ? `SILENT for ${count(s.silent_hours, 'usual hour')}` : 'sends as usual'] }))));
}

function program(node) {
  const isolation = node.isolation ?? {};
  const states = Object.entries(node.instances ?? {}).filter(([, n]) => n > 0).map(([name, n]) => `${n} ${spaced(name)}`).join(', ');
  const log = node.audit ?? {};
  return panel('Program', facts([
    ['Mode', mode(node.mode)], ['Version', node.version],
    ['Ports', `DICOM ${port(node.dicom_port)}, TLS ${port(node.tls_port)}, console ${port(node.console_port)}`],
    ['Isolation', `${isolation.seccomp ? 'seccomp' : 'no seccomp'}, ${isolation.landlock > 0 ? 'Landlock' : 'no Landlock in this kernel'}`],
    ['Images', states || 'none'], ['Received again', `${node.duplicates ?? 0}; refused ${node.refused ?? 0}`],
    ['Results', `${count(node.results?.reports ?? 0, 'report')}, ${count(node.results?.pictures ?? 0, 'picture')}`],
    ['Audit log', `${count(log.records ?? 0, 'record')}${log.collector ? `; ${log.sent} at ${log.collector}` : ''}`, Boolean(log.trouble)],
    log.trouble ? ['Collector', log.trouble, true] : null,
  ]));
}

// One line that tells where to look.
function glance(node, peers) {
  const failing = (peers ?? []).filter((p) => p.failing).length;
  const oldest = node.health?.oldest_job;
  const late = Boolean(oldest) && oldest.seconds > (node.health?.limits?.oldestJob ?? Infinity);
  const down = (node.roles ?? []).filter((r) => !r.since);
  const died = (node.roles ?? []).reduce((sum, r) => sum + r.died, 0);
  const d = node.disk ?? {};
  const aside = (node.quarantined ?? 0) + (node.deliveries?.parked ?? 0);
  const test = node.selftest;
  const items = [
    ['Peers', !peers ? 'asking' : !peers.length ? 'none' : failing ? `${failing} of ${peers.length} failing` : 'none failing', failing > 0],
    ['Oldest job', oldest ? wait(oldest.seconds * 1000) : 'none waits', late],
    ['Disk free', d.size ? `${Math.floor((100 * d.free) / d.size)} %` : 'not known', d.free < d.reserve],
    ['Self-test', !test ? 'none yet' : `${test.passed ? 'passed' : 'FAILED'} ${moment(test.at, nodeNow())}`, test ? !test.passed : false],
    ['Processes', down.length ? `${down.map((r) => r.name).join(', ')} DOWN` : died ? `up; died ${died} ×` : 'all up', down.length > 0],
    ['Set aside', aside ? `${aside}` : 'nothing', false],
  ];
  return items.map(([name, words, alarm]) => make('li', { class: alarm ? 'alarm' : null }, make('span', { class: 'name' }, name), ' ', make('strong', null, plain(words))));
}

export class Overview {
  constructor(signal, reload) {
    this.glance = make('ul', { class: 'glance wide', 'aria-label': 'At a glance' });
    this.peers = new Peers(signal, () => this.drawGlance());
    this.selftest = new Selftest(signal, reload);
    this.left = make('div', { class: 'columns' });
    this.queues = make('div');
    this.disk = make('div');
    this.roles = make('div');
    this.rest = make('div');
    this.element = make('div', { class: 'node-body' }, this.glance, this.peers.element, this.queues, this.disk, this.selftest.element, this.roles, this.rest, this.left);
  }

  drawGlance() {
    if (this.node) redraw(this.glance, glance(this.node, this.peers.peers));
  }

  draw(node) {
    this.node = node;
    this.drawGlance();
    redraw(this.queues, queues(node));
    redraw(this.disk, disk(node.disk));
    this.selftest.draw(node.selftest);
    redraw(this.roles, roles(node.roles));
    redraw(this.rest, stations(node.health?.stations));
    redraw(this.left, program(node));
    this.peers.load();
  }
}
