/** One dwelling of the estate, found by typing its block or number, its code, or as lists of people write it (`1号楼-0201`). */

import { Select } from "antd";
import { type ReactNode, useMemo } from "react";
import { useBlocks } from "../api/queries";
import { useWords } from "../i18n";

interface Props { value: string | null; change: (id: string | null) => void; label: string; id?: string; only?: (status: string) => boolean }

const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
/** With the number as doors and lists of people write it, which fill it up to four digits. */
const names = (block: string, number: string, code: string): string => [block + number, block + number.padStart(4, "0"), code].map(plain).join("\n");

export function DwellingPick({ value, change, label, id, only }: Props): ReactNode {
  const { dwelling, common } = useWords();
  const blocks = useBlocks();
  const options = useMemo(() => (blocks.data?.blocks ?? []).flatMap((block) => block.dwellings
    .filter((home) => !only || only(home.status) || home.id === value)
    .map((home) => ({ value: home.id, label: dwelling.title(block.name, home.number), title: dwelling.title(block.name, home.number), names: names(block.name, home.number, home.code) }))), [blocks.data, dwelling, only, value]);
  return (
    <Select aria-label={label} {...(id ? { id } : {})} allowClear style={{ minWidth: 220, width: "100%" }} value={value} options={options} loading={blocks.isPending}
      placeholder={dwelling.pick} notFoundContent={blocks.isPending ? common.loading : dwelling.notFound} showSearch={{ filterOption: (typed, option) => option?.names.includes(plain(typed)) ?? false }} onChange={(one?: string) => change(one ?? null)} />
  );
}
