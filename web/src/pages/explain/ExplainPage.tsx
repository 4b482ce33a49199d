/** Why somebody can pass, or cannot: who, where, when, because of what, on which device, since when, confirmed by what. */

import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { useWords } from "../../i18n";
import { DwellingPick } from "../../ui/DwellingPick";
import { Empty, Panel } from "../../ui/Panel";
import { ExplainDwelling } from "./Explained";

export function ExplainPage(): ReactNode {
  const { explain: t } = useWords();
  const [params, setParams] = useSearchParams();
  const dwelling = params.get("dwelling") ?? "";
  return (
    <>
      <h1>{t.title}</h1>
      <Panel id="explain-search" title={t.search}>
        <div className="tools"><DwellingPick label={t.byDwelling} value={dwelling || null} change={(id) => setParams(id ? { dwelling: id } : {}, { replace: true })} /></div>
      </Panel>
      {dwelling ? <ExplainDwelling id={dwelling} /> : <Panel id="explained" title={t.found}><Empty text={t.pick} /></Panel>}
    </>
  );
}
