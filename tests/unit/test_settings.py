"""A wrong or missing setting says its name, what is wrong and what to write; never its value."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import SlackSettings
from pipeline.errors import SettingsError
from pipeline.settings import EnvironmentSettings, Settings, load

SECRET = "hunter2-correct-horse"  # noqa: S105  # what must never be seen again
EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


@pytest.fixture
def slack_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The least that the bot needs."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{SECRET}")
    monkeypatch.setenv("SLACK_APP_TOKEN", f"xapp-{SECRET}")
    return monkeypatch


def complaint(settings: type[EnvironmentSettings]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(settings)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("DATABASE_URL", "mysql://localhost/x", "write it as postgresql://user:password@host"),
        ("DATABASE_URL", "localhost", "write it as postgresql://user:password@host"),
        ("FINDME_WORKERS", "many", "a valid integer"),
        ("FINDME_WORKERS", "-1", "greater than or equal to 0"),
        ("FINDME_WORKERS", "65", "less than or equal to 64"),
        ("FINDME_LOG", "loud", "write debug, info, warning or error"),
    ],
)
def test_a_wrong_setting_yields_one_line_with_its_name_and_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(name, value)

    line = complaint(Settings)

    assert line.startswith(f"{name} is wrong: ")
    assert advice in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("SLACK_BOT_TOKEN", "xoxp-1", "it starts with xoxb-"),
        ("SLACK_APP_TOKEN", "xoxb-1", "it starts with xapp-"),
        ("SLACK_API_URL", "slack.com", "write it as https://slack.com/api/"),
        ("FINDME_PULL_EVERY_S", "0", "greater than 0"),
        ("FINDME_PULL_EVERY_S", "often", "a valid number"),
        ("FINDME_PORT", "70000", "less than or equal to 65535"),
        ("FINDME_PORT", "http", "a valid integer"),
    ],
)
def test_a_wrong_setting_of_the_bot_yields_one_line_with_its_name_and_what_to_write(
    slack_environment: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    slack_environment.setenv(name, value)

    line = complaint(SlackSettings)

    assert line.startswith(f"{name} is wrong: ")
    assert advice in line
    assert "\n" not in line


@pytest.mark.parametrize("empty", [False, True])
def test_a_missing_token_yields_one_line_that_says_where_to_find_it(
    slack_environment: pytest.MonkeyPatch, *, empty: bool
) -> None:
    if empty:
        slack_environment.setenv("SLACK_BOT_TOKEN", "")
    else:
        slack_environment.delenv("SLACK_BOT_TOKEN")

    assert complaint(SlackSettings) == (
        "SLACK_BOT_TOKEN is missing: "
        "the bot token of the Slack app, xoxb-…, from OAuth & Permissions."
    )


def test_neither_socket_nor_http_mode_yields_one_line_that_names_both_ways(
    slack_environment: pytest.MonkeyPatch,
) -> None:
    slack_environment.delenv("SLACK_APP_TOKEN")

    line = complaint(SlackSettings)

    assert line.startswith("SLACK_APP_TOKEN is missing: ")
    assert "SLACK_SIGNING_SECRET" in line
    assert "\n" not in line


def test_each_wrong_setting_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDME_WORKERS", "x")
    monkeypatch.setenv("FINDME_LOG", "x")
    monkeypatch.setenv("DATABASE_URL", "x")

    names = [line.split()[0] for line in complaint(Settings).splitlines()]

    assert sorted(names) == ["DATABASE_URL", "FINDME_LOG", "FINDME_WORKERS"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "FINDME_WORKERS", "FINDME_LOG"])
def test_what_was_written_is_never_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SECRET)

    with pytest.raises(SettingsError) as caught:
        load(Settings)

    assert SECRET not in f"{caught.value} {caught.value!r}"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("name", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "FINDME_PORT"])
def test_a_wrong_secret_of_the_bot_is_never_shown(
    slack_environment: pytest.MonkeyPatch, name: str
) -> None:
    slack_environment.setenv(name, SECRET)

    assert SECRET not in complaint(SlackSettings)


def test_secrets_are_not_shown_by_the_settings_that_hold_them(
    slack_environment: pytest.MonkeyPatch,
) -> None:
    slack_environment.setenv("SLACK_SIGNING_SECRET", SECRET)
    slack_environment.setenv("DATABASE_URL", f"postgresql://u:{SECRET}@h/d")

    shown = [f"{settings!r} {settings}" for settings in (load(Settings), load(SlackSettings))]

    assert SECRET not in "".join(shown)


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINDME_WORKERS", "7")
    monkeypatch.setenv("FINDME_LOG", "DEBUG")
    monkeypatch.setenv("DATABASE_URL", "postgres://u@h/d")

    settings = load(Settings)

    assert (settings.findme_workers, settings.findme_log) == (7, "debug")
    assert settings.database_url == SecretStr("postgres://u@h/d")


def test_settings_are_read_from_a_dotenv_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FINDME_WORKERS=9\nUNKNOWN=x\n", encoding="utf-8")

    assert load(Settings).findme_workers == 9


def test_the_environment_wins_over_a_dotenv_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("FINDME_WORKERS=9\n", encoding="utf-8")
    monkeypatch.setenv("FINDME_WORKERS", "3")

    assert load(Settings).findme_workers == 3


def test_an_empty_setting_keeps_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("FINDME_WORKERS", "")

    settings = load(Settings)

    assert (settings.database_url, settings.findme_workers) == (None, 2)


@pytest.mark.parametrize("name", ["FINDME_DATA_DIR", "FINDME_MODELS_DIR"])
def test_a_folder_may_begin_with_the_home_folder(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "~/findme")

    assert getattr(load(Settings), name.lower()) == Path.home() / "findme"


def test_admins_are_read_from_a_list_with_commas(slack_environment: pytest.MonkeyPatch) -> None:
    slack_environment.setenv("FINDME_ADMINS", "U1, U2,,")

    assert load(SlackSettings).findme_admins == {"U1", "U2"}


def test_http_mode_needs_the_signing_secret_alone(slack_environment: pytest.MonkeyPatch) -> None:
    slack_environment.delenv("SLACK_APP_TOKEN")
    slack_environment.setenv("SLACK_SIGNING_SECRET", SECRET)

    assert load(SlackSettings).slack_app_token is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/api", "http://127.0.0.1:1/api/"])
def test_the_address_of_slack_ends_in_one_slash(
    slack_environment: pytest.MonkeyPatch, url: str
) -> None:
    slack_environment.setenv("SLACK_API_URL", url)

    assert load(SlackSettings).slack_api_url == "http://127.0.0.1:1/api/"


def example() -> dict[str, str]:
    """What each line of `.env.example` sets, commented out or not; the last one counts."""
    lines = re.findall(
        r"^(?:# )?([A-Z_]+)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE
    )
    return dict(lines)


def test_the_example_file_names_every_setting_and_no_other() -> None:
    fields = {**Settings.model_fields, **SlackSettings.model_fields}

    assert set(example()) == {name.upper() for name in fields}


@pytest.mark.parametrize("settings", [Settings, SlackSettings])
def test_the_example_file_holds_the_defaults(
    slack_environment: pytest.MonkeyPatch, settings: type[EnvironmentSettings]
) -> None:
    slack_environment.delenv("FINDME_DATA_DIR")
    written = {name.lower(): value for name, value in example().items()}
    needed = {name for name, field in settings.model_fields.items() if field.is_required()}
    # Without an app token the settings are not valid; the file leaves it empty, too.
    names = settings.model_fields.keys() - needed - {"slack_app_token"}
    for name in names:
        slack_environment.setenv(name, re.sub("^~", str(Path.home()), written[name]))

    made = load(settings)

    assert {name: getattr(made, name) for name in names} == {
        name: settings.model_fields[name].default for name in names
    }
    assert all(not written[name] for name in needed)
