// The front: marks, lines, intervals, the budget, and the keyboard's way through them.
// Colour is the encoder family, shape the LLM, fill the standing, as in the figures.

const Z95 = 1.959964;
const MOST_MARKS = 1500;
const MOST_LABELS = 60;
const MANY = 200;
const MARGIN = { top: 30, right: 16, bottom: 46, left: 46 };
const RADIUS = 5.5;

const SHAPES = [
  polygon(0), polygon(3), polygon(4, 45), polygon(4), polygon(3, 180), star(4), star(4, 45),
  polygon(5), polygon(6), star(5),
];

function polygon(corners, turn = 0) {
  if (!corners) return `M${-RADIUS},0a${RADIUS},${RADIUS} 0 1 0 ${2 * RADIUS},0a${RADIUS},${RADIUS} 0 1 0 ${-2 * RADIUS},0z`;
  return ring(corners, turn, () => (corners === 3 ? 1.3 : 1.2) * RADIUS);
}

function star(rays, turn = 0) {
  return ring(rays * 2, turn, (corner) => (corner % 2 ? 0.6 : 1.35) * RADIUS);
}

function ring(corners, turn, radius) {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners + (turn * Math.PI) / 180;
    return `${(radius(corner) * Math.sin(angle)).toFixed(2)},${(-radius(corner) * Math.cos(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}z`;
}

/** A front is all of its members, and of the rest an even sample. */
function sampled(points) {
  if (points.length <= MOST_MARKS) return points;
  const rest = points.filter((point) => !point.isFront && !point.isFamily);
  const every = Math.ceil(rest.length / MOST_MARKS);
  const kept = new Set(rest.filter((_, index) => index % every === 0));
  return points.filter((point) => point.isFront || point.isFamily || kept.has(point));
}

/** Draws the scene into an SVG element; returns what can be pointed at, with its pixels. */
function drawPlot(svg, scene) {
  const frame = {
    left: MARGIN.left, right: scene.width - MARGIN.right,
    top: MARGIN.top, bottom: scene.height - MARGIN.bottom,
  };
  const costs = [...scene.points, ...scene.rug].map((point) => point.cost / scene.cost.perUnit);
  const gains = scene.points.flatMap((point) => gainSpan(point, scene)).map((gain) => gain * 100);
  const x = logScale(...logDomain(costs), frame.left, frame.right);
  const lowest = frame.bottom - (scene.rug.length ? 18 : 0);
  const y = linearScale(...percentDomain(gains, 0.5), lowest, frame.top);
  const place = (point) => {
    point.x = x.at(point.cost / scene.cost.perUnit);
    point.y = point.gain === null ? frame.bottom - 8 : y.at(point.gain * 100);
    return point;
  };
  scene.points.forEach(place);
  const drawn = sampled(scene.points);
  for (const point of drawn) point.whiskers = whiskerLines(point, scene, x, y);
  const rug = scene.rug.filter((_, i) => i % Math.ceil(scene.rug.length / 500) === 0).map(place);
  const lines = scene.points.length ? frontLines(scene, frame) : [];
  svg.classList.toggle("is-crowded", scene.points.length > MANY);
  scene.drawn = drawn.length;
  svg.setAttribute("viewBox", `0 0 ${scene.width} ${scene.height}`);
  svg.replaceChildren(
    axes(scene, frame, x, y),
    budgetShade(scene, frame, x),
    draw("g", { "aria-hidden": "true" }, ...lines.map((line) => line.element)),
    draw("g", { "aria-hidden": "true" }, ...drawn.map(whiskers)),
    labelled(scene, drawn, lines, frame, x),
    marks(scene, drawn, rug),
    rings(scene),
  );
  scene.axes = { frame, x };
  return [...drawn, ...rug];
}

/** Moves the budget's line and the rings, and leaves everything else as it is. */
function redrawBudget(svg, scene) {
  svg.querySelector(".budget").replaceWith(budgetShade(scene, scene.axes.frame, scene.axes.x));
  svg.querySelector(".rings").replaceWith(rings(scene));
  for (const mark of svg.querySelectorAll("[aria-selected=true]")) mark.setAttribute("aria-selected", "false");
  const shown = scene.byRow.get(scene.selected);
  if (shown && shown.element) shown.element.setAttribute("aria-selected", "true");
}

function axes(scene, frame, x, y) {
  const group = draw("g", { class: "axes", "aria-hidden": "true" });
  const wide = frame.right - frame.left;
  const across = logTicks(x.low, x.high, Math.floor(wide / 52));
  across.forEach((value) => {
    const at = x.at(value);
    group.append(
      draw("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom, class: "grid" }),
      draw("text", { x: at, y: frame.bottom + 18, "text-anchor": "middle" }, plainNumber(value)),
    );
  });
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
  const unit = scene.cost.unit ? ` (${scene.cost.unit})` : "";
  const isNarrow = wide < 420;
  const sense = isNarrow ? "" : ", log scale, left is better";
  group.append(
    draw("line", { x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom, class: "axis" }),
    draw("text", { x: frame.right, y: frame.bottom + 38, "text-anchor": "end", class: "title" }, `${scene.cost.label}${unit}${sense}`),
    draw("text", { x: 4, y: 14, class: "title" }, !scene.points.length ? "" : `${shortened(scene.gain.label, 30)} (%), up is better`),
  );
  return group;
}

function corners(points, end) {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || b.gain - a.gain);
  const found = [];
  for (const point of sorted) {
    if (found.length) found.push([point.x, found[found.length - 1][1]]);
    found.push([point.x, point.y]);
  }
  if (end !== undefined) found.push([end, found[found.length - 1][1]]);
  return found;
}

function frontLines(scene, frame) {
  const path = (found) => `M${found.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}`;
  const all = corners(scene.points.filter((point) => point.isFront), frame.right);
  const lines = [{ corners: all, element: draw("path", { d: path(all), class: "front" }) }];
  for (const [family, members] of scene.families) {
    const own = corners(members.filter((point) => point.isFamily));
    const kind = `family family-${family} dash-${family % 6}`;
    lines.push({ corners: own, element: draw("path", { d: path(own), class: kind }) });
  }
  return lines;
}

/** Whether a point's intervals are drawn: the front's always, the others' while there is room. */
function hasWhiskers(point, scene) {
  return point.isFront || scene.points.length <= MOST_LABELS;
}

/** The 95 % interval of a score, or the score alone where no interval is drawn. */
function gainSpan(point, scene) {
  const half = hasWhiskers(point, scene) ? Z95 * point.error : 0;
  return [point.gain - half, point.gain + half];
}

/** A point's intervals as pairs of places in pixels: none, one or two lines. */
function whiskerLines(point, scene, x, y) {
  if (!hasWhiskers(point, scene)) return [];
  const found = [];
  if (point.low && point.high) {
    const [from, to] = [point.low, point.high].map((value) => x.at(value / scene.cost.perUnit));
    found.push([[from, point.y], [to, point.y]]);
  }
  if (point.error) {
    const [from, to] = gainSpan(point, scene).map((gain) => y.at(gain * 100));
    found.push([[point.x, from], [point.x, to]]);
  }
  return found;
}

function whiskers(point) {
  const lines = point.whiskers.map(([[x1, y1], [x2, y2]]) => draw("line", { x1, y1, x2, y2 }));
  return draw("g", { class: `whisker family-${point.row.family}` }, ...lines);
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text) {
  if (!ruler) return text.length * 6.5;
  ruler.font = "11.5px system-ui, sans-serif";
  return ruler.measureText(text).width;
}

function labelled(scene, drawn, lines, frame, x) {
  const isCrowded = scene.points.length > MOST_LABELS || scene.width < 480;
  const chosen = drawn.filter((point) => point.isFront || !isCrowded);
  chosen.sort((a, b) => b.isFront - a.isFront || b.isFamily - a.isFamily);
  const isRinged = (point) => point === scene.best || point.row === scene.selected;
  const size = (point) => 2 * RADIUS + (isRinged(point) ? 13 : 3);
  const taken = drawn.map((point) => box(point.x, point.y, size(point), size(point)));
  for (const line of lines) taken.push(...stepBoxes(line.corners, 3));
  for (const point of drawn) taken.push(...point.whiskers.flatMap((line) => stepBoxes(line, 2)));
  const at = x.at(scene.limit / scene.cost.perUnit);
  taken.push(box(at, (frame.top + frame.bottom) / 2, 3, frame.bottom - frame.top));
  const wanted = chosen.map((point) => {
    const text = shortened(point.row.label, 18);
    return { x: point.x, y: point.y, radius: size(point) / 2 - 1.5, width: textWidth(text) + 2, height: 13, text };
  });
  const group = draw("g", { class: "labels", "aria-hidden": "true" });
  placeLabels(wanted, taken, { ...frame, top: frame.top - 8, left: frame.left + 2 }).forEach((place, index) => {
    if (!place) return;
    const family = chosen[index].row.family;
    group.append(draw("text", { x: place[0], y: place[1] + 4, "text-anchor": "middle", class: `family-${family}` }, wanted[index].text));
  });
  return group;
}

function budgetShade(scene, frame, x) {
  const value = Math.min(x.high, Math.max(x.low, scene.limit / scene.cost.perUnit));
  const at = x.at(value);
  const high = frame.bottom - frame.top;
  return draw("g", { class: "budget", "aria-hidden": "true" },
    draw("rect", { x: at, y: frame.top, width: Math.max(0, frame.right - at), height: high }),
    draw("line", { x1: at, x2: at, y1: frame.top, y2: frame.bottom }));
}

function shapeOf(scene, row) {
  return SHAPES[Math.max(0, scene.llms.indexOf(row.llm)) % SHAPES.length];
}

function standingOf(point) {
  if (point.gain === null) return "no score";
  if (point.isFront) return "on the front";
  return point.isFamily ? "on its family's front" : "dominated";
}

const FILLS = { "on the front": "is-front", "on its family's front": "is-family", dominated: "is-dominated", "no score": "is-unscored" };

function marks(scene, drawn, rug) {
  const group = draw("g", {
    role: "listbox", id: "marks", "aria-label": "Points of the plot, by cost. Arrow keys move, Enter tells the story.",
  });
  const order = [...drawn, ...rug].sort((a, b) => a.isFront - b.isFront || a.cost - b.cost);
  const tabStop = scene.focused && order.find((point) => point.row === scene.focused);
  const first = tabStop || scene.best || order[order.length - 1];
  for (const point of order) {
    const isRug = point.gain === null;
    point.element = draw("g", {
      class: `mark family-${point.row.family} ${FILLS[standingOf(point)]}`,
      role: "option",
      tabindex: point === first ? 0 : -1,
      "aria-selected": String(point.row === scene.selected),
      "aria-label": `${point.row.name}: ${point.text}, ${isRug ? point.row.reason || "no score" : `${scene.gain.label} ${point.gainText} %`}, ${standingOf(point)}`,
      transform: `translate(${point.x.toFixed(1)},${point.y.toFixed(1)})`,
      "data-row": point.row.index,
    }, draw("path", { d: isRug ? "M0,-7V7" : shapeOf(scene, point.row) }));
    group.append(point.element);
  }
  return order.length ? group : draw("g");
}

function rings(scene) {
  const group = draw("g", { class: "rings", "aria-hidden": "true" });
  const put = (point, kind, radius) => group.append(draw("circle", { cx: point.x, cy: point.y, r: radius, class: kind }));
  if (scene.best) put(scene.best, "best", RADIUS + 5.5);
  const chosen = scene.byRow.get(scene.selected);
  if (chosen && chosen !== scene.best && chosen.x !== undefined) put(chosen, "selected", RADIUS + 3);
  return group;
}

/** The drawn point nearest to a place in pixels, if one is within reach. */
function nearest(points, x, y, reach) {
  let found = null;
  let least = reach ** 2;
  for (const point of points) {
    const far = (point.x - x) ** 2 + (point.y - y) ** 2;
    if (far < least) [found, least] = [point, far];
  }
  return found;
}
