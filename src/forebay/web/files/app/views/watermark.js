// The watermark page: how likely chance is for a text, which tokens speak for a mark, and what that cannot say.

import { detectMark } from "../api/others.js";
import { html, useMemo, useRef, useSignal } from "../html.js";
import { models } from "../state/app.js";
import { refused } from "../state/session.js";
import { set, settings } from "../state/settings.js";
import { say } from "../state/toasts.js";
import { count, probability } from "../text/numbers.js";
import { WINDOW, gammaOf, scores } from "../text/scores.js";
import { Chart } from "./chart.js";
import { bounded } from "./composer.js";
import { Picker } from "./picker.js";
import { Top } from "./top.js";

/** The server takes 1 MiB. */
const LONGEST = 1_000_000;
const PAINTED = 3000;
const SERIES = [
  { label: "of all tokens so far", colour: "--accent" },
  { label: `of the last ${WINDOW}`, colour: "--second", dash: [6, 4] },
];
const VERDICTS = {
  marked: { title: "Carries the mark", text: "A text without the mark would hardly ever look like this one." },
  not_found: { title: "No mark found", text: "A text without the mark may well look like this one. So may a marked one that is short, or was made at a low temperature, as many models are by default." },
  too_short: { title: "Too short to say", text: "It needs at least 50 tokens that count; fewer would be a guess." },
};

export function Watermark() {
  const field = useRef(null);
  const found = useSignal(null);
  const problem = useSignal(null);
  const busy = useSignal(false);
  const submit = async (event) => {
    event.preventDefault();
    const text = field.current.value;
    if (busy.value) return;
    if (!text.trim()) {
      found.value = null;
      problem.value = { message: "There is no text: paste one of 50 words or more." };
      return;
    }
    busy.value = true;
    problem.value = null;
    try {
      found.value = await detectMark({ model: settings.value.model, text });
      say(VERDICTS[found.value.verdict]?.title ?? "");
    } catch (error) {
      found.value = null;
      if (!(await refused(error))) problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  return html`<${Top} title="Watermark" />
    <div class="pad">
      <p class="lead">Tells how likely it is that a text was written by a model of this server that leaves a mark. It is a
        probability, never an accusation: it says nothing about who wrote a text.</p>
      <form class="form" onSubmit=${submit}>
        <label>Text<textarea id="question" ref=${field} rows="8" onPaste=${(event) => bounded(event, LONGEST)} placeholder="Paste a text of 50 words or more"></textarea></label>
        <div class="row">
          <${Picker} models=${models.value} chosen=${settings.value.model} choose=${(id) => set({ model: id })} label="Model whose tokens are read" />
          <button type="submit" class="primary" disabled=${busy.value || !settings.value.model}>${busy.value ? "Looking…" : "Look for a mark"}</button>
        </div>
      </form>
      ${problem.value && html`<${Problem} error=${problem.value} retry=${submit} />`}
      ${found.value && html`<${Found} found=${found.value} />`}
      <${Limits} />
    </div>`;
}

function Problem({ error, retry }) {
  const off = error.status === 404 && error.code !== "model_not_found";
  return html`<div class="failure" role="alert">
    <p>${off ? "This server has no keys for watermarks." : `${error.message}${error.about ?? ""}`}</p>
    ${!off && html`<button type="button" onClick=${retry}>Try again</button>`}
  </div>`;
}

function Found({ found }) {
  const verdict = VERDICTS[found.verdict] ?? { title: found.verdict, text: "" };
  const short = found.verdict === "too_short";
  const part = found.verdict === "marked" && partOf(found);
  const mask = found.mask ?? [];
  const data = useMemo(() => scores(mask, gammaOf(found)), [found]);
  const figures = [
    ["p", probability(found.p), "the chance that a text without the mark looks as marked"],
    ["z", found.z.toFixed(2), "standard deviations above chance"],
    ["Green", `${(found.green_fraction * 100).toFixed(0)} %`, "the share of green tokens"],
    ["Scored", count(found.scored_tokens, "token"), "that count"],
    ["Key", found.key, found.scheme],
  ];
  return html`<section class=${`verdict ${found.verdict}`} aria-labelledby="verdict">
      <h2 id="verdict">${verdict.title}</h2><p>${part || verdict.text}</p>
      <dl class="tiles">${figures.map(([name, value, hint]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd><dd class="hint">${hint}</dd></div>`)}</dl>
    </section>
    ${!short && data[0].length > 1 && html`<section><h2>z along the text</h2>
      <${Chart} label=${`z along the text: it ends at ${found.z.toFixed(1)} after ${count(found.scored_tokens, "token")}`} data=${data} series=${SERIES} x="scored tokens" />
    </section>`}
    <${Painted} tokens=${found.tokens ?? []} mask=${mask} />`;
}

/** What is said where the whole text would not be found, but a part of it is. */
function partOf(found) {
  const best = found.findings?.find((each) => each.key === found.key && each.scheme === found.scheme);
  const [first] = found.windows ?? [];
  if (!best || !first || best.p <= best.window_p) return "";
  return `A part of it does: tokens ${first.begin + 1} to ${first.end}, where a text without the mark would hardly ever look like this. The figures below, but for p, are those of the whole text.`;
}

/** Tokens in colours, and, for those who do not see them, with lines: green ones a solid, red ones a dotted one. */
function Painted({ tokens, mask }) {
  const shown = useSignal(PAINTED);
  if (!tokens.length) return null;
  return html`<section><h2>Tokens</h2>
    <p class="legend"><span class="token green">green</span> speaks for a mark, <span class="token red">red</span> against it, <span class="token">plain</span> does not count.</p>
    <p class="painted">${tokens.slice(0, shown.value).map((text, at) => html`<span key=${at} class=${`token ${mask[at] === true ? "green" : mask[at] === false ? "red" : ""}`}>${text}</span>`)}</p>
    ${tokens.length > shown.value && html`<button type="button" onClick=${() => (shown.value += PAINTED)}>Show more of ${count(tokens.length, "token")}</button>`}
  </section>`;
}

const Limits = () => html`<details class="limits"><summary>What this cannot say</summary>
  <ul>
    <li>It is no proof, and no accusation. Whoever tests a million texts finds rare ones.</li>
    <li>A text without a mark may be a machine's all the same; one with a mark may have been edited or quoted.</li>
    <li>Code, lists, short answers and low temperatures leave little to choose, so they are marked weakly.</li>
    <li>Edits wear a mark off; a paraphrase or a translation takes it away.</li>
    <li>Other models read other tokens: a text is tested in those of the model that is named.</li>
  </ul></details>`;
