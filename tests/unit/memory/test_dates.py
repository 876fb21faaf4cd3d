"""Times that a query names are resolved against now, where the one who asks is."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from quarterdeck.domain.words import split_words
from quarterdeck.memory.dates import asks_when, find_period, names_time

NOW = int(datetime(2026, 11, 28, 9, 0, tzinfo=UTC).timestamp() * 1000)  # a Saturday

NAMED = {
    "What did I say on 2025-06-03?": ("2025-06-03", "2025-06-04"),
    "Where was she on 3 June, 2025?": ("2025-06-03", "2025-06-04"),
    "the concert of June 3rd": ("2026-06-03", "2026-06-04"),
    "what happened on December 24": ("2025-12-24", "2025-12-25"),
    "the trip in May": ("2026-05-01", "2026-06-01"),
    "plans made in December": ("2025-12-01", "2026-01-01"),
    "Which film was that in July 2022?": ("2022-07-01", "2022-08-01"),
    "last Tuesday": ("2026-11-24", "2026-11-25"),
    "what I bought yesterday": ("2026-11-27", "2026-11-28"),
    "last week": ("2026-11-16", "2026-11-23"),
    "last month": ("2026-10-01", "2026-11-01"),
    "two weeks ago": ("2026-11-11", "2026-11-18"),
    "the flat that I had in 2019": ("2019-01-01", "2020-01-01"),
    "a couple of weeks ago": ("2026-11-11", "2026-11-18"),
}
_TUESDAY, _TWO_WEEKS_AGO = ("2026-11-24", "2026-11-25"), ("2026-11-11", "2026-11-18")
_DAY_BEFORE_YESTERDAY, _JUNE_3 = ("2026-11-26", "2026-11-27"), ("2025-06-03", "2025-06-04")
_MAY, _LAST_WEEK, _LAST_MONTH = ("2026-05-01", "2026-06-01"), ("2026-11-16", "2026-11-23"), ("2026-10-01", "2026-11-01")
_LAST_YEAR, _2019 = ("2025-01-01", "2026-01-01"), ("2019-01-01", "2020-01-01")
ELSEWHERE = {
    "Was habe ich letzten Dienstag gesagt?": _TUESDAY,
    "Wo war ich am 3. Juni 2025?": _JUNE_3,
    "die Reise im Mai": _MAY,
    "vor zwei Wochen": _TWO_WEEKS_AGO,
    "Was war vorgestern?": _DAY_BEFORE_YESTERDAY,
    "letzte Woche": _LAST_WEEK,
    "im letzten Monat": _LAST_MONTH,
    "voriges Jahr": _LAST_YEAR,
    "seit 2019": _2019,
    "mardi dernier": _TUESDAY,
    "Où étais-je le 3 juin 2025 ?": _JUNE_3,
    "le voyage en mai": _MAY,
    "le concert du 1er mai 2026": ("2026-05-01", "2026-05-02"),
    "il y a deux semaines": _TWO_WEEKS_AGO,
    "le film d’avant-hier": _DAY_BEFORE_YESTERDAY,
    "Qu’est-ce que j’ai acheté hier ?": ("2026-11-27", "2026-11-28"),
    "la semaine dernière": _LAST_WEEK,
    "le mois dernier": _LAST_MONTH,
    "l'année dernière": _LAST_YEAR,
    "il y a un an": ("2025-05-30", "2026-05-30"),
    "le 4 mars 2026": ("2026-03-04", "2026-03-05"),
    "depuis 2019": _2019,
    "el martes pasado": _TUESDAY,
    "¿Dónde estuve el 3 de junio de 2025?": _JUNE_3,
    "el viaje en mayo": _MAY,
    "hace dos semanas": _TWO_WEEKS_AGO,
    "anteayer": _DAY_BEFORE_YESTERDAY,
    "la semana pasada": _LAST_WEEK,
    "el mes pasado": _LAST_MONTH,
    "el año pasado": _LAST_YEAR,
    "martedì scorso": _TUESDAY,
    "Dove ero il 3 giugno 2025?": _JUNE_3,
    "il viaggio a maggio": _MAY,
    "due settimane fa": _TWO_WEEKS_AGO,
    "l'altro ieri": _DAY_BEFORE_YESTERDAY,
    "la settimana scorsa": _LAST_WEEK,
    "il mese scorso": _LAST_MONTH,
    "l'anno scorso": _LAST_YEAR,
    "nel 2019": _2019,
    "na terça-feira passada": _TUESDAY,
    "Onde estive no dia 3 de junho de 2025?": _JUNE_3,
    "a viagem em maio": _MAY,
    "há duas semanas": _TWO_WEEKS_AGO,
    "duas semanas atrás": _TWO_WEEKS_AGO,
    "anteontem": _DAY_BEFORE_YESTERDAY,
    "semana passada": _LAST_WEEK,
    "no mês passado": _LAST_MONTH,
    "ano passado": _LAST_YEAR,
    "afgelopen dinsdag": _TUESDAY,
    "Waar was ik op 3 juni 2025?": _JUNE_3,
    "de reis in mei": _MAY,
    "twee weken geleden": _TWO_WEEKS_AGO,
    "eergisteren": _DAY_BEFORE_YESTERDAY,
    "vorige week": _LAST_WEEK,
    "vorige maand": _LAST_MONTH,
    "vorig jaar": _LAST_YEAR,
    "sinds 2019": _2019,
}


@pytest.mark.parametrize(("text", "days"), (NAMED | ELSEWHERE).items())
def test_a_time_is_read_as_it_is_meant(text: str, days: tuple[str, str]) -> None:
    period = find_period(text, NOW, "")
    assert period is not None
    assert (_day(period.start), _day(period.end)) == days


@pytest.mark.parametrize(
    "text",
    ["", "May I ask?", "You may march on", "31 February", "room 2019", "a second ago", "Was steht hier?",
     "hier is het goed", "4 mars bars an hour ago", "31 février", "el mar y la mesa"],
)  # fmt: skip
def test_what_names_no_time_has_none(text: str) -> None:
    assert find_period(text, NOW, "") is None


def test_a_day_begins_where_the_one_who_asks_is() -> None:
    period = find_period("yesterday", NOW, "Asia/Tokyo")
    assert period is not None
    assert (
        datetime.fromtimestamp(period.start / 1000, ZoneInfo("Asia/Tokyo")).isoformat() == "2026-11-27T00:00:00+09:00"
    )
    assert find_period("yesterday", NOW, "Nowhere/At_all") == find_period("yesterday", NOW, "UTC")


@pytest.mark.parametrize(
    "text",
    ["When did the ferry sail?", "And when is the regatta", "WHEN WERE we in Oslo?", "In which month was the mast set?",
     "What year did she move", "Seit wann rudert er?", "In welchem Jahr war das?", "Quand est-ce que je pars ?",
     "Quelle date était-ce ?", "¿Cuándo?", "¿Qué día fue la boda?", "Quando è partita?", "In che anno ci siamo visti?",
     "Quando foi a festa?", "Qual é a data?", "Wanneer was dat?", "In welk jaar verhuisde ik?"],
)  # fmt: skip
def test_a_question_for_a_time_is_known(text: str) -> None:
    assert asks_when(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "When I was in Oslo, what did I eat?",
        "whenever it rains",
        "What did she say when we met?",
        "Quand j'étais à Lisbonne, où ai-je mangé ?",
        "cuando estuve en Oslo",
        "quando ero a Roma",
        "quando eu era criança",
        "wanneer het regent",
    ],
)
def test_what_only_tells_a_time_asks_for_none(text: str) -> None:
    assert not asks_when(text)


@pytest.mark.parametrize(
    "text",
    ["We sailed yesterday.", "It broke last Tuesday", "two weeks ago", "I moved here in 2019.", "the fair in September",
     "Nächsten Monat, im März", "Aujourd’hui on part.", "El miércoles compré pan", "Ho vinto in luglio",
     "Em março choveu", "Op donderdag zwem ik"],
)  # fmt: skip
def test_what_tells_a_time_names_one(text: str) -> None:
    assert names_time(word.term for word in split_words(text))


@pytest.mark.parametrize(
    "text", ["", "The varnish is dry.", "May I ask?", "room 4012", "Hier bin ich", "the price tag", "mes amis"]
)
def test_other_words_name_no_time(text: str) -> None:
    assert not names_time(word.term for word in split_words(text))


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()
