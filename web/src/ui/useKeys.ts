/** Single keys of a page. They are silent while somebody types, in a dialog, and with Ctrl, Alt or Meta. */

import { useEffect, useRef } from "react";

const TYPING = "input, textarea, select, [contenteditable], [role=combobox], [role=dialog]";

export function useKeys(actions: Record<string, () => void>): void {
  const held = useRef(actions);
  useEffect(() => {
    held.current = actions;
  });
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.ctrlKey || event.altKey || event.metaKey || target?.closest(TYPING)) return;
      if (event.key === "Enter" && target?.closest("a, button")) return;
      const action = held.current[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
