"""An installation looked through: configuration, workflows and surveys, each mistake found once, said in one sentence.

Whoever checks anything asks here, so `config check`, `validate`, `import`, `serve` and `doctor` cannot say two things
of one mistake.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from connector.checks.known import NOTHING_KNOWN, KnownHere
from connector.checks.names import unknown_brand, unknown_names, unsent_reminders
from connector.checks.told_fields import told_fields
from connector.config.file import Config
from connector.definitions import Files, Found, parse_survey, read_files
from connector.feedback.messaging.brands import read_brands
from connector.feedback.messaging.style.readability import unreadable_colours
from connector.feedback.messaging.translations import Catalogues
from connector.feedback.surveys import files as survey_files
from connector.feedback.surveys.checks.customer_facts import facts_read
from connector.feedback.surveys.model import Survey
from connector.vendors.base import Vendors
from connector.vendors.clients import Connections
from connector.vendors.emitted_types import emitted_types
from connector.vendors.registry import VENDORS
from workflows import schema
from workflows.definitions import Workflow
from workflows.errors import DefinitionError, Mistake
from workflows.lint import undeclared

Bodies = Mapping[str, str]


class Examiner:
    """What a configuration, and what is ``known`` here, say about files."""

    def __init__(self, config: Config, vendors: Vendors = VENDORS, known: KnownHere = NOTHING_KNOWN) -> None:
        self._config, self._vendors, self._known = config, vendors, known
        self._told = told_fields(config, vendors, known.facts.names)
        self._emitted = emitted_types(config, vendors)
        self._catalogues, self._wrong_words = _catalogues(config)

    def configuration(self) -> tuple[Mistake, ...]:
        """Mistakes in the connections, the brands and the house's own catalogues of words."""
        connections = Connections(self._config, vendors=self._vendors).check()
        return (*connections, *_of_brands(self._config), *self._wrong_words)

    def workflow(self, text: str, source: str) -> Workflow:
        """The workflow in a text. Raises DefinitionError with every mistake in it."""
        workflow = schema.load(text, source)
        if mistakes := tuple(self.in_workflow(workflow)):
            raise DefinitionError(source, mistakes)
        return workflow

    def survey(self, text: str, source: str) -> Survey:
        """The survey in a text. Raises DefinitionError with every mistake in it."""
        survey = parse_survey(self._catalogues, text, source)
        if mistakes := tuple(self.in_survey(survey)):
            raise DefinitionError(source, mistakes)
        return survey

    def everything(self) -> Found:
        """The configuration, its folders, and what lies between them."""
        workflows = read_files(self._config.workflows, self.workflow)
        surveys = read_files(self._config.surveys, self.survey)
        known = {**survey_files.built_in(), **surveys.bodies}
        wrong = (*workflows.mistakes, *surveys.mistakes)
        return Found(workflows.bodies, known, wrong, (*self.configuration(), *self._between(workflows, known)))

    @cached_property
    def _surveys(self) -> frozenset[str]:
        """Those that can be sent: built in, in force, or in the folder, also where their files are wrong."""
        own = read_files(self._config.surveys, survey_files.parse)
        return self._known.surveys.union(survey_files.built_in(), own.bodies, own.names)

    def in_any(self, read: Workflow | Survey) -> Iterator[Mistake]:
        """What the rest of the installation makes a mistake in it."""
        return self.in_workflow(read) if isinstance(read, Workflow) else self.in_survey(read)

    def in_workflow(self, workflow: Workflow) -> Iterator[Mistake]:
        """What the rest of the installation makes a mistake in it."""
        yield from unknown_names(workflow, self._config, self._surveys)
        yield from self._emitted.unheard(workflow) if self._emitted else ()
        yield from undeclared(workflow)
        yield from self._told.untold(workflow)

    def in_survey(self, survey: Survey) -> Iterator[Mistake]:
        """What the rest of the installation makes a mistake in it."""
        yield from unknown_brand(survey, self._config)
        for path, names in facts_read(survey).items():
            for name in sorted(names):
                yield from self._told.of_customer(path, name)

    def _between(self, workflows: Files, surveys: Bodies) -> Iterator[Mistake]:
        if self._config.workflows is not None and not workflows.mistakes:
            yield from unsent_reminders(surveys, [schema.load(body, slug) for slug, body in workflows.bodies.items()])


def _catalogues(config: Config) -> tuple[Catalogues, tuple[Mistake, ...]]:
    """Where the house's own cannot be read, the product's alone."""
    try:
        return Catalogues(config.translations), ()
    except DefinitionError as error:
        return Catalogues(), error.mistakes


def _of_brands(config: Config) -> Iterator[Mistake]:
    try:
        brands = read_brands(config.brands)
    except DefinitionError as error:
        yield from error.mistakes
        return
    for brand in brands.values():
        yield from unreadable_colours(brand)
