"""What other offices and people say of a dwelling: it stands in a lead's words, and never makes or raises one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.cases.reasons import INNOCENT
from hub.english.phrases import english
from hub.occupancy.finding import Finding, Kind, Stage
from hub.occupancy.outside import SETTLING, SIGN_KINDS, UNDER_WAY, Says, Sign, kinds_on
from hub.occupancy.outside_told import with_signs

FIRST, LAST = date(2026, 5, 1), date(2026, 9, 1)
LEAD = Finding(
    dwelling_id="h", kind=Kind.VACANCY, rule="V3", policy_version="national 1", stage=Stage.RED, families=("F1", "F2"),
    window_from=FIRST, window_to=LAST, coverage=1.0, because=("无人",), against=("询问",), refuted_by=(), evidence=(),
    observed="", threshold="", inputs_hash="0",
)  # fmt: skip
MIDDLE = date(2026, 7, 1)


@pytest.mark.parametrize("kind", sorted(SIGN_KINDS))
@pytest.mark.parametrize("of", [Kind.VACANCY, Kind.SUBLET, Kind.NOT_MOVED_IN, Kind.VACANT_USED])
def test_no_sign_raises_a_stage(kind: str, of: Kind) -> None:
    order = list(Stage)
    for stage in Stage:
        lead = replace(LEAD, kind=of, stage=stage)
        found = with_signs(lead, [Sign("s", kind, MIDDLE)])
        assert order.index(found.stage) <= order.index(stage)


@pytest.mark.parametrize("kind", ["rent_paid", "rent_arrears", "renewal_applied"])
def test_rent_is_a_neutral_fact(kind: str) -> None:
    for of in Kind:
        assert with_signs(replace(LEAD, kind=of), [Sign("s", kind, MIDDLE)]) == replace(LEAD, kind=of)


def test_a_sign_for_it_is_a_family_of_its_own_with_what_it_may_also_mean() -> None:
    found = with_signs(LEAD, [Sign("s", "insurance_elsewhere", MIDDLE)])
    assert found.families == ("F1", "F2", "F4")
    assert found.because[-1] == "2026-07-01：成员在外地参保。"
    assert "IE05" in found.against[-1]
    assert (found.evidence[-1].kind, found.evidence[-1].ref) == ("outside", "s")
    assert found.inputs_hash != LEAD.inputs_hash, "the finding is kept anew when a sign comes"


def test_an_anonymous_report_is_no_family() -> None:
    told = Sign("s", "report_empty", MIDDLE)
    assert with_signs(LEAD, [told]).families == ("F1", "F2", "F5")
    assert with_signs(LEAD, [replace(told, anonymous=True)]).families == ("F1", "F2")


def test_whom_staff_met_at_home_is_only_asked() -> None:
    found = with_signs(LEAD, [Sign("s", "patrol_home", MIDDLE)])
    assert found.stage is Stage.YELLOW
    assert any("先核实" in line for line in found.against)
    before = with_signs(LEAD, [Sign("s", "patrol_home", FIRST - timedelta(days=3))])
    assert before.stage is Stage.RED, "before the absence began it says nothing against it"


def test_what_explains_speaks_against() -> None:
    found = with_signs(LEAD, [Sign("s", "school_elsewhere", date(2026, 3, 1), date(2026, 12, 1))])
    assert (found.because, found.families) == (LEAD.because, LEAD.families)
    assert "IE07" in found.against[-1]


@pytest.mark.parametrize(
    ("kind", "of"),
    [
        *((kind, Kind.VACANCY) for kind in sorted(UNDER_WAY)),
        *((kind, Kind.SUBLET) for kind in sorted(UNDER_WAY - {"moveout_agreed"})),
    ],
)
def test_what_the_lease_system_is_dealing_with_holds_a_lead_at_a_question(kind: str, of: Kind) -> None:
    """Gone within an agreed time to move out, after the tenant's death, during a transfer (IE12, IE27, IE28): no file."""
    held = with_signs(replace(LEAD, kind=of), [Sign("s", kind, MIDDLE, LAST)])
    assert held.stage is Stage.YELLOW
    assert english(held.against[-1]).startswith("The lease system is still dealing with this")
    over = with_signs(replace(LEAD, kind=of), [Sign("s", kind, MIDDLE, LAST - timedelta(days=1))])
    assert over.stage is Stage.RED, "it is over"
    assert with_signs(replace(LEAD, kind=of), [Sign("s", kind, LAST - SETTLING)]).stage is Stage.YELLOW
    assert with_signs(replace(LEAD, kind=of), [Sign("s", kind, LAST - SETTLING - timedelta(days=1))]).stage is Stage.RED
    short = replace(LEAD, kind=of, window_from=LAST - timedelta(days=30))
    assert with_signs(short, [Sign("s", kind, MIDDLE)]).stage is Stage.YELLOW, (
        "it began long before what the lead looks at"
    )
    former = with_signs(replace(LEAD, kind=of), [Sign("s", kind, MIDDLE)], MIDDLE + timedelta(days=1))
    assert former.stage is Stage.RED, "of the household before this one"


@pytest.mark.parametrize("kind", sorted(set(SIGN_KINDS) - UNDER_WAY - {"patrol_home"}))
def test_what_others_say_holds_none(kind: str) -> None:
    assert with_signs(LEAD, [Sign("s", kind, MIDDLE, LAST)]).stage is Stage.RED


def test_what_is_long_past_is_left_alone() -> None:
    assert with_signs(LEAD, [Sign("s", "report_empty", FIRST - timedelta(days=61))]) == LEAD
    assert with_signs(LEAD, [Sign("s", "report_empty", LAST + timedelta(days=1))]) == LEAD
    assert with_signs(LEAD, [Sign("s", "a_kind_of_tomorrow", MIDDLE)]) == LEAD


def test_which_classes_speak_of_a_day() -> None:
    signs = [Sign("a", "rent_paid", MIDDLE), Sign("b", "transfer_pending", FIRST, LAST)]
    assert kinds_on(signs, MIDDLE) == ["rent_paid", "transfer_pending"]
    assert kinds_on(signs, FIRST) == ["transfer_pending"]


def test_every_class_that_speaks_for_a_lead_says_what_else_it_may_mean() -> None:
    for name, kind in SIGN_KINDS.items():
        if Says.FOR in (kind.vacancy, kind.sublet):
            assert kind.innocent, name
        for code in INNOCENT:
            assert f"{code}（" not in kind.innocent
