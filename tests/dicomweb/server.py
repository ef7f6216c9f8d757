"""The server that is asked, and what is read of its answers."""

import json
from collections.abc import Mapping, Sequence
from email.message import Message
from typing import Any

import httpx


class Server:
    """A DICOMweb server.

    Args:
        url: The root of its service, without a slash at its end.
        headers: Sent with everything: a token.
    """

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url.rstrip("/")
        # Compressed answers are another matter; a frame is asked for as it is.
        self._http = httpx.Client(headers={"accept-encoding": "identity", **headers}, timeout=60)
        del self._http.headers["accept"]

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def get(self, path: str, accept: str | None = None, **headers: str) -> httpx.Response:
        """Ask for an address below the root, or a whole one."""
        return self.send("GET", path, accept=accept, **headers)

    def send(
        self, method: str, path: str, *, accept: str | None = None, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        """Send a request; names of headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if accept is not None:
            given["accept"] = accept
        url = path if path.startswith("http") else self.url + path
        return self._http.request(method, url, headers=given, content=content)

    def store(
        self,
        parts: Sequence[tuple[str, bytes]],
        *,
        path: str = "/studies",
        kind: str = '"application/dicom"',
        accept: str = "application/dicom+json",
    ) -> httpx.Response:
        """Store parts: the headers of each, and its content."""
        body = b"".join(
            b"\r\n--bl4ckb0x\r\nContent-Type: " + head.encode() + b"\r\n\r\n" + content for head, content in parts
        )
        kind = f"multipart/related; type={kind}; boundary=bl4ckb0x"
        return self.send("POST", path, accept=accept, content=body + b"\r\n--bl4ckb0x--\r\n", content_type=kind)

    def found(self, path: str) -> list[dict[str, Any]]:
        """Return the results of a search that must succeed; a server may say that there are none by 204."""
        response = self.get(path, "application/dicom+json")
        if response.status_code == 204:
            return []
        expect(response.status_code == 200, f"{response.status_code} for {path}")
        return list(response.json())


def expect_there(server: Server, place: str, *, there: bool = True) -> None:
    """Fail the check unless an instance is there, or is not."""
    status = server.get(f"{place}/metadata", "application/dicom+json").status_code
    expect(status == (200 if there else 404), f"metadata are answered with {status}")


def file_at(server: Server, place: str) -> bytes:
    """Return an instance as a file."""
    response = server.get(place, 'multipart/related; type="application/dicom"')
    expect_status(response, 200)
    return parts_of(response)[0][1]


def expect(holds: bool, words: str) -> None:
    """Fail the check with words about what was seen instead.

    Raises:
        AssertionError: it does not hold.
    """
    if not holds:
        raise AssertionError(words)


def expect_status(response: httpx.Response, *statuses: int) -> None:
    """Fail the check unless a response has one of some statuses."""
    expect(response.status_code in statuses, f"{response.status_code} instead of {' or '.join(map(str, statuses))}")


def kind_of(response: httpx.Response) -> str:
    """Return the media type without parameters."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Return the content type and the content of each part."""
    message = Message()
    message["content-type"] = response.headers.get("content-type", "")
    boundary = message.get_param("boundary")
    expect(message.get_content_type() == "multipart/related" and bool(boundary), f"no parts but {kind_of(response)}")
    found = []
    pieces = (b"\r\n" + response.content).split(b"\r\n--" + str(boundary).encode())
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        fields = Message()
        for line in head.strip(b"\r\n").split(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.strip()] = value.strip()
        found.append((str(fields.get("content-type", "")), content))
    return found


def value(model: Mapping[str, Any], tag: str) -> Any:
    """Return the first value of an element of the DICOM JSON Model; None when there is none."""
    values = model.get(tag, {}).get("Value", [None])
    return values[0] if values else None


def as_json(response: httpx.Response) -> Any:
    """Return a JSON answer."""
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise AssertionError(f"no JSON but {kind_of(response)}") from error
