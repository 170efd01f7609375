// The data of the page. A file has name, seconds, reference and detected (rows
// of onset, offset, class, kind, partner), groups that it is in, and, where they are included, scores
// {cell (seconds), text}, audio, image with imageSeconds and ticks, or a link.

const data = JSON.parse(document.getElementById("data").textContent);
const [HIT, BOUNDARY, WRONG, MISSED, FALSE_ALARM] = data.kinds.keys();

const byId = (id) => document.getElementById(id);

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

function svgElement(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}

function kindMark(kind) {
  return element("span", {
    class: `mark k${kind}`,
    "aria-hidden": "true",
    text: data.glyphs[kind],
  });
}

const className = (index) => data.classes[index].replaceAll("_", " ");
const seconds = (time) => time.toFixed(2);

function event([onset, offset, label, kind, partner]) {
  return { onset, offset, label, kind, partner };
}

/** Events of both sides in order of time; a matched pair is one entry. */
function pairs(file) {
  const found = file.detected.map(event);
  const merged = new Set();
  const all = file.reference.map(event).map((reference, index) => {
    const { partner } = reference;
    const mutual = partner >= 0 && found[partner].partner === index;
    if (mutual) merged.add(partner);
    return pair(reference, mutual ? found[partner] : null);
  });
  found.forEach((detected, index) => {
    if (!merged.has(index)) all.push(pair(null, detected));
  });
  return all.sort((a, b) => a.onset - b.onset);
}

function pair(reference, detected) {
  const main = reference ?? detected;
  return {
    reference,
    detected,
    kind: main.kind,
    labels: [...new Set([main.label, (detected ?? main).label])],
    onset: Math.min(main.onset, (detected ?? main).onset),
    offset: Math.max(main.offset, (detected ?? main).offset),
  };
}

/** The scores of a file: from 0 to 1, by cell and class. */
class Scores {
  constructor({ cell, text }) {
    this.bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    this.cells = this.bytes.length / data.classes.length;
    this.cell = cell;
    this.end = this.cells * cell;
  }

  height(cell, label) {
    return this.bytes[cell * data.classes.length + label] / 255;
  }

  at(time, label) {
    const cell = Math.floor(time / this.cell);
    return this.height(Math.max(0, Math.min(this.cells - 1, cell)), label);
  }

  highest(onset, offset, label) {
    const first = Math.floor(onset / this.cell + 1e-6);
    const last = Math.ceil(offset / this.cell - 1e-6);
    let most = 0;
    for (let cell = first; cell < Math.min(last, this.cells); cell++) {
      most = Math.max(most, this.height(cell, label));
    }
    return most;
  }

  /** The outline of a class as a path, a cell wide 1 and a score high 1. */
  path(label) {
    let path = "M0 1";
    for (let cell = 0; cell < this.cells; cell++) {
      const y = (1 - this.height(cell, label)).toFixed(3);
      path += `V${y}H${cell + 1}`;
    }
    return `${path}V1Z`;
  }
}

const scoreText = (height) =>
  (data.low + height * (data.high - data.low)).toFixed(2);

const files = data.files.map((file) => {
  const events = pairs(file);
  const counts = data.kinds.map(
    (_, kind) => events.filter((one) => one.kind === kind).length,
  );
  const errors = [...file.reference, ...file.detected].filter(
    (row) => row[3] !== HIT,
  ).length;
  return { ...file, events, counts, errors };
});
