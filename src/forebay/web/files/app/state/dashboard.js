// What the dashboard shows: the page and its filters, all of it in the address, and the clock that asks anew.

import { listModels } from "../api/others.js";
import { computed, effect, signal, untracked } from "../html.js";
import { begin, gate, refused } from "./session.js";
import { fail } from "./toasts.js";

export const RANGES = { "15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000 };
export const VIEWS = ["overview", "requests", "keys", "models", "cache", "guards"];
const FIRST = {
  view: "overview", range: "1h", since: "", until: "", model: "", tenant: "", principal: "", status: "", cost: "model", request: "",
};
const OFTEN_MS = 10_000;
const SELDOM_MS = 60_000;
/** Beyond this range a few seconds change nothing. */
const LONG = 21_600;

/** @type {import("../html.js").signal<typeof FIRST>} */
export const query = signal(read());
export const models = signal(null);
/** Counts up whenever everything is to be asked anew. */
export const tick = signal(0);
export const live = signal(true);
export const hidden = signal(document.hidden);

/** The window in seconds since 1970; without `until` it ends now. */
export function span() {
  const { range, since, until } = query.value;
  if (since && until) return { since: Number(since), until: Number(until) };
  const now = Date.now() / 1000;
  return { since: Math.floor(now - RANGES[range]), until: Math.ceil(now) };
}

/** What every question about usage carries. */
export function filters() {
  const { model, tenant, principal, status } = query.value;
  return { ...span(), model, tenant, principal, status };
}

/** The address of `changes` to what is shown. */
export function addressOf(changes) {
  const next = { ...query.value, request: "", ...changes };
  const told = Object.entries(next).filter(([name, value]) => value !== FIRST[name]);
  return told.length ? `?${new URLSearchParams(told)}` : location.pathname;
}

export function go(changes) {
  const address = addressOf(changes);
  history.pushState(null, "", address);
  query.value = read();
}

export const again = () => {
  tick.value += 1;
};

/** Asks who is there, and for the models; again after a login. */
export async function start() {
  try {
    await begin();
    if (gate.value) return;
    models.value = await listModels();
    again();
  } catch (error) {
    models.value ??= [];
    if (!(await refused(error))) fail(error, start);
  }
}

addEventListener("popstate", () => {
  query.value = read();
});
document.addEventListener("visibilitychange", () => {
  hidden.value = document.hidden;
  if (!document.hidden && live.value) again();
});

const pause = computed(() => ((RANGES[query.value.range] ?? 0) > LONG ? SELDOM_MS : OFTEN_MS));
effect(() => {
  if (!live.value || hidden.value || gate.value) return;
  const timer = setInterval(() => untracked(again), pause.value);
  return () => clearInterval(timer);
});

function read() {
  const given = Object.fromEntries(new URLSearchParams(location.search));
  const found = Object.fromEntries(Object.keys(FIRST).map((name) => [name, given[name] ?? FIRST[name]]));
  if (!VIEWS.includes(found.view)) found.view = FIRST.view;
  if (!RANGES[found.range]) found.range = FIRST.range;
  if (!(Number(found.since) < Number(found.until))) Object.assign(found, { since: "", until: "" });
  return found;
}
