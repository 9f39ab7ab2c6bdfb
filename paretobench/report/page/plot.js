// The front: axes, lines, the budget, labels. Colour is the encoder family, shape the LLM, fill
// what a point is, as in the figures. The marks themselves are in `marks.js`.

const Z95 = 1.959964;
const MOST_MARKS = 1500;
const MOST_LABELS = 60;
const MANY = 200;
const MARGIN = { top: 30, right: 16, bottom: 46, left: 46 };

/** A front is all of its members, and of the rest an even sample.
 * @param {Point[]} points */
function sampled(points) {
  if (points.length <= MOST_MARKS) return points;
  /** @param {Point} point */
  const matters = (point) => point.isFront || point.isFamily || point.standing === "ambiguous";
  const rest = points.filter((point) => !matters(point));
  const every = Math.ceil(rest.length / MOST_MARKS);
  const kept = new Set(rest.filter((_, index) => index % every === 0));
  return points.filter((point) => matters(point) || kept.has(point));
}

/** The axes of a scene in pixels: the whole of it, or the part that is zoomed into. */
function scalesOf(/** @type {any} */ scene) {
  const frame = { left: MARGIN.left, right: scene.width - MARGIN.right, top: MARGIN.top, bottom: scene.height - MARGIN.bottom };
  const spans = [...[...scene.points, ...scene.predicted].flatMap((/** @type {Point} */ point) => gainSpan(point, scene)), ...scene.behind.map((/** @type {Behind} */ [,, gain]) => gain)];
  const gains = spans.map((/** @type {number} */ gain) => gain * 100);
  const lowest = frame.bottom - (scene.rug.length ? 18 : 0);
  const [left, right] = state.zoom.x || [scene.low, scene.high];
  const [foot, head] = state.zoom.y || percentDomain(gains, 0.5);
  return { frame, x: logScale(left, right, frame.left, frame.right), y: linearScale(foot, head, lowest, frame.top) };
}

/** Draws the scene into an SVG element; returns the points that can be pointed at.
 * @param {SVGElement} svg @param {any} scene @returns {Point[]} */
function drawPlot(svg, scene) {
  const { frame, x, y } = scene.axes = scalesOf(scene);
  /** @param {Point} point */
  const place = (point) => {
    point.x = x.at(point.cost / scene.cost.perUnit);
    point.y = point.gain === null ? frame.bottom - 8 : y.at(point.gain * 100);
    return point;
  };
  scene.points.forEach(place);
  /** @param {Point} point */
  const isInFrame = (point) => Number(point.x) >= frame.left - 1 && Number(point.x) <= frame.right + 1 && Number(point.y) >= frame.top - 1 && Number(point.y) <= frame.bottom + 1;
  const seen = sampled(scene.points);
  const guessed = scene.predicted.map(place).filter(isInFrame);
  const shown = [...seen.filter(isInFrame), ...guessed];
  for (const point of shown) point.whiskers = whiskerLines(point, scene, x, y);
  const rug = scene.rug.filter((/** @type {Point} */ _, /** @type {number} */ i) => i % Math.ceil(scene.rug.length / 500) === 0).map(place).filter(isInFrame);
  const lines = scene.points.length ? frontLines(scene, frame) : [];
  svg.classList.toggle("is-crowded", scene.points.length > MANY);
  svg.classList.toggle("is-zoomed", Boolean(state.zoom.x || state.zoom.y));
  scene.drawn = seen.length;
  svg.setAttribute("viewBox", `0 0 ${scene.width} ${scene.height}`);
  svg.replaceChildren(
    draw("clipPath", { id: "inside" }, draw("rect", { x: frame.left, y: frame.top, width: frame.right - frame.left, height: frame.bottom - frame.top })),
    axes(scene, frame, x, y),
    budgetShade(scene, frame, x),
    draw("g", { "aria-hidden": "true", "clip-path": "url(#inside)" }, layerMarks(x, y), lines.map((line) => line.element)),
    marksGroup(scene, shown, rug),
    draw("g", { "aria-hidden": "true", class: "whiskers", "clip-path": "url(#inside)" }, shown.map(whiskers)),
    labelled(scene, shown, lines, frame, x),
    rings(scene),
    draw("rect", { class: "brush", "aria-hidden": "true" }),
  );
  return [...shown, ...rug];
}

/** Moves the budget's line and the rings, and leaves everything else as it is.
 * @param {SVGElement} svg @param {any} scene */
function redrawBudget(svg, scene) {
  svg.querySelector(".budget")?.replaceWith(budgetShade(scene, scene.axes.frame, scene.axes.x));
  svg.querySelector(".rings")?.replaceWith(rings(scene));
  for (const mark of svg.querySelectorAll("[aria-selected=true]")) mark.setAttribute("aria-selected", "false");
  const shown = scene.byRow.get(scene.selected);
  if (shown && shown.element) shown.element.setAttribute("aria-selected", "true");
}

/** @param {any} scene @param {Box} frame @param {Scale} x @param {Scale} y */
function axes(scene, frame, x, y) {
  const group = draw("g", { class: "axes", "aria-hidden": "true" });
  const wide = frame.right - frame.left;
  const { unit, divide } = axisUnit(scene.cost, x.high);
  for (const value of logTicks(x.low, x.high, Math.floor(wide / 52))) {
    const at = x.at(value);
    group.append(
      draw("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom, class: "grid" }),
      draw("text", { x: at, y: frame.bottom + 18, "text-anchor": "middle" }, plainNumber(value / divide)),
    );
  }
  const room = Math.floor((frame.bottom - frame.top) / 44);
  const up = scene.points.length ? linearTicks(y.low, y.high, room) : [];
  const texts = tickTexts(up);
  up.forEach((value, index) => {
    const at = y.at(value);
    group.append(
      draw("line", { x1: frame.left, x2: frame.right, y1: at, y2: at, class: "grid" }),
      draw("text", { x: frame.left - 8, y: at + 4, "text-anchor": "end" }, texts[index]),
    );
  });
  const sense = wide < 420 ? "" : ", log scale, left is better";
  group.append(
    draw("line", { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, class: "axis" }),
    draw("text", { x: frame.right, y: frame.bottom + 38, "text-anchor": "end", class: "title" }, `${scene.cost.label}${unit ? ` (${unit})` : ""}${sense}`),
    draw("text", { x: 4, y: 14, class: "title" }, !scene.points.length ? "" : `${shortened(scene.gain.label, 30)} (%), up is better`),
  );
  return group;
}

/** @param {Point[]} points @param {number} [end] pixel up to which the last step goes on */
function corners(points, end) {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || Number(b.gain) - Number(a.gain));
  /** @type {number[][]} */
  const found = [];
  for (const point of sorted) {
    if (found.length) found.push([Number(point.x), found[found.length - 1][1]]);
    found.push([Number(point.x), Number(point.y)]);
  }
  if (end !== undefined) found.push([Math.max(end, found[found.length - 1][0]), found[found.length - 1][1]]);
  return found;
}

/** @param {number[][]} places */
function pathThrough(places) {
  return `M${places.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;
}

/** @param {any} scene @param {Box} frame */
function frontLines(scene, frame) {
  const all = corners(scene.points.filter((/** @type {Point} */ point) => point.isFront), frame.right);
  const lines = [{ corners: all, element: draw("path", { d: pathThrough(all), class: "front" }) }];
  for (const [family, members] of scene.families) {
    const own = corners(members.filter((/** @type {Point} */ point) => point.isFamily));
    lines.push({ corners: own, element: draw("path", { d: pathThrough(own), class: `family family-${family}` }) });
  }
  return lines;
}

/** The layer in grey with its front: the paper's own points, or another device's, only to look at.
 * @param {Scale} x @param {Scale} y */
function layerMarks(x, y) {
  const group = draw("g", { class: "layer" });
  /** @type {Behind[]} */
  const found = scene.behind;
  const points = found.map(([, cost, gain]) => /** @type {any} */ ({ cost, gain, x: x.at(cost / scene.cost.perUnit), y: y.at(gain * 100) }));
  const kept = nonDominated(found.map(([, cost, gain]) => [cost, gain]));
  if (points.length) group.append(draw("path", { d: pathThrough(corners(points.filter((_, index) => kept[index]))), class: "layer-front" }));
  points.forEach((point, index) => {
    group.append(draw("path", { d: "M-4,0H4M0,-4V4", transform: `translate(${point.x.toFixed(1)},${point.y.toFixed(1)})` }, draw("title", {}, found[index][0])));
  });
  return group;
}

/** @typedef {[string, number, number]} Behind name, cost and gain of a point of the layer in grey */

/** @returns {Behind[]} */
function layerPoints() {
  const layer = data.layers[state.layer];
  if (!layer || state.gain !== 0) return [];
  if (layer.points) return state.cost === 0 && layer.recipes.includes(state.recipe) ? layer.points : [];
  const held = rows.filter((row) => row.environment === layer.environment && row.recipe === state.recipe && row.costs[state.cost] && row.scores.has(0) && !isDisturbed(row));
  return held.map((row) => [`${row.name}, ${row.environment}`, /** @type {Held} */ (row.costs[state.cost]).value, /** @type {Scored} */ (row.scores.get(0)).value]);
}

/** @param {any} scene @param {Box} frame @param {Scale} x */
function budgetShade(scene, frame, x) {
  const value = scene.limit / scene.cost.perUnit;
  const at = x.at(Math.min(x.high, Math.max(x.low, value)));
  const high = frame.bottom - frame.top;
  const isAbove = value > x.high;
  const edge = isAbove ? [frame.right, "end", "budget ▸"] : [frame.left + 2, "start", "◂ budget"];
  return draw("g", { class: "budget", "aria-hidden": "true" },
    draw("rect", { x: at, y: frame.top, width: Math.max(0, frame.right - at), height: high }),
    value < x.low || isAbove
      ? draw("text", { x: edge[0], y: frame.top + 12, "text-anchor": edge[1] }, edge[2])
      : draw("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom }));
}

const ruler = document.createElement("canvas").getContext("2d");

/** @param {string} text */
function textWidth(text) {
  if (!ruler) return text.length * 6.5;
  ruler.font = "11.5px system-ui, sans-serif";
  return ruler.measureText(text).width;
}

/** What a label may say: encoder and resolution, or where there is no room the resolution alone.
 * @param {Point} point @param {boolean} isShort */
function labelTexts(point, isShort) {
  const label = `${point.standing === "predicted" ? "~" : ""}${point.row.label}`;
  const full = shortened(`${point.row.encoder} ${label}`, 30);
  const texts = isShort ? [label] : [full, shortened(label, 18)];
  return texts.map((text) => /** @type {[string, number]} */ ([text, textWidth(text) + 2]));
}

/** @param {any} scene @param {Point[]} shown @param {{corners: number[][]}[]} lines @param {Box} frame @param {Scale} x */
function labelled(scene, shown, lines, frame, x) {
  const isCrowded = scene.points.length > MOST_LABELS || scene.width < 480;
  const chosen = shown.filter((point) => point.isFront || !isCrowded);
  chosen.sort((a, b) => Number(b.isFront) - Number(a.isFront) || Number(b.isFamily) - Number(a.isFamily));
  /** @param {Point} point */
  const size = (point) => 2 * RADIUS + (point === scene.best || point.row === scene.selected ? 13 : 3);
  const taken = shown.map((point) => boxAt(Number(point.x), Number(point.y), size(point), size(point)));
  for (const line of lines) taken.push(...stepBoxes(line.corners, 3));
  for (const point of shown) taken.push(...(point.whiskers || []).flatMap((line) => stepBoxes(line, 2)));
  taken.push(boxAt(x.at(scene.limit / scene.cost.perUnit), (frame.top + frame.bottom) / 2, 3, frame.bottom - frame.top));
  const wanted = chosen.map((point) => ({
    x: Number(point.x), y: Number(point.y), radius: size(point) / 2 - 1.5, height: 13, texts: labelTexts(point, !point.isFront && scene.points.length > 30),
  }));
  const group = draw("g", { class: "labels", "aria-hidden": "true" });
  placeLabels(wanted, taken, { ...frame, top: frame.top - 8, left: frame.left + 2 }).forEach((place, index) => {
    if (!place) return;
    group.append(draw("text", { x: place.x, y: place.y + 4, "text-anchor": "middle", class: `family-${chosen[index].row.family}` }, place.text));
  });
  return group;
}
