// The cards at the side: objects, memory, tracker, export. Elements are changed in place, so that focus stays where it is.

// The choice is shown at once, so that the next key or press already means the chosen object.
function choose(id) {
  shown.selected = id;
  drawObjects();
  return act("select", { object: id });
}

function drawObjects() {
  const list = at("objects");
  const kept = new Map([...list.children].map((each) => [each.dataset.object, each]));
  const wanted = [...shown.objects];
  if (!wanted.some((each) => each.id === shown.selected)) wanted.push({ id: shown.selected, name: "New object", colour: null, fresh: true });
  for (const each of wanted) {
    const key = String(each.id) + (each.fresh ? "-new" : "");
    const row = kept.get(key) || objectRow(each, key);
    kept.delete(key);
    list.append(row);
    row.classList.toggle("vm-chosen", each.id === shown.selected);
    row.querySelector(".vm-pick").setAttribute("aria-pressed", String(each.id === shown.selected));
    if (each.fresh) continue;
    const name = row.querySelector(".vm-name"), colour = row.querySelector("input[type=color]");
    if (document.activeElement !== name) name.value = each.name;
    if (document.activeElement !== colour) colour.value = each.colour;
    const state = each.visible === null ? "not tracked here" : each.visible ? each.score : "out of sight";
    const told = row.querySelector(".vm-state");
    told.textContent = state;
    told.classList.toggle("vm-quiet", !each.visible);
    const hide = row.querySelector('[data-do="hide"]');
    hide.textContent = each.hidden ? "Show" : "Hide";
    hide.setAttribute("aria-pressed", String(each.hidden));
    row.classList.toggle("vm-hidden", each.hidden);
  }
  for (const gone of kept.values()) gone.remove();
}

function objectRow(each, key) {
  const pick = make("button", { type: "button", class: "vm-pick", "aria-label": `Mark ${each.name}`, title: `Mark this object (${each.id <= 9 ? each.id : "press to choose"})`, text: String(each.id), onclick: () => choose(each.id) });
  if (each.fresh) return make("li", { "data-object": key }, pick, make("span", { class: "vm-quiet", text: "Press on it in the picture" }));
  const named = (event) => { if (event.target.value.trim()) act("look", { object: each.id, name: event.target.value }); else event.target.value = each.name; };
  return make("li", { "data-object": key },
    pick,
    make("input", { type: "color", "aria-label": "Colour", title: "Colour", onchange: (event) => act("look", { object: each.id, colour: event.target.value }) }),
    make("input", { type: "text", class: "vm-name", maxlength: 40, "aria-label": `Name of object ${each.id}`, onchange: named, onkeydown: (event) => { if (event.key === "Enter") event.target.blur(); } }),
    make("span", { class: "vm-state vm-mono" }),
    make("button", { type: "button", class: "vm-link", "data-do": "hide", text: "Hide", onclick: (event) => { event.stopPropagation(); act("look", { object: each.id, hidden: !shown.objects.find((o) => o.id === each.id).hidden }); } }),
    make("button", { type: "button", class: "vm-link", "data-do": "delete", text: "Delete", onclick: (event) => { event.stopPropagation(); act("delete", { object: each.id }); } }),
  );
}

const KINDS = { prompt: "marked", "long-term": "long-term", recent: "recent", pointer: "one vector" };

function drawMemory() {
  const memory = shown.memory, list = at("entries"), gauge = at("gauge");
  gauge.hidden = !memory;
  if (!memory) {
    at("memory-bytes").textContent = "";
    at("memory-words").textContent = "What the tracker keeps of the selected object is shown here behind each tracked frame: which past frames, and why.";
    list.replaceChildren();
    return;
  }
  at("memory-bytes").textContent = memory.bytes_in_words;
  const found = shown.objects.find((each) => each.id === memory.object);
  const pages = memory.entries.filter((each) => each.kind !== "pointer"), pointers = memory.entries.length - pages.length;
  at("memory-words").textContent = `${found ? found.name : "The object"} behind frame ${memory.frame}: ${pages.length} past frames kept whole, ${pointers} more as one vector each. It does not grow with the video.`;
  const kinds = ["prompt", "long-term", "recent", "pointer"].map((kind) => [kind, memory.entries.filter((each) => each.kind === kind)]);
  const total = memory.entries.reduce((sum, each) => sum + each.bytes, 0) || 1;
  gauge.replaceChildren(...kinds.filter(([, each]) => each.length).map(([kind, each]) => {
    const share = each.reduce((sum, entry) => sum + entry.bytes, 0) / total;
    return make("div", { class: `vm-part vm-${kind}`, style: `flex-grow:${share.toFixed(3)}`, title: `${each.length} ${KINDS[kind]}: ${(share * 100).toFixed(0)} % of this object's memory` }, make("span", { text: share > 0.16 ? `${each.length} ${KINDS[kind]}` : String(each.length) }));
  }));
  list.replaceChildren(...pages.map((each) => make("li", { title: `${each.why}; weight ${each.weight}, belief ${each.belief}` },
    make("button", { type: "button", onclick: () => seek(each.frame), "aria-label": `Frame ${each.frame}, ${KINDS[each.kind]}: ${each.why}. Go there.` },
      each.picture ? make("img", { src: each.picture, alt: "", width: 56, height: 56 }) : make("span", { class: "vm-blank" }),
      make("span", { class: `vm-tag vm-${each.kind}`, text: KINDS[each.kind] }),
      make("span", { class: "vm-mono vm-quiet", text: `frame ${each.frame}` })))));
  const why = make("li", { class: "vm-why vm-quiet", text: [...new Set(pages.map((each) => `${KINDS[each.kind]}: ${each.why}`))].join("; ") + "." });
  list.append(why);
}

// Bytes over the whole video: the line that must not climb.
function drawWeights() {
  const box = at("weights"), weights = shown.weights;
  box.hidden = !weights;
  if (!weights) return;
  const frames = Math.max(1, shown.clip.frames - 1);
  const d = weights.points.map(([frame, bytes], i) => `${i ? "L" : "M"}${((frame / frames) * 1000).toFixed(1)} ${(38 - 32 * (bytes / weights.highest)).toFixed(1)}`).join("");
  const floor = draw("path", { d: "M0 38.5H1000", class: "vm-weight-floor", "vector-effect": "non-scaling-stroke" });
  box.firstChild.replaceChildren(floor, draw("path", { d, class: "vm-weight-line", "vector-effect": "non-scaling-stroke" }));
  const words = `Memory of all objects over the video: at most ${weights.words}, reached at frame ${weights.since}.`;
  box.firstChild.setAttribute("aria-label", words);
  box.lastChild.textContent = words;
}

let formOf = null; // tracker and values the form was made for

function drawTracker() {
  const chosen = shown.chosen, signature = JSON.stringify(chosen);
  if (formOf === signature) return;
  formOf = signature;
  at("tracker").value = chosen.tracker;
  at("model").value = chosen.model;
  const words = facts.model_words[chosen.model] || "";
  at("model-words").textContent = words;
  at("model-words").hidden = !words;
  fillForm(chosen.tracker, chosen.settings);
}

function fillForm(name, changed) {
  const card = facts.cards[name];
  at("idea").textContent = card.idea;
  at("when").textContent = [card.when && `When: ${card.when}`, card.cost && `Cost: ${card.cost}.`].filter(Boolean).join(" ");
  at("settings-count").textContent = `${card.settings.length}` + (Object.keys(changed).length ? `, ${Object.keys(changed).length} changed` : "");
  let part = null;
  at("settings").replaceChildren(...card.settings.flatMap((each) => {
    const heading = each.part !== part ? [make("h3", { text: each.part })] : [];
    part = each.part;
    return [...heading, field(each, each.name in changed ? changed[each.name] : each.value, each.name in changed)];
  }));
}

function field(each, value, changed) {
  let input;
  if (each.kind === "switch") input = make("input", { type: "checkbox", checked: value });
  else if (each.kind === "choice") input = make("select", {}, ...each.choices.map((choice) => make("option", { value: choice, text: choice, selected: choice === value })));
  else if (each.kind === "whole" || each.kind === "number") input = make("input", { type: "number", step: each.kind === "whole" ? 1 : "any", value });
  else input = make("input", { type: "text", value: Array.isArray(value) ? value.join(" ") : value });
  input.name = each.name;
  input.dataset.kind = each.kind;
  return make("label", { class: changed ? "vm-field vm-changed" : "vm-field" }, make("span", { class: "vm-field-name", text: each.label.replaceAll("_", " ") }), input, make("span", { class: "vm-quiet vm-sentence", text: each.sentence }));
}

function formValues() {
  const values = {};
  for (const input of at("settings").querySelectorAll("[name]")) {
    values[input.name] = input.dataset.kind === "switch" ? input.checked : ["whole", "number"].includes(input.dataset.kind) ? (input.value === "" ? null : Number(input.value)) : input.value;
  }
  return values;
}

function drawDownloads() {
  const list = at("downloads"), key = JSON.stringify(shown.downloads);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...shown.downloads.map((each) => make("li", {},
    make("a", { href: `vidmem/file/${token}/${encodeURIComponent(each.name)}`, download: each.name, text: each.name }), make("span", { class: "vm-quiet", text: each.size }))).reverse());
}

function prepare() {
  at("tracker").replaceChildren(...Object.entries(facts.cards).map(([name, card]) => make("option", { value: name, text: card.title || name })));
  at("model").replaceChildren(...facts.models.map((name) => make("option", { value: name, text: name })));
  at("formats").replaceChildren(...facts.formats.map(([name, label]) => make("label", {}, make("input", { type: "checkbox", value: name, checked: recall("formats", ["png", "csv", "mp4"]).includes(name), onchange: rememberFormats }), make("span", { text: label }))));
  at("tracker").addEventListener("change", (event) => act("tracker", { tracker: event.target.value, model: at("model").value, settings: {} }).then(restore));
  at("model").addEventListener("change", (event) => act("tracker", { tracker: at("tracker").value, model: event.target.value, settings: formValues() }).then(restore));
}

function rememberFormats() {
  remember("formats", [...at("formats").querySelectorAll("input:checked")].map((each) => each.value));
}

function restore(answer) {
  if (answer.error) { formOf = null; drawTracker(); }
}
