"""Synthetic brain MRI with tumors, drawn from the MNI152 templates."""
