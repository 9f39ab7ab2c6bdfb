// From values to pixels and back, and the round numbers on the axes. Pure.

/** @typedef {{low: number, high: number, at: (value: number) => number, value: (pixel: number) => number}} Scale */

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from pixel of `low`
 * @param {number} to pixel of `high`
 * @returns {Scale}
 */
function logScale(low, high, from, to) {
  const span = Math.log(high / low);
  return {
    low, high,
    at: (value) => from + (Math.log(value / low) / span) * (to - from),
    value: (pixel) => low * Math.exp(((pixel - from) / (to - from)) * span),
  };
}

/**
 * @param {number} low
 * @param {number} high
 * @param {number} from
 * @param {number} to
 * @returns {Scale}
 */
function linearScale(low, high, from, to) {
  return {
    low, high,
    at: (value) => from + ((value - low) / (high - low)) * (to - from),
    value: (pixel) => low + ((pixel - from) / (to - from)) * (high - low),
  };
}

/** Least and greatest, for any number of values.
 * @param {number[]} values */
function extent(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/** What a log axis spans: the positive values with some air, at least a factor of 1.5.
 * @param {number[]} values @returns {[number, number]} */
function logDomain(values) {
  const known = values.filter((value) => value > 0);
  if (!known.length) return [1, 10];
  const [low, high] = extent(known);
  const air = Math.max((high / low) ** 0.06, high / low < 1.5 ? 1.25 : 1.06);
  return [low / air, high * air];
}

/** What an axis of percents spans: the values with some air, hardly beyond 0 and 100.
 * @param {number[]} values @param {number} least @returns {[number, number]} */
function percentDomain(values, least) {
  if (!values.length) return [0, 1];
  const [low, high] = extent(values);
  const air = Math.max((high - low) * 0.08, least);
  return [Math.max(low - air, -3), Math.min(high + air, 103)];
}

/** @param {number} low @param {number} high @param {number[]} steps within a decade */
function decades(low, high, steps) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const step of steps) {
      const value = Number(`${step}e${power}`);
      if (value >= low && value <= high) found.push(value);
    }
  }
  return found;
}

/** Round numbers for a log axis: as many as there is room for, never fewer than two if possible.
 * @param {number} low @param {number} high @param {number} room */
function logTicks(low, high, room) {
  const choices = [[1, 1.5, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]];
  for (const steps of choices) {
    const ticks = decades(low, high, steps);
    if (steps.length === 9 && high / low > 5) continue;
    if (steps.length === 5 && high / low > 12) continue;
    if (ticks.length <= room && ticks.length > 1) return ticks;
  }
  return linearTicks(low, high, Math.max(2, room));
}

/** @param {number} low @param {number} high @param {number} room */
function linearTicks(low, high, room) {
  const rough = (high - low) / Math.max(1, room);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough) || rough;
  const found = [];
  for (let count = Math.ceil(low / step); count * step <= high; count += 1) {
    found.push(Number((count * step).toPrecision(12)));
  }
  return found;
}

/** @param {number} value */
function plainNumber(value) {
  return String(Number(value.toPrecision(6)));
}

/** What milliseconds above ten seconds read better in: nobody reads 2000000 ms.
 * @param {Cost} cost @param {number} high the axis's end
 * @returns {{unit: string, divide: number}} */
function axisUnit(cost, high) {
  return cost.unit === "ms" && high > 20000 ? { unit: "s", divide: 1000 } : { unit: cost.unit, divide: 1 };
}

/** Tick labels, all with as many decimals as the finest of them needs.
 * @param {number[]} values */
function tickTexts(values) {
  const plain = values.map(plainNumber);
  const decimals = Math.max(0, ...plain.map((text) => (text.split(".")[1] || "").length));
  return values.map((value) => value.toFixed(decimals));
}

/** The nearest of 1, 2, 5, 10, 20, ...
 * @param {number} value */
function roundNumber(value) {
  const candidates = decades(value / 10, value * 10, [1, 2, 5]);
  /** @param {number} each */
  const far = (each) => Math.abs(Math.log(each / value));
  return candidates.reduce((best, each) => (far(each) < far(best) ? each : best));
}
