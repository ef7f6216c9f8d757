"""Sites: the hospitals, clinics and offices of the region, each an Organization.

The city of 北緑 does not exist, and no institution has a number whose last seven digits begin with 99.
https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-organization.html
"""

from dataclasses import dataclass
from typing import Literal

from app.demo.terms import (
    CORE,
    DEPARTMENT,
    EXTENSION,
    HL7,
    INSTITUTION,
    INSTITUTION_7,
    Json,
    concept,
    core,
    identifier,
)

SiteKind = Literal["hospital", "clinic", "office"]

DEPARTMENTS: dict[str, str] = {
    "内科": "01",
    "精神科": "02",
    "循環器科": "08",
    "小児科": "09",
    "外科": "10",
    "整形外科": "11",
    "産婦人科": "23",
}
"""Name to the SS-MIX2 code of the department."""


@dataclass(frozen=True, slots=True)
class Site:
    """A participant of the region."""

    slug: str
    name: str
    kana: str
    kind: SiteKind
    institution: str
    """10 digits: prefecture, fee table, institution."""
    address: str
    phone: str

    @property
    def logical(self) -> Json:
        """A reference by identifier, which needs no Organization to be there yet."""
        return {
            "type": "Organization",
            "identifier": identifier(INSTITUTION, self.institution),
            "display": self.name,
        }


SITES = (
    Site(
        "hospital-a",
        "北緑中央総合病院",
        "キタミドリチュウオウソウゴウビョウイン",
        "hospital",
        "0119900017",
        "北海道北緑市中央通1-1",
        "0157-00-1000",
    ),
    Site(
        "hospital-b",
        "北緑白樺台記念病院",
        "キタミドリシラカバダイキネンビョウイン",
        "hospital",
        "0119900025",
        "北海道北緑市白樺台5-20",
        "0157-00-2000",
    ),
    Site(
        "clinic-c",
        "北緑川辺内科クリニック",
        "キタミドリカワベナイカクリニック",
        "clinic",
        "0119900033",
        "北海道北緑市川辺町2-8-1",
        "0157-00-3000",
    ),
    Site(
        "clinic-d",
        "美空が丘ファミリークリニック",
        "ミソラガオカファミリークリニック",
        "clinic",
        "0119900041",
        "北海道北緑市美空が丘3-3-7",
        "0157-00-4000",
    ),
    Site(
        "clinic-e",
        "東雲通りのだいち医院",
        "シノノメドオリノダイチイイン",
        "clinic",
        "0119900058",
        "北海道北緑市東雲通4-15",
        "0157-00-5000",
    ),
    Site(
        "secretariat",
        "北緑医療圏 医療情報連携協議会 事務局",
        "キタミドリイリョウケン イリョウジョウホウレンケイキョウギカイ ジムキョク",
        "office",
        "0119900066",
        "北海道北緑市中央通2-4",
        "0157-00-6000",
    ),
    Site(
        "audit-office",
        "北緑医療圏 医療情報監査室",
        "キタミドリイリョウケン イリョウジョウホウカンサシツ",
        "office",
        "0119900074",
        "北海道北緑市中央通2-6",
        "0157-00-7000",
    ),
)


def department(name: str) -> Json:
    """Return the CodeableConcept of a department named in `DEPARTMENTS`."""
    return concept({"system": DEPARTMENT, "code": DEPARTMENTS[name], "display": name})


def organization(site: Site) -> Json:
    """Return the FHIR Organization of a site, without an id.

    The two offices are no medical institutions; they carry a number of the same form because the hub
    tells every custodian by it, and their type says what they are.
    """
    prefecture, category, number = site.institution[:2], site.institution[2], site.institution[3:]
    kind = "prov" if site.kind != "office" else "other"
    return {
        "resourceType": "Organization",
        "meta": {"profile": [core("JP_Organization")]},
        "language": "ja",
        "extension": [
            {
                "url": f"{EXTENSION}/JP_Organization_PrefectureNo",
                "valueCoding": {
                    "system": f"{CORE}/mhlw/CodeSystem/PrefectureNo-2digits",
                    "code": prefecture,
                },
            },
            {
                "url": f"{EXTENSION}/JP_Organization_InsuranceOrganizationCategory",
                "valueCoding": {"system": f"{CORE}/mhlw/CodeSystem/MedicationFeeScoreType", "code": category},
            },
            {
                "url": f"{EXTENSION}/JP_Organization_InsuranceOrganizationNo",
                "valueIdentifier": identifier(INSTITUTION_7, number),
            },
        ],
        "identifier": [identifier(INSTITUTION, site.institution)],
        "active": True,
        "type": [{"coding": [{"system": f"{HL7}/organization-type", "code": kind}]}],
        "name": site.name,
        "alias": [site.kana, site.slug],
        "telecom": [{"system": "phone", "value": site.phone, "use": "work"}],
        "address": [{"text": site.address, "postalCode": "000-0001", "country": "JP"}],
    }
