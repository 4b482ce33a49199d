"""The seeded people: same seed same estate, shares, labels, identity numbers, movement."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta

import pytest

from simulators.consumption import consumption
from simulators.households import SPECIAL_KINDS
from simulators.movement import crowd, is_away
from simulators.people import HouseholdKind, id_number_is_valid, with_check_digit
from simulators.photos import face_photo, photo, sha256_of
from simulators.residents import SHARES, Layout, Population, population
from simulators.tenancies import declared_absences, tenancy_records, truth

END = date(2026, 11, 21)


@pytest.fixture(scope="module")
def people() -> Population:
    return population(1, END)


def household(people: Population, kind: HouseholdKind) -> object:
    return next(h for h in people.households if h.kind is kind)


def test_same_seed_same_estate_other_seed_another(people: Population) -> None:
    assert population(1, END) == people, "the same seed must give the same people"
    assert population(2, END) != people, "another seed must give other people"
    assert tenancy_records(people, {}) == tenancy_records(population(1, END), {})


def test_shares_by_kind(people: Population) -> None:
    kinds = Counter(h.kind for h in people.households)
    ordinary = sum(kinds[k] for k in SHARES)
    for kind in SPECIAL_KINDS:
        assert kinds[kind] == 1, f"the demo needs exactly one {kind}"
    for kind, share in SHARES.items():
        assert abs(kinds[kind] - share * ordinary) <= 1, f"{kind}: {kinds[kind]} of {ordinary}, wanted {share:.0%}"
    assert len(people.households) + len(people.not_let) == 240
    assert len(people.metered) == 120


def test_identity_numbers_are_valid_unique_and_fictitious(people: Population) -> None:
    persons = [p for h in people.households for p in h.members]
    assert with_check_digit("11010519491231002") == "11010519491231002X", "the standard's own example"
    for person in persons:
        assert id_number_is_valid(person.id_number), f"{person.id_number} fails its check digit"
        assert person.id_number.startswith("990000"), "area codes must be visibly made up"
        assert person.id_number[6:14] == f"{person.birth:%Y%m%d}"
    for name, values in {
        "identity number": [p.id_number for p in persons],
        "person id": [p.person_id for p in persons],
        "card": [c for p in persons for c in p.cards],
    }.items():
        assert len(values) == len(set(values)), f"a {name} was given twice"


def test_people_differ_as_wanted(people: Population) -> None:
    persons = [p for h in people.households for p in h.members]
    faces = Counter(p.face for p in persons)
    assert 2 <= faces["blank"] <= 3, "two or three useless photos"
    assert faces["good"] > 0.5 * len(persons)
    assert any(not p.cards and p.face == "none" and p.relation == "spouse" for p in persons), "somebody is unenrolled"
    assert any(h.members[0].face == "none" and h.members[0].cards for h in people.households), "somebody refuses faces"
    assert any(h.observed < 0.5 for h in people.households), "some households walk in behind others"
    assert 2.2 <= len(persons) / len(people.households) <= 3.0


def test_labels(people: Population) -> None:
    labels = {d["dwelling_code"]: d for d in truth(people)["dwellings"]}
    assert len(labels) == 240
    assert Counter(d["kind"] for d in labels.values() if d["from"]) == {"vacancy": 2, "sublet_whole": 2}
    by_group = {d["group"]: d for d in labels.values()}
    begun = {k: (END - date.fromisoformat(by_group[k]["from"])).days for k in ("vacancy_old", "vacancy_new")}
    assert 180 <= begun["vacancy_old"] <= 200, "the old vacancy must be past six months"
    assert 110 <= begun["vacancy_new"] <= 130
    for special in SPECIAL_KINDS:
        assert by_group[special]["metered"], f"{special} needs meters to be told apart"
    assert by_group["work_undeclared"]["kind"] == "innocent"
    assert by_group["work_undeclared"]["absences"][0]["declared_on"] is None


def test_absences_are_declared_by_those_who_do(people: Population) -> None:
    declared = declared_absences(people)
    assert all(a["declared_on"] <= END.isoformat() for a in declared), "nobody declares in the future"
    by_dwelling = {a["dwelling_code"]: a for a in declared}
    hospital = next(h for h in people.households if h.kind is HouseholdKind.HOSPITAL_DECLARED)
    work = next(h for h in people.households if h.kind is HouseholdKind.WORK_UNDECLARED)
    assert by_dwelling[hospital.dwelling]["reason"] == "hospital"
    assert work.dwelling not in by_dwelling
    assert is_away(hospital, END)
    assert is_away(work, END)


def test_who_is_away_makes_no_outings_and_subtenants_take_over(people: Population) -> None:
    walkers = crowd(people)
    sublet = next(h for h in people.households if h.kind is HouseholdKind.SUBLET_CARDS)
    assert sublet.violation is not None
    seen: dict[bool, set[bool]] = {True: set(), False: set()}
    for day in range(people.days):
        now = people.start + timedelta(days=day)
        outings = walkers.outings(now)
        for index in outings.body.tolist():
            body, owner = walkers.bodies[index], walkers.households[index]
            assert owner is not None
            if body.resident:
                assert not is_away(owner, now), f"{body.dwelling} is away on {now} but walks"
            if body.dwelling == sublet.dwelling:
                seen[now >= sublet.violation.first].add(body.resident)
    assert seen[False] == {True}, "before the sublet the registered household walks"
    assert seen[True] == {False}, "afterwards only others do"


def test_one_day_is_the_same_whenever_it_is_asked(people: Population) -> None:
    one, two = crowd(people).outings(END), crowd(population(1, END)).outings(END)
    assert one.body.tolist() == two.body.tolist()
    assert one.back_s.tolist() == two.back_s.tolist()


def test_meters_follow_presence(people: Population) -> None:
    import numpy as np

    walkers = crowd(people)
    days = [people.start + timedelta(days=d) for d in range(people.days)]
    there = np.stack([walkers.at_home(d) for d in days], axis=1)
    use = consumption(walkers, days, there)
    shorter = consumption(walkers, days[:60], there[:, :60])
    assert np.array_equal(use.water[:, :60], shorter.water), "a longer stretch must begin with the same days"
    row = {code: i for i, code in enumerate(use.dwellings)}
    empty = next(h for h in people.households if h.kind is HouseholdKind.VACANCY_OLD)
    let = next(h for h in people.households if h.kind is HouseholdKind.SUBLET_LENT_CARD)
    assert use.water[row[empty.dwelling], 30:].sum() == 0, "nobody uses water in the vacant dwelling"
    assert use.electricity[row[empty.dwelling], 30:].sum() > 0, "its fridge runs on"
    assert let.violation is not None
    first = (let.violation.first - people.start).days
    before, after = use.water[row[let.dwelling], :first].mean(), use.water[row[let.dwelling], first + 3 :].mean()
    assert after > 0.6 * before, "in a sublet dwelling the water goes on"


def test_photos_are_seeded_and_blank_ones_are_uniform() -> None:
    import io

    from PIL import Image

    assert face_photo("P-000001", 1) == face_photo("P-000001", 1)
    digests = {sha256_of(face_photo(f"P-{i:06d}", 1)) for i in range(20)}
    assert len(digests) == 20, "every person has a picture of their own"
    for kind, spread in (("good", True), ("blank", False)):
        data = photo("P-000001", 1, kind)
        assert 1000 <= len(data) <= 20_480
        low, high = Image.open(io.BytesIO(data)).convert("L").getextrema()
        assert (int(high) - int(low) > 100) is spread, f"{kind} photo spans {low}..{high}"


def test_small_estates_and_bad_arguments() -> None:
    small = population(5, END, 60, Layout(blocks=1, floors=3))
    assert len(small.households) + len(small.not_let) == 12
    assert json.dumps(truth(small))
    with pytest.raises(ValueError, match="30 days"):
        population(1, END, 10)
    with pytest.raises(ValueError, match="at least"):
        population(1, END, 60, Layout(blocks=1, floors=2, per_floor=1))
