"""What the hub found gone by a source's own list, taken in as the hub takes it in."""

import json

from store import connections
from sync.intake import prepare, take_in
from sync.reading import GONE
from sync.taken import Outcome, Taken
from tests.trial import Trial


def bury(hub: Trial, connection: str, *codes: str) -> Outcome:
    """Take in that these codes are gone."""
    with hub.store.read() as tx:
        row = connections.load_connection(tx, connection)
    assert row is not None
    raw = json.dumps({"gone": [{"part": "", "code": code} for code in codes]}).encode()
    taken = Taken(row, GONE, raw, hub.clock(), keeps_duplicates=False)
    return take_in(hub.context, taken, *prepare(hub.context, taken))
