/** The status of each dwelling as it changes. A cell listens to itself alone, so one change draws one cell. */

import { useCallback, useSyncExternalStore } from "react";
import type { DwellingStatus } from "../api/types";

const statuses = new Map<string, DwellingStatus>();
const listeners = new Map<string, Set<() => void>>();

export function setStatus(id: string, status: DwellingStatus): void {
  if (statuses.get(id) === status) return;
  statuses.set(id, status);
  for (const listener of listeners.get(id) ?? []) listener();
}

export function useStatus(id: string, fallback: DwellingStatus): DwellingStatus {
  const subscribe = useCallback((listener: () => void) => {
    const own = listeners.get(id) ?? new Set();
    listeners.set(id, own.add(listener));
    return () => {
      own.delete(listener);
    };
  }, [id]);
  return useSyncExternalStore(subscribe, () => statuses.get(id) ?? fallback);
}
