/** A page's end of the stream: through the shared worker, or in the page where there is none. */

import { Connection, type Told } from "./connection";
import type { Asked } from "./worker";

/** Starts telling; returns how to stop. */
export function openStream(estateId: string, tell: (told: Told) => void): () => void {
  const url = new URL(`/api/v1/stream?estate=${encodeURIComponent(estateId)}`, location.href).href;
  if (typeof SharedWorker === "undefined") {
    const connection = new Connection(url, tell);
    return () => connection.close();
  }
  return throughWorker(url, tell);
}

function throughWorker(url: string, tell: (told: Told) => void): () => void {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "estate-stream" });
  const ask = (asked: Asked): void => worker.port.postMessage(asked);
  let fallback: Connection | undefined;
  worker.onerror = () => {
    fallback ??= new Connection(url, tell); // a policy of the browser may forbid workers
  };
  worker.port.onmessage = ({ data }: MessageEvent<Told>) => tell(data);
  ask({ type: "open", url });
  const alive = setInterval(() => ask({ type: "alive" }), 20_000);
  const leave = (): void => ask({ type: "close" });
  const back = (event: PageTransitionEvent): void => {
    if (event.persisted) ask({ type: "open", url });
  };
  addEventListener("pagehide", leave);
  addEventListener("pageshow", back);
  return () => {
    clearInterval(alive);
    removeEventListener("pagehide", leave);
    removeEventListener("pageshow", back);
    leave();
    fallback?.close();
  };
}
