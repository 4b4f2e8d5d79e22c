"""Every published figure: numpy, scipy and scikit-learn, never torch."""
