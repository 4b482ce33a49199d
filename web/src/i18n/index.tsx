/** The language of the screen: Chinese unless this browser chose English. */

import "dayjs/locale/zh-cn";
import dayjs from "dayjs";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { en } from "./en";
import { type Words, zh } from "./zh";

export type Language = "zh" | "en";
const KEY = "estate.language";
const BOTH: Record<Language, Words> = { zh, en };

interface Held { language: Language; t: Words; setLanguage: (language: Language) => void }
const Context = createContext<Held>({ language: "zh", t: zh, setLanguage: () => undefined });

export function LanguageProvider({ children }: { children: ReactNode }): ReactNode {
  const [language, setLanguage] = useState<Language>(() => (localStorage.getItem(KEY) === "en" ? "en" : "zh"));
  useEffect(() => {
    localStorage.setItem(KEY, language);
    dayjs.locale(language === "zh" ? "zh-cn" : "en"); // the date pickers' month names
    document.documentElement.lang = BOTH[language].lang;
    document.title = BOTH[language].product;
  }, [language]);
  const held = useMemo(() => ({ language, t: BOTH[language], setLanguage }), [language]);
  return <Context value={held}>{children}</Context>;
}

export const useLanguage = (): Held => useContext(Context);
export const useWords = (): Words => useContext(Context).t;

/** A word of a list that grows on the wire: one this console does not know shows as it was sent. */
export const word = (list: Record<string, string>, key: string | null | undefined, none = "—"): string =>
  key ? (list[key] ?? key) : none;

/** A word of a list, or what the hub itself calls it. */
export const named = (list: Record<string, string>, key: string, called: string): string => list[key] ?? called;

/** The hub's own sentence in the language of the screen; the Chinese one is the record. */
export function useTold(): <T>(zh: T, en: T) => T {
  const { language } = useLanguage();
  return (zh, en) => (language === "zh" ? zh : en);
}

type Said = (list: keyof Words["words"]["said"], code: string | null | undefined, called: string | null | undefined) => string;

/** What the hub says by code: in its own words, which are Chinese, or in this language's. */
export function useSaid(): Said {
  const { words } = useWords();
  return (list, code, called) => named(words.said[list], code ?? "", called || (code ?? ""));
}
