"""The hub's settings: environment variables that begin with RENKEI_, or a file named by RENKEI_ENV_FILE.

Secrets may lie in a folder named by RENKEI_SECRETS_DIR instead, one file each: `renkei_database` holds the database.

docs/settings.md lists them; a test holds the two together.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.comma import parts
from fhir.documents.kind import KINDS

MEGABYTE = 1_000_000


class Settings(BaseSettings):
    """Every setting of the hub; each has its default here and one line of meaning beneath it."""

    model_config = SettingsConfigDict(env_prefix="RENKEI_", env_ignore_empty=True, extra="forbid", frozen=True)

    home: Path = Path("var")
    """The folder of everything the hub keeps when nothing else is said: database, blobs, keys."""

    database: str = ""
    """`postgresql://user:password@host/name`, or a path of an SQLite file. Empty: `HOME/renkei.sqlite3`."""

    database_connections: int = 8
    """Connections that one process holds to PostgreSQL at most, two at least: half for reads, half for writes."""

    blobs: str = ""
    """A folder, or `s3://bucket/prefix`. Empty: `HOME/blobs`."""

    keys: Path | None = None
    """The folder of the audit keys and of the keys of local clients. Empty: `HOME/keys`."""

    address: str = ""
    """The hub's address as its callers write it, without a slash at the end. Empty: `http://127.0.0.1:PORT`."""

    ohif_address: str = ""
    """The origin at which `renkei ohif` serves the full viewer, without a slash at the end. Empty: there is none."""

    host: str = "127.0.0.1"
    """The address the server listens on."""

    port: int = 8080
    """The port the server listens on."""

    tls_certificate: Path | None = None
    """The certificate of the address with its chain, PEM, when no reverse proxy ends TLS. Empty: one does."""

    tls_key: Path | None = None
    """Its private key."""

    client_authority: Path | None = None
    """The authority of the region's client certificates, when the hub ends TLS. Empty: none is asked for."""

    client_revoked: Path | None = None
    """What that authority has revoked (CRL, PEM)."""

    workers: int = 1
    """Server processes."""

    trusted_proxies: str = "127.0.0.1,::1"
    """Addresses or networks, parted by commas, of the reverse proxies that say who calls (X-Forwarded-For)."""

    region: str = "連携医療圏"
    """The region's name, shown on every page."""

    consent: Literal["explicit", "implied", "implied-treatment"] = "explicit"
    """What holds for a person without a recorded Consent: nothing is disclosed, all is, or what treatment asks for."""

    find_patients: Literal["consent", "region"] = "consent"
    """Which Patients of other sites are found for treatment: of whom consent discloses; or all but who refuses."""

    unknown_domain: Literal["warning", "not-found"] = "warning"
    """What a search restricted to an identifier domain that nobody knows is answered: empty with a warning, or 404."""

    majority: int = 18
    """The age in years at which what was permitted in a minor's place ends; 0: it stays until it is withdrawn."""

    break_glass_roles: str = "doctor"
    """Who may break the glass, parted by commas: doctor; nurse and pharmacist, each with a right from the head."""

    break_glass_minutes: int = Field(default=60, ge=1, le=240)
    """How long records stay open after the glass was broken; 240 at most."""

    break_glass_labels: Literal["withheld", "shown"] = "withheld"
    """Whether break-glass shows what has a sensitive label that no consent opens."""

    break_glass_review_days: int = Field(default=7, ge=1)
    """After so many days without a verdict a case of break-glass is overdue, and the secretariat's to close."""

    string_folding: Literal["width", "japanese"] = "width"
    """What string search takes for the same: case, accents and width; or kana and old forms of kanji as well."""

    single_owner: bool = False
    """Whether a PUT may create a resource under any id, not only under the caller's own prefix."""

    mhd_serialised: bool = False
    """Whether a provided FHIR document is kept as plain bytes too, with a DocumentReference that transforms its own."""

    mhd_references: str = ""
    """Addresses of other FHIR servers, parted by commas, to which provided documents may refer; none is ever asked."""

    conditional_delete: Literal["single", "multiple"] = "single"
    """Whether `DELETE [type]?…` may delete several resources at once."""

    own_search_parameters: int = 200
    """The most search parameters beside R4's, each resource type counted."""

    trust: Path | None = None
    """The folder of the authorities whose signatures of documents are trusted. Empty: `HOME/trust`."""

    signatures_strict: bool = False
    """Whether a document is refused when the signature it carries is not valid; otherwise it is kept and marked."""

    seal_key: Path | None = None
    """The key by which the hub signs documents it makes, PEM (RSA, ECDSA). Empty: it signs none."""

    seal_certificate: Path | None = None
    """The certificate of that key with its chain, PEM."""

    seal_timestamp: str = ""
    """The address of an authority of time (RFC 3161) that stamps what the hub signs. Empty: it is not stamped."""

    profiles_strict: bool = False
    """Whether a resource that breaks a profile it names, or names an unknown one, is refused, not warned of."""

    documents_strict: str = ""
    """The kinds of Japan's documents, parted by commas, that are refused where they break a profile or a rule."""

    resource_bytes: int = 20 * MEGABYTE
    """The largest body of one resource."""

    bundle_bytes: int = 100 * MEGABYTE
    """The largest body of a Bundle."""

    bundle_entries: int = 10_000
    """The most entries of a Bundle."""

    stow_bytes: int = 8_000 * MEGABYTE
    """The largest STOW-RS request."""

    instance_bytes: int = 4_000 * MEGABYTE
    """The largest DICOM instance."""

    image_cache_bytes: int = Field(default=10_000 * MEGABYTE, ge=100 * MEGABYTE)
    """The most that images of imaging sources take on this machine, by policy or while somebody looks at them."""

    page_entries: int = 50
    """Entries of a search page when `_count` is not given."""

    page_entries_limit: int = 1_000
    """The most entries a caller may ask for in one page."""

    requests_per_second: int = 500
    """How many requests a second one client, or one person, may make in the long run; 0 sets no limit."""

    person_searches_per_minute: int = 60
    """How many searches for Patients and `$match` a minute a person may make; a system ten times as many; 0: any."""

    persons_per_hour: int = 1_000
    """The audit log is warned of a caller who was shown more Patients of other sites within an hour; 0: never."""

    sign_ins_per_minute: int = 120
    """How many sign-ins, and how many requests for tokens, a minute one address may make; 0 sets no limit."""

    page_link_hours: int = 24
    """How long the links of a search lead to its other pages as they were; older versions stay findable so long."""

    export_hours: int = 24
    """How long after its beginning the files of an export, or what is answered later, can be fetched; and after its
    end what became of an import."""

    import_folder: Path | None = None
    """The folder whose files `$import` may read. Empty: there is none, and no import but by the command line."""

    token_seconds: int = 300
    """How long an access token lasts."""

    app_hours: int = 24
    """How long an app may renew what a person allowed it (`offline_access`); otherwise while the session lasts."""

    jwks_networks: str = ""
    """Networks beside the world's, parted by commas, from which the keys of clients may be fetched."""

    session_minutes: int = 15
    """A person's session is locked after so many minutes without a request."""

    session_hours: int = 12
    """A person's session ends so many hours after the sign-in, whatever happens."""

    password_attempts: int = 10
    """Wrong passwords in a row after which an account waits."""

    password_wait_seconds: int = 300
    """How long an account waits after too many wrong passwords."""

    password_length: int = 13
    """Characters of the shortest password: 13 or more, or 8 or more where a second factor is required."""

    second_factor: Literal["off", "optional", "required"] = "required"
    """Whether people show a second factor at the sign-in: never, when they have one, or always."""

    confirm_days: int = 365
    """The head of a site confirms each person's rights again after so many days."""

    oidc_issuer: str = ""
    """The OpenID Connect provider that people sign in at: its issuer, an https address. Empty: by password, here."""

    oidc_client_id: str = ""
    """The hub's client_id at the provider."""

    oidc_client_secret: str = ""
    """Its secret; without one the hub is a public client, which PKCE alone protects."""

    oidc_claim: str = "preferred_username"
    """The claim that holds the account's name."""

    oidc_second_factor: str = "mfa"
    """Words of `amr` or `acr`, parted by commas, one of which must show that there were two factors; `any`: none."""

    oidc_beside: bool = False
    """Whether people may sign in by password as well."""

    oidc_networks: str = ""
    """Networks beside the world's, parted by commas, in which the provider may be: `10.0.0.0/8`."""

    cookie_secure: bool = True
    """Whether cookies are sent over TLS only; off only on a loopback address."""

    audit_wait_seconds: float = 5.0
    """How long an answer waits for its audit record before it becomes a 503."""

    break_glass_log: Path | None = None
    """A folder on another disk, where what happens in an emergency is written as well. Empty: nowhere."""

    checkpoint_seconds: float = 1.0
    """How often staged audit records are put in the tree and a checkpoint is signed."""

    audit_origin: str = "renkei.example/audit"
    """The name of the audit log in its checkpoints; it never changes once the log has begun."""

    audit_witnesses: str = ""
    """The log's witnesses, parted by commas: the address of each, a space, its public key."""

    audit_quorum: int = 0
    """How many of them must have signed a checkpoint for it to count; 0: none has to."""

    audit_witness_seconds: float = 60.0
    """How often the newest checkpoint is sent to the witnesses."""

    audit_copies: str = ""
    """Where checkpoints are copied to, parted by commas: folders, `s3://bucket/prefix`, `https://…` (by PUT)."""

    audit_copy_seconds: float = 3_600.0
    """How often each of these places gets the newest checkpoint."""

    audit_timestamp: str = ""
    """The address of an authority that stamps checkpoints with the time (RFC 3161). Empty: none does."""

    audit_timestamp_roots: Path | None = None
    """The certificates of the roots that its stamps are checked against, PEM."""

    audit_timestamp_seconds: float = 3_600.0
    """How often the newest checkpoint is stamped."""

    audit_years: int = Field(default=0, ge=0)
    """How many years audit records are kept; their hashes stay in the tree for ever. 0: for ever."""

    audit_syslog: str = ""
    """Where the audit log is handed on to by syslog over TLS: `syslog-tls://host:6514`. Empty: nowhere."""

    audit_feed: str = ""
    """Where it is handed on to as AuditEvents of FHIR: the receiver's base address. Empty: nowhere."""

    audit_feed_token: str = ""
    """A bearer token for the receiver."""

    audit_peer_authority: Path | None = None
    """Whose certificates these receivers have, PEM. Empty: those that the machine trusts."""

    audit_peer_certificate: Path | None = None
    """The certificate that the hub shows to these receivers, PEM. Empty: none."""

    audit_peer_key: Path | None = None
    """Its private key."""

    flag_kinds: str = "break-glass,vip,colleague,family-name,many-patients,many-people,out-of-hours,first-access"
    """What of the audit log is flagged for the auditor, parted by commas; `none`: nothing."""

    flag_patients_per_day: int = Field(default=100, ge=1)
    """A person who opens the records of more patients in a day is flagged."""

    flag_people_per_day: int = Field(default=15, ge=1)
    """A patient whose record more persons open in a day is flagged."""

    flag_hours: str = "6-22"
    """The usual hours of the day, in Japan: who opens a record at another hour is flagged."""

    flag_days: int = Field(default=31, ge=1)
    """Records older than so many days raise no flags when a log is looked through for the first time."""

    review_days: int = Field(default=7, ge=1)
    """After so many days without a sign-off a saved review that fell due is overdue."""

    syslog_port: int = 0
    """The port on which audit messages of other systems come in by syslog over TLS; 0: none do."""

    mllp_port: int = 0
    """The port on which HL7 v2 messages come in by MLLP; 0: none do."""

    mllp_host: str = ""
    """The address that MLLP listens on. Empty: `RENKEI_HOST`."""

    mllp_certificate: Path | None = None
    """The certificate that MLLP shows, PEM. Empty: `RENKEI_TLS_CERTIFICATE`."""

    mllp_key: Path | None = None
    """Its private key."""

    mllp_authority: Path | None = None
    """The authority of its senders' certificates, PEM. Empty: `RENKEI_CLIENT_AUTHORITY`."""

    mllp_revoked: Path | None = None
    """What that authority has revoked (CRL, PEM)."""

    mllp_plain: bool = False
    """Whether MLLP may listen without TLS on an address that is not this machine's alone: behind a VPN that is."""

    mllp_frame_bytes: int = Field(default=10 * MEGABYTE, ge=1_000)
    """The largest message that MLLP takes."""

    mllp_connections: int = Field(default=200, ge=1)
    """How many MLLP connections a process holds at once."""

    mllp_connections_each: int = Field(default=20, ge=1)
    """How many of them one address may have."""

    mllp_idle_seconds: float = Field(default=3_600.0, gt=0)
    """An MLLP connection is ended after so long without a message."""

    mllp_read_seconds: float = Field(default=60.0, gt=0)
    """How long a message may take to come in."""

    dimse_port: int = 0
    """The port on which DICOM associations are taken; 0: none are."""

    dimse_host: str = ""
    """The address that it is on. Empty: `RENKEI_HOST`."""

    dimse_title: str = Field(default="RENKEI", pattern=r"[!-\[\]-~]{1,16}")
    """The AE title of the hub: what is called by another is rejected."""

    dimse_certificate: Path | None = None
    """The certificate that DICOM associations are shown, PEM. Empty: `RENKEI_TLS_CERTIFICATE`."""

    dimse_key: Path | None = None
    """Its private key."""

    dimse_authority: Path | None = None
    """The authority of DICOM nodes' certificates, PEM. Empty: `RENKEI_CLIENT_AUTHORITY`."""

    dimse_revoked: Path | None = None
    """What that authority has revoked (CRL, PEM)."""

    dimse_plain: bool = False
    """Whether associations without TLS may come in on an address that is not this machine's alone."""

    dimse_any_class: bool = True
    """Whether instances of private and unknown storage classes are taken by C-STORE."""

    dimse_associations: int = Field(default=40, ge=1)
    """How many associations a process holds at once."""

    dimse_associations_each: int = Field(default=10, ge=1)
    """How many of them one node may have."""

    dimse_pdu_bytes: int = Field(default=131_072, ge=4_096, le=1_048_576)
    """The largest PDU that is announced; what is larger is still read, up to 1 MiB."""

    dimse_idle_seconds: float = Field(default=60.0, gt=0)
    """An association is ended after so long without a message."""

    dimse_read_seconds: float = Field(default=30.0, gt=0)
    """How long a PDU may take to come in; a message that takes longer has to come steadily."""

    dimse_answer_seconds: float = Field(default=60.0, gt=0)
    """How long another application may take to acknowledge what the hub sends."""

    dimse_matches: int = Field(default=1_000, ge=1)
    """The most matches of a C-FIND."""

    rights_days: int = 30
    """Days until a patient's request for disclosure, correction or suspension is due."""

    rights_extension_days: int = 30
    """Days by which that may be put off, once."""

    media_days: int = Field(default=30, ge=1)
    """Days after which images of discs and in review that were rejected are removed."""

    media_waiting_days: int = Field(default=90, ge=1)
    """Days after which images of discs and in review are removed that nobody has decided on."""

    retention: str = ""
    """What `renkei retention` removes: `problem=5y, allergy=5y, laboratory=1y+3`. Empty: nothing."""

    coding_systems: str = ""
    """What names of coding systems in messages of HL7 2 mean, parted by commas: `NAME=URI`, `SLUG/NAME=URI`."""

    ntp_servers: str = ""
    """NTP servers that the hub checks its clock against, parted by commas: `host` or `host:port`. Empty: none."""

    ntp_check_seconds: float = 600.0
    """How often it does."""

    ntp_drift_seconds: float = 1.0
    """By how much the clock may be wrong before the hub says that it is not synchronised."""

    summaries_on_demand: bool = False
    """Whether each new Patient gets an entry by which a summary on demand is found among its documents (IHE sIPS)."""

    manifests_on_demand: bool = False
    """Whether each study gets the entries by which its manifests on demand are found among documents (IHE MADO)."""

    report_font: Path | None = None
    """The Japanese TrueType font that reports as PDF embed. Empty: IPAex Gothic, where the system has it."""

    clamd: str = ""
    """The virus scanner that looks at uploads: clamd's socket, a path or `host:port`. Empty: none does."""

    active_content: Literal["refuse", "allow"] = "refuse"
    """What becomes of uploads that are programs, or documents with macros."""

    metrics_token: str = ""
    """A bearer token for `/metrics`; without one it answers to loopback callers only."""

    @model_validator(mode="after")
    def _has_an_address(self) -> "Settings":
        """Let a hub that is tried at another port say that port wherever it names itself."""
        if not self.address:
            object.__setattr__(self, "address", f"http://127.0.0.1:{self.port}")
        return self

    @model_validator(mode="after")
    def _the_viewer_has_an_origin_of_its_own(self) -> "Settings":
        """Hold what may read images with people's cookies: one origin, and not the hub's."""
        parts = urlsplit(self.ohif_address)
        is_origin = parts.scheme in ("http", "https") and self.ohif_address == f"{parts.scheme}://{parts.netloc}"
        if self.ohif_address and (not is_origin or self.ohif_address == self.address):
            raise ValueError("ohif_address is an origin, such as https://viewer.example.jp, and not the hub's own")
        return self

    @model_validator(mode="after")
    def _passwords_are_long(self) -> "Settings":
        """Hold the guideline's rule for passwords (シQ-54)."""
        if self.password_length < (8 if self.second_factor == "required" else 13):
            raise ValueError("password_length is 13 or more, or 8 or more where second_factor is required")
        return self

    @model_validator(mode="after")
    def _care_breaks_the_glass(self) -> "Settings":
        """Let nobody break the glass who does not care for patients."""
        if not self.break_glass_allowed <= {"doctor", "nurse", "pharmacist"}:
            raise ValueError("break_glass_roles are some of doctor, nurse, pharmacist")
        return self

    @model_validator(mode="after")
    def _stamps_are_checked(self) -> "Settings":
        """Ask for no stamps that nobody could check."""
        if (self.seal_key is None) != (self.seal_certificate is None):
            raise ValueError("seal_key and seal_certificate go together")
        if self.seal_timestamp and self.seal_key is None:
            raise ValueError("seal_timestamp needs seal_key: without it nothing is sealed")
        if self.audit_timestamp and self.audit_timestamp_roots is None:
            raise ValueError("audit_timestamp needs audit_timestamp_roots, against which its stamps are checked")
        return self

    @model_validator(mode="after")
    def _flags_are_known(self) -> "Settings":
        """Hold the kinds of flags, and how hours are written."""
        from app.audit.desk.kinds import hours_of, kinds_of

        kinds_of(self.flag_kinds)
        hours_of(self.flag_hours)
        return self

    @model_validator(mode="after")
    def _coding_systems_are_named(self) -> "Settings":
        """Hold how coding systems of messages are named."""
        from app.exchange.hl7v2.coding_systems import coding_systems

        coding_systems(self.coding_systems, "")
        return self

    @model_validator(mode="after")
    def _documents_are_known(self) -> "Settings":
        if unknown := sorted(self.strict_documents - set(KINDS)):
            raise ValueError(f"documents_strict names {', '.join(unknown)}; there are {', '.join(KINDS)}")
        return self

    @property
    def strict_documents(self) -> frozenset[str]:
        """The kinds of documents that are refused where they break a rule."""
        return frozenset(parts(self.documents_strict))

    @property
    def break_glass_allowed(self) -> frozenset[str]:
        """The roles that may break the glass."""
        return frozenset(parts(self.break_glass_roles))

    @property
    def mllp_address(self) -> str:
        """The address that MLLP listens on."""
        return self.mllp_host or self.host

    @property
    def dimse_address(self) -> str:
        """The address that DICOM associations are taken on."""
        return self.dimse_host or self.host

    @property
    def is_postgresql(self) -> bool:
        """Whether the database is PostgreSQL."""
        return self.database.startswith(("postgresql://", "postgres://"))

    @property
    def by_password(self) -> bool:
        """Whether people sign in by password."""
        return not self.oidc_issuer or self.oidc_beside

    @property
    def fhir_address(self) -> str:
        """The address below which resources are, without a slash at the end."""
        return f"{self.address}/fhir"

    @property
    def dicomweb_address(self) -> str:
        """The address below which images are, without a slash at the end."""
        return f"{self.address}/dicomweb"

    @property
    def mhd_bases(self) -> tuple[str, ...]:
        """The addresses of `mhd_references`, each with a slash at its end."""
        return tuple(f"{one.rstrip('/')}/" for one in parts(self.mhd_references))

    def largest(self, type_name: str) -> int:
        """Return the bytes that a body of a resource type may have."""
        return self.bundle_bytes if type_name == "Bundle" else self.resource_bytes

    @property
    def folds_japanese(self) -> bool:
        """Whether string search takes hiragana for katakana, and old forms of kanji for new ones."""
        return self.string_folding == "japanese"

    @property
    def sqlite_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database) if self.database else self.home / "renkei.sqlite3"

    @property
    def blobs_place(self) -> str:
        """The folder or the S3 address of the blobs."""
        return self.blobs or str(self.home / "blobs")

    @property
    def keys_folder(self) -> Path:
        """The folder of the keys."""
        return self.keys or self.home / "keys"

    @property
    def trust_folder(self) -> Path:
        """The folder of whose signatures are trusted."""
        return self.trust or self.home / "trust"


class SettingsMissing(Exception):
    """A file or folder of settings that was named is not there; without it the hub would run on its defaults."""


def _named(variable: str) -> Path | None:
    """Return the path that `variable` names, None when it names none."""
    name = os.environ.get(variable)
    if not name:
        return None
    if not Path(name).exists():
        raise SettingsMissing(f"{variable} names {name}, which is not there")
    return Path(name)


@lru_cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        SettingsMissing: the file or the folder of secrets is not there.
        pydantic.ValidationError: the file has an unknown variable, or one has a value that its setting does not take.
    """
    return Settings(
        _env_file=_named("RENKEI_ENV_FILE"),  # type: ignore[call-arg]
        _secrets_dir=_named("RENKEI_SECRETS_DIR"),
    )
