// The pure parts of the page's script, by themselves in Node: known answers and round trips.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import vm from "node:vm";

const PARTS = ["front", "budgets", "address", "scales", "shapes", "labels", "csv"];
const folder = new URL("../../../paretobench/report/page/", import.meta.url);
const context = vm.createContext({ URLSearchParams });
for (const part of PARTS) vm.runInContext(readFileSync(new URL(`${part}.js`, folder), "utf8"), context);

/** What an expression is in the parts' own world, as plain values. */
const run = (expression, given = null) => {
  context.given = given;
  return JSON.parse(vm.runInContext(`JSON.stringify(${expression})`, context) ?? "null");
};

test("an address comes back as it was written, whatever names are in it", () => {
  const address = {
    recipe: "15M+1.1M & more", budget: "200", point: "a|512|q=1|none", hide: ["Конв", "a#b"], llm: ["x y", "=1"], x: "20..500",
  };
  assert.deepEqual(run("readAddress(addressText(given))", address), address);
  assert.equal(run("addressText({})"), "");
});

test("unknown keys of an address are left out, and no key reaches an object's prototype", () => {
  assert.deepEqual(run("readAddress('#__proto__=1&constructor=2&recipe=a&what=3')"), { recipe: "a" });
});

test("a range is two rising numbers or none", () => {
  assert.deepEqual(run("readRange('20..500')"), [20, 500]);
  for (const bad of ["500..20", "1..", "a..b", "", "1..1"]) assert.equal(run("readRange(given)", bad), null);
  assert.equal(run("rangeText(readRange('0.5..1234.5'))"), "0.5..1234.5");
});

test("budgets rise by at most 2.5 % and cover both ends", () => {
  for (const [low, high] of [[31, 1300], [0.5, 0.6], [99, 101], [1000, 200000]]) {
    const steps = run("budgetSteps(given[0], given[1])", [low, high]);
    assert.ok(steps[0] <= low && steps.at(-1) >= high);
    for (let at = 1; at < steps.length; at += 1) assert.ok(steps[at] > steps[at - 1] && steps[at] / steps[at - 1] < 1.0251);
  }
  assert.ok(run("budgetSteps(10, 300, true)").every(Number.isInteger));
});

test("a probability lies on the line between two budgets and is nothing where the curve has ended", () => {
  const steps = [100, 110, 120, 130];
  const at = (limit) => run("probabilityAt(given[0], [1, 40, 80], given[1])", [steps, limit]);
  assert.deepEqual([100, 110, 115, 120, 130, 99, 500].map(at), [0, 40, 60, 80, 0, 0, 0]);
});

test("the best and the next one are never equals", () => {
  const pairs = [[1, 5], [2, 7], [2, 7], [3, 6], [9, 9]];
  assert.deepEqual(run("bestTwo(given, 4)", pairs), [1, 3]);
  assert.deepEqual(run("bestTwo(given, 1)", pairs), [0, -1]);
  assert.deepEqual(run("bestTwo(given, 0.5)", pairs), [-1, -1]);
});

test("a text that a spreadsheet would run is none in a CSV cell, and numbers stay numbers", () => {
  const cells = { "=HYPERLINK(1)": "'=HYPERLINK(1)", "+cmd|x": "'+cmd|x", "@SUM": "'@SUM", "-x": "'-x", 'a"b': '"a""b"', "a,b": '"a,b"', plain: "plain" };
  for (const [text, cell] of Object.entries(cells)) assert.equal(run("csvCell(given)", text), cell);
  assert.equal(run("csvCell(-1.5)"), "-1.5");
  assert.equal(run("csvCell(null)"), "");
});

test("a label takes its first text that finds a place, else the next, else none", () => {
  const label = { x: 50, y: 50, radius: 5, height: 10, texts: [["a long one", 200], ["short", 20]] };
  const frame = { left: 0, right: 100, top: 0, bottom: 100 };
  assert.equal(run("placeLabels([given[0]], [], given[1])", [label, frame])[0].text, "short");
  assert.deepEqual(run("placeLabels([given[0]], [given[1]], given[1])", [label, frame]), [null]);
});

test("every shape is one of its own, and past the last they begin again", () => {
  const shapes = run("SHAPES");
  assert.equal(new Set(shapes).size, shapes.length);
  const llms = shapes.map((_, at) => `m${at}`).concat("one more");
  assert.equal(run("shapeOf(given, 'one more')", llms), shapes[0]);
});

test("a long axis of milliseconds is written in seconds", () => {
  assert.deepEqual(run("axisUnit({ unit: 'ms' }, 2000000)"), { unit: "s", divide: 1000 });
  assert.deepEqual(run("axisUnit({ unit: 'ms' }, 5000)"), { unit: "ms", divide: 1 });
});
