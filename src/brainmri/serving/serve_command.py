"""A page for people and an API for programs: drop scans, see where the model looks and what it says."""

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from brainmri.errors import BadInput
from brainmri.serving.choice import add_model_argument, choose_folder
from brainmri.serving.limits import find_limits
from brainmri.serving.model import Model, read_model
from brainmri.serving.predict import describe_model
from brainmri.serving.runtimes import Runtime
from brainmri.serving.web.desk import Desk
from brainmri.serving.web.quality import Quality, read_quality
from brainmri.serving.web.server import Address, serve
from brainmri.serving.web.settings import find_serve_limits

TOKEN: Final = "BRAINMRI_TOKEN"  # noqa: S105 - the name of a variable
_LEAST_TOKEN: Final = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.epilog = f"With the environment variable {TOKEN}, requests to the API need that token."
    add_model_argument(parser)
    parser.add_argument("--runtime", type=Runtime, choices=list(Runtime), help="default: torch, if there")
    parser.add_argument(
        "--host", default="127.0.0.1", help="default: 127.0.0.1, which only this machine reaches"
    )
    parser.add_argument("--port", type=int, default=8000, help="default: 8000; 0: any that is free")


def run(given: argparse.Namespace) -> int:
    """Serves until Ctrl-C."""
    address, token = Address(given.host, given.port), _read_token()
    if token is None and not address.is_loopback:
        print(
            f"warning: --host {given.host} lets everybody who reaches this machine ask; set {TOKEN}",
            file=sys.stderr,
        )
    folder = choose_folder(given.model)
    model = read_model(folder)
    desk = Desk(model, given.runtime, find_limits(folder), find_serve_limits(folder))
    facts = describe_model(model, desk.predictor.runtime)

    def say(where: str) -> None:
        print(f"serve: {where} ({facts.folder}, {facts.architecture}, {facts.runtime}). {model.notice}")
        sys.stdout.flush()

    serve(desk, _find_quality(model, facts.sha256), address, token, say)
    return 0


def _find_quality(model: Model, sha256: str) -> Quality:
    """The card in the model's folder, else here: the first that is of this model."""
    found = [read_quality(folder, sha256) for folder in (model.folder, Path())]
    return next((quality for quality in found if quality.known), found[0])


def _read_token() -> str | None:
    token = os.environ.get(TOKEN)
    if token is not None and len(token) < _LEAST_TOKEN:
        raise BadInput(f"{TOKEN}: expected at least {_LEAST_TOKEN} characters, came {len(token)}")
    return token
