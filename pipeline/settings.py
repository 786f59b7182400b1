"""Settings from the environment and `.env`; every one stands in `.env.example`."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipeline.errors import SettingsError

SettingsT = TypeVar("SettingsT", bound="EnvironmentSettings")


class EnvironmentSettings(BaseSettings):
    """Shared by all settings classes: each field is an environment variable of its own name."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", extra="ignore", env_ignore_empty=True
    )


class Settings(EnvironmentSettings):
    """What indexing and searching need."""

    database_url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL to use, postgresql://user:password@host:5432/database; "
        "empty: the embedded server",
    )
    findme_data_dir: Path = Field(
        default=platformdirs.user_data_path("findme"),
        description="folder of the embedded PostgreSQL",
    )
    findme_models_dir: Path = Field(
        default=platformdirs.user_data_path("findme") / "models",
        description="folder of the weights of the face networks",
    )
    findme_engine: str = Field(default="retail", description="face engine: retail or dlib")
    findme_workers: Annotated[int, Field(ge=1, le=64)] = Field(
        default=2, description="photos indexed at once by one process"
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
        ) from (None)


def _line(settings: type[EnvironmentSettings], problem: Any) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    field = settings.model_fields.get(name)
    what = field.description if field and field.description else "see .env.example"
    if problem["type"] == "missing":
        return f"{name.upper()} is missing: {what}."
    reason = problem["msg"].removeprefix("Value error, ")
    return f"{name.upper()} is wrong: {reason} ({what})."
