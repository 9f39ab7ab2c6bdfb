// Pointing at the plot: mouse, finger, arrow keys, and the tip beside the point in question.

function hideTip() {
  byId("tip").hidden = true;
}

function showTip(point) {
  const tip = byId("tip");
  const plot = byId("plot").getBoundingClientRect();
  const ratio = plot.width / scene.width || 1;
  const gain = point.gain === null ? point.row.reason || "no score" : `${scene.gain.label} ${point.gainText} %`;
  tip.replaceChildren(make("strong", {}, isolated(shortened(point.row.name, 80))), make("br"), point.text, make("br"), shortened(gain, 120));
  tip.hidden = false;
  const half = tip.offsetWidth / 2;
  const x = Math.max(half, Math.min(plot.width - half, point.x * ratio));
  const isHigh = point.y * ratio < tip.offsetHeight + 20;
  tip.style.left = `${x - half}px`;
  tip.style.top = `${point.y * ratio + (isHigh ? 16 : -16 - tip.offsetHeight)}px`;
}

function connectPlot() {
  const svg = byId("plot");
  const pointAt = (event) => {
    const bounds = svg.getBoundingClientRect();
    const ratio = scene.width / bounds.width;
    return nearest(drawn, (event.clientX - bounds.left) * ratio, (event.clientY - bounds.top) * ratio, 26);
  };
  svg.addEventListener("pointermove", (event) => {
    const point = pointAt(event);
    svg.classList.toggle("is-pointing", Boolean(point));
    if (point) showTip(point);
    else hideTip();
  });
  svg.addEventListener("pointerleave", hideTip);
  svg.addEventListener("click", (event) => {
    const point = pointAt(event);
    if (point) choose(point.row, false);
  });
  svg.addEventListener("focusin", (event) => {
    const point = drawn.find((each) => each.element === event.target);
    if (point && point.element.matches(":focus-visible")) showTip(point);
  });
  svg.addEventListener("focusout", hideTip);
  svg.addEventListener("keydown", onPlotKey);
}

function onPlotKey(event) {
  const order = [...drawn].sort((a, b) => a.cost - b.cost || a.gain - b.gain);
  const at = order.findIndex((point) => point.element === event.target);
  if (at < 0) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    choose(order[at].row, true);
    return;
  }
  const moves = { ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1, Home: 0, End: order.length - 1 };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const next = order[Math.max(0, Math.min(order.length - 1, moves[event.key]))];
  order[at].element.setAttribute("tabindex", "-1");
  next.element.setAttribute("tabindex", "0");
  next.element.focus();
}
