/** A state as shape, colour and text together. */

import type { ReactNode } from "react";
import { word } from "../i18n";
import { type Tone, TONES, toneOf } from "../status";

export function Mark({ tone, children, title }: { tone: Tone; children: ReactNode; title?: string }): ReactNode {
  const { shape, color } = TONES[tone];
  return (
    <span className="mark" style={{ color }} title={title}>
      <span aria-hidden="true" className="mark-shape">{shape}</span>
      {children}
    </span>
  );
}

/** `words`: the list the state's text is looked up in. */
export function StateMark({ state, words, tone }: { state: string | null | undefined; words: Record<string, string>; tone?: Tone }): ReactNode {
  return <Mark tone={tone ?? toneOf(state)}>{word(words, state)}</Mark>;
}
