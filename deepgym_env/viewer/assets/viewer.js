"use strict";
// Every page can be read without this. It adds keys, a choice of light and dark, and a list that follows what is typed.

const THEMES = ["system", "light", "dark"];

function stored(name, value) {
  try { // a file's page may have no storage
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch { return null; }
}

function setTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const button = document.getElementById("theme");
  if (button) button.textContent = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme];
}

function theme() {
  const kept = stored("deepgym-theme");
  return THEMES.includes(kept) ? kept : "system";
}

function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (stored("deepgym-theme", next) === null) setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || "system") + 1) % THEMES.length]);
  else setTheme(next);
}

const isStatic = () => document.body.classList.contains("static");
const seen = (element) => element.getClientRects().length > 0;

// ── moving about ─────────────────────────────────────────────────────────────────────────

function move(step) {
  const places = [...document.querySelectorAll("[data-nav]")].filter(seen);
  if (!places.length) return;
  let at = places.indexOf(document.activeElement);
  if (at < 0) at = step > 0 ? -1 : places.length;
  const next = places[Math.min(Math.max(at + step, 0), places.length - 1)];
  next.focus({ preventScroll: true });
  (next.closest("tr, article") || next).scrollIntoView({ block: next.closest("tr") ? "nearest" : "start" });
}

function follow(selector) {
  const link = [...document.querySelectorAll(selector)].find(seen);
  if (link) link.click();
}

function unfold() {
  const folds = [...document.querySelectorAll("main details")].filter(seen);
  const open = folds.some((each) => !each.open);
  for (const each of folds) each.open = open;
}

function search(event) {
  const field = [...document.querySelectorAll("input[type=search]")].find(seen);
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
}

function pick() {
  const row = document.activeElement.closest("tr");
  const box = row && row.querySelector("input[name=pick]");
  if (box) box.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: (event) => { if (document.activeElement.matches("[data-nav]")) { event.preventDefault(); move(1); } },
  ArrowUp: (event) => { if (document.activeElement.matches("[data-nav]")) { event.preventDefault(); move(-1); } },
  ArrowLeft: () => follow("a[rel=prev]"),
  ArrowRight: () => follow("a[rel=next]"),
  e: () => follow("a[data-page=episodes]"),
  r: () => follow("a[data-page=run]"),
  "/": search,
  o: unfold,
  t: nextTheme,
  x: pick,
  c: () => { const button = document.getElementById("compare"); if (button && !button.disabled) button.click(); },
  "?": () => document.getElementById("keys").showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const field = event.target.closest("input[type=search], select, textarea");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  // Arrows scroll what can be scrolled sideways.
  if (event.key.startsWith("Arrow") && event.target.closest(".scroll, .text")?.matches(":focus")) return;
  const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
  if (act) act(event);
}

// ── the list ─────────────────────────────────────────────────────────────────────────────

function followPicks() {
  const button = document.getElementById("compare");
  if (!button) return;
  const boxes = [...document.querySelectorAll("input[name=pick]")];
  const chosen = boxes.filter((each) => each.checked).length;
  button.disabled = chosen !== 2;
  for (const each of boxes) each.disabled = chosen >= 2 && !each.checked;
}

let asked = 0;

async function askAgain(form) {
  const mine = ++asked;
  const given = [...new FormData(form)].filter(([, value]) => value !== "");
  const address = `${form.getAttribute("action")}?${new URLSearchParams(given)}`;
  try {
    const answer = await fetch(address, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const results = page.getElementById("results");
    if (mine !== asked || !results) return;
    document.getElementById("results").replaceWith(document.adoptNode(results));
    history.replaceState(null, "", address);
    followPicks();
  } catch { // the server is gone: what is shown stays
  }
}

function filterRows(form) {
  const given = Object.fromEntries(new FormData(form));
  const text = given.q.toLowerCase();
  const rows = document.querySelectorAll("#episodes tr[data-row]");
  let count = 0;
  for (const row of rows) {
    const like = (!given.task || row.dataset.task === given.task)
      && (!given.outcome || row.dataset.outcome === given.outcome)
      && (!text || row.textContent.toLowerCase().includes(text) || pageText(row).includes(text));
    row.hidden = !like;
    count += like;
  }
  document.getElementById("count").textContent = count === rows.length ? `${count} episodes` : `${count} of ${rows.length} episodes`;
}

const pageTexts = new Map();

function pageText(row) {
  const target = row.querySelector("[data-nav]").getAttribute("href").slice(1);
  if (!pageTexts.has(target)) pageTexts.set(target, document.getElementById(target).textContent.toLowerCase());
  return pageTexts.get(target);
}

function followFilters() {
  const form = document.getElementById("filters");
  if (!form) return;
  const act = isStatic() ? filterRows : askAgain;
  let waiting = 0;
  for (const button of form.querySelectorAll("button")) button.hidden = true; // typing is enough
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => act(form), 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    act(form);
  });
}

// ── pages of a single file ───────────────────────────────────────────────────────────────

function showPlace() {
  const target = location.hash ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null;
  const page = target ? target.closest(".page") : null;
  const run = page && page.id === "run";
  for (const link of document.querySelectorAll("a[data-page]")) {
    const here = run ? link.dataset.page === "run" : link.dataset.page === "episodes" && (!page || page.id === "episodes");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!target || target === page) scrollTo(0, 0);
}

setTheme(theme());
document.addEventListener("DOMContentLoaded", () => {
  setTheme(theme());
  const themes = document.getElementById("theme");
  const help = document.getElementById("help");
  themes.hidden = help.hidden = false;
  themes.addEventListener("click", nextTheme);
  help.addEventListener("click", KEYS["?"]);
  document.addEventListener("keydown", onKey);
  document.addEventListener("change", (event) => { if (event.target.name === "pick") followPicks(); });
  followPicks();
  followFilters();
  if (isStatic()) {
    addEventListener("hashchange", showPlace);
    showPlace();
  }
});
