/** Providers and routes. */

import "./style.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App as AntApp, ConfigProvider, Spin } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { type ReactNode, Suspense } from "react";
import { BrowserRouter, Link, Route, Routes } from "react-router";
import { ApiError } from "./api/client";
import { LanguageProvider, useLanguage, useWords } from "./i18n";
import { AccountPage } from "./pages/account/AccountPage";
import { BlocksPage } from "./pages/blocks/BlocksPage";
import { CarePage } from "./pages/care/CarePage";
import { CasePage } from "./pages/cases/CasePage";
import { CasesPage } from "./pages/cases/CasesPage";
import { CounterPage } from "./pages/counter/CounterPage";
import { DevicePage } from "./pages/devices/DevicePage";
import { DevicesPage } from "./pages/devices/DevicesPage";
import { DoorsPage } from "./pages/doors/DoorsPage";
import { DwellingPage } from "./pages/dwelling/DwellingPage";
import { EventsPage } from "./pages/events/EventsPage";
import { ExplainPage } from "./pages/explain/ExplainPage";
import { LivePage } from "./pages/live/LivePage";
import { PassesPage } from "./pages/passes/PassesPage";
import { SettingsPage } from "./pages/settings/SettingsPage";
import { SignIn, SignInAgain } from "./pages/SignIn";
import { StaffPage } from "./pages/staff/StaffPage";
import { SyncPage } from "./pages/sync/SyncPage";
import { TenancyPage } from "./pages/tenancy/TenancyPage";
import { SessionProvider, useSession } from "./session";
import { Failure } from "./ui/Panel";
import { Needs, Shell } from "./ui/Shell";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always", // the browser's own idea of "offline" is no answer: a page would load for ever
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
    },
  },
});

/** Darker greys than the library's: its faint texts fail the contrast rule. */
const theme = {
  token: {
    colorPrimary: "#0b57a4", colorLink: "#0b57a4", colorError: "#b3261e", borderRadius: 4, fontSize: 14, colorTextSecondary: "#4a4a4a", colorTextTertiary: "#595959",
    colorTextDescription: "#595959", colorTextPlaceholder: "#6b6b6b", colorTextDisabled: "#6b6b6b", motionDurationMid: "0.1s",
    motion: !matchMedia("(prefers-reduced-motion: reduce)").matches, // asked of the system: who gets sick from movement has said so there
    fontFamily: "system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans SC', 'WenQuanYi Micro Hei', sans-serif",
  },
};

export function App(): ReactNode {
  return (
    <QueryClientProvider client={client}>
      <LanguageProvider>
        <Themed>
          <SessionProvider><BrowserRouter><Pages /></BrowserRouter></SessionProvider>
        </Themed>
      </LanguageProvider>
    </QueryClientProvider>
  );
}

function Themed({ children }: { children: ReactNode }): ReactNode {
  const { language } = useLanguage();
  return (
    <ConfigProvider locale={language === "zh" ? zhCN : enUS} theme={theme} button={{ autoInsertSpace: false }} modal={{ mask: { closable: false } }}>
      <AntApp>{children}</AntApp>
    </ConfigProvider>
  );
}

function Waiting(): ReactNode {
  return <div className="waiting"><Spin size="large" /></div>;
}

function Pages(): ReactNode {
  const { me, loading, error, ended, entered } = useSession();
  if (loading) return <Waiting />;
  if (error) return <main className="sign-in"><Failure error={error} retry={() => void entered()} /></main>;
  return (
    <Suspense fallback={<Waiting />}>
      {ended ? <SignInAgain /> : null}
      <Routes>
        <Route path="/login" element={<SignIn />} />
        <Route element={<Shell key={me?.id ?? ""} />}>
          <Route index element={<Home />} />
          <Route path="/care" element={<Needs permission="care.manage"><CarePage /></Needs>} />
          <Route path="/blocks" element={<Needs permission="estate.view"><BlocksPage /></Needs>} />
          <Route path="/dwellings/:id" element={<Needs permission="estate.view"><DwellingPage /></Needs>} />
          <Route path="/cases" element={<Needs permission="case.view"><CasesPage /></Needs>} />
          <Route path="/cases/:id" element={<Needs permission="case.view"><CasePage /></Needs>} />
          <Route path="/devices" element={<Needs permission="estate.view"><DevicesPage /></Needs>} />
          <Route path="/devices/:id" element={<Needs permission="estate.view"><DevicePage /></Needs>} />
          <Route path="/doors" element={<Needs permission="estate.view"><DoorsPage /></Needs>} />
          <Route path="/events" element={<Needs permission="estate.view"><EventsPage /></Needs>} />
          <Route path="/passes" element={<Needs permission="estate.view"><PassesPage /></Needs>} />
          <Route path="/counter" element={<Needs permission="estate.view"><CounterPage /></Needs>} />
          <Route path="/staff" element={<Needs permission="estate.view"><StaffPage /></Needs>} />
          <Route path="/sync" element={<Needs permission="estate.view"><SyncPage /></Needs>} />
          <Route path="/explain" element={<Needs permission="estate.view"><ExplainPage /></Needs>} />
          <Route path="/tenancy" element={<Needs permission="tenancy.view"><TenancyPage /></Needs>} />
          <Route path="/settings" element={<SettingsPage />} />
          <Route path="/account" element={<AccountPage />} />
          <Route path="*" element={<NotFound />} />
        </Route>
      </Routes>
    </Suspense>
  );
}

/** Who looks after people sees the care page alone. */
function Home(): ReactNode {
  const { may } = useSession();
  if (may("care.manage") && !may("estate.view")) return <CarePage />;
  return <Needs permission="estate.view"><LivePage /></Needs>;
}

function NotFound(): ReactNode {
  const t = useWords().common;
  return (
    <div className="notice">
      <h1>{t.notFoundTitle}</h1>
      <p>{t.notFound}</p>
      <Link to="/">{t.home}</Link>
    </div>
  );
}
