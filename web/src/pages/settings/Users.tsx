/** Who may sign in, and how somebody new gets in. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { SignInLink, User } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useSession, useZone } from "../../session";
import { useNow } from "../../now";
import { Mark } from "../../ui/Mark";
import { Answer, Failure, Panel } from "../../ui/Panel";
import { AddUser } from "./AddUser";
import { Handover } from "./Handover";

function State({ user }: { user: User }): ReactNode {
  const { settings: t, account } = useWords();
  const zone = useZone();
  const now = useNow(30_000);
  if (user.disabled) return <Mark tone="none">{t.disabled}</Mark>;
  const locked = user.locked_until && Date.parse(user.locked_until) > now;
  return (
    <>
      {locked ? <Mark tone="warn">{t.lockedUntil(format.clock(user.locked_until, zone))}</Mark> : <Mark tone="good">{t.enabled}</Mark>}
      {user.has_password ? null : <div className="faint">{account.none}</div>}
    </>
  );
}

export function UsersPanel(): ReactNode {
  const { settings: t, words } = useWords();
  const zone = useZone();
  const { me } = useSession();
  const query = useQuery({ queryKey: ["users"], queryFn: () => call<{ items: User[] }>("/admin/users") });
  const [link, setLink] = useState<(SignInLink & { name: string }) | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  const [making, setMaking] = useState("");
  const linked = async (id: string, name: string): Promise<void> => {
    setLink({ name, ...(await call<SignInLink>(`/admin/users/${encodeURIComponent(id)}/sign-in-link`, { method: "POST" })) });
  };
  const make = (id: string, name: string): void => {
    setProblem(null);
    setMaking(id);
    void linked(id, name).catch((failure: Error) => setProblem(failure)).finally(() => setMaking(""));
  };
  const c = t.userColumns;
  return (
    <Panel id="users" title={t.users} extra={<AddUser linked={make} />}>
      {problem ? <Failure error={problem} /> : null}
      <Answer query={query} empty={(d) => d.items.length === 0}>
        {(d) => (
          <table className="plain">
            <thead><tr><th>{c.name}</th><th>{c.display}</th><th>{c.role}</th><th>{c.estates}</th><th>{c.state}</th><th>{t.way}</th></tr></thead>
            <tbody>
              {d.items.map((user) => (
                <tr key={user.id}>
                  <td>{user.name}</td><td>{user.display_name}</td><td>{word(words.role, user.role)}</td>
                  <td>{user.estates.map((id) => me?.estates.find((one) => one.id === id)?.name ?? id).join(", ") || t.allEstates}</td>
                  <td><State user={user} /></td>
                  <td>{user.disabled ? null : <Button size="small" aria-label={t.linkOf(user.name)} loading={making === user.id} onClick={() => make(user.id, user.name)}>{t.link}</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
      {link ? <Handover title={t.linkOf(link.name)} hint={t.linkHint(format.dateTime(link.expires_at, zone))} text={link.url} close={() => setLink(null)} /> : null}
    </Panel>
  );
}
