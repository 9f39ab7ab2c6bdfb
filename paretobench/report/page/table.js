// The table: sorted, a page at a time, and copied as Markdown or CSV in the report's words.

const PAGE_ROWS = 50;
const MOST_PRINTED = 2000;

/** The columns on show: the general table's, and what stands on an axis but not in it. */
function columnsOnShow(data, state) {
  const columns = data.columns.map((column, index) => ({
    ...column,
    id: String(index),
    text: (row) => row.cells[index],
    isNumber: column.raw !== null,
    key: (row) => (column.raw !== null ? row.raw[column.raw] : row.cells[index]),
  }));
  const gain = data.gains[state.gain];
  if (state.gain > 0) {
    const after = columns.findIndex((column) => column.heading === `${data.benchmark} %`);
    columns.splice(after + 1, 0, {
      heading: `${gain.label} %`, align: "right", isNumber: true, id: `gain-${gain.key}`,
      text: (row) => (row.scores.has(state.gain) ? row.scores.get(state.gain).text : MISSING),
      key: (row) => (row.scores.has(state.gain) ? row.scores.get(state.gain).value : null),
    });
  }
  if (data.costs[state.cost].key === "memory") {
    const before = columns.findIndex((column) => column.heading === "recipe");
    columns.splice(before, 0, {
      heading: "peak memory", align: "right", isNumber: true, id: "memory",
      text: (row) => (row.costs[state.cost] ? row.costs[state.cost].text : MISSING),
      key: (row) => (row.costs[state.cost] ? row.costs[state.cost].value : null),
    });
  }
  return columns;
}

const collator = new Intl.Collator("en", { numeric: true });

/** Rows in the order asked for; what is missing comes last in both directions. */
function sortedRows(rows, columns, sort) {
  const column = columns.find((each) => each.id === sort.id);
  if (!column) return rows;
  const isMissing = (key) => key === null || key === "" || key === MISSING;
  const sign = sort.isDescending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [first, second] = [column.key(a), column.key(b)];
    if (isMissing(first) || isMissing(second)) return isMissing(first) - isMissing(second);
    return sign * (column.isNumber ? first - second : collator.compare(first, second));
  });
}

function headerCell(column, sort, onSort) {
  const isSorted = sort.id === column.id;
  const direction = sort.isDescending ? "descending" : "ascending";
  const arrow = isSorted ? (sort.isDescending ? "▼" : "▲") : "";
  return make("th", {
    scope: "col", class: column.align === "right" ? "number" : null, "aria-sort": isSorted ? direction : "none",
  }, make("button", { type: "button", "data-column": column.heading, onclick: () => onSort(column) },
    column.heading, make("span", { "aria-hidden": "true", class: "arrow" }, arrow)));
}

function bodyRow(row, columns, state, standing) {
  const cells = columns.map((column, index) => {
    const text = column.heading === "front" ? standing(row) : column.text(row);
    if (index === 0) {
      return make("th", { scope: "row" }, make("button", {
        type: "button", class: "link", "data-row": row.index, "aria-label": `${row.name}: show its story`,
      }, isolated(text)));
    }
    const kind = [column.align === "right" ? "number" : "", column.heading === "note" || column.heading === "source" ? "long" : ""];
    return make("td", { class: kind.join(" ").trim() || null }, isolated(text));
  });
  const isFront = standing(row) === "front";
  return make("tr", { class: isFront ? "is-front" : null, "aria-current": row === state.shown ? "true" : null }, ...cells);
}

function showTable(view) {
  const { rows, columns, state, standing } = view;
  const from = state.isPrinting ? 0 : state.page * PAGE_ROWS;
  const to = state.isPrinting ? Math.min(rows.length, MOST_PRINTED) : Math.min(rows.length, from + PAGE_ROWS);
  byId("caption").textContent = view.caption;
  byId("head").replaceChildren(make("tr", {}, ...columns.map((column) => headerCell(column, state.sort, view.onSort))));
  byId("body").replaceChildren(...rows.slice(from, to).map((row) => bodyRow(row, columns, state, standing)));
  byId("range").textContent = rows.length ? `${from + 1} to ${to} of ${rows.length}` : "no rows";
  byId("previous").disabled = from === 0;
  byId("next").disabled = to >= rows.length;
  byId("pager").hidden = rows.length <= PAGE_ROWS;
}

function markdownCell(text) {
  const flat = text.split(/\s+/).filter(Boolean).join(" ");
  return flat.replaceAll("\\", "\\\\").replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** The rows as GitHub Markdown, the same text as the report's `table.md`. */
function asMarkdown(rows, columns, standing) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const rule = columns.map((column) => (column.align === "right" ? "---:" : "---")).join("|");
  const lines = rows.map((row) => {
    const cells = columns.map((column) => markdownCell(column.heading === "front" ? standing(row) : column.text(row)));
    if (standing(row) === "front" || (row.isFrontByReport && standing(row) === "ambiguous")) cells[0] = `**${cells[0]}**`;
    return line(cells);
  });
  return [line(columns.map((column) => markdownCell(column.heading))), `|${rule}|`, ...lines, ""].join("\n");
}

function csvCell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The rows as CSV with raw numbers, under the names of the report's `table.csv`. */
function asCsv(rows, data, state) {
  const gain = data.gains[state.gain];
  const isExtra = state.gain > 0;
  const value = (row) => (row.scores.has(state.gain) ? row.scores.get(state.gain).value : null);
  const lines = rows.map((row) => [...data.raw.map((name) => row.raw[name]), ...(isExtra ? [value(row)] : [])]);
  const names = [...data.raw, ...(isExtra ? [`${gain.key}_fraction`] : [])];
  return `${[names, ...lines].map((cells) => cells.map(csvCell).join(",")).join("\n")}\n`;
}

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
