/** What other offices and people say of a dwelling (旁证): a class, a day, and who said it. For who may see cases. */

import { useQueryClient } from "@tanstack/react-query";
import { App, Button, Input, Select } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import { useOutsideSigns } from "../../api/queries";
import type { OutsideSign } from "../../api/types";
import { named, useTold, useWords, word } from "../../i18n";
import { useSession } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { ReasonDialog } from "../../ui/ReasonDialog";

interface Kind { kind: string; label_zh: string }

export function OutsideSigns({ dwelling }: { dwelling: string }): ReactNode {
  const { signs: t, words } = useWords();
  const { may } = useSession();
  const told = useTold();
  const query = useOutsideSigns(dwelling);
  return (
    <Panel id="outside-signs" title={t.title} extra={may("sign.record") ? <Record dwelling={dwelling} kinds={query.data?.kinds ?? []} /> : null}>
      <p className="faint">{t.hint}</p>
      <Answer query={query} empty={(page) => page.items.length === 0} emptyText={t.empty}>
        {({ items }) => (
          <ul className="rows">
            {items.map((one) => (
              <li key={one.id} data-testid="outside-sign">
                <span className="num">{one.until ? `${one.on} – ${one.until}` : one.on}</span>
                <strong>{named(t.kinds, one.kind, one.label_zh)}</strong>
                {one.anonymous ? <Mark tone="warn">{t.anonymous}</Mark> : null}
                <span className="faint">{word(words.family, one.family)} · {t.by(told(one.by, one.by_en))}</span>
                {one.withdrawn_at ? <Mark tone="none">{t.withdrawn}</Mark> : one.source === "desk" && may("sign.record") ? <Withdraw one={one} dwelling={dwelling} /> : null}
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Panel>
  );
}

function Withdraw({ one, dwelling }: { one: OutsideSign; dwelling: string }): ReactNode {
  const { signs: t, common } = useWords();
  const client = useQueryClient();
  const { message } = App.useApp();
  async function send(): Promise<void> {
    try {
      await call(`/outside-signs/${encodeURIComponent(one.id)}/withdraw`, { method: "POST", body: {} });
      await client.invalidateQueries({ queryKey: ["outside-signs", dwelling] });
    } catch (error) {
      void message.error((error instanceof ApiError && error.message) || common.noAnswer);
    }
  }
  return <Button size="small" onClick={() => void send()}>{t.withdraw}</Button>;
}

function Record({ dwelling, kinds }: { dwelling: string; kinds: Kind[] }): ReactNode {
  const { signs: t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button size="small" onClick={() => setOpen(true)}>{t.record}</Button>
      {open ? <Dialog dwelling={dwelling} kinds={kinds} close={() => setOpen(false)} /> : null}
    </>
  );
}

/** What is not asked of this class is not sent: it may have been filled in before another was chosen. */
function Dialog({ dwelling, kinds, close }: { dwelling: string; kinds: Kind[]; close: () => void }): ReactNode {
  const { signs: t } = useWords();
  const client = useQueryClient();
  const [kind, setKind] = useState("");
  const [on, setOn] = useState("");
  const [copy, setCopy] = useState("");
  const [unnamed, setUnnamed] = useState(false);
  const report = kind.startsWith("report_");
  const advert = kind === "advert";
  async function send(reason: string): Promise<void> {
    const body = { kind, on, anonymous: report && unnamed, digest: advert ? copy : "", reason };
    await call(`/dwellings/${encodeURIComponent(dwelling)}/outside-signs`, { method: "POST", body });
    await client.invalidateQueries({ queryKey: ["outside-signs", dwelling] });
    close();
  }
  return (
    <ReasonDialog open title={t.record} hint={t.recordHint} close={close} missing={() => (kind && on ? "" : t.missing)} submit={send}>
      <label>{t.kind}
        <Select value={kind || null} onChange={(value: string) => setKind(value)} style={{ width: "100%" }} aria-label={t.kind}
          options={kinds.map((one) => ({ value: one.kind, label: named(t.kinds, one.kind, one.label_zh) }))} />
      </label>
      <label>{t.on}<Input type="date" value={on} onChange={(event) => setOn(event.target.value)} /></label>
      {advert ? <label>{t.digest}<Input value={copy} maxLength={64} onChange={(event) => setCopy(event.target.value.trim())} /></label> : null}
      {report ? <label><input type="checkbox" checked={unnamed} onChange={(event) => setUnnamed(event.target.checked)} /> {t.anonymous}</label> : null}
    </ReasonDialog>
  );
}
