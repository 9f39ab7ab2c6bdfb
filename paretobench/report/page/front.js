// Which points are on the front and which is best under a budget: the same answers as Python's
// `analysis.front.front_mask` and `analysis.query.best`, which a test compares on random sets.
// Pure: numbers in, numbers out.

/**
 * Which [cost, gain] pairs no other pair beats; ties on both stay together.
 * @param {number[][]} pairs
 * @returns {boolean[]}
 */
function nonDominated(pairs) {
  const order = pairs.map((_, index) => index);
  order.sort((a, b) => pairs[a][0] - pairs[b][0] || pairs[b][1] - pairs[a][1]);
  const kept = new Array(pairs.length).fill(false);
  let best = -Infinity;
  let bestCost = NaN;
  for (const index of order) {
    const [cost, gain] = pairs[index];
    if (gain > best) {
      best = gain;
      bestCost = cost;
    }
    kept[index] = gain === best && cost === bestCost;
  }
  return kept;
}

/**
 * Indices of the pair with the most gain at a cost of at most `limit`, the cheaper of equals, and
 * of the next one that is not its equal; -1 for none.
 * @param {number[][]} pairs
 * @param {number} limit
 * @returns {[number, number]}
 */
function bestTwo(pairs, limit) {
  let [first, second] = [-1, -1];
  /** @param {number} a @param {number} b */
  const isBetter = (a, b) => b < 0 || pairs[a][1] > pairs[b][1] || (pairs[a][1] === pairs[b][1] && pairs[a][0] < pairs[b][0]);
  pairs.forEach(([cost, gain], index) => {
    if (cost > limit) return;
    if (isBetter(index, first)) [first, second] = [index, first];
    else if (!(gain === pairs[first][1] && cost === pairs[first][0]) && isBetter(index, second)) second = index;
  });
  return [first, second];
}

/**
 * Marks points as on the front of all and on that of their family.
 * @param {Point[]} points
 * @returns {Map<number, Point[]>} the points of each family
 */
function markFronts(points) {
  /** @param {Point[]} some */
  const pairs = (some) => some.map((point) => [point.cost, Number(point.gain)]);
  /** @type {Map<number, Point[]>} */
  const families = new Map();
  for (const point of points) {
    const members = families.get(point.row.family) || [];
    members.push(point);
    families.set(point.row.family, members);
  }
  nonDominated(pairs(points)).forEach((isKept, index) => { points[index].isFront = isKept; });
  for (const members of families.values()) {
    nonDominated(pairs(members)).forEach((isKept, index) => { members[index].isFamily = isKept; });
  }
  return families;
}
