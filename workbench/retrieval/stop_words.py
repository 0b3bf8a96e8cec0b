"""Stop words of 15 languages that have a Snowball stemmer; our own short lists, in lower case.

Short on purpose: BM25's idf already gives frequent words little weight; a list only keeps questions ("what is the …")
from matching everything.
"""

from __future__ import annotations

from functools import lru_cache

from workbench.errors import UnknownName

# Snowball's name of each language, and its words.
_WORDS = {
    "english": """a an and are as at be been but by did do does for from had has have he her hers him his how i in into
        is it its of on or our she so some such than that the their them then there these they this those to was we were
        what when where which who whom whose why will with you your""",
    "german": """aber als am an auch auf aus bei bin bis bist da das dass dein dem den der des die dies diese diesem
        diesen dieser dieses doch du durch ein eine einem einen einer eines er es für hat hatte haben ich ihr ihre ihrem
        ihren ihm ihn im in ist kann man mein mit nach nicht noch nur oder sein seine seinem seinen sich sie sind so
        über um und uns unser vom von vor war waren warum was welche welcher welches wem wen wenn wer wessen wie wir
        wird wo wurde wurden zu zum zur""",
    "french": """à au aux avec c ce ces cet cette d dans de des du elle elles en est et eu eux il ils j je l la le les
        leur leurs lui m ma mais me mes moi mon n ne nos notre nous on ont ou où par pas pour qu quand que quel quelle
        quelles quels qui quoi s sa sans se ses son sont sur t ta te tes toi ton tu un une vos votre vous y était
        étaient été être a ai as avait comment pourquoi""",
    "spanish": """a al algo ante como con cual cuál cuando cuándo de del desde donde dónde dos el él ella ellas ellos en
        entre era eran es esa ese eso esta está estaba este esto fue fueron ha han hay la las le les lo los más me mi
        muy no nos o para pero por porque que qué quien quién se ser si sin sobre son su sus también te tu un una uno
        unos y ya yo""",
    "italian": """a ad ai al alla alle allo agli anche che chi ci come con cosa cui da dai dal dalla dalle dallo degli
        dei del della delle dello di dove e è ed era erano fu furono gli ha hanno i il in io la le lei li lo loro lui ma
        me mi ne negli nei nel nella nelle nello noi non o per perché più quale quali quando quanto quella quelle quelli
        quello questa queste questi questo se si sono su sua sue sugli sui sul sulla sulle suo tra tu un una uno vi
        voi""",
    "portuguese": """a ao aos as às até com como da das de dela dele deles do dos e é ela elas ele eles em entre era
        eram essa esse esta está este eu foi foram há isso isto já lhe mais mas me na não nas nem no nos num numa o onde
        os ou para pela pelas pelo pelos por porque qual quais quando que quem se sem ser seu seus são sua suas também
        te tem um uma você""",
    "dutch": """aan al als bij dan dat de der deze die dit door een en er had heb hebben heeft hem het hij hoe hun ik in
        is je kan maar met mijn naar niet nog nu of om onder ons ook op over te ten tot uit van voor waar waarom wanneer
        was wat we welk welke wel wie wij worden werd ze zich zij zijn zo zou""",
    "danish": """af alle at blev da de dem den denne der deres det dette dig din du efter eller en end er et for fra han
        hans har havde hende hendes her hos hun hvad hvem hvilken hvilket hvis hvor hvorfor hvornår i ikke ind jeg kan
        man med men mig min når og også om op os på sig sin skal som til ud under var vi vil være""",
    "norwegian": """alle at av ble da de dem den denne der deres det dette du eller en enn er et etter for fra han hans
        har hadde hun henne her hva hvem hvilken hvilket hvor hvorfor hvordan i ikke inn jeg kan man med meg men min mot
        når og også om opp oss på seg sin skal som så til under ut var vi vil være""",
    "swedish": """alla att av blev då de dem den denna deras dess det detta dig din du efter eller en ett från för ha
        hade han hans har hennes hon honom hur här i inte jag kan man med mellan men mig min mot när någon nu och också
        om oss på samma sig sin ska som så till under upp ut var vad varför vem vi vid vilka vilken vilket är över""",
    "finnish": """ei eivät en ettei että he hän häneen hänen ja joka jonka jos jossa jotka kanssa koska kuin kuka kun
        kuten me mikä miksi milloin missä miten mitä mukaan mutta myös ne niiden niin nyt oli olivat olla on ovat se sen
        siihen siitä sekä tai te tämä tämän vaan vain voi""",
    "hungarian": """a az azt ahol aki akik ami amely azok benne ez ezek ezt egy el és hogy hol ha hanem is itt ki kik
        ki le már meg mely melyik mert mi mikor milyen mint míg nem ő ők ott pedig sem szerint után vagy van vannak volt
        voltak""",
    "romanian": """a al ale am ar are au că care ce cel cea cele cei cine cu cum când de deci din dar ea ei el este eu
        era fi fost fără în îi își îl la le lor lui mai ne nu o pe pentru prin sa sau să se sunt și spre un una unde
        unei unor unui va""",
    "russian": """а без бы был была были было быть в вам вас во вот все всё вы где да для до его ее её если есть еще ещё
        же за и из или им их к как какая какие какой ко когда кого которая которые который кто ли мне мы на над не него
        нее нет ни но о об он она они оно от по под при про с сколько со так также там то того тоже только ты у уже чего
        чем что чтобы эта эти это этот я""",
    "arabic": """من في على إلى الى عن أن ان إن هو هي هم هذا هذه ذلك تلك التي الذي الذين ما ماذا متى أين كيف لماذا هل لا
        لم لن قد كان كانت كل كما أو او ثم بعد قبل بين مع عند حتى و يا""",
    "none": "",
}
LANGUAGES = tuple(_WORDS)


@lru_cache(maxsize=32)
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language; none for the language `none`. Raises UnknownName listing the languages."""
    if language not in _WORDS:
        raise UnknownName("language", language, list(LANGUAGES), field="language")
    return frozenset(_WORDS[language].split())
