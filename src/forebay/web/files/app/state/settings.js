// What somebody has chosen: model, system prompt, parameters, colours. Kept in the browser, which no key ever is.

import { computed, effect, signal } from "../html.js";

const KEPT = "forebay.settings";
const NARROW = matchMedia("(max-width: 48rem)");

/** Whether the page is as narrow as a phone: the sidebar lies over it then. */
export const narrow = signal(NARROW.matches);
NARROW.addEventListener("change", () => (narrow.value = NARROW.matches));

/** A parameter that is not set is left to the model. */
export const PARAMETERS = [
  { name: "temperature", label: "Temperature", min: 0, max: 2, step: 0.1, hint: "0 is the most likely answer, higher is more varied." },
  { name: "top_p", label: "Top p", min: 0, max: 1, step: 0.05, hint: "Only the likeliest tokens, up to this share." },
  { name: "max_tokens", label: "Max tokens", min: 1, max: 1_000_000, step: 1, hint: "The longest answer." },
  { name: "seed", label: "Seed", min: 0, max: 2 ** 53 - 1, step: 1, hint: "The same seed, the same answer." },
  { name: "frequency_penalty", label: "Frequency penalty", min: -2, max: 2, step: 0.1, hint: "Against repeating words." },
  { name: "presence_penalty", label: "Presence penalty", min: -2, max: 2, step: 0.1, hint: "Towards new words." },
];

const FIRST = { model: "", instructions: "", parameters: {}, stop: "", watermark: "", theme: "system", sidebar: true };

export const settings = signal({ ...FIRST, ...load(), ...(narrow.value ? { sidebar: false } : {}) });

export const set = (changes) => {
  settings.value = { ...settings.value, ...changes };
};

export const setParameter = (name, value) => {
  const { [name]: _, ...others } = settings.value.parameters;
  set({ parameters: value === null ? others : { ...others, [name]: value } });
};

/** What is sent beside the messages. */
export const parameters = computed(() => {
  const { parameters: given, stop, watermark } = settings.value;
  const ends = stop.split("\n").filter(Boolean).slice(0, 4);
  return {
    ...given,
    ...(ends.length ? { stop: ends } : {}),
    ...(watermark ? { watermark: watermark === "on" } : {}),
  };
});

/** How many settings differ from none. */
export const changed = computed(() => Object.keys(parameters.value).length + (settings.value.instructions.trim() ? 1 : 0));

effect(() => {
  const { theme, ...others } = settings.value;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEPT, JSON.stringify({ theme, ...others }));
  } catch {
    // Without room or permission the choice lasts as long as the page.
  }
});

function load() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    const right = Object.entries(kept).filter(([name, value]) => typeof value === typeof FIRST[name] && value !== null);
    return Object.fromEntries(right);
  } catch {
    return {};
  }
}
