/** The frame of every page: menu by role, estate, time, connection, language, sign out. */

import { Button, Menu, Select } from "antd";
import type { ReactNode } from "react";
import { Link, Navigate, Outlet, useLocation, useNavigate } from "react-router";
import type { Permission } from "../api/types";
import { useLanguage, word } from "../i18n";
import { LiveProvider } from "../live/LiveProvider";
import { Standing } from "../pages/doors/Standing";
import { useSession } from "../session";
import { Boundary } from "./Boundary";
import { Clock } from "./Clock";
import { LinkBadge } from "./LinkBadge";
import { Forbidden } from "./Panel";

type PageKey = "live" | "blocks" | "doors" | "events" | "passes" | "counter" | "staff" | "sync" | "explain" | "cases" | "care" | "devices" | "tenancy" | "settings";
const PAGES: { path: string; key: PageKey; needs?: Permission }[] = [
  { path: "/", key: "live", needs: "estate.view" },
  { path: "/blocks", key: "blocks", needs: "estate.view" },
  { path: "/doors", key: "doors", needs: "estate.view" },
  { path: "/events", key: "events", needs: "estate.view" },
  { path: "/passes", key: "passes", needs: "estate.view" },
  { path: "/counter", key: "counter", needs: "estate.view" },
  { path: "/staff", key: "staff", needs: "estate.view" },
  { path: "/sync", key: "sync", needs: "estate.view" },
  { path: "/explain", key: "explain", needs: "estate.view" },
  { path: "/cases", key: "cases", needs: "case.view" },
  { path: "/care", key: "care", needs: "care.manage" },
  { path: "/devices", key: "devices", needs: "estate.view" },
  { path: "/tenancy", key: "tenancy", needs: "tenancy.view" },
  { path: "/settings", key: "settings" },
];

export function Shell(): ReactNode {
  const { me, estate, ended } = useSession();
  const { t } = useLanguage();
  const { pathname, search } = useLocation();
  if (!me) return <Navigate to="/login" replace state={{ from: pathname + search }} />;
  return (
    <div className="shell" inert={ended}>
      <a className="skip" href="#main">{t.common.skip}</a>
      <Header />
      <div className="below">
        <SideMenu />
        <main id="main" className="main" tabIndex={-1}>
          {pathname === "/account" ? <Boundary key={pathname}><Outlet /></Boundary> : estate ? <LiveProvider key={estate.id}>{me.permissions.includes("estate.view") ? <Standing /> : null}<Boundary key={pathname}><Outlet /></Boundary></LiveProvider> : <p className="notice">{me.permissions.includes("users.manage") ? t.shell.noEstateYet : t.shell.noEstate}</p>}
        </main>
      </div>
    </div>
  );
}

function Header(): ReactNode {
  const { me, estate, choose, leave } = useSession();
  const { t, language, setLanguage } = useLanguage();
  if (!me) return null;
  return (
    <header className="head">
      <div className="brand">{t.product}</div>
      {estate ? (
        <Select aria-label={t.shell.estate} value={estate.id} onChange={choose} className="estate-choice"
          options={me.estates.map((one) => ({ value: one.id, label: one.name }))} />
      ) : null}
      <div className="head-right">
        {estate ? <>{me.permissions.includes("estate.view") ? <LinkBadge /> : null}<Clock zone={estate.time_zone} /></> : null}
        <Button size="small" onClick={() => setLanguage(language === "zh" ? "en" : "zh")} lang={language === "zh" ? "en" : "zh-CN"} data-testid="language">
          {t.common.language}
        </Button>
        <Link className="who" to="/account" title={t.account.title}>
          {me.display_name}<span className="faint-on-dark"> · {word(t.words.role, me.role)}</span><span className="sr-only"> {t.account.title}</span>
        </Link>
        {me.has_password ? null : <Link className="who flag" to="/account">{t.account.none}</Link>}
        <Button size="small" onClick={() => void leave()}>{t.shell.signOut}</Button>
      </div>
    </header>
  );
}

function SideMenu(): ReactNode {
  const { may } = useSession();
  const { t } = useLanguage();
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const chosen = PAGES.findLast((page) => (page.path === "/" ? pathname === "/" : pathname.startsWith(page.path)));
  const shown = PAGES.filter((page) => !page.needs || may(page.needs));
  const selected = chosen?.path ?? (pathname.startsWith("/dwellings") ? "/blocks" : "");
  return (
    <nav className="side" aria-label={t.shell.menu}>
      <Menu mode="inline" selectedKeys={[selected]} onClick={({ key }) => void navigate(key)}
        items={shown.map((page) => ({ key: page.path, label: t.shell[page.key] }))} />
    </nav>
  );
}

/** A page only for those who may; others are told so. */
export function Needs({ permission, children }: { permission: Permission; children: ReactNode }): ReactNode {
  return useSession().may(permission) ? children : <Forbidden page />;
}
