"""The whole replay: own hub, pushes, answers, comparison, proof."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct, field

from adapters.wire import Wire
from canonical import clock
from hub.replay.asking import Asker, Held, ask_all, open_asker
from hub.replay.compare import (
    Difference,
    bucket_of,
    compare,
    last_state,
    latest_day,
)
from hub.replay.log import Case, read_log
from hub.replay.mapping import Mapping, load_mapping
from hub.replay.own_hub import OwnHub, own_hub
from hub.replay.pushes import Entry, Push, build, count_equal_times, national_code
from hub.replay.sending import Sent, plan, send
from sync.drain import drain
from sync.verify import verify

Progress = Callable[[int, int], None]


class Period(Struct, frozen=True):
    """Dossiers accepted in a period, by bucket: as the log says and as the hub says."""

    name: str
    log: dict[str, int]
    hub: dict[str, int]


class Heard(Struct):
    """What the hub answered in all.

    Attributes:
        held: Case -> what the hub says of it.
        listed: How many dossiers the hub lists.
    """

    sent: Sent
    held: dict[str, Held]
    listed: int
    periods: list[Period]


class Report(Struct):
    """What a replay found.

    Attributes:
        from_both: Dossiers that were put together from both systems.
        ended_early: Dossiers whose end the log puts before their last event.
        equal_times: Events at the very moment of another of the same leg and facet.
        records: What was sent and what became of it.
        refused: Reason code -> records that were quarantined for it.
        findings: Reason code -> dossiers.
        periods: The whole log first, then each year.
        as_of: The day at whose end the indicators are judged: the log's last.
        verify: Name of each check of `hub verify` -> whether it holds.
        picture: Digest of everything the hub says; equal for equal answers.
        differences: All of them.
        took_s: Seconds, all in all.
        held: Case -> the hub's answers; not printed.
    """

    dossiers: int
    events: int
    lost: int
    double: int
    different: int
    from_both: int
    ended_early: int
    equal_times: int
    chaos: int | None
    calls: int
    answers_lost: int
    records: dict[str, int]
    refused: dict[str, int]
    findings: dict[str, int]
    as_of: str
    periods: list[Period]
    verify: dict[str, bool]
    picture: str
    differences: list[Difference]
    took_s: float
    held: dict[str, Held] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the hub says what the log says, to the last event and figure."""
        return (
            not self.differences
            and all(period.log == period.hub for period in self.periods)
            and all(self.verify.values())
        )


def replay(path: Path, chaos: int | None = None, progress: Progress | None = None) -> Report:
    """Replay a log into a hub of its own and hold the hub's answers against it.

    Args:
        path: The log.
        chaos: Seed of the disorder; None for the log's own order.
        progress: Told (calls done, calls in all) while pushing.

    Raises:
        HubError: the log cannot be read or says what the mapping does not list; nothing was
            started then. Or the hub did not answer.
    """
    started = time.monotonic()
    mapping = load_mapping()
    cases = read_log(path)
    pushes = build(mapping, cases)
    with own_hub(mapping) as hub:
        heard = asyncio.run(_talk(hub, mapping, cases, pushes, chaos, progress))
        proof = verify(hub.context)
    compared = compare(mapping, cases, pushes, heard.sent.taken, heard.held)
    if heard.listed != len(cases):
        about = f"{heard.listed} dossiers are listed"
        compared.differences.append(Difference("different", "*", about))
    sent, said = heard.sent, {case: held.said() for case, held in heard.held.items()}
    return Report(
        dossiers=len(cases),
        events=sum(push.is_event for push in pushes),
        lost=compared.count("lost"),
        double=compared.count("double"),
        different=compared.count("different"),
        from_both=compared.from_both,
        ended_early=compared.ended_early,
        equal_times=count_equal_times(pushes),
        chaos=chaos,
        calls=sent.calls,
        answers_lost=sent.answers_lost,
        records={"distinct": len(pushes), "sent": sent.records, **sent.counts},
        refused=dict(sorted(sent.reasons.items())),
        findings=dict(sorted(compared.findings.items())),
        as_of=latest_day(cases).isoformat(),
        periods=heard.periods,
        verify={check.name: check.ok for check in proof.checks},
        picture=hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()[:16],
        differences=compared.differences,
        took_s=round(time.monotonic() - started, 1),
        held=heard.held,
    )


async def _talk(
    hub: OwnHub,
    mapping: Mapping,
    cases: Sequence[Case],
    pushes: Sequence[Push],
    chaos: int | None,
    progress: Progress | None,
) -> Heard:
    wire = Wire()
    try:
        sent = await send(hub, wire, pushes, plan(pushes, chaos), progress)
        # A push answered 202 is durable and still to be decided.
        await asyncio.to_thread(drain, hub.context)
        asker = await open_asker(hub, wire)
        held = await ask_all(asker, {case.code: national_code(mapping, case) for case in cases})
        listed = await asker.count_dossiers()
        return Heard(sent, held, listed, await _periods(asker, mapping, cases, pushes))
    finally:
        await wire.close()


async def _periods(
    asker: Asker, mapping: Mapping, cases: Sequence[Case], pushes: Sequence[Push]
) -> list[Period]:
    as_of = latest_day(cases)
    entries: dict[str, list[Entry]] = {case.code: [] for case in cases}
    for push in pushes:
        if push.entry is not None:
            entries[push.case].append(push.entry)
    days = {case.code: clock.day_of(case.started_at) for case in cases}
    spans = [("all", min(days.values()), max(days.values()))]
    years = sorted({day.year for day in days.values()})
    spans += [(str(year), date(year, 1, 1), date(year, 12, 31)) for year in years]
    told = []
    for name, start, end in spans:
        log = Counter(
            bucket_of(case, last_state(entries[case.code]), as_of)
            for case in cases
            if start <= days[case.code] <= end
        )
        said = await asker.buckets(mapping.agency, start, end, as_of)
        told.append(Period(name, {bucket: log[bucket] for bucket in said}, said))
    return told
