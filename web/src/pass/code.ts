/** The phone's code: fetched, renewed before it is over, and honest about what it has. Times count from when it was received, by the
 * phone's steady clock: its wall clock may be wrong. */

import { useCallback, useEffect, useRef, useState } from "react";

export interface Code { text: string; label: string; estate: string; issued_at: string; renew_after_s: number; expires_at: string; valid_from: string | null; valid_to: string | null }

export interface Told { zh: string; en: string }

export type Trouble = "" | "offline" | "over" | "early" | "busy" | "broken";

export interface Shown {
  code: Code | null;
  /** Steady-clock ms at which the code is renewed, and at which it is over. */
  renewAt: number;
  overAt: number;
  trouble: Trouble;
  /** The hub's own words, e.g. from when a pass is valid. */
  message: Told;
}

const RETRY_MS: Record<Exclude<Trouble, "">, number> = { offline: 2_000, broken: 5_000, busy: 10_000, early: 30_000, over: 60_000 };
const GIVE_UP_MS = 8_000;
const SILENT: Told = { zh: "", en: "" };

interface Refusal { error?: { message?: string; message_en?: string } }

async function fetchCode(secret: string): Promise<{ code: Code } | { trouble: Exclude<Trouble, "">; message: Told }> {
  let response: Response;
  try {
    response = await fetch("/api/v1/pass-qr", {
      method: "POST", credentials: "omit", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify({ secret }), signal: AbortSignal.timeout?.(GIVE_UP_MS) ?? null,
    });
    // Read here too: a link can be cut in the middle of an answer, and a page that did not catch that would never ask again.
    if (response.ok) return { code: (await response.json()) as Code };
  } catch {
    return { trouble: "offline", message: SILENT };
  }
  const message = await response.json().then(({ error }: Refusal) => ({ zh: error?.message ?? "", en: error?.message_en || error?.message || "" }), () => SILENT);
  const trouble = response.status === 409 ? "early" : response.status === 429 ? "busy" : [400, 404, 410, 422].includes(response.status) ? "over" : "broken";
  return { trouble, message };
}

export function useCode(secret: string): { shown: Shown; again: () => void } {
  const [shown, setShown] = useState<Shown>({ code: null, renewAt: 0, overAt: 0, trouble: "", message: SILENT });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const asking = useRef(false);
  const ask = useCallback(async (): Promise<void> => {
    if (asking.current) return;
    asking.current = true;
    clearTimeout(timer.current);
    const answer = await fetchCode(secret);
    asking.current = false;
    let wait: number;
    if ("code" in answer) {
      const now = performance.now();
      const life = Date.parse(answer.code.expires_at) - Date.parse(answer.code.issued_at);
      wait = answer.code.renew_after_s * 1_000;
      setShown({ code: answer.code, renewAt: now + wait, overAt: now + life, trouble: "", message: SILENT });
    } else {
      wait = RETRY_MS[answer.trouble];
      const gone = answer.trouble === "over" || answer.trouble === "early";
      setShown((old) => ({ ...old, ...(gone ? { code: null } : {}), trouble: answer.trouble, message: answer.message }));
    }
    timer.current = setTimeout(() => void ask(), wait);
  }, [secret]);
  useEffect(() => {
    void ask();
    const woken = (): void => {
      if (document.visibilityState === "visible") void ask(); // a phone that slept shows a code that is over
    };
    const back = (): void => void ask();
    document.addEventListener("visibilitychange", woken);
    addEventListener("online", back);
    return () => {
      clearTimeout(timer.current);
      document.removeEventListener("visibilitychange", woken);
      removeEventListener("online", back);
    };
  }, [ask]);
  return { shown, again: () => void ask() };
}
