"""One client for all plain calls of the tests to processes of theirs.

A client of its own for each call reads all public authorities each time, a tenth of a second of
processor time; and no connection is kept, since who is called may be killed at any moment.
"""

import httpx

HTTP = httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))
