/** What the pages ask the hub, by name. The live stream keeps these fresh; the intervals are for a stream that is down. */

import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useEstate } from "../session";
import { call, query } from "./client";
import type * as T from "./types";

const MINUTE = 60_000;

function useRead<A>(key: unknown[], path: string, options: { every?: number; enabled?: boolean } = {}): UseQueryResult<A> {
  return useQuery<A>({
    queryKey: key, queryFn: ({ signal }) => call<A>(path, { signal }),
    refetchInterval: options.every ?? false, enabled: options.enabled ?? true,
  });
}

function useOfEstate<A>(name: string, path: string, every?: number): UseQueryResult<A> {
  const { id } = useEstate();
  return useRead<A>([name, id], `/estates/${encodeURIComponent(id)}/${path}`, every ? { every } : {});
}

const part = encodeURIComponent;

export const useSummary = (): UseQueryResult<T.Summary> => useOfEstate("summary", "summary", MINUTE / 4);
export const useDoors = (): UseQueryResult<{ items: T.Door[] }> => useOfEstate("doors", "doors", MINUTE);
export const useDevices = (): UseQueryResult<{ items: T.DeviceItem[] }> => useOfEstate("devices", "devices", MINUTE);
export const useBlocks = (): UseQueryResult<T.Blocks> => useOfEstate("blocks", "blocks", MINUTE);
export const useSync = (): UseQueryResult<T.SyncTruth> => useOfEstate("sync", "sync", MINUTE);
export const useOrders = (): UseQueryResult<{ items: T.Order[]; waiting: number }> => useOfEstate("orders", "command-orders", MINUTE / 4);
export const useRoles = (): UseQueryResult<{ items: T.Role[] }> => useOfEstate("roles", "roles");
export const useSchedules = (): UseQueryResult<{ items: T.Schedule[] }> => useOfEstate("schedules", "schedules");
export const useAssignments = (state: "active" | "all"): UseQueryResult<{ items: T.Assignment[] }> => useOfEstate(`assignments-${state}`, `role-assignments?state=${state}`, MINUTE);
export const usePasses = (state: "active" | "all"): UseQueryResult<{ items: T.PassItem[] }> => useOfEstate(`passes-${state}`, `passes?state=${state}`, MINUTE);
export const useHeldActions = (): UseQueryResult<{ items: T.HeldAction[] }> => useOfEstate("held-actions", "held-actions", MINUTE / 4);
export const useLaw = (): UseQueryResult<T.EstateLaw> => useOfEstate("law", "law", MINUTE);
export const usePolicy = (): UseQueryResult<T.EstatePolicy> => useOfEstate("policy", "policy");
export function usePolicyTrials(): UseQueryResult<{ items: T.PolicyTrial[] }> {
  const { id } = useEstate();
  return useQuery<{ items: T.PolicyTrial[] }>({
    queryKey: ["policy-trials", id], queryFn: ({ signal }) => call(`/estates/${part(id)}/policy-trials`, { signal }),
    refetchInterval: (q) => (q.state.data?.items.some((one) => one.state === "waiting" || one.state === "running") ? 1_000 : false),
  });
}
export const useFeedStart = (): UseQueryResult<T.EventPage> => useOfEstate("feed", "events?kind=access&limit=100");
export const usePassesDaily = (days: number): UseQueryResult<T.PassDays> =>
  useOfEstate("passes-daily", `passes-daily?days=${days}`);

export const useDwelling = (id: string): UseQueryResult<T.Dwelling> => useRead(["dwelling", id], `/dwellings/${part(id)}`, { enabled: id !== "" });
export const usePresence = (id: string, days = 200): UseQueryResult<T.Presence> =>
  useRead(["presence", id, days], `/dwellings/${part(id)}/presence?days=${days}`);
export const useDwellingLife = (id: string): UseQueryResult<{ items: T.LifeFact[] }> => useRead(["life", id], `/dwellings/${part(id)}/life`);
export const useEstateLife = (): UseQueryResult<{ items: T.LifeFact[] }> => useOfEstate("estate-life", "life", MINUTE);
export const useOutsideSigns = (id: string): UseQueryResult<T.OutsideSigns> => useRead(["outside-signs", id], `/dwellings/${part(id)}/outside-signs`);
export const useHints = (): UseQueryResult<{ items: T.HintItem[] }> => useOfEstate("hints", "hints", MINUTE);
export const useCare = (): UseQueryResult<T.Care> => useOfEstate("care", "care", MINUTE / 2);
export function useCareCandidates(enabled: boolean): UseQueryResult<{ items: T.CareCandidate[] }> {
  const { id } = useEstate();
  return useRead(["care-candidates", id], `/estates/${part(id)}/care/candidates`, { enabled });
}
export const useExplain = (id: string): UseQueryResult<T.Explain> => useRead(["explain", id], `/dwellings/${part(id)}/explain`);

export const useExplainCredential = (token: string): UseQueryResult<T.Explain> => useRead(["explain", "credential", token], `/credentials/${part(token)}/explain`);
export const useExplainPerson = (id: string): UseQueryResult<T.ExplainedPerson> => useRead(["explain", "person", id], `/persons/${part(id)}/access`);
export const useExplainDoor = (id: string, offset: number, label: string): UseQueryResult<T.ExplainedDoor> =>
  useRead(["explain", "door", id, offset, label], `/doors/${part(id)}/explain${query({ offset, label })}`);

export const useDevice = (id: string): UseQueryResult<T.DeviceDetail> => useRead(["device", id], `/devices/${part(id)}`, { every: MINUTE });
export const useCommand = (id: string | null, running: boolean): UseQueryResult<T.Command> =>
  useRead(["command", id ?? ""], `/commands/${part(id ?? "")}`, { enabled: id !== null, ...(running ? { every: 1_000 } : {}) });

export function useDeviceEvents(device: string): UseQueryResult<T.EventPage> {
  const { id } = useEstate();
  return useRead(["events", id, device], `/estates/${part(id)}/events${query({ device, limit: 20 })}`);
}

export interface CaseFilter { state?: string; kind?: string; stage?: string; late?: string }
export function useCases(filter: CaseFilter): UseQueryResult<T.CasePage> {
  const { id } = useEstate();
  return useRead(["cases", id, filter], `/cases${query({ estate: id, ...filter })}`, { every: MINUTE });
}
export const useCase = (id: string): UseQueryResult<T.CaseDetail> => useRead(["case", id], `/cases/${part(id)}`, { every: MINUTE });
export const useCasePapers = (id: string): UseQueryResult<T.CasePapers> => useRead(["case-papers", id], `/cases/${part(id)}/papers`);
export const useRuleRecords = (): UseQueryResult<T.RuleRecords> => useRead(["rule-records"], "/rule-records");
export const useIntegrity = (): UseQueryResult<T.Integrity> => useOfEstate("integrity", "integrity", MINUTE);
export const usePolicyPacks = (): UseQueryResult<{ items: T.PolicyPack[] }> => useRead(["policy-packs"], "/policy-packs");
export const useRetention = (): UseQueryResult<{ items: T.RetentionPeriod[] }> => useRead(["retention"], "/retention");
export const useOutbox = (): UseQueryResult<{ items: T.OutboxItem[]; undelivered: number }> => useRead(["outbox"], "/outbox?limit=50", { every: MINUTE });

export const useSources = (enabled = true): UseQueryResult<{ items: T.TenancySource[] }> => useRead(["sources"], "/tenancy/sources", { every: MINUTE / 4, enabled });
export const usePersonCandidates = (): UseQueryResult<{ items: T.PersonPair[] }> => useRead(["people-candidates"], "/tenancy/people/candidates");
export const useLinkedPersons = (): UseQueryResult<{ items: T.PersonPair[] }> => useRead(["people-linked"], "/tenancy/people/linked");
export const useHubClock = (): UseQueryResult<T.HubClock> => useRead(["clock"], "/clock", { every: MINUTE });
export const useRefusedRows = (source?: string): UseQueryResult<{ items: T.RefusedRow[]; total: number }> =>
  useRead(["refused-rows", source ?? ""], `/tenancy/refused-rows${query({ source, limit: 200 })}`);

export const useHealth = (): UseQueryResult<T.Health> => useRead(["health"], "/health", { every: MINUTE / 4 });
export const useDeadLetters = (): UseQueryResult<T.DeadLetters> => useRead(["dead-letters"], "/dead-letters?limit=50");
