"""Settings: the command line over the environment over `.env` over the defaults; mistakes in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quarterdeck.config import Settings, load_settings
from quarterdeck.errors import SetupError

SECRET = "gsk_do_not_show_me_0123456789"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and an environment without any of our settings."""
    for name in list(os.environ):
        if name.startswith("QUARTERDECK_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_dotenv(folder: Path, text: str | bytes) -> None:
    (folder / ".env").write_bytes(text.encode() if isinstance(text, str) else text)


def test_with_nothing_said_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.min_chunk_chars) == ("127.0.0.1", 8000, 20)
    assert settings.data_dir.is_absolute()


def test_the_command_line_comes_before_the_environment_before_dotenv(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dotenv(folder, "QUARTERDECK_PORT=1001\nQUARTERDECK_MODEL=from/dotenv\nQUARTERDECK_HOST=localhost\n")
    assert load_settings().port == 1001
    monkeypatch.setenv("QUARTERDECK_PORT", "1002")
    monkeypatch.setenv("QUARTERDECK_MODEL", "from/environment")
    settings = load_settings(port=1003, host=None)
    assert (settings.port, settings.model, settings.host) == (1003, "from/environment", "localhost")


def test_an_empty_variable_is_as_good_as_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dotenv(folder, "QUARTERDECK_MODEL=\n")
    monkeypatch.setenv("QUARTERDECK_PORT", "")
    settings = load_settings()
    assert (settings.port, settings.model) == (8000, "")


def test_keys_of_providers_are_found_in_both_places_and_the_environment_wins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dotenv(folder, "GROQ_API_KEY='from dotenv'\nOPENAI_API_KEY=from-dotenv\nHALF=\n")
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    environment = load_settings().environment
    assert environment["GROQ_API_KEY"] == "from dotenv"
    assert environment["OPENAI_API_KEY"] == "from-environment"


def test_a_good_dotenv_in_all_its_forms_is_read(folder: Path) -> None:
    write_dotenv(
        folder,
        "# a comment\n\n  export QUARTERDECK_PORT=1234  # behind it\nQUARTERDECK_MODEL = 'a/b'\n"
        'NOTE="two lines\nof one value"\nQUARTERDECK_LOG_LEVEL="debug"\r\n',
    )
    settings = load_settings()
    assert (settings.port, settings.model, settings.log_level) == (1234, "a/b", "debug")
    assert settings.environment["NOTE"] == "two lines\nof one value"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"GROQ_API_KEY {SECRET}\n", 1),
        (f"# first\n\n{SECRET}\n", 3),
        (f"A=1\nGROQ_API_KEY: {SECRET}\nB=2\n", 2),
        (f"A=1\nexport {SECRET}\n", 2),
        (f"A=1\n\n\nGROQ_API_KEY='{SECRET}\n", 4),
        (f"A=1\nB='x' {SECRET}\n", 2),
        (f"={SECRET}\n", 1),
    ],
)
def test_a_line_that_is_no_assignment_is_named_by_its_number_and_not_by_what_it_says(
    folder: Path, text: str, line: int
) -> None:
    write_dotenv(folder, text)
    with pytest.raises(SetupError, match=rf"Line {line} of \.env") as caught:
        load_settings()
    assert SECRET not in caught.value.message + caught.value.detail


@pytest.mark.parametrize("content", [b"\xff\xfe\x00bad", b"A=1\x00\n"])
def test_a_dotenv_that_is_no_text_is_refused(folder: Path, content: bytes) -> None:
    write_dotenv(folder, content)
    with pytest.raises(SetupError, match=r"\.env"):
        load_settings()


def test_a_dotenv_that_is_a_folder_is_refused(folder: Path) -> None:
    (folder / ".env").mkdir()
    with pytest.raises(SetupError, match=r"\.env"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "70000"),
        ("MIN_CHUNK_CHARS", "0"),
        ("LOG_LEVEL", "loud"),
        ("IDLE_TIMEOUT_S", "-1"),
        ("PUBLIC_URL", "ftp://example.org"),
        ("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/99"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.org"),
        ("MODEL", "gpt-5-mini"),
        ("DISCOVER", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_in_one_sentence(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"QUARTERDECK_{name}", value)
    with pytest.raises(SetupError, match=f"QUARTERDECK_{name}") as caught:
        load_settings()
    assert "\n" not in caught.value.message
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("value", "origin"),
    [
        ("", ""),
        ("/", ""),
        ("https://chat.example.org/", "https://chat.example.org"),
        ("HTTPS://Chat.Example.org:443", "https://chat.example.org"),
        ("http://chat.example.org:80/", "http://chat.example.org"),
        ("https://chat.example.org:80", "https://chat.example.org:80"),
        ("http://[2001:DB8::80]:8080", "http://[2001:db8::80]:8080"),
    ],
)
def test_the_public_address_is_kept_as_browsers_say_it(
    value: str, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_PUBLIC_URL", value)
    assert load_settings().public_url == origin


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PUBLIC_URL", "chat.example.org", "write https://chat.example.org, without a path."),
        ("SCIM_TOKEN", "short", "write at least 16 characters, without blanks."),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "write addresses and networks, such as 127.0.0.1, 10.0.0.0/8."),
    ],
)
def test_of_a_setting_with_a_form_it_is_said_what_to_write(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"QUARTERDECK_{name}", value)
    with pytest.raises(SetupError) as caught:
        load_settings()
    assert caught.value.message == f"The setting QUARTERDECK_{name} is not usable: {says}"


def test_each_setting_with_a_form_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is shown a regular expression."""
    formed = [
        name
        for name, field in Settings.model_fields.items()
        if any(getattr(part, "pattern", None) or hasattr(part, "func") for part in field.metadata)
    ]
    assert len(formed) >= 14
    for name in formed:
        with monkeypatch.context() as one:
            one.setenv(f"QUARTERDECK_{name.upper()}", " !/ ")
            with pytest.raises(SetupError, match="is not usable: write "):
                load_settings()


def test_a_home_folder_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("QUARTERDECK_DATA_DIR", "~/deck")
    assert load_settings().data_dir == Path("/home/ann/deck")
