// Numbers as people read them.

/** @param {number} seconds */
export const duration = (seconds) => (seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`);

/** @param {number} rate a second */
export const speed = (rate) => rate.toFixed(rate < 10 ? 1 : 0);

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
