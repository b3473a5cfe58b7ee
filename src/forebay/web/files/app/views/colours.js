// The page's colours for a canvas, which knows no custom properties, and when they change.

import { useEffect, useSignal } from "../html.js";
import { settings } from "../state/settings.js";

/** What the custom property `name` is as a colour, light or dark as `element` stands. */
export function colourOf(element, name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** "light" or "dark", by choice or by the system; whoever asks is drawn anew when it changes. */
export function useScheme() {
  const system = useSignal(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const changed = () => (system.value = dark.matches);
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  const { theme } = settings.value;
  return theme === "system" ? (system.value ? "dark" : "light") : theme;
}
