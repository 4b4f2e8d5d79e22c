"""Places of the template head that several modules need, MNI mm: right, anterior, superior."""

from typing import Final

# The pituitary gland lies in the sella.
SELLA_MM: Final = (0.0, 2.0, -33.0)
PINEAL_MM: Final = (0.0, -28.0, 2.0)
