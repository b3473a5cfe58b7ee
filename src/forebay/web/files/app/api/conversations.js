// The conversations that the server keeps: /v1/conversations, and what was thought of answers.

import { ofFacts } from "./figures.js";
import { ask, call, withQuery } from "./http.js";

const PATH = "v1/conversations";
const PAGE = 100;
const ITEMS = 2000;

/** Whether `error` says that a conversation is no more. @param {import("./http.js").ApiError} error */
export const isGone = ({ status, param }) => status === 404 && param === "conversation";

const at = (id, rest = "") => `${PATH}/${encodeURIComponent(id)}${rest}`;

/** One page of the list, the latest first. @returns {Promise<{data: object[], has_more: boolean, last_id: string}>} */
export const list = ({ after, query, signal } = {}) =>
  ask(withQuery(PATH, { limit: PAGE, after, query: query?.slice(0, 200) }), { signal });

export const create = () => ask(PATH, { json: {} });
export const show = (id) => ask(at(id));
export const change = (id, fields) => ask(at(id), { json: fields });
export const remove = (id) => ask(at(id), { method: "DELETE" });
export const importFile = (text, type) => ask(`${PATH}/import`, { body: text, type });

export async function exportFile(id, format) {
  return (await call(at(id, `/export?format=${format}`))).text();
}

/** The messages of the current branch, the first one first. */
export async function messages(id) {
  const found = [];
  for (let after = ""; ; ) {
    const page = await ask(withQuery(at(id, "/items"), { limit: ITEMS, order: "asc", after }));
    found.push(...page.data);
    if (!page.has_more || !page.last_id) return messagesOf(found);
    after = page.last_id;
  }
}

/** The last messages of the current branch; the first of them may be in the middle of an answer. */
export async function latest(id, limit) {
  const page = await ask(withQuery(at(id, "/items"), { limit, order: "desc" }));
  return messagesOf(page.data.reverse());
}

/** An answer's place is that of its first item, which may be a thought; its last one, which may be a call, is its end. */
function messagesOf(items) {
  const first = new Map();
  const last = new Map();
  for (const item of items) {
    if (!item.response_id || item.role === "user") continue;
    if (!first.has(item.response_id)) first.set(item.response_id, item);
    last.set(item.response_id, item);
  }
  const messages = items.filter((item) => item.type === "message");
  return messages.map((item) => {
    const own = item.role === "user" ? undefined : item.response_id;
    return messageOf(item, first.get(own) ?? item, last.get(own) ?? item);
  });
}

const STATES = { incomplete: "cut", failed: "failed", in_progress: "elsewhere" };

/** What became of a response; nothing is left of one that has failed. @returns {Promise<string>} a message's state */
export async function stateOf(responseId) {
  try {
    return STATES[(await ask(`v1/responses/${encodeURIComponent(responseId)}`)).status] ?? "done";
  } catch (error) {
    if (error.status === 404) return "failed";
    throw error;
  }
}

/** @returns {import("../state/messages.js").Message} */
function messageOf(item, first, last) {
  return {
    id: item.id,
    role: item.role,
    text: textOf(item.content),
    parent: first.parent ?? null,
    place: first.id,
    siblings: first.siblings?.length ? first.siblings : [first.id],
    end: last.id,
    created: (item.created_at ?? 0) * 1000,
    // An answer that has used up its tokens is incomplete, too, but nobody has cut it off.
    state: item.status === "incomplete" && item.forebay?.finish_reason ? "done" : (STATES[item.status] ?? "done"),
    figures: ofFacts(item.forebay),
    responseId: item.response_id ?? "",
  };
}

function textOf(content) {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? part.refusal ?? "").join("");
}

/** Says what somebody thinks of an answer. */
export const sendFeedback = (feedback) => ask("v1/feedback", { json: feedback });
/** What was said of an answer that is kept, if anything was. @returns {Promise<object | null>} */
export const feedbackOn = (responseId) =>
  ask(withQuery("v1/feedback", { response_id: responseId, limit: 1 })).then(({ data }) => data[0] ?? null);
export const takeBackFeedback = (id) => ask(`v1/feedback/${encodeURIComponent(id)}`, { method: "DELETE" });
