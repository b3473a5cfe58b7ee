// The list of conversations, as far as it has been looked at.

import { batch, signal } from "../html.js";
import { count } from "../text/numbers.js";
import { fail, say } from "./toasts.js";

/** Titles made aside come a little after the answer. */
const TITLE_MS = [2000, 6000];

export class Shelf {
  /** @type {import("../html.js").signal<{id: string, title: string, updated_at: number}[]>} */
  found = signal([]);
  more = signal(false);
  query = signal("");
  busy = signal(false);
  #book;
  #asking = null;
  #loading = null;
  #timers = [];

  constructor(book) {
    this.#book = book;
  }

  async search(query) {
    this.query.value = query;
    this.#load(false);
    await this.#loaded();
    if (query && this.query.value === query) say(`${count(this.found.value.length, "conversation")}${this.more.value ? " and more" : ""} found`);
  }

  /** Looks again at what is newest. */
  refresh() {
    this.#timers.forEach(clearTimeout);
    this.#timers = this.#book.value?.lasting ? TITLE_MS.map((wait) => setTimeout(() => this.#freshen(), wait)) : [];
    return this.#load(false);
  }

  next() {
    return this.more.value && !this.busy.value ? this.#load(true) : Promise.resolve();
  }

  drop(id) {
    this.found.value = this.found.value.filter((each) => each.id !== id);
  }

  retitle(id, title) {
    this.found.value = this.found.value.map((each) => (each.id === id ? { ...each, title } : each));
  }

  /** The titles of those that are shown, without moving anything. */
  async #freshen() {
    if (this.busy.value) return;
    const { data } = await this.#book.value.list({ query: this.query.value }).catch(() => ({ data: [] }));
    const titles = new Map(data.map((each) => [each.id, each.title]));
    this.found.value = this.found.value.map((each) => ({ ...each, title: titles.get(each.id) ?? each.title }));
  }

  #load(further) {
    return (this.#loading = this.#bring(further));
  }

  /** Waits for the last list that was asked for: an answer that has ended asks anew while a search is under way. */
  async #loaded() {
    let last = null;
    while (last !== this.#loading) await (last = this.#loading);
  }

  async #bring(further) {
    if (!this.#book.value) return;
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    this.busy.value = true;
    const after = further ? this.found.value.at(-1)?.id : undefined;
    try {
      const page = await this.#book.value.list({ after, query: this.query.value.trim(), signal: asking.signal });
      if (this.#asking !== asking) return;
      batch(() => {
        this.found.value = further ? [...this.found.value, ...page.data] : page.data;
        this.more.value = Boolean(page.has_more);
      });
    } catch (error) {
      if (this.#asking === asking) fail(error, () => this.#load(further));
    } finally {
      if (this.#asking === asking) this.busy.value = false;
    }
  }
}
