// Labels beside marks, where they touch nothing; a label without such a place is left out.

const PLACES = [
  [-1, 0], [1, 0], [0, -1], [0, 1], [-1, -1], [1, -1], [-1, 1], [1, 1],
];

function touches(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function box(x, y, width, height) {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

/** The straight pieces of a step line as thin boxes. */
function stepBoxes(corners, width) {
  const found = [];
  for (let index = 1; index < corners.length; index += 1) {
    const [[x1, y1], [x2, y2]] = [corners[index - 1], corners[index]];
    const wide = Math.abs(x2 - x1) + width;
    found.push(box((x1 + x2) / 2, (y1 + y2) / 2, wide, Math.abs(y2 - y1) + width));
  }
  return found;
}

/**
 * Where labels go. `wanted` are {x, y, radius, width, height}, the most important first;
 * `taken` are boxes to keep off. Returns the centre [x, y] for each, or null.
 */
function placeLabels(wanted, taken, frame) {
  const held = [...taken];
  return wanted.map((label) => {
    for (const far of [4, 9]) {
      for (const [right, down] of PLACES) {
        const diagonal = right && down ? 0.6 : 1;
        const reach = label.radius + far * diagonal;
        const x = label.x + right * (reach + label.width / 2);
        const y = label.y + down * (reach + label.height / 2);
        const place = box(x, y, label.width, label.height);
        const isInside = place.left >= frame.left && place.right <= frame.right
          && place.top >= frame.top && place.bottom <= frame.bottom;
        if (isInside && !held.some((other) => touches(place, other))) {
          held.push(place);
          return [x, y];
        }
      }
    }
    return null;
  });
}
