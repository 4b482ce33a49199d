/** One estate's stream, kept open: own back-off, a watchdog, four states people can be told. Runs in a worker or a page. */

import { readStream, StreamRefused } from "./sse";

export type LinkState = "connecting" | "live" | "stale" | "reconnecting";

/** What a connection tells. `heardAt`: epoch ms of the last byte. `signed_out`: the session is gone. */
export type Told =
  | { type: "state"; state: LinkState; heardAt: number }
  | { type: "frame"; event: string; data: string }
  | { type: "signed_out" };

const WATCHDOG_MS = 20_000; // the hub pings every 15 s
const STALE_GRACE_MS = 4_000; // how long "stale" is shown before the stream is opened anew
const BACKOFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

export class Connection {
  private state: LinkState = "connecting";
  private heardAt = 0;
  private openedAt = 0; // of an attempt that nobody answered yet; 0: none
  private failures = 0;
  private closed = false;
  private abort = new AbortController();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private watch: ReturnType<typeof setInterval>;

  constructor(private readonly url: string, private readonly tell: (told: Told) => void) {
    this.watch = setInterval(() => this.look(), 1_000);
    void this.open();
  }

  /** For a page that joins later. */
  now(): Told {
    return { type: "state", state: this.state, heardAt: this.heardAt };
  }

  close(): void {
    this.closed = true;
    clearInterval(this.watch);
    clearTimeout(this.retry);
    this.abort.abort();
  }

  private become(state: LinkState): void {
    this.state = state;
    this.tell(this.now());
  }

  private look(): void {
    const silent = Date.now() - this.heardAt;
    if (this.state === "live" && silent > WATCHDOG_MS) this.become("stale");
    else if (this.state === "stale" && silent > WATCHDOG_MS + STALE_GRACE_MS) this.abort.abort();
    // a hub that lost its power, or a middle box, takes the question and never answers: no error would ever come
    else if (this.openedAt > 0 && Date.now() - this.openedAt > WATCHDOG_MS) this.abort.abort();
  }

  private async open(): Promise<void> {
    this.abort = new AbortController();
    this.openedAt = Date.now();
    try {
      await readStream(this.url, this.abort.signal, () => this.heard(), (frame) => this.tell({ type: "frame", ...frame }));
    } catch (error) {
      if (error instanceof StreamRefused && error.status === 401 && !this.closed) {
        this.close();
        this.tell({ type: "signed_out" });
      }
    }
    this.openedAt = 0;
    if (!this.closed) this.again();
  }

  private heard(): void {
    this.heardAt = Date.now();
    this.openedAt = 0;
    this.failures = 0;
    if (this.state !== "live") this.become("live");
  }

  private again(): void {
    this.become("reconnecting");
    const base = BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)] ?? 15_000;
    this.failures += 1;
    this.retry = setTimeout(() => void this.open(), base * (0.8 + Math.random() * 0.4));
  }
}
