// The answer: what is best within the budget under each recipe, how sure that is, what is next.

const MOST_ANSWERS = 5;

/** @param {number} value in the cost's own unit */
function budgetText(value = scene.limit) {
  const { cost } = scene;
  return `${plainNumber(value / cost.perUnit)} ${cost.unit || "tokens"}`;
}

/** @param {number | null} probability percent */
function probabilityText(probability) {
  if (probability === null) return MISSING;
  if (probability > 99.5) return "> 99 %";
  return probability < 0.5 ? "< 1 %" : `${Math.round(probability)} %`;
}

/** Why there is no point on the plot, and what would supply one. */
function whyNone() {
  if (!scene.rug.length) return hasFilters() ? "No point matches these filters." : "No point has a time here; the table says why.";
  const others = recipesWith(state.gain);
  if (others.length) return `No point of recipe ${state.recipe} has a score in ${scene.gain.label}; other recipes have:`;
  const reason = scene.rug.map((/** @type {Point} */ point) => point.row.reason).find(Boolean);
  const what = `No point on show has a score in ${scene.gain.label}`;
  return reason ? `${what}. ${reason[0].toUpperCase()}${shortened(reason, 300).slice(1)}.` : `${what}.`;
}

/** Recipes other than the one on show that have points on an accuracy axis, most points first.
 * @param {number} gain @returns {[string, number][]} */
function recipesWith(gain) {
  const found = data.recipes.filter((/** @type {string} */ recipe) => recipe !== state.recipe).map((/** @type {string} */ recipe) => [recipe, pointsOn(recipe, gain)]);
  return found.filter((/** @type {[string, number]} */ [, count]) => count).sort((/** @type {any} */ a, /** @type {any} */ b) => b[1] - a[1]);
}

function showAnswer() {
  const { best, points } = scene;
  const host = byId("answer");
  if (best) {
    const own = scene.answers.find((/** @type {Answer} */ each) => each.recipe === state.recipe);
    host.replaceChildren(`Best within ${budgetText()}: `, make("strong", {}, isolated(shortened(best.row.name, 80))), answerTail(own));
  } else if (points.length) {
    const cheapest = points.reduce((/** @type {Point} */ least, /** @type {Point} */ point) => (point.cost < least.cost ? point : least));
    host.replaceChildren(`Nothing fits into ${budgetText()}; the least is ${cheapest.text}, by ${shortened(cheapest.row.name, 80)}.`);
  } else {
    host.replaceChildren(whyNone(), ...switches());
  }
  showAnswers();
}

/** @param {Answer} answer */
function answerTail(answer) {
  const { best, next, probability } = answer;
  const assumed = best.row.assumed ? ` (error of its ${best.row.assumed} assumed)` : "";
  const sure = probability === null ? "" : `, best with a probability of ${probabilityText(probability)}${assumed}`;
  const then = next ? `; next ${shortened(next.row.name, 60)}, ${next.gainText} % at ${next.text}` : "";
  const caution = best.row.caution ? ` † ${shortened(best.row.caution, 200)}.` : "";
  return `, ${scene.gain.label} ${best.gainText} % at ${best.text}${sure}${then}.${caution}`;
}

/** Buttons to the recipes that have points where this one has none. */
function switches() {
  if (!scene.rug.length) return [];
  return recipesWith(state.gain).slice(0, 6).map(([recipe, count]) => make("button", {
    type: "button", onclick: () => showRecipe(recipe),
  }, `${shortened(recipe, 30)} (${counted(count, "point")})`));
}

/** The answers of all recipes, the most accurate first: never one front, and none hidden. */
function showAnswers() {
  const { answers } = scene;
  byId("answers").hidden = answers.length < 2;
  if (answers.length < 2) return;
  const few = answers.slice(0, MOST_ANSWERS);
  if (!few.some((/** @type {Answer} */ each) => each.recipe === state.recipe)) few.push(...answers.filter((/** @type {Answer} */ each) => each.recipe === state.recipe));
  const shown = byId("answers").dataset.all === "true" ? answers : few;
  byId("answers-body").replaceChildren(...shown.map(answerRow));
  byId("answers-gain").textContent = `${scene.gain.label} %`;
  byId("more-answers").hidden = answers.length <= few.length;
  byId("more-answers").textContent = byId("answers").dataset.all === "true" ? "fewer recipes" : `all ${answers.length} recipes`;
}

/** @param {Answer} answer */
function answerRow({ recipe, best, next, probability, nextProbability }) {
  const isOwn = recipe === state.recipe;
  const then = next ? `next: ${next.row.name}, ${next.gainText} % at ${next.text}${nextProbability === null ? "" : `, probability ${probabilityText(nextProbability)}`}` : "no other point fits";
  const name = isOwn ? make("strong", {}, isolated(shortened(recipe, 30))) : make("button", {
    type: "button", class: "link", title: `Show recipe ${recipe}`, onclick: () => showRecipe(recipe),
  }, isolated(shortened(recipe, 30)));
  return make("tr", { "aria-current": isOwn ? "true" : null },
    make("th", { scope: "row" }, name),
    make("td", { title: then }, isolated(shortened(best.row.name, 60))),
    make("td", { class: "number" }, best.gainText),
    make("td", { class: "number", title: best.text }, best.text.replace(/ \[[^\]]*\]/, "")),
    make("td", { class: "number" }, probabilityText(probability)));
}

/** What a chosen point is, and where it is on another plot the way there.
 * @param {Row} row @returns {any[]} */
function verdict(row) {
  const point = scene.byRow.get(row);
  if (point && point.standing === "predicted") return [`${SPOKEN.predicted[0].toUpperCase()}${SPOKEN.predicted.slice(1)}: ${row.reason}.`];
  if (point && point.gain === null) return [row.reason || "No score on this axis."];
  if (point) {
    const where = SPOKEN[point.standing];
    return [`${where[0].toUpperCase()}${where.slice(1)}${scene.isAsReported ? "" : " (by the values of what is on show)"}: ${scene.gain.label} ${point.gainText} %.`];
  }
  if (row.recipe && row.recipe !== state.recipe && row.costs[state.cost]) {
    return [`Of recipe ${row.recipe}, which is not on the plot. `, make("button", { type: "button", onclick: () => showRecipe(row.recipe, row) }, "Show that recipe")];
  }
  if (row.environment && row.environment !== state.environment) {
    return [`Of ${row.environment}, which is not on the plot. `, make("button", { type: "button", onclick: () => showEnvironment(row.environment, row) }, "Show that environment")];
  }
  return [row.reason ? `Not on the plot: ${row.reason}` : "Not on the plot with this selection."];
}
