// Lengths, angles and areas drawn on a frame: they live as long as the page, and are stored nowhere.
import { keyOf } from "./dicomweb.js";
import { angle, distance } from "./geometry.js";
import { inUnits, isColour } from "./pixels.js";

export const POINTS = { length: 2, angle: 3, area: 2 };
const LENGTHS = [200, 100, 50, 20, 10, 5, 2, 1];

const measuresOf = (pane) => pane.measures.get(keyOf(pane.frame)) ?? [];

export const add = (pane, measure) => pane.measures.set(keyOf(pane.frame), [...measuresOf(pane), measure]);

// Middle and half axes of the ellipse between two corners.
const ellipse = ([[x, y], [u, v]]) => [(x + u) / 2, (y + v) / 2, Math.abs(u - x) / 2, Math.abs(v - y) / 2];

// Of the values in an ellipse.
export function statistics(frame, samples, points) {
  const [x, y, wide, high] = ellipse(points);
  const units = inUnits(frame);
  const found = [];
  for (let row = Math.max(0, Math.ceil(y - high)); row <= Math.min(frame.rows - 1, y + high); row++) {
    for (let column = Math.max(0, Math.ceil(x - wide)); column <= Math.min(frame.columns - 1, x + wide); column++) {
      if (((column - x) / wide) ** 2 + ((row - y) / high) ** 2 <= 1) found.push(units(samples[row * frame.columns + column]));
    }
  }
  const average = (of) => found.reduce((sum, one) => sum + of(one), 0) / found.length;
  const mean = average((one) => one);
  const ends = [Math.min, Math.max].map((end) => found.reduce((sum, one) => end(sum, one), found[0] ?? 0));
  return { mean, deviation: Math.sqrt(average((one) => (one - mean) ** 2)), ends, count: found.length };
}

const unit = (frame, words, power = "") =>
  frame.measured === "none" ? words.pixels : `mm${power}${frame.measured === "detector" ? ` (${words.at_detector})` : ""}`;

function areaOf(frame, points, words, samples) {
  const [, , wide, high] = ellipse(points);
  const size = `${(Math.PI * wide * high * frame.spacing[0] * frame.spacing[1]).toFixed(1)} ${unit(frame, words, "²")}`;
  if (!samples || isColour(frame)) return size;
  const { mean, deviation, ends, count } = statistics(frame, samples, points);
  const told = `${words.mean} ${mean.toFixed(1)} ± ${deviation.toFixed(1)} (${ends.map((end) => Number(end.toFixed(1))).join(" … ")}) ${frame.units}`;
  return count ? `${told}, ${size}` : size;
}

// What a measure says: `12.3 mm`, and whether its spacing is the patient's.
export function sizeOf(frame, { kind, points }, words, samples) {
  if (kind === "angle") return points.length < 3 ? "" : `${angle(frame, points).toFixed(1)}°`;
  if (kind === "area") return areaOf(frame, points, words, samples);
  return `${distance(frame, ...points).toFixed(1)} ${unit(frame, words)}`;
}

function trace(context, points) {
  context.beginPath();
  points.forEach((point, place) => (place ? context.lineTo(...point) : context.moveTo(...point)));
  context.stroke();
}

function write(context, text, x, y) {
  context.save();
  context.font = "13px system-ui, sans-serif";
  context.lineWidth = 3;
  context.strokeStyle = "#000";
  context.strokeText(text, x, y);
  context.fillText(text, x, y);
  context.restore();
}

export function drawMeasures(context, pane) {
  context.strokeStyle = context.fillStyle = "#4de1c1";
  for (const measure of [...measuresOf(pane), ...(pane.measuring ? [pane.measuring] : [])]) {
    const points = measure.points.map((point) => pane.toScreen(point));
    if (measure.kind === "area") {
      context.beginPath();
      context.ellipse(...ellipse(points), 0, 0, 2 * Math.PI);
      context.stroke();
    } else trace(context, points);
    for (const [x, y] of points) context.fillRect(x - 2, y - 2, 4, 4);
    const [x, y] = points.at(-1);
    write(context, sizeOf(pane.frame, measure, pane.words, pane.samples), x + 8, y - 6);
  }
}

// A bar of a round length, where lengths are known.
export function drawScale(context, { frame, scale, root, words }) {
  const each = Math.abs(scale[0]) / frame.spacing[1];
  const length = LENGTHS.find((one) => one * each < root.clientWidth / 4);
  if (frame.measured === "none" || !length) return;
  const [x, y] = [(root.clientWidth - length * each) / 2, root.clientHeight - 54];
  context.strokeStyle = context.fillStyle = "#dfe8ea";
  trace(context, [[x, y - 5], [x, y], [x + length * each, y], [x + length * each, y - 5]]);
  write(context, `${length} ${unit(frame, words)}`, x + 4, y - 6);
}
