// The review page: flagged answers, one below the other, and what a reviewer makes of each.

import { labelReview, listReviews } from "../api/reviews.js";
import { html, useEffect, useRef, useSignal } from "../html.js";
import { attempt } from "../state/actions.js";
import { refused } from "../state/session.js";
import { tell } from "../state/toasts.js";
import { Top } from "./top.js";

const LABELS = ["good", "wrong", "incomplete", "off topic", "harmful"];
const REASONS = { thumbs_down: "disliked", guard: "guard objected", sample: "drawn" };
const LONGEST = 4000;

export function Reviews() {
  const state = useSignal("open");
  const reason = useSignal("any");
  const found = useSignal([]);
  const next = useSignal("");
  const problem = useSignal(null);
  const busy = useSignal(true);
  const load = async (before) => {
    busy.value = true;
    problem.value = null;
    try {
      const page = await listReviews({ state: state.value, reason: reason.value, before });
      found.value = before ? [...found.value, ...page.data] : page.data;
      next.value = page.has_more ? page.last : "";
    } catch (error) {
      if (!(await refused(error))) problem.value = error;
    } finally {
      busy.value = false;
    }
  };
  const done = (labelled) => {
    found.value = found.value.map((each) => (each.id === labelled.id ? labelled : each));
  };
  useEffect(() => void load(""), [state.value, reason.value]);
  return html`<${Top} title="Reviews" />
    <div class="pad">
      <p class="lead">Answers that somebody disliked, to which a guard objected, or that were drawn: read them, and say what they are.</p>
      <div class="row">
        <${Choice} id="question" label="Show" signal=${state} options=${{ open: "open", labelled: "labelled", all: "all" }} />
        <${Choice} label="Reason" signal=${reason} options=${{ any: "any", ...REASONS }} />
      </div>
      ${problem.value && html`<${Problem} error=${problem.value} retry=${() => load("")} />`}
      ${!busy.value && !problem.value && !found.value.length && html`<p class="hint">Nothing to review.</p>`}
      ${!problem.value && found.value.map((review) => html`<${Review} key=${review.id} review=${review} done=${done} />`)}
      ${next.value && html`<button type="button" disabled=${busy.value} onClick=${() => load(next.value)}>Show more</button>`}
    </div>`;
}

function Choice({ id, label, signal, options }) {
  return html`<label>${label} <select id=${id} value=${signal.value} onChange=${(event) => (signal.value = event.currentTarget.value)}>
    ${Object.entries(options).map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}
  </select></label>`;
}

function Problem({ error, retry }) {
  const off = error.status === 404;
  if (off) return html`<p class="hint" role="status">This server keeps no queue of reviews: its configuration has no “reviews”.</p>`;
  return html`<div class="failure" role="alert">
    <p>${error.message}${error.about ?? ""}</p>
    <button type="button" onClick=${retry}>Try again</button>
  </div>`;
}

function Review({ review, done }) {
  const about = [review.model, review.prompt, new Date(review.at * 1000).toLocaleString()].filter(Boolean).join(" · ");
  return html`<article class="review" aria-label=${`Request ${review.id}`}>
    <p class="hint">${about} ${review.reasons.map((each) => html`<span class="badge warn" key=${each}>${REASONS[each]}</span> `)}</p>
    ${review.text_kept
      ? html`${review.messages.map(({ role, content }, at) => html`<p class="said" key=${at}><strong>${role}</strong> ${content}</p>`)}
          <p class="said"><strong>answer</strong> ${review.answer}</p>`
      : html`<p class="hint">No text of request ${review.id} was kept.</p>`}
    ${review.state === "labelled"
      ? html`<p>${review.labels.map((each) => html`<span class="badge good" key=${each}>${each}</span> `)} by ${review.reviewer}${review.comment && `: ${review.comment}`}</p>`
      : html`<${Verdict} review=${review} done=${done} />`}
  </article>`;
}

function Verdict({ review, done }) {
  const comment = useRef(null);
  const correction = useRef(null);
  const chosen = useSignal([]);
  const toggle = (label) => {
    chosen.value = chosen.value.includes(label) ? chosen.value.filter((each) => each !== label) : [...chosen.value, label];
  };
  const submit = (event) => {
    event.preventDefault();
    attempt(async () => {
      const said = { comment: comment.current.value.trim(), correction: correction.current.value.trim() };
      done(await labelReview(review.id, { labels: chosen.value, ...said }));
      tell("Labelled.");
    });
  };
  return html`<form class="reason" onSubmit=${submit}>
    <fieldset><legend>What is it?</legend>
      ${LABELS.map((label) => html`<button type="button" key=${label} class="chip" aria-pressed=${chosen.value.includes(label) ? "true" : "false"} onClick=${() => toggle(label)}>${label}</button>`)}
    </fieldset>
    <label class="unseen" for=${`comment-${review.id}`}>Comment</label>
    <textarea id=${`comment-${review.id}`} ref=${comment} rows="1" maxlength=${LONGEST} placeholder="Comment (optional)"></textarea>
    <label class="unseen" for=${`correction-${review.id}`}>Correction</label>
    <textarea id=${`correction-${review.id}`} ref=${correction} rows="2" placeholder="What should have been answered (optional)"></textarea>
    <div class="row end"><button type="submit" class="primary" disabled=${!chosen.value.length}>Label</button></div>
  </form>`;
}
