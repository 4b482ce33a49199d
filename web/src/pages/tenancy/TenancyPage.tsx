/** Where tenancies come from, and what was held back or refused. */

import type { ReactNode } from "react";
import { useWords } from "../../i18n";
import { EstateLifePanel } from "../dwelling/Life";
import { ClockPanel } from "./ClockPanel";
import { People } from "./People";
import { HeldPanels, Sources } from "./Sources";
import { RefusedRows } from "./RefusedRows";
import { UploadPanel } from "./Upload";

export function TenancyPage(): ReactNode {
  return (
    <>
      <h1>{useWords().tenancy.title}</h1>
      <ClockPanel />
      <Sources />
      <HeldPanels />
      <div className="two"><RefusedRows /><UploadPanel /></div>
      <EstateLifePanel />
      <People />
    </>
  );
}
