// The picture: it shows the frame, and turns presses, drags and lines into marks in pixels of the video.
const stage = at("stage"), picture = at("picture"), canvas = at("marks");
let drawing = null; // {tool, minus, points: [[x, y], …]} in pixels of the video
let cross = null; // for the keyboard

function placeOf(event) {
  const box = picture.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * shown.clip.width;
  const y = ((event.clientY - box.top) / box.height) * shown.clip.height;
  return [Math.max(0, Math.min(shown.clip.width - 0.5, x)), Math.max(0, Math.min(shown.clip.height - 0.5, y))];
}

stage.addEventListener("pointerdown", (event) => {
  if (!shown || event.button > 0) return;
  event.preventDefault();
  stage.focus({ preventScroll: true });
  stage.setPointerCapture(event.pointerId);
  cross = null;
  playing = false;
  drawing = { tool, minus: event.shiftKey || tool === "minus", points: [placeOf(event)], frame: shown.frame };
  drawMarks();
});

stage.addEventListener("pointermove", (event) => {
  if (!drawing) return;
  const place = placeOf(event);
  if (drawing.tool === "line" || drawing.tool === "brush") drawing.points.push(place);
  else drawing.points[1] = place;
  drawMarks();
});

stage.addEventListener("pointercancel", () => { drawing = null; drawMarks(); });

stage.addEventListener("pointerup", (event) => {
  if (!drawing) return;
  const done = drawing;
  const [first, last] = [done.points[0], placeOf(event)];
  drawing = null;
  const label = done.minus ? 0 : 1;
  const far = Math.hypot(last[0] - first[0], last[1] - first[1]) > shown.clip.width / 120;
  if (done.tool === "box" && far) {
    act("box", { frame: done.frame, x0: first[0], y0: first[1], x1: last[0], y1: last[1] });
  } else if (done.tool === "box") {
    say("Drag from one corner of the object to the opposite one.");
  } else if (done.tool === "brush") {
    act("paint", { frame: done.frame, line: done.points.slice(0, 4000), radius: brushRadius(), erase: done.minus });
  } else if (done.tool === "line" && far) {
    act("stroke", { frame: done.frame, line: done.points.slice(0, 4000), label });
  } else {
    act("click", { frame: done.frame, x: first[0], y: first[1], label });
    shown.marks.push({ x: first[0], y: first[1], label, colour: colourOf(shown.selected), object: shown.selected });
  }
  drawMarks();
});

function colourOf(id) {
  const found = shown.objects.find((each) => each.id === id);
  return found ? found.colour : "#ffffff";
}

function drawStage() {
  if (picture.getAttribute("src") !== shown.picture) picture.src = shown.picture;
  stage.style.aspectRatio = `${shown.clip.width} / ${shown.clip.height}`;
  stage.style.setProperty("--shape", shown.clip.width / shown.clip.height);
  drawMarks();
}

function drawMarks() {
  if (!shown) return;
  const box = picture.getBoundingClientRect(), dense = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(box.width * dense));
  canvas.height = Math.max(1, Math.round(box.height * dense));
  const pen = canvas.getContext("2d");
  pen.scale(dense, dense);
  const sx = box.width / shown.clip.width, sy = box.height / shown.clip.height;
  for (const mark of shown.marks) {
    if (mark.box) drawBox(pen, mark.box[0] * sx, mark.box[1] * sy, mark.box[2] * sx, mark.box[3] * sy, mark.colour);
    else drawPoint(pen, mark.x * sx, mark.y * sy, mark.label, mark.colour, mark.object === shown.selected);
  }
  if (drawing && drawing.points.length > 1) {
    const colour = drawing.minus ? "#ff5c5c" : "#ffffff";
    if (drawing.tool === "box") {
      const [a, b] = drawing.points;
      drawBox(pen, a[0] * sx, a[1] * sy, b[0] * sx, b[1] * sy, colour);
    } else if (drawing.tool === "line" || drawing.tool === "brush") {
      const wide = drawing.tool === "brush" ? 2 * brushRadius() * sx : 3;
      pen.globalAlpha = drawing.tool === "brush" ? 0.6 : 1;
      for (const [width, style] of [[wide + 3, "rgba(0,0,0,.55)"], [wide, drawing.tool === "brush" && !drawing.minus ? colourOf(shown.selected) : colour]]) {
        pen.lineWidth = width; pen.strokeStyle = style; pen.lineCap = pen.lineJoin = "round";
        pen.beginPath();
        drawing.points.forEach(([x, y], i) => (i ? pen.lineTo(x * sx, y * sy) : pen.moveTo(x * sx, y * sy)));
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
  }
  if (cross) {
    for (const [width, style] of [[4, "rgba(0,0,0,.6)"], [2, "#ffffff"]]) {
      pen.lineWidth = width; pen.strokeStyle = style;
      pen.beginPath();
      const [x, y] = [cross[0] * sx, cross[1] * sy];
      pen.moveTo(x - 14, y); pen.lineTo(x + 14, y); pen.moveTo(x, y - 14); pen.lineTo(x, y + 14);
      pen.stroke();
    }
  }
}

function drawBox(pen, x0, y0, x1, y1, colour) {
  for (const [width, style] of [[4, "rgba(0,0,0,.5)"], [2, colour]]) {
    pen.lineWidth = width; pen.strokeStyle = style;
    pen.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  }
}

function drawPoint(pen, x, y, label, colour, chosen) {
  const radius = chosen ? 8 : 6;
  pen.beginPath(); pen.arc(x, y, radius + 2, 0, 7); pen.fillStyle = "rgba(0,0,0,.65)"; pen.fill();
  pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fillStyle = label ? "#ffffff" : "#d92d20"; pen.fill();
  pen.lineWidth = 2.5; pen.strokeStyle = colour; pen.stroke();
  pen.lineWidth = 2; pen.strokeStyle = label ? "#111111" : "#ffffff";
  pen.beginPath();
  pen.moveTo(x - 3.5, y); pen.lineTo(x + 3.5, y);
  if (label) { pen.moveTo(x, y - 3.5); pen.lineTo(x, y + 3.5); }
  pen.stroke();
}

new ResizeObserver(drawMarks).observe(stage);
picture.addEventListener("load", drawMarks);

// The size of the brush is a share of the picture, so that it feels the same in any video.
function brushRadius() {
  return (Number(at("brush-size").value) / 640) * shown.clip.width;
}

function setTool(name) {
  tool = name;
  at("brush-box").hidden = name !== "brush";
  for (const button of element.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-checked", String(button.dataset.tool === name));
    button.tabIndex = button.dataset.tool === name ? 0 : -1;
  }
}

at("brush-size").value = recall("brush", 14);
at("brush-size").addEventListener("change", (event) => remember("brush", Number(event.target.value)));

const toolButtons = [...element.querySelectorAll("[data-tool]")];
toolButtons.forEach((button, place) => {
  button.addEventListener("click", () => setTool(button.dataset.tool));
  button.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault(); event.stopPropagation();
    const next = toolButtons[(place + step + toolButtons.length) % toolButtons.length];
    setTool(next.dataset.tool);
    next.focus();
  });
});

function moveCross(dx, dy) {
  const [x, y] = cross || [shown.clip.width / 2, shown.clip.height / 2];
  const step = shown.clip.width / 64;
  cross = [
    Math.max(0, Math.min(shown.clip.width - 1, x + dx * step)),
    Math.max(0, Math.min(shown.clip.height - 1, y + dy * step)),
  ];
  drawMarks();
}

function markCross(minus) {
  if (cross) act("click", { frame: shown.frame, x: cross[0], y: cross[1], label: minus || tool === "minus" ? 0 : 1 });
  else moveCross(0, 0);
}
