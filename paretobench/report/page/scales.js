// From values to pixels and back, and the round numbers on the axes.

function logScale(low, high, from, to) {
  const span = Math.log(high / low);
  return {
    low,
    high,
    at: (value) => from + (Math.log(value / low) / span) * (to - from),
    value: (share) => low * Math.exp(share * span),
    share: (value) => Math.log(value / low) / span,
  };
}

function linearScale(low, high, from, to) {
  return { low, high, at: (value) => from + ((value - low) / (high - low)) * (to - from) };
}

/** Least and greatest, for any number of values. */
function extent(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/** What a log axis spans: the positive values with some air, at least a factor of 1.5. */
function logDomain(values) {
  const known = values.filter((value) => value > 0);
  if (!known.length) return [1, 10];
  const [low, high] = extent(known);
  const air = Math.max((high / low) ** 0.06, high / low < 1.5 ? 1.25 : 1.06);
  return [low / air, high * air];
}

/** What an axis of percents spans: the values with some air, hardly beyond 0 and 100. */
function percentDomain(values, least) {
  if (!values.length) return [0, 1];
  const [low, high] = extent(values);
  const air = Math.max((high - low) * 0.08, least);
  return [Math.max(low - air, -3), Math.min(high + air, 103)];
}

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

/** Round numbers for a log axis: as many as there is room for, never fewer than two if possible. */
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

function linearTicks(low, high, room) {
  const rough = (high - low) / Math.max(1, room);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let count = Math.ceil(low / step); count * step <= high; count += 1) {
    found.push(Number((count * step).toPrecision(12)));
  }
  return found;
}

function plainNumber(value) {
  return String(Number(value.toPrecision(6)));
}

/** Tick labels, all with as many decimals as the finest of them needs. */
function tickTexts(values) {
  const plain = values.map(plainNumber);
  const decimals = Math.max(0, ...plain.map((text) => (text.split(".")[1] || "").length));
  return values.map((value) => value.toFixed(decimals));
}

/** A budget as people would say it: three significant digits, whole numbers of tokens. */
function rounded(value, isWhole) {
  const text = Number(value.toPrecision(3));
  return isWhole || text >= 1000 ? Math.round(text) : text;
}

/** The nearest of 1, 2, 5, 10, 20, ... */
function roundNumber(value) {
  const candidates = decades(value / 10, value * 10, [1, 2, 5]);
  const far = (each) => Math.abs(Math.log(each / value));
  return candidates.reduce((best, each) => (far(each) < far(best) ? each : best));
}
