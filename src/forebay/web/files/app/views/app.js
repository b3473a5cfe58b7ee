// The frame of the page: sidebar, the page that is asked for, dialogs, messages.

import { html, useEffect, useRef } from "../html.js";
import { start, thread } from "../state/app.js";
import { keepQuestion } from "../state/draft.js";
import { goOnTo } from "../state/focus.js";
import { place } from "../state/location.js";
import { gate } from "../state/session.js";
import { narrow, set, settings } from "../state/settings.js";
import { panel, press } from "../state/shortcuts.js";
import { Chat } from "./chat.js";
import { Compare } from "./compare.js";
import { Questions } from "./dialog.js";
import { Gate } from "./gate.js";
import { Guards } from "./guards.js";
import { Help } from "./help.js";
import { Reviews } from "./reviews.js";
import { Settings } from "./settings.js";
import { Sharing } from "./sharing.js";
import { Sidebar } from "./sidebar.js";
import { Toasts } from "./toasts.js";
import { Top } from "./top.js";
import { Watermark } from "./watermark.js";

const PAGES = {
  chat: { view: Chat, title: "Chat" },
  compare: { view: Compare, title: "Compare models" },
  watermark: { view: Watermark, title: "Watermark" },
  guards: { view: Guards, title: "Guards" },
  reviews: { view: Reviews, title: "Reviews" },
};

export function App() {
  const { page, id } = place.value;
  const { view: View, title } = PAGES[page];
  const { sidebar } = settings.value;
  useEffect(() => {
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
  useEffect(() => {
    if (narrow.value) set({ sidebar: false });
    document.title = page === "chat" ? "Forebay" : `${title} · Forebay`;
    if (page === "chat" && thread.value && id && thread.value.id.value !== id) thread.value.open(id);
    if (page === "chat" && thread.value && !id && thread.value.id.value && !thread.value.running.value) thread.value.clear();
  }, [page, id, thread.value]);
  const before = useRef(sidebar);
  useEffect(() => {
    if (before.current !== sidebar) goOnTo(() => document.querySelector(sidebar && narrow.value ? ".sidebar .narrow-only" : ".top .icon-button"));
    before.current = sidebar;
  }, [sidebar]);
  return html`${!gate.value && html`<a class="skip" href="#question" onClick=${skip}>Skip to the message field</a>`}
    <div class=${`frame ${sidebar ? "with-sidebar" : ""}`}>
      ${sidebar && html`<${Sidebar} close=${() => set({ sidebar: false })} /><div class="shade" onClick=${() => set({ sidebar: false })}></div>`}
      <main class="page" tabindex="-1" inert=${sidebar && narrow.value}>
        ${gate.value ? html`<${Top} title="Forebay" /><${Gate} enter=${start} leave=${() => keepQuestion(thread.value?.unasked() ?? "")} />` : html`<${View} />`}
      </main>
    </div>
    ${panel.value === "settings" && html`<${Settings} close=${() => (panel.value = "")} />`}
    ${panel.value === "help" && html`<${Help} close=${() => (panel.value = "")} />`}
    <${Sharing} /><${Questions} /><${Toasts} />`;
}

/** A hash is a page here, so the link moves the focus by itself. */
function skip(event) {
  event.preventDefault();
  (document.getElementById("question") ?? document.querySelector("main textarea, main button"))?.focus();
}
