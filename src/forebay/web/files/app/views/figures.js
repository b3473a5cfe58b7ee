// What is known of an answer: a line below it, badges, and the details with the route that was taken.

import { ofStory } from "../api/figures.js";
import { storyOf } from "../api/others.js";
import { html, useEffect, useSignal } from "../html.js";
import { count, dollars, duration, speed } from "../text/numbers.js";

const ENDS = {
  length: { text: "stopped: length", title: "The limit of tokens was reached." },
  content_filter: { text: "guards: stopped", title: "A guard or the provider's filter has ended the answer." },
  tool_calls: { text: "tool call", title: "The model asks for a tool to be called." },
};
const CACHES = {
  hit: { text: "cache hit", title: "An equal question has been answered before." },
  "semantic-hit": { text: "semantic cache hit", title: "A question in other words has been answered before." },
};
const STATES = { stopped: "stopped", cut: "cut off", elsewhere: "being written elsewhere" };

/** One line, and a button for the rest. */
export function Figures({ message }) {
  const open = useSignal(false);
  const { figures, state } = message;
  const line = [
    figures.outputTokens !== undefined && `${figures.counted ? "≈ " : ""}${count(figures.outputTokens, "token")}`,
    figures.rate && `${figures.counted ? "≈ " : ""}${speed(figures.rate)} tokens/s`,
    figures.ttft !== undefined && `TTFT ${duration(figures.ttft)}`,
    figures.cost !== undefined && dollars(figures.cost),
  ].filter(Boolean);
  const badges = badgesOf(message);
  if (!line.length && !badges.length && !figures.requestId) return null;
  return html`<div class="figures">
      <span class="figure-line">${line.join(" · ")}</span>
      ${badges.map(({ text, title, kind }) => html`<span class=${`badge ${kind ?? ""}`} title=${title} key=${text}>${text}</span>`)}
      ${figures.requestId &&
      html`<button type="button" class="details-button" aria-expanded=${open.value ? "true" : "false"} onClick=${() => (open.value = !open.value)}>Details</button>`}
    </div>
    ${open.value && html`<${Details} figures=${figures} state=${state} />`}`;
}

function badgesOf({ state, figures, text }) {
  return [
    STATES[state] && { text: STATES[state], kind: "warn" },
    state === "done" && !text && { text: "empty answer", kind: "warn" },
    ENDS[figures.finish] && { ...ENDS[figures.finish], kind: "warn" },
    CACHES[figures.cache] && { ...CACHES[figures.cache], kind: "good" },
    ...(figures.guards ?? []).map((each) => ({
      text: `guard ${each.guard}: ${each.outcome || each.action}`,
      title: `${each.side}${each.kinds?.length ? `: ${each.kinds.join(", ")}` : ""}`,
      kind: "warn",
    })),
    figures.watermark && { text: `watermark: ${figures.watermark}`, title: "The answer was marked with this key; a short one, or one made at a low temperature, is marked weakly, and may not be found to be.", kind: "good" },
    figures.attempts > 1 && { text: count(figures.attempts, "attempt"), title: "More than one deployment was asked.", kind: "warn" },
  ]
    .filter(Boolean)
    .filter((each, at, all) => all.findIndex(({ text }) => text === each.text) === at); // a guard may object twice
}

function Details({ figures }) {
  const story = useSignal(null);
  const missing = useSignal("");
  useEffect(() => {
    storyOf(figures.requestId).then(
      (found) => (story.value = found),
      (error) => (missing.value = error.status === 404 ? "The server has forgotten it." : error.message),
    );
  }, [figures.requestId]);
  const told = story.value ? { ...figures, ...ofStory(story.value) } : figures;
  const stages = story.value?.stages?.map(({ name, seconds }) => `${name} ${duration(seconds)}`).join(", ");
  const rows = [
    ["Model", figures.model],
    ["Deployment", figures.deployment],
    ["Prompt", figures.inputTokens !== undefined && `${count(figures.inputTokens, "token")}${figures.cachedTokens ? `, ${figures.cachedTokens} of them cached` : ""}`],
    ["Answer", figures.outputTokens !== undefined && count(figures.outputTokens, "token")],
    ["Time", figures.seconds !== undefined && duration(figures.seconds)],
    ["Server timing", figures.timing?.map(({ name, milliseconds }) => `${name} ${milliseconds.toFixed(1)} ms`).join(", ")],
    ["Stages", stages],
    ["Cost", told.cost === undefined ? "unknown" : dollars(told.cost)],
    ["Cache", told.cache],
    ["Stop reason", figures.finish],
    ["Watermark", told.watermark],
    ["Guards", told.guards?.map((each) => `${each.guard}: ${each.outcome || each.action}`).join(", ")],
    ["Request", figures.requestId],
  ].filter(([, value]) => value);
  return html`<dl class="details">
    ${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    <div><dt>Route</dt><dd>${story.value ? html`<${Attempts} route=${story.value} />` : missing.value || "…"}</dd></div>
  </dl>`;
}

function Attempts({ route }) {
  return html`<ol class="attempts">
    ${route.attempts.map(
      (each, at) => html`<li key=${at}>${each.deployment}: ${each.outcome}${each.seconds ? ` after ${duration(each.seconds)}` : ""}${each.reason ? ` (${each.reason})` : ""}</li>`,
    )}
  </ol>`;
}
