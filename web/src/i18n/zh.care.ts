/** Care calls, outside signs, hints of the smaller rules. */

export const zhCare = {
  care: {
    title: "关怀探访", reminder: "只为本人单独同意（同意项c）的独居住户开启；与线索、案件和通行无关，办案人员看不到。本人随时可以退出。",
    calls: "请去看看", noCalls: "目前没有需要探访的住户", noCallsBut: (n: number) => `目前没有提醒；另有 ${n} 户无法判断（见下方），请主动联系`, quietSince: (at: string) => `自 ${at} 起门禁和用水都没有动静`, contact: (who: string) => `先联系：${who}`, noContact: "没有留联系人，请上门看看",
    answer: "记录探访", answerTitle: (number: string) => `${number}：探访结果`, answerHint: "写下看到的情况和做了什么；30天后删除，不作其他用途。", outcome: "结果", outcomeMissing: "请选择结果",
    outcomes: { fine: "一切安好", helped: "需要并已得到帮助", away: "外出，平安", false_alarm: "误报（设备或表计）", not_reached: "没有联系上，继续" } as Record<string, string>,
    watches: "正在关怀", noWatches: "还没有开启的住户", states: { fine: "有动静", ask: "请去看看", away: "已报备外出", cannot_see: "观测不到，不作判断", not_alone: "已有同住人，不再判断", unknown: "尚未查看" } as Record<string, string>,
    every: (hours: number) => `${hours} 小时没有动静时提醒`, looked: (at: string) => `上次查看 ${at}`, notLooked: "尚未查看",
    begin: "开启关怀", beginHint: "只列出单独同意（c）、独自居住的住户。写明谁提出、怎样提出。", who: "住户", whoMissing: "请选择住户", noCandidates: "没有可开启的住户：须先由本人在窗口单独同意（c）。", hours: "多久没有动静时提醒", contactLabel: "先联系谁（选填）",
    end: "退出", endTitle: (number: string) => `${number}：退出关怀`, endHint: "本人不再需要，无需理由。写明谁提出、怎样提出。",
  },
  signs: {
    title: "旁证", hint: "其他部门（租金、户籍等）和工作人员提供的类别与日期，不含金额、姓名。它写入线索的正反两面，从不提高线索等级；欠租是中性事实，不影响通行。", empty: "没有旁证",
    anonymous: "匿名", by: (who: string) => `来源 ${who}`, withdrawn: "已撤回", withdraw: "撤回", record: "记录所见所闻", recordHint: "只记类别和日期；不记邻里言语和姓名。记录本身不会打扰任何人。写明怎样得知（记入审计）。", missing: "请选择类别和日期",
    kind: "类别", on: "日期", digest: "所存副本的 SHA-256", kinds: {} as Record<string, string>,
  },
  ruleRecords: {
    title: "规则准确率", link: "各规则在已结案件中的准确率", hint: "按本系统近一年已结案件计算：某规则的线索到达某一等级后，经人核查属实的占多少。明显低于该等级应有水平的规则自动暂降一级，直至核查结果恢复；它从不影响任何住户的通行。",
    empty: "还没有经人核查的已结案件。结案后这里会显示每条规则的准确率。", head: ["规则", "等级", "应有", "实测", "核查件数", "属实件数", "状态"],
    heldBack: "暂降一级", inForce: "正常", few: "件数尚少",
    corrections: "模型可能性的校正", correction: (family: string, slope: string, shift: string, cases: number) => `${family}：对数几率 × ${slope} + ${shift}（${cases} 件案件）`,
    families: { others: "他人居住", vacancy: "空置" } as Record<string, string>,
    limited: "询问从可能性高的开始", asking: (above: string, a: { begun: number; days: number; most: number; waiting: number; share: number }) => `近${a.days}日新线索${a.begun}条，至多询问${a.most}条（全年不超过全部房屋的${Math.round(a.share * 100)}%）：本周询问可能性高于${above}的，另有${a.waiting}条暂只作记录。核查和红色线索不受影响。`,
  },
  integrity: {
    title: "数据可信度", hint: "出入口（D）需要检修之处，和记录（N）不可信之处：据此先修设备、先核登记，再谈线索。出入口的问题不归责于任何住户；未经复核的时段不作为依据。",
    entrances: "出入口", entrancesEmpty: "目前没有需要检修的出入口", data: "登记、来源与操作", dataEmpty: "目前没有不可信的记录", head: ["规则", "对象", "情况"],
    about: { device: "设备", door: "门", source: "租约来源", person: "人员编号", dwelling: "房屋", user: "账号" } as Record<string, string>,
  },
  hints: {
    title: "提示（至多用于询问）", empty: "没有提示", hint: "由规则目录中的小规则给出：只作记录或一次询问，不构成认定。", innocent: "先想到", openCase: "已成线索",
  },
};
