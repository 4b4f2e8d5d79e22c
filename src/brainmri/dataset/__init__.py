"""Prepared arrays, groups, shortcuts and the split manifest."""
