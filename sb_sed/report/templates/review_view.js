// The question, the spectrogram and the boxes on it.

let current = 0;
const item = () => items[current];
const span = () => item().end - item().start;
const place = (time) => `${(100 * (time - item().start)) / span()}%`;
const isWindow = (n) => items[n].label < 0;

function say(text) {
  byId("status").textContent = text;
}

function drawItem() {
  const { label, clip, confidence } = item();
  byId("question").textContent = isWindow(current)
    ? "Which events have no box?"
    : `Is this ${className(label)}?`;
  const [name, onset, offset] = item().row.split("\t");
  byId("facts").textContent =
    `${name}, ${seconds(+onset)} to ${seconds(+offset)} s` +
    (isWindow(current) ? "" : `; confidence ${confidence.toFixed(2)}`);
  const image = element("img", { alt: "", src: `sounds/${clip}.png` });
  byId("picture").replaceChildren(image);
  drawAxis();
  drawLane();
  drawRecord();
  byId("number").value = current + 1;
}

function drawAxis() {
  const step = [0.5, 1, 2, 5, 10].find((some) => span() / some <= 12) ?? 30;
  const ticks = [];
  const first = Math.ceil(item().start / step) * step;
  for (let at = first; at < item().end - step / 3; at += step) {
    const tick = element("span", { text: `${+at.toFixed(1)} s` });
    tick.style.left = place(at);
    ticks.push(tick);
  }
  byId("axis").replaceChildren(...ticks);
}

/** The score of the class, and its threshold. */
function drawLane() {
  const { label, scores } = item();
  byId("lane").replaceChildren();
  byId("lane").hidden = !scores;
  if (!scores) return;
  const bytes = Uint8Array.from(atob(scores), (c) => c.charCodeAt(0));
  const steps = [...bytes].map((b, i) => `V${(255 - b) / 255}H${i + 1}`);
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${bytes.length} 1`);
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", `M0 1${steps.join("")}V1Z`);
  svg.append(path);
  const line = element("div", { class: "threshold" });
  line.style.top = `${100 * (1 - data.thresholds[label])}%`;
  byId("lane").append(svg, line);
}

/** What is known about the item: its boxes, its buttons, what was added. */
function drawRecord() {
  const record = recordOf(current);
  drawBoxes(record);
  for (const button of document.querySelectorAll("[data-answer]")) {
    const { answer } = button.dataset;
    button.hidden = (answer === "checked") !== isWindow(current);
    button.setAttribute("aria-pressed", answer === record.answer);
  }
  byId("instead").hidden = isWindow(current);
  byId("true-label").value = record.label < 0 ? "" : record.label;
  byId("play-box").hidden = isWindow(current);
  byId("added").replaceChildren(...record.added.map(addedRow));
  byId("undo").disabled = !history.length;
  let answered = 0;
  for (const { answer } of records.values()) answered += answer !== "";
  byId("count").textContent = `${answered} of ${items.length} answered`;
}

function drawBoxes(record) {
  const focused = document.activeElement.dataset?.handle;
  const parts = item().others.map(([onset, offset, label]) =>
    box("other", onset, offset, className(label)),
  );
  parts.forEach((part, n) => {
    part.style.bottom = `${20 * (n % 3)}px`;
  });
  if (!isWindow(current)) {
    const { onset, offset } = record;
    const name = className(item().label);
    parts.push(box("asked", onset, offset, name));
    parts.push(...handles("asked", -1, onset, offset, name));
  }
  record.added.forEach(([onset, offset, label], n) => {
    const name = className(label);
    parts.push(box("mine", onset, offset, name));
    parts.push(...handles("mine", n, onset, offset, `added ${name}`));
  });
  byId("boxes").replaceChildren(...parts);
  if (focused) focusHandle(focused);
}

function box(kind, onset, offset, name) {
  const made = element("div", { class: `box ${kind}` }, [
    element("span", { text: name }),
  ]);
  made.style.left = place(Math.max(onset, item().start));
  const end = Math.min(offset, item().end);
  made.style.width = `${(100 * (end - Math.max(onset, item().start))) / span()}%`;
  return made;
}

/** Two handles; the event n is -1 for the one asked about. */
function handles(kind, n, onset, offset, name) {
  return ["onset", "offset"].map((side, which) => {
    const at = which ? offset : onset;
    const made = element("div", {
      class: `handle ${kind}`,
      role: "slider",
      tabindex: "0",
      "data-handle": `${n} ${side}`,
      "aria-label": `${which ? "Offset" : "Onset"} of ${name}`,
      "aria-valuemin": seconds(item().start),
      "aria-valuemax": seconds(item().end),
      "aria-valuenow": seconds(at),
      "aria-valuetext": `${seconds(at)} seconds`,
    });
    made.style.left = place(at);
    return made;
  });
}

function focusHandle(name) {
  document.querySelector(`[data-handle="${name}"]`)?.focus();
}

function addedRow([onset, offset, label], n) {
  const select = element("select", {
    "aria-label": `Class of the added event ${n + 1}`,
  });
  data.classes.forEach((_, index) =>
    select.append(element("option", { value: index, text: className(index) })),
  );
  select.value = label;
  select.addEventListener("change", () => {
    replaceAdded(n, [onset, offset, Number(select.value)]);
  });
  const remove = element("button", { type: "button", text: "Remove" });
  remove.setAttribute("aria-label", `Remove the added event ${n + 1}`);
  remove.addEventListener("click", () => replaceAdded(n, null));
  const text = `${seconds(onset)} to ${seconds(offset)} s`;
  return element("li", {}, [select, element("span", { text }), remove]);
}

function replaceAdded(n, event) {
  const added = [...recordOf(current).added];
  if (event) added[n] = event;
  else added.splice(n, 1);
  change(current, { added });
}

/** Precision of each class above its threshold, from the answers so far. */
function precision(label) {
  let [n, weights, squares, hits] = [0, 0, 0, 0];
  for (const [index, { answer }] of records) {
    const one = items[index];
    if (one.label !== label || !["right", "boundary", "wrong"].includes(answer))
      continue;
    n += 1;
    if (one.confidence < data.thresholds[label]) continue;
    weights += one.weight;
    squares += one.weight ** 2;
    hits += one.weight * (answer === "right");
  }
  if (!weights) return { n };
  // Wilson's interval, for as many answers as the weights are worth.
  const share = hits / weights;
  const worth = weights ** 2 / squares;
  const z = 1.96;
  const middle = (share + z ** 2 / (2 * worth)) / (1 + z ** 2 / worth);
  const spread = (share * (1 - share)) / worth + (z / (2 * worth)) ** 2;
  const half = (z * Math.sqrt(spread)) / (1 + z ** 2 / worth);
  return { n, share, low: middle - half, high: middle + half, half };
}

function precisionText(label) {
  const { n, share, half } = precision(label);
  const answers = `${n} ${n === 1 ? "answer" : "answers"}`;
  if (share === undefined) return `${className(label)}: ${answers}`;
  return (
    `${className(label)}: precision ${share.toFixed(2)} ± ` +
    `${half.toFixed(2)} from ${answers}`
  );
}

function drawProgress() {
  const rows = data.classes.map((_, label) => {
    const { n, share, low, high } = precision(label);
    const scale = element("div", { class: "scale" });
    let text = "–";
    if (share !== undefined) {
      text = `${share.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`;
      const [line, dot] = [element("i"), element("b")];
      line.style.left = `${100 * low}%`;
      line.style.width = `${100 * (high - low)}%`;
      dot.style.left = `${100 * share}%`;
      scale.append(line, dot);
    }
    return element("tr", {}, [
      element("th", { scope: "row", text: className(label) }),
      element("td", { class: n ? "number" : "number zero", text: n }),
      element("td", { class: "number", text }),
      element("td", {}, [scale]),
    ]);
  });
  byId("progress").replaceChildren(...rows);
}
