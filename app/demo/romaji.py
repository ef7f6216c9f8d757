"""Romaji: katakana in Hepburn romanisation, for the alphabetic group of a DICOM person name.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_H.3.html
"""

_ROWS = (
    ("アイウエオ", "A I U E O"),
    ("カキクケコ", "KA KI KU KE KO"),
    ("サシスセソ", "SA SHI SU SE SO"),
    ("タチツテト", "TA CHI TSU TE TO"),
    ("ナニヌネノ", "NA NI NU NE NO"),
    ("ハヒフヘホ", "HA HI FU HE HO"),
    ("マミムメモ", "MA MI MU ME MO"),
    ("ヤユヨ", "YA YU YO"),
    ("ラリルレロ", "RA RI RU RE RO"),
    ("ワヲン", "WA O N"),
    ("ガギグゲゴ", "GA GI GU GE GO"),
    ("ザジズゼゾ", "ZA JI ZU ZE ZO"),
    ("ダヂヅデド", "DA JI ZU DE DO"),
    ("バビブベボ", "BA BI BU BE BO"),
    ("パピプペポ", "PA PI PU PE PO"),
)
_SYLLABLES = {kana: latin for letters, row in _ROWS for kana, latin in zip(letters, row.split(), strict=True)}
_SMALL = {"ャ": "YA", "ュ": "YU", "ョ": "YO"}


def romaji(kana: str) -> str:
    """Return a name in katakana as capital Latin letters, long vowels shortened as in a passport.

    Args:
        kana: Full-width katakana: `タカハシ`.

    Raises:
        KeyError: A letter is not katakana.
    """
    found = ""
    for letter in kana:
        if letter in _SMALL:
            # シ + ャ is SHA, キ + ャ is KYA.
            stem = found[:-1]
            found = stem + (_SMALL[letter][1:] if stem.endswith(("SH", "CH", "J")) else _SMALL[letter])
        else:
            found += _SYLLABLES[letter]
    return found.replace("OU", "O").replace("OO", "O").replace("UU", "U")
