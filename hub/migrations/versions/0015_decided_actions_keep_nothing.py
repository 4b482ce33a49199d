"""decided actions keep nothing of whom they were about."""

from __future__ import annotations

from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE held_action SET payload = '{}' WHERE state <> 'held'")


def downgrade() -> None:
    """What is gone stays gone."""
