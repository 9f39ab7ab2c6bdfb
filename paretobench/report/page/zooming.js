// Looking closer: a rectangle drawn over the plot, moving what is on show, and the way back.

const LEAST_DRAG = 8;

/** @param {Event & {clientX: number, clientY: number}} event */
function placeIn(event) {
  const bounds = byId("plot").getBoundingClientRect();
  const ratio = scene.width / bounds.width;
  return { x: (event.clientX - bounds.left) * ratio, y: (event.clientY - bounds.top) * ratio };
}

/** @param {number} value @param {number} low @param {number} high */
function clamped(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

/** Show a rectangle of the plot, given in pixels.
 * @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
function zoomTo(a, b) {
  const { frame, x, y } = scene.axes;
  const [left, right] = [a.x, b.x].map((at) => clamped(at, frame.left, frame.right)).sort((p, q) => p - q);
  const [top, bottom] = [a.y, b.y].map((at) => clamped(at, frame.top, frame.bottom)).sort((p, q) => p - q);
  if (right - left < LEAST_DRAG || bottom - top < LEAST_DRAG) return;
  setZoom([x.value(left), x.value(right)], [y.value(bottom), y.value(top)]);
}

/** Looks at a range of each axis, in the digits that a link holds, so that it restores the same.
 * @param {[number, number] | null} x @param {[number, number] | null} y */
function lookAt(x, y) {
  state.zoom = { x: readRange(rangeText(x)), y: readRange(rangeText(y)) };
  update();
}

/** @param {[number, number] | null} x @param {[number, number] | null} y */
function setZoom(x, y) {
  lookAt(x, y);
  say(x ? "Zoomed in; the button “Whole plot” or the key 0 goes back." : "The whole plot is on show.");
}

/** Closer or farther about the middle.
 * @param {number} factor of the span that stays on show */
function zoomBy(factor) {
  const { frame, x, y } = scene.axes;
  const [middle, centre] = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2];
  const [half, tall] = [((frame.right - frame.left) / 2) * factor, ((frame.bottom - frame.top) / 2) * factor];
  setZoom([x.value(middle - half), x.value(middle + half)], [y.value(centre + tall), y.value(centre - tall)]);
}

/** Move what is on show, in pixels.
 * @param {number} right @param {number} down */
function panBy(right, down) {
  const { frame, x, y } = scene.axes;
  const lowest = y.at(y.low);
  lookAt([x.value(frame.left - right), x.value(frame.right - right)], [y.value(lowest - down), y.value(frame.top - down)]);
}

function connectZoom() {
  const svg = byId("plot");
  /** @type {{x: number, y: number} | null} */
  let start = null;
  /** @type {{x: number, y: number} | null} */
  let last = null;
  let isMoving = false;
  svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    [start, last, isMoving] = [placeIn(event), placeIn(event), event.shiftKey];
  });
  addEventListener("pointermove", (event) => {
    if (!start || !last) return;
    const now = placeIn(event);
    if (isMoving) panBy(now.x - last.x, now.y - last.y);
    else drawBrush(start, now);
    last = now;
  });
  addEventListener("pointerup", (event) => {
    if (!start) return;
    const [from, to] = [start, placeIn(event)];
    start = null;
    drawBrush(from, from);
    if (isMoving || Math.hypot(to.x - from.x, to.y - from.y) < LEAST_DRAG) return;
    svg.dataset.dragged = "true";
    zoomTo(from, to);
  });
  byId("zoom-in").addEventListener("click", () => zoomBy(0.6));
  byId("zoom-out").addEventListener("click", () => zoomBy(1 / 0.6));
  byId("zoom-whole").addEventListener("click", () => setZoom(null, null));
  svg.addEventListener("keydown", onZoomKey);
}

/** @param {{x: number, y: number}} a @param {{x: number, y: number}} b */
function drawBrush(a, b) {
  const brush = byId("plot").querySelector(".brush");
  if (!brush) return;
  fill(brush, { x: Math.min(a.x, b.x), y: Math.min(a.y, b.y), width: Math.abs(a.x - b.x), height: Math.abs(a.y - b.y) }, []);
}

/** @param {KeyboardEvent} event */
function onZoomKey(event) {
  const step = 40;
  const moves = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] });
  if (event.shiftKey && event.key in moves) panBy(...moves[event.key]);
  else if (event.key === "+") zoomBy(0.6);
  else if (event.key === "-") zoomBy(1 / 0.6);
  else if (event.key === "0") setZoom(null, null);
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
