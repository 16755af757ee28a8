"""Secrets that are made when none is set, and kept beside the other data."""

from __future__ import annotations

import secrets
from pathlib import Path

from github_store import ConfigurationError, make_private_directory, write_private_file

FILE_NAME = "api-token"
HOOK_SECRET_NAME = "webhook-secret"  # noqa: S105 - a file's name


def kept_token(data_dir: Path, *, name: str = FILE_NAME) -> str:
    """The secret of that name in the directory, made on the first call, for its owner's eyes only.

    Raises ConfigurationError where the directory cannot be read or written.
    """
    path = data_dir / name
    try:
        make_private_directory(data_dir)
        if path.exists() and (token := path.read_text(encoding="ascii").strip()):
            return token
        token = secrets.token_urlsafe(24)
        write_private_file(path, f"{token}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"DATA_DIR: {path} cannot be used: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"DATA_DIR: {path} holds no token: remove the file") from None
    return token
