"""A file that a page offers, as spreadsheets open it."""

from starlette.responses import Response

from app.comma import MARK
from app.portal.page import HEADERS


def file_of(name: str, text: str) -> Response:
    """Return comma-separated values as a file of this name, with the mark that lets spreadsheets read the Japanese."""
    headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(MARK + text, 200, headers, "text/csv; charset=utf-8")
