"""Contract files as they are pinned: each by itself, so that two versions can be compared by file.

A zip is looked into within the bounds of whoever reads contracts (`canonical.linking.Contracts`)
and is never kept as such.
"""

from collections.abc import Mapping

from sync.context import Context

_ZIP = ".zip"


def to_pin(context: Context, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is pinned of files that were handed in: zips by what is in them, others as they are.

    Raises:
        HubError: BODY_MALFORMED with one plain sentence: what is wrong with which file.
    """
    if context.contracts is None or not files:
        return dict(files)
    return dict(context.contracts.unpacked(files))


def laid_beside(
    held: Mapping[str, str], handed_in: Mapping[str, bytes], digests: Mapping[str, str]
) -> dict[str, str]:
    """Name -> digest of all files once some were handed in.

    A zip that was pinned whole, as it once was, makes way for the next one: what is in both would
    stand there twice.

    Args:
        held: What was pinned until now.
        handed_in: As they came, zips among them.
        digests: Of what is pinned of them.
    """
    is_zipped = any(name.lower().endswith(_ZIP) and name not in digests for name in handed_in)
    stays = {n: d for n, d in held.items() if not (is_zipped and n.lower().endswith(_ZIP))}
    return {**stays, **digests}
