// Chosen files -> the server's answer -> a table, and the scan that is looked at.

import { draw, drawCourse, open } from "./drawing.js";

const element = (id) => document.getElementById(id);
const MEGABYTE = 1e6;
let about = null;
let answer = null;
let shown = null; // { scan, views } of the scan that is looked at
let asked = 0;

function say(text) {
  element("status").textContent = text;
}

function fileSize(files) {
  return files.reduce((sum, file) => sum + file.size, 0);
}

// A file's path in a dropped folder tells it from others of its name.
async function ask(files) {
  const body = new FormData();
  for (const file of files) body.append("files", file, file.path ?? file.name);
  const token = element("token").value;
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch("/api/v1/predict?views=true", { method: "POST", body, headers });
  const content = await response.json().catch(() => ({ message: `the server answered ${response.status}` }));
  return { good: response.ok, content };
}

async function send(files) {
  if (!files.length) return;
  if (about && (files.length > about.limits.max_files || fileSize(files) > about.limits.max_upload_megabytes * MEGABYTE)) {
    const { max_files: most, max_upload_megabytes: megabytes } = about.limits;
    say(`Too much at once: at most ${most} files and ${megabytes} MB together.`);
    return;
  }
  const own = clear();
  say(`Reading ${files.length === 1 ? files[0].name : `${files.length} files`} …`);
  document.body.setAttribute("aria-busy", "true");
  let done;
  try {
    const { good, content } = await ask(files);
    done = () => {
      if (good || content.rejected?.length) show({ scans: [], views: [], readings: [], ...content });
      if (!good) say(`No answer: ${content.message}`);
    };
  } catch {
    done = () => say("No answer: the server can't be reached, or ended the request. Is it running?");
  }
  // A later request's answer is not overwritten by an earlier one's.
  if (own !== asked) return;
  document.body.removeAttribute("aria-busy");
  done();
}

// Nothing of an earlier answer stays beside a new question.
function clear() {
  answer = shown = null;
  element("answers").hidden = element("viewer").hidden = true;
  return ++asked;
}

function cell(row, text) {
  const made = row.insertCell();
  made.textContent = text;
  return made;
}

function percent(share) {
  if (share < 0.01) return "< 1 %";
  return share > 0.99 ? "> 99 %" : `${Math.round(100 * share)} %`;
}

function viewsOf(place) {
  return answer.views.find((each) => each.place === place)?.slices;
}

function addScan(rows, scan, place) {
  const row = rows.insertRow();
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = scan.scan;
  button.addEventListener("click", () => look(place));
  row.insertCell().append(button);
  cell(row, percent(scan.probability_max));
  cell(row, scan.decision);
  const remarks = [...scan.notices];
  if (scan.unlike) remarks.unshift("unlike the training data");
  if (!viewsOf(place)) remarks.push("not drawn: too many slices at once");
  cell(row, remarks.join("; "));
}

function show(content) {
  answer = content;
  const rows = element("rows");
  rows.replaceChildren();
  answer.scans.forEach((scan, place) => addScan(rows, scan, place));
  for (const item of answer.rejected) {
    const row = rows.insertRow();
    cell(row, item.scan);
    cell(row, "");
    cell(row, "not read");
    cell(row, item.reason);
  }
  element("answers").hidden = false;
  element("csv").hidden = !answer.csv;
  element("viewer").hidden = true;
  say(`${answer.scans.length} answered, ${answer.rejected.length} not readable.`);
  if (answer.scans.length) look(0);
}

function look(place) {
  const scan = answer.scans[place];
  const reading = answer.readings[place];
  shown = { scan, views: viewsOf(place)?.map(open) };
  for (const button of element("rows").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.closest("tr").rowIndex - 1 === place));
  }
  element("viewer").hidden = false;
  element("viewer-title").textContent = scan.scan;
  element("says").textContent = reading.says;
  element("means").textContent = reading.means;
  element("warning").hidden = !reading.warning;
  element("warning").textContent = reading.warning ?? "";
  element("calibration").textContent = about?.calibration ?? "";
  const slider = element("place");
  element("drawn").hidden = !shown.views;
  if (!shown.views) return;
  slider.max = scan.slices.length - 1;
  const highest = scan.slices.map((slice) => slice.probability).indexOf(scan.probability_max);
  slider.value = highest;
  element("place-line").hidden = scan.slices.length === 1;
  element("heat-line").hidden = !shown.views[0].heat;
  element("heat-note").hidden = !shown.views[0].heat;
  element("outline-line").hidden = !shown.views[0].outline;
  redraw();
}

function redraw() {
  if (!shown?.views) return;
  const place = Number(element("place").value);
  const view = shown.views[place];
  const slice = shown.scan.slices[place];
  draw(element("slice"), view, {
    level: 1 - element("level").value / 100,
    width: 1 - element("width").value / 100,
    opacity: element("opacity").value / 100,
    outline: element("outline").checked,
  });
  const threshold = answer.model.threshold;
  if (shown.scan.slices.length > 1) drawCourse(element("course"), shown.scan.slices, place, threshold);
  const words = `${place + 1} of the ${shown.scan.slices.length} looked at, probability ${percent(slice.probability)}`;
  element("place-value").textContent = words;
  element("place").setAttribute("aria-valuetext", words);
  const known = view.edges
    ? `The patient's sides by the file: ${view.edges.left} on the left, ${view.edges.right} on the right.`
    : "The file doesn't say which side of the patient is which: none is drawn.";
  const unlike = slice.unlike ? " This slice is unlike the training data." : "";
  const number = shown.scan.slices.length > 1 ? `Place ${slice.slice} in the order of positions, counted from 0. ` : "";
  element("caption").textContent = `${number}${known}${unlike} Not for diagnosis.`;
  element("slice").setAttribute("aria-label", `Slice ${words}. ${known}`);
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answer.csv], { type: "text/csv" }));
  link.download = "brainmri.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}

// A dropped folder stands for the files in it.
async function gather(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((good, bad) => entry.file(good, bad));
    file.path = entry.fullPath.slice(1);
    found.push(file);
  }
  if (!entry.isDirectory) return;
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((good, bad) => reader.readEntries(good, bad));
    if (!part.length) return;
    for (const each of part) await gather(each, found);
  }
}

async function dropped(event) {
  event.preventDefault();
  element("drop").classList.remove("over");
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  try {
    for (const entry of entries) await gather(entry, found);
  } catch {
    say("What was dropped can't be read. Is it a file or a folder of this computer?");
    return;
  }
  await send(found);
}

function start() {
  const drop = element("drop");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
    });
  }
  drop.addEventListener("drop", dropped);
  element("files").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    await send(files);
    event.target.value = "";
  });
  for (const id of ["place", "level", "width", "opacity", "outline"]) element(id).addEventListener("input", redraw);
  element("csv").addEventListener("click", download);
  addEventListener("resize", redraw);
  fetch("/api/v1/about")
    .then((response) => response.json())
    .then((content) => {
      about = content;
      element("model-warning").hidden = !about.warning;
      element("model-warning").textContent = about.warning ?? "";
      element("token-line").hidden = !about.token_needed;
    });
}

start();
