/** Who I am here, and my password: set, changed, or set anew after a sign-in link. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { ApiError, call } from "../../api/client";
import type { NewPassword, PasswordState } from "../../api/types";
import { useTold, useWords, word } from "../../i18n";
import { useSession } from "../../session";
import { Answer, Panel } from "../../ui/Panel";

export function AccountPage(): ReactNode {
  const { account: t, words, settings } = useWords();
  const { me } = useSession();
  const query = useQuery({ queryKey: ["password"], queryFn: () => call<PasswordState>("/me/password"), staleTime: 0 });
  if (!me) return null;
  return (
    <>
      <h1>{t.title}</h1>
      <Panel id="account" title={t.who}>
        <dl className="facts">
          <div><dt>{settings.userName}</dt><dd>{me.name}</dd></div>
          <div><dt>{settings.displayName}</dt><dd>{me.display_name}</dd></div>
          <div><dt>{settings.rolePick}</dt><dd>{word(words.role, me.role)}</dd></div>
          <div><dt>{settings.userColumns.estates}</dt><dd>{me.estates.map((one) => one.name).join(", ") || "—"}</dd></div>
        </dl>
      </Panel>
      <Panel id="password" title={t.password}><Answer query={query}>{(state) => <PasswordForm state={state} name={me.name} />}</Answer></Panel>
    </>
  );
}

interface Values { current?: string; password: string; again: string }

function PasswordForm({ state, name }: { state: PasswordState; name: string }): ReactNode {
  const { account: t, common } = useWords();
  const told = useTold();
  const { entered } = useSession();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const [problem, setProblem] = useState<Error | null>(null);

  async function submit({ current = "", password }: Values): Promise<void> {
    setBusy(true);
    setDone(false);
    setProblem(null);
    try {
      await call("/me/password", { method: "PUT", body: { current, password } satisfies NewPassword });
      form.resetFields();
      setDone(true);
      await Promise.all([client.invalidateQueries({ queryKey: ["password"] }), entered()]);
    } catch (failure) {
      setProblem(failure as Error);
    } finally {
      setBusy(false);
    }
  }

  const needed = { required: true, message: t.needed };
  return (
    <Form form={form} layout="vertical" requiredMark={false} className="narrow" onFinish={(values: Values) => void submit(values)}>
      <p>{state.has_password ? (state.current_needed ? t.change : t.forgot) : t.first}</p>
      <p className="faint">{t.ends}</p>
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      {state.current_needed ? (
        <Form.Item name="current" label={t.current} rules={[needed]}><Input.Password autoComplete="current-password" /></Form.Item>
      ) : null}
      <Form.Item name="password" label={t.fresh} extra={t.rule(state.min_length)} rules={[needed, { min: state.min_length, message: t.rule(state.min_length) }]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item name="again" label={t.again} dependencies={["password"]} rules={[needed, ({ getFieldValue }) => ({
        validator: (_, value: string) => (!value || value === getFieldValue("password") ? Promise.resolve() : Promise.reject(new Error(t.differ))),
      })]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      {problem ? <p role="alert" className="bad-note">{(problem instanceof ApiError && told(problem.zh, problem.en)) || common.noAnswer}</p> : null}
      {done ? <Alert type="success" showIcon role="status" title={t.done} className="gap-below" /> : null}
      <Button type="primary" htmlType="submit" loading={busy}>{t.save}</Button>
    </Form>
  );
}
