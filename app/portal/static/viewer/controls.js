// Hands on a pane: pointer, wheel, two fingers, keys.
import { desk } from "./desk.js";
import { add, POINTS } from "./measures.js";

const WINDOW_STEPS = 300;
const SMALLEST_STEP = 4;
const NOTCH = 40;

const at = (pane, event) => {
  const box = pane.root.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

export function zoomBy(pane, times, [x, y] = [pane.root.clientWidth / 2, pane.root.clientHeight / 2]) {
  if (!pane.frame) return;
  const zoom = Math.min(Math.max(pane.zoom * times, 0.2), 40);
  const [middle, real] = [[pane.root.clientWidth / 2, pane.root.clientHeight / 2], zoom / pane.zoom];
  pane.pan = [x, y].map((part, axis) => part - middle[axis] - (part - middle[axis] - pane.pan[axis]) * real);
  pane.zoom = zoom;
  pane.place();
}

export function panBy(pane, x, y) {
  pane.pan = [pane.pan[0] + x, pane.pan[1] + y];
  pane.place();
}

// What dragging does with each tool: called with how far, and with what was when it began.
const DRAGS = {
  window(pane, [x, y], { window }) {
    if (!window) return;
    const { center, width, kind } = window;
    const step = Math.max(width, 1) / WINDOW_STEPS;
    pane.window = { center: center + y * step, width: Math.max(1, width + x * step), kind };
    pane.useTable = false;
    pane.repaint();
  },
  scroll(pane, [, y], begun) {
    const step = Math.max(SMALLEST_STEP, pane.root.clientHeight / 2 / Math.max(pane.stack.length, 1));
    const wanted = begun.index + Math.round(y / step);
    if (wanted !== pane.index) pane.show(wanted);
  },
  pan(pane, [x, y], begun) {
    pane.pan = [begun.pan[0] + x, begun.pan[1] + y];
    pane.place();
  },
  zoom(pane, [, y], begun) {
    zoomBy(pane, (begun.zoom * 1.01 ** -y) / pane.zoom, begun.at);
  },
};

function beginMeasure(pane, kind, point) {
  if (pane.measuring?.kind === kind && pane.measuring.points.length === POINTS[kind]) {
    pane.measuring.points[POINTS[kind] - 1] = point;
    return;
  }
  pane.measuring = { kind, points: [point, point] };
}

function endMeasure(pane) {
  const { measuring } = pane;
  if (!measuring) return;
  const [a, b] = measuring.points.slice(-2);
  const moved = Math.hypot(a[0] - b[0], a[1] - b[1]) > 0.5;
  if (!moved) pane.measuring = measuring.points.length > 2 ? measuring : null;
  else if (measuring.points.length < POINTS[measuring.kind]) measuring.points.push(b);
  else {
    add(pane, measuring);
    pane.measuring = null;
  }
  pane.draw();
}

export function attach(pane, activate) {
  const { root } = pane;
  const fingers = new Map();
  let begun = null;
  let pinch = null;
  let turned = 0;

  const begin = (event) => {
    const tool = event.button === 1 ? "pan" : event.button === 2 ? "window" : desk.tool;
    const window = pane.frame && pane.look?.window;
    begun = { tool, at: at(pane, event), index: pane.index, pan: pane.pan, zoom: pane.zoom, window };
    if (POINTS[tool] && pane.frame) beginMeasure(pane, tool, pane.toPixel(begun.at));
  };
  const spread = () => {
    const [a, b] = [...fingers.values()];
    return { apart: Math.hypot(a[0] - b[0], a[1] - b[1]), middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
  };
  root.addEventListener("pointerdown", (event) => {
    activate(pane);
    root.focus({ preventScroll: true });
    root.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(pane, event));
    if (fingers.size === 2) [begun, pinch, pane.measuring] = [null, spread(), null];
    else if (fingers.size === 1) begin(event);
  });
  root.addEventListener("pointermove", (event) => {
    const here = at(pane, event);
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, here);
    if (pinch && fingers.size === 2) {
      const now = spread();
      zoomBy(pane, now.apart / Math.max(pinch.apart, 1), now.middle);
      panBy(pane, now.middle[0] - pinch.middle[0], now.middle[1] - pinch.middle[1]);
      pinch = now;
      return;
    }
    if (!pane.frame) return;
    const pixel = pane.toPixel(here);
    const found = pane.valueAt(pixel);
    pane.probe = found === null ? "" : `(${Math.round(pixel[0])}, ${Math.round(pixel[1])})  ${Number(found.toFixed(2))} ${pane.frame.units}`;
    if (pane.measuring && (begun || pane.measuring.points.length > 2)) {
      pane.measuring.points.splice(-1, 1, pixel);
      pane.draw();
    } else if (begun) DRAGS[begun.tool]?.(pane, [here[0] - begun.at[0], here[1] - begun.at[1]], begun);
    pane.annotate();
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    if (pinch && fingers.size < 2) pinch = null;
    else if (begun && POINTS[begun.tool]) endMeasure(pane);
    begun = null;
  };
  root.addEventListener("pointerup", end);
  root.addEventListener("pointercancel", end);
  root.addEventListener("pointerleave", () => {
    pane.probe = "";
    pane.annotate();
  });
  root.addEventListener("contextmenu", (event) => event.preventDefault());
  root.addEventListener("focus", () => activate(pane));
  root.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      activate(pane);
      if (event.ctrlKey) {
        zoomBy(pane, event.deltaY < 0 ? 1.15 : 1 / 1.15, at(pane, event));
        return;
      }
      turned += event.deltaMode ? event.deltaY * NOTCH : Math.sign(event.deltaY) * Math.min(Math.abs(event.deltaY), NOTCH);
      const steps = Math.trunc(turned / NOTCH);
      turned -= steps * NOTCH;
      if (steps) pane.show(pane.index + steps);
    },
    { passive: false },
  );
}
