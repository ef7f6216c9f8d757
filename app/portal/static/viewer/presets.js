// Windows that are asked for by name: of CT in HU; others come from the header.
export const CT = [
  ["soft", { center: 40, width: 400, kind: "LINEAR" }],
  ["lung", { center: -600, width: 1500, kind: "LINEAR" }],
  ["bone", { center: 480, width: 2500, kind: "LINEAR" }],
  ["brain", { center: 40, width: 80, kind: "LINEAR" }],
];

// The choices for a frame: a name, and what it sets on a pane.
export function choices(frame, words) {
  if (!frame || frame.samples > 1 || frame.tables.palette) return [];
  const found = frame.windows.map((window, place) => [window.name || `${words.from_header} ${place + 1}`, { window, useTable: false }]);
  if (frame.tables.voi) found.push([words.table, { window: null, useTable: true }]);
  if (frame.modality === "CT") found.push(...CT.map(([name, window]) => [words[name], { window, useTable: false }]));
  return [...found, [words.full, { window: "full", useTable: false }]];
}
