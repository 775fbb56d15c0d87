import asyncio
import math

import pytest

from adapters.wire import Token
from canonical.errors import NotAllowed, TryAgain, Unreachable
from canonical.reasons import Reason


class Desk:
    """A system that gives tokens and takes those that are in `good`.

    Attributes:
        given: Tokens given so far.
        asked: Tokens shown, in order.
    """

    def __init__(self, life_s: float = math.inf) -> None:
        self.life_s = life_s
        self.given = 0
        self.good: set[str] = set()
        self.gives_good = True
        self.asked: list[str] = []
        self.token = Token(self.log_in, system="desk")

    async def log_in(self) -> tuple[str, float]:
        await asyncio.sleep(0)
        self.given += 1
        told = f"token-{self.given}"
        if self.gives_good:
            self.good = {told}
        return told, self.life_s

    async def call(self, token: str) -> str:
        self.asked.append(token)
        await asyncio.sleep(0)
        if token not in self.good:
            raise TryAgain(Reason.AUTH_EXPIRED)
        return f"answer to {token}"


async def test_a_token_is_got_once_and_shown_again() -> None:
    desk = Desk()
    for _ in range(3):
        assert await desk.token.use(desk.call) == "answer to token-1"
    assert desk.given == 1


async def test_one_that_is_no_longer_taken_is_renewed_once_and_the_call_goes_on() -> None:
    desk = Desk()
    await desk.token.use(desk.call)
    desk.good.clear()
    assert await desk.token.use(desk.call) == "answer to token-2"
    assert desk.asked == ["token-1", "token-1", "token-2"]


async def test_many_who_meet_a_lost_token_get_a_new_one_once() -> None:
    desk = Desk()
    await desk.token.use(desk.call)
    desk.good.clear()
    told = await asyncio.gather(*(desk.token.use(desk.call) for _ in range(20)))
    assert set(told) == {"answer to token-2"}
    assert desk.given == 2


async def test_many_who_begin_together_log_in_once() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.token.use(desk.call) for _ in range(20)))
    assert desk.given == 1


@pytest.mark.parametrize("has_token", [True, False])
async def test_a_new_token_that_is_refused_is_no_loop_but_a_refusal(has_token: bool) -> None:
    desk = Desk()
    if has_token:
        await desk.token.use(desk.call)
    desk.good.clear()
    desk.gives_good = False
    before = desk.given
    with pytest.raises(NotAllowed) as failure:
        await desk.token.use(desk.call)
    assert failure.value.reason is Reason.AUTH_DENIED
    assert desk.given == before + 1


async def test_one_that_ran_out_by_the_clock_is_not_shown() -> None:
    desk = Desk(life_s=0.0)
    await desk.token.use(desk.call)
    await desk.token.use(desk.call)
    assert desk.asked == ["token-1", "token-2"]


async def test_any_other_failure_is_nobodys_reason_to_log_in_anew() -> None:
    desk = Desk()

    async def down(_: str) -> str:
        raise Unreachable(Reason.NET_RESET)

    for _ in range(2):
        with pytest.raises(Unreachable):
            await desk.token.use(down)
    assert desk.given == 1


async def test_a_forgotten_token_is_got_anew() -> None:
    desk = Desk()
    await desk.token.use(desk.call)
    desk.token.forget()
    await desk.token.use(desk.call)
    assert desk.given == 2
