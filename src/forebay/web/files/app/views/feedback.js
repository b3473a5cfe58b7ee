// Thumbs, and the reason for them.

import { feedbackOn, sendFeedback, takeBackFeedback } from "../api/conversations.js";
import { html, useEffect, useRef, useSignal } from "../html.js";
import { attempt } from "../state/actions.js";
import { say, tell } from "../state/toasts.js";
import { IconButton } from "./icons.js";

const REASONS = {
  up: ["accurate", "helpful", "well written"],
  down: ["wrong", "not what I asked", "too long", "harmful"],
};
const LONGEST = 4000;

export function Feedback({ message }) {
  const given = useSignal(null);
  const asking = useSignal(false);
  useEffect(() => {
    if (!message.responseId) return;
    // The answer can be read and rated without it.
    feedbackOn(message.responseId).then((found) => (given.value ??= found), () => {});
  }, [message.responseId]);
  const rate = (rating) =>
    attempt(async () => {
      if (given.value?.rating === rating) {
        await takeBackFeedback(given.value.id);
        given.value = null;
        asking.value = false;
        return;
      }
      given.value = await sendFeedback({ ...targetOf(message), rating });
      asking.value = true;
      say("You can say why.");
    });
  const thumb = (rating, label) => html`<${IconButton}
    name=${rating === "up" ? "up" : "worse"} label=${label} filled=${given.value?.rating === rating}
    aria-pressed=${given.value?.rating === rating ? "true" : "false"} onClick=${() => rate(rating)} />`;
  return html`${thumb("up", "Good answer")}${thumb("down", "Bad answer")}
    ${asking.value && html`<${Reason} message=${message} given=${given} close=${() => (asking.value = false)} />`}`;
}

const targetOf = ({ responseId, figures, id }) =>
  responseId ? { response_id: responseId } : figures.requestId ? { request_id: figures.requestId } : { item_id: id };

function Reason({ message, given, close }) {
  const comment = useRef(null);
  const chosen = useSignal([]);
  const { rating } = given.value;
  const form = useRef(null);
  const leave = () => {
    form.current.closest(".tools").querySelector("[aria-pressed=true]")?.focus();
    close();
  };
  const toggle = (label) => {
    chosen.value = chosen.value.includes(label) ? chosen.value.filter((each) => each !== label) : [...chosen.value, label];
  };
  const submit = (event) => {
    event.preventDefault();
    attempt(async () => {
      const said = comment.current.value.trim();
      const feedback = { ...targetOf(message), rating, labels: chosen.value };
      given.value = await sendFeedback(said ? { ...feedback, comment: said } : feedback);
      leave();
      tell("Thank you.");
    });
  };
  return html`<form class="reason" ref=${form} onSubmit=${submit}>
    <fieldset><legend>Why?</legend>
      ${REASONS[rating].map((label) => html`<button type="button" key=${label} class="chip" aria-pressed=${chosen.value.includes(label) ? "true" : "false"} onClick=${() => toggle(label)}>${label}</button>`)}
    </fieldset>
    <label class="unseen" for="reason">Comment</label>
    <textarea id="reason" ref=${comment} rows="2" maxlength=${LONGEST} placeholder="In your own words (optional)"></textarea>
    <div class="row end"><button type="button" onClick=${leave}>Skip</button><button type="submit" class="primary">Send feedback</button></div>
  </form>`;
}
