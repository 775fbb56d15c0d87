"""The one transform of this folder: what two fields of the JSON list must not say together."""

from typing import Any, NoReturn

from canonical.mapping.transforms import Bad, Transform
from canonical.reasons import Reason


def contradiction(_: Any) -> NoReturn:
    """Never a value: the row's `when` found two fields that cannot both be true.

    A dossier with a cancellation date (NgayHuyHoSo) in a state that is no refusal, withdrawal or
    stop: which of the two holds, nobody here may guess.

    Raises:
        Bad: MAPPING_ERROR, always.
    """
    raise Bad(Reason.MAPPING_ERROR)


TRANSFORMS: dict[str, Transform] = {"contradiction": contradiction}
