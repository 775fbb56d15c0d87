"""What a hub holds, for two hubs to be held against each other: ids of legs replaced by names."""

import json
from typing import Any

from sqlmodel import SQLModel

from store.engine import Store

TABLES = (
    "leg",
    "claim",
    "claim_crowd",
    "timeline",
    "member",
    "dossier",
    "judgement",
    "judgement_span",
    "record",
    "receipt",
    "change",
    "agency_seen",
    "feed",
)
# Random, or made with what is.
_OWN = {"public_id", "client_id", "seal"}
_LEG_IDS = {"leg_id", "dossier_id", "merged_into", "into_id"}


def told(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Table -> its rows, sorted, with nothing in them that is another in every store."""
    with store.read() as tx:
        every = {
            name: [
                dict(row) for row in tx.execute(SQLModel.metadata.tables[name].select()).mappings()
            ]
            for name in TABLES
        }
    names = {
        row["id"]: f"{row['namespace']}:{row['code']}#{row['generation']}" for row in every["leg"]
    }
    return {
        name: sorted((_plain(name, row, names) for row in rows), key=json.dumps)
        for name, rows in every.items()
    }


def _plain(table: str, row: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    ids = _LEG_IDS | ({"id"} if table in ("leg", "dossier") else set())
    own = _OWN - ({"public_id"} if table == "dossier" else set())
    found = {}
    for column, value in row.items():
        if column in own:
            continue
        if table == "receipt" and column == "duplicates":
            value = [[place, code, names[leg]] for place, code, leg in json.loads(value)]
        found[column] = names[value] if column in ids and value is not None else value
    return json.loads(json.dumps(found, default=str))  # type: ignore[no-any-return]
