// A row an object: where it was seen, where it was lost, where it was marked, how sure the tracker was. Press to seek.
const rows = at("rows");
const SVG = "http://www.w3.org/2000/svg";
const ROW = 34, WIDE = 1000;
let scrubbing = false;

function draw(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function drawTimeline() {
  const frames = Math.max(1, shown.clip.frames), x = (frame) => (frame / frames) * WIDE, unit = WIDE / frames;
  const kept = new Map([...rows.querySelectorAll(".vm-line")].map((each) => [each.dataset.object, each]));
  if (!shown.objects.length) {
    if (!rows.querySelector(".vm-empty")) rows.replaceChildren(make("p", { class: "vm-quiet vm-empty", text: "Every object you mark gets a line here." }));
  } else {
    rows.querySelector(".vm-empty")?.remove();
  }
  for (const each of shown.objects) {
    let line = kept.get(String(each.id));
    kept.delete(String(each.id));
    if (!line) {
      const name = make("button", { type: "button", class: "vm-line-name", onclick: () => choose(each.id) });
      const svg = draw("svg", { viewBox: `0 0 ${WIDE} ${ROW}`, preserveAspectRatio: "none", class: "vm-lane", role: "img" });
      line = make("div", { class: "vm-line", "data-object": each.id }, name, make("div", { class: "vm-lane-box" }));
      line.lastChild.append(svg, make("i", { class: "vm-head-line" }));
      rows.append(line);
    }
    line.style.setProperty("--colour", each.colour);
    line.classList.toggle("vm-chosen", each.id === shown.selected);
    const name = line.firstChild;
    if (name.textContent !== each.name) name.textContent = each.name;
    name.title = `Select ${each.name}`;
    const seen = each.runs.filter((run) => run[2] === 1), lost = each.runs.filter((run) => run[2] === 2);
    const count = (list) => list.reduce((sum, run) => sum + run[1] - run[0] + 1, 0);
    const svg = line.querySelector("svg");
    svg.setAttribute("aria-label", `${each.name}: seen in ${count(seen)} frames, out of sight in ${count(lost)}, marked in ${each.prompts.length}`);
    const parts = [draw("rect", { x: 0, y: 22, width: WIDE, height: 7, class: "vm-lane-floor" })];
    for (const [first, last] of seen) parts.push(draw("rect", { x: x(first), y: 22, width: Math.max(1.5, x(last + 1) - x(first)), height: 7, class: "vm-lane-seen" }));
    for (const [first, last] of lost) parts.push(draw("rect", { x: x(first), y: 24.5, width: Math.max(1.5, x(last + 1) - x(first)), height: 2, class: "vm-lane-lost" }));
    if (each.curve.length > 1) {
      const d = each.curve.map(([frame, score], i) => `${i ? "L" : "M"}${(x(frame) + unit / 2).toFixed(1)} ${(19 - 17 * Math.max(0, Math.min(1, score))).toFixed(1)}`).join("");
      parts.push(draw("path", { d, class: "vm-lane-curve", "vector-effect": "non-scaling-stroke" }));
    }
    svg.replaceChildren(...parts);
    const box = line.lastChild;
    box.querySelectorAll(".vm-mark").forEach((mark) => mark.remove());
    for (const frame of each.prompts.slice(0, 300)) box.append(make("i", { class: "vm-mark", style: `left:${((frame + 0.5) / frames) * 100}%`, title: `marked in frame ${frame}` }));
    line.querySelector(".vm-head-line").style.left = `${((shown.frame + 0.5) / frames) * 100}%`;
  }
  for (const gone of kept.values()) gone.remove();
}

function scrub(event) {
  const lane = rows.querySelector(".vm-lane-box");
  if (!lane || !shown) return;
  const box = lane.getBoundingClientRect();
  seek(Math.floor(((event.clientX - box.left) / box.width) * shown.clip.frames));
}

rows.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".vm-lane-box")) return;
  scrubbing = true;
  playing = false;
  rows.setPointerCapture(event.pointerId);
  scrub(event);
});
rows.addEventListener("pointermove", (event) => { if (scrubbing) scrub(event); });
for (const end of ["pointerup", "pointercancel"]) rows.addEventListener(end, () => { scrubbing = false; });
