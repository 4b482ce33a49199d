/** What a person may do in a case, with its form, a reason code and their own words. A key opens the form; nothing is sent by a key. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, DatePicker, Input, Modal, Select } from "antd";
import dayjs from "dayjs";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, call } from "../../api/client";
import type { CaseAction, CaseDetail, CaseField, CaseItem } from "../../api/types";
import { named, useTold, useWords } from "../../i18n";
import { useSession } from "../../session";
import { Empty, Panel } from "../../ui/Panel";

const KEYS: Record<string, string> = { dismiss: "1", recheck: "2", good_cause: "3" };
const MIN_OPINION = 4;

interface Props { detail: CaseDetail; action: string | null; choose: (action: string | null) => void }

export function DecisionPanel({ detail, action, choose }: Props): ReactNode {
  const { caseDetail: t, caseSteps: { steps, action: names } } = useWords();
  const { may } = useSession();
  const told = useTold();
  const open = detail.actions.filter((one) => !one.blocked);
  const blocked = detail.actions.filter((one) => one.blocked);
  const chosen = open.find((one) => one.action === action) ?? null;
  return (
    <Panel id="decision" title={t.decision} extra={may("case.decide") ? <span className="faint">{t.keys}</span> : null}>
      {!may("case.decide") ? <Empty text={t.readOnly} /> : detail.actions.length === 0 ? <Empty text={t.noActions} /> : (
        <>
          <div className="tools">
            {open.map((one) => (
              <Button key={one.action} onClick={() => choose(one.action)} data-action={one.action}>
                {named(names, one.action, one.label_zh)}{KEYS[one.action] ? <kbd aria-hidden="true">{KEYS[one.action]}</kbd> : null}
              </Button>
            ))}
          </div>
          {blocked.length ? (
            <details data-testid="blocked">
              <summary>{steps.later}</summary>
              <ul className="rows">{blocked.map((one) => <li key={one.action} data-action={one.action}><strong>{named(names, one.action, one.label_zh)}</strong><span>{told(one.blocked, one.blocked_en)}</span></li>)}</ul>
            </details>
          ) : null}
        </>
      )}
      {chosen ? <Form key={chosen.action} detail={detail} action={chosen} close={() => choose(null)} /> : null}
    </Panel>
  );
}

type Values = Record<string, string>;

function Form({ detail, action, close }: { detail: CaseDetail; action: CaseAction; close: () => void }): ReactNode {
  const { caseDetail: t, caseSteps, cases, common } = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  const [code, setCode] = useState<string | null>(null);
  const [fields, setFields] = useState<Values>({});
  const [opinion, setOpinion] = useState(action.offered);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => setProblem(""), [code, opinion, fields]);
  const title = named(caseSteps.action, action.action, action.label_zh);

  async function submit(): Promise<void> {
    if (action.reason_codes.length && !code) return setProblem(t.chooseReason);
    const lacking = action.fields.find((one) => one.required && !fields[one.name]?.trim());
    if (lacking) return setProblem(caseSteps.steps.choose(named(caseSteps.field, lacking.name, lacking.label_zh)));
    if (opinion.trim().length < MIN_OPINION) return setProblem(t.opinionNeeded);
    setBusy(true);
    try {
      const body = { action: action.action, reason_code: code ?? "", opinion: opinion.trim(), fields };
      await call<CaseItem>(`/cases/${encodeURIComponent(detail.id)}/decisions`, { method: "POST", body });
      await Promise.all([["case", detail.id], ["cases"], ["dwelling"], ["summary"]].map((queryKey) => client.invalidateQueries({ queryKey })));
      void message.success(t.decided);
      close();
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    } finally {
      setBusy(false);
    }
  }
  return (
    <Modal open title={t.confirmTitle(title)} onCancel={close} onOk={() => void submit()} okText={t.submit} cancelText={common.cancel}
      okButtonProps={{ loading: busy, danger: action.destructive }} keyboard={opinion === action.offered && Object.keys(fields).length === 0}>
      <p className="reminder">{cases.reminder}</p>
      {action.reason_codes.length ? (
        <div className="dialog-field">
          <span id="reason-code">{t.reasonCode}</span>
          <Select aria-labelledby="reason-code" style={{ width: "100%" }} value={code} onChange={setCode} showSearch={{ optionFilterProp: "label" }}
            options={action.reason_codes.map((one) => ({ value: one.code, label: `${one.code} ${named(caseSteps.reason, one.code, one.label_zh)}` }))} />
        </div>
      ) : null}
      {action.fields.map((one) => <OneField key={one.name} field={one} value={fields[one.name] ?? ""} change={(value) => setFields((old) => ({ ...old, [one.name]: value }))} />)}
      <label className="dialog-field">
        <span>{named(caseSteps.written, action.action, action.opinion_zh)}</span>
        <Input.TextArea rows={4} value={opinion} onChange={(event) => setOpinion(event.target.value)} placeholder={t.opinionPlaceholder} maxLength={4000} />
      </label>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
    </Modal>
  );
}

function OneField({ field, value, change }: { field: CaseField; value: string; change: (value: string) => void }): ReactNode {
  const { caseSteps } = useWords();
  const told = useTold();
  const id = `field-${field.name}`;
  const label = named(caseSteps.field, field.name, field.label_zh) + (field.required ? "" : caseSteps.steps.optional);
  return (
    <div className="dialog-field">
      <span id={id}>{label}</span>
      {field.kind === "choice" ? (
        <Select aria-labelledby={id} style={{ width: "100%" }} value={value || null} onChange={change}
          options={field.choices.map((one) => ({ value: one.code, label: named(caseSteps.choice, one.code, one.label_zh) }))} />
      ) : field.kind === "date" ? (
        <DatePicker aria-labelledby={id} style={{ width: "100%" }} value={value ? dayjs(value) : null} onChange={(picked) => change(picked ? picked.format("YYYY-MM-DD") : "")} />
      ) : field.most > 200 ? (
        <Input.TextArea aria-labelledby={id} rows={2} maxLength={field.most} value={value} onChange={(event) => change(event.target.value)} />
      ) : (
        <Input aria-labelledby={id} maxLength={field.most} value={value} onChange={(event) => change(event.target.value)} />
      )}
      {field.help_zh ? <span className="faint">{told(field.help_zh, field.help_en)}</span> : null}
    </div>
  );
}
