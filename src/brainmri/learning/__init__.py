"""Everything that imports torch or fastai."""
