"""(P) Reason codes under which people record that they tried to reach a household; the red stage of vacancy needs them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContactKind:
    """What a code says about the attempt."""

    label_zh: str
    in_person: bool
    off_hours: bool
    reached: bool = False


CONTACT_CODES: dict[str, ContactKind] = {
    "C_PHONE": ContactKind("电话联系未果", in_person=False, off_hours=False),
    "C_MESSAGE": ContactKind("短信或留言未回复", in_person=False, off_hours=False),
    "C_VISIT_DAY": ContactKind("工作日白天上门未遇", in_person=True, off_hours=False),
    "C_VISIT_OFF": ContactKind("夜间或周末上门未遇", in_person=True, off_hours=True),
    "C_REACHED": ContactKind("已联系上本人", in_person=False, off_hours=False, reached=True),
}
