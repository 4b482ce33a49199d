/** A page that fails to draw says so and leaves the menu usable. */

import { Button } from "antd";
import { Component, type ReactNode } from "react";
import { useWords } from "../i18n";

export class Boundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    return this.state.failed ? <Broken again={() => this.setState({ failed: false })} /> : this.props.children;
  }
}

function Broken({ again }: { again: () => void }): ReactNode {
  const t = useWords().common;
  return (
    <div className="notice" role="alert">
      <h1>{t.brokenTitle}</h1>
      <p>{t.broken}</p>
      <Button onClick={again}>{t.retry}</Button>
    </div>
  );
}
