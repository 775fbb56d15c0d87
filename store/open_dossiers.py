"""Dossiers that are not ended yet, as whoever changes the catalogue asks about them."""

from sqlalchemy import text
from sqlalchemy.engine import Connection as Tx

from store.reads import of_procedure

_RUNNING = "kind IN ('open', 'waiting')"


def count(tx: Tx, *, agency: str | None = None, procedure: str | None = None) -> int:
    """How many there are; of one receiving agency, or of one procedure, where said."""
    where, told = _RUNNING, dict[str, str]()
    if agency is not None:
        where, told = f"{where} AND received_agency = :agency", {"agency": agency}
    if procedure is not None:
        meant = of_procedure("procedure_code", procedure)
        where, told = f"{where} AND {meant.condition}", {**told, **meant.parameters}
    return int(tx.execute(text(f"SELECT count(*) FROM judgement WHERE {where}"), told).scalar_one())


def newest_bodies(tx: Tx, limit: int) -> list[str]:
    """The newest of them as they are shown, JSON."""
    found = tx.execute(
        text(
            "SELECT dossier.body FROM judgement JOIN dossier ON dossier.id = judgement.dossier_id"
            f" WHERE {_RUNNING} AND dossier.merged_into IS NULL"
            " ORDER BY judgement.accepted_on DESC, dossier.id DESC LIMIT :limit"
        ),
        {"limit": limit},
    )
    return [row[0] for row in found]
