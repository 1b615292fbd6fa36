"""What was served to one reader, in the order it was served, is one range of an index.

The index by id goes: instants are what the list is asked by, and what its pages go on from.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_delivery_forum_id_element_at_us",
        "delivery",
        ["forum_id", "element", "at_us", "id"],
        unique=False,
    )
    op.drop_index("ix_delivery_forum_id_element", table_name="delivery")


def downgrade() -> None:
    op.create_index(
        "ix_delivery_forum_id_element", "delivery", ["forum_id", "element", "id"], unique=False
    )
    op.drop_index("ix_delivery_forum_id_element_at_us", table_name="delivery")
