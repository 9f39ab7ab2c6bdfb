// The page: tells everybody what follows from what is chosen, and listens.

function budgetText() {
  const { cost, limit } = scene;
  return `${rounded(limit / cost.perUnit, cost.key === "tokens")} ${cost.unit || "tokens"}`;
}

/** Why there is no point on the plot, and what would supply one. */
function whyNone() {
  if (!scene.rug.length) return hasFilters() ? "No point matches these filters." : "No point has a time here; the table says why.";
  const reason = scene.rug.map((point) => point.row.reason).find(Boolean);
  const what = `No point on show has a score in ${scene.gain.label}`;
  return reason ? `${what}. ${reason[0].toUpperCase()}${shortened(reason, 300).slice(1)}.` : `${what}.`;
}

function showAnswer() {
  const { best, points, gain } = scene;
  const host = byId("answer");
  if (!best) {
    const cheapest = points.reduce((least, point) => (!least || point.cost < least.cost ? point : least), null);
    host.replaceChildren(cheapest
      ? `Nothing fits into ${budgetText()}; the least is ${cheapest.text}, by ${shortened(cheapest.row.name, 80)}.`
      : whyNone());
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
  const found = compute();
  const height = found.points.length ? Math.round(Math.min(520, Math.max(340, size * 0.62))) : 130;
  scene = { ...found, width: size, height };
  decide();
  scene.focused = held ? held.row : null;
  drawn = drawPlot(byId("plot"), scene);
  hideTip();
  const isSample = scene.drawn < scene.points.length;
  byId("dagger").hidden = !scene.points.some((point) => point.row.label.endsWith("†"));
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
