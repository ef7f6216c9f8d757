// Windows that are asked for by name: of CT in HU; others come from the header.
import { data, words } from "./desk.js";

// The choices for a frame: a name, and what it sets on a pane.
export function choices(frame) {
  if (!frame || frame.samples > 1 || frame.tables.palette) return [];
  const found = frame.windows.map((window, place) => [window.name || `${words.from_header} ${place + 1}`, { window, useTable: false }]);
  if (frame.tables.voi) found.push([words.table, { window: null, useTable: true }]);
  const named = frame.modality === "CT" ? data.presets : [];
  found.push(...named.map(([name, center, width]) => [name, { window: { center, width, kind: "LINEAR" }, useTable: false }]));
  return [...found, [words.full, { window: "full", useTable: false }]];
}
