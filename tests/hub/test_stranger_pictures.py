"""Pictures of strangers: the law of the place refuses them with its clauses, and no way round the check reaches an edge."""

from __future__ import annotations

import pytest

from hub.estate import stranger_pictures
from hub.estate.devices import edge_policy
from hub.estate.stranger_pictures import LawProfile, hours_of, refusal

ELSEWHERE = {
    "cn": stranger_pictures.profiles()["cn"],
    "xx": LawProfile("elsewhere", 24, ("Act 1",)),
}


def test_by_the_law_we_ship_a_strangers_picture_is_not_kept_and_the_clause_says_so() -> None:
    wish = {"snapshots": True, "stranger_picture_hours": 1}
    said = refusal(wish)
    assert "《网络数据安全管理条例》第24条" in said
    assert "《人脸识别技术应用安全管理办法》第8条" in said
    assert "拒绝通行的事实照常记录" in said, "the counted fact is kept in any case"
    assert hours_of(wish) == 0
    assert refusal({"snapshots": True, "stranger_picture_hours": 0}) == ""
    assert refusal({}) == ""


def test_every_law_profile_names_its_clauses() -> None:
    for name, law in stranger_pictures.profiles().items():
        assert law.stranger_picture_clauses, f"{name} says a limit and not why"
        assert 0 <= law.stranger_picture_hours <= 72


def test_where_a_law_allows_hours_it_is_at_most_those_and_only_with_pictures_at_all() -> None:
    wish = {"law_profile": "xx", "snapshots": True, "stranger_picture_hours": 24}
    assert (refusal(wish, ELSEWHERE), hours_of(wish, ELSEWHERE)) == ("", 24)
    assert "24小时" in refusal(wish | {"stranger_picture_hours": 25}, ELSEWHERE)
    assert "未启用" in refusal(wish | {"snapshots": False}, ELSEWHERE)
    assert hours_of(wish | {"law_profile": "nobody's"}, ELSEWHERE) == 0, "an unknown place has the strictest law"


@pytest.mark.parametrize(
    "policy",
    [
        {"keep_stranger_pictures": True, "snapshots": True},
        {"stranger_hours": 72, "snapshots": True},
        {"stranger_picture_hours": 72, "snapshots": True},
    ],
)
def test_no_policy_reaches_an_edge_past_the_check(policy: dict[str, object]) -> None:
    assert edge_policy(policy).stranger_hours == 0


def test_faces_are_looked_at_only_where_faces_are_enrolled_lawfully() -> None:
    wish = {"face_checks": True, "face_requests": True}
    assert not edge_policy(wish).face_checks
    assert edge_policy(wish | {"face_enrolment": True}).face_requests
