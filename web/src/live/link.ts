/** How the live connection stands. One value for the whole page. */

import { useSyncExternalStore } from "react";
import type { LinkState } from "../stream/connection";

export interface Link { state: LinkState; heardAt: number }

let link: Link = { state: "connecting", heardAt: 0 };
const listeners = new Set<() => void>();

export function setLink(next: Link): void {
  link = next;
  for (const listener of listeners) listener();
}

export const getLink = (): Link => link;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useLink = (): Link => useSyncExternalStore(subscribe, getLink);
