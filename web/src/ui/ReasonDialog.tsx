/** Asks for a reason before something is changed; a refusal of the hub is shown where the reason was typed. */

import { Input, Modal } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError } from "../api/client";
import { useWords } from "../i18n";

interface Props { open: boolean; title: string; hint: string; close: () => void; submit: (reason: string) => Promise<void>; danger?: boolean }

export function ReasonDialog({ open, title, hint, close, submit, danger = false }: Props): ReactNode {
  const { common, devices } = useWords();
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  async function send(): Promise<void> {
    if (reason.trim().length < 4) return setProblem(devices.needReason);
    setBusy(true);
    try {
      await submit(reason.trim());
      setReason("");
      setProblem("");
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.unreachable);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal open={open} title={title} onCancel={close} onOk={() => void send()} okText={common.confirm} cancelText={common.cancel} okButtonProps={{ loading: busy, danger }}>
      <p>{hint}</p>
      <label className="dialog-field">
        <span>{common.reason}</span>
        <Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} />
      </label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
