"""Patients of a default data set, drawn narrowly and rendered as the phantoms of pretraining are."""
