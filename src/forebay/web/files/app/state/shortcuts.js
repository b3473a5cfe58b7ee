// What the keys do: Open WebUI's shortcuts, so that nobody needs to learn new ones.

import { copy, remove, startNew } from "./actions.js";
import { shelf, thread } from "./app.js";
import { set, settings } from "./settings.js";
import { signal } from "../html.js";

/** Which dialog is open: "settings", "help" or none. */
export const panel = signal("");

const focus = (id) => document.getElementById(id)?.focus();
const answers = () => thread.value?.messages.value.filter((each) => each.role === "assistant" && each.text) ?? [];

function showSearch() {
  set({ sidebar: true });
  requestAnimationFrame(() => focus("search"));
}

function copyLastCode() {
  const code = [...document.querySelectorAll(".messages .code code")].at(-1);
  if (code) copy(code.textContent);
}

function deleteOpen() {
  const open = shelf.found.value.find((each) => each.id === thread.value?.id.value);
  if (open) remove(open);
}

/** `code` is the key's place on the board where a shifted key has another name. */
export const SHORTCUTS = [
  { keys: ["Ctrl", "Shift", "O"], label: "New chat", act: startNew },
  { keys: ["Shift", "Esc"], label: "Focus the message field", act: () => focus("question") },
  { keys: ["Ctrl", "K"], label: "Search conversations", act: showSearch },
  { keys: ["Ctrl", "Shift", "S"], label: "Show or hide the sidebar", act: () => set({ sidebar: !settings.value.sidebar }) },
  { keys: ["Ctrl", "Shift", ";"], code: "Semicolon", label: "Copy the last code block", act: copyLastCode },
  { keys: ["Ctrl", "Shift", "C"], label: "Copy the last answer", act: () => answers().length && copy(answers().at(-1).text) },
  { keys: ["Ctrl", "Shift", "⌫"], code: "Backspace", label: "Delete the conversation", act: deleteOpen },
  { keys: ["Ctrl", "."], label: "Settings", act: () => (panel.value = panel.value ? "" : "settings") },
  { keys: ["Ctrl", "/"], label: "Keyboard shortcuts", act: () => (panel.value = panel.value ? "" : "help") },
  { keys: ["Esc"], label: "Stop the answer", act: () => thread.value?.stop() },
];

/** What the field for questions does by itself. */
export const IN_FIELD = [
  { keys: ["Enter"], label: "Send" },
  { keys: ["Shift", "Enter"], label: "New line" },
  { keys: ["↑"], label: "Edit the last message, in an empty field" },
  { keys: ["Ctrl", "Enter"], label: "Send an edited message" },
];

/** @param {KeyboardEvent} event */
export function press(event) {
  const found = SHORTCUTS.find((each) => matches(each, event));
  if (!found || (document.querySelector("dialog[open]") && !panelKey(found))) return;
  if (found.keys[0] !== "Esc") event.preventDefault();
  found.act();
}

const panelKey = ({ keys }) => keys.length === 2 && keys[0] === "Ctrl" && keys[1] !== "K";

function matches({ keys, code }, event) {
  const name = keys.at(-1);
  const key = name === "Esc" ? "Escape" : name;
  const pressed = code ? event.code === code : event.key.toLowerCase() === key.toLowerCase();
  const control = event.ctrlKey || event.metaKey;
  return pressed && control === keys.includes("Ctrl") && (event.shiftKey === keys.includes("Shift")) && !event.altKey;
}
