"""The dashboard, the alerts and docs/monitoring.md speak of figures that a running server really gives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.harness.server import Server

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "quarterdeck.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "quarterdeck-rules.yaml").read_text(encoding="utf-8"))
MANUAL = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
NAME = re.compile(r"\bquarterdeck_[a-z_]+\b")
DURATION = re.compile(r"^(\d+[smhd])+$")
QUOTED = re.compile(r'"(\\.|[^"\\])*"')
PAIRS = {")": "(", "]": "[", "}": "{"}


def names_of(server: Server) -> set[str]:
    """Every name of a sample that the server's meters give, those without any label value yet included."""
    text = httpx2.get(f"{server.url}/metrics").text
    names = set()
    for family in text_string_to_metric_families(text):
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
        names |= {family.name + ending for ending in endings}
    return names


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def is_balanced(query: str) -> bool:
    opened: list[str] = []
    for character in QUOTED.sub("", query):
        if character in PAIRS.values():
            opened.append(character)
        elif character in PAIRS and (not opened or opened.pop() != PAIRS[character]):
            return False
    return not opened


def test_the_dashboard_names_only_what_the_server_gives(server: Server) -> None:
    used = {name for query in queries() for name in NAME.findall(query)}
    assert used <= names_of(server)


def test_the_dashboard_shows_everything_the_server_gives(server: Server) -> None:
    text = json.dumps(DASHBOARD)
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names_of(server)}
    assert [name for name in families if name not in text] == []


def test_the_dashboard_has_panels_that_grafana_can_place() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 20
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["type"] in ("row", "stat", "timeseries")
        assert panel["title"]
        for target in panel.get("targets", []):
            assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            assert is_balanced(target["expr"])
        references = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(references)) == len(references)


def test_the_dashboard_lets_one_choose_the_data_source() -> None:
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    assert all('instance=~"$instance"' in query for query in queries())


def test_the_alerts_name_only_what_the_server_gives_and_are_well_formed(server: Server) -> None:
    given = names_of(server)
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert set(NAME.findall(rule["expr"])) <= given, rule["alert"]
        assert is_balanced(rule["expr"])
        assert DURATION.match(rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_manual_explains_every_figure_and_every_alert(server: Server) -> None:
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in names_of(server)}
    explained = set(re.findall(r"`(quarterdeck_[a-z_]+)`", MANUAL))
    assert explained == families
    assert {rule["alert"] for rule in rules()} == set(re.findall(r"`(Quarterdeck[A-Za-z]+)`", MANUAL))
