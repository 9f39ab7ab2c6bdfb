// The controls: choices, filters, the budget. Each tells the page what changed, nothing more.

const FILTERS = [
  { key: "encoder", label: "Encoder" },
  { key: "llm", label: "LLM" },
  { key: "px", label: "Resolution" },
  { key: "tiling", label: "Tiling" },
  { key: "source", label: "Source" },
];

function setChoices(select, options, chosen) {
  select.replaceChildren(...options.map(({ value, text }) => {
    const option = make("option", { value }, shortened(text, 60));
    option.selected = String(value) === String(chosen);
    return option;
  }));
  select.closest("label").hidden = options.length < 2;
}

/** The distinct values of a filter among rows, in their natural order. */
function filterValues(rows, key, llms) {
  const values = [...new Set(rows.map((row) => row[key]))];
  if (key === "px") return values.sort((a, b) => a - b);
  if (key === "llm") return values.sort((a, b) => llms.indexOf(a) - llms.indexOf(b));
  return values.sort(collator.compare);
}

function filterText(chosen, values) {
  if (!chosen.size) return "all";
  return chosen.size === 1 ? shortened(String([...chosen][0]), 18) : `${chosen.size} of ${values.length}`;
}

/** One filter as a button that opens a list of boxes; none ticked means all. */
function filterMenu({ key, label }, values, chosen, onChange) {
  const boxes = values.map((value) => {
    const input = make("input", { type: "checkbox", value });
    input.checked = chosen.has(value);
    input.addEventListener("change", () => onChange(key, value, input.checked));
    return make("label", {}, input, isolated(String(value)));
  });
  return make("details", { class: "filter", "data-filter": key },
    make("summary", { class: chosen.size ? "is-active" : null }, label, " ", make("span", { class: "muted" }, filterText(chosen, values))),
    make("fieldset", {}, make("legend", { class: "hidden" }, `${label}; none ticked means all`), ...boxes));
}

/** Builds the filters again, keeping open the one that is being used and its focus. */
function showFilters(host, rows, state, llms, onChange) {
  const open = host.querySelector("details[open]");
  const key = open ? open.dataset.filter : "";
  const scroll = open ? open.querySelector("fieldset").scrollTop : 0;
  const focused = host.contains(document.activeElement) ? document.activeElement.value : undefined;
  const menus = FILTERS.map((filter) => [filter, filterValues(rows, filter.key, llms)])
    .filter(([filter, values]) => values.length > 1 || state.filters[filter.key].size)
    .map(([filter, values]) => filterMenu(filter, values, state.filters[filter.key], onChange));
  host.replaceChildren(...menus);
  const again = menus.find((menu) => menu.dataset.filter === key);
  if (!again) return;
  again.open = true;
  again.querySelector("fieldset").scrollTop = scroll;
  const box = [...again.querySelectorAll("input")].find((input) => input.value === focused);
  if (box) box.focus();
}

/** Only one filter is open at a time; Escape and a click elsewhere close it. */
function closeFiltersWhenLeft(host) {
  const close = (except) => host.querySelectorAll("details[open]").forEach((each) => {
    if (each !== except) each.open = false;
  });
  document.addEventListener("click", (event) => close(event.target.closest && event.target.closest("details.filter")));
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && host.querySelector("details[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}

/** The slider and the number beside it, over the span of a log axis. */
function showBudget(scale, cost, limit) {
  const value = rounded(limit / cost.perUnit, cost.key === "tokens");
  const slider = byId("budget");
  slider.value = String(Math.round(1000 * Math.min(1, Math.max(0, scale.share(value)))));
  slider.setAttribute("aria-valuetext", `${value} ${cost.unit}`.trim());
  const exact = byId("budget-value");
  if (document.activeElement !== exact) exact.value = String(value);
  byId("budget-unit").textContent = cost.unit || "tokens";
}
