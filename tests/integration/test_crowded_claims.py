"""A claim that everybody makes ties nobody, and costs nobody: a receipt number "0"."""

from sqlalchemy import event, text

from store.legs import CROWD
from tests.trial import Trial, dossier


def _with_zero(n: int, who: str) -> dict[str, object]:
    return dossier(
        code=f"{who}-{n}", national_code=None, receipt_number="0", received_at_agency="H50.12"
    )


async def test_a_placeholder_receipt_number_ties_nobody_and_is_not_followed(hub: Trial) -> None:
    await hub.push([_with_zero(n, "T") for n in range(CROWD + 1)])
    rows: list[int] = []

    def count(_conn: object, cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip().startswith("WITH RECURSIVE reach"):
            rows.append(1)

    event.listen(hub.context.store.engine, "before_cursor_execute", count)
    try:
        alone = await hub.take(_with_zero(1, "L"), "land")
    finally:
        event.remove(hub.context.store.engine, "before_cursor_execute", count)
    assert len(rows) == 1
    seen = await hub.read(alone)
    assert len(seen["legs"]) == 1
    assert [f for f in seen["findings"] if f["reason"] == "TIE_DOUBTFUL"] == []
    with hub.context.store.read() as tx:
        crowds = tx.execute(text("SELECT kind, key FROM claim_crowd")).all()
    assert [tuple(row) for row in crowds] == [("receipt", "H50.12|0")]


async def test_below_the_crowd_two_of_one_department_leave_a_doubt(hub: Trial) -> None:
    await hub.push([_with_zero(n, "T") for n in range(2)])
    alone = await hub.take(_with_zero(1, "L"), "land")
    seen = await hub.read(alone)
    assert {f["about"] for f in seen["findings"] if f["reason"] == "TIE_DOUBTFUL"} == {
        "desk:T-0",
        "desk:T-1",
    }
