// try.js: an image that somebody has is judged and shown; nothing of it stays on the node, and nothing of it stays here when the page is
// left. By dropping a file, by choosing one, by keys alone.
import { get, isFault, sendFile } from './api.js';
import { button, foreign, make, say, setText } from './dom.js';
import { bind } from './keys.js';
import { scores } from './panels.js';
import { capital, plain } from './words.js';

const KINDS = ['application/dicom', 'image/png', 'image/jpeg'];
const ACCEPT = ['.dcm', '.dicom', '.png', '.jpg', '.jpeg', ...KINDS].join(',');
const MEGA = 1 << 20;

const megabytes = (bytes) => (bytes < MEGA ? `${Math.ceil(bytes / 1024)} KB` : `${Math.floor(bytes / MEGA)} MB`);

// What is dropped beside its place must not take the page's.
function keepFiles(event) {
  if (event.dataTransfer?.types.includes('Files')) event.preventDefault();
}

class Try {
  constructor(main) {
    this.main = main;
    this.most = 0;
    this.file = make('input', { type: 'file', accept: ACCEPT, class: 'unseen', tabindex: -1, 'aria-hidden': 'true' });
    this.file.addEventListener('change', () => this.take(this.file.files));
    this.choose = button('Choose a file (O)', () => this.file.click());
    this.stop = button('Stop (Esc)', () => this.leaveOff(), { hidden: true });
    this.bar = make('progress', { hidden: true, 'aria-label': 'How much of the file is on the node' });
    this.words = make('p', { class: 'doing', role: 'status' });
    this.limits = make('p', { class: 'soft' });
    this.zone = make('div', { class: 'zone' }, make('p', { class: 'invite' }, 'Drop a DICOM, PNG or JPEG image of a lateral cervical spine here'),
      make('p', { class: 'acts' }, this.choose, this.stop, this.file), this.bar, this.words, this.limits);
    this.result = make('div', { class: 'tried', hidden: true });
    main.append(make('div', { class: 'try-head' }, make('h1', null, 'Try an image'),
      make('p', { class: 'research-banner' }, make('strong', null, 'RESEARCH'), ': not for diagnosis')), this.zone, this.result);
    this.off = bind('Try an image', [
      { keys: ['o'], shown: 'O', words: 'choose a file', action: () => this.file.click(), when: () => !this.choose.disabled },
      { keys: ['Escape'], shown: 'Esc', words: 'stop', action: () => this.leaveOff() },
    ]);
    for (const name of ['dragover', 'drop']) window.addEventListener(name, keepFiles);
    this.zone.addEventListener('dragenter', () => this.zone.classList.add('target'));
    this.zone.addEventListener('dragleave', (event) => { if (!this.zone.contains(event.relatedTarget)) this.zone.classList.remove('target'); });
    this.zone.addEventListener('drop', (event) => {
      this.zone.classList.remove('target');
      this.take(event.dataTransfer.files);
    });
    this.ask();
  }

  leave() {
    this.left = true;
    this.control?.abort();
    this.forget();
    this.off();
    for (const name of ['dragover', 'drop']) window.removeEventListener(name, keepFiles);
  }

  forget() {
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = null;
    this.result.hidden = true;
    this.result.replaceChildren();
  }

  async ask() {
    try {
      const about = await get('/try');
      if (this.left) return;
      this.most = about.most;
      this.choose.disabled = !about.allowed;
      setText(this.limits, `Up to ${megabytes(about.most)}. The node judges the file and discards it: nothing is stored, nothing is sent.`);
      if (!about.allowed) this.tell(`Not now: ${plain(about.why)}.`, false);
    } catch (error) {
      if (!this.left) this.tell(`Nothing can be tried: ${error.message}.`, true);
    }
  }

  tell(words, failed) {
    this.words.classList.toggle('alarm', failed);
    setText(this.words, words);
  }

  leaveOff() {
    this.control?.abort();
  }

  take(files) {
    const [file] = files;
    if (this.control || this.choose.disabled || !file) return;
    this.forget();
    if (files.length > 1) this.tell('One image at a time: drop a single file.', false);
    else if (file.size === 0) this.tell('The file is empty.', false);
    else if (this.most > 0 && file.size > this.most) this.tell(`The file has ${Math.ceil(file.size / MEGA)} MB: more than ${megabytes(this.most)}.`, false);
    else this.run(file);
    this.file.value = '';
  }

  progress(sent, all) {
    this.bar.max = all;
    this.bar.value = sent;
    if (sent < all) return setText(this.words, `Sending: ${Math.floor((100 * sent) / all)} % of ${megabytes(all)}`);
    this.bar.removeAttribute('value'); // how long judging takes is not known
    setText(this.words, 'The node has the file and judges it');
  }

  async run(file) {
    this.control = new AbortController();
    this.choose.disabled = true;
    this.stop.hidden = this.bar.hidden = false;
    this.tell('Sending', false);
    const held = document.activeElement === this.choose || document.activeElement === document.body;
    if (held) this.stop.focus();
    try {
      const answer = await sendFile('/try', file, KINDS.includes(file.type) ? file.type : 'application/octet-stream',
        { signal: this.control.signal, onProgress: (sent, all) => this.progress(sent, all) });
      if (!this.left) this.show(file, answer);
    } catch (error) {
      if (!this.left) this.fail(error);
    }
    this.control = null;
    this.stop.hidden = this.bar.hidden = true;
    this.choose.disabled = false;
    if (!this.left && (held || document.activeElement === document.body)) this.choose.focus({ preventScroll: true });
  }

  fail(error) {
    if (this.control.signal.aborted) return this.tell('Stopped. The node has discarded the file.', false);
    this.tell(`${capital(plain(error.message))}.`, isFault(error));
  }

  show(file, answer) {
    const heading = make('h2', { tabindex: -1 }, 'Prediction: ', foreign(plain(answer.prediction)));
    const why = [answer.sentence, capital(plain(answer.reason))].filter(Boolean).join(' ');
    const kind = answer.kind === 'dicom' ? 'DICOM' : 'picture file';
    const about = answer.rows > 0 ? `, ${answer.columns} × ${answer.rows} pixels` : '';
    this.result.replaceChildren(make('div', { class: 'verdict-line' }, heading, make('p', { class: 'outcome' }, plain(why)),
      make('p', { class: 'soft' }, foreign(plain(file.name)), ` (${kind}${about}), judged and discarded.`)), scores(answer), ...this.picture(answer));
    this.result.hidden = false;
    this.zone.classList.add('small');
    this.tell('', false);
    say(`Prediction: ${plain(answer.prediction)}. ${plain(why)}`);
    heading.scrollIntoView({ block: 'nearest' });
  }

  // The node's own picture, RESEARCH within it: whoever copies it copies that, too.
  picture(answer) {
    if (!answer.picture) return [];
    const bytes = Uint8Array.from(atob(answer.picture), (c) => c.charCodeAt(0));
    this.address = URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
    const map = answer.outcome === 'no-finding' ? 'the image' : 'the image, beside it the image with the saliency map';
    return [make('figure', null, make('img', { src: this.address, alt: `RESEARCH picture: ${map}, and the model's scores` }),
      make('figcaption', { class: 'soft' }, answer.outcome === 'no-finding' ? '' : 'The map shows what the score depended on, not where an injury is. ',
        'Not a diagnostic viewer.'))];
  }
}

export function openTry(main) {
  const page = new Try(main);
  return { title: 'Try an image', leave: () => page.leave() };
}
