"""``ringback provision zendesk CONNECTION --app FILE``: the sidebar app, packed for this house."""

from __future__ import annotations

from pathlib import Path

import click

from connector.cli.common.context import BadInputError, read_config, read_settings
from integrations.zendesk.sidebar.packing import PackError, pack

app_option = click.option(
    "--app", "app_file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="Only pack the sidebar app for this house into FILE, a zip to upload in Zendesk's Admin Center.",
)  # fmt: skip


def pack_app(connection: str, file: Path) -> None:
    """Write the app's zip and say what to do with it. Raises BadInputError."""
    settings = read_settings()
    config = read_config(settings)
    if connection not in {each.name for each in config.of_kind("zendesk")}:
        known = ", ".join(each.name for each in config.of_kind("zendesk")) or "none"
        raise BadInputError(f"CONNECTION: {connection!r} is no connection of kind zendesk (known: {known}).")
    try:
        content = pack(settings.base_url, connection)
    except PackError as error:
        raise BadInputError("\n".join(error.mistakes)) from error
    _write(file, content)
    click.echo(f"Packed the sidebar app for {settings.base_url}, connection {connection!r}, into {file}.")
    click.echo("Upload it in Zendesk: Admin Center, Apps and integrations, Zendesk Support apps, Upload private app.")
    click.echo("It asks for a token: ringback token create zendesk-sidebar --scope agent")


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise BadInputError(f"--app: {file} cannot be written ({error.strerror}).") from error
