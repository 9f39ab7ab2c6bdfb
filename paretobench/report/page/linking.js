// The page's state to and from its address, so that a link or a reload restores the view.

/** The state as an address: only what differs from the first state.
 * @returns {Address} */
function addressNow() {
  const cost = data.costs[state.cost];
  /** @type {Address} */
  const address = {
    recipe: state.recipe === data.recipes[0] ? "" : state.recipe,
    environment: state.environment === data.environments[0] ? "" : state.environment,
    cost: state.cost ? cost.key : "",
    accuracy: state.gain ? data.gains[state.gain].key : "",
    budget: hasOwnBudget ? String(Number((state.budgets[cost.key] / cost.perUnit).toPrecision(6))) : "",
    point: state.selected ? identityOf(state.selected) + (state.selected.recipe === state.recipe ? "" : `|${state.selected.recipe}`) : "",
    sort: state.sort.id ? `${state.sort.isDescending ? "-" : ""}${columnsOnShow().find((each) => each.id === state.sort.id)?.heading ?? ""}` : "",
    search: state.search,
    layer: state.layer >= 0 ? data.layers[state.layer].label : "",
    theme: document.documentElement.dataset.theme || "",
    x: rangeText(state.zoom.x),
    y: rangeText(state.zoom.y),
    rows: state.hasEverything ? "all" : "",
    embed: isEmbedded ? "1" : "",
    hide: [...state.hidden].map((family) => data.families[family].name),
  };
  for (const { key } of FILTERS) address[key] = [...state.filters[key]];
  return address;
}

let hasOwnBudget = false;
let isEmbedded = false;
let isRestoring = false;

/** Writes the state into the address without a new entry in the history. */
function writeAddress() {
  if (isRestoring || !scene) return;
  const text = addressText(addressNow());
  if (text === location.hash || (!text && !location.hash)) return;
  history.replaceState(null, "", text || location.href.replace(/#.*$/, ""));
}

/** Takes the state from the address; what this report does not have is said, not guessed. */
function restore() {
  const address = readAddress(location.hash);
  /** @type {string[]} */
  const unknown = [];
  /** @param {string} key @param {string[]} known @returns {number} */
  const place = (key, known) => {
    const at = address[key] === undefined ? 0 : known.indexOf(address[key]);
    if (at < 0) unknown.push(`${key} ${address[key]}`);
    return Math.max(at, 0);
  };
  isRestoring = true;
  state.recipe = data.recipes[place("recipe", data.recipes)] || "";
  state.environment = data.environments[place("environment", data.environments)] || "";
  state.cost = place("cost", data.costs.map((/** @type {Cost} */ each) => each.key));
  state.gain = place("accuracy", data.gains.map((/** @type {Gain} */ each) => each.key));
  restoreNarrowing(address);
  const budget = Number(address.budget);
  hasOwnBudget = budget > 0;
  state.budgets = hasOwnBudget ? { [data.costs[state.cost].key]: budget * data.costs[state.cost].perUnit } : {};
  state.zoom = { x: readRange(address.x), y: readRange(address.y) };
  state.layer = data.layers.findIndex((/** @type {any} */ each) => each.label === address.layer);
  state.hasEverything = address.rows === "all";
  restoreSort(address.sort);
  restorePoint(address.point, unknown);
  isEmbedded = address.embed === "1";
  document.documentElement.classList.toggle("is-embedded", isEmbedded);
  if (["light", "dark"].includes(address.theme)) document.documentElement.dataset.theme = address.theme;
  else delete document.documentElement.dataset.theme;
  showChoices();
  update();
  isRestoring = false;
  if (unknown.length) say(`This report has no ${unknown.join(", no ")}; the link was made from another one.`);
}

/** @param {Address} address */
function restoreNarrowing(address) {
  for (const { key } of FILTERS) {
    const known = new Map(rows.map((row) => [String(/** @type {any} */ (row)[key]), /** @type {any} */ (row)[key]]));
    state.filters[key] = new Set((address[key] || []).filter((/** @type {string} */ text) => known.has(text)).map((/** @type {string} */ text) => known.get(text)));
  }
  state.search = address.search || "";
  const names = data.families.map((/** @type {any} */ family) => family.name);
  state.hidden = new Set((address.hide || []).map((/** @type {string} */ name) => names.indexOf(name)).filter((/** @type {number} */ at) => at >= 0));
}

/** @param {string | undefined} text a heading, after a minus if descending */
function restoreSort(text) {
  const isDescending = Boolean(text && text.startsWith("-"));
  const heading = (text || "").replace(/^-/, "");
  const column = columnsOnShow().find((each) => each.heading === heading);
  state.sort = { id: column ? column.id : "", isDescending };
}

/** @param {string | undefined} text @param {string[]} unknown */
function restorePoint(text, unknown) {
  state.selected = null;
  if (!text) return;
  const [encoder, px, llm, tiling, recipe = state.recipe] = text.split("|");
  const wanted = [encoder, px, llm, tiling].join("|");
  const found = rows.filter((row) => identityOf(row) === wanted && isOnShow(row, recipe));
  state.selected = found[0] || null;
  if (!found.length) unknown.push(`point ${text}`);
}
