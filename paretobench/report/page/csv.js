// One cell of a CSV file: quoted where needed, and never read as a formula. Pure.

/**
 * A text that a spreadsheet would run gets an apostrophe before it, as in the report's `table.csv`.
 * @param {any} value
 */
function csvCell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
