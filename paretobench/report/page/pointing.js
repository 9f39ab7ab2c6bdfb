// Pointing at the plot: mouse, finger, arrow keys, and the tip beside the point in question.

function hideTip() {
  byId("tip").hidden = true;
}

/** @param {Point} point */
function showTip(point) {
  const tip = byId("tip");
  const plot = byId("plot").getBoundingClientRect();
  const ratio = plot.width / scene.width || 1;
  const gain = point.gain === null ? point.row.reason || "no score" : `${scene.gain.label} ${point.gainText} %`;
  tip.replaceChildren(make("strong", {}, isolated(shortened(point.row.name, 80))), make("br"), point.text, make("br"), shortened(gain, 120), make("br"), SPOKEN[point.standing]);
  tip.hidden = false;
  const half = tip.offsetWidth / 2;
  const x = Math.max(half, Math.min(plot.width - half, Number(point.x) * ratio));
  const y = Number(point.y) * ratio;
  const isHigh = y < tip.offsetHeight + 20;
  tip.style.left = `${x - half}px`;
  tip.style.top = `${y + (isHigh ? 16 : -16 - tip.offsetHeight)}px`;
}

function connectPlot() {
  const svg = byId("plot");
  /** @param {MouseEvent} event */
  const pointAt = (event) => {
    const { x, y } = placeIn(event);
    return nearest(drawn, x, y, 26);
  };
  svg.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const point = event.buttons ? null : pointAt(event);
    svg.classList.toggle("is-pointing", Boolean(point));
    if (point) showTip(point);
    else hideTip();
  });
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("click", (/** @type {PointerEvent} */ event) => {
    const wasDrag = svg.dataset.dragged === "true";
    delete svg.dataset.dragged;
    const point = wasDrag ? null : pointAt(event);
    if (!point) return;
    choose(point.row, false);
    showTip(scene.byRow.get(point.row) || point);
  });
  svg.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
    const point = drawn.find((each) => each.element === event.target);
    if (point && point.element && point.element.matches(":focus-visible")) showTip(point);
  });
  svg.addEventListener("focusout", hideTip);
  svg.addEventListener("keydown", onPlotKey);
}

/** @param {KeyboardEvent} event */
function onPlotKey(event) {
  const order = [...drawn].sort((a, b) => a.cost - b.cost || Number(a.gain) - Number(b.gain));
  const at = order.findIndex((point) => point.element === event.target);
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(order[at].row, true);
    return;
  }
  const moves = /** @type {Record<string, number>} */ ({ ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: order.length - 1 });
  if (!(event.key in moves)) return;
  event.preventDefault();
  const next = order[Math.max(0, Math.min(order.length - 1, moves[event.key]))];
  order[at].element?.setAttribute("tabindex", "-1");
  next.element?.setAttribute("tabindex", "0");
  /** @type {any} */ (next.element).focus();
}
