"""Seeded strings that stress a tokenizer: all planes of Unicode, marks, controls, emoji, scripts, special
tokens.

`generated_strings(count)` always returns the same list: it depends only on `random.Random(SEED)`, and not on
Python's tables of Unicode properties, which change between versions. No string has a lone surrogate.
"""

import random

SEED = 8105
LONGEST = 320

WORDS = (
    "the a of and film was not good great terrible unbelievably heartwarming disappointing it's don't can't U.S.A. e-mail "
    "antidisestablishmentarianism Running JUMPED iPhone COVID-19 co-operate rock'n'roll internationalization xyzzy qwrtp"
).split()
ACCENTED = (
    "café naïve Ångström Łódź crème brûlée São résumé Dvořák Ñandú façade Übermut Đặng Việt Nguyễn Čeština žluťoučký "
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m e\u0323\u0302 u\u031b\u0309 o\u0302\u0301 \u00c5 \u212b A\u030a ō ő ŷ ǖ"
).split()
CASES = "İstanbul ISTANBUL ıspanak I\u0307zmir DİYARBAKIR ß ẞ STRASSE ſ \u212a \u212b \u2126 Σίσυφος ΟΔΥΣΣΕΥΣ ǅ ǈ Ǆ Ⓐ Ａｂｃ Ꭰ ꭰ Ა ა 𐐀 𐐨 Ⱥ ŉ ΐ և ẖ ᾈ Ⅷ ⅷ Ɐ".split()
LIGATURES = "ﬁnance ﬂow eﬀort oﬃce aﬄuent ﬅ œuvre Œ æsthetic Æ ĳs Ĳ ﷺ ﷲ ﬓ ㎏ ㏒ ½ ² ³ ™ № ℡ ﬀ ﻼ ① ⑳ ㍿ ｶﾞ".split()
NUMBERS = "0 7 42 2016 1,000,000 3.14159 -273.15 1e-12 0x7f 12:30 99% $5.99 €4 £450 ٣٤٥ १२३ 一二三 ５６７ ⅓ 𝟘𝟙 1st 2nd 10⁶ +44 (0)20 192.168.0.1".split()
PUNCTUATION = list("!?.,;:'\"-_()[]{}<>/\\|@#$%^&*+=~`") + "… — – ‘ ’ “ ” « » ¿ ¡ · • § ¶ † ‰ ′ ※ ‽ ⁂ 、 。 「 」 ！ ？ ٪ ، ؟ । ॥ ׃ ᛫ ⸮ ￠".split()
SPECIALS = (
    "[CLS] [SEP] [MASK] [UNK] [PAD] [cls] [Sep] [CLS [SEP]] [[MASK]] [C\u0301LS] [unused1] ##ing ##s # ## [SEP][SEP] <s> </s> "
    "［CLS］ [MASK]ed un[UNK]ed [PAD][PAD] [CLS]\u200d [SEP]\u0301 \u00a0[MASK]\u3000"
).split(" ")
SPACES = "\t \n \r \r\n \x0b \x0c \x1c \x1d \x1e \x1f \x85 \xa0 \u1680 \u2000 \u2003 \u2009 \u200a \u2028 \u2029 \u202f \u205f \u3000 \u180e \u200b \u2060 \ufeff".split(" ") + [" ", "  "]
CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x34F, 0x600, 0x61C, 0x6DD, 0x70F, 0xFFF9, 0xFFFB, 0xFFFD)]
CONTROLS += [chr(code) for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF, 0x1BCA0, 0x1D173, 0xE0001)]
MARKS = [(0x300, 0x36F), (0x483, 0x489), (0x591, 0x5C7), (0x64B, 0x65F), (0x93C, 0x94D), (0xE31, 0xE3A), (0x1AB0, 0x1ACE), (0x1DC0, 0x1DFF), (0x20D0, 0x20F0), (0x3099, 0x309A), (0xFE00, 0xFE2F), (0x1D165, 0x1D169), (0xE0100, 0xE01EF)]
EMOJI = "😂 👍 ❤️ ❤ 👁️ ☺︎ ☺️ 👨‍👩‍👧‍👦 🧑🏽‍💻 👩‍❤️‍💋‍👨 🏳️‍🌈 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f 🇩🇪 🇫 #️⃣ 7️⃣ ©️ ™️ 👏🏿 🏻 🤷‍♀️ 🐈‍⬛ ⚽ ✨ 🫠 🪿 🀄 🃏 ‼️ ↔️ Ⓜ️ 🈚".split()
CJK = [(0x4E00, 0x9FFF), (0x4E00, 0x5000), (0x3400, 0x4DBF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2EBE0), (0x2F800, 0x2FA1F), (0x30000, 0x323AF), (0x2E80, 0x2FDF), (0x3000, 0x30FF), (0x3100, 0x33FF), (0xFF00, 0xFFEF)]
RIGHT_TO_LEFT = [(0x5D0, 0x5EA), (0x627, 0x64A), (0x5BE, 0x5F4), (0x620, 0x64A), (0x660, 0x6D3), (0x700, 0x74F), (0x7C0, 0x7FA), (0xFB1D, 0xFDFB), (0xFE70, 0xFEFC), (0x10800, 0x10FFF), (0x1E900, 0x1E95F)]
HANGUL = [(0xAC00, 0xD7A3), (0x1100, 0x1112), (0x1161, 0x1175), (0x11A8, 0x11C2), (0x1100, 0x11FF), (0x3131, 0x318E), (0xA960, 0xA97C), (0xAC00, 0xD7A3), (0xD7B0, 0xD7FB)]
SCRIPTS = [(0x391, 0x3C9), (0x410, 0x44F), (0x905, 0x939), (0x995, 0x9B9), (0xE01, 0xE2E), (0x3041, 0x3093), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58F), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xE00, 0xE5B), (0xF00, 0xFDA), (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1200, 0x137F), (0x13A0, 0x13FF), (0x1780, 0x17FF), (0x1C80, 0x1CBF), (0x1E00, 0x1FFF), (0x2100, 0x218F), (0x2460, 0x24FF), (0x2C00, 0x2DFF), (0xA640, 0xA7FF), (0x10400, 0x1044F), (0x12000, 0x1247F), (0x1D400, 0x1D7FF), (0x1F000, 0x1FAFF)]
UNASSIGNED = [(0x378, 0x379), (0x530, 0x530), (0x2FE0, 0x2FEF), (0x1FFFE, 0x1FFFF), (0xFFFE, 0xFFFF), (0xFDD0, 0xFDEF), (0x50000, 0x50FFF), (0xDFFFE, 0xDFFFF), (0xE0080, 0xE00FF), (0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFF)]

EDGES = [
    "", " ", " \t\r\n", "\0", "\0\0a\0", "\u200b", "\ufeff", "\u0301", "a\u0301", "\u0301a", "\ufffd", "[CLS]", "[CLS][SEP]", "[CLS]text[SEP]", "hello[SEP]world",
    "a[MASK]b", "a [MASK] b", "[mask]", "[UNK]", "[PAD]", "##", "##ing", "İ", "ẞ", "ﬃ", "\u1100\u1161\u11a8", "각", "\uff5e", "\U0010ffff", "\U000e0001",
    *(letter * count for letter in ("a", "é", "e\u0301", "İ", "😀", "ß", "q") for count in (99, 100, 101, 102)),
    "中" * 101, "a" * 100 + "-" + "b" * 101, "." * 101, "a" + "\u0301" * 120, "a" * 100 + "\u200b", "a\u200bb" * 50,
]


def one_of(ranges, rng):
    """A character of one of the ranges (both ends inclusive); every range is equally likely."""
    return chr(rng.randint(*rng.choice(ranges)))


def any_character(rng):
    """A code point of any plane, the first two being more likely; no surrogates."""
    plane = rng.choice((0, 0, 0, 0, 1, 1, 1, 2, 3, *range(4, 17)))
    while True:
        code = plane << 16 | rng.randrange(0x10000)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def spaced(pieces, rng, chance=0.25):
    """The pieces in a row, with a space after some of them."""
    return "".join(piece + (" " if rng.random() < chance else "") for piece in pieces)


def word_of(ranges, rng):
    """One to six letters of one range: unlike words that mix scripts, these are often in the vocabulary."""
    chosen = [rng.choice(ranges)]
    return "".join(one_of(chosen, rng) for _ in range(rng.randint(1, 6)))


def combined(rng):
    """A base with one to five combining marks."""
    base = rng.choice((rng.choice("aeioucnsxQ1."), one_of(SCRIPTS, rng), one_of(CJK, rng)))
    return base + "".join(one_of(MARKS[:1] if rng.random() < 0.5 else MARKS, rng) for _ in range(rng.randint(1, 5)))


def long_word(rng):
    """A word near the 100 characters above which WordPiece gives up, with a few unusual characters."""
    letters = [rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(98, 103))]
    for _ in range(rng.choice((0, 0, 1, 3))):
        letters[rng.randrange(len(letters))] = rng.choice(("é", "e\u0301", "\u0301", "İ", "ß", "\u200d", "中", "-", "😀", "Я"))
    return "".join(letters)


# Each kind: how many pieces a string has at most, and the function that makes a string of them.
KINDS = {
    "words": (25, lambda n, rng: " ".join(rng.choice(WORDS) + (rng.choice(PUNCTUATION) if rng.random() < 0.3 else "") for _ in range(n))),
    "planes": (25, lambda n, rng: spaced((any_character(rng) for _ in range(n)), rng)),
    "marks": (12, lambda n, rng: spaced((combined(rng) for _ in range(n)), rng)),
    "controls": (20, lambda n, rng: spaced((rng.choice((rng.choice(CONTROLS), rng.choice(WORDS))) for _ in range(n)), rng)),
    "cjk": (20, lambda n, rng: spaced((rng.choice((one_of(CJK, rng), one_of(CJK, rng), rng.choice(WORDS))) for _ in range(n)), rng)),
    "emoji": (12, lambda n, rng: spaced((rng.choice((rng.choice(EMOJI), rng.choice(EMOJI), rng.choice(WORDS))) for _ in range(n)), rng)),
    "right-to-left": (12, lambda n, rng: spaced((word_of(RIGHT_TO_LEFT, rng) for _ in range(n)), rng, 0.8)),
    "hangul": (12, lambda n, rng: spaced((word_of(HANGUL, rng) for _ in range(n)), rng, 0.8)),
    "spaces": (12, lambda n, rng: "".join(rng.choice(WORDS) + rng.choice(SPACES) for _ in range(n))),
    "long words": (2, lambda n, rng: " ".join(long_word(rng) for _ in range(n))),
    "specials": (10, lambda n, rng: spaced((rng.choice((rng.choice(SPECIALS), rng.choice(WORDS))) for _ in range(n)), rng, 0.4)),
    "accents": (15, lambda n, rng: spaced((rng.choice(ACCENTED) for _ in range(n)), rng, 0.8)),
    "cases": (15, lambda n, rng: spaced((rng.choice(CASES) for _ in range(n)), rng, 0.6)),
    "ligatures": (15, lambda n, rng: spaced((rng.choice(LIGATURES) for _ in range(n)), rng, 0.6)),
    "numbers": (15, lambda n, rng: spaced((rng.choice((rng.choice(NUMBERS), rng.choice(PUNCTUATION))) for _ in range(n)), rng, 0.5)),
    "scripts": (12, lambda n, rng: spaced((word_of(SCRIPTS, rng) for _ in range(n)), rng, 0.8)),
    "unassigned": (15, lambda n, rng: spaced((rng.choice((one_of(UNASSIGNED, rng), rng.choice(WORDS))) for _ in range(n)), rng)),
}


def fragment(kind, rng, share=1.0):
    """One string of a kind, with at most `share` of the pieces it may have."""
    most, make = KINDS[kind]
    return make(rng.randint(1, max(1, round(most * share))), rng)


def generated_strings(count):
    """Pairs (kind, text): edge cases, then the kinds in rotation; every fourth is a mixture of 3 to 5 parts."""
    rng = random.Random(SEED)
    strings = [("edge", text) for text in EDGES]
    kinds = list(KINDS)
    while len(strings) < count:
        if len(strings) % 4 == 0:
            parts = (fragment(rng.choice(kinds), rng, 0.4) for _ in range(rng.randint(3, 5)))
            strings.append(("mixture", "".join(parts)[:LONGEST]))
        else:
            kind = kinds[len(strings) % len(kinds)]
            strings.append((kind, fragment(kind, rng)[:LONGEST]))
    return strings[:count]
