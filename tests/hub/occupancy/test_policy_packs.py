"""Packs against the law of their places, number by number; and no pack that asks nobody, or accuses at once, is one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub import cli
from hub.english.phrases import english
from hub.occupancy.policy import PolicyPackInvalid, pack_named, packs, parse_pack
from hub.occupancy.vacancy import missing_contacts
from hub.occupancy.values import Contact, DayState, PresenceDay

FOLDER = Path(cli.__file__).parent / "occupancy" / "policies"
NATIONAL = json.loads((FOLDER / "national.json").read_text(encoding="utf-8"))
BEIJING = json.loads((FOLDER / "beijing.json").read_text(encoding="utf-8"))
Path_ = tuple[str | int, ...]


# --- the law of the places ----------------------------------------------------------------------------------------------

LAW: Mapping[str, Mapping[str, object]] = {
    # place: shape, months in the law's words, days of red, months the term is of at most so many days, years of the bar
    "national": {"shape": "consecutive", "months": 6, "red_days": 180, "bar": 5, "law": "连续6个月以上闲置"},
    "national_measured": {"shape": "consecutive", "months": 6, "red_days": 180, "bar": 5, "law": "连续6个月以上闲置"},
    "shenzhen": {"shape": "consecutive", "months": 6, "red_days": 180, "bar": 0, "law": "连续6个月以上未在该房居住"},
    "xiamen": {"shape": "consecutive", "months": 6, "red_days": 180, "bar": 5, "law": "连续空置超过六个月"},
    "hong_kong": {"shape": "consecutive", "months": 3, "red_days": 93, "bar": 5, "law": "超过三个月未经常持续居住"},
    "hangzhou_qiantang": {"shape": "cumulative", "months": None, "red_days": 180, "bar": 2, "law": "累计6个月以上未实际居住"},
    "beijing": {"shape": "days_lived", "months": None, "red_days": 92, "bar": 5, "law": "连续3个月以上在承租住房内居住不满30日"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(packs()))
def test_the_law_of_each_place_number_by_number(name: str) -> None:
    pack, law = pack_named(name), LAW[name]
    rule = pack.vacancy
    assert (rule.shape, rule.months, rule.red_days, pack.bar_years) == tuple(
        law[k] for k in ("shape", "months", "red_days", "bar")
    )
    (anchor,) = [one for one in pack.anchors if one.about == "vacancy"]
    assert str(law["law"]) in anchor.text_zh
    assert rule.yellow_days >= 60, "anything under 60 days is a message to the household, no more"
    assert rule.not_moved_in_days == 60
    assert rule.contacts.failed == 4
    pauses = pack.pauses
    assert (pauses.spring_festival_before, pauses.spring_festival_after) == (15, 20)
    assert (pauses.declared_max_days, pauses.reviewed_max_days) == (90, 183)
    assert (pack.sublet.unseen_days, pack.sublet.use_days, pack.sublet.of_days, pack.sublet.water_share) == (
        30,
        20,
        30,
        0.6,
    )
    assert (pack.sublet.objection_warn_days, pack.sublet.objection_escalate_days) == (90, 150)
    assert pack.vacant_use.water_m3_per_day == 0.01


def test_beijing_looks_at_three_whole_months_and_at_visits() -> None:
    """Three months have up to 92 days: 90 may be two short of what the law asks."""
    rule = pack_named("beijing").vacancy
    assert (rule.window_days, rule.lived_days) == (92, 30)
    assert (rule.contacts.appointments_per_month, rule.contacts.within_days) == (2, 92)
    assert rule.contacts.in_person_off_hours == 2, "an evening and a weekend"


DAY = date(2026, 9, 1)
WINDOW = tuple(PresenceDay(DAY - timedelta(days=n), DayState.ABSENT, 1.0, {}) for n in range(91, -1, -1))


def _tries(phone: int, by_day: int, off: int) -> tuple[Contact, ...]:
    kinds = [(False, False)] * phone + [(True, False)] * by_day + [(True, True)] * off
    return tuple(Contact(str(n), DAY - timedelta(days=n), *kind) for n, kind in enumerate(kinds))


@pytest.mark.parametrize(
    ("pack", "tries", "enough"),
    [
        ("national", (3, 0, 1), True),
        ("national", (4, 0, 0), False),
        ("beijing", (3, 0, 1), False),
        ("beijing", (9, 1, 2), False),
        ("beijing", (0, 2, 2), True),
        ("beijing", (0, 3, 1), False),
    ],
)
def test_where_the_law_counts_visits_calls_are_none(pack: str, tries: tuple[int, int, int], enough: bool) -> None:
    """Beijing deems a home not lived in after four failed *visits* that were arranged; three calls and a visit are one."""
    said = missing_contacts(_tries(*tries), WINDOW, pack_named(pack).vacancy)
    assert (said is None) == enough
    assert said is None or not any("\u4e00" <= letter <= "\u9fff" for letter in english(said))


# --- files that are no pack ---------------------------------------------------------------------------------------------


def _leaves(of: Any, path: Path_ = ()) -> Iterator[Path_]:
    if isinstance(of, dict):
        for key, value in of.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(of, list):
        for number, value in enumerate(of):
            yield from _leaves(value, (*path, number))
    else:
        yield path


def _with(base: Any, path: Path_, value: object) -> Any:
    data = deepcopy(base)
    part = data
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return data


def _refused(data: object, name: str = "national") -> str:
    with pytest.raises(PolicyPackInvalid) as refused:
        parse_pack(json.dumps(data), f"{name}.json")
    return str(refused.value)


@pytest.mark.parametrize("path", sorted(_leaves(NATIONAL), key=str), ids=lambda path: ".".join(map(str, path)))
def test_every_field_that_is_wrong_is_named(path: Path_) -> None:
    for wrong in ({"a": 1}, []):
        said = _refused(_with(NATIONAL, path, wrong))
        assert f"\n  {'.'.join(map(str, path))}: " in said, said
        assert "http" not in said


@pytest.mark.parametrize(
    "path", sorted({path[:-1] for path in _leaves(NATIONAL) if isinstance(path[-1], str)}, key=str), ids=str
)
def test_a_field_that_is_none_is_told_with_those_that_are(path: Path_) -> None:
    part = NATIONAL
    for key in path:
        part = part[key]
    said = _refused(_with(NATIONAL, (*path, "face_only"), True))
    assert f"  {'.'.join(map(str, (*path, 'face_only')))}: there is no such field; allowed: " in said
    assert all(name in said for name in part)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("vacancy", "red_days"), "180"),
        (("vacancy", "red_days"), 180.5),
        (("pauses", "declared_max_days"), True),
        (("vacant_use", "electricity_kwh_per_day"), float("inf")),
        (("sublet", "water_share"), float("nan")),
    ],
)
def test_what_is_no_number_is_none(path: Path_, value: object) -> None:
    assert f"  {'.'.join(map(str, path))}: " in _refused(_with(NATIONAL, path, value))


AT_ONCE = {"note_days": 1, "yellow_days": 1, "orange_days": 1, "pre_notice_days": 1, "red_days": 1, "months": None}


@pytest.mark.parametrize(
    ("base", "part", "changes", "said"),
    [
        (NATIONAL, "vacancy", AT_ONCE, "vacancy.yellow_days: Input should be greater than or equal to 60"),
        (NATIONAL, "vacancy", {"orange_days": 60}, "ask before anybody visits"),
        (NATIONAL, "vacancy", {"pre_notice_days": 90, "red_days": 90}, "red_days must be at least 180"),
        (NATIONAL, "vacancy", {"months": None}, "the term as the law states it"),
        (NATIONAL, "vacancy", {"not_moved_in_days": 7}, "vacancy.not_moved_in_days: "),
        (NATIONAL, "vacancy", {"red_days": 140}, "the stages must come in order"),
        (BEIJING, "vacancy", {"lived_days": 92}, "lived_days must be fewer than window_days"),
        (BEIJING, "vacancy", {"window_days": 31}, "window_days must be at least red_days"),
        (BEIJING, "vacancy", {"window_days": None}, "needs window_days and lived_days"),
        (NATIONAL, "sublet", {"unseen_days": 1, "red_unseen_days": 1}, "sublet.unseen_days: "),
        (NATIONAL, "sublet", {"red_unseen_days": 29}, "unseen_days must not be more than red_unseen_days"),
        (NATIONAL, "sublet", {"use_days": 31}, "use_days must not be more than of_days"),
        (NATIONAL, "sublet", {"objection_escalate_days": 183}, "sublet.objection_escalate_days: "),
        (NATIONAL, "sublet", {"objection_warn_days": 160}, "must not be more than objection_escalate_days"),
        (NATIONAL, "pauses", {"spring_festival_before": 0}, "pauses.spring_festival_before: "),
        (NATIONAL, "pauses", {"spring_festival_after": 0}, "pauses.spring_festival_after: "),
        (NATIONAL, "pauses", {"declared_max_days": 1}, "pauses.declared_max_days: "),
        (NATIONAL, "pauses", {"reviewed_max_days": 30}, "pauses.reviewed_max_days: "),
    ],
)
def test_a_pack_against_the_law_of_every_place_is_refused(
    base: Any, part: str, changes: dict[str, Any], said: str
) -> None:
    data = deepcopy(base)
    data[part].update(changes)
    assert said in _refused(data, base["name"])


@pytest.mark.parametrize(
    "contacts", [{"failed": 0}, {"failed": 3}, {"in_person_off_hours": 0}, {"in_person_off_hours": 5}]
)
def test_no_file_of_people_whom_nobody_tried_to_reach(contacts: dict[str, int]) -> None:
    data = deepcopy(NATIONAL)
    data["vacancy"]["contacts"].update(contacts)
    assert next(iter(contacts)) in _refused(data)


@pytest.mark.parametrize("about", ["vacancy", "sublet", "contacts", "bar"])
def test_a_threshold_without_an_anchor_is_none(about: str) -> None:
    data = {**NATIONAL, "anchors": [one for one in NATIONAL["anchors"] if one["about"] != about]}
    assert f"anchors must say what {about} rest on" in _refused(data)
    blank = [{**one, "mark": "S", "source": ""} if one["about"] == about else one for one in NATIONAL["anchors"]]
    assert f"the anchor of {about} needs a source" in _refused({**NATIONAL, "anchors": blank})
    assert "confidence primary" in _refused({**NATIONAL, "confidence": "primary"})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.json", b"[]", "list.json: 1 wrong"),
        ("empty.json", b"", "Invalid JSON"),
        ("deep.json", b"[" * 100_000, "Invalid JSON"),
        ("gbk.json", "名".encode("gbk"), "save it as UTF-8"),
        ("calendar.json", b"{}", "a pack needs another name"),
        ("other.json", json.dumps(NATIONAL).encode(), "the file must be national.json"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    done = CliRunner().invoke(cli.app, ["policy", "check", str(file)])
    assert (done.exit_code, done.exception) == (1, done.exception)
    assert isinstance(done.exception, SystemExit)
    assert said in done.output


def test_the_command_takes_what_a_spreadsheet_program_saved_and_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "national.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(NATIONAL).encode())
    done = CliRunner().invoke(cli.app, ["policy", "check", str(file)])
    assert (done.exit_code, "good; 6 legal anchors" in done.output) == (0, True)
    assert CliRunner().invoke(cli.app, ["policy", "check", str(tmp_path)]).exit_code == 1


TWICE = {
    "version": ('"version"', '"version": "2020.1", "version"'),
    "vacancy.red_days": ('"red_days"', '"red_days": 360, "red_days"'),
    "vacancy.contacts.failed": ('"failed"', '"failed": 9, "failed"'),
    "anchors.1.mark": ('"mark"', '"mark": "P", "mark"'),
}


@pytest.mark.parametrize("path", TWICE)
def test_a_field_that_stands_twice_is_named(tmp_path: Path, path: str) -> None:
    """Which of the two did they mean? The last one was taken, silently."""
    first, both = TWICE[path]
    head, found, tail = json.dumps(NATIONAL).partition(first)
    if path.startswith("anchors.1"):
        one, found, tail = tail.partition(first)
        head += first + one
    assert found
    text = head + both + tail
    assert json.loads(text) == NATIONAL, "whoever reads it as usual sees nothing"
    with pytest.raises(PolicyPackInvalid, match=rf"{path}: stands there twice"):
        parse_pack(text, "national.json")
    file = tmp_path / "national.json"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["policy", "check", str(file)])
    assert (done.exit_code, f"{path}: stands there twice" in done.output) == (1, True)
