/** What the hub answers, by the names the pages use. All shapes come from its OpenAPI schema (`npm run types`).
 *
 * Times are ISO 8601 UTC, days are the estate's local days. Words that grow on the wire stay `string` in the schema; where a
 * page must know them all they are narrowed here.
 */

import type { components } from "./schema";

type S = components["schemas"];

export type Permission =
  | "estate.view" | "person.reveal" | "device.command" | "device.manage" | "tenancy.view" | "tenancy.manage"
  | "access.desk" | "absence.declare" | "sign.record" | "care.manage" | "case.view" | "case.decide" | "audit.view" | "policy.manage" | "users.manage";

export type DwellingStatus =
  | "occupied" | "vacant" | "allocated" | "suspected_sublet" | "suspected_idle" | "repair" | "unknown";

export type EstateRef = S["EstateItem"];
export type Me = Omit<S["Me"], "estates" | "permissions"> & { estates: EstateRef[]; permissions: Permission[] };

export type EdgeState = S["EdgeItem"];
export type Summary = S["Summary"];
export type Cell = Omit<S["DwellingCell"], "status"> & { status: DwellingStatus };
export type Block = Omit<S["BlockItem"], "dwellings"> & { dwellings: Cell[] };
export type Blocks = { blocks: Block[]; legend: S["StatusCount"][] };

export type OutsideSigns = S["SignList"];
export type OutsideSign = S["SignItem"];
export type HintItem = S["HintItem"];
export type Care = S["CareList"];
export type CareCall = S["CareCallItem"];
export type CareWatch = S["CareWatchItem"];
export type CareCandidate = S["CareCandidate"];
export type AccessPoint = S["AccessPointItem"];
export type Door = S["DoorItem"];
export type EstateLaw = S["EstateLaw"];
export type UploadProgress = S["UploadProgress"];
export type DeviceList = S["ListState"];
export type DeviceItem = S["DeviceItem"];
export type DeviceDetail = S["DeviceDetail"];
export type DriverItem = S["DriverItem"];
export type Catalogue = S["Catalogue"];
export type FoundDeviceItem = S["FoundDeviceItem"];
export type FoundDeviceList = S["FoundDevices"];
export type DeviceSetup = S["DeviceSetup"];
export type CoverageSpan = S["CoverageItem"];
export type Command = S["CommandItem"];
export type Role = S["RoleItem"];
export type Assignment = S["AssignmentItem"];
export type Schedule = S["ScheduleItem"];
export type Order = S["OrderItem"];
export type EventItem = S["EventItem"];
export type EventPage = S["EventPage"];
export type PassDays = S["PassDays"];

export type Dwelling = Omit<S["DwellingDetail"], "status"> & { status: DwellingStatus };
export type Member = S["MemberItem"];
export type Credential = S["CredentialItem"];
export type Presence = S["PresenceCalendar"];
export type Explain = S["Explanation"];
export type ExplainedPerson = S["PersonExplanation"];
export type ExplainedDoor = S["DoorExplanation"];
export type Revealed = S["RevealItem"];

export type PassItem = S["PassItem"];
export type DeskAnswer = S["DeskAnswer"];
export type Withdrawn = S["Withdrawn"];
export type HeldAction = S["HeldItem"];
export type HeldHouseholds = S["HeldHouseholds"];

export type Held = S["Held"];
export type SyncDevice = S["DeviceStep"];
export type SyncTruth = S["EstateSync"];
export type Removal = SyncTruth["unconfirmed_removals"][number];
export type PersonPair = S["PersonPair"];
export type PersonRecord = S["PersonRecord"];
export type Reconciliation = S["Reconciliation"];
export type HubClock = S["ClockItem"];
export type TenancySource = S["SourceItem"];
export type RefusedRow = S["RefusedRowItem"];
export type UploadResult = S["UploadResult"];

export type CaseItem = S["CaseItem"];
export type CasePage = S["CaseList"];
export type CaseDetail = S["CaseDetail"];
export type CaseAction = S["ActionItem"];
export type CasePapers = S["CasePapers"];
export type DevicePapers = S["DevicePapersItem"];
export type CaseField = S["FormField"];
export type CaseFinding = S["FindingView"];
export type Decision = S["Decision"];
export type RetentionPeriod = S["PeriodItem"];
export type RuleRecords = S["RuleRecords"];
export type RuleRecord = S["RuleRecord"];
export type Integrity = S["IntegrityList"];
export type IntegrityItem = S["IntegrityItem"];
export type PolicyPack = S["PolicyPackItem"];
export type OutboxItem = S["OutboxItem"];
export type PolicyTrial = S["TrialItem"];
export type PackOutcome = S["PackOutcome"];
export type TrialLead = S["TrialLead"];
export type LifeFact = S["LifeFactItem"];
export type EstatePolicy = S["PolicyItem"];
export type Health = S["Health"];
export type HealthPart = S["Part"];
export type AuditItem = S["AuditItem"];
export type AuditPage = S["AuditPage"];
export type DeadLetters = S["DeadLetters"];
export type User = S["UserItem"];
export type SignInLink = S["SignInLinkItem"];
export type PasswordState = S["PasswordState"];
export type NewPassword = S["NewPassword"];
export type EnrolmentToken = S["EnrolmentTokenItem"];

type Changed<T extends { id: string }> = Partial<T> & { id: string };

/** One frame of the live stream (not part of OpenAPI); only keys with something in them are present. */
export interface Batch {
  seq: number;
  at: string;
  passes?: EventItem[];
  doors?: Changed<Door>[];
  devices?: Changed<DeviceItem>[];
  edges?: Changed<EdgeState>[];
  dwellings?: { id: string; status: DwellingStatus }[];
  cases?: CaseItem[];
  commands?: Changed<Command>[];
  revocations?: { id: number; device_id: string; token: string; part: string; state: string }[];
  orders?: { id: string; state: string; kind: string }[];
  sync?: (Partial<SyncDevice> & { device_id: string })[];
}
