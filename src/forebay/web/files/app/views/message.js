// One message: a question, or an answer while it comes and afterwards, with what can be done about it.

import { html, useEffect, useLayoutEffect, useRef, useSignal } from "../html.js";
import { isGone } from "../api/conversations.js";
import { askAnew, attempt, copy } from "../state/actions.js";
import { goOnTo } from "../state/focus.js";
import { say } from "../state/toasts.js";
import { Drawing, draw } from "../text/streaming.js";
import { Figures } from "./figures.js";
import { Feedback } from "./feedback.js";
import { IconButton } from "./icons.js";

/** Of longer questions only the beginning is shown until the rest is asked for. */
const SHOWN = 8000;

/**
 * @param {{thread: import("../state/thread.js").Thread, message: import("../state/messages.js").Message, near: boolean,
 *   drawn: () => void, rated: boolean}} props `near`: close enough to what is seen to be drawn in full
 */
export function Message({ thread, message, near, drawn, rated = false }) {
  if (!near) return html`<div class="text far">${message.text.slice(0, SHOWN)}</div>`;
  return message.role === "user"
    ? html`<${Question} thread=${thread} message=${message} />`
    : html`<${Answer} thread=${thread} message=${message} drawn=${drawn} rated=${rated} />`;
}

function Question({ thread, message }) {
  const editing = useSignal(false);
  const edit = useRef(null);
  const close = () => {
    editing.value = false;
    goOnTo(() => edit.current?.querySelector(".edit:enabled"));
  };
  const all = useSignal(false);
  const busy = thread.running.value !== null;
  if (editing.value) return html`<${Editor} thread=${thread} message=${message} close=${close} />`;
  const long = !all.value && message.text.length > SHOWN;
  return html`<p class="unseen">You said:</p>
    <div class="text">${long ? `${message.text.slice(0, SHOWN)}…` : message.text}</div>
    ${long && html`<button type="button" class="plain-button" onClick=${() => (all.value = true)}>Show all ${message.text.length.toLocaleString("en")} characters</button>`}
    <div class="tools" role="group" aria-label="Question" ref=${edit}>
      <${Versions} thread=${thread} message=${message} />
      <${IconButton} name="edit" label="Edit" class="edit" disabled=${busy} onClick=${() => (editing.value = true)} />
      <${IconButton} name="copy" label="Copy message" onClick=${() => copy(message.text)} />
    </div>`;
}

function Editor({ thread, message, close }) {
  const field = useRef(null);
  useLayoutEffect(() => {
    field.current.focus();
    field.current.setSelectionRange(message.text.length, message.text.length);
  }, []);
  const save = () => {
    const text = field.current.value.trim();
    if (!text) return;
    close();
    attempt(() => thread.edit(message, text));
  };
  const key = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
  };
  return html`<div class="editor">
    <textarea ref=${field} aria-label="Edit message" rows="3" defaultValue=${message.text} onKeyDown=${key}></textarea>
    <div class="row end">
      <button type="button" onClick=${close}>Cancel</button>
      <button type="button" class="primary" onClick=${save}>Send</button>
    </div>
  </div>`;
}

function Answer({ thread, message, drawn, rated }) {
  const busy = thread.running.value !== null;
  const running = message.state === "running";
  const again = () => attempt(() => thread.regenerate(message));
  return html`<p class="who">${message.figures.model || "Answer"}</p>
    ${message.reasoning && html`<details class="reasoning"><summary>Thoughts</summary><div class="text">${message.reasoning}</div></details>`}
    ${running ? html`<${Coming} live=${message.live} drawn=${drawn} />` : html`<${Text} text=${message.text} drawn=${drawn} />`}
    ${message.error && html`<${Failure} thread=${thread} message=${message} />`}
    ${!running &&
    (message.text || !message.error) &&
    html`<${Figures} message=${message} />
      <div class="tools" role="group" aria-label="Answer">
        <${Versions} thread=${thread} message=${message} />
        ${message.text && html`<${IconButton} name="copy" label="Copy message" class="copy-message" onClick=${() => copy(message.text)} />`}
        <${IconButton} name="redo" label="Regenerate" disabled=${busy} onClick=${again} />
        ${rated && message.text && html`<${Feedback} message=${message} />`}
      </div>`}`;
}

function Text({ text, drawn }) {
  const ref = useRef(null);
  useLayoutEffect(() => {
    draw(ref.current, text);
    drawn?.();
  }, [text]);
  return html`<div class="text markdown" ref=${ref}></div>`;
}

/** Draws what comes outside of Preact: nothing else on the page changes with each token. */
function Coming({ live, drawn }) {
  const ref = useRef(null);
  const thinking = useRef(null);
  useEffect(() => {
    const drawing = new Drawing(ref.current, drawn);
    live.onGrow = () => {
      if (live.text) drawing.grow(live.text);
      else thinking.current.textContent = live.reasoning.slice(-300);
    };
    if (live.text) live.onGrow();
    return () => {
      live.onGrow = () => {};
      drawing.close();
    };
  }, [live]);
  return html`<div class="text thinking" ref=${thinking}></div><div class="text markdown coming" aria-busy="true" ref=${ref}></div>`;
}

function Failure({ thread, message }) {
  const { error } = message;
  const busy = thread.running.value !== null;
  if (isGone(error)) {
    return html`<div class="failure" role="alert">
      <p>This conversation was deleted meanwhile. The question can be asked in a new one.${error.about}</p>
      <button type="button" disabled=${busy} onClick=${() => askAnew(thread, message)}>Ask in a new conversation</button>
    </div>`;
  }
  return html`<div class="failure" role="alert">
    <p>${error.message}${error.about ?? ""}${message.waiting && " What the server has of the answer is shown as soon as it can be reached."}</p>
    <button type="button" disabled=${busy} onClick=${() => attempt(() => thread.retry(message))}>Try again</button>
  </div>`;
}

/** ‹2/3›: what else was said in this place. */
function Versions({ thread, message }) {
  const { siblings, place } = message;
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(place);
  const busy = thread.running.value !== null;
  const turn = (step) => async (event) => {
    const list = event.currentTarget.closest(".messages");
    const line = thread.messages.value.indexOf(message);
    await attempt(() => thread.turn(message, step));
    say(`Version ${at + 1 + step} of ${siblings.length}`);
    const buttons = () => [...list.children[line].querySelectorAll(".versions button")];
    goOnTo(() => (step < 0 ? buttons() : buttons().reverse()).find((each) => !each.disabled));
  };
  return html`<span class="versions">
    <${IconButton} name="back" label="Previous version" disabled=${busy || at === 0} onClick=${turn(-1)} />
    <span aria-label=${`Version ${at + 1} of ${siblings.length}`} role="img">${at + 1}/${siblings.length}</span>
    <${IconButton} name="forward" label="Next version" disabled=${busy || at === siblings.length - 1} onClick=${turn(1)} />
  </span>`;
}
