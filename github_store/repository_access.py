"""What a credential is for the repository it may write to, asked once at the start."""

from __future__ import annotations

from dataclasses import dataclass

from github_store.api_address import address_remedy
from github_store.errors import AccessLost, ConfigurationError, NotTheApi
from github_store.folder_name import folder_name
from github_store.gateway import Gateway, Reply

_SCOPES = frozenset({"repo", "public_repo"})


@dataclass(frozen=True, slots=True)
class Access:
    """What a credential is for the repository it may write to."""

    own_login: str
    repository_key: str
    """The repository's id, or its name on servers that give none: a part of a folder's name."""


async def check_access(gateway: Gateway) -> Access:
    """Raises ConfigurationError where the repository cannot be seen and written, and NotTheApi
    where something else answers."""
    repository_key = await check_repository(gateway)
    try:
        return Access(await gateway.own_login(), repository_key)
    except AccessLost as error:
        raise _wrong_credential(gateway, error) from None


async def check_repository(gateway: Gateway) -> str:
    """The repository's key, see Access. Raises ConfigurationError where it cannot be seen and
    written, and NotTheApi where something else answers."""
    name = gateway.repository_name
    try:
        reply = await gateway.request("GET", gateway.repository)
    except AccessLost as error:
        raise _wrong_credential(gateway, error) from None
    if not reply.ok:
        if not reply.message:  # GitHub says "Not Found" in JSON: this is some website's page
            raise NotTheApi(f"what GitHub at {gateway.api_url} answers is no JSON ({reply.status})")
        remedy = address_remedy(gateway.api_url)
        hint = f" ({remedy})" if "GITHUB_API_URL" in remedy else ""
        raise ConfigurationError(
            f"GITHUB_REPOSITORY: {name} does not exist at {gateway.api_url}, or the token may not "
            f"see it{hint}"
        )
    _check_rights(reply, name, gateway.credential_name)
    # As GitHub spells it now: its issues name the repository they are of.
    gateway.repository_name = reply.data.get("full_name") or name
    return folder_name(str(reply.data.get("id") or gateway.repository_name))


def _wrong_credential(gateway: Gateway, error: AccessLost) -> ConfigurationError:
    return ConfigurationError(f"{error.setting or gateway.credential_name}: {error}")


def _check_rights(reply: Reply, name: str, credential_name: str) -> None:
    """What the repository's own description tells; fine-grained permissions show on use only."""
    if not reply.data.get("has_issues", True):
        raise ConfigurationError(f"GITHUB_REPOSITORY: issues are switched off in {name}")
    if reply.data.get("archived"):
        raise ConfigurationError(f"GITHUB_REPOSITORY: {name} is archived, nothing can be written")
    permissions = reply.data.get("permissions")
    if isinstance(permissions, dict) and permissions.get("push") is False:
        raise ConfigurationError(f"{credential_name}: its account has no write access to {name}")
    scopes = {each.strip() for each in reply.headers.get("x-oauth-scopes", "").split(",")} - {""}
    if scopes and not scopes & _SCOPES:
        raise ConfigurationError(
            f"{credential_name}: needs the scope repo (or public_repo) for {name}"
        )
