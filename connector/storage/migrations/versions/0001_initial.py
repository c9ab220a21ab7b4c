"""initial

Revision 0001, after an empty database.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys by itself


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_used_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_tokens_digest")),
    )
    op.create_index(
        "ix_api_tokens_name",
        "api_tokens",
        ["name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "api_usage",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "hour", name=op.f("pk_api_usage")),
    )
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("keys", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor_kind", sa.String(length=10), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_kind", sa.String(length=40), nullable=False),
        sa.Column("object", sa.String(length=200), nullable=False),
        sa.Column("before", JSON, nullable=False),
        sa.Column("after", JSON, nullable=False),
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_of_actor", "audit_log", ["actor", "seq"], unique=False)
    op.create_index("ix_audit_log_of_object", "audit_log", ["object_kind", "object", "seq"], unique=False)
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("ticket_id", sa.String(length=60), nullable=True),
        sa.Column("response_id", sa.String(length=26), nullable=True),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("run_id", sa.String(length=26), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.Column("contacted_at", MOMENT, nullable=True),
        sa.Column("solved_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=60), nullable=True),
        sa.Column("root_cause", sa.String(length=60), nullable=True),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.Column("high_value", sa.Boolean(), nullable=False),
        sa.Column("caller", sa.String(length=100), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("connection", "ticket_id", name=op.f("uq_callbacks_connection_ticket_id")),
        sa.UniqueConstraint("external_id", name=op.f("uq_callbacks_external_id")),
    )
    op.create_index(op.f("ix_callbacks_customer_id"), "callbacks", ["customer_id"], unique=False)
    op.create_index(
        "ix_callbacks_open",
        "callbacks",
        ["connection", "id"],
        unique=False,
        sqlite_where=sa.text("status IN ('asked', 'open', 'taken', 'contacted', 'reopened')"),
        postgresql_where=sa.text("status IN ('asked', 'open', 'taken', 'contacted', 'reopened')"),
    )
    op.create_index(op.f("ix_callbacks_response_id"), "callbacks", ["response_id"], unique=False)
    op.create_index(
        "ix_callbacks_solved",
        "callbacks",
        ["connection", "changed_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('solved', 'not_reached', 'recovered', 'not_recovered')"),
        postgresql_where=sa.text("status IN ('solved', 'not_reached', 'recovered', 'not_recovered')"),
    )
    op.create_table(
        "connections",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("blocked_until", MOMENT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("spent", JSON, nullable=True),
        sa.Column("budget_until", MOMENT, nullable=True),
        sa.Column("turn", sa.String(length=100), nullable=False),
        sa.Column("wrote_at", MOMENT, nullable=True),
        sa.Column("own_user", sa.String(length=100), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("token_lease_until", MOMENT, nullable=True),
        sa.Column("logins_until", MOMENT, nullable=True),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_connections")),
    )
    op.create_table(
        "crm_jobs",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("digests", JSON, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_crm_jobs")),
    )
    op.create_table(
        "crm_people",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("merged_into", sa.String(length=60), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=True),
        sa.Column("do_not_call", sa.Boolean(), nullable=True),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "record", name=op.f("pk_crm_people")),
    )
    op.create_index("ix_crm_people_account", "crm_people", ["connection", "account"], unique=False)
    op.create_index("ix_crm_people_merged", "crm_people", ["connection", "merged_into"], unique=False)
    op.create_table(
        "crm_written",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("object", sa.String(length=80), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=40), nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "object", "record", name=op.f("pk_crm_written")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("known_at", JSON, nullable=True),
        sa.Column("opted_out_at", MOMENT, nullable=True),
        sa.Column("loyalty", sa.String(length=20), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_table(
        "definition_drafts",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", "slug", name=op.f("pk_definition_drafts")),
    )
    op.create_table(
        "definition_states",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("waiting", sa.Text(), nullable=True),
        sa.Column("waiting_since", MOMENT, nullable=True),
        sa.Column("off_at", MOMENT, nullable=True),
        sa.Column("off_by", sa.String(length=200), nullable=False),
        sa.Column("off_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "slug", name=op.f("pk_definition_states")),
    )
    op.create_table(
        "definitions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_definitions")),
        sa.UniqueConstraint("kind", "slug", "version", name=op.f("uq_definitions_kind_slug_version")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=False),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("processed_at", MOMENT, nullable=True),
        sa.Column("emptied_at", MOMENT, nullable=True),
        sa.Column("begun", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("connection", "key", name=op.f("uq_deliveries_connection_key")),
    )
    op.create_index(
        "ix_deliveries_content",
        "deliveries",
        ["received_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('done', 'ignored') AND emptied_at IS NULL"),
        postgresql_where=sa.text("status IN ('done', 'ignored') AND emptied_at IS NULL"),
    )
    op.create_index(
        "ix_deliveries_ignored",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'ignored'"),
        postgresql_where=sa.text("status = 'ignored'"),
    )
    op.create_index("ix_deliveries_list", "deliveries", ["connection", "id"], unique=False)
    op.create_index(
        "ix_deliveries_new",
        "deliveries",
        ["connection", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'new'"),
        postgresql_where=sa.text("status = 'new'"),
    )
    op.create_index(
        "ix_deliveries_trouble",
        "deliveries",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status IN ('unreadable', 'failed')"),
        postgresql_where=sa.text("status IN ('unreadable', 'failed')"),
    )
    op.create_table(
        "events",
        sa.Column("seq", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("time", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("delivery_id", SERIAL, nullable=True),
        sa.Column("data", JSON, nullable=False),
        sa.Column("decisions", JSON, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("connection", "external_id", name=op.f("uq_events_connection_external_id")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index(op.f("ix_events_delivery_id"), "events", ["delivery_id"], unique=False)
    op.create_index("ix_events_look_back", "events", ["type", "subject", "seq"], unique=False)
    op.create_index("ix_events_of_customer", "events", ["customer_id", "time"], unique=False)
    op.create_table(
        "guesses",
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("network", name=op.f("pk_guesses")),
    )
    op.create_index(op.f("ix_guesses_until"), "guesses", ["until"], unique=False)
    op.create_table(
        "identity_conflicts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("mark", sa.String(length=80), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("event_id", sa.String(length=26), nullable=False),
        sa.Column("kept", sa.String(length=26), nullable=False),
        sa.Column("others", JSON, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decision", sa.String(length=60), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_conflicts")),
        sa.UniqueConstraint("mark", name=op.f("uq_identity_conflicts_mark")),
    )
    op.create_index("ix_identity_conflicts_list", "identity_conflicts", ["status", "seen_at"], unique=False)
    op.create_table(
        "mail_returns",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("mail", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("invitation_id", sa.String(length=26), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("mailed_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_returns")),
        sa.UniqueConstraint("mail", "kind", name=op.f("uq_mail_returns_mail_kind")),
    )
    op.create_index("ix_mail_returns_address", "mail_returns", ["address"], unique=False)
    op.create_index("ix_mail_returns_list", "mail_returns", ["seen_at"], unique=False)
    op.create_index("ix_mail_returns_of_customer", "mail_returns", ["customer_id", "seen_at"], unique=False)
    op.create_table(
        "mail_suppressions",
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, nullable=True),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.Column("lifted_by", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_mail_suppressions")),
    )
    op.create_index(
        op.f("ix_mail_suppressions_customer_id"), "mail_suppressions", ["customer_id"], unique=False
    )
    op.create_table(
        "oidc_tokens_seen",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_oidc_tokens_seen")),
    )
    op.create_index(op.f("ix_oidc_tokens_seen_ends_at"), "oidc_tokens_seen", ["ends_at"], unique=False)
    op.create_table(
        "positions",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("at", sa.String(length=200), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.Column("taken_until", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_positions")),
    )
    op.create_table(
        "press_traces",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("invitation_id", sa.String(length=26), nullable=False),
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("touched", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=10), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("scanner", sa.Boolean(), nullable=False),
        sa.Column("trapped", sa.Boolean(), nullable=False),
        sa.Column("pointers", sa.Integer(), nullable=True),
        sa.Column("strokes", sa.Integer(), nullable=True),
        sa.Column("seen_ms", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_press_traces")),
        sa.UniqueConstraint(
            "invitation_id",
            "network",
            "touched",
            "value",
            "slot",
            name=op.f("uq_press_traces_invitation_id_network_touched_value_slot"),
        ),
    )
    op.create_table(
        "provisioned",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("vendor_id", sa.String(length=100), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "kind", "key", name=op.f("pk_provisioned")),
    )
    op.create_table(
        "response_revisions",
        sa.Column("response_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(length=20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("contact_consent", sa.Boolean(), nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("response_id", "revision", name=op.f("pk_response_revisions")),
    )
    op.create_index(
        op.f("ix_response_revisions_customer_id"), "response_revisions", ["customer_id"], unique=False
    )
    op.create_table(
        "responses",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("survey", sa.String(length=100), nullable=False),
        sa.Column("metric", sa.String(length=10), nullable=False),
        sa.Column("scale", sa.String(length=40), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("band", sa.String(length=20), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("contact_consent", sa.Boolean(), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("invitation_id", sa.String(length=26), nullable=True),
        sa.Column("about", sa.String(length=26), nullable=True),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("context", JSON, nullable=False),
        sa.Column("brand", sa.String(length=100), nullable=False),
        sa.Column("team", sa.String(length=100), nullable=False),
        sa.Column("product", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("moment", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responses")),
        sa.UniqueConstraint("connection", "external_id", name=op.f("uq_responses_connection_external_id")),
    )
    op.create_index(op.f("ix_responses_about"), "responses", ["about"], unique=False)
    op.create_index(
        "ix_responses_latest", "responses", ["customer_id", "metric", "answered_at"], unique=False
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("teams", JSON, nullable=True),
        sa.Column("brands", JSON, nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("password", sa.String(length=300), nullable=True),
        sa.Column("password_at", MOMENT, nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("totp_at", MOMENT, nullable=True),
        sa.Column("issuer", sa.String(length=500), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("signed_in_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_users_issuer_subject")),
    )
    op.create_table(
        "writebacks",
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("metric", sa.String(length=10), nullable=False),
        sa.Column("response_id", sa.String(length=26), nullable=False),
        sa.Column("answered_at", MOMENT, nullable=False),
        sa.Column("written_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("connection", "record", "metric", name=op.f("pk_writebacks")),
    )
    op.create_table(
        "consents",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.String(length=60), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_consents_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(op.f("ix_consents_customer_id"), "consents", ["customer_id"], unique=False)
    op.create_table(
        "identities",
        sa.Column("system", sa.String(length=100), nullable=False),
        sa.Column("value", sa.String(length=320), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("gone_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_identities_customer_id")),
        sa.PrimaryKeyConstraint("system", "value", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_customer_id"), "identities", ["customer_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("token_key", sa.String(length=8), nullable=False),
        sa.Column("token_kept", sa.LargeBinary(), nullable=True),
        sa.Column("survey", sa.String(length=100), nullable=False),
        sa.Column("definition_id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("said", JSON, nullable=True),
        sa.Column("about", sa.String(length=26), nullable=True),
        sa.Column("once", sa.String(length=200), nullable=True),
        sa.Column("context", JSON, nullable=False),
        sa.Column("variants", JSON, nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("seen_language", sa.String(length=35), nullable=True),
        sa.Column("touched_at", MOMENT, nullable=True),
        sa.Column("settles_at", MOMENT, nullable=True),
        sa.Column("counted", JSON, nullable=True),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("team", sa.String(length=100), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("wanted_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("planned_at", MOMENT, nullable=True),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_invitations_customer_id")),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["definitions.id"], name=op.f("fk_invitations_definition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("once", name=op.f("uq_invitations_once")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_invitations_token_digest")),
    )
    op.create_index("ix_invitations_fatigue", "invitations", ["customer_id", "asked_at"], unique=False)
    op.create_index("ix_invitations_keys", "invitations", ["token_key", "survey"], unique=False)
    op.create_index(
        "ix_invitations_open",
        "invitations",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('sent', 'opened', 'started')"),
        postgresql_where=sa.text("status IN ('sent', 'opened', 'started')"),
    )
    op.create_index(
        "ix_invitations_prepared",
        "invitations",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'prepared'"),
        postgresql_where=sa.text("status = 'prepared'"),
    )
    op.create_index("ix_invitations_quota", "invitations", ["survey", "asked_at"], unique=False)
    op.create_index("ix_invitations_run", "invitations", ["run_id"], unique=False)
    op.create_index(
        "ix_invitations_sent",
        "invitations",
        ["sent_at"],
        unique=False,
        sqlite_where=sa.text("sent_at IS NOT NULL"),
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.create_index(
        "ix_invitations_settling",
        "invitations",
        ["settles_at"],
        unique=False,
        sqlite_where=sa.text("settles_at IS NOT NULL"),
        postgresql_where=sa.text("settles_at IS NOT NULL"),
    )
    op.create_table(
        "phones",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_phones_customer_id")),
        sa.PrimaryKeyConstraint("number", "customer_id", name=op.f("pk_phones")),
    )
    op.create_index(op.f("ix_phones_customer_id"), "phones", ["customer_id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("workflow", sa.String(length=100), nullable=False),
        sa.Column("definition_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("slot", sa.String(length=400), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("state", JSON, nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=True),
        sa.Column("step", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["definition_id"], ["definitions.id"], name=op.f("fk_runs_definition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("slot", name=op.f("uq_runs_slot")),
    )
    op.create_index(
        "ix_runs_cancelled",
        "runs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'cancelled'"),
        postgresql_where=sa.text("status = 'cancelled'"),
    )
    op.create_index(op.f("ix_runs_customer_id"), "runs", ["customer_id"], unique=False)
    op.create_index(
        "ix_runs_dismissed",
        "runs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'dismissed'"),
        postgresql_where=sa.text("status = 'dismissed'"),
    )
    op.create_index(
        "ix_runs_ended",
        "runs",
        ["ended_at"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_runs_event_seq"), "runs", ["event_seq"], unique=False)
    op.create_index("ix_runs_list", "runs", ["workflow", "id"], unique=False)
    op.create_index("ix_runs_list_both", "runs", ["workflow", "status", "id"], unique=False)
    op.create_index(
        "ix_runs_queue",
        "runs",
        ["workflow", "key", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'queued'"),
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_runs_ready",
        "runs",
        ["workflow", "due_at", "status"],
        unique=False,
        sqlite_where=sa.text("status = 'ready'"),
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_index(
        "ix_runs_stopped",
        "runs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status IN ('failed', 'dead', 'needs_review', 'done_with_failure')"),
        postgresql_where=sa.text("status IN ('failed', 'dead', 'needs_review', 'done_with_failure')"),
    )
    op.create_index(
        "ix_runs_succeeded",
        "runs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'succeeded'"),
        postgresql_where=sa.text("status = 'succeeded'"),
    )
    op.create_index(
        "ix_runs_timers",
        "runs",
        ["workflow", "due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting' AND due_at IS NOT NULL"),
        postgresql_where=sa.text("status = 'waiting' AND due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_runs_waiting",
        "runs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "suppressions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("survey", sa.String(length=100), nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("numbers", JSON, nullable=False),
        sa.Column("said", JSON, nullable=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_suppressions_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
    )
    op.create_index(op.f("ix_suppressions_customer_id"), "suppressions", ["customer_id"], unique=False)
    op.create_index("ix_suppressions_run", "suppressions", ["run_id"], unique=False)
    op.create_table(
        "user_links",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("purpose", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_user_links_digest")),
    )
    op.create_index(op.f("ix_user_links_user_id"), "user_links", ["user_id"], unique=False)
    op.create_table(
        "user_recovery_codes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_recovery_codes")),
    )
    op.create_index(op.f("ix_user_recovery_codes_user_id"), "user_recovery_codes", ["user_id"], unique=False)
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("stage", sa.String(length=10), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("network", sa.String(length=50), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=True),
        sa.Column("sid", sa.String(length=255), nullable=True),
        sa.Column("looks_as", sa.String(length=20), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_user_sessions_digest")),
    )
    op.create_index(op.f("ix_user_sessions_ends_at"), "user_sessions", ["ends_at"], unique=False)
    op.create_index(op.f("ix_user_sessions_sid"), "user_sessions", ["sid"], unique=False)
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "doubted_presses",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("invitation_id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("survey", sa.String(length=100), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("signals", JSON, nullable=False),
        sa.Column("answers", JSON, nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("pressed_at", MOMENT, nullable=False),
        sa.Column("judged_at", MOMENT, nullable=False),
        sa.Column("asked_at", MOMENT, nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_doubted_presses_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_doubted_presses_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubted_presses")),
    )
    op.create_index(op.f("ix_doubted_presses_customer_id"), "doubted_presses", ["customer_id"], unique=False)
    op.create_index(
        "ix_doubted_presses_of_invitation", "doubted_presses", ["invitation_id", "what", "id"], unique=False
    )
    op.create_index(
        "ix_doubted_presses_open",
        "doubted_presses",
        ["verdict", "id"],
        unique=False,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_table(
        "effects",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=False),
        sa.Column("visit", sa.String(length=120), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("connection", sa.String(length=100), nullable=False),
        sa.Column("workflow", sa.String(length=100), nullable=False),
        sa.Column("effect_class", sa.String(length=1), nullable=False),
        sa.Column("delivery", sa.String(length=16), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("serial", sa.String(length=300), nullable=True),
        sa.Column("bucket", sa.String(length=40), nullable=True),
        sa.Column("cost", sa.Integer(), nullable=False),
        sa.Column("beside", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=26), nullable=True),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("unsure", sa.Boolean(), nullable=False),
        sa.Column("first_tried_at", MOMENT, nullable=True),
        sa.Column("retry", JSON, nullable=True),
        sa.Column("outcome", JSON, nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("error_kind", sa.String(length=16), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_effects_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint("key", name=op.f("uq_effects_key")),
    )
    op.create_index(
        "ix_effects_due",
        "effects",
        ["connection", "workflow", "due_at"],
        unique=False,
        sqlite_where=sa.text("status = 'due'"),
        postgresql_where=sa.text("status = 'due'"),
    )
    op.create_index(
        "ix_effects_leases",
        "effects",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("status = 'performing'"),
        postgresql_where=sa.text("status = 'performing'"),
    )
    op.create_index(op.f("ix_effects_run_id"), "effects", ["run_id"], unique=False)
    op.create_index(
        "ix_effects_serial",
        "effects",
        ["connection", "serial"],
        unique=False,
        sqlite_where=sa.text("status = 'performing'"),
        postgresql_where=sa.text("status = 'performing'"),
    )
    op.create_index(
        "ix_effects_trouble",
        "effects",
        ["id"],
        unique=False,
        sqlite_where=sa.text("status IN ('failed', 'review')"),
        postgresql_where=sa.text("status IN ('failed', 'review')"),
    )
    op.create_table(
        "history",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("notes", JSON, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_history_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history")),
    )
    op.create_index(op.f("ix_history_run_id"), "history", ["run_id"], unique=False)
    op.create_table(
        "household_asks",
        sa.Column("household", sa.String(length=64), nullable=False),
        sa.Column("invitation_id", sa.String(length=26), nullable=False),
        sa.Column("customer_id", sa.String(length=26), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_household_asks_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_household_asks_invitation_id")
        ),
        sa.PrimaryKeyConstraint("household", "invitation_id", name=op.f("pk_household_asks")),
    )
    op.create_index(op.f("ix_household_asks_customer_id"), "household_asks", ["customer_id"], unique=False)
    op.create_index(
        op.f("ix_household_asks_invitation_id"), "household_asks", ["invitation_id"], unique=False
    )
    op.create_index("ix_household_asks_newest", "household_asks", ["household", "asked_at"], unique=False)
    op.create_table(
        "waits",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=False),
        sa.Column("visit", sa.String(length=120), nullable=False),
        sa.Column("event_type", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_waits_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waits")),
    )
    op.create_index(
        "ix_waits_open",
        "waits",
        ["event_type", "subject"],
        unique=False,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index(op.f("ix_waits_run_id"), "waits", ["run_id"], unique=False)
