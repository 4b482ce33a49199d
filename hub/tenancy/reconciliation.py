"""The reconciliation report of a source: read all of it again, compare with the hub, write nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub import clock
from hub.errors import BadRequest, NotFound
from hub.masking import mask_card
from hub.services import Hub
from hub.tables import Dwelling, SourceState, Tenancy
from hub.tenancy import counter, onfile, people, sources
from hub.tenancy.agree import CLASSES, Agreement, There, agree, live_members
from hub.tenancy.changes import ENDED
from hub.tenancy.compare import without_earlier_lease_end
from hub.tenancy.fields import ZONE
from hub.tenancy.onfile import Place
from hub.tenancy.reasons import zh
from hub.tenancy.records import RefusedRow, TenancyRecord, parse_tenancy
from hub.tenancy.sources import SourceConfig
from hub.tenancy.sync import wrong_place


@dataclass(frozen=True, slots=True)
class Twice:
    """A card (masked) or a dwelling that stands in several places."""

    what: str
    where: tuple[str, ...]


@dataclass(slots=True)
class Report:
    """`repeated`: records the source gave more than once. `held`: as the page shows it. `open`: what else waits for people."""

    source: str
    at: datetime
    found: Agreement
    refused: list[RefusedRow] = field(default_factory=list)
    held: dict[str, Any] | None = None
    repeated: int = 0
    people_twice: list[people.Pair] = field(default_factory=list)
    cards_twice: list[Twice] = field(default_factory=list)
    dwellings_twice: list[Twice] = field(default_factory=list)
    dwellings_unknown: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Nothing differs, nothing is refused, nothing is held."""
        sides = (self.found.hub, self.found.source, self.found.hub_members, self.found.source_members)
        return all(side.counts["agree"] == side.total for side in sides) and not self.refused and self.held is None

    @property
    def questions(self) -> int:
        """What is the same on both sides, and a person should look at all the same."""
        return len(self.people_twice) + len(self.cards_twice) + len(self.dwellings_twice)


def reconcile_source(hub: Hub, name: str, estates: Collection[str] | None = None) -> Report:
    """Raises ApiError; SourceProblem when the source does not answer (nothing is concluded from that). `estates`: of which the
    reader may see who lives there (None: all)."""
    source = _source(hub, name)
    clock.look(hub)
    with sources.open_client(hub.config.dir, source) as client:
        pulled = sources.pull(client, "/api/tenancies", "")
    if pulled.broken:
        raise pulled.broken
    with hub.db.reading() as session:
        return _report(hub, session, source, pulled.items, estates)


def _source(hub: Hub, name: str) -> SourceConfig:
    found = next((s for s in sources.load_sources(hub.config.dir) if s.name == name), None)
    if found is not None and found.kind == "http":
        return found
    with hub.db.reading() as session:
        if found is None and session.get(SourceState, name) is None:
            raise NotFound("没有这个数据源。请返回数据源列表重新选择。")
    raise BadRequest(
        "这个数据源只推送或只上传名单，没有可回读的全量数据，不能对账。请用试导入核对名单。", "no_other_side"
    )


def _report(
    hub: Hub, session: Session, source: SourceConfig, items: tuple[object, ...], estates: Collection[str] | None
) -> Report:
    now = hub.now()
    today = clock.believed(session, now).astimezone(ZONE).date()
    where = onfile.places(session)
    taken_back = counter.withdrawn(session, source.name)
    known = {key: counter.stripped(one.record, taken_back) for key, one in onfile.known(session, source.name).items()}
    records: dict[str, TenancyRecord] = {}
    refused: dict[str, int] = {}
    bad: list[RefusedRow] = []
    lost: dict[str, int] = {}
    for position, raw in enumerate(items, start=1):
        parsed = parse_tenancy(raw, hub.keys.blind, today, position)
        record, rows = _placed(parsed.record, source, where)
        rows = (*parsed.refused, *rows)
        key = record.id if record else rows[0].key.split("/")[0]
        if record and (key not in records or records[key].version <= record.version):
            records[key] = counter.stripped(record, taken_back)
            lost[key] = len(rows)
            bad = [row for row in bad if row.key.split("/")[0] != key]
            refused.pop(key, None)
        elif record or key in records:
            continue
        else:
            refused[key] = _members_of(raw)
        bad += rows
    seen = {key: without_earlier_lease_end(known[key], r) if key in known else r for key, r in records.items()}
    state = session.get(SourceState, source.name)
    held = state.held if state else None
    found = agree(known, There(seen, refused, lost), _held(held), today)
    return Report(
        source.name,
        now,
        found,
        bad,
        held,
        repeated=len(items) - len(records) - len(refused),
        people_twice=people.candidates(session, estates, source.name),
        cards_twice=_cards_twice(seen, today),
        dwellings_twice=_dwellings_twice(session, source.name),
        dwellings_unknown=sorted({r.raw.get("dwelling_code", "") for r in bad if r.reason == "dwelling_unknown"}),
    )


def _placed(
    record: TenancyRecord | None, source: SourceConfig, where: dict[str, Place]
) -> tuple[TenancyRecord | None, tuple[RefusedRow, ...]]:
    if record is None or not (why := wrong_place(record.dwelling_code, source, where)):
        return record, ()
    return None, (RefusedRow(record.id, why, raw={"dwelling_code": record.dwelling_code}),)


def _members_of(raw: object) -> int:
    members = raw.get("members") if isinstance(raw, Mapping) else None
    return len(members) if isinstance(members, list) and isinstance(raw, Mapping) and raw.get("state") != ENDED else 0


def _held(held: dict[str, Any] | None) -> dict[str, str]:
    """Tenancy number, here and there → why."""
    found: dict[str, str] = {}
    for household in (held or {}).get("households", ()):
        found[household["tenancy"]] = household["reason"]
        if household.get("becomes"):
            found[household["becomes"]] = household["reason"]
    return found


def _cards_twice(records: Mapping[str, TenancyRecord], today: date) -> list[Twice]:
    holders: dict[str, set[tuple[str, str]]] = {}
    for key, record in records.items():
        for person, member in live_members(record, today).items():
            for card in member.cards:
                holders.setdefault(card, set()).add((person, f"{key}/{person}"))
    return [
        Twice(mask_card(card), tuple(sorted(place for _, place in some)))
        for card, some in sorted(holders.items())
        if len({person for person, _ in some}) > 1
    ]


def _dwellings_twice(session: Session, source: str) -> list[Twice]:
    several = (
        select(Tenancy.dwelling_id).where(Tenancy.state != ENDED).group_by(Tenancy.dwelling_id).having(func.count() > 1)
    )
    rows = session.execute(
        select(Dwelling.code, Tenancy.source, Tenancy.source_id)
        .join(Dwelling, Dwelling.id == Tenancy.dwelling_id)
        .where(Tenancy.dwelling_id.in_(several), Tenancy.state != ENDED)
        .order_by(Dwelling.code, Tenancy.source, Tenancy.source_id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for code, of, number in rows:
        found.setdefault(code, []).append((of, number))
    return [
        Twice(code, tuple(f"{of}: {number}" for of, number in some))
        for code, some in found.items()
        if any(of == source for of, _ in some)
    ]


def said(report: Report) -> str:
    """One line for the command line."""
    found = report.found
    if report.agrees:
        line = f"both sides agree: {found.hub.total} tenancies, {found.hub_members.total} members"
        return line + (f" ({report.questions} questions for people)" if report.questions else "")
    parts = [f"{name} {found.hub.counts[name]}/{found.source.counts[name]}" for name in CLASSES]
    return f"the sides differ (hub/source): {', '.join(parts)}; {len(report.refused)} refused rows"


def said_zh(report: Report) -> str:
    """The same for a clerk."""
    found = report.found
    if report.agrees:
        more = f"另有 {report.questions} 处请人工核对（人员、卡号或房屋重复）。" if report.questions else ""
        return f"两边一致：{found.hub.total} 份租约，{found.hub_members.total} 名成员。{more}"
    hub, there = found.hub.counts, found.source.counts
    return (
        f"两边有差异：{there['different']} 份内容不同，仅本系统有 {hub['only']} 份，仅数据源有 {there['only']} 份，"
        f"暂停 {max(hub['held'], there['held'])} 份，拒收 {len(report.refused)} 行。请逐条核对。"
    )


def rows_of(report: Report) -> list[tuple[str, ...]]:
    """The whole report as a table, masked: class, tenancy, dwelling, person, field, hub, source, why."""
    found = report.found
    table: list[tuple[str, ...]] = [("类别", "租约", "房屋", "人员", "字段", "本系统", "数据源", "说明")]
    for what, side, members in (
        ("合计·本系统", found.hub, found.hub_members),
        ("合计·数据源", found.source, found.source_members),
    ):
        for name in CLASSES:
            counts = (str(side.counts[name]), str(members.counts[name]))
            table.append((what, "", "", "", name, f"租约 {counts[0]}", f"成员 {counts[1]}", ""))
        table.append((what, "", "", "", "total", f"租约 {side.total}", f"成员 {members.total}", ""))
    table += [
        ("内容不同", d.tenancy, d.dwelling_code, d.person, d.name, d.here, d.there, "") for d in found.differences
    ]
    table += [("仅本系统有", *one, "", "有", "", zh("missing") if not one[2] else "") for one in found.only_here]
    table += [("仅数据源有", *one, "", "", "有", "") for one in found.only_there]
    for row in report.refused:
        raw = msgspec.json.encode(row.raw).decode()
        table.append(("拒收", row.key, row.raw.get("dwelling_code", ""), "", row.reason, "", raw, zh(row.reason)))
    for one in (report.held or {}).get("households", ()):
        losses = ",".join(one.get("losses", ()))
        table.append(
            ("暂停", one["tenancy"], one["dwelling_code"], "", losses, "", one.get("becomes", ""), one["reason_zh"])
        )
    for pair in report.people_twice:
        a, b = (f"{one.source}: {one.number} {one.name} {one.id_number}" for one in pair.records)
        table.append(("疑似同一人", "", "", "", pair.by, a, b, "由人核对后确认是否同一人"))
    table += [
        ("卡号重复", "", "", "", "card", one.what, "、".join(one.where), zh("card_twice")) for one in report.cards_twice
    ]
    table += [("房屋重复", "", one.what, "", "", "、".join(one.where), "", "") for one in report.dwellings_twice]
    table += [("房屋不明", "", one, "", "", "", "", zh("dwelling_unknown")) for one in report.dwellings_unknown]
    return table
