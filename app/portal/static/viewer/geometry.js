// Places and directions in the patient: millimetres to left, back and head. PS3.3 C.7.6.2.1.1.
export const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
export const minus = (a, b) => a.map((part, place) => part - b[place]);
export const plus = (a, b, times = 1) => a.map((part, place) => part + b[place] * times);
export const unit = (a) => {
  const length = Math.hypot(...a) || 1;
  return a.map((part) => part / length);
};

const LETTERS = [["L", "R"], ["P", "A"], ["H", "F"]];

// The letters of a direction, the strongest first: `LP` is left and somewhat back.
export function letters(direction) {
  return direction
    .map((part, axis) => [Math.abs(part), LETTERS[axis][part > 0 ? 0 : 1]])
    .filter(([size]) => size > 0.2)
    .sort((a, b) => b[0] - a[0])
    .map(([, letter]) => letter)
    .join("");
}

const OPPOSITE = { L: "R", R: "L", P: "A", A: "P", H: "F", F: "H" };
export const opposite = (text) => [...text].map((one) => OPPOSITE[one] ?? one).join("");

// The letters at the right edge and at the lower edge of a frame.
export function edges(frame) {
  const { orientation, patientOrientation: [right, bottom] } = frame;
  return orientation ? [letters(orientation.slice(0, 3)), letters(orientation.slice(3))] : [right ?? "", bottom ?? ""];
}

const across = (frame) => unit(frame.orientation.slice(0, 3));
const down = (frame) => unit(frame.orientation.slice(3));
const isPlaced = (frame) => Boolean(frame?.position && frame.orientation && frame.measured === "patient");

function corners(frame) {
  const below = (from) => plus(from, down(frame), (frame.rows - 1) * frame.spacing[0]);
  const origin = frame.position;
  const right = plus(origin, across(frame), (frame.columns - 1) * frame.spacing[1]);
  return [origin, right, below(right), below(origin)];
}

// The line in which another frame's plane cuts this one: two points in pixels, or null.
export function referenceLine(frame, other) {
  if (!isPlaced(frame) || !isPlaced(other) || frame.frameOfReference !== other.frameOfReference) return null;
  const normal = cross(across(frame), down(frame));
  const points = corners(other);
  const heights = points.map((point) => dot(minus(point, frame.position), normal));
  const found = [];
  for (let side = 0; side < 4; side++) {
    const [from, to] = [heights[side], heights[(side + 1) % 4]];
    if (from < 0 === to < 0) continue;
    const point = plus(points[side], minus(points[(side + 1) % 4], points[side]), from / (from - to));
    const inside = minus(point, frame.position);
    found.push([dot(inside, across(frame)) / frame.spacing[1], dot(inside, down(frame)) / frame.spacing[0]]);
  }
  return found.length === 2 ? found : null;
}

// Millimetres between two points in pixels, or pixels when no spacing is known.
export const distance = (frame, [x, y], [u, v]) => Math.hypot((u - x) * frame.spacing[1], (v - y) * frame.spacing[0]);

// Degrees at the middle one of three points.
export function angle(frame, [a, corner, b]) {
  const arm = (end) => [(end[0] - corner[0]) * frame.spacing[1], (end[1] - corner[1]) * frame.spacing[0]];
  const [one, other] = [arm(a), arm(b)];
  const turned = Math.atan2(one[0] * other[1] - one[1] * other[0], one[0] * other[0] + one[1] * other[1]);
  return Math.abs((turned * 180) / Math.PI);
}
