/** The one place that speaks HTTP with the hub: base path, CSRF header, one kind of error. */

import { heardServer } from "../now";

const BASE = "/api/v1";
let csrf = "";
let onSignedOut: () => void = () => undefined;

/** A refusal of the hub. `message` is for people, in the language of the screen when it came, and says what to do next; `zh`, `en`:
 * for what stays on a screen whose language can be changed. `status` 0: the hub cannot be reached. */
export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, readonly zh: string, readonly en: string, readonly requestId: string) {
    super(document.documentElement.lang === "en" ? en : zh);
  }
}

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called whenever the hub answers 401 outside of signing in and asking who one is. */
export function whenSignedOut(action: () => void): void {
  onSignedOut = action;
}

interface Options {
  method?: string;
  body?: unknown;
  form?: FormData;
  signal?: AbortSignal;
}

async function send(path: string, { method = "GET", body, form, signal }: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(BASE + path, {
      method, headers, credentials: "same-origin", signal: signal ?? null,
      body: form ?? (body === undefined ? null : JSON.stringify(body)),
    });
    heardServer(response.headers.get("Date"));
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "unreachable", "", "", "");
  }
}

async function failure(response: Response): Promise<ApiError> {
  const id = response.headers.get("X-Request-Id") ?? "";
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; message_en?: string; request_id: string } };
    return new ApiError(response.status, error.code, error.message, error.message_en || error.message, error.request_id || id);
  } catch {
    return new ApiError(response.status, "http", "", "", id); // a proxy's page instead of the hub's envelope
  }
}

/** The decoded answer; `undefined` for 204. Throws ApiError. */
export async function call<T>(path: string, options: Options = {}): Promise<T> {
  const response = await send(path, options);
  if (response.ok) return (response.status === 204 ? undefined : await response.json().catch(() => undefined)) as T;
  const error = await failure(response);
  if (error.status === 401 && path !== "/session" && path !== "/me") onSignedOut();
  throw error;
}

/** `?a=1&b=2` of what is set. */
export function query(values: Record<string, string | number | boolean | null | undefined>): string {
  const pairs = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return pairs.length ? `?${new URLSearchParams(pairs.map(([k, v]) => [k, String(v)])).toString()}` : "";
}

/** Ask for a file with a body and save it under the name the hub gave. Throws ApiError. */
export async function save(path: string, body: unknown): Promise<void> {
  const response = await send(path, { method: "POST", body });
  if (!response.ok) throw await failure(response);
  const named = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = named ? decodeURIComponent(named) : "evidence";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
