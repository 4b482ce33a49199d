/** A picture taken at a pass, small; opened large on demand. Each look is audited by the server. */

import { Modal } from "antd";
import { type ReactNode, useState } from "react";
import { useWords } from "../i18n";

export function Snapshot({ sha256, label }: { sha256: string; label: string }): ReactNode {
  const t = useWords().live;
  const [open, setOpen] = useState(false);
  const [gone, setGone] = useState(false);
  const source = `/api/v1/snapshots/${encodeURIComponent(sha256)}`;
  if (gone) return <span className="faint" title={t.imageGone}>{t.snapshot} —</span>;
  return (
    <>
      <button type="button" className="thumb" onClick={() => setOpen(true)} aria-label={`${t.openImage}: ${label}`}>
        <img src={source} alt="" loading="lazy" onError={() => setGone(true)} />
      </button>
      <Modal open={open} onCancel={() => setOpen(false)} footer={null} title={label} width={720}>
        <img src={source} alt={label} className="picture" />
      </Modal>
    </>
  );
}
