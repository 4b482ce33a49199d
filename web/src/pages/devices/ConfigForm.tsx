/** The settings of a device, drawn from the schema its edge announced. */

import { Button, Input, InputNumber, Select } from "antd";
import { type ReactNode, useId, useState } from "react";
import { useLanguage, useWords } from "../../i18n";
import type { Field, Values } from "./schema";

interface Props { fields: Field[]; values: Values; change: (values: Values) => void }

export function ConfigForm({ fields, values, change }: Props): ReactNode {
  const t = useWords().adding;
  const set = (name: string) => (value: unknown) => change({ ...values, [name]: value });
  const first = fields.filter(asked);
  const rest = fields.filter((field) => !asked(field));
  const draw = (field: Field): ReactNode => <OneField key={field.name} field={field} value={values[field.name]} change={set(field.name)} />;
  return (
    <>
      {first.map(draw)}
      {rest.length ? <details className="more"><summary>{t.more(rest.length)}</summary>{rest.map(draw)}</details> : null}
    </>
  );
}

/** Who we are is asked for beside what must be there: nearly every device refuses a caller without a name. */
function asked(field: Field): boolean {
  return field.required || field.kind === "password" || field.name === "username";
}

/** Titles are the driver's Chinese ones; in English the setting's own name and its description. */
function useLabel(): (field: Field) => { label: string; help: string } {
  const { language } = useLanguage();
  return (field) => (language === "zh" ? { label: field.title, help: "" } : { label: field.name.replaceAll("_", " "), help: field.description });
}

function OneField({ field, value, change }: { field: Field; value: unknown; change: (value: unknown) => void }): ReactNode {
  const id = useId();
  const { label, help } = useLabel()(field);
  return (
    <div className="dialog-field" data-field={field.name}>
      <label htmlFor={id} id={`${id}-label`}>{label}{field.required ? <span aria-hidden="true" className="bad-note"> *</span> : null}</label>
      <Control id={id} field={field} value={value} change={change} />
      {help ? <div className="faint">{help}</div> : null}
    </div>
  );
}

function Control({ id, field, value, change }: { id: string; field: Field; value: unknown; change: (value: unknown) => void }): ReactNode {
  const { adding: t, common } = useWords();
  const { spec } = field;
  const wide = { width: "100%" };
  switch (field.kind) {
    case "text":
      return <Input id={id} value={String(value ?? "")} onChange={(event) => change(event.target.value)} />;
    case "password":
      return <Input.Password id={id} autoComplete="new-password" visibilityToggle={false} value={String(value ?? "")} onChange={(event) => change(event.target.value)} />;
    case "integer":
    case "number":
      return (
        <InputNumber id={id} style={wide} value={typeof value === "number" ? value : null} onChange={change} precision={field.kind === "integer" ? 0 : undefined as never}
          min={spec.minimum ?? -Infinity} max={spec.maximum ?? Infinity} />
      );
    case "choice":
      return <Select id={id} aria-labelledby={`${id}-label`} style={wide} value={(value as string | undefined) ?? null} onChange={change} options={field.choices.map((one) => ({ value: one, label: one }))} />;
    case "boolean":
    case "maybe": {
      const options = [{ value: "true", label: common.yes }, { value: "false", label: common.no }];
      if (field.kind === "maybe") options.unshift({ value: "", label: t.byDefault });
      return (
        <Select id={id} aria-labelledby={`${id}-label`} style={wide} options={options} value={value === true ? "true" : value === false ? "false" : ""}
          onChange={(one: string) => change(one === "" ? undefined : one === "true")} />
      );
    }
    case "list":
      return <Rows field={field} rows={Array.isArray(value) ? (value as Values[]) : []} change={change} />;
    default:
      return <Json id={id} value={value} change={change} />;
  }
}

function Rows({ field, rows, change }: { field: Field; rows: Values[]; change: (rows: Values[]) => void }): ReactNode {
  const { adding: t } = useWords();
  return (
    <div>
      {rows.map((row, index) => (
        <fieldset key={index} className="sub-form">
          <legend>{t.nth(index + 1)} <Button size="small" type="link" onClick={() => change(rows.filter((_, other) => other !== index))}>{t.drop}</Button></legend>
          {field.columns.map((column) => (
            <OneField key={column.name} field={column} value={row[column.name]}
              change={(value) => change(rows.map((other, n) => (n === index ? { ...other, [column.name]: value } : other)))} />
          ))}
        </fieldset>
      ))}
      <Button size="small" onClick={() => change([...rows, {}])}>{t.addRow}</Button>
    </div>
  );
}

function Json({ id, value, change }: { id: string; value: unknown; change: (value: unknown) => void }): ReactNode {
  const { adding: t } = useWords();
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 1)));
  const [wrong, setWrong] = useState(false);
  function edited(now: string): void {
    setText(now);
    try {
      change(now.trim() ? JSON.parse(now) : undefined);
      setWrong(false);
    } catch {
      setWrong(true);
    }
  }
  return (
    <>
      <Input.TextArea id={id} rows={3} value={text} onChange={(event) => edited(event.target.value)} />
      {wrong ? <div role="alert" className="bad-note">{t.notJson}</div> : null}
    </>
  );
}
