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
    open: "线索待初筛", recheck_requested: "已转复核", dismissed: "已排除", good_cause: "有正当理由", closed_unproven: "未证实（已结）",
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
    F1: "门禁通行", F2: "水电用量", F3: "凭证使用", F4: "登记资料", F5: "人工联系", F6: "数据质量",
  } as Record<string, string>,
  absence: {
    hospital: "住院", care: "照料亲属", work: "外出工作", travel: "旅行", home_visit: "返乡探亲", renovation: "装修维修", other: "其他",
  } as Record<string, string>,
  evidence: {
    days: "时段", day: "日期", meter: "表计", device: "设备", credential: "凭证", contact: "联系记录", absence: "离家报备", tenancy: "租约",
  } as Record<string, string>,
  feed: {
    "case.opened": "线索形成", "case.recheck_requested": "请求资格复核", "case.dismissed": "线索排除", "case.good_cause": "有正当理由",
    "case.closed_unproven": "未证实结案", "dwelling.moved_in": "已入住", "dwelling.moved_out": "已搬离", "dwelling.ready_to_relet": "可重新配租",
    "dwelling.vacant_used": "空置房有使用迹象",
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
    brokenTitle: "这个页面没能显示", broken: "页面程序出错。可以重试或换一个页面；仍不行请告诉系统管理员。",
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
  blocks: {
    title: "楼盘表", legend: "图例（点击筛选）", all: "全部", floor: (n: number) => `${n} 层`, grid: (name: string) => `${name}楼盘表，用方向键移动，回车查看`,
    lastPass: (day: string) => `最近通行 ${day}`, noPass: "无通行记录", leadStage: "线索",
    open: "打开房屋页面", count: (n: number) => `${n} 套`, empty: "还没有登记房屋", totals: (n: number) => `共 ${n} 套房屋`, drawer: "房屋概况", keys: "方向键移动 · 回车查看 · Esc 关闭",
  },
  dwelling: {
    title: (block: string, number: string) => `${block} ${number}`, code: "房屋编码", floor: "楼层", rooms: "居室", status: "房态", tenancy: "租约", noTenancy: "没有在租租约",
    tenancyNo: "租约编号", from: "起租日", to: "到期日", handover: "交房日", noEnd: "未约定", decision: "终止决定", household: "家庭成员", noHousehold: "没有登记家庭成员",
    idNumber: "身份证号", consent: { a: "人脸开门", b: "居住核查使用人脸通行", c: "关怀探访" } as Record<string, string>, consents: "单独同意", given: "已同意", notGiven: "未同意",
    credential: "通行凭证", noCredential: "还没有通行凭证", on: (confirmed: number, total: number, at: string) => `${total} 台设备中 ${confirmed} 台已确认，自 ${at}`,
    onNone: "不需要下发到任何设备", devices: "各设备状态", why: "为什么可以通行", whyColumns: { who: "谁", where: "哪里", when: "何时", because: "依据" }, whyEmpty: "目前没有通行权限",
    presence: "居住迹象日历", presenceLegend: "未知表示当天门禁覆盖不足，不等于无人", presenceAria: (n: number, present: number, absent: number, unknown: number) => `最近 ${n} 天：有人居住迹象 ${present} 天，无人居住迹象 ${absent} 天，未知 ${unknown} 天。表格视图列出每一天。`,
    day: "日期", coverage: "门禁覆盖", signals: "依据", meters: "水电用量", metersEmpty: "没有安装远传水电表", lastValue: "最近读数", meterBad: "表计报告故障，不作为无人用水依据",
    meterAria: (name: string, n: number) => `${name}每日用量，${n} 天。表格视图列出每一天。`, absences: "离家报备", absenceEmpty: "没有离家报备", absence: (from: string, to: string) => `${from} 至 ${to}`, declared: (day: string) => `${day} 报备`,
    absenceOpen: "未定", lead: "在办线索", openLead: "查看线索", signalNames: { doors: "本户通行", identified: "其中经同意的人脸", others: "其他人员通行", water: "用水 m³", electricity: "用电 kWh" } as Record<string, string>,
    reveal: "查看完整信息", revealTitle: "查看完整个人信息", revealHint: "将显示姓名、出生日期和卡号 60 秒，并写入审计日志。", revealReason: "查看事由",
    revealCodes: { counter_service: "窗口办理业务", contact: "联系住户", case_check: "线索核查", data_correction: "更正登记信息", emergency: "紧急情况" } as Record<string, string>,
    revealed: (s: number) => `完整信息，${s} 秒后隐藏`, birth: "出生日期", cards: "卡号", hideNow: "立即隐藏", revealFailed: "未能查看",
  },
  cases: {
    title: "线索与核查", reminder: "线索不是结论：以下均为待核实的疑似情况，须由工作人员核查后认定。系统不会因线索停用任何人的通行。", filters: "筛选", state: "状态", kind: "类型", stage: "预警",
    columns: { number: "编号", dwelling: "房屋", kind: "类型", stage: "预警", state: "状态", opened: "形成时间", due: "办理期限", headline: "摘要" }, empty: "没有符合条件的线索",
    keys: "J / K 下一条、上一条 · 回车打开", openN: (n: number) => `共 ${n} 条`, overdue: "已超期",
  },
  caseDetail: {
    why: "为什么", rule: "规则", threshold: "规定阈值", observed: "实际观测", window: "观测时段", coverage: "数据覆盖率", families: "独立信号", evidence: "证据", legal: "法律依据", policy: "适用政策",
    against: "反证与可能的正当理由", againstEmpty: "没有找到反证；请在核查中询问当事人。", refuted: "出现以下任一情况即推翻本线索", timeline: "办理记录", decision: "办理", delivery: "推送租赁系统",
    noFinding: "本线索没有可显示的依据。", stage: "预警等级", reasonCode: "事由", opinion: "书面意见", opinionPlaceholder: "写明依据和理由（至少 4 个字）", submit: "提交", chooseReason: "请选择事由",
    opinionNeeded: "请填写书面意见（至少 4 个字）", noActions: "本线索当前没有可办理的事项。", readOnly: "您的角色只能查看，不能办理。", keys: "1 / 2 / 3 打开办理表单 · J / K 下一条、上一条 · Esc 关闭",
    delivered: (at: string) => `${at} 已送达`, notDelivered: (n: number) => `未送达，已尝试 ${n} 次，系统会继续重试`, deliveryEmpty: "没有需要推送的内容", decided: "已提交", previous: "上一条", next: "下一条",
    confirmTitle: (what: string) => `办理：${what}`, fits: "适用于", dwelling: "查看房屋", at: (who: string, at: string) => `${who} · ${at}`, versions: (rule: string, policy: string) => `规则版本 ${rule}，政策版本 ${policy}`,
  },
  devices: {
    title: "设备", columns: { name: "名称", condition: "状态", list: "名单", clock: "时钟偏差", seen: "最后联系", model: "型号 / 固件", since: "状态起始" }, empty: "还没有登记设备", root: "网关离线，设备状态未知",
    clockHint: "设备时钟减网关时钟", noList: "不持有名单", listDetail: "名单状态", generation: (held: string, wanted: string) => `设备版本 ${held}，应为 ${wanted}`,
    refusals: "被设备拒绝的人员", refusalsEmpty: "没有被拒绝的人员", who: "人员", dwelling: "房屋", what: "怎么办", technical: "设备原文", coverage: "近 30 天可观测情况", coverageEmpty: "没有可观测记录，视为未知",
    coverageAria: (ok: string) => `近 30 天可观测 ${ok}`, from: "从", to: "到", ongoing: "至今", points: "通行点", pointsEmpty: "没有绑定通行点", accepts: "可用方式", side: "方向", camera: "关联摄像机", recent: "最近事件",
    commands: "远程操作", openDoor: "开门一次", readBack: "回读名单", takeSnapshot: "抓拍一张", openTitle: (name: string) => `确认开门：${name}`, commandTitle: (what: string) => `确认操作：${what}`,
    openHint: "门将解锁一次，操作人和原因写入审计日志。命令 10 秒内未执行即作废，不会迟到开门。", commandHint: "操作人和原因写入审计日志。", noCommand: "您的角色不能远程操作设备。", sent: "已发出，等待设备答复", outcome: "结果", unreadable: "无法解读的消息",
    config: "配置（密钥已隐藏）", meters: "接入表计", detail: "说明", edge: "网关", access: "所属通行点", point: "通行点", needReason: "请写明原因（至少 4 个字）",
  },
  events: {
    title: "通行与事件", filters: "筛选", found: "记录", kind: "类别", outcome: "结果", device: "设备", point: "通行点", from: "开始", to: "结束", columns: { at: "发生时间", kind: "类别", where: "地点", who: "持证人 / 房屋", what: "内容", received: "网关收到", offset: "时钟偏差" },
    empty: "没有符合条件的记录", daily: "近 30 天每日通行", dailyAria: (n: number) => `近 ${n} 天每日通行次数，表格视图列出每一天。`, passes: "通行", denied: "拒绝", deviceTime: (at: string) => `设备时间 ${at}`, dwelling: "房屋编号",
  },
  tenancy: {
    title: "租约与名单", sources: "租约数据源", sourcesEmpty: "还没有配置数据源", lastOk: "最近成功", lastFull: "最近全量核对", error: "最近错误", refusedRows: (n: number) => `被拒绝的记录 ${n} 条`, run: "立即同步", ran: "已开始同步", healthy: "正常", cursor: "进度",
    missing: (n: number) => `${n} 份租约在来源中消失（权限保留）`, release: "核对完毕，放行撤权", releaseHint: (n: number) => `放行后将撤销 ${n} 户的通行权限。请确认已逐户核对。`,
    noWayIn: "还没有通行方式的住户", noWayInEmpty: "所有住户都有通行方式",
    held: "暂停的变更（待逐户核对）", heldNone: "没有暂停的变更", heldSummary: (n: number, at: string) => `${at} 起暂停 ${n} 户的撤权`, heldColumns: { dwelling: "房屋编码", tenancy: "租约", members: "成员数", reason: "原因" },
    refused: "被拒绝的记录", refusedEmpty: "没有被拒绝的记录", refusedColumns: { key: "记录", reason: "原因和处理办法", raw: "内容（已脱敏）", seen: "时间", source: "来源" },
    upload: "上传租约表格", uploadHint: "支持 .xlsx 和 .csv。先试算，看清变化后再采用；试算不改动任何数据。", choose: "选择文件", noFile: "未选择文件", dryRun: "试算", apply: "采用", uploadNeeds: "您的角色不能上传租约表格。",
    accepted: (n: number) => `可采用 ${n} 行`, changes: (n: number, c: number, e: number, u: number) => `新增 ${n} 户，变更 ${c} 户，终止 ${e} 户，无变化 ${u} 户`, rowsRefused: (n: number) => `拒绝 ${n} 行`, row: (n: string) => `第 ${n} 行`, applied: "已采用", notApplied: "试算结果，尚未采用", everythingTaken: "没有被拒绝的行",
    sync: "名单真相（应有与实有）", syncColumns: { device: "设备", wanted: "应有", confirmed: "已确认", assumed: "假定", pending: "下发中", refused: "被拒", foreign: "非本系统", readBack: "回读时间", state: "状态" }, syncEmpty: "没有需要下发名单的设备",
    removals: "尚未确认的撤权", removalsEmpty: "没有未确认的撤权",
  },
  settings: {
    title: "设置", policy: "政策包", policyHint: "政策包是本地的法定阈值。更换后从下一次分析起生效，已形成的线索不变。", inForce: "当前适用", use: "采用", snapshots: "通行抓拍", snapshotsHint: "默认关闭。启用后，摄像机对着的通行点在每次通行时保存一张照片，仅用于安全事件核查，到期自动删除；启用前应完成个人信息保护影响评估，并在现场张贴提示标识。查看照片写入审计日志。",
    on: "已启用", off: "未启用", turnOn: "启用抓拍", turnOff: "关闭抓拍", onlyAdmin: "只有系统管理员可以更改。", changeReason: "更改原因", audit: "审计日志", auditColumns: { at: "时间", actor: "操作人", reason: "事由", changes: "内容" },
    chainOk: "日志链完整", chainBroken: "日志链不完整，请立即联系审计部门", actor: "操作人", health: "系统健康", healthColumns: { part: "部分", state: "状态", detail: "说明" }, well: "正常", unwell: "异常", version: (v: string) => `版本 ${v}`, dead: "无法处理的消息", deadEmpty: "没有无法处理的消息",
    deadColumns: { at: "时间", edge: "网关", topic: "主题", error: "错误", size: "字节", preview: "开头" }, vacancyDays: (y: number, o: number, r: number) => `闲置：${y} 天黄色、${o} 天橙色、${r} 天红色`, livedDays: (w: number, l: number) => `闲置：${w} 天内居住不满 ${l} 天`, subletDays: (d: number, p: number) => `转租：${d} 天未见登记人员且用水达平日 ${p}%`, outbox: "租赁系统发件箱", outboxEmpty: "没有发出过消息", undelivered: (n: number) => `未送达 ${n} 条`,
    outboxColumns: { at: "时间", kind: "类型", subject: "对象", state: "送达" }, users: "用户", userColumns: { name: "用户名", display: "姓名", role: "角色", estates: "小区", state: "状态" }, disabled: "已停用", enabled: "可用", allEstates: "全部",
  },
};

export type Words = typeof zh;
