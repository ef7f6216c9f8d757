// Two series scrolled together: by place in the patient where both have one, else step by step.
import { depth } from "./header.js";

function nearest(stack, along, wanted) {
  let best = 0;
  stack.forEach((frame, place) => {
    if (Math.abs(depth(frame, along) - wanted) < Math.abs(depth(stack[best], along) - wanted)) best = place;
  });
  return best;
}

const isPlaced = (stack) => stack.length > 0 && stack.every((frame) => frame.position && frame.orientation);

export class Link {
  // Binds two panes as they are now: by place, of two studies with what is between them.
  constructor(one, other) {
    this.panes = [one, other];
    const [a, b] = [one.stack[one.index], other.stack[other.index]];
    this.byPlace = isPlaced(one.stack) && isPlaced(other.stack);
    const together = a && b && a.frameOfReference && a.frameOfReference === b.frameOfReference;
    this.apart = this.byPlace && !together ? depth(b, a) - depth(a, a) : 0;
    this.steps = other.index - one.index;
    if (this.byPlace && together) this.follow(one);
  }

  // Brings the other pane to where `moved` is.
  follow(moved) {
    const first = moved === this.panes[0];
    const other = this.panes[+first];
    const frame = moved.stack[moved.index];
    if (!frame || !other.stack.length) return;
    const sign = first ? 1 : -1;
    if (!this.byPlace) other.show(moved.index + sign * this.steps);
    else other.show(nearest(other.stack, frame, depth(frame, frame) + sign * this.apart));
  }
}
