/** Who is signed in, and which estate is looked at. */

import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, call, setCsrf, whenSignedOut } from "./api/client";
import type { EstateRef, Me, Permission } from "./api/types";

const ESTATE_KEY = "estate.chosen";

interface Session {
  me: Me | null;
  loading: boolean;
  error: ApiError | null;
  ended: boolean;
  estate: EstateRef | null;
  choose: (estateId: string) => void;
  may: (permission: Permission) => boolean;
  entered: () => Promise<unknown>;
  leave: () => Promise<void>;
}

const Context = createContext<Session | null>(null);

async function readMe(): Promise<Me | null> {
  try {
    const me = await call<Me>("/me");
    setCsrf(me.csrf);
    return me;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

/** Nobody is signed in any more: what was read for them is forgotten. `me` stays, the pages watch it. */
function forget(client: QueryClient): void {
  client.setQueryData(["me"], null);
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
}

export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  const [chosen, setChosen] = useState(() => localStorage.getItem(ESTATE_KEY) ?? "");
  const { data, isPending, error, refetch } = useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: Infinity, retry: 2 });
  const me = data ?? null;

  useEffect(() => {
    whenSignedOut(() => {
      if (client.getQueryData<Me | null>(["me"])) setEnded(true);
      forget(client);
    });
  }, [client]);

  const leave = useCallback(async () => {
    await call("/session", { method: "DELETE" }).catch(() => undefined); // signed out here in any case
    forget(client);
  }, [client]);

  const session = useMemo<Session>(() => ({
    me, loading: isPending, error: error instanceof ApiError ? error : null, ended, leave,
    estate: me?.estates.find((estate) => estate.id === chosen) ?? me?.estates[0] ?? null,
    choose: (id) => {
      localStorage.setItem(ESTATE_KEY, id);
      setChosen(id);
    },
    may: (permission) => me?.permissions.includes(permission) ?? false,
    entered: () => {
      setEnded(false);
      return refetch();
    },
  }), [me, isPending, error, ended, chosen, leave, refetch]);
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error("no session provider");
  return session;
}

/** The estate and its zone, on pages that only exist with one. */
export function useEstate(): EstateRef {
  const { estate } = useSession();
  if (!estate) throw new Error("no estate chosen");
  return estate;
}

export const useZone = (): string => useEstate().time_zone;
