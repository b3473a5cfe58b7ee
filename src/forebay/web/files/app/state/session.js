// Who asks: a session where the server has a login, else an API key where it wants one.

import { saveKey, savedKey } from "../api/http.js";
import * as api from "../api/others.js";
import { computed, signal } from "../html.js";

const KEY_ONLY = [{ type: "key" }];

/** How one can log in, and why one must; null while nobody has to. @type {any} */
export const gate = signal(null);
/** Who is logged in: {label, role}, or null. */
export const user = signal(null);
/** Whether a model may be asked, as far as is known: of a key nobody tells what it may. */
export const mayAsk = computed(() => user.value?.role !== "viewer");
/** Whether the server's keys, adapters and other tenants may be looked after, as far as is known. */
export const mayRun = computed(() => !user.value || user.value.role === "admin");

/** Asks who is logged in; the gate is shut if nobody is and somebody must be. */
export async function begin() {
  const found = await api.session();
  user.value = found?.user ? { label: found.user.label || found.user.name, role: found.role } : null;
  if (found?.required && !found.user && !savedKey()) shut("", found.methods);
}

/** Shows the login if that is what `error` is about. */
export async function refused(error) {
  if (error.status !== 401) return false;
  const key = savedKey();
  const had = key !== null || user.value !== null;
  if (key !== null) saveKey(null);
  const found = await api.session().catch(() => null);
  user.value = null;
  const methods = found?.methods?.length ? found.methods : KEY_ONLY;
  // What the server says of a key means nothing to somebody who has none.
  const why = key === null ? "The login has ended: please log in again." : `The API key was refused. ${error.message}`;
  shut(had ? `${why}${error.about}` : "", methods);
  return true;
}

export function useKey(key) {
  saveKey(key);
  gate.value = null;
}

export async function usePassword(password) {
  await api.logInWithPassword(password);
  await begin();
  gate.value = null;
}

export async function leave() {
  if (savedKey()) saveKey(null);
  const left = user.value ? await api.logOut() : null;
  user.value = null;
  if (left?.url) location.assign(left.url);
  else location.reload();
}

function shut(why, methods) {
  gate.value = { why, methods: methods?.length ? methods : KEY_ONLY };
}
