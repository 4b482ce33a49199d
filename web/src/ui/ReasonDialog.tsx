/** Asks for a reason before something is changed; a refusal of the hub is shown where the reason was typed. */

import { Input, Modal } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/client";
import { useWords } from "../i18n";

interface Props {
  open: boolean;
  title: string;
  hint: ReactNode;
  close: () => void;
  submit: (reason: string) => Promise<void>;
  danger?: boolean;
  /** What else must be filled in, above the reason. */
  children?: ReactNode;
  /** Says what is missing, before anything is sent. */
  missing?: () => string;
  ok?: string;
}

export function ReasonDialog({ open, title, hint, close, submit, danger = false, children, missing, ok }: Props): ReactNode {
  const { common, devices } = useWords();
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setReason("");
    setProblem("");
  }, [title]); // a reason was given for one thing: it is not offered for the next
  async function send(): Promise<void> {
    const lacking = missing?.() || (reason.trim().length < 4 ? devices.needReason : "");
    if (lacking) return setProblem(lacking);
    setBusy(true);
    try {
      await submit(reason.trim());
      setReason("");
      setProblem("");
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal open={open} title={title} onCancel={close} onOk={() => void send()} okText={ok ?? common.confirm} cancelText={common.cancel} okButtonProps={{ loading: busy, danger }}>
      {typeof hint === "string" ? <p>{hint}</p> : hint}
      {children}
      <label className="dialog-field">
        <span>{common.reason}</span>
        <Input.TextArea rows={2} value={reason} onChange={(event) => setReason(event.target.value)} placeholder={common.reasonPlaceholder} />
      </label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
