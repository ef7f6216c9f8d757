"""A request as it goes over the wire, and how a person sends it again."""

from dataclasses import dataclass, field

Header = tuple[bytes, bytes]


@dataclass
class Sent:
    """One request; nothing in it is checked by a client library.

    Attributes:
        method: As it is written.
        target: Path and query, escaped.
        headers: Without those that belong to the connection.
        body: Empty for none.
        caller: In whose name it is sent, by the names of `CALLERS`; empty for nobody's.
    """

    method: str
    target: str
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""
    caller: str = "clinic-c"

    def octets(self, proof: Header | None) -> bytes:
        """Return the bytes of the request, with the header that says who calls."""
        named = [(b"Host", b"127.0.0.1"), *self.headers, *([proof] if proof else [])]
        if self.body or self.method not in ("GET", "HEAD"):
            named.append((b"Content-Length", str(len(self.body)).encode()))
        head = b"".join(name + b": " + value + b"\r\n" for name, value in named)
        return f"{self.method} {self.target} HTTP/1.1\r\n".encode("latin-1", "replace") + head + b"\r\n" + self.body

    def repeat(self, address: str) -> str:
        """Return a command for bash that sends it again, with the caller's proof in `$PROOF`."""
        parts = ["curl", "-i", "-g", "--path-as-is", "-X", _quoted(self.method.encode())]
        for name, value in self.headers:
            parts += ["-H", _quoted(name + b": " + value)]
        parts += ["-H", '"$PROOF"'] if self.caller else []
        if b"\0" in self.body:
            told = "".join(f"\\x{one:02x}" for one in self.body)
            return f"printf '{told}' | {' '.join(parts)} --data-binary @- {_quoted((address + self.target).encode())}"
        parts += ["--data-binary", _quoted(self.body)] if self.body else []
        return " ".join([*parts, _quoted((address + self.target).encode())])


def _quoted(octets: bytes) -> str:
    """Return octets as bash's `$'…'` takes them."""
    safe = set(b'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;/?=&_+-*{}[]"()<>@#%$|^~')
    return "$'" + "".join(chr(one) if one in safe else f"\\x{one:02x}" for one in octets) + "'"
