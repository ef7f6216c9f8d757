from urllib.parse import parse_qsl, urlsplit

import pytest

from benchmarks.questions import PATIENT, POPULATION, of_patients
from fhir.search.query import parse

QUESTIONS = {**POPULATION, **{name: of_patients(one, ["a", "b", "c"]) for name, one in PATIENT.items()}}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_a_search_that_the_hub_knows(question):
    for number in range(40):
        address = urlsplit(question(number))

        query = parse(address.path.rpartition("/")[2], parse_qsl(address.query), lenient=False)

        assert query.count == 20


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_is_asked_with_several_values(question):
    assert len({question(number) for number in range(40)}) > 1
