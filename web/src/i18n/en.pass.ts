import type { PassWords } from "./zh.pass";

export const enPass: PassWords = {
  lang: "en", title: "Entry code", other: "\u4e2d\u6587", loading: "Fetching the code…", show: "Hold it to the reader at the door", renews: (s) => `renewed in ${s} s`, qr: "Entry code as a QR code, renewed by itself",
  until: (at) => `Pass valid to ${at}`, outFree: "Going out needs no code.", screenshot: "A screenshot is of no use: the code changes every 30 s. Show this page.",
  offline: "No network, trying again", stillGood: (s) => `No network. This code is good for ${s} s more; trying again`, expiredTitle: "The code has expired", expired: "Without a network no new code can be had. Check the phone's connection; it goes on by itself. If you cannot get in, call your host or the counter.",
  overTitle: "The pass is over", over: "It has ended, was taken back, or the link is wrong. Ask the counter or your host.", earlyTitle: "Not valid yet", busyTitle: "One moment", busy: "Asked too often; it goes on by itself.",
  brokenTitle: "No code can be had just now", broken: "The system cannot give a code at the moment; trying again. If you need to get in now, call the counter.", noSecretTitle: "The link is not complete", noSecret: "Open the whole link you were sent, or ask for it again.", again: "Try now",
};
