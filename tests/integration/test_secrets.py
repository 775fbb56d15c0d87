"""Secrets: write-only, renewed in place with an overlap, watched, and put under a newer key."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from canonical import clock
from canonical.errors import HubError
from canonical.reasons import Reason
from hub.commands import clients as client_commands
from hub.commands import receivers as receiver_commands
from store import alarms, connections, kept_keys
from store.engine import Store
from store.vault import Vault
from sync import connection_edits, connection_exports, connection_history, secret_renewal, trusted
from sync.connecting import By
from sync.connection_edits import New
from sync.connection_upkeep import keep_up
from sync.verify import verify
from tests.everything import fill, under_way
from tests.trial import KEY, Trial, dossier
from tests.unit.wire.test_wire_tls import certificate

CANARY = "mat-khau-khong-ai-duoc-thay"
ME = By("nguoi-truc", "thử nghiệm")
NEW_KEY = "newer-" + "n" * 40


def add(hub: Trial, **settings: str) -> None:
    new = New(id="snv", system="one_stop", endpoint="http://127.0.0.1:1", settings=settings)
    connection_edits.make(hub.context, new, ME)


def revealed(hub: Trial, vault: Vault | None = None) -> dict[str, str]:
    with hub.store.read() as tx:
        row = connections.load_connection(tx, "snv")
    assert row is not None
    return row.secrets(vault or hub.context.vault)


def open_alarms(hub: Trial) -> list[tuple[str, str]]:
    secret_renewal.look(hub.context)
    with hub.store.read() as tx:
        return [(a.key, a.detail) for a in alarms.list_alarms(tx) if a.kind == "secret_expiry"]


async def test_a_secret_is_set_without_touching_another(hub: Trial) -> None:
    add(hub, client_id="a", client_secret="x")
    secret_renewal.set_secret(hub.context, "snv", "client_secret", CANARY, ME)
    assert revealed(hub) == {"client_secret": CANARY}
    for name, value, why in (("nothing", CANARY, "no secret"), ("client_secret", "", "empty")):
        with pytest.raises(HubError, match=why) as refused:
            secret_renewal.set_secret(hub.context, "snv", name, value, ME)
        assert CANARY not in str(refused.value)
    steps = connection_history.history(hub.context, "snv")
    assert [change.field for change in steps[-1].changes] == ["secrets.client_secret"]
    told = repr(steps) + connection_exports.export(hub.context)
    assert CANARY not in told


async def test_one_that_was_missing_is_set_and_tried_at_once(hub: Trial) -> None:
    add(hub)
    hub.context.store.in_write(
        lambda tx: tx.execute(
            text(
                "INSERT INTO plan (connection_id, failures, breaker, waits_for, updated_at)"
                " VALUES ('snv', 1, 'closed', 'AUTH_DENIED', '2026-03-02T09:00:00+07:00')"
            )
        )
    )
    secret_renewal.set_secret(hub.context, "snv", "client_secret", CANARY, ME)
    with hub.store.read() as tx:
        row = tx.execute(text("SELECT waits_for, due_at FROM plan")).one()
    assert row.waits_for is None
    assert row.due_at is not None


async def test_there_is_an_alarm_before_a_secret_expires(hub: Trial) -> None:
    add(hub)
    until = hub.clock.at + secret_renewal.AHEAD * 2
    secret_renewal.set_secret(hub.context, "snv", "client_secret", CANARY, ME, until)
    assert secret_renewal._due(hub.context, hub.clock.at) == []
    assert open_alarms(hub) == []
    hub.clock.forward(days=15)
    assert len(secret_renewal._due(hub.context, hub.clock.at)) == 1
    [(key, detail)] = open_alarms(hub)
    assert key == "snv"
    assert detail.startswith("client_secret expires 2026-03-30")
    assert secret_renewal._due(hub.context, hub.clock.at) == []
    secret_renewal.set_secret(hub.context, "snv", "client_secret", "x", ME)
    assert open_alarms(hub) == []


async def test_there_is_an_alarm_before_an_authority_that_is_trusted_expires(
    hub: Trial, tmp_path: Path
) -> None:
    pem = certificate(tmp_path, "localhost")[0].read_text("ascii")
    [authority] = trusted.authorities(pem)
    add(hub, client_id="a", client_secret="x", tls_ca=pem)
    receiver_commands.make(
        hub.context,
        "portal",
        "public_portal",
        endpoint="https://localhost:1",
        settings=["key=" + "k" * 32, f"tls_ca={pem}"],
    )
    hub.clock.at = clock.from_iso(authority.until) - secret_renewal.AHEAD * 2
    assert secret_renewal._due(hub.context, hub.clock.at) == []
    hub.clock.forward(days=15)
    assert len(secret_renewal._due(hub.context, hub.clock.at)) == 1
    told = f"authority CN=trial expires {authority.until}"
    assert sorted(open_alarms(hub)) == [("receiver:portal", told), ("snv", told)]
    assert secret_renewal._due(hub.context, hub.clock.at) == []


async def token(hub: Trial, client_id: str, secret: str) -> int:
    said = await hub.call(
        "POST",
        "/oauth/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        },
    )
    return said.status


async def test_a_client_s_new_secret_and_the_old_one_work_for_a_while(hub: Trial) -> None:
    old = hub.introduce("desk")
    new = client_commands.renew(hub.context, "desk", 24, "2026-06-01")
    assert new.client_id == old.client_id
    assert await token(hub, new.client_id, new.client_secret) == 200
    assert await token(hub, old.client_id, old.client_secret) == 200
    assert await token(hub, old.client_id, "") != 200
    hub.clock.forward(hours=24)
    assert await token(hub, old.client_id, old.client_secret) == 401
    assert await token(hub, new.client_id, new.client_secret) == 200
    hub.clock.set("2026-05-20T00:00:00+07:00")
    assert [key for key, _ in open_alarms(hub)] == ["client:desk"]
    hub.clock.set("2026-06-01T00:00:00+07:00")
    assert await token(hub, new.client_id, new.client_secret) == 401
    client_commands.renew(hub.context, "desk", 0)
    assert open_alarms(hub) == []
    with pytest.raises(HubError, match="no client"):
        client_commands.renew(hub.context, "nobody", 0)


# ---------------------------------------------------------------- a newer key


async def filled(hub: Trial) -> str:
    """A store with something sealed in every table; a code whose PIN is known."""
    await fill(hub)
    under_way(hub)
    seal_all(hub)
    await hub.take(dossier(90, pin="48213907"))
    add(hub, client_secret=CANARY)
    return "H50.12-260302-0090"


def sealed(store: Store, vault: Vault) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    with store.read() as tx:
        for one, key, column in kept_keys.SEALED:
            name = one.__table__.name
            query = f"SELECT {key}, {column} FROM {name} WHERE {column} IS NOT NULL"
            rows = tx.execute(text(query))
            found += [(f"{name} {row[0]}", vault.open(bytes(row[1]))) for row in rows]
    return sorted(found)


def seal_all(hub: Trial) -> None:
    """Bodies of the work that goes on by itself, as if something were on its way."""
    with hub.store.write() as tx:
        for name in ("delivery", "publication", "filing"):
            body = hub.context.vault.seal(name.encode())
            tx.execute(text(f"UPDATE {name} SET body = :body"), {"body": body})
        tx.execute(
            text("UPDATE receiver SET secrets = :body"),
            {"body": hub.context.vault.seal(json.dumps({"key": CANARY}).encode())},
        )


@pytest.mark.unproved
async def test_after_a_rotation_the_old_key_is_needed_by_nothing(hub: Trial) -> None:
    code = await filled(hub)
    old = hub.context.vault
    before = sealed(hub.store, old)
    assert {name.split()[0] for name, _ in before} == {
        "connection",
        "receiver",
        "delivery",
        "publication",
        "filing",
        "blob",
    }
    both = Vault(NEW_KEY, [KEY])
    hub.store.in_write(lambda tx: kept_keys.keep(tx, both))
    told = kept_keys.reseal(hub.store, both)
    assert (told.looked_at, told.resealed) == (len(before), len(before))
    assert kept_keys.count_sealed(hub.store) == len(before)
    again = kept_keys.reseal(hub.store, both)
    assert (again.looked_at, again.resealed) == (len(before), 0)

    alone = Vault(NEW_KEY)
    with hub.store.read() as tx:
        alone.recall(kept_keys.load(tx))
    assert sealed(hub.store, alone) == before
    with pytest.raises(HubError) as refused:
        sealed(hub.store, Vault(KEY))
    assert refused.value.reason is Reason.STORE_UNAVAILABLE
    hub.context.vault = alone
    assert keep_up(hub.context) == []
    made_up = {"deliveries counted", "deliveries placed"}  # by `under_way`
    wrong = [one for one in verify(hub.context).checks if not one.ok and one.name not in made_up]
    assert wrong == []
    assert (await hub.push(dossier(90, pin="48213907"))).fate == "duplicate"
    said = await hub.call("POST", "/api/v1/lookup", json={"code": code, "pin": "48213907"})
    assert said.status == 200


@pytest.mark.unproved
async def test_a_rotation_that_is_broken_off_goes_on(
    hub: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(hub)
    monkeypatch.setattr(kept_keys, "AT_ONCE", 3)
    both = Vault(NEW_KEY, [KEY])
    hub.store.in_write(lambda tx: kept_keys.keep(tx, both))
    before = sealed(hub.store, both)
    seen: list[int] = []

    def stop(done: int) -> None:
        seen.append(done)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_keys.reseal(hub.store, both, stop)
    assert sealed(hub.store, both) == before  # what is half done opens with both
    told = kept_keys.reseal(hub.store, both)
    assert 0 < told.resealed < told.looked_at == len(before)
    alone = Vault(NEW_KEY)
    assert sealed(hub.store, alone) == before
    hub.context.vault = both


@pytest.mark.unproved
async def test_without_the_old_key_a_store_is_not_touched(hub: Trial) -> None:
    await filled(hub)
    before = sealed(hub.store, hub.context.vault)
    with pytest.raises(HubError, match="do not open"):
        kept_keys.reseal(hub.store, Vault(NEW_KEY))
    assert sealed(hub.store, hub.context.vault) == before
    hub.store.in_write(lambda tx: kept_keys.keep(tx, hub.context.vault))
    with hub.store.read() as tx, pytest.raises(HubError, match="do not open"):
        Vault(NEW_KEY).recall(kept_keys.load(tx))
