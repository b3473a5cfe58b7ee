// The smaller addresses of the public API that pages ask.

import { ask, savedKey, useCsrfToken } from "./http.js";

const CHAT = "chat/completions";

/**
 * The models that may be asked; adapters have a `parent`. One that does not say what it answers is taken to chat.
 * @returns {Promise<{id: string, parent: string, owner: string, chats: boolean}[]>}
 */
export async function listModels() {
  const { data } = await ask("v1/models");
  return data.map(({ id, parent = "", owned_by: owner = "", operations }) => ({ id, parent, owner, chats: operations?.includes(CHAT) ?? true }));
}

/** What became of a request: who was asked and why, what guards and cache did, what it cost. */
export const storyOf = (requestId) => ask(`v1/requests/${encodeURIComponent(requestId)}`);

export const detectMark = (body, signal) => ask("v1/watermark/detect", { json: body, signal });
export const checkText = (body, signal) => ask("v1/guards/check", { json: body, signal });

/** Who is logged in, and how one can; null where the server knows no login. */
export async function session() {
  try {
    const found = await ask("auth/session");
    useCsrfToken(found.csrf_token ?? null);
    return found;
  } catch (error) {
    if (error.status === 404 || error.status === 405) return null;
    if (error.status === 401 && savedKey()) return null;
    throw error;
  }
}

export const logInWithPassword = (password) => ask("auth/password", { json: { password } });
export const logOut = () => ask("auth/logout", { method: "POST" });
