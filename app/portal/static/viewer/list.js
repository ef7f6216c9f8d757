// The list beside the panes, as the hub made it: key images, series, what is rejected.
import { desk, find } from "./desk.js";
import { jump, openSeries } from "./opening.js";

const seriesOf = (study, uid) => study?.series.find((one) => one.uid === uid);

function reopen(pane) {
  const study = desk.studies.get(pane.study);
  const frame = pane.stack[pane.index];
  if (study) openSeries(pane, study, seriesOf(study, pane.series), { instance: frame?.instance, frame: frame?.number });
}

function toggleRejected() {
  desk.withRejected = !desk.withRejected;
  desk.panes.forEach(reopen);
}

find("#series").addEventListener("click", ({ target }) => {
  const { series, key, rejected } = target.closest("button")?.dataset ?? {};
  if (key) jump(Number(key));
  else if (rejected !== undefined) toggleRejected();
  else if (series) {
    const study = desk.studies.get(target.closest("[data-study]").dataset.study);
    desk.active.root.focus();
    openSeries(desk.active, study, seriesOf(study, series));
  }
});
