"""What a change is called towards receivers: an id that never changes and is never given twice."""

from uuid import UUID, uuid5

_CHANGES = UUID("6f0d2c5e-6a4b-5b53-9a57-2f5c1c7a4e10")


def event_id(seq: int, kind: str, at: str, dossier: str) -> str:
    """The id of a change's event, the same at every attempt, in every process and at every replay.

    It follows from what the change says, not from its number alone: a store put back from a backup
    gives numbers a second time, to other changes, and a receiver must not take those for known.

    Args:
        seq: Its place in the change feed.
        kind: Its kind.
        at: When the hub learnt it, ISO at +07:00.
        dossier: Public id of the dossier.
    """
    return str(uuid5(_CHANGES, f"{seq} {kind} {at} {dossier}"))
