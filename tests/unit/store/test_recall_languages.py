"""A question finds what was said in other forms of its words, in each language that memory knows; on both databases."""

from __future__ import annotations

import pytest
from tests.unit.store.stored import add_conversation, add_path, add_user

from quarterdeck.domain.ids import now_ms
from quarterdeck.memory.query import Query
from quarterdeck.memory.recall import Recall
from quarterdeck.store.database import Database, WriteConnection
from quarterdeck.store.search import index_messages

TALKS = {
    "German": (
        ["Heute war ich im Büro.", "Unsere Katze schläft gern auf dem alten Fahrrad.", "Der Kuchen ist verbrannt.",
         "Im Rathaus habe ich ein Buch über Pilze gelesen.", "Morgen regnet es wohl wieder."],
        {"Wo schlafen die Katzen?": 1, "Was stand in den Büchern über den Pilz?": 3, "Wer hat die Fahrräder?": 1},
    ),
    "French": (
        ["Il a plu toute la journée.", "Nos chevaux mangent des carottes bio.", "Le gâteau a brûlé.",
         "Ma cousine chante dans une chorale.", "Demain je prends le train."],
        {"Que mange le cheval ?": 1, "Qui est-ce qui a chanté ?": 3, "Quels gâteaux ont brûlé ?": 2},
    ),
    "Spanish": (
        ["Hoy ha llovido mucho.", "Mi gato duerme encima de la nevera.", "La canción que más me gusta es un bolero.",
         "Compré una bicicleta verde.", "El pastel se quemó."],
        {"¿Dónde duermen los gatos?": 1, "¿Cuáles canciones son boleros?": 2, "¿De qué color son las bicicletas?": 3},
    ),
    "Italian": (
        ["Oggi ha piovuto.", "Il mio gatto dorme sul frigorifero.", "La torta si è bruciata.",
         "Ho comprato una bicicletta verde.", "Domani prendo il treno."],
        {"Dove dormono i gatti?": 1, "Di che colore sono le biciclette?": 3, "Quali torte si sono bruciate?": 2},
    ),
    "Portuguese": (
        ["Hoje choveu muito.", "O meu gato dorme em cima da geladeira.", "O bolo queimou.",
         "Comprei uma bicicleta verde.", "Amanhã vou de trem."],
        {"Onde dormem os gatos?": 1, "De que cor são as bicicletas?": 3, "Quais bolos queimaram?": 2},
    ),
    "Dutch": (
        ["Vandaag heeft het geregend.", "Onze kat slaapt op de koelkast.", "De taart is verbrand.",
         "Ik heb een groen huis gekocht.", "Morgen neem ik de trein."],
        {"Waar slapen de katten?": 1, "Welke kleur hebben de huizen?": 3, "Welke taarten zijn verbrand?": 2},
    ),
    "Russian": (
        ["Сегодня шёл дождь.", "Кошка спит на холодильнике.", "Пирог сгорел.", "Я купил книгу о грибах.",
         "Завтра поеду на поезде."],
        {"Где спят кошки?": 1, "О чём были книги?": 3, "На каком холодильнике?": 1},
    ),
}  # fmt: skip


def hold(connection: WriteConnection, owner: str, said: list[str]) -> list[str]:
    path = add_path(connection, add_conversation(connection, owner), said)
    index_messages(connection, path)
    return path


@pytest.mark.parametrize("language", TALKS)
async def test_other_forms_of_a_word_are_found(database: Database, language: str) -> None:
    said, asked = TALKS[language]
    owner = await database.write(lambda connection: add_user(connection, language))
    path = await database.write(lambda connection: hold(connection, owner, said))
    recall = Recall(database)
    for question, place in asked.items():
        hits = await recall.find(Query(owner=owner, text=question, now=now_ms(), k=3))
        assert [hit.id for hit in hits][:1] == [path[place]], question
