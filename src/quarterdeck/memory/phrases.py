"""What the gates look for in other languages than English: alternatives of regular expressions, by language.

They are rules of thumb about statements in the third person and messages in the first. A language that is not here is
held by the gates that know no words: quotes, numbers, secrets, confidence, shape, taint.
"""

from __future__ import annotations

from msgspec import Struct


class Phrases(Struct, frozen=True, kw_only=True):
    """By the gate that they belong to, as in `patterns.py`.

    `recalls`: what `assistant` does, `told`: the same without it. An order `begins` so, or says what `assistant` `must`
    do or somebody `wants` of it. `polite`, `yes`: words, with blanks between them.
    """

    reports: str
    assistant: str
    recalls: str
    told: str
    passing: str
    moment: str
    begins: str
    must: str
    wants: str
    powers: str
    consent: str
    always: str
    secrets: str
    leads_in: str
    says_so: str
    polite: str
    yes: str


GERMAN = Phrases(
    reports=r"(be)?nutzer(in)? (hat\b.{0,60}\b)?(sagt|fragt|gesagt|gefragt|gebeten|bittet|grüßt|gegrüßt|bedankt"
    r"|erwähnt"
    r"|möchte wissen|will wissen|geschrieben|getestet)",
    assistant=r"assistent\w*|ki|sprachmodell|chatbot",
    recalls=r"sagte?|schl(ug|ägt)|empf(ahl|iehlt)|erinnert|erklärte?|antwortete?|meinte?|glaubt|gemerkt|notiert",
    told=r"laut (dem|der|deinem|deiner|den) (assistent\w*|gedächtnis|notizen|zusammenfassung)"
    r"|(zuvor|vorher|früher|bereits) (erwähnt|notiert|vermerkt|bekannt|gemerkt|gesagt)",
    passing=r"im moment|momentan|heute (morgen|abend|nachmittag)|ist (müde|hungrig|gelangweilt|spät dran"
    r"|in eile)|wetter",
    moment=r"heute|gerade|heute abend|momentan|im moment",
    begins=r"immer|nie|niemals|ignorier\w*|vergiss|merke? dir|führe?|sende?|schicke?|leite|antworte|schreibe?"
    r"|verwende"
    r"|(be)?nutze|rufe?|hör auf|sei|sprich|genehmige|erlaube|ab jetzt|ab sofort",
    must=r"soll\w*|muss|müssen|darf\w*|dürfen|kann\w*|immer|nie|niemals",
    wants=r"will|möchte|wünscht( sich)?",
    powers=r"genehmig\w*|erlaub\w*|zu(ge)?stimm\w*|einwillig\w*|bestätig\w*|berechtig\w*|anweisung\w*|ignorier\w*"
    r"|umgeh\w*|ohne (rückfrage|nachfrage|bestätigung|zu fragen)|werkzeuge?n?|(aus)?führ\w*|befehle?n?|(ver"
    r"|ab)?send\w*"
    r"|(ver)?schick\w*|weiterleit\w*|hochlad\w*|herunterlad\w*|überweis\w*|(be)?zahl\w*|(ein)?kauf\w*|lösch\w*",
    consent=r"genehmig\w*|einwillig\w*|zustimm\w*|freigaben?|erlaubnis\w*",
    always=r"immer|automatisch|im voraus|bereits|hiermit|jede\w*|alle\w*|ohne",
    secrets=r"passwort|kennwort|geheimzahl|zugangscode",
    leads_in=r"da|weil|wo",
    says_so=r"ich|mein\w*|wir|unser\w*",
    polite="hallo danke dankeschön bitte guten gute morgen tag abend nacht tschüss servus moin schön super"
    " prima sehr vielen"
    " liebe grüße bis später",
    yes="ja genau stimmt richtig klar natürlich",
)
FRENCH = Phrases(
    reports=r"utilisat(eur|rice) (vient de |a )?(di(t|re)|demande|demandé|demander|salue|salué|remercie|remercié"
    r"|mentionne|mentionné|veut savoir|souhaite savoir|se demande)",
    assistant=r"assistante?|modèle de langage|chatbot|robot",
    recalls=r"a (dit|suggéré|recommandé|rappelé|expliqué|répondu|noté)|suggère|recommande|pense|croit",
    told=r"selon (l['’]assistant|la mémoire|les notes|le résumé)"
    r"|(noté|mentionné|rappelé|connu|dit) (plus tôt|auparavant|précédemment)",
    passing=r"en ce moment|pour l['’]instant|ce (matin|soir)|cet après-midi|est (fatiguée?|en retard|pressée?)"
    r"|a faim|météo",
    moment=r"aujourd['’]hui|ce (soir|matin)|cet après-midi|en ce moment|tout de suite",
    begins=r"toujours|ne|jamais|ignore[rz]?|oublie[rz]?|rappelle-toi|souviens-toi|exécute[rz]?|envoie|envoyer|envoyez"
    r"|transfère|transférez|réponds?|répondez|répondre|écris|écrivez|utilise[rz]?|appelle[rz]?|arrête[rz]?|sois|soyez"
    r"|parle[rz]?|approuve[rz]?|autorise[rz]?|désormais|à partir de maintenant",
    must=r"doi(t|s|vent)|devez|peu(t|x|vent)|pouvez|toujours|jamais",
    wants=r"veut|souhaite|voudrait",
    powers=r"approu\w*|approbations?|permissions?|permet\w*|autoris\w*|consent\w*|confirm\w*|sans (demander"
    r"|confirmation)"
    r"|instructions?|ignore\w*|contourn\w*|outils?|exécut\w*|commandes?|envo\w*|courriels?|mails?|transf[eé]r\w*"
    r"|télécharg\w*|pa[iy]\w*|paiements?|ach[eè]t\w*|supprim\w*|efface\w*",
    consent=r"approu\w*|approbations?|autoris\w*|consent\w*|permissions?",
    always=r"toujours|automatiquement|d['’]avance|déjà|tou(t|te|s|tes)|chaque|sans",
    secrets=r"mot de passe|code (secret|pin|confidentiel)|clé secrète",
    leads_in=r"puisque|comme|parce que|vu que|étant donné que",
    says_so=r"je|j['’]\w*|mon|ma|mes|nous|notre|nos",
    polite="bonjour bonsoir salut merci beaucoup s'il te vous plaît plait bonne nuit journée soirée à bientôt"
    " super très bien"
    " de rien",
    yes="oui exactement exact vrai bien sûr voilà c'est ça",
)
SPANISH = Phrases(
    reports=r"usuari[oa] (acaba de |ha )?(di(ce|jo|cho)|pregunt\w*|saluda|saludó|saludado|agradece|agradeció|menciona"
    r"|mencionó|quiere saber|pide ayuda)",
    assistant=r"asistente|modelo de lenguaje|chatbot|bot",
    recalls=r"dijo|sugirió|recomendó|recordó|recuerda|explicó|respondió|anotó|cree|piensa",
    told=r"según (el asistente|la memoria|las notas|el resumen)"
    r"|(anotado|mencionado|recordado|sabido|dicho) (antes|anteriormente|previamente)",
    passing=r"en este momento|ahora mismo|esta (mañana|tarde|noche)|está (cansad[oa]|aburrid[oa]|con prisa)"
    r"|tiene hambre"
    r"|hace (buen|mal) tiempo",
    moment=r"hoy|ahora mismo|esta (mañana|tarde|noche)|en este momento",
    begins=r"siempre|nunca|no|ignor[ae]|olvida|recuerda|ejecuta|envía|enviar|manda|reenvía|responde|contesta"
    r"|escribe|usa"
    r"|llama|sé|habla|aprueba|permite|autoriza|a partir de ahora|desde ahora",
    must=r"debe[ns]?|tiene que|puede[ns]?|siempre|nunca",
    wants=r"quiere|desea|quisiera",
    powers=r"aprob\w*|aprueb\w*|permis\w*|permit\w*|autoriz\w*|consent\w*|consient\w*|confirm\w*|sin (preguntar"
    r"|confirmación)"
    r"|instruccion\w*|ignor\w*|herramientas?|ejecut\w*|comandos?|env[ií]\w*|manda\w*|correos?|reenv\w*|descarg\w*"
    r"|transfer\w*|transfier\w*|pag[aou]\w*|compr[ae]\w*|borr[ae]\w*|elimin\w*",
    consent=r"aprob\w*|aprueb\w*|autoriz\w*|consent\w*|consient\w*|permisos?",
    always=r"siempre|automáticamente|de antemano|ya|tod[oa]s?|cualquier\w*|cada|sin",
    secrets=r"contraseña|clave (secreta|de acceso)|código (pin|secreto)",
    leads_in=r"como|porque|ya que|dado que|puesto que",
    says_so=r"yo|soy|tengo|estoy|vivo|trabajo|mi|mis|nosotr[oa]s|nuestr[oa]s?",
    polite="hola gracias muchas por favor buenos buenas días tardes noches adiós hasta luego vale genial muy"
    " bien saludos",
    yes="sí si exacto exactamente correcto claro cierto eso es",
)
ITALIAN = Phrases(
    reports=r"utente (ha )?(dice|detto|chiede|chiesto|saluta|salutato|ringrazia|ringraziato|menziona|menzionato"
    r"|vuole sapere|si chiede)",
    assistant=r"assistente|modello linguistico|chatbot|bot",
    recalls=r"ha (detto|suggerito|consigliato|ricordato|spiegato|risposto|annotato)|suggerisce|consiglia|crede|pensa",
    told=r"secondo (l['’]assistente|la memoria|le note|il riassunto)"
    r"|(annotato|menzionato|ricordato|noto|detto) (prima|in precedenza)",
    passing=r"in questo momento|al momento|questa (mattina|sera)|stamattina|stasera|è (stanc[oa]|annoiat[oa]"
    r"|di fretta)"
    r"|ha fame|meteo",
    moment=r"oggi|stasera|stamattina|in questo momento",
    begins=r"sempre|mai|non|ignora|dimentica|ricorda(ti)?|esegui|invia|manda|inoltra|rispondi|scrivi|usa|chiama"
    r"|smetti|sii"
    r"|parla|approva|permetti|autorizza|d['’]ora in poi",
    must=r"dev[ei]|devono|può|puoi|possono|sempre|mai",
    wants=r"vuole|desidera|vorrebbe",
    powers=r"approv\w*|permess\w*|permett\w*|autorizz\w*|consen[st]\w*|conferm\w*|senza (chiedere|conferma)"
    r"|istruzion\w*"
    r"|ignor\w*|strument\w*|esegu\w*|comand\w*|invi[ao]\w*|mand[ai]\w*|inoltr\w*|scaric\w*|trasfer\w*"
    r"|bonific\w*|pag[ah]\w*"
    r"|compr[ai]\w*|acquist\w*|cancell\w*|elimin\w*",
    consent=r"approv\w*|autorizz\w*|consens\w*|permess\w*",
    always=r"sempre|automaticamente|in anticipo|già|tutt[aeio]|ogni|qualsiasi|senza",
    secrets=r"parola d['’]ordine|codice (pin|segreto)|chiave segreta",
    leads_in=r"poiché|siccome|perché|dato che|visto che",
    says_so=r"io|sono|ho|vivo|abito|lavoro|mi[oa]|mie[i]?|noi|nostr[oaie]",
    polite="ciao grazie mille per favore prego buongiorno buonasera buonanotte arrivederci a dopo molto bene salve",
    yes="sì si esatto esattamente giusto certo vero",
)
PORTUGUESE = Phrases(
    reports=r"(usuári|utilizador)[oa]? (acabou de |acaba de )?(diz|disse|dizer|pergunt\w*|cumpriment\w*"
    r"|agradec\w*|mencion\w*"
    r"|quer saber|pede ajuda|pediu ajuda)",
    assistant=r"assistente|modelo de linguagem|chatbot|bot",
    recalls=r"disse|sugeriu|recomendou|lembrou|lembra|explicou|respondeu|anotou|acredita|acha",
    told=r"segundo (o assistente|a memória|as notas|o resumo)"
    r"|(anotado|mencionado|lembrado|sabido|dito) (antes|anteriormente|previamente)",
    passing=r"neste momento|agora mesmo|esta (manhã|tarde|noite)|está (cansad[oa]|entediad[oa]|com pressa|com fome)"
    r"|previsão do tempo",
    moment=r"hoje|agora mesmo|esta (manhã|tarde|noite)|neste momento",
    begins=r"sempre|nunca|não|ignor[ae]|esquece|esqueça|lembr[ae]-(te|se)|execut[ae]|envi[ae]|mand[ae]"
    r"|encaminh[ae]|responda"
    r"|responde|escrev[ae]|us[ae]|cham[ae]|seja|fal[ae]|aprov[ae]|permit[ae]|autoriz[ae]|a partir de agora",
    must=r"deve[ms]?|tem que|tem de|pode[ms]?|sempre|nunca",
    wants=r"quer|deseja|gostaria",
    powers=r"aprov\w*|permiss\w*|permit\w*|autoriz\w*|consent\w*|confirm\w*|sem (perguntar|confirmação)"
    r"|instruç\w*|ignor\w*"
    r"|ferramentas?|execut\w*|comandos?|envi[aeo]\w*|mand[aeo]\w*|encaminh\w*|baix[ae]\w*|transfer\w*|pag[aou]\w*"
    r"|compr[ae]\w*|apag\w*|elimin\w*",
    consent=r"aprov\w*|autoriz\w*|consent\w*|permiss\w*",
    always=r"sempre|automaticamente|antecipadamente|já|tod[oa]s?|qualquer|cada|sem",
    secrets=r"senha|palavra-passe|código (pin|secreto)|chave secreta",
    leads_in=r"como|porque|já que|visto que|dado que",
    says_so=r"eu|sou|tenho|estou|moro|vivo|trabalho|meus?|minhas?|nós|noss[oa]s?",
    polite="olá oi obrigado obrigada muito por favor bom boa dia tarde noite tchau adeus até logo bem",
    yes="sim exato exatamente certo claro verdade isso",
)
DUTCH = Phrases(
    reports=r"gebruiker (heeft\b.{0,60}\b)?(zegt|zei|vraagt|vroeg|gezegd|gevraagd|groet|gegroet|bedankt|noemt|genoemd"
    r"|wil weten)",
    assistant=r"assistente?|ai|taalmodel|chatbot|bot",
    recalls=r"zei|zegt|stelde voor|raadde|herinnert|legde uit|antwoordde|noteerde|denkt|gelooft",
    told=r"volgens (de assistent|het geheugen|de notities|de samenvatting)"
    r"|(eerder|al|reeds) (genoemd|genoteerd|bekend|gezegd)",
    passing=r"op dit moment|momenteel|vanmorgen|vanochtend|vanmiddag|vanavond|is (moe|verveeld|laat|gehaast)"
    r"|heeft honger"
    r"|het weer",
    moment=r"vandaag|vanavond|vanmorgen|vanochtend|vanmiddag|zojuist|op dit moment",
    begins=r"altijd|nooit|negeer|vergeet|onthoud|voer|stuur|verstuur|antwoord|schrijf|gebruik|roep|stop|wees|spreek"
    r"|keur|sta toe|vanaf nu",
    must=r"moet\w*|mag|mogen|kan|kunnen|altijd|nooit|hoort",
    wants=r"wil|wenst",
    powers=r"goed(ge)?keur\w*|goedkeuring\w*|toestemming\w*|toe(ge)?staa?n?|sta\w* toe|bevestig\w*"
    r"|zonder (te vragen|bevestiging)"
    r"|instructies?|negeer\w*|omzeil\w*|gereedschap\w*|uit(ge)?voer\w*|voer\w*|opdrachten?|(ver)?stu(ur|ren)\w*"
    r"|doorstu\w*"
    r"|download\w*|overma\w*|betaal\w*|betal\w*|koop\w*|kopen|verwijder\w*|wis\w*",
    consent=r"goedkeur\w*|goedgekeurd|toestemming\w*|akkoord",
    always=r"altijd|automatisch|vooraf|al|hierbij|elke?|alle|zonder",
    secrets=r"wachtwoord|pincode|toegangscode|geheime sleutel",
    leads_in=r"omdat|aangezien|daar|want",
    says_so=r"ik|mijn|m['’]n|wij|we|ons|onze",
    polite="hallo hoi dank je wel bedankt dankjewel alsjeblieft alstublieft goedemorgen goedemiddag goedenavond"
    " welterusten"
    " dag doei tot ziens straks prima heel erg",
    yes="ja precies inderdaad klopt juist zeker",
)
OTHERS = (GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH)
