"""marks are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dirty_day", schema=None) as batch_op:
        batch_op.add_column(sa.Column("marks", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("dirty_day", schema=None) as batch_op:
        batch_op.drop_column("marks")
