"""Every published figure: numpy and scipy, never torch."""
