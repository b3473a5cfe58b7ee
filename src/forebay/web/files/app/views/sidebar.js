// The list of conversations by day, and the way to the other pages.

import { html, useEffect, useRef, useSignal } from "../html.js";
import { models, shelf, book, thread } from "../state/app.js";
import { place } from "../state/location.js";
import { leave, user } from "../state/session.js";
import { narrow } from "../state/settings.js";
import { savedKey } from "../api/http.js";
import * as actions from "../state/actions.js";
import { Icon, IconButton } from "./icons.js";

const PAGES = [
  { page: "compare", name: "Compare models", icon: "compare" },
  { page: "watermark", name: "Watermark", icon: "drop" },
  { page: "guards", name: "Guards", icon: "shield" },
  { page: "reviews", name: "Reviews", icon: "worse" },
];
const PAUSE_MS = 200;

export function Sidebar({ close }) {
  const key = (event) => {
    if (event.key !== "Escape" || !narrow.value) return;
    event.stopPropagation();
    close();
  };
  return html`<nav class="sidebar" id="sidebar" aria-label="Conversations and pages" onKeyDown=${key}>
    <div class="brand"><img src="icon.svg" alt="" width="28" height="28" /><span>Forebay</span>
      <${IconButton} name="close" label="Close sidebar" class="narrow-only" onClick=${close} /></div>
    <button type="button" class="new-chat" onClick=${actions.startNew}><${Icon} name="plus" />New chat</button>
    <${Search} />
    <${List} />
    <ul class="pages">
      ${PAGES.map(
        ({ page, name, icon }) => html`<li key=${page}>
          <a href=${`#/${page}`} aria-current=${place.value.page === page ? "page" : null}><${Icon} name=${icon} />${name}</a>
        </li>`,
      )}
      <li><a href="dashboard"><${Icon} name="chart" />Dashboard</a></li>
    </ul>
    <${Account} />
  </nav>`;
}

function Search() {
  const timer = useRef(0);
  const search = (event) => {
    const query = event.currentTarget.value;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => shelf.search(query), PAUSE_MS);
  };
  return html`<label class="search"><span class="unseen">Search conversations</span><${Icon} name="search" />
    <input id="search" type="search" placeholder="Search" maxlength="200" onInput=${search} />
  </label>`;
}

function List() {
  const end = useRef(null);
  const found = shelf.found.value;
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && shelf.next());
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [found.length]);
  return html`<div class="conversations">
    ${book.value && !book.value.lasting && html`<p class="hint memory">Conversations are kept in this page only: the server has no store.</p>`}
    ${book.value && !found.length && html`<p class="hint">${shelf.query.value ? "Nothing found." : "No conversations yet."}</p>`}
    ${byDay(found).map(
      ([day, those]) => html`<section key=${day}>
        <h3>${day}</h3>
        <ul aria-label=${day}>${those.map((each) => html`<${Entry} key=${each.id} entry=${each} />`)}</ul>
      </section>`,
    )}
    <div ref=${end} class="list-end">${shelf.more.value && html`<button type="button" onClick=${() => shelf.next()}>More</button>`}</div>
  </div>`;
}

function Entry({ entry }) {
  const open = useSignal(false);
  const menu = useRef(null);
  const title = entry.title || "New conversation";
  const current = thread.value?.id.value === entry.id && place.value.page === "chat";
  // A dialog gives the focus back to where it was, which an item of the menu no longer is.
  const act = (action) => () => {
    menu.current.querySelector("button").focus();
    open.value = false;
    action(entry);
  };
  const leaveMenu = (event) => {
    if (!menu.current?.contains(event.relatedTarget)) open.value = false;
  };
  const key = (event) => {
    if (event.key !== "Escape" || !open.value) return;
    event.stopPropagation();
    open.value = false;
    menu.current.querySelector("button").focus();
  };
  return html`<li class="entry" ref=${menu} onFocusOut=${leaveMenu} onKeyDown=${key}>
    <a href=${`#/chat/${encodeURIComponent(entry.id)}`} aria-current=${current ? "page" : null} title=${title}>${title}</a>
    <${IconButton} name="dots" label=${`More about ${title}`} aria-expanded=${open.value ? "true" : "false"} onClick=${() => (open.value = !open.value)} />
    ${open.value &&
    html`<div class="menu">
      <button type="button" onClick=${act(actions.rename)}><${Icon} name="edit" />Rename</button>
      ${book.value.lasting && html`<button type="button" onClick=${act(actions.share)}><${Icon} name="share" />Share</button>`}
      <button type="button" onClick=${act((which) => actions.save(which, "markdown"))}><${Icon} name="download" />Export as Markdown</button>
      <button type="button" onClick=${act((which) => actions.save(which, "json"))}><${Icon} name="download" />Export as JSON</button>
      <button type="button" class="danger" onClick=${act(actions.remove)}><${Icon} name="trash" />Delete</button>
    </div>`}
  </li>`;
}

function Account() {
  const file = useRef(null);
  const chosen = (event) => {
    const [found] = event.currentTarget.files;
    event.currentTarget.value = "";
    if (found) actions.load(found);
  };
  const known = user.value || savedKey();
  return html`<div class="account">
    <input ref=${file} type="file" accept=".json,.md,application/json,text/markdown" aria-label="File to import" hidden onChange=${chosen} />
    <button type="button" class="plain-button" disabled=${!book.value} onClick=${() => file.current.click()}><${Icon} name="upload" />Import</button>
    ${known && models.value && html`${user.value && html`<span class="who">${user.value.label}</span>`}<button type="button" class="plain-button" onClick=${leave}>Log out</button>`}
  </div>`;
}

/** `found` in groups of equal days, near ones by their name. */
function byDay(found) {
  const groups = new Map();
  const midnight = new Date().setHours(0, 0, 0, 0);
  for (const each of found) {
    const name = dayOf(each.updated_at * 1000, midnight);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(each);
  }
  return [...groups];
}

function dayOf(time, midnight) {
  const DAY = 86_400_000;
  if (time >= midnight) return "Today";
  if (time >= midnight - DAY) return "Yesterday";
  if (time >= midnight - 6 * DAY) return new Date(time).toLocaleDateString(undefined, { weekday: "long" });
  return new Date(time).toLocaleDateString(undefined, { day: "numeric", month: "long", year: "numeric" });
}

