/** Every word on the screen. Chinese is the source; `en.ts` has the same shape, so a missing key does not compile. */

const words = {
  status: {
    occupied: "在住", vacant: "空置", allocated: "已配租", suspected_sublet: "疑似转租", suspected_idle: "疑似闲置",
    repair: "维修", unknown: "未知",
  } as Record<string, string>,
  glyph: {
    occupied: "住", vacant: "空", allocated: "配", suspected_sublet: "转", suspected_idle: "闲", repair: "修", unknown: "未",
  } as Record<string, string>,
  role: {
    estate_manager: "小区管理员", housing_official: "住房保障工作人员", auditor: "审计员", administrator: "系统管理员",
  } as Record<string, string>,
  outcome: {
    granted: "允许通行", taken: "已通过", not_taken: "未通过", denied: "拒绝", ok: "可观测", down: "不可观测",
    propped: "门被撑开", clock: "时间不可信",
  } as Record<string, string>,
  identifier: { card: "刷卡", face: "人脸", pin: "密码", qr: "二维码", id_card: "身份证" } as Record<string, string>,
  direction: { in: "进", out: "出", unknown: "方向未知" } as Record<string, string>,
  doorState: { open: "开", closed: "关", unknown: "未知", fault: "门磁故障" } as Record<string, string>,
  doorAlarm: { normal: "正常", forced_open: "强行开门", held_open: "门常开", tamper: "防拆报警" } as Record<string, string>,
  condition: { online: "在线", offline: "离线", fault: "故障", unknown: "未知" } as Record<string, string>,
  listState: {
    in_step: "与名单一致", pending: "正在下发", behind: "版本落后", refusals: "有人员被拒", unknown: "未知",
  } as Record<string, string>,
  heldState: {
    confirmed: "已确认", assumed: "假定（设备不能回读）", pending: "下发中", refused: "设备拒绝", unknown: "未知",
  } as Record<string, string>,
  credentialState: { active: "有效", ended: "已终止" } as Record<string, string>,
  kind: {
    access: "通行", door: "门状态", meter: "表计", camera: "摄像机", snapshot: "抓拍", observation: "可观测性", edge: "网关",
    unreadable: "无法解读",
  } as Record<string, string>,
  deviceKind: {
    face_terminal: "人脸识别终端", modbus_board: "门禁控制板", modbus_door: "门禁控制板", modbus_meter: "水电表采集",
    onvif_camera: "摄像机", onvif_door: "ONVIF 门禁", camera: "摄像机",
  } as Record<string, string>,
  quantity: { water: "水", electricity: "电" } as Record<string, string>,
  quantityUnit: { water: "m³", electricity: "kWh" } as Record<string, string>,
  presence: { present: "有人居住迹象", absent: "无人居住迹象", other_use: "有他人使用迹象", unknown: "未知（未覆盖）" } as Record<string, string>,
  stage: {
    note: "记录", yellow: "黄色预警", orange: "橙色预警", red: "红色预警", insufficient_data: "数据不足",
  } as Record<string, string>,
  caseKind: { vacancy: "疑似闲置", sublet: "疑似转租", not_moved_in: "疑似未入住", vacant_used: "空置房有使用迹象" } as Record<string, string>,
  caseState: {
    open: "待初筛", recheck_requested: "已转复核", dismissed: "已排除", good_cause: "有正当理由", closed: "已办结",
  } as Record<string, string>,
  tenancyState: { allocated: "已配租（未入住）", active: "在租", ended: "已终止" } as Record<string, string>,
  coverage: {
    ok: "可观测", down: "不可观测", propped: "门被撑开", clock: "时间不可信", unknown: "无记录",
  } as Record<string, string>,
  command: { momentary_access: "开门一次", read_back: "回读名单", snapshot: "抓拍一张" } as Record<string, string>,
  commandOutcome: {
    done: "已执行", refused: "设备拒绝", expired: "已过期，未执行", unreachable: "设备不可达", unsupported: "设备不支持",
    uncertain: "已发出，未得到答复（不会重发）",
  } as Record<string, string>,
  scope: { estate: "小区", block: "楼栋", dwelling: "房屋" } as Record<string, string>,
  side: { in: "进", out: "出", inside: "内侧", outside: "外侧", unknown: "" } as Record<string, string>,
  holderClass: { resident: "住户", visitor: "访客", staff: "工作人员", contractor: "维修人员" } as Record<string, string>,
  healthPart: {
    database: "数据库", broker: "消息服务", jobs: "后台任务", edges: "网关", tenancy_source: "租约数据源",
    lease_outbox: "租赁系统发件箱", disk: "磁盘",
  } as Record<string, string>,
  sourceKind: { http: "接口", csv: "CSV 表格", xlsx: "XLSX 表格", file: "表格" } as Record<string, string>,
  family: {
    F1: "门禁通行", F2: "用水", F3: "用电", F4: "访客与凭证", F5: "人工联系", F6: "数据质量", doors: "门禁通行", water: "用水",
    electricity: "用电", meters: "水电用量",
  } as Record<string, string>,
};

export const zh = {
  lang: "zh-CN",
  product: "公租房小区物联网与出入管理",
  words,
  common: {
    unknown: "未知", none: "无", retry: "重试", loading: "加载中", empty: "暂无数据", more: "加载更多", all: "全部", yes: "是", no: "否",
    cancel: "取消", confirm: "确认", close: "关闭", save: "保存", search: "查询", reset: "重置", details: "查看", since: "自",
    reason: "原因", reasonPlaceholder: "请写明原因（至少 4 个字，将写入审计日志）", requestId: "请求编号",
    errorTitle: "没能读到数据", unreachable: "连不上服务器。请检查网络，系统会自动重试。",
    failed: (status: number) => `服务器未能处理（${status}）。请稍后重试；仍不行请把请求编号告诉管理员。`,
    forbiddenTitle: "没有权限", forbidden: "您的角色不能查看这部分内容。需要时请向系统管理员申请。",
    notFoundTitle: "没有这个页面", notFound: "地址有误，或您的角色看不到这部分内容。", home: "回到首页",
    dataAsOf: (at: string) => `数据截至 ${at}`, partial: "部分内容未读到", time: "时间", state: "状态", name: "名称", total: (n: number) => `共 ${n} 条`,
    language: "English", skip: "跳到主要内容", saved: "已保存", table: "表格", chart: "图", show: "显示", hide: "收起",
  },
  shell: {
    menu: "主菜单", estate: "小区", beijing: "北京时间", zoneTime: (zone: string) => `当地时间（${zone}）`, signOut: "退出登录",
    live: "实时", blocks: "楼盘表", cases: "线索与核查", devices: "设备", events: "通行与事件", tenancy: "租约与名单", settings: "设置",
    noEstate: "您的账号还没有可管理的小区。请联系系统管理员。",
  },
  link: {
    connecting: "连接中", live: "实时", stale: "数据停滞", reconnecting: "断线重连",
    hint: {
      connecting: "正在建立实时连接", live: "页面内容随现场即时更新", stale: "超过 20 秒没有收到数据，页面内容可能已过时",
      reconnecting: "连接已断开，正在自动重连，页面内容可能已过时",
    },
  },
  signIn: {
    title: "登录", name: "用户名", password: "密码", submit: "登录", nameNeeded: "请输入用户名", passwordNeeded: "请输入密码",
    help: "忘记密码请联系系统管理员。所有操作均写入审计日志。", ended: "登录已失效，请重新登录。", failed: "登录没有成功",
  },
  live: {
    title: "实时", dwellings: "房屋", occupied: "在住", vacant: "空置", suspected: "疑似（待核实）", passesToday: "今日通行", passesHour: "近一小时",
    doorsOpen: "门开启", doorAlarms: "门报警", devicesOnline: "设备在线", inStep: "名单一致的设备", openCases: "在办线索", kpi: "关键数字",
    ofTotal: (a: string, b: string) => `${a} / ${b}`,
    feed: "通行", pause: "暂停", resume: "继续", newEvents: (n: number) => `${n} 条新事件`, paused: "已暂停", hoverPaused: "鼠标停留，暂停滚动",
    late: "补传", lateHint: "设备补传的记录，不是当场看到的", snapshot: "抓拍", gap: (from: string, to: string) => `${from} 至 ${to} 连接中断，期间的通行见「通行与事件」`,
    gapNow: "连接中断", unknownHolder: "未登记", feedEmpty: "还没有通行记录",
    feedColumns: { at: "时间", where: "通行点", who: "持证人", how: "方式", outcome: "结果" },
    doors: "门", lastKnown: (at: string) => `最后已知，自 ${at} 离线`, lastKnownNoTime: "最后已知，设备离线", noDoors: "还没有登记门",
    truth: "设备名单", wanted: (n: number) => `应有 ${n}`, confirmed: (n: number) => `已确认 ${n}`, assumed: (n: number) => `假定 ${n}（设备不能回读）`,
    pendingN: (n: number) => `${n} 个下发中`, refused: (n: number, why: string) => `${n} 个被拒${why ? `：${why}` : ""}`, foreign: (n: number) => `${n} 个非本系统写入`,
    unknownList: (wanted: number) => `应有 ${wanted}，设备现状未知`, decidedAtEdge: "由网关判定", readBack: (at: string) => `${at} 回读`, noLists: "没有需要下发名单的设备",
    edges: "网关", edgeOnline: (since: string) => `在线，自 ${since}`, edgeOffline: (since: string) => `离线，自 ${since}`,
    edgeBanner: (name: string, since: string) => `网关「${name}」自 ${since} 离线：其下设备状态未知，显示的是最后已知值。门仍按已下发的名单就地判定，记录在恢复后补传。`,
    lastSeen: (at: string) => `最后联系 ${at}`, backlog: (n: number) => `待补传 ${n} 条`,
    removal: "最早未确认的撤权", removalNone: "没有未确认的撤权", removalSince: (at: string) => `自 ${at} 起等待设备确认`,
    snapshotsOff: "抓拍未启用", openImage: "查看抓拍", imageOf: (where: string, at: string) => `${where} ${at} 的抓拍`, imageGone: "抓拍已删除或无权查看",
  },
};

export type Words = typeof zh;
