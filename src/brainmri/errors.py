"""The one exception that a user is meant to read."""


class BadInput(Exception):
    """What the user gave can't be used.

    The message is one line: what it is about, what was expected, what came, what to do.
    """


class Diverged(BadInput):
    """A training that came to no end with its settings; others may do better."""


class Died(BadInput):
    """What failed for no fault of code or settings, as a process that died; another try may do better."""


class Unfit(BadInput):
    """What a machine of several lacks, and others may have."""
