/** Who may sign in, and how somebody new gets in. */

import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { type ReactNode, useState } from "react";
import { call } from "../../api/client";
import type { SignInLink, User } from "../../api/types";
import * as format from "../../format";
import { useWords, word } from "../../i18n";
import { useZone } from "../../session";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";
import { AddUser } from "./AddUser";
import { Handover } from "./Handover";

export function UsersPanel(): ReactNode {
  const { settings: t, words } = useWords();
  const zone = useZone();
  const query = useQuery({ queryKey: ["users"], queryFn: () => call<{ items: User[] }>("/admin/users") });
  const [link, setLink] = useState<(SignInLink & { name: string }) | null>(null);
  const linked = async (id: string, name: string): Promise<void> => {
    setLink({ name, ...(await call<SignInLink>(`/admin/users/${encodeURIComponent(id)}/sign-in-link`, { method: "POST" })) });
  };
  const c = t.userColumns;
  return (
    <Panel id="users" title={t.users} extra={<AddUser linked={linked} />}>
      <Answer query={query} empty={(d) => d.items.length === 0}>
        {(d) => (
          <table className="plain">
            <thead><tr><th>{c.name}</th><th>{c.display}</th><th>{c.role}</th><th>{c.estates}</th><th>{c.state}</th><th>{t.way}</th></tr></thead>
            <tbody>
              {d.items.map((user) => (
                <tr key={user.id}>
                  <td>{user.name}</td><td>{user.display_name}</td><td>{word(words.role, user.role)}</td>
                  <td>{user.estates.join(", ") || t.allEstates}</td>
                  <td><Mark tone={user.disabled ? "none" : "good"}>{user.disabled ? t.disabled : t.enabled}</Mark></td>
                  <td>{user.disabled ? null : <Button size="small" onClick={() => void linked(user.id, user.name)}>{t.link}</Button>}</td>
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
