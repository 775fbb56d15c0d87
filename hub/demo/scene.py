"""What the demo finds out once everything is in: figures over HTTP, and the cases it tells of."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from adapters.wire import Wire
from hub.demo.asking import Portal
from hub.demo.figures import LINES, PROVINCE
from hub.demo.flow import Say, everything_in
from hub.demo.generate import Generated
from hub.demo.live import Live, Stage, live
from hub.demo.papers import Papers
from hub.demo.proof import Proof
from hub.demo.serving import Department
from hub.demo.setup import COUNTER, Accounts, Commands
from hub.demo.stories import TwoLegs
from hub.demo.table import key_of
from store import figures
from sync.context import Context


class Scene(Struct, frozen=True):
    """All that is running, and where.

    Attributes:
        departments: Connection -> its simulator.
        receivers: Name -> its simulator.
    """

    context: Context
    commands: Commands
    base: str
    folder: Path
    made: Generated
    departments: Mapping[str, Department]
    receivers: Mapping[str, Department]
    papers: Papers
    accounts: Accounts


class Found(Struct, frozen=True):
    """What the hub says.

    Attributes:
        computed: table.key_of -> the answer of GET /api/v1/indicators.
        this_year: The same for the province, from 1 January to today.
        stories: Name -> dossier, with a `note` on what happened to it.
        records: Connection -> disposition -> how many.
        quarantined: Connection -> (reason, how many) of what is in the quarantine.
        live: What happened once everything was in.
        report: What `hub verify --json` says.
    """

    computed: Mapping[str, Mapping[str, Any]]
    this_year: Mapping[str, Any]
    stories: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Mapping[str, int]]
    quarantined: Mapping[str, Sequence[tuple[str, int]]]
    live: Live
    report: Mapping[str, Any]


async def perform(scene: Scene, say: Say) -> Found:
    """Let the departments speak, then ask the hub what it has understood.

    Raises:
        HubError: a department or the hub did not answer.
    """
    wire = Wire()
    portal, counter = Portal(scene.base, wire), Portal(scene.base, wire)
    doors, told = scene.accounts.doors, scene.made.stories.told
    try:
        await everything_in(scene.context, scene.base, scene.made.files, doors, say)
        await portal.log_in(scene.accounts.reader)
        await counter.log_in(doors[COUNTER])
        apart = await portal.dossier(told["late"].other)
        lived = await live(_stage(scene, portal, counter), say)
        with Proof(scene.folder) as proof:
            computed = await _indicators(portal)
            today = scene.made.today
            this_year = await portal.indicators(PROVINCE, today.replace(month=1, day=1), today)
            say("Đã hỏi trục các chỉ số qua HTTP; hub verify đang chạy")
            dossiers = {name: await _story(portal, name, two) for name, two in told.items()}
            dossiers["late"]["note"] = _late(apart, dossiers["late"], lived.night)
            records, quarantined = _counted(scene.context)
            report = await asyncio.to_thread(proof.result)
    finally:
        await wire.close()
    return Found(computed, this_year, dossiers, records, quarantined, lived, report)


def _stage(scene: Scene, reader: Portal, counter: Portal) -> Stage:
    return Stage(
        context=scene.context,
        commands=scene.commands,
        reader=reader,
        counter=counter,
        departments=scene.departments,
        receivers=scene.receivers,
        papers=scene.papers,
        made=scene.made,
    )


def _counted(
    context: Context,
) -> tuple[Mapping[str, Mapping[str, int]], Mapping[str, Sequence[tuple[str, int]]]]:
    """Records by connection and disposition, and what is in the quarantine now."""
    with context.store.read() as tx:
        records = figures.Records().count(tx)
        counted = figures.count(tx, figures.INTAKE, context.now())
        samples = {one.figure.name: one.samples for one in counted}
    quarantined: dict[str, list[tuple[str, int]]] = {}
    for (connection, reason), count in samples["hub_quarantined"]:
        quarantined.setdefault(connection, []).append((reason, int(count)))
    return records, quarantined


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
