"""/services/data/vNN.0: the Metadata API's deployments, the Tooling API's fields, and who holds a permission set."""

from __future__ import annotations

import json

from flask import Blueprint, Response, g, jsonify, request
from flask.typing import ResponseReturnValue

from sandbox.salesforce import soql
from sandbox.salesforce.errors import api_error, not_found
from sandbox.salesforce.org import Org
from sandbox.salesforce.setup_objects import check_assignment, custom_field_object

_BASE = "/services/data/v<version>"
_NO_METADATA = "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"


def setup_routes(blueprint: Blueprint, org: Org) -> None:
    """Add the routes of the set-up. They come before those of records, whose kinds could be anything."""
    _deployments(blueprint, org)
    _tooling(blueprint, org)
    _assignments(blueprint, org)


def _deployments(blueprint: Blueprint, org: Org) -> None:
    def admit() -> None:
        if g.user_id not in org.deployers:
            raise api_error(403, "INSUFFICIENT_ACCESS", _NO_METADATA)

    @blueprint.post(f"{_BASE}/metadata/deployRequest")
    def deploy(version: str) -> ResponseReturnValue:
        admit()
        options = json.loads(request.form.get("json", "{}")).get("deployOptions")
        file = request.files.get("file")
        if options is None or file is None:
            raise api_error(400, "INVALID_MULTIPART_REQUEST", "the parts json and file are needed")
        made = org.deployments.start(file.read(), options, g.user_id)
        url = f"{org.access.base_url}/services/data/v{version}/metadata/deployRequest/{made.id}"
        return jsonify(id=made.id, url=url, deployOptions=options, validationResult=None, deployResult=None), 201

    @blueprint.get(f"{_BASE}/metadata/deployRequest/<deployment_id>")
    def look(version: str, deployment_id: str) -> Response:
        admit()
        result = org.deployments.look(deployment_id)
        if result is None:
            raise not_found()
        if request.args.get("includeDetails") != "true":
            result = {**result, "details": None}
        return jsonify(id=deployment_id, deployResult=result)


def _tooling(blueprint: Blueprint, org: Org) -> None:
    @blueprint.get(f"{_BASE}/tooling/query/")
    def tooling(version: str) -> Response:
        fields = custom_field_object()
        known = {"customfield": fields}
        asked = soql.parse(request.args.get("q", ""), lambda name: known.get(name.lower()))
        rows = soql.run(asked, list(org.deployments.custom_fields()))
        found = [{name: row[name] for name in asked.fields or ()} for row in rows]
        shown = [{"attributes": {"type": fields.name}, **row} for row in found]
        return jsonify(size=len(rows), totalSize=len(rows), done=True, queryLocator=None, records=shown)


def _assignments(blueprint: Blueprint, org: Org) -> None:
    path = f"{_BASE}/sobjects/PermissionSetAssignment"

    @blueprint.post(path)
    def assign(version: str) -> ResponseReturnValue:
        given = request.get_json(force=True)
        check_assignment(org.setup, given)
        row = org.setup.create("PermissionSetAssignment", given, g.user_id)
        return jsonify(id=row["Id"], success=True, errors=[]), 201

    @blueprint.delete(f"{path}/<record_id>")
    def unassign(version: str, record_id: str) -> ResponseReturnValue:
        org.setup.delete("PermissionSetAssignment", record_id, g.user_id)
        return "", 204
