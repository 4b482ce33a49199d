/** Who is signed in, and which estate is looked at. */

import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { ApiError, call, setCsrf, whenSignedOut } from "./api/client";
import type { EstateRef, Me, Permission } from "./api/types";

const ESTATE_KEY = "estate.chosen";
const LEFT_KEY = "estate.left"; // the CSRF token of a session that was left, while the hub does not know
const AGAIN_MS = 5_000;

interface Session {
  me: Me | null;
  loading: boolean;
  error: ApiError | null;
  /** The session is over, and the page waits behind the sign-in. */
  ended: boolean;
  /** Somebody left, and the hub could not be told yet. */
  left: boolean;
  estate: EstateRef | null;
  choose: (estateId: string) => void;
  may: (permission: Permission) => boolean;
  entered: () => Promise<unknown>;
  leave: () => Promise<void>;
}

const Context = createContext<Session | null>(null);

/** Who the hub says is signed in. A session that was left while the hub could not be told of it is ended first. */
async function readMe(): Promise<Me | null> {
  const left = localStorage.getItem(LEFT_KEY);
  try {
    const me = await call<Me>("/me");
    setCsrf(me.csrf);
    if (!left || left !== me.csrf) {
      localStorage.removeItem(LEFT_KEY); // another session since
      return me;
    }
    await call("/session", { method: "DELETE" });
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 401 && !left)) throw error;
    if (error.status !== 401) return null; // not reached yet: it stays left
  }
  localStorage.removeItem(LEFT_KEY);
  return null;
}

/** Nobody is signed in any more: what was read for them is forgotten. `me` stays, the pages watch it. */
function forget(client: QueryClient): void {
  client.setQueryData(["me"], null);
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });
}

export function SessionProvider({ children }: { children: ReactNode }): ReactNode {
  const client = useQueryClient();
  const [ended, setEnded] = useState(false);
  const [left, setLeft] = useState(() => localStorage.getItem(LEFT_KEY) !== null);
  const [chosen, setChosen] = useState(() => localStorage.getItem(ESTATE_KEY) ?? "");

  /** A session that ended by itself leaves the page as it is, out of sight: what was typed goes on after signing in again. */
  const read = useCallback(async (): Promise<Me | null> => {
    const now = await readMe();
    const before = client.getQueryData<Me | null>(["me"]) ?? null;
    setLeft(localStorage.getItem(LEFT_KEY) !== null);
    setEnded(!now && before !== null);
    if (!now) return before;
    if (before && before.id !== now.id) forget(client);
    return now;
  }, [client]);
  const { data, isPending, error, refetch } = useQuery({ queryKey: ["me"], queryFn: read, staleTime: Infinity, retry: 2 });
  const me = data ?? null;

  useEffect(() => whenSignedOut(() => void client.refetchQueries({ queryKey: ["me"] })), [client]);
  useEffect(() => {
    if (!left) return undefined;
    const timer = setInterval(() => void refetch(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [left, refetch]);

  const leave = useCallback(async () => {
    if (me) {
      await call("/session", { method: "DELETE" }).catch((failure: unknown) => {
        if (failure instanceof ApiError && failure.status === 401) return;
        localStorage.setItem(LEFT_KEY, me.csrf); // the cookie is the hub's to take: it is asked again until it has
        setLeft(true);
      });
    }
    setEnded(false);
    forget(client);
  }, [client, me]);

  const session = useMemo<Session>(() => ({
    me, loading: isPending, error: error instanceof ApiError && !me ? error : null, ended, left, leave,
    estate: me?.estates.find((estate) => estate.id === chosen) ?? me?.estates[0] ?? null,
    choose: (id) => {
      localStorage.setItem(ESTATE_KEY, id);
      setChosen(id);
    },
    may: (permission) => me?.permissions.includes(permission) ?? false,
    entered: async () => {
      await refetch();
      await client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" }); // what was refused meanwhile
    },
  }), [me, isPending, error, ended, left, chosen, leave, refetch, client]);
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
