// Studies and their frames: read once, and forgotten when the hub refuses.
import { desk, find, root } from "./desk.js";
import { isDecoded, json, text } from "./dicomweb.js";
import { stackOf } from "./header.js";
import { fillTables } from "./tables.js";

const stacks = new Map();

export function forget() {
  stacks.clear();
  desk.studies.clear();
}

async function readStack(path) {
  const stack = stackOf(await json(`${path}/metadata`));
  await fillTables(root, stack);
  const decoded = new Map();
  for (const frame of stack.filter((one) => one.samples > 1)) {
    if (!decoded.has(frame.instance)) decoded.set(frame.instance, isDecoded(root, frame));
    frame.isDecoded = await decoded.get(frame.instance);
  }
  return stack;
}

export function stackOfSeries(study, series) {
  const path = `${root}/studies/${study}/series/${series}`;
  if (!stacks.has(path)) {
    const made = readStack(path);
    made.catch(() => stacks.delete(path));
    stacks.set(path, made);
  }
  return stacks.get(path);
}

// A study as the list beside the panes has it; one that is not there yet is asked for.
export async function readStudy(uid) {
  const listed = () => find(`#series [data-study="${uid}"]`);
  if (!listed()) find("#series").insertAdjacentHTML("beforeend", await text(`/images/${uid}/contents`));
  const found = { uid, ...JSON.parse(listed().dataset.contents) };
  desk.studies.set(uid, found);
  return found;
}
