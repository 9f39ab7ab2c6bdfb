// The state in the address, after the `#`: what a link restores. Pure: text in, text out.
// Only what differs from the page's first state is written, by names and not by positions, so
// that a link made from one report still means the same in the next one of the same sweep.

/** Single values that an address may hold. */
const ADDRESS_TEXTS = ["recipe", "environment", "cost", "accuracy", "budget", "point", "sort", "search", "layer", "theme", "x", "y", "embed", "rows"];

/** Lists that an address may hold. */
const ADDRESS_LISTS = ["encoder", "llm", "px", "tiling", "source", "hide"];

/**
 * @param {Address} address what is to be written; empty values are left out
 * @returns {string} `#key=value&...`, or an empty string
 */
function addressText(address) {
  const query = new URLSearchParams();
  for (const key of ADDRESS_TEXTS) if (address[key]) query.set(key, String(address[key]));
  for (const key of ADDRESS_LISTS) for (const value of address[key] || []) query.append(key, String(value));
  const text = query.toString();
  return text ? `#${text}` : "";
}

/**
 * @param {string} hash of an address, with or without its `#`
 * @returns {Address} unknown keys are left out
 */
function readAddress(hash) {
  const query = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Address} */
  const found = {};
  for (const key of ADDRESS_TEXTS) if (query.get(key)) found[key] = query.get(key);
  for (const key of ADDRESS_LISTS) if (query.has(key)) found[key] = query.getAll(key);
  return found;
}

/**
 * Both ends of a range, or nothing if they are not two rising numbers.
 * @param {string | undefined} text such as `20..500`
 * @returns {[number, number] | null}
 */
function readRange(text) {
  const [low, high] = (text || "").split("..").map((end) => (end.trim() ? Number(end) : NaN));
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

/** @param {[number, number] | null} range */
function rangeText(range) {
  return range ? range.map((end) => Number(end.toPrecision(5))).join("..") : "";
}
