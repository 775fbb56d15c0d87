"""dlt, run in its own environment: `dlt_pull.py rest|soap URL SOURCE_PORT RECORDS FROM_DAY FOLDER`.

REST at its best: pages handed over as pyarrow tables, which spares dlt its normalizing row by row;
csv loads, two workers each. SOAP: zeep's objects as plain dictionaries, as its docs show it.
"""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "EXTRACT__WORKERS": "2",
        "NORMALIZE__WORKERS": "2",
        "NORMALIZE__DATA_WRITER__FILE_MAX_ITEMS": "50000",
        "LOAD__WORKERS": "2",
    }
)
WAY, URL, PORT, RECORDS, FROM_DAY, FOLDER = sys.argv[1:7]
PAGE = 500


def rest() -> Iterator[Any]:
    """The pages as tables."""
    import pyarrow
    import requests  # noqa: TID251 - dlt's own environment, not the hub

    session = requests.Session()
    session.trust_env = False
    for offset in range(0, int(RECORDS), PAGE):
        asked = f"http://127.0.0.1:{PORT}/rest?offset={offset}&limit={PAGE}"
        items = session.get(asked, timeout=60).json()["items"]
        for item in items:
            item["dossierActions"] = json.dumps(item["dossierActions"])
            for name in ("releaseDate", "finishDate", "cancellingDate"):
                item[name] = item[name] or 0  # a column of nulls has no type in a page
        yield pyarrow.Table.from_pylist(items)


def soap() -> Iterator[Any]:
    """The pages as dictionaries."""
    import zeep  # noqa: TID251 - dlt's own environment, not the hub
    from zeep.helpers import serialize_object  # noqa: TID251 - as above

    address = f"http://127.0.0.1:{PORT}/TichHopMotCua/Service.asmx"
    service = zeep.Client(f"{address}?wsdl").bind("Service", "ServiceSoap")
    day = date.fromisoformat(FROM_DAY)
    for _ in range(-(-int(RECORDS) // PAGE)):
        last = day + timedelta(days=29)
        found = service.getHoSoMotCua(f"{day:%d/%m/%Y}", f"{last:%d/%m/%Y}")
        yield serialize_object(found.HoSoMotCua if hasattr(found, "HoSoMotCua") else found, dict)
        day = last + timedelta(days=1)


def main() -> None:
    """One load."""
    import dlt

    key = ["referenceUid"] if WAY == "rest" else ["MaDK1"]
    made = dlt.resource(
        rest if WAY == "rest" else soap,
        name="dossier",
        primary_key=key,
        write_disposition="merge",
        max_table_nesting=0,
    )
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(URL),
        dataset_name="peer",
        pipelines_dir=FOLDER,
    )
    pipeline.run(made(), loader_file_format="csv")


if __name__ == "__main__":
    main()
