/** One opening of one side of a door: asked twice, with a reason, the device's answer as it comes. */

import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { Door } from "../../api/types";
import { useWords } from "../../i18n";
import { ReasonDialog } from "../../ui/ReasonDialog";
import { CommandOutcome } from "../devices/Commands";
import { pressKey } from "./modes";

export function OpenOnce({ door }: { door: Door }): ReactNode {
  const { devices: t } = useWords();
  const [asking, setAsking] = useState<{ id: string; name: string; device: string; key: string } | null>(null);
  const [sent, setSent] = useState<string | null>(null);
  const points = door.access_points.filter((point) => point.device_id);
  if (!door.commands.includes("momentary_access")) return null;
  const send = async (reason: string): Promise<void> => {
    if (!asking) return;
    const body = { kind: "momentary_access", access_point_id: asking.id, reason, key: asking.key };
    setSent((await call<{ id: string }>(`/devices/${encodeURIComponent(asking.device)}/commands`, { method: "POST", body })).id);
    setAsking(null);
  };
  return (
    <>
      {points.map((point) => (
        <Button key={point.id} size="small" disabled={!door.known} aria-label={`${t.openDoor}: ${point.name}`} onClick={() => setAsking({ id: point.id, name: point.name, device: point.device_id ?? "", key: pressKey() })}>
          {points.length > 1 ? `${t.openDoor} · ${point.name}` : t.openDoor}
        </Button>
      ))}
      {points.length && !door.known ? <div className="faint" data-testid="open-not-now">{t.openNotNow}</div> : null}
      {sent ? <CommandOutcome id={sent} /> : null}
      {asking ? <ReasonDialog open title={t.openTitle(asking.name)} hint={t.openHint} close={() => setAsking(null)} submit={send} /> : null}
    </>
  );
}
