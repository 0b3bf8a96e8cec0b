"""Words for keys and lists: common English words, and invented ones or further combinations when they run out."""

from __future__ import annotations

import random
from collections.abc import Iterator

from corpora.synthetic.fictional_world.names import Names

ADJECTIVES = tuple(
    "amber ancient bitter blunt bold brave brief bright brisk broad calm careful cheerful clever cold common cool "
    "crisp curious damp dapper dark deep dim distant dry dull dusty eager early easy elder empty even faint fair "
    "famous fancy fast fierce fine firm flat fond fresh frosty gentle giant glad gloomy golden grand grave great "
    "green grey handy happy hardy heavy hidden hollow honest humble icy idle jolly keen kind large late lazy light "
    "little lively lofty lonely long loud loyal lucky mellow merry mild misty modest narrow neat nimble noble odd "
    "open pale patient plain polite proud quaint quick quiet rapid rare ripe rough round royal rusty sandy scarce "
    "shady sharp shy silent silver simple slender slow small smooth snowy sober soft solid sour spare stable steady "
    "steep stern stiff still stout strange sturdy subtle sudden sunny swift tall tame tender thin tidy tiny tough "
    "upper vague vast velvet vivid warm wary weary wide wild windy wise witty wooden young".split()
)
NOUNS = tuple(
    "acorn anchor apron arch arrow attic badge balcony banner barn barrel basket beacon bell bench blanket blossom "
    "boat bonnet bottle bridge broom brush bucket buckle button cabin candle canvas canyon carpet cart castle "
    "cellar chain chalk chapel chest chimney cider cliff cloak clock clover cobble collar comb compass copper coral "
    "cottage cradle crane creek cricket crown cup curtain cushion dagger dairy desk dove drum eagle easel elbow "
    "ember engine falcon feather fence fern ferry fiddle field flask flute forest fork fountain fox garden garland "
    "gate glacier glove goose grain granite grape grove hammer harbor harp hat hazel hedge helmet heron hill hinge "
    "honey hook horn island ivory ivy jacket jar jewel jug kettle key kite ladder lagoon lake lamp lantern lark "
    "latch leaf ledger lemon lens lever lily linen lock locket loom magnet maple market marsh mask meadow mill "
    "mirror mitten moss motor needle nest nickel oak oar olive orchard otter oven owl paddle palace paper parcel "
    "pasture path pear pebble pencil pepper pigeon pillow pine pipe pitcher plum pocket pond poppy porch prairie "
    "quarry quilt quiver rabbit raft rail raven reed ribbon river robin rocket roof rope rose saddle sail salmon "
    "satchel saucer scarf school scissors shell shovel shutter sieve sleigh slipper smith snail sparrow spindle "
    "spoon spruce stable staple statue steeple stone stove straw sugar swallow table tailor teapot temple thicket "
    "thimble thistle thread timber torch tower trumpet tulip tunnel turnip umbrella valley vase velvet vessel "
    "village violin wagon walnut water weaver wheel whistle willow window wolf wool yarn".split()
)


def key_words(draw: random.Random) -> Iterator[str]:
    """Endless distinct adjective-noun pairs (`quiet-lantern`), with a second adjective when a pair is already used."""
    seen: set[str] = set()
    while True:
        key = f"{draw.choice(ADJECTIVES)}-{draw.choice(NOUNS)}"
        if key in seen or len(seen) > 40_000:
            key = f"{draw.choice(ADJECTIVES)}-{key}"
        if key not in seen:
            seen.add(key)
            yield key


def single_words(draw: random.Random) -> Iterator[str]:
    """Endless distinct words, English ones first, in random order."""
    words = sorted({*ADJECTIVES, *NOUNS})
    draw.shuffle(words)
    yield from words
    names = Names(draw)
    while True:
        yield names.word(2).lower()
