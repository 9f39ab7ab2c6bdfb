// Who is on the front and what is best under a budget: the same answers as Python's
// `analysis.front.front_mask` and `analysis.query.best`, which a test compares on random sets.

/** Which [cost, gain] pairs no other pair beats; ties on both stay together. */
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

/** Index of the pair with the most gain at a cost of at most `limit`, the cheaper of equals; -1. */
function bestUnder(pairs, limit) {
  let found = -1;
  pairs.forEach(([cost, gain], index) => {
    if (cost > limit) return;
    const [heldCost, heldGain] = found < 0 ? [Infinity, -Infinity] : pairs[found];
    if (gain > heldGain || (gain === heldGain && cost < heldCost)) found = index;
  });
  return found;
}

/** Marks points as on the front of all and on that of their family. */
function markFronts(points) {
  const pairs = (some) => some.map((point) => [point.cost, point.gain]);
  const families = new Map();
  for (const point of points) {
    if (!families.has(point.row.family)) families.set(point.row.family, []);
    families.get(point.row.family).push(point);
  }
  nonDominated(pairs(points)).forEach((isKept, index) => { points[index].isFront = isKept; });
  for (const members of families.values()) {
    nonDominated(pairs(members)).forEach((isKept, index) => { members[index].isFamily = isKept; });
  }
  return families;
}
