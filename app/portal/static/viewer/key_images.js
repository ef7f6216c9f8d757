// Key objects: which images somebody marked, and what was said of them. PS3.3 C.17.6, PS3.16 TID 2010.
import { json, search } from "./dicomweb.js";
import { number, value, values } from "./header.js";

// Titles under which a selection lists what there is, and picks nothing out (CID 7010, MADO).
const MANIFESTS = new Set(["113030", "113031", "113032", "113033", "113034", "113035", "MADOTEMP001", "ddd001"]);

const text = (model, tag) => value(value(model, tag), "00080104", "");

// From an instance to its series, as the key object's evidence has it.
function places(model) {
  const found = new Map();
  for (const tag of ["0040A375", "0040A385"]) {
    for (const study of values(model, tag)) {
      for (const series of values(study, "00081115")) {
        for (const one of values(series, "00081199")) found.set(value(one, "00081155"), value(series, "0020000E"));
      }
    }
  }
  return found;
}

function* items(model) {
  for (const item of values(model, "0040A730")) {
    yield item;
    yield* items(item);
  }
}

// The images of one key object: series, instance, frame, title, remark.
export function keyImages(model) {
  if (MANIFESTS.has(value(value(model, "0040A043"), "00080100", ""))) return [];
  const where = places(model);
  const title = text(model, "0040A043");
  const found = [];
  let remark = "";
  for (const item of items(model)) {
    if (value(item, "0040A040") === "TEXT") remark = value(item, "0040A160", remark);
    for (const one of value(item, "0040A040") === "IMAGE" ? values(item, "00081199") : []) {
      const instance = value(one, "00081155");
      found.push({ instance, series: where.get(instance), frame: number(one, "00081160", 1), title });
    }
  }
  return found.map((one) => ({ ...one, remark }));
}

export async function findKeyImages(root, study, seriesUids) {
  const found = [];
  for (const uid of seriesUids) {
    for (const model of await json(`${root}/studies/${study}/series/${uid}/metadata`)) found.push(...keyImages(model));
  }
  const unlocated = found.filter((one) => !one.series);
  for (const one of unlocated) {
    const [model] = await search(`${root}/studies/${study}/instances?SOPInstanceUID=${one.instance}`);
    one.series = value(model, "0020000E");
  }
  return found.filter((one) => one.series);
}
