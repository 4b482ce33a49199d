/** Name and password; a link that signs in is handled by the server. */

import { Alert, Button, Form, Input } from "antd";
import { type ReactNode, useState } from "react";
import { Navigate, useLocation } from "react-router";
import { ApiError, call } from "../api/client";
import { useLanguage } from "../i18n";
import { useSession } from "../session";

export function SignIn(): ReactNode {
  const { me, ended, entered } = useSession();
  const { t, language, setLanguage } = useLanguage();
  const { state } = useLocation() as { state: { from?: string } | null };
  const [error, setError] = useState<ApiError | "unreachable" | null>(null);
  const [busy, setBusy] = useState(false);
  if (me) return <Navigate to={state?.from ?? "/"} replace />;

  async function submit(values: { name: string; password: string }): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      await call("/session", { method: "POST", body: values });
      await entered();
    } catch (failure) {
      setError(failure instanceof ApiError && failure.status ? failure : "unreachable");
    } finally {
      setBusy(false);
    }
  }

  const problem = error === "unreachable" ? t.common.noServer : error && ((language === "zh" ? error.zh : error.en) || t.common.failed(error.status));
  return (
    <main className="sign-in">
      <h1>{t.product}</h1>
      {ended && !problem ? <Alert type="info" showIcon title={t.signIn.ended} /> : null}
      {problem ? <Alert type="error" showIcon title={problem} role="alert" /> : null}
      <Form layout="vertical" requiredMark={false} onFinish={(values: { name: string; password: string }) => void submit(values)}>
        <Form.Item name="name" label={t.signIn.name} rules={[{ required: true, message: t.signIn.nameNeeded }]}>
          <Input autoComplete="username" autoFocus size="large" />
        </Form.Item>
        <Form.Item name="password" label={t.signIn.password} rules={[{ required: true, message: t.signIn.passwordNeeded }]}>
          <Input.Password autoComplete="current-password" size="large" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={busy}>{t.signIn.submit}</Button>
      </Form>
      <p className="faint">{t.signIn.help}</p>
      <Button type="link" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
        {t.common.language}
      </Button>
    </main>
  );
}
