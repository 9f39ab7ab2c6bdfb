// The shapes of marks: one for each LLM, smallest first, as in the figures. Pure.

const RADIUS = 5.5;

const SHAPES = [
  polygon(0), polygon(3), polygon(4, 45), polygon(4), polygon(3, 180), star(4), star(4, 45),
  polygon(5), polygon(6), star(5), polygon(3, 90), polygon(3, 270), polygon(8), star(3),
];

/** @param {number} corners none for a circle @param {number} [turn] degrees */
function polygon(corners, turn = 0) {
  if (!corners) return `M${-RADIUS},0a${RADIUS},${RADIUS} 0 1 0 ${2 * RADIUS},0a${RADIUS},${RADIUS} 0 1 0 ${-2 * RADIUS},0z`;
  return ring(corners, turn, () => (corners === 3 ? 1.3 : 1.2) * RADIUS);
}

/** @param {number} rays @param {number} [turn] degrees */
function star(rays, turn = 0) {
  return ring(rays * 2, turn, (corner) => (corner % 2 ? 0.6 : 1.35) * RADIUS);
}

/** @param {number} corners @param {number} turn @param {(corner: number) => number} radius */
function ring(corners, turn, radius) {
  const points = Array.from({ length: corners }, (_, corner) => {
    const angle = (2 * Math.PI * corner) / corners + (turn * Math.PI) / 180;
    return `${(radius(corner) * Math.sin(angle)).toFixed(2)},${(-radius(corner) * Math.cos(angle)).toFixed(2)}`;
  });
  return `M${points.join("L")}z`;
}

/** The shape of an LLM among those on show; past the last shape they begin again.
 * @param {string[]} llms @param {string} llm */
function shapeOf(llms, llm) {
  return SHAPES[Math.max(0, llms.indexOf(llm)) % SHAPES.length];
}
