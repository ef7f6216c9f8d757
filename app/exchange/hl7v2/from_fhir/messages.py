"""A patient's resources as the messages of a standard store."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.exchange.hl7v2.from_fhir import basics, laboratory, medication, performed
from app.exchange.hl7v2.from_fhir.meals import meals
from app.exchange.hl7v2.from_fhir.ordered import department_of, number_of
from app.exchange.hl7v2.from_fhir.values import at_17, coded_parts, identifier
from app.exchange.hl7v2.from_fhir.visits import in_charge, visits
from app.exchange.hl7v2.from_fhir.written import NO_ORDER, Resource, Written, header
from app.exchange.hl7v2.to_fhir.draft import escaped
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import INSTANCE
from app.exchange.hl7v2.write import Field, Line, segment

_REQUEST_KINDS = {"laboratory": "OML-01", "imaging": "OMG-01", "procedure": "OMG-02"}
_PROCEDURE_KINDS = {"放射線検査": "OMG-11", "内視鏡検査": "OMG-12"}
NOT_CURRENT = frozenset({"entered-in-error"})


@dataclass(slots=True)
class _Store:
    """What is written so far of one patient."""

    patient: Resource
    named: Mapping[str, Resource]
    source: Source
    at: str
    """When it is written, where a resource says no time: a FHIR instant."""
    made: list[Written] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def of(self, type_: str) -> list[tuple[str, Resource]]:
        """Return the resources of a type that are not written yet and still hold, by their names."""
        return [
            (name, one)
            for name, one in self.named.items()
            if one["resourceType"] == type_ and name not in self.used and one.get("status") not in NOT_CURRENT
        ]

    def write(
        self, kind: str, day: str, number: str, at: str, unit: str, body: Iterable[Line], names: Sequence[str]
    ) -> None:
        """Keep a message of what the names name.

        Args:
            kind: Its type.
            day: 診療日 as a FHIR date, or `-`.
            number: Of the order; empty for none.
            at: When it happened, as a FHIR date or instant; empty where nobody says.
            unit: The department.
            body: The segments after PID.
            names: What is in it.
        """
        occurred = at_17(at or self.at, self.source)
        control_id = f"{occurred}{len(self.made)}"
        first = [header(kind, occurred, control_id), basics.pid(self.patient, self.source, whole=kind == "ADT-00")]
        if kind.startswith("ADT"):
            event: dict[int, Field] = {2: occurred[:14]}
            first.insert(1, segment("EVN", event | {6: occurred[:14]} if kind == "ADT-01" and at else event))
        lines = [*first, *body]
        digits = "-" if day == "-" else at_17(day or at or self.at, self.source)[:8]
        self.made.append(Written(kind, digits, number or NO_ORDER, occurred, unit, lines, tuple(names)))
        self.used.update(names)


def messages(
    patient: tuple[str, Resource], named: Mapping[str, Resource], source: Source, at: str, *, needed: bool = True
) -> list[Written]:
    """Return what a patient's resources become as messages; what none covers cannot be said by them.

    Args:
        patient: The Patient, with its name.
        named: The other resources by their names, which is how they refer to each other.
        source: The site.
        at: The present as a FHIR instant, for what says no time itself.
        needed: Whether the Patient is to be written though nothing else is of its basic data.
    """
    store = _Store(patient[1], named, source, at)
    _write_medication(store)
    _write_requests(store)
    _write_performed(store)
    _write_reports(store)
    _write_basics(store, patient[0], needed=needed)
    _write_rest(store)
    return store.made


def _grouped(store: _Store, type_: str, key: Callable[[Resource], str]) -> list[tuple[str, list[tuple[str, Resource]]]]:
    """Return the resources of a type by their order; each that has none alone."""
    groups: dict[str, list[tuple[str, Resource]]] = {}
    for name, one in store.of(type_):
        groups.setdefault(key(one) or f"\0{name}", []).append((name, one))
    return [("" if key.startswith("\0") else key, members) for key, members in groups.items()]


def _write_medication(store: _Store) -> None:
    source = store.source
    for number, members in _grouped(store, "MedicationRequest", lambda one: number_of(one, source)):
        first = members[0][1]
        kind = "OMP-02" if any(medication.is_injection(one) for _, one in members) else "OMP-01"
        body = medication.prescribed([one for _, one in members], source, number)
        at = first.get("authoredOn", "")
        store.write(kind, at, number, at, department_of(first, source), body, [name for name, _ in members])
    for number, members in _grouped(store, "MedicationAdministration", lambda one: number_of(one, source)):
        first = members[0][1]
        kind = "OMP-12" if any(medication.was_injected(one) for _, one in members) else "OMP-11"
        body = medication.given([one for _, one in members], source, number)
        at = first.get("effectiveDateTime", "") or first.get("effectivePeriod", {}).get("start", "")
        store.write(kind, at, number, at, department_of(first, source), body, [name for name, _ in members])
    for name, one in store.of("NutritionOrder"):
        at = one.get("dateTime", "")
        number = number_of(one, source)
        store.write("OMD", at, number, at, department_of(one, source), meals(one, source, number), [name])


def _write_requests(store: _Store) -> None:
    source = store.source

    def order(one: Resource) -> str:
        return laboratory.parent_of(one, source) or number_of(one, source)

    for number, members in _grouped(store, "ServiceRequest", order):
        first = members[0][1]
        codes = {c.get("code", "") for each in first.get("category", ()) for c in each.get("coding", ())}
        kind = next((_REQUEST_KINDS[code] for code in sorted(codes) if code in _REQUEST_KINDS), "OMG-03")
        body = laboratory.requests([one for _, one in members], store.named, source, specimen_first=kind == "OML-01")
        at = first.get("authoredOn", "") or first.get("occurrenceDateTime", "")
        about = [
            str(each["reference"])
            for _, one in members
            for each in (*one.get("specimen", ()), *one.get("supportingInfo", ()))
            if each.get("reference") in store.named
        ]
        names = [*(name for name, _ in members), *about]
        store.write(kind, at, number, at, department_of(first, source), body, names)


def _write_reports(store: _Store) -> None:
    source = store.source
    studies = {name for name, one in store.of("DiagnosticReport") if one.get("imagingStudy")}
    for number, members in _grouped(store, "DiagnosticReport", lambda one: number_of(one, source)):
        some = [(name, one) for name, one in members if name not in studies]
        for is_laboratory in (True, False):
            of_kind = [(name, one) for name, one in some if _is_of_laboratory(store, one) is is_laboratory]
            if of_kind:
                _write_report(store, of_kind, number, is_laboratory=is_laboratory)
    loose: dict[tuple[bool, str], list[tuple[str, Resource]]] = {}
    for name, one in store.of("Observation"):
        if "effectiveDateTime" in one and not one.get("partOf") and not _is_basic(store, one):
            key = (_is_laboratory(one), number_of(one, source) or one["effectiveDateTime"][:10])
            loose.setdefault(key, []).append((name, one))
    for (is_laboratory, _), members in loose.items():
        _write_loose(store, members, is_laboratory=is_laboratory)


def _is_basic(store: _Store, one: Resource) -> bool:
    """Return whether an Observation came with the patient's basic data: its key names the patient and a code alone."""
    number = identifier(store.patient, store.source.patient_system)
    start = f"{store.source.institution}-{escaped(number)}-"
    code = next((str(c.get("code")) for c in one.get("code", {}).get("coding", ())), "")
    key = identifier(one, INSTANCE)
    if not key.startswith(start):
        return False
    told = key.removeprefix(start)
    return told.startswith("DB1-") or ("-" not in told and told.rpartition(".")[2] == code)


def _is_laboratory(one: Resource) -> bool:
    codes = {c.get("code", "") for each in one.get("category", ()) for c in each.get("coding", ())}
    return not codes.isdisjoint({"laboratory", "LP29693-6", "26436-6", "LAB"})


def _is_of_laboratory(store: _Store, report: Resource) -> bool:
    """Return whether a report is a laboratory's: by its own category, or by that of a result."""
    found = (store.named.get(each.get("reference", "")) for each in report.get("result", ()))
    return _is_laboratory(report) or any(_is_laboratory(one) for one in found if one is not None)


def _write_report(store: _Store, members: Sequence[tuple[str, Resource]], number: str, *, is_laboratory: bool) -> None:
    first, lines, names = members[0][1], list[Line](), list[str]()
    for place, (name, report) in enumerate(members, start=1):
        found = [str(each["reference"]) for each in report.get("result", ()) if each.get("reference") in store.named]
        taken = [str(each["reference"]) for each in report.get("specimen", ()) if each.get("reference") in store.named]
        specimen = store.named[taken[0]] if taken else None
        some = [store.named[each] for each in found]
        order_first = not is_laboratory
        lines += laboratory.results(report, some, specimen, store.source, place=place, order_first=order_first)
        names += [name, *found, *taken]
    at = first.get("effectiveDateTime", "") or first.get("effectivePeriod", {}).get("start", "")
    occurred = first.get("issued", "") or at
    kind = "OML-11" if is_laboratory else "OMG-13"
    store.write(kind, at, number, occurred, department_of(first, store.source), lines, names)


def _write_loose(store: _Store, members: Sequence[tuple[str, Resource]], *, is_laboratory: bool) -> None:
    """Write Observations that no report gathers, as one that has no name."""
    first = members[0][1]
    stands_for = {
        "resourceType": "DiagnosticReport",
        "identifier": first.get("identifier", []),
        "extension": first.get("extension", []),
        "code": {"text": "検査結果"},
        "effectiveDateTime": first["effectiveDateTime"],
        "status": "final",
    }
    some = [one for _, one in members]
    reference = first.get("specimen", {}).get("reference")
    specimen = store.named.get(reference)
    order_first = not is_laboratory
    lines = laboratory.results(stands_for, some, specimen, store.source, place=1, order_first=order_first)
    names = [*(name for name, _ in members), *([reference] if specimen is not None else [])]
    at, number = first["effectiveDateTime"], number_of(first, store.source)
    kind = "OML-11" if is_laboratory else "OMG-13"
    store.write(kind, at, number, at, department_of(first, store.source), lines, names)


def _write_performed(store: _Store) -> None:
    source = store.source
    studies = {
        number_of(one, source): (name, one) for name, one in store.of("DiagnosticReport") if one.get("imagingStudy")
    }

    def order(one: Resource) -> str:
        return performed.parent_of(one, source) or number_of(one, source)

    for number, members in _grouped(store, "Procedure", order):
        first = members[0][1]
        kind = _PROCEDURE_KINDS.get(first.get("category", {}).get("text", ""))
        if kind is None:
            continue
        rows = {name: _observed_in(store, name) for name, _ in members}
        study = studies.get(number)
        some = [(one, [store.named[each] for each in rows[name]]) for name, one in members]
        body = performed.performed(some, study[1] if study else None, source)
        at = first.get("performedDateTime", "") or first.get("performedPeriod", {}).get("start", "")
        names = [*rows, *(each for found in rows.values() for each in found), *([study[0]] if study else [])]
        store.write(kind, at, number, at, department_of(first, source), body, names)


def _observed_in(store: _Store, procedure: str) -> list[str]:
    """Return the names of what was observed while a procedure was done."""
    return [
        name
        for name, one in store.of("Observation")
        if any(each.get("reference") == procedure for each in one.get("partOf", ()))
    ]


def _write_basics(store: _Store, name: str, *, needed: bool) -> None:
    source = store.source
    body: list[Line] = []
    names = [name]
    for place, (called, one) in enumerate(store.of("RelatedPerson"), start=1):
        body.append(basics.related(one, place, source))
        names.append(called)
    body.append(segment("PV1", {1: "0001", 2: "O"}))
    rest = [(called, one) for called, one in store.of("Observation") if not one.get("partOf")]
    body += basics.measured([one for _, one in rest], source)
    names += [called for called, _ in rest]
    for place, (called, one) in enumerate(store.of("Coverage"), start=1):
        body.append(basics.insurance(one, place, source))
        names.append(called)
    if needed or len(names) > 1:
        store.write("ADT-00", "-", "", "", "-", body, names)
    allergies = store.of("AllergyIntolerance")
    if allergies:
        rows = [basics.allergy(one, place, source) for place, (_, one) in enumerate(allergies, start=1)]
        store.write("ADT-61", "-", "", "", "-", rows, [called for called, _ in allergies])


def _write_rest(store: _Store) -> None:
    units: dict[str, list[tuple[str, Resource]]] = {}
    for name, one in store.of("Condition"):
        units.setdefault(department_of(one, store.source), []).append((name, one))
    for unit, members in units.items():
        body = basics.diseases([one for _, one in members], store.source)
        store.write("PPR-01", "-", "", "", unit, body, [name for name, _ in members])
    for name, one in store.of("CareTeam"):
        unit = next((coded_parts(each, store.source)[0] for each in one.get("reasonCode", ())), "") or "-"
        body = [in_charge(one, store.source)]
        store.write("ADT-01", "-", "", one.get("period", {}).get("start", ""), unit, body, [name])
    for name, one in store.of("Encounter"):
        found = visits(store.patient, one, store.source, name)
        store.made.extend(found)
        store.used.update(each for message in found for each in message.covers)
