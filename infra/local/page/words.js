const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const ZERO_DECIMAL = new Set("BIF CLP DJF GNF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split(" "));
const THREE_DECIMAL = new Set("BHD IQD JOD KWD LYD OMR TND".split(" "));

const CHANNELS = { email: "Mail", sms: "SMS", team: "Team notice" };
const KINDS = { reminder: "Reminder", thank_you: "Thank-you", escalation: "Escalation", notice: "Notice", digest: "Digest" };
const TYPES = { sent: "Sent", suppressed: "Not sent", partly_paid: "Partly paid", plan_ended: "Plan at its end", fee_proposed: "Fee proposed", fee_accepted: "Fee accepted", fee_declined: "Fee waived", fee_applied: "Fee applied" };
const REASONS = {
  charge_automatically: "only watched: the source charges it by itself",
  no_due_date: "only watched: it has no due date",
  below_minimum_balance: "only watched: below the smallest balance worth a reminder",
  rides_with_parent: "a late fee: told of with the invoice it was charged on",
  due_date: "a new due date; the plan is timed anew",
};

/** `Mon 9 Mar, 09:00` (UTC) */
export function moment(text) {
  const at = new Date(text);
  return `${DAYS[at.getUTCDay()].slice(0, 3)} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()].slice(0, 3)}, ${text.slice(11, 16)}`;
}

/** `9 March 2026` from `2026-03-09` */
export function dayWords(text) {
  const at = new Date(text);
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
}

/** `Monday 9 March 2026, 09:00 UTC` */
export function longMoment(text) {
  const at = new Date(text);
  return `${DAYS[at.getUTCDay()]} ${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]} ${at.getUTCFullYear()}, ${text.slice(11, 16)} UTC`;
}

/** `GBP 4,860.00` from minor units, exact: no floating point. */
export function money(minor, currency) {
  const digits = ZERO_DECIMAL.has(currency) ? 0 : THREE_DECIMAL.has(currency) ? 3 : 2;
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${currency} ${minor < 0 ? "-" : ""}${whole}${digits ? `.${text.slice(-digits)}` : ""}`;
}

export const channelWord = (channel) => CHANNELS[channel] ?? channel;
export const kindWord = (kind) => KINDS[kind] ?? kind;

const NO_FEE = "no late fee: ";

/** What an activity's type says; that a step had no late fee is no message that was not sent. */
export function typeWord(type, reason) {
  if (type === "suppressed" && reason?.startsWith(NO_FEE)) return "No late fee";
  const words = TYPES[type] ?? type.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** A reason as a person says it; what we have no better words for stays as it was logged. */
export const reasonWords = (reason) => REASONS[reason] ?? (reason.startsWith(NO_FEE) ? reason.slice(NO_FEE.length) : reason);

/** `1 invoice`, `2 invoices` */
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
