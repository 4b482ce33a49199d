/// <reference lib="webworker" />
/** One stream an estate for all tabs of a browser: six tabs with one stream each would use up its connections. */

import { Connection, type Told } from "./connection";

interface Shared { connection: Connection; ports: Map<MessagePort, number> }
export type Asked = { type: "open"; url: string } | { type: "alive" } | { type: "close" };

const FORGOTTEN_MS = 180_000; // a hidden tab's timers run once a minute
const streams = new Map<string, Shared>();
const scope = self as unknown as SharedWorkerGlobalScope;

function leave(port: MessagePort): void {
  for (const [url, shared] of streams) {
    if (!shared.ports.delete(port) || shared.ports.size) continue;
    shared.connection.close();
    streams.delete(url);
  }
}

function open(url: string): Shared {
  const ports = new Map<MessagePort, number>();
  const tell = (told: Told): void => {
    for (const port of ports.keys()) port.postMessage(told);
    if (told.type === "signed_out") streams.delete(url);
  };
  const shared = { connection: new Connection(url, tell), ports };
  streams.set(url, shared);
  return shared;
}

function join(port: MessagePort, url: string): void {
  leave(port);
  const shared = streams.get(url) ?? open(url);
  shared.ports.set(port, Date.now());
  port.postMessage(shared.connection.now());
}

scope.onconnect = (event) => {
  const port = event.ports[0];
  if (!port) return;
  port.onmessage = ({ data }: MessageEvent<Asked>) => {
    if (data.type === "open") join(port, data.url);
    else if (data.type === "close") leave(port);
    else for (const { ports } of streams.values()) if (ports.has(port)) ports.set(port, Date.now());
  };
};

setInterval(() => {
  for (const { ports } of streams.values())
    for (const [port, seen] of ports) if (Date.now() - seen > FORGOTTEN_MS) leave(port);
}, 30_000);
