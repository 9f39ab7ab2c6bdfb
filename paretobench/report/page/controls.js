// The controls: choices, filters, the budget. Each passes on what changed and nothing more.

/** @type {{key: string, label: string}[]} */
const FILTERS = [
  { key: "encoder", label: "Encoder" },
  { key: "llm", label: "LLM" },
  { key: "px", label: "Resolution" },
  { key: "tiling", label: "Tiling" },
  { key: "source", label: "Source" },
];

/**
 * Fills a select: first what has points on these axes, then apart from it what has none.
 * @param {any} select
 * @param {{value: number, text: string, group?: string}[]} options
 * @param {number} chosen
 */
function setChoices(select, options, chosen) {
  /** @param {{value: number, text: string}} option */
  const made = ({ value, text }) => {
    const option = make("option", { value }, shortened(text, 60));
    option.selected = value === chosen;
    return option;
  };
  const groups = [...new Set(options.map((option) => option.group).filter(Boolean))];
  select.replaceChildren(
    ...options.filter((option) => !option.group).map(made),
    ...groups.map((group) => make("optgroup", { label: group }, ...options.filter((option) => option.group === group).map(made))));
  select.closest("label").hidden = options.length < 2;
}

/** The choices as they stand, each with the number of points it would show. */
function showChoices() {
  /** @param {string} recipe */
  const ofRecipe = (recipe) => pointsOn(recipe, state.gain);
  setChoices(byId("recipe"), data.recipes.map((/** @type {string} */ recipe, /** @type {number} */ value) => {
    const count = ofRecipe(recipe);
    return { value, text: `${recipe || "no recipe"} (${counted(count, "point")})`, group: count ? "" : "without a point on these axes" };
  }), data.recipes.indexOf(state.recipe));
  setChoices(byId("environment"), data.environments.map((/** @type {string} */ text, /** @type {number} */ value) => ({ value, text })), data.environments.indexOf(state.environment));
  setChoices(byId("cost"), data.costs.map((/** @type {Cost} */ cost, /** @type {number} */ value) => ({ value, text: cost.label })), state.cost);
  setChoices(byId("gain"), data.gains.map((/** @type {Gain} */ gain, /** @type {number} */ value) => {
    const count = pointsOn(state.recipe, value);
    return { value, text: `${gain.label} (${counted(count, "point")})`, group: count ? "" : "scored under other recipes" };
  }), state.gain);
  const layers = [{ value: -1, text: "none" }, ...data.layers.map((/** @type {any} */ layer, /** @type {number} */ value) => ({ value, text: layer.label }))];
  setChoices(byId("layer"), layers, state.layer);
  byId("search").value = state.search;
  byId("everything").checked = state.hasEverything;
}

/** The distinct values of a filter among rows, in their natural order.
 * @param {Row[]} some @param {string} key @param {string[]} llms @returns {any[]} */
function filterValues(some, key, llms) {
  const values = [...new Set(some.map((row) => /** @type {any} */ (row)[key]))];
  if (key === "px") return values.sort((a, b) => a - b);
  if (key === "llm") return values.sort((a, b) => llms.indexOf(a) - llms.indexOf(b));
  return values.sort(collator.compare);
}

/** @param {Set<any>} chosen @param {any[]} values */
function filterText(chosen, values) {
  if (!chosen.size) return "all";
  return chosen.size === 1 ? shortened(String([...chosen][0]), 18) : `${chosen.size} of ${values.length}`;
}

/** One filter as a button that opens a list of boxes; none ticked means all.
 * @param {{key: string, label: string}} filter @param {any[]} values @param {Set<any>} chosen */
function filterMenu({ key, label }, values, chosen) {
  const boxes = values.map((value) => {
    const input = make("input", { type: "checkbox", value });
    input.checked = chosen.has(value);
    input.addEventListener("change", () => onFilter(key, value, input.checked));
    return make("label", {}, input, isolated(String(value)));
  });
  return make("details", { class: "filter", "data-filter": key },
    make("summary", { class: chosen.size ? "is-active" : null }, label, " ", make("span", { class: "muted" }, filterText(chosen, values))),
    make("fieldset", {}, make("legend", { class: "hidden" }, `${label}; none ticked means all`), ...boxes));
}

/** Builds the filters again, keeping open the one that is being used and its focus. */
function showFilters() {
  const host = byId("filters");
  const mine = rows.filter((row) => isOnShow(row));
  const open = host.querySelector("details[open]");
  const key = open ? open.dataset.filter : "";
  const scroll = open ? open.querySelector("fieldset").scrollTop : 0;
  const focused = host.contains(document.activeElement) ? /** @type {any} */ (document.activeElement).value : undefined;
  const menus = FILTERS.map((filter) => /** @type {const} */ ([filter, filterValues(mine, filter.key, data.llms)]))
    .filter(([filter, values]) => values.length > 1 || state.filters[filter.key].size)
    .map(([filter, values]) => filterMenu(filter, values, state.filters[filter.key]));
  host.replaceChildren(...menus);
  byId("clear").hidden = !hasFilters();
  const again = menus.find((menu) => menu.dataset.filter === key);
  if (!again) return;
  again.open = true;
  const list = again.querySelector("fieldset");
  if (list) list.scrollTop = scroll;
  [...again.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
}

/** Only one filter is open at a time; Escape and a click elsewhere close it.
 * @param {HTMLElement} host */
function closeFiltersWhenLeft(host) {
  /** @param {Element | null} except */
  const close = (except) => host.querySelectorAll("details[open]").forEach((each) => {
    if (each !== except) /** @type {HTMLDetailsElement} */ (each).open = false;
  });
  document.addEventListener("click", (event) => close(/** @type {Element} */ (event.target).closest?.("details.filter") ?? null));
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" ? /** @type {HTMLDetailsElement | null} */ (host.querySelector("details[open]")) : null;
    if (!open) return;
    open.open = false;
    open.querySelector("summary")?.focus();
  });
}

/** The slider, whose places are round budgets, and the number beside it. */
function showBudget() {
  const { cost, steps, limit } = scene;
  const value = Number((limit / cost.perUnit).toPrecision(6));
  const slider = byId("budget");
  slider.max = String(steps.length - 1);
  slider.value = String(nearestStep(steps, value));
  slider.setAttribute("aria-valuetext", `${plainNumber(value)} ${cost.unit || "tokens"}`);
  const exact = byId("budget-value");
  if (document.activeElement !== exact) exact.value = plainNumber(value);
  byId("budget-unit").textContent = cost.unit || "tokens";
}

function connectBudget() {
  /** @param {number} value in the cost's unit */
  const ask = (value) => {
    state.budgets[scene.cost.key] = value * scene.cost.perUnit;
    hasOwnBudget = true;
  };
  byId("budget").addEventListener("input", (/** @type {any} */ event) => {
    ask(scene.steps[Number(event.target.value)]);
    updateBudget();
  });
  byId("budget").addEventListener("change", update);
  byId("budget-value").addEventListener("change", (/** @type {any} */ event) => {
    const value = Number(event.target.value);
    if (value > 0 && Number.isFinite(value)) ask(value);
    else {
      say(`A budget is a number above 0; ${budgetText()} stays.`);
      event.target.value = plainNumber(scene.limit / scene.cost.perUnit);
    }
    update();
  });
}
