// A chart of lines over time; a click asks for what happened in one step of it.

import { html, useEffect, useRef } from "../../html.js";
import { load } from "../chart.js";
import { colourOf, useScheme } from "../colours.js";
import { lone } from "../../text/series.js";

const HEIGHT = 190;
export const COLOURS = 8;
/** Lines differ in their dashes, too: not everybody tells colours apart. */
export const DASHES = [[], [7, 4], [2, 3], [10, 4, 2, 4], [14, 4], [4, 6], [1, 5], [10, 3, 2, 3, 2, 3]];

/**
 * @param {{label: string, times: number[], lines: {label: string, values: (number | null)[]}[],
 *   format: (value: number) => string, pick?: (at: number) => void, most?: number}} props
 */
export function Plot({ label, times, lines, format, pick, most }) {
  const ref = useRef(null);
  const plot = useRef(null);
  const picked = useRef(pick);
  picked.current = pick;
  const shape = lines.map((each) => each.label).join("\n");
  const scheme = useScheme();
  const data = [times, ...lines.map((each) => each.values)];
  const latest = useRef(data);
  latest.current = data;
  useEffect(() => {
    const element = ref.current;
    let gone = false;
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }));
    const drawn = (uPlot) => {
      if (gone) return;
      plot.current = new uPlot(options(element, lines, format, most), latest.current, element);
      plot.current.over.addEventListener("click", () => {
        const at = plot.current?.cursor.idx;
        if (typeof at === "number") picked.current?.(latest.current[0][at]);
      });
      resized.observe(element);
    };
    load().then(drawn, () => {});
    return () => {
      gone = true;
      resized.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape, scheme, most]);
  useEffect(() => plot.current?.setData(data), [times, lines]);
  return html`<div class=${`plot ${pick ? "picks" : ""}`} ref=${ref} role="img" aria-label=${label}></div>`;
}

function options(element, lines, format, most) {
  const colour = (name) => colourOf(element, name);
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--quiet"), grid, ticks: { ...grid, size: 4 }, font: "11px system-ui, sans-serif" };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    axes: [
      { ...axis, grid: { show: false }, space: 64, values: TIMES },
      { ...axis, size: 54, values: (_, values) => values.map((value) => (value === null ? "" : format(value))) },
    ],
    scales: { x: { range: around }, y: { range: (_, low, high) => [0, most ?? (high > 0 ? high * 1.08 : 1)] } },
    series: [
      { value: (_, value) => (value === null ? "" : new Date(value * 1000).toLocaleString("en-GB", { dateStyle: "short", timeStyle: "short" })) },
      ...lines.map((each, number) => {
        const stroke = colour(each.rest ? "--quiet" : `--series-${(number % COLOURS) + 1}`);
        const only = lines.length === 1;
        return {
          label: each.label,
          stroke,
          fill: only ? `color-mix(in srgb, ${stroke} 13%, transparent)` : undefined,
          dash: DASHES[number % COLOURS],
          width: 2,
          // No line leads to a step between two of which nothing is known.
          points: { show: false, filter: (plot, series) => lone(plot.data[series]), size: 6 },
          value: (_, value) => (value === null || value === undefined ? "–" : format(value)),
        };
      }),
    ],
    cursor: { drag: { x: false, y: false }, sync: { key: "dashboard" }, points: { size: 7 } },
    legend: { show: true },
  };
}

/** A single moment stands in the middle of a minute, not of years. */
const around = (_, low, high) => (low === high ? [low - 30, high + 30] : [low, high]);

// uPlot's own names of times are American; these are the same everywhere.
const TIMES = [
  [86_400, "{DD} {MMM}", null, null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{DD} {MMM}", null, "\n{DD} {MMM}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{DD} {MMM}", null, "\n{DD} {MMM}", null, null, null, 1],
  [1, "{HH}:{mm}:{ss}", "\n{DD} {MMM}", null, "\n{DD} {MMM}", null, null, null, 1],
];
