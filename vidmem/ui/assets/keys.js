// Buttons and keys: each thing that can be done has one name.
const DO = {
  "open-video": () => at("video-file").click(),
  "open-session": () => at("session-file").click(),
  "upload-mask": () => at("mask-file").click(),
  sample: () => act("demo:koi"),
  save: () => act("save"),
  keys: () => at("keys").showModal(),
  undo: () => act("undo"),
  redo: () => act("redo"),
  play,
  follow: () => act("follow"),
  "track-forwards": () => { playing = false; return act("track", { direction: "forwards" }); },
  "track-backwards": () => { playing = false; return act("track", { direction: "backwards" }); },
  "track-both": () => { playing = false; return act("track", { direction: "both" }); },
  stop: () => act("stop"),
  new: () => choose(shown.fresh).then(() => stage.focus({ preventScroll: true })),
  keep: () => act("keep", { frame: shown.frame }),
  clear: () => act("clear", { frame: shown.frame }),
  apply: () => act("tracker", { tracker: at("tracker").value, model: at("model").value, settings: formValues() }),
  reset: () => act("tracker", { tracker: at("tracker").value, model: at("model").value, settings: {} }).then(() => { formOf = null; drawTracker(); }),
  export: () => act("export", { formats: [...at("formats").querySelectorAll("input:checked")].map((each) => each.value) }),
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && !button.disabled && DO[button.dataset.do]) DO[button.dataset.do]();
});

at("settings").addEventListener("submit", (event) => { event.preventDefault(); DO.apply(); });
at("video-file").addEventListener("change", (event) => send_file(event.target, "video"));
at("session-file").addEventListener("change", (event) => send_file(event.target, "reopen"));
at("mask-file").addEventListener("change", (event) => send_file(event.target, "mask", { frame: shown.frame }));
at("slider").addEventListener("input", (event) => { playing = false; seek(Number(event.target.value)); });
at("frame-number").addEventListener("change", (event) => { playing = false; seek(Number(event.target.value)); });

const KEYS = [
  ["← →", "one frame back, on; with Shift ten"],
  ["Home End", "first frame, last frame"],
  ["Space", "play or pause"],
  ["T", "track forwards"],
  ["B", "track backwards"],
  ["Esc", "stop tracking"],
  ["P M R L U", "mark with: point on it, point off it, box, scribble, brush"],
  ["[ ]", "smaller, larger brush"],
  ["Shift", "held while marking: this is not the object"],
  ["1 … 9", "choose an object"],
  ["N", "a new object"],
  ["H", "hide or show the chosen object"],
  ["Delete", "delete the chosen object"],
  ["Ctrl+Z", "undo; with Shift redo"],
  ["Alt + arrows", "on the picture: move a cross; Enter marks there"],
  ["?", "this list"],
];
at("keys").append(
  make("h2", { text: "Keys" }),
  make("dl", {}, ...KEYS.flatMap(([key, words]) => [make("dt", { class: "vm-mono", text: key }), make("dd", { text: words })])),
  make("form", { method: "dialog" }, make("button", { class: "vm-button", text: "Close" })),
);

function onKey(event) {
  if (!shown || !element.offsetParent || at("keys").open) return;
  const target = event.target;
  const typing = target.closest && target.closest("input:not([type=range]):not([type=checkbox]), select, textarea");
  if (typing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const command = event.ctrlKey || event.metaKey;
  let done = true;
  if (command && key === "z") act(event.shiftKey ? "redo" : "undo");
  else if (command && key === "y") act("redo");
  else if (command) done = false;
  else if (event.altKey && target === stage && key.startsWith("Arrow")) moveCross({ ArrowLeft: -1, ArrowRight: 1 }[key] || 0, { ArrowUp: -1, ArrowDown: 1 }[key] || 0);
  else if (event.altKey) done = false;
  else if (key === "Enter" && target === stage) markCross(event.shiftKey);
  else if (target.closest && target.closest("button, summary, a") && (key === " " || key === "Enter")) done = false;
  else if (key === "ArrowLeft" || key === "ArrowRight") { playing = false; seek((aimed ?? shown.frame) + (key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1)); }
  else if (key === "Home") seek(0);
  else if (key === "End") seek(shown.clip.frames - 1);
  else if (key === " ") play();
  else if (key === "t") DO["track-forwards"]();
  else if (key === "b") DO["track-backwards"]();
  else if (key === "Escape" && shown.job) act("stop");
  else if ("pmrlu".includes(key) && key.length === 1) setTool({ p: "plus", m: "minus", r: "box", l: "line", u: "brush" }[key]);
  else if (key === "[" || key === "]") at("brush-size").value = Number(at("brush-size").value) + (key === "[" ? -3 : 3);
  else if (/^[1-9]$/.test(key) && shown.objects.some((each) => each.id === Number(key))) choose(Number(key));
  else if (key === "n") DO.new();
  else if (key === "h" && shown.objects.some((each) => each.id === shown.selected)) act("look", { object: shown.selected, hidden: !shown.objects.find((each) => each.id === shown.selected).hidden });
  else if (key === "Delete" && shown.objects.some((each) => each.id === shown.selected)) act("delete", { object: shown.selected });
  else if (key === "?") DO.keys();
  else done = false;
  if (done) event.preventDefault();
}
document.addEventListener("keydown", onKey);
