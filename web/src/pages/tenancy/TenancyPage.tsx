/** Where tenancies come from, what was held back or refused, and whether the devices hold what they should. */

import type { ReactNode } from "react";
import { useWords } from "../../i18n";
import { HeldPanels, Sources } from "./Sources";
import { RefusedRows } from "./RefusedRows";
import { SyncTruthPanels } from "./SyncTruth";
import { UploadPanel } from "./Upload";

export function TenancyPage(): ReactNode {
  return (
    <>
      <h1>{useWords().tenancy.title}</h1>
      <Sources />
      <HeldPanels />
      <div className="two"><RefusedRows /><UploadPanel /></div>
      <SyncTruthPanels />
    </>
  );
}
