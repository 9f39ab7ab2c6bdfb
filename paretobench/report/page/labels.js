// Labels beside marks, where they touch nothing; a label without such a place is left out. Pure.

/** @typedef {{left: number, right: number, top: number, bottom: number}} Box */

const PLACES = [
  [-1, 0], [1, 0], [0, -1], [0, 1], [-1, -1], [1, -1], [-1, 1], [1, 1],
];

/** @param {Box} a @param {Box} b */
function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** @param {number} x @param {number} y @param {number} width @param {number} height @returns {Box} */
function boxAt(x, y, width, height) {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

/** The straight pieces of a step line as thin boxes.
 * @param {number[][]} corners @param {number} width */
function stepBoxes(corners, width) {
  const found = [];
  for (let index = 1; index < corners.length; index += 1) {
    const [[x1, y1], [x2, y2]] = [corners[index - 1], corners[index]];
    const wide = Math.abs(x2 - x1) + width;
    found.push(boxAt((x1 + x2) / 2, (y1 + y2) / 2, wide, Math.abs(y2 - y1) + width));
  }
  return found;
}

/**
 * Where labels go, the most important first; of each label's texts the first that finds a place.
 * @param {{x: number, y: number, radius: number, height: number, texts: [string, number][]}[]} wanted texts with their widths
 * @param {Box[]} taken boxes to keep off
 * @param {Box} frame
 * @returns {({x: number, y: number, text: string} | null)[]} the centre and the text of each
 */
function placeLabels(wanted, taken, frame) {
  const held = [...taken];
  return wanted.map((label) => {
    for (const [text, width] of label.texts) {
      const place = freePlace(label, width, held, frame);
      if (!place) continue;
      held.push(boxAt(place.x, place.y, width, label.height));
      return { ...place, text };
    }
    return null;
  });
}

/**
 * @param {{x: number, y: number, radius: number, height: number}} label
 * @param {number} width
 * @param {Box[]} held
 * @param {Box} frame
 */
function freePlace(label, width, held, frame) {
  for (const far of [4, 9]) {
    for (const [right, down] of PLACES) {
      const reach = label.radius + far * (right && down ? 0.6 : 1);
      const x = label.x + right * (reach + width / 2);
      const y = label.y + down * (reach + label.height / 2);
      const place = boxAt(x, y, width, label.height);
      const isInside = place.left >= frame.left && place.right <= frame.right
        && place.top >= frame.top && place.bottom <= frame.bottom;
      if (isInside && !held.some((other) => touches(place, other))) return { x, y };
    }
  }
  return null;
}
