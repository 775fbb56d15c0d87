"""What the demo finds out once everything is in: figures over HTTP, and the cases it tells of."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.wire import Wire
from hub.demo.asking import Portal
from hub.demo.figures import LINES, PROVINCE
from hub.demo.flow import Say, asked_again, everything_in
from hub.demo.generate import Generated
from hub.demo.serving import Department
from hub.demo.setup import Accounts
from hub.demo.stories import TwoLegs
from hub.demo.table import key_of
from store import figures
from sync.context import Context


class Scene(Struct, frozen=True):
    """All that is running, and where."""

    context: Context
    base: str
    folder: Path
    today: date
    made: Generated
    departments: Mapping[str, Department]
    accounts: Accounts


class Found(Struct, frozen=True):
    """What the hub says.

    Attributes:
        computed: table.key_of -> the answer of GET /api/v1/indicators.
        this_year: The same for the province, from 1 January to today.
        stories: Name -> dossier, with a `note` on what happened to it.
        records: Connection -> disposition -> how many.
        quarantined: Connection -> (reason, how many) of what is in the quarantine.
    """

    computed: Mapping[str, Mapping[str, Any]]
    this_year: Mapping[str, Any]
    stories: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Mapping[str, int]]
    quarantined: Mapping[str, Sequence[tuple[str, int]]]


async def perform(scene: Scene, say: Say) -> Found:
    """Let the departments speak, then ask the hub what it has understood.

    Raises:
        HubError: a department or the hub did not answer.
    """
    wire = Wire()
    portal = Portal(scene.base, wire)
    try:
        doors = scene.accounts.doors
        await everything_in(scene.context, scene.base, scene.made.files, doors, say)
        await portal.log_in(scene.accounts.reader)
        told = scene.made.stories.told
        apart = await portal.dossier(told["late"].other)
        one_stop = scene.departments["one_stop"]
        changes = await asked_again(scene.context, portal, one_stop, scene.made.later, say)
        computed = await _indicators(portal)
        this_year = await portal.indicators(
            PROVINCE, scene.today.replace(month=1, day=1), scene.today
        )
        say("Đã hỏi trục các chỉ số qua HTTP")
        dossiers = {name: await _story(portal, name, two) for name, two in told.items()}
        dossiers["late"]["note"] = _late(apart, dossiers["late"], changes)
    finally:
        await wire.close()
    with scene.context.store.read() as tx:
        records = figures.Records().count(tx)
        counted = figures.count(tx, figures.INTAKE, scene.context.now())
        samples = {one.figure.name: one.samples for one in counted}
    quarantined: dict[str, list[tuple[str, int]]] = {}
    for (connection, reason), count in samples["hub_quarantined"]:
        quarantined.setdefault(connection, []).append((reason, int(count)))
    return Found(computed, this_year, dossiers, records, quarantined)


async def _indicators(portal: Portal) -> dict[str, Mapping[str, Any]]:
    """The interview's units and periods, and the province in the same periods."""
    asked = {(line.agency, line.start, line.end) for line in LINES}
    asked |= {(PROVINCE, line.start, line.end) for line in LINES}
    return {key_of(*one): await portal.indicators(*one) for one in sorted(asked)}


async def _story(portal: Portal, name: str, two: TwoLegs) -> dict[str, Any]:
    """One dossier and what is worth telling of it."""
    dossier = await portal.dossier(f"one_stop:{two.desk}")
    notes = {
        "land": f"trạng thái do {dossier['spoke'].get('status')} nói",
        "land_paid": f"trạng thái do {dossier['spoke'].get('status')} nói",
        "licence": f"nhận {dossier['accepted_at'][:10]}, hẹn {(dossier['due_at'] or '')[:10]}",
    }
    if name == "doubtful":
        other = await portal.dossier(two.other)
        found = [f["reason"] for f in dossier["findings"] if f["about"] == two.other]
        apart = "vẫn là hồ sơ riêng" if other["id"] != dossier["id"] else "ĐÃ NHẬP"
        notes[name] = (
            f"{two.other} ghi mã của hồ sơ này cho người khác: {', '.join(found)}; {apart}"
        )
    return {**dossier, "note": notes.get(name, "")}


def _late(
    apart: Mapping[str, Any], now: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]
) -> str:
    """What the change feed says of the tie that came late."""
    joined = [c for c in changes if c["kind"] == "joined" and c.get("into") == now["id"]]
    if not joined:
        return f"KHÔNG NHẬP: {apart['id']} vẫn riêng"
    return f"{joined[0]['dossier']} joined ở dòng thay đổi số {joined[0]['seq']}"
