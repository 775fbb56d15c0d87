"""The stages of a trial of a link, noted as they end; behind one that failed none is reached."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from canonical.errors import HubError
from canonical.reasons import Reason, sentence
from canonical.text import Malformed
from sync.try_texts import STAGES, mend

OK, FAILED, NOT_APPLICABLE, NOT_REACHED = "ok", "failed", "not_applicable", "not_reached"
WARNED = "warning"


class Stage(Struct, frozen=True):
    """One stage of a trial.

    Attributes:
        name: One of `try_texts.STAGES`.
        title: Vietnamese; `title_en` English.
        result: ok | warning | failed | not_applicable | not_reached; a warning stops nothing.
        took_ms: How long it took.
        reason: Of the closed list; "" unless it failed for one.
        vi: What was found, Vietnamese; `en` English.
        mend_vi: How to mend it; "" unless it failed or warns.
        told: Numbers and names for a screen; nothing of a dossier.
    """

    name: str
    title: str
    title_en: str
    result: str
    took_ms: int = 0
    reason: str = ""
    vi: str = ""
    en: str = ""
    mend_vi: str = ""
    mend_en: str = ""
    told: dict[str, Any] = {}


class Found(Struct, frozen=True):
    """What a stage says when it passes.

    Attributes:
        warns: How what it says is mended, Vietnamese and English, where it passes with a warning.
    """

    vi: str = ""
    en: str = ""
    told: dict[str, Any] = {}
    warns: tuple[str, str] | None = None


class StageFailed(Exception):
    """A stage that failed without a call failing.

    Attributes:
        mends: How to mend it, Vietnamese and English.
    """

    def __init__(
        self,
        reason: Reason | None,
        texts: tuple[str, str],
        mends: tuple[str, str],
        told: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(texts[1])
        self.reason, self.texts, self.mends, self.told = reason, texts, mends, told or {}


class Skipped(Exception):
    """A stage that does not apply; its texts say why."""

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(en)
        self.vi, self.en = vi, en


Said = Callable[[Stage], None]


class Stages:
    """What was found so far.

    Attributes:
        is_over: Whether a stage has failed.
    """

    def __init__(self, said: Said | None) -> None:
        self._said = said
        self.is_over = False
        self.stages: list[Stage] = []

    async def stage(
        self, name: str, work: Callable[[], Awaitable[Found]], *, is_folder: bool = False
    ) -> None:
        """Do the work of a stage and note how it went."""
        if self.is_over:
            self.note(name, NOT_REACHED, 0)
            return
        begun = time.monotonic()
        try:
            found = await work()
        except Skipped as why:
            self.note(name, NOT_APPLICABLE, since(begun), Found(why.vi, why.en))
        except StageFailed as failure:
            self._add(
                name,
                FAILED,
                since(begun),
                Found(*failure.texts, failure.told),
                failure.reason,
                failure.mends,
            )
        except HubError as error:
            self.fail(name, error, since(begun), is_folder=is_folder)
        except Malformed:
            self.fail(name, HubError(Reason.BODY_MALFORMED), since(begun))
        else:
            self.note(name, OK if found.warns is None else WARNED, since(begun), found)

    def fail(self, name: str, error: HubError, took_ms: int, *, is_folder: bool = False) -> None:
        """Note that a stage failed for a reason of the closed list, and how that is mended."""
        detail = f" ({error.detail})" if error.detail else ""
        found = Found(
            f"{sentence(error.reason)}{detail}", f"{sentence(error.reason, 'en')}{detail}"
        )
        self._add(
            name,
            FAILED,
            took_ms,
            found,
            error.reason,
            mend(error.reason, error.detail, is_folder=is_folder),
        )

    def note(self, name: str, result: str, took_ms: int, found: Found | None = None) -> None:
        """Note how a stage went that did not fail."""
        found = found or Found()
        self._add(name, result, took_ms, found, None, found.warns or ("", ""))

    def _add(
        self,
        name: str,
        result: str,
        took_ms: int,
        found: Found,
        reason: Reason | None,
        mends: tuple[str, str],
    ) -> None:
        title, title_en = STAGES[name]
        stage = Stage(
            name,
            title,
            title_en,
            result,
            took_ms,
            reason.value if reason is not None else "",
            found.vi,
            found.en,
            *mends,
            found.told,
        )
        self.is_over = self.is_over or result == FAILED
        self.stages.append(stage)
        if self._said is not None:
            self._said(stage)


def since(begun: float) -> int:
    """Whole milliseconds since a moment of `time.monotonic`."""
    return round((time.monotonic() - begun) * 1000)


def none(vi: str, en: str) -> Callable[[], Awaitable[Found]]:
    """The work of a stage that does not apply, and why."""

    async def skip() -> Found:
        raise Skipped(vi, en)

    return skip
