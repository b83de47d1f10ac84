import { ask, Trouble } from "./asking.js";
import { caseCard, messageCard, deadLetter, callsTable } from "./cards.js";
import { longMoment } from "./words.js";

const $ = (id) => document.getElementById(id);
const POLL = 4000;
const shown = new Map(); // what each part of the page was last drawn from
let moving = false;
let asked = 0; // refreshes so far: the answers to an older one are not drawn over those to a newer

/** Draw a part anew when its data changed, and keep open what was open. What cannot change keeps its place, and what it shows. */
function draw(id, data, make) {
  const text = JSON.stringify(data);
  if (shown.get(id) === text) return;
  shown.set(id, text);
  const place = $(id);
  const open = new Set([...place.querySelectorAll("details[open]")].map((each) => each.dataset.key));
  const focused = place.contains(document.activeElement) ? document.activeElement.closest("details")?.dataset.key : null;
  const lasting = new Map([...place.querySelectorAll(":scope > [data-lasting]")].map((each) => [each.dataset.key, each]));
  arrange(place, [make(data)].flat().map((each) => lasting.get(each.dataset.key) ?? each));
  for (const each of place.querySelectorAll("details")) {
    if (open.has(each.dataset.key)) each.open = true;
    if (focused && each.dataset.key === focused) each.querySelector("summary").focus();
  }
}

/** Make these the children of an element. What stays is not moved, for a frame that moves loads anew. */
function arrange(place, wanted) {
  for (const each of [...place.childNodes]) if (!wanted.includes(each)) each.remove();
  let at = place.firstChild;
  for (const each of wanted) {
    if (each === at) at = at.nextSibling;
    else place.insertBefore(each, at);
  }
}

function say(error) {
  $("trouble").hidden = !error;
  $("trouble").textContent = error ? error.message : "";
}

async function refresh() {
  const mine = ++asked;
  const clock = await ask("GET", "/_local/clock");
  if (mine !== asked) return;
  $("now").textContent = longMoment(clock.now);
  if (!moving && document.activeElement !== $("to")) $("to").value = clock.now.slice(0, 16);
  const [outbox, cases, dead] = await Promise.all(["outbox", "cases", "dead_letters"].map((name) => ask("GET", `/_local/${name}`)));
  if (mine !== asked) return;
  drawOutbox(outbox);
  drawCases(cases, clock.now);
  $("dead-count").textContent = dead.length || "none";
  draw("dead-rows", dead, (rows) => rows.map(deadLetter));
  if ($("calls").open) await drawCalls();
}

function drawOutbox(outbox) {
  const channel = document.querySelector("[name=channel]:checked").value;
  const rows = outbox.map((message, number) => ({ ...message, number })).filter((message) => !channel || message.channel === channel).reverse();
  draw("outbox", { rows, channel }, () => (rows.length ? rows.map(messageCard) : [empty("Nothing has been sent yet. Move the clock on, or deliver a signed webhook.")]));
}

function drawCases(cases, now) {
  const open = cases.reduce((sum, each) => sum + each.open, 0);
  $("cases-count").textContent = cases.length ? `${cases.length} customers, ${open} open invoices` : "";
  draw("cases", { cases, day: now.slice(0, 10) }, () => (cases.length ? cases.map((each) => caseCard(each, now)) : [empty("No invoice has arrived yet. Post a signed Stripe webhook to /webhooks/stripe.")]));
}

async function drawCalls() {
  const calls = await ask("GET", "/_local/calls");
  $("calls-count").textContent = calls.reduce((sum, row) => sum + row.count, 0);
  draw("calls-rows", calls, callsTable);
}

function empty(text) {
  const note = document.createElement("p");
  note.className = "empty";
  note.textContent = text;
  return note;
}

/** Do something that takes a while: controls rest, a spinner turns, an error is said in words. */
async function busy(text, action) {
  moving = true;
  $("controls").disabled = true;
  $("status").className = "busy";
  $("status").textContent = text;
  let result = "";
  try {
    result = await action();
    await refresh();
    say(null);
  } catch (error) {
    say(error instanceof Trouble ? error : new Trouble(`The page itself failed: ${error.message}`));
  } finally {
    moving = false;
    $("controls").disabled = false;
    $("status").className = "";
    $("status").textContent = result;
  }
}

function moveClock(body) {
  const back = document.activeElement;
  return busy("Time is moving …", async () => {
    const answer = await ask("POST", "/_local/clock", body);
    return answer.invocations === 1 ? "1 function ran" : `${answer.invocations} functions ran`;
  }).then(() => back?.focus());
}

for (const button of document.querySelectorAll("[data-advance]")) button.addEventListener("click", () => moveClock({ advance: button.dataset.advance }));
$("move").addEventListener("submit", (event) => {
  event.preventDefault();
  moveClock({ to: `${$("to").value.slice(0, 16)}:00Z` });
});
for (const choice of document.querySelectorAll("[name=channel]")) choice.addEventListener("change", () => busy("", async () => ""));
$("calls").addEventListener("toggle", () => $("calls").open && drawCalls().catch(say));
$("fault").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = new FormData(event.target);
  const [service, operation] = form.get("call").split(" ");
  try {
    await ask("POST", "/_local/faults", { service, operation, mode: form.get("mode"), times: Number(form.get("times")) });
    $("fault-status").textContent = "Armed.";
  } catch (error) {
    $("fault-status").textContent = error.message;
  }
});

async function poll() {
  if (!moving && !document.hidden) await refresh().then(() => say(null), say);
  setTimeout(poll, POLL);
}
poll();
