"""How many people have a face enrolled, and whether more may: the assessment and the filing, asked of the database."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.access.lawful import FACES_MOST, FaceGate, face_gate
from hub.tables import CredentialIdentifierRow, CredentialRow, Estate


def gate_of(session: Session, estate: Estate) -> FaceGate:
    """Whether new faces may be enrolled in this estate now."""
    return face_gate(estate.policy, enrolled(session), filing(session))


def enrolled(session: Session) -> int:
    """Distinct people of all estates whose credential carries a face."""
    query = (
        select(func.count(func.distinct(CredentialRow.person_id)))
        .join(CredentialIdentifierRow, CredentialIdentifierRow.token == CredentialRow.token)
        .where(CredentialRow.state == "active", CredentialIdentifierRow.type == "face")
    )
    return session.scalar(query) or 0


def filing(session: Session) -> str:
    """The number of the filing: one for all estates, for one who runs the hub; whichever estate's policy names it."""
    for policy in session.scalars(select(Estate.policy).order_by(Estate.id)):
        if number := str(policy.get("face_filing") or "").strip():
            return number
    return ""


class NewFaces:
    """The faces that one run may add: asked once, and only when there is one to add."""

    def __init__(self, session: Session, estate: Estate) -> None:
        self.session, self.estate = session, estate
        self._room: int | None = None

    def take(self) -> bool:
        """Room for one more. The person's other ways in are as they are either way."""
        if self._room is None:
            self._room = self._ask()
        self._room -= 1
        return self._room >= 0

    def _ask(self) -> int:
        count, number = enrolled(self.session), filing(self.session)
        if not face_gate(self.estate.policy, count, number).open:
            return 0
        return 10 * FACES_MOST if number else FACES_MOST - count
