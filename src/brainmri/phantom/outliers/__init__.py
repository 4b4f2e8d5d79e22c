"""Pictures that show no head, drawn as endlessly as phantoms are."""
