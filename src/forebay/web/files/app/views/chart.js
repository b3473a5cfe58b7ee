// A chart of lines over numbers; uPlot is loaded when there is one to draw.

import { html, useEffect, useRef } from "../html.js";
import { colourOf, useScheme } from "./colours.js";

const HEIGHT = 220;
let loading = null;

/**
 * @param {{label: string, data: number[][], series: {label: string, colour: string, dash?: number[]}[], x: string,
 *   bands?: {from: number, to: number}[]}} props `data` as uPlot's: x, then one list for each series; `colour` is a
 *   custom property of CSS
 */
export function Chart({ label, data, series, x }) {
  const ref = useRef(null);
  const scheme = useScheme();
  useEffect(() => {
    const element = ref.current;
    let plot = null;
    let gone = false;
    const resized = new ResizeObserver(() => plot?.setSize({ width: element.clientWidth, height: HEIGHT }));
    load().then((uPlot) => {
      if (gone) return;
      plot = new uPlot(options(element, series, x), data, element);
      resized.observe(element);
    }, () => {});
    return () => {
      gone = true;
      resized.disconnect();
      plot?.destroy();
    };
  }, [data, series, x, scheme]);
  return html`<div class="chart" ref=${ref} role="img" aria-label=${label}></div>`;
}

/** uPlot and its style, when they are there. */
export function load() {
  loading ??= Promise.all([import("../../vendor/uplot.js"), style()]).then(([module]) => module.default);
  loading.catch(() => (loading = null));
  return loading;
}

function style() {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("../../vendor/uplot.css", import.meta.url).href;
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = reject;
    document.head.append(link);
  });
}

function options(element, series, x) {
  const colour = (name) => colourOf(element, name);
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false } },
    axes: [{ ...axis, label: x }, axis],
    series: [{ label: x }, ...series.map((each) => ({ label: each.label, stroke: colour(each.colour), dash: each.dash, width: 2, points: { show: false } }))],
    cursor: { drag: { x: false, y: false } },
  };
}
