"""A candidate put into force as it was previewed, its report kept with the version.

Refused where what was foreseen may no longer hold: the connection or the catalogue is another, a
record came in since that the candidate reads otherwise, or a dossier of the report has changed.
"""

from collections.abc import Mapping

from msgspec import DecodeError, Struct, ValidationError, json, structs
from sqlalchemy.engine import Connection as Tx

from canonical import clock
from canonical.errors import Garbled, HubError
from canonical.reasons import Reason
from canonical.record import Record, Rejected
from canonical.text import Malformed
from store import connections, intake, promotions
from store.connections import ConnectionRow
from sync.connecting import By, Wanted, change_in
from sync.context import Context
from sync.gates import in_write
from sync.intake import Taken, read
from sync.whatif.candidate import Candidate, Supposing, suppose
from sync.whatif.report import WhatIf


class Sealed(Struct, frozen=True):
    """A report as it is handed out, with what shows that this hub made it."""

    report: WhatIf
    seal: str


def seal(context: Context, report: WhatIf) -> Sealed:
    """A report that `promote` will take."""
    return Sealed(report, context.vault.receipt_mac(_told(report)))


def encoded(sealed: Sealed) -> bytes:
    """A sealed report as it is written to a file."""
    return json.encode(sealed)


def _told(report: WhatIf) -> str:
    return f"what-if {json.encode(report, order='sorted').decode()}"


def unseal(context: Context, told: bytes) -> WhatIf:
    """A report that this hub made. Raises HubError for anything else."""
    try:
        found = json.decode(told, type=Sealed)
    except (DecodeError, ValidationError) as error:
        raise HubError(Reason.BODY_MALFORMED, "this is no report of preview-change") from error
    if context.vault.receipt_mac(_told(found.report)) != found.seal:
        raise HubError(Reason.CONFLICT, "the report is not as this hub made it")
    return found.report


def promote(
    context: Context,
    connection_id: str,
    told: bytes,
    by: By,
    files: Mapping[str, bytes] | None = None,
) -> ConnectionRow:
    """Put the candidate of a report into force: the connection's next version.

    Args:
        context: The hub's parts.
        connection_id: Which connection.
        told: The report, as `seal` made it.
        by: Who, and why.
        files: Name -> bytes of contract files that were new to the candidate.

    Raises:
        HubError: CONFLICT where things have moved on since, and which; else as `connecting.change`.
        NotEnabled: its gates object.
    """
    report = unseal(context, told)
    if report.connection != connection_id:
        raise HubError(Reason.CONFLICT, f"the report is about {report.connection!r}")
    wish = report.candidate
    own = files or {}
    candidate = Candidate(wish["overlay"], wish["tables"], wish["declaration"], own)
    now = context.now()
    body = json.encode(report)

    def edit(wanted: Wanted) -> Wanted:
        return structs.replace(wanted, row=candidate.of(wanted.row), files=tuple(own.values()))

    def work(tx: Tx) -> ConnectionRow:
        held = connections.lock_connection(tx, connection_id)
        if held is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        _still_holds(context, tx, held, report, candidate)
        row = change_in(context, tx, connection_id, by, edit, now)
        if row.version == held.version:
            raise HubError(Reason.CONFLICT, "the candidate is what is in force")
        promotions.add(tx, connection_id, row.version, body)
        return row

    return in_write(context, work)


def _still_holds(
    context: Context, tx: Tx, held: ConnectionRow, report: WhatIf, candidate: Candidate
) -> None:
    """Whether what was foreseen is still so. Raises HubError."""
    name = held.id
    if held.version != report.version:
        raise HubError(
            Reason.CONFLICT,
            f"{name!r} is at version {held.version}, the report is of {report.version}: preview"
            " again / kết nối đã đổi, hãy xem trước lại",
        )
    if context.books(tx).version != report.catalogue:
        raise HubError(
            Reason.CONFLICT,
            "the catalogue has changed since the preview: preview again / danh mục đã đổi, hãy xem"
            " trước lại",
        )
    supposed = suppose(context, tx, held, candidate)
    if supposed.digest != report.digest:
        raise HubError(
            Reason.CONFLICT,
            "the program's own mapping is another than at the preview: preview again / bảng ánh xạ"
            " của chương trình đã đổi, hãy xem trước lại",
        )
    ids = [one.dossier for one in report.dossiers] + report.more
    changed = promotions.changed_since(tx, report.seq, ids)
    others = _read_otherwise(context, tx, held, report, Supposing(context, supposed))
    if changed or others:
        raise HubError(
            Reason.CONFLICT,
            f"since the preview {others} records came in that the candidate reads otherwise, and"
            f" {changed} dossiers of the report have changed: preview again / từ lúc xem trước có"
            f" {others} bản ghi mới bị ảnh hưởng, {changed} hồ sơ trong báo cáo đã đổi, hãy xem"
            " trước lại",
        )


def _read_otherwise(
    context: Context, tx: Tx, held: ConnectionRow, report: WhatIf, supposing: Supposing
) -> int:
    """How many records that came in since read otherwise under the candidate."""
    found = 0
    for receipt_id in promotions.receipts_since(tx, held.id, report.decided):
        receipt = intake.load_receipt(tx, receipt_id)
        taken = Taken(
            connection=held,
            shape=receipt.shape,
            raw=intake.load_raw(tx, context.vault, receipt.digest),
            received_at=clock.from_iso(receipt.received_at),
        )
        try:
            old = read(context, tx, taken, receipt.mapping_version).items
            new = read(supposing, tx, taken, receipt.mapping_version).items
        except (Malformed, Garbled):
            found += 1
            continue
        found += sum(_said(a) != _said(b) for a, b in zip(old, new, strict=True))
    return found


def _said(item: object) -> object:
    """What tells two readings of one row apart."""
    if isinstance(item, Record):
        return (item.code, item.part, item.facet, item.version, item.updated_at, item.digest)
    return (item.reason, item.field) if isinstance(item, Rejected) else item


class Promoted(Struct, frozen=True):
    """What was foreseen of a version, and how far its replay is.

    Attributes:
        changed: Dossiers that would be others; `records` that would end otherwise.
        figures: Agencies and years whose figures would be others.
        replay: kept | running | paused | done.
        vi: The report in one Vietnamese sentence; `en` in English.
    """

    at: str
    changed: int
    records: int
    figures: int
    replay: str
    tried: int
    settled: int
    vi: str
    en: str


def reports(context: Context, connection_id: str) -> dict[int, Promoted]:
    """Version -> what was foreseen of it, of those that were promoted by a report."""
    with context.store.read() as tx:
        rows = promotions.versions(tx, connection_id)
        kept = {n: promotions.load_report(tx, connection_id, n) for n in rows}
    found = {}
    for version, row in rows.items():
        told = json.decode(kept[version] or b"", type=WhatIf)
        found[version] = Promoted(
            at=told.at,
            changed=told.changed,
            records=sum(told.outcomes.values()),
            figures=len(told.figures),
            replay=row.state,
            tried=row.tried,
            settled=row.settled,
            vi=told.vi,
            en=told.en,
        )
    return found


def report_of(context: Context, connection_id: str, version: int) -> WhatIf:
    """The report a version was put into force by. Raises HubError NOT_FOUND."""
    with context.store.read() as tx:
        kept = promotions.load_report(tx, connection_id, version)
    if kept is None:
        raise HubError(Reason.NOT_FOUND, f"version {version} of {connection_id!r} has no report")
    return json.decode(kept, type=WhatIf)
