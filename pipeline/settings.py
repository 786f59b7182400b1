"""Settings from the environment and `.env`; every one stands in `.env.example`."""

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import platformdirs
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pipeline.errors import SettingsError

SettingsT = TypeVar("SettingsT", bound="EnvironmentSettings")


def _split(value: object) -> object:
    """What stands between the commas; a word alone stays one."""
    if isinstance(value, str) and "," in value:
        return tuple(part.strip() for part in value.split(","))
    return value


_PerChannel = Annotated[
    tuple[float, ...], Field(min_length=3, max_length=3), NoDecode, BeforeValidator(_split)
]
_TenNumbers = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=10, max_length=10)
]
_Weights = tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]
_Similarity = Annotated[float, Field(gt=0, lt=1)]


Folder = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path that may begin with `~`."""


class EnvironmentSettings(BaseSettings):
    """Shared by all settings classes: each field is an environment variable of its own name."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )


class EngineSettings(EnvironmentSettings):
    """Which face engine, and what it is made of where that is up to the user."""

    findme_engine: str = Field(
        default="retail",
        description="face engine: retail, dlib, sface, onnx or clip, or some joined: retail+onnx",
    )
    findme_join_weights: Annotated[_Weights | None, NoDecode, BeforeValidator(_split)] = Field(
        default=None,
        description="how much each joined engine counts for the similarity, like 2,1; "
        "empty: all the same",
    )
    findme_onnx_model: Folder | None = Field(
        default=None, description="file of the engine onnx, a face network of your own"
    )
    findme_onnx_size: Annotated[int, Field(ge=16, le=1024)] = Field(
        default=112, description="width and height of the crops it takes, in px"
    )
    findme_onnx_colour: Literal["rgb", "bgr"] = Field(
        default="rgb", description="order of its colour channels: rgb or bgr"
    )
    findme_onnx_mean: _PerChannel = Field(
        default=(127.5, 127.5, 127.5),
        description="taken off each channel, as values from 0 to 255, in its order of channels",
    )
    findme_onnx_std: _PerChannel = Field(
        default=(127.5, 127.5, 127.5),
        description="what each channel is divided by then, as values from 0 to 255",
    )
    findme_onnx_template: Annotated[
        Literal["arcface"] | _TenNumbers, NoDecode, BeforeValidator(_split)
    ] = Field(
        default="arcface",
        description="where eyes, nose and mouth corners lie in its crops: arcface, or five x,y "
        "as fractions of the crop, the viewer's left first",
    )
    findme_onnx_maybe: _Similarity = Field(
        default=0.4, description="cosine similarity from which a face may be the person"
    )
    findme_onnx_sure: _Similarity = Field(
        default=0.5,
        validate_default=True,  # it may lie below a FINDME_ONNX_MAYBE that is set
        description="cosine similarity from which a face surely is the person",
    )
    findme_clip_model: Folder | None = Field(
        default=None,
        description="local ONNX file of the engine clip; empty: from the Hugging Face hub",
    )

    @field_validator("findme_onnx_std")
    @classmethod
    def _is_of_0_to_255(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(one >= 1 for one in value):
            message = "write three numbers of 1 or more; what is meant for 0 to 1, times 255"
            raise ValueError(message)
        return value

    @field_validator("findme_onnx_sure")
    @classmethod
    def _is_above_maybe(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("findme_onnx_maybe", 0.0):
            message = "write a number that is not below FINDME_ONNX_MAYBE"
            raise ValueError(message)
        return value


class Settings(EngineSettings):
    """What indexing and searching need."""

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL to use, postgresql://user:password@host:5432/database; "
        "empty: the embedded server",
    )
    findme_data_dir: Folder = Field(
        default=platformdirs.user_data_path("findme"),
        description="folder of the embedded PostgreSQL",
    )
    findme_models_dir: Folder = Field(
        default=platformdirs.user_data_path("findme") / "models",
        description="folder of the weights of the face networks",
    )
    findme_workers: Annotated[int, Field(ge=0, le=64)] = Field(
        default=2,
        description="photos indexed at once by one process; 0: a bot leaves it to `findme worker`",
    )
    findme_index_memory_mb: Annotated[int, Field(ge=64, le=1_000_000)] = Field(
        default=1024,
        description="memory of the database server to build the index of a large workspace in, "
        "in MB; a million faces want 1400",
    )
    retention_days: Annotated[int, Field(ge=1, le=1095)] = Field(
        default=365,
        description="days after which a photo of a Slack channel and its faces are forgotten",
    )
    findme_metrics_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=None,
        description="port of /metrics for Prometheus, another one for each bot and worker of a "
        "machine; empty: nothing listens",
    )
    findme_metrics_host: str = Field(
        default="127.0.0.1",
        description="address that /metrics listens on; it asks nobody who they are",
    )
    findme_log: str = Field(default="info", description="debug, info, warning or error")

    @field_validator("database_url")
    @classmethod
    def _is_a_postgresql_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(
            ("postgresql://", "postgres://")
        ):
            message = "write it as postgresql://user:password@host:5432/database"
            raise ValueError(message)
        return value

    @field_validator("findme_log")
    @classmethod
    def _is_a_level(cls, value: str) -> str:
        if value.lower() not in {"debug", "info", "warning", "error"}:
            message = "write debug, info, warning or error"
            raise ValueError(message)
        return value.lower()


def load(settings: type[SettingsT], **overrides: Any) -> SettingsT:
    """Read settings from the environment and `.env`.

    Raises: SettingsError, one line for each setting that is missing or wrong; values are never
    shown, since any of them could be a secret.
    """
    try:
        return settings(**overrides)
    except ValidationError as error:
        raise SettingsError(
            "\n".join(_line(settings, problem) for problem in error.errors())
        ) from None


def _line(settings: type[EnvironmentSettings], problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    field = settings.model_fields.get(name)
    what = field.description if field and field.description else "see .env.example"
    if problem["type"] == "missing":
        return f"{name.upper()} is missing: {what}."
    reason = problem["msg"].removeprefix("Value error, ")
    if not name:
        # a check of several settings together says which itself
        return f"{reason}."
    return f"{name.upper()} is wrong: {reason} ({what})."
