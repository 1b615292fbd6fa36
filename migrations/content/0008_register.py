"""The register of norms: parties, forums over time, instruments and provisions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations.append_only import allow_changes, refuse_changes

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "party",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        *_provenance(),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_party")),
    )
    op.create_table(
        "confirmation",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_us", sa.BigInteger(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
    )
    op.create_index("ix_confirmation_subject_key", "confirmation", ["subject_key"])
    op.create_table(
        "forum_profile",
        sa.Column("forum_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parent_id", BIG_ID),
        sa.Column("members_of_id", BIG_ID),
        sa.Column("decision_rule", sa.Text()),
        sa.Column("languages", sa.Text(), nullable=False),
        sa.Column("member_label", sa.Text(), nullable=False),
        sa.Column("begun", sa.Text()),
        sa.Column("ended", sa.Text()),
        sa.Column("basis", sa.Text()),
        sa.Column("rules", sa.Text()),
        sa.Column("cycle_years", sa.Integer()),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_forum_profile_forum_id")),
        sa.ForeignKeyConstraint(
            ["members_of_id"], ["forum.id"], name=op.f("fk_forum_profile_members_of_id")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["forum.id"], name=op.f("fk_forum_profile_parent_id")
        ),
        sa.PrimaryKeyConstraint("forum_id", name=op.f("pk_forum_profile")),
    )
    op.create_index("ix_forum_profile_parent_id", "forum_profile", ["parent_id"])
    op.create_table(
        "membership",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("from_date", sa.Text()),
        sa.Column("to_date", sa.Text()),
        sa.Column("from_day", sa.Integer()),
        sa.Column("to_day", sa.Integer()),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_membership_forum_id")),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_membership_party_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("key", name=op.f("uq_membership_key")),
    )
    op.create_index(
        "ix_membership_forum_id", "membership", ["forum_id", "party_code"], unique=False
    )
    op.create_index("ix_membership_party_code", "membership", ["party_code"])
    op.create_table(
        "co_chair",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Text(), nullable=False),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_co_chair_forum_id")),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_co_chair_party_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_co_chair")),
        sa.UniqueConstraint("key", name=op.f("uq_co_chair_key")),
    )
    op.create_index("ix_co_chair_forum_id", "co_chair", ["forum_id"])
    op.create_table(
        "forum_session",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("starts", sa.Text(), nullable=False),
        sa.Column("ends", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_forum_session_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forum_session")),
        sa.UniqueConstraint("key", name=op.f("uq_forum_session_key")),
    )
    op.create_index(
        "ix_forum_session_forum_id", "forum_session", ["forum_id", "first_day"], unique=False
    )
    op.create_table(
        "programme",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("party_code", sa.Text()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("from_date", sa.Text()),
        sa.Column("to_date", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_programme_forum_id")),
        sa.ForeignKeyConstraint(
            ["party_code"], ["party.code"], name=op.f("fk_programme_party_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
    )
    op.create_index("ix_programme_forum_id", "programme", ["forum_id"])
    op.create_table(
        "programme_item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("programme_id", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("due", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["programme_item.id"], name=op.f("fk_programme_item_parent_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_programme_item_programme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_item")),
    )
    op.create_index("ix_programme_item_programme_id", "programme_item", ["programme_id"])
    op.create_table(
        "instrument",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("legal_character", sa.Text(), nullable=False),
        sa.Column("forum_id", BIG_ID, nullable=False),
        sa.Column("adopted", sa.Text()),
        sa.Column("opens", sa.Text()),
        sa.Column("closes", sa.Text()),
        sa.Column("in_force", sa.Text()),
        sa.Column("force_rule", sa.Text()),
        sa.Column("welcomed_by", sa.Text()),
        sa.Column("supersedes", sa.Text()),
        sa.Column("binds_later_members", sa.Boolean(), nullable=False),
        sa.Column("lapses_on_leaving", sa.Boolean(), nullable=False),
        sa.Column("reservable", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(["forum_id"], ["forum.id"], name=op.f("fk_instrument_forum_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instrument")),
    )
    op.create_index("ix_instrument_forum_id", "instrument", ["forum_id"])
    op.create_table(
        "provision",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("instrument_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("short", sa.Text(), nullable=False),
        sa.Column("paraphrase", sa.Text(), nullable=False),
        sa.Column("polarity", sa.Text()),
        sa.Column("introduced_by", sa.Text()),
        sa.Column("from_day", sa.Integer()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instrument.id"], name=op.f("fk_provision_instrument_id")
        ),
        sa.ForeignKeyConstraint(
            ["introduced_by"], ["instrument.id"], name=op.f("fk_provision_introduced_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision")),
        sa.UniqueConstraint("instrument_id", "path", name=op.f("uq_provision_instrument_id_path")),
    )
    op.create_index(
        "ix_provision_instrument_id", "provision", ["instrument_id", "position"], unique=False
    )
    op.create_table(
        "provision_link",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("from_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("to_id", sa.Text()),
        sa.Column("to_instrument_id", sa.Text()),
        sa.Column("to_paragraphs", sa.Text()),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["from_id"], ["provision.id"], name=op.f("fk_provision_link_from_id")
        ),
        sa.ForeignKeyConstraint(["to_id"], ["provision.id"], name=op.f("fk_provision_link_to_id")),
        sa.ForeignKeyConstraint(
            ["to_instrument_id"], ["instrument.id"], name=op.f("fk_provision_link_to_instrument_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provision_link")),
        sa.UniqueConstraint("key", name=op.f("uq_provision_link_key")),
    )
    op.create_index("ix_provision_link_from_id", "provision_link", ["from_id"])
    op.create_index("ix_provision_link_to_id", "provision_link", ["to_id"])
    op.create_index("ix_provision_link_to_instrument_id", "provision_link", ["to_instrument_id"])
    op.create_table(
        "text_pin",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("provision_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("link", sa.Text()),
        sa.Column("digest", sa.Text()),
        sa.Column("pinned_us", sa.BigInteger(), nullable=False),
        *_provenance(),
        sa.ForeignKeyConstraint(
            ["provision_id"], ["provision.id"], name=op.f("fk_text_pin_provision_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_pin")),
        sa.UniqueConstraint("key", name=op.f("uq_text_pin_key")),
        sa.UniqueConstraint(
            "provision_id",
            "language",
            "version",
            name=op.f("uq_text_pin_provision_id_language_version"),
        ),
    )
    for table in ("confirmation", "text_pin"):
        refuse_changes(table)


def downgrade() -> None:
    for table in ("confirmation", "text_pin"):
        allow_changes(table)
    for table in (
        "text_pin",
        "provision_link",
        "provision",
        "instrument",
        "programme_item",
        "programme",
        "forum_session",
        "co_chair",
        "membership",
        "forum_profile",
        "confirmation",
        "party",
    ):
        op.drop_table(table)


def _provenance() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_class", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("recorded_us", sa.BigInteger(), nullable=False),
        sa.Column("loaded", sa.Text()),
    )
