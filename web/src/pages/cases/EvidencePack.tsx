/** The case's pack to take away: masked at once, with full names only for a stated purpose. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Segmented } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, save } from "../../api/client";
import { useCasePapers } from "../../api/queries";
import { useWords } from "../../i18n";
import { useSession } from "../../session";
import { Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

type PackForm = "pdf" | "zip";

export function EvidencePack({ id }: { id: string }): ReactNode {
  const { caseSteps: { pack: t }, common } = useWords();
  const { may } = useSession();
  const { message } = App.useApp();
  const client = useQueryClient();
  const key = useCasePapers(id).data?.public_key;
  const [busy, setBusy] = useState<PackForm | null>(null);
  const [problem, setProblem] = useState("");
  const [whole, setWhole] = useState(false);
  const [form, setForm] = useState<PackForm>("pdf");

  async function take(wanted: PackForm, reason?: string): Promise<void> {
    await save(`/cases/${encodeURIComponent(id)}/evidence`, reason ? { form: wanted, unmasked: true, reason } : { form: wanted });
    void message.success(t.made);
    void client.invalidateQueries({ queryKey: ["case", id] });
  }
  async function takeMasked(wanted: PackForm): Promise<void> {
    setBusy(wanted);
    setProblem("");
    try {
      await take(wanted);
    } catch (error) {
      setProblem((error instanceof ApiError && error.message) || common.noAnswer);
    } finally {
      setBusy(null);
    }
  }
  return (
    <Panel id="evidence-pack" title={t.title}>
      <p>{t.hint}</p>
      <div className="tools">
        <Button loading={busy === "pdf"} onClick={() => void takeMasked("pdf")}>{t.pdf}</Button>
        <Button loading={busy === "zip"} onClick={() => void takeMasked("zip")}>{t.zip}</Button>
        {may("case.decide") && may("person.reveal") ? <Button onClick={() => setWhole(true)}>{t.whole}</Button> : null}
      </div>
      {problem ? <p role="alert" className="bad-note">{problem}</p> : null}
      {key ? <p className="faint">{t.key} <code style={{ overflowWrap: "anywhere" }}>{key}</code><br />{t.keyHint}</p> : null}
      <ReasonDialog open={whole} title={t.wholeTitle} hint={t.wholeHint} close={() => setWhole(false)}
        submit={async (reason) => { await take(form, reason); setWhole(false); }}>
        <div className="dialog-field">
          <span id="pack-form">{t.form}</span>
          <Segmented<PackForm> aria-labelledby="pack-form" value={form} onChange={setForm} options={[{ value: "pdf", label: t.pdf }, { value: "zip", label: t.zip }]} />
        </div>
      </ReasonDialog>
    </Panel>
  );
}
