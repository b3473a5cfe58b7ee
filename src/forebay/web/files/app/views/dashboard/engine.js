// The engine's queue and KV cache, as far as this page has seen them.

import { html, useMemo } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { sample, samples } from "../../state/engine.js";
import { short } from "../../text/numbers.js";
import { Card } from "./card.js";

const HINT = "sampled by this page while it is open";
const percent = (value) => `${value.toFixed(0)} %`;

export function Engine() {
  const asked = useAsked(sample, "engine");
  const taken = samples.value;
  const drawn = useMemo(
    () => ({
      times: taken.map((each) => each.at),
      queue: [
        { label: "running", values: taken.map((each) => each.running) },
        { label: "waiting", values: taken.map((each) => each.waiting) },
      ],
      kv: [{ label: "in use", values: taken.map((each) => each.kv) }],
    }),
    [taken],
  );
  const empty = asked.error?.status === 403 ? "The engine's figures take an admin." : asked.data === false ? "No engine runs in this process. One behind a gateway tells its figures at its own /metrics." : "The first sample is still to come.";
  const shown = taken.length ? drawn : { times: [], queue: [], kv: [] };
  return html`<${Card} title="Engine queue" hint=${`requests, ${HINT}`} times=${shown.times} step=${0} lines=${shown.queue} format=${short} to=${null} empty=${empty} />
    <${Card} title="KV cache in use" hint=${`of all blocks, ${HINT}`} times=${shown.times} step=${0} lines=${shown.kv} format=${percent} most=${100} to=${null} empty=${empty} />`;
}
