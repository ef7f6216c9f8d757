// What the modules of the page share: what it was told, its panes, what is open in them.
export const data = JSON.parse(document.getElementById("viewer-data").textContent);
export const { root, words } = data;
export const find = (selector) => document.querySelector(selector);

// `refresh`, of `tools.js`, brings the tools in step with the active pane.
export const desk = { tool: "window", active: null, panes: [], studies: new Map(), keys: [], link: null, withRejected: false };

export const shownSeries = (study) => study?.series.filter((one) => one.shown) ?? [];

// Of what a note rejects, only what merely has a bad quality is ever shown, to whoever asks.
export const isShown = (study, { instance }) => [undefined, desk.withRejected && study.quality].includes(study.rejected[instance]);
