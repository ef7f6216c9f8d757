// From DICOM JSON to what is known of each frame. PS3.3 C.7.6.2, C.7.6.3, C.7.6.16, C.11.1, C.11.2.
import { cross, dot, unit } from "./geometry.js";
import { overlays } from "./overlays.js";

export const value = (model, tag, otherwise) => model?.[tag]?.Value?.[0] ?? otherwise;
export const values = (model, tag) => model?.[tag]?.Value ?? [];
export const number = (model, tag, otherwise) => {
  const found = Number(value(model, tag, NaN));
  return Number.isFinite(found) ? found : otherwise;
};
export const numbers = (model, tag, count) => {
  const found = values(model, tag).map(Number);
  return found.length >= count && found.every(Number.isFinite) ? found : null;
};
// The functional group of a frame, the shared one, or the data set itself.
function group(model, index, tag) {
  const own = value(values(model, "52009230")[index], tag);
  return own ?? value(value(model, "52009229"), tag) ?? model;
}

const CENTIMETRES = 3;

// Millimetres from row to row and from column to column, and where that is measured.
function spacing(model, index) {
  const measured = numbers(group(model, index, "00289110"), "00280030", 2);
  if (measured) return { spacing: measured, measured: "patient" };
  const region = value(model, "00186011");
  if (number(region, "00186024") === CENTIMETRES && number(region, "00186026") === CENTIMETRES) {
    const found = [number(region, "0018602E", 0) * 10, number(region, "0018602C", 0) * 10].map(Math.abs);
    if (found.every(Boolean)) return { spacing: found, measured: "patient" };
  }
  const detector = numbers(model, "00181164", 2);
  return detector ? { spacing: detector, measured: "detector" } : { spacing: [1, 1], measured: "none" };
}

function aspect(model, space) {
  const stated = numbers(model, "00280034", 2);
  if (space.measured === "none" && stated && stated[1]) return stated[0] / stated[1];
  return space.spacing[1] ? space.spacing[0] / space.spacing[1] : 1;
}

function windows(model, index) {
  const stated = group(model, index, "00289132");
  const [centers, widths, names] = ["00281050", "00281051", "00281055"].map((tag) => values(stated, tag));
  const kind = value(stated, "00281056", "LINEAR");
  return centers
    .map((center, place) => ({ center: Number(center), width: Number(widths[place]), name: names[place] ?? "", kind }))
    .filter((one) => Number.isFinite(one.center) && one.width > 0);
}

// Frames for each second, as the header has them, or 0.
function rate(model) {
  const time = number(model, "00181063", 0);
  const found = number(model, "00082144", 0) || number(model, "00180040", 0) || (time > 0 ? 1000 / time : 0);
  return Math.min(Math.max(found, 0), 60);
}

// A table of values: where it begins, and the element that holds it.
function table(item, descriptor, data) {
  const three = numbers(item, descriptor, 3);
  const element = item?.[data];
  if (!three || !element) return null;
  return { count: three[0] || 65536, first: three[1], bits: three[2], element };
}

function tables(model) {
  return {
    palette: value(model, "00280004") === "PALETTE COLOR" ? [1, 2, 3].map((colour) => table(model, `0028110${colour}`, `0028120${colour}`)) : null,
    modality: table(value(model, "00283000"), "00283002", "00283006"),
    voi: table(value(model, "00283010"), "00283002", "00283006"),
  };
}

function about(model) {
  const allocated = number(model, "00280100", 16);
  const stored = number(model, "00280101", allocated);
  return {
    study: value(model, "0020000D"),
    series: value(model, "0020000E"),
    instance: value(model, "00080018"),
    frameOfReference: value(model, "00200052", ""),
    instanceNumber: number(model, "00200013", null),
    laterality: value(model, "00200062", value(model, "00200060", "")),
    patientOrientation: values(model, "00200020"),
    rows: number(model, "00280010", 0),
    columns: number(model, "00280011", 0),
    samples: number(model, "00280002", 1),
    photometric: value(model, "00280004", "MONOCHROME2"),
    planar: number(model, "00280006", 0) === 1,
    allocated,
    stored,
    high: number(model, "00280102", stored - 1),
    signed: number(model, "00280103", 0) === 1,
    isFloat: Boolean(model["7FE00008"]),
    padding: number(model, "00280120", null),
    units: value(model, "00281054", value(model, "00080060") === "CT" ? "HU" : ""),
    modality: value(model, "00080060", ""),
    rate: rate(model),
    tables: tables(model),
    overlays: overlays(model),
  };
}

function placed(model, index) {
  const transformation = group(model, index, "00289145");
  const measures = group(model, index, "00289110");
  const space = spacing(model, index);
  return {
    number: index + 1,
    slope: number(transformation, "00281053", 1) || 1,
    intercept: number(transformation, "00281052", 0),
    windows: windows(model, index),
    ...space,
    aspect: aspect(model, space),
    thickness: number(measures, "00180050", 0),
    position: numbers(group(model, index, "00209113"), "00200032", 3),
    orientation: numbers(group(model, index, "00209116"), "00200037", 6),
  };
}

// Where a frame lies along the normal of its plane, in millimetres.
export function depth(frame, along = frame) {
  if (!frame.position || !along.orientation) return null;
  return dot(frame.position, unit(cross(along.orientation.slice(0, 3), along.orientation.slice(3))));
}

const parallel = (one, other) =>
  one.orientation && other.orientation && one.orientation.every((part, place) => Math.abs(part - other.orientation[place]) < 0.01);

// All frames of a series in their order: by place, else as they are numbered.
export function stackOf(models) {
  const found = [];
  for (const model of models) {
    if (!number(model, "00280010", 0)) continue;
    const shared = about(model);
    const count = Math.max(1, number(model, "00280008", 1));
    for (let index = 0; index < count; index++) found.push({ ...shared, ...placed(model, index) });
  }
  found.sort((a, b) => (a.instanceNumber ?? 1e9) - (b.instanceNumber ?? 1e9) || a.number - b.number);
  const [one] = found;
  const depths = found.map((frame) => (parallel(frame, one) ? depth(frame, one) : null));
  if (found.length > 1 && depths.every((place) => place !== null) && new Set(depths).size === depths.length) {
    const order = new Map(found.map((frame, place) => [frame, depths[place]]));
    const sign = depths.at(-1) >= depths[0] ? 1 : -1;
    found.sort((a, b) => sign * (order.get(a) - order.get(b)));
  }
  return found;
}
