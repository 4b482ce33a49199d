"""questions a week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op


revision = '0032'
down_revision = '0031'
branch_labels = None
depends_on = None

LOOKED_AT_DAYS = 125
"""Leads of so many days decide on the questions of the first week."""


def upgrade() -> None:
    op.create_table('asking_week',
    sa.Column('monday', sa.Date(), nullable=False),
    sa.Column('above', sa.Double(), nullable=False),
    sa.Column('begun', sa.Integer(), nullable=False),
    sa.Column('most', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('monday')
    )
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.add_column(sa.Column('peak', sa.Double(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('waits', sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index(batch_op.f('ix_finding_opened_at'), ['opened_at'], unique=False)
    _peaks()


def _peaks() -> None:
    """The highest chance that was stated of each lead: what it rose to between its stages was not kept."""
    finding = sa.table(
        'finding', sa.column('id', sa.String), sa.column('stated', sa.JSON), sa.column('peak', sa.Double),
        sa.column('opened_at', sa.DateTime(timezone=True)),
    )
    since = datetime.now(UTC) - timedelta(days=LOOKED_AT_DAYS)
    connection = op.get_bind()
    for id, stated in connection.execute(sa.select(finding.c.id, finding.c.stated).where(finding.c.opened_at > since)).all():
        chances = [one['chance'] for one in stated or () if one.get('fitted') is not None and one.get('chance')]
        if chances:
            connection.execute(sa.update(finding).where(finding.c.id == id).values(peak=max(chances)))


def downgrade() -> None:
    with op.batch_alter_table('finding', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_finding_opened_at'))
        batch_op.drop_column('waits')
        batch_op.drop_column('peak')
    op.drop_table('asking_week')
