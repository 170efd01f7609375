// Keys, theme, start.

const KEYS = {
  " ": toggle,
  ArrowLeft: ({ shiftKey }) => seek(position - (shiftKey ? 0.05 : 0.5)),
  ArrowRight: ({ shiftKey }) => seek(position + (shiftKey ? 0.05 : 0.5)),
  Home: () => seek(0),
  End: () => seek(chosen.seconds),
  ArrowUp: () => step(-1),
  ArrowDown: () => step(1),
  n: () => seekError(1),
  p: () => seekError(-1),
  "+": () => setZoom(2),
  "=": () => setZoom(2),
  "-": () => setZoom(0.5),
  "/": () => byId("query").focus(),
};

byId("browser").addEventListener("keydown", (press) => {
  const { key, target } = press;
  if (press.ctrlKey || press.metaKey || press.altKey || !chosen) return;
  if (target.matches("input:not([type=checkbox]), select")) return;
  // Space presses a button or a box, except for that of a file.
  const pressable = target.matches("button, input, summary");
  if (key === " " && pressable && !target.closest("#rows")) return;
  // A table wider than the page scrolls with the arrows.
  if (target.matches(".wide") && key.startsWith("Arrow")) return;
  const action = KEYS[key] ?? KEYS[key.toLowerCase()];
  if (!action) return;
  press.preventDefault();
  action(press);
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

let drawn = null;
onChoice = (file) => {
  if (file === drawn) {
    drawEvents(file); // the filter has changed
    return;
  }
  drawn = file;
  drawClip(file);
  loadSound(file);
};
updateList();
