// The tools above the panes, and their keys.
import { panBy, zoomBy } from "./controls.js";
import { desk, find, shownSeries } from "./desk.js";
import { alone, compare, jump, openSeries, setLink } from "./opening.js";
import { choices } from "./presets.js";

const all = (selector) => document.querySelectorAll(selector);

function setPreset(place) {
  const pane = desk.active;
  const [, look] = choices(pane.frame)[place] ?? [];
  if (!look) return;
  Object.assign(pane, look);
  if (look.window === "full") pane.window = pane.fullWindow();
  pane.repaint();
}

const flip = (name) => () => {
  desk.active[name] = !desk.active[name];
  desk.active.repaint();
};

const ACTS = {
  cine: () => desk.active.cine.toggle(),
  invert: flip("inverted"),
  overlay: flip("overlaid"),
  mirror: flip("mirrored"),
  turn: () => {
    desk.active.turned = (desk.active.turned + 1) % 4;
    desk.active.repaint();
  },
  reset: () => desk.active.reset(),
  link: () => setLink(!desk.link),
  alone,
  full: () => (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.()),
  help: () => find("#help").showModal(),
  key: () => jump(),
};

const step = (count) => () => desk.active.show(desk.active.index + count);

function neighbour(count) {
  const pane = desk.active;
  const study = desk.studies.get(pane.study);
  const shown = shownSeries(study);
  const series = shown[shown.findIndex((one) => one.uid === pane.series) + count];
  if (series) openSeries(pane, study, series);
}

const KEYS = {
  ArrowDown: step(1), ArrowUp: step(-1), ArrowRight: step(1), ArrowLeft: step(-1), PageDown: step(10), PageUp: step(-10),
  Home: () => desk.active.show(0), End: () => desk.active.show(desk.active.stack.length - 1),
  "+": () => zoomBy(desk.active, 1.25), "-": () => zoomBy(desk.active, 0.8),
  "[": () => neighbour(-1), "]": () => neighbour(1),
};
const PANS = { ArrowDown: [0, -20], ArrowUp: [0, 20], ArrowRight: [-20, 0], ArrowLeft: [20, 0] };

function actOf({ key, shiftKey }) {
  if (shiftKey && PANS[key]) return () => panBy(desk.active, ...PANS[key]);
  if (/^[1-9]$/.test(key)) return () => setPreset(key - 1);
  if (KEYS[key]) return KEYS[key];
  const named = [...all(".tools [aria-keyshortcuts]")].find((one) => one.ariaKeyShortcuts === (key === " " ? "Space" : key.toUpperCase()));
  return named && (() => named.click());
}

addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, a, summary")) return;
  const act = actOf(event);
  if (!act || !desk.active) return;
  event.preventDefault();
  act();
});

function choose(tool) {
  desk.tool = tool;
  for (const pane of desk.panes) {
    pane.measuring = null;
    pane.draw();
  }
  desk.refresh();
}

const press = (one, on) => one.setAttribute("aria-pressed", on);

// The tools as they are: which is chosen, what can be asked for.
desk.refresh = () => {
  const pane = desk.active;
  if (!pane) return;
  all("[data-tool]").forEach((one) => press(one, one.dataset.tool === desk.tool));
  const pressed = { cine: pane.cine?.run, invert: pane.inverted, overlay: pane.overlaid, mirror: pane.mirrored, link: desk.link };
  for (const [act, on] of Object.entries(pressed)) press(find(`[data-do=${act}]`), !!on);
  const single = desk.panes.length < 2;
  const missing = { cine: pane.stack.length < 2, overlay: !pane.frame?.overlays.length, link: single, alone: single, key: !desk.keys.length };
  for (const [act, is] of Object.entries(missing)) find(`[data-do=${act}]`).disabled = is;
  const list = find("#presets");
  const found = choices(pane.frame).map(([text]) => text);
  if (list.dataset.choices !== found.join("\n")) {
    list.dataset.choices = found.join("\n");
    list.replaceChildren(list.options[0], ...found.map((text, place) => new Option(text, place)));
  }
  list.disabled = !found.length;
  const open = desk.panes.map((one) => one.series);
  all("[data-rejected]").forEach((one) => press(one, desk.withRejected));
  all("#series [data-series]").forEach((one) => one.setAttribute("aria-current", open.includes(one.dataset.series)));
};

all("[data-tool]").forEach((one) => one.addEventListener("click", () => choose(one.dataset.tool)));
all("[data-do]").forEach((one) => one.addEventListener("click", () => ACTS[one.dataset.do]()));
find("#presets").addEventListener("change", (event) => {
  if (event.target.value) setPreset(Number(event.target.value));
  event.target.value = "";
});
find("#compare").addEventListener("change", (event) => (event.target.value ? compare(event.target.value) : alone()));
