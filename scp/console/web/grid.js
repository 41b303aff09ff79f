// grid.js: a list of ten thousand rows of which the page holds those that are in sight, and the one that has the focus.
//
// Every row has the same height, which the style sheet gives (--row); a row stands at its index times that. A row's element stays with
// its study for as long as it is in sight: it moves with it, and so does the focus; then it serves another. For a screen reader it is a
// grid that says how many rows there are and which this one is.
import { make } from './dom.js';

const BEYOND = 8; // rows drawn above and below what is in sight

// columns: [{ name, words }]; newRow() gives { element, ... }, fill(row, entry, index) writes what has changed in it.
export class Grid {
  constructor({ label, columns, newRow, fill, onMove }) {
    Object.assign(this, { newRow, fill, onMove, entries: [], index: new Map(), rows: new Map(), current: null, height: 34 });
    const head = columns.map((c) => make('span', { role: 'columnheader', class: c.name }, c.words));
    this.head = make('div', { class: 'head', role: 'rowgroup' }, make('div', { role: 'row', class: 'row', 'aria-rowindex': 1 }, head));
    this.body = make('div', { class: 'rows' });
    this.element = make('div', { class: 'grid', role: 'grid', 'aria-label': label }, this.head,
      make('div', { role: 'rowgroup' }, this.body));
    this.element.addEventListener('scroll', () => this.later(), { passive: true });
    this.body.addEventListener('focusin', (event) => this.took(event.target));
    this.watch = new ResizeObserver(() => { this.measure(); this.later(); });
    this.watch.observe(this.element);
  }

  close() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }

  measure() {
    this.height = parseFloat(getComputedStyle(this.element).getPropertyValue('--row')) || 34;
    this.body.style.height = `${this.entries.length * this.height}px`;
  }

  // The rows take this order.
  show(entries) {
    this.entries = entries;
    this.index = new Map(entries.map((entry, i) => [entry.study, i]));
    this.element.setAttribute('aria-rowcount', entries.length + 1);
    if (!this.index.has(this.current)) this.current = null;
    this.measure();
    this.draw();
  }

  later() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  // Indices of the rows to be there, in order.
  wanted() {
    const top = Math.max(0, Math.floor(this.element.scrollTop / this.height) - BEYOND);
    const end = Math.min(this.entries.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.height) + BEYOND);
    const indices = Array.from({ length: Math.max(0, end - top) }, (_, i) => top + i);
    const focused = this.index.get(this.focused()) ?? this.index.get(this.current);
    if (focused !== undefined && focused < top) indices.unshift(focused);
    if (focused !== undefined && focused >= end) indices.push(focused);
    return indices;
  }

  draw() {
    const held = this.element.contains(document.activeElement) ? document.activeElement : null;
    const rows = new Map();
    const wanted = this.wanted();
    const stay = new Set(wanted.map((index) => this.entries[index].study));
    const free = [...this.rows].filter(([study]) => !stay.has(study)).map(([, row]) => row);
    for (const row of free) row.element.remove();
    let next = this.body.firstChild;
    for (const index of wanted) {
      const entry = this.entries[index];
      const row = this.rows.get(entry.study) ?? free.pop() ?? this.newRow();
      row.element.dataset.study = entry.study;
      if (row.index !== index) {
        row.index = index;
        row.element.setAttribute('aria-rowindex', index + 2);
        row.element.style.top = `${index * this.height}px`;
      } else if (row.height !== this.height) {
        row.element.style.top = `${index * this.height}px`;
      }
      row.height = this.height;
      this.fill(row, entry, index);
      this.setReachable(row, entry.study === (this.current ?? this.entries[0].study));
      if (row.element === next) next = next.nextSibling;
      else this.body.insertBefore(row.element, next);
      rows.set(entry.study, row);
    }
    this.rows = rows;
    // An element that is put elsewhere loses the focus, though it is the same one.
    if (held && held !== document.activeElement && this.element.contains(held)) held.focus({ preventScroll: true });
  }

  // Writes again what is in sight: waiting times, marks.
  refill() {
    for (const row of this.rows.values()) this.fill(row, this.entries[row.index], row.index);
  }

  // One row, and what is in it, is in the order of Tab; the arrows go to the others.
  setReachable(row, reachable) {
    const value = reachable ? 0 : -1;
    if (row.reachable === value) return;
    row.reachable = value;
    for (const element of [row.element, ...row.element.querySelectorAll('a, button')]) element.tabIndex = value;
  }

  // The study whose row has the focus, or null.
  focused() {
    return this.body.contains(document.activeElement) ? document.activeElement.closest('[data-study]')?.dataset.study ?? null : null;
  }

  took(target) {
    const study = target.closest('[data-study]')?.dataset.study;
    if (!study || study === this.current) return;
    this.current = study;
    for (const [other, row] of this.rows) this.setReachable(row, other === study);
    this.onMove?.(study);
  }

  // Into sight, below the head.
  reveal(index) {
    const top = index * this.height;
    const room = this.element.clientHeight - this.head.offsetHeight;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + this.height > this.element.scrollTop + room) this.element.scrollTop = top + this.height - room;
  }

  focus(study) {
    const index = this.index.get(study);
    if (index === undefined) return;
    this.current = study;
    this.reveal(index);
    this.draw();
    this.rows.get(study).element.focus({ preventScroll: true });
  }

  // The focus goes `by` rows on; from outside the list to the row where it was last.
  move(by) {
    if (this.entries.length === 0) return;
    const from = this.index.get(this.current);
    const enters = this.focused() === null || from === undefined;
    const to = Math.min(this.entries.length - 1, Math.max(0, enters ? from ?? 0 : from + by));
    this.focus(this.entries[to].study);
  }

  moveTo(index) {
    if (this.entries.length) this.focus(this.entries.at(index).study);
  }

  page() {
    return Math.max(1, Math.floor((this.element.clientHeight - this.head.offsetHeight) / this.height) - 1);
  }
}
