"""Hyperparameter search: settings drawn by Optuna, scored on validation folds, kept in a journal."""
