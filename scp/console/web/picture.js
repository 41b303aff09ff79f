// picture.js: the raw picture on a canvas. The node gives the original and, beside it, the same with the map; what is shown is
// window(original + strength * (with the map - original)), so that at full strength, and without a window of one's own, it is the
// node's picture bit by bit, and without the map the original.
//
// Lengths are in pixels of the canvas, which are those of the screen.

const ZOOM_MOST = 16;
const WINDOW_LEAST = 2;
const WHOLE = { centre: 128, width: 256 };

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export class Picture {
  // onChange: called when the window, the zoom or the map changed.
  constructor(canvas, onChange) {
    Object.assign(this, { canvas, onChange, source: null, mapOn: false, strength: 100, ...WHOLE, scale: 1, x: 0, y: 0, fitted: true });
    this.context = canvas.getContext('2d', { alpha: false });
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(canvas);
  }

  close() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
    this.source = this.pixels = null;
  }

  // picture: as api.getPicture gives it, or null.
  show(picture) {
    this.source = picture;
    this.mapOn = false;
    Object.assign(this, WHOLE);
    if (picture) {
      this.copy = new OffscreenCanvas(picture.source, picture.rows);
      this.pixels = new ImageData(picture.source, picture.rows);
      this.fit();
    }
    this.render(true);
  }

  hasMap() {
    return this.source !== null && this.source.columns >= 2 * this.source.source;
  }

  setMap(on) {
    this.mapOn = on && this.hasMap();
    this.render(true);
  }

  setStrength(percent) {
    this.strength = clamp(percent, 0, 100);
    this.render(true);
  }

  setWindow(centre, width) {
    this.width = Math.round(clamp(width, WINDOW_LEAST, 512));
    this.centre = Math.round(clamp(centre, 0, 255));
    this.render(true);
  }

  // PS3.3 C.11.2.1.2.1 with 256 grey values; the whole window changes nothing.
  table() {
    const { centre, width } = this;
    const grey = new Uint8ClampedArray(256);
    for (let i = 0; i < 256; i++) {
      grey[i] = width === WHOLE.width && centre === WHOLE.centre ? i : ((i - (centre - 0.5)) / (width - 1) + 0.5) * 255;
    }
    return grey;
  }

  paint() {
    const { bytes, rows, columns, source } = this.source;
    const out = this.pixels.data;
    const grey = this.table();
    const share = this.mapOn ? Math.round(this.strength * 2.56) : 0;
    const apart = (columns - source) * 3; // the map's half is the last one
    for (let y = 0, to = 0; y < rows; y++) {
      for (let from = y * columns * 3, end = from + source * 3; from < end; from += 3, to += 4) {
        for (let c = 0; c < 3; c++) {
          const plain = bytes[from + c];
          out[to + c] = grey[share ? plain + (((bytes[from + apart + c] - plain) * share) >> 8) : plain];
        }
        out[to + 3] = 255;
      }
    }
    this.copy.getContext('2d').putImageData(this.pixels, 0, 0);
  }

  // At most once a frame. painted: the pixels have changed, and not only their place.
  render(painted) {
    this.stale ||= painted;
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
    this.onChange(this);
  }

  draw() {
    const { context, canvas, scale } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.source) return;
    if (this.stale) this.paint();
    this.stale = false;
    context.setTransform(scale, 0, 0, scale, Math.round(this.x), Math.round(this.y));
    context.imageSmoothingEnabled = scale < 1;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.copy, 0, 0);
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight].map((n) => Math.max(1, Math.round(n * ratio)));
    const [dx, dy] = [(width - this.canvas.width) / 2, (height - this.canvas.height) / 2];
    if (dx === 0 && dy === 0) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.x += dx;
    this.y += dy;
    if (this.fitted) this.fit();
    // A canvas that took another size is empty: not only in the next frame.
    this.draw();
  }

  fitScale() {
    return Math.min(this.canvas.width / this.source.source, this.canvas.height / this.source.rows);
  }

  centreOn(scale) {
    this.scale = scale;
    this.x = (this.canvas.width - this.source.source * scale) / 2;
    this.y = (this.canvas.height - this.source.rows * scale) / 2;
    this.render(false);
  }

  fit() {
    if (!this.source) return;
    this.fitted = true;
    this.centreOn(this.fitScale());
  }

  // One pixel of the picture is one of the screen.
  actual() {
    if (!this.source) return;
    this.fitted = false;
    this.centreOn(1);
  }

  // The point (x, y) of the canvas stays where it is.
  zoom(by, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    if (!this.source) return;
    const scale = clamp(this.scale * by, Math.min(this.fitScale(), 1) / 2, ZOOM_MOST);
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.keepInSight();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.keepInSight();
  }

  // The middle of the canvas always shows some of the picture.
  keepInSight() {
    if (!this.source) return;
    const [mx, my] = [this.canvas.width / 2, this.canvas.height / 2];
    this.x = clamp(this.x, mx - this.source.source * this.scale, mx);
    this.y = clamp(this.y, my - this.source.rows * this.scale, my);
    this.render(false);
  }

  reset() {
    Object.assign(this, WHOLE);
    this.setMap(false);
    this.fit();
  }
}
