"""The routes: page, API, health, metrics."""

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from brainmri.serving.answers import NOT_FOR_DIAGNOSIS, ZERO_SHOT, Answers, ModelFacts
from brainmri.serving.predict import describe_model
from brainmri.serving.tables import to_csv
from brainmri.serving.web.desk import Desk, Work
from brainmri.serving.web.guard import FAILED, PREDICT
from brainmri.serving.web.metering import Meters
from brainmri.serving.web.problems import Code, Problem, Refusal
from brainmri.serving.web.quality import Quality, fill
from brainmri.serving.web.settings import ServeLimits
from brainmri.serving.web.uploads import FIELD, receive_files
from brainmri.serving.web.views import ScanView
from brainmri.serving.web.wording import CALIBRATION, Reading, read_out

_PAGE: Final = resources.files("brainmri.serving.web") / "page"
_KINDS: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_STATUS_CODES: Final[dict[int, Code]] = {404: "not_found", 405: "wrong_method"}
_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "additionalProperties": False,
                    "properties": {
                        FIELD: {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}


class About(BaseModel):
    """What this server has: its model, what it can draw, and what a request may hold.

    `warning` is of a model that has seen synthetic MRI alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    notice: str
    warning: str | None
    calibration: str
    model: ModelFacts | None
    heat_maps: bool
    outlines: bool
    limits: ServeLimits
    token_needed: bool


class Health(BaseModel):
    """That the server is up, with its model loaded, and whether that has seen synthetic MRI alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: str
    waiting: int
    zero_shot: bool


class Served(Answers):
    """Answers; with `views`, words for a person, a CSV table and the slices to draw."""

    readings: tuple[Reading, ...] = ()
    csv: str | None = None
    views: tuple[ScanView, ...] = ()


def make_app(desk: Desk, quality: Quality, meters: Meters, *, token_needed: bool) -> FastAPI:
    """The application, to be put behind a `Guard`."""
    app = FastAPI(
        title="brainmri",
        version="1",
        description=f"Probabilities of tumor in brain MRI. {NOT_FOR_DIAGNOSIS}",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    add_errors(app)
    _add_api(app, desk, meters, token_needed=token_needed)
    _add_pages(app, quality)
    return app


def _add_api(app: FastAPI, desk: Desk, meters: Meters, *, token_needed: bool) -> None:
    model = desk.predictor.model
    facts = describe_model(model, desk.predictor.runtime)

    @app.get("/health", operation_id="health")
    async def health() -> Health:
        """Whether the server is up."""
        return Health(status="ok", waiting=desk.waiting, zero_shot=model.zero_shot)

    @app.get("/metrics", response_class=PlainTextResponse, operation_id="metrics", responses=_say(401, 403))
    async def metrics() -> Response:
        """Counts and times, in Prometheus's text format."""
        return Response(meters.show(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/v1/about", operation_id="about")
    async def about() -> About:
        """The model, and what a request may hold."""
        return About(
            notice=model.notice,
            warning=ZERO_SHOT if model.zero_shot else None,
            calibration=CALIBRATION,
            model=None if token_needed else facts,
            heat_maps=desk.heat is not None,
            outlines=desk.outline is not None,
            limits=desk.limits,
            token_needed=token_needed,
        )

    @app.post(
        PREDICT,
        operation_id="predict",
        openapi_extra=_UPLOAD,
        response_model=Served,
        responses=_say(400, 401, 403, 408, 413, 422, 500, 503),
    )
    async def predict(request: Request, views: bool = Query(False)) -> Response:
        """Scans in the field `files`: pictures, DICOM files, NIfTI volumes, or zip files of them."""
        async with desk.folder() as folder:
            uploads = await receive_files(request, folder, desk.limits)
            work = await desk.answer(request, folder, uploads, views=views)
        meters.count_scans(work)
        # Of many slices it is long, and other requests wait while it is made.
        content = await run_in_threadpool(lambda: _serve(work, views=views).model_dump_json())
        return Response(content, media_type="application/json")


def _serve(work: Work, *, views: bool) -> Served:
    known = dict(work.answers)
    if not views:
        return Served(**known)
    readings = [read_out(scan, work.answers) for scan in work.answers.scans]
    return Served(**known, readings=tuple(readings), csv=to_csv(work.answers), views=tuple(work.views))


def _add_pages(app: FastAPI, quality: Quality) -> None:
    template = (_PAGE / "quality.html").read_text("utf-8")
    files = {item.name: item.read_text("utf-8") for item in _PAGE.iterdir() if item.name[0] != "_"}

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        return HTMLResponse(files["index.html"])

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        kind = _KINDS.get(name[name.rfind(".") :])
        if name not in files or kind is None:
            raise HTTPException(404)
        return Response(files[name], media_type=kind)

    @app.get("/quality", include_in_schema=False)
    async def how_good() -> Response:
        return HTMLResponse(fill(template, "How good is it?", quality.body))

    @app.get("/quality/picture/{number}", include_in_schema=False)
    async def picture(number: int) -> Response:
        if not 0 <= number < len(quality.pictures) or not quality.pictures[number].is_file():
            raise HTTPException(404)
        return FileResponse(quality.pictures[number], media_type="image/png")


def add_errors(app: FastAPI) -> None:
    """Every error as a `Problem`."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> Response:
        return _answer(error.status, error.problem)

    @app.exception_handler(RequestValidationError)
    async def wrong_query(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return _answer(422, Problem(code="bad_request", message=f"{place}: {first['msg'].lower()}"))

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        code = _STATUS_CODES.get(error.status_code, "bad_request")
        problem = Problem(code=code, message=f"{code.replace('_', ' ')} (HTTP {error.status_code})")
        return _answer(error.status_code, problem, error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the guard logs its kind
        return _answer(500, Problem(code="failed", message=FAILED))


def _answer(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    waits = {"retry-after": "2"} if problem.code == "busy" else {}
    return JSONResponse(problem.model_dump(), status, {**(headers or {}), **waits})


def _say(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Problem} for status in statuses}
