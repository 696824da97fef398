// The record of one signal: a dialog, which an address ending in #signal=ID opens too.

import { byId, make } from "./dom.js";
import { amount, both, dollars, milliseconds } from "./format.js";
import { ask } from "./api.js";

const dialog = byId("record");
const body = byId("record-body");
let wanted = null;

/** Open the record of a signal; it says so where that cannot be read. */
export async function openRecord(id) {
  wanted = id;
  byId("record-title").textContent = "Signal";
  body.replaceChildren(make("p", { className: "empty", text: "Loading …" }));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId("record-title").focus();
  history.replaceState(null, "", `#signal=${encodeURIComponent(id)}`);
  try {
    const record = await ask(`signals/${encodeURIComponent(id)}`);
    if (wanted === id) show(record);
  } catch (problem) {
    if (wanted !== id) return;
    const again = make("button", { type: "button", className: "plain", text: "Try again" });
    again.addEventListener("click", () => openRecord(id));
    body.replaceChildren(make("p", { className: "prose", data: { status: "unhealthy" }, text: problem.message }), again);
  }
}

/** Open the record that the page's address names. */
export function openNamed() {
  const id = new URLSearchParams(location.hash.slice(1)).get("signal");
  if (id && id !== wanted) openRecord(id);
}

dialog.addEventListener("close", () => {
  wanted = null;
  history.replaceState(null, "", location.pathname + location.search);
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
addEventListener("hashchange", openNamed);

function show(record) {
  byId("record-title").textContent = `${record.signal_type} ${record.market}, ${both(record.candle_timestamp)}`;
  const facts = [
    ["confidence", record.confidence.toFixed(2)],
    ["price", amount(record.price_at_signal)],
    ["decided by", record.source === "rule" ? `rule, because ${record.cause}` : "gemini"],
    ["made at", both(record.created_at, "second")],
    ["model asked", record.model_requested],
    ["model that answered", record.model_served],
    ["tokens in, out", record.input_tokens === null ? null : `${amount(record.input_tokens)}, ${amount(record.output_tokens)}`],
    ["cost", record.cost_usd === null ? null : `${dollars(record.cost_usd)} (${record.cost_usd})`],
    ["latency", record.latency_ms === null ? null : milliseconds(record.latency_ms)],
    ["prompt version", record.prompt_version],
    ["settings' revision", String(record.config_revision)],
    ["trace id", record.trace_id],
    ["signal id", record.id],
  ];
  const exact = new Set(["trace id", "signal id", "prompt version"]);
  const list = make("dl", { className: "record-facts" }, ...facts.map(([name, value]) =>
    make("div", {}, make("dt", { text: name }), make("dd", { className: exact.has(name) ? "mono" : "", text: value || "none" }))));
  body.replaceChildren(
    list,
    make("h3", { text: "Reasoning" }), make("p", { className: "prose", text: record.reasoning }),
    fold("Snapshot: what was seen", JSON.stringify(record.snapshot, null, 2)),
    fold("Prompt: what was asked", pretty(record.request), "Gemini was not asked."),
    fold("Answer: what came back", pretty(record.response), "There was no answer."),
  );
}

function fold(title, text, none = "") {
  const content = text ? make("pre", { text }) : make("p", { className: "empty", text: none });
  return make("details", { open: "" }, make("summary", { text: title }), content);
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2).replaceAll("\\n", "\n");
  } catch {
    return text;
  }
}
