// The chat: one conversation, the model that is asked, the field for questions.

import { html } from "../html.js";
import { book, isWildcard, model, models, ready, rest, thread } from "../state/app.js";
import { takeQuestion } from "../state/draft.js";
import { refused } from "../state/session.js";
import { changed, set, settings } from "../state/settings.js";
import { panel } from "../state/shortcuts.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { Picker, Rest } from "./picker.js";
import { Top } from "./top.js";

export function Chat() {
  const open = thread.value;
  return html`<${Top} title="Chat">
      <${Picker} models=${models.value} chosen=${settings.value.model} choose=${(id) => set({ model: id })} />
      ${changed.value > 0 && html`<button type="button" class="chip" onClick=${() => (panel.value = "settings")}>${changed.value} set</button>`}
    <//>
    <div class="chat">
      ${open ? html`<${Conversation} thread=${open} label="Conversation" rated=${book.value.lasting}><${Beginning} thread=${open} /><//>` : html`<div class="scroller"></div>`}
      <footer class="below">
        <${Rest} chosen=${settings.value.model} rest=${rest} />
        <${Composer} send=${send} stop=${() => open?.stop()} running=${Boolean(open?.running.value)} ready=${ready.value} last=${editLast} draft=${takeQuestion} />
      </footer>
    </div>`;
}

function send(text) {
  if (isWildcard.value && model.value === settings.value.model.slice(0, -1)) {
    const question = document.getElementById("question");
    question.value = text;
    question.dispatchEvent(new Event("input", { bubbles: true }));
    queueMicrotask(() => document.getElementById("rest").focus());
    return;
  }
  thread.value.send(text);
}

const editLast = () => [...document.querySelectorAll(".message.user .edit")].at(-1)?.click();

function Beginning({ thread: open }) {
  const problem = open.problem.value;
  if (open.loading.value) return html`<p class="welcome">Opening…</p>`;
  if (problem) return html`<${Problem} thread=${open} problem=${problem} />`;
  return html`<div class="welcome">
    <img src="icon.svg" alt="" width="56" height="56" />
    <h2>What can I help with?</h2>
    <p>${model.value ? html`You are asking <b>${model.value}</b>.` : models.value?.length === 0 ? "This server offers no model." : ""}</p>
  </div>`;
}

function Problem({ thread: open, problem }) {
  if (problem.status === 401) refused(problem);
  const gone = problem.status === 404;
  return html`<div class="welcome" role="alert">
    <h2>${gone ? "This conversation is not here" : "This conversation cannot be opened"}</h2>
    <p>${gone ? "It was deleted, or belongs to somebody else." : `${problem.message}${problem.about ?? ""}`}</p>
    <button type="button" onClick=${() => open.open(open.id.value)}>Try again</button>
  </div>`;
}
