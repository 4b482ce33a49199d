/** The words of the phone's page. Apart from the console's, so that a phone loads little. */

export const zhPass = {
  lang: "zh-CN", title: "通行码", other: "English", loading: "正在获取通行码……", show: "在门口的读码器前出示", renews: (s: number) => `${s} 秒后自动更新`, qr: "通行二维码，自动更新",
  until: (at: string) => `通行证有效至 ${at}`, outFree: "出门不需要通行码。", screenshot: "截图无效：通行码每 30 秒更新一次，请出示本页面。",
  offline: "没有网络，正在重试", stillGood: (s: number) => `网络断开，此码还可用 ${s} 秒，正在重试`, expiredTitle: "通行码已过期", expired: "没有网络，无法更新通行码。请检查手机网络，恢复后自动更新；进不去请联系接待的住户或服务台。",
  overTitle: "通行证已失效", over: "通行证已到期、被收回，或链接不对。请联系为您办理的服务台或接待的住户。", earlyTitle: "通行证尚未生效", busyTitle: "请稍候", busy: "刷新太频繁，稍后自动重试。",
  brokenTitle: "暂时无法获取通行码", broken: "系统暂时不能提供通行码，正在自动重试。着急进门请联系服务台。", noSecretTitle: "链接不完整", noSecret: "请重新打开收到的完整链接，或请对方重新发送。", again: "立即重试",
};

export type PassWords = typeof zhPass;
