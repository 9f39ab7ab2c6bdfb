// The table: sorted, a page at a time, and as Markdown or CSV in the report's words.

const PAGE_ROWS = 50;
const MOST_PRINTED = 2000;

/** The columns on show: the general table's, and what stands on an axis but not in it. */
function columnsOnShow() {
  /** @type {any[]} */
  const columns = data.columns.map((/** @type {Column} */ column, /** @type {number} */ index) => ({
    ...column,
    id: String(index),
    text: (/** @type {Row} */ row) => (column.heading === "front" ? standing(row) : row.cells[index]),
    isNumber: column.raw !== null || column.heading === "front",
    key: sortKey(column, index),
  }));
  const gain = data.gains[state.gain];
  if (state.gain > 0) {
    const after = columns.findIndex((column) => column.heading === `${data.benchmark} %`);
    columns.splice(after + 1, 0, {
      heading: `${gain.label} %`, align: "right", isNumber: true, id: `gain-${gain.key}`,
      text: (/** @type {Row} */ row) => row.scores.get(state.gain)?.text ?? MISSING,
      key: (/** @type {Row} */ row) => row.scores.get(state.gain)?.value ?? null,
    });
  }
  if (data.costs[state.cost].key === "memory") {
    const before = columns.findIndex((column) => column.heading === "recipe");
    columns.splice(before, 0, {
      heading: "peak memory", align: "right", isNumber: true, id: "memory",
      text: (/** @type {Row} */ row) => row.costs[state.cost]?.text ?? MISSING,
      key: (/** @type {Row} */ row) => row.costs[state.cost]?.value ?? null,
    });
  }
  return columns;
}

/** What a column sorts by: a raw value, the order of the standings, or its text.
 * @param {Column} column @param {number} index @returns {(row: Row) => any} */
function sortKey(column, index) {
  const { raw } = column;
  if (column.heading === "front") {
    return (row) => {
      const at = STANDINGS.indexOf(standing(row));
      return at < 0 ? null : at;
    };
  }
  return raw !== null ? (row) => row.raw[raw] : (row) => row.cells[index];
}

/** As people look at them: what must be known of a row comes second, not out of sight.
 * @param {any[]} columns */
function asShown(columns) {
  const note = columns.filter((column) => column.heading === "note");
  const [first, ...rest] = columns.filter((column) => column.heading !== "note");
  return [first, ...rest.slice(0, 3), ...note, ...rest.slice(3)];
}

const collator = new Intl.Collator("en", { numeric: true });

/** Rows in the order asked for; what is missing comes last in both directions.
 * @param {Row[]} some @param {any[]} columns @param {{id: string, isDescending: boolean}} sort */
function sortedRows(some, columns, sort) {
  const column = columns.find((each) => each.id === sort.id);
  if (!column) return some;
  /** @param {any} key */
  const isMissing = (key) => key === null || key === "" || key === MISSING;
  const sign = sort.isDescending ? -1 : 1;
  return [...some].sort((a, b) => {
    const [first, second] = [column.key(a), column.key(b)];
    if (isMissing(first) || isMissing(second)) return Number(isMissing(first)) - Number(isMissing(second));
    return sign * (column.isNumber ? first - second : collator.compare(first, second));
  });
}

/** @param {any} column @param {{id: string, isDescending: boolean}} sort @param {(column: any) => void} onSort */
function headerCell(column, sort, onSort) {
  const isSorted = sort.id === column.id;
  const direction = sort.isDescending ? "descending" : "ascending";
  const arrow = isSorted ? (sort.isDescending ? "▼" : "▲") : "";
  return make("th", {
    scope: "col", class: column.align === "right" ? "number" : null, "aria-sort": isSorted ? direction : "none",
  }, make("button", { type: "button", "data-column": column.heading, onclick: () => onSort(column) },
    column.heading, make("span", { "aria-hidden": "true", class: "arrow" }, arrow)));
}

/** @param {Row} row @param {any[]} columns */
function bodyRow(row, columns) {
  const cells = columns.map((column, index) => {
    const text = column.text(row);
    if (index === 0) {
      return make("th", { scope: "row" }, make("button", {
        type: "button", class: "link", "data-row": row.index, "aria-label": `${row.name}: show all about it`,
      }, isolated(text)));
    }
    const isLong = column.heading === "note" || column.heading === "source";
    const kind = [column.align === "right" ? "number" : "", isLong ? "long" : ""].join(" ").trim();
    return make("td", { class: kind || null, title: isLong && text ? text : null }, isolated(text));
  });
  const isFront = standing(row) === "front";
  return make("tr", { class: isFront ? "is-front" : null, "aria-current": row === state.shown ? "true" : null }, ...cells);
}

/** @param {{rows: Row[], columns: any[], caption: string, onSort: (column: any) => void}} view */
function showTable(view) {
  const columns = asShown(view.columns);
  const from = state.isPrinting ? 0 : state.page * PAGE_ROWS;
  const to = state.isPrinting ? Math.min(view.rows.length, MOST_PRINTED) : Math.min(view.rows.length, from + PAGE_ROWS);
  byId("caption").textContent = view.caption;
  byId("head").replaceChildren(make("tr", {}, ...columns.map((column) => headerCell(column, state.sort, view.onSort))));
  byId("body").replaceChildren(...view.rows.slice(from, to).map((row) => bodyRow(row, columns)));
  byId("range").textContent = view.rows.length ? `${from + 1} to ${to} of ${view.rows.length}` : "no rows";
  byId("previous").disabled = from === 0;
  byId("next").disabled = to >= view.rows.length;
  byId("pager").hidden = view.rows.length <= PAGE_ROWS;
}

/** @param {string} text */
function markdownCell(text) {
  const flat = text.split(/\s+/).filter(Boolean).join(" ");
  return flat.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** The rows as GitHub Markdown, the same text as the report's `table.md`.
 * @param {Row[]} some @param {any[]} columns */
function asMarkdown(some, columns) {
  /** @param {string[]} cells */
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = columns.map((column) => (column.align === "right" ? "---:" : "---")).join("|");
  const lines = some.map((row) => {
    const cells = columns.map((column) => markdownCell(column.text(row)));
    const isBold = scene.byRow.get(row)?.isFront || (state.hasEverything && standing(row) === "front");
    if (isBold) cells[0] = `**${cells[0]}**`;
    return line(cells);
  });
  return [line(columns.map((column) => markdownCell(column.heading))), `|${rule}|`, ...lines, ""].join("\n");
}

/** The rows as CSV with raw numbers, under the names of the report's `table.csv`.
 * @param {Row[]} some */
function asCsv(some) {
  const gain = data.gains[state.gain];
  const extra = state.gain > 0 ? [`${gain.key}_fraction`] : [];
  const lines = some.map((row) => [...data.raw.map((/** @type {string} */ name) => row.raw[name]), ...extra.map(() => row.scores.get(state.gain)?.value ?? null)]);
  return `${[[...data.raw, ...extra], ...lines].map((cells) => cells.map(csvCell).join(",")).join("\n")}\n`;
}
