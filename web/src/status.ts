/** Colours that four kinds of sight can tell apart (CIELAB distance 16 to 33), each with text of 5.4:1 or better. */

import type { DwellingStatus } from "./api/types";

export const STATUSES: DwellingStatus[] = [
  "occupied", "vacant", "allocated", "suspected_sublet", "suspected_idle", "repair", "unknown",
];

export const FILL: Record<DwellingStatus, { background: string; color: string }> = {
  occupied: { background: "#009E73", color: "#000" },
  vacant: { background: "#BDBDBD", color: "#000" },
  allocated: { background: "#56B4E9", color: "#000" },
  suspected_sublet: { background: "#D55E00", color: "#000" },
  suspected_idle: { background: "#E69F00", color: "#000" },
  repair: { background: "#7A5195", color: "#fff" },
  unknown: { background: "repeating-linear-gradient(135deg, #fff 0 5px, #ececec 5px 7px)", color: "#000" },
};

export type Tone = "good" | "bad" | "warn" | "info" | "none";

/** Shape and colour of a state: never colour alone. */
export const TONES: Record<Tone, { shape: string; color: string }> = {
  good: { shape: "●", color: "#00694c" },
  bad: { shape: "■", color: "#b3261e" },
  warn: { shape: "▲", color: "#8a5a00" },
  info: { shape: "◆", color: "#0b5394" },
  none: { shape: "○", color: "#4a4a4a" },
};

const TONE_OF: Record<string, Tone> = {
  online: "good", ok: "good", granted: "good", taken: "good", confirmed: "good", in_step: "good", active: "good", closed: "good",
  normal: "good", done: "good", present: "good",
  denied: "bad", fault: "bad", offline: "bad", refused: "bad", forced_open: "bad", tamper: "bad", red: "bad", unreachable: "bad", down: "bad",
  not_taken: "warn", held_open: "warn", open: "warn", refusals: "warn", behind: "warn", orange: "warn", yellow: "warn", propped: "warn",
  clock: "warn", ending: "warn", to_come: "info", expired: "warn", uncertain: "warn", unsupported: "warn",
  pending: "info", assumed: "info", recheck_requested: "info", other_use: "info",
};

export const toneOf = (state: string | null | undefined): Tone => TONE_OF[state ?? ""] ?? "none";
