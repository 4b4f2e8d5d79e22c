"""What holds for all tests."""

import signal

from hypothesis import settings

# A busy machine is no failure of a property.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# As in a terminal: a shell that runs the tests in the background has Ctrl-C ignored, and their children would
# inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
