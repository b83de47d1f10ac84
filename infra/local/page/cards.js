import { ask } from "./asking.js";
import { channelWord, count, dayWords, kindWord, moment, money, reasonWords, typeWord } from "./words.js";

const TONES = { sent: "reminder", escalated: "escalated", paid: "paid", partly_paid: "paid", held: "held", released: "held", suppressed: "quiet", skipped: "quiet" };

/** An element; children are elements or text, never markup. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const tag = (text, tone) => h("span", { class: `tag t-${tone}` }, text);
const time = (instant) => h("time", { datetime: instant }, moment(instant));

/** A customer: closed it says how things stand, open it shows invoices and activities. */
export function caseCard(row, now) {
  const next = row.next_at ? `next ${moment(row.next_at)}` : "";
  const state = row.holds.length ? tag(`on hold: ${row.holds.join(", ")}`, "held") : row.open ? tag(`${row.open} open`, "warning") : tag("settled", "paid");
  const body = h("div", { class: "body" });
  const card = h("details", { "data-key": row.customer },
    h("summary", {},
      h("div", { class: "two" }, h("bdi", { class: "strong" }, row.name || row.customer), h("span", {}, next)),
      h("div", { class: "two" }, h("span", { class: "small" }, row.customer), state)),
    body);
  card.addEventListener("toggle", () => card.open && fill(body, row.customer, now));
  return card;
}

async function fill(body, customer, now) {
  try {
    const found = await ask("GET", `/_local/cases/${encodeURIComponent(customer)}`);
    body.replaceChildren(
      h("p", { class: "small" }, [found.profile.email, found.profile.phone, found.profile.timezone].filter(Boolean).join(" · ")),
      h("h3", {}, count(found.invoices.length, "invoice")), invoices(found.invoices, now),
      h("h3", {}, "What was decided, newest first"), activities(found));
  } catch (error) {
    body.replaceChildren(h("p", {}, error.message));
  }
}

function invoices(rows, now) {
  const lines = rows.map((row) => h("tr", {},
    h("td", {}, h("div", { class: "strong" }, row.number), h("div", { class: "small" }, dueWords(row, now))),
    h("td", { class: "num" }, money(row.amount_due, row.currency), row.amount_due === row.total ? null : h("div", { class: "small" }, `of ${money(row.total, row.currency)}`)),
    h("td", {}, statusTag(row, now), row.next_step ? h("div", { class: "small" }, `${row.next_step}: ${moment(row.next_at)}`) : null)));
  const heads = ["Invoice", "Owed", "Standing"].map((text, n) => h("th", { scope: "col", ...(n === 1 ? { class: "num" } : {}) }, text));
  return h("div", { class: "rows" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, lines)));
}

function dueWords(row, now) {
  if (!row.due_date) return "no due date";
  const days = Math.round((Date.parse(now.slice(0, 10)) - Date.parse(row.due_date)) / 86_400_000);
  if (row.status !== "open" || days <= 0) return `due ${dayWords(row.due_date)}`;
  return `due ${dayWords(row.due_date)}, ${count(days, "day")} ago`;
}

function statusTag(row, now) {
  if (row.holds.length) return tag(`on hold: ${row.holds.join(", ")}`, "held");
  if (row.status !== "open") return tag(row.status, row.status === "paid" ? "paid" : "quiet");
  if (row.escalated) return tag("with the team", "escalated");
  return row.due_date && row.due_date < now.slice(0, 10) ? tag("overdue", "overdue") : tag("open", "quiet");
}

function activities(found) {
  const numbers = new Map(found.invoices.map((row) => [row.id, row.number]));
  const lines = [...found.activities].reverse().map((each) => h("li", { class: `t-${TONES[each.type] ?? ""}` },
    time(each.at),
    h("div", {}, h("span", { class: "strong" }, typeWord(each.type, each.reason)), each.step ? h("b", {}, ` · step ${each.step}`) : null,
      h("b", {}, each.invoices.map((id) => ` · ${numbers.get(id) ?? id}`).join("")),
      each.reason ? h("div", {}, reasonWords(each.reason)) : null)));
  return h("ol", { class: "log" }, lines);
}

/** A message of the outbox; its content is rendered when it is opened. */
export function messageCard(message) {
  const card = h("details", { "data-key": `message-${message.number}-${message.sent_at}`, "data-lasting": "", class: "mail" },
    h("summary", {},
      h("div", { class: "two" }, tag(`${channelWord(message.channel)}: ${kindWord(message.kind).toLowerCase()}`, message.kind), time(message.sent_at)),
      message.subject ? h("div", { class: "strong" }, message.subject) : h("div", { class: "clip" }, message.text),
      h("div", { class: "small" }, `to ${message.to.join(", ")}`)));
  card.addEventListener("toggle", () => { if (card.open && card.children.length === 1) card.append(...content(message)); });
  return card;
}

function content(message) {
  const head = [["From", message.headers.From], ["To", message.to.join(", ")], ["Cc", message.cc.join(", ")], ["Subject", message.subject], ["Step", message.step], ["Invoices", message.invoices.join(", ")]];
  const list = h("dl", {}, head.filter(([, value]) => value).flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  if (message.channel === "sms") return [list, h("p", { class: "bubble" }, message.text)];
  if (message.channel === "team") return [list, h("p", { class: "notice" }, message.text)];
  const frame = h("iframe", { sandbox: "allow-same-origin", title: `Mail: ${message.subject}`, srcdoc: message.html });
  frame.addEventListener("load", () => { frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`; });
  return [list, frame];
}

/** What a queue gave up on. */
export function deadLetter(row) {
  return h("div", { class: "letter body" }, h("p", { class: "strong" }, row.queue), h("p", {}, row.reason ?? "no reason given"),
    h("code", {}, typeof row.body === "string" ? row.body : JSON.stringify(row.body)));
}

/** AWS calls of the functions so far. */
export function callsTable(calls) {
  const lines = calls.map((row) => h("tr", {}, h("td", {}, row.function), h("td", {}, `${row.service} ${row.operation}`), h("td", { class: "num" }, String(row.count))));
  const heads = ["Function", "Call", "Count"].map((text, n) => h("th", { scope: "col", ...(n === 2 ? { class: "num" } : {}) }, text));
  return h("div", { class: "rows" }, h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, lines)));
}
