/** Times and numbers for people. The zone is the estate's, never the computer's; what is not known is "—", never 0. */

export const NONE = "—";

const cache = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string, kind: "time" | "dateTime" | "day" | "minute"): Intl.DateTimeFormat {
  const key = `${zone} ${kind}`;
  const known = cache.get(key);
  if (known) return known;
  const date = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
  const parts = {
    time: clock, day: date, dateTime: { ...date, ...clock },
    minute: { ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  } as const;
  const made = new Intl.DateTimeFormat("sv-SE", { ...parts[kind], timeZone: zone });
  cache.set(key, made);
  return made;
}

function show(at: string | null | undefined, zone: string, kind: "time" | "dateTime" | "day" | "minute"): string {
  if (!at) return NONE;
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? NONE : formatter(zone, kind).format(date);
}

/** 09:12:30 */
export const time = (at: string | null | undefined, zone: string): string => show(at, zone, "time");
/** 2026-11-21 09:12:30 */
export const dateTime = (at: string | null | undefined, zone: string): string => show(at, zone, "dateTime");
/** 11-21 09:12; with the year where it is not this one. */
export function minute(at: string | null | undefined, zone: string): string {
  const shown = show(at, zone, "minute");
  const year = show(new Date().toISOString(), zone, "day").slice(0, 5);
  return shown.startsWith(year) ? shown.slice(5) : shown;
}
/** 2026-11-21 */
export const day = (at: string | null | undefined, zone: string): string => show(at, zone, "day");

/** Today only the clock, on another day the date before it. */
export function clock(at: string | null | undefined, zone: string): string {
  if (!at) return NONE;
  return day(at, zone) === day(new Date().toISOString(), zone) ? time(at, zone) : minute(at, zone);
}

export function number(value: number | null | undefined, digits = 0): string {
  return value === null || value === undefined ? NONE : value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

export function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? NONE : `${(value * 100).toFixed(value >= 0.9995 || value === 0 ? 0 : 1)}%`;
}

/** A clock's offset in seconds with its sign: +0.4 s */
export function offset(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return NONE;
  const shown = Math.abs(seconds) < 10 ? seconds.toFixed(1) : Math.round(seconds).toString();
  return `${seconds > 0 ? "+" : ""}${shown} s`;
}

/** The instant (ISO, UTC) at which a local day begins in a zone. */
export function midnight(localDay: string, zone: string): string {
  const guess = new Date(`${localDay}T00:00:00Z`);
  const shown = new Date(`${dateTime(guess.toISOString(), zone).replace(" ", "T")}Z`); // the zone's clock at the guess, read as UTC
  return new Date(2 * guess.getTime() - shown.getTime()).toISOString();
}

/** A side or direction, unless the name ends with it: "北门 进" is not said to go "进" again. */
export const unlessSaid = (name: string, side: string): string => (side && name.trimEnd().endsWith(side) ? "" : side);

/** A local time of a zone ("2026-11-21T09:12") as an instant (ISO, UTC). */
export function fromLocal(text: string, zone: string): string {
  const guess = new Date(`${text}Z`);
  const shown = new Date(`${dateTime(guess.toISOString(), zone).replace(" ", "T")}Z`);
  return new Date(2 * guess.getTime() - shown.getTime()).toISOString();
}

/** The other way round, for a field in which somebody picks a time. */
export const toLocal = (at: string, zone: string): string => dateTime(at, zone).replace(" ", "T");

/** A long number in groups of four, as it is read out. */
export const grouped = (digits: string): string => digits.replace(/(.{4})(?=.)/g, "$1 ");

/** 4 → "4 hours", 72 → "3 days", in the words given. */
export const hours = (count: number, inHours: (n: number) => string, inDays: (n: number) => string): string => (count % 24 === 0 ? inDays(count / 24) : inHours(count));
