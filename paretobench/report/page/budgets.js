// Budgets a person would say, and how likely each point is the best under them. Pure.
// The steps are those of Python's `analysis.budgets.budget_steps`; a test compares them.

/**
 * Round budgets between two values: at most 2.5 % apart, three digits at most.
 * @param {number} low
 * @param {number} high
 * @param {boolean} isWhole whether only whole numbers make sense, as for tokens
 * @returns {number[]}
 */
function budgetSteps(low, high, isWhole = false) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)); power += 1) {
    for (let digits = 100; digits < 1000; digits += digits < 200 ? 2 : digits < 500 ? 5 : 10) {
      found.push(Number(`${digits}e${power - 2}`));
    }
  }
  const from = Math.max(0, found.findLastIndex((step) => step <= low));
  const to = found.findIndex((step) => step >= high);
  const steps = found.slice(from, (to < 0 ? found.length - 1 : to) + 1);
  return isWhole ? [...new Set(steps.map(Math.round))].filter((step) => step > 0) : steps;
}

/**
 * Index of the step nearest to a value, by ratio.
 * @param {number[]} steps
 * @param {number} value
 */
function nearestStep(steps, value) {
  /** @param {number} step */
  const far = (step) => Math.abs(Math.log(step / value));
  return steps.reduce((best, step, index) => (far(step) < far(steps[best]) ? index : best), 0);
}

/**
 * A point's probability of being the best within a budget: between two steps on the line between them.
 * @param {number[]} steps budgets, ascending
 * @param {number[]} curve index of its first step with a probability, then whole percents
 * @param {number} limit
 * @returns {number} percent
 */
function probabilityAt(steps, curve, limit) {
  /** @param {number} index */
  const at = (index) => (index < curve[0] ? 0 : curve[index - curve[0] + 1] || 0);
  const above = steps.findIndex((step) => step >= limit * (1 - 1e-9));
  if (above < 0) return at(steps.length - 1);
  if (above === 0 || steps[above] <= limit * (1 + 1e-9)) return at(above);
  const share = (limit - steps[above - 1]) / (steps[above] - steps[above - 1]);
  return at(above - 1) + share * (at(above) - at(above - 1));
}
