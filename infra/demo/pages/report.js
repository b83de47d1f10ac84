"use strict";
const rows = [...document.querySelectorAll("details.row")];
const form = document.querySelector(".filter");
const toggle = document.getElementById("toggle-all");

// A mail is as tall as its content; scripts in it never run, its height may be read.
function fit(frame) {
  const page = frame.contentDocument;
  if (!page || !page.body) return;
  frame.style.height = "0";
  frame.style.height = Math.ceil(page.documentElement.scrollHeight) + "px";
}
function fitAll(row) { row.querySelectorAll("iframe").forEach(fit); }

document.querySelectorAll("iframe").forEach((frame) => frame.addEventListener("load", () => fit(frame)));
rows.forEach((row) => row.addEventListener("toggle", () => { if (row.open) fitAll(row); }));
addEventListener("resize", () => rows.filter((row) => row.open).forEach(fitAll));

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const row = target && target.closest("details.row");
  if (row) { row.open = true; target.scrollIntoView(); }
}
addEventListener("hashchange", openTarget);

form.hidden = false;
form.addEventListener("change", () => {
  const shown = new FormData(form).get("show");
  rows.forEach((row) => { row.hidden = Boolean(shown) && row.dataset.outcome !== shown; });
});
toggle.addEventListener("click", () => {
  const open = toggle.getAttribute("aria-pressed") !== "true";
  toggle.setAttribute("aria-pressed", String(open));
  toggle.textContent = open ? "Close all" : "Open all";
  rows.forEach((row) => { row.open = open; });
});

let before = null;
addEventListener("beforeprint", () => { before = rows.map((row) => row.open); rows.forEach((row) => { row.open = true; fitAll(row); }); });
addEventListener("afterprint", () => { if (before) rows.forEach((row, n) => { row.open = before[n]; }); });
openTarget();
