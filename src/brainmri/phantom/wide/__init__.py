"""Synthetic brain MRI drawn far wider than reality, in batches and on any device, to pretrain on."""
