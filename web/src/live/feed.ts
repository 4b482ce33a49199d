/** The newest passes, capped, with a row where the connection was lost. */

import { useSyncExternalStore } from "react";
import type { EventItem } from "../api/types";

export interface Gap { kind: "gap"; id: string; from: string; to: string | null }
export type FeedRow = EventItem | Gap;
const CAP = 100;

let rows: readonly FeedRow[] = [];
const listeners = new Set<() => void>();

function become(next: readonly FeedRow[]): void {
  rows = next;
  for (const listener of listeners) listener();
}

export const isGap = (row: FeedRow): row is Gap => row.kind === "gap";
const when = (row: FeedRow): string => (isGap(row) ? (row.to ?? row.from) : row.received_at);

/** Newest first; an item known already is replaced (a snapshot may arrive after its pass). */
export function addPasses(items: EventItem[]): void {
  const passes = items.filter((item) => item.kind === "access");
  const fresh = new Map(passes.map((item) => [item.id, item]));
  const kept = rows.map((row) => {
    const newer = isGap(row) ? undefined : fresh.get(row.id);
    if (!newer) return row;
    fresh.delete(newer.id);
    return newer;
  });
  const all = [...fresh.values(), ...kept].sort((a, b) => (when(a) < when(b) ? 1 : when(a) > when(b) ? -1 : 0));
  become(all.slice(0, CAP));
}

export function openGap(from: string): void {
  if (rows.some((row) => isGap(row) && row.to === null)) return;
  become([{ kind: "gap" as const, id: `gap ${from}`, from, to: null }, ...rows].slice(0, CAP));
}

export function closeGap(to: string): void {
  become(rows.map((row) => (isGap(row) && row.to === null ? { ...row, to } : row)));
}

export function clearFeed(): void {
  become([]);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useFeed = (): readonly FeedRow[] => useSyncExternalStore(subscribe, () => rows);
