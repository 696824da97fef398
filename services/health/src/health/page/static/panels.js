// The panels, one function each; it fills what is there and makes only what is new.

import { byId, keyed, make, mark, say } from "./dom.js";
import { amount, both, dollars, kst, milliseconds, relate, span, spelled, utc } from "./format.js";

const ARROWS = { BUY: "↑", SELL: "↓", HOLD: "•" };

/** Show the components, each with its message and since when it is so. */
export function showComponents(components) {
  keyed(byId("components"), components.flatMap(withMessage), (part) => part.key, newComponent, (row, part) => {
    if (part.words) { say(row.firstChild, part.words); return; }
    const [name, status, latency] = row.children;
    say(name, part.name);
    mark(status.firstChild, "status", part.status);
    say(status.firstChild, part.status);
    relate(status.lastChild, "for", part.since);
    say(latency, part.latency_ms === null ? "" : milliseconds(part.latency_ms));
  });
}

const withMessage = (part) => [
  { ...part, key: part.name },
  ...(part.message ? [{ key: `${part.name} message`, words: part.message }] : []),
];

function newComponent(part) {
  if (part.words) return make("tr", {}, make("td", { className: "message", colspan: "3" }));
  return make("tr", {},
    make("th", { scope: "row" }),
    make("td", {}, make("span"), make("time", { className: "since" })),
    make("td", { className: "number" }));
}

/** Show every instance, with the durations of its jobs over all replicas. */
export function showServices(services, jobs) {
  const p95 = new Map(jobs.map((job) => [`${job.service}/${job.job_name}`, job.p95_ms]));
  const ordered = [...services].sort((one, other) => (one.name === other.name ? 0 : one.name < other.name ? -1 : 1));
  keyed(byId("services"), ordered, (service) => `${service.name}/${service.instance}`, newInstance, (row, service) => {
    const [title, id, status] = row.querySelector("header").children;
    say(title, service.name);
    say(id, service.instance ?? "");
    mark(status, "status", service.status);
    say(status, service.instance === null ? "missing" : service.status);
    const message = row.querySelector(".error");
    say(message, service.message);
    message.hidden = !service.message;
    showFacts(row.querySelector("dl"), facts(service));
    const table = row.querySelector("table");
    table.hidden = !service.jobs.length;
    keyed(table.tBodies[0], service.jobs.flatMap(withError), (job) => job.key, newJob, (line, job) => {
      if (job.error) { say(line.firstChild, job.error); return; }
      const [name, last, next, duration] = line.children;
      say(name, job.job_name);
      mark(last.firstChild, "status", job.running_since ? "none" : job.last_outcome ?? "none");
      say(last.firstChild, job.running_since ? "running" : job.last_outcome ?? "not run yet");
      relate(last.lastChild, job.running_since ? "for" : "ago", job.running_since ?? job.last_finished_at);
      last.lastChild.hidden = !(job.running_since ?? job.last_finished_at);
      relate(next.firstChild, "in", job.next_run_at);
      say(duration, milliseconds(p95.get(`${service.name}/${job.job_name}`)));
    });
  });
}

const withError = (job) => [
  { ...job, key: job.job_name },
  ...(job.last_error && job.last_outcome !== "ok" ? [{ key: `${job.job_name} error`, error: job.last_error }] : []),
];

function newInstance() {
  const titles = ["job", "last run", "next", "p95"].map((title, place) =>
    make("th", { scope: "col", text: title, className: place > 1 ? "number" : "" }));
  return make("article", { className: "instance" },
    make("header", {}, make("h3"), make("span", { className: "mono" }), make("span")),
    make("p", { className: "error" }),
    make("dl", { className: "facts" }),
    make("table", { className: "jobs" }, make("thead", {}, make("tr", {}, ...titles)), make("tbody")));
}

function newJob(job) {
  if (job.error) return make("tr", {}, make("td", { className: "message", colspan: "4" }));
  return make("tr", {},
    make("th", { scope: "row" }),
    make("td", {}, make("span"), " ", make("time", { className: "quiet" })),
    make("td", { className: "number" }, make("time")),
    make("td", { className: "number" }));
}

function facts(service) {
  if (service.instance === null) return [["", "no instance reports"]];
  const { pool, cache } = service;
  const rows = [["up", span(service.uptime_s)]];
  if (pool) {
    const waiting = pool.waiting ? `, ${pool.waiting} waiting` : "";
    rows.push(["pool", `${pool.in_use} of ${pool.max} in use, ${pool.size} open${waiting}`]);
  }
  if (cache) rows.push(["cache", `${cache.hit_rate.toFixed(1)} % hits of ${amount(cache.hits + cache.misses)}`]);
  const odd = [...(cache?.stale_keys ?? []), ...(cache?.invalid_keys ?? [])];
  if (odd.length) rows.push(["not as stored", odd.join(", ")]);
  return rows;
}

function showFacts(list, rows) {
  keyed(list, rows, ([name]) => name, () => make("div", {}, make("dt"), make("dd")), (row, [name, value]) => {
    say(row.firstChild, name);
    say(row.lastChild, value);
  });
}

/** Show signals, newest first; `fresh` are the ids that have come while the page was open. */
export function showSignals(signals, fresh) {
  keyed(byId("signals"), signals, (signal) => signal.id, (signal) => newSignal(signal, fresh.has(signal.id)), () => {});
}

function newSignal(signal, isNew) {
  const by = signal.source === "rule" ? `rule (${signal.cause})` : signal.model_served ?? "gemini";
  const minute = kst(signal.candle_timestamp);
  const cell = (className, ...content) => make("td", { role: "cell", className }, ...content);
  const labelled = (label, text) => make("td", { role: "cell", className: "number", data: { label } }, text);
  return make("tr", { role: "row", className: isNew ? "is-new" : "" },
    cell("", make("button", { type: "button", "aria-haspopup": "dialog", title: "Open the full record" },
      make("b", { "aria-hidden": "true", text: ARROWS[signal.signal_type] }), signal.signal_type),
      make("small", { className: "market", text: signal.market })),
    cell("when", make("time", { datetime: signal.candle_timestamp, text: `${minute} KST` }),
      make("small", { text: `${utc(signal.candle_timestamp)} UTC` })),
    cell("number price-paid", amount(signal.price_at_signal)),
    labelled("confidence", signal.confidence.toFixed(2)),
    labelled("cost", dollars(signal.cost_usd)),
    cell("reason", make("div", { className: "why" }, make("span", { text: by }), ` — ${signal.reasoning}`)));
}

/** Show the day's budget of each model. */
export function showBudget(budget) {
  say(byId("budget-cost"), `${dollars(budget.cost_usd)} of ${dollars(budget.cost_budget_usd)} spent, all models together`);
  keyed(byId("budget"), budget.models, (model) => model.model, newModel, (row, model) => {
    const [line, bar, note] = row.children;
    const order = model.place === 1 ? "asked first" : model.place ? `fallback ${model.place - 1}` : "no longer named";
    say(line.firstChild, `${model.model} (${order})`);
    say(line.lastChild, `${amount(model.requests)} of ${amount(budget.request_budget)} requests`);
    const ratio = budget.request_budget ? Math.min(1, model.requests / budget.request_budget) : 1;
    bar.firstChild.style.width = `${(100 * ratio).toFixed(1)}%`;
    mark(note, "status", model.blocked_until || !model.requests_left ? "warning" : null);
    say(note, model.blocked_until ? `not asked before ${both(model.blocked_until)}` : model.requests_left ? "" : "the budget is spent; the rule decides");
    note.hidden = !note.textContent;
  });
  say(byId("budget-day"), `${budget.day} in Los Angeles, where the vendor's day ends at ${both(budget.day_ends_at)}`);
}

function newModel() {
  return make("li", {},
    make("p", { className: "split" }, make("span"), make("span")),
    make("span", { className: "bar-of", "aria-hidden": "true" }, make("i")),
    make("p"));
}

/** Show the latest changes of settings. */
export function showChanges(changes) {
  byId("changes-empty").hidden = changes.length > 0;
  const value = (held) => (held === null ? "default" : spelled(held));
  keyed(byId("changes"), changes, (change) => change.revision, () => make("li", {}, make("p"), make("p", { className: "quiet" })),
    (row, change) => {
      say(row.firstChild, `${change.key}: ${value(change.old_value)} → ${value(change.new_value)}`);
      say(row.lastChild, `${both(change.changed_at)}, by ${change.changed_by}, revision ${change.revision}`);
    });
}

/** Show every setting as it holds. */
export function showSettings(settings) {
  const rows = settings.flatMap((setting) => {
    const name = make("dt", { title: setting.meaning, text: setting.key });
    const notes = [setting.revision ? `set by ${setting.updated_by}` : "default"];
    if (!setting.valid) notes.push("what is stored breaks the rule");
    if (setting.stale) notes.push("last known");
    return [name, make("dd", { title: setting.rule }, spelled(setting.value), " ", make("span", { className: "quiet", text: `(${notes.join(", ")})` }))];
  });
  byId("settings-list").replaceChildren(...rows);
}
