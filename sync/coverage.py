"""The coverage proof: every value that can arrive maps to a target, or is refused by name.

What can arrive: the closed lists of the pinned contract, the code lists of the mapping itself, and
whatever any stored raw record of the connection ever said, free-text sub-states included. Raw
receipts are read again page by page; what is kept of them is a count per value.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import blake2b
from weakref import WeakKeyDictionary

from msgspec import Struct, json, structs
from sqlalchemy.engine import Connection as Tx

from canonical.errors import HubError
from canonical.mapping.bounded import ExpressionFault
from canonical.mapping.coded import Coded, Codes, wire_of
from canonical.mapping.compile import MappingFault
from canonical.mapping.overlay import OverlayFault
from canonical.mapping.transforms import Bad
from canonical.ports import Row, System
from canonical.reasons import Reason
from canonical.text import Malformed
from store import connections, coverage
from store.connections import ConnectionRow
from sync import shapes
from sync.connection_documents import effective
from sync.connection_systems import system_wanted
from sync.context import Context
from sync.coverage_figures import Figure, figures_of
from sync.reading import GONE

Progress = Callable[[int, int], None]
SEEN, CONTRACT, LISTED, TABLE = "seen", "contract", "listed", "table"
_MOST_VALUES = 10_000  # of one field; a code list is shorter, more is none
_MORE = "…"
_MOST_TEXT = 120
_MOST_FIGURES = 5  # in a sentence; a report has them all
_REMEMBERED = 8
_IN_PASSING = 4 * 1024 * 1024  # bytes of receipts that are read while a connection is locked


class Uncovered(Struct, frozen=True):
    """A value that maps to nothing, and that nobody refused by name.

    Attributes:
        field: The canonical fields it is for; `history.status` for one inside a list.
        rule: Where it is to be mapped (`tables.RULE`) or refused by name (`refused.RULE`).
        source: seen | contract | listed | table: in stored records, in the contract, in the
            system's own code list, in the table that is in force.
        records: Stored records that say it.
        dossiers: Dossiers that count or are shown now, and whose records say it.
        outside: Local codes of which the hub shows nothing yet: they wait in the quarantine.
        figures: Where those dossiers count today.
        vi: All of it in one Vietnamese sentence.
        en: Likewise in English.
    """

    shape: str
    field: str
    rule: str
    value: str
    source: str
    records: int
    dossiers: int
    outside: int
    figures: list[Figure]
    vi: str
    en: str


class Field(Struct, frozen=True):
    """One coded field: how many different values it has, and how many lead where."""

    shape: str
    field: str
    rule: str
    place: str
    values: int
    mapped: int
    refused: int
    uncovered: int


class Named(Struct, frozen=True):
    """A value that is refused by name, and how many stored records say it."""

    rule: str
    value: str
    reason: str
    records: int


class Coverage(Struct, frozen=True):
    """The proof, or what is missing from it.

    Attributes:
        ok: Whether every value is covered.
        records: Stored records that were looked at.
        receipts: Stored receipts that were looked at.
        unreadable: Receipts whose bytes this system cannot take apart; their values are unknown.
        fields: Every coded field.
        uncovered: Every value without a target or name, those of most dossiers first.
        named: Every value that is refused by name.
        vi: How it ends, in one Vietnamese sentence.
        en: Likewise in English.
    """

    connection: str
    version: int
    ok: bool
    receipts: int
    records: int
    unreadable: int
    fields: list[Field]
    uncovered: list[Uncovered]
    named: list[Named]
    vi: str
    en: str


class LookFirst(Exception):
    """So much is stored that it is to be read before a connection is locked (`gates.in_write`)."""

    def __init__(self, *rows: ConnectionRow) -> None:
        super().__init__(", ".join(row.id for row in rows))
        self.rows = rows


class _Census:
    """The values of one connection under one mapping, counted up to a receipt."""

    def __init__(self, codes: Codes, system: System, row: ConnectionRow) -> None:
        self.codes, self.system = codes, system
        self.lock = threading.Lock()
        self.after = self.known = self.receipts = self.records = self.unreadable = 0
        self._row = row
        self.values: list[set[str]] = [set() for _ in codes.fields]
        self.records_of: dict[tuple[str, str], int] = {}  # (rule, value)
        self.dossiers: dict[tuple[str, str], set[tuple[str, str]]] = {}  # of those not covered
        self._by_shape: dict[str, list[tuple[int, Coded]]] = {}
        for place, field in enumerate(codes.fields):
            self._by_shape.setdefault(field.shape, []).append((place, field))
        self._bodies: set[int] = set()

    def is_whole(self, tx: Tx) -> bool:
        """Whether no receipt came to light behind its back: ids need not commit in their order."""
        return coverage.count_until(tx, self._row.id, self.after) == self.known

    def go_on(self, context: Context, tx: Tx, progress: Progress | None = None) -> None:
        """Read what came since."""
        total, _, until = coverage.left_to_read(tx, self._row.id, self.after)
        found = coverage.kept(tx, self._row.id, self.after, until)
        for done, one in enumerate(found, start=1):
            self._take(context, tx, one)
            if progress is not None:
                progress(done, total)
        self.after, self.known = until, self.known + total

    def _take(self, context: Context, tx: Tx, one: coverage.Kept) -> None:
        shape = shapes.told(one.shape)
        body = int.from_bytes(blake2b(f"{one.digest}{one.shape}".encode(), digest_size=8).digest())
        if shape.name == GONE or shape.is_act or body in self._bodies:
            return  # what says nothing, or nothing that another receipt does not say
        self._bodies.add(body)
        self.receipts += 1
        try:
            # A declaration may have changed since: bytes are taken apart as they were then.
            system = context.system_of(self._row, one.mapping_version, tx)
            rows = system.rows(shape.name, context.vault.open(one.data))
        except (Malformed, HubError, ValueError):
            self.unreadable += 1
            return
        for position, row in enumerate(rows):
            if isinstance(row, Row) and (shape.positions is None or position in shape.positions):
                self._count(row)

    def _count(self, row: Row) -> None:
        self.records += 1
        said: set[tuple[str, str]] = set()
        for place, field in self._by_shape.get(row.shape, ()):
            values = self.values[place]
            for key in field.keys(row.values):
                told = key
                if key not in values:
                    if len(values) >= _MOST_VALUES:
                        told = _MORE
                    values.add(told)
                said.add((field.rule, told))
                if not self.codes.is_covered(field, told):
                    code = self.codes.code(row.shape, row.values)
                    if code is not None:
                        part = self.codes.parts.get(row.shape, "")
                        self.dossiers.setdefault((field.rule, told), set()).add((part, code))
        for one in said:
            self.records_of[one] = self.records_of.get(one, 0) + 1


_known: WeakKeyDictionary[Context, OrderedDict[tuple[str, bytes], _Census]] = WeakKeyDictionary()
_lock = threading.Lock()


def look(context: Context, row: ConnectionRow, progress: Progress | None = None) -> Coverage:
    """The coverage of a connection as it is, or as this row would have it.

    Args:
        context: The hub's parts.
        row: The connection.
        progress: Told how many of how many receipts are read.

    Raises:
        HubError: CONFLICT where its mapping cannot be compiled.
    """
    with context.store.read() as tx:
        return look_in(context, tx, row, progress)


def of(context: Context, connection_id: str, progress: Progress | None = None) -> Coverage:
    """The coverage of a connection as it is configured. Raises HubError NOT_FOUND."""
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
        if row is None:
            raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
        return look_in(context, tx, row, progress)


def look_in(
    context: Context,
    tx: Tx,
    row: ConnectionRow,
    progress: Progress | None = None,
    *,
    is_locked: bool = False,
) -> Coverage:
    """As `look`, in a transaction that is under way.

    Raises:
        LookFirst: a connection is locked, and more than a little is to be read.
    """
    system = system_wanted(context, tx, row)
    try:
        document = effective(system, row)
        codes = Codes(document, system.transforms, row.tables) if document is not None else None
    except (OverlayFault, MappingFault, ExpressionFault) as error:
        raise HubError(Reason.CONFLICT, f"{row.id!r}: {error}") from error
    if codes is None:
        return _nothing_coded(row)
    told = json.encode([document, row.tables, row.declaration, row.files], order="sorted")
    key = (row.id, blake2b(told, digest_size=16).digest())
    with _lock:
        known = _known.setdefault(context, OrderedDict())
        census = known.pop(key, None) or _Census(codes, system, row)
        known[key] = census
        while len(known) > _REMEMBERED:
            known.popitem(last=False)
    locked = census.lock
    if not locked.acquire(blocking=not is_locked):
        raise LookFirst(row)
    try:
        if not census.is_whole(tx):
            census = known[key] = _Census(codes, system, row)
        if is_locked and coverage.left_to_read(tx, row.id, census.after)[1] > _IN_PASSING:
            raise LookFirst(row)
        census.go_on(context, tx, progress)
        return _told(context, tx, row, census)
    finally:
        locked.release()


def _nothing_coded(row: ConnectionRow) -> Coverage:
    return Coverage(
        connection=row.id,
        version=row.version,
        ok=True,
        receipts=0,
        records=0,
        unreadable=0,
        fields=[],
        uncovered=[],
        named=[],
        vi="nói bằng từ ngữ của trục, không có mã nào phải ánh xạ",
        en="speaks the hub's own words; there is no code to be mapped",
    )


class _Bad(Struct):
    """One value that is covered nowhere, over all the fields of one rule."""

    shape: str
    fields: list[str]
    source: str


def _told(context: Context, tx: Tx, row: ConnectionRow, census: _Census) -> Coverage:
    codes = census.codes
    fields = []
    found: dict[tuple[str, str], _Bad] = {}
    named: dict[tuple[str, str], Named] = {}
    for place, field in enumerate(codes.fields):
        values = dict.fromkeys(census.values[place], SEEN)
        for value in _declared(census.system, field):
            values.setdefault(value, CONTRACT)
        for value in _base(census.system, field):
            values.setdefault(value, LISTED)
        for value in codes.listed(field):
            values.setdefault(value, TABLE)
        wrong = [v for v in values if not codes.is_covered(field, v)]
        mapped = sum(codes.is_mapped(field, v) for v in values)
        fields.append(
            Field(
                shape=field.shape,
                field=field.target,
                rule=field.rule,
                place=field.place,
                values=len(values),
                mapped=mapped,
                refused=len(values) - mapped - len(wrong),
                uncovered=len(wrong),
            )
        )
        for value, why in codes.refused(field).items():
            if not codes.is_mapped(field, value):
                records = census.records_of.get((field.rule, value), 0)
                named[field.rule, value] = Named(field.rule, value, why, records)
        for value in wrong:
            bad = found.setdefault((field.rule, value), _Bad(field.shape, [], values[value]))
            if field.target not in bad.fields:
                bad.fields.append(field.target)
            if values[value] == SEEN:
                bad.source = SEEN
    uncovered = [_uncovered(context, tx, row, census, told, bad) for told, bad in found.items()]
    uncovered.sort(key=lambda one: (-one.dossiers, -one.records, one.rule, one.value))
    vi, en = _ending(len(uncovered), census)
    return Coverage(
        connection=row.id,
        version=row.version,
        ok=not uncovered and not census.unreadable,
        receipts=census.receipts,
        records=census.records,
        unreadable=census.unreadable,
        fields=fields,
        uncovered=uncovered,
        named=sorted(named.values(), key=lambda one: (one.rule, one.value)),
        vi=vi,
        en=en,
    )


def _base(system: System, field: Coded) -> Iterator[str]:
    """The system's own code list: what an overlay leaves out may arrive all the same."""
    document = system.mapping_document or {}
    for kind in ("tables", "refused"):
        yield from document.get(kind, {}).get(field.rule, ())


def _declared(system: System, field: Coded) -> Iterator[str]:
    """What the closed lists of the contract give to be looked up."""
    for path in field.paths:
        for value in system.listed.get(path.rpartition(".")[2], ()):
            with contextlib.suppress(Bad):
                yield from field.keys(wire_of(path, value))


def _uncovered(
    context: Context,
    tx: Tx,
    row: ConnectionRow,
    census: _Census,
    told: tuple[str, str],
    bad: _Bad,
) -> Uncovered:
    rule, value = told
    held: set[int] = set()
    outside = 0
    by_part: dict[str, set[str]] = {}
    for part, code in census.dossiers.get(told, ()):
        by_part.setdefault(part, set()).add(code)
    for part, codes in by_part.items():
        namespace = f"{row.namespace}.{part}" if part else row.namespace
        found = coverage.dossiers_of(tx, namespace, codes)
        held |= set(found.values())
        outside += len(codes - found.keys())
    one = Uncovered(
        shape=bad.shape,
        field=", ".join(bad.fields),
        rule=rule,
        value=value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}…",
        source=bad.source,
        records=census.records_of.get(told, 0),
        dossiers=len(held),
        outside=outside,
        figures=figures_of(coverage.counted(tx, held), context.now()) if held else [],
        vi="",
        en="",
    )
    vi, en = _sentence(one)
    return structs.replace(one, vi=vi, en=en)


def _sentence(one: Uncovered) -> tuple[str, str]:
    vi_place, en_place = {
        SEEN: (f"có trong {one.records} bản ghi đã nhận", f"in {one.records} stored records"),
        CONTRACT: ("có trong hợp đồng dữ liệu", "in the pinned contract"),
        LISTED: ("có trong danh sách mã của hệ thống", "in the system's own code list"),
        TABLE: ("bảng dẫn tới giá trị không có", "its table leads to what is no such value"),
    }[one.source]
    vi = f"{one.field}: giá trị {one.value!r} chưa ánh xạ, {vi_place}"
    en = f"{one.field}: the value {one.value!r} is not mapped, {en_place}"
    if one.source == SEEN:
        vi += f"; {one.dossiers} hồ sơ đang có, {one.outside} hồ sơ còn cách ly"
        en += f"; {one.dossiers} dossiers shown now, {one.outside} still in quarantine"
    if one.figures:
        first = one.figures[:_MOST_FIGURES]
        left = len(one.figures) - len(first)
        more = f" (+{left})" if left else ""
        vi += f"; chỉ tiêu sẽ mất: {'; '.join(figure.vi for figure in first)}{more}"
        en += f"; figures that would lose them: {'; '.join(f.en for f in first)}{more}"
    return vi, en


def _ending(uncovered: int, census: _Census) -> tuple[str, str]:
    if census.unreadable:
        return (
            f"{census.unreadable} biên nhận không đọc được theo cấu hình này",
            f"{census.unreadable} receipts cannot be read as this is configured",
        )
    if uncovered:
        return (
            f"{uncovered} giá trị chưa ánh xạ và chưa nêu tên trong refused",
            f"{uncovered} values are neither mapped nor refused by name",
        )
    return (
        f"mọi giá trị đều có đích hoặc được nêu tên; đã xem {census.records} bản ghi",
        f"every value has a target or is refused by name; {census.records} records looked at",
    )
