// The engine's gauges over time: the server keeps no history of them, so this page takes samples while it is open.

import { engineGauges } from "../api/operations.js";
import { signal } from "../html.js";

/** Samples that are kept: an hour of them, at one in ten seconds. */
const MOST = 360;

/** @type {import("../html.js").signal<{at: number, running: number, waiting: number, kv: number | null}[]>} */
export const samples = signal([]);

/** Takes one. */
export async function sample(stop) {
  const found = await engineGauges(stop);
  if (!found.running && !found.waiting) return false;
  const one = { at: Math.round(Date.now() / 1000), running: sum(found.running), waiting: sum(found.waiting), kv: kvUse(found) };
  samples.value = [...samples.value.filter((each) => each.at < one.at), one].slice(-MOST);
  return true;
}

const sum = (values) => Object.values(values ?? {}).reduce((all, each) => all + each, 0);

/** The share of the KV cache in use, in percent: a vLLM tells it, our own engine tells blocks. */
function kvUse({ kv_cache_usage_ratio: ratio, kv_blocks_used: used, kv_blocks_total: total }) {
  if (ratio) return 100 * Math.max(...Object.values(ratio));
  return sum(total) > 0 ? (100 * sum(used)) / sum(total) : null;
}
