"""Whether an edge box can write to its disk, as it last said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0036'
down_revision = '0035'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('edge', schema=None) as batch_op:
        batch_op.add_column(sa.Column('disk_writes', sa.Boolean(), server_default='1', nullable=False))


def downgrade() -> None:
    with op.batch_alter_table('edge', schema=None) as batch_op:
        batch_op.drop_column('disk_writes')
