// Times as the acting person reads them.
import { person, state } from "./store.js";

function zone() {
  return person(state.me)?.tz ?? "UTC";
}

function format(date, options) {
  return new Intl.DateTimeFormat("en-US", { timeZone: zone(), ...options }).format(date);
}

export function timeOf(ts) {
  return format(new Date(Number(ts) * 1000), { hour: "numeric", minute: "2-digit" });
}

export function fullTimeOf(ts) {
  return format(new Date(Number(ts) * 1000), { dateStyle: "full", timeStyle: "medium" });
}

/** The day of a moment, to compare and to sort by. */
export function dayKey(date) {
  return format(date, { year: "numeric", month: "2-digit", day: "2-digit" });
}

/** "Today", "Yesterday", "Tomorrow", or null. */
function near(date) {
  const day = 86_400_000;
  const names = [["Yesterday", -day], ["Today", 0], ["Tomorrow", day]];
  return names.find(([, away]) => dayKey(new Date(Date.now() + away)) === dayKey(date))?.[0] ?? null;
}

export function dayName(date) {
  return near(date) ?? format(date, { weekday: "long", month: "long", day: "numeric" });
}

function ago(date) {
  const seconds = (date.getTime() - Date.now()) / 1000;
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, each]) => Math.abs(seconds) >= each) ?? units[3];
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(
    Math.round(seconds / size), unit);
}

const LONG = { weekday: "long", month: "long", day: "numeric", year: "numeric" };
const PLAIN = { month: "long", day: "numeric", year: "numeric" };
const SHORT = { month: "short", day: "numeric", year: "numeric" };

function token(name, date) {
  const pretty = name.endsWith("_pretty") ? near(date) : null;
  if (pretty) return pretty.toLowerCase();
  switch (name.replace("_pretty", "")) {
    case "date_num": {
      const [month, day, year] = dayKey(date).split("/");
      return `${year}-${month}-${day}`;
    }
    case "date_slash": return dayKey(date);
    case "date": return format(date, PLAIN);
    case "date_short": return format(date, SHORT);
    case "date_long": return format(date, LONG);
    case "time": return format(date, { hour: "numeric", minute: "2-digit" });
    case "time_secs": return format(date, { hour: "numeric", minute: "2-digit", second: "2-digit" });
    case "ago": return ago(date);
    default: return `{${name}}`;
  }
}

/** Slack's date mark-up: a format with {tokens}. */
export function formatted(seconds, pattern) {
  const date = new Date(Number(seconds) * 1000);
  const text = pattern.replace(/\{(\w+)\}/g, (_, name) => token(name, date));
  return text.charAt(0).toUpperCase() + text.slice(1);
}
