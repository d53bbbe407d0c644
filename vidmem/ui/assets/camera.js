// One picture goes out, its answer comes back, then the next: nothing queues up, and the latency shown is the true one.
const at = (name) => element.querySelector(`[data-at="${name}"]`);
const facts = props.value, video = at("video"), picture = at("picture"), stage = at("stage");
const key = Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);
let stream = null, clicks = [], chosen = 1, known = [], forget = false, times = [];
const canvas = document.createElement("canvas");

for (const [name, card] of Object.entries(facts.cards)) at("tracker").add(new Option(card.title || name, name));
for (const name of facts.models) at("model").add(new Option(name, name));
at("tracker").value = facts.chosen.tracker;
at("model").value = facts.chosen.model;
const explain = () => { at("idea").textContent = facts.cards[at("tracker").value].idea; };
at("tracker").addEventListener("change", explain);
explain();

const say = (words, wrong = false) => { at("note").textContent = words || "\u00a0"; at("note").classList.toggle("vm-wrong", wrong); };
const ms = (seconds) => `${Math.round(seconds * 1000)} ms`;

async function start() {
  if (!navigator.mediaDevices || !navigator.mediaDevices.getUserMedia) {
    say("The browser gives the camera only to pages on this machine or over https. Open the page as http://127.0.0.1, or put it behind https.", true);
    return;
  }
  const press = element.querySelector('[data-do="start"]');
  press.disabled = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 } } });
  } catch (problem) {
    press.disabled = false;
    say(problem.name === "NotAllowedError" ? "The browser was not allowed to use the camera. Allow it, then press Start again." : `There is no camera that can be used (${problem.name}).`, true);
    return;
  }
  video.srcObject = stream;
  await video.play();
  picture.hidden = false;
  at("empty").hidden = true;
  element.querySelector('[data-do="end"]').disabled = false;
  say("Press on what to follow; hold Shift for what is not the object.");
  loop();
}

function end() {
  if (stream) stream.getTracks().forEach((each) => each.stop());
  stream = null;
  element.querySelector('[data-do="start"]').disabled = false;
  element.querySelector('[data-do="end"]').disabled = true;
}

async function loop() {
  const mine = stream; // stopped and started again while an answer is awaited, the older loop must end
  while (stream && stream === mine) {
    const began = performance.now();
    canvas.width = video.videoWidth; canvas.height = video.videoHeight;
    stage.style.aspectRatio = `${canvas.width} / ${canvas.height}`;
    stage.style.setProperty("--shape", canvas.width / canvas.height);
    canvas.getContext("2d").drawImage(video, 0, 0);
    const asked = { key, picture: canvas.toDataURL("image/jpeg", 0.8), clicks, tracker: at("tracker").value, model: at("model").value, forget };
    clicks = []; forget = false;
    let answer;
    try { answer = await server.camera(asked); } catch (problem) { say("The server does not answer.", true); end(); return; }
    if (answer.error) { say(answer.error, true); if (answer.stop) { end(); return; } await new Promise((done) => setTimeout(done, 400)); continue; }
    picture.src = answer.picture;
    await picture.decode().catch(() => {});
    const took = (performance.now() - began) / 1000;
    times = [...times, took].slice(-20);
    const usual = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
    at("latency").textContent = ms(usual);
    at("rate").textContent = `${(1 / usual).toFixed(1)} pictures a second`;
    at("tracker-time").textContent = ms(answer.tracker_seconds);
    at("wait-time").textContent = ms(answer.waited_seconds);
    at("memory").textContent = answer.memory;
    known = answer.objects;
    drawObjects();
  }
}

function drawObjects() {
  const wanted = known.some((each) => each.id === chosen) ? known : [...known, { id: chosen, name: "Press on it in the picture", fresh: true }];
  at("objects").replaceChildren(...wanted.map((each) => {
    const row = document.createElement("li"), pick = document.createElement("button"), name = document.createElement("span"), state = document.createElement("span");
    pick.type = "button"; pick.className = "vm-pick"; pick.textContent = each.id; pick.dataset.pick = each.id;
    pick.setAttribute("aria-label", `Mark object ${each.id}`); pick.setAttribute("aria-pressed", String(each.id === chosen));
    name.textContent = each.name; state.className = "vm-state vm-mono";
    state.textContent = each.fresh ? "" : each.visible ? each.score.toFixed(2) : "out of sight";
    row.classList.toggle("vm-chosen", each.id === chosen);
    row.append(pick, name, state);
    return row;
  }));
}

stage.addEventListener("pointerdown", (event) => {
  if (!stream || event.button > 0) return;
  event.preventDefault();
  const box = picture.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * canvas.width, y = ((event.clientY - box.top) / box.height) * canvas.height;
  if (x >= 0 && y >= 0 && x < canvas.width && y < canvas.height) clicks.push([x, y, event.shiftKey ? 0 : 1, chosen]);
});

element.addEventListener("pointerdown", (event) => { const pick = event.target.closest("[data-pick]"); if (pick) { chosen = Number(pick.dataset.pick); drawObjects(); } });
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button || button.disabled) return;
  if (button.dataset.do === "start") start();
  if (button.dataset.do === "end") end();
  if (button.dataset.do === "forget") { forget = true; chosen = 1; known = []; drawObjects(); }
  if (button.dataset.do === "new") { chosen = Math.min(8, Math.max(0, ...known.map((each) => each.id)) + 1); drawObjects(); }
});
window.addEventListener("pagehide", () => { end(); navigator.sendBeacon(`vidmem/leave/${key}`); });
drawObjects();
