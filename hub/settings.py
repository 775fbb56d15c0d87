"""Settings from the environment (HUB_…), secrets also from HUB_…_FILE; no working default for one.

The first start writes a random secret.key (0600) into HUB_DATA_DIR where HUB_SECRET_KEY is unset.
"""

import os
import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from canonical.errors import HubError
from canonical.reasons import Reason
from store.vault import Vault
from sync.context import Limits

_SHORTEST_KEY = 32
_FROM_FILE = ("HUB_SECRET_KEY", "HUB_SECRET_KEY_OLD", "HUB_DATABASE_URL")


class Settings(BaseSettings):
    """What the IT department sets; docs/operations.md has the table.

    Attributes:
        data_dir: Where the embedded store and secret.key live.
        database_url: `sqlite:///…` or `postgresql://…`; the embedded store where unset.
        secret_key: From which every key is derived; at least 32 characters.
        secret_key_old: Those before it, newest first, with spaces or lines between them.
        egress_allowlist: Hosts, host:port or networks that adapters may call, comma separated;
            empty reaches this machine alone.
    """

    model_config = SettingsConfigDict(env_prefix="HUB_", hide_input_in_errors=True)

    data_dir: Path = Path(".hub")
    database_url: str = ""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    secret_key: str = ""
    secret_key_old: str = ""
    egress_allowlist: str = ""
    body_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    timeout_s: float = Field(default=120.0, gt=0)
    lease_s: float = Field(default=60.0, gt=0)
    pages_per_run: int = Field(default=10_000, gt=0)
    run_s: float = Field(default=3_600.0, gt=0)
    drain_s: float = Field(default=5.0, gt=0)
    tick_s: float = Field(default=1.0, gt=0)
    jobs_at_once: int = Field(default=8, gt=0)
    call_attempts: int = Field(default=3, gt=0)
    first_wait_s: float = Field(default=1.0, ge=0)
    longest_wait_s: float = Field(default=30.0, ge=0, le=30)
    retry_base_s: float = Field(default=30.0, gt=0)
    retry_cap_s: float = Field(default=3_600.0, gt=0)
    breaker_failures: int = Field(default=5, gt=0)
    deliver_batch: int = Field(default=200, gt=0)
    give_up_s: float = Field(default=604_800.0, gt=0)
    settle_s: float = Field(default=600.0, ge=0)
    session_idle_s: float = Field(default=1_800.0, gt=0)
    session_s: float = Field(default=36_000.0, gt=0)
    behind_tls: bool = False
    stop_s: float = Field(default=25.0, gt=0, lt=30)
    log_level: str = "INFO"

    def limits(self) -> Limits:
        """The part of the settings that sync and gateway need."""
        names = Limits.__struct_fields__
        told = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return Limits(**told, is_behind_tls=self.behind_tls)

    def store_url(self) -> str:
        """The store's address."""
        if self.database_url:
            return self.database_url
        return f"sqlite:///{(self.data_dir / 'hub.db').absolute()}"

    def key(self) -> str:
        """The secret key; made and kept on the first start.

        Raises:
            HubError: it is shorter than 32 characters.
        """
        key = self.secret_key or _kept_key(self.data_dir)
        if len(key) < _SHORTEST_KEY:
            raise HubError(
                Reason.CONFLICT, f"HUB_SECRET_KEY must have at least {_SHORTEST_KEY} characters"
            )
        return key

    def vault(self) -> Vault:
        """What seals and opens, with the keys there are. Raises HubError as `key`."""
        return Vault(self.key(), self.secret_key_old.split())

    def held_key(self) -> str | None:
        """The secret key where there is one; none is made."""
        if self.secret_key or (self.data_dir / "secret.key").exists():
            return self.key()
        return None

    def egress(self) -> list[str]:
        """The allowlist as entries."""
        return [entry.strip() for entry in self.egress_allowlist.split(",") if entry.strip()]


def load_settings() -> Settings:
    """The settings of this process.

    Raises:
        HubError: a …_FILE that cannot be read.
    """
    for name in _FROM_FILE:
        path = os.environ.get(f"{name}_FILE")
        if path and not os.environ.get(name):
            try:
                os.environ[name] = Path(path).read_text("utf-8").strip()
            except OSError as error:
                raise HubError(Reason.CONFLICT, f"{name}_FILE cannot be read") from error
    return Settings()


def _kept_key(data_dir: Path) -> str:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / "secret.key"
    made = path.with_name(f"secret.key.{os.getpid()}")
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    # Written whole under another name, then linked: two first starts at once end with one key.
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return path.read_text("ascii").strip()
