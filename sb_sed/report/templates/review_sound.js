// The sound of the question, which is loaded when it is listened to; the
// playhead; and the boundaries, which are dragged.

const audio = new Audio();
audio.preload = "none";
let position = 0;
let stopAt = Infinity;
let isWaiting = false; // for the sound, to be where the playhead is

function loadSound() {
  audio.pause();
  audio.src = `sounds/${item().clip}.${data.sound}`;
  byId("sound").textContent = "";
  stopAt = Infinity;
  movePlayhead(item().start);
}

function movePlayhead(to) {
  position = Math.max(item().start, Math.min(item().end, to));
  byId("playhead").style.left = place(position);
  byId("time").textContent = `${seconds(position)} s`;
}

function seek(to) {
  stopAt = Infinity;
  movePlayhead(to);
  isWaiting = audio.readyState === 0;
  if (!isWaiting) audio.currentTime = position - item().start;
}

async function play(from = position, until = Infinity) {
  if (from >= item().end - 0.05) from = item().start;
  seek(from);
  stopAt = until;
  // It fails if another question comes meanwhile, or with an event "error".
  await audio.play().catch(() => {});
}

const toggle = () => (audio.paused ? play() : audio.pause());

function playBox() {
  if (isWindow(current)) return;
  const { onset, offset } = recordOf(current);
  play(onset, offset);
}

function frame() {
  if (audio.paused) return;
  if (!isWaiting && !audio.seeking) {
    movePlayhead(item().start + audio.currentTime);
    if (position >= stopAt) audio.pause();
  }
  requestAnimationFrame(frame);
}

audio.addEventListener("play", () => {
  byId("play").firstChild.textContent = "Pause ";
  requestAnimationFrame(frame);
});
for (const end of ["pause", "ended", "emptied"]) {
  audio.addEventListener(end, () => {
    byId("play").firstChild.textContent = "Play ";
  });
}
audio.addEventListener("ended", () => movePlayhead(item().end));
audio.addEventListener("error", () => {
  byId("sound").textContent = "The sound is not in its folder.";
});
// The position that was set before the sound was loaded.
audio.addEventListener("loadedmetadata", () => {
  audio.currentTime = position - item().start;
  isWaiting = false;
});

const LEAST = 0.02; // seconds between the boundaries of an event
const stage = byId("stage");
let dragged = null;

const timeAt = ({ clientX }) => {
  const { left, width } = stage.getBoundingClientRect();
  return item().start + ((clientX - left) / width) * span();
};

/** Where a boundary may be, and the event with it there. */
function withBoundary(name, to) {
  const [n, side] = name.split(" ");
  const record = recordOf(current);
  const event = n < 0 ? [record.onset, record.offset] : [...record.added[n]];
  const which = side === "onset" ? 0 : 1;
  const low = which ? event[0] + LEAST : item().start;
  const high = which ? item().end : event[1] - LEAST;
  event[which] = Math.round(1000 * Math.max(low, Math.min(high, to))) / 1000;
  if (n < 0) return { onset: event[0], offset: event[1] };
  const added = [...record.added];
  added[n] = event;
  return { added };
}

stage.addEventListener("pointerdown", (press) => {
  if (press.button !== 0) return;
  stage.setPointerCapture(press.pointerId);
  dragged = press.target.dataset.handle ?? "";
  if (dragged) focusHandle(dragged);
  else seek(timeAt(press));
  press.preventDefault();
});
stage.addEventListener("pointermove", (move) => {
  if (!stage.hasPointerCapture(move.pointerId)) return;
  if (!dragged) return seek(timeAt(move));
  const moved = { ...recordOf(current), ...withBoundary(dragged, timeAt(move)) };
  drawBoxes(moved);
});
stage.addEventListener("pointerup", (up) => {
  if (!stage.hasPointerCapture(up.pointerId)) return;
  if (dragged) change(current, withBoundary(dragged, timeAt(up)));
  dragged = null;
});
stage.addEventListener("pointercancel", () => {
  dragged = null;
  drawRecord();
});

function nudge(name, by) {
  const [n, side] = name.split(" ");
  const record = recordOf(current);
  const event = n < 0 ? [record.onset, record.offset] : record.added[n];
  const from = side === "onset" ? event[0] : event[1];
  change(current, withBoundary(name, from + by));
}
