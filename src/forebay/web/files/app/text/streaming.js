// Draws an answer while it comes, at a cost that does not grow with it: finished blocks are drawn once, of the last one
// no more is done than its kind needs, and never so often that the page has no time for anything else.

import { highlightIn } from "./highlight.js";
import { lastBlock, rendered } from "./markdown.js";

/** Longer paragraphs are shown as they are, in pieces: nobody writes such, and layout takes its time. */
export const LONG = 32_768;
const PIECE = 8_192;
/** Drawing may take this part of the time, and text is no older than this. */
const SHARE = 0.04;
const LATEST_MS = 500;
const SOONEST_MS = 60;
const FENCE = /^ {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^\n`]*\n/;

/** Draws the whole of `text` into `element`, at once. */
export function draw(element, text) {
  element.replaceChildren(...whole(text));
  highlightIn(element);
}

function whole(text) {
  const parts = text.length > LONG ? text.split("\n\n") : [];
  if (!parts.some(enormous)) return [rendered(text)];
  return parts.flatMap((part) => (enormous(part) ? [...pieces(part)] : [rendered(part)]));
}

const enormous = (part) => part.length > LONG && !part.includes("\n");

function* pieces(text) {
  for (let at = 0; at < text.length; at += PIECE) yield plain(text.slice(at, at + PIECE));
}

function plain(text) {
  const piece = document.createElement("div");
  piece.className = "plain";
  piece.append(text);
  return piece;
}

/** Draws into an element what is told by `grow`, once in a frame at most. */
export class Drawing {
  #element;
  #block = null;
  #code = null;
  #text = "";
  /** Up to here everything is drawn and done. */
  #stable = 0;
  /** Up to here of the last block's text is in #code or in plain pieces. */
  #shown = 0;
  #frame = 0;
  #timer = 0;
  #next = 0;
  #after;

  /** @param {HTMLElement} element @param {() => void} after is called when something was drawn */
  constructor(element, after = () => {}) {
    this.#element = element;
    this.#after = after;
  }

  /** The text is `text` by now; it begins as it did before. */
  grow(text) {
    this.#text = text;
    if (this.#frame || this.#timer) return;
    const wait = this.#next - performance.now();
    if (wait > 20) this.#timer = setTimeout(() => this.#request(), wait);
    else this.#request();
  }

  close() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#timer);
  }

  #request() {
    this.#timer = 0;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const began = performance.now();
      this.#draw();
      this.#after();
      const spent = performance.now() - began;
      this.#next = began + Math.min(Math.max(spent / SHARE, SOONEST_MS), LATEST_MS);
    });
  }

  #draw() {
    for (;;) {
      while (!this.#block && this.#text[this.#stable] === "\n") this.#stable += 1;
      const tail = this.#text.slice(this.#stable);
      const fence = FENCE.exec(tail);
      if (fence) {
        if (!this.#drawFence(tail, fence)) return;
      } else {
        const last = tail.length > LONG && !this.#hasBreak(tail) ? 0 : lastBlock(tail);
        if (!last) {
          this.#drawOpen(tail);
          return;
        }
        this.#settle(tail.slice(0, last));
      }
    }
  }

  #hasBreak(tail) {
    return tail.includes("\n", Math.max(0, this.#shown - 1));
  }

  /** The last block: drawn anew, or, if it is enormous, only what has come. */
  #drawOpen(tail) {
    const block = this.#open();
    if (tail.length <= LONG) {
      block.replaceChildren(rendered(tail));
      return;
    }
    if (!this.#shown) block.replaceChildren();
    for (; this.#shown < tail.length; ) {
      let piece = block.lastElementChild;
      const room = PIECE - (this.#shown % PIECE);
      if (!piece || room === PIECE) block.append((piece = plain("")));
      const more = tail.slice(this.#shown, this.#shown + room);
      piece.append(more);
      piece.normalize();
      this.#shown += more.length;
    }
  }

  /** Code grows by its text alone. Says whether it has ended. */
  #drawFence(tail, [opening, marks]) {
    const end = new RegExp(`^ {0,3}\\${marks[0]}{${marks.length},}[ \\t]*$`, "m");
    const from = Math.max(opening.length, this.#shown);
    const closing = end.exec(tail.slice(from));
    const stop = closing ? from + closing.index + closing[0].length : -1;
    if (closing && tail[stop] === "\n") {
      this.#settle(tail.slice(0, stop + 1));
      return true;
    }
    if (!this.#code) {
      const block = this.#open();
      block.replaceChildren(rendered(`${opening}`));
      this.#code = block.querySelector("code") ?? block;
      if (!this.#code.firstChild) this.#code.append("");
      this.#shown = opening.length;
    }
    // The last line may become the fence's end: it waits until it is whole.
    const whole = tail.lastIndexOf("\n") + 1;
    if (whole > this.#shown) {
      this.#code.lastChild.appendData(tail.slice(this.#shown, whole));
      this.#shown = whole;
    }
    return false;
  }

  #open() {
    if (!this.#block) {
      this.#block = document.createElement("div");
      this.#block.className = "block";
      this.#element.append(this.#block);
    }
    return this.#block;
  }

  #settle(text) {
    const block = this.#open();
    draw(block, text);
    this.#stable += text.length;
    this.#shown = 0;
    this.#block = null;
    this.#code = null;
  }
}

