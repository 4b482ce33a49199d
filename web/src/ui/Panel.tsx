/** A titled part of a page that is honest about its data: loading, empty, refused, failed, or old. */

import type { UseQueryResult } from "@tanstack/react-query";
import { Button, Skeleton } from "antd";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import * as format from "../format";
import { useTold, useWords } from "../i18n";
import { useLink } from "../live/link";
import { useZone } from "../session";

/** `page`: it stands in the place of a whole page, whose heading it is. */
export function Failure({ error, retry, page }: { error: Error; retry?: () => void; page?: boolean }): ReactNode {
  const t = useWords().common;
  const told = useTold();
  const known = error instanceof ApiError ? error : null;
  if (known?.status === 403) return <Forbidden page={page} />;
  const text = (known && told(known.zh, known.en)) || (known?.status ? t.failed(known.status) : t.unreachable);
  return (
    <div className="notice" role="alert">
      <Title page={page}>{t.errorTitle}</Title>
      <p>{text}</p>
      {known?.requestId ? <p className="faint">{t.requestId}: <code>{known.requestId}</code></p> : null}
      {retry ? <Button onClick={retry}>{t.retry}</Button> : null}
    </div>
  );
}

export function Forbidden({ page }: { page?: boolean }): ReactNode {
  const t = useWords().common;
  return (
    <div className="notice">
      <Title page={page}>{t.forbiddenTitle}</Title>
      <p>{t.forbidden}</p>
    </div>
  );
}

function Title({ page, children }: { page: boolean | undefined; children: ReactNode }): ReactNode {
  return page ? <h1>{children}</h1> : <strong>{children}</strong>;
}

export function Empty({ text }: { text?: string }): ReactNode {
  return <div className="notice faint">{text ?? useWords().common.empty}</div>;
}

interface PanelProps {
  title: ReactNode;
  id: string;
  extra?: ReactNode;
  live?: boolean;
  className?: string;
  children: ReactNode;
}

/** `live`: greys out while the stream stands still, saying how old the data is. */
export function Panel({ title, id, extra, live = false, className = "", children }: PanelProps): ReactNode {
  return (
    <section className={`panel ${className}`} aria-labelledby={`${id}-title`} data-testid={id}>
      <header className="panel-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {live ? <Staleness /> : null}
        <div className="panel-extra">{extra}</div>
      </header>
      {live ? <Ageing>{children}</Ageing> : <div className="panel-body">{children}</div>}
    </section>
  );
}

function useOld(): number | null {
  const link = useLink();
  return link.state === "stale" || (link.state === "reconnecting" && link.heardAt > 0) ? link.heardAt : null;
}

function Staleness(): ReactNode {
  const t = useWords().common;
  const zone = useZone();
  const old = useOld();
  return old === null ? null : <span className="stale-note">{t.dataAsOf(format.time(new Date(old).toISOString(), zone))}</span>;
}

function Ageing({ children }: { children: ReactNode }): ReactNode {
  return <div className={useOld() === null ? "panel-body" : "panel-body is-stale"}>{children}</div>;
}

interface AnswerProps<T> {
  query: UseQueryResult<T>;
  empty?: (data: T) => boolean;
  emptyText?: string;
  rows?: number;
  page?: boolean;
  children: (data: T) => ReactNode;
}

/** What a query's answer looks like in each of its states. Data already read stays while a repeat fails. `page`: as of `Failure`. */
export function Answer<T>({ query, empty, emptyText, rows = 4, page, children }: AnswerProps<T>): ReactNode {
  const t = useWords().common;
  if (query.data !== undefined) {
    const failed = query.error ? <Failure error={query.error} retry={() => void query.refetch()} /> : null;
    return <>{failed}{empty?.(query.data) ? <Empty text={emptyText} /> : children(query.data)}</>;
  }
  if (query.error) return <Failure error={query.error} retry={() => void query.refetch()} page={page} />;
  return <div aria-busy="true" aria-label={t.loading} role="status"><Skeleton active title={false} paragraph={{ rows }} /></div>;
}
