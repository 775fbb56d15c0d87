"""What the contract stage of a trial says of the contract that is served."""

from canonical.reasons import Reason, sentence
from sync.served import MOST, Served, is_touched
from sync.try_stages import Found, StageFailed
from sync.try_texts import DRIFTED, NOT_SERVED

_MOST_NAMED = 5


def contract_told(held: Found, found: Served) -> Found:
    """What the stage says: passed, or with a warning where what changed touches no mapping row.

    Args:
        held: What it says of the pinned contract and the answer.
        found: What the look at the served one found.

    Raises:
        StageFailed: a mapping row reads what has changed.
    """
    told = {**held.told, "served": {"address": found.address, "fingerprint": found.fingerprint}}
    if found.error is not None:
        reason = found.error.reason
        detail = f" ({found.error.detail})" if found.error.detail else ""
        vi = f"không lấy được hợp đồng đang phục vụ: {reason} {sentence(reason)}{detail}"
        en = f"the served contract cannot be had: {reason} {sentence(reason, 'en')}{detail}"
        told["served"]["reason"] = reason.value
        return Found(f"{held.vi}; {vi}", f"{held.en}; {en}", told, NOT_SERVED)
    if not found.changes:
        vi, en = "hợp đồng đang phục vụ là bản đã ghim", "the served contract is the pinned one"
        if not found.is_same:
            vi += ", chỉ khác ở phần trục không gọi và không đọc"
            en += ", but for what is neither called nor read"
        return Found(f"{held.vi}; {vi}", f"{held.en}; {en}", told)
    said = [one.sentence() for one in found.changes]
    told["changes"] = [
        {"field": one.field, **one.told(), "vi": vi, "en": en}
        for one, (vi, en) in zip(found.changes[:MOST], said, strict=False)
    ]
    more = len(said) - _MOST_NAMED
    vi = "; ".join(one[0] for one in said[:_MOST_NAMED]) + (f"; +{more}" if more > 0 else "")
    en = "; ".join(one[1] for one in said[:_MOST_NAMED]) + (f"; +{more}" if more > 0 else "")
    if is_touched(found):
        raise StageFailed(Reason.SCHEMA_DRIFT, (vi, en), DRIFTED, told)
    return Found(f"{held.vi}; {vi}", f"{held.en}; {en}", told, DRIFTED)
