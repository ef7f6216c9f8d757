// From the bytes of a frame to what is painted: rescale, window, tables, polarity, colour. PS3.3 C.7.6.3.1, C.11.
const NATIVE = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array };

export const isColour = (frame) => frame.samples > 1 || frame.photometric === "PALETTE COLOR";

// The samples of a frame as numbers that stand in its bytes: unused bits and signs are seen to by `meaning`.
export function samplesOf(frame, buffer) {
  const pixels = frame.rows * frame.columns;
  // 4:2:2 in name may be whole triplets.
  const isHalved = frame.photometric === "YBR_FULL_422" && !frame.isDecoded && buffer.byteLength < pixels * frame.samples;
  const count = pixels * (isHalved ? 2 : frame.samples);
  if (frame.isFloat) return new Float32Array(buffer, 0, count);
  if (frame.allocated === 1) {
    const bytes = new Uint8Array(buffer);
    return Uint8Array.from({ length: count }, (_, place) => (bytes[place >> 3] >> (place & 7)) & 1);
  }
  const made = NATIVE[frame.allocated];
  if (!made || buffer.byteLength < (count * frame.allocated) / 8) throw new RangeError("The frame is cut short");
  return new made(buffer, 0, count);
}

// What a sample stands for: its stored bits, with their sign.
function meaning(frame) {
  if (frame.isFloat) return (raw) => raw;
  if (frame.allocated === 32) return frame.signed ? (raw) => raw | 0 : (raw) => raw;
  const shift = Math.max(0, frame.high + 1 - frame.stored);
  const limit = 2 ** frame.stored;
  return (raw) => {
    const bits = (raw >> shift) & (limit - 1);
    return frame.signed && bits >= limit / 2 ? bits - limit : bits;
  };
}

const inTable = (table, value) => table.values[Math.min(Math.max(Math.round(value) - table.first, 0), table.values.length - 1)];

// From a sample to the unit of the modality, for instance HU.
export function inUnits(frame) {
  const means = meaning(frame);
  const { modality } = frame.tables;
  if (modality?.values) return (raw) => inTable(modality, means(raw));
  return (raw) => means(raw) * frame.slope + frame.intercept;
}

// From values to 0…1 (C.11.2.1.2, C.11.2.1.3).
function through({ center, width, kind }) {
  if (kind === "SIGMOID") return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  if (kind === "LINEAR_EXACT" || width < 1) return (value) => (value - center) / width + 0.5;
  return (value) => (value - (center - 0.5)) / (width - 1) + 0.5;
}

const throughTable = (table) => {
  const most = 2 ** table.bits - 1;
  return (value) => inTable(table, value) / most;
};

// The window that takes in all pixels, those that are padding left out.
export function fullRange(frame, samples) {
  const means = meaning(frame);
  const units = inUnits(frame);
  let [least, most] = [Infinity, -Infinity];
  for (const raw of samples) {
    const stored = means(raw);
    if (stored === frame.padding || !Number.isFinite(stored)) continue;
    const value = units(raw);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (least > most) return { center: 0.5, width: 1, kind: "LINEAR_EXACT" };
  return { center: (least + most) / 2, width: Math.max(most - least, 1), kind: "LINEAR_EXACT" };
}

const opaque = (red, green, blue) => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
const level = (part) => (part <= 0 ? 0 : part >= 1 ? 255 : Math.round(part * 255));

function greyTable(frame, look, samples) {
  const units = inUnits(frame);
  const shown = look.table && frame.tables.voi?.values ? throughTable(frame.tables.voi) : through(look.window);
  const inverse = (frame.photometric === "MONOCHROME1") !== look.inverted;
  const grey = (raw) => {
    const found = level(shown(units(raw)) || 0);
    const part = inverse ? 255 - found : found;
    return opaque(part, part, part);
  };
  if (frame.isFloat || frame.allocated > 16) return grey;
  // A table is cheaper than arithmetic on every pixel; only what occurs is in it.
  const table = new Uint32Array(2 ** frame.allocated);
  for (const raw of samples) table[raw] ||= grey(raw);
  return table;
}

function paletteTable(frame, inverted) {
  const means = meaning(frame);
  const channels = frame.tables.palette.map((table) => (table.values.some((entry) => entry > 255) ? 8 : 0));
  const turn = (part) => (inverted ? 255 - part : part);
  return Uint32Array.from({ length: 2 ** frame.allocated }, (_, raw) =>
    opaque(...frame.tables.palette.map((table, place) => turn(inTable(table, means(raw)) >> channels[place]))),
  );
}

const clamp = (part) => (part < 0 ? 0 : part > 255 ? 255 : Math.round(part));

function fromYbr(y, blue, red) {
  const [cb, cr] = [blue - 128, red - 128];
  return [clamp(y + 1.402 * cr), clamp(y - 0.344136 * cb - 0.714136 * cr), clamp(y + 1.772 * cb)];
}

function paintColour(frame, samples, out, inverted) {
  const count = frame.rows * frame.columns;
  const shift = Math.max(0, frame.stored - 8);
  const isYbr = frame.photometric.startsWith("YBR") && !frame.isDecoded;
  const isHalved = isYbr && samples.length < count * frame.samples;
  const isPlanar = frame.planar && !frame.isDecoded;
  const [step, next] = isPlanar ? [1, count] : [frame.samples, 1];
  for (let place = 0; place < count; place++) {
    const at = isHalved ? (place >> 1) * 4 : place * step;
    let parts = isHalved
      ? [samples[at + (place & 1)], samples[at + 2], samples[at + 3]]
      : [samples[at] >> shift, samples[at + next] >> shift, samples[at + 2 * next] >> shift];
    if (isYbr) parts = fromYbr(...parts);
    out[place] = inverted ? opaque(...parts.map((part) => 255 - part)) : opaque(...parts);
  }
}

// Paints a frame into `image`, an ImageData of its rows and columns.
export function paint(frame, samples, look, image) {
  const out = new Uint32Array(image.data.buffer);
  if (frame.samples > 1) {
    paintColour(frame, samples, out, look.inverted);
    return;
  }
  const table = frame.tables.palette ? paletteTable(frame, look.inverted) : greyTable(frame, look, samples);
  if (typeof table === "function") for (let place = 0; place < out.length; place++) out[place] = table(samples[place]);
  else for (let place = 0; place < out.length; place++) out[place] = table[samples[place]];
}
