/** One dwelling of the estate, found by typing its block or number. */

import { Select } from "antd";
import { type ReactNode, useMemo } from "react";
import { useBlocks } from "../api/queries";
import { useWords } from "../i18n";

interface Props { value: string | null; change: (id: string | null) => void; label: string; id?: string; only?: (status: string) => boolean }

export function DwellingPick({ value, change, label, id, only }: Props): ReactNode {
  const { dwelling, common } = useWords();
  const blocks = useBlocks();
  const options = useMemo(() => (blocks.data?.blocks ?? []).flatMap((block) => block.dwellings
    .filter((home) => !only || only(home.status) || home.id === value)
    .map((home) => ({ value: home.id, label: dwelling.title(block.name, home.number), title: dwelling.title(block.name, home.number) }))), [blocks.data, dwelling, only, value]);
  return (
    <Select aria-label={label} {...(id ? { id } : {})} allowClear style={{ minWidth: 220, width: "100%" }} value={value} options={options} loading={blocks.isPending}
      placeholder={dwelling.pick} notFoundContent={common.empty} showSearch={{ optionFilterProp: "label" }} onChange={(one?: string) => change(one ?? null)} />
  );
}
