// Draws all of the page from what was shown last, and begins.
let noted = null;

function render() {
  at("clip").textContent = shown.clip.name;
  drawStage();
  const last = shown.clip.frames - 1, slider = at("slider"), number = at("frame-number");
  slider.max = number.max = last;
  if (aimed === null) slider.value = shown.frame;
  slider.style.setProperty("--done", `${last ? (shown.frame / last) * 100 : 0}%`);
  if (document.activeElement !== number) number.value = shown.frame;
  at("time").textContent = `of ${last} · ${shown.time.toFixed(2)} s`;
  const job = shown.job;
  for (const each of ["forwards", "backwards", "both"]) {
    element.querySelector(`[data-do="track-${each}"]`).disabled = Boolean(job) || !shown.plan;
  }
  element.querySelector('[data-do="stop"]').disabled = !job;
  at("progress").hidden = !job;
  at("follow").hidden = !job || job.follows;
  if (job) {
    at("bar").style.width = `${job.total ? Math.min(100, (job.done / job.total) * 100) : 0}%`;
    at("plan").textContent = `frame ${job.frame} · ${job.rate.toFixed(1)} a second`;
  } else {
    at("plan").textContent = shown.plan ? `from frame ${shown.plan.forwards}` : "Mark an object first";
  }
  element.classList.toggle("vm-running", Boolean(job));
  for (const each of ["undo", "redo"]) {
    const button = element.querySelector(`[data-do="${each}"]`);
    button.disabled = !shown[each];
    button.title = shown[each] ? `${each === "undo" ? "Undo" : "Redo"}: ${shown[each]}` : "";
  }
  if (noted !== shown.serial + shown.note) say(shown.note);
  noted = shown.serial + shown.note;
  drawObjects();
  drawTimeline();
  drawMemory();
  drawWeights();
  drawTracker();
  drawDownloads();
}

prepare();
setTool("plus");
say("Opening …");
act("open");
setInterval(() => { if (token && !(shown && shown.job)) server.alive({ token }).catch(() => {}); }, 60000);
window.addEventListener("pagehide", () => { if (token) navigator.sendBeacon(`vidmem/leave/${token}`); });
window.addEventListener("pageshow", (event) => { if (event.persisted) act("open"); });
