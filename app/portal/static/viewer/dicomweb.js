// DICOMweb as the viewer asks for it: JSON, and frames; six at a time, those nearest to what is seen first.
// What is kept is bounded by bytes, lies in this page alone, and goes when the hub refuses.
const OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';
const AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const PARALLEL = 6;
const TRIES = 4;

export class Refused extends Error {
  constructor(status) {
    super(`The hub answered ${status}`);
    this.status = status;
  }
  // What was open is not any more: consent was withdrawn, or the session has ended.
  get isGone() {
    return [401, 403, 404].includes(this.status);
  }
}

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function ask(address, accept, more = {}) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(address, { ...more, headers: { accept }, cache: "no-store" });
    if (answer.ok) return answer;
    if (![429, 503].includes(answer.status) || tried === TRIES) throw new Refused(answer.status);
    await pause(Math.min(Number(answer.headers.get("retry-after")) || 1, 10));
  }
}

export const json = async (address) => (await ask(address, "application/dicom+json")).json();

export const text = async (address) => (await ask(address, "text/html", { redirect: "error" })).text();

export const octets = async (address) => (await ask(address, "application/octet-stream")).arrayBuffer();

const addressOf = (root, frame) =>
  `${root}/studies/${frame.study}/series/${frame.series}/instances/${frame.instance}/frames/${frame.number}`;

// Whether the hub decodes a frame: then its colours are RGB, whatever the header says.
export async function isDecoded(root, frame) {
  const answer = await ask(addressOf(root, frame), AS_STORED, { method: "HEAD" });
  const syntax = /transfer-syntax="?([0-9.]+)/.exec(answer.headers.get("content-type") ?? "")?.[1] ?? "";
  return syntax.startsWith("1.2.840.10008.1.2.4.") || syntax === "1.2.840.10008.1.2.5";
}

// Whether a series is there at all, when one of its frames is not.
export async function isThere(root, { study, series }) {
  return (await json(`${root}/studies/${study}/series?SeriesInstanceUID=${series}&limit=1`)).length > 0;
}

export const isStillOpen = (root, frame) =>
  ask(addressOf(root, frame), OCTETS, { method: "HEAD" }).then(() => true, (error) => !error.isGone);

// The part of a multipart body.
export function onlyPart(buffer) {
  const bytes = new Uint8Array(buffer);
  let start = 0;
  while (start < bytes.length && !(bytes[start] === 10 && bytes[start - 1] === 13 && bytes[start - 2] === 10)) start++;
  let end = bytes.length - 4;
  while (end > start && !(bytes[end] === 13 && bytes[end + 1] === 10 && bytes[end + 2] === 45 && bytes[end + 3] === 45)) end--;
  if (end <= start) throw new Refused(502);
  return buffer.slice(start + 1, end);
}

export const keyOf = (frame) => `${frame.instance}/${frame.number}`;

export class Frames {
  // `refused` is called with the failure when the hub does not give what it gave before.
  constructor(root, mostBytes, refused) {
    Object.assign(this, { root, mostBytes, refused });
    this.clear();
  }

  clear() {
    for (const { stop } of this.asked?.values() ?? []) stop.abort();
    this.kept = new Map();
    this.bytes = 0;
    this.asked = new Map();
    this.wanted = new Map();
  }

  get(frame) {
    const key = keyOf(frame);
    const found = this.kept.get(key);
    if (found) {
      // The newest last: the first is the one to go.
      this.kept.delete(key);
      this.kept.set(key, found);
    }
    return found;
  }

  // Fetches these next for a pane; what no pane wants any more is broken off.
  prefetch(pane, frames) {
    this.wanted.set(pane, { keys: frames.map(keyOf), left: [...frames] });
    const wanted = new Set([...this.wanted.values()].flatMap((one) => one.keys));
    for (const [key, { stop }] of this.asked) {
      if (wanted.has(key)) continue;
      stop.abort();
      this.asked.delete(key);
    }
    this.pump();
  }

  load(frame) {
    const found = this.get(frame);
    return found ? Promise.resolve(found) : (this.asked.get(keyOf(frame)) ?? this.fetch(frame)).made;
  }

  pump() {
    const queues = [...this.wanted.values()].map((one) => one.left);
    for (let turn = 0; queues.some((one) => one.length) && this.asked.size < PARALLEL; turn++) {
      const frame = queues[turn % queues.length].shift();
      if (frame && !this.kept.has(keyOf(frame)) && !this.asked.has(keyOf(frame))) this.fetch(frame).made.catch(() => {});
    }
  }

  fetch(frame) {
    const key = keyOf(frame);
    const entry = { stop: new AbortController() };
    this.asked.set(key, entry);
    entry.made = this.answer(frame, entry.stop.signal).finally(() => {
      if (this.asked.get(key) !== entry) return;
      this.asked.delete(key);
      this.pump();
    });
    return entry;
  }

  async answer(frame, signal) {
    try {
      const data = onlyPart(await (await ask(addressOf(this.root, frame), OCTETS, { signal })).arrayBuffer());
      if (!signal.aborted) this.keep(frame, data);
      return data;
    } catch (error) {
      if (!signal.aborted && error.isGone) this.refused(error, frame);
      throw error;
    }
  }

  keep(frame, data) {
    this.kept.set(keyOf(frame), data);
    this.bytes += data.byteLength;
    for (const [key, old] of this.kept) {
      if (this.bytes <= this.mostBytes || this.kept.size === 1) break;
      this.kept.delete(key);
      this.bytes -= old.byteLength;
    }
  }
}
