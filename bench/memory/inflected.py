"""`python bench/memory/inflected.py [--language de …]`: recall by words alone, in several languages.

Somebody tells 24 things that were done with each of twelve kinds of things; a question asks where one of them was, with
the thing and the verb in other forms than they were told in. One message answers it; 23 others have its thing, and
eleven its verb. Many forms ("gekauft", "kaufen") have no stem in common by the rules of any stemmer.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec import Struct

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.memory.run import find_all  # noqa: E402
from bench.memory.scoring import report  # noqa: E402

_START = datetime(2026, 1, 5, 8, tzinfo=UTC)
_APART = timedelta(hours=3)  # each is a talk of its own


class Wording(Struct, frozen=True):
    """`things` and `deeds`: "as told/as asked", with commas between them. `told` and `asked` are made of them."""

    told: str
    asked: str
    reply: str
    things: str
    deeds: str
    places: str


WORDINGS = {
    "en": Wording(
        told="We {deed} two {thing} {place}.",
        asked="Where did I want to {deed} {thing}?",
        reply="Good to know. Was it much work?",
        things="books/a book, chairs/a chair, knives/a knife, glasses/a glass, boxes/a box, keys/a key, "
        "watches/a watch, lamps/a lamp, brushes/a brush, shelves/a shelf, batteries/a battery, balls/a "
        "ball",
        deeds="sold/sell, bought/buy, repaired/repair, painted/paint, lost/lose, found/find, washed/wash, "
        "borrowed/borrow, offered/offer, photographed/photograph, drew/draw, ordered/order, "
        "cleaned/clean, hid/hide, broke/break, wrapped/wrap, carried/carry, measured/measure, "
        "described/describe, insured/insure, looked for/look for, fetched/fetch, threw away/throw away, "
        "saw/see",
        places="in the cellar, in the kitchen, at the market, at the station, in the garden, at school, in the attic",
    ),
    "de": Wording(
        told="Wir haben {place} zwei {thing} {deed}.",
        asked="Wo wollte ich {thing} {deed}?",
        reply="Gut zu wissen. War es viel Arbeit?",
        things="Bücher/ein Buch, Stühle/einen Stuhl, Gläser/ein Glas, Taschen/eine Tasche, Bilder/ein Bild, "
        "Fahrräder/ein Fahrrad, Lampen/eine Lampe, Körbe/einen Korb, Schuhe/einen Schuh, Bälle/einen "
        "Ball, Uhren/eine Uhr, Tische/einen Tisch",
        deeds="verkauft/verkaufen, gekauft/kaufen, repariert/reparieren, gestrichen/streichen, "
        "verloren/verlieren, gefunden/finden, gewaschen/waschen, geliehen/leihen, verschenkt/verschenken, "
        "fotografiert/fotografieren, gezeichnet/zeichnen, bestellt/bestellen, geputzt/putzen, "
        "versteckt/verstecken, zerbrochen/zerbrechen, eingepackt/einpacken, getragen/tragen, "
        "gemessen/messen, beschrieben/beschreiben, versichert/versichern, gesucht/suchen, geholt/holen, "
        "weggeworfen/wegwerfen, gesehen/sehen",
        places="im Keller, in der Küche, auf dem Markt, am Bahnhof, im Garten, in der Schule, auf dem Dachboden",
    ),
    "fr": Wording(
        told="Nous avons {deed} deux {thing} {place}.",
        asked="Où est-ce que je voulais {deed} {thing} ?",
        reply="Bon à savoir. C'était beaucoup de travail ?",
        things="journaux/un journal, bateaux/un bateau, jeux/un jeu, chapeaux/un chapeau, chaises/une chaise, "
        "tableaux/un tableau, clés/une clé, vélos/un vélo, lampes/une lampe, verres/un verre, couteaux/un "
        "couteau, bijoux/un bijou",
        deeds="vendu/vendre, acheté/acheter, réparé/réparer, peint/peindre, perdu/perdre, trouvé/trouver, "
        "lavé/laver, prêté/prêter, offert/offrir, photographié/photographier, dessiné/dessiner, "
        "commandé/commander, nettoyé/nettoyer, caché/cacher, cassé/casser, emballé/emballer, "
        "porté/porter, mesuré/mesurer, décrit/décrire, assuré/assurer, cherché/chercher, "
        "apporté/apporter, jeté/jeter, vu/voir",
        places="à la cave, dans la cuisine, au marché, à la gare, dans le jardin, à l'école, au grenier",
    ),
    "es": Wording(
        told="Hemos {deed} dos {thing} {place}.",
        asked="¿Dónde quise {deed} {thing}?",
        reply="Es bueno saberlo. ¿Fue mucho trabajo?",
        things="libros/un libro, sillas/una silla, lápices/un lápiz, relojes/un reloj, tambores/un tambor, "
        "llaves/una llave, bicicletas/una bicicleta, cruces/una cruz, cuchillos/un cuchillo, sartenes/una "
        "sartén, balones/un balón, cojines/un cojín",
        deeds="vendido/vender, comprado/comprar, reparado/reparar, pintado/pintar, perdido/perder, "
        "encontrado/encontrar, lavado/lavar, prestado/prestar, regalado/regalar, "
        "fotografiado/fotografiar, dibujado/dibujar, pedido/pedir, limpiado/limpiar, escondido/esconder, "
        "roto/romper, empaquetado/empaquetar, llevado/llevar, medido/medir, descrito/describir, "
        "asegurado/asegurar, buscado/buscar, traído/traer, tirado/tirar, visto/ver",
        places="en el sótano, en la cocina, en el mercado, en la estación, en el jardín, en la escuela, en el desván",
    ),
    "ja": Wording(
        told="{place}で{thing}を二つ{deed}。",
        asked="{thing}を{deed}ことがあったのはどこですか？",
        reply="それはよかったですね。大変でしたか？",
        things="本/本, 椅子/椅子, 鍵/鍵, 自転車/自転車, 時計/時計, 絵/絵, 傘/傘, 靴/靴, "
        "帽子/帽子, 鞄/鞄, 皿/皿, 花瓶/花瓶",
        deeds="売りました/売る, 買いました/買う, 直しました/直す, 塗りました/塗る, "
        "失くしました/失くす, 見つけました/見つける, 洗いました/洗う, 借りました/借りる, "
        "贈りました/贈る, 撮りました/撮る, 描きました/描く, 注文しました/注文する, "
        "磨きました/磨く, 隠しました/隠す, 壊しました/壊す, 包みました/包む, "
        "運びました/運ぶ, 測りました/測る, 説明しました/説明する, 捨てました/捨てる, "
        "探しました/探す, 持ってきました/持ってくる, 拾いました/拾う, 見ました/見る",
        places="地下室, 台所, 市場, 駅, 庭, 学校, 屋根裏",
    ),
}


def make_conversation(language: str) -> dict[str, Any]:
    """As `run.py` takes them. The same each time."""
    wording = WORDINGS[language]
    chance = random.Random(7)  # nosec B311
    places = wording.places.split(", ")
    facts = [(thing, deed) for thing in _pairs(wording.things) for deed in _pairs(wording.deeds)]
    chance.shuffle(facts)
    turns, questions = [], []
    for number, (thing, deed) in enumerate(facts):
        at = (_START + number * _APART).isoformat()
        said = wording.told.format(thing=thing[0], deed=deed[0], place=chance.choice(places))
        turns.append({"id": f"{language}{number}", "speaker": "user", "text": said, "timestamp": at})
        turns.append({"id": f"{language}{number}r", "speaker": "model", "text": wording.reply, "timestamp": at})
        asked = wording.asked.format(thing=thing[1], deed=deed[1])
        evidence = [f"{language}{number}"]
        questions.append({"qid": f"q{language}{number}", "query": asked, "category": language, "evidence": evidence})
    return {"id": language, "turns": turns, "questions": questions}


def _pairs(listed: str) -> Iterator[tuple[str, str]]:
    for pair in listed.split(", "):
        told, asked = pair.split("/")
        yield told, asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", nargs="+", choices=tuple(WORDINGS), default=tuple(WORDINGS))
    options = parser.parse_args()
    data = {"conversations": [make_conversation(language) for language in options.language]}
    with tempfile.TemporaryDirectory() as folder:
        found, _ = find_all(data, Path(folder))
    print(report(data, found))


if __name__ == "__main__":
    main()
