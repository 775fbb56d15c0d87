"""The enterprise number (mã số doanh nghiệp, MSDN), checked. Since 2010 it is the tax code.

Source: domain/contracts.md 5.3: ten digits, `##########-###` for a branch; older short numbers
live on in the register and have no check digit, so they stay as they came.
"""

from typing import Any

from stdnum.exceptions import ValidationError
from stdnum.vn import mst

from canonical.mapping.transforms import Bad, Transform, text
from canonical.reasons import Reason

_NEW_LENGTHS = (10, 13)


def msdn(value: Any) -> str:
    """The number in the register's own form, `##########` or `##########-###`; others as they came.

    Raises:
        Bad: FIELD_TYPE for ten or thirteen digits whose check digit is wrong.
    """
    told = text(value).strip()
    bare = mst.compact(told)
    if not (bare.isascii() and bare.isdigit() and len(bare) in _NEW_LENGTHS):
        return told
    try:
        mst.validate(bare)
    except ValidationError as error:
        raise Bad(Reason.FIELD_TYPE) from error
    return str(mst.format(bare))


TRANSFORMS: dict[str, Transform] = {"msdn": msdn}
