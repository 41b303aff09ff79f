// study.js: one study: whose it is, the picture, what the models said, what became of it.
import { get, isFault } from './api.js';
import { button, foreign, make, say, setText } from './dom.js';
import { bind } from './keys.js';
import { Marks } from './marks.js';
import { place, report, results, scores, timeline } from './panels.js';
import { may } from './session.js';
import { Chooser } from './slices.js';
import { nodeNow, onList, source } from './source.js';
import { on } from './events.js';
import { age, birthDate, capital, moment, pacsAddress, personName, plain } from './words.js';
import { Verdict } from './verdict.js';
import { Viewer } from './viewer.js';

// A study whose results are on their way is asked for again, less and less often: each time is a look at a patient's data, which the
// node writes down.
const AGAIN_FIRST = 10000;
const AGAIN_MOST = 300000;

function fact(name, text, dir = true) {
  return make('div', null, make('dt', null, name), make('dd', null, dir ? foreign(text) : text));
}

function identity(study) {
  const p = study.patient ?? {};
  const born = [birthDate(p.birthDate), age(p.age), plain(p.sex)].filter(Boolean).join(', ');
  return make('div', { class: 'identity' },
    make('h1', null, foreign(personName(p.name) || 'No name')),
    make('dl', null, fact('ID', plain(p.id) || 'none'), fact('Born', born || 'unknown'), fact('Accession', plain(study.accession) || 'none'),
      fact('Study', [plain(study.description), moment(study.studyTime ?? study.place?.studyTime, nodeNow()), plain(study.station)].filter(Boolean).join(', ') || 'unknown')));
}

// Nothing is on its way.
function isSettled(study) {
  const results = study.results ?? [];
  return results.length > 0 && !(study.images ?? []).some((image) => image.state === 'received')
    && !results.some((result) => (result.deliveries ?? []).some((d) => d.state === 'pending'));
}

class Study {
  constructor(main, uid) {
    this.uid = uid;
    this.control = new AbortController();
    this.chosen = null;
    this.marks = new Marks(() => { this.later(); });
    this.head = make('div', { class: 'study-head' }, make('h1', { class: 'unseen' }, 'Study'));
    this.chooser = new Chooser((id) => this.choose(id));
    this.verdict = new Verdict(uid, () => this.later());
    this.told = make('div');
    this.panels = make('div', { class: 'panels', tabindex: 0, role: 'region', 'aria-label': 'Scores, report and what happened' }, this.verdict.element, this.told);
    this.note = make('p', { class: 'empty' }, 'Asking for the study');
    this.viewer = new Viewer(uid);
    this.whole = make('div', { class: 'study-body', hidden: true }, make('div', { class: 'left' }, this.chooser.element, this.viewer.element), this.panels);
    main.append(this.head, this.note, this.whole);
    this.off = [bind('Study', this.keys()), onList((list) => this.listed(list)), on('stream', (state) => { if (state === 'open') this.load(); })];
    this.again = AGAIN_FIRST;
    this.timer = setInterval(() => this.tick(), 1000);
    this.load();
  }

  leave() {
    this.control.abort();
    clearInterval(this.timer);
    for (const off of this.off) off();
    this.viewer.close();
  }

  keys() {
    return [
      { keys: ['Escape'], shown: 'Esc', words: 'back to the worklist', action: () => { location.hash = '#/worklist'; } },
      { keys: ['.', 'PageDown'], shown: '. or Page down', words: 'the next image', action: () => this.step(1), when: () => this.study?.images.length > 1 },
      { keys: [',', 'PageUp'], shown: ', or Page up', words: 'the image before', action: () => this.step(-1), when: () => this.study?.images.length > 1 },
      { keys: ['p'], shown: 'P', words: 'open the study in the PACS', action: () => this.openInPacs() },
      ...(may('reader') ? [
        { keys: ['x'], shown: 'X', words: 'mark the study as read, or put it back', action: () => this.mark() },
        { keys: ['z'], shown: 'Z', words: 'undo', action: () => this.marks.undo() },
        { keys: ['g'], shown: 'G', words: 'agree with the answer, or take that back', action: () => this.verdict.press(true) },
        { keys: ['d'], shown: 'D', words: 'disagree with it, or take that back', action: () => this.verdict.press(false) },
      ] : []),
    ];
  }

  openInPacs() {
    if (this.link) this.link.click();
    else say('No address of a PACS viewer is configured.');
  }

  mark() {
    const place = this.study?.place;
    if (!place || this.marks.mine.get(this.uid)?.endsWith('ing')) return;
    if (place.read) this.marks.unread(place);
    else this.marks.read(place);
  }

  tick() {
    if (!this.study) return;
    this.drawStanding();
    if (Date.now() - this.asked < this.again || isSettled(this.study)) return;
    this.again = Math.min(AGAIN_MOST, this.again * 2);
    this.load();
  }

  // The list has come: is the study's place another than it was?
  listed(list) {
    const entry = list.entries.find((one) => one.study === this.uid);
    const place = this.study?.place;
    const was = place && !place.read ? place.changed : undefined;
    if (this.study && entry?.changed !== was) this.load();
  }

  // Not while it is asked for.
  later() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.load(), 200);
  }

  async load() {
    if (this.loading) return;
    this.loading = true;
    this.asked = Date.now();
    try {
      const study = await get(`/studies/${encodeURIComponent(this.uid)}`, { signal: this.control.signal });
      if (!this.marks.mine.get(this.uid)?.endsWith('ing')) this.marks.mine.delete(this.uid);
      this.draw(study);
    } catch (error) {
      if (!this.control.signal.aborted) this.fail(error);
    }
    this.loading = false;
  }

  fail(error) {
    this.note.hidden = false;
    this.note.classList.toggle('alarm', isFault(error));
    const words = error.status === 404 ? 'The node has no such study.'
      : isFault(error) ? `What is shown of this study may be old: ${error.message}.` : `${capital(error.message)}.`;
    if (this.note.textContent !== words) say(words);
    setText(this.note, words);
  }

  draw(study) {
    this.note.hidden = true;
    this.whole.hidden = false;
    const text = JSON.stringify(study);
    const same = text === this.drawn;
    this.drawn = text;
    this.study = study;
    if (same) return;
    this.again = AGAIN_FIRST;
    this.drawHead(study);
    this.drawStanding();
    this.drawImages(study);
    this.drawPanels();
  }

  drawHead(study) {
    const address = study.viewer ? pacsAddress(study.viewer, this.uid) : null;
    this.link = address ? make('a', { href: address, target: '_blank', rel: 'noopener noreferrer' }, 'Open in the PACS (P)') : null;
    this.standing = make('div');
    const acts = make('p', { class: 'acts' }, this.link);
    if (may('reader') && study.place) acts.append(button(study.place.read ? 'Put back on the list (X)' : 'Mark as read (X)', () => this.mark()));
    const held = this.head.contains(document.activeElement);
    this.head.replaceChildren(study.research ? make('p', { class: 'research-banner' }, make('strong', null, 'RESEARCH'), ': not for diagnosis') : '',
      identity(study), make('div', { class: 'standing-line' }, this.standing, this.marks.element, acts));
    if (held) document.getElementById('page').focus({ preventScroll: true });
  }

  // It says how long the study waits.
  drawStanding() {
    const at = (source.list?.entries ?? []).findIndex((entry) => entry.study === this.uid);
    const now = place(this.study.place, at + 1, nodeNow());
    if (this.standing.textContent !== now.textContent) this.standing.replaceChildren(now);
  }

  drawImages(study) {
    const images = study.images ?? [];
    this.chooser.show(images);
    if (images.some((image) => image.id === this.chosen)) this.chooser.mark(this.chosen);
    else this.choose(this.chooser.images[0]?.id ?? null);
  }

  image() {
    return this.study.images?.find((image) => image.id === this.chosen) ?? null;
  }

  choose(id) {
    this.chosen = id;
    this.viewer.show(this.image());
    this.chooser.mark(id);
    if (this.told.firstChild) this.drawPanels();
  }

  step(by) {
    const { images } = this.chooser;
    const at = images.findIndex((image) => image.id === this.chosen);
    const to = images[Math.min(images.length - 1, Math.max(0, at + by))];
    if (to.id === this.chosen) return;
    this.choose(to.id);
    say(this.chooser.say(to.id));
  }

  drawPanels() {
    const top = this.panels.scrollTop;
    this.verdict.show(this.study.verdict, (this.study.report ?? []).length > 0, nodeNow());
    this.told.replaceChildren(scores(this.image()), report(this.study.report), timeline(this.study.timeline, nodeNow()),
      results(this.study.results, nodeNow()));
    this.panels.scrollTop = top;
  }
}

export function openStudy(main, uid) {
  const page = new Study(main, uid);
  return { title: 'Study', leave: () => page.leave() };
}
