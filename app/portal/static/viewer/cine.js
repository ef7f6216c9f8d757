// Frames in their own time, round and round. What is not there yet is waited for.
const USUAL_RATE = 10;

export class Cine {
  constructor(pane, told) {
    Object.assign(this, { pane, told, run: null });
  }

  stop() {
    this.run = null;
    this.told();
  }

  toggle() {
    const { pane } = this;
    if (this.run || pane.stack.length < 2) return this.stop();
    const run = (this.run = {});
    this.told();
    const rate = pane.stack[pane.index].rate || USUAL_RATE;
    let due = performance.now();
    const next = async (now) => {
      if (this.run !== run) return;
      if (now >= due) {
        due = Math.max(due + 1000 / rate, now);
        await pane.show((pane.index + 1) % pane.stack.length);
      }
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }
}
