/** The link with which a visitor's phone shows a code that changes; shown once. */

import { App, Button } from "antd";
import type { ReactNode } from "react";
import { useWords } from "../../i18n";

/** `hint`: whom it is for, where that is no visitor. */
export function PassLink({ link, hint }: { link: string; hint?: string }): ReactNode {
  const { passes: t } = useWords();
  const { message } = App.useApp();
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link); // only where the page came over https
      void message.success(t.copied);
    } catch {
      getSelection()?.selectAllChildren(document.getElementById("pass-link") ?? document.body);
    }
  };
  return (
    <section className="no-print" aria-label={t.link} style={{ marginTop: 16 }}>
      <h3>{t.link}</h3>
      <p className="faint">{hint ?? t.linkHint}</p>
      <code className="command-line" id="pass-link" data-testid="pass-link">{link}</code>
      <Button size="small" onClick={() => void copy()}>{t.copy}</Button>
    </section>
  );
}
