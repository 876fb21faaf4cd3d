"""The compose files, and everything that deployment files say about Quarterdeck: variables, commands, ports."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import helm_python
import pytest
import typer.main
import yaml
from tests.harness.image import read_dockerfile
from tests.harness.valkey import ValkeyServer

from quarterdeck.cli.main import build
from quarterdeck.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FLEET = ROOT / "compose.yaml"
SINGLE = DEPLOY / "compose.sqlite.yaml"
EXAMPLE = DEPLOY / "compose.env.example"
CADDYFILE = DEPLOY / "caddy" / "Caddyfile"
VARIABLE = re.compile(r"\bQUARTERDECK_[A-Z_]*[A-Z]\b")
INTERPOLATED = re.compile(r"\$\{([A-Z_]+)(?::?[?-][^}]*)?\}")
PORTS = {"http": 8080, "server": 8000, "admin": 9090}

Service = dict[str, Any]


def services(path: Path) -> dict[str, Service]:
    found: dict[str, Service] = yaml.safe_load(path.read_text(encoding="utf-8"))["services"]
    return found


def all_services() -> list[Any]:
    return [pytest.param(path, name, id=f"{path.stem}-{name}") for path in (FLEET, SINGLE) for name in services(path)]


def ours(path: Path) -> dict[str, Service]:
    return {name: service for name, service in services(path).items() if "build" in service}


def deploy_files() -> Iterator[Path]:
    yield from (ROOT / "Dockerfile", FLEET, ROOT / "docs" / "deployment.md")
    yield from (path for path in DEPLOY.rglob("*") if path.is_file() and "grafana" not in path.parts)


def check_words(words: list[str]) -> None:
    """Would the command line take them? Raises: `AssertionError` naming what it does not know."""
    command: Any = typer.main.get_command(build([]))
    while commands := getattr(command, "commands", {}):
        assert words[0] in commands, f"there is no command {words[0]}"
        command, words = commands[words[0]], words[1:]
    options = {option: parameter for parameter in command.params for option in parameter.opts}
    for word in words:
        assert not word.startswith("-") or word in options, f"{command.name} has no option {word}"


@pytest.mark.parametrize(("path", "name"), all_services())
def test_every_service_is_locked_down_limited_and_restarted(path: Path, name: str) -> None:
    service = services(path)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["cpus"] > 0
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert service["healthcheck"].get("test") or (name == "migrate" and service["healthcheck"] == {"disable": True})
    assert int(service["stop_grace_period"].removesuffix("s")) > 10
    assert ":latest" not in service["image"]
    assert ":" in service["image"]


@pytest.mark.parametrize("path", [FLEET, SINGLE])
def test_only_the_proxy_is_reached_from_outside_and_only_from_this_machine(path: Path) -> None:
    published = {name: service["ports"] for name, service in services(path).items() if "ports" in service}
    assert published == {"proxy": ["127.0.0.1:${PROXY_PORT:-8080}:8080"]}


@pytest.mark.parametrize("path", [FLEET, SINGLE])
def test_the_server_lives_in_the_proxys_network_which_is_there_before_and_after_it(path: Path) -> None:
    (server,) = [service for service in services(path).values() if "network_mode" in service]
    assert server["network_mode"] == "service:proxy"
    assert server["depends_on"]["proxy"] == {"condition": "service_started", "restart": True}


@pytest.mark.parametrize("path", [FLEET, SINGLE])
def test_services_wait_for_services_that_are_there_and_can_become_what_is_waited_for(path: Path) -> None:
    declared = services(path)
    for service in declared.values():
        for name, wanted in service.get("depends_on", {}).items():
            if wanted["condition"] == "service_healthy":
                assert declared[name]["healthcheck"]["test"]
            if wanted["condition"] == "service_completed_successfully":
                assert declared[name]["restart"] == "no"


@pytest.mark.parametrize("path", [FLEET, SINGLE])
def test_volumes_are_declared_and_files_are_there(path: Path) -> None:
    declared = yaml.safe_load(path.read_text())["volumes"]
    for service in services(path).values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (path.parent / source).exists() if source.startswith(".") else source in declared
        if "build" in service:
            assert (path.parent / service["build"] / "Dockerfile").is_file()


@pytest.mark.parametrize("path", [FLEET, SINGLE])
def test_every_value_that_is_filled_in_is_in_the_example(path: Path) -> None:
    wanted = set(INTERPOLATED.findall(path.read_text()))
    offered = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert wanted <= offered


def test_no_password_has_a_default() -> None:
    for name in ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "QUARTERDECK_SECRET_KEY"):
        written = re.findall(rf"\$\{{{name}[^}}]*\}}", FLEET.read_text())
        assert written
        assert [one for one in written if ":?" not in one] == []
        assert re.search(rf"^{name}=$", EXAMPLE.read_text(), re.MULTILINE)


def test_what_is_filled_in_is_ignored_by_git() -> None:
    done = subprocess.run(["git", "check-ignore", "-q", "deploy/compose.env"], cwd=ROOT, check=False)
    assert done.returncode == 0


def test_the_settings_of_a_service_are_usable() -> None:
    filled = {"POSTGRES_PASSWORD": "secret", "VALKEY_PASSWORD": "secret", "QUARTERDECK_SECRET_KEY": "A" * 43 + "="}
    for name, service in ours(FLEET).items():
        given = {
            key.removeprefix("QUARTERDECK_").lower(): INTERPOLATED.sub(
                lambda found: filled.get(found[1]) or found[0].rpartition(":-")[2].rstrip("}"), value
            )
            for key, value in service["environment"].items()
        }
        settings = Settings.model_validate(given)
        assert settings.database_url.split("@")[1] == "postgres:5432/quarterdeck", name
        assert settings.redis_url.split("@")[1] == "valkey:6379/0", name
        assert settings.public_url == "http://localhost:8080"
    assert {"postgres", "valkey"} <= services(FLEET).keys()


def test_every_variable_that_a_deployment_names_is_a_setting() -> None:
    known = {f"QUARTERDECK_{name.upper()}" for name in Settings.model_fields}
    unknown = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in deploy_files()
        for name in VARIABLE.findall(path.read_text(encoding="utf-8"))
        if name not in known
    }
    assert unknown == set()


def test_every_command_that_is_started_is_one_of_the_command_line() -> None:
    commands = [service["command"] for service in ours(FLEET).values()]
    commands += [one.words for one in read_dockerfile(ROOT / "Dockerfile") if one.name == "CMD"]
    with helm_python.Chart.load(str(DEPLOY / "helm" / "quarterdeck")) as chart:
        texts = chart.render({"publicUrl": "https://chat.example.org", "existingSecret": "mine"})
    commands += [
        shlex.split(found.replace(",", " ")) for found in re.findall(r"args: \[(.*)\]", "".join(texts.values()))
    ]
    for unit in (DEPLOY / "systemd").glob("*.service"):
        commands += [line.split()[1:] for line in re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.MULTILINE)]
    assert len(commands) >= 9
    for words in commands:
        check_words(words)


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(AssertionError, match="serve has no option --threads"):
        check_words(["serve", "--threads", "2"])


def test_the_ports_of_proxy_server_and_probes_agree() -> None:
    caddy = CADDYFILE.read_text()
    assert f":{{$PROXY_PORT:{PORTS['http']}}}" in caddy
    assert f":{{$PROXY_ADMIN_PORT:{PORTS['admin']}}}" in caddy
    assert set(re.findall(r"reverse_proxy (\S+)", caddy)) == {f"127.0.0.1:{{$QUARTERDECK_PORT:{PORTS['server']}}}"}
    assert Settings.model_fields["port"].default == PORTS["server"]
    assert services(FLEET)["worker"]["command"] == ["worker", "--health-port", str(PORTS["server"])]
    for path in (FLEET, SINGLE):
        assert services(path)["proxy"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{PORTS['admin']}/healthz"


def test_streams_are_not_cut_off_from_their_readers_by_the_proxy() -> None:
    assert [line for line in CADDYFILE.read_text().splitlines() if re.match(r"\s*flush_interval", line)] == []


def test_no_proxy_refuses_a_body_that_quarterdeck_would_take() -> None:
    assert "client_max_body_size 0;" in (ROOT / "deploy" / "nginx" / "quarterdeck.conf").read_text()
    values = yaml.safe_load((ROOT / "deploy" / "helm" / "quarterdeck" / "values.yaml").read_text())
    assert values["ingress"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    for file in (ROOT / "deploy" / "caddy").iterdir():
        assert "request_body" not in file.read_text()


def test_valkey_takes_the_options_it_is_given_and_loses_nothing_by_them(
    make_valkey: Callable[..., ValkeyServer],
) -> None:
    words = services(FLEET)["valkey"]["command"][1:]
    options = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    assert options.pop("requirepass").startswith("${VALKEY_PASSWORD:?")
    assert options["appendonly"] == "yes"
    assert options["appendfsync"] == "everysec"
    assert options["maxmemory-policy"] == "noeviction"
    valkey = make_valkey(password="open", **options)
    assert valkey.ask("CONFIG", "GET", "maxmemory").split()[-1] == str(768 * 1024 * 1024)
