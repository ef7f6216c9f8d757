// What is opened in panes: a series, a key image, a prior beside it; nothing any more once the hub refuses.
import { Cine } from "./cine.js";
import { attach } from "./controls.js";
import { data, desk, find, isShown, root, shownSeries, words } from "./desk.js";
import { Frames, isThere } from "./dicomweb.js";
import { Link } from "./link.js";
import { Pane } from "./pane.js";
import { forget, readStudy, stackOfSeries } from "./studies.js";

const MOST_BYTES = 384 * 2 ** 20;
const frames = new Frames(root, MOST_BYTES, refused);

export function addPane() {
  const pane = new Pane(find("#panes"), frames, words, changed);
  pane.noted = (frame) => {
    const code = desk.studies.get(pane.study)?.rejected[frame.instance];
    const key = desk.keys.find((one) => one.instance === frame.instance);
    return code ? `⊘ ${data.rejections[code]}` : key && `★ ${key.text}`;
  };
  attach(pane, activate);
  pane.cine = new Cine(pane, () => desk.refresh());
  desk.panes.push(pane);
  return pane;
}

export function activate(pane) {
  if (desk.active === pane) return;
  desk.active = pane;
  for (const one of desk.panes) one.root.classList.toggle("active", one === pane);
  desk.refresh();
}

// Nothing that was seen stays readable once the hub no longer gives it.
export function gone(error) {
  frames.clear();
  forget();
  for (const pane of desk.panes) {
    pane.cine.stop();
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

export function failed(pane, error) {
  if (error.isGone) gone(error);
  else pane.empty(words.failed);
}

export async function openSeries(pane, study, series, { instance, frame = 1 } = {}) {
  pane.cine.stop();
  setLink(false);
  const opening = (pane.opening = {});
  pane.say(words.loading);
  try {
    const whole = await stackOfSeries(study.uid, series.uid);
    if (pane.opening !== opening) return;
    const stack = whole.filter((one) => isShown(study, one));
    Object.assign(pane, { study: study.uid, series: series.uid });
    if (stack.length) {
      const wanted = stack.findIndex((one) => one.instance === instance && one.number === frame);
      await pane.open(stack, `${study.label}\n${series.label}`, Math.max(wanted, 0));
    } else pane.empty(words[whole.length ? "all_rejected" : "no_images"]);
  } catch (error) {
    if (pane.opening === opening || error.isGone) failed(pane, error);
  }
  desk.refresh();
}

let nextKey = 0;

export async function jump(place = nextKey) {
  const key = desk.keys[place];
  const study = desk.studies.get(data.study);
  const series = study?.series.find((one) => one.uid === key?.series);
  if (!series) return;
  nextKey = (place + 1) % desk.keys.length;
  await openSeries(desk.panes[0], study, series, key);
}

export function setLink(on) {
  desk.link = on && desk.panes.length > 1 ? new Link(desk.panes[0], desk.panes[1]) : null;
  for (const pane of desk.panes) pane.lines = [];
  desk.refresh();
}

// The other pane follows, and shows where this one cuts it.
function changed(pane) {
  const other = desk.panes.find((one) => one !== pane);
  if (other) {
    other.lines = pane.frame ? [pane.frame] : [];
    other.draw();
  }
  if (desk.link && pane === desk.active) desk.link.follow(pane);
  desk.refresh();
}

const forgetPrior = () => find(`#series [data-study]:not([data-study="${data.study}"])`)?.remove();

export async function compare(uid) {
  if (!data.priors.some((one) => one.uid === uid)) return;
  if (desk.panes.length < 2) addPane();
  const [first, second] = desk.panes;
  const comparing = (desk.comparing = {});
  find("#panes").classList.add("both");
  forgetPrior();
  try {
    const study = await readStudy(uid);
    if (desk.comparing !== comparing) return;
    const shown = desk.studies.get(data.study).series.find((one) => one.uid === first.series);
    const alike = (one) => (one.modality === shown?.modality ? 2 : 0) + (one.label === shown?.label ? 1 : 0);
    const [best] = shownSeries(study).filter((one) => one !== shown).sort((a, b) => alike(b) - alike(a));
    if (best) await openSeries(second, study, best);
    else second.empty(words.no_images);
  } catch (error) {
    if (desk.comparing === comparing || error.isGone) failed(second, error);
  }
}

export function alone() {
  desk.comparing = null;
  if (desk.panes.length < 2) return;
  setLink(false);
  const [pane] = desk.panes.splice(1);
  pane.cine.stop();
  pane.empty();
  frames.prefetch(pane, []);
  pane.root.remove();
  find("#panes").classList.remove("both");
  forgetPrior();
  activate(desk.panes[0]);
  desk.panes[0].place();
}
