// Sound and playhead. Without sound the playhead still reads the scores.

const audio = new Audio();
audio.preload = "auto";
let position = 0;
let stopAt = Infinity;

function loadSound(file) {
  pause();
  const source = file.audio ?? file.link;
  if (source) audio.src = source;
  else audio.removeAttribute("src");
  byId("play").disabled = !source;
  byId("sound").textContent = file.audio
    ? file.notes.join(" ")
    : file.link
      ? "plays from its folder"
      : "no sound in this page";
  byId("canvas").setAttribute("aria-valuemax", file.seconds.toFixed(2));
  movePlayhead(0);
}

function movePlayhead(time) {
  position = Math.max(0, Math.min(chosen.seconds, time));
  byId("playhead").style.left = place(position);
  const text = `${seconds(position)} of ${seconds(chosen.seconds)} s`;
  byId("time").textContent = text;
  const canvas = byId("canvas");
  canvas.setAttribute("aria-valuenow", seconds(position));
  canvas.setAttribute("aria-valuetext", text.replace(" s", " seconds"));
  for (const { label, value } of lanes) {
    value.textContent = chosen.read
      ? scoreText(chosen.read.at(position, label))
      : "";
  }
}

function seek(time) {
  stopAt = Infinity;
  movePlayhead(time);
  if (audio.src) audio.currentTime = Math.min(position, audio.duration || 1e9);
  follow();
}

async function play() {
  if (!audio.src) return;
  if (position >= chosen.seconds - 0.05) seek(0);
  // It fails if another clip is chosen meanwhile, or with an event "error".
  await audio.play().catch(() => {});
}

function pause() {
  audio.pause();
}

const toggle = () => (audio.paused ? play() : pause());

function playPart(onset, offset) {
  seek(Math.max(0, onset));
  stopAt = offset;
  play();
}

function frame() {
  if (audio.paused) return;
  movePlayhead(audio.currentTime);
  follow();
  if (audio.currentTime >= stopAt) {
    stopAt = Infinity;
    pause();
  }
  requestAnimationFrame(frame);
}

audio.addEventListener("play", () => {
  byId("play").textContent = "Pause";
  requestAnimationFrame(frame);
});
for (const end of ["pause", "ended", "emptied"]) {
  audio.addEventListener(end, () => {
    byId("play").textContent = "Play";
  });
}
audio.addEventListener("ended", () => movePlayhead(chosen.seconds));
audio.addEventListener("error", () => {
  if (!audio.src) return;
  byId("sound").textContent = chosen.link
    ? "not in its folder, or not playable"
    : "cannot be played";
  byId("play").disabled = true;
});
// The position that was set before the sound was loaded.
audio.addEventListener("loadedmetadata", () => {
  audio.currentTime = Math.min(position, audio.duration);
});

function seekError(direction) {
  const errors = chosen.events.filter((one) => one.kind !== HIT);
  const times = errors.map((one) => one.onset);
  const next =
    direction > 0
      ? times.find((time) => time > position + 1e-3)
      : times.findLast((time) => time < position - 1e-3);
  if (next !== undefined) seek(next);
}

const canvas = byId("canvas");
const timeAt = ({ clientX }) => {
  const { left, width } = canvas.getBoundingClientRect();
  return ((clientX - left) / width) * chosen.seconds;
};
canvas.addEventListener("pointerdown", (press) => {
  if (press.button !== 0) return;
  canvas.setPointerCapture(press.pointerId);
  seek(timeAt(press));
});
canvas.addEventListener("pointermove", (move) => {
  if (canvas.hasPointerCapture(move.pointerId)) seek(timeAt(move));
});

byId("play").addEventListener("click", toggle);
byId("previous-error").addEventListener("click", () => seekError(-1));
byId("next-error").addEventListener("click", () => seekError(1));
