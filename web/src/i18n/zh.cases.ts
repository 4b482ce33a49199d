/** The words of a case's steps, clocks and papers. Labels of steps and fields in Chinese come from the hub. */

export const zhCases = {
  action: {} as Record<string, string>,
  field: {} as Record<string, string>,
  choice: {} as Record<string, string>,
  written: {} as Record<string, string>,
  reason: {} as Record<string, string>,
  rule: {} as Record<string, string>,
  timer: {} as Record<string, string>,
  proposed: {} as Record<string, string>,
  hardship: {
    lone_elderly: "独居或孤寡老人", disabled: "残疾人", minors: "未成年人", illness: "重病、精神障碍或孕产期", victim: "可能受控制、胁迫或家庭暴力",
  } as Record<string, string>,
  steps: {
    now: "现在可以办理", later: "尚不能办理（点开看还缺什么）", blockedBy: (why: string) => why, proposes: "系统建议", proposesHint: "系统最多建议到约谈；此后的每一步都由具名人员决定。",
    timers: "期限", timersEmpty: "没有正在计算的期限", quietUntil: (day: string) => `已结案：${day}之前，只有结案后新出现的事实才会另立案件。`, due: (day: string) => `至 ${day}`, late: "已逾期", soon: "临近", household: "当事人期限",
    screening: "困难情况筛查", notScreened: "尚未筛查：签发任何通知前，每一项都须查明。", screened: (day: string) => `${day} 已筛查`, stillOpen: "尚未查明", found: "存在", none: "未发现困难情形",
    heard: "已听取当事人说明", notHeard: "尚未听取当事人说明", broken: "办理记录与校验值不符：记录可能被改动，请联系审计人员。", optional: "（选填）", lateOnly: (n: number) => `只看逾期 ${n}`, stepDue: "下一步期限",
    choose: (what: string) => `请填写“${what}”`, second: "须由另一人办理", filled: "填写内容",
  },
  chance: {
    title: "可能性", of: (share: string) => `${share}：同样情形的线索中，经核查大约有这么多成立；它只用于排序，不是结论。`, none: "该规则不给出可能性：以上事实由人员核查。",
    limits: "不得因此",
  },
  pack: {
    title: "证据包", hint: "当前办理情况的完整材料：依据、反证、覆盖率、设备审核、办理记录和审计记录。个人信息默认脱敏；每次生成都记入办理记录。",
    pdf: "可读报告（PDF/A）", zip: "机读证据包（ZIP）", whole: "含完整个人信息…", wholeTitle: "生成含完整个人信息的证据包", wholeHint: "包含承租家庭成员的完整姓名。用途和生成人写入审计日志；请按档案规定保管。",
    key: "校验公钥", keyHint: "离线校验：estate-hub verify-evidence 文件 --key 公钥", made: "已生成，浏览器正在保存", form: "格式",
  },
  papers: {
    title: "设备审核材料", hint: "行政处罚法第四十一条：未经法制和技术审核的电子记录不得作为证据。", none: "本线索不以门禁、表计记录为依据，无需设备审核材料。", complete: "材料齐备", missing: (kinds: string) => `缺：${kinds}`,
    same: "技术审核与法制审核须由不同人员作出", add: "补充材料", addTitle: (device: string) => `补充审核材料：${device}`, kind: "种类", number: "编号或文号", from: "有效期自", until: "有效期至", openEnd: "长期", note: "说明", file: "附件（PDF、PNG、JPEG，不超过 4 MB）",
    kinds: {} as Record<string, string>, validity: (from: string, until: string) => `${from} 至 ${until}`, saved: "已保存", needed: "请填写种类、编号和起始日期",
  },
};
