// What a view has asked the server for: the answer, the error, and whether another one is under way.

import { gate, refused } from "./session.js";
import { live, tick } from "./dashboard.js";
import { useEffect, useSignal } from "../html.js";

/**
 * Asks when the view appears, when `about` changes, and at each tick; the last answer stays until there is another.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} ask
 * @param {string} about what the answer depends on
 * @returns {{data: T | null, error: Error | null, busy: boolean, again: () => void}}
 */
export function useAsked(ask, about = "", { once = false } = {}) {
  const found = useSignal({ data: null, error: null, about });
  const busy = useSignal(false);
  const more = useSignal(0);
  const beat = once ? 0 : tick.value;
  useEffect(() => {
    if (gate.value) return;
    const stopped = new AbortController();
    busy.value = true;
    ask(stopped.signal)
      .then((data) => !stopped.signal.aborted && (found.value = { data, error: null, about }))
      .catch(async (error) => {
        if (stopped.signal.aborted || (await refused(error))) return;
        found.value = { data: found.value.about === about ? found.value.data : null, error, about };
      })
      .finally(() => !stopped.signal.aborted && (busy.value = false));
    return () => stopped.abort();
  }, [about, beat, more.value, gate.value]);
  return { ...found.value, busy: busy.value && (found.value.data === null || !live.value), again: () => (more.value += 1) };
}
