// The chart: prices, decisions and missing minutes.

import { byId, keyed, make, mark, say } from "./dom.js";
import { amount, both, chartTime, decimals, kst, momentOf, utc } from "./format.js";
import { Backdrop } from "./backdrop.js";

const MINUTE = 60;
const MOST_NAMED = 8;
const WORDS = { open: "open", repaired: "repaired", confirmed_empty: "proven empty" };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const backdropColours = () => ({
  open: colour("unhealthy"), repaired: colour("healthy"), confirmed_empty: colour("quiet"), hold: colour("quiet"),
});
const shapes = {
  BUY: { position: "belowBar", shape: "arrowUp" },
  SELL: { position: "aboveBar", shape: "arrowDown" },
};

/** The candlestick chart of one market; `onSignal(id)` is called for a click on a minute with a signal. */
export class MarketChart {
  #library = window.LightweightCharts;
  #backdrop = new Backdrop();
  #signalAt = new Map();
  #shown = { candles: [], gaps: [], signals: [] };

  constructor(element, onSignal) {
    this.chart = this.#library.createChart(element, {
      autoSize: true,
      // Its logo would bring a style of its own, which our policy forbids; the page's footer names the makers.
      layout: { attributionLogo: false, fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 },
      localization: {
        timeFormatter: (time) => both(momentOf(time)),
        priceFormatter: (price) => amount(price.toFixed(this.decimals ?? 0)),
      },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 3, minBarSpacing: 0.2 },
      rightPriceScale: { scaleMargins: { top: 0.12, bottom: 0.1 } },
      kineticScroll: { touch: false },
      // The page itself is scrolled with the wheel and with a finger that moves up or down.
      handleScroll: { mouseWheel: false, vertTouchDrag: false },
      handleScale: { mouseWheel: false },
    });
    this.series = this.chart.addSeries(this.#library.CandlestickSeries, { priceLineVisible: false });
    this.series.attachPrimitive(this.#backdrop);
    this.markers = this.#library.createSeriesMarkers(this.series, []);
    this.chart.subscribeClick(({ time }) => {
      const id = time === undefined ? undefined : this.#nearest(time);
      if (id) onSignal(id);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
    this.#paint();
  }

  /** Show candles, gaps and signals of one market, all oldest first; `fit` also shows the whole range. */
  show({ market, hours, candles, gaps, signals, fit }) {
    this.#shown = { candles, gaps, signals };
    this.decimals = decimals(candles.flatMap((candle) => [candle.open, candle.close]));
    this.series.applyOptions({ priceFormat: { type: "price", precision: this.decimals, minMove: 10 ** -this.decimals } });
    const points = withHoles(candles);
    this.series.setData(points);
    this.#shade(points, this.#mark(points));
    if (fit) this.chart.timeScale().fitContent();
    byId("chart-empty").hidden = candles.length > 0;
    say(byId("chart-empty"), "No candle of these hours is stored.");
    say(byId("chart-summary"), summary(market, hours, candles, signals));
    listGaps(gaps);
  }

  #mark(points) {
    const [first, last] = [points[0]?.time, points.at(-1)?.time];
    const inView = this.#shown.signals.filter((signal) => {
      const time = chartTime(signal.candle_timestamp);
      return first <= time && time <= last;
    });
    this.#signalAt = new Map(inView.map((signal) => [chartTime(signal.candle_timestamp), signal.id]));
    const arrows = inView.filter((signal) => signal.signal_type in shapes);
    // Where there are many, words would cover each other; the arrow says the same.
    const named = arrows.length <= MOST_NAMED;
    this.markers.setMarkers(arrows.map((signal) => ({
      time: chartTime(signal.candle_timestamp), color: colour("text"), size: named ? 1 : 0.5,
      ...shapes[signal.signal_type], text: named ? signal.signal_type : "",
    })));
    return inView.filter((signal) => !arrows.includes(signal)).map((signal) => chartTime(signal.candle_timestamp));
  }

  #shade(points, holds) {
    const [first, end] = [points[0]?.time, (points.at(-1)?.time ?? 0) + MINUTE];
    const inView = this.#shown.gaps
      .map((gap) => ({
        status: gap.status,
        from: Math.max(first, chartTime(gap.from_time)),
        to: Math.min(end, chartTime(gap.to_time)),
      }))
      .filter((gap) => gap.from < gap.to);
    this.#backdrop.set(inView, holds, backdropColours());
  }

  #nearest(time) {
    // A finger is wider than a minute.
    const reach = (MINUTE * 6) / this.chart.timeScale().options().barSpacing;
    const times = [...this.#signalAt.keys()].filter((known) => Math.abs(known - time) <= reach);
    times.sort((one, other) => Math.abs(one - time) - Math.abs(other - time));
    return this.#signalAt.get(times[0]);
  }

  #paint() {
    const [text, line, surface] = [colour("quiet"), colour("line"), colour("surface")];
    const [up, down] = [colour("up"), colour("down")];
    this.chart.applyOptions({
      layout: { background: { color: surface }, textColor: text },
      grid: { vertLines: { color: line }, horzLines: { color: line } },
      timeScale: { borderColor: line },
      rightPriceScale: { borderColor: line },
      crosshair: { vertLine: { labelBackgroundColor: colour("text") }, horzLine: { labelBackgroundColor: colour("text") } },
    });
    // Red is up and blue is down in Korea; hollow and filled say it without a colour.
    this.series.applyOptions({
      upColor: surface, borderUpColor: up, wickUpColor: up, downColor: down, borderDownColor: down, wickDownColor: down,
    });
    const points = withHoles(this.#shown.candles);
    this.#shade(points, this.#mark(points));
  }
}

/** Return a point for every minute from the first candle to the last, bare where there is none. */
function withHoles(candles) {
  const points = [];
  for (const candle of candles) {
    const time = chartTime(candle.timestamp);
    const previous = points.at(-1)?.time ?? time - MINUTE;
    for (let missing = previous + MINUTE; missing < time; missing += MINUTE) points.push({ time: missing });
    const [open, high, low, close] = [candle.open, candle.high, candle.low, candle.close].map(Number);
    points.push({ time, open, high, low, close });
  }
  return points;
}

function summary(market, hours, candles, signals) {
  if (!candles.length) return `Chart of ${market}: no candle is stored.`;
  const lows = candles.map((candle) => Number(candle.low));
  const highs = candles.map((candle) => Number(candle.high));
  const count = (type) => signals.filter((signal) => signal.signal_type === type).length;
  return (
    `Candlestick chart of ${market}, the last ${hours} hours up to ${both(candles.at(-1).timestamp)}:` +
    ` close ${amount(candles.at(-1).close)}, lowest ${amount(String(Math.min(...lows)))},` +
    ` highest ${amount(String(Math.max(...highs)))}; ${count("BUY")} BUY, ${count("SELL")} SELL, ${count("HOLD")} HOLD.`
  );
}

function listGaps(gaps) {
  const counted = Object.keys(WORDS)
    .map((status) => [status, gaps.filter((gap) => gap.status === status)])
    .filter(([, some]) => some.length)
    .map(([status, some]) => `${some.length} ${WORDS[status]} (${some.reduce((sum, gap) => sum + gap.minutes, 0)} min)`);
  say(byId("gaps-summary"), counted.length ? `Gaps in these hours: ${counted.join(", ")}` : "No gap in these hours");
  const newestFirst = [...gaps].reverse();
  keyed(byId("gap-list"), newestFirst, (gap) => gap.from_time, () => make("li"), (row, gap) => {
    mark(row, "status", { open: "unhealthy", repaired: "ok", confirmed_empty: "none" }[gap.status]);
    const resolved = gap.resolved_at ? `, ${WORDS[gap.status]} at ${kst(gap.resolved_at)} KST` : "";
    const range = `${kst(gap.from_time)}–${kst(gap.to_time)} KST (${utc(gap.from_time)}–${utc(gap.to_time)} UTC)`;
    say(row, `${range}: ${gap.minutes} min ${WORDS[gap.status]}, seen at ${kst(gap.detected_at)} KST${resolved}; ${gap.evidence}`);
  });
}
