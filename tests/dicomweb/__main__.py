"""Run the suite: `python -m tests.dicomweb URL [--token T] [--header NAME:VALUE] [--json]`; 1 when a check fails."""

import argparse
import json
import sys

from tests.dicomweb.suite import Result, run


def main() -> int:
    """Run the checks on the server that the arguments name, and print a line for each."""
    parser = argparse.ArgumentParser(prog="tests.dicomweb", description="A black-box suite for DICOMweb servers.")
    parser.add_argument("url", help="the root of the service, for instance http://127.0.0.1:8080/dicomweb")
    parser.add_argument("--token", default="", help="a bearer token that may store, find, read and delete images")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="sent with every request")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    given = parser.parse_args()
    headers = dict(one.split(":", 1) for one in given.header)
    if given.token:
        headers["Authorization"] = f"Bearer {given.token}"
    results = run(given.url, headers, (lambda _: None) if given.json else _print)
    failed = [one for one in results if not one.holds]
    if given.json:
        sys.stdout.write(json.dumps([one.as_dict() for one in results], ensure_ascii=False) + "\n")
    else:
        sys.stdout.write(f"{len(results) - len(failed)} of {len(results)} checks hold\n")
    return 1 if failed else 0


def _print(one: Result) -> None:
    mark = "ok  " if one.holds else "FAIL"
    seen = f": {one.seen}" if one.seen else ""
    sys.stdout.write(f"{mark} {one.service:12} {one.name}{seen} ({one.milliseconds} ms)\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
