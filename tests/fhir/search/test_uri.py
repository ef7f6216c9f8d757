from fhir.search import uri
from fhir.search.hashing import hash64
from fhir.search.values import UriValue

URL = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"


def test_a_uri_is_found_by_the_whole_of_it():
    assert uri.EXTRACTORS["uri"](URL) == uri.EXTRACTORS["url"](URL) == [(hash64(URL), URL)]
    assert uri.EXTRACTORS["uri"](f"{URL}|1") == [(hash64(f"{URL}|1"), f"{URL}|1")]


def test_a_canonical_is_found_with_and_without_its_version():
    assert uri.EXTRACTORS["canonical"](f"{URL}|1.1") == [
        (hash64(f"{URL}|1.1"), f"{URL}|1.1"),
        (hash64(URL), URL),
    ]
    assert uri.EXTRACTORS["canonical"](URL) == [(hash64(URL), URL)]


def test_a_query_is_a_uri_in_which_a_bar_does_not_separate():
    assert uri.parse(URL) == UriValue(hash64(URL), URL)
    assert uri.parse(rf"{URL}\|1.1") == uri.parse(f"{URL}|1.1") == UriValue(hash64(f"{URL}|1.1"), f"{URL}|1.1")
