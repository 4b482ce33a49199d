/** A tenancy list as a file: tried first, taken only after somebody has seen what it would change. */

import { useQueryClient } from "@tanstack/react-query";
import { Button } from "antd";
import { type ChangeEvent, type ReactNode, useEffect, useState } from "react";
import { ApiError, call, query } from "../../api/client";
import type { UploadProgress, UploadResult } from "../../api/types";
import * as format from "../../format";
import { useSaid, useTold, useWords } from "../../i18n";
import { useEstate, useSession } from "../../session";
import { Mark } from "../../ui/Mark";
import { Empty, Panel } from "../../ui/Panel";

export function UploadPanel(): ReactNode {
  const t = useWords().tenancy;
  const { may } = useSession();
  return <Panel id="upload" title={t.upload}>{may("tenancy.manage") ? <Uploader /> : <Empty text={t.uploadNeeds} />}</Panel>;
}

function Uploader(): ReactNode {
  const { tenancy: t, common } = useWords();
  const estate = useEstate();
  const client = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [result, setResult] = useState<UploadResult | null>(null);
  const [problem, setProblem] = useState("");
  const [ticket, setTicket] = useState("");
  const busy = ticket !== "";

  const chosen = (event: ChangeEvent<HTMLInputElement>): void => {
    setFile(event.target.files?.[0] ?? null);
    setResult(null);
    setProblem("");
  };
  async function send(dryRun: boolean): Promise<void> {
    if (!file) return;
    const form = new FormData();
    form.append("file", file);
    const mine = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`; // only where the page came over https
    setTicket(mine);
    setProblem("");
    try {
      setResult(await call<UploadResult>(`/tenancy/upload${query({ estate: estate.id, dry_run: dryRun, ticket: mine })}`, { method: "POST", form }));
      if (!dryRun) await Promise.all(["sources", "refused-rows", "blocks", "sync", "held-actions"].map((name) => client.invalidateQueries({ queryKey: [name] })));
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    } finally {
      setTicket("");
    }
  }
  return (
    <>
      <p className="faint">{t.uploadHint}</p>
      <div className="tools">
        <span className="file-button">
          <Button tabIndex={-1} aria-hidden="true">{t.choose}</Button>
          <input type="file" accept=".csv,.xlsx" aria-label={t.choose} title={t.choose} onChange={chosen} />
        </span>
        <span>{file?.name ?? <span className="faint">{t.noFile}</span>}</span>
        <Button disabled={!file} loading={busy} onClick={() => void send(true)}>{t.dryRun}</Button>
        <Button type="primary" disabled={!file || !result || result.applied || !!result.waiting || result.accepted === 0} loading={busy} onClick={() => void send(false)}>{t.apply}</Button>
      </div>
      {busy ? <Progress ticket={ticket} /> : null}
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
      {result ? <Result result={result} /> : null}
    </>
  );
}

/** How far the hub is with the list; asked every half second while somebody waits. */
function Progress({ ticket }: { ticket: string }): ReactNode {
  const { tenancy: t } = useWords();
  const [at, setAt] = useState<UploadProgress>({ stage: "unknown", done: 0, total: 0 });
  useEffect(() => {
    const timer = setInterval(() => void call<UploadProgress>(`/tenancy/upload/progress${query({ ticket })}`).then(setAt, () => undefined), 500);
    return () => clearInterval(timer);
  }, [ticket]);
  return (
    <div role="status" data-testid="upload-progress">
      <label htmlFor="upload-bar">{t.stages[at.stage] ?? at.stage}{at.total ? ` ${t.progress(format.number(at.done), format.number(at.total))}` : ""}</label>
      <progress id="upload-bar" style={{ width: "100%" }} {...(at.total ? { value: at.done, max: at.total } : {})} />
    </div>
  );
}

const DETAILED = 100;

/** Household by household: who comes, what is corrected, what would be lost and whether the brake keeps it. */
function Details({ details }: { details: UploadResult["details"] }): ReactNode {
  const t = useWords().tenancy;
  const told = (details ?? []).filter((one) => (one.added?.length ?? 0) + (one.corrected?.length ?? 0) + (one.loses?.length ?? 0) > 0);
  if (told.length === 0) return null;
  return (
    <ul className="bullets" data-testid="upload-details">
      {told.slice(0, DETAILED).map((one) => (
        <li key={one.dwelling_code}>
          <strong>{one.dwelling_code}</strong> {one.added?.length ? `${t.comes} ${one.added.join(t.comma)} ` : ""}
          {one.corrected?.length ? `${t.corrected} ${one.corrected.map(([who, what]) => `${who} ${what}`).join(t.comma)} ` : ""}
          {one.loses?.length ? <Mark tone="warn">{t.loses} {one.loses.map(([who, what]) => `${who} ${what}`).join(t.comma)}{one.held ? ` (${t.kept})` : ""}</Mark> : null}
        </li>
      ))}
    </ul>
  );
}

function Result({ result }: { result: UploadResult }): ReactNode {
  const said = useSaid();
  const told = useTold();
  const t = useWords().tenancy;
  const { new: added, changed, ended, unchanged } = result.changes;
  return (
    <div role="status" data-testid="upload-result" data-applied={result.applied} style={{ marginTop: 10 }}>
      <p><Mark tone={result.applied ? "good" : result.waiting ? "warn" : "info"}>{result.applied ? t.applied : result.waiting ? t.waiting : t.notApplied}</Mark></p>
      <p>{t.accepted(result.accepted)} · {t.changes(added, changed, ended, unchanged)}</p>
      {(["new", "changed"] as const).map((change) => {
        const those = result.households?.filter((household) => household.change === change) ?? [];
        return those.length ? <p key={change}>{change === "new" ? t.uploadNew : t.uploadChanged}: {those.map((h) => t.uploadHousehold(h.dwelling_code, h.members)).join(", ")}</p> : null;
      })}
      {result.held_reason ? <p><Mark tone="warn">{said("reason", result.held_reason, result.held_reason_zh)}</Mark></p> : null}
      <Details details={result.details} />
      {result.held ? <p><Mark tone="warn">{said("reason", result.held.reason, result.held.reason_zh)}</Mark></p> : null}
      <p>{result.refused.length ? <Mark tone="warn">{t.rowsRefused(result.refused.length)}</Mark> : t.everythingTaken}</p>
      <ul className="bullets">
        {result.refused.map((row) => <li key={`${row.row}${row.reason}`}>{t.row(String(row.row))}: {said("reason", row.reason, row.reason_zh)} <span className="faint">{told(row.detail, row.detail_en)}</span></li>)}
      </ul>
      {result.noted?.length ? (
        <>
          <p><Mark tone="warn">{t.rowsNoted(result.noted.length)}</Mark></p>
          <ul className="bullets" data-testid="upload-noted">
            {result.noted.map((row) => <li key={row.row}>{t.row(String(row.row))}: {said("reason", row.reason, row.reason_zh)} <span className="faint">{row.detail}</span></li>)}
          </ul>
        </>
      ) : null}
    </div>
  );
}
