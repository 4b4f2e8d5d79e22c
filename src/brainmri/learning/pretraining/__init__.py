"""Training a classifier on endless synthetic MRI, which is rendered while it learns."""
