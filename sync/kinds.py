"""Every kind of job the hub does by itself: one line each, looked through at every tick."""

from sync import (
    deliver,
    deliver_replaying,
    promotion_replay,
    publish,
    reconciling,
    runs,
    secret_renewal,
    suspects,
)
from sync.filing import FILING
from sync.jobs import Kind

KINDS: tuple[Kind, ...] = (
    runs.KIND,
    FILING,
    deliver.KIND,
    deliver_replaying.KIND,
    promotion_replay.KIND,
    publish.KIND,
    suspects.KIND,
    reconciling.KIND,
    secret_renewal.KIND,
)
