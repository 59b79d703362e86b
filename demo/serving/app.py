"""The FastAPI application: routes, what each can answer, and the layers in front of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware import Middleware
from fastapi.openapi.utils import get_openapi
from fastapi.responses import RedirectResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException as RoutingError
from starlette.middleware.cors import CORSMiddleware

from demo.plugins.catalogue import Skills, skills
from vlm import __version__
from vlm.errors import InputError, VlmError

from . import chat, metrics, models, transcribe
from . import skills as skill_routes
from .errors import ApiError, respond
from .fetch import Fetcher
from .limits import Intake, route_of
from .options import Settings
from .policy import Policy
from .replies import ChatCompletion, ErrorReply, Model, ModelList, SkillList, SkillResult, Status, Transcription
from .schemas import ChatRequest, TranscriptionForm
from .security import PAGE, Doorman, Key
from .service import Service
from .trace import Trace

if TYPE_CHECKING:
    from vlm.assistant import Assistant

_REASONS = {
    400: "A field is wrong; `param` names it", 401: "No valid key", 403: "Host or Origin not allowed",
    404: "No such model", 408: "The body came too slowly", 413: "The body is too large",
    415: "Wrong content type or encoding", 429: "The queue is full: see Retry-After", 500: "An error of the server",
    503: "Not ready, or shutting down", 504: "The answer took too long",
}  # fmt: skip
_ALWAYS = (401, 403, 500)
_GENERATING = (400, 401, 403, 404, 408, 413, 415, 429, 500, 503, 504)


def build(
    assistant: Assistant, settings: Settings, *, policies: Mapping[str, Policy] | None = None,
    fetch: Fetcher | None = None, offered: Skills | None = None,
) -> FastAPI:  # fmt: skip
    """The application; `app.state.service` is its `Service`.

    Args:
        policies: beside those of the settings' file, by the names that it uses.
        fetch: in place of the one that the settings describe.
        offered: in place of the skills that are installed.

    Raises:
        InputError: the file of served models cannot be used, or not beside the page.
    """
    served = models.served_models(assistant, settings.config, policies)
    if settings.page and any(model.input or model.output for model in served.values()):
        raise InputError("policies do not apply to the page: leave out --demo, or the policies", "bad_option")
    figures = metrics.Metrics(assistant.engine, next(iter(served)))
    fetcher = fetch or Fetcher(frozenset(host.lower() for host in settings.url_hosts))
    service = Service(assistant, assistant.engine, served, settings.limits, fetcher, figures, int(time.time()))
    app = FastAPI(
        title="vlm studio", version=__version__, docs_url=None, redoc_url=None, redirect_slashes=False,
        middleware=_layers(settings, service), form_limits={"max_files": 1, "max_fields": 16, "max_part_size": 65_536},
        exception_handlers=dict.fromkeys((ApiError, RequestValidationError, RoutingError, VlmError), _refusal),
        dependencies=[Depends(HTTPBearer(auto_error=False))] if settings.api_key else [],
    )  # fmt: skip
    app.state.service = service
    _add_health(app, service)
    _add_models(app, service)
    _add_generation(app, service)
    offered = offered or skills()
    _add_skills(app, service, offered)
    app.openapi = lambda: _description(app, offered)  # type: ignore[method-assign]
    if settings.page:
        from demo.app import mount

        app.add_route(PAGE, lambda request: RedirectResponse(f"{PAGE}/"), include_in_schema=False)
        mount(app, assistant, path=PAGE, max_file_size=settings.limits.page_bytes)
    return app


def _layers(settings: Settings, service: Service) -> list[Middleware]:
    """From the outside in."""
    cors = Middleware(
        CORSMiddleware, allow_origins=list(settings.origins), allow_methods=["GET", "POST"], allow_headers=["*"],
        expose_headers=["x-request-id"],
    )  # fmt: skip
    return [
        Middleware(Trace, metrics=service.metrics),
        Middleware(Doorman, settings=settings),
        *([cors] if settings.origins else []),
        Middleware(Key, key=settings.api_key),
        Middleware(Intake, limits=settings.limits),
    ]


async def _refusal(request: Request, error: Exception) -> Response:
    return respond(error, request.scope)


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/livez", responses=_can_be(403, 500))
    async def livez() -> Status:
        """The process answers."""
        return Status()

    @app.get("/readyz", responses=_can_be(403, 500, 503))
    async def readyz() -> Status:
        """The engine lives, gave a sign of it lately, and has room."""
        service.check_ready()
        return Status()

    plain: dict[int | str, Any] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}

    @app.get("/metrics", responses=plain | _can_be(*_ALWAYS), response_class=Response)
    async def figures() -> Response:
        """For Prometheus."""
        return Response(service.metrics.text(), media_type=metrics.CONTENT_TYPE)


def _add_models(app: FastAPI, service: Service) -> None:
    context = service.assistant.config.decoder.max_position_embeddings

    def told(name: str) -> Model:
        return Model(id=name, created=service.started, max_model_len=context)

    @app.get("/v1/models", responses=_can_be(*_ALWAYS))
    async def list_models() -> ModelList:
        """The names under which the model is served."""
        return ModelList(data=[told(name) for name in service.models])

    @app.get("/v1/models/{model:path}", responses=_can_be(*_ALWAYS, 404))
    async def retrieve_model(model: str) -> Model:
        return told(service.model(model).name)


def _add_generation(app: FastAPI, service: Service) -> None:
    stream = {"text/event-stream": {"schema": {"type": "string"}}}

    async def create_chat_completion(asked: ChatRequest, request: Request) -> Response:
        """Answers a conversation with pictures and sounds; with `stream`, as server-sent events."""
        return await chat.complete(service, asked, request)

    async def create_transcription(
        asked: Annotated[TranscriptionForm, Form(media_type="multipart/form-data")], request: Request
    ) -> Response:
        """What is said in a recording (WAV, MP3, FLAC, Ogg, AIFF)."""
        return await transcribe.transcribe(service, asked, request)

    text = {"text/plain": {"schema": {"type": "string"}}}
    for path, endpoint, reply, content_type, others in (
        ("/v1/chat/completions", create_chat_completion, ChatCompletion, "application/json", stream),
        ("/v1/audio/transcriptions", create_transcription, Transcription, "multipart/form-data", stream | text),
    ):
        app.router.add_api_route(
            path, endpoint, methods=["POST"], response_model=reply,
            responses={200: {"content": others}, **_can_be(*_GENERATING)},
            route_class_override=route_of(content_type, service.limits, service.check_room),
        )  # fmt: skip


def _add_skills(app: FastAPI, service: Service, offered: Skills) -> None:
    listed = skill_routes.listing(offered)

    @app.get("/v1/skills", responses=_can_be(*_ALWAYS))
    async def list_skills() -> SkillList:
        """The skills: what they take, and what they give."""
        return listed

    guarded = route_of("application/json", service.limits, service.check_room)
    for name, skill in offered.items():
        app.router.add_api_route(
            f"/v1/skills/{name}", partial(skill_routes.run, service, skill), methods=["POST"], name=name,
            operation_id=f"run_{name}", description=skill.description, response_model=SkillResult[skill.output_model],  # type: ignore[name-defined]
            responses=_can_be(*_GENERATING), route_class_override=guarded,
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": {
                "schema": {"$ref": _SCHEMAS.format(model=_request_name(name))}}}}},
        )  # fmt: skip

    async def unknown(name: str) -> Response:
        raise ApiError(404, "skill_not_found", "There is no such skill; GET /v1/skills lists those that there are.")

    app.router.add_api_route(
        "/v1/skills/{name}", unknown, methods=["POST"], include_in_schema=False, route_class_override=guarded
    )


_SCHEMAS = "#/components/schemas/{model}"


def _request_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) + "Request"


def _request_schemas(offered: Skills) -> dict[str, Any]:
    """What the bodies of skills may hold, by the names that the routes refer to."""
    found: dict[str, Any] = {}
    for name, skill in offered.items():
        schema = skill_routes.body_model(skill, _request_name(name)).model_json_schema(ref_template=_SCHEMAS)
        found |= schema.pop("$defs", {}) | {_request_name(name): schema}
    return found


def _can_be(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorReply, "description": _REASONS[status]} for status in statuses}


def _description(app: FastAPI, offered: Skills) -> dict[str, Any]:
    """OpenAPI without FastAPI's 422, which is a 400 here."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for operations in described["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for path in ("/livez", "/readyz"):
            described["paths"][path]["get"].pop("security", None)
        for name in ("HTTPValidationError", "ValidationError"):
            described["components"]["schemas"].pop(name, None)
        described["components"]["schemas"] |= _request_schemas(offered)
        app.openapi_schema = described
    return app.openapi_schema
