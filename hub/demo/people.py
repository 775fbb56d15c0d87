"""Invented people for the demo: names as departments type them, numbers that nobody can have."""

import random
import unicodedata

from msgspec import Struct

_FAMILY = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Hồ",
    "Võ",
    "Đỗ",
    "Bùi",
    "Đặng",
    "Dương",
    "Đinh",
)
_MIDDLE = ("Văn", "Thị", "Đức", "Minh", "Ngọc", "Hữu", "Thanh", "Quang")
_GIVEN = ("An", "Bình", "Cúc", "Dũng", "Đào", "Hạnh", "Khoa", "Lan", "Mai", "Nam", "Phúc", "Quyên")
_COMPANY = ("Sao Mai", "Bến Hải", "Cửa Việt", "Hiền Lương", "Khe Sanh", "Thạch Hãn", "Ô Lâu")
_ETH = "\u00d0"  # looks like Đ, and is typed for it


class Person(Struct, frozen=True):
    """Somebody who does not exist."""

    name: str
    id_number: str
    phone: str
    address: str
    born: str
    sex: int


def person(dice: random.Random, number: int, place: str, *, digits: int = 9) -> Person:
    """The person with this number.

    Identity numbers begin with 000, a province that has never been; telephone numbers with 0900000.

    Args:
        dice: Draws the rest.
        number: Distinguishes people; below 1,000,000.
        place: Where all of them live.
        digits: 9 as on the card of 2016, 12 as on today's.
    """
    name = f"{dice.choice(_FAMILY)} {dice.choice(_MIDDLE)} {dice.choice(_GIVEN)}"
    habit = dice.random()
    if habit < 0.04:
        name = unicodedata.normalize("NFD", name)
    elif habit < 0.14:
        name = name.replace("Đ", _ETH)
    return Person(
        name=name,
        id_number=f"{number:0{digits}d}",
        phone=f"0900.000.{number % 1000:03d}",
        address=f"Khu phố {1 + number % 7}, {place}",
        born=f"{1 + number % 28:02d}/{1 + number % 12:02d}/{1950 + number % 45}",
        sex=number % 3,
    )


def company(dice: random.Random, number: int) -> str:
    """A company that does not exist."""
    return f"Công ty TNHH Thử nghiệm {dice.choice(_COMPANY)} {number}"
