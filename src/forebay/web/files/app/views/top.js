// The line above each page.

import { html } from "../html.js";
import { set, settings } from "../state/settings.js";
import { panel } from "../state/shortcuts.js";
import { IconButton } from "./icons.js";

/** @param {{title: string, children?: any}} props */
export function Top({ title, children }) {
  const { sidebar } = settings.value;
  return html`<header class="top">
    <${IconButton} name="menu" label=${sidebar ? "Hide sidebar" : "Show sidebar"} class=${sidebar ? "wide-only" : ""} aria-expanded=${sidebar ? "true" : "false"}
      onClick=${() => set({ sidebar: !sidebar })} />
    <h1 class=${children ? "unseen" : ""}>${title}</h1>
    ${children}
    <span class="space"></span>
    <${IconButton} name="settings" label="Settings" onClick=${() => (panel.value = "settings")} />
    <${Colours} />
    <${IconButton} name="help" label="Keyboard shortcuts" class="wide-only" onClick=${() => (panel.value = "help")} />
  </header>`;
}

const NEXT = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: "system", light: "sun", dark: "moon" };

const Colours = () => {
  const { theme } = settings.value;
  return html`<${IconButton} name=${ICONS[theme]} label=${`Colours: ${theme}`} onClick=${() => set({ theme: NEXT[theme] })} />`;
};
