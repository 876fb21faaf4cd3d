"""What the gates look for, as regular expressions; the gates themselves are in `statements.py`.

English stands here, other languages in `phrases.py`.
"""

from __future__ import annotations

import re

from quarterdeck.memory.phrases import OTHERS


def _words(*alternatives: str) -> re.Pattern[str]:
    """Any of them, as whole words, in any case of letters."""
    return re.compile(rf"(?:\b(?:{'|'.join(alternatives)})\b)", re.IGNORECASE)


REPORTS = _words(
    r"(user|they|he|she) (just )?(said|says|asked|asks|is asking|wants to know|would like to know|wonders)",
    r"(user|they|he|she) (just )?(greeted|greets|thanked|thanks|requested|requests|mentioned)",
    r"(user|they|he|she) (just )?(needs help with|is looking for help)",
    r"(user|they|he|she) (just )?(is testing|started a|sent|wrote|typed)",
    *(of.reports for of in OTHERS),
)
"""The conversation is told, not the user."""

OF_THE_ASSISTANT = _words(
    r"(assistant|chatbot|language model|the ai|the bot)\b.*\b(said|says|suggested|recommended|recalled|remembers)",
    r"(assistant|chatbot|language model|the ai|the bot)\b.*\b(explained|answered|told|noted|believes|thinks)",
    r"according to (the|your) (assistant|memory|notes|summary)",
    r"(noted|known|recorded|remembered|recalled|mentioned|stated) (earlier|before|previously|that|from)",
    r"(earlier|previously|before) (it was )?(noted|recorded|remembered|recalled|mentioned|stated)",
    *(rf"({of.assistant})\b.{{0,40}}\b({of.recalls})" for of in OTHERS),
    *(of.told for of in OTHERS),
)

PASSING = _words(
    r"right now",
    r"at the moment",
    r"this (morning|evening|afternoon)",
    r"is (tired|hungry|bored|back|late|sleepy|in a hurry)",
    r"is having (a|an) (good|bad|nice|long|great|busy) (day|morning|evening|week)",
    r"weather",
    *(of.passing for of in OTHERS),
)

OF_THE_MOMENT = _words(
    "today|tonight|right now|just now|at the moment|this (morning|evening|afternoon)", *(of.moment for of in OTHERS)
)
"""In what was said: then it is lasting only if it is dated."""

_FIRST_ORDERS = (
    r"(always|never|ignore|disregard|forget|remember to|do not|don't|from now on|approve|allow|execute)",
    r"(run|send|forward|reveal|answer|reply|respond|use|write|call|stop|be|speak|act)",
    *(of.begins for of in OTHERS),
)
_PLEASE = r"(please|bitte|s['’]il (te|vous) pla[iî]t|por favor|per favore|alsjeblieft|alstublieft)\W+"
ORDERS = re.compile(
    rf"^({_PLEASE})?({'|'.join(_FIRST_ORDERS)})\b"
    r"|\b(assistant|ai|model|chatbot|bot|you|replies|answers|responses)\b.{0,40}"
    r"\b(should|must|shall|has to|have to|needs? to|is to|are to|may|can|always|never)\b"
    r"|\bwants? (the (assistant|ai|model|bot)|you|answers|replies|responses)\b"
    r"|\b(system prompt|previous instructions|developer mode|jailbreak)\b"
    + "".join(
        rf"|\b({of.assistant})\b.{{0,40}}\b({of.must})\b|\b({of.wants})\b.{{0,20}}\b({of.assistant})\b" for of in OTHERS
    ),
    re.IGNORECASE,
)

POWERS = _words(
    r"approv\w*",
    r"permission\w*",
    r"permit\w*",
    r"authori[sz]\w*",
    r"allow\w*",
    r"consent\w*",
    r"confirm\w*",
    r"without (asking|confirmation)",
    r"instructions?",
    r"system prompt",
    r"ignore|disregard|override|bypass|jailbreak|developer mode|safety|filters?",
    r"tools?|execut\w*|run|commands?",
    r"send\w*|e-?mails?|forward|upload|download|urls?|links?|https?",
    r"transfer\w*|pay\w*|purchas\w*|buy|delete",
    *(of.powers for of in OTHERS),
)
"""What an order must not be about, to be kept as a wish."""

_CONSENT = r"(approv\w*|authori[sz]\w*|consent\w*|permission\w*)"
STANDING_CONSENT = _words(
    rf"(always|automatically|in advance|already|hereby|any|all|every)\b.{{0,60}}\b{_CONSENT}",
    rf"{_CONSENT}\b.{{0,60}}\b(always|automatically|in advance|any|all|every|without)",
    *(rf"({of.always})\b.{{0,60}}\b({of.consent})|({of.consent})\b.{{0,60}}\b({of.always})" for of in OTHERS),
)

SECRETS = re.compile(
    r"\b(sk|pk|rk)[-_](live|test|proj|ant)?[-_]?[A-Za-z0-9_-]{12,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{16,}|\bxox[abp]-\S{10,}|\bAKIA[0-9A-Z]{12,}|\beyJ[\w-]{10,}\.[\w-]{10,}"
    r"|\bqd_[A-Za-z0-9_-]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\b(pass\s?words?|passphrase|pin( code)?|cvv|cvc|api[ -]?key"
    rf"|secret key|access token|recovery (code|phrase)|seed phrase|{'|'.join(of.secrets for of in OTHERS)})"
    r"\b.{0,20}(\b(is|ist|est|es|è|é|lautet)(?!\w)|[:=])",
    re.IGNORECASE,
)
LONG_TOKEN = re.compile(r"[A-Za-z0-9+/_=-]{24,}")
CARD = re.compile(r"\d(?:[ -]?\d){12,18}")

NUMBER = re.compile(r"\d{3,}")
YEAR = re.compile(r"(19|20)\d\d")

SENTENCE_END = re.compile(r"[.!?…。！？؟।\n]+")
QUESTION_MARKS = ("?", "？", "؟")
_LEADS = f"since|as|because|given that|now that|seeing that|{'|'.join(of.leads_in for of in OTHERS)}"
LEADS_IN = re.compile(rf"[¿\W]*({_LEADS})?\W*", re.IGNORECASE)
SAYS_SO = re.compile(
    rf"({_LEADS})?\W*(i|i['’]m|i['’]ve|we|my|our|{'|'.join(of.says_so for of in OTHERS)})\b", re.IGNORECASE
)

_POLITE = """\
hi hello hey thanks thank you good morning evening night bye ok okay great cool nice lol haha please sure welcome cheers
fine well very much so a lot see later talk"""
_YES = "yes yeah yep right exactly correct true sure indeed that is thats"
POLITE = frozenset(" ".join([_POLITE, *(of.polite for of in OTHERS)]).split())
YES = frozenset(" ".join([_YES, *(of.yes for of in OTHERS)]).split())
