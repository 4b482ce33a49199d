/** Why somebody can pass, or cannot: who, where, when, because of what, on which device, since when, confirmed by what. */

import { Segmented, Select } from "antd";
import { type ReactNode, useState } from "react";
import { useSearchParams } from "react-router";
import { useDoors, useDwelling } from "../../api/queries";
import { useWords, useSaid } from "../../i18n";
import { DwellingPick } from "../../ui/DwellingPick";
import { Empty, Panel } from "../../ui/Panel";
import { ExplainCredential, ExplainDoor, ExplainDwelling, ExplainPerson } from "./Explained";

const BY = ["dwelling", "person", "door"] as const;
type By = (typeof BY)[number];

export function ExplainPage(): ReactNode {
  const { explain: t } = useWords();
  const [params, setParams] = useSearchParams();
  const of = (name: string): string => params.get(name) ?? "";
  const [by, setBy] = useState<By>(() => (of("door") ? "door" : of("person") ? "person" : "dwelling"));
  const show = (name: string, id: string | null): void => setParams(id ? { [name]: id } : {}, { replace: true });
  return (
    <>
      <h1>{t.title}</h1>
      <Panel id="explain-search" title={t.search}>
        <div className="tools">
          <Segmented aria-label={t.search} value={by} onChange={(value) => { setBy(value as By); show("", null); }} options={BY.map((value) => ({ value, label: t.by[value] }))} />
          {by === "dwelling" ? <div className="pick"><DwellingPick label={t.byDwelling} value={of("dwelling") || null} change={(id) => show("dwelling", id)} /></div> : null}
          {by === "person" ? <PersonPick chosen={of("person")} choose={(id) => show("person", id)} /> : null}
          {by === "door" ? <DoorPick chosen={of("door")} choose={(id) => show("door", id)} /> : null}
        </div>
      </Panel>
      {of("dwelling") ? <ExplainDwelling id={of("dwelling")} /> : of("person") ? <ExplainPerson id={of("person")} /> : of("door") ? <ExplainDoor key={of("door")} id={of("door")} />
        : of("credential") ? <ExplainCredential token={of("credential")} /> : <Panel id="explained" title={t.found}><Empty text={t.pick} /></Panel>}
    </>
  );
}

/** A person is found where he lives: names in full are for a reveal with a reason. */
function PersonPick({ chosen, choose }: { chosen: string; choose: (id: string | null) => void }): ReactNode {
  const said = useSaid();
  const { explain: t } = useWords();
  const [home, setHome] = useState<string | null>(null);
  const members = useDwelling(home ?? "").data?.household ?? [];
  return (
    <>
      <div className="pick"><DwellingPick label={t.byDwelling} value={home} change={(id) => { setHome(id); choose(null); }} /></div>
      <Select aria-label={t.byPerson} placeholder={t.byPerson} style={{ width: 220 }} disabled={!home} value={members.some((one) => one.person_id === chosen) ? chosen : null} onChange={choose}
        options={members.map((one) => ({ value: one.person_id, label: `${one.name} · ${said("relation", one.relation, one.relation_zh)}`, title: one.name }))} />
    </>
  );
}

function DoorPick({ chosen, choose }: { chosen: string; choose: (id: string | null) => void }): ReactNode {
  const { explain: t } = useWords();
  const doors = useDoors().data?.items ?? [];
  return <Select aria-label={t.byDoor} placeholder={t.byDoor} allowClear style={{ width: 280 }} value={chosen || null} showSearch={{ optionFilterProp: "label" }} onChange={(id?: string) => choose(id ?? null)} options={doors.map((door) => ({ value: door.id, label: door.name, title: door.name }))} />;
}
