// The legend: what colours, shapes and fills mean; a family's entry switches it off and on.

/** @param {any[]} children */
function icon(...children) {
  return draw("svg", { viewBox: "-9 -9 18 18", class: "icon", "aria-hidden": "true" }, ...children);
}

function showLegend() {
  const mine = rows.filter((row) => isOnShow(row) && passesMenus(row) && (row.costs[state.cost] || guessOf(row)));
  const families = [...new Set(mine.map((row) => row.family))].sort((a, b) => a - b);
  const all = [...scene.points, ...scene.predicted, ...scene.rug];
  const llms = data.llms.filter((/** @type {string} */ llm) => all.some((point) => point.row.llm === llm));
  const host = byId("legend");
  const focused = host.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.family : undefined;
  host.replaceChildren(
    ...families.map(familyEntry),
    ...llms.map((/** @type {string} */ llm) => entry(llm, draw("path", { d: shapeOf(scene.llms, llm), class: "mark-shape is-front" }))),
    ...standingEntries(all),
  );
  if (focused !== undefined) host.querySelector(`[data-family="${focused}"]`)?.focus();
}

/** @param {string} text @param {any[]} children */
function entry(text, ...children) {
  return make("li", {}, icon(...children), isolated(shortened(text, 40)));
}

/** @param {number} family */
function familyEntry(family) {
  const { name } = data.families[family];
  const isOn = !state.hidden.has(family);
  return make("li", { class: `family-${family}` }, make("button", {
    type: "button", class: "toggle", "aria-pressed": String(isOn), "data-family": family, title: isOn ? "Switch off" : "Switch on",
    onclick: () => onLegend(family),
  }, icon(draw("line", { x1: -9, x2: 9, y1: 0, y2: 0, class: `family family-${family}` })), isolated(shortened(name, 40))));
}

/** @param {Point[]} all */
function standingEntries(all) {
  const has = new Set(all.map((point) => point.standing));
  /** @param {string} kind */
  const mark = (kind) => [draw("path", { d: SHAPES[0], class: `mark-shape ${FILLS[kind]}` }), kind === "ambiguous" ? draw("circle", { r: 2, class: "mark-dot" }) : null];
  const texts = /** @type {Record<string, string>} */ ({ front: "front", ambiguous: "ambiguous", family: "family's front", dominated: "dominated", unknown: "disturbed, on no front", predicted: "predicted (~), not measured" });
  const found = Object.keys(texts).filter((kind) => has.has(kind)).map((kind) => entry(texts[kind], ...mark(kind)));
  if (has.has("no score")) found.push(entry("time without a score", draw("path", { d: "M0,-7V7", class: "mark-shape is-dominated" })));
  return found;
}

/** @param {number} family */
function onLegend(family) {
  if (state.hidden.has(family)) state.hidden.delete(family);
  else state.hidden.add(family);
  state.page = 0;
  update();
  say(`${data.families[family].name} is ${state.hidden.has(family) ? "off" : "on"}; ${counted(scene.points.length, "point")} on the plot.`);
}
