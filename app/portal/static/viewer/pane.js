// One picture on the screen: which frame, through which window, how large; and what is written on it.
// The image canvas has a pixel for each pixel of the frame, so that what is shown can be read back and compared.
import { keyOf } from "./dicomweb.js";
import { edges, minus, opposite, referenceLine } from "./geometry.js";
import { drawMeasures, drawScale } from "./measures.js";
import { drawOverlays, fillOverlay } from "./overlays.js";
import { fullRange, inUnits, isColour, paint, samplesOf } from "./pixels.js";

const AHEAD = 40;
const BEHIND = 12;

const element = (name, className, parent) => {
  const made = document.createElement(name);
  made.className = className;
  parent.append(made);
  return made;
};

export class Pane {
  // `told` is called with the pane when it shows something else.
  constructor(parent, frames, words, told) {
    Object.assign(this, { frames, words, told });
    this.root = element("div", "pane", parent);
    this.root.tabIndex = 0;
    this.root.setAttribute("role", "group");
    this.image = element("canvas", "image", this.root);
    this.image.setAttribute("role", "img");
    this.over = element("canvas", "over", this.root);
    this.over.setAttribute("aria-hidden", "true");
    this.corners = ["top-left", "top-right", "bottom-left", "bottom-right"].map((place) => element("p", `corner ${place}`, this.root));
    this.edges = ["right", "bottom", "left", "top"].map((place) => element("span", `edge at-${place}`, this.root));
    this.message = element("p", "message", this.root);
    this.message.setAttribute("role", "alert");
    this.measures = new Map();
    this.lines = [];
    this.empty();
    new ResizeObserver(() => this.place()).observe(this.root);
  }

  empty(text = "") {
    Object.assign(this, { stack: [], index: 0, title: "", frame: null, samples: null, wanted: null, opening: null });
    this.image.width = this.image.height = 1;
    this.say(text);
    this.reset();
    this.annotate();
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = !text;
  }

  reset() {
    Object.assign(this, { window: null, useTable: false, inverted: false, overlaid: true, zoom: 1, pan: [0, 0], turned: 0, mirrored: false });
    this.measures.clear();
    this.measuring = null;
    this.repaint();
  }

  async open(stack, title, index = 0) {
    this.empty();
    Object.assign(this, { stack, title });
    await this.show(index);
  }

  async show(index) {
    if (!this.stack.length) return;
    this.index = Math.min(Math.max(index, 0), this.stack.length - 1);
    const frame = this.stack[this.index];
    this.wanted = frame;
    this.measuring = null;
    const kept = this.frames.get(frame);
    if (kept) this.take(frame, kept);
    else this.annotate();
    const loading = kept ?? this.frames.load(frame);
    this.prefetch();
    if (kept) return;
    try {
      const data = await loading;
      if (this.wanted === frame) this.take(frame, data);
    } catch (error) {
      if (this.wanted !== frame || error.name === "AbortError") return;
      this.fail(error.isGone ? "gone" : error.status === 406 ? "not_shown" : "failed");
    }
  }

  // Says why this picture is not shown; its neighbours may be.
  fail(word) {
    this.image.width = this.image.height = 1;
    this.frame = null;
    this.say(this.words[word]);
    this.draw();
    this.annotate();
  }

  // The frames around this one: more of them in the direction in which one scrolls.
  prefetch() {
    const forward = this.index >= (this.before ?? 0);
    this.before = this.index;
    const found = [this.stack[this.index]];
    for (let step = 1; step <= AHEAD; step++) {
      const [next, last] = forward ? [this.index + step, this.index - step] : [this.index - step, this.index + step];
      found.push(this.stack[next]);
      if (step <= BEHIND) found.push(this.stack[last]);
    }
    this.frames.prefetch(this, found.filter(Boolean));
  }

  take(frame, data) {
    try {
      this.samples = samplesOf(frame, data);
      const first = !this.frame;
      this.frame = frame;
      this.say("");
      const { columns, rows } = frame;
      if (first || this.image.width !== columns || this.image.height !== rows) {
        Object.assign(this.image, { width: columns, height: rows });
        this.pixels = new ImageData(columns, rows);
      }
      this.repaint();
    } catch {
      this.fail("not_shown");
    }
  }

  // The window in use: chosen here, else the header's, else all values.
  get shownWindow() {
    if (this.window) return this.window;
    return this.frame.windows[0] ?? this.fullWindow();
  }

  fullWindow() {
    return fullRange(this.frame, this.samples);
  }

  repaint() {
    if (!this.frame) return;
    const colour = isColour(this.frame);
    const table = this.useTable || (!this.window && !this.frame.windows.length && Boolean(this.frame.tables.voi));
    this.look = { window: colour || table ? this.window : this.shownWindow, table, inverted: this.inverted };
    paint(this.frame, this.samples, this.look, this.pixels);
    if (this.overlaid) this.drawOverlays();
    this.image.getContext("2d").putImageData(this.pixels, 0, 0);
    this.image.dataset.shown = keyOf(this.frame);
    this.place();
    this.told(this);
  }

  // What is not there yet is drawn later.
  drawOverlays() {
    const { frame } = this;
    drawOverlays(frame, this.samples, this.pixels);
    const missing = frame.overlays.filter((one) => !one.asked);
    if (missing.length) Promise.all(missing.map((one) => fillOverlay(this.frames.root, one))).then(() => this.frame === frame && this.repaint(), () => {});
  }

  get scale() {
    const { rows, columns, aspect } = this.frame;
    const size = [columns, rows * aspect];
    const [wide, high] = this.turned % 2 ? size.reverse() : size;
    const fit = Math.min(this.root.clientWidth / wide, this.root.clientHeight / high) * this.zoom;
    return [this.mirrored ? -fit : fit, fit * aspect];
  }

  // From a pixel's middle to the screen, and back: mirrored first, then turned by quarters to the right.
  toScreen([x, y]) {
    const [wide, high] = this.scale;
    let place = [(x + 0.5 - this.frame.columns / 2) * wide, (y + 0.5 - this.frame.rows / 2) * high];
    for (let turn = 0; turn < this.turned; turn++) place = [-place[1], place[0]];
    return [place[0] + this.root.clientWidth / 2 + this.pan[0], place[1] + this.root.clientHeight / 2 + this.pan[1]];
  }

  toPixel([x, y]) {
    const [wide, high] = this.scale;
    let place = [x - this.root.clientWidth / 2 - this.pan[0], y - this.root.clientHeight / 2 - this.pan[1]];
    for (let turn = 0; turn < this.turned; turn++) place = [place[1], -place[0]];
    return [place[0] / wide + this.frame.columns / 2 - 0.5, place[1] / high + this.frame.rows / 2 - 0.5];
  }

  // The value under a pixel, in the modality's unit; null beside the image and for colours.
  valueAt([x, y]) {
    const [column, row] = [Math.round(x), Math.round(y)];
    if (!this.frame || isColour(this.frame)) return null;
    if (column < 0 || row < 0 || column >= this.frame.columns || row >= this.frame.rows) return null;
    return inUnits(this.frame)(this.samples[row * this.frame.columns + column]);
  }

  place() {
    if (!this.frame) return;
    const [corner, right, below] = [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]].map((point) => this.toScreen(point));
    this.image.style.transform = `matrix(${[...minus(right, corner), ...minus(below, corner), ...corner]})`;
    this.image.style.imageRendering = Math.abs(this.scale[0]) > 3 ? "pixelated" : "auto";
    this.draw();
    this.annotate();
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.root;
    this.over.width = clientWidth * ratio;
    this.over.height = clientHeight * ratio;
    if (!this.frame) return;
    const context = this.over.getContext("2d");
    context.scale(ratio, ratio);
    context.lineWidth = 1.5;
    context.strokeStyle = "#ffd54f";
    for (const other of this.lines) {
      const line = referenceLine(this.frame, other);
      if (!line) continue;
      context.beginPath();
      context.moveTo(...this.toScreen(line[0]));
      context.lineTo(...this.toScreen(line[1]));
      context.stroke();
    }
    drawScale(context, this);
    drawMeasures(context, this);
  }

  annotate() {
    const { frame, words, stack, index } = this;
    const shown = stack[index];
    const note = shown && this.noted?.(shown);
    this.corners[0].textContent = [this.title, note].filter(Boolean).join("\n");
    this.corners[1].textContent = stack.length ? `${index + 1} / ${stack.length}${this.wanted === frame ? "" : " …"}` : "";
    const look = frame && this.look;
    const window = look?.window ? `${words.center} ${Math.round(look.window.center)} ${words.width} ${Math.round(look.window.width)}` : "";
    const where = frame?.position ? `${words.position} ${frame.position.map((part) => part.toFixed(1)).join(", ")} mm` : "";
    const thick = frame?.thickness ? `${words.thickness} ${frame.thickness} mm` : "";
    this.corners[2].textContent = [window, look?.inverted ? words.inverted : "", this.probe ?? ""].filter(Boolean).join("\n");
    this.corners[3].textContent = [where, thick, frame?.laterality ?? ""].filter(Boolean).join("\n");
    const [right, bottom] = frame ? edges(frame) : ["", ""];
    const sides = [right, bottom, opposite(right), opposite(bottom)];
    if (this.mirrored) [sides[0], sides[2]] = [sides[2], sides[0]];
    this.edges.forEach((edge, side) => (edge.textContent = sides[(side + 4 - this.turned) % 4]));
    this.root.classList.toggle("rejected", Boolean(note?.startsWith("⊘")));
    const label = stack.length ? `${this.title}, ${words.image} ${index + 1} / ${stack.length}` : words.nothing;
    this.image.setAttribute("aria-label", label);
    this.root.setAttribute("aria-label", label);
  }
}
