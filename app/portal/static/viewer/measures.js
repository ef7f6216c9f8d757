// Lengths and angles drawn on a frame. They belong to the frame, live as long as the page, and are stored nowhere.
import { keyOf } from "./dicomweb.js";
import { angle, distance } from "./geometry.js";

export const POINTS = { length: 2, angle: 3 };

export const measuresOf = (pane) => pane.measures.get(pane.frame && keyOf(pane.frame)) ?? [];

export function add(pane, measure) {
  pane.measures.set(keyOf(pane.frame), [...measuresOf(pane), measure]);
}

// What a measure says: `12.3 mm`, and how far it is to be trusted where its spacing is not the patient's.
export function sizeOf(frame, { kind, points }, words) {
  if (kind === "angle") return points.length < 3 ? "" : `${angle(frame, points).toFixed(1)}°`;
  const size = distance(frame, ...points).toFixed(1);
  if (frame.measured === "none") return `${size} ${words.pixels}`;
  return `${size} mm${frame.measured === "detector" ? ` (${words.at_detector})` : ""}`;
}

export function drawMeasures(context, pane) {
  const drawn = [...measuresOf(pane), ...(pane.measuring ? [pane.measuring] : [])];
  context.strokeStyle = context.fillStyle = "#4de1c1";
  context.font = "13px system-ui, sans-serif";
  for (const measure of drawn) {
    const points = measure.points.map((point) => pane.toScreen(point));
    context.beginPath();
    points.forEach((point, place) => (place ? context.lineTo(...point) : context.moveTo(...point)));
    context.stroke();
    for (const [x, y] of points) context.fillRect(x - 2, y - 2, 4, 4);
    if (points.length < 2) continue;
    const text = sizeOf(pane.frame, measure, pane.words);
    const [x, y] = points[points.length - 1];
    context.lineWidth = 3;
    context.strokeStyle = "#000";
    context.strokeText(text, x + 8, y - 6);
    context.fillText(text, x + 8, y - 6);
    context.lineWidth = 1.5;
    context.strokeStyle = "#4de1c1";
  }
}
