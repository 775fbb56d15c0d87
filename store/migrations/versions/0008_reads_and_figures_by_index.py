"""Indexes that a portal's reads and the indicators follow, however many dossiers there are.

Revision: 0008, after: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"postgresql_where": sa.text(condition), "sqlite_where": sa.text(condition)}


def upgrade() -> None:
    living = _where("merged_into IS NULL")
    op.drop_index("dossier_by_agency", "dossier")
    op.drop_index("dossier_by_received", "dossier")
    op.create_index("dossier_by_agency", "dossier", ["agency", "status", "id"], **living)
    op.create_index("dossier_by_received", "dossier", ["received_agency", "status", "id"], **living)
    op.create_index("dossier_by_status", "dossier", ["status", "id"], **living)
    op.create_index("judgement_turned", "judgement", ["received_agency", "from_day", "accepted_on"])
    op.create_index(
        "judgement_running",
        "judgement",
        ["received_agency", "accepted_on"],
        **_where("kind IN ('open', 'waiting')"),
    )
    op.create_index(
        "receipt_heard",
        "receipt",
        ["connection_id", "received_at"],
        **_where("origin_id IS NULL AND shape <> 'gone'"),
    )
    op.create_index("run_done", "run", ["connection_id", "ended_at"], **_where("state = 'done'"))


def downgrade() -> None:
    raise NotImplementedError("a store is never taken back to an older schema: restore a backup")
