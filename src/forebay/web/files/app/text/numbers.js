// Numbers as people read them.

/** @param {number} seconds */
export const duration = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`);

/** @param {number} rate a second */
export const speed = (rate) => (rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en"));

/** How long somebody has to wait. @param {number} seconds */
export const patience = (seconds) => (seconds < 120 ? count(Math.ceil(seconds), "second") : count(Math.ceil(seconds / 60), "minute"));

export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

/** Dollars as the server writes them, with no more digits than say something. @param {string | number} cost */
export function dollars(cost) {
  const value = Number(cost);
  if (value === 0) return "$0";
  return value < 0.01 ? `$${value.toPrecision(2)}`.replace(/\$(.*)e-(\d+)$/, (_, digits, zeros) => `$${Number(`${digits}e-${zeros}`).toFixed(Number(zeros) + 1)}`) : `$${value.toFixed(2)}`;
}

/** A probability. */
export function probability(p) {
  if (p >= 0.001) return p.toFixed(3);
  const [digits, power] = p.toExponential(1).split("e-");
  return p === 0 ? "0" : `${digits} · 10⁻${[...power].map((each) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[each]).join("")}`;
}

/** A number with no more digits than say something: 12.3k. @param {number} number */
export function short(number) {
  const size = Math.abs(number);
  if (size >= 1e6) return `${(number / 1e6).toPrecision(3)}M`;
  if (size >= 1e4) return `${(number / 1e3).toPrecision(3)}k`;
  return size === 0 || Number.isInteger(number) ? number.toLocaleString("en") : Number(number.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });
}

/** @param {number} seconds since 1970 */
export const moment = (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
