// viewer.js: one image of a study: its picture, and what can be done with it. Not a diagnostic viewer, and it says so.
import { getPicture } from './api.js';
import { button, make, say, setText } from './dom.js';
import { Hand } from './hand.js';
import { bind } from './keys.js';
import { Picture } from './picture.js';

const STEP = 40; // pixels of the screen that an arrow moves the picture
const WINDOW_STEP = 8;
const STRENGTH_STEP = 10;
const ZOOM_STEP = 1.25;

function slider(words, least, most, action) {
  const input = make('input', { type: 'range', min: least, max: most, step: 1 });
  input.addEventListener('input', () => action(Number(input.value)));
  return { input, label: make('label', null, make('span', null, words), input) };
}

export class Viewer {
  constructor(study) {
    this.study = study;
    this.canvas = make('canvas', {
      tabindex: 0, role: 'application', 'aria-roledescription': 'picture', 'aria-label': 'Picture of the image', 'aria-describedby': 'picture-state',
    });
    this.words = make('p', { class: 'over', role: 'status' });
    this.state = make('p', { id: 'picture-state' });
    this.picture = new Picture(this.canvas, () => this.told());
    this.hand = new Hand(this.canvas, this.picture);
    this.element = make('section', { class: 'viewer', 'aria-label': 'Picture' },
      make('div', { class: 'stage' }, this.canvas, this.words), this.tools(),
      make('div', { class: 'foot' },
        make('p', { class: 'disclaimer' }, make('strong', null, 'Not a diagnostic viewer.'), ' Read the study in the PACS.'), this.state));
    this.unbind = bind('Picture', this.keys());
    this.told();
  }

  close() {
    this.control?.abort();
    this.unbind();
    this.picture.close();
  }

  tools() {
    const { picture } = this;
    this.map = button('Map (M)', () => this.toggle(), { 'aria-pressed': 'false' });
    this.strength = slider('Strength of the map', 0, 100, (value) => this.setStrength(value));
    this.level = slider('Level', 0, 255, (value) => picture.setWindow(value, picture.width));
    this.width = slider('Window', 2, 512, (value) => picture.setWindow(picture.centre, value));
    this.controls = make('fieldset', { class: 'tools' }, make('legend', { class: 'unseen' }, 'Picture'),
      this.map, this.strength.label, this.width.label, this.level.label,
      make('span', { class: 'group' }, button('−', () => picture.zoom(1 / ZOOM_STEP), { 'aria-label': 'Smaller' }),
        button('+', () => picture.zoom(ZOOM_STEP), { 'aria-label': 'Larger' }), button('Whole', () => picture.fit()),
        button('1:1', () => picture.actual(), { 'aria-label': '1:1, one pixel to one pixel' }), button('Reset', () => picture.reset())));
    return this.controls;
  }

  keys() {
    const p = this.picture;
    const pan = (x, y) => () => p.pan(x * STEP, y * STEP);
    const window = (w, c) => () => p.setWindow(p.centre + c * WINDOW_STEP, p.width + w * WINDOW_STEP);
    return [
      { keys: ['m'], shown: 'M', words: 'the map, on and off', action: () => this.toggle() },
      { keys: ['s'], shown: 'S', words: 'a stronger map', action: () => this.setStrength(p.strength + STRENGTH_STEP) },
      { keys: ['a'], shown: 'A', words: 'a weaker map', action: () => this.setStrength(p.strength - STRENGTH_STEP) },
      { keys: ['+', '='], shown: '+', words: 'larger', action: () => p.zoom(ZOOM_STEP) },
      { keys: ['-'], shown: '-', words: 'smaller', action: () => p.zoom(1 / ZOOM_STEP) },
      { keys: ['f'], shown: 'F', words: 'the whole picture', action: () => p.fit() },
      { keys: ['1'], shown: '1', words: 'one pixel to one pixel', action: () => p.actual() },
      { keys: ['0'], shown: '0', words: 'window, place and map as at first', action: () => p.reset() },
      { keys: ['ArrowLeft'], shown: 'Arrows', words: 'look further left, right, up, down', action: pan(1, 0), when: this.whenCanvas },
      { keys: ['ArrowRight'], action: pan(-1, 0), when: this.whenCanvas },
      { keys: ['ArrowUp'], action: pan(0, 1), when: this.whenCanvas },
      { keys: ['ArrowDown'], action: pan(0, -1), when: this.whenCanvas },
      { keys: ['Shift+ArrowRight'], shown: 'Shift + ← →', words: 'narrower and wider window', action: window(1, 0) },
      { keys: ['Shift+ArrowLeft'], action: window(-1, 0) },
      { keys: ['Shift+ArrowUp'], shown: 'Shift + ↑ ↓', words: 'brighter and darker', action: window(0, -1) },
      { keys: ['Shift+ArrowDown'], action: window(0, 1) },
      { shown: 'Mouse', words: 'drag: window and level; with Shift or the middle button: move; wheel: zoom; double click: whole', keys: [] },
    ];
  }

  // Elsewhere the arrows scroll what has the focus.
  whenCanvas = () => document.activeElement === this.canvas || document.activeElement === document.getElementById('page');

  toggle() {
    if (!this.picture.source) return;
    if (!this.picture.hasMap()) return say('This picture has no map.');
    this.picture.setMap(!this.picture.mapOn);
    say(this.picture.mapOn ? 'Map on' : 'Map off');
  }

  // Who sets a strength wants to see it.
  setStrength(percent) {
    if (!this.picture.hasMap()) return;
    this.picture.setStrength(percent);
    if (!this.picture.mapOn) this.picture.setMap(true);
  }

  told() {
    const p = this.picture;
    const shown = p.source !== null;
    this.controls.disabled = !shown;
    this.map.disabled = this.strength.input.disabled = !(shown && p.hasMap());
    this.map.setAttribute('aria-pressed', String(p.mapOn));
    this.strength.input.value = p.strength;
    this.level.input.value = p.centre;
    this.width.input.value = p.width;
    if (!shown) return setText(this.state, '');
    const map = !p.hasMap() ? 'original, no map' : p.mapOn ? `map on, ${p.strength} %` : 'original, map off';
    setText(this.state, `${map}; window ${p.width}, level ${p.centre}; ${Math.round(p.scale * 100)} %`);
  }

  // image: of the study's answer, or null.
  async show(image) {
    this.control?.abort();
    this.control = new AbortController();
    const { signal } = this.control;
    this.picture.show(null);
    if (!image?.picture) return setText(this.words, image ? 'There is no picture of this image.' : 'There is no image.');
    setText(this.words, 'The picture is coming');
    try {
      const picture = await getPicture(this.study, image.id, signal);
      if (signal.aborted) return;
      this.picture.show(picture);
      setText(this.words, '');
    } catch (error) {
      if (!signal.aborted) setText(this.words, `No picture: ${error.message}.`);
    }
  }
}
