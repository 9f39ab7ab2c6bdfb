// Making elements. Text only ever becomes a text node, and no markup is parsed anywhere.

const SVG = "http://www.w3.org/2000/svg";
const MISSING = "–";

/**
 * @template {Element} E
 * @param {E} element
 * @param {Record<string, any>} attributes names that begin with `on` listen
 * @param {any[]} children nodes and texts; null and undefined are left out
 * @returns {E}
 */
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes]
 * @param {any[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {any[]} children
 * @returns {SVGElement}
 */
function draw(tag, attributes = {}, ...children) {
  return fill(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/**
 * @param {string} id
 * @returns {any} the element; the template has it, which a test checks
 */
function byId(id) {
  return document.getElementById(id);
}

/**
 * A text that may be in any script, kept from turning its neighbours round.
 * @param {string} text
 */
function isolated(text) {
  return make("bdi", {}, text);
}

/**
 * @param {string} text
 * @param {number} length in characters, an ellipsis included
 */
function shortened(text, length) {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : text;
}

/** @param {number} count @param {string} noun */
function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let messageTimer;

/**
 * Says what an action did, at the foot of the window wherever it is scrolled to.
 * @param {string} text
 */
function say(text) {
  byId("status").textContent = text;
  byId("status").classList.add("is-shown");
  clearTimeout(messageTimer);
  messageTimer = setTimeout(() => byId("status").classList.remove("is-shown"), 5000);
}
