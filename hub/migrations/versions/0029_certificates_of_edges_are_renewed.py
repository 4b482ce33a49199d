"""certificates of edges are renewed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("edge", schema=None) as batch_op:
        batch_op.add_column(sa.Column("certificate_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("certificates_before", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("edge", schema=None) as batch_op:
        batch_op.drop_column("certificates_before")
        batch_op.drop_column("certificate_until")
