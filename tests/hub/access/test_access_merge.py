"""A list of which some entries were made anew is byte for byte the list composed from everything."""

from __future__ import annotations

from datetime import UTC, datetime, time

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from device_drivers.contract.access import (
    AccessList,
    AccessPolicy,
    AccessProfile,
    Credential,
    Identifier,
    PhotoRef,
    Schedule,
    TimeRange,
    payload_digest,
)
from device_drivers.contract.words import HolderClass, IdentifierType
from hub.access.merge import merge, read

AT = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
CARD, FACE = Identifier(IdentifierType.CARD, "77"), Identifier(IdentifierType.FACE, "", PhotoRef("http://x", "ab" * 32))
HOURS = {f"s{n}": Schedule(f"s{n}", "Asia/Shanghai", (TimeRange((1, 2, 3), time(8 + n), time(18)),)) for n in range(2)}
PROFILES = {
    "p0": AccessProfile("p0", (AccessPolicy(("gate",)),)),
    "p1": AccessProfile("p1", (AccessPolicy(("gate", "pool"), "s0"),)),
    "p2": AccessProfile("p2", (AccessPolicy(("gate",)), AccessPolicy(("pool",), "s1"))),
}
Wishes = dict[str, tuple[str, bool]]  # token → (profile, with a face)
people = st.dictionaries(
    st.sampled_from([f"t{n}" for n in range(8)]), st.tuples(st.sampled_from(sorted(PROFILES)), st.booleans())
)


def composed(wishes: Wishes, generation: int = 0) -> AccessList:
    used = {profile for profile, _ in wishes.values()}
    hours = {p.schedule for profile in used for p in PROFILES[profile].policies if p.schedule}
    return AccessList(
        "E", "d", generation, AT,
        tuple(
            Credential(t, f"label {t} “\"type\":\"face\"”", HolderClass.RESIDENT, (CARD, FACE) if face else (CARD,), (profile,))
            for t, (profile, face) in sorted(wishes.items())
        ),
        tuple(PROFILES[t] for t in sorted(used)),
        tuple(HOURS[t] for t in sorted(hours)),
    )  # fmt: skip


@settings(max_examples=300)
@given(people, people, st.sets(st.sampled_from([f"t{n}" for n in range(8)])))
def test_a_merged_list_is_the_list_composed_from_everything(before: Wishes, now: Wishes, more: set[str]) -> None:
    changed = {t for t in before.keys() | now.keys() if before.get(t) != now.get(t)} | more
    wanted = composed({t: w for t, w in now.items() if t in changed})
    stored = read(msgspec.json.encode(composed(before)), "E", "d")
    merged = merge(stored, wanted, frozenset(changed))
    whole = merge(stored, composed(now), None)
    for one in (merged, whole):
        assert one.body.payload(7, AT) == msgspec.json.encode(composed(now, 7))
        assert one.body.digest == payload_digest(one.body.payload(7, AT))
        assert set(one.gone) == before.keys() - now.keys()
        assert one.touched == {t for t in now if before.get(t) != now[t]}
        assert set(one.faceless) == {t for t in before.keys() & now.keys() if before[t][1] and not now[t][1]}
        assert one.stood == (one.touched | one.gone.keys()) & before.keys()


def test_a_schedule_that_changes_touches_everybody_who_has_it() -> None:
    before = read(msgspec.json.encode(composed({"t1": ("p1", False), "t2": ("p0", False)})), "E", "d")
    moved = msgspec.structs.replace(HOURS["s0"], ranges=())
    after = msgspec.structs.replace(composed({"t1": ("p1", False), "t2": ("p0", False)}), schedules=(moved,))
    assert merge(before, after, None).touched == {"t1"}
