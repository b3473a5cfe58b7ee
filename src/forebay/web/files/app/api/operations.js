// The addresses of the public API that are asked by those who run a server.

import { ask, call, withQuery } from "./http.js";

/** @param {Record<string, unknown>} query as docs/usage.md has it; `now` is when it was answered */
export const series = async (query, signal) => ({ ...(await ask(withQuery("v1/usage/series", query), { signal })), now: Date.now() / 1000 });
export const listRequests = (query, signal) => ask(withQuery("v1/requests", query), { signal });
export const storyOf = (id, signal) => ask(`v1/requests/${encodeURIComponent(id)}`, { signal });

export const listKeys = (signal) => ask("admin/keys", { signal }).then(({ data }) => data);
export const showKey = (id, signal) => ask(`admin/keys/${encodeURIComponent(id)}`, { signal });
export const makeKey = (wish) => ask("admin/keys", { json: wish });
export const rotateKey = (id, grace) => ask(`admin/keys/${encodeURIComponent(id)}/rotate`, { json: { grace } });
export const revokeKey = (id) => ask(`admin/keys/${encodeURIComponent(id)}`, { method: "DELETE" });
export const limits = (signal) => ask("v1/limits", { signal }).then(({ data }) => data);

export const cacheStats = (signal) => ask("admin/cache", { signal });
export const clearCache = (what) => ask(withQuery("admin/cache", what), { method: "DELETE" });

export const loadAdapter = (wish) => call("v1/load_lora_adapter", { json: wish });
export const unloadAdapter = (wish) => call("v1/unload_lora_adapter", { json: wish });

/** The providers that cannot answer, or did not of late, and why. @returns {Promise<Record<string, string>>} */
export async function failing(signal) {
  const response = await fetch("ready", { signal, cache: "no-store" });
  const { providers = {}, troubled = {} } = await response.json();
  const unable = Object.entries(providers).map(([name, why]) => [name, `cannot answer: ${why}`]);
  return { ...troubled, ...Object.fromEntries(unable) };
}

const LINE = /^forebay_engine_(\w+)\{([^}]*)\} (\S+)$/;

/** The engine's gauges by name and provider. @returns {Promise<Record<string, Record<string, number>>>} */
export async function engineGauges(signal) {
  const text = await (await call("metrics", { signal })).text();
  const found = {};
  for (const line of text.split("\n")) {
    const [, name, labels, value] = LINE.exec(line) ?? [];
    if (name) (found[name] ??= {})[/provider="([^"]*)"/.exec(labels)?.[1] ?? ""] = Number(value);
  }
  return found;
}
