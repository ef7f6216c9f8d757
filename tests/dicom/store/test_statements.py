from sqlalchemy import select

from dicom.store import statements


def test_a_statement_is_built_once_for_its_shape():
    built = []

    def build():
        built.append(select(1))
        return built[-1]

    first = statements.statement(("test", 1), build)

    assert statements.statement(("test", 1), build) is first
    assert len(built) == 1


def test_made_up_shapes_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(statements, "MAX_STATEMENTS", 3)
    monkeypatch.setattr(statements, "_statements", {})

    for number in range(10):
        statements.statement(number, lambda: select(1))

    assert len(statements._statements) <= 3
