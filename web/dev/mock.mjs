// A hub of made-up data for working on the console alone: `node dev/mock.mjs 8080` serves dist/ and /api/v1. Not shipped.
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "../dist");
const PERMISSIONS = {
  estate_manager: ["estate.view", "person.reveal", "device.command", "device.manage", "tenancy.view"],
  housing_official: ["estate.view", "person.reveal", "case.view", "case.decide", "tenancy.view", "tenancy.manage"],
  auditor: ["estate.view", "case.view", "audit.view"],
  administrator: ["estate.view", "device.manage", "device.command", "tenancy.view", "tenancy.manage", "policy.manage", "audit.view", "users.manage"],
};
const USERS = { manager: ["王管理", "estate_manager"], official: ["赵科员", "housing_official"], auditor: ["审计", "auditor"], admin: ["系统", "administrator"] };
const ESTATE = { id: "E001", code: "E001", name: "惠民家园", time_zone: "Asia/Shanghai" };
const ago = (s) => new Date(Date.now() - s * 1000).toISOString().replace(/\.\d+Z/, "Z");
const dayAgo = (n) => ago(n * 86400 - 8 * 3600).slice(0, 10);
const STATUS = (i) => (i % 37 === 5 ? "vacant" : i % 61 === 7 ? "suspected_sublet" : i % 53 === 3 ? "suspected_idle" : i % 41 === 9 ? "allocated" : i % 67 === 2 ? "repair" : i % 43 === 11 ? "unknown" : "occupied");
const blocks = [1, 2, 3, 4].map((b) => ({
  id: `E001.B${b}`, code: `B${b}`, name: `${b}号楼`, floors: 10, dwellings_per_floor: 6,
  dwellings: Array.from({ length: 60 }, (_, i) => {
    const floor = Math.floor(i / 6) + 1, number = `${String(floor).padStart(2, "0")}${String((i % 6) + 1).padStart(2, "0")}`;
    return { id: `E001.B${b}-${number}`, code: `E001-${b}-${number}`, floor, number, status: STATUS(b * 60 + i), case_stage: null, last_pass_day: dayAgo(i % 4) };
  }),
}));
const all = blocks.flatMap((b) => b.dwellings.map((d) => ({ ...d, block: b })));
const legend = () => Object.entries(all.reduce((n, d) => ({ ...n, [d.status]: (n[d.status] ?? 0) + 1 }), {})).map(([status, count]) => ({ status, count }));
let edgeOnline = true;
const list = (wanted, extra = {}) => ({ wanted_generation: 42, held_generation: 42, wanted, confirmed: wanted, assumed: 0, pending: 0, refused: 0, foreign: 0, decided_at_edge: false, read_back_at: ago(200), reported_at: ago(60), state: "in_step", ...extra });
const device = (code, name, kind, edge, l, extra = {}) => ({ id: `E001.${code}`, code, name, kind, edge_id: edge, edge_online: edge === "edge-1" || edgeOnline, condition: "online", condition_since: ago(90000), last_seen_at: ago(4), clock_offset_s: 0.3, model: "DS-K1", firmware: "3.2", detail: "", root_cause: null, list: l, ...extra });
const devices = () => [
  device("FT1", "东门人脸终端", "face_terminal", "edge-1", list(417)),
  device("FT2", "西门人脸终端", "face_terminal", "edge-1", list(417, { confirmed: 416, refused: 1, state: "refusals" }), { clock_offset_s: -2.4 }),
  device("DB1", "1号楼门禁板", "modbus_board", "edge-1", list(104, { decided_at_edge: true })),
  device("DB2", "2号楼门禁板", "modbus_board", "edge-1", list(104, { confirmed: 0, assumed: 104 })),
  device("DB3", "3号楼门禁板", "modbus_board", "edge-2", list(104, { state: "unknown" }), { edge_online: false, condition: "unknown", root_cause: "edge_offline", condition_since: ago(3200), clock_offset_s: null, last_seen_at: ago(3200) }),
  device("DB4", "4号楼门禁板", "modbus_board", "edge-1", list(105, { pending: 3, confirmed: 102, state: "pending" })),
  device("MT1", "水电表采集器", "modbus_meter", "edge-1", null),
  device("CAM1", "东门摄像机", "onvif_camera", "edge-1", null, { condition: "fault", detail: "摄像机返回 500" }),
];
const point = (d, code, name, side) => ({ id: `E001.${code}`, code, name, side, device_id: `E001.${d}`, device_name: name, camera_id: d === "FT1" ? "E001.CAM1" : null, identifiers_accepted: ["face", "card"] });
const doors = () => [["G1", "东门", "FT1"], ["G2", "西门", "FT2"], ["D1", "1号楼单元门", "DB1"], ["D2", "2号楼单元门", "DB2"], ["D3", "3号楼单元门", "DB3"], ["D4", "4号楼单元门", "DB4"]].map(([code, name, d], i) => ({
  id: `E001.${code}`, code, name, scope: i < 2 ? "estate" : "block", block_id: null, fail_mode: "fail_safe", state: i === 1 ? "open" : "closed", alarm: i === 3 ? "held_open" : "normal", state_at: ago(i * 400 + 20), known: d !== "DB3", access_points: [point(d, `${code}-IN`, name, "in")] }));
let seq = 1000;
const pass = (secondsAgo, late = false) => {
  const n = seq++, d = all[(n * 37) % all.length], denied = n % 11 === 4, g = n % 3 === 0;
  return { id: `edge-1/ep1/${n}`, kind: "access", at: ago(secondsAgo), device_at: ago(secondsAgo), received_at: ago(secondsAgo), clock_offset_s: 0.3, late, device_id: g ? "E001.FT1" : "E001.DB1", device_name: g ? "东门人脸终端" : "1号楼门禁板", access_point_id: "E001.G1-IN", access_point_name: g ? "东门" : d.block.name + "单元门", dwelling_id: denied ? null : d.id, dwelling_number: d.number, holder: denied ? null : `${d.block.name}-${d.number} · 成员${(n % 3) + 1}`, holder_class: "resident", identifier: g ? "face" : "card", outcome: denied ? "denied" : n % 4 ? "granted" : "taken", reason: denied ? "unknown_credential" : null, reason_zh: denied ? "未登记的卡或人脸" : null, direction: n % 2 ? "in" : "out", door_state: null, door_alarm: null, quantity: null, value: null, topic: null, text: null, snapshot: n % 17 === 3 ? "ab12" : null };
};
const passes = Array.from({ length: 140 }, (_, i) => pass((140 - i) * 19, i % 23 === 4)).reverse();
const summary = () => ({ estate: ESTATE, counts: { dwellings: 240, occupied: 208, vacant: 7, allocated: 6, suspected: 9, unknown: 6, repair: 4 }, passes_today: 1204, passes_last_hour: 96, doors_open: 1, door_alarms: 1, devices: { online: 6, offline: 0, fault: 1, unknown: 1 }, edges: [{ id: "edge-1", name: "小区网关", online: true, state_since: ago(90000), last_seen_at: ago(2), backlog: 0 }, { id: "edge-2", name: "3号楼网关", online: edgeOnline && false, state_since: ago(3200), last_seen_at: ago(3200), backlog: 31 }], sync: { devices_in_step: 3, devices_total: 6, oldest_unconfirmed_removal_at: ago(3600) }, open_cases: 5, as_of: ago(0) });
const CASES = [["疑似闲置", "vacancy", "orange", "open"], ["疑似转租", "sublet", "red", "open"], ["疑似闲置", "vacancy", "yellow", "recheck_requested"], ["疑似转租", "sublet", "orange", "open"], ["疑似未入住", "not_moved_in", "yellow", "dismissed"]].map(([kind_zh, kind, stage, state], i) => ({ id: `case-${i}`, number: `E001-2026-000${i + 1}`, estate_id: "E001", dwelling_id: all[i * 9].id, dwelling_code: all[i * 9].code, block_name: "1号楼", dwelling_number: all[i * 9].number, kind, kind_zh, stage, state, state_zh: { open: "待初筛", recheck_requested: "已转复核", dismissed: "已排除" }[state], opened_at: ago(86400 * (i + 1)), due_at: ago(-86400 * (i + 3)), headline: kind === "vacancy" ? "连续 158 天未见居住迹象，水表无用量" : "登记人员 41 天未出现，房屋仍有用水和访客通行" }));
const CODES = [{ code: "IE01", label_zh: "住院或疗养" }, { code: "IE04", label_zh: "外地务工" }, { code: "IE07", label_zh: "照料家人" }];
const caseDetail = (c) => ({ ...c, finding: { rule: "V4", rule_title_zh: "长期无人居住（150 天）", rule_version: "1", policy_version: "2026.1", policy_title_zh: "全国（住建部令第11号）", stage: c.stage, families: ["F1", "F2"], window_from: dayAgo(170), window_to: dayAgo(1), coverage: 0.982, because: ["连续 158 天未见本户任何合法通行。", "同期水表用量 0.02 m³，为本户平日的 1%。"], against: ["未登记离家报备，但家中老人有住院史，可能为长期住院。", "有 3 天设备停机，不计入天数。"], refuted_by: ["任一成员在窗口内的一次通行。", "单日用水超过 0.005 m³。", "补交离家报备或住院证明。"], evidence: [{ kind: "presence_day", ref: "d1", text_zh: "最后一次通行：东门 刷卡", day: dayAgo(158) }, { kind: "meter", ref: "m1", text_zh: "水表读数 118.20 → 118.22 m³", day: dayAgo(1) }], observed: "158 天", threshold: "150 天", legal_basis: "《公共租赁住房管理办法》第二十七条第五项" }, timeline: [{ at: c.opened_at, actor: "系统", action: "open", action_zh: "形成线索", reason_code: "", reason_zh: "", opinion: "" }, ...(c.entries ?? [])], actions: c.state === "open" ? ["dismiss", "recheck", "good_cause", "note"].map((action, i) => ({ action, label_zh: ["排除线索", "转复核", "有正当理由", "补记"][i], reason_codes: CODES, needs_opinion: true, destructive: action === "dismiss" })) : [], delivery: [{ kind: "case.opened", created_at: c.opened_at, delivered_at: ago(80000), attempts: 1, last_error: "" }, { kind: "case.recheck_requested", created_at: ago(60), delivered_at: null, attempts: 3, last_error: "connection refused" }] });
const dwelling = (d, me) => ({ id: d.id, code: d.code, estate_id: "E001", block_id: d.block.id, block_name: d.block.name, floor: d.floor, number: d.number, rooms: 2, status: d.status, tenancy: d.status === "vacant" ? null : { id: "t1", source_id: "T-000102", state: "active", from_date: "2025-03-01", to_date: "2028-02-28", handover_at: "2025-03-04", end_decision: null }, household: d.status === "vacant" ? [] : [["李*华", "承租人", true], ["王*", "配偶", true], ["李*", "子女", false]].map(([name, relation_zh, a], i) => ({ member_id: `m${i}`, person_id: `p${i}`, name, relation: "x", relation_zh, id_last4: "123X", from_date: "2025-03-01", to_date: null, consents: { a, b: i === 0, c: false }, credentials: [{ token: `c${i}`, label: `${d.block.name}-${d.number} · 成员${i + 1}`, state: "active", ended_because: "", identifiers: [{ type: "card", masked: "******6789" }, ...(a ? [{ type: "face", masked: "人脸" }] : [])], devices: devices().filter((x) => x.list).slice(0, 4).map((x, k) => ({ device_id: x.id, device_name: x.name, state: i === 1 && k === 1 ? "refused" : "confirmed", since: ago(5000), code: "", message_zh: i === 1 && k === 1 ? "照片中未检测到人脸，请重新拍照" : "" })), devices_total: 4, devices_confirmed: i === 1 ? 3 : 4 }] })), absences: [{ id: "a1", from_date: dayAgo(90), to_date: dayAgo(60), reason: "hospital", reason_zh: "住院", declared_on: dayAgo(92) }], meters: [{ id: "w1", quantity: "water", last_value: 118.22, last_at: ago(900), ok: true }, { id: "e1", quantity: "electricity", last_value: 2041.5, last_at: ago(900), ok: true }], open_case: me.includes("case.view") && d.status.startsWith("susp") ? { id: "case-0", number: "E001-2026-0001", kind: "vacancy", stage: "orange", state: "open" } : null });
const presence = (days) => ({ from_day: dayAgo(days), to_day: dayAgo(1), days: Array.from({ length: days }, (_, i) => ({ day: dayAgo(days - i), state: i % 29 === 7 ? "unknown" : i > 90 && i < 120 ? "absent" : i % 31 === 3 ? "other_use" : "present", coverage: i % 29 === 7 ? 0.3 : 0.99, signals: { doors: i % 5, identified: 0, others: 0, water: 0.12, electricity: null, gaps: {} } })), meters: ["water", "electricity"].map((quantity) => ({ quantity, days: Array.from({ length: days }, (_, i) => ({ day: dayAgo(days - i), value: +((quantity === "water" ? 0.2 : 4) * (i > 90 && i < 120 ? 0.02 : 0.8 + (i % 7) / 12)).toFixed(3) })) })) });
const held = { source: "back-office", at: ago(5000), reason: "mass_removal", reason_zh: "一次要终止的住户数超过上限，已全部暂停，等待有权限的人员逐户核对后放行；新增照常生效。", removals: 26, households: all.slice(0, 6).map((d) => ({ tenancy: "T-1", dwelling_code: d.code, reason: "mass_removal", reason_zh: "来源称已终止", members: 3 })) };
const cov = (i) => [{ state: "ok", from_at: ago(86400 * 30), to_at: ago(86400 * 12), reason: "" }, { state: "down", from_at: ago(86400 * 12), to_at: ago(86400 * 10), reason: "网关离线" }, { state: "ok", from_at: ago(86400 * 10), to_at: ago(86400 * 4), reason: "" }, { state: "propped", from_at: ago(86400 * 4), to_at: ago(86400 * 3.5), reason: "门常开" }, { state: "ok", from_at: ago(86400 * 3.5), to_at: null, reason: "" }].slice(i);
const commands = new Map(), streams = new Set(), sessions = new Map();
const send = (event, data) => streams.forEach((r) => r.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
let batch = 0;
setInterval(() => {
  const items = [pass(0)];
  passes.unshift(...items);
  const d = all[(batch * 31) % all.length];
  send("batch", { seq: ++batch, at: ago(0), passes: items, ...(batch % 3 ? {} : { dwellings: [{ id: d.id, status: d.status }] }) });
}, Number(process.env.PASS_MS ?? 2000));
setInterval(() => streams.forEach((r) => r.write(": ping\n\n")), 5000);

const fail = (status, code, message) => ({ status, body: { error: { code, message, request_id: "req" + Math.random().toString(36).slice(2, 10) } } });
function route(method, path, q, body, me) {
  const may = (p) => me.permissions.includes(p), no = () => fail(403, "forbidden", "您的角色不能做这件事。");
  const [, a, id, b] = path.split("/").map(decodeURIComponent);
  if (a === "me") return me;
  if (a === "health") return { ok: true, version: "0.1.0", parts: ["database", "broker", "jobs", "edges", "tenancy_source", "lease_outbox", "disk"].map((name) => ({ name, ok: name !== "lease_outbox", detail: name === "lease_outbox" ? "1 条未送达" : "" })) };
  if (a === "estates" && b === "summary") return { ...summary(), open_cases: may("case.view") ? 5 : null };
  if (a === "estates" && b === "blocks") return { blocks: blocks.map((x) => ({ ...x, dwellings: x.dwellings.map(({ block, ...d }) => d) })), legend: legend() };
  if (a === "estates" && b === "doors") return { items: doors() };
  if (a === "estates" && b === "devices") return { items: devices() };
  if (a === "estates" && b === "events") { const items = passes.filter((p) => (!q.get("outcome") || p.outcome === q.get("outcome")) && (!q.get("before") || p.received_at < q.get("before"))).slice(0, +(q.get("limit") ?? 50)); return { items, next_before: items.length ? items.at(-1).received_at : null }; }
  if (a === "estates" && b === "passes-daily") return { days: Array.from({ length: 30 }, (_, i) => ({ day: dayAgo(30 - i), passes: 1100 + ((i * 37) % 200), denied: i % 9, coverage: 0.99 })) };
  if (a === "estates" && b === "policy") return method === "PATCH" && !may("policy.manage") ? no() : { policy: { snapshots: false, ...(method === "PATCH" ? body : {}) }, policy_pack: body?.policy_pack ?? "national" };
  if (a === "estates" && b === "sync") return { devices: devices().filter((x) => x.list).map((x) => ({ device_id: x.id, device_name: x.name, kind: x.kind, ...x.list })), unconfirmed_removals: [{ token: "c9", label: "2号楼-0503 · 成员1", device_name: "西门人脸终端", since: ago(3600) }], held, no_way_in: [{ token: "c7", label: "1号楼-0301 · 成员2", dwelling_id: "E001.B1-0301", why: "没有卡，也未同意人脸" }] };
  if (a === "devices" && b === "commands") { const c = { id: `cmd-${commands.size}`, device_id: id, access_point_id: body.access_point_id ?? null, actor: me.name, kind: body.kind, reason: body.reason, issued_at: ago(0), expires_at: ago(-10), outcome: null, outcome_text: "", outcome_at: null }; commands.set(c.id, c); setTimeout(() => { Object.assign(c, { outcome: "done", outcome_at: ago(0) }); send("batch", { seq: ++batch, at: ago(0), commands: [c] }); }, 900); return { id: c.id }; }
  if (a === "devices") { const d = devices().find((x) => x.id === id); return d ? { ...d, access_points: doors().flatMap((x) => x.access_points).filter((p) => p.device_id === id), refusals: d.list?.refused ? [{ token: "c1", label: "1号楼-0101 · 成员2", dwelling_id: all[0].id, dwelling_number: "0101", code: "no_face", message_zh: "照片中未检测到人脸，请重新拍照", text: "461 no face" }] : [], coverage: cov(0), unreadable_count: 2, config: { host: "10.0.0.21", port: 502, password: "******" }, meters: d.kind === "modbus_meter" ? 48 : 0 } : fail(404, "not_found", "没有这台设备。"); }
  if (a === "commands") return commands.get(id) ?? fail(404, "not_found", "没有这条命令。");
  if (a === "dwellings") { const d = all.find((x) => x.id === id); if (!d) return fail(404, "not_found", "没有这套房屋，或不在您的管辖范围。"); return b === "presence" ? presence(+(q.get("days") ?? 200)) : b === "explain" ? { lines: [{ who: "成员1", where: "东门、西门、1号楼单元门", when: "全天", because: "租约 T-000102，承租人", devices: [{ device_name: "东门人脸终端", state: "confirmed", since: ago(5000) }] }, { who: "成员2", where: "东门、西门、1号楼单元门", when: "全天", because: "租约 T-000102，家庭成员2", devices: [{ device_name: "西门人脸终端", state: "refused", since: ago(5000) }] }], text: "" } : dwelling(d, me.permissions); }
  if (a === "reveals") return may("person.reveal") ? { id: "r1", expires_at: ago(-60), household: [["李建华", 0], ["王芳", 1], ["李明", 2]].map(([name, i]) => ({ member_id: `m${i}`, name, id_last4: "123X", birth_date: "1980-05-01", cards: ["0012346789"] })) } : no();
  if (a === "cases" && !may("case.view")) return no();
  if (a === "cases" && !id) { const items = CASES.filter((c) => ["state", "kind", "stage"].every((k) => !q.get(k) || c[k] === q.get(k))); const n = (k) => CASES.reduce((m, c) => ({ ...m, [c[k]]: (m[c[k]] ?? 0) + 1 }), {}); return { items, counts: { state: n("state"), stage: n("stage"), kind: n("kind") } }; }
  if (a === "cases" && b === "decisions") { const c = CASES.find((x) => x.id === id); c.entries = [...(c.entries ?? []), { at: ago(0), actor: me.display_name, action: body.action, action_zh: { dismiss: "排除线索", recheck: "转复核", note: "补记", good_cause: "有正当理由" }[body.action], reason_code: body.reason_code, reason_zh: "外地务工", opinion: body.opinion }]; if (body.action !== "note") { c.state = body.action === "recheck" ? "recheck_requested" : "dismissed"; c.state_zh = body.action === "recheck" ? "已转复核" : "已排除"; } return c; }
  if (a === "cases") { const c = CASES.find((x) => x.id === id); return c ? caseDetail(c) : fail(404, "not_found", "没有这条线索。"); }
  if (a === "policy-packs") return { items: [["national", "全国（住建部令第11号）"], ["beijing", "北京"]].map(([name, title]) => ({ name, title, version: "2026.1", legal_basis: "《公共租赁住房管理办法》第二十七条", vacancy: { yellow_days: 60, orange_days: 90, red_days: 180 }, sublet: { unseen_days: 30, water_share: 0.6 } })) };
  if (a === "outbox") return { items: [{ id: "o1", kind: "case.opened", subject: "E001-2026-0001", created_at: ago(90000), attempts: 1, last_error: "", delivered_at: ago(89990) }], undelivered: 1 };
  if (a === "tenancy" && id === "sources" && method === "GET") return { items: [{ source: "back-office", kind: "http", cursor: "c-1207", last_ok_at: ago(12), last_full_at: ago(7200), last_error: "", last_error_zh: "", held, missing: ["T-9"], estate_id: null, refused_rows: 3 }, { source: "upload", kind: "xlsx", cursor: "", last_ok_at: ago(864000), last_full_at: null, last_error: "unreachable", last_error_zh: "连不上数据源。请检查网络和数据源地址；本系统会自动重试，现有权限不变。", held: null, missing: [], estate_id: null, refused_rows: 0 }] };
  if (a === "tenancy" && id === "sources") return may("tenancy.manage") ? {} : no();
  if (a === "tenancy" && id === "refused-rows") return { items: [1, 2, 3].map((i) => ({ id: i, source: "back-office", key: `T-00${i}`, reason: "id_number_check", reason_zh: "身份证号校验码不对（GB 11643），请核对原件。", raw_masked: { 姓名: "李*", 房屋编码: "E001-1-0101" }, seen_at: ago(4000 * i) })), total: 3 };
  if (a === "tenancy" && id === "upload") return { accepted: 37, refused: [{ row: 12, reason: "two_heads", reason_zh: "同一户出现两位承租人，只采用第一位；请核对哪一位是承租人。" }], changes: { new: 2, changed: 1, ended: 0, unchanged: 34 }, held: null, applied: q.get("dry_run") === "false" };
  if (a === "audit") return may("audit.view") ? { items: Array.from({ length: 20 }, (_, i) => ({ id: 900 - i, at: ago(i * 300), actor: "manager", reason: "查看住户信息：上门服务", estate_id: "E001", changes: [{ what: "person.revealed", id: "E001.B1-0101" }] })), next_before: null, chain_ok: true } : no();
  if (a === "dead-letters") return may("audit.view") ? { items: [{ id: 1, at: ago(4000), edge_id: "edge-1", topic: "v1/edge-1/up/events", error: "not JSON", size: 40, preview: "{{{" }], total: 1 } : no();
  if (a === "admin" && id === "users") return may("users.manage") ? { items: Object.entries(USERS).map(([name, [display_name, role]]) => ({ id: name, name, display_name, role, locked_until: null, estates: [], disabled: false })) } : no();
  return fail(404, "not_found", "没有这个接口地址，请检查路径。");
}
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const meOf = (name) => ({ id: name, name, display_name: USERS[name][0], role: USERS[name][1], csrf: "csrf-" + name, permissions: PERMISSIONS[USERS[name][1]], estates: [ESTATE] });
createServer((request, response) => {
  const url = new URL(request.url, "http://x"), chunks = [];
  request.on("data", (c) => chunks.push(c)).on("end", () => {
    const json = (status, body, headers = {}) => response.writeHead(status, { "content-type": "application/json", ...headers }).end(body === undefined ? "" : JSON.stringify(body));
    const token = /estate_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1], name = sessions.get(token) ?? (USERS[token] && token);
    if (url.pathname.startsWith("/signin/")) return response.writeHead(303, { location: "/", "set-cookie": `estate_session=${url.pathname.slice(8)}; Path=/; HttpOnly` }).end();
    if (!url.pathname.startsWith("/api/v1")) {
      const file = join(DIST, url.pathname);
      const path = url.pathname !== "/" && existsSync(file) ? file : join(DIST, "index.html");
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
      return createReadStream(path).pipe(response);
    }
    const path = url.pathname.slice(7), text = Buffer.concat(chunks).toString();
    const body = text.startsWith("{") ? JSON.parse(text) : undefined;
    if (path === "/session" && request.method === "POST") return USERS[body.name] && body.password === body.name + "-password" ? json(204, undefined, { "set-cookie": `estate_session=${body.name}; Path=/; HttpOnly; SameSite=Lax` }) : json(401, fail(401, "unauthenticated", "用户名或密码不正确，请重新输入。").body);
    if (!name) return json(401, fail(401, "unauthenticated", "登录已失效，请重新登录。").body);
    if (path === "/session") return json(204, undefined, { "set-cookie": "estate_session=; Path=/; Max-Age=0" });
    if (path === "/stream") { response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" }); response.write(`event: hello\ndata: {"server_id":"s1"}\n\n`); streams.add(response); return request.on("close", () => streams.delete(response)) && response.on("close", () => streams.delete(response)); }
    if (path.startsWith("/snapshots/")) return response.writeHead(200, { "content-type": "image/svg+xml" }).end('<svg xmlns="http://www.w3.org/2000/svg" width="160" height="90"><rect width="160" height="90" fill="#667"/></svg>');
    const me = meOf(name);
    if (request.method !== "GET" && request.headers["x-csrf-token"] !== me.csrf) return json(403, fail(403, "csrf", "页面已过期，请刷新后重试。").body);
    const answer = route(request.method, path, url.searchParams, body, me);
    return answer.status && answer.body ? json(answer.status, answer.body) : json(200, answer);
  });
}).listen(Number(process.argv[2] ?? 8080), "127.0.0.1", function () { console.log(`http://127.0.0.1:${this.address().port}`); });
