// Formats of times, spans and numbers: times in KST with UTC beside them, prices digit by digit as they are stored.

const KST_SECONDS = 9 * 3600;
const part = (zone, options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
const MINUTE = { hour: "2-digit", minute: "2-digit" };
const SECOND = { ...MINUTE, second: "2-digit" };
const DAY = { day: "numeric", month: "short" };
const formats = {
  Asia: { minute: part("Asia/Seoul", MINUTE), second: part("Asia/Seoul", SECOND), day: part("Asia/Seoul", DAY) },
  UTC: { minute: part("UTC", MINUTE), second: part("UTC", SECOND), day: part("UTC", DAY) },
};

// How far the server's clock is ahead of this machine's, so that "3 s ago" is true on a phone that is wrong.
let aheadMs = 0;

/** Take note of the server's time. */
export function observe(timestamp) { aheadMs = Date.parse(timestamp) - Date.now(); }

/** Return the server's time in milliseconds. */
export const now = () => Date.now() + aheadMs;

const otherDay = (zone, moment) => formats[zone].day.format(moment) !== formats[zone].day.format(now());
const clock = (zone, moment, detail) => {
  const time = formats[zone][detail].format(moment);
  return otherDay(zone, moment) ? `${formats[zone].day.format(moment)} ${time}` : time;
};

/** Return `21:03` of Korea, with the day where it is not today. */
export const kst = (iso, detail = "minute") => clock("Asia", new Date(iso), detail);

/** Return `12:03` of UTC, with the day where it is not today. */
export const utc = (iso, detail = "minute") => clock("UTC", new Date(iso), detail);

/** Return both, with their names. */
export const both = (iso, detail = "minute") => (iso ? `${kst(iso, detail)} KST · ${utc(iso, detail)} UTC` : "");

/** Return seconds as the chart counts them, whose only clock is then Korea's. */
export const chartTime = (iso) => Date.parse(iso) / 1000 + KST_SECONDS;

/** Return the moment of a chart's time, ISO. */
export const momentOf = (seconds) => new Date((seconds - KST_SECONDS) * 1000).toISOString();

/** Return a length of time in its two greatest units: `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 24) return rest ? `${hours} h ${rest} min` : `${hours} h`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
}

const relations = {
  ago: (ms) => `${span(ms / 1000)} ago`,
  for: (ms) => `for ${span(ms / 1000)}`,
  in: (ms) => (ms < 0 ? `in ${span(-ms / 1000)}` : "now"),
};

/** Have an element say how long ago, for how long, or in how long; `tick` keeps it true. */
export function relate(element, relation, iso) {
  if (!iso) {
    delete element.dataset.moment;
    element.textContent = "–";
    element.removeAttribute("title");
    return;
  }
  element.dataset.moment = iso;
  element.dataset.relation = relation;
  element.title = both(iso, "second");
  if (element.tagName === "TIME") element.dateTime = iso;
  write(element);
}

function write(element) {
  const text = relations[element.dataset.relation](now() - Date.parse(element.dataset.moment));
  if (element.textContent !== text) element.textContent = text;
}

/** Write every related element again. */
export function tick() { document.querySelectorAll("[data-moment]").forEach(write); }

/** Return a decimal string with thousands set apart, digit by digit: no digit is lost to a float. */
export function amount(text) {
  if (text === null || text === undefined) return "–";
  const [whole, fraction] = String(text).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

/** Return how many decimals the most exact of these prices has. */
export const decimals = (prices) => Math.max(0, ...prices.map((price) => (String(price).split(".")[1] ?? "").length));

/** Return milliseconds with as many digits as matter. */
export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  if (value >= 10000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}

/** Return an amount of dollars; a cent of a call is much. */
export function dollars(text) {
  if (text === null || text === undefined) return "–";
  const value = Number(text);
  return `$${amount(value !== 0 && value < 1 ? value.toFixed(4) : value.toFixed(2))}`;
}

/** Return a setting's value as one types it. */
export const spelled = (value) => (typeof value === "string" ? value : JSON.stringify(value));
