// The pictures on buttons: outlines of 24 by 24, drawn in the text's colour.

import { html } from "../html.js";

const PATHS = {
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  down: "M12 5v14M6 13l6 6 6-6",
  chart: "M4 4v16h16M8 16v-5M13 16V7M18 16v-8",
  close: "M6 6l12 12M18 6L6 18",
  compare: "M4 5h7v14H4zM13 5h7v14h-7z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  dots: "M5 12h.01M12 12h.01M19 12h.01",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  drop: "M12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11z",
  edit: "M4 20h4L19 9l-4-4L4 16zM13 7l4 4",
  help: "M9 9a3 3 0 1 1 4 3c-.7.3-1 1-1 2M12 17.500v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  info: "M12 11v6M12 7.500v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  menu: "M4 6h16M4 12h16M4 18h16",
  moon: "M20 14A8 8 0 1 1 10 4a7 7 0 0 0 10 10z",
  plus: "M12 5v14M5 12h14",
  redo: "M20 5v5h-5M19.500 10A8 8 0 1 0 20 14",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  send: "M12 20V5M5 12l7-7 7 7",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.500h4v5h-4zM7 14.500h4v5H7z",
  share: "M12 15V4M7 8l5-5 5 5M5 13v7h14v-7",
  shield: "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
  stop: "M7 7h10v10H7z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.400 1.400M17.600 17.600L19 19M5 19l1.400-1.400M17.600 6.400L19 5",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  up: "M7 11l4-7c1.500 0 2.500 1 2.500 2.500V10H19l-1.500 9H7zM3 11h4v9H3z",
  upload: "M12 16V5M7 9l5-5 5 5M5 20h14",
  worse: "M7 13l4 7c1.500 0 2.500-1 2.500-2.500V14H19l-1.500-9H7zM3 4h4v9H3z",
};

/** @param {{name: keyof PATHS, filled?: boolean}} props */
export function Icon({ name, filled = false }) {
  return html`<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" fill=${filled ? "currentColor" : "none"}>
    <path d=${PATHS[name]} stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
}

/** A button that shows a picture and says `label`. */
export function IconButton({ name, label, filled, class: kind = "", ...props }) {
  return html`<button type="button" class=${`icon-button ${kind}`} aria-label=${label} title=${label} ...${props}>
    <${Icon} name=${name} filled=${filled} />
  </button>`;
}
