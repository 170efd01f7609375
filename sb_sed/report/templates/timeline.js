// The clip: spectrogram, scores and events on one time line.

const WIDEST = 100_000; // pixels
let zoom = 1;
let lanes = [];

const place = (time) => `${(100 * time) / chosen.seconds}%`;

function drawClip(file) {
  zoom = 1;
  byId("clip-name").textContent = file.name;
  byId("clip-facts").textContent = facts(file);
  const picture = byId("picture");
  picture.replaceChildren();
  if (file.image) {
    const image = element("img", { alt: "", src: file.image });
    image.style.width = place(file.imageSeconds);
    picture.append(image);
  }
  picture.classList.toggle("empty", !file.image);
  drawLanes(file);
  drawEvents(file);
  drawZoom();
}

function facts({ errors, reference, detected, seconds: length }) {
  const hits = reference.filter((row) => row[3] === HIT).length;
  return (
    `${length.toFixed(1)} s; ${hits} of ${reference.length} events found, ` +
    `${detected.length - hits} others detected: ${errors} errors`
  );
}

/** The classes with an event, or a score as high as its threshold. */
function laneLabels(file) {
  const all = [...data.classes.keys()];
  if (byId("all-classes").checked) return all;
  const present = new Set(file.events.flatMap((one) => one.labels));
  const some = all.filter((label) => present.has(label));
  return some.length ? some : all;
}

function drawLanes(file) {
  const scores = file.scores && new Scores(file.scores);
  file.read = scores;
  lanes = laneLabels(file).map((label) => {
    const value = element("output", { class: "value" });
    const name = element("strong", { text: className(label) });
    name.title = className(label);
    const head = element("div", { class: "lane-name" }, [
      element("div", { class: "score-name" }, [name, value]),
      element("small", { text: "reference" }),
      element("small", { text: "detected" }),
    ]);
    return { label, value, head, row: laneRow(file, scores, label) };
  });
  byId("lanes").replaceChildren(...lanes.map((lane) => lane.row));
  byId("gutter").replaceChildren(
    element("div", { class: "axis-row", text: "seconds" }),
    frequencies(file),
    ...lanes.map((lane) => lane.head),
  );
}

function frequencies(file) {
  const column = element("div", { class: "picture frequencies" });
  for (const [hertz, height] of file.ticks ?? []) {
    const text = hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz`;
    const tick = element("span", { text });
    tick.style.bottom = `${100 * height}%`;
    column.append(tick);
  }
  if (!file.image) column.append(element("small", { text: "no spectrogram" }));
  return column;
}

function laneRow(file, scores, label) {
  const plot = element("div", { class: "plot" });
  if (scores) {
    const svg = svgElement("svg", {
      viewBox: `0 0 ${scores.cells} 1`,
      preserveAspectRatio: "none",
    });
    svg.style.width = place(scores.end);
    svg.append(svgElement("path", { d: scores.path(label) }));
    plot.append(svg);
    if (data.thresholds[label] !== null) {
      const line = element("i", { class: "threshold" });
      const share =
        (data.thresholds[label] - data.low) / (data.high - data.low);
      line.style.bottom = `${100 * share}%`;
      plot.append(line);
    }
  }
  return element("div", { class: "lane" }, [
    plot,
    bars(file.reference, label, "reference"),
    bars(file.detected, label, "detected"),
  ]);
}

function bars(rows, label, side) {
  const track = element("div", { class: `track ${side}` });
  for (const one of rows.map(event).filter((e) => e.label === label)) {
    const bar = element("i", {
      class: `bar k${one.kind}`,
      title: `${data.kinds[one.kind]}, ${seconds(one.onset)}–${seconds(one.offset)} s`,
      text: data.glyphs[one.kind],
    });
    bar.style.left = place(one.onset);
    bar.style.width = place(one.offset - one.onset);
    track.append(bar);
  }
  return track;
}

function drawEvents(file) {
  const rows = file.events.map((one) => {
    const { reference, detected, kind, labels } = one;
    const button = element("button", { type: "button", class: "link" }, [
      kindMark(kind),
      ` ${data.kinds[kind]}`,
    ]);
    button.addEventListener("click", () => playPart(one.onset, one.offset));
    return element("tr", { class: fits(one) ? "" : "aside" }, [
      element("th", { scope: "row" }, [button]),
      element("td", { text: labels.map(className).join(" → ") }),
      element("td", { class: "number", text: span(reference) }),
      element("td", { class: "number", text: span(detected) }),
      element("td", { class: "number", text: highest(file, one) }),
      element("td", { text: remark(file, one) }),
    ]);
  });
  byId("events").replaceChildren(...rows);
}

const span = (one) =>
  one ? `${seconds(one.onset)} – ${seconds(one.offset)}` : "";

function highest(file, { reference, detected }) {
  if (!file.read) return "";
  const { onset, offset, label } = reference ?? detected;
  return scoreText(file.read.highest(onset, offset, label));
}

function remark(file, { reference, detected, kind }) {
  if (reference && detected) {
    const [a, b] = [
      detected.onset - reference.onset,
      detected.offset - reference.offset,
    ];
    return `onset ${signed(a)} s, offset ${signed(b)} s`;
  }
  const one = reference ?? detected;
  if (one.partner < 0) return "";
  const others = reference ? file.detected : file.reference;
  const other = event(others[one.partner]);
  const side = reference ? "detected" : "reference";
  const name = kind === WRONG ? `${className(other.label)}, ` : "";
  return `overlaps the ${side} event ${name}${span(other)} s`;
}

const signed = (time) => `${time < 0 ? "−" : "+"}${seconds(Math.abs(time))}`;

function drawZoom() {
  byId("canvas").style.width = `${100 * zoom}%`;
  byId("zoom-out").disabled = zoom <= 1;
  const ticks = [];
  // A tick every 60 pixels or more, on 1, 2 or 5 times a power of ten.
  const rough = (chosen.seconds * 60) / byId("canvas").offsetWidth;
  const power = 10 ** Math.floor(Math.log10(rough));
  const by = power * [1, 2, 5, 10].find((n) => n * power >= rough * 0.999);
  for (let i = 0; i * by <= chosen.seconds + 1e-6; i++) {
    const tick = element("span", {
      text: (i * by).toFixed(by < 1 ? Math.ceil(-Math.log10(by)) : 0),
    });
    tick.style.left = place(i * by);
    ticks.push(tick);
  }
  byId("axis").replaceChildren(...ticks);
}

function setZoom(factor) {
  // Down to a second, as far as the browser can hold so wide a canvas.
  const widest = WIDEST / byId("scroll").clientWidth;
  const most = Math.min(chosen.seconds, widest);
  zoom = Math.max(1, Math.min(most, zoom * factor));
  drawZoom();
  follow();
}

/** Keeps the playhead in view. */
function follow() {
  const scroll = byId("scroll");
  const x = (position / chosen.seconds) * byId("canvas").offsetWidth;
  const from = scroll.scrollLeft;
  if (x < from || x > from + scroll.clientWidth) {
    scroll.scrollLeft = x - 0.1 * scroll.clientWidth;
  }
}

new ResizeObserver(() => chosen && drawZoom()).observe(byId("scroll"));
byId("zoom-in").addEventListener("click", () => setZoom(2));
byId("zoom-out").addEventListener("click", () => setZoom(0.5));
byId("all-classes").addEventListener("change", () => {
  drawLanes(chosen);
  movePlayhead(position);
});
