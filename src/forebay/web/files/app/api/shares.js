// Links that show a conversation to whoever has them: /v1/shares.

import { ask, withQuery } from "./http.js";

const PATH = "v1/shares";
const MOST = 100;

/** The links to a conversation that still show it, the latest first; their addresses are not known any more. */
export const linksTo = async (conversation) =>
  (await ask(withQuery(PATH, { limit: MOST }))).data.filter((each) => each.conversation_id === conversation);

/** A new link to a conversation as it is now. @param {number} seconds @returns {Promise<string>} its address */
export async function makeLink(conversation, seconds) {
  const { url } = await ask(PATH, { json: { what: "conversation", conversation_id: conversation, expires_in: seconds } });
  return new URL(url.slice(1), document.baseURI).href;
}

export const revokeLink = (id) => ask(`${PATH}/${encodeURIComponent(id)}`, { method: "DELETE" });
