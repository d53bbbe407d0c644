// The page's own state: what the server showed last, and the one line to it. Everything else draws from `shown`.
const at = (name) => element.querySelector(`[data-at="${name}"]`);
const facts = props.value;
let shown = null;
let token = null;
let tool = "plus";
let chain = Promise.resolve();
let waiting = false;
let pendingSeek = null; // asked for and not sent yet
let aimed = null; // where the last seek leads, until it is shown
let playing = false;

try { token = sessionStorage.getItem("vidmem-desk"); } catch (_) { token = null; }

// Small habits outlive the tab: which formats were ticked, how large the brush was.
function remember(name, value) {
  try { localStorage.setItem(`vidmem-${name}`, JSON.stringify(value)); } catch (_) { /* private windows forget */ }
}

function recall(name, usual) {
  try { return JSON.parse(localStorage.getItem(`vidmem-${name}`)) ?? usual; } catch (_) { return usual; }
}

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// One thing is asked after the other, in the order it was done.
function act(verb, asked = {}) {
  const sent = chain.then(() => send(verb, asked));
  chain = sent.catch(() => {});
  return sent;
}

async function send(verb, asked) {
  const busy = setTimeout(() => { at("busy").hidden = false; }, 250);
  try {
    const answer = await server.act({ ...asked, verb, token });
    take(answer);
    return answer;
  } catch (problem) {
    say("The server does not answer. It may be restarting; your work is kept there for a while.", true);
    return { error: String(problem) };
  } finally {
    clearTimeout(busy);
    at("busy").hidden = true;
  }
}

function take(answer) {
  if (!answer) return;
  if (answer.view && (!shown || answer.view.token !== shown.token || answer.view.serial >= shown.serial)) {
    shown = answer.view;
    token = shown.token;
    try { sessionStorage.setItem("vidmem-desk", token); } catch (_) { /* private windows have none */ }
    render();
  }
  if (answer.error) say(answer.error, true);
  if (answer.gone) lost();
  if (shown && shown.job && !waiting) watchOn();
}

// While a pass runs, the server is asked for news; it answers as soon as there are some.
async function watchOn() {
  waiting = true;
  try {
    while (shown && shown.job) {
      const began = performance.now();
      const answer = await server.wait({ token, serial: shown.serial });
      take(answer);
      if (answer.gone) break;
      await new Promise((done) => setTimeout(done, Math.max(30, 140 - (performance.now() - began))));
    }
  } catch (_) {
    setTimeout(() => { if (!waiting) act("open"); }, 2000);
  } finally {
    waiting = false;
  }
}

function lost() {
  try { sessionStorage.removeItem("vidmem-desk"); } catch (_) { /* none kept */ }
  token = null;
}

function say(words, wrong = false) {
  const note = at("note");
  note.textContent = words || "\u00a0";
  note.classList.toggle("vm-wrong", wrong);
}

// Seeks that were not sent yet are replaced by the newest.
function seek(frame) {
  if (!shown) return Promise.resolve();
  frame = Math.max(0, Math.min(shown.clip.frames - 1, Math.round(frame)));
  const first = pendingSeek === null;
  pendingSeek = aimed = frame;
  at("slider").value = frame;
  if (!first) return chain;
  return (chain = chain.then(() => {
    const wanted = pendingSeek;
    pendingSeek = null;
    return send("seek", { frame: wanted }).finally(() => { if (aimed === wanted) aimed = null; });
  }).catch(() => { pendingSeek = aimed = null; }));
}

async function play() {
  playing = !playing;
  drawPlay();
  const began = performance.now(), first = shown.frame >= shown.clip.frames - 1 ? 0 : shown.frame;
  while (playing) {
    const wanted = first + Math.floor(((performance.now() - began) / 1000) * shown.clip.rate) + 1;
    await seek(Math.min(wanted, shown.clip.frames - 1));
    if (wanted >= shown.clip.frames - 1) playing = false;
    await new Promise((done) => setTimeout(done, 15));
  }
  drawPlay();
}

function drawPlay() {
  at("play-shape").setAttribute("d", playing ? "M4 3h3v10H4zM9 3h3v10H9z" : "M4 2.5v11l9-5.5z");
  element.querySelector('[data-do="play"]').setAttribute("aria-label", playing ? "Pause" : "Play");
}

function sizeInWords(size) {
  return size >= 1 << 30 ? `${(size / (1 << 30)).toFixed(1)} GiB` : `${(size / (1 << 20)).toFixed(0)} MiB`;
}

async function send_file(input, verb, more = {}) {
  const file = input.files[0];
  input.value = "";
  if (!file) return;
  if (file.size > facts.limits.upload_bytes) {
    say(`${file.name} has ${sizeInWords(file.size)}; at most ${sizeInWords(facts.limits.upload_bytes)} may be opened here.`, true);
    return;
  }
  if (file.size === 0) {
    say(`${file.name} is empty (0 bytes). Choose the file again; it may not have been copied whole.`, true);
    return;
  }
  say(`Uploading ${file.name} …`);
  let path;
  try {
    path = (await upload(file)).path;
  } catch (problem) {
    say(`${file.name} could not be uploaded: ${problem.message || problem}`, true);
    return;
  }
  await act(verb, { upload: path, name: file.name, ...more });
}
