// The entries of palettes and of lookup tables: in the header, or fetched as bulk data. PS3.3 C.7.6.3.1.5, C.11.1, C.11.2.
import { octets } from "./dicomweb.js";

// The bytes of an element; bulk data lies below our own root, whatever public address names it.
export const bytesOf = (root, { InlineBinary, BulkDataURI }) =>
  InlineBinary
    ? Uint8Array.from(atob(InlineBinary), (letter) => letter.charCodeAt(0)).buffer
    : octets(root + new URL(BulkDataURI, location.href).pathname.split("/dicomweb")[1]);

async function fill(root, table) {
  if (!table || table.values) return;
  const { element, count } = table;
  if (element.Value) {
    table.values = element.Value.map(Number);
    return;
  }
  const data = await bytesOf(root, element);
  table.values = data.byteLength >= count * 2 ? new Uint16Array(data, 0, count) : new Uint8Array(data);
}

export async function fillTables(root, stack) {
  const all = new Set(stack.map((frame) => frame.tables));
  for (const { palette, modality, voi } of all) {
    for (const table of [...(palette ?? []), modality, voi]) await fill(root, table);
  }
}
