// Passkeys (WebAuthn): a form whose button asks the browser for one and sends what it says.
// https://www.w3.org/TR/webauthn-3/
const octets = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decoded = (list) => (list ?? []).map((one) => ({ ...one, id: octets(one.id) }));

const ways = {
  async get(options) {
    const made = await navigator.credentials.get({
      publicKey: { ...options, challenge: octets(options.challenge), allowCredentials: decoded(options.allowCredentials) },
    });
    const { authenticatorData, clientDataJSON, signature, userHandle } = made.response;
    return [made, {
      authenticatorData: text(authenticatorData),
      clientDataJSON: text(clientDataJSON),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : null,
    }];
  },
  async create(options) {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: octets(options.challenge),
        user: { ...options.user, id: octets(options.user.id) },
        excludeCredentials: decoded(options.excludeCredentials),
      },
    });
    const { attestationObject, clientDataJSON } = made.response;
    const transports = made.response.getTransports?.() ?? [];
    return [made, { attestationObject: text(attestationObject), clientDataJSON: text(clientDataJSON), transports }];
  },
};

// A challenge lasts ten minutes; a page that has stood longer is asked for anew.
const stale = () => performance.now() > 540_000;

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!("PublicKeyCredential" in window)) break;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (stale()) return location.reload();
    const problem = form.querySelector(".problem");
    problem.hidden = true;
    try {
      const [made, response] = await ways[form.dataset.passkey](JSON.parse(form.dataset.options));
      form.elements.credential.value = JSON.stringify({
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        response,
        clientExtensionResults: made.getClientExtensionResults(),
        authenticatorAttachment: made.authenticatorAttachment ?? null,
      });
      form.submit();
    } catch {
      problem.hidden = false;
    }
  });
}
