// What can be taken away: the figure as SVG and PNG, the table as a file, a link, an embedding.

/** What of the page's style sheet a figure of its own needs, written into each shape. */
const PRESENTATION = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "stroke-opacity", "opacity", "font-size", "font-family", "font-weight"];

const PNG_SCALE = 2;

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  say(`Saved ${name}.`);
}

/** A file's name from the report's, in characters that any file system takes.
 * @param {string} ending */
function fileName(ending) {
  const stem = data.name.replace(/[^A-Za-z0-9.-]+/g, "_").replace(/^[._]+|[._]+$/g, "").slice(0, 80) || "report";
  return `${stem}.${ending}`;
}

/** The figure as it stands, with its legend and where it comes from, as an SVG file's text. */
function figureText() {
  const { width, height } = scene;
  const legend = legendLines(width);
  const top = 10 + legend.length * 20;
  const foot = [data.title, `${data.environment}; ${state.recipe ? `recipe ${state.recipe}; ` : ""}${counted(scene.points.length, "point")}`, data.command].filter(Boolean);
  const tall = top + height + 8 + foot.length * 14;
  const paper = getComputedStyle(document.body).backgroundColor;
  const copyOf = styledCopy(byId("plot"));
  copyOf.setAttribute("y", String(top));
  copyOf.setAttribute("width", String(width));
  copyOf.setAttribute("height", String(height));
  const muted = getComputedStyle(byId("status")).color;
  const words = foot.map((text, index) => draw("text", { x: 4, y: top + height + 14 + index * 14, fill: muted, "font-size": 10.5, "font-family": "sans-serif" }, shortened(text, 150)));
  const whole = draw("svg", { viewBox: `0 0 ${width} ${tall}`, width, height: tall },
    draw("rect", { width, height: tall, fill: paper }), ...legend.flat(), copyOf, ...words);
  return new XMLSerializer().serializeToString(whole);
}

/** The legend's entries as lines of icons and texts that fit the width.
 * @param {number} width */
function legendLines(width) {
  /** @type {Element[][]} */
  const lines = [[]];
  let x = 4;
  for (const entry of byId("legend").children) {
    const text = entry.textContent || "";
    const wide = 32 + textWidth(text);
    if (x + wide > width && x > 4) {
      lines.push([]);
      x = 4;
    }
    const y = lines.length * 20 - 6;
    const copyOf = styledCopy(entry.querySelector("svg"));
    fill(copyOf, { x, y: y - 9, width: 18, height: 18 }, []);
    const ink = getComputedStyle(document.body).color;
    lines[lines.length - 1].push(copyOf, draw("text", { x: x + 23, y: y + 4, fill: ink, "font-size": 11.5, "font-family": "sans-serif" }, text));
    x += wide + 8;
  }
  return lines;
}

/** A copy whose look is in the shapes themselves and not in the page's style sheet.
 * @param {Element} original @returns {Element} */
function styledCopy(original) {
  const copyOf = /** @type {Element} */ (original.cloneNode(true));
  const pairs = [...original.querySelectorAll("*")].map((from, at) => /** @type {[Element, Element]} */ ([from, copyOf.querySelectorAll("*")[at]]));
  for (const [from, to] of pairs) {
    const look = getComputedStyle(from);
    for (const name of PRESENTATION) to.setAttribute(name, look.getPropertyValue(name));
    for (const name of ["class", "tabindex", "role", "aria-selected", "data-row", "aria-hidden"]) to.removeAttribute(name);
  }
  for (const name of ["id", "class", "role"]) copyOf.removeAttribute(name);
  return copyOf;
}

/** The figure as PNG, twice as fine as on the screen.
 * @returns {Promise<Blob>} */
async function figureImage() {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(figureText())}`;
  await image.decode();
  const canvas = make("canvas");
  [canvas.width, canvas.height] = [image.width * PNG_SCALE, image.height * PNG_SCALE];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => {
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("the browser made no image"))), "image/png");
  });
}

/** @param {string} text @param {string} what it is, for the message */
async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "hidden", "aria-label": "text to copy" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`Copied ${what}.`);
}

/** The page's address with the state in it. @param {Address} [extra] */
function linkText(extra = {}) {
  return location.href.replace(/#.*$/, "") + addressText({ ...addressNow(), ...extra });
}

/** What another page holds to show this plot without controls. */
function embedText() {
  const address = linkText({ embed: "1" }).replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return `<iframe src="${address}" width="800" height="560" title="${data.title.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;")}"></iframe>`;
}

function connectSaving() {
  byId("save-svg").addEventListener("click", () => download(new Blob([figureText()], { type: "image/svg+xml" }), fileName("svg")));
  byId("save-png").addEventListener("click", async () => download(await figureImage(), fileName("png")));
  byId("save-csv").addEventListener("click", () => download(new Blob([asCsv(tableNow().listed)], { type: "text/csv" }), fileName("csv")));
  byId("copy-link").addEventListener("click", () => copy(linkText(), "the link to this view"));
  byId("copy-embed").addEventListener("click", () => copy(embedText(), "an iframe with this plot"));
}
