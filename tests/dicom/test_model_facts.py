"""Metadata as another server tells them."""

import pytest

from dicom.model_facts import NotAModel, localised
from dicom.xml_model import to_xml


def test_bulk_data_of_another_server_get_addresses_below_ours():
    model = {
        "00020010": {"vr": "UI", "Value": ["1.2.840.10008.1.2.1"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A"}, None]},
        "00880200": {"vr": "SQ", "Value": [{"7fe00010": {"vr": "OW", "BulkDataURI": "http://10.0.0.1/x"}}, None]},
    }

    assert localised(model, "/a") == {
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A"}, None]},
        "00880200": {"vr": "SQ", "Value": [{"7FE00010": {"vr": "OW", "BulkDataURI": "/a/00880200/0/7FE00010"}}, {}]},
    }
    assert b"10.0.0.1" not in to_xml(localised(model, "/a"))


@pytest.mark.parametrize(
    "element",
    [
        {"Value": ["x"]},
        {"vr": 5},
        {"vr": '"><'},
        {"vr": "LO", "Value": 5},
        {"vr": "LO", "Value": [{}]},
        {"vr": "LO", "Value": [[]]},
        {"vr": "PN", "Value": ["x"]},
        {"vr": "SQ", "Value": [5]},
        {"vr": "SQ", "Value": ["x"]},
        {"vr": "OB", "InlineBinary": 5},
    ],
)
def test_what_is_no_attribute_spoils_the_model(element):
    with pytest.raises(NotAModel):
        localised({"00091001": element}, "/a")
