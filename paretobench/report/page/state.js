// What is chosen, and what follows from it: points, fronts, answers. No drawing.

/** @type {any} */
const data = JSON.parse(byId("data").textContent);
/** @type {Row[]} */
const rows = data.rows.map((/** @type {any[]} */ values, /** @type {number} */ index) => unpackedRow(data, values, index));
const frontColumn = data.columns.findIndex((/** @type {Column} */ column) => column.heading === "front");
const state = {
  recipe: data.recipes.length ? data.recipes[0] : "",
  environment: data.environments.length ? data.environments[0] : "",
  cost: 0,
  gain: 0,
  /** @type {Record<string, Set<any>>} */
  filters: Object.fromEntries(FILTERS.map(({ key }) => [key, new Set()])),
  /** @type {Set<number>} families switched off in the legend */
  hidden: new Set(),
  search: "",
  /** @type {Record<string, number>} what was asked for, by cost */
  budgets: {},
  /** @type {{x: [number, number] | null, y: [number, number] | null}} the part of the axes on show */
  zoom: { x: null, y: null },
  /** @type {number} index of the layer in grey; -1 for none */
  layer: -1,
  sort: { id: "", isDescending: false },
  page: 0,
  /** @type {Row | null} */
  selected: null,
  /** @type {Row | null} */
  shown: null,
  hasEverything: false,
  isPrinting: false,
};
/** @type {any} what is on show, made by `compute` */
// eslint-disable-next-line prefer-const -- `update` in page.js assigns it
let scene = null;
/** @type {Point[]} the points that are drawn */
// eslint-disable-next-line prefer-const -- as above
let drawn = [];

/** @param {Row} row @param {string} [recipe] */
function isOnShow(row, recipe = state.recipe) {
  /** @param {string} own @param {string} chosen */
  const fits = (own, chosen) => own === chosen || own === "";
  return fits(row.recipe, recipe) && fits(row.environment, state.environment);
}

/** @param {Row} row */
function passesFilters(row) {
  return !state.hidden.has(row.family) && passesMenus(row);
}

/** @param {Row} row */
function passesMenus(row) {
  if (state.search && !row.name.toLowerCase().includes(state.search.toLowerCase())) return false;
  return FILTERS.every(({ key }) => !state.filters[key].size || state.filters[key].has(/** @type {any} */ (row)[key]));
}

function hasFilters() {
  return Boolean(state.hidden.size || state.search) || FILTERS.some(({ key }) => state.filters[key].size);
}

/**
 * @param {Row} row
 * @param {Held | null} [held] its cost; by default the one on the axis
 * @returns {Point}
 */
function pointOf(row, held = row.costs[state.cost]) {
  const score = row.scores.get(state.gain);
  const { value: cost, low, high, text } = /** @type {Held} */ (held);
  return {
    row, cost, low, high, text,
    gain: score ? score.value : null, error: score ? score.error : 0, gainText: score ? score.text : "",
    isFront: false, isFamily: false, standing: "no score",
  };
}

/** A row's predicted time, where that is what the axis shows.
 * @param {Row} row */
function guessOf(row) {
  return data.costs[state.cost].key === "ttft" ? row.predicted : null;
}

/** Points that were not measured, for looking at only: no front and no answer has them.
 * @param {boolean} hasAxis whether there is an axis of accuracies; else all are below the plot
 * @returns {Point[]} */
function predictedPoints(hasAxis) {
  const guessed = rows.filter((row) => guessOf(row) && isOnShow(row) && passesFilters(row));
  const points = guessed.map((row) => pointOf(row, guessOf(row)));
  const unscored = hasAxis ? {} : { gain: null, error: 0, gainText: "" };
  return points.map((point) => ({ ...point, ...unscored, standing: "predicted" }));
}

/** Everything the plot and the answers need, from what is chosen. */
function compute() {
  const cost = data.costs[state.cost];
  const timed = rows.filter((row) => row.costs[state.cost] && passesFilters(row));
  const all = timed.filter((row) => isOnShow(row)).map((row) => pointOf(row));
  const points = all.filter((point) => point.gain !== null);
  const guessed = predictedPoints(points.length > 0);
  const rug = [...all, ...guessed].filter((point) => point.gain === null);
  const predicted = guessed.filter((point) => point.gain !== null);
  const families = markFronts(points.filter((point) => !isDisturbed(point.row)));
  const isAsReported = isReportsSelection(points.length);
  for (const point of points) point.standing = standingOf(point, isAsReported);
  const behind = layerPoints();
  const reached = all.flatMap((point) => reach(point, points.length));
  const ends = [...reached, ...guessed.map((point) => point.cost), ...behind.map(([, value]) => value)];
  const [low, high] = logDomain(ends.map((end) => end / cost.perUnit));
  const steps = budgetSteps(low, high, cost.key === "tokens");
  if (!(cost.key in state.budgets)) state.budgets[cost.key] = firstBudget(cost, steps);
  /** @type {Map<string, Point[]>} */
  const byRecipe = new Map([[state.recipe, points]]);
  for (const row of timed) {
    if (row.recipe === state.recipe || !row.recipe || !row.scores.has(state.gain) || !isOnShow(row, row.recipe)) continue;
    const held = byRecipe.get(row.recipe);
    if (held) held.push(pointOf(row));
    else byRecipe.set(row.recipe, [pointOf(row)]);
  }
  const byRow = new Map([...all, ...guessed].map((point) => [point.row, point]));
  return {
    points, predicted, rug, byRow, families, cost, gain: data.gains[state.gain], low, high, steps, llms: shapeOrder(), isAsReported,
    byRecipe, behind, ...answered(byRecipe, state.budgets[cost.key]),
  };
}

/** What the axis must hold of a point: its cost, and the ends of its interval where it is drawn.
 * @param {Point} point @param {number} count */
function reach(point, count) {
  const isDrawn = point.low && point.high && (point.isFront || count <= MOST_LABELS) && point.gain !== null;
  return isDrawn ? [point.cost, Number(point.low), Number(point.high)] : [point.cost];
}

/** @param {Cost} cost @param {number[]} steps */
function firstBudget(cost, steps) {
  if (cost.key === "ttft" && data.budget_s) return data.budget_s;
  return roundNumber(Math.sqrt(steps[0] * steps[steps.length - 1])) * cost.perUnit;
}

/**
 * Whether the points on show are all of a recipe's on the report's own axes: then the report's
 * words on fronts and its probabilities hold; of any other selection only the values are known.
 * @param {number} count points on show
 */
function isReportsSelection(count) {
  const known = probabilitiesOf(state.recipe);
  return state.cost === 0 && state.gain === 0 && Boolean(known) && known.points === count;
}

/**
 * @param {string} recipe
 * @returns {any} the probabilities of that recipe in the environment on show, if there are any
 */
function probabilitiesOf(recipe) {
  return data.probabilities.find((/** @type {Probabilities} */ each) => each.recipe === recipe && each.environment === state.environment);
}

/**
 * The best within the budget under every recipe, and on the recipe on show.
 * @param {Map<string, Point[]>} byRecipe
 * @param {number} limit in the cost's own unit
 */
function answered(byRecipe, limit) {
  const answers = [...byRecipe].map(([recipe, points]) => answerOf(recipe, points, limit)).filter((each) => each !== null);
  const own = answers.find((each) => each.recipe === state.recipe);
  answers.sort((a, b) => Number(b.best.gain) - Number(a.best.gain));
  return { limit, answers, best: own ? own.best : null, rivals: own ? rivalsOf(own, byRecipe.get(state.recipe) || [], limit) : [] };
}

/**
 * The best of one recipe; what was measured on a machine that was never quiet is no answer.
 * @param {string} recipe
 * @param {Point[]} points
 * @param {number} limit
 * @returns {Answer | null}
 */
function answerOf(recipe, points, limit) {
  const quiet = points.filter((point) => !isDisturbed(point.row));
  const [first, second] = bestTwo(quiet.map((point) => [judgedCost(point), Number(point.gain)]), limit);
  if (first < 0) return null;
  const next = second < 0 ? null : quiet[second];
  const probability = probabilityOf(points, limit);
  return { recipe, best: quiet[first], next, probability: probability(quiet[first]), nextProbability: next ? probability(next) : null };
}

/** What an answer goes by: the time in one piece where that contradicts the sum and is longer.
 * @param {Point} point @returns {number} */
function judgedCost(point) {
  return state.cost === 0 && point.row.judged !== null ? point.row.judged : point.cost;
}

/**
 * A function from a point of a recipe to its probability of being the best; null where none is known.
 * @param {Point[]} points all of the recipe's on show
 * @param {number} limit
 * @returns {(point: Point) => number | null}
 */
function probabilityOf(points, limit) {
  const known = points.length ? probabilitiesOf(points[0].row.recipe) : null;
  if (!known || state.cost !== 0 || state.gain !== 0 || known.points !== points.length) return () => null;
  return (point) => probabilityAt(known.steps, known.curves[point.row.index] || [0], limit);
}

/** Points that may be the best as well: a probability of 5 % or more.
 * @param {Answer} answer @param {Point[]} points @param {number} limit */
function rivalsOf(answer, points, limit) {
  const probability = probabilityOf(points, limit);
  return points.filter((point) => point !== answer.best && (probability(point) || 0) >= 5);
}

/**
 * @param {Point} point
 * @param {boolean} isAsReported
 */
function standingOf(point, isAsReported) {
  if (isDisturbed(point.row)) return "unknown";
  if (isAsReported && STANDINGS.includes(point.row.cells[frontColumn])) return point.row.cells[frontColumn];
  if (point.isFront) return "front";
  return point.isFamily ? "family" : "dominated";
}

/** Whether a row was measured on a machine that was never quiet: it is on no front.
 * @param {Row} row */
function isDisturbed(row) {
  return row.cells[frontColumn] === "unknown";
}

/** What the column "front" says: of what is on show, or of each row's own recipe in the whole table.
 * @param {Row} row */
function standing(row) {
  if (state.hasEverything) return row.cells[frontColumn] || MISSING;
  const point = scene.byRow.get(row);
  return point && point.gain !== null && point.standing !== "predicted" ? point.standing : MISSING;
}

/** LLMs of this recipe and environment, smallest first: filters do not change their shapes. */
function shapeOrder() {
  const held = new Set(rows.filter((row) => isOnShow(row) && (row.costs[state.cost] || guessOf(row))).map((row) => row.llm));
  return data.llms.filter((/** @type {string} */ llm) => held.has(llm));
}

/** How many points a recipe has on a pair of axes in the environment on show.
 * @param {string} recipe @param {number} gain */
function pointsOn(recipe, gain) {
  return rows.filter((row) => row.recipe === recipe && isOnShow(row, recipe) && row.costs[state.cost] && row.scores.has(gain)).length;
}
