"""How often a process looks for garbage that reference counts do not find: seldom.

A batch makes tens of thousands of objects and no circles. With Python's own settings all of them,
and the program with them, are gone through again and again: a sixth of what a record costs.
"""

import gc

_NEW_OBJECTS = 10_000  # before the youngest are looked at; Python's own is 700
_ROUNDS = 20  # of a younger generation before the next older one; Python's own is 10


def settle() -> None:
    """What is there now is there for good; what comes is looked through less often."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _ROUNDS, _ROUNDS)
