"""Short English words for the text family, invented strings, and which of them training never sees.

`held_out` splits every string by a stable hash, so invented words and codes fall on one side too.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from functools import cache

GROUPS: dict[str, str] = {
    "signs": """open closed stop exit enter push pull slow yield left right park taxi hotel hostel lobby stairs lift
        way out gate danger warning caution wet floor staff only private public keep clear fire alarm hose escape
        toilet men women ladies gents water quiet please wait here turn ahead detour bridge tunnel road street lane
        avenue route north south east west bus tram train metro ferry airport station school museum library bank
        police camp beach harbor pier market plaza parking motel diner entry no free new info help desk area zone
        loading dock ramp one two three push ring bell sign bike walk run cross merge limit speed mile town city""",
    "shop": """shop sale store bakery cafe bar pub pizza deli grill bistro books toys shoes hats pets flowers gifts
        music video games phone repair barber salon spa nails laundry tailor florist butcher grocer candy tea coffee
        bread cake pastry donut bagel soup salad lunch dinner menu special today fresh local daily deal offer price
        cheap best buy save cash card ticket order pay bill tip rent hire trade stock size small medium large
        brand sport outlet garage tools paint garden lamp rug sofa crafts optics jewel antique vintage organic""",
    "screen": """ok cancel send submit login logout sign up next back done home start stop play pause skip reset
        retry apply close edit delete copy paste cut undo redo share like follow post reply search find filter sort
        print upload download export import install update upgrade settings profile account inbox draft file folder
        view zoom help about contact join invite accept decline agree confirm connect sync scan record mute call
        chat text mail link image photo camera gallery map route report refresh reload accept add remove more less
        show hide lock unlock enable disable online offline beta live hot top pro basic premium guest admin user""",
    "food": """apple pear plum grape lemon lime orange peach melon mango kiwi fig date berry cherry banana olive nut
        bean pea corn rice wheat oat flour sugar salt pepper spice honey jam butter cheese cream milk yogurt egg ham
        beef pork lamb steak fish tuna salmon shrimp crab noodle pasta sauce curry taco burger fries chips onion
        garlic carrot potato tomato celery radish leek kale basil mint sage ginger vanilla cocoa juice soda wine beer
        toast waffle muffin cookie biscuit pie tart fudge syrup cereal snack meal feast""",
    "animals": """cat dog cow pig hen duck goose goat sheep horse pony mule fox wolf bear lion tiger zebra camel deer
        moose rabbit hare mouse rat mole bat owl hawk eagle crow robin finch swan crane stork parrot penguin seal
        whale shark dolphin otter beaver badger frog toad snake lizard turtle snail worm ant bee wasp fly moth spider
        beetle cricket panda koala monkey gorilla giraffe hippo rhino puppy kitten calf foal chick""",
    "nature": """sun moon star sky cloud rain snow storm wind fog mist frost ice heat dawn dusk day night spring summer
        autumn winter sea ocean lake river stream pond brook creek wave tide shore sand rock stone cliff cave hill
        mountain valley canyon desert forest wood tree leaf root branch bark seed grass moss fern ivy rose tulip lily
        daisy orchid oak pine elm maple birch cedar willow island coast field meadow farm earth world planet comet
        thunder rainbow shadow light flame smoke ash dust mud clay coral pearl""",
    "home": """house room door window wall roof floor ceiling kitchen bath bedroom attic cellar hall porch yard fence
        bed chair table desk shelf couch bench stool mirror clock vase candle pillow blanket towel soap brush comb
        cup mug plate bowl fork knife spoon pan pot kettle oven fridge sink tap broom mop bucket basket box bag jar
        bottle can lid key lock nail hammer saw drill screw rope wire pipe tape glue pen pencil paper ruler eraser
        book note page letter stamp envelope map globe radio""",
    "things": """car van truck jeep cab boat ship raft canoe plane jet rocket wheel tire engine motor brake pedal seat
        belt horn flag drum flute piano violin guitar trumpet harp song tune dance ball bat net goal team race medal
        trophy prize puzzle chess dice kite doll robot balloon ribbon button zipper pocket shirt skirt dress coat
        jacket scarf glove sock boot shoe sandal hat cap helmet watch necklace crown coin purse wallet gold silver
        copper iron steel brass glass wool silk cotton leather rubber plastic wax oil gas coal""",
    "people": """baby child boy girl man woman king queen prince knight wizard pirate doctor nurse teacher pilot sailor
        farmer baker chef waiter driver artist actor singer dancer writer poet judge lawyer guard soldier captain
        mayor chief boss crossing terminal password birthday elephant umbrella crocodile
        chocolate sandwich friend mother father sister brother uncle aunt cousin twin hero crew club""",
    "body": """head hair face eye ear nose mouth lip tooth chin neck arm elbow wrist hand finger thumb chest back hip
        leg knee ankle foot toe skin bone heart brain smile tear voice""",
    "actions": """go come sit stand jump hop skip climb crawl swim dive sail ride drive fly fall catch throw kick hit
        hold carry lift drop push reach grab give take bring make build break fix mend cook bake boil fry eat drink
        taste smell hear listen look watch see read write draw paint sing shout whisper laugh cry sleep wake dream
        think know learn teach study count add solve guess choose try win lose play work rest stay leave visit
        travel explore wander seek hunt plant grow pick wash clean sweep fold sew knit""",
    "qualities": """big tall short long wide narrow thick thin deep high low fast quick early late old young good bad
        great fine nice kind brave bold calm proud happy sad angry tired sleepy hungry thirsty sick well strong weak
        hard soft rough smooth sharp dull bright dark pale rich poor full empty hot cold warm cool dry clean dirty
        neat sweet sour bitter salty loud silent simple easy tricky true false real fake safe wild tame rare
        common lucky funny silly clever wise gentle fancy modern ancient red blue green black white pink brown""",
    "ideas": """love hope luck joy peace trust truth faith magic power energy idea plan rule law fact story tale myth
        legend secret riddle joke news week month year hour minute second time past future birth life youth age
        number half double single pair dozen zero four five six seven eight nine ten first last never always maybe
        soon again also only very each every both many few some none north""",
    "names": """anna emma olivia sofia mia lucy grace ruby alice clara hannah julia laura maria nina nora rosa sara
        tina vera zoe adam alex ben carl dan eric frank fred george henry ivan jack james jim joe john karl kevin
        leo liam lucas mark max mike nick noah oscar otto paul peter ralph sam simon thomas tim tom victor walter
        smith jones brown taylor miller wilson davis clark lewis walker young allen scott baker hill moore""",
}  # fmt: skip
WORDS: tuple[str, ...] = tuple(sorted({word for group in GROUPS.values() for word in group.split()}))
"""Every word once, in lower case, at most nine letters."""
_KNOWN = frozenset(WORDS)

NUMBERED = ("room", "gate", "bus", "exit", "level", "route", "page", "table", "floor", "lane", "zone", "track",
            "line", "unit", "box", "desk", "bay", "seat", "row", "size", "class", "step", "part", "stop",
            "hall")  # fmt: skip
"""Words that stand before a number or a code."""


def held_out(text: str) -> bool:
    """Whether training never shows `text` (about 12 % of all strings, whatever their case)."""
    return zlib.crc32(text.lower().encode()) % 100 < 12


@cache
def by_length(held: bool) -> dict[int, tuple[str, ...]]:
    """The words of one side of the split."""
    lengths = sorted({len(w) for w in WORDS})
    return {n: tuple(w for w in WORDS if len(w) == n and held_out(w) == held) for n in lengths}


def real_word(rng: random.Random, held: bool) -> str:
    """A listed word; three to six letters are about equally likely."""
    length = rng.choices((2, 3, 4, 5, 6, 7, 8, 9), (2, 23, 25, 23, 19, 10, 4, 2))[0]
    table = by_length(held)
    return rng.choice(table.get(length) or table[5])


def invented(rng: random.Random, _: bool) -> str:
    """A string that can be pronounced, or (a third of the time) any letters at all."""
    length = rng.randint(3, 7)
    if rng.random() < 0.35:
        return "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=length))
    parts = rng.choice((("bcdfghjklmnprstvwxyz", "aeiouy"), ("aeiou", "bcdfghklmnprstvwxz")))
    return "".join(rng.choice(parts[i % 2]) for i in range(length))


_CODES = ("A9", "A99", "99A", "A9A", "9A", "AA9", "AA99", "A-9", "A-99", "AA-9", "AAA", "9-A", "AA9A", "9A9")


def code(rng: random.Random, _: bool) -> str:
    """Letters and digits; no I and O, which look like 1 and 0."""
    pattern = rng.choice(_CODES)
    draws = {"A": "ABCDEFGHJKLMNPQRSTUVWXYZ", "9": "0123456789", "-": "-"}
    return "".join(rng.choice(draws[sign]) for sign in pattern)


def number(rng: random.Random, _: bool) -> str:
    form = rng.choice(("n", "n", "n", "price", "price", "price", "percent", "time", "year"))
    if form == "price":
        cents = rng.choice((0, 25, 50, 75, 90, 95, 99))
        return rng.choice("$$$£€") + rng.choice((str(rng.randint(1, 99)), f"{rng.randint(0, 19)}.{cents:02d}"))
    if form == "percent":
        return f"{rng.randint(1, 99)}%"
    if form == "time":
        return f"{rng.randint(1, 23)}:{rng.randint(0, 59):02d}"
    return str(rng.randint(1900, 2050)) if form == "year" else str(rng.randint(0, 10 ** rng.randint(2, 4) - 1))


def single(rng: random.Random, _: bool) -> str:
    """One letter whose case can be told from its form, or one digit."""
    return rng.choice((rng.choice("ABCDEFGHJKLMNPQRSTUVWXYZ"), rng.choice("abdefghijnqrty"), rng.choice("0123456789")))


def word(rng: random.Random, held: bool) -> str:
    """Mostly a real word."""
    return (real_word if rng.random() < 0.8 else invented)(rng, held)


def token(rng: random.Random, held: bool, source: Callable[[random.Random, bool], str]) -> str:
    """A string of one kind from one side of the split (what is shorter than three letters is on both)."""
    while True:
        text = source(rng, held)
        if len(text) < 3 or held_out(text) == held:
            return text


def lookalike(rng: random.Random, original: str, held: bool) -> str:
    """Another word or string of the same kind, length and case that shares letters with `original`."""
    low = original.lower()
    if low in _KNOWN:
        pool = [w for w in by_length(held).get(len(low), ()) if w != low]
        close = sorted(pool, key=lambda w: (-sum(a == b for a, b in zip(w, low, strict=True)), rng.random()))[:5]
        if close:
            new = rng.choice(close)
            return "".join(b.upper() if a.isupper() else b for a, b in zip(original, new, strict=True))
    at = rng.choice([i for i, letter in enumerate(original) if letter.isalnum()])
    letters = (
        "0123456789"
        if original[at].isdigit()
        else "ABCDEFGHJKLMNPRSTUWY"
        if original[at].isupper()
        else "abdefghijkmnprtuwy"
    )
    return original[:at] + rng.choice([c for c in letters if c != original[at]]) + original[at + 1 :]
