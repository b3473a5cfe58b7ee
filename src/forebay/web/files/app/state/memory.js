// Keeps conversations in this page's memory: trees of messages, in the form in which the server exports its own.

import { streamChat } from "../api/chat.js";
import { ApiError } from "../api/http.js";

const TITLE_WORDS = 8;
/** No other page's names are like these: an address may be older than the page. */
const PAGE = Math.random().toString(36).slice(2, 10);

export class MemoryBook {
  lasting = false;
  /** @type {Map<string, {id: string, title: string, created_at: number, updated_at: number, nodes: Map<string, object>,
   *   leaf: string | null}>} */
  #kept = new Map();
  #count = 0;

  async list({ query = "" } = {}) {
    const words = folded(query);
    const found = [...this.#kept.values()].filter((each) => !words || textOf(each).includes(words));
    found.sort((a, b) => b.updated_at - a.updated_at);
    return { data: found.map(({ id, title, updated_at }) => ({ id, title, updated_at })), has_more: false };
  }

  async create() {
    const now = Date.now() / 1000;
    const id = this.#name("conv");
    this.#kept.set(id, { id, title: "", created_at: now, updated_at: now, nodes: new Map(), leaf: null });
    return id;
  }

  async show(id) {
    return this.#find(id);
  }

  async open(id) {
    const { nodes, leaf } = this.#find(id);
    return path(nodes, leaf).map((node) => this.#message(nodes, node));
  }

  async latest(id, limit) {
    return (await this.open(id)).slice(-limit);
  }

  async rename(id, title) {
    this.#find(id).title = title;
  }

  async remove(id) {
    this.#kept.delete(id);
  }

  async choose(id, message) {
    const kept = this.#find(id);
    kept.leaf = lastBelow(kept.nodes, message);
  }

  /** Answers, and keeps the question and what there is of the answer; nothing, if nothing came. */
  async *answer({ conversation, parent, input, instructions, ...wanted }) {
    const kept = this.#find(conversation);
    const asked = input === null ? null : this.#node("user", input, parent === undefined ? kept.leaf : parent);
    if (asked) kept.nodes.set(asked.id, asked);
    const answer = this.#node("assistant", "", asked ? asked.id : parent);
    let state = "cut";
    try {
      yield { id: answer.id };
      for await (const piece of streamChat({ ...wanted, messages: said(kept, answer.parent, instructions) })) {
        answer.text += piece.text ?? "";
        Object.assign(answer.figures, piece.figures);
        yield piece;
      }
      state = "done";
    } finally {
      if (state === "done" || answer.text) this.#keep(kept, { ...answer, state });
      else if (asked) kept.nodes.delete(asked.id);
    }
  }

  async exportFile(id, format) {
    const { title, created_at, leaf, nodes } = this.#find(id);
    if (format === "markdown") return markdown(title, path(nodes, leaf));
    const items = [...nodes.values()].map(itemOf);
    const file = { object: "forebay.conversation", version: 1, title, created_at, metadata: {}, current_item: leaf, items };
    return JSON.stringify(file, null, 2);
  }

  async importFile(text) {
    const file = read(text);
    const id = await this.create();
    const kept = this.#find(id);
    const names = new Map(file.items.map((item) => [item.id, this.#name("msg")]));
    for (const item of file.items) {
      const node = { ...this.#node(item.role, contentOf(item), names.get(item.parent) ?? null), id: names.get(item.id) };
      kept.nodes.set(node.id, { ...node, created: (item.created_at ?? 0) * 1000 || Date.now() });
    }
    kept.title = String(file.title ?? "").slice(0, 200);
    kept.leaf = names.get(file.current_item) ?? [...names.values()].at(-1) ?? null;
    return { id };
  }

  #find(id) {
    const kept = this.#kept.get(id);
    if (!kept) throw new ApiError("There is no such conversation: this page has forgotten it.", { status: 404, param: "conversation" });
    return kept;
  }

  #name(kind) {
    this.#count += 1;
    return `${kind}_${PAGE}${this.#count}`;
  }

  #node(role, text, parent) {
    return { id: this.#name("msg"), role, text, parent: parent ?? null, created: Date.now(), state: "done", figures: {} };
  }

  #keep(kept, node) {
    kept.nodes.set(node.id, node);
    kept.leaf = node.id;
    kept.updated_at = Date.now() / 1000;
    kept.title ||= path(kept.nodes, node.id)[0].text.trim().split(/\s+/).slice(0, TITLE_WORDS).join(" ").slice(0, 80);
  }

  #message(nodes, node) {
    const siblings = [...nodes.values()].filter((each) => each.parent === node.parent).map((each) => each.id);
    return { ...node, place: node.id, end: node.id, siblings, responseId: "" };
  }
}

function path(nodes, leaf) {
  const found = [];
  for (let node = nodes.get(leaf); node; node = nodes.get(node.parent)) found.unshift(node);
  return found;
}

function lastBelow(nodes, id) {
  for (let at = id; ; ) {
    const below = [...nodes.values()].filter((node) => node.parent === at);
    if (!below.length) return at;
    at = below.at(-1).id;
  }
}

function said({ nodes }, leaf, instructions) {
  const first = instructions ? [{ role: "system", content: instructions }] : [];
  return [...first, ...path(nodes, leaf).map(({ role, text }) => ({ role, content: text }))];
}

const textOf = ({ title, nodes }) => folded([title, ...[...nodes.values()].map((node) => node.text)].join("\n"));
/** Without cases and marks: "istanbul" is found in "İstanbul". */
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function itemOf({ id, role, text, parent, created, state }) {
  const type = role === "assistant" ? "output_text" : "input_text";
  const status = state === "done" ? "completed" : "incomplete";
  return { id, type: "message", role, status, content: [{ type, text }], parent, created_at: Math.round(created / 1000) };
}

function markdown(title, nodes) {
  const turns = nodes.map(({ role, text }) => `<!-- forebay:${role} -->\n**${role === "user" ? "You" : "Assistant"}**\n\n${text}\n`);
  return `# ${title || "Conversation"}\n\n${turns.join("\n")}`;
}

function read(text) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw foreign("It is not JSON.");
  }
  if (file?.object !== "forebay.conversation" || file.version !== 1) {
    throw foreign("Its 'object' is not \"forebay.conversation\" of version 1.");
  }
  const items = Array.isArray(file.items) ? file.items.filter((item) => item?.type === "message") : [];
  if (!items.length || !items.every((item) => typeof item.id === "string" && ["user", "assistant"].includes(item.role))) {
    throw foreign("Its 'items' are no messages.");
  }
  return { ...file, items };
}

/** In the words that the server has for it. */
function foreign(why) {
  return new ApiError(`This file is no conversation of Forebay's. ${why}`);
}

function contentOf({ content }) {
  if (typeof content === "string") return content;
  return Array.isArray(content) ? content.map((part) => String(part?.text ?? "")).join("") : "";
}
