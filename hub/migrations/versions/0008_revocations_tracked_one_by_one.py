"""revocations tracked one by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import sqlite

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Lists are made anew from the records, above every generation an edge reports.
    op.execute("DELETE FROM desired_list")
    op.create_table('access_moved',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('ends', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('access_moved', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_access_moved_estate_id'), ['estate_id'], unique=False)

    op.create_table('access_sweep',
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('structure', sa.String(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('estate_id')
    )
    op.create_table('desired_entry',
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.PrimaryKeyConstraint('device_id', 'token')
    )
    with op.batch_alter_table('desired_entry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_desired_entry_token'), ['token'], unique=False)

    op.create_table('revocation',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('device_id', sa.String(), nullable=False),
    sa.Column('token', sa.String(), nullable=False),
    sa.Column('part', sa.String(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('because', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('proof', sa.String(), nullable=False),
    sa.Column('told', sa.String(), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['device_id'], ['device.id'], ),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('revocation', schema=None) as batch_op:
        batch_op.create_index('ix_revocation_device', ['device_id', 'state'], unique=False)
        batch_op.create_index('ix_revocation_open', ['state', 'estate_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_revocation_token'), ['token'], unique=False)

    with op.batch_alter_table('desired_list', schema=None) as batch_op:
        batch_op.add_column(sa.Column('count', sa.Integer(), nullable=False))
        batch_op.add_column(sa.Column('recent', sa.JSON(), nullable=False))
        batch_op.drop_column('changes')
        batch_op.drop_column('tokens')

    with op.batch_alter_table('reported_list', schema=None) as batch_op:
        batch_op.add_column(sa.Column('drift', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('drift_at', sa.DateTime(timezone=True), nullable=True))



def downgrade() -> None:
    op.execute("DELETE FROM desired_list")
    with op.batch_alter_table('reported_list', schema=None) as batch_op:
        batch_op.drop_column('drift_at')
        batch_op.drop_column('drift')

    with op.batch_alter_table('desired_list', schema=None) as batch_op:
        batch_op.add_column(sa.Column('tokens', sqlite.JSON(), nullable=False))
        batch_op.add_column(sa.Column('changes', sqlite.JSON(), nullable=False))
        batch_op.drop_column('recent')
        batch_op.drop_column('count')

    with op.batch_alter_table('revocation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_revocation_token'))
        batch_op.drop_index('ix_revocation_open')
        batch_op.drop_index('ix_revocation_device')

    op.drop_table('revocation')
    with op.batch_alter_table('desired_entry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_desired_entry_token'))

    op.drop_table('desired_entry')
    op.drop_table('access_sweep')
    with op.batch_alter_table('access_moved', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_access_moved_estate_id'))

    op.drop_table('access_moved')
