"""Lets `dvc plots show` and `diff` open without a network."""

import argparse

from brainmri.reporting.offline import set_up_offline_plots


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has none."""


def run(_given: argparse.Namespace) -> int:
    """Sets them up, for this clone."""
    print(f"offline: -> {set_up_offline_plots()}")
    return 0
