/** A change of the audit log in words: where none is known, as it was written. */

import type { Words } from "../../i18n/zh";

type List = Record<string, string>;

/** Field → the lists its codes may stand in. A field that means something else in one kind of change is named with it. */
function listsOf(t: Words): Record<string, List[]> {
  const w = t.words;
  return {
    what: [t.audit.what], action: [t.audit.action], because: [w.passEnd, w.roleEnd, w.endedBecause], cause: [w.endedBecause], egress: [w.egress],
    fact: [t.life.kinds], fail_mode: [w.failMode], fire_release: [w.fireRelease], gone: [w.identifier], holder_class: [w.holderClass],
    kind: [w.heldKind, w.order, w.command, w.caseKind, w.passKind, w.feed, w.deviceKind, t.signs.kinds],
    new: [w.stage, w.caseKind, w.identifier], old: [w.stage, w.caseKind], outcome: [w.caseState], reason: [w.absence, w.said.reason],
    reason_code: [t.dwelling.revealCodes, t.caseSteps.reason], reasons: [w.said.reason], role: [w.role], rule: [t.caseSteps.rule],
    scope: [w.scope], "door.added scope": [w.doorScope], scopes: [w.doorScope], stage: [w.stage], state: [w.tenancyState],
    purpose: [t.dwelling.consent], consents_given: [t.dwelling.consent], consents_withdrawn: [t.dwelling.consent],
    subject: [t.audit.value], way: [w.way], ways: [w.identifier], choice: [t.audit.value], source: [t.audit.value],
  };
}

function told(t: Words, lists: List[], value: unknown): string {
  if (value === null || value === "") return t.common.none;
  if (typeof value === "boolean") return value ? t.common.yes : t.common.no;
  if (Array.isArray(value)) return value.length ? value.map((one) => told(t, lists, one)).join(", ") : t.common.none;
  if (typeof value === "object") return Object.entries(value).map(([key, one]) => field(t, "", key, one)).join(", ");
  const code = String(value);
  return lists.find((list) => code in list)?.[code] ?? code;
}

function field(t: Words, what: string, key: string, value: unknown): string {
  const lists = listsOf(t);
  return `${t.audit.field[key] ?? key} ${told(t, lists[`${what} ${key}`] ?? lists[key] ?? [], value)}`;
}

export function changeText(t: Words, change: Record<string, unknown>): string {
  const { what, ...rest } = change;
  const done = told(t, [t.audit.what], what);
  return [done, ...Object.entries(rest).map(([key, value]) => field(t, String(what), key, value))].join(" · ");
}
