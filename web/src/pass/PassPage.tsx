/** The page behind a pass's link, on the visitor's phone: a code for the reader at the door, new every 30 seconds. No sign-in. */

import "./pass.css";
import { QRCodeSVG } from "@rc-component/qrcode";
import { type ReactNode, useEffect, useState } from "react";
import { minute } from "../format";
import { enPass } from "../i18n/en.pass";
import { type PassWords, zhPass } from "../i18n/zh.pass";
import { type Shown, useCode } from "./code";

const KEY = "estate.language";
const ZONE = "Asia/Shanghai";
const SECRET_LENGTH = 16; // a shorter one is a link cut off on its way

export function PassPage(): ReactNode {
  const [language, setLanguage] = useState(() => (localStorage.getItem(KEY) === "en" ? "en" : "zh"));
  const t = language === "en" ? enPass : zhPass;
  const [secret, setSecret] = useState(() => location.hash.slice(1));
  useEffect(() => {
    document.documentElement.lang = t.lang;
    document.title = t.title;
    localStorage.setItem(KEY, language);
  }, [t, language]);
  useEffect(() => {
    const other = (): void => setSecret(location.hash.slice(1));
    addEventListener("hashchange", other);
    return () => removeEventListener("hashchange", other);
  }, []);
  return (
    <main className="phone">
      <header><h1>{t.title}</h1><button type="button" className="plain-button" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>{t.other}</button></header>
      {secret.length < SECRET_LENGTH ? <Note title={t.noSecretTitle} text={t.noSecret} /> : <Coded key={secret} secret={secret} t={t} />}
    </main>
  );
}

function useSteadyClock(): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 250);
    return () => clearInterval(timer);
  }, []);
  return now;
}

function Coded({ secret, t }: { secret: string; t: PassWords }): ReactNode {
  const { shown, again } = useCode(secret);
  const now = useSteadyClock();
  const { code, trouble } = shown;
  if (code && now < shown.overAt) return <Good shown={shown} now={now} t={t} />;
  if (!code && trouble === "") return <p className="wait" role="status">{t.loading}</p>;
  const button = <button type="button" onClick={again}>{t.again}</button>;
  if (trouble === "over") return <Note title={t.overTitle} text={t.over} state="over">{button}</Note>;
  if (trouble === "early") return <Note title={t.earlyTitle} text={t.lang === "en" ? shown.message.en : shown.message.zh} state="early">{button}</Note>;
  if (trouble === "busy") return <Note title={t.busyTitle} text={t.busy} state="busy" />;
  if (trouble === "broken") return <Note title={t.brokenTitle} text={t.broken} state="broken">{button}</Note>;
  return <Note title={t.expiredTitle} text={t.expired} state="expired">{button}</Note>;
}

function Good({ shown, now, t }: { shown: Shown; now: number; t: PassWords }): ReactNode {
  const { code, trouble } = shown;
  if (!code) return null;
  const seconds = Math.max(0, Math.ceil(((trouble ? shown.overAt : shown.renewAt) - now) / 1_000));
  return (
    <div data-testid="phone-code" data-code={code.text}>
      <p className="place">{code.estate}</p>
      <p>{code.label}</p>
      <div className="code"><QRCodeSVG value={code.text} size={320} level="M" marginSize={4} title={t.qr} /></div>
      <p className={trouble ? "late" : "renew"} role={trouble ? "alert" : "timer"} data-testid="countdown">{trouble ? t.stillGood(seconds) : t.renews(seconds)}</p>
      <div className="bar" aria-hidden="true"><span style={{ width: `${Math.min(100, (seconds * 100) / code.renew_after_s)}%` }} /></div>
      <p className="strong">{t.show}</p>
      {code.valid_to ? <p>{t.until(minute(code.valid_to, ZONE))}</p> : null}
      <p className="small">{t.screenshot} {t.outFree}</p>
    </div>
  );
}

function Note({ title, text, state = "", children }: { title: string; text: string; state?: string; children?: ReactNode }): ReactNode {
  return <div className="note" role="alert" data-testid="phone-note" data-state={state}><h2>{title}</h2><p>{text}</p>{children}</div>;
}
