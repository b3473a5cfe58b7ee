// The frame of the dashboard: which page of it is shown, who looks at it, and the way back to the chat.

import { savedKey } from "../../api/http.js";
import { html, useEffect, useRef } from "../../html.js";
import { models, query, start } from "../../state/dashboard.js";
import { gate, leave, user } from "../../state/session.js";
import { set, settings } from "../../state/settings.js";
import { Questions } from "../dialog.js";
import { Gate } from "../gate.js";
import { IconButton } from "../icons.js";
import { Toasts } from "../toasts.js";
import { Cache } from "./cache.js";
import { Go } from "./card.js";
import { Guards } from "./guards.js";
import { Keys } from "./keys.js";
import { Models } from "./models.js";
import { Overview } from "./overview.js";
import { Requests } from "./requests.js";

const PAGES = {
  overview: { view: Overview, title: "Overview" },
  requests: { view: Requests, title: "Requests" },
  keys: { view: Keys, title: "Keys and budgets" },
  models: { view: Models, title: "Models" },
  cache: { view: Cache, title: "Cache" },
  guards: { view: Guards, title: "Guards" },
};
const NEXT = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: "system", light: "sun", dark: "moon" };

export function Dashboard() {
  const { view } = query.value;
  const { view: View, title } = PAGES[view];
  const { theme } = settings.value;
  const pages = useRef(null);
  useEffect(() => {
    document.title = `${title} · Forebay`;
    pages.current.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [title]);
  return html`<a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <div class="dashboard">
      <header class="dashboard-top">
        <a class="brand" href="./"><img src="icon.svg" alt="" width="28" height="28" /><span>Forebay</span></a>
        <nav ref=${pages} aria-label="Dashboard">
          ${Object.entries(PAGES).map(([page, { title: name }]) => html`<${Go} key=${page} to=${{ view: page }} aria-current=${page === view ? "page" : null}>${name}<//>`)}
        </nav>
        <div class="account">
          <a class="plain-button button" href="./">Chat</a>
          ${(user.value || savedKey()) && models.value && html`${user.value && html`<span class="who">${user.value.label}</span>`}<button type="button" class="plain-button" onClick=${leave}>Log out</button>`}
          <${IconButton} name=${ICONS[theme]} label=${`Colours: ${theme}`} onClick=${() => set({ theme: NEXT[theme] })} />
        </div>
      </header>
      <main id="content" tabindex="-1">
        <h1 class="unseen">${title}</h1>
        ${gate.value ? html`<${Gate} enter=${start} />` : models.value && html`<${View} key=${view} />`}
      </main>
    </div>
    <${Questions} /><${Toasts} />`;
}

/** The address's fragment stays as it is. */
function skip(event) {
  event.preventDefault();
  document.getElementById("content").focus();
}
