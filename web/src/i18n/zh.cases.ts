/** The words of a case's steps, clocks and papers. Labels of steps and fields in Chinese come from the hub. */

export const zhCases = {
  action: {} as Record<string, string>,
  field: {} as Record<string, string>,
  choice: {} as Record<string, string>,
  written: {} as Record<string, string>,
  timer: {} as Record<string, string>,
  proposed: {} as Record<string, string>,
  hardship: {
    lone_elderly: "独居或孤寡老人", disabled: "残疾人", minors: "未成年人", illness: "重病、精神障碍或孕产期", victim: "可能受控制、胁迫或家庭暴力",
  } as Record<string, string>,
  steps: {
    now: "现在可以办理", later: "尚不能办理（点开看还缺什么）", blockedBy: (why: string) => why, proposes: "系统建议", proposesHint: "系统最多建议到约谈；此后的每一步都由具名人员决定。",
    timers: "期限", timersEmpty: "没有正在计算的期限", due: (day: string) => `至 ${day}`, late: "已逾期", soon: "临近", household: "当事人期限",
    screening: "困难情况筛查", notScreened: "尚未筛查：签发任何通知前，每一项都须查明。", screened: (day: string) => `${day} 已筛查`, stillOpen: "尚未查明", found: "存在", none: "未发现困难情形",
    heard: "已听取当事人说明", notHeard: "尚未听取当事人说明", broken: "办理记录与校验值不符：记录可能被改动，请联系审计人员。", optional: "（选填）", lateOnly: (n: number) => `只看逾期 ${n}`, stepDue: "下一步期限",
    choose: (what: string) => `请填写“${what}”`, second: "须由另一人办理", filled: "填写内容",
  },
};
