// The list of files: filter, sort, choose.

const filter = { query: "", label: -1, kinds: new Set(), as: -1, group: -1 };
const sorting = { key: "errors", descending: true };
let shown = [];
let chosen = null;
let onChoice = () => {};

function matches(file) {
  if (!file.name.toLowerCase().includes(filter.query.toLowerCase())) {
    return false;
  }
  if (filter.group >= 0 && !file.groups.includes(filter.group)) return false;
  if (filter.label < 0 && !filter.kinds.size) return true;
  return file.events.some(fits);
}

/** Whether an event passes the filter. */
function fits({ kind, labels, reference, detected }) {
  if (filter.as >= 0) {
    if (reference?.label !== filter.label) return false;
    if (detected?.label !== filter.as) return false;
  }
  return (
    (filter.label < 0 || labels.includes(filter.label)) &&
    (!filter.kinds.size || filter.kinds.has(kind))
  );
}

function sortValue(file) {
  if (sorting.key === "name") return file.name;
  return sorting.key === "errors" ? file.errors : file.counts[sorting.key];
}

function compare(a, b) {
  const [x, y] = [sortValue(a), sortValue(b)];
  const order = x < y ? -1 : x > y ? 1 : 0;
  return sorting.descending ? -order : order;
}

for (const file of files) {
  file.button = element("button", { type: "button", text: file.name });
  file.button.title = file.name;
  file.button.addEventListener("click", () => choose(file));
  const cells = [file.errors, ...file.counts].map((n) =>
    element("td", { class: n ? "number" : "number zero", text: n || "·" }),
  );
  if (!file.audio) file.button.classList.add("mute");
  file.row = element("tr", {}, [
    element("th", { scope: "row" }, [file.button]),
    ...cells,
  ]);
}

function choose(file) {
  if (chosen) chosen.button.removeAttribute("aria-current");
  chosen = file;
  file.button.setAttribute("aria-current", "true");
  onChoice(file);
}

function step(by) {
  if (!shown.length) return;
  const index = shown.indexOf(chosen) + by;
  const file = shown[Math.max(0, Math.min(shown.length - 1, index))];
  choose(file);
  file.button.focus({ preventScroll: true });
  reveal(file);
}

/** Scrolls the list, and not the page, to a file. */
function reveal({ row }) {
  const list = document.querySelector(".list");
  const head = list.querySelector("thead").offsetHeight;
  const [top, bottom] = [row.offsetTop - head, row.offsetTop + row.offsetHeight];
  if (top < list.scrollTop) list.scrollTop = top;
  if (bottom > list.scrollTop + list.clientHeight) {
    list.scrollTop = bottom - list.clientHeight;
  }
}

function updateList() {
  shown = files.filter(matches).sort(compare);
  byId("rows").replaceChildren(...shown.map((file) => file.row));
  byId("count").textContent = shown.length
    ? `${shown.length} of ${files.length} files`
    : "No file matches";
  byId("class").value = data.classes[filter.label] ?? "";
  if (byId("group")) {
    byId("group").value = filter.group < 0 ? "" : filter.group;
  }
  for (const box of document.getElementsByName("kind")) {
    box.checked = filter.kinds.has(Number(box.value));
  }
  byId("as").hidden = filter.as < 0;
  if (filter.as >= 0) {
    byId("as").textContent = `found as ${className(filter.as)} ✕`;
    byId("as").setAttribute(
      "aria-label",
      `Remove the filter: found as ${className(filter.as)}`,
    );
  }
  if (shown.length && !shown.includes(chosen)) choose(shown[0]);
  else if (chosen) onChoice(chosen);
}

function setFilter(change) {
  Object.assign(filter, { as: -1 }, change);
  updateList();
}

byId("query").addEventListener("input", ({ target }) =>
  setFilter({ query: target.value, as: filter.as }),
);
byId("query").addEventListener("keydown", ({ key }) => {
  if (key === "Escape") chosen?.button.focus();
});
byId("class").addEventListener("change", ({ target }) =>
  setFilter({ label: data.classes.indexOf(target.value) }),
);
byId("group")?.addEventListener("change", ({ target }) =>
  setFilter({ group: target.value ? Number(target.value) : -1 }),
);
for (const box of document.getElementsByName("kind")) {
  box.addEventListener("change", () => {
    const boxes = [...document.getElementsByName("kind")];
    const on = boxes.filter((one) => one.checked);
    setFilter({ kinds: new Set(on.map((one) => Number(one.value))) });
  });
}
byId("as").addEventListener("click", () => {
  setFilter({});
  byId("class").focus();
});
byId("clear").addEventListener("click", () => {
  byId("query").value = "";
  setFilter({ query: "", label: -1, kinds: new Set(), group: -1 });
});

for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => {
    const { sort } = button.dataset;
    const key = /^\d+$/.test(sort) ? Number(sort) : sort;
    const again = key === sorting.key;
    sorting.descending = again ? !sorting.descending : key !== "name";
    sorting.key = key;
    for (const other of document.querySelectorAll("[data-sort]")) {
      other.parentElement.setAttribute("aria-sort", "none");
    }
    button.parentElement.setAttribute(
      "aria-sort",
      sorting.descending ? "descending" : "ascending",
    );
    updateList();
  });
}

// Classes and confusions above show their files here.
for (const button of document.querySelectorAll("button[data-class]")) {
  button.addEventListener("click", () => {
    const { class: label, kind, as } = button.dataset;
    setFilter({
      label: data.classes.indexOf(label),
      kinds: new Set(kind === undefined ? [] : [Number(kind)]),
      as: data.classes.indexOf(as),
    });
    byId("files").scrollIntoView();
    byId("files").focus({ preventScroll: true });
  });
}

for (const button of document.querySelectorAll("button[data-group]")) {
  button.addEventListener("click", () => {
    setFilter({ group: Number(button.dataset.group) });
    byId("files").scrollIntoView();
    byId("files").focus({ preventScroll: true });
  });
}
