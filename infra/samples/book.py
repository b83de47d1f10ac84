"""Twenty invoices of invented companies, and what happens to each over sixty days.

Companies, addresses and numbers are made up: mail domains end in `.example` (RFC 2606), telephone numbers lie in ranges kept for
fiction or are not assigned. Days count from the sample's start and may be fractions; amounts are minor units.
"""

from dataclasses import dataclass
from enum import StrEnum


class What(StrEnum):
    """A turn in an invoice's life, as it happens outside of our system."""

    ISSUED = "issued"
    PAID = "paid"
    PAID_UNHEARD = "paid_unheard"
    PART_PAID = "part_paid"
    VOIDED = "voided"
    UNCOLLECTIBLE = "uncollectible"
    DISPUTED = "disputed"
    DISPUTE_WON = "dispute_won"
    DUE_MOVED = "due_moved"
    CHARGE_FAILED = "charge_failed"
    CONTACT_CHANGED = "contact_changed"


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that happens `day` days after the start; `amount`, `due` and `email` where the turn needs them.

    `repeats` are later days on which the same event is delivered again; `late` is a day on which an older event about the open
    invoice arrives, out of order.
    """

    day: float
    what: What
    amount: int = 0
    due: float = 0
    email: str = ""
    repeats: tuple[float, ...] = ()
    late: float | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """A company that owes. `country` is ISO 3166-1 alpha-2."""

    key: str
    name: str
    email: str
    country: str
    city: str
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One invoice. `issued` and `due` are days after the start; `due` is None when the invoice has no due date."""

    number: str
    customer: Customer
    currency: str
    total: int
    about: str
    issued: float
    due: float | None
    turns: tuple[Turn, ...] = ()
    charged_automatically: bool = False


_HARBOUR = Customer("harbour", "Harbour & Finch Interiors Ltd", "accounts@harbourfinch.example", "GB", "Bristol", "+442079460117")
_MUELLER = Customer("mueller", "Müller & Söhne Maschinenbau GmbH", "buchhaltung@mueller-soehne.example", "DE", "Nürnberg")
_ZOE = Customer("zoe", "Café Zoë B.V.", "zoe@cafezoe.example", "NL", "Utrecht", "+31970000142")
_AOZORA = Customer("aozora", "株式会社青空デザイン", "keiri@aozora-design.example", "JP", "京都市", "+81300000143")
_BRIGHTWATER = Customer("brightwater", "Brightwater Dental Group", "ap@brightwater.example", "US", "Portland", "+15035550144")
_ALNOOR = Customer("alnoor", "مؤسسة النور التجارية", "finance@alnoor.example", "KW", "Kuwait City", "+96500000145")
_TIDEWATER = Customer("tidewater", "Tidewater Logistics LLC", "payables@tidewater.example", "US", "Norfolk")
_ORESUND = Customer("oresund", "Øresund Robotics ApS", "bogholderi@oresund-robotics.example", "DK", "København", "+4500000147")
_LUMIERE = Customer("lumiere", "Lumière Films SARL", "compta@lumiere-films.example", "FR", "Lyon", "+33199000148")
_PATEL = Customer("patel", "Hughes & Patel Solicitors LLP", "office@hughespatel.example", "GB", "Leeds")
_CEDAR = Customer("cedar", "Cedar Grove Coffee Roasters", "hello@cedargrove.example", "US", "Denver", "+13035550150")
_BIANCHI = Customer("bianchi", "Studio Bianchi S.r.l.", "amministrazione@studiobianchi.example", "IT", "Torino")
_GREENFIELD = Customer("greenfield", "Greenfield Community Theatre", "treasurer@greenfieldtheatre.example", "GB", "York")
_PINE = Customer("pine", "Pine Street Yoga", "studio@pinestreetyoga.example", "US", "Seattle", "+12065550153")
_ROCIO = Customer("rocio", "Rocío Hernández Arquitectos S.L.", "facturas@rharquitectos.example", "ES", "Sevilla", "+34600000154")
_KESTREL = Customer("kestrel", "Kestrel Aerospace plc", "purchase.ledger@kestrel.example", "GB", "Derby", "+442079460155")
_YAMADA = Customer("yamada", "山田製作所", "keiri@yamada-works.example", "JP", "名古屋市")
_RAYYAN = Customer("rayyan", "Al Rayyan Contracting W.L.L.", "accounts@alrayyan.example", "KW", "Hawalli", "+96500000159")

BOOK: tuple[Sample, ...] = (
    Sample(
        "INV-0141", _HARBOUR, "GBP", 486_000, "Showroom fit-out, second stage", 0.06, 14, (Turn(9.25, What.PAID, repeats=(9.3, 10.25)),)
    ),
    Sample("INV-0142", _MUELLER, "EUR", 1_245_000, "Spindle bearings, 40 sets", 0.1, 7, (Turn(15.24, What.PAID, late=15.5),)),
    Sample(
        "INV-0143",
        _ZOE,
        "EUR",
        68_450,
        "Espresso machine service, March",
        0.14,
        8,
        (Turn(16.1, What.CONTACT_CHANGED, email="admin@cafezoe.example"), Turn(18.3, What.PAID)),
    ),
    Sample("INV-0144", _AOZORA, "JPY", 385_000, "Brand guidelines, printing", 1.05, 15),
    Sample("INV-0145", _BRIGHTWATER, "USD", 231_540, "Sterilisation units, 2", 2.3, 16, (Turn(43.4, What.PAID),)),
    Sample("INV-0146", _ALNOOR, "KWD", 1_275_500, "Office furniture, floor 3", 3.1, 17, (Turn(28.05, What.PAID, repeats=(28.06,)),)),
    Sample("INV-0147", _TIDEWATER, "USD", 1_890_000, "Freight, lane 12, first quarter", 4.35, 18, (Turn(28.3, What.PART_PAID, 900_000),)),
    Sample("INV-0148", _ORESUND, "EUR", 732_000, "Gripper prototypes", 4.2, 11, (Turn(18.3, What.VOIDED),)),
    Sample(
        "INV-0149",
        _LUMIERE,
        "EUR",
        394_000,
        "Post-production, two films",
        7.1,
        21,
        (
            Turn(22.3, What.PART_PAID, 150_000),
            Turn(29.2, What.DISPUTED, 150_000),
            Turn(42.15, What.DISPUTE_WON, 150_000),
            Turn(43.3, What.PAID),
        ),
    ),
    Sample("INV-0150", _PATEL, "GBP", 115_000, "Archive storage, annual", 7.2, 14, (Turn(24.25, What.UNCOLLECTIBLE),)),
    Sample("INV-0151", _CEDAR, "USD", 94_000, "Green coffee samples, 60 kg", 8.4, 22, (Turn(28.9, What.PAID_UNHEARD),)),
    Sample(
        "INV-0152",
        _BIANCHI,
        "EUR",
        550_000,
        "Rendering licences, 11 seats",
        9.1,
        None,
        (Turn(9.15, What.CHARGE_FAILED), Turn(14.15, What.PAID)),
        charged_automatically=True,
    ),
    Sample("INV-0153", _GREENFIELD, "GBP", 42_000, "Lighting hire, spring season", 10.2, None),
    Sample("INV-0154", _PINE, "USD", 85, "Towel service, balance", 11.35, 18),
    Sample("INV-0155", _ROCIO, "EUR", 827_500, "Structural survey", 4.25, 18, (Turn(23.15, What.DUE_MOVED, due=42), Turn(50.2, What.PAID))),
    Sample("INV-0156", _KESTREL, "GBP", 2_340_000, "Actuator housings, batch 7", 9.1, 23),
    Sample("INV-0157", _KESTREL, "GBP", 187_500, "Tooling, batch 7", 9.15, 23, (Turn(31.2, What.PAID, repeats=(31.9, 34.2)),)),
    Sample("INV-0158", _KESTREL, "GBP", 64_000, "Express freight, batch 7", 24.2, 38, (Turn(49.25, What.PAID),)),
    Sample("INV-0159", _YAMADA, "JPY", 1_240_000, "Press dies, 4", 14.02, 44, (Turn(52.05, What.PAID),)),
    Sample("INV-0160", _RAYYAN, "KWD", 340_250, "Site cabins, two months", 20.1, 50),
)
