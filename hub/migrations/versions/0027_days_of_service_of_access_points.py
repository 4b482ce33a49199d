"""days of service of access points: those that stand are in service as ever; who lost its last device left service that day."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_point = sa.table("access_point", sa.column("id"), sa.column("estate_id"), sa.column("device_id"), sa.column("in_service_until", sa.Date()))
_service = sa.table("point_service", sa.column("access_point_id"), sa.column("to_at", sa.DateTime()))
_estate = sa.table("estate", sa.column("id"), sa.column("time_zone"))


def upgrade() -> None:
    with op.batch_alter_table("access_point", schema=None) as batch_op:
        batch_op.add_column(sa.Column("in_service_since", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("in_service_until", sa.Date(), nullable=True))
    let_go = (
        sa.select(_point.c.id, _estate.c.time_zone, sa.func.max(_service.c.to_at, type_=sa.DateTime()))
        .join(_estate, _estate.c.id == _point.c.estate_id)
        .join(_service, _service.c.access_point_id == _point.c.id)
        .where(_point.c.device_id.is_(None))
        .group_by(_point.c.id, _estate.c.time_zone)
    )
    for point, zone, at in op.get_bind().execute(let_go).all():
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        last = aware.astimezone(ZoneInfo(zone)).date()
        op.execute(sa.update(_point).where(_point.c.id == point).values(in_service_until=last))


def downgrade() -> None:
    with op.batch_alter_table("access_point", schema=None) as batch_op:
        batch_op.drop_column("in_service_until")
        batch_op.drop_column("in_service_since")
