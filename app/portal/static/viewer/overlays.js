// Overlay planes: a bit for each pixel, of elements of their own or in bits that a frame leaves unused. PS3.3 C.9.2.
import { number, numbers } from "./header.js";
import { bytesOf } from "./tables.js";

const WHITE = 0xffffffff;

export function overlays(model) {
  const found = [];
  for (let group = 0x6000; group < 0x6020; group += 2) {
    const tag = (element) => group.toString(16) + element;
    const of = (element) => number(model, tag(element), 0);
    const [top, left] = numbers(model, tag("0050"), 2) ?? [1, 1];
    const plane = { rows: of("0010"), columns: of("0011"), top: top - 1, left: left - 1, bit: of("0102"), element: model[tag("3000")] };
    if (plane.rows && plane.columns && (plane.element || plane.bit)) found.push({ ...plane, frames: of("0015"), from: of("0051") || 1 });
  }
  return found;
}

export async function fillOverlay(root, plane) {
  plane.asked = true;
  if (plane.element) plane.bits = new Uint8Array(await bytesOf(root, plane.element));
}

// Draws the planes of a frame in white into its ImageData.
export function drawOverlays(frame, samples, image) {
  const out = new Uint32Array(image.data.buffer);
  for (const { rows, columns, top, left, bit, element, bits, frames, from } of frame.overlays) {
    const turn = frames > 1 ? frame.number - from : 0;
    if (element ? !bits || turn < 0 || turn >= Math.max(frames, 1) : frame.isDecoded) continue;
    for (let row = Math.max(0, -top); row < rows && row + top < frame.rows; row++) {
      for (let column = Math.max(0, -left); column < columns && column + left < frame.columns; column++) {
        const [place, at] = [(turn * rows + row) * columns + column, (row + top) * frame.columns + column + left];
        if (element ? (bits[place >> 3] >> (place & 7)) & 1 : (samples[at] >> bit) & 1) out[at] = WHITE;
      }
    }
  }
}
