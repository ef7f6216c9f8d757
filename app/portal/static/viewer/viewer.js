// The page of a study: opens what the address asks for, and looks whether it may still be seen.
import { data, desk, root, shownSeries, words } from "./desk.js";
import { isStillOpen } from "./dicomweb.js";
import { activate, addPane, compare, failed, gone, jump, openSeries } from "./opening.js";
import { readStudy } from "./studies.js";
import "./list.js";
import "./tools.js";

const PULSE_SECONDS = 30;

async function pulse() {
  if (document.hidden) return;
  for (const { frame } of desk.panes) {
    if (frame && !(await isStillOpen(root, frame))) return gone();
  }
}
setInterval(pulse, PULSE_SECONDS * 1000);
addEventListener("focus", pulse);

async function begin() {
  const pane = addPane();
  activate(pane);
  pane.say(words.loading);
  try {
    const study = await readStudy(data.study);
    desk.keys = study.keys;
    const shown = shownSeries(study);
    const wanted = shown.find((one) => one.uid === data.series) ?? shown[0];
    if (data.keys && desk.keys.length) await jump(0);
    else if (wanted) await openSeries(pane, study, wanted, data);
    else pane.empty(words.no_images);
    if (data.prior) await compare(data.prior);
  } catch (error) {
    failed(pane, error);
  }
  document.body.dataset.ready = "";
}

begin();
