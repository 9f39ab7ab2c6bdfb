// Making elements. Text only ever becomes a text node, and no markup is parsed anywhere.

const SVG = "http://www.w3.org/2000/svg";
const MISSING = "–";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined).flat());
  return element;
}

function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

/** A text that may be in any script, kept from turning its neighbours round. */
function isolated(text) {
  return make("bdi", {}, text);
}

function shortened(text, length) {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : text;
}

/** Tells screen readers and sighted people alike what an action did. */
function say(text) {
  byId("status").textContent = text;
}
