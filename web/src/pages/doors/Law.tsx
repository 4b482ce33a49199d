/** What the law validator says of the estate as it runs: what must be changed first, then what somebody still has to declare. */

import type { ReactNode } from "react";
import { useLaw } from "../../api/queries";
import { useWords, useSaid } from "../../i18n";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function Law(): ReactNode {
  const said = useSaid();
  const { doors: t } = useWords();
  return (
    <Panel id="law" title={t.law} live>
      <p className="faint">{t.lawHint}</p>
      <Answer query={useLaw()} rows={2}>
        {(law) => (
          <>
            {law.items.length === 0 ? <Mark tone="good">{t.lawEmpty}</Mark> : (
              <ul className="rows">
                {law.items.map((item) => (
                  <li key={item.code + item.door} data-testid="law-item" data-refused={item.refused}>
                    <Mark tone={item.refused ? "bad" : "warn"}>{item.refused ? t.lawRefused : t.lawOpen}</Mark>
                    <strong>{item.door || t.lawWhole}</strong> <span className="grow">{said("law", item.code, item.text_zh)}</span>
                  </li>
                ))}
              </ul>
            )}
            {law.faces ? <p className="faint">{t.lawFaces(law.faces)}{t.comma}{law.new_faces ? t.lawFacesOpen : t.lawFacesShut}</p> : null}
          </>
        )}
      </Answer>
    </Panel>
  );
}
