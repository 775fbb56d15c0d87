"""A link tried stage by stage: how far it works, how long each took, how what fails is mended.

Nothing is stored but that it was tested: no receipt, no checkpoint, no acknowledgement. A draft
whose stages are all passed is tested.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct

from canonical.errors import HubError
from canonical.ports import Client, System
from canonical.reasons import Reason
from canonical.record import Item, Rejected
from canonical.text import Malformed
from store import clients, connections
from store.connections import ConnectionRow
from sync import coverage, samples
from sync.connecting import By, mark_tested
from sync.context import Context
from sync.reading import CANONICAL, read_canonical, read_native
from sync.samples import Sampled
from sync.try_stages import (
    FAILED,
    NOT_APPLICABLE,
    NOT_REACHED,
    OK,
    Found,
    Said,
    Skipped,
    Stage,
    StageFailed,
    Stages,
    none,
    since,
)
from sync.try_texts import NO_ADDRESS, NO_CLIENT, NOT_COVERED, mend, stage_of

_MOST_NAMED = 5


class Trial(Struct, frozen=True):
    """How a link was tried.

    Attributes:
        version: The connection's version that was tried.
        passed: Whether no stage failed.
        state: The connection's state afterwards.
    """

    connection: str
    version: int
    passed: bool
    state: str
    stages: list[Stage]


# More to be looked at once a page was mapped: name of the stage -> what looks. Raises StageFailed.
Proof = Callable[[Context, ConnectionRow], Found]


async def try_link(
    context: Context,
    connection_id: str,
    by: By,
    *,
    sample: bytes | None = None,
    shape: str = "",
    said: Said | None = None,
    proofs: Sequence[tuple[str, Proof]] | None = None,
) -> Trial:
    """Try a link as it is configured now.

    Args:
        context: The hub's parts.
        connection_id: Which.
        by: Who tries it.
        sample: A body as the department pushes it, where it pushes; an invented one else.
        shape: By which name that body is read; found out unless said.
        said: Told of every stage as it ends.
        proofs: What is asked after the mapping; `PROOFS` unless said.

    Raises:
        HubError: NOT_FOUND; CONFLICT where it is retired, or was changed while it was tried.
    """
    row = await asyncio.to_thread(_load, context, connection_id)
    trial = _Trial(context, row, said, sample, shape)
    await trial.run(PROOFS if proofs is None else proofs)
    passed = all(stage.result != FAILED for stage in trial.stages)
    state = row.state
    if passed:
        seen = By(by.author, by.reason or "thử kết nối / tested", row.version or None)
        state = (await asyncio.to_thread(mark_tested, context, connection_id, seen)).state
    return Trial(row.id, row.version, passed, state, trial.stages)


def _load(context: Context, connection_id: str) -> ConnectionRow:
    with context.store.read() as tx:
        row = connections.load_connection(tx, connection_id)
    if row is None:
        raise HubError(Reason.NOT_FOUND, f"no connection {connection_id!r}")
    if row.state == "retired":
        raise HubError(Reason.CONFLICT, f"{connection_id!r} is retired; it is tried no more")
    return row


class _Trial(Stages):
    """The stages of one trial, in order; after one failed the next are not reached."""

    def __init__(
        self,
        context: Context,
        row: ConnectionRow,
        said: Said | None,
        sample: bytes | None,
        shape: str,
    ) -> None:
        self._context = context
        self._row = row
        super().__init__(said)
        self._raw, self._shape = sample, shape
        self._client: Client | None = None
        self._addresses: list[str] = []
        self._sample: Sampled | None = None

    async def run(self, proofs: Sequence[tuple[str, Proof]]) -> None:
        system = await asyncio.to_thread(self._context.system_of, self._row)
        if not system.manifest.pulls or system.connect is None:
            await self._pushed(system)
        elif system.manifest.protocol == "file":
            await self._dropped(system)
        else:
            await self._asked(system)
        await self.stage("mapping", self._mapped)
        for name, proof in proofs:
            await self.stage(name, partial(self._in_thread, proof))

    # ------------------------------------------------------------------ systems that are asked

    async def _asked(self, system: System) -> None:
        await self.stage("name", self._resolved)
        await self.stage("socket", self._connected)
        await self.stage("tls", self._shaken)
        await self._pages(system)

    async def _dropped(self, system: System) -> None:
        await self.stage("name", none("thư mục trên máy này", "a folder on this machine"))
        await self.stage("socket", self._listed, is_folder=True)
        await self.stage("tls", none("thư mục", "a folder"))
        await self._pages(system, is_folder=True)

    async def _pages(  # noqa: C901 - one failure, three places where it may belong
        self, system: System, *, is_folder: bool = False
    ) -> None:
        """One page asked for; its failure belongs to credentials, contract or page."""
        if self.is_over:
            for name in ("credentials", "contract", "page"):
                self.note(name, NOT_REACHED, 0)
            return
        begun = time.monotonic()
        failure: HubError | None = None
        try:
            self._sample = await self._fetched(system)
        except HubError as error:
            failure = error
        except Malformed:
            failure = HubError(Reason.BODY_MALFORMED)
        took_ms = since(begun)
        at = stage_of(failure) if failure is not None else ""
        if is_folder:
            self.note("credentials", NOT_APPLICABLE, 0, Found("quyền đọc thư mục", "folder rights"))
            at = "contract" if at == "credentials" else at
        elif failure is not None and at == "credentials":
            self.fail("credentials", failure, took_ms)
        elif at != "page":
            vi, en = "câu trả lời đầu tiên đã được nhận", "a first answer was given"
            self.note("credentials", OK, took_ms, Found(vi, en))
        else:  # no answer came that would tell whether the account is taken
            self.note("credentials", NOT_REACHED, 0)
        if failure is not None and at == "contract":
            self.fail("contract", failure, took_ms, is_folder=is_folder)
        elif at == "page":
            self.note("contract", NOT_REACHED, 0)
        else:
            await self.stage("contract", lambda: self._in_thread(self._contract))
        if failure is not None and at == "page":
            self.fail("page", failure, took_ms, is_folder=is_folder)
        else:
            await self.stage("page", self._page)

    async def _fetched(self, system: System) -> Sampled | None:
        connect = system.connect
        assert connect is not None  # noqa: S101 - its caller has looked
        client = connect(self._row.settings(self._context.vault))
        try:
            page = await samples.asked(self._context, self._row, client)
            if page is not None:
                await asyncio.to_thread(system.rows, page.shape, page.raw)
        finally:
            with contextlib.suppress(HubError):
                await client.close()
        return Sampled("page", page.shape, page.raw) if page is not None else None

    async def _resolved(self) -> Found:
        if not self._row.endpoint:
            texts = ("kết nối chưa có địa chỉ", "the connection has no address")
            raise StageFailed(Reason.FIELD_MISSING, texts, NO_ADDRESS)
        self._addresses = await self._probe.resolve(self._row.endpoint)
        told = ", ".join(self._addresses[:_MOST_NAMED])
        return Found(told, told, {"addresses": self._addresses})

    async def _connected(self) -> Found:
        await self._probe.connect(self._row.endpoint, self._addresses)
        return Found("cổng mở", "the port is open")

    async def _shaken(self) -> Found:
        if not self._row.endpoint.lower().startswith("https:"):
            raise Skipped("địa chỉ http không mã hóa", "a plain http address")
        until = await self._probe.shake_hands(self._row.endpoint, self._addresses)
        return Found(
            f"chứng thư đến {until[:10]}",
            f"the certificate is good until {until[:10]}",
            {"expires_at": until},
        )

    async def _listed(self) -> Found:
        if not self._row.endpoint:
            texts = ("kết nối chưa có thư mục", "the connection has no folder")
            raise StageFailed(Reason.FIELD_MISSING, texts, NO_ADDRESS)
        count = await self._probe.list_folder(self._row.endpoint)
        return Found(f"thư mục có {count} tệp", f"the folder has {count} files", {"files": count})

    @property
    def _probe(self) -> Any:
        if self._context.probe is None:
            raise HubError(Reason.CONFLICT, "this program cannot feel the wire")
        return self._context.probe

    # ------------------------------------------------------------------ systems that call

    async def _pushed(self, system: System) -> None:
        calls = ("hệ thống của sở gọi tới trục", "the department calls the hub")
        for name in ("name", "socket", "tls"):
            await self.stage(name, none(*calls))
        await self.stage("credentials", lambda: self._in_thread(_has_client))
        await self.stage("contract", lambda: self._in_thread(self._contract))
        await self.stage("page", lambda: self._in_thread(self._accepted))

    def _accepted(self, context: Context, row: ConnectionRow) -> Found:
        """A sample call goes through the door's reading; nothing of it is kept."""
        system = context.system_of(row)
        self._sample = (
            samples.from_file(context, row, self._raw, self._shape)
            if self._raw is not None
            else samples.made(system)
        )
        if self._sample is None:
            raise Skipped("không có mẫu; thử với --sample TỆP", "no sample; try --sample FILE")
        if row.system == CANONICAL:
            return Found("mẫu đọc được", "the sample can be read")
        if system.door is not None and self._sample.shape.startswith("door"):
            call = system.door.call(self._sample.raw, "text/xml; charset=utf-8", "")
            count = len(system.rows(call.shape, self._sample.raw))
            return Found(
                f"cửa nhận thao tác {call.operation}: {count} bản ghi",
                f"the door takes the operation {call.operation}: {count} records",
                {"operation": call.operation, "records": count, "origin": self._sample.origin},
            )
        count = len(system.rows(self._sample.shape, self._sample.raw))
        return Found(
            f"đọc được {count} bản ghi của mẫu",
            f"{count} records of the sample can be read",
            {"records": count, "origin": self._sample.origin},
        )

    # ------------------------------------------------------------------ what is common

    def _contract(self, context: Context, row: ConnectionRow) -> Found:
        system = context.system_of(row)
        told: dict[str, Any] = {}
        if system.fingerprint:
            told["fingerprint"] = system.fingerprint
        if system.door is not None:
            served = system.door.wsdl("http://hub.invalid/")
            if context.contracts is not None:
                context.contracts.describe({"served.wsdl": served})
            told["door"] = f"/soap/v1/connections/{row.id}?wsdl"
        if self._sample is not None and system.deviations is not None:
            found = system.deviations(self._sample.shape, self._sample.raw)
            bad = [one for one in found if one.kind != "unknown"]
            told["deviations"] = [f"{one.kind}: {one.path}" for one in found]
            if bad:
                names = ", ".join(one.path for one in bad[:_MOST_NAMED])
                texts = (f"câu trả lời lệch hợp đồng ở {names}", f"not as its contract: {names}")
                raise StageFailed(Reason.SCHEMA_DRIFT, texts, mend(Reason.SCHEMA_DRIFT), told)
        door = "; WSDL của cửa đọc được" if "door" in told else ""
        door_en = "; the door's WSDL can be read" if "door" in told else ""
        if told.get("deviations"):
            count = len(told["deviations"])
            door += f"; {count} trường ngoài hợp đồng"
            door_en += f"; {count} fields beyond the contract"
        mark = system.fingerprint[:19] or "–"
        return Found(f"dấu vân tay {mark}{door}", f"fingerprint {mark}{door_en}", told)

    async def _page(self) -> Found:
        if self._sample is None:
            return Found(
                "nguồn chưa có bản ghi nào", "the source has no record yet", {"records": 0}
            )
        system = self._context.system_of(self._row)
        count = len(await asyncio.to_thread(system.rows, self._sample.shape, self._sample.raw))
        size = len(self._sample.raw)
        return Found(
            f"{count} bản ghi, {size} byte; không báo nhận, không lưu gì",
            f"{count} records, {size} bytes; nothing acknowledged, nothing kept",
            {"records": count, "size_bytes": size},
        )

    async def _mapped(self) -> Found:
        if self._sample is None:
            raise Skipped("không có bản ghi nào để thử", "there is no record to try")
        return await self._in_thread(self._mapping_of_page)

    def _mapping_of_page(self, context: Context, row: ConnectionRow) -> Found:
        assert self._sample is not None  # noqa: S101 - its caller has looked
        items = _read(context, row, self._sample)
        refused: dict[str, int] = {}
        reasons: dict[str, Reason] = {}
        for item in items:
            if isinstance(item, Rejected):
                key = f"{item.reason.value} {item.field or ''}".strip()
                refused[key] = refused.get(key, 0) + 1
                reasons[key] = item.reason
        if not items:
            raise Skipped("trang không có bản ghi nào", "the page has no record")
        count, good = len(items), len(items) - sum(refused.values())
        told = {"records": count, "mapped": good, "refused": refused}
        if not refused:
            return Found(f"{good} bản ghi thành hồ sơ", f"{good} records become dossiers", told)
        worst = max(refused, key=lambda key: refused[key])
        named = ", ".join(f"{key} ({n})" for key, n in list(refused.items())[:_MOST_NAMED])
        texts = (
            f"{good} bản ghi thành hồ sơ, {sum(refused.values())} bị cách ly: {named}",
            f"{good} records become dossiers, {sum(refused.values())} are quarantined: {named}",
        )
        if good < sum(refused.values()):
            raise StageFailed(reasons[worst], texts, mend(reasons[worst]), told)
        return Found(*texts, told)

    async def _in_thread(self, work: Proof) -> Found:
        return await asyncio.to_thread(work, self._context, self._row)


def _read(context: Context, row: ConnectionRow, sample: Sampled) -> Sequence[Item]:
    """The checked records of a sample, by the mapping in force."""
    now, vault = context.now(), context.vault
    if row.system == CANONICAL:
        return read_canonical(sample.raw, sample.shape, row.namespace, now, vault).items
    system = context.system_of(row)
    with context.store.read() as tx:
        mapping = context.mapping(tx, row, row.mapping_version)
    return read_native(sample.raw, sample.shape, system, mapping, row.namespace, now, vault).items


def _has_client(context: Context, row: ConnectionRow) -> Found:
    with context.store.read() as tx:
        names = clients.pushing_to(tx, row.id)
    if not names:
        texts = ("chưa có tài khoản nào được đẩy vào kết nối này", "no client may push to it yet")
        raise StageFailed(None, texts, NO_CLIENT)
    told = ", ".join(names[:_MOST_NAMED])
    return Found(f"tài khoản: {told}", f"clients: {told}", {"clients": names})


def _covered(context: Context, row: ConnectionRow) -> Found:
    """Whether every value that can arrive has a target or a name (sync.coverage)."""
    found = coverage.look(context, row)
    values = sum(one.values for one in found.fields)
    told = {
        "values": values,
        "records": found.records,
        "uncovered": [{"rule": one.rule, "value": one.value} for one in found.uncovered],
    }
    if not found.ok:
        first = found.uncovered[0] if found.uncovered else None
        vi = f"{found.vi} {first.vi}" if first is not None else found.vi
        en = f"{found.en} {first.en}" if first is not None else found.en
        raise StageFailed(None, (vi, en), NOT_COVERED, told)
    return Found(found.vi, found.en, told)


PROOFS: tuple[tuple[str, Proof], ...] = (("coverage", _covered),)
