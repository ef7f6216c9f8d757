"""OHIF, the full viewer, at an origin of its own: its files as `make ohif` left them, and a policy that names one hub.

It is a program of others' in the browser of somebody who is signed in. Its origin has no pages of the hub; what it may
ask there is decided by `app.access.cors`. COOP and COEP isolate it: https://html.spec.whatwg.org/multipage/browsers.html
"""

import base64
import hashlib
import json
import re
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

CONFIGURATION = """// Which hub OHIF reads from, and that it does so as whoever is signed in there.
(() => {
  const hub = %s;
  const isOfHub = (address) => new URL(String(address), location.href).href.startsWith(`${hub}/`);
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    open.call(this, method, address, ...(rest.length ? rest : [true]));
    if (isOfHub(address)) this.withCredentials = true;
  };
  const { fetch } = window;
  window.fetch = (asked, options = {}) =>
    fetch(asked, isOfHub(asked?.url ?? asked) ? { ...options, credentials: "include" } : options);
  window.config = {
    routerBasename: null,
    extensions: [],
    modes: [],
    customizationService: {},
    showStudyList: false,
    maxNumberOfWebWorkers: 3,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: true,
    investigationalUseDialog: { option: "never" },
    defaultDataSourceName: "renkei",
    dataSources: [
      {
        namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
        sourceName: "renkei",
        configuration: {
          friendlyName: "Renkei",
          name: "renkei",
          wadoUriRoot: hub,
          qidoRoot: hub,
          wadoRoot: hub,
          qidoSupportsIncludeField: true,
          supportsReject: false,
          supportsStow: false,
          imageRendering: "wadors",
          thumbnailRendering: "thumbnail",
          enableStudyLazyLoad: true,
          supportsFuzzyMatching: false,
          supportsWildcard: true,
          staticWado: false,
          bulkDataURI: { enabled: true },
        },
      },
    ],
  };
})();
"""


def _policy(index: bytes, hub: str) -> str:
    """Return the Content-Security-Policy: the inline scripts of the page by their hashes, one hub, nothing else."""
    digests = [base64.b64encode(hashlib.sha256(one).digest()).decode() for one in _INLINE.findall(index)]
    hashes = " ".join(f"'sha256-{one}'" for one in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' blob: 'wasm-unsafe-eval' {hashes}".rstrip(),
            "worker-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: blob: {hub}",
            "font-src 'self' data:",
            f"connect-src 'self' data: blob: {hub}",
            "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
    )


def ohif_app(folder: Path, hub: str) -> Starlette:
    """Return the application that serves OHIF.

    Args:
        folder: Its files.
        hub: The hub's address, without a slash at the end.

    Raises:
        FileNotFoundError: they are not there.
    """
    root = folder.resolve(strict=True)
    index = (root / "index.html").read_bytes()
    headers = {
        "content-security-policy": _policy(index, hub),
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "permissions-policy": "camera=(), microphone=(), geolocation=()",
    }

    async def configuration(_: Request) -> Response:
        text = CONFIGURATION % json.dumps(f"{hub}/dicomweb")
        return Response(text, 200, {**headers, "cache-control": "no-cache"}, "text/javascript; charset=utf-8")

    async def file(request: Request) -> Response:
        found = (root / request.path_params["path"]).resolve()
        if found.is_file() and found.is_relative_to(root):
            return FileResponse(found, headers={**headers, "cache-control": "max-age=3600"})
        if "." in found.name:
            return Response("", 404, headers)
        # Its own addresses, such as /viewer, are all one page.
        return Response(index, 200, {**headers, "cache-control": "no-cache"}, "text/html; charset=utf-8")

    return Starlette(routes=[Route("/app-config.js", configuration), Route("/{path:path}", file)])
