"""(P) 旁证: what other offices (F4) and people (F5) say of a dwelling: a class and a day. Arrears are a neutral fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

RECORDS, PEOPLE = "F4", "F5"

BEFORE = timedelta(days=60)
"""A sign so long before a lead's window still belongs to it (catalogue S2)."""


class Says(StrEnum):
    """What a sign means for one kind of lead. `explains`: an innocent reason to ask about. `home`: somebody was met there."""

    FOR = "for"
    EXPLAINS = "explains"
    HOME = "home"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class SignKind:
    """`by_people`: recorded by staff; others come from the lease system alone. `lasting`: may have a last day."""

    label_zh: str
    family: str
    vacancy: Says = Says.NOTHING
    sublet: Says = Says.NOTHING
    innocent: str = ""
    by_people: bool = False
    lasting: bool = False


_F, _E, _H = Says.FOR, Says.EXPLAINS, Says.HOME
SIGN_KINDS: Mapping[str, SignKind] = {
    "rent_paid": SignKind("租金已缴", RECORDS),
    "rent_by_other": SignKind("租金由他人账户代缴", RECORDS, sublet=_F, innocent="可能为子女或亲属代缴（IE02、IE15）"),
    "rent_arrears": SignKind("有欠租（中性事实，不影响通行）", RECORDS),
    "renewal_applied": SignKind("已申请续租", RECORDS, lasting=True),
    "moveout_agreed": SignKind("搬迁期内", RECORDS, vacancy=_E, innocent="已约定搬迁期", lasting=True),
    "household_changed": SignKind("家庭成员变动办理中", RECORDS, _E, _E, "登记信息过期（IE27）", lasting=True),
    "transfer_pending": SignKind("调换、过户办理中", RECORDS, _E, _E, "已批准的调换、过户（IE28）", lasting=True),
    "tenant_deceased": SignKind("承租人去世登记", RECORDS, _E, _E, "继续承租办理中（IE12，民法典第732条）"),
    "registry_elsewhere": SignKind("户籍或居住证登记在他处", RECORDS, _F, innocent="户籍所在地与实际居住可以不同"),
    "registry_others": SignKind(
        "本址登记有家庭成员以外的人员", RECORDS, sublet=_F, innocent="可能为未及时登记的家庭成员或旧登记（IE27）"
    ),
    "school_elsewhere": SignKind("成员在外地就学", RECORDS, _E, _E, "住校、上大学（IE07）", lasting=True),
    "insurance_elsewhere": SignKind("成员在外地参保", RECORDS, _F, _E, "外派或外出务工（IE05）", lasting=True),
    "report_empty": SignKind("反映长期无人居住", PEOPLE, vacancy=_F, innocent="反映可能不实或出于纠纷", by_people=True),
    "report_others": SignKind("反映由他人居住", PEOPLE, sublet=_F, innocent="反映可能不实或出于纠纷", by_people=True),
    "advert": SignKind(
        "网上有该房屋的出租信息", PEOPLE, sublet=_F, innocent="可能为旧图或冒用（须核对）", by_people=True
    ),
    "patrol_home": SignKind("巡查见本户在家", PEOPLE, _H, _H, by_people=True),
    "patrol_nobody": SignKind(
        "巡查无人应门", PEOPLE, vacancy=_F, innocent="一次白天上门不能说明无人居住（IE06）", by_people=True
    ),
    "patrol_others": SignKind(
        "巡查见他人居住", PEOPLE, sublet=_F, innocent="可能为亲友、护理人员或保姆（IE13至IE15）", by_people=True
    ),
}


@dataclass(frozen=True, slots=True)
class Sign:
    """`last` None: of its first day alone. `anonymous`: of somebody who gave no name; such a report is no family of its own."""

    id: str
    kind: str
    first: date
    last: date | None = None
    anonymous: bool = False

    def on(self, day: date) -> bool:
        return self.first <= day <= (self.last or self.first)


UNDER_WAY = frozenset({"moveout_agreed", "household_changed", "transfer_pending", "tenant_deceased"})
"""What the lease system itself is dealing with, of the household as a whole (IE12, IE27, IE28)."""

SETTLING = timedelta(days=183)
"""So long it stands where no last day is told."""


def under_way(sign: Sign, day: date) -> bool:
    """Whether the lease system is still dealing with it on this day."""
    return sign.kind in UNDER_WAY and sign.first <= day <= (sign.last or sign.first + SETTLING)


def kinds_on(signs: Iterable[Sign], day: date) -> list[str]:
    """The classes that speak of this day."""
    return sorted({sign.kind for sign in signs if sign.on(day)})
