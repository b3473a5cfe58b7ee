// What the mask of a detection says along the text: how far above chance the share of green tokens is.

/** So many scored tokens make one point of the running score. */
export const WINDOW = 50;

/** The share of green tokens that each scheme expects by chance, unless it was set up otherwise. */
const GAMMA = 0.25;

/**
 * The expected share, from what was found over the whole: z = (g − γn) / √(nγ(1−γ)) solved for γ.
 * @param {{z: number, green_fraction: number, scored_tokens: number}} found
 */
export function gammaOf({ z, green_fraction: share, scored_tokens: count }) {
  if (!count || !Number.isFinite(z)) return GAMMA;
  const square = (z * z) / count;
  // (share − γ)² = z²/n · γ(1 − γ), a quadratic equation in γ; the root on z's side of the share is meant.
  const [a, b, c] = [1 + square, -(2 * share + square), share * share];
  const root = Math.sqrt(Math.max(0, b * b - 4 * a * c));
  const gamma = (-b + (z >= 0 ? -root : root)) / (2 * a);
  return gamma > 0 && gamma < 1 ? gamma : GAMMA;
}

/**
 * z along the text: of all tokens so far, and of the last `WINDOW` ones.
 * @param {(boolean | null)[]} mask @param {number} gamma
 * @returns {[number[], number[], (number | null)[]]} the scored tokens' numbers, and both scores
 */
export function scores(mask, gamma) {
  const green = mask.filter((each) => each !== null);
  const [places, whole, near] = [[], [], []];
  let count = 0;
  let recent = 0;
  green.forEach((each, at) => {
    count += each ? 1 : 0;
    recent += (each ? 1 : 0) - (at >= WINDOW && green[at - WINDOW] ? 1 : 0);
    places.push(at + 1);
    whole.push(z(count, at + 1, gamma));
    near.push(at + 1 >= WINDOW ? z(recent, WINDOW, gamma) : null);
  });
  return thinned([places, whole, near]);
}

const z = (green, count, gamma) => (green - gamma * count) / Math.sqrt(count * gamma * (1 - gamma));

/** No more points than a screen can show. */
function thinned(lists, most = 2000) {
  const step = Math.ceil(lists[0].length / most);
  return step > 1 ? lists.map((list) => list.filter((_, at) => at % step === 0)) : lists;
}
