// The view that travels with the page, its rows with their names, and the types of everything.

/**
 * @typedef {{text: string, value: number, low?: number, high?: number}} Held a cost with its interval
 * @typedef {{text: string, value: number, error: number, source: string, items: string, isAssumed: boolean}} Scored
 * @typedef {{caption: string, fastest: string, slowest: string, processes: number[][]}} PartRuns
 *
 * @typedef {object} Row one point under one recipe
 * @property {number} index
 * @property {string} name
 * @property {string} label
 * @property {string} encoder
 * @property {number} family
 * @property {string} llm
 * @property {number} px
 * @property {string} tiling
 * @property {string} environment
 * @property {string} recipe
 * @property {string} source
 * @property {string} reason
 * @property {string} assumed
 * @property {number} plannable
 * @property {string} device
 * @property {string} caution
 * @property {number | null} judged the TTFT that answers go by, where that is not its sum
 * @property {(Held | null)[]} costs
 * @property {Map<number, Scored>} scores
 * @property {string[]} cells
 * @property {[string, [string, string][]][]} story
 * @property {Record<string, any>} raw
 * @property {PartRuns[]} runs
 * @property {Held | null} predicted its time to first token, where it was not measured
 *
 * @typedef {object} Point a row on the axes that are chosen
 * @property {Row} row
 * @property {number} cost
 * @property {number} [low]
 * @property {number} [high]
 * @property {string} text
 * @property {number | null} gain
 * @property {number} error
 * @property {string} gainText
 * @property {boolean} isFront by the values as they are
 * @property {boolean} isFamily
 * @property {string} standing one of `STANDINGS`
 * @property {number} [x] in pixels
 * @property {number} [y]
 * @property {Element} [element]
 * @property {number[][][]} [whiskers]
 *
 * @typedef {{key: string, label: string, unit: string, perUnit: number, raw: string}} Cost
 * @typedef {{key: string, label: string}} Gain
 * @typedef {{recipe: string, environment: string, points: number, steps: number[], curves: Record<string, number[]>}} Probabilities
 * @typedef {{best: Point, next: Point | null, probability: number | null, nextProbability: number | null, recipe: string}} Answer
 * @typedef {{label: string, recipes: string[], points: [string, number, number][]}} Layer
 * @typedef {{heading: string, align: string, raw: string | null}} Column
 * @typedef {Record<string, any>} Address
 */

/** What a point can be, in the words of the tables. */
const STANDINGS = ["front", "ambiguous", "family", "dominated", "unknown", "no score", "predicted"];

/** Texts of a row that travel as numbers. */
const ROW_TEXTS = ["name", "label", "encoder", "llm", "tiling", "environment", "recipe", "source", "reason", "assumed", "device", "caution"];

/**
 * A row's array with its names, and numbers of texts replaced by the texts.
 * @param {any} data
 * @param {any[]} values
 * @param {number} index
 * @returns {Row}
 */
function unpackedRow(data, values, index) {
  /** @param {number} number */
  const text = (number) => data.strings[number];
  /** @type {any} */
  const row = Object.fromEntries(data.fields.map((/** @type {string} */ name, /** @type {number} */ at) => [name, values[at]]));
  for (const name of ROW_TEXTS) row[name] = text(row[name]);
  row.index = index;
  row.judged = data.judged[index] ?? null;
  row.raw = Object.fromEntries(row.raw.map((/** @type {any} */ value, /** @type {number} */ at) => [data.raw[at], Array.isArray(value) ? text(value[0]) : value]));
  row.costs = data.costs.map((/** @type {Cost} */ cost, /** @type {number} */ at) => {
    const value = row.raw[cost.raw];
    const [low, high] = row.intervals[at] || [];
    return value === null ? null : { text: `${text(row.costs[at])} ${cost.unit}`.trim(), value, low, high };
  });
  if (row.predicted) {
    const [value, low, high, said] = row.predicted;
    row.predicted = { text: `${text(said)} ms`, value, low, high };
  }
  row.scores = unpackedScores(data, row, text);
  row.cells = row.cells.map(text);
  let told = 1;
  row.story = data.outlines[row.story[0]].map((/** @type {any} */ [heading, terms]) => {
    const facts = terms.map((/** @type {any} */ [term, unit]) => [term, `${text(row.story[told++])} ${unit}`.trim()]);
    return [heading, facts];
  });
  row.runs = row.runs.map((/** @type {number} */ number) => {
    const [caption, fastest, slowest, processes] = data.runs[number];
    return { caption: text(caption), fastest: text(fastest), slowest: text(slowest), processes: processes.map(summed) };
  });
  return row;
}

/**
 * @param {any} data
 * @param {any} row
 * @param {(number: number) => string} text
 * @returns {Map<number, Scored>}
 */
function unpackedScores(data, row, text) {
  const [about, sources, ...held] = row.scores;
  const scores = new Map(data.origins[about].map((/** @type {any} */ [gain, items, isAssumed], /** @type {number} */ at) => {
    const [said, value, error] = held.slice(3 * at, 3 * at + 3);
    const source = text(sources[Math.min(at, sources.length - 1)]);
    return [gain, { text: text(said), value, error, source, items, isAssumed: isAssumed === 1 }];
  }));
  if (scores.has(0)) scores.get(0).value = row.raw.score_fraction;
  return scores;
}

/**
 * A process's runs, which travel as the first one and the steps from run to run.
 * @param {number[]} steps
 */
function summed(steps) {
  let at = 0;
  return steps.map((step) => (at += step));
}

/**
 * The names of a row's point in an address.
 * @param {Row} row
 */
function identityOf(row) {
  return [row.raw.encoder, row.px, row.raw.llm, row.raw.tiling].join("|");
}
