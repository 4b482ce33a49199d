/** A link that is shown this once: for who has nothing but the face, or not even that, and for what a second person confirmed. */

import { QRCodeSVG } from "@rc-component/qrcode";
import { Button, Modal } from "antd";
import type { ReactNode } from "react";
import type { Withdrawn } from "../../api/types";
import { useTold, useWords } from "../../i18n";
import { Mark } from "../../ui/Mark";
import { linkOf } from "../passes/PassCard";
import { PassLink } from "../passes/PassLink";

type Way = Pick<Withdrawn, "link" | "warnings" | "warnings_en">;

/** The phone from this minute, and a card where a door reads no phone. */
export function OtherWay({ way, name, hint, close }: { way: Way; name: string; hint?: string; close: () => void }): ReactNode {
  const { counter: t, passes, common } = useWords();
  const told = useTold();
  const link = linkOf({ subject: "", number: "", link: way.link ?? "", warnings: [], warnings_en: [], held: "" });
  return (
    <Modal open title={`${t.otherWay} · ${name}`} onCancel={close} maskClosable={false} keyboard={false} footer={<Button type="primary" onClick={close}>{common.close}</Button>}>
      <div data-testid="other-way">
        <p className="reminder">{hint ?? (link ? t.otherWayHint : t.phoneOnly)}</p>
        {link ? <div className="qr"><QRCodeSVG value={link} size={180} level="M" marginSize={4} title={passes.link} /></div> : null}
        {(told(way.warnings, way.warnings_en) ?? []).map((warning) => <p key={warning}><Mark tone="warn">{warning}</Mark></p>)}
      </div>
      {link ? <PassLink link={link} {...(hint ? {} : { hint: t.linkOwn })} /> : null}
    </Modal>
  );
}
