"""How long a trial waits for a simulated department: short only where no answer is to come.

A limit of a second for all of them would call a busy machine a department that does not answer.
"""

NEVER_ANSWERS = frozenset(("silent", "slow", "drip", "unanswered", "hang_after_taking"))


def patience(mood: str) -> float:
    """Seconds that a call to a department in this mood may take."""
    return 0.5 if mood in NEVER_ANSWERS else 60.0
