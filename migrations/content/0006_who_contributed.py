"""Who contributed a version, and the held ones of a member: what confirming them asks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contribution", sa.Column("contributed_by", sa.Text()))
    op.create_index(
        "ix_contribution_held",
        "contribution",
        ["originator_id", "forum_id"],
        sqlite_where=sa.text("state = 'held'"),
        postgresql_where=sa.text("state = 'held'"),
    )


def downgrade() -> None:
    op.drop_index("ix_contribution_held", table_name="contribution")
    op.execute("ALTER TABLE contribution DROP COLUMN contributed_by")
