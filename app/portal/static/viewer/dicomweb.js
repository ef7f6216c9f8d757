// DICOMweb as the viewer asks for it: JSON, and frames; six at a time, those nearest to what is seen first.
// What is kept is bounded by bytes, lies in this page alone, and goes when the hub refuses.
const OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1';
const AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*';
const PARALLEL = 6;
const PAGE = 200;
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

async function ask(address, accept, { method = "GET", signal } = {}) {
  for (let tried = 1; ; tried++) {
    const answer = await fetch(address, { method, signal, headers: { accept }, cache: "no-store" });
    if (answer.ok) return answer;
    if (![429, 503].includes(answer.status) || tried === TRIES) throw new Refused(answer.status);
    await pause(Math.min(Number(answer.headers.get("retry-after")) || 1, 10));
  }
}

export async function json(address) {
  return (await ask(address, "application/dicom+json")).json();
}

// All pages of a search.
export async function search(address) {
  const found = [];
  for (;;) {
    const answer = await ask(`${address}&limit=${PAGE}&offset=${found.length}`, "application/dicom+json");
    const part = await answer.json();
    found.push(...part);
    if (!part.length || (part.length < PAGE && !answer.headers.has("warning"))) return found;
  }
}

export async function octets(address) {
  return (await ask(address, "application/octet-stream")).arrayBuffer();
}

const addressOf = (root, frame) =>
  `${root}/studies/${frame.study}/series/${frame.series}/instances/${frame.instance}/frames/${frame.number}`;

// Whether the hub decodes a frame: then its colours are RGB, pixel by pixel, whatever the header says.
export async function isDecoded(root, frame) {
  const answer = await ask(addressOf(root, frame), AS_STORED, { method: "HEAD" });
  const syntax = /transfer-syntax="?([0-9.]+)/.exec(answer.headers.get("content-type") ?? "")?.[1] ?? "";
  return syntax.startsWith("1.2.840.10008.1.2.4.") || syntax === "1.2.840.10008.1.2.5";
}

// Whether a series is there at all, when one of its frames is not.
export async function isThere(root, { study, series }) {
  return (await json(`${root}/studies/${study}/series?SeriesInstanceUID=${series}&limit=1`)).length > 0;
}

export async function isStillOpen(root, frame) {
  try {
    await ask(addressOf(root, frame), OCTETS, { method: "HEAD" });
    return true;
  } catch (error) {
    return !(error instanceof Refused && error.isGone);
  }
}

// The one part of a multipart body.
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
    this.stop?.abort();
    this.stop = new AbortController();
    this.kept = new Map();
    this.bytes = 0;
    this.asked = new Map();
    this.queue = [];
    this.running = 0;
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

  // Fetches these next, in this order; what waited and is not among them is forgotten.
  prefetch(frames) {
    this.queue = frames.filter((frame) => !this.kept.has(keyOf(frame)) && !this.asked.has(keyOf(frame)));
    this.pump();
  }

  load(frame) {
    const found = this.get(frame);
    return found ? Promise.resolve(found) : (this.asked.get(keyOf(frame)) ?? this.fetch(frame));
  }

  pump() {
    while (this.running < PARALLEL && this.queue.length) {
      const frame = this.queue.shift();
      if (!this.kept.has(keyOf(frame)) && !this.asked.has(keyOf(frame))) this.fetch(frame).catch(() => {});
    }
  }

  fetch(frame) {
    const { stop } = this;
    this.running++;
    const made = (async () => {
      try {
        const data = onlyPart(await (await ask(addressOf(this.root, frame), OCTETS, { signal: stop.signal })).arrayBuffer());
        if (stop === this.stop) this.keep(frame, data);
        return data;
      } catch (error) {
        if (stop === this.stop && error instanceof Refused && error.isGone) this.refused(error, frame);
        throw error;
      } finally {
        if (stop === this.stop) {
          this.asked.delete(keyOf(frame));
          this.running--;
          this.pump();
        }
      }
    })();
    this.asked.set(keyOf(frame), made);
    return made;
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
