// Answers, steps, keys and saving.

function show(n, andPlay = byId("by-itself").checked) {
  current = Math.max(0, Math.min(items.length - 1, n));
  loadSound();
  drawItem();
  if (andPlay && navigator.userActivation?.hasBeenActive) play();
}

function nextOpen(from) {
  for (let step = 0; step < items.length; step++) {
    const n = (from + step) % items.length;
    if (!recordOf(n).answer) return n;
  }
  return null;
}

let asked = -1; // of which a boundary is wrong, and not corrected

function answer(kind) {
  const n = current;
  if (isWindow(n)) {
    if (kind !== "right" && kind !== "checked") return;
    kind = "checked";
  }
  const moved = !isWindow(n) && isMoved(n, recordOf(n));
  if (kind === "right" && moved) kind = "boundary";
  if (kind === "boundary" && !moved && asked !== n) {
    asked = n;
    say("Drag the boundary that is wrong, or press B again to leave it.");
    focusHandle("-1 onset");
    return;
  }
  asked = -1;
  const label = byId("true-label").value;
  change(n, {
    answer: kind,
    label: kind === "wrong" && label !== "" ? Number(label) : -1,
  });
  const words = isWindow(n)
    ? `Window checked, ${recordOf(n).added.length} added`
    : precisionText(items[n].label);
  const next = nextOpen(n + 1);
  say(next === null ? `All is answered: save. ${words}` : words);
  if (next !== null) show(next);
  byId("question").focus({ preventScroll: true });
}

function add() {
  const { end, label } = item();
  const onset = Math.min(position, end - 0.1);
  const added = [
    ...recordOf(current).added,
    [+onset.toFixed(3), +Math.min(end, onset + 0.5).toFixed(3), Math.max(0, label)],
  ];
  audio.pause();
  change(current, { added });
  focusHandle(`${added.length - 1} onset`);
  say("Added: choose its class, and move its boundaries.");
}

function removeFocused() {
  const [n] = (document.activeElement.dataset.handle ?? "-1").split(" ");
  if (n < 0) return;
  replaceAdded(Number(n), null);
  say("Removed.");
}

function takeBack() {
  const n = undo();
  if (n === null) return say("There is nothing to undo.");
  asked = -1;
  if (n !== current) show(n, false);
  say("Undone.");
}

async function save() {
  if (isServed) return send();
  const file = new Blob([table()], { type: "text/tab-separated-values" });
  const link = element("a", { download: "reviews.tsv" });
  link.href = URL.createObjectURL(file);
  link.click();
  URL.revokeObjectURL(link.href);
  say("Saved as reviews.tsv, where your browser puts what it loads.");
}

let waiting = null;
async function send() {
  clearTimeout(waiting);
  try {
    const body = table();
    const answer = await fetch("reviews.tsv", { method: "PUT", body });
    if (!answer.ok) throw new Error(await answer.text());
    byId("sound").textContent = "";
    document.body.dataset.saved = records.size;
  } catch (error) {
    say(`Not saved (${error.message}); the answers are kept in this browser.`);
  }
}

onChange = () => {
  drawRecord();
  drawProgress();
  if (!isServed) return;
  clearTimeout(waiting);
  waiting = setTimeout(send, 300);
};

const KEYS = {
  r: () => answer("right"),
  1: () => answer("right"),
  b: () => answer("boundary"),
  2: () => answer("boundary"),
  w: () => answer("wrong"),
  3: () => answer("wrong"),
  u: () => answer("unsure"),
  4: () => answer("unsure"),
  i: () => byId("true-label").focus(),
  " ": toggle,
  x: playBox,
  a: add,
  Delete: removeFocused,
  "[": () => focusHandle("-1 onset"),
  "]": () => focusHandle("-1 offset"),
  ArrowLeft: () => seek(position - 0.5),
  ArrowRight: () => seek(position + 0.5),
  p: () => show(current - 1),
  n: () => show(current + 1),
  o: () => show(nextOpen(current + 1) ?? current),
  z: takeBack,
  s: save,
};

document.addEventListener("keydown", (press) => {
  const { key, target, shiftKey } = press;
  if ((press.ctrlKey || press.metaKey) && key === "z") {
    press.preventDefault();
    return takeBack();
  }
  if (press.ctrlKey || press.metaKey || press.altKey) return;
  if (target.matches("input:not([type=checkbox])")) return;
  if (target.matches("select")) {
    if (key === "Enter") byId("question").focus();
    if (key !== "Escape") return;
    return byId("question").focus();
  }
  if (key === " " && target.matches("button, input, summary")) return;
  if (target.matches(".wide") && key.startsWith("Arrow")) return;
  const { handle } = target.dataset;
  const arrow = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[key];
  if (handle && arrow) {
    press.preventDefault();
    return nudge(handle, arrow * (shiftKey ? 0.2 : 0.02));
  }
  const action = KEYS[key] ?? KEYS[key.toLowerCase()];
  if (!action) return;
  press.preventDefault();
  action();
});

for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => answer(button.dataset.answer));
}
byId("true-label").addEventListener("change", ({ target }) => {
  const { answer: given } = recordOf(current);
  if (given !== "wrong") return;
  change(current, { label: target.value === "" ? -1 : Number(target.value) });
});
byId("play").addEventListener("click", toggle);
byId("play-box").addEventListener("click", playBox);
byId("add").addEventListener("click", add);
byId("undo").addEventListener("click", takeBack);
byId("save").addEventListener("click", save);
byId("previous").addEventListener("click", () => show(current - 1));
byId("next").addEventListener("click", () => show(current + 1));
byId("next-open").addEventListener("click", KEYS.o);
byId("number").addEventListener("change", ({ target }) =>
  show((Number(target.value) || 1) - 1),
);
byId("open").addEventListener("change", async ({ target }) => {
  const [file] = target.files;
  if (!file) return;
  const n = take(await file.text());
  say(`${n} of these questions are answered in ${file.name}.`);
});

const dark = matchMedia("(prefers-color-scheme: dark)");
function setTheme(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", isDark);
}
setTheme(dark.matches);
dark.addEventListener("change", ({ matches: isDark }) => setTheme(isDark));
byId("theme").addEventListener("click", () =>
  setTheme(document.documentElement.dataset.theme !== "dark"),
);

restore();
if (isServed && !records.size) {
  const saved = await fetch("reviews.tsv");
  if (saved.ok) take(await saved.text());
}
show(nextOpen(0) ?? 0, false);
drawProgress();
