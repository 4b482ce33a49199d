/** The pass to hand over: shown once, large enough to read out, to photograph or to print. */

import { QRCodeSVG } from "@rc-component/qrcode";
import { Button, Modal } from "antd";
import type { ReactNode } from "react";
import type { DeskAnswer } from "../../api/types";
import * as format from "../../format";
import { useWords } from "../../i18n";
import { useZone } from "../../session";
import type { Kind, Way } from "./kinds";
import { PassLink } from "./PassLink";

export interface PassOnPaper { kind: Kind; estate: string; host: string; from: string; to: string; way: Way; number: string; link: string; doors: string[]; uses: number | null }

/** As the visitor opens it: a hub that was not told its own address gives the path alone. */
export const linkOf = (answer: DeskAnswer): string => (answer.link?.startsWith("/") ? location.origin + answer.link : (answer.link ?? ""));

export function PassCard({ pass, close }: { pass: PassOnPaper; close: () => void }): ReactNode {
  const { passes: t, words, common } = useWords();
  const zone = useZone();
  return (
    <Modal open title={t.handOver} onCancel={close} keyboard={false} width={460} className="hand-over"
      footer={<><Button onClick={() => window.print()}>{t.print}</Button><Button type="primary" onClick={close}>{common.close}</Button></>}>
      <p className="no-print reminder">{t.once}</p>
      <section className="pass-card" aria-label={t.handOver} data-testid="pass-card">
        <h3>{pass.estate} · {words.passKind[pass.kind]}{t.pass}</h3>
        {pass.host ? <p>{t.toHost(pass.host)}</p> : null}
        {pass.link ? <div className="qr"><QRCodeSVG value={pass.link} size={200} level="M" marginSize={4} title={t.link} /></div> : null}
        {pass.number ? <p className="big num" data-testid="pass-number">{format.grouped(pass.number)}</p> : null}
        <p>{t.show[pass.way]}</p>
        <p>{format.minute(pass.from, zone)} {t.until(format.minute(pass.to, zone))}{pass.uses ? t.comma + t.usesN(pass.uses) : ""}</p>
        <p>{pass.doors.length ? pass.doors.join(t.comma) : t.doorsUsual}</p>
        <p className="faint">{t.footer}</p>
      </section>
      {pass.link ? <PassLink link={pass.link} /> : null}
    </Modal>
  );
}
