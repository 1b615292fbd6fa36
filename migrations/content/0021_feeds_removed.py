"""Feeds that were removed: they run never again, and what they moved stays on record."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("feed", sa.Column("removed_us", sa.BigInteger()))


def downgrade() -> None:
    # An older release has them as paused, without their credentials.
    op.execute("ALTER TABLE feed DROP COLUMN removed_us")
