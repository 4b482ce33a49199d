/** A picture taken at a pass, small; opened large on demand. Each look is audited by the server.
 *
 * Never without when it was taken and by what that is known: an old picture, or one that proves nothing, says so beside it.
 */

import { Modal } from "antd";
import { type ReactNode, useState } from "react";
import type { EventItem } from "../api/types";
import * as format from "../format";
import { useWords, word } from "../i18n";
import { useZone } from "../session";

type Shot = Pick<EventItem, "snapshot_taken_at" | "snapshot_proof" | "snapshot_stale">;

export function Snapshot({ sha256, label, of }: { sha256: string; label: string; of: Shot }): ReactNode {
  const t = useWords().live;
  const [open, setOpen] = useState(false);
  const [gone, setGone] = useState(false);
  const source = `/api/v1/snapshots/${encodeURIComponent(sha256)}`;
  if (gone) return <span className="faint" title={t.imageGone}>{t.snapshot} —</span>;
  return (
    <>
      <button type="button" className={doubtful(of) ? "thumb doubtful" : "thumb"} onClick={() => setOpen(true)} aria-label={`${t.openImage}: ${label}`}>
        <img src={source} alt="" loading="lazy" onError={() => setGone(true)} />
      </button>
      <Freshness of={of} />
      <Modal open={open} onCancel={() => setOpen(false)} footer={null} title={label} width={720}>
        <p><Freshness of={of} whole /></p>
        <img src={source} alt={label} className="picture" />
      </Modal>
    </>
  );
}

function doubtful(of: Shot): boolean {
  return of.snapshot_stale || !of.snapshot_taken_at || !of.snapshot_proof || of.snapshot_proof === "none";
}

/** When the picture was taken, by whose clock, and by what that is known. */
function Freshness({ of, whole = false }: { of: Shot; whole?: boolean }): ReactNode {
  const { live: t, words } = useWords();
  const zone = useZone();
  const at = of.snapshot_taken_at ? t.takenAt(format.dateTime(of.snapshot_taken_at, zone)) : t.takenUnknown;
  const proof = word(words.proof, of.snapshot_proof ?? "none");
  const short = of.snapshot_stale ? t.oldPicture : doubtful(of) ? t.unproved : of.snapshot_taken_at ? format.clock(of.snapshot_taken_at, zone) : "";
  const said = whole ? [of.snapshot_stale ? t.oldPicture : "", at, proof].filter(Boolean).join(" · ") : short;
  return <span data-testid="freshness" className={doubtful(of) ? "freshness warn" : "freshness"} title={`${at} · ${proof}`}>{said}</span>;
}
