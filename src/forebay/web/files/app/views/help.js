// The keyboard shortcuts, and what the page is made of.

import { html } from "../html.js";
import { IN_FIELD, SHORTCUTS } from "../state/shortcuts.js";
import { Dialog } from "./dialog.js";

const MADE_OF = ["preact", "signals", "htm", "markdown-it", "dompurify", "highlight", "uplot"];
const LICENCES = new URL("../../vendor/licences/", import.meta.url);

export function Help({ close }) {
  return html`<${Dialog} title="Keyboard shortcuts" close=${close}>
    <${Keys} rows=${SHORTCUTS} /><h3>In the message field</h3><${Keys} rows=${IN_FIELD} />
    <p class="hint">On a Mac, ⌘ is Ctrl. This page is made with ${MADE_OF.map((name, at) => html`${at ? ", " : ""}<a key=${name} href=${`${LICENCES}${name}.txt`} target="_blank" rel="noopener">${name}</a>`)}.</p>
  <//>`;
}

const Keys = ({ rows }) => html`<dl class="shortcuts">
  ${rows.map(({ keys, label }) => html`<div key=${label}><dt>${label}</dt><dd>${keys.map((key) => html`<kbd key=${key}>${key}</kbd>`)}</dd></div>`)}
</dl>`;
