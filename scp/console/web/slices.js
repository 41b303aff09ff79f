// slices.js: the images of a study as they are chosen from: one button each, and one for a series of many slices, with a slider in it.
import { button, make } from './dom.js';
import { count, plain, spaced } from './words.js';

const SLICES_LEAST = 4; // fewer images of a series stand by themselves

// [{ images }] in the order in which their first image came; a series of many by Instance Number.
export function grouped(images) {
  const sizes = new Map();
  for (const image of images) sizes.set(image.series, (sizes.get(image.series) ?? 0) + 1);
  const groups = new Map();
  for (const image of images) {
    const many = image.series && sizes.get(image.series) >= SLICES_LEAST;
    const key = many ? `s${image.series}` : `i${image.id}`;
    if (!groups.has(key)) groups.set(key, { images: [] });
    groups.get(key).images.push(image);
  }
  for (const group of groups.values()) group.images.sort((a, b) => a.number - b.number || a.id - b.id);
  return [...groups.values()];
}

export function imageWords(image, number) {
  return [`${number}`, plain(image.modality), plain(image.view), spaced(image.outcome || image.state)].filter(Boolean).join(' ');
}

function groupWords({ images }, number) {
  if (images.length === 1) return imageWords(images[0], number);
  const found = images.filter((image) => image.outcome === 'finding').length;
  return [`${number}`, plain(images[0].modality), count(images.length, 'slice'), found ? `${found} with a finding` : ''].filter(Boolean).join(', ');
}

export class Chooser {
  // choose: called with the id of an image.
  constructor(choose) {
    this.choose = choose;
    this.groups = [];
    this.buttons = make('div', { class: 'images', role: 'group', 'aria-label': 'Images' });
    this.slider = make('input', { type: 'range', min: 1, step: 1 });
    this.slider.addEventListener('input', () => this.choose(this.group.images[this.slider.value - 1].id));
    this.words = make('span');
    this.slices = make('label', { class: 'slices', hidden: true }, this.words, this.slider);
    this.element = make('div', null, this.buttons, this.slices);
  }

  // All images, in the order in which they are stepped through.
  get images() {
    return this.groups.flatMap((group) => group.images);
  }

  show(images) {
    this.groups = grouped(images);
    this.buttons.hidden = this.groups.length < 2;
    this.buttons.replaceChildren(...this.groups.map((group, i) => button(groupWords(group, i + 1),
      () => this.choose(group.images[0].id), { 'aria-pressed': 'false' })));
  }

  mark(id) {
    this.group = this.groups.find((group) => group.images.some((image) => image.id === id));
    [...this.buttons.children].forEach((element, i) => element.setAttribute('aria-pressed', String(this.groups[i] === this.group)));
    this.buttons.querySelector('[aria-pressed=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const many = this.group?.images ?? [];
    const at = many.findIndex((image) => image.id === id);
    this.slices.hidden = many.length < 2;
    this.slider.max = Math.max(1, many.length);
    this.slider.value = at + 1;
    this.words.textContent = `Slice ${at + 1} of ${many.length}`;
  }

  // "2 XC lateral finding", "Slice 3 of 40: CT finding"
  say(id) {
    const image = this.group.images.find((one) => one.id === id);
    const number = this.groups.indexOf(this.group) + 1;
    return this.group.images.length > 1 ? `${this.words.textContent}: ${imageWords(image, '').trim()}` : `Image ${imageWords(image, number)}`;
  }
}
