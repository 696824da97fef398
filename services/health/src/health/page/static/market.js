// The market that is shown, and its chart: the events say that something changed, the API says what.

import { ask } from "./api.js";
import { MarketChart } from "./chart.js";
import { byId, keyed, make, say } from "./dom.js";
import { amount, both } from "./format.js";
import { openRecord } from "./record.js";

const HOUR_MS = 3600e3;
const MOST_SIGNALS = 200;
const REFRESHED_SIGNALS = 20;
const AGAIN_MS = 5000;

let markets = [];
let market = null;
let hours = 3;
let shownState = "";
let signals = new Map();
let chart = null;
let loading = false;

/** Take over the newest state of all markets. */
export function showMarkets(answer) {
  markets = answer.markets;
  if (!markets.some((one) => one.market === market)) choose(markets[0]?.market ?? null);
  byId("market-pick").hidden = markets.length < 2;
  document.body.classList.toggle("one-market", markets.length < 2);
  keyed(byId("market-select"), markets, (one) => one.market, (one) => make("option", { value: one.market, text: one.market }), () => {});
  byId("market-select").value = market;
  showPrice();
  refresh();
}

function choose(wanted) {
  market = wanted;
  signals = new Map();
  shownState = "";
  say(byId("market-title"), market ?? "Market");
}

function showPrice() {
  const now = markets.find((one) => one.market === market);
  const price = now?.price ?? now?.newest_candle?.close ?? null;
  say(byId("price"), amount(price));
  say(byId("price-unit"), market ? market.split("-")[0] : "");
  const before = now?.close_24h_ago;
  const change = price !== null && before ? 100 * (Number(price) / Number(before) - 1) : null;
  const sign = change === null ? "" : change >= 0 ? "▲ +" : "▼ −";
  say(byId("price-change"), change === null ? "" : `${sign}${Math.abs(change).toFixed(2)} % in 24 h`);
  byId("price-change").style.color = change === null ? "" : `var(--${change >= 0 ? "up" : "down"})`;
  say(byId("price-at"), now?.newest_candle ? `newest candle ${both(now.newest_candle.timestamp)}` : "");
}

/** Load what the chart shows where that has changed. */
async function refresh() {
  const now = markets.find((one) => one.market === market);
  if (!now || loading) return;
  const state = JSON.stringify([market, hours, now.newest_candle, now.open_gap_minutes, now.newest_signal_at]);
  if (state === shownState) return;
  loading = true;
  try {
    await load(now, state);
  } catch (problem) {
    say(byId("chart-empty"), `The candles cannot be loaded: ${problem.message}.`);
    setTimeout(refresh, AGAIN_MS);
  } finally {
    loading = false;
  }
  if (shownState && shownState !== state) refresh();
}

async function load(now, state) {
  const [asked, span] = [market, hours];
  const end = now.newest_candle ? Date.parse(now.newest_candle.timestamp) + 60e3 : Date.now();
  const range = { market: asked, from: new Date(end - span * HOUR_MS).toISOString() };
  const [candles, gaps, newSignals] = await Promise.all([
    ask("candles", { ...range, limit: span * 60 + 60 }),
    ask("gaps", { ...range, limit: 200 }),
    ask("signals", { market: asked, limit: signals.size ? REFRESHED_SIGNALS : MOST_SIGNALS }),
  ]);
  if (asked !== market || span !== hours) { setTimeout(refresh); return; }
  for (const signal of newSignals.signals) signals.set(signal.id, signal);
  const oldest = Date.parse(range.from);
  const shown = [...signals.values()]
    .filter((signal) => Date.parse(signal.candle_timestamp) >= oldest)
    .sort((one, other) => one.candle_timestamp.localeCompare(other.candle_timestamp));
  chart ??= new MarketChart(byId("chart"), openRecord);
  const fit = !shownState || !shownState.startsWith(JSON.stringify([market, hours]).slice(0, -1));
  chart.show({ market, hours, candles: candles.candles, gaps: gaps.gaps, signals: shown, fit });
  shownState = state;
}

byId("market-select").addEventListener("change", (event) => {
  choose(event.target.value);
  showPrice();
  refresh();
});
byId("range").addEventListener("change", (event) => {
  hours = Number(event.target.value);
  shownState = "";
  refresh();
});
