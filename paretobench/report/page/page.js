// The page: draws what follows from what is chosen, and passes on what people do.

function update() {
  const size = byId("plot").parentElement.clientWidth || 720;
  const held = drawn.find((point) => point.element === document.activeElement);
  const found = compute();
  scene = { ...found, width: size, height: plotHeight(size, found.points.length) };
  decide();
  scene.focused = held ? held.row : null;
  drawn = drawPlot(byId("plot"), scene);
  hideTip();
  showCaption();
  const again = held && drawn.find((point) => point.row === held.row);
  if (again) /** @type {any} */ (again.element).focus();
  showLegend();
  showFilters();
  byId("unselect").hidden = !state.selected;
  byId("zoom-whole").hidden = !state.zoom.x && !state.zoom.y;
  showDecided();
  updateTable();
  writeAddress();
}

/** As high as the first screen has room for, so that the axis is seen without scrolling.
 * @param {number} width @param {number} count */
function plotHeight(width, count) {
  if (!count) return 130;
  const room = innerWidth > 900 ? innerHeight - (isEmbedded ? 110 : 330) : width * 0.9;
  return Math.round(Math.min(560, Math.max(320, Math.min(width * 0.68, room))));
}

function showCaption() {
  const isSample = scene.drawn < scene.points.length;
  const all = [...scene.points, ...scene.predicted, ...scene.rug];
  byId("dagger").hidden = !all.some((point) => point.row.label.endsWith("†"));
  byId("bars").textContent = barsText(all);
  byId("by-values").hidden = scene.isAsReported || !scene.points.length || !data.probabilities.length;
  byId("sample").textContent = isSample ? `Of ${scene.points.length} points the front and an even sample, ${scene.drawn}, are drawn; all are in the table.` : "";
}

/** What the bars mean, and of how many points no error is known.
 * @param {Point[]} all */
function barsText(all) {
  const some = all.filter(isBare).length;
  const drawn = some === all.length ? "no bar" : "a pale mark and no bar";
  const bare = some ? ` Of ${some === all.length ? "all points" : counted(some, "point")} the time's interval is not known: ${drawn}.` : "";
  const hasGuess = all.some((point) => point.standing === "predicted");
  const guess = hasGuess ? " Dashed marks were not measured: their times are predicted (dashed bars: 90 % intervals), and they are on no front." : "";
  return `Bars and ± are 95 % intervals.${bare}${guess}`;
}

/** Which row is told of: the one chosen, else the best within the budget. */
function decide() {
  state.shown = state.selected || (scene.best && scene.best.row);
  scene.selected = state.shown;
}

function showDecided() {
  showBudget();
  showAnswer();
  showStory(byId("story-body"), state.shown, {
    eyebrow: state.selected ? "Chosen point" : `Best within ${budgetText()}`,
    verdict: state.shown ? verdict(state.shown) : [],
  });
}

/** While the budget moves, only what it decides is drawn again: quick with any number of points. */
function updateBudget() {
  Object.assign(scene, answered(scene.byRecipe, state.budgets[scene.cost.key]));
  decide();
  redrawBudget(byId("plot"), scene);
  showDecided();
  for (const row of byId("body").rows) {
    const isShown = state.shown && row.querySelector("[data-row]").dataset.row === String(state.shown.index);
    if (isShown) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

/** The table's rows in order, and its columns without those that say nothing. */
function tableNow() {
  const chosen = rows.filter((row) => (state.hasEverything || isOnShow(row)) && passesFilters(row));
  const columns = columnsOnShow().filter((column) => !chosen.length || chosen.some((row) => column.text(row) !== ""));
  return { columns, listed: sortedRows(chosen, columns, state.sort) };
}

function updateTable() {
  const { columns, listed } = tableNow();
  state.page = Math.max(0, Math.min(state.page, Math.ceil(listed.length / PAGE_ROWS) - 1));
  const what = state.hasEverything ? "every recipe and environment" : [state.recipe && `recipe ${shortened(state.recipe, 40)}`, shortened(state.environment, 60)].filter(Boolean).join(", ");
  showTable({ rows: listed, columns, onSort, caption: `All points on show${what ? `: ${what}` : ""}` });
}

/** @param {any} column */
function onSort(column) {
  const isSame = state.sort.id === column.id;
  state.sort = { id: column.id, isDescending: isSame ? !state.sort.isDescending : column.heading.endsWith(" %") };
  state.page = 0;
  updateTable();
  writeAddress();
  [...byId("head").querySelectorAll("button")].find((each) => each.dataset.column === column.heading)?.focus();
  say(`Sorted by ${column.heading}, ${state.sort.isDescending ? "descending" : "ascending"}.`);
}

/** @param {string} key @param {any} value @param {boolean} isChosen */
function onFilter(key, value, isChosen) {
  if (isChosen) state.filters[key].add(value);
  else state.filters[key].delete(value);
  state.page = 0;
  update();
  say(`${counted(scene.points.length, "point")} on the plot.`);
}

/** @param {Row} row @param {boolean} isByKeyboard */
function choose(row, isByKeyboard) {
  state.selected = row;
  update();
  say(`Chosen: ${row.name}`);
  if (isByKeyboard) byId("story-title").focus();
}

/** From the story back to the point it belongs to, in the plot or else in the table. */
function leaveStory() {
  const row = state.shown;
  const point = drawn.find((each) => each.row === row);
  const back = point ? point.element : document.querySelector(`#body button[data-row="${row?.index}"]`);
  if (back) /** @type {HTMLElement} */ (back).focus();
}

function forget() {
  FILTERS.forEach(({ key }) => state.filters[key].clear());
  state.hidden.clear();
  state.search = "";
  state.zoom = { x: null, y: null };
  state.page = 0;
}

/** Shows another recipe, and with it a row of its own.
 * @param {string} recipe @param {Row | null} [row] */
function showRecipe(recipe, row = null) {
  if (recipe !== state.recipe) forget();
  state.recipe = recipe;
  state.selected = row;
  showChoices();
  update();
  say(`Recipe ${recipe}: ${counted(scene.points.length, "point")} on the plot.`);
  byId("recipe").focus();
}

/** @param {string} environment @param {Row | null} [row] */
function showEnvironment(environment, row = null) {
  forget();
  state.environment = environment;
  if (row && row.recipe) state.recipe = row.recipe;
  state.selected = row;
  showChoices();
  update();
  byId("environment").focus();
}

function connectChoices() {
  /** @param {string} id @param {(value: number) => void} apply */
  const connect = (id, apply) => byId(id).addEventListener("change", (/** @type {any} */ event) => {
    apply(Number(event.target.value));
    state.zoom = { x: null, y: null };
    [state.page, state.selected] = [0, null];
    showChoices();
    update();
  });
  connect("recipe", (value) => { forget(); state.recipe = data.recipes[value]; });
  connect("environment", (value) => { forget(); state.environment = data.environments[value]; });
  connect("cost", (value) => { state.cost = value; hasOwnBudget = data.costs[value].key in state.budgets; });
  connect("gain", (value) => { state.gain = value; });
  byId("layer").addEventListener("change", (/** @type {any} */ event) => { state.layer = Number(event.target.value); update(); });
  byId("search").addEventListener("input", (/** @type {any} */ event) => { [state.search, state.page] = [event.target.value, 0]; update(); });
  byId("clear").addEventListener("click", () => { forget(); showChoices(); update(); byId("search").focus(); });
  byId("more-answers").addEventListener("click", () => {
    byId("answers").dataset.all = byId("answers").dataset.all === "true" ? "" : "true";
    showAnswers();
  });
}

function connectTable() {
  byId("previous").addEventListener("click", () => { state.page -= 1; updateTable(); });
  byId("next").addEventListener("click", () => { state.page += 1; updateTable(); });
  byId("everything").addEventListener("change", (/** @type {any} */ event) => {
    [state.hasEverything, state.page] = [event.target.checked, 0];
    updateTable();
    writeAddress();
  });
  const kinds = [["recipe", data.recipes], ["environment", data.environments]].filter(([, found]) => found.length > 1);
  byId("everything").closest("label").hidden = !kinds.length;
  byId("everything-text").textContent = `every ${kinds.map(([kind]) => kind).join(" and ")}`;
  byId("body").addEventListener("click", (/** @type {any} */ event) => {
    const button = event.target.closest("button[data-row]");
    if (button) choose(rows[Number(button.dataset.row)], event.detail === 0);
  });
  byId("copy-markdown").addEventListener("click", () => {
    const { columns, listed } = tableNow();
    copy(asMarkdown(listed, columns), `${counted(listed.length, "row")} as Markdown`);
  });
  byId("copy-csv").addEventListener("click", () => {
    const { listed } = tableNow();
    copy(asCsv(listed), `${counted(listed.length, "row")} as CSV`);
  });
}

function connectTheme() {
  const button = byId("theme");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; show(); writeAddress(); });
  system.addEventListener("change", show);
  addEventListener("hashchange", show);
  show();
}

function connectStory() {
  byId("unselect").addEventListener("click", () => { leaveStory(); state.selected = null; update(); });
  byId("story").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape" && state.shown) leaveStory(); });
}

function connectPrinting() {
  /** @param {boolean} isPrinting */
  const print = (isPrinting) => () => { state.isPrinting = isPrinting; updateTable(); };
  addEventListener("beforeprint", print(true));
  addEventListener("afterprint", print(false));
}

document.documentElement.classList.add("has-script");
connectChoices();
connectBudget();
connectTable();
connectStory();
connectPrinting();
closeFiltersWhenLeft(byId("filters"));
connectZoom();
connectPlot();
connectSaving();
restore();
connectTheme();
addEventListener("hashchange", restore);
new ResizeObserver(() => { if (byId("plot").parentElement.clientWidth !== scene.width) update(); }).observe(byId("plot").parentElement);
// For scripts and tests: what the page computes with, and what it shows.
/** @type {any} */ (globalThis).paretobench = { nonDominated, bestTwo, budgetSteps, commandsOf, linkText, figureText, onShow: () => scene, rows };
