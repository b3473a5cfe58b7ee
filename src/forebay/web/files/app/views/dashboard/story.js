// The story of one request: what each stage did, who was asked, what guards and the cache said.

import { storyOf } from "../../api/operations.js";
import { html } from "../../html.js";
import { useAsked } from "../../state/asked.js";
import { dollars, duration, moment } from "../../text/numbers.js";
import { Dialog } from "../dialog.js";
import { State } from "./card.js";
import { kindOf } from "./requests.js";

export function Story({ id, close }) {
  const asked = useAsked((stop) => storyOf(id, stop), id, { once: true });
  return html`<${Dialog} title="Request" close=${close} class="wide">
    <${State} asked=${asked} without="Nobody remembers this request any more." />
    ${asked.data && html`<${Told} story=${asked.data} />`}
  <//>`;
}

function Told({ story }) {
  if (story.outcome === "running") return html`<p>It still runs.</p><${Attempts} story=${{ ...story, times: { latency: 0 } }} />`;
  const facts = [
    ["Id", story.id],
    ["When", moment(story.at)],
    ["Asked for", `${story.model || "–"} (${story.operation}${story.stream ? ", streamed" : ""})`],
    ["Answered by", story.deployment || "nobody"],
    ["By", `${story.principal} of ${story.tenant}`],
    ["Tokens", `${story.prompt_tokens} → ${story.completion_tokens}${story.cached_tokens ? `, ${story.cached_tokens} of the prompt cached` : ""}`],
    ["Cost", story.cost_dollars === null ? "not known" : dollars(story.cost_dollars)],
    ["Cache", story.cache ? [story.cache.result, story.cache.why].filter(Boolean).join(": ") : "–"],
    ["Watermark", story.watermark ?? "–"],
    ["Trace", story.trace_id ?? "–"],
  ];
  const { times } = story;
  const named = [["TTFT", times.ttft], ["TPOT", times.tpot], ["Latency", times.latency], ["Queue", times.queue], ["Provider", times.provider], ["Forebay", times.overhead]];
  return html`<p><span class=${`state ${kindOf(story)}`}>${story.status} ${story.error ?? story.outcome}</span></p>
    <dl class="totals small">${named.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value === null ? "–" : fine(value)}</dd></div>`)}</dl>
    <h3>Stages</h3>
    <ol class="waterfall">${story.stages.map((each, at) => html`<${Bar} key=${at} name=${each.name} began=${each.began} seconds=${each.seconds} whole=${times.latency}
      note=${at === 0 ? "" : each.refused ? "refused it" : each.answered_itself ? "answered itself" : ""} />`)}</ol>
    <${Attempts} story=${story} />
    ${story.guards.length > 0 && html`<h3>Guards</h3><ul class="told">${story.guards.map((each, at) => html`<li key=${at}><b>${each.guard}</b> on the ${each.side}: ${each.outcome}${each.kinds.length ? ` (${each.kinds.join(", ")})` : ""}${each.error ? `, ${each.error}` : ""}, ${fine(each.seconds)}</li>`)}</ul>`}
    <h3>Facts</h3>
    <dl class="facts">${facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Stages take microseconds, mostly. */
const fine = (seconds) => (seconds < 0.01 ? `${(seconds * 1000).toFixed(2)} ms` : duration(seconds));

const Attempts = ({ story }) =>
  story.attempts.length > 0 &&
  html`<h3>Attempts</h3>
    <ol class="waterfall">${story.attempts.map((each, at) => html`<${Bar} key=${at} name=${each.deployment} began=${each.began} seconds=${each.seconds ?? 0} whole=${story.times.latency}
      note=${`${each.reason}: ${each.outcome}`} bad=${each.outcome !== "ok"} />`)}</ol>`;

/** One line of a waterfall; its place is a custom property, since no style may stand in the page. */
function Bar({ name, began, seconds, whole, note, bad = false }) {
  const share = (part) => `${whole > 0 ? Math.min(100, (100 * part) / whole) : 0}%`;
  return html`<li>
    <span class="name">${name}</span>
    <span class=${`bar ${bad ? "bad" : ""}`} ref=${(element) => {
      element?.style.setProperty("--from", share(began));
      element?.style.setProperty("--wide", share(seconds));
    }}></span>
    <span class="time">${fine(seconds)}${note && html` <span class="hint">${note}</span>`}</span>
  </li>`;
}
