"""tenancy sources."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('clock_state',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('problem', sa.String(), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_by', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('person_link',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kept', sa.String(), nullable=False),
    sa.Column('other', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('asked_by', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('decided_by', sa.String(), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('split_by', sa.String(), nullable=False),
    sa.Column('split_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('undo', sa.JSON(), nullable=False),
    sa.ForeignKeyConstraint(['kept'], ['person.id'], ),
    sa.ForeignKeyConstraint(['other'], ['person.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('person_link', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_person_link_kept'), ['kept'], unique=False)
        batch_op.create_index(batch_op.f('ix_person_link_other'), ['other'], unique=False)

    op.create_table('household_loss',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('estate_id', sa.String(), nullable=False),
    sa.Column('tenancy_id', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('what', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('excused', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['estate_id'], ['estate.id'], ),
    sa.ForeignKeyConstraint(['tenancy_id'], ['tenancy.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('household_loss', schema=None) as batch_op:
        batch_op.create_index('ix_household_loss', ['estate_id', 'at'], unique=False)

    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.add_column(sa.Column('same_as', sa.String(), nullable=True))
        batch_op.create_index(batch_op.f('ix_person_same_as'), ['same_as'], unique=False)
    with op.batch_alter_table('household_member', schema=None) as batch_op:
        batch_op.add_column(sa.Column('consents', sa.JSON(none_as_null=True), nullable=True))
    if op.get_bind().dialect.name == 'postgresql':  # SQLite's INTEGER has 64 bits
        op.alter_column('tenancy', 'version', type_=sa.BigInteger())
        op.alter_column('source_state', 'last_total', type_=sa.BigInteger())


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.alter_column('source_state', 'last_total', type_=sa.Integer())
        op.alter_column('tenancy', 'version', type_=sa.Integer())
    with op.batch_alter_table('household_member', schema=None) as batch_op:
        batch_op.drop_column('consents')
    with op.batch_alter_table('person', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_same_as'))
        batch_op.drop_column('same_as')

    with op.batch_alter_table('household_loss', schema=None) as batch_op:
        batch_op.drop_index('ix_household_loss')

    op.drop_table('household_loss')
    with op.batch_alter_table('person_link', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_person_link_other'))
        batch_op.drop_index(batch_op.f('ix_person_link_kept'))

    op.drop_table('person_link')
    op.drop_table('clock_state')
