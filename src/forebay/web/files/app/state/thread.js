// One conversation on the screen: what was said, the answer that is coming, and what can be done with both.

import { ofStory } from "../api/figures.js";
import { ApiError } from "../api/http.js";
import { storyOf } from "../api/others.js";
import { batch, signal } from "../html.js";
import { Live } from "./live.js";
import { failed, made, settled } from "./messages.js";
import { keptOf, pause } from "./recovery.js";

/** How many of the latest messages are read again after an answer. */
const TAIL = 8;
const LATER_MS = 1500;
/** Whoever wants another answer does not want the cache's. */
const FRESH = { "cache-control": "no-cache" };

export class Thread {
  /** The conversation's id, or null while there is none. */
  id = signal(null);
  /** @type {import("../html.js").signal<Message[]>} */
  messages = signal([]);
  /** What stops the answer that is coming. */
  running = signal(null);
  loading = signal(false);
  /** Why the conversation could not be opened. */
  problem = signal(null);

  #book;
  #choices;
  #ended;
  #began;

  /**
   * @param {import("./memory.js").MemoryBook} book
   * @param {() => {model: string, instructions: string, parameters: object}} choices
   * @param {(thread: Thread, message: Message) => void} ended is told of each answer that has ended
   * @param {(thread: Thread) => void} began is told of each answer that the server has begun to keep
   */
  constructor(book, choices, ended = () => {}, began = () => {}) {
    this.#book = book;
    this.#choices = choices;
    this.#ended = ended;
    this.#began = began;
  }

  /** Forget what is here, without deleting it. */
  clear() {
    this.stop();
    batch(() => {
      this.id.value = null;
      this.messages.value = [];
      this.problem.value = null;
      this.loading.value = false;
    });
  }

  async open(id) {
    this.clear();
    this.id.value = id;
    this.loading.value = true;
    try {
      const messages = await this.#book.open(id);
      if (this.id.value === id) this.messages.value = messages;
    } catch (error) {
      if (this.id.value === id) this.problem.value = error;
    } finally {
      if (this.id.value === id) this.loading.value = false;
    }
  }

  stop() {
    this.running.value?.abort();
  }

  send(text) {
    // A turn that failed before it began is no part of the conversation.
    const before = this.messages.value.filter((each) => each.state !== "failed" || (each.text && each.role === "assistant"));
    return this.#answer(before, text, before.length ? before.at(-1).end : undefined);
  }

  /** Says something else in the place of `message`, which stays as a sibling. */
  async edit(message, text) {
    const at = this.messages.value.indexOf(message);
    const answer = this.messages.value[at + 1];
    if (answer && this.#mayBeKept(answer)) await this.#look(answer);
    const now = this.messages.value[at];
    const { parent, siblings } = now.again ?? now;
    await this.#answer(this.#before(now), text, parent, siblings);
  }

  /** Another answer in the place of `message`, which stays as a sibling. */
  async regenerate(message) {
    const kept = this.#mayBeKept(message) ? await this.#look(message) : message;
    if (kept) await this.#again(kept, FRESH);
  }

  /** Once more what has failed; what the server has kept meanwhile is looked up first. */
  async retry(message) {
    if (!this.#askedBy(message) || this.running.value) return;
    let lost = message;
    try {
      if (this.#mayBeKept(message)) lost = await this.#look(message);
    } catch (error) {
      this.#replace(this.#found(message.id) ?? message, { error });
      return;
    }
    if (!lost?.error || this.running.value) return;
    if (lost.state === "elsewhere") await (lost.waiting || this.#recover(lost));
    else await this.#again(lost);
  }

  /** The question that has not been answered for want of a login, if there is one. @returns {string} */
  unasked() {
    return this.messages.value.findLast((each) => each.role === "user" && each.state === "failed")?.text ?? "";
  }

  /** What was asked in the turn of `message`; elsewhere it may be asked as something new. */
  question(message) {
    return this.#askedBy(message)?.text ?? "";
  }

  /** The message beside `message`: the previous one (-1) or the next one (1). */
  async turn(message, step) {
    const sibling = message.siblings[message.siblings.indexOf(message.place) + step];
    if (!sibling || this.running.value) return;
    const id = this.id.value;
    await this.#book.choose(id, sibling);
    const messages = await this.#book.open(id);
    if (this.id.value === id) this.messages.value = messages;
  }

  /** Read everything again, as another tab or the server may have changed it. */
  async reload() {
    const id = this.id.value;
    if (!id) return;
    const messages = await this.#book.open(id);
    if (this.id.value === id && !this.running.value) this.messages.value = messages;
  }

  #before(message) {
    return this.messages.value.slice(0, this.messages.value.indexOf(message));
  }

  #askedBy(message) {
    return this.#before(message).findLast((each) => each.role === "user");
  }

  #found(id) {
    return this.messages.value.find((each) => each.id === id);
  }

  #replace(message, changes) {
    const changed = { ...message, ...changes };
    this.messages.value = this.messages.value.map((each) => (each === message ? changed : each));
    return changed;
  }

  /** Another answer; where the server does not know the question, that is asked, too. */
  async #again(message, headers = {}) {
    const asked = this.#askedBy(message);
    if (!asked) return;
    if (asked.again) await this.#answer(this.#before(asked), asked.again.text, asked.again.parent, asked.again.siblings, headers);
    else await this.#answer(this.#before(message), null, asked.id, message.state === "failed" ? [] : message.siblings, headers);
  }

  #mayBeKept(message) {
    return this.#book.lasting && this.id.value && (message.error?.lost || this.#askedBy(message)?.again);
  }

  /** Shows what the server has of an answer that was lost, as soon as it can be asked, until it writes no more. */
  async #recover(lost) {
    this.#replace(lost, { waiting: true });
    let { id } = lost;
    for (let tries = 0; ; tries += 1) {
      await pause(tries);
      const now = this.#found(id);
      if (!now) return;
      if (this.running.value) return void this.#replace(now, { waiting: false });
      try {
        const kept = await this.#look(now);
        if (!kept) return;
        ({ id } = kept);
        if (kept.state === "elsewhere") continue;
        return this.#ended(this, this.#replace(kept, { waiting: false }));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.lost || error.status >= 500) continue;
        return this.#ended(this, this.#replace(this.#found(id), { error, waiting: false }));
      }
    }
  }

  /** Takes over what the server has of `lost`. @returns {Promise<Message | null>} what stands in its place now */
  async #look({ id: name }) {
    const id = this.id.value;
    const messages = await this.#book.open(id);
    const before = this.#found(name);
    if (!before) return null;
    const asked = this.#askedBy(before);
    const { question, answer } = keptOf(messages, before, asked, this.messages.value);
    const response = before.responseId || (asked?.again && question?.responseId);
    // Of an answer that has but begun nothing is written down.
    const begun = question && !answer && response && (await this.#book.stateOf(response)) === "elsewhere";
    const lost = this.#found(name);
    if (this.id.value !== id || this.running.value || !lost) return null;
    if (!answer && !question) return lost;
    const { error, figures, key, reasoning, waiting } = lost;
    const kept = answer
      ? { ...answer, state: lost.state === "stopped" ? "stopped" : answer.state, key, reasoning, figures: { ...figures, ...answer.figures } }
      : { ...lost, siblings: [lost.place], responseId: response || "", state: begun ? "elsewhere" : "failed" };
    const found = answer?.state === "done" ? kept : { ...kept, error, waiting };
    const all = answer ? messages : [...messages.slice(0, messages.indexOf(question) + 1), found];
    this.messages.value = all.map((each) => (each === answer ? found : each));
    return found;
  }

  async #answer(before, input, parent, siblings = [], headers = {}) {
    if (this.running.value) return;
    const stop = new AbortController();
    const choices = this.#choices();
    const asked = input === null ? [] : [{ ...made("user", input, siblings), again: { text: input, parent, siblings } }];
    const answer = { ...made("assistant", "", input === null ? siblings : []), state: "running", live: new Live() };
    answer.figures = { model: choices.model };
    batch(() => {
      this.running.value = stop;
      this.messages.value = [...before, ...asked, answer];
    });
    await this.#receive({ ...choices, input, parent, headers }, answer, stop);
  }

  async #receive(wanted, answer, stop) {
    const { live } = answer;
    let error = null;
    try {
      const { signal } = stop;
      const conversation = this.id.value ?? (await this.#create(signal));
      for await (const piece of this.#book.answer({ ...wanted, conversation, signal })) {
        if (piece.figures) Object.assign(answer.figures, piece.figures);
        if (piece.responseId) answer.responseId = piece.responseId;
        live.grow(piece);
        if (piece.begun && !signal.aborted) this.#began(this);
      }
    } catch (caught) {
      error = caught.name === "AbortError" || stop.signal.aborted ? null : caught;
    }
    const state = error ? "failed" : stop.signal.aborted ? "stopped" : "done";
    await this.#finish(answer, { ...answer, live: undefined, text: live.text, reasoning: live.reasoning, state, error });
  }

  /** A new conversation; it is this one, unless another has been opened meanwhile. */
  async #create(signal) {
    const id = await this.#book.create();
    if (!signal.aborted) this.id.value = id;
    return id;
  }

  /** Puts the finished message in the place of the running one, if that is still on the screen. */
  async #finish(answer, done) {
    const here = this.messages.value.includes(answer);
    batch(() => {
      if (here) this.messages.value = this.messages.value.map((each) => (each === answer ? done : failed(each, done)));
      this.running.value = null;
    });
    answer.live.end();
    if (!here) return;
    if (done.error?.lost && this.#mayBeKept(done)) {
      await this.#recover(done);
      return;
    }
    this.#ended(this, done);
    if (done.state !== "failed" || done.text) await this.#settle(done);
    if (done.state === "done") await this.#complete(done.figures.requestId);
  }

  /** What only the server knows of an answer, if it tells: its cost, what guards did. */
  async #complete(requestId) {
    const story = requestId && (await storyOf(requestId).catch(() => null));
    if (!story) return;
    const told = ofStory(story);
    this.messages.value = this.messages.value.map((each) =>
      each.figures.requestId === requestId && each.role === "assistant" ? { ...each, figures: { ...told, ...each.figures } } : each,
    );
  }

  /** Takes over what the book knows of the latest messages: their ids and siblings. */
  async #settle(done, again = true) {
    const id = this.id.value;
    let latest;
    try {
      latest = await this.#book.latest(id, TAIL);
    } catch (error) {
      if (error instanceof ApiError) return; // what was said is on the screen; the next answer tells the rest
      throw error;
    }
    const shown = this.messages.value;
    const at = shown.indexOf(done);
    if (this.id.value !== id || at < 0 || this.running.value) return;
    const count = shown[at - 1]?.again ? 2 : 1;
    const fresh = latest.slice(-count);
    if (fresh.length < count || fresh.at(-1).role !== "assistant") {
      // What was stopped is written down a moment later.
      if (again) setTimeout(() => this.#settle(done, false), LATER_MS);
      return;
    }
    if (count === 2 && latest.length > 2 && at > 1 && latest.at(-3).id !== shown[at - 2].id) {
      await this.reload(); // somebody else has written here, too
      this.messages.value = this.messages.value.map((each, i, all) => (i === all.length - 1 ? settled(done, each) : each));
      return;
    }
    this.messages.value = [...shown.slice(0, at + 1 - count), ...fresh.map((each, i) => settled(shown[at + 1 - count + i], each))];
  }
}
