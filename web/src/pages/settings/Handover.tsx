/** Something to be handed over once: a sign-in link, a command. It stands on the screen until closed, and nowhere else. */

import { Modal } from "antd";
import type { ReactNode } from "react";
import { useWords } from "../../i18n";

export function Handover({ title, hint, text, close }: { title: string; hint: string; text: string; close: () => void }): ReactNode {
  const { common } = useWords();
  return (
    <Modal open title={title} onCancel={close} keyboard={false} onOk={close} okText={common.close} cancelButtonProps={{ style: { display: "none" } }} width={680}>
      <p>{hint}</p>
      <code className="command-line" data-testid="handover">{text}</code>
    </Modal>
  );
}
