/** Opens the estate's stream while somebody is signed in, and keeps what the pages show in step with it. */

import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import type { Batch } from "../api/types";
import { useSession } from "../session";
import type { Told } from "../stream/connection";
import { openStream } from "../stream/open";
import { applyBatch } from "./apply";
import { clearFeed, closeGap, openGap } from "./feed";
import { getLink, setLink } from "./link";

const REREAD_MS = 1_000; // many batches, one reading
const SNAPSHOTS = ["summary", "doors", "devices", "device", "blocks", "events", "feed", "sync", "cases", "case", "command", "passes-active", "passes-all", "held-actions", "orders", "dwelling", "explain"];

export function LiveProvider({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const { estate, me, may, ended } = useSession();
  const estateId = may("estate.view") ? estate?.id : undefined; // who may not see the estate has no stream of it
  const userId = me?.id;

  useEffect(() => {
    if (!estateId || !userId || ended) return undefined;
    clearFeed();
    setLink({ state: "connecting", heardAt: 0 });
    const due = new Map<string, unknown[]>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // what is being read just now may be older than what was told: it is read again behind that
    const ask = (keys: unknown[][]): void => {
      for (const key of keys) {
        if (client.isFetching({ queryKey: key }) > 0) due.set(JSON.stringify(key), key);
        else void client.invalidateQueries({ queryKey: key });
      }
      if (due.size) timer ??= setTimeout(reread, REREAD_MS);
    };
    const reread = (): void => {
      timer = undefined;
      const keys = [...due.values()];
      due.clear();
      ask(keys);
    };
    const later = (keys: unknown[][]): void => {
      for (const key of keys) due.set(JSON.stringify(key), key);
      if (due.size) timer ??= setTimeout(reread, REREAD_MS);
    };
    const everything = (): void => ask(SNAPSHOTS.map((name) => [name]));
    const hear = (told: Told): void => {
      if (told.type === "signed_out") {
        void client.refetchQueries({ queryKey: ["me"] });
      } else if (told.type === "state") {
        const before = getLink();
        setLink({ state: told.state, heardAt: told.heardAt });
        if (told.state === "reconnecting" && before.state !== "reconnecting") openGap(new Date(before.heardAt || Date.now()).toISOString());
        if (told.state === "live" && before.state !== "stale") {
          closeGap(new Date().toISOString());
          everything();
        }
      } else if (told.event === "batch") {
        later(applyBatch(client, estateId, JSON.parse(told.data) as Batch));
      } else if (told.event === "gap") {
        const at = new Date().toISOString();
        openGap(at);
        if ((JSON.parse(told.data) as { reason: string }).reason === "server_stop") return; // closed when it is back
        closeGap(at);
        everything();
      }
    };
    const stop = openStream(estateId, hear);
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [client, estateId, userId, ended]);
  return children;
}
