// What the page knows and what is chosen, and what follows from both: points, fronts, answer.

const data = JSON.parse(byId("data").textContent);
const rows = data.rows.map(unpacked);
const frontColumn = data.columns.findIndex((column) => column.heading === "front");
const state = {
  recipe: data.recipes.length ? data.recipes[0] : "",
  environment: data.environments.length ? data.environments[0] : "",
  cost: 0,
  gain: 0,
  filters: Object.fromEntries(FILTERS.map(({ key }) => [key, new Set()])),
  budgets: {},
  sort: { id: "", isDescending: false },
  page: 0,
  selected: null,
  shown: null,
  hasEverything: false,
  isPrinting: false,
};
let scene = null;
let drawn = [];

/** A row's array with its names, and numbers of texts replaced by the texts. */
function unpacked(values, index) {
  const text = (number) => data.strings[number];
  const row = Object.fromEntries(data.fields.map((name, at) => [name, values[at]]));
  for (const name of ["name", "label", "encoder", "llm", "tiling", "environment", "recipe", "source", "reason"]) {
    row[name] = text(row[name]);
  }
  row.index = index;
  row.raw = Object.fromEntries(row.raw.map((value, at) => [data.raw[at], Array.isArray(value) ? text(value[0]) : value]));
  row.costs = data.costs.map((cost, at) => {
    const value = row.raw[cost.raw];
    const [low, high] = row.intervals[at] || [];
    return value === null ? null : { text: `${text(row.costs[at])} ${cost.unit}`.trim(), value, low, high };
  });
  const [about, sources, ...held] = row.scores;
  row.scores = new Map(data.origins[about].map(([gain, items, isAssumed], at) => {
    const [said, value, error] = held.slice(3 * at, 3 * at + 3);
    const source = text(sources[Math.min(at, sources.length - 1)]);
    return [gain, { text: text(said), value, error, source, items, isAssumed: isAssumed === 1 }];
  }));
  if (row.scores.has(0)) row.scores.get(0).value = row.raw.score_fraction;
  row.cells = row.cells.map(text);
  let told = 1;
  row.story = data.outlines[row.story[0]].map(([heading, terms]) => {
    const facts = terms.map(([term, unit]) => [term, `${text(row.story[told++])} ${unit}`.trim()]);
    return [heading, facts];
  });
  row.runs = row.runs.map((number) => {
    const [caption, fastest, slowest, processes] = data.runs[number];
    return { caption: text(caption), fastest: text(fastest), slowest: text(slowest), processes: processes.map(summed) };
  });
  return row;
}

/** A process's runs, which travel as the first one and the steps from run to run. */
function summed(steps) {
  let at = 0;
  return steps.map((step) => (at += step));
}

function isOnShow(row) {
  const fits = (own, chosen) => own === chosen || own === "";
  return fits(row.recipe, state.recipe) && fits(row.environment, state.environment);
}

function passesFilters(row) {
  return FILTERS.every(({ key }) => !state.filters[key].size || state.filters[key].has(row[key]));
}

function hasFilters() {
  return FILTERS.some(({ key }) => state.filters[key].size);
}

function pointOf(row) {
  const cost = row.costs[state.cost];
  const score = row.scores.get(state.gain);
  return {
    row, cost: cost.value, low: cost.low, high: cost.high, text: cost.text,
    gain: score ? score.value : null, error: score ? score.error : 0, gainText: score ? score.text : "",
    isFront: false, isFamily: false,
  };
}

/** Everything the plot and the answer need, from what is chosen. */
function compute() {
  const timed = rows.filter((row) => isOnShow(row) && passesFilters(row) && row.costs[state.cost]);
  const all = timed.map(pointOf);
  const points = all.filter((point) => point.gain !== null);
  const rug = all.filter((point) => point.gain === null);
  const families = markFronts(points);
  const cost = data.costs[state.cost];
  const scale = logScale(...logDomain(all.map((point) => point.cost / cost.perUnit)), 0, 1);
  if (!(cost.key in state.budgets)) {
    state.budgets[cost.key] = roundNumber(Math.sqrt(scale.low * scale.high)) * cost.perUnit;
  }
  const byRow = new Map(all.map((point) => [point.row, point]));
  const held = { points, rug, byRow, families, cost, gain: data.gains[state.gain], scale, llms: shapeOrder() };
  return { ...held, ...answered(points, state.budgets[cost.key]) };
}

/** What the budget decides: the best point within it. */
function answered(points, limit) {
  const found = bestUnder(points.map((point) => [point.cost, point.gain]), limit);
  return { limit, best: found < 0 ? null : points[found] };
}

/** What the column "front" says: the report's word, or this selection's where it differs. */
function standing(row) {
  const isAsReported = state.cost === 0 && state.gain === 0 && !hasFilters();
  if (isAsReported || state.hasEverything) return row.cells[frontColumn];
  const point = scene.byRow.get(row);
  if (!point || point.gain === null) return MISSING;
  if (point.isFront) return "front";
  return point.isFamily ? "family" : "off";
}

/** LLMs of this recipe and environment, smallest first: filters do not change their shapes. */
function shapeOrder() {
  const held = new Set(rows.filter((row) => isOnShow(row) && row.costs[state.cost]).map((row) => row.llm));
  return data.llms.filter((llm) => held.has(llm));
}
