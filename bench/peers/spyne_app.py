"""spyne under waitress, run in its own environment: `spyne_app.py PORT URL MERGE_SQL`.

PushDossiers with the hub's names, every field typed and checked by spyne, stored set-based into the
tables of typical.sql, answered after the commit; four threads, eight connections.
"""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg
import psycopg_pool
import waitress
from spyne import Application, ComplexModel, DateTime, Integer, ServiceBase, Unicode, rpc
from spyne.protocol.soap import Soap11
from spyne.server.wsgi import WsgiApplication

NAMESPACE = "urn:lienthong:dossier:v1"
PORT, URL, MERGE = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text("utf-8")


def model(name: str, /, **fields: Any) -> Any:
    """A type of the contract."""
    return type(
        name, (ComplexModel,), {"__namespace__": NAMESPACE, "_type_info": list(fields.items())}
    )


Procedure = model("Procedure", code=Unicode, name=Unicode, domain=Unicode)
Person = model(
    "Person",
    kind=Unicode,
    name=Unicode,
    id_number=Unicode,
    phone=Unicode,
    email=Unicode,
    address=Unicode,
)
Step = model("Step", status=Unicode, at=DateTime, officer=Unicode, unit=Unicode, note=Unicode)
Dossier = model(
    "Dossier",
    code=Unicode(min_occurs=1),
    version=Integer,
    updated_at=DateTime,
    national_code=Unicode,
    receipt_number=Unicode,
    pin=Unicode,
    procedure=Procedure,
    agency=Unicode,
    received_at_agency=Unicode,
    applicant=Person,
    channel=Unicode,
    service_level=Integer,
    submitted_at=DateTime,
    accepted_at=DateTime,
    due_at=DateTime,
    status=Unicode,
    raw_status=Unicode,
    step=Unicode,
    history=Step.customize(max_occurs="unbounded"),
    finished_at=DateTime,
    handed_over_at=DateTime,
)
PLAIN = (
    "code",
    "version",
    "national_code",
    "receipt_number",
    "agency",
    "status",
    "channel",
    "accepted_at",
    "due_at",
    "finished_at",
    "updated_at",
)
pool = psycopg_pool.ConnectionPool(
    URL,
    min_size=4,
    max_size=8,
    kwargs={"autocommit": True, "cursor_factory": psycopg.RawCursor},
)


def row(told: Any) -> dict[str, Any]:
    """A dossier in the words of typical.sql."""
    made = {name: getattr(told, name) for name in PLAIN}
    made |= {"source": "desk", "procedure_code": told.procedure.code}
    person = {name: getattr(told.applicant, name) for name in ("kind", "name", "id_number")}
    steps = [{"status": s.status, "at": s.at} for s in told.history or ()]
    return made | {"applicant": person, "body": {"step": told.step, "history": steps}}


class Dossiers(ServiceBase):
    """The one operation."""

    @rpc(Dossier.customize(max_occurs="unbounded"), _returns=Integer)
    def PushDossiers(ctx: Any, dossier: Any) -> int:  # noqa: N802, N805 - as spyne wants it
        """How many were stored."""
        told = json.dumps([row(one) for one in dossier], default=str)
        with pool.connection() as store:
            store.execute(MERGE, (told,))
        return len(dossier)


application = Application(
    [Dossiers], NAMESPACE, in_protocol=Soap11(validator="soft"), out_protocol=Soap11()
)

if __name__ == "__main__":
    waitress.serve(WsgiApplication(application), host="127.0.0.1", port=PORT, threads=4)
