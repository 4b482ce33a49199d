/** What a person may decide, with a reason code and their own words. A key opens the form; nothing is sent by a key. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Modal, Select } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, call } from "../../api/client";
import type { CaseAction, CaseDetail, CaseItem } from "../../api/types";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { Empty, Panel } from "../../ui/Panel";

const KEYS: Record<string, string> = { dismiss: "1", recheck: "2", good_cause: "3" };
const MIN_OPINION = 4;

interface Props { detail: CaseDetail; action: string | null; choose: (action: string | null) => void }

export function DecisionPanel({ detail, action, choose }: Props): ReactNode {
  const t = useWords().caseDetail;
  const { may } = useSession();
  const chosen = detail.actions.find((one) => one.action === action) ?? null;
  return (
    <Panel id="decision" title={t.decision} extra={may("case.decide") ? <span className="faint">{t.keys}</span> : null}>
      {!may("case.decide") ? <Empty text={t.readOnly} /> : detail.actions.length === 0 ? <Empty text={t.noActions} /> : (
        <div className="tools">
          {detail.actions.map((one) => (
            <Button key={one.action} onClick={() => choose(one.action)} data-action={one.action}>
              {one.label_zh}{KEYS[one.action] ? <kbd aria-hidden="true">{KEYS[one.action]}</kbd> : null}
            </Button>
          ))}
        </div>
      )}
      {chosen ? <Form key={chosen.action} detail={detail} action={chosen} close={() => choose(null)} /> : null}
    </Panel>
  );
}

function Form({ detail, action, close }: { detail: CaseDetail; action: CaseAction; close: () => void }): ReactNode {
  const { caseDetail: t, cases, common } = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  const [code, setCode] = useState<string | null>(null);
  const [opinion, setOpinion] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => setProblem(""), [code, opinion]);

  async function submit(): Promise<void> {
    if (!code) return setProblem(t.chooseReason);
    if (opinion.trim().length < MIN_OPINION) return setProblem(t.opinionNeeded);
    setBusy(true);
    try {
      const body = { action: action.action, reason_code: code, opinion: opinion.trim() };
      await call<CaseItem>(`/cases/${encodeURIComponent(detail.id)}/decisions`, { method: "POST", body });
      await Promise.all([["case", detail.id], ["cases"], ["dwelling"], ["summary"]].map((queryKey) => client.invalidateQueries({ queryKey })));
      void message.success(t.decided);
      close();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.unreachable);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.confirmTitle(action.label_zh)} onCancel={close} onOk={() => void submit()} okText={t.submit} cancelText={common.cancel}
      okButtonProps={{ loading: busy, danger: action.destructive }}>
      <p className="reminder">{cases.reminder}</p>
      <div className="dialog-field">
        <span id="reason-code">{t.reasonCode}</span>
        <Select aria-labelledby="reason-code" style={{ width: "100%" }} value={code} onChange={setCode} showSearch={{ optionFilterProp: "label" }}
          options={action.reason_codes.map((one) => ({ value: one.code, label: `${one.code} ${one.label_zh}` }))} />
      </div>
      <label className="dialog-field">
        <span>{t.opinion}</span>
        <Input.TextArea rows={4} value={opinion} onChange={(event) => setOpinion(event.target.value)} placeholder={t.opinionPlaceholder} maxLength={4000} />
      </label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}
