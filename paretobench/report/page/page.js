// The page: what is chosen, what follows from it, and who is told.

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
  return row;
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

function budgetText() {
  const { cost, limit } = scene;
  return `${rounded(limit / cost.perUnit, cost.key === "tokens")} ${cost.unit || "tokens"}`;
}

function showAnswer() {
  const { best, points, gain } = scene;
  const host = byId("answer");
  if (!best) {
    const cheapest = points.reduce((least, point) => (!least || point.cost < least.cost ? point : least), null);
    host.replaceChildren(cheapest
      ? `Nothing fits into ${budgetText()}; the least is ${cheapest.text}, by ${shortened(cheapest.row.name, 80)}.`
      : "No point of this selection has this score.");
    return;
  }
  host.replaceChildren(
    `Best within ${budgetText()}: `,
    make("strong", {}, isolated(shortened(best.row.name, 80))),
    `, ${gain.label} ${best.gainText} % at ${best.text}.`,
  );
}

function verdict(row) {
  const point = scene.byRow.get(row);
  if (!point) return row.reason ? `Not on the plot: ${row.reason}` : "Not on the plot with this selection.";
  if (point.gain === null) return row.reason || "No score on this axis.";
  const where = standingOf(point);
  return `${where[0].toUpperCase()}${where.slice(1)} of what is on show: ${scene.gain.label} ${point.gainText} %.`;
}

function update() {
  const size = byId("plot").parentElement.clientWidth || 720;
  const held = drawn.find((point) => point.element === document.activeElement);
  scene = { ...compute(), width: size, height: Math.round(Math.min(520, Math.max(340, size * 0.62))) };
  decide();
  scene.focused = held ? held.row : null;
  drawn = drawPlot(byId("plot"), scene);
  hideTip();
  const isSample = scene.drawn < scene.points.length;
  byId("sample").textContent = isSample ? `Of ${scene.points.length} points the front and an even sample, ${scene.drawn}, are drawn; all are in the table.` : "";
  const again = held && drawn.find((point) => point.row === held.row);
  if (again) again.element.focus();
  showLegend();
  showFilters(byId("filters"), rows.filter(isOnShow), state, data.llms, onFilter);
  byId("clear").hidden = !hasFilters();
  byId("unselect").hidden = !state.selected;
  tell();
  updateTable();
}

/** Which row's story is told: the one chosen, else the best within the budget. */
function decide() {
  state.shown = state.selected || (scene.best && scene.best.row);
  scene.selected = state.shown;
}

function tell() {
  showBudget(scene.scale, scene.cost, scene.limit);
  showAnswer();
  showStory(byId("story-body"), state.shown, {
    eyebrow: state.selected ? "Chosen point" : `Best within ${budgetText()}`,
    verdict: state.shown ? verdict(state.shown) : "", costs: data.costs, gains: data.gains,
  });
}

/** While the budget moves, only what it decides is drawn again: quick with any number of points. */
function updateBudget() {
  Object.assign(scene, answered(scene.points, state.budgets[scene.cost.key]));
  decide();
  redrawBudget(byId("plot"), scene);
  tell();
  for (const row of byId("body").rows) {
    const isShown = state.shown && row.querySelector("[data-row]").dataset.row === String(state.shown.index);
    if (isShown) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/** The table's rows in order, and its columns without those that say nothing. */
function tableNow() {
  const chosen = rows.filter((row) => (state.hasEverything || isOnShow(row)) && passesFilters(row));
  const columns = columnsOnShow(data, state).filter((column) => !chosen.length || chosen.some((row) => column.text(row) !== ""));
  return { columns, listed: sortedRows(chosen, columns, state.sort) };
}

function updateTable() {
  const { columns, listed } = tableNow();
  state.page = Math.max(0, Math.min(state.page, Math.ceil(listed.length / PAGE_ROWS) - 1));
  const what = state.hasEverything ? "every recipe and environment" : [state.recipe && `recipe ${shortened(state.recipe, 40)}`, shortened(state.environment, 60)].filter(Boolean).join(", ");
  showTable({ rows: listed, columns, state, standing, onSort, caption: `All points on show${what ? `: ${what}` : ""}` });
}

function showLegend() {
  const families = [...new Set([...scene.points, ...scene.rug].map((point) => point.row.family))].sort((a, b) => a - b);
  const llms = data.llms.filter((llm) => [...scene.points, ...scene.rug].some((point) => point.row.llm === llm));
  const icon = (...children) => draw("svg", { viewBox: "-9 -9 18 18", class: "icon", "aria-hidden": "true" }, ...children);
  const entry = (kind, text, ...children) => make("li", { class: kind }, icon(...children), isolated(shortened(text, 40)));
  const circle = (kind) => draw("path", { d: SHAPES[0], class: `mark-shape ${kind}` });
  byId("legend").replaceChildren(
    ...families.map((family) => entry(`family-${family}`, data.families[family].name, draw("line", { x1: -9, x2: 9, y1: 0, y2: 0, class: `family dash-${family % 6}` }))),
    ...llms.slice(0, 12).map((llm) => entry("", llm, draw("path", { d: shapeOf(scene, { llm }), class: "mark-shape is-front" }))),
    entry("", "front", circle("is-front")), entry("", "family's front", circle("is-family")), entry("", "dominated", circle("is-dominated")),
    ...(scene.rug.length ? [entry("", "time without a score", draw("path", { d: "M0,-7V7", class: "mark-shape is-dominated" }))] : []),
  );
}

function onSort(column) {
  const isSame = state.sort.id === column.id;
  state.sort = { id: column.id, isDescending: isSame ? !state.sort.isDescending : column.heading.endsWith(" %") };
  state.page = 0;
  updateTable();
  const again = [...byId("head").querySelectorAll("button")].find((each) => each.dataset.column === column.heading);
  if (again) again.focus();
  say(`Sorted by ${column.heading}, ${state.sort.isDescending ? "descending" : "ascending"}.`);
}

function onFilter(key, value, isChosen) {
  if (isChosen) state.filters[key].add(value);
  else state.filters[key].delete(value);
  state.page = 0;
  update();
  say(`${scene.points.length} points on the plot.`);
}

function choose(row, isByKeyboard) {
  state.selected = row;
  update();
  say(`Chosen: ${row.name}`);
  const title = byId("story-title");
  if (isByKeyboard) title.focus();
  else byId("story").scrollIntoView({ block: "nearest", behavior: "auto" });
}

function hideTip() {
  byId("tip").hidden = true;
}

function showTip(point) {
  const tip = byId("tip");
  const plot = byId("plot").getBoundingClientRect();
  const ratio = plot.width / scene.width || 1;
  const gain = point.gain === null ? point.row.reason || "no score" : `${scene.gain.label} ${point.gainText} %`;
  tip.replaceChildren(make("strong", {}, isolated(shortened(point.row.name, 80))), make("br"), point.text, make("br"), shortened(gain, 120));
  tip.hidden = false;
  const half = tip.offsetWidth / 2;
  const x = Math.max(half, Math.min(plot.width - half, point.x * ratio));
  const isHigh = point.y * ratio < tip.offsetHeight + 20;
  tip.style.left = `${x - half}px`;
  tip.style.top = `${point.y * ratio + (isHigh ? 16 : -16 - tip.offsetHeight)}px`;
}

function connectPlot() {
  const svg = byId("plot");
  const pointAt = (event) => {
    const bounds = svg.getBoundingClientRect();
    const ratio = scene.width / bounds.width;
    return nearest(drawn, (event.clientX - bounds.left) * ratio, (event.clientY - bounds.top) * ratio, 26);
  };
  svg.addEventListener("pointermove", (event) => {
    const point = pointAt(event);
    svg.classList.toggle("is-pointing", Boolean(point));
    if (point) showTip(point);
    else hideTip();
  });
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("click", (event) => {
    const point = pointAt(event);
    if (point) choose(point.row, false);
  });
  svg.addEventListener("focusin", (event) => {
    const point = drawn.find((each) => each.element === event.target);
    if (point && point.element.matches(":focus-visible")) showTip(point);
  });
  svg.addEventListener("focusout", hideTip);
  svg.addEventListener("keydown", onPlotKey);
}

function onPlotKey(event) {
  const order = [...drawn].sort((a, b) => a.cost - b.cost || a.gain - b.gain);
  const at = order.findIndex((point) => point.element === event.target);
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(order[at].row, true);
    return;
  }
  const moves = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: order.length - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const next = order[Math.max(0, Math.min(order.length - 1, moves[event.key]))];
  order[at].element.setAttribute("tabindex", "-1");
  next.element.setAttribute("tabindex", "0");
  next.element.focus();
}

/** From the story back to the point it belongs to, in the plot or else in the table. */
function leaveStory() {
  const row = state.shown;
  const point = drawn.find((each) => each.row === row);
  const back = point ? point.element : document.querySelector(`#body button[data-row="${row.index}"]`);
  if (back) back.focus();
}

function connectChoices() {
  const recipeText = (recipe) => {
    const count = rows.filter((row) => row.recipe === recipe && row.costs[0] && row.scores.has(0)).length;
    return `${recipe || "no recipe"} (${count === 1 ? "1 point" : `${count} points`})`;
  };
  setChoices(byId("recipe"), data.recipes.map((recipe, value) => ({ value, text: recipeText(recipe) })), 0);
  setChoices(byId("environment"), data.environments.map((text, value) => ({ value, text })), 0);
  setChoices(byId("cost"), data.costs.map((cost, value) => ({ value, text: cost.label })), 0);
  setChoices(byId("gain"), data.gains.map((gain, value) => ({ value, text: gain.label })), 0);
  const connect = (id, apply) => byId(id).addEventListener("change", (event) => {
    apply(Number(event.target.value));
    state.page = 0;
    state.selected = null;
    update();
  });
  const forget = () => FILTERS.forEach(({ key }) => state.filters[key].clear());
  connect("recipe", (value) => { state.recipe = data.recipes[value]; forget(); });
  connect("environment", (value) => { state.environment = data.environments[value]; forget(); });
  connect("cost", (value) => { state.cost = value; });
  connect("gain", (value) => { state.gain = value; });
  byId("clear").addEventListener("click", () => { forget(); update(); byId("filters").querySelector("summary").focus(); });
}

function connectBudget() {
  byId("budget").addEventListener("input", (event) => {
    const { cost, scale } = scene;
    state.budgets[cost.key] = rounded(scale.value(event.target.value / 1000), cost.key === "tokens") * cost.perUnit;
    updateBudget();
  });
  byId("budget").addEventListener("change", update);
  byId("budget-value").addEventListener("change", (event) => {
    const value = Number(event.target.value);
    if (value > 0) state.budgets[scene.cost.key] = value * scene.cost.perUnit;
    update();
  });
}

function connectTable() {
  byId("previous").addEventListener("click", () => { state.page -= 1; updateTable(); });
  byId("next").addEventListener("click", () => { state.page += 1; updateTable(); });
  byId("everything").addEventListener("change", (event) => { state.hasEverything = event.target.checked; state.page = 0; updateTable(); });
  const kinds = [["recipe", data.recipes], ["environment", data.environments]].filter(([, found]) => found.length > 1);
  byId("everything").closest("label").hidden = !kinds.length;
  byId("everything-text").textContent = `every ${kinds.map(([kind]) => kind).join(" and ")}`;
  byId("body").addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (button) choose(rows[Number(button.dataset.row)], event.detail === 0);
  });
  const what = (listed, how) => `${listed.length === 1 ? "1 row" : `${listed.length} rows`} as ${how}`;
  byId("copy-markdown").addEventListener("click", () => {
    const { columns, listed } = tableNow();
    copy(asMarkdown(listed, columns, standing), what(listed, "Markdown"));
  });
  byId("copy-csv").addEventListener("click", () => {
    const { listed } = tableNow();
    copy(asCsv(listed, data, state), what(listed, "CSV"));
  });
}

function connectTheme() {
  const button = byId("theme");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; show(); });
  system.addEventListener("change", show);
  show();
}

function connectStory() {
  byId("unselect").addEventListener("click", () => { state.selected = null; update(); });
  byId("story").addEventListener("keydown", (event) => { if (event.key === "Escape" && state.shown) leaveStory(); });
}

function connectPrinting() {
  const print = (isPrinting) => () => { state.isPrinting = isPrinting; updateTable(); };
  addEventListener("beforeprint", print(true));
  addEventListener("afterprint", print(false));
}

connectChoices();
connectBudget();
connectTable();
connectTheme();
connectStory();
connectPrinting();
closeFiltersWhenLeft(byId("filters"));
connectPlot();
update();
new ResizeObserver(() => { if (byId("plot").parentElement.clientWidth !== scene.width) update(); }).observe(byId("plot").parentElement);
// For scripts and tests: what the page computes with, and what it shows.
globalThis.paretobench = { nonDominated, bestUnder, onShow: () => scene };
