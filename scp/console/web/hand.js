// hand.js: mouse and fingers on a picture.
//
//   left button        window: right is wider, up is brighter
//   shift or middle    moves the picture
//   wheel              zooms, about the pointer
//   double click       the whole picture
//   one finger         moves it; two fingers move and zoom: what is between them stays there

const WHEEL = 1.0015;

export class Hand {
  constructor(canvas, picture) {
    Object.assign(this, { canvas, picture, fingers: new Map() });
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, (event) => this.fingers.delete(event.pointerId));
    canvas.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    canvas.addEventListener('dblclick', () => picture.fit());
  }

  // In pixels of the canvas.
  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / box.width;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  down(event) {
    if (event.button > 1) return;
    if (event.button === 1) event.preventDefault(); // else the browser scrolls
    this.canvas.setPointerCapture(event.pointerId);
    const moves = event.pointerType === 'touch' || event.button === 1 || event.shiftKey;
    this.fingers.set(event.pointerId, { ...this.place(event), moves });
  }

  move(event) {
    const finger = this.fingers.get(event.pointerId);
    if (!finger) return;
    const to = this.place(event);
    const [dx, dy] = [to.x - finger.x, to.y - finger.y];
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const apart = (p) => Math.hypot(p.x - other.x, p.y - other.y);
      this.picture.pan(dx / 2, dy / 2); // the middle between them
      if (apart(finger) > 1) this.picture.zoom(apart(to) / apart(finger), (to.x + other.x) / 2, (to.y + other.y) / 2);
    } else if (finger.moves) {
      this.picture.pan(dx, dy);
    } else {
      finger.width = (finger.width ?? this.picture.width) + dx / 2;
      finger.centre = (finger.centre ?? this.picture.centre) + dy / 2;
      this.picture.setWindow(finger.centre, finger.width);
    }
    Object.assign(finger, to);
  }

  wheel(event) {
    event.preventDefault();
    const { x, y } = this.place(event);
    const lines = event.deltaMode === 1 ? 40 : 1;
    this.picture.zoom(WHEEL ** (-event.deltaY * lines), x, y);
  }
}
