/** A driver's JSON Schema as fields of a form. What no field fits is edited as JSON: a new driver must not need a new console. */

export interface Schema {
  title?: string; description?: string; type?: string; format?: string; enum?: unknown[]; default?: unknown; pattern?: string;
  minimum?: number; maximum?: number; exclusiveMinimum?: number; minItems?: number;
  anyOf?: Schema[]; properties?: Record<string, Schema>; items?: Schema; required?: string[]; $ref?: string; $defs?: Record<string, Schema>;
}

export type FieldKind = "text" | "password" | "number" | "integer" | "boolean" | "maybe" | "choice" | "list" | "json";

export interface Field {
  name: string; kind: FieldKind; title: string; description: string; required: boolean; spec: Schema;
  choices: string[]; columns: Field[];
}

export type Values = Record<string, unknown>;

function resolved(root: Schema, spec: Schema): Schema {
  const name = spec.$ref?.replace("#/$defs/", "");
  return name ? { ...root.$defs?.[name], ...spec, properties: root.$defs?.[name]?.properties ?? {} } : spec;
}

function kindOf(spec: Schema): FieldKind {
  if (spec.enum) return "choice";
  if (spec.anyOf?.some((one) => one.type === "boolean")) return "maybe";
  switch (spec.type) {
    case "string": return spec.format === "password" ? "password" : "text";
    case "integer": case "number": case "boolean": return spec.type;
    case "array": return "list";
    default: return "json";
  }
}

/** Fields in the schema's order; those without a default first: they are what a person must know. */
export function fieldsOf(root: Schema, spec: Schema = root): Field[] {
  const fields = Object.entries(spec.properties ?? {}).map(([name, raw]): Field => {
    const own = resolved(root, raw);
    const item = own.items ? resolved(root, own.items) : null;
    const kind = kindOf(own) === "list" && !item?.properties ? "json" : kindOf(own);
    return {
      name, kind, title: own.title ?? name, description: own.description ?? "", required: spec.required?.includes(name) ?? false, spec: own,
      choices: (own.enum ?? []).map(String), columns: kind === "list" && item ? fieldsOf(root, item) : [],
    };
  });
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** What a new device's form begins with. */
export const defaults = (fields: Field[]): Values =>
  Object.fromEntries(fields.map((field) => [field.name, field.kind === "list" ? (field.spec.default ?? [{}]) : (field.spec.default ?? undefined)]));

/** What is sent: nothing for what was left empty, so that the driver's own default counts. */
export function filled(values: Values): Values {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return Object.fromEntries(kept.map(([name, value]) => [name, Array.isArray(value) ? value.map((row) => (isRow(row) ? filled(row) : row)) : value]));
}

const isRow = (value: unknown): value is Values => typeof value === "object" && value !== null && !Array.isArray(value);
