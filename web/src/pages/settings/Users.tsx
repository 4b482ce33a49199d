/** Who may sign in. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "../../api/client";
import type { User } from "../../api/types";
import { useWords, word } from "../../i18n";
import { Mark } from "../../ui/Mark";
import { Answer, Panel } from "../../ui/Panel";

export function UsersPanel(): ReactNode {
  const { settings: t, words } = useWords();
  const query = useQuery({ queryKey: ["users"], queryFn: () => call<{ items: User[] }>("/admin/users") });
  const c = t.userColumns;
  return (
    <Panel id="users" title={t.users}>
      <Answer query={query} empty={(d) => d.items.length === 0}>
        {(d) => (
          <table className="plain">
            <thead><tr><th>{c.name}</th><th>{c.display}</th><th>{c.role}</th><th>{c.estates}</th><th>{c.state}</th></tr></thead>
            <tbody>
              {d.items.map((user) => (
                <tr key={user.id}>
                  <td>{user.name}</td><td>{user.display_name}</td><td>{word(words.role, user.role)}</td>
                  <td>{user.estates.join(", ") || t.allEstates}</td>
                  <td><Mark tone={user.disabled ? "none" : "good"}>{user.disabled ? t.disabled : t.enabled}</Mark></td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Answer>
    </Panel>
  );
}
