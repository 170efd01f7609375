// The questions, and the answers as they are given. An item has row (its cells
// of the TSV), clip (name of its sound), start, end, onset, offset (seconds),
// label (-1 of a window), confidence, weight, scores, others and ticks.

const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const { items } = data;
const isServed = location.protocol.startsWith("http");
const className = (index) => data.classes[index].replaceAll("_", " ");
const seconds = (time) => time.toFixed(2);

/** An element with text; texts are never markup. */
function element(tag, { text, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

const keyOf = (n) => `sb-sed-review/${data.id}/${n}`;
const DEPTH = 200; // of undo, after a reload
const records = new Map();
let history = [];
let onChange = () => {};

/** What is known about an item: answer, boundaries, class, added events. */
function recordOf(n) {
  const { onset, offset } = items[n];
  return (
    records.get(n) ?? { answer: "", onset, offset, label: -1, added: [] }
  );
}

function keep(name, value) {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
  } catch {
    say("This browser keeps no answers: save them before you leave.");
  }
}

function kept(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

function put(n, record) {
  if (record) records.set(n, record);
  else records.delete(n);
  keep(keyOf(n), record);
}

/** Changes a record; one step of undo. */
function change(n, changes) {
  history.push([n, records.get(n) ?? null]);
  history = history.slice(-DEPTH);
  put(n, { ...recordOf(n), ...changes });
  keep(keyOf("undo"), history);
  onChange();
}

/** Takes the last change back; returns its item. */
function undo() {
  const last = history.pop();
  if (!last) return null;
  put(...last);
  keep(keyOf("undo"), history);
  onChange();
  return last[0];
}

function restore() {
  for (const n of items.keys()) {
    const record = kept(keyOf(n));
    if (record) records.set(n, record);
  }
  history = kept(keyOf("undo")) ?? [];
}

const HEADER =
  "filename\tonset\toffset\tevent_label\tconfidence\tprobability\t" +
  "answer\ttrue_onset\ttrue_offset\ttrue_label";
const time = (value) => String(Math.round(1000 * value) / 1000);
const isMoved = (n, { onset, offset }) =>
  onset !== items[n].onset || offset !== items[n].offset;

function rowsOf(n) {
  const { row, label } = items[n];
  const record = recordOf(n);
  const rows = record.added.map((event) =>
    [row, "missed", time(event[0]), time(event[1]), data.classes[event[2]]],
  );
  let truth = ["", "", ""];
  if (record.answer === "boundary" && isMoved(n, record)) {
    truth = [time(record.onset), time(record.offset), data.classes[label]];
  }
  if (record.answer === "wrong" && record.label >= 0) {
    truth = ["", "", data.classes[record.label]];
  }
  if (record.answer) rows.unshift([row, record.answer, ...truth]);
  return rows.map((cells) => cells.join("\t"));
}

/** The answers of rounds before, then those of this page. */
const table = () =>
  [
    HEADER,
    ...data.before,
    ...[...records.keys()].sort((a, b) => a - b).flatMap(rowsOf),
  ]
    .join("\n")
    .concat("\n");

/** Takes the answers of a saved table; returns how many there were. */
function take(text) {
  const places = new Map(items.map(({ row }, n) => [row, n]));
  const found = new Map();
  for (const line of text.split(/\r?\n/)) {
    const cells = line.split("\t");
    const n = places.get(cells.slice(0, 6).join("\t"));
    if (n === undefined || cells.length !== 10) continue;
    const { onset, offset } = items[n];
    const record = found.get(n) ?? {
      ...{ answer: "", onset, offset, label: -1, added: [] },
    };
    const [answer, begin, end, label] = cells.slice(6);
    const index = data.classes.indexOf(label);
    if (answer === "missed") record.added.push([+begin, +end, index]);
    else record.answer = answer;
    if (answer === "boundary" && begin) {
      [record.onset, record.offset] = [+begin, +end];
    }
    if (answer === "wrong") record.label = index;
    found.set(n, record);
  }
  found.forEach((record, n) => put(n, record));
  onChange();
  return found.size;
}
