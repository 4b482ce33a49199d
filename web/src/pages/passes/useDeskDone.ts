/** After an action of the counter: done, or waiting for a second person. */

import { useQueryClient } from "@tanstack/react-query";
import { App } from "antd";
import type { DeskAnswer } from "../../api/types";
import { useTold, useWords } from "../../i18n";

const TOUCHED = ["passes-active", "passes-all", "held-actions", "dwelling", "sync", "explain", "assignments-active", "assignments-all", "roles", "schedules", "doors"];

export function useDeskDone(): (answer: DeskAnswer, done: string) => Promise<void> {
  const client = useQueryClient();
  const { message } = App.useApp();
  const { counter: t } = useWords();
  const told = useTold();
  return async (answer, done) => {
    if (answer.held) void message.warning(t.heldNow, 8);
    else void message.success(done);
    for (const warning of told(answer.warnings, answer.warnings_en) ?? []) void message.warning(warning, 8);
    await Promise.all(TOUCHED.map((name) => client.invalidateQueries({ queryKey: [name] })));
  };
}
