/** What the hub answers (base `/api/v1`). Times are ISO 8601 UTC, days are the estate's local days. */

export type Permission =
  | "estate.view" | "person.reveal" | "device.command" | "device.manage" | "tenancy.view" | "tenancy.manage"
  | "case.view" | "case.decide" | "audit.view" | "policy.manage" | "users.manage";

export interface EstateRef { id: string; code: string; name: string; time_zone: string }

export interface Me {
  id: string; name: string; display_name: string; role: string; csrf: string;
  permissions: Permission[]; estates: EstateRef[];
}

export type DwellingStatus =
  | "occupied" | "vacant" | "allocated" | "suspected_sublet" | "suspected_idle" | "repair" | "unknown";

export interface EdgeState {
  id: string; name: string; online: boolean; state_since: string | null; last_seen_at: string | null;
  backlog?: number | null;
}

export interface Summary {
  estate: EstateRef;
  counts: { dwellings: number; occupied: number; vacant: number; allocated: number; suspected: number; unknown: number; repair: number };
  passes_today: number; passes_last_hour: number; doors_open: number; door_alarms: number;
  devices: { online: number; offline: number; fault: number; unknown: number };
  edges: EdgeState[];
  sync: { devices_in_step: number; devices_total: number; oldest_unconfirmed_removal_at: string | null };
  open_cases: number | null; as_of: string;
}

export interface Cell {
  id: string; code: string; floor: number; number: string; status: DwellingStatus;
  case_stage: string | null; last_pass_day: string | null;
}
export interface Block {
  id: string; code: string; name: string; floors: number; dwellings_per_floor: number; dwellings: Cell[];
}
export interface Blocks { blocks: Block[]; legend: { status: DwellingStatus; count: number }[] }

export interface AccessPoint {
  id: string; code: string; name: string; side: string; device_id: string | null; device_name: string | null;
  camera_id: string | null; identifiers_accepted: string[];
}
export interface Door {
  id: string; code: string; name: string; scope: string; block_id: string | null; fail_mode: string;
  state: string; alarm: string; state_at: string | null; known: boolean; access_points: AccessPoint[];
}

export interface DeviceList {
  wanted_generation: number | null; held_generation: number | null; wanted: number; confirmed: number;
  assumed: number; pending: number; refused: number; foreign: number; decided_at_edge: boolean;
  read_back_at: string | null; reported_at: string | null;
  state: "in_step" | "pending" | "behind" | "refusals" | "unknown";
}
export interface DeviceItem {
  id: string; code: string; name: string; kind: string; edge_id: string; edge_online: boolean;
  condition: string; condition_since: string | null; last_seen_at: string | null; clock_offset_s: number | null;
  model: string; firmware: string; detail: string; root_cause: string | null; list: DeviceList | null;
}
export interface Refusal {
  token: string; label: string; dwelling_id: string | null; dwelling_number: string | null;
  code: string; message_zh: string; text: string;
}
export interface CoverageSpan { state: string; from_at: string; to_at: string | null; reason: string }
export interface DeviceDetail extends DeviceItem {
  access_points: AccessPoint[]; refusals: Refusal[]; coverage: CoverageSpan[]; unreadable_count: number;
  config: Record<string, unknown>; meters: number;
}
export interface Command {
  id: string; kind: string; device_id: string; access_point_id: string | null; actor: string; reason: string;
  issued_at: string; expires_at: string; outcome: string | null; outcome_text: string; outcome_at: string | null;
}

export interface EventItem {
  id: string; kind: string; at: string; device_at: string | null; received_at: string; clock_offset_s: number | null;
  late: boolean; device_id: string; device_name: string; access_point_id: string | null;
  access_point_name: string | null; dwelling_id: string | null; dwelling_number: string | null;
  holder: string | null; holder_class: string | null; identifier: string | null; outcome: string | null;
  reason: string | null; reason_zh: string | null; direction: string | null; door_state: string | null;
  door_alarm: string | null; quantity: string | null; value: number | null; topic: string | null;
  text: string | null; snapshot: string | null;
}
export interface EventPage { items: EventItem[]; next_before: string | null }

export interface CredentialDevice {
  device_id: string; device_name: string; state: string; since: string | null; code: string; message_zh: string;
}
export interface Credential {
  token: string; label: string; state: string; ended_because: string;
  identifiers: { type: string; masked: string }[]; devices: CredentialDevice[];
  devices_total: number; devices_confirmed: number;
}
export interface Member {
  member_id: string; person_id: string; name: string; relation: string; relation_zh: string; id_last4: string;
  from_date: string; to_date: string | null; consents: { a: boolean; b: boolean; c: boolean };
  credentials: Credential[];
}
export interface MeterState {
  id: string; quantity: string; last_value: number | null; last_at: string | null; ok: boolean | null;
}
export interface AbsenceItem { id: string; from_date: string; to_date: string | null; reason: string; reason_zh?: string | null; declared_on: string }
export interface Dwelling {
  id: string; code: string; estate_id: string; block_id: string; block_name: string; floor: number; number: string;
  rooms: number | null; status: DwellingStatus;
  tenancy: null | {
    id: string; source_id: string; state: string; from_date: string; to_date: string | null;
    handover_at: string | null; end_decision: Record<string, unknown> | null;
  };
  household: Member[]; absences: AbsenceItem[]; meters: MeterState[];
  open_case: null | { id: string; number: string; kind: string; stage: string; state: string };
}
export interface PresenceDay {
  day: string; state: "present" | "absent" | "other_use" | "unknown"; coverage: number;
  signals: Record<string, unknown>;
}
export interface Presence {
  from_day: string; to_day: string; days: PresenceDay[];
  meters: { quantity: string; days: { day: string; value: number | null }[] }[];
}
export interface Explain {
  lines: { who: string; where: string; when: string; because: string; devices: { device_name: string; state: string; since: string | null }[] }[];
  text: string;
}
export interface Revealed {
  id: string; expires_at: string;
  household: { member_id: string; name: string; id_last4: string; birth_date: string | null; cards: string[] }[];
}

export interface HeldHousehold {
  tenancy?: string; dwelling_code?: string; reason?: string; reason_zh?: string; members?: number;
}
export interface Held {
  source: string; at: string; reason: string; reason_zh: string; removals: number; households: HeldHousehold[];
}
export interface SyncDevice {
  device_id: string; device_name: string; kind: string; wanted: number; confirmed: number; assumed: number;
  pending: number; refused: number; foreign: number; read_back_at: string | null; state: string;
}
export interface SyncTruth {
  devices: SyncDevice[];
  unconfirmed_removals: { token: string; label: string; device_name: string; since: string | null }[];
  held: Held | null;
}
export interface TenancySource {
  source: string; kind: string; cursor: string; last_ok_at: string | null; last_full_at: string | null;
  last_error: string; last_error_zh: string; held: Held | null; refused_rows: number;
}
export interface RefusedRow {
  id: string | number; source: string; key: string; reason: string; reason_zh: string; raw_masked: unknown; seen_at: string;
}
export interface UploadResult {
  accepted: number; refused: { row: number | string; reason: string; reason_zh: string }[];
  changes: { new: number; changed: number; ended: number; unchanged: number }; held: Held | null; applied: boolean;
}

export interface CaseItem {
  id: string; number: string; estate_id: string; dwelling_id: string; dwelling_code: string; block_name: string;
  dwelling_number: string; kind: string; kind_zh: string; stage: string; state: string; state_zh: string;
  opened_at: string; due_at: string | null; headline: string;
}
export interface CasePage {
  items: CaseItem[];
  counts: { state: Record<string, number>; stage: Record<string, number>; kind: Record<string, number> };
}
export interface CaseAction {
  action: string; label_zh: string; reason_codes: { code: string; label_zh: string }[];
  needs_opinion: boolean; destructive: boolean;
}
export interface CaseFinding {
  rule: string; rule_title_zh: string; rule_version: string; policy_version: string; policy_title_zh: string;
  stage: string; families: string[]; window_from: string; window_to: string; coverage: number;
  because: string[]; against: string[]; refuted_by: string[];
  evidence: { kind: string; ref: string; text_zh: string; day: string | null }[];
  observed: string | number | null; threshold: string | number | null; legal_basis: string;
}
export interface CaseDetail extends CaseItem {
  finding: CaseFinding | null;
  timeline: { at: string; actor: string; action: string; action_zh: string; reason_code: string; reason_zh: string; opinion: string }[];
  actions: CaseAction[];
  delivery: { kind: string; created_at: string; delivered_at: string | null; attempts: number; last_error: string }[];
}
export interface PolicyPack {
  name: string; title: string; version: string; legal_basis: string;
  vacancy: Record<string, unknown>; sublet: Record<string, unknown>;
}
export interface OutboxItem {
  id: string; kind: string; subject: string; created_at: string; attempts: number; last_error: string; delivered_at: string | null;
}
export interface EstatePolicy { policy: { snapshots?: boolean; [key: string]: unknown }; policy_pack: string }
export interface Health { ok: boolean; version: string; parts: { name: string; ok: boolean; detail: string }[] }
export interface AuditItem {
  id: number; at: string; actor: string; reason: string; estate_id: string | null; changes: unknown[];
}
export interface AuditPage { items: AuditItem[]; next_before: number | string | null; chain_ok: boolean }
export interface DeadLetters {
  items: { id: number; at: string; edge_id: string | null; topic: string; error: string; size: number; preview: string }[];
  total: number;
}

/** One frame of the live stream; only keys with something in them are present. */
export interface Batch {
  seq: number; at: string;
  passes?: EventItem[];
  doors?: { id: string; state?: string; alarm?: string; state_at?: string | null; known?: boolean }[];
  devices?: (Partial<DeviceItem> & { id: string })[];
  edges?: (Partial<EdgeState> & { id: string })[];
  dwellings?: { id: string; status: DwellingStatus }[];
  cases?: CaseItem[];
  commands?: (Partial<Command> & { id: string })[];
  sync?: (Partial<SyncDevice> & { device_id: string })[];
}
