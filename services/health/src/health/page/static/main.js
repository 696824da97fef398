// The live page: receives each part of the state as it changes, and says so when nothing arrives.

import { ask } from "./api.js";
import { byId, keyed, make, mark, say } from "./dom.js";
import { both, kst, now, observe, relate, tick, utc } from "./format.js";
import { showMarkets } from "./market.js";
import { showBudget, showChanges, showComponents, showServices, showSettings, showSignals } from "./panels.js";
import { openNamed, openRecord } from "./record.js";

// The state is sent every five seconds at least.
const SILENT_MS = 7500;
const AGAIN_MS = 3000;
const SECTIONS = { markets: "market", signals: "signals-section", jobs: "services-section", budget: "budget-section", changes: "changes-section" };

// The newest of them; the others come when they are asked for.
const SHOWN_WIDE = 14;
const SHOWN_NARROW = 6;
const isNarrow = matchMedia("(max-width: 900px)");

const received = {};
const older = { signals: [], cursor: null, isOpen: false };
const fresh = new Set();
let source = null;
let lastWordAt = Date.now();
let isLost = false;

const shows = {
  status: (status) => {
    observe(status.timestamp);
    showComponents(status.components);
    showServices(status.services, received.jobs?.data?.jobs ?? []);
    say(byId("version"), status.version);
    sayWhenDue();
  },
  markets: showMarkets,
  signals: (answer) => { noteFresh(answer.signals); older.cursor ??= answer.next_cursor; listSignals(); },
  jobs: (answer) => {
    say(byId("counted-since"), `p95 of runs since ${kst(answer.counted_since)} KST`);
    if (received.status) showServices(received.status.data.services, answer.jobs);
  },
  budget: showBudget,
  changes: (answer) => showChanges(answer.changes),
};

function connect() {
  source?.close();
  source = new EventSource("api/v1/events");
  lastWordAt = Date.now();
  for (const [name, show] of Object.entries(shows)) {
    source.addEventListener(name, (event) => receive(name, JSON.parse(event.data), show));
  }
  source.onerror = () => {
    lose();
    // After a refusal, too many pages for instance, a browser does not try again by itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_MS);
  };
}

function receive(name, part, show) {
  lastWordAt = Date.now();
  isLost = false;
  received[name] = part;
  const section = byId(SECTIONS[name]);
  section?.classList.toggle("is-old", part.error !== null);
  const state = section?.querySelector(".part-state");
  if (part.data === null) say(state, `${part.error} now.`);
  else if (state && state.id !== "chart-empty") say(state, part.error ? `from ${both(part.read_at)}` : "");
  if (part.data !== null) show(part.data);
  showState();
}

function lose() {
  isLost = true;
  showState();
}

function showState() {
  const status = received.status?.data;
  const word = isLost || !status ? "unknown" : status.status;
  mark(byId("state"), "status", word);
  say(byId("state-word"), isLost ? "unknown" : status ? status.status : "connecting");
  const since = byId("state-since");
  if (word === "unknown") { delete since.dataset.moment; say(since, ""); }
  else relate(since, "for", status.since);
  document.title = `${word} · Bongsu`;
  document.body.classList.toggle("is-lost", isLost);
  keyed(byId("notices"), notices(status), (notice) => notice.key, () => make("p", { className: "notice" }, make("span")),
    (row, notice) => { mark(row, "status", notice.status); say(row.firstChild, notice.text); });
}

function notices(status) {
  if (isLost) {
    const last = status ? ` What you see is from ${both(status.timestamp, "second")}, when it was ${status.status}.` : "";
    return [{ key: "lost", status: "unhealthy", text: `The connection to health is lost; trying again.${last}` }];
  }
  if (!status) return [];
  const some = [];
  if (!status.bus) some.push({ key: "bus", status: "unhealthy", text: "Health has lost NATS: no other service reaches it until NATS is back." });
  const unread = Object.values(received).find((part) => part.error);
  if (unread) {
    const from = unread.read_at ? ` Candles, signals, budget and settings are from ${both(unread.read_at, "second")}.` : "";
    some.push({ key: "database", status: "unhealthy", text: `${unread.error}.${from}` });
  }
  return [...some, ...status.flaws.map((flaw, place) => ({ key: `flaw ${place}`, status: severity(status, flaw), text: flaw }))];
}

function severity(status, flaw) {
  const name = flaw.split(":")[0];
  const worst = [...status.components, ...status.services].filter((part) => part.name === name).map((part) => part.status);
  return worst.includes("unhealthy") ? "unhealthy" : "warning";
}

function noteFresh(signals) {
  if (!noteFresh.known) noteFresh.known = new Set(signals.map((signal) => signal.id));
  for (const { id } of signals) if (!noteFresh.known.has(id)) { noteFresh.known.add(id); fresh.add(id); }
}

function listSignals() {
  const newest = received.signals.data.signals;
  // What has left the newest ones since the page was opened is kept, or a hole would open before the older ones.
  for (const signal of newest) if (!listSignals.kept.has(signal.id)) listSignals.kept.set(signal.id, signal);
  for (const signal of older.signals) listSignals.kept.set(signal.id, signal);
  const all = [...listSignals.kept.values()].sort((one, other) => other.created_at.localeCompare(one.created_at));
  const most = older.isOpen ? all.length : Math.min(newest.length, isNarrow.matches ? SHOWN_NARROW : SHOWN_WIDE);
  const shown = all.slice(0, most);
  showSignals(shown, fresh);
  byId("older").hidden = shown.length === all.length && older.cursor === null;
  byId("signals-empty").hidden = shown.length > 0;
  sayWhenDue();
}

function sayWhenDue() {
  const due = received.status?.data.components.find((part) => part.name === "recent_signal")?.message;
  say(byId("signals-empty"), `No signal was made yet${due ? `; ${due}` : ""}.`);
}

listSignals.kept = new Map();

async function showOlder() {
  const state = byId("signals-state");
  const heldBack = !older.isOpen && listSignals.kept.size > byId("signals").childElementCount;
  older.isOpen = true;
  if (heldBack) { listSignals(); return; }
  try {
    const answer = await ask("signals", { cursor: older.cursor, limit: 50 });
    older.signals.push(...answer.signals);
    older.cursor = answer.next_cursor;
    say(state, "");
    listSignals();
  } catch (problem) {
    say(state, problem.message);
  }
}

async function loadSettings() {
  if (!byId("settings").open) return;
  try {
    showSettings((await ask("config")).settings);
    say(byId("settings-state"), "");
  } catch (problem) {
    say(byId("settings-state"), problem.message);
  }
}

function everySecond() {
  const iso = new Date(now()).toISOString();
  say(byId("clock-kst"), kst(iso, "second"));
  say(byId("clock-utc"), utc(iso, "second"));
  tick();
  if (Date.now() - lastWordAt > SILENT_MS) {
    lose();
    connect();
  }
}

byId("signals").addEventListener("click", (event) => {
  const row = event.target.closest("tr");
  if (row) openRecord(row.dataset.key);
});
isNarrow.addEventListener("change", () => { if (received.signals?.data) listSignals(); });
byId("older").addEventListener("click", showOlder);
byId("settings").addEventListener("toggle", loadSettings);
addEventListener("pagehide", () => source?.close());
addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
setInterval(everySecond, 1000);
everySecond();
connect();
openNamed();
