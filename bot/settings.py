"""SlackSettings: what the bot needs of Slack, from the environment and `.env`."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from pipeline.domain.consent import ColleagueSearch
from pipeline.settings import EnvironmentSettings

SLACK_API_URL = "https://slack.com/api/"


class SlackSettings(EnvironmentSettings):
    """Socket Mode with an app token, else HTTP with a signing secret."""

    slack_bot_token: SecretStr = Field(
        description="the bot token of the Slack app, xoxb-…, from OAuth & Permissions"
    )
    slack_app_token: SecretStr | None = Field(
        default=None,
        description="the app-level token, xapp-…, with connections:write, for Socket Mode",
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        description="the signing secret, from Basic Information, for HTTP mode; "
        "not needed with SLACK_APP_TOKEN",
    )
    slack_api_url: str = Field(
        default=SLACK_API_URL, description="where Slack's Web API is; another one for tests"
    )
    findme_admins: Annotated[frozenset[str], NoDecode] = Field(
        default=frozenset(),
        description="people besides the workspace's admins who may use /findme-admin, "
        "by member id: U123,U456",
    )
    colleague_search: ColleagueSearch = Field(
        default=ColleagueSearch.ASK,
        description="whether people may look for colleagues: ask (each colleague has to agree), "
        "open (whoever did not refuse is found) or off",
    )
    findme_pull_every_s: Annotated[float, Field(gt=0)] = Field(
        default=120.0, description="seconds between two looks for new photos"
    )
    findme_alert_after_min: Annotated[float, Field(gt=0)] = Field(
        default=30.0,
        description="minutes for which new photos are gathered before people are told of them",
    )
    findme_host: str = Field(default="127.0.0.1", description="address that HTTP listens on")
    findme_port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        default=None,
        description="port of /slack/events and /healthz; 3000 in HTTP mode, "
        "no port at all in Socket Mode, if empty",
    )

    @field_validator("slack_bot_token")
    @classmethod
    def _is_a_bot_token(cls, value: SecretStr) -> SecretStr:
        return _starting_with("xoxb-", value)

    @field_validator("slack_app_token")
    @classmethod
    def _is_an_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        return value and _starting_with("xapp-", value)

    @field_validator("slack_api_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            message = f"write it as {SLACK_API_URL}"
            raise ValueError(message)
        return value.rstrip("/") + "/"

    @field_validator("findme_admins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return frozenset(part.strip() for part in value.split(",") if part.strip())
        return value

    @model_validator(mode="after")
    def _has_a_way_in(self) -> "SlackSettings":
        if self.slack_app_token is None and self.slack_signing_secret is None:
            message = (
                "SLACK_APP_TOKEN is missing: write the app-level token, xapp-…, "
                "or set SLACK_SIGNING_SECRET for HTTP mode"
            )
            raise ValueError(message)
        return self


def _starting_with(prefix: str, value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(prefix):
        message = f"it starts with {prefix}"
        raise ValueError(message)
    return value
