/** What each kind of pass usually is. The hub decides; these are the defaults a clerk starts from. */

import type { PassItem } from "../../api/types";
import * as format from "../../format";

export const KINDS = ["visitor", "repair", "viewing", "carer", "regular_visitor"] as const;
export type Kind = (typeof KINDS)[number];

export const WAYS = ["qr", "pin", "card", "id_card"] as const;
export type Way = (typeof WAYS)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long a pass may be chosen by one press, in hours; 0: until the end of today. */
export const LENGTHS: Record<Kind, number[]> = {
  visitor: [2, 0, 24, 72, 168], repair: [4, 0, 24, 72, 168], viewing: [1, 2, 4, 24], carer: [168, 720, 2160], regular_visitor: [168, 720, 2160],
};
export const USUAL: Record<Kind, number> = { visitor: 0, repair: 0, viewing: 2, carer: 720, regular_visitor: 2160 };

/** The end of a pass that begins at `from` (ISO). Whole minutes: the hub counts "at most 7 days" to the second. */
export function endOf(from: string, hours: number, zone: string): string {
  if (hours === 0) return format.fromLocal(`${format.day(from, zone)}T23:59:59`, zone);
  return new Date(Date.parse(from) + hours * HOUR_MS).toISOString();
}

export const NEEDS_HOST = (kind: Kind): boolean => kind !== "repair";
/** A dwelling is viewed before somebody lives there; everybody else visits a household. */
export const HOST_STATUS = (kind: Kind): ((status: string) => boolean) | undefined =>
  kind === "viewing" ? (status) => status === "vacant" || status === "repair" || status === "allocated" || status === "unknown" : undefined;

export type PassPhase = "active" | "to_come" | "ending" | "ended";

/** Where a pass stands at `now` (epoch ms). */
export function phaseOf(pass: PassItem, now: number): PassPhase {
  if (pass.state !== "active") return "ended";
  if (pass.valid_from && Date.parse(pass.valid_from) > now) return "to_come";
  return pass.valid_to && Date.parse(pass.valid_to) - now < DAY_MS ? "ending" : "active";
}
