"""How times are named in the languages that memory knows: pieces of regular expressions, over text without accents."""

from __future__ import annotations

from msgspec import Struct


class TimeWords(Struct, frozen=True, kw_only=True):
    """Of one language. Bars separate names that mean the same.

    `months`, `weekdays`: in order. `days_back`: days by how long they are ago. `units`: day, week, month, year.
    `numbers`: from one on, with commas. Then expressions. `of`: between day, month and year; `ordinal`: behind a day's
    number; `in_month`: before a month that is named alone. `weekday`, `last`, `this`, `ago`: ways to say that, with
    `{weekday}`, `{unit}` (no day but with `ago`) and `{number}`. `asks_when`: over text with its accents. `others`:
    further words that tell a time wherever they stand, with blanks.
    """

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    days_back: tuple[str, ...]
    units: tuple[str, str, str, str]
    numbers: str
    of: str
    ordinal: str
    in_month: str
    weekday: tuple[str, ...]
    last: tuple[str, ...]
    this: tuple[str, ...]
    ago: tuple[str, ...]
    others: str
    asks_when: str


ENGLISH = TimeWords(
    months=("january|jan", "february|feb", "march|mar", "april|apr", "may", "june|jun", "july|jul", "august|aug",
            "september|sep|sept", "october|oct", "november|nov", "december|dec"),
    weekdays=("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
    days_back=("today", "yesterday"),
    units=("day|days", "week|weeks", "month|months", "year|years"),
    numbers="a|an|one, two|couple of, three|few, four, five, six, seven, eight, nine, ten, eleven, twelve",
    of="of", ordinal=r"st|nd|rd|th|\.",
    in_month="in|during|of|since|last|this|early|late|mid|by|from|until|around",
    weekday=("(?:last|on|this past) {weekday}",),
    last=("last {unit}",), this=("this {unit}",), ago=("{number} {unit} ago",),
    others="ago tonight tomorrow last next weekend weekends morning afternoon evening night",
    asks_when=r"\bwhen (?:am|are|is|was|were|did|do|does|have|has|had|will|would|can|could|shall|should)\b"
    r"|\b(?:what|which) (?:day|date|week|month|year)\b",
)  # fmt: skip
GERMAN = TimeWords(
    months=("januar|jan|janner", "februar|feb", "marz|mar", "april|apr", "mai", "juni|jun", "juli|jul", "august|aug",
            "september|sep|sept", "oktober|okt", "november|nov", "dezember|dez"),
    weekdays=("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag|sonnabend", "sonntag"),
    days_back=("heute", "gestern", "vorgestern"),
    units=("tag|tage|tagen", "woche|wochen", "monat|monats|monate|monaten", "jahr|jahres|jahre|jahren"),
    numbers="ein|eine|einem|einen|einer, zwei, drei|ein paar|einigen, vier, funf, sechs, sieben, acht, neun, zehn, elf,"
    " zwolf",
    of="des jahres", ordinal=r"\.|te|ten|ter",
    in_month="im|in|seit|ab|bis|um|vom|letzten|vorigen|vergangenen|diesen|anfang|mitte|ende",
    weekday=("(?:letzt|vergangen|vorig)e[nrms]? {weekday}", "(?:am|seit) {weekday}"),
    last=("(?:letzt|vergangen|vorig)e[nrms]? {unit}",), this=("diese[nrms]? {unit}",), ago=("vor {number} {unit}",),
    others="morgen abend nacht wochenende letzte letzten letztes nächste nächsten nächstes vorige voriges",
    asks_when=r"\bwann\b|\bwelche[mnrs]? (?:tag|datum|woche|monat|jahr)\b",
)  # fmt: skip
FRENCH = TimeWords(
    months=("janvier|janv", "fevrier|fevr", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre",
            "novembre", "decembre"),
    weekdays=("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    days_back=("aujourd'hui", "hier", "avant-hier"),
    units=("jour|jours", "semaine|semaines", "mois", "an|ans|annee|annees"),
    numbers="un|une, deux, trois|quelques, quatre, cinq, six, sept, huit, neuf, dix, onze, douze",
    of="de", ordinal="er|e",
    in_month="en|depuis|debut|fin|vers|des|jusqu'en|mois de|mois d|mi",
    weekday=("(?:ce|depuis) {weekday}", "{weekday} (?:dernier|passe)"),
    last=("{unit} (?:dernier|derniere|passee?|precedente?)", "derni(?:er|ere) {unit}"), this=("ce(?:tte|t)? {unit}",),
    ago=("il y a {number} {unit}",), others="aujourd demain dernier dernière prochain prochaine",
    asks_when=r"\bquand (?:est-ce|est|était|sont|suis|ai-je|as-tu|a-t|avons|avez|ont|va|vais|vas|doi\w+|faut|sera|aura"
    r"|commence|finit|part|arrive)\b|\bdepuis quand\b|\bc'(?:est|était) quand\b"
    r"|\bquel(?:le)? (?:jour|date|semaine|mois|année)\b",
)  # fmt: skip
SPANISH = TimeWords(
    months=("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre|setiembre", "octubre",
            "noviembre", "diciembre"),
    weekdays=("lunes", "martes", "miercoles", "jueves", "viernes", "sabado", "domingo"),
    days_back=("hoy", "ayer|anoche", "anteayer|antier"),
    units=("dia|dias", "semana|semanas", "mes|meses", "ano|anos"),
    numbers="un|una, dos|un par de, tres|unos|unas|algunos|algunas, cuatro, cinco, seis, siete, ocho, nueve, diez,"
    " once, doce",
    of="del?", ordinal="o",
    in_month="en|desde|hasta|durante|de|este|pasado",
    weekday=("(?:el|pasado|este) {weekday}", "{weekday} pasado"),
    last=("{unit} pasad[oa]", "(?:pasad|ultim)[oa] {unit}"), this=("est[ea] {unit}",), ago=("hace {number} {unit}",),
    others="mañana pasado pasada próximo próxima",
    asks_when=r"\bcuándo\b|\bqué (?:día|fecha|semana|mes|año)\b",
)  # fmt: skip
ITALIAN = TimeWords(
    months=("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
            "novembre", "dicembre"),
    weekdays=("lunedi", "martedi", "mercoledi", "giovedi", "venerdi", "sabato", "domenica"),
    days_back=("oggi", "ieri", "altro ieri|altroieri|avantieri"),
    units=("giorno|giorni", "settimana|settimane", "mese|mesi", "anno|anni"),
    numbers="un|uno|una, due, tre|qualche|alcuni|alcune, quattro, cinque, sei, sette, otto, nove, dieci, undici,"
    " dodici",
    of="del?|di", ordinal="°|o",
    in_month="a|ad|in|da|di|dal|durante|scorso|inizio|meta|fine",
    weekday=("(?:scors|quest)[oa] {weekday}", "{weekday} (?:scors|passat)[oa]"),
    last=("{unit} (?:scors|passat)[oa]", "(?:scors|ultim)[oa] {unit}"), this=("quest(?:[oa] |'){unit}",),
    ago=("{number} {unit} fa",), others="domani scorso scorsa prossimo prossima",
    asks_when=r"\bquando (?:ho|hai|ha|abbiamo|avete|hanno|è|era|sono|sei|sarà|devo|deve|vado|va|andiamo|parte|arriva"
    r"|inizia|comincia|finisce)\b|\bda quando\b|\b(?:che|quale) (?:giorno|data|settimana|mese|anno)\b",
)  # fmt: skip
PORTUGUESE = TimeWords(
    months=("janeiro", "fevereiro", "marco", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro",
            "novembro", "dezembro"),
    weekdays=("segunda-feira", "terca-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sabado", "domingo"),
    days_back=("hoje", "ontem", "anteontem"),
    units=("dia|dias", "semana|semanas", "mes|meses", "ano|anos"),
    numbers="um|uma, dois|duas, tres|uns|umas|alguns|algumas, quatro, cinco, seis, sete, oito, nove, dez, onze, doze",
    of="de|do", ordinal="o|º",
    in_month="em|desde|ate|durante|de",
    weekday=("(?:n[oa]|n?est[ea]|ultim[oa]) {weekday}", "{weekday} passad[oa]"),
    last=("{unit} passad[oa]", "ultim[oa] {unit}"), this=("n?est[ea] {unit}",),
    ago=("(?:ha|faz) {number} {unit}", "{number} {unit} atras"), others="amanhã passado passada próximo próxima",
    asks_when=r"\bquando (?:é|foi|fui|fomos|foram|vou|vai|vamos|tenho|tem|devo|deve|será|começa|começou|termina"
    r"|terminou|chega|chegou|nasceu)\b|\bdesde quando\b"
    r"|\b(?:que|qual(?: é| foi)?) (?:[oa] )?(?:dia|data|semana|mês|ano)\b",
)  # fmt: skip
DUTCH = TimeWords(
    months=("januari|jan", "februari|feb", "maart", "april|apr", "mei", "juni|jun", "juli|jul", "augustus|aug",
            "september|sep|sept", "oktober|okt", "november|nov", "december|dec"),
    weekdays=("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    days_back=("vandaag", "gisteren", "eergisteren"),
    units=("dag|dagen", "week|weken", "maand|maanden", "jaar|jaren"),
    numbers="een, twee, drie|een paar|enkele, vier, vijf, zes, zeven, acht, negen, tien, elf, twaalf",
    of="van", ordinal="e|de|ste",
    in_month="in|sinds|tot|begin|eind|half|afgelopen|vorige|rond|vanaf",
    weekday=("(?:afgelopen|vorige|op|sinds) {weekday}",),
    last=("(?:vorige?|afgelopen) {unit}",), this=("(?:dit|deze) {unit}",), ago=("{number} {unit} geleden",),
    others="vorige vorig afgelopen geleden volgende volgend",
    asks_when=r"\bwanneer (?:is|was|waren|zijn|ben|heb|heeft|hebben|had|ga|gaat|gaan|ging|moet|wordt|werd|begint|begon"
    r"|komt|kwam|vertrekt|vertrok|zal|zou|kan)\b|\bsinds wanneer\b|\bwelke (?:dag|datum|week|maand)\b|\bwelk jaar\b",
)  # fmt: skip
OTHERS = (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH)

BEFORE_YEAR = "in|during|of|since|im jahre?|jahre?|seit|en|annee|depuis|ano|desde|nel|dal|anno|em|sinds|jaar"
"""Of all languages: a number of four digits is a year behind these."""

UNSURE = frozenset({"hier", "an", "mars"})
"""A time in French, and words that are none in German, Dutch or English."""

IS_FRENCH = (
    r"\b(?:j|l|d|qu|c|n|s)'\w|\b(?:le|la|que|qui|quel|quelle|est|mon|avec|dans|nous|vous|il y a)\b"
    r"|\bhier (?:soir|matin)\b|\bavant-hier\b"
)
"""Where they are French."""

SAY_OTHER_THINGS = UNSURE | {"mes", "tag"}
"""Words that tell a time, and are something else in another language: they alone tell none."""
