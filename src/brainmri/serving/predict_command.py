"""What a trained model says of scans: pictures, DICOM files and series, NIfTI volumes, or folders of them."""

import argparse
import sys
from pathlib import Path

from brainmri.backend import Backend, ComputeParams, ComputeSection, choose
from brainmri.params import PARAMS_PATH, read_params
from brainmri.serving.choice import add_model_argument, choose_folder
from brainmri.serving.judging import Predictor
from brainmri.serving.limits import find_limits
from brainmri.serving.model import read_model
from brainmri.serving.predict import predict_scans, stream_scans
from brainmri.serving.runtimes import Runtime, choose_runtime, open_dicom_writer, open_explainer
from brainmri.serving.tables import to_text, write_csv

ALL_ANSWERED, SOME_REJECTED, NOTHING_DONE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.epilog = "exit code: 0 all scans answered, 1 some rejected, 2 none answered, or ended early"
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, or a folder with files")
    add_model_argument(parser)
    parser.add_argument(
        "--backend",
        type=Backend,
        choices=list(Backend),
        default=Backend.LOCAL,
        help="this machine (default), or a Ray cluster",
    )
    parser.add_argument("--runtime", type=Runtime, choices=list(Runtime), help="default: torch, if there")
    parser.add_argument(
        "--explain", type=Path, metavar="DIR", help="write a heat map for each scan there (needs torch)"
    )
    parser.add_argument(
        "--dicom-out", type=Path, metavar="DIR", help="write DICOM objects of DICOM scans there (needs torch)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print everything, slice by slice, as JSON")
    form.add_argument("--csv", action="store_true", help="print a line a scan, as CSV, each as it comes")


def run(given: argparse.Namespace) -> int:
    """Prints the answers; the exit code."""
    _compute_on(given.backend)
    folder = choose_folder(given.model)
    model, limits = read_model(folder), find_limits(folder)
    watches = [] if given.explain is None else [open_explainer(model, given.explain)]
    if given.dicom_out is not None:
        watches.append(open_dicom_writer(model, given.dicom_out, limits.max_volume_megabytes))
    predictor = Predictor(model, choose_runtime(model, given.runtime))
    asked = given.paths, predictor, limits, watches
    if given.csv:
        answered, rejected = write_csv(sys.stdout, stream_scans(*asked), model.notice)
    else:
        answers = predict_scans(*asked)
        answered, rejected = len(answers.scans), len(answers.rejected)
        sys.stdout.write(f"{answers.model_dump_json(indent=2) if given.json else to_text(answers)}\n")
    if not answered:
        return NOTHING_DONE
    return SOME_REJECTED if rejected else ALL_ANSWERED


def _compute_on(backend: Backend) -> None:
    """A cluster as params.yaml describes it; without that file all that nodes need is sent to them."""
    if backend is Backend.LOCAL:
        return
    if PARAMS_PATH.is_file():
        params = read_params(ComputeSection).compute
    else:
        params = ComputeParams(backend=backend, shared_folder=False, gpus_per_unit=0.0)
    choose(params.model_copy(update={"backend": backend}))
