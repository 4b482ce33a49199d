/** Server-sent events read through fetch.
 *
 * EventSource hides what this page must know: the comment pings the watchdog counts, and the status of a refusal (a 401
 * means "sign in again", a 502 closes it for good). Reading the stream ourselves shows both.
 */

export interface Frame { event: string; data: string }

/** Splits text as it arrives into frames; a comment line gives nothing. */
export class FrameReader {
  private rest = "";

  push(text: string): Frame[] {
    const blocks = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(parse).filter((frame): frame is Frame => frame !== null);
  }
}

function parse(block: string): Frame | null {
  let event = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
  }
  return data.length ? { event, data: data.join("\n") } : null;
}

/** Reads until the server ends the stream. `onBytes` also counts pings. Throws on a refusal: `status` tells which. */
export async function readStream(
  url: string, signal: AbortSignal, onBytes: () => void, onFrame: (frame: Frame) => void,
): Promise<void> {
  const response = await fetch(url, { signal, credentials: "same-origin", headers: { Accept: "text/event-stream" } });
  if (!response.ok || !response.body) throw new StreamRefused(response.status);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const frames = new FrameReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    for (const frame of frames.push(decoder.decode(value, { stream: true }))) onFrame(frame);
  }
}

export class StreamRefused extends Error {
  constructor(readonly status: number) {
    super(`stream refused: ${status}`);
  }
}
