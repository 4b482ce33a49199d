/** On every page: doors that are locked down, locked open, blocked or opened by fire, since when, by whom, until when. */

import type { ReactNode } from "react";
import { Link } from "react-router";
import { useDoors } from "../../api/queries";
import type { Door } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { stands } from "./modes";

const SHOWN = 6;

export function Standing(): ReactNode {
  const doors = (useDoors().data?.items ?? []).filter(stands);
  if (doors.length === 0) return null;
  const groups = new Map<string, Door[]>();
  for (const door of doors) groups.set(nameOf(door), [...(groups.get(nameOf(door)) ?? []), door]);
  return <div className="banner" role="alert" data-testid="standing">{[...groups].map(([key, of]) => <Group key={key} doors={of} />)}</div>;
}

const nameOf = (door: Door): string => (door.mode_cause === "fire" ? "fire" : door.mode);

function Group({ doors }: { doors: Door[] }): ReactNode {
  const { doors: t, words } = useWords();
  const zone = useZone();
  const [first] = doors;
  if (!first) return null;
  const since = doors.map((door) => door.mode_since ?? "").filter(Boolean).toSorted()[0];
  const until = doors.map((door) => door.mode_until ?? "").filter(Boolean).toSorted().at(-1);
  return (
    <div>
      <span aria-hidden="true">■ </span>{first.mode_cause === "fire" ? t.fire : word(words.doorMode, first.mode)}{t.colon}
      {doors.slice(0, SHOWN).map((door) => door.name).join(t.comma)}{doors.length > SHOWN ? t.andMore(doors.length - SHOWN) : ""}
      {since ? ` · ${t.since(format.clock(since, zone))}` : ""}{first.mode_by ? ` · ${first.mode_by}` : ""}{until ? ` · ${t.until(format.clock(until, zone))}` : ""} · {t.outIsFree}{" "}
      <Link to="/doors">{t.toDoors}</Link>
    </div>
  );
}
