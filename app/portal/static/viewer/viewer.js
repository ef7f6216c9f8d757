// The page of a study: its series beside the panes, the tools above them; see docs/viewer.md.
import { Cine } from "./cine.js";
import { attach, panBy, zoomBy } from "./controls.js";
import { Frames, isDecoded, isStillOpen, isThere, json, Refused, search } from "./dicomweb.js";
import { number, stackOf, value } from "./header.js";
import { findKeyImages } from "./key_images.js";
import { Link } from "./link.js";
import { Pane } from "./pane.js";
import { choices } from "./presets.js";
import { fillTables } from "./tables.js";

const data = JSON.parse(document.getElementById("viewer-data").textContent);
const { root, words } = data;
const MOST_BYTES = 384 * 2 ** 20;
const PULSE_SECONDS = 30;
const NO_IMAGES = new Set(data.no_images);
const SERIES_FIELDS = "0008103E,00200011,00201209,00080060";

const find = (selector) => document.querySelector(selector);
const frames = new Frames(root, MOST_BYTES, refused);
const stacks = new Map();
const studies = new Map();
let keys = [];
let link = null;

const state = {
  tool: "window",
  active: null,
  activate(pane) {
    if (state.active === pane) return;
    state.active = pane;
    for (const one of panes) one.root.classList.toggle("active", one === pane);
    refresh();
  },
};
const panes = [];
const cines = new Map();

function addPane() {
  const pane = new Pane(find("#panes"), frames, words, changed);
  pane.noted = (frame) => keys.filter((key) => key.instance === frame.instance).map((key) => `★ ${key.title} ${key.remark}`.trim())[0];
  attach(pane, state);
  cines.set(pane, new Cine(pane, refresh));
  panes.push(pane);
  return pane;
}

// Nothing that was seen stays readable once the hub no longer gives it.
function gone(error) {
  frames.clear();
  stacks.clear();
  for (const pane of panes) {
    cines.get(pane).stop();
    pane.empty(words[error?.status === 401 ? "signed_out" : "gone"]);
  }
  find("#series").replaceChildren();
  document.querySelectorAll(".whose > :not(.away), #compare option:not([value=''])").forEach((one) => one.remove());
  document.title = words.gone;
  document.body.classList.add("gone");
}

async function refused(error, frame) {
  const alone = error.status === 404 && (await isThere(root, frame).catch(() => false));
  if (!alone) gone(error);
}

function failed(pane, error) {
  if (error instanceof Refused && error.isGone) gone(error);
  else pane.empty(words.failed);
}

const pathOf = (study, series) => `${root}/studies/${study}/series/${series}`;

function stackOfSeries(study, series) {
  const path = pathOf(study, series);
  if (!stacks.has(path)) {
    const made = (async () => {
      const stack = stackOf(await json(`${path}/metadata`));
      await fillTables(root, stack);
      const decoded = new Map();
      for (const frame of stack) {
        if (frame.samples < 2) continue;
        if (!decoded.has(frame.instance)) decoded.set(frame.instance, isDecoded(root, frame));
        frame.isDecoded = await decoded.get(frame.instance);
      }
      return stack;
    })();
    made.catch(() => stacks.delete(path));
    stacks.set(path, made);
  }
  return stacks.get(path);
}

async function openSeries(pane, study, series, { instance = "", frame = 1 } = {}) {
  cines.get(pane).stop();
  setLink(false);
  pane.opening = series.uid;
  pane.say(words.loading);
  try {
    const stack = await stackOfSeries(study, series.uid);
    if (pane.opening !== series.uid) return;
    if (!stack.length) {
      pane.empty(words.no_images);
      return;
    }
    const wanted = instance ? stack.findIndex((one) => one.instance === instance && one.number === frame) : 0;
    pane.series = series.uid;
    await pane.open(stack, [studies.get(study).label, series.label].join("\n"), Math.max(wanted, 0));
  } catch (error) {
    failed(pane, error);
  }
  refresh();
}

function seriesOf(model) {
  const modality = value(model, "00080060", "");
  const count = number(model, "00201209", 0);
  const label = [modality, number(model, "00200011", ""), value(model, "0008103E", "")].filter((part) => part !== "").join(" ");
  return { uid: value(model, "0020000E"), modality, count, label, number: number(model, "00200011", 1e9) };
}

async function readStudy(uid, label) {
  const found = new Map();
  for (const model of await search(`${root}/studies/${uid}/series?includefield=${SERIES_FIELDS}`)) {
    const one = seriesOf(model);
    const known = found.get(one.uid);
    // Two sites may keep the same series: it is shown once, as the larger of them.
    if (!known || known.count < one.count) found.set(one.uid, one);
  }
  const series = [...found.values()].sort((a, b) => a.number - b.number);
  studies.set(uid, { uid, label, series });
  return studies.get(uid);
}

const button = (text, act) => {
  const made = document.createElement("button");
  made.type = "button";
  made.append(text);
  made.addEventListener("click", act);
  return made;
};

function listStudy(study) {
  const list = document.createElement("section");
  list.dataset.study = study.uid;
  const heading = document.createElement("h2");
  heading.textContent = study.label;
  list.append(heading);
  for (const series of study.series.filter((one) => !["KO", "PR"].includes(one.modality))) {
    const shown = !NO_IMAGES.has(series.modality);
    const made = button("", () => {
      state.active.root.focus();
      openSeries(state.active, study.uid, series);
    });
    made.dataset.series = series.uid;
    made.disabled = !shown;
    if (shown) {
      const picture = new Image(72, 72);
      picture.loading = "lazy";
      picture.alt = "";
      picture.addEventListener("error", () => picture.remove());
      picture.src = `${pathOf(study.uid, series.uid)}/thumbnail`;
      made.append(picture);
    }
    const text = document.createElement("span");
    text.textContent = `${series.label}\n${shown ? `× ${series.count}` : words.not_an_image}`;
    made.append(text);
    list.append(made);
  }
  find("#series").append(list);
  return list;
}

async function listKeys(study) {
  const objects = study.series.filter((one) => one.modality === "KO");
  if (!objects.length) return;
  try {
    keys = await findKeyImages(root, study.uid, objects.map((one) => one.uid));
  } catch (error) {
    if (error instanceof Refused && error.isGone) gone(error);
    return;
  }
  if (!keys.length) return;
  const list = document.createElement("section");
  list.id = "keys";
  const heading = document.createElement("h2");
  heading.textContent = `★ ${words.key_images}`;
  list.append(heading);
  keys.forEach((key, place) => list.append(button([`${place + 1}.`, key.title, key.remark].filter(Boolean).join(" "), () => jump(place))));
  find("#series").prepend(list);
  for (const pane of panes) pane.annotate();
  refresh();
}

let nextKey = 0;

function jump(place) {
  const key = keys[place];
  const series = studies.get(data.study).series.find((one) => one.uid === key?.series);
  if (!series) return;
  nextKey = (place + 1) % keys.length;
  openSeries(panes[0], data.study, series, key);
}

function setLink(on) {
  link = on && panes.length > 1 ? new Link(panes[0], panes[1]) : null;
  for (const pane of panes) pane.lines = [];
  refresh();
}

// A pane shows something else: the one it is linked with follows, and shows where this one cuts it.
function changed(pane) {
  if (panes.length > 1) {
    const other = panes.find((one) => one !== pane);
    other.lines = pane.frame ? [pane.frame] : [];
    other.draw();
  }
  if (link && pane === state.active) link.follow(pane);
  refresh();
}

async function compare(uid) {
  const prior = data.priors.find((one) => one.uid === uid);
  if (!prior) return;
  if (panes.length < 2) addPane();
  find("#panes").classList.add("both");
  find('#series [data-prior]')?.remove();
  try {
    const study = studies.get(uid) ?? (await readStudy(uid, prior.label));
    if (uid !== data.study) listStudy(study).dataset.prior = "";
    const shown = studies.get(data.study).series.find((one) => one.uid === panes[0].series);
    const candidates = study.series.filter((one) => !NO_IMAGES.has(one.modality) && (uid !== data.study || one !== shown));
    const alike = (one) => (one.modality === shown?.modality ? 2 : 0) + (one.label === shown?.label ? 1 : 0);
    const [best] = candidates.sort((a, b) => alike(b) - alike(a));
    if (best) await openSeries(panes[1], uid, best);
    else panes[1].empty(words.no_images);
  } catch (error) {
    failed(panes[1], error);
  }
}

function alone() {
  if (panes.length < 2) return;
  setLink(false);
  const [pane] = panes.splice(1);
  cines.get(pane).stop();
  pane.root.remove();
  find("#panes").classList.remove("both");
  find('#series [data-prior]')?.remove();
  state.activate(panes[0]);
  panes[0].lines = [];
  panes[0].place();
}

function setPreset(place) {
  const pane = state.active;
  const [, look] = choices(pane.frame, words)[place] ?? [];
  if (!look) return;
  Object.assign(pane, look);
  if (look.window === "full") pane.window = pane.fullWindow();
  pane.repaint();
}

function showFull() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}

const ACTS = {
  cine: () => cines.get(state.active).toggle(),
  invert: () => {
    state.active.inverted = !state.active.inverted;
    state.active.repaint();
  },
  reset: () => {
    state.active.reset();
    state.active.place();
  },
  link: () => setLink(!link),
  alone,
  full: showFull,
  help: () => find("#help").showModal(),
  key: () => keys.length && jump(nextKey),
};

const step = (count) => () => state.active.show(state.active.index + count);

function neighbour(count) {
  const pane = state.active;
  const study = studies.get(pane.stack[0]?.study);
  const shown = study?.series.filter((one) => !NO_IMAGES.has(one.modality)) ?? [];
  const series = shown[shown.findIndex((one) => one.uid === pane.series) + count];
  if (series) openSeries(pane, study.uid, series);
}

const KEYS = {
  ArrowDown: step(1), ArrowUp: step(-1), ArrowRight: step(1), ArrowLeft: step(-1), PageDown: step(10), PageUp: step(-10),
  Home: () => state.active.show(0), End: () => state.active.show(state.active.stack.length - 1),
  "+": () => zoomBy(state.active, 1.25), "-": () => zoomBy(state.active, 0.8),
  w: () => choose("window"), s: () => choose("scroll"), z: () => choose("zoom"), p: () => choose("pan"),
  l: () => choose("length"), a: () => choose("angle"),
  i: ACTS.invert, r: ACTS.reset, f: ACTS.full, k: ACTS.key, c: ACTS.link, " ": ACTS.cine, "?": ACTS.help,
  "[": () => neighbour(-1), "]": () => neighbour(1),
};
const PANS = { ArrowDown: [0, -20], ArrowUp: [0, 20], ArrowRight: [-20, 0], ArrowLeft: [20, 0] };

addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, a, summary")) return;
  const pan = event.shiftKey && PANS[event.key];
  const act = pan ? () => panBy(state.active, ...pan) : /^[1-9]$/.test(event.key) ? () => setPreset(event.key - 1) : KEYS[event.key];
  if (!act || !state.active) return;
  event.preventDefault();
  act();
});

function choose(tool) {
  state.tool = tool;
  for (const pane of panes) {
    pane.measuring = null;
    pane.draw();
  }
  refresh();
}

// The tools as they are: which is chosen, what can be asked for.
function refresh() {
  const pane = state.active;
  if (!pane) return;
  document.querySelectorAll("[data-tool]").forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.tool === state.tool)));
  const cine = cines.get(pane);
  const pressed = { cine: cine.isOn, invert: pane.inverted, link: Boolean(link) };
  for (const [act, on] of Object.entries(pressed)) find(`[data-do=${act}]`).setAttribute("aria-pressed", String(on));
  find("[data-do=cine]").disabled = pane.stack.length < 2;
  find("[data-do=link]").disabled = find("[data-do=alone]").disabled = panes.length < 2;
  find("[data-do=key]").disabled = !keys.length;
  const list = find("#presets");
  const found = choices(pane.frame, words).map(([text]) => text);
  if (list.dataset.choices !== found.join("\n")) {
    list.dataset.choices = found.join("\n");
    list.replaceChildren(list.options[0], ...found.map((text, place) => new Option(text, String(place))));
  }
  list.disabled = !found.length;
  document.querySelectorAll("#series [data-series]").forEach((one) => one.setAttribute("aria-current", String(panes.some((shown) => shown.series === one.dataset.series))));
}

document.querySelectorAll("[data-tool]").forEach((one) => one.addEventListener("click", () => choose(one.dataset.tool)));
document.querySelectorAll("[data-do]").forEach((one) => one.addEventListener("click", () => ACTS[one.dataset.do]()));
find("#presets").addEventListener("change", (event) => {
  if (event.target.value) setPreset(Number(event.target.value));
  event.target.value = "";
});
find("#compare").addEventListener("change", (event) => (event.target.value ? compare(event.target.value) : alone()));

async function pulse() {
  if (document.hidden) return;
  for (const { frame } of panes) {
    if (frame && !(await isStillOpen(root, frame))) {
      gone();
      return;
    }
  }
}
setInterval(pulse, PULSE_SECONDS * 1000);
addEventListener("focus", pulse);

async function begin() {
  const pane = addPane();
  state.activate(pane);
  pane.say(words.loading);
  try {
    const study = await readStudy(data.study, data.label);
    listStudy(study);
    const shown = study.series.filter((one) => !NO_IMAGES.has(one.modality));
    const wanted = shown.find((one) => one.uid === data.series) ?? shown[0];
    if (wanted && !data.keys) await openSeries(pane, study.uid, wanted, { instance: data.instance, frame: data.frame });
    else if (!wanted) pane.empty(words.no_images);
    await listKeys(study);
    if (data.keys && keys.length) jump(0);
    else if (data.keys && wanted) await openSeries(pane, study.uid, wanted);
    if (data.prior) await compare(data.prior);
  } catch (error) {
    failed(pane, error);
  }
  document.body.dataset.ready = "";
}

begin();
