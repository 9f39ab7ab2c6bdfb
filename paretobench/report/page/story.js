// All about one point: its parts as a bar, its facts, its scores, and how it was made.

/**
 * @param {HTMLElement} host
 * @param {Row | null} row
 * @param {{eyebrow: string, verdict: any[]}} context
 */
function showStory(host, row, context) {
  if (!row) {
    host.replaceChildren(make("p", { class: "muted" }, "Choose a point in the plot or the table to read all about it."));
    return;
  }
  host.replaceChildren(
    make("p", { class: "eyebrow" }, context.eyebrow),
    make("h2", { id: "story-title", tabindex: "-1", dir: "auto" }, row.name),
    make("p", { class: "verdict" }, ...context.verdict),
    timeBar(row) || "",
    intervals(row) || "",
    ...row.story.map(([heading, facts]) => make("section", {},
      make("h3", {}, heading),
      make("dl", {}, ...facts.flatMap(([term, text]) => [make("dt", {}, term), make("dd", {}, isolated(text))])))),
    scoreTable(row) || "",
    howMade(row) || "",
    timedRuns(row) || "",
  );
}

/** @param {Row} row */
function timeBar(row) {
  /** @param {string} key */
  const find = (key) => row.costs[data.costs.findIndex((/** @type {Cost} */ cost) => cost.key === key)];
  const [encode, prefill] = [find("encode"), find("prefill")];
  if (!encode || !prefill) return null;
  const share = (100 * encode.value) / (encode.value + prefill.value);
  const bar = draw("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", class: "parts", "aria-hidden": "true" },
    draw("rect", { width: share, height: 8, class: "encode" }),
    draw("rect", { x: share, width: 100 - share, height: 8, class: "prefill" }));
  return make("figure", { class: "bar" }, bar,
    make("figcaption", {},
      make("span", { class: "key encode" }, `encoding ${encode.text}`),
      make("span", { class: "key prefill" }, `prefill ${prefill.text}`)));
}

/** Each estimate with its interval, as a share of itself: how sure each part is.
 * @param {Row} row */
function intervals(row) {
  /** @type {[Cost, Held][]} */
  const known = data.costs.map((/** @type {Cost} */ cost, /** @type {number} */ index) => [cost, row.costs[index]])
    .filter((/** @type {[Cost, Held | null]} */ [cost, held]) => held && held.low !== undefined && cost.unit === "ms");
  if (!known.length) return null;
  const widest = Math.max(...known.map(([, held]) => Math.max(Number(held.high) / held.value - 1, 1 - Number(held.low) / held.value)), 0.005);
  /** @param {number} ratio */
  const at = (ratio) => 150 + ((ratio - 1) / widest) * 60;
  const lines = known.map(([cost, held], index) => {
    const y = 14 + index * 20;
    return draw("g", {},
      draw("text", { x: 0, y: y + 4 }, cost.key === "ttft" ? "TTFT" : cost.key),
      draw("line", { x1: at(Number(held.low) / held.value), x2: at(Number(held.high) / held.value), y1: y, y2: y }),
      draw("circle", { cx: at(1), cy: y, r: 3.5 }));
  });
  const high = 10 + known.length * 20;
  return make("figure", { class: "intervals" },
    draw("svg", { viewBox: `0 0 220 ${high}`, "aria-hidden": "true" },
      draw("line", { x1: 150, x2: 150, y1: 4, y2: high - 2, class: "grid" }), ...lines),
    make("figcaption", {}, "95 % intervals, each relative to its value"));
}

/** The command that plans exactly this point, and the one that measures it; with buttons to copy.
 * @param {Row} row */
function howMade(row) {
  const commands = commandsOf(row);
  if (!commands.length) return null;
  return make("section", { class: "made" }, make("h3", {}, "How this was made"),
    ...commands.map(([what, text]) => make("div", { class: "command" },
      make("p", { class: "small muted" }, what),
      make("code", {}, text),
      make("button", { type: "button", class: "copy", "aria-label": `Copy: ${what}`, onclick: () => copy(text, "the command") }, "Copy"))));
}

/** What each command does, and its text.
 * @param {Row} row @returns {[string, string][]} */
function commandsOf(row) {
  const values = /** @type {Record<string, any>} */ ({ encoder: row.raw.encoder, resolution: row.px, llm: row.raw.llm, tiling: row.raw.tiling || "none", device: row.device });
  /** @param {string} template */
  const filled = (template) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const found = data.commands.filter((/** @type {any} */ each) => each.needs <= row.plannable);
  return found.map((/** @type {any} */ each) => [each.what, filled(each.text)]);
}

/** The timed runs behind each part: a line for each process, from its fastest run to its slowest.
 * @param {Row} row */
function timedRuns(row) {
  if (!row.runs.length) return null;
  return make("section", {}, make("h3", {}, "Timed runs"), ...row.runs.map(runsOfPart));
}

/** @param {PartRuns} runs */
function runsOfPart({ caption, fastest, slowest, processes }) {
  const [low, high] = extent(processes.flat());
  /** @param {number} run */
  const at = (run) => 6 + (high > low ? (run - low) / (high - low) : 0.5) * 208;
  const tall = 8 + processes.length * 9;
  const lines = processes.map((runs, index) => {
    const y = 8 + index * 9;
    return draw("g", {},
      draw("line", { x1: at(runs[0]), x2: at(runs[runs.length - 1]), y1: y, y2: y }),
      ...runs.map((run) => draw("circle", { cx: at(run), cy: y, r: 2.2 })));
  });
  return make("figure", { class: "runs" },
    make("figcaption", {}, caption),
    draw("svg", { viewBox: `0 0 220 ${tall}`, "aria-hidden": "true" },
      draw("line", { x1: at(0), x2: at(0), y1: 1, y2: tall - 1, class: "grid" }), ...lines),
    make("p", { class: "ends" }, make("span", {}, fastest), make("span", {}, slowest)));
}

/** @param {Row} row */
function scoreTable(row) {
  if (!row.scores.size) return null;
  const lines = [...row.scores].map(([gain, score]) => {
    const bar = draw("svg", { viewBox: "0 0 100 4", preserveAspectRatio: "none", class: "meter", "aria-hidden": "true" },
      draw("rect", { width: 100, height: 4, class: "whole" }),
      draw("rect", { width: Math.max(0, Math.min(100, score.value * 100)), height: 4, class: "part" }));
    return make("tr", { title: score.source },
      make("th", { scope: "row" }, isolated(data.gains[gain].label), bar),
      make("td", { class: "number" }, score.text, score.isAssumed ? make("span", { class: "muted" }, " *") : null),
      make("td", { class: "number muted" }, score.items));
  });
  const isAssumed = [...row.scores.values()].some((score) => score.isAssumed);
  const sources = [...new Set([...row.scores.values()].map((score) => score.source))];
  return make("section", {},
    make("h3", {}, "Scores"),
    make("table", { class: "scores" },
      make("caption", { class: "hidden" }, `Scores of ${row.name}`),
      make("thead", {}, make("tr", {},
        make("th", { scope: "col" }, "benchmark"),
        make("th", { scope: "col", class: "number" }, "%"),
        make("th", { scope: "col", class: "number" }, "items"))),
      make("tbody", {}, ...lines)),
    make("p", { class: "muted small" }, `± is a half 95 % interval${isAssumed ? "; * its error is assumed from item counts and the spread between trainings" : ""}`),
    make("p", { class: "muted small" }, `From: ${sources.join(" · ")}`));
}
