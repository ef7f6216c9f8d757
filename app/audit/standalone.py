"""The log's own small program, for an auditor and for a witness: no hub, no settings, no database.

`renkei audit program FILE` writes it as one file, which any Python with the package `cryptography` runs:

    python renkei-audit.pyz verify EXPORT --key KEY [--known NOTE] [--witnesses FILE --quorum N] [--second FOLDER]
    python renkei-audit.pyz record FILE --proof FILE --key KEY
    python renkei-audit.pyz growth FILE --from NOTE --key KEY
    python renkei-audit.pyz witness FOLDER ...

https://docs.python.org/3/library/zipapp.html
"""

import argparse
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from app.audit import checkpoint
from app.audit.checkpoint import Checkpoint
from app.audit.export import successions, verify_export, vkey
from app.audit.note import NoteError, Verifier
from app.audit.proof_text import ProofFails, verify_growth, verify_record
from app.audit.second.compare import compare_export
from app.audit.stamp import roots_of, verify_stamps
from app.audit.succession import Keyring, follow
from app.audit.witness import serve

WRONG = 3
"""The exit code when a proof does not hold."""

FAILED = 1
"""The exit code when something else does not."""

MODULES = (
    *("__init__", "audit/__init__", "flush"),
    *(
        f"audit/{name}"
        for name in ("checkpoint", "export", "keyfile", "keys", "note", "proof_text", "stamp", "standalone")
    ),
    *(f"audit/{name}" for name in ("succession", "tree", "verdict", "verify")),
    *(f"audit/second/{name}" for name in ("__init__", "entries", "compare")),
    *(f"audit/witness/{name}" for name in ("__init__", "add_checkpoint", "serve", "state")),
)
"""What the program is made of, below `app/`."""


def write(path: Path) -> None:
    """Write the program as one file.

    Raises:
        FileExistsError: there is a file already.
    """
    room = Path(__file__).resolve().parents[1]
    with path.open("xb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", "from app.audit.standalone import main\n\nmain()\n")
        for name in MODULES:
            archive.write(room / f"{name}.py", f"app/{name}.py")


def keys_of(path: Path) -> list[Verifier]:
    """Return the public keys of a file, one a line.

    Raises:
        NoteError: a line is none, or there is none.
    """
    keys = [Verifier.parse(line.strip()) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not keys:
        raise NoteError(f"{path} holds no key")
    return keys


def ring_of(folder: Path, trusted: Verifier) -> Keyring:
    """Return the keys that follow a trusted one according to an export; that one alone when its notes do not hold."""
    try:
        return follow(trusted, successions(folder))
    except NoteError:
        # The proof will say so.
        return Keyring((trusted,), ())


def known_of(path: Path, ring: Keyring) -> Checkpoint:
    """Return a checkpoint that was kept elsewhere.

    Raises:
        NoteError: none of the keys signed it.
    """
    return checkpoint.signed_by(path.read_bytes(), ring.keys, origin=ring.keys[0].name)[0]


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(text + "\n")


def _verify(asked: argparse.Namespace) -> int:
    trusted = keys_of(asked.key)[0] if asked.key else vkey(asked.export)
    if not asked.key:
        sys.stderr.write(f"Compare this key with the one you were given: {trusted.vkey}\n")
    known = known_of(asked.known, ring_of(asked.export, trusted)) if asked.known else None
    witnesses = keys_of(asked.witnesses) if asked.witnesses else []
    verdict = verify_export(asked.export, trusted, known=known, witnesses=witnesses, quorum=asked.quorum)
    say(verdict.message)
    agrees = True
    if asked.timestamps and verdict.ok:
        stamped = verify_stamps(
            asked.export, roots_of(asked.timestamps), ring_of(asked.export, trusted), verdict.proven
        )
        say(stamped.message)
        agrees = not stamped.fault
    if asked.second:
        found = compare_export(asked.export, asked.second)
        say(found.message)
        agrees = agrees and found.ok
    return 0 if verdict.ok and agrees else WRONG


def _record(asked: argparse.Namespace) -> int:
    text = asked.proof.read_bytes().decode()
    index, stated = verify_record(text, asked.record.read_bytes(), keys_of(asked.key))
    say(f"this is record {index} of the log of {stated.size} records")
    return 0


def _growth(asked: argparse.Namespace) -> int:
    keys = keys_of(asked.key)
    old, _ = checkpoint.signed_by(asked.since.read_bytes(), keys, origin=keys[0].name)
    stated = verify_growth(asked.proof.read_bytes().decode(), old, keys)
    say(f"the log of {stated.size} records begins with the {old.size} of the old checkpoint")
    return 0


def _witness(asked: argparse.Namespace) -> int:
    if asked.create:
        say(serve.create(asked.folder, asked.create).verifier.vkey)
    if asked.trust:
        serve.trust(asked.folder, asked.trust)
    if asked.listen:
        host, _, port = asked.listen.rpartition(":")
        run_witness(asked.folder, host, int(port))
    return 0


def run_witness(folder: Path, host: str, port: int) -> None:
    """Serve a witness until the process is ended."""
    with serve.server(folder, host.strip("[]"), port) as server:
        say(f"{serve.signer_of(folder).verifier.vkey} listens on {host}:{server.server_address[1]}")
        sys.stdout.flush()
        server.serve_forever()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="renkei-audit", description="Prove an audit log, or witness one.")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    verify = verbs.add_parser("verify", help="prove an export; exit code 3 when it is not as it was signed")
    verify.add_argument("export", type=Path)
    verify.add_argument("--key", type=Path, help="the log's public key, had from elsewhere than the export")
    verify.add_argument("--known", type=Path, help="a checkpoint that was kept elsewhere")
    verify.add_argument("--witnesses", type=Path, help="the public keys of witnesses, one a line")
    verify.add_argument("--quorum", type=int, default=0, help="how many of them must have signed")
    verify.add_argument("--timestamps", type=Path, help="root certificates of time stamps; needs rfc3161-client too")
    verify.add_argument("--second", type=Path, help="the folder of the second log of emergencies")
    verify.set_defaults(run=_verify)
    record = verbs.add_parser("record", help="prove that a record is in the log")
    record.add_argument("record", type=Path, help="the sealed record as it is stored")
    record.add_argument("--proof", type=Path, required=True)
    record.add_argument("--key", type=Path, required=True, help="the log's public keys, one a line")
    record.set_defaults(run=_record)
    growth = verbs.add_parser("growth", help="prove that the log goes on from an old checkpoint")
    growth.add_argument("proof", type=Path)
    growth.add_argument("--from", dest="since", type=Path, required=True, help="the old checkpoint")
    growth.add_argument("--key", type=Path, required=True, help="the log's public keys, one a line")
    growth.set_defaults(run=_growth)
    witness = verbs.add_parser("witness", help="sign what a log says, once, and never another history")
    witness.add_argument("folder", type=Path)
    witness.add_argument("--create", metavar="NAME", help="make the witness's key and print its public half")
    witness.add_argument("--trust", metavar="KEY", help="the public key of a log to witness")
    witness.add_argument("--listen", metavar="HOST:PORT", help="serve")
    witness.set_defaults(run=_witness)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a verb and exit: 0 proven or done, 1 failed with a message, 2 wrong usage, 3 a proof did not hold."""
    asked = _parser().parse_args(arguments)
    try:
        code = asked.run(asked)
    except ProofFails as error:
        say(str(error))
        code = WRONG
    except (ValueError, OSError, ImportError) as error:
        sys.stderr.write(f"{error}\n")
        code = FAILED
    raise SystemExit(code)
