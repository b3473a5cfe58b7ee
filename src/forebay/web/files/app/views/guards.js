// The guard playground: what the guards say about a text, and what would become of it.

import { checkText } from "../api/others.js";
import { html, useRef, useSignal } from "../html.js";
import { refused } from "../state/session.js";
import { settings } from "../state/settings.js";
import { say } from "../state/toasts.js";
import { bounded } from "./composer.js";
import { Top } from "./top.js";

const LONGEST = 1_000_000;
const SIDES = { input: "A question", output: "An answer", tool_args: "Arguments of a tool", tool_results: "A tool's result" };
const OUTCOMES = {
  passed: { title: "Passes", text: "It goes on as it is." },
  changed: { title: "Is changed", text: "It goes on as the guards have made it." },
  refused: { title: "Is refused", text: "The request ends with an error." },
  refrained: { title: "Is withheld", text: "An empty answer takes its place." },
  filtered: { title: "Is left out", text: "The part that it stands in is taken out." },
  reasked: { title: "Is asked for again", text: "The model is told what is wrong, and tries once more." },
  failed: { title: "Cannot be judged", text: "A guard has failed, and lets nothing pass." },
};

export function Guards() {
  const field = useRef(null);
  const side = useSignal("input");
  const names = useSignal("");
  const found = useSignal(null);
  const problem = useSignal(null);
  const busy = useSignal(false);
  const submit = async (event) => {
    event.preventDefault();
    const text = field.current.value;
    if (!text.trim() || busy.value) return;
    const guards = names.value.split(",").map((each) => each.trim()).filter(Boolean);
    busy.value = true;
    problem.value = null;
    try {
      const body = { text, side: side.value, model: settings.value.model, ...(guards.length ? { guards } : {}) };
      found.value = { text, ...{ told: await checkText(body) } };
      say(OUTCOMES[found.value.told.outcome]?.title ?? found.value.told.outcome);
    } catch (error) {
      found.value = null;
      if (!(await refused(error))) problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  return html`<${Top} title="Guards" />
    <div class="pad">
      <p class="lead">Shows what this server's guards say about a text, without asking a model: those that hold for you, or, for
        an admin, all there are, whomever they hold for. A question in the chat meets only those that hold for its writer.</p>
      <form class="form" onSubmit=${submit}>
        <label>Text<textarea id="question" ref=${field} rows="5" onPaste=${(event) => bounded(event, LONGEST)} placeholder="Write to me at jane@example.com"></textarea></label>
        <div class="row wrap">
          <label>It is
            <select value=${side.value} onChange=${(event) => (side.value = event.currentTarget.value)}>
              ${Object.entries(SIDES).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
            </select>
          </label>
          <label>Guards<input value=${names.value} placeholder="all that hold" onInput=${(event) => (names.value = event.currentTarget.value)} /></label>
          <button type="submit" class="primary" disabled=${busy.value}>${busy.value ? "Checking…" : "Check"}</button>
        </div>
      </form>
      ${problem.value && html`<${Problem} error=${problem.value} retry=${submit} />`}
      ${found.value && html`<${Verdict} text=${found.value.text} told=${found.value.told} />`}
    </div>`;
}

function Problem({ error, retry }) {
  const off = error.status === 404 && error.code !== "model_not_found";
  return html`<div class="failure" role="alert">
    <p>${off ? "This server has no guards." : `${error.message}${error.about ?? ""}`}</p>
    ${!off && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

function Verdict({ text, told }) {
  const outcome = OUTCOMES[told.outcome] ?? { title: `Outcome: ${told.outcome}`, text: "" };
  return html`<section class=${`verdict ${told.passed ? "fine" : "marked"}`} aria-labelledby="verdict">
      <h2 id="verdict">${outcome.title}</h2><p>${outcome.text}</p>
      ${told.outcome === "changed" && html`<h3>What goes on</h3><pre class="goes-on" tabindex="0">${told.text}</pre>`}
    </section>
    ${told.verdicts.length === 0 && html`<p>No guard holds for such a text.</p>`}
    ${told.verdicts.map((each, at) => html`<${Opinion} key=${at} text=${text} each=${each} />`)}`;
}

function Opinion({ text, each }) {
  const objects = each.action !== "pass" && each.action !== "passed";
  return html`<section class="opinion" aria-label=${`Guard ${each.guard}`}>
    <h3>${each.guard} <span class="hint">${each.kind}${each.mode === "monitor" ? ", only watches" : ""}</span></h3>
    <p><span class=${`badge ${objects ? "warn" : "good"}`}>${each.action}</span> ${each.outcome}
      ${typeof each.score === "number" ? ` · score ${each.score.toFixed(2)}` : ""} · ${each.milliseconds.toFixed(1)} ms</p>
    ${each.reason && html`<p>${each.reason}</p>`}
    ${each.error && html`<p class="error-text">${each.error}</p>`}
    ${each.spans.length > 0 && html`<p class="painted"><${Spans} text=${text} spans=${each.spans} /></p>`}
  </section>`;
}

/** The text with the places that a guard has found. */
function Spans({ text, spans }) {
  // The server counts characters, the browser halves of those beyond the first 65,536.
  const letters = [...text];
  const parts = [];
  let at = 0;
  for (const { start, end, kind } of spans.toSorted((a, b) => a.start - b.start)) {
    if (start < at) continue;
    parts.push(letters.slice(at, start).join(""), html`<mark title=${kind}>${letters.slice(start, end).join("")}<span class="kind">${kind}</span></mark>`);
    at = end;
  }
  return html`${parts}${letters.slice(at).join("")}`;
}
