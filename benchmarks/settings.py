"""The settings of params.yaml that benchmarks measure under."""

import argparse
from pathlib import Path

from brainmri.dataset.audit import AuditParams
from brainmri.dataset.prepare import PrepareParams
from brainmri.dataset.protocols import SplitParams
from brainmri.params import PARAMS_PATH, Section, read_params
from brainmri.phantom.patients.settings import PhantomParams


class Settings(Section):
    """The sections that benchmarks share with the pipeline."""

    phantom: PhantomParams
    prepare: PrepareParams
    audit: AuditParams
    split: SplitParams


def read_channel(word: str) -> int | str:
    """For `--channel`: gray, all or a channel's number, as `prepare.channel` takes it."""
    return int(word) if word.isdigit() else word


def parse_set(description: str | None, arch: str) -> argparse.ArgumentParser:
    """For benchmarks on a folder of scans: RAW, --name, --positive, --channel and --arch."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("raw", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--positive", default="tumor")
    parser.add_argument("--channel", type=read_channel, default="gray")
    parser.add_argument("--arch", default=arch)
    return parser


SETTINGS = read_params(Settings, Path(__file__).parents[1] / PARAMS_PATH)
