"""Idempotency-Key: the same answer for the same key and body, also for two requests at once."""

import asyncio
import json

from tests.trial import Trial, dossier

KEY = {"Idempotency-Key": "k-1"}


async def test_the_same_key_and_body_give_the_same_answer(hub: Trial) -> None:
    first = await hub.push(dossier(1), headers=KEY)
    await hub.take(dossier(1, version=2, status="finished"))
    again = await hub.push(dossier(1), headers=KEY)
    assert (again.status, again.raw) == (first.status, first.raw)
    assert again.headers["content-type"] == first.headers["content-type"]


async def test_a_key_with_another_body_or_connection_is_a_mismatch(hub: Trial) -> None:
    hub.introduce("both", connections=["desk", "land"])
    first = await hub.push(dossier(1), "both", headers=KEY, connection="desk")
    assert first.status == 200
    for record, connection in ((dossier(2), "desk"), (dossier(1), "land")):
        said = await hub.push(record, "both", headers=KEY, connection=connection)
        assert (said.status, said.fate) == (422, "IDEMPOTENCY_MISMATCH")
    ndjson = await hub.push(
        dossier(1), "both", headers=KEY, connection="desk", kind="application/x-ndjson"
    )
    assert ndjson.fate == "IDEMPOTENCY_MISMATCH"
    assert await hub.find("desk:A-00002") == []


async def test_a_key_belongs_to_one_client(hub: Trial) -> None:
    hub.introduce("desk")
    hub.introduce("other", connections=["desk"])
    assert (await hub.push(dossier(1), headers=KEY)).fate == "applied"
    assert (await hub.push(dossier(2), "other", headers=KEY)).fate == "applied"


async def test_a_refusal_is_repeated_too_with_its_one_receipt(hub: Trial) -> None:
    bad = dossier(1, status="?")
    first = await hub.push(bad, headers=KEY)
    again = await hub.push(bad, headers=KEY)
    assert (first.status, again.status) == (422, 422)
    assert again.raw == first.raw
    with hub.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM receipt").scalar_one() == 1


async def test_what_is_refused_whole_does_not_take_the_key(hub: Trial) -> None:
    assert (await hub.push(raw=b"{", headers=KEY)).status == 400
    assert (await hub.push(dossier(1), headers=KEY)).fate == "applied"


async def test_the_same_key_at_once_is_one_push_with_one_answer(hub: Trial) -> None:
    hub.token("desk")
    for number in range(6):
        headers = {"Idempotency-Key": f"at-once-{number}"}
        body = [dossier(number * 10 + n) for n in range(5)]
        answers = await asyncio.gather(*(hub.push(body, headers=headers) for _ in range(4)))
        assert {a.status for a in answers} == {200}
        assert len({a.raw for a in answers}) == 1
        assert answers[0].body["counts"]["applied"] == 5
    with hub.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM receipt").scalar_one() == 6


async def test_two_bodies_with_one_key_at_once_leave_one_taken_and_one_refused(
    hub: Trial,
) -> None:
    hub.token("desk")
    for number in range(6):
        headers = {"Idempotency-Key": f"two-bodies-{number}"}
        one, other = dossier(number), dossier(100 + number)
        answers = await asyncio.gather(
            hub.push(one, headers=headers), hub.push(other, headers=headers)
        )
        assert sorted(a.fate for a in answers) == ["IDEMPOTENCY_MISMATCH", "applied"]
    with hub.store.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM dossier").scalar_one() == 6


async def test_a_key_that_is_too_long_is_refused_in_words(hub: Trial) -> None:
    said = await hub.push(dossier(1), headers={"Idempotency-Key": "k" * 201})
    assert (said.status, said.fate) == (422, "FIELD_TYPE")
    assert "k" * 201 not in json.dumps(said.body)
