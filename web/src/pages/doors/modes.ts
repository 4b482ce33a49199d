/** What a door was told, and how it is shown. */

import type { Door } from "../../api/types";
import type { Tone } from "../../status";

export const ORDERS = ["lock_down", "block", "lock_open", "release"] as const;
export type OrderKind = (typeof ORDERS)[number];

/** A mode that stands is somebody's act: it is on every page until it is over. */
export const stands = (door: Door): boolean => door.mode_cause === "fire" || !["normal", "unknown", ""].includes(door.mode);

export const toneOfMode = (door: Door): Tone => (stands(door) ? "bad" : door.mode === "normal" ? "good" : "none");

/** One a press: the hub takes a repetition for the same command. */
export function pressKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
}
