/** Name and password; a link that signs in is handled by the server. */

import { Alert, Button, Form, Input } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { Navigate, useLocation } from "react-router";
import { ApiError, call } from "../api/client";
import { useLanguage } from "../i18n";
import { useSession } from "../session";

export function SignIn(): ReactNode {
  const { me, left } = useSession();
  const { t } = useLanguage();
  const { state } = useLocation() as { state: { from?: string } | null };
  if (me) return <Navigate to={state?.from ?? "/"} replace />;
  return (
    <main className="sign-in">
      <h1>{t.product}</h1>
      {left ? <Alert type="warning" showIcon role="alert" title={t.signIn.left} /> : null}
      <SignInForm />
      <p className="faint">{t.signIn.help}</p>
      <OtherLanguage />
    </main>
  );
}

/** Over a page whose session ended: what was typed there waits. `inert`: nothing behind can be reached. */
export function SignInAgain(): ReactNode {
  const { me, entered, leave } = useSession();
  const { t } = useLanguage();
  useEffect(() => {
    document.body.classList.add("put-away");
    return () => document.body.classList.remove("put-away");
  }, []);
  if (!me) return null;
  return (
    <div className="sign-in-again">
      <section className="sign-in" aria-label={t.signIn.again}>
        <h1>{t.product}</h1>
        <Alert type="info" showIcon role="status" title={t.signIn.ended} description={t.signIn.waits} />
        <SignInForm name={me.name} />
        <p className="faint">{me.has_password ? null : t.signIn.byLink}</p>
        <div className="tools">
          {me.has_password ? null : <Button onClick={() => void entered()}>{t.signIn.goOn}</Button>}
          <Button type="link" onClick={() => void leave()}>{t.signIn.giveUp}</Button>
          <OtherLanguage />
        </div>
      </section>
    </div>
  );
}

function OtherLanguage(): ReactNode {
  const { t, language, setLanguage } = useLanguage();
  return (
    <Button type="link" lang={language === "zh" ? "en" : "zh-CN"} onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
      {t.common.language}
    </Button>
  );
}

function SignInForm({ name = "" }: { name?: string }): ReactNode {
  const { entered } = useSession();
  const { t, language } = useLanguage();
  const [error, setError] = useState<ApiError | "unreachable" | null>(null);
  const [busy, setBusy] = useState(false);
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
    <>
      {problem ? <Alert type="error" showIcon title={problem} role="alert" /> : null}
      <Form layout="vertical" requiredMark={false} initialValues={{ name }} onFinish={(values: { name: string; password: string }) => void submit(values)}>
        <Form.Item name="name" label={t.signIn.name} rules={[{ required: true, message: t.signIn.nameNeeded }]}>
          <Input autoComplete="username" autoFocus={!name} size="large" />
        </Form.Item>
        <Form.Item name="password" label={t.signIn.password} rules={[{ required: true, message: t.signIn.passwordNeeded }]}>
          <Input.Password autoComplete="current-password" autoFocus={name !== ""} size="large" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block size="large" loading={busy}>{t.signIn.submit}</Button>
      </Form>
    </>
  );
}
