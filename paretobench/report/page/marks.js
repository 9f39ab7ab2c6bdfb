// The marks of points, their intervals, the rings, and which mark is nearest to a place.

const FILLS = /** @type {Record<string, string>} */ ({ front: "is-front", ambiguous: "is-ambiguous", family: "is-family", dominated: "is-dominated", unknown: "is-dominated", "no score": "is-unscored", predicted: "is-predicted" });

const SPOKEN = /** @type {Record<string, string>} */ ({
  front: "on the front", ambiguous: "ambiguous: the noise leaves open whether it is on the front",
  family: "on its family's front", dominated: "dominated", unknown: "measured on a machine that was never quiet: on no front", "no score": "no score",
  predicted: "predicted, not measured, on no front",
});

/** Whether the interval of a point's time is not known; sizes and counts have none to know.
 * @param {Point} point */
function isBare(point) {
  return point.low === undefined && data.costs[state.cost].unit === "ms";
}

/** Whether a point's intervals are drawn: the front's always, the others' while there is room.
 * @param {Point} point @param {any} scene */
function hasWhiskers(point, scene) {
  return point.isFront || scene.points.length <= MOST_LABELS;
}

/** The 95 % interval of a score, or the score alone where no interval is drawn.
 * @param {Point} point @param {any} scene */
function gainSpan(point, scene) {
  const half = hasWhiskers(point, scene) ? Z95 * point.error : 0;
  return [Number(point.gain) - half, Number(point.gain) + half];
}

/** A point's intervals as pairs of places in pixels: none, one or two lines.
 * @param {Point} point @param {any} scene @param {Scale} x @param {Scale} y */
function whiskerLines(point, scene, x, y) {
  if (!hasWhiskers(point, scene)) return [];
  const found = [];
  if (point.low && point.high) {
    const [from, to] = [point.low, point.high].map((value) => x.at(value / scene.cost.perUnit));
    found.push([[from, Number(point.y)], [to, Number(point.y)]]);
  }
  if (point.error) {
    const [from, to] = gainSpan(point, scene).map((gain) => y.at(gain * 100));
    found.push([[Number(point.x), from], [Number(point.x), to]]);
  }
  return found;
}

/** Above the marks, with a rim of paper, so that an interval shorter than its mark is still seen.
 * @param {Point} point */
function whiskers(point) {
  /** @param {string} kind */
  const lines = (kind) => (point.whiskers || []).map(([[x1, y1], [x2, y2]]) => draw("line", { x1, y1, x2, y2, class: y1 === y2 ? `${kind} of-time` : kind }));
  return draw("g", { class: `whisker family-${point.row.family} ${FILLS[point.standing]}` }, lines("rim"), lines("bar"));
}

/** @param {any} scene @param {Point[]} shown @param {Point[]} rug */
function marksGroup(scene, shown, rug) {
  const group = draw("g", {
    role: "listbox", id: "marks", "aria-label": "Points of the plot, by cost. Arrow keys move, Enter shows all about one.",
  });
  /** @param {Point} point */
  const rank = (point) => (point.isFront ? 2 : point.standing === "predicted" ? 0 : 1);
  const order = [...shown, ...rug].sort((a, b) => rank(a) - rank(b) || a.cost - b.cost);
  const tabStop = scene.focused && order.find((point) => point.row === scene.focused);
  const isMixed = !order.every(isBare);
  const first = tabStop || (order.includes(scene.best) ? scene.best : order[order.length - 1]);
  for (const point of order) {
    const isRug = point.gain === null;
    const isDashed = isMixed && isBare(point);
    const said = isRug ? point.row.reason || "no score" : `${scene.gain.label} ${point.gainText} %`;
    point.element = draw("g", {
      class: `mark family-${point.row.family} ${FILLS[point.standing]}${isDashed ? " is-bare" : ""}`,
      role: "option",
      tabindex: point === first ? 0 : -1,
      "aria-selected": String(point.row === scene.selected),
      "aria-label": `${point.row.name}: ${point.text}, ${said}, ${SPOKEN[point.standing]}${isDashed ? ", interval of the time not known" : ""}`,
      transform: `translate(${Number(point.x).toFixed(1)},${Number(point.y).toFixed(1)})`,
      "data-row": point.row.index,
    }, draw("path", { d: isRug ? "M0,-7V7" : shapeOf(scene.llms, point.row.llm) }),
    point.standing === "ambiguous" ? draw("circle", { r: 2 }) : null);
    group.append(point.element);
  }
  return order.length ? group : draw("g");
}

/** @param {any} scene */
function rings(scene) {
  const group = draw("g", { class: "rings", "aria-hidden": "true", "clip-path": "url(#inside)" });
  /** @param {Point} point @param {string} kind @param {number} radius */
  const put = (point, kind, radius) => group.append(draw("circle", { cx: point.x, cy: point.y, r: radius, class: kind }));
  if (scene.best) put(scene.best, "best", RADIUS + 5.5);
  for (const rival of scene.rivals) put(rival, "rival", RADIUS + 5.5);
  const chosen = scene.byRow.get(scene.selected);
  if (chosen && chosen !== scene.best && chosen.x !== undefined) put(chosen, "selected", RADIUS + 3);
  return group;
}

/** The drawn point nearest to a place in pixels, if one is within reach.
 * @param {Point[]} points @param {number} x @param {number} y @param {number} reach */
function nearest(points, x, y, reach) {
  let found = null;
  let least = reach ** 2;
  for (const point of points) {
    const far = (Number(point.x) - x) ** 2 + (Number(point.y) - y) ** 2;
    if (far < least) [found, least] = [point, far];
  }
  return found;
}
