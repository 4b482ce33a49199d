/** A batch of the stream put into what the pages read. */

import type { QueryClient } from "@tanstack/react-query";
import type { Batch, Blocks, Command, DeviceItem, Door, SyncTruth, Summary } from "../api/types";
import { setStatus } from "./cells";
import { addPasses } from "./feed";

type Partially<T> = Partial<T> & { id: string };

function patched<T extends { id: string }>(items: T[], changes: Partially<T>[]): T[] {
  const byId = new Map(changes.map((change) => [change.id, change]));
  return items.map((item) => ({ ...item, ...byId.get(item.id) }));
}

function patchItems<T extends { id: string }>(client: QueryClient, key: unknown[], changes: Partially<T>[]): void {
  client.setQueryData<{ items: T[] }>(key, (old) => old && { ...old, items: patched(old.items, changes) });
}

function patchBlocks(client: QueryClient, estateId: string, changes: NonNullable<Batch["dwellings"]>): void {
  for (const { id, status } of changes) setStatus(id, status);
  client.setQueryData<Blocks>(["blocks", estateId], (old) => old && {
    ...old, blocks: old.blocks.map((block) => ({ ...block, dwellings: patched(block.dwellings, changes) })),
  });
}

function patchDevices(client: QueryClient, estateId: string, batch: Batch): void {
  const devices = batch.devices ?? [];
  patchItems<DeviceItem>(client, ["devices", estateId], devices);
  for (const change of devices)
    client.setQueryData<DeviceItem>(["device", change.id], (old) => old && { ...old, ...change });
}

function patchSync(client: QueryClient, estateId: string, changes: NonNullable<Batch["sync"]>): void {
  const byId = new Map(changes.map((change) => [change.device_id, change]));
  client.setQueryData<SyncTruth>(["sync", estateId], (old) => old && {
    ...old, devices: old.devices.map((row) => ({ ...row, ...byId.get(row.device_id) })),
  });
}

/** What a device confirmed to be gone leaves the list at once; the snapshot is read again behind it. */
function closeRemovals(client: QueryClient, estateId: string, changes: NonNullable<Batch["revocations"]>): void {
  const closed = new Set(changes.filter((one) => one.state !== "open").map((one) => `${one.device_id} ${one.token} ${one.part}`));
  client.setQueryData<SyncTruth>(["sync", estateId], (old) => old && {
    ...old, unconfirmed_removals: old.unconfirmed_removals.filter((one) => !closed.has(`${one.device_id} ${one.token} ${one.part}`)),
  });
}

/** Keys whose snapshot must be read again because the batch does not carry all of it. */
function outdated(batch: Batch, estateId: string): unknown[][] {
  const keys: unknown[][] = [];
  if (batch.passes || batch.doors || batch.devices || batch.edges || batch.sync || batch.dwellings) keys.push(["summary", estateId]);
  if (batch.edges) keys.push(["devices", estateId], ["doors", estateId], ["sync", estateId]);
  if (batch.sync) keys.push(["sync", estateId], ["devices", estateId], ["device"], ["dwelling"], ["explain"], ["passes-active", estateId], ["passes-all", estateId], ["assignments-active", estateId]);
  if (batch.revocations) keys.push(["sync", estateId], ["summary", estateId], ["dwelling"], ["passes-active", estateId], ["passes-all", estateId], ["assignments-active", estateId]);
  if (batch.orders || batch.commands?.some((command) => command.order_id)) keys.push(["orders", estateId], ["doors", estateId]);
  if (batch.cases) keys.push(["cases"], ["case"]);
  return keys;
}

/** Keys that the batch was put into while their snapshot was being read: the answer may be older, and would undo it. */
function overtaken(client: QueryClient, estateId: string, batch: Batch): unknown[][] {
  const keys: unknown[][] = [];
  if (batch.doors) keys.push(["doors", estateId]);
  if (batch.devices) keys.push(["devices", estateId], ...batch.devices.map((device) => ["device", device.id]));
  if (batch.dwellings) keys.push(["blocks", estateId]);
  for (const command of batch.commands ?? []) keys.push(["command", command.id]);
  return keys.filter((queryKey) => client.isFetching({ queryKey }) > 0);
}

/** Applies a batch; returns the query keys to read again soon. */
export function applyBatch(client: QueryClient, estateId: string, batch: Batch): unknown[][] {
  if (batch.passes) addPasses(batch.passes);
  if (batch.doors) patchItems<Door>(client, ["doors", estateId], batch.doors);
  if (batch.devices) patchDevices(client, estateId, batch);
  if (batch.dwellings) patchBlocks(client, estateId, batch.dwellings);
  if (batch.sync) patchSync(client, estateId, batch.sync);
  if (batch.revocations) closeRemovals(client, estateId, batch.revocations);
  if (batch.edges)
    client.setQueryData<Summary>(["summary", estateId], (old) => old && { ...old, edges: patched(old.edges, batch.edges ?? []) });
  for (const change of batch.commands ?? [])
    client.setQueryData<Command>(["command", change.id], (old) => old && { ...old, ...change });
  return [...outdated(batch, estateId), ...overtaken(client, estateId, batch)];
}
